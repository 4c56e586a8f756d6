"""One import, chunk by chunk through the write door; a killed run goes on where it was, with each row once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from plugins.import_export import journal
from plugins.import_export.files import Sheet
from plugins.import_export.journal import Fate, Former
from plugins.import_export.plan import Plan, Wish, read_columns
from sdk import Alike, Channel, Condition, Context, Draft, Outcome, Problem, Refusal, Stale, Text, _
from sdk.context import LIKELY_DUPLICATE, SILENT, Row, id_of
from sdk.fields import Flaw, LinkField

CHUNK = 2000
WARNED = "warned"
FATES = ("created", "updated", "unchanged", "skipped", "failed")
COUNTS = (*FATES, WARNED)
type_row = tuple[int, Sequence[str]]
type_chunk = tuple[Sequence[type_row], Mapping[str, Sequence[object]], Mapping[str, Sequence[Flaw]]]
"""Rows with what stands in them by field, and what is wrong there."""


@dataclass
class Tally:
    """How many rows had which outcome, and those that were not taken or taken with a warning (which count as both)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rows: list[dict[str, object]] = field(default_factory=list)
    deferred: list[type_row] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    former: dict[int, Former] = field(default_factory=dict)
    parts: list[Draft] = field(default_factory=list)
    """Of the journal, those that wait to be written."""


class _DryRunEnds(Exception):
    pass


class Run:
    """An import of a file whose record exists."""

    def __init__(self, ctx: Context, record: Row, wish: Wish, plan: Plan, file: Sheet) -> None:
        self.ctx, self.wish, self.plan, self.file = ctx.over(Channel.IMPORT), wish, plan, file
        if wish.silent:
            self.ctx = self.ctx.because(SILENT)
        self.id, self.version = id_of(record), int(str(record["version"]))
        self.done = int(str(record["position"]))
        self.total = {name: int(str(record[name])) for name in COUNTS}
        put_off = str(record["deferred"] or "")
        self._put_off = {int(number) for number in put_off.split(",") if number}
        self.records = self.ctx.records(wish.entity)
        self._fields = self.ctx.as_system().records(wish.entity).fields()
        self._began = self.ctx.now()
        self._before = sum(self.total[name] for name in FATES)
        self._self_links = [
            name for name, one in plan.fields.items() if isinstance(one, LinkField) and one.target == "self" and name in plan.columns
        ]

    def execute(self, step: Callable[[int], None] = lambda _count: None) -> dict[str, int]:
        """Import all rows; returns the counts. On a dry run everything is validated and nothing stays."""
        started = {} if self.done or self._put_off else {"started_at": self._began}
        ignored = ", ".join(self.plan.ignored) or None
        self._save({"state": "running", "ignored": ignored, "headings": json.dumps(self.file.headings), "total": self.plan.rows, **started})
        if self.wish.dry_run:
            tally = self._rehearse(step)
            self._keep(tally, {})
        else:
            self._for_real(step)
        self._save({"state": self._state(), "deferred": None, "ended_at": self.ctx.now(), "seconds_left": None})
        return self.total

    def _state(self) -> str:
        taken = self.total["created"] + self.total["updated"] + self.total["unchanged"]
        if not self.total["failed"] and not self.total["skipped"]:
            return "succeeded"
        return "partial" if taken or self.total["skipped"] else "failed"

    def _rehearse(self, step: Callable[[int], None]) -> Tally:
        whole, waiting = Tally(), list[type_row]()
        try:
            with self.ctx.transaction(write=True):
                for chunk in _chunks(self.file.rows()):
                    self._check_still_wanted()
                    self._gather(whole, self._chunk(self._read(chunk), last=False))
                    waiting += whole.deferred
                    whole.deferred = []
                    step(len(chunk))
                self._until_settled(waiting, lambda tally: self._gather(whole, tally))
                raise _DryRunEnds
        except _DryRunEnds:
            return whole

    def _check_still_wanted(self) -> None:
        """A dry run commits nothing by which it would find out that it was cancelled."""
        if self.ctx.as_system().records(journal.IMPORT).values([self.id])[self.id]["version"] != self.version:
            raise Stale(_("the import was cancelled, or another process has it"))

    def _gather(self, whole: Tally, part: Tally) -> None:
        """Of a dry run the journal is written down at once: as text a million rows take little room."""
        whole.parts += self._parts(part)
        part.fates, part.former = [], {}
        _add(whole, part)

    def _parts(self, tally: Tally) -> list[Draft]:
        return list(journal.drafts(self.id, self.wish.entity, self._fields, tally.fates, tally.former))

    def _for_real(self, step: Callable[[int], None]) -> None:
        waiting: list[type_row] = []
        chunks = self._fresh(waiting, step)
        following = next(chunks, None)
        while (chunk := following) is not None:
            with self.ctx.transaction(write=True):
                tally = self._chunk(chunk, last=False)
                following = next(chunks, None)  # while the database is writing
                waiting += tally.deferred
                self._keep(tally, {"position": chunk[0][-1][0], "deferred": _numbers(waiting)})
            step(len(chunk[0]))

        def commit(tally: Tally) -> None:
            self._keep(tally, {"deferred": _numbers(tally.deferred)})

        self._until_settled(waiting, commit)

    def _until_settled(self, waiting: list[type_row], keep: Callable[[Tally], None]) -> None:
        """Rows that wait for a parent in the same file: again and again while that helps, then they fail for good."""
        while waiting:
            with self.ctx.transaction(write=True):
                tally = Tally()
                for chunk in _chunks(iter(waiting)):
                    _add(tally, self._chunk(self._read(chunk), last=False))
                stuck = len(tally.deferred) == len(waiting)
                if stuck:
                    tally = Tally()
                    for chunk in _chunks(iter(waiting)):
                        _add(tally, self._chunk(self._read(chunk), last=True))
                keep(tally)
            waiting = tally.deferred

    def _fresh(self, waiting: list[type_row], step: Callable[[int], None]) -> Iterator[type_chunk]:
        """The chunks that no run before has written; their rows that wait for others go to `waiting`, the rest counts as a step."""
        for rows in _chunks(self.file.rows()):
            waiting += [row for row in rows if row[0] in self._put_off]
            fresh = [row for row in rows if row[0] > self.done]
            step(len(rows) - len(fresh))
            if fresh:
                yield self._read(fresh)

    # --- one chunk -----------------------------------------------------------------------------------------------

    def _read(self, rows: Sequence[type_row]) -> type_chunk:
        return rows, *read_columns(self.plan, [cells for _number, cells in rows])

    def _chunk(self, chunk: type_chunk, *, last: bool) -> Tally:
        tally = Tally()
        rows, values, flaws = chunk
        wrong: dict[int, list[tuple[str, Problem]]] = {}
        for name, found in flaws.items():
            for flaw in found:
                wrong.setdefault(flaw.row, []).append((name, Problem(name, flaw.code, flaw.message, flaw.params)))
        width = len(self.file.headings)
        drafts: list[tuple[int, dict[str, object]]] = []
        for index, (number, cells) in enumerate(rows):
            if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                problem = Problem(
                    "", "too_many_cells", _("has {got} cells, the headings are {expected}"), {"got": len(cells), "expected": width}
                )
                wrong.setdefault(index, []).append(("", problem))
            if index in wrong:
                self._fail(tally, number, cells, [problem for _name, problem in wrong[index]])
                continue
            drafts.append(
                (index, {**self.plan.fixed, **{name: column[index] for name, column in values.items() if column[index] is not None}})
            )
        for wave in self._waves(drafts):
            self._write(tally, rows, wave, last=last)
        return tally

    def _waves(self, drafts: list[tuple[int, dict[str, object]]]) -> Iterator[list[tuple[int, dict[str, object]]]]:
        """Rows with the same match values must see each other: the later ones go into a later wave."""
        if not self.plan.match:
            yield drafts
            return
        while drafts:
            seen: dict[tuple[object, ...], dict[str, object]] = {}
            wave, later = [], []
            for index, values in drafts:
                key = self._key(values)
                if None in key or key not in seen:
                    seen[key] = values
                    wave.append((index, values))
                else:
                    later.append((index, values))
            yield wave
            drafts = later

    def _key(self, values: dict[str, object]) -> tuple[object, ...]:
        return tuple(values.get(name) for name in self.plan.match)

    def _write(self, tally: Tally, rows: Sequence[type_row], wave: Sequence[tuple[int, dict[str, object]]], *, last: bool) -> None:
        there = self._existing([values for _index, values in wave]) if self.plan.match else {}
        alike = Alike.FORCE if self.wish.duplicates == "take" else Alike.REFUSE
        drafts: list[tuple[int, Draft]] = []
        for index, values in wave:
            number, cells = rows[index]
            found = there.get(self._key(values), []) if self.plan.match else []
            if len(found) > 1:
                self._fail(
                    tally, number, cells, [Problem(self.plan.match[0], "ambiguous", _("{count} records match"), {"count": len(found)})]
                )
            elif found and self.wish.mode == "create":
                self._leave(tally, number, "skipped", Problem(self.plan.match[0], "exists", _("there is such a record already")), cells)
            elif found:
                drafts.append((index, Draft("update", values, found[0], alike=alike)))
            elif self.wish.mode == "update":
                self._leave(tally, number, "skipped", Problem(self.plan.match[0], "no_match", _("no record matches")), cells)
            else:
                drafts.append((index, Draft("create", values, alike=alike)))
        outcomes = self.records.write([draft for _index, draft in drafts]) if drafts else []
        for (index, draft), outcome in zip(drafts, outcomes, strict=True):
            self._settle(tally, rows[index], draft, outcome, last=last)

    def _settle(self, tally: Tally, row: type_row, draft: Draft, outcome: Outcome, *, last: bool) -> None:
        if outcome.refusal is None:
            fate = "created" if draft.verb == "create" else "updated" if outcome.changed else "unchanged"
            tally.counts[fate] += 1
            tally.fates.append(Fate(row[0], journal.LETTER_OF[fate], outcome.id))
            if fate == "updated" and outcome.row is not None:
                tally.former[row[0]] = Former(int(str(outcome.row["version"])), outcome.before)
            if outcome.likely:
                self._leave(tally, row[0], WARNED, outcome.likely.warning, row[1])
            return
        problems = outcome.refusal.problems
        if outcome.refusal.reason == LIKELY_DUPLICATE:
            self._leave(tally, row[0], "skipped", _problem_of(outcome.refusal), row[1])
            return
        if not last and problems and all(p.code == "no_such_record" and p.field in self._self_links for p in problems):
            tally.deferred.append(row)
            return
        self._fail(tally, row[0], row[1], list(problems) or [_problem_of(outcome.refusal)])

    def _existing(self, wave: Sequence[dict[str, object]]) -> dict[tuple[object, ...], list[UUID]]:
        """Ids of the records that the match values name; one query for each 500 values of the first match field."""
        first = self.plan.match[0]
        wanted = list(dict.fromkeys(values[first] for values in wave if values.get(first) is not None))
        found: dict[tuple[object, ...], list[UUID]] = {}
        for start in range(0, len(wanted), 500):
            part = tuple(wanted[start : start + 500])
            for row in self.records.find((Condition(first, "in", part),), 100_000):
                found.setdefault(tuple(row.get(name) for name in self.plan.match), []).append(id_of(row))
        return found

    # --- what was not taken --------------------------------------------------------------------------------------

    def _fail(self, tally: Tally, number: int, cells: Sequence[str], problems: Sequence[Problem]) -> None:
        self._leave(tally, number, "failed", problems[0], cells, problems[1:])

    def _leave(self, tally: Tally, number: int, outcome: str, problem: Problem, cells: Sequence[str], more: Sequence[Problem] = ()) -> None:
        tally.counts[outcome] += 1
        if outcome in journal.LETTER_OF:
            tally.fates.append(Fate(number, journal.LETTER_OF[outcome]))
        at = self.plan.columns.get(problem.field)
        value = cells[at] if at is not None and at < len(cells) else problem.params.get("value")
        reasons = [self._reason(problem), *(f"{self.plan.headings.get(p.field, p.field)}: {self._reason(p)}" for p in more)]
        nearest = problem.params.get("nearest")
        tally.rows.append(
            {
                "number": number,
                "outcome": outcome,
                "column": self.plan.headings.get(problem.field, problem.field) or None,
                "value": _shown(value),
                "code": problem.code,
                "reason": "; ".join(reasons)[:20_000],
                "nearest": None if nearest is None else str(nearest)[:255],
                "cells": json.dumps(cells),  # as JSON, which writes down what no text field takes
            }
        )

    def _reason(self, problem: Problem) -> str:
        return self.ctx.say(problem.message, problem.params)

    def _keep(self, tally: Tally, more: dict[str, object]) -> None:
        """Counts and rows in the same transaction as the records: they can never disagree."""
        for name, count in tally.counts.items():
            self.total[name] += count
        with self.ctx.transaction(write=True):
            drafts = [Draft("create", {"import": self.id, **row}) for row in tally.rows]
            system = self.ctx.as_system()
            system.records(journal.ROW).write_all(drafts)
            system.records(journal.PART).write_all([*tally.parts, *self._parts(tally)])
            self._save({**self.total, **self._progress(), **more})

    def _progress(self) -> dict[str, object]:
        """How many rows are done, how fast it goes, and how long the rest will take at that rate."""
        done, seconds = sum(self.total[name] for name in FATES), (self.ctx.now() - self._began).total_seconds()
        rate = (done - self._before) / seconds if seconds > 0 else 0
        left = round((self.plan.rows - done) / rate) if rate else None
        return {"done": done, "rate": round(rate) or None, "seconds_left": left if left is None else max(left, 0)}

    def _save(self, values: dict[str, object]) -> None:
        """The version is checked: should another process have taken this import over, this one stops with nothing written."""
        row = self.ctx.as_system().records("import_export.import").update(self.id, values, expected_version=self.version, act="run")
        self.version = int(str(row["version"]))


def _chunks(rows: Iterator[type_row]) -> Iterator[list[type_row]]:
    chunk: list[type_row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _add(whole: Tally, part: Tally) -> None:
    for name, count in part.counts.items():
        whole.counts[name] += count
    whole.rows += part.rows
    whole.deferred += part.deferred
    whole.fates += part.fates
    whole.former |= part.former


def _numbers(rows: Sequence[type_row]) -> str | None:
    return ",".join(str(number) for number, _cells in rows) or None


def _shown(value: Any) -> str | None:
    """A cell as it stood in the file, without what a text field refuses."""
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value)) if value is not None else ""
    return text[:255].strip() or None


def _problem_of(refusal: Refusal) -> Problem:
    return Problem("", refusal.reason, Text(refusal.message), refusal.params)
