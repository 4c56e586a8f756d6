"""The import itself: how far it is, what became of each row, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from plugins.import_export.failed import failed_file
from plugins.import_export.imports import cancel
from plugins.import_export.journal import IMPORT, cursor_of, page
from plugins.import_export.migrating.running import MIGRATION
from plugins.import_export.pages import migration, preview, workbook
from plugins.import_export.pages.seen import OF_IMPORTS, whole
from plugins.import_export.pages.start import AT
from plugins.import_export.pages.wishes import wish_of
from plugins.import_export.pages.words import DONE, TONES, UNDONE_FROM, label_of, state_words
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.tables import MODES, STATES
from plugins.import_export.tally import FATES
from plugins.import_export.undo.undoing import begin_undo, permit_undo
from sdk import BadRequest, Context, NotFound, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row, id_of
from sdk.pages import told

PAGE = 50


def show(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    """A rehearsal with its rows; or an import with its outcome."""
    record = _record(ctx, request)
    if record["entity"] == MIGRATION:
        return migration.show(ctx, request, record, refusal)
    if record["entity"] == WORKBOOK and record["wish"]:
        return workbook.show(ctx, request, record, refusal)
    shown = preview.show if record["dry_run"] and record["file"] else _outcome
    return shown(ctx, request, record, refusal)


@contextmanager
def look(ctx: Context, request: PageRequest) -> Iterator[None]:
    """Of a rehearsal whose rows are mended the file is at hand before the transaction: a spreadsheet may take minutes to be read."""
    record = _record(ctx, request)
    if record["dry_run"] and record["file"] and record["entity"] not in (WORKBOOK, MIGRATION):
        preview.have_at_hand(ctx, record)
    yield


def act(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Cancel what is under way; what a rehearsal is asked for; or undo, the whole or a row."""
    record = _record(ctx, request)
    try:
        if request.typed("act") == "cancel":
            cancel(ctx, id_of(record))
            return Redirect(ctx.page(f"{AT}/{record['id']}"))
        if record["entity"] == MIGRATION:
            return migration.act(ctx, request, record)
        if record["dry_run"] and record["entity"] == WORKBOOK:
            return workbook.act(ctx, request, record)
        if record["dry_run"] and record["file"]:
            return preview.act(ctx, request, record)
        if request.typed("act") == "undo":
            _undo(ctx, record, [int(row) for row in request.chosen("row") if row.isdecimal() and len(row) < 10])
    except Refusal as refusal:
        return show(ctx, request, refusal)
    return Redirect(ctx.page(f"{AT}/{record['id']}"))


def _record(ctx: Context, request: PageRequest) -> Row:
    record = ctx.records(IMPORT).values([request.id()]).get(request.id())
    if record is None:
        raise NotFound(_("record {id!r} does not exist"), id=str(request.id()))
    return whole(record, OF_IMPORTS)


def _undo(ctx: Context, record: Row, rows: Sequence[int]) -> None:
    begun = begin_undo(ctx, permit_undo(ctx, id_of(record)))
    if begun["state"] == "undoing":
        ctx.enqueue("import_export.undo_import", {"import": str(record["id"]), "rows": list(rows)})


def ask_undo(ctx: Context, request: PageRequest) -> Rendering:
    """What undoing will do."""
    record = _record(ctx, request)
    entity = str(record["entity"])
    values = {
        "record": record,
        "label": label_of(ctx, entity),
        "problems": [],
        "may_delete": not ctx.offers(entity) or ctx.can(f"{entity}.delete"),
    }
    return Rendering("import_export/undo.html", values)


def get_failed(ctx: Context, request: PageRequest) -> object:
    """The failed rows as a file to mend and bring back."""
    return failed_file(ctx, id_of(_record(ctx, request)))


def _outcome(ctx: Context, request: PageRequest, record: Row, refusal: Refusal | None = None) -> Rendering:
    state = str(record["state"])
    counts = [(name, ctx.say(DONE[name]), int(str(record[name]))) for name in (*FATES, "warned")]
    written = int(str(record["created"])) + int(str(record["updated"]))
    tabs = [one for one in counts if one[2]] + (
        [("conflict", ctx.say(DONE["conflict"]), record["conflicts"])] if record["conflicts"] else []
    )
    tab = request.asked("show") or next((name for name in ("conflict", "failed", "skipped") if any(name == one[0] for one in tabs)), "")
    if tab not in ("", *DONE):
        raise BadRequest(_("outcome {name!r} does not exist"), name=tab[:40])
    rows, next_ = (
        ([], None)
        if state in ("waiting", "running", "undoing")
        else page(ctx, record, tab or None, PAGE, cursor_of(request.asked("cursor")))
    )
    wish = wish_of(record) if record["wish"] else None
    return Rendering(
        "import_export/outcome.html",
        {
            "record": record, "label": label_of(ctx, str(record["entity"])), "state": ctx.say(STATES[state]),
            "words": state_words(ctx, record),
            "tone": TONES.get(state, ""), "alive": state in ("waiting", "running"), "undoing": state == "undoing", "counts": counts, "tabs": tabs,
            "tab": tab, "rows": list(_told(ctx, record, rows)), "next": f"?show={tab}&cursor=r{next_}" if next_ is not None else "",
            "mode": ctx.say(MODES[str(record["mode"])]), "undoable": written > 0 and state in UNDONE_FROM and not record["dry_run"], "written": written,
            "problems": told(ctx, refusal), "again": ctx.page(f"{AT}/new?entity={record['entity']}"), "wish": wish,
        },
        refusal.status if refusal is not None else 200,
    )  # fmt: skip


def _told(ctx: Context, record: Row, rows: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """Rows with the records that they made, as far as these may be seen."""
    name = str(record["entity"])
    entity = ctx.entity(name) if ctx.offers(name) else None
    ids = [UUID(str(row["record"])) for row in rows if row["record"]]
    there = ctx.records(name).values(ids) if ids and entity is not None and ctx.can(f"{name}.read") else {}
    for row in rows:
        found = there.get(UUID(str(row["record"]))) if row["record"] else None
        outcome = str(row["outcome"])
        cells = cast("list[str] | None", row["cells"])
        yield {
            **row,
            "said": ctx.say(DONE[outcome]),
            "title": str(found.get(entity.title) or "—") if found is not None and entity is not None else "",
            "at": ctx.page(f"/{entity.plugin}/{entity.plural}/{row['record']}") if found is not None and entity is not None else "",
            "whole": ", ".join(filter(None, (cell.strip() for cell in cells)))[:90] if cells else "",
            "undoable": outcome in ("created", "updated") and found is not None and not row["conflict"],
        }


PAGES = (
    PageRoute("import", path="/imports/{id}", title=_("Import"), permission=f"{IMPORT}.read", view=show, submit=act, prepare=look),
    PageRoute("undo", path="/imports/{id}/undo", title=_("Undo"), permission=f"{IMPORT}.read", view=ask_undo, submit=act),
    PageRoute("failed", path="/imports/{id}/failed", title=_("Failed rows"), permission=f"{IMPORT}.read", view=get_failed),
    PageRoute(
        "row",
        path="/imports/{id}/rows/{number}",
        title=_("Row"),
        permission=f"{IMPORT}.read",
        view=preview.ask_row,
        submit=preview.take_row,
    ),
)
