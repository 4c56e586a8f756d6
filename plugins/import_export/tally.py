"""What became of the rows of a chunk, counted and told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category
from uuid import UUID

from plugins.import_export import journal
from plugins.import_export.formulas import restored
from plugins.import_export.journal import Fate, Former
from plugins.import_export.lost import Lost
from plugins.import_export.mapping.shaping import References
from plugins.import_export.persons import USER
from plugins.import_export.plan import OWN, Plan
from plugins.import_export.waiting import Place
from sdk import Context, Problem, Refusal, Text, _
from sdk.context import Row
from sdk.fields import ChoiceField

WARNED, LONGEST = "warned", 20_000
HEADINGS, TOTALS, REMARK = NO_RECORDS = ("headings", "totals", "remark")
"""Why rows are left out without anything being amiss."""
FATES = ("created", "updated", "unchanged", "skipped", "failed")
COUNTS = (*FATES, WARNED)
WHO = _("map {value!r} to one of your users (value), or leave the column out and set one user for all rows (map, set)")
WHICH = _("import that record first, map {value!r} to one that is there (value), or leave the column out (map)")
type_row = tuple[int, Sequence[str]]
"""The number of a row, and its cells."""


@dataclass
class Tally:
    """How many rows had which outcome, and those that were not taken or taken with a warning (which count as both)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rows: list[dict[str, object]] = field(default_factory=list)
    deferred: list[type_row] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    """Of chunks in which rows were put off the number of the first row, and its place."""
    fates: list[Fate] = field(default_factory=list)
    former: dict[int, Former] = field(default_factory=dict)

    def take(self, fate: Fate, former: Former | None = None) -> None:
        """A row that was taken."""
        self.counts[journal.LETTERS[fate.letter]] += 1
        self.fates.append(fate)
        if former is not None:
            self.former[fate.number] = former


@dataclass(frozen=True)
class Origin:
    """What rows are of: their import, the sheet that they stand in, and the fields that name records of their kind."""

    id: UUID
    sheet: str
    entity: str
    names: Sequence[str]
    lost: Lost


class Teller:
    """Tells in the words of the file why a row was not taken, or what one is warned of."""

    def __init__(self, ctx: Context, plan: Plan, of: Origin | None = None) -> None:
        self.ctx, self.plan, self.of = ctx, plan, of

    def fail(self, tally: Tally, row: type_row, problems: Sequence[Problem]) -> None:
        """A row with mistakes, the first of which names its column."""
        more = self.of.lost.told(problems, self.of.id) if self.of is not None else ()
        missing = [one for one in problems if one.code == "no_such_record" and "target" in one.params and one.field != OWN]
        who = [Problem("", "unknown_person", WHO, one.params) for one in missing if one.params["target"] == USER][:1]
        told = who or more or any("nearest" in one.params for one in missing)  # what is nearest says what to do
        which = [] if told else [Problem("", "unknown_record", WHICH, one.params) for one in missing][:1]
        self.leave(tally, row, "failed", problems[0], [*problems[1:], *more, *who, *which])

    def leave(self, tally: Tally, row: type_row, outcome: str, problem: Problem, more: Sequence[Problem] = ()) -> None:
        """A row that was skipped or failed, or of which one is warned."""
        number, cells = row
        tally.counts[outcome] += 1
        if self.of is not None and outcome != WARNED and problem.code not in NO_RECORDS:
            self.of.lost.note(self.of.entity, (self.of.id, self.of.sheet), number, self._names(cells))
        if outcome in journal.LETTER_OF:
            tally.fates.append(Fate(number, journal.LETTER_OF[outcome]))
        tally.rows.append({"number": number, "outcome": outcome, **_kept(cells, [self._told(cells, one) for one in (problem, *more)])})

    def beside(self, row: Row, problems: Sequence[Problem]) -> dict[str, object]:
        """What is to stand of a row of which something is told already: that, and these problems."""
        cells = journal.read_cells(row["cells"])[0] or []
        return _kept(cells, [*journal.problems_of(row), *(self._told(cells, one) for one in problems)])

    def _names(self, cells: Sequence[str]) -> Sequence[str]:
        """What others call the record of a row: by its names, or by the id of another system."""
        assert self.of is not None, "only rows of an import bring records"
        alone = [[cell] for cell in cells]
        made = [maker(alone, 1)[0] for name, maker in self.plan.made.items() if name in self.of.names]
        places = [self.plan.external, *(self.plan.columns.get(name) for name in self.of.names)]
        return restored([*made, *(cells[at].strip() for at in places if at is not None and at < len(cells))])

    def _told(self, cells: Sequence[str], problem: Problem) -> dict[str, object]:
        made, nearest = self.plan.made.get(problem.field), problem.params.get("nearest")
        at, heading = made.said_in(cells) if isinstance(made, References) else (self.plan.place_of(problem.field), "")
        value = cells[at] if at is not None and at < len(cells) else problem.params.get("value")
        return {
            "column": (heading or self._column(problem))[:200] or None,
            "value": _shown(value),
            "code": problem.code,
            "reason": self._reason(problem)[:LONGEST],
            "nearest": None if nearest is None else str(nearest)[:255],
        }

    def _column(self, problem: Problem) -> str:
        return self.plan.headings.get(problem.field, problem.field)

    def _reason(self, problem: Problem) -> str:
        params, target = problem.params, str(problem.params.get("target", ""))
        if target and self.ctx.offers(target):  # people know kinds of records by what they are called
            params = {**params, "target": self.ctx.say(self.ctx.entity(target).label)}
        if problem.code == "unknown_choice" and isinstance(
            field := self.plan.fields.get(problem.field), ChoiceField
        ):  # as they may write it
            params = {**params, "options": ", ".join(self.ctx.say(label) for label in field.options.values())}
        return self.ctx.say(problem.message, params)


def _kept(cells: Sequence[str], told: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """What is told of a row, as it is kept."""
    reasons = [str(told[0]["reason"]), *(f"{one['column'] or ''}: {one['reason']}".removeprefix(": ") for one in told[1:])]
    kept = cells if len(told) == 1 else {"cells": cells, "problems": told}
    # As JSON, which writes down what no text field takes.
    return {**told[0], "reason": "; ".join(reasons)[:LONGEST], "cells": json.dumps(kept)}


def problem_of(refusal: Refusal) -> Problem:
    """A refusal that names no field."""
    return Problem("", refusal.reason, Text(refusal.message), refusal.params)


def _shown(value: Any) -> str | None:
    """A cell as it stood in the file, without what a text field refuses."""
    return printable(str(value))[:255].strip() or None if value is not None else None


def listed(names: Iterable[str]) -> str | None:
    """Headings that lead nowhere, as text that a field takes: no file fails for what is left out of it."""
    return printable(", ".join(names))[:LONGEST] or None


def printable(text: str) -> str:
    """In one line, without what a text field refuses."""
    return "".join(sign if sign.isprintable() or category(sign) == "Zs" else " " if sign in "\t\n\r" else "\ufffd" for sign in text)
