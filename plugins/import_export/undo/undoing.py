"""Undoing an import, part by part from the last to the first; what was done by a killed run is not done again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from plugins.import_export.external import give_back
from plugins.import_export.imports import HISTORY as HISTORY_RIGHT
from plugins.import_export.journal import IMPORT, PART, ROW, Fate, Former, read_former, read_rows, read_undone, seen
from plugins.import_export.sheets import WORKBOOK, children, summed_up
from plugins.import_export.undo.state import Finding, Since, find_out
from sdk import BadRequest, Channel, Condition, Conflict, Context, Draft, Outcome, Query, Refusal, _, where
from sdk.changes import HISTORY, UNDO
from sdk.context import SILENT, Row, id_of
from sdk.pages import worded

ENDED = ("succeeded", "partial", "empty", "failed", "cancelled", "partly_undone")
_CODE = "conflict"
SHEET_BY_SHEET = _("rows are undone sheet by sheet: choose the sheet’s import")


def permit_undo(ctx: Context, id: UUID) -> Row:
    """The import as its owner may see it; raises NotFound, Conflict for one that has not ended or wrote nothing."""
    record = seen(ctx, id)
    if record["dry_run"]:
        raise Conflict(_("a dry run writes nothing, so there is nothing to undo"), code="dry_run")
    if record["state"] in ("waiting", "running"):
        raise Conflict(_("the import hasn’t ended; cancel it first"), code="running")
    if record["entity"] == WORKBOOK:
        return record
    written = int(str(record["created"])) + int(str(record["updated"]))
    if written and not ctx.as_system().records(PART).find(where(**{"import": id}), 1):
        raise Conflict(_("the import has no journal, so it can’t be undone"), code="no_journal")
    return record


def begin_undo(ctx: Context, record: Row) -> Row:
    """Say that it is being undone; one that is undone already stays so."""
    if record["state"] not in ENDED:
        return record
    return ctx.as_system().records(IMPORT).update(id_of(record), {"state": "undoing"}, act="undo")


def carry_out(ctx: Context, record: Row, rows: Collection[int] = ()) -> Row:
    """Undo all rows, or these; returns the import with its new state and counts."""
    if record["entity"] != WORKBOOK:
        return _Undoing(ctx, record, frozenset(rows)).carry_out()
    if rows:
        raise BadRequest(SHEET_BY_SHEET)
    for child in reversed(children(ctx, id_of(record))):  # what links to others goes first
        if child["state"] != "undone":
            _Undoing(ctx, begin_undo(ctx, child), frozenset()).carry_out()
    return summed_up(ctx, record)


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side of `POST /imports/{id}/undo`: at least once, and each row once."""
    id = UUID(str(arguments["import"]))
    record = ctx.as_system().records(IMPORT).values([id]).get(id)
    if record is not None and record["state"] == "undoing":
        carry_out(ctx, record, cast("list[int]", arguments["rows"]))


@dataclass
class _Step:
    """A row that is to be taken back, and what is found out about its record."""

    fate: Fate
    finding: Finding = field(default_factory=Finding)
    draft: Draft | None = None
    made: int = 0
    """The version that taking it back has made; 0 while nothing is written, or where nothing has to be."""


class _Undoing:
    def __init__(self, ctx: Context, record: Row, rows: frozenset[int]) -> None:
        ctx = ctx.because(SILENT) if record["silent"] else ctx  # of what came unheard nobody hears that it goes
        self.ctx, self.system, self.rows = ctx.over(Channel.IMPORT), ctx.as_system(), rows
        self.id, self.entity = id_of(record), str(record["entity"])
        self.records = self.ctx.records(self.entity)
        self.seen = self.records.fields()
        history = bool(json.loads(str(record["wish"] or "{}")).get("history")) and any(one.historic for one in self.seen.values())
        self.act = HISTORY if history and ctx.can(HISTORY_RIGHT) else UNDO
        """What came in as history goes as it came, by who has the right to it."""

    def carry_out(self) -> Row:
        parts, imports = self.system.records(PART), self.system.records(IMPORT)
        for id in reversed(list(self._parts())):
            with self.ctx.transaction(write=True):
                self.ctx.lock(f"import_export.undo:{self.id}")
                self._undo(parts.values([id])[id])
        with self.ctx.transaction(write=True):
            conflicts = self._conflicts()
            record = imports.values([self.id], hold=True)[self.id]
            taken = int(str(record["created"])) + int(str(record["updated"]))
            state = "undone" if not conflicts and int(str(record["undone"])) >= taken else "partly_undone"
            return imports.update(self.id, {"state": state, "conflicts": conflicts}, act="undo")

    def _parts(self) -> Iterator[UUID]:
        """The parts in the order of their making, by id and without their text."""
        mine, cursor = where(**{"import": self.id}), cast("str | None", "")
        while cursor is not None:
            page = self.system.records(PART).query(Query(mine, sort=("created_at",), fields=("first",), limit=500, cursor=cursor))
            yield from (UUID(str(row["id"])) for row in page.data)
            cursor = page.next

    def _conflicts(self) -> int:
        rows = self.system.records(ROW).aggregate(("count",), filter=where(**{"import": self.id}, outcome=_CODE))
        return int(str(rows[0]["count"])) if rows else 0

    def _undo(self, part: Row) -> None:
        done = read_undone(part)
        if not self.rows:
            same = [fate.id for fate in read_rows(part) if fate.letter == "n" and fate.id is not None]
            give_back(self.ctx, self.entity, same, self.id, gone=False)
        fates = [fate for fate in read_rows(part) if fate.letter in "cu" and fate.number not in done]
        steps = [_Step(fate) for fate in fates if fate.id is not None and (not self.rows or fate.number in self.rows)]
        if not steps:
            return
        finished: dict[int, int] = {}
        for wave in _waves(steps):
            self._look(wave, read_former(part), finished)
            self._write(wave)
            finished |= {step.fate.number: step.made for step in wave if step.finding.problem is None}
        parts, imports = self.system.records(PART), self.system.records(IMPORT)
        if finished:
            parts.update(id_of(part), {"undone": json.dumps({**done, **finished})}, act="undo")
            now = imports.values([self.id], hold=True)[self.id]
            imports.update(self.id, {"undone": int(str(now["undone"])) + len(finished)}, act="undo")
        self._tell(steps)

    def _look(self, steps: Sequence[_Step], former: Mapping[int, Former], finished: Mapping[int, int]) -> None:
        """What is to be written for each, or why nothing is."""
        found = find_out(self.ctx, Since(self.id, former, finished), self.entity, [step.fate for step in steps])
        seen = self.records.reached([step.fate.id for step in steps if step.fate.id is not None])
        for step in steps:
            step.finding = found[step.fate.number]
            finding, id = step.finding, step.fate.id
            if id not in seen and finding.there:
                step.finding = finding = Finding(problem=("not_seen", self.ctx.say(_("you no longer have access to this record"))))
            if finding.problem is not None and not finding.values:
                continue
            if not finding.there:
                continue
            if step.fate.letter == "c":
                step.draft = Draft("delete", {}, id, expected_version=finding.version, act=self.act)
            elif finding.values:
                step.draft = Draft("update", finding.values, id, expected_version=finding.version)

    def _write(self, steps: Sequence[_Step]) -> None:
        asked = [step for step in steps if step.draft is not None]
        outcomes = self.records.write([step.draft for step in asked if step.draft is not None]) if asked else []
        gone = list[UUID]()
        for step, outcome in zip(asked, outcomes, strict=True):
            if outcome.refusal is not None:
                step.finding.refuse(outcome.refusal.reason, _said(self.ctx, outcome.refusal))
                continue
            step.made = _version(outcome, step.finding.version)
            if step.fate.letter == "c" and outcome.id is not None:
                gone.append(outcome.id)
        give_back(self.ctx, self.entity, gone, self.id, gone=True)
        kept = [step.fate.id for step in steps if step.fate.letter == "u" and step.fate.id is not None and step.finding.problem is None]
        give_back(self.ctx, self.entity, kept, self.id, gone=False)

    def _tell(self, steps: Sequence[_Step]) -> None:
        """Conflicts as rows of the import; those of an earlier try are brought up to date or go."""
        rows, numbers = self.system.records(ROW), tuple(step.fate.number for step in steps)
        before = dict[int, Row]()
        for start in range(0, len(numbers), 500):
            wanted = (*where(**{"import": self.id}, outcome=_CODE), Condition("number", "in", numbers[start : start + 500]))
            before |= {int(str(row["number"])): row for row in rows.find(wanted, 500)}
        drafts = list[Draft]()
        for step in steps:
            there = before.get(step.fate.number)
            if step.finding.problem is None:
                drafts += [Draft("delete", {}, id_of(there), act="undo")] if there is not None else []
                continue
            code, reason = step.finding.problem
            names = ", ".join(name for name in step.finding.names if name in self.seen)
            values = {"code": code[:60], "reason": reason[:20_000], "column": names[:200] or None}
            if there is None:
                drafts.append(Draft("create", {"import": self.id, "number": step.fate.number, "outcome": _CODE, **values}, act="undo"))
            else:
                drafts.append(Draft("update", values, id_of(there), act="undo"))
        rows.write_all(drafts)


def _waves(steps: Sequence[_Step]) -> Iterator[list[_Step]]:
    """From the last row to the first, no record twice in one wave: a later change of a record is undone before an earlier one."""
    left = sorted(steps, key=lambda step: step.fate.number, reverse=True)
    while left:
        seen, wave, later = set[UUID | None](), list[_Step](), list[_Step]()
        for step in left:
            (later if step.fate.id in seen else wave).append(step)
            seen.add(step.fate.id)
        yield wave
        left = later


def _version(outcome: Outcome, before: int) -> int:
    return before if outcome.row is None else int(str(outcome.row["version"]))


def _said(ctx: Context, refusal: Refusal) -> str:
    return "; ".join(
        [
            ctx.say(refusal.message, worded(ctx, refusal.params)),
            *(f"{one.field}: {ctx.say(one.message, worded(ctx, one.params))}" for one in refusal.problems),
        ]
    )
