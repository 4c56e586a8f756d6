"""Starting, running and showing imports."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, cast
from uuid import UUID

from plugins.import_export.files import Book, Reading, Sheet, open_book
from plugins.import_export.journal import IMPORT
from plugins.import_export.mapping.saved import save
from plugins.import_export.plan import Wish, make_plan
from plugins.import_export.run import Run
from plugins.import_export.staging import files
from sdk import BadRequest, Condition, Context, Draft, Forbidden, Page, Query, Refusal, Verb, _, where
from sdk.context import Row, id_of
from sdk.permissions import IMPORT as RIGHT

PERMISSION = "import_export.import.create"


def permit(ctx: Context, entity: str, mode: str = "create") -> None:
    """Raise NotFound for an entity that is not here, Forbidden for one into which the actor may not import."""
    ctx.records(entity)
    if not ctx.can(PERMISSION):
        raise Forbidden(_("you may not import files"))
    needed = [Verb.CREATE] if mode == "create" else [Verb.UPDATE] if mode == "update" else [Verb.CREATE, Verb.UPDATE]
    for verb in needed:
        if not ctx.can(f"{entity}.{verb}"):
            raise Forbidden(_("you may not {verb} {entity}"), verb=verb.value, entity=entity)
    ctx.require(f"{entity}.{RIGHT}")


def begin(ctx: Context, wish: Wish) -> Row:
    """The record of a new import; the actor owns it."""
    permit(ctx, wish.entity, wish.mode)
    values = {
        "entity": wish.entity, "file_name": wish.file_name[:255] or "-", "mode": wish.mode, "dry_run": wish.dry_run, "silent": wish.silent,
        "file": wish.file or None, "sheet": wish.sheet or None, "wish": json.dumps(asdict(wish)),
    }  # fmt: skip
    return ctx.as_system().records(IMPORT).create(values, act="run")


def carry_out(ctx: Context, record: Row, wish: Wish, source: BinaryIO, step: Callable[[int], None] = lambda _count: None) -> Row:
    """Run an import to its end; a file or mapping that does not fit fails the import with its reason, and is raised."""
    return _carry_out(ctx, record, wish, lambda: _sheet_of(open_book(source, wish.file_name, wish.reading), wish.sheet), step)


def carry_out_staged(ctx: Context, record: Row, wish: Wish, step: Callable[[int], None] = lambda _count: None) -> Row:
    """The same with a staged file, as it was mended. Raises NotFound for one that has expired."""
    row = files.kept(ctx, UUID(wish.file))
    with files.opened(ctx, row) as book:
        return _carry_out(ctx, record, wish, lambda: files.with_corrections(ctx, row, files.place_of(row, wish.sheet), book), step)


def _carry_out(ctx: Context, record: Row, wish: Wish, opened: Callable[[], Sheet], step: Callable[[int], None]) -> Row:
    try:
        sheet = opened()
        plan = make_plan(ctx, wish, sheet)
        if not wish.dry_run and (wish.map or wish.value):
            save(ctx, wish.entity, wish.file_name[:255] or "-", sheet.headings, asdict(wish))
        Run(ctx, record, wish, plan, sheet).execute(step)
    except Refusal as refusal:
        if refusal.status not in (409, 412):  # another process has it: leave its state alone
            fail(ctx, id_of(record), refusal)
        raise
    return ctx.as_system().records(IMPORT).values([id_of(record)])[id_of(record)]


def _sheet_of(book: Book, name: str) -> Sheet:
    found = next((sheet for sheet in book.sheets if name in ("", sheet.name)), None)
    if found is None:
        names = ", ".join(sheet.name for sheet in book.sheets)
        raise BadRequest(_("the file has no sheet {name!r}; it has {names}"), name=name[:80], names=names[:500])
    return found


def fail(ctx: Context, id: UUID, refusal: Refusal) -> None:
    """Record why an import could not run."""
    reason = "; ".join([ctx.say(refusal.message, refusal.params), *(ctx.say(p.message, p.params) for p in refusal.problems)])
    ctx.as_system().records(IMPORT).update(id, {"state": "failed", "reason": reason[:20_000]})


def give_up(ctx: Context) -> None:
    """The plugin is switched off: what was to be imported waits for nothing any more, and says so. Rows that were taken stay."""
    imports, reason = ctx.as_system().records(IMPORT), ctx.say(_("import and export was switched off before the end"))
    while unfinished := imports.find((Condition("state", "in", ("waiting", "running")),), 500):
        imports.write_all([Draft("update", {"state": "failed", "reason": reason}, id_of(row)) for row in unfinished])


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side of `POST /imports`: at least once, and each row once."""
    id = UUID(str(arguments["import"]))
    record = ctx.as_system().records(IMPORT).values([id]).get(id)
    if record is None or record["state"] not in ("waiting", "running"):
        return
    wish = read_wish(cast("Mapping[str, object]", arguments["wish"]))
    key = str(arguments["file"])
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
    return Wish(**cast("dict[str, Any]", values | {"reading": Reading(**cast("Mapping[str, Any]", written.get("reading", {})))}))


def rows(ctx: Context, id: UUID, outcome: str | None, limit: int, cursor: str) -> Page:
    """The rows that were not taken or that one is warned of, in the order of the file."""
    chosen = where(**{"import": id}) + (where(outcome=outcome) if outcome else ())
    return ctx.records("import_export.row").query(Query(filter=chosen, sort=("number",), limit=limit, cursor=cursor))
