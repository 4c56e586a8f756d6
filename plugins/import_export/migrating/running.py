"""A migration: one import for each file that was recognised, all of them parts of one, which tells of all and is undone as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass
from typing import BinaryIO, cast
from uuid import UUID

from plugins.import_export import imports
from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.files import Reading
from plugins.import_export.imports import DIGEST, PERMISSION, UNDER_WAY, carry_out_sheet, fail, unseen
from plugins.import_export.journal import IMPORT, ROW, seen
from plugins.import_export.migrating.archive import opened
from plugins.import_export.migrating.external import ExternalIds
from plugins.import_export.migrating.people import People
from plugins.import_export.migrating.recognition import Found, importer_of, recognised
from plugins.import_export.migrating.translation import Translation
from plugins.import_export.migrating.unlinked import warn
from plugins.import_export.plan import ONLY_IF_EMPTY, Wish
from plugins.import_export.run import paced
from plugins.import_export.sheets import type_meter
from plugins.import_export.staging.files import touch
from plugins.import_export.tally import COUNTS
from plugins.import_export.undo import undoing
from sdk import BadRequest, Conflict, Context, NotFound, Refusal, Stale, _, where
from sdk.context import Row, id_of, shown
from sdk.permissions import FORCE
from sdk.transfer import PEOPLE

MIGRATION = "migration"
_FOUND_OUT = "found_out"
"""Beside what the import of a file was asked with: what else the migration is to report of it."""
FAR = ("done", "total", "rate", "seconds_left")
"""How far it is, in rows of theirs."""
SHOWN, MOST_PARTS, LONGEST_REPORT, LONGEST_REASON = 20, 500, 200_000, 500


@dataclass(frozen=True)
class Asked:
    """What the caller asked for: `owners` as 'Theirs=ours', `values` as 'plugin.entity.field:theirs=ours'."""

    file_name: str
    system: str = ""
    owners: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    dry_run: bool = False
    silent: bool = True
    dates: str = ""
    numbers: str = ""
    totals: str = "take"
    nothing: str = "values"
    reading: Reading = Reading()


def begin(ctx: Context, asked: Asked, digest: str = "") -> Row:
    """The record of a new migration, which the actor owns; `digest` as for any import. Raises Forbidden."""
    ctx.require(PERMISSION)
    for word in asked.values:
        _value(word)
    values = {
        "entity": MIGRATION, "file_name": asked.file_name[:255] or "-", "dry_run": asked.dry_run, "silent": asked.silent,
        "wish": json.dumps({"asked": asdict(asked), DIGEST: digest}),
    }  # fmt: skip
    return ctx.as_system().records(IMPORT).create(values, act="run")


def _value(word: str) -> tuple[str, str]:
    name, _colon, rest = word.partition(":")
    theirs, _equals, ours = rest.partition("=")
    if name.count(".") < 2 or not theirs or not ours:
        raise BadRequest(_("invalid {word!r}; use 'plugin.entity.field:theirs=ours'"), word=word[:200])
    return f"{name}:{theirs}", ours


def carry_out(ctx: Context, record: Row, asked: Asked, source: BinaryIO, meter: type_meter = unseen) -> Row:
    """Run a migration to its end, or on to its end where it was killed; one whose files do not fit fails with the reason, which is raised."""
    try:
        return _Migration(ctx, record, asked, meter).carry_out(source)
    except Stale:  # it was cancelled, or another process has it
        return ctx.as_system().records(IMPORT).values([id_of(record)])[id_of(record)]
    except Refusal as refusal:
        fail(ctx, id_of(record), refusal)
        raise


class _Migration:
    def __init__(self, ctx: Context, record: Row, asked: Asked, meter: type_meter) -> None:
        self.ctx, self.asked, self.meter, self.id = ctx, asked, meter, id_of(record)
        self.imports = ctx.as_system().records(IMPORT)
        self.values = dict(map(_value, asked.values))
        self.report: list[dict[str, object]] = []
        self.told = self.imports
        """The records as they are for others, whatever is being rehearsed."""
        self.done = self.total = 0
        """Rows of theirs, whatever becomes of them."""
        self._began, self._before = ctx.now(), 0

    def carry_out(self, source: BinaryIO) -> Row:
        now = self.told.values([self.id])[self.id]
        if now["state"] not in UNDER_WAY:
            raise Stale(_("the import was cancelled, or is handled by another process"))
        self._before = 0 if self.asked.dry_run else int(str(now["done"] or 0))  # passed over now, as a run before has done with them
        self.imports.update(self.id, {"state": "running", "started_at": now["started_at"] or self.ctx.now()}, act="run")
        with opened(source, self.asked.file_name, self.asked.reading) as (books, unread):
            importer = importer_of(self.ctx, self.asked.system, books)
            found, unknown = recognised(self.ctx, importer, books)
            people = People(self.ctx, self.asked.owners)
            for one in found:
                if one.source.entity == PEOPLE:
                    people.learn(one.source, one.sheet)
            files = [one for one in found if one.source.entity != PEOPLE]
            ids = ExternalIds(self.ctx, importer.key)
            sizes = [sum(1 for _row in one.sheet.rows()) for one in files]
            self.total = sum(sizes)
            self._far()
            if self.asked.dry_run:
                self._rehearse(files, sizes, ids, people)
            else:
                self._take(files, sizes, ids, people)
            unknown += [f"{name}: {self.ctx.say(refusal.message, refusal.params)}" for name, refusal in unread.items()]
        return self._end({"system": importer.full_key, "owners": people.told(), "unknown": unknown}, whole=not unread)

    def _rehearse(self, files: Sequence[Found], sizes: Sequence[int], ids: ExternalIds, people: People) -> None:
        """The real run, which is undone: later files find what earlier ones would have made, and its counts are the real ones."""
        with self.ctx.rehearsal() as trying:
            there = copy(self)
            there.ctx, there.imports = trying, trying.as_system().records(IMPORT)
            there._take(files, sizes, ExternalIds(trying, ids.system), people)

    def _take(self, files: Sequence[Found], sizes: Sequence[int], ids: ExternalIds, people: People) -> None:
        labels: list[str] = []
        done = 0
        for one, rows in zip(files, sizes, strict=True):
            label = one.label if one.label not in labels else f"{one.label} {labels.count(one.label) + 1}"
            labels.append(one.label)
            self._check_still_wanted()
            values = {
                word.removeprefix(f"{one.source.entity}."): ours
                for word, ours in self.values.items()
                if word.startswith(f"{one.source.entity}.")
            }
            translation = Translation(self.ctx, one.source, one.sheet, ids, people, values)
            child = self._one(one, label[:255], translation)
            done += rows
            self.done = done  # those, too, that are no rows of ours
            people.count(translation.met)
            self.report.append(self._told(one, child, translation))
            self._add_up()

    def _check_still_wanted(self) -> None:
        if self.told.values([self.id])[self.id]["state"] not in UNDER_WAY:
            raise Stale(_("the import was cancelled, or is handled by another process"))

    def _one(self, one: Found, label: str, translation: Translation) -> Row:
        """The import of one file, begun, gone on with, or ended already."""
        wish = self._wish(one, translation)
        there = self.imports.find(where(part_of=self.id, sheet=label), 1)
        with self.ctx.transaction(write=True):
            child = there[0] if there else imports.begin(self.ctx, wish)
            if not there:
                child = self.imports.update(id_of(child), {"part_of": self.id, "sheet": label}, act="run")
        translation.by = id_of(child)
        kept = json.loads(str(child["wish"]))
        if child["state"] in UNDER_WAY:
            child = self._carried_out(child, wish, translation)
        elif _FOUND_OUT in kept:
            translation.recall(kept[_FOUND_OUT])
            return child
        else:
            try:
                translation.read_through()
            except Refusal:  # it has failed for that reason; other files go on
                return child
        child = warn(self.ctx, child, translation)
        found_out = {"wish": json.dumps({**json.loads(str(child["wish"])), _FOUND_OUT: translation.found_out()})}
        return self.imports.update(id_of(child), found_out, act="run")

    def _carried_out(self, child: Row, wish: Wish, translation: Translation) -> Row:
        try:
            return carry_out_sheet(self.ctx, child, wish, translation.as_ours(), self._watched)
        except Refusal as refusal:
            if refusal.status in (409, 412):
                raise
            return self.imports.values([id_of(child)])[id_of(child)]  # it has failed with its reason; other files go on

    @contextmanager
    def _watched(self, rows: int) -> Iterator[Callable[[int], None]]:
        """The meter of one file, which tells of the whole, too."""
        with self.meter(rows) as step:

            def on(count: int) -> None:
                step(count)
                self.done += count
                self._far()

            yield on

    def _far(self) -> None:
        """Say how far it is by now."""
        far = paced(max(self.done, self._before), self._before, self.total, (self.ctx.now() - self._began).total_seconds())
        self.told.update(self.id, {"total": self.total, **far}, act="run")

    def _wish(self, one: Found, translation: Translation) -> Wish:
        entity, fields = one.source.entity, [taken.field for taken in translation.takes]
        match = tuple(name for name in one.source.match if name in fields)
        takes = self.ctx.can(f"{entity}.{FORCE}")
        return Wish(
            entity, one.file, mode="upsert" if match else "create", match=match, system=translation.ids.system,
            map=tuple(f"{name}={name}" for name in (*fields, *([EXTERNAL] if translation.names else []))),
            collision=tuple(f"{name}={ONLY_IF_EMPTY}" for name in fields) if match else (), duplicates="take" if takes else "skip",
            dates=self.asked.dates, numbers=self.asked.numbers, silent=self.asked.silent, totals=self.asked.totals, nothing=self.asked.nothing,
            apart=translation.names, history=translation.history,
        )  # fmt: skip

    def _told(self, one: Found, child: Row, translation: Translation) -> dict[str, object]:
        rows = self.ctx.as_system().records(ROW).find(where(**{"import": id_of(child)}), SHOWN)
        names = ("outcome", "column", "value", "code")
        problems = [
            {"row": row["number"], **{name: row[name] for name in names}, "reason": str(row["reason"] or "")[:LONGEST_REASON]}
            for row in rows
        ]
        return {
            "id": None if self.asked.dry_run else str(child["id"]), "file": one.file, "sheet": child["sheet"], "entity": one.source.entity,
            "state": child["state"], "reason": child["reason"], **{name: child[name] for name in COUNTS}, "known": translation.known,
            "left_out": translation.left_out, "loose": translation.loose, "ignored": translation.ignored, "problems": problems,
        }  # fmt: skip

    def _written(self, report: dict[str, object]) -> str:
        """The report as it is kept; of very many files first the problems go and then the headings, which each import still tells."""
        for short in ((), ("problems",), ("ignored",)):
            for one in self.report:
                one |= {name: [] for name in short}
            if len(text := json.dumps({"asked": asdict(self.asked), "report": report}, default=str)) <= LONGEST_REPORT:
                return text
        return json.dumps({"report": {**report, "imports": [], "unknown": []}}, default=str)

    def _add_up(self) -> None:
        self.told.update(self.id, self._counts(), act="run")
        self._far()

    def _counts(self) -> dict[str, object]:
        return {name: sum(int(str(one[name])) for one in self.report) for name in COUNTS}

    def _end(self, more: Mapping[str, object], *, whole: bool) -> Row:
        """`whole`: each file could be read. A table that no importer knows keeps nothing back: exports of all have a hundred of them."""
        counts = self._counts()
        taken = any(counts[name] for name in ("created", "updated", "unchanged", "skipped")) or any(one["known"] for one in self.report)
        failed = any(one["state"] not in ("succeeded", "empty") for one in self.report) or not whole
        state = "succeeded" if not failed and self.report else "partial" if taken else "failed"
        wish = self._written({**more, "imports": self.report})
        values = {**counts, "state": state, "ended_at": self.ctx.now(), "seconds_left": None, "wish": wish}
        return self.imports.update(self.id, values, act="run")


# --- told, undone, in the background ------------------------------------------------------------------------------------


def told(ctx: Context, id: UUID) -> dict[str, object]:
    """A migration with its imports; raises NotFound."""
    row = _seen(ctx, id)
    report = json.loads(str(shown(row, "wish") or "{}")).get("report", {})
    names = ("id", "file_name", "state", "dry_run", *COUNTS, "undone", "conflicts", *FAR, "reason", "started_at", "ended_at")
    return {
        **{name: shown(row, name) for name in names}, "system": report.get("system"), "imports": report.get("imports", []),
        "owners": report.get("owners", {"matched": {}, "unknown": {}}), "unknown": report.get("unknown", []),
    }  # fmt: skip


def _seen(ctx: Context, id: UUID) -> Row:
    row = ctx.records(IMPORT).values([id]).get(id)
    if row is None or shown(row, "entity") != MIGRATION:
        raise NotFound(_("record {id!r} does not exist"), id=str(id))
    return row


def begin_undo(ctx: Context, id: UUID) -> Row:
    """Say that a migration is being undone; raises NotFound, Conflict for one that has not ended."""
    _seen(ctx, id)
    row = seen(ctx, id)
    if row["dry_run"]:
        raise Conflict(_("a dry run writes nothing, so there is nothing to undo"), code="dry_run")
    if row["state"] in UNDER_WAY:
        raise Conflict(_("the import hasn’t ended; cancel it first"), code="running")
    return ctx.as_system().records(IMPORT).update(id, {"state": "undoing"}, act="undo")


def undo(ctx: Context, id: UUID) -> Row:
    """Undo all parts, the last one first: what links to others goes before them."""
    records = ctx.as_system().records(IMPORT)
    parts = records.find(where(part_of=id), MOST_PARTS)
    undone = conflicts = 0
    for part in reversed(parts):
        if part["state"] in UNDER_WAY:  # its process was killed, and nobody comes back to it
            part = imports.cancel(ctx, id_of(part))
        if part["state"] != "undone" and int(str(part["created"])) + int(str(part["updated"])):
            part = undoing.carry_out(ctx, undoing.begin_undo(ctx, undoing.permit_undo(ctx, id_of(part))))
        undone, conflicts = undone + int(str(part["undone"])), conflicts + int(str(part["conflicts"]))
    return records.update(id, {"state": "partly_undone" if conflicts else "undone", "undone": undone, "conflicts": conflicts}, act="undo")


def arguments(record: Row, asked: Asked, key: str) -> dict[str, object]:
    """What the job is asked with: names and JSON only."""
    return {"import": str(record["id"]), "asked": asdict(asked), "file": key}


def run_job(ctx: Context, said: Mapping[str, object]) -> None:
    """The background side of `POST /migrations`: at least once, and each row once."""
    id, key = UUID(str(said["import"])), str(said["file"])
    asked = _read_asked(cast("Mapping[str, object]", said["asked"]))
    record = ctx.as_system().records(IMPORT).values([id]).get(id)
    if record is not None and record["state"] in UNDER_WAY:
        try:
            with ctx.files.open(key) as source:
                carry_out(ctx, record, asked, source)
        except Refusal as refusal:
            if refusal.status in (409, 412):
                raise
    if record is None or record["file"] is None:  # one that is staged stays, for another check or for the migration itself
        ctx.files.remove(key)


def _read_asked(written: Mapping[str, object]) -> Asked:
    lists = {name: tuple(cast("list[str]", written[name])) for name in ("owners", "values")}
    return Asked(**cast("dict[str, str]", {**written, **lists, "reading": Reading(**cast("Mapping[str, str]", written["reading"]))}))  # type: ignore[arg-type]


def begin_staged(ctx: Context, file: Row, asked: Asked) -> Row:
    """Begin a migration of files that are kept, or a check of one, in the background."""
    record = begin(ctx, asked)
    record = ctx.as_system().records(IMPORT).update(id_of(record), {"file": file["id"]}, act="run")
    touch(ctx, file)
    ctx.enqueue("import_export.run_migration", arguments(record, asked, str(file["content"])))
    return record


def asked_of(record: Row) -> Asked:
    """What a migration was asked with; of very many files that is no longer known, and all is as if nothing had been said."""
    written = json.loads(str(record["wish"] or "{}")).get("asked")
    return _read_asked(written) if written else Asked(str(record["file_name"]), dry_run=bool(record["dry_run"]))


def undo_job(ctx: Context, said: Mapping[str, object]) -> None:
    """The background side of `POST /migrations/{id}/undo`."""
    undo(ctx, UUID(str(said["import"])))
