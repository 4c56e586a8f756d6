"""Starting, running and showing imports."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO, cast
from uuid import UUID

from plugins.import_export import sheets
from plugins.import_export.files import Book, Reading, Sheet, open_book
from plugins.import_export.files.book import from_start
from plugins.import_export.journal import IMPORT, seen
from plugins.import_export.lost import Lost
from plugins.import_export.mapping.saved import save
from plugins.import_export.plan import Wish, make_plan
from plugins.import_export.run import Run
from plugins.import_export.sheets import WORKBOOK, type_meter
from plugins.import_export.staging import files
from plugins.import_export.tally import LONGEST, listed, printable
from sdk import BadRequest, Condition, Conflict, Context, Draft, Forbidden, Page, Query, Refusal, Unavailable, Verb, _, where
from sdk.context import Row, id_of
from sdk.permissions import IMPORT as RIGHT
from sdk.permissions import VERBS

PERMISSION = "import_export.import.create"
HISTORY = "import_export.import.history"
"""The right to bring in what happened elsewhere as it stood."""


DIGEST = "sha256"
"""Beside what an import was asked with: that of its file."""
UNDER_WAY = ("waiting", "running")
LOST = timedelta(days=1)
"""After so long without a step every attempt at an import has failed: it is to say so, and its file is to go in its time."""
type_book = tuple[Book, Callable[[str], Sheet]]
"""An open file, and its sheets by name, as they are to be read."""


@contextmanager
def unseen(_rows: int) -> Iterator[Callable[[int], None]]:
    """Nobody watches."""
    yield lambda _count: None


def permit(ctx: Context, entity: str, mode: str = "create") -> None:
    """Raise NotFound for an entity that is not here, Forbidden for one into which the actor may not import."""
    ctx.records(entity)
    if not ctx.can(PERMISSION):
        raise Forbidden(_("you don’t have permission to import files"))
    needed = [Verb.CREATE] if mode == "create" else [Verb.UPDATE] if mode == "update" else [Verb.CREATE, Verb.UPDATE]
    for verb in needed:
        if not ctx.can(f"{entity}.{verb}"):
            raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb=VERBS[verb], entity=ctx.entity(entity).label)
    ctx.require(f"{entity}.{RIGHT}")


def begin(ctx: Context, wish: Wish, digest: str = "") -> Row:
    """The record of a new import; the actor owns it. `digest` is that of a file of the caller's, with which alone it is gone on with."""
    if wish.entity != WORKBOOK:
        permit(ctx, wish.entity, wish.mode)
    if wish.history:
        ctx.require(HISTORY)
    return _record(ctx, wish, None, digest)


def _record(ctx: Context, wish: Wish, part_of: UUID | None, digest: str = "") -> Row:
    values = {
        "part_of": part_of, "entity": wish.entity, "file_name": wish.file_name[:255] or "-", "mode": wish.mode, "dry_run": wish.dry_run, "silent": wish.quiet,
        "file": wish.file or None, "sheet": wish.sheet or None, "wish": json.dumps(asdict(wish) | ({DIGEST: digest} if digest else {})),
    }  # fmt: skip
    return ctx.as_system().records(IMPORT).create(values, act="run")


def carry_out(ctx: Context, record: Row, wish: Wish, source: BinaryIO, meter: type_meter = unseen) -> Row:
    """Run an import to its end; a file or mapping that does not fit fails the import with its reason, and is raised.

    `meter` is given the number of rows, and what it gives is told of each that is done.
    """

    @contextmanager
    def opened() -> Iterator[type_book]:
        book = open_book(source, wish.file_name, wish.reading)
        yield book, lambda name: _sheet_of(book, name)

    return _carry_out(ctx, record, wish, opened, meter)


def carry_out_sheet(ctx: Context, record: Row, wish: Wish, sheet: Sheet, meter: type_meter = unseen) -> Row:
    """The same with a sheet that is open already."""

    @contextmanager
    def opened() -> Iterator[type_book]:
        yield Book("", "", "", (sheet,)), lambda _name: sheet

    return _carry_out(ctx, record, wish, opened, meter)


def carry_out_staged(ctx: Context, record: Row, wish: Wish, meter: type_meter = unseen) -> Row:
    """The same with a staged file, as it was mended; one that has expired fails the import."""

    @contextmanager
    def opened() -> Iterator[type_book]:
        row = files.kept(ctx, UUID(wish.file))
        with files.opened(ctx, row) as book:
            yield book, lambda name: files.with_corrections(ctx, row, files.place_of(row, name), book)

    return _carry_out(ctx, record, wish, opened, meter)


def _carry_out(ctx: Context, record: Row, wish: Wish, opened: Callable[[], AbstractContextManager[type_book]], meter: type_meter) -> Row:
    imports, id = ctx.as_system().records(IMPORT), id_of(record)
    try:
        with opened() as (book, sheet_of):
            if book.notes and not record["notes"]:
                notes = "\n".join(ctx.say(note.message, note.params) for note in book.notes)[:LONGEST]
                record = imports.update(id, {"notes": notes}, expected_version=int(str(record["version"])), act="run")
            if wish.entity == WORKBOOK:
                return _carry_out_sheets(ctx, record, wish, book, sheet_of, meter)
            run = _run(ctx, record, wish, sheet_of(wish.sheet), Lost())
            with meter(run.plan.rows) as step:
                run.execute(step)
    except Refusal as refusal:
        if refusal.status not in (409, 412):
            fail(ctx, id, refusal)
            raise
        if imports.values([id])[id]["state"] != "cancelled":  # another process has it: leave its state alone
            raise
    return imports.values([id])[id]


def _run(ctx: Context, record: Row, wish: Wish, sheet: Sheet, lost: Lost) -> Run:
    plan = make_plan(ctx, wish, sheet)
    if not wish.dry_run and (wish.map or wish.value):
        save(ctx, wish.entity, wish.file_name[:255] or "-", sheet.headings, asdict(wish))
    return Run(ctx, record, wish, plan, sheet, lost)


def _carry_out_sheets(ctx: Context, record: Row, wish: Wish, book: Book, sheet_of: Callable[[str], Sheet], meter: type_meter) -> Row:
    if not (there := sheets.children(ctx, id_of(record))):
        wanted, left_out = sheets.wishes_of(ctx, wish, book)
        for one in wanted:
            permit(ctx, one.entity, one.mode)
        with ctx.transaction(write=True):
            there = [_record(ctx, one, id_of(record)) for one in wanted]
            ignored = {"ignored": listed(left_out)}
            record = ctx.as_system().records(IMPORT).update(id_of(record), ignored, act="run")
    pairs, lost = [(child, read_wish(json.loads(str(child["wish"])))) for child in there], Lost()
    return sheets.carry_out(
        ctx,
        record,
        pairs,
        lambda one: sheet_of(one.sheet),
        lambda child, one, sheet: _run(ctx, child, one, sheet, lost),
        partial(fail, ctx),
        meter,
    )


def cancel(ctx: Context, id: UUID) -> Row:
    """Stop an import behind the chunk that is being written: what was written stays, and can be undone. Raises NotFound, Conflict."""
    with ctx.transaction(write=True):
        record = seen(ctx, id, hold=True)
        if record["state"] == "undoing":
            raise Conflict(
                _("the import is being undone, which goes on to its end; import the file again if you want it back"), code="undoing"
            )
        if record["state"] not in UNDER_WAY:
            raise Conflict(_("the import has already ended"), code="ended")
        # The run checks the version of this record with each chunk: it finds another one, and stops with nothing half-written.
        stopped = {"state": "cancelled", "ended_at": ctx.now(), "seconds_left": None}
        for child in sheets.children(ctx, id):
            if child["state"] in UNDER_WAY:
                ctx.as_system().records(IMPORT).update(id_of(child), stopped, act="run")
        return ctx.as_system().records(IMPORT).update(id, stopped, act="run")


def digest_of(source: BinaryIO) -> str:
    """By what a file is known again."""
    return hashlib.file_digest(from_start(source), "sha256").hexdigest()


def to_resume(ctx: Context, id: UUID, entity: str, digest: str = "") -> tuple[Row, Wish]:
    """An import that was killed or stopped, and what was asked for; raises NotFound, Conflict for one that has ended or is another entity's."""
    record = reopened(ctx, id, entity, digest)
    return record, read_wish(json.loads(str(record["wish"])))


def reopened(ctx: Context, id: UUID, entity: str, digest: str = "") -> Row:
    """An import that was killed or stopped, with its parts, as one that waits; raises as above, and Conflict for another file than its own:
    rows are known by where they stand in it."""
    with ctx.transaction(write=True):
        record = seen(ctx, id, hold=True)
        if record["state"] not in UNDER_WAY and not _broke_off(record):
            raise Conflict(_("the import has already ended"), code="ended")
        if record["entity"] != entity:
            raise Conflict(_("this is an import of {entity}"), code="other_entity", entity=record["entity"])
        if digest and json.loads(str(record["wish"] or "{}")).get(DIGEST) not in (None, "", digest):
            raise Conflict(
                _("this isn’t the file that the import was started with, or it was changed since; import it anew"), code="other_file"
            )
        imports, anew = ctx.as_system().records(IMPORT), {"state": "waiting", "reason": None, "ended_at": None}
        for child in filter(_broke_off, sheets.children(ctx, id)):
            imports.update(id_of(child), anew, act="run")
        if _broke_off(record):
            record = imports.update(id, anew, act="run")
    return record


def _broke_off(record: Row) -> bool:
    """Whether it has failed before its last row: one that came to its end, with all rows wrong, gives no reason."""
    return record["state"] == "failed" and record["reason"] is not None


def _sheet_of(book: Book, name: str) -> Sheet:
    found = next((sheet for sheet in book.sheets if name in ("", sheet.name)), None)
    if found is None:
        names = ", ".join(sheet.name for sheet in book.sheets)
        raise BadRequest(_("the file has no sheet {name!r}; its sheets are {names}"), name=name[:80], names=names[:500])
    return found


def stopped(dry_run: bool) -> Refusal:
    """Why an import has failed whose command was stopped."""
    if dry_run:
        return Unavailable(_("the command was stopped; as it was a dry run, nothing was written"))
    return Unavailable(_("the command was stopped; what it had written is kept"))


def fail(ctx: Context, id: UUID, refusal: Refusal) -> None:
    """Record why an import could not run, and with it its parts that nobody comes back to."""
    reason = "; ".join([ctx.say(refusal.message, refusal.params), *(ctx.say(p.message, p.params) for p in refusal.problems)])
    ended = {"state": "failed", "reason": printable(reason)[:LONGEST], "ended_at": ctx.now(), "seconds_left": None}
    for one in (*(id_of(child) for child in sheets.children(ctx, id) if child["state"] in UNDER_WAY), id):
        ctx.as_system().records(IMPORT).update(one, ended)


def tidy(ctx: Context) -> None:
    """End imports to which nobody comes back, and forget files that nobody has used for a week. Runs by a schedule."""
    lost = (Condition("state", "in", UNDER_WAY), Condition("updated_at", "lt", (ctx.now() - LOST,)))
    for row in ctx.as_system().records(IMPORT).find(lost, 500):
        fail(ctx, id_of(row), Unavailable(_("the import was interrupted repeatedly; what it had written is kept and can be undone")))
    files.remove_expired(ctx)


def give_up(ctx: Context) -> None:
    """The plugin is switched off: what was to be imported waits for nothing any more, and says so. Rows that were taken stay."""
    imports, reason = ctx.as_system().records(IMPORT), ctx.say(_("import and export was turned off before it finished"))
    while halfway := imports.find(where(state="undoing"), 500):
        imports.write_all([Draft("update", {"state": "partly_undone", "reason": reason}, id_of(row)) for row in halfway])
    while unfinished := imports.find((Condition("state", "in", UNDER_WAY),), 500):
        imports.write_all([Draft("update", {"state": "failed", "reason": reason}, id_of(row)) for row in unfinished])


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side of `POST /imports`: at least once, and each row once."""
    id = UUID(str(arguments["import"]))
    record = ctx.as_system().records(IMPORT).values([id]).get(id)
    wish = read_wish(cast("Mapping[str, object]", arguments["wish"]))
    key = str(arguments["file"])
    if record is not None and record["state"] in UNDER_WAY:
        try:
            if wish.file:
                carry_out_staged(ctx, record, wish)
            else:
                with ctx.files.open(key) as source:
                    carry_out(ctx, record, wish, source)
        except Refusal as refusal:
            if refusal.status in (409, 412):  # another process has it, or wrote at the same moment: try again later
                raise
    if key:
        ctx.files.remove(key)


def arguments(record: Row, wish: Wish, key: str = "") -> dict[str, object]:
    """What the job is asked with: names and JSON only."""
    return {"import": str(record["id"]), "wish": asdict(wish), "file": key}


def read_wish(written: Mapping[str, object]) -> Wish:
    """A wish as JSON keeps it; what an older version did not know is as it was then."""
    named = {one.name: one.default for one in dataclasses.fields(Wish) if one.name in written}
    values = {name: tuple(cast("list[str]", written[name])) if default == () else written[name] for name, default in named.items()}
    values.setdefault("totals", "take")
    return Wish(**cast("dict[str, Any]", values | {"reading": Reading(**cast("Mapping[str, Any]", written.get("reading", {})))}))


def rows(ctx: Context, id: UUID, outcome: str | None, limit: int, cursor: str) -> Page:
    """The rows that were not taken or that one is warned of, in the order of the file."""
    chosen = where(**{"import": id}) + (where(outcome=outcome) if outcome else ())
    return ctx.records("import_export.row").query(Query(filter=chosen, sort=("number",), limit=limit, cursor=cursor))
