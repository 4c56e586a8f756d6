"""Starting, running and showing imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, cast
from uuid import UUID

from plugins.import_export.files import Reading, open_book
from plugins.import_export.plan import Wish, make_plan
from plugins.import_export.run import Run
from sdk import Condition, Context, Draft, Forbidden, Page, Query, Refusal, Verb, _, where
from sdk.context import Row, id_of
from sdk.permissions import IMPORT

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
    ctx.require(f"{entity}.{IMPORT}")


def begin(ctx: Context, wish: Wish) -> Row:
    """The record of a new import; the actor owns it."""
    permit(ctx, wish.entity, wish.mode)
    values = {"entity": wish.entity, "file_name": wish.file_name[:255] or "-", "mode": wish.mode, "dry_run": wish.dry_run}
    return ctx.as_system().records("import_export.import").create(values)


def carry_out(ctx: Context, record: Row, wish: Wish, source: BinaryIO, step: Callable[[int], None] = lambda _count: None) -> Row:
    """Run an import to its end; a file or mapping that does not fit fails the import with its reason, and is raised."""
    imports = ctx.as_system().records("import_export.import")
    try:
        file = open_book(source, wish.file_name, wish.reading).sheets[0]
        Run(ctx, record, wish, make_plan(ctx, wish, file), file).execute(step)
    except Refusal as refusal:
        if refusal.status not in (409, 412):  # another process has it: leave its state alone
            fail(ctx, id_of(record), refusal)
        raise
    return imports.values([id_of(record)])[id_of(record)]


def fail(ctx: Context, id: UUID, refusal: Refusal) -> None:
    """Record why an import could not run."""
    reason = "; ".join([ctx.say(refusal.message, refusal.params), *(ctx.say(p.message, p.params) for p in refusal.problems)])
    ctx.as_system().records("import_export.import").update(id, {"state": "failed", "reason": reason[:20_000]})


def give_up(ctx: Context) -> None:
    """The plugin is switched off: what was to be imported waits for nothing any more, and says so. Rows that were taken stay."""
    imports, reason = ctx.as_system().records("import_export.import"), ctx.say(_("import and export was switched off before the end"))
    while unfinished := imports.find((Condition("state", "in", ("waiting", "running")),), 500):
        imports.write_all([Draft("update", {"state": "failed", "reason": reason}, id_of(row)) for row in unfinished])


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side of `POST /imports`: at least once, and each row once."""
    id = UUID(str(arguments["import"]))
    record = ctx.as_system().records("import_export.import").values([id]).get(id)
    if record is None or record["state"] not in ("waiting", "running"):
        return
    wish = _wish(cast("Mapping[str, object]", arguments["wish"]))
    key = str(arguments["file"])
    with ctx.files.open(key) as source:
        try:
            carry_out(ctx, record, wish, source)
        except Refusal as refusal:
            if refusal.status in (409, 412):  # another process has it, or wrote at the same moment: try again later
                raise
    ctx.files.remove(key)


def arguments(record: Row, wish: Wish, key: str) -> dict[str, object]:
    """What the job is asked with: names and JSON only."""
    return {"import": str(record["id"]), "wish": asdict(wish), "file": key}


def _wish(written: Mapping[str, object]) -> Wish:
    def words(name: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", written[name]))

    return Wish(
        str(written["entity"]),
        str(written["file_name"]),
        str(written["mode"]),
        match=words("match"),
        map=words("map"),
        value=words("value"),
        set=words("set"),
        dry_run=bool(written["dry_run"]),
        dates=str(written["dates"]),
        duplicates=str(written.get("duplicates", "skip")),
        reading=Reading(**cast("Mapping[str, Any]", written.get("reading", {}))),
    )


def rows(ctx: Context, id: UUID, outcome: str | None, limit: int, cursor: str) -> Page:
    """The rows that were not taken or that one is warned of, in the order of the file."""
    chosen = where(**{"import": id}) + (where(outcome=outcome) if outcome else ())
    return ctx.records("import_export.row").query(Query(filter=chosen, sort=("number",), limit=limit, cursor=cursor))
