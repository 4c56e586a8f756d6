"""Exporting in a browser: from a list to what is wanted, how far it is, the file; and what was exported before."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from plugins.import_export import exports
from plugins.import_export.columns import EVERYTHING, HEADINGS, LABELS, importable
from plugins.import_export.exports import EXPORT, SUCCEEDED, UNDER_WAY, Selection
from plugins.import_export.pages.listed import Listed, listed, sentences
from plugins.import_export.pages.seen import OF_EXPORTS, whole
from plugins.import_export.sinks import CSV, FORMATS
from plugins.import_export.tables import EXPORT_STATES
from sdk import Context, NotFound, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import Row
from sdk.pages import ABOUT, ANY_ENTITY, told
from sdk.permissions import EXPORT as RIGHT

AT = "/import_export/exports"
PAGE = 50
ENTITY = "_entity"
"""In the address of the form: the others are those of the list."""
AGAIN, ALL, CHOSEN = "again", "all", "chosen"
"""Which columns: what an import takes back, all that can be read, or those that are ticked."""


def above(ctx: Context, about: Mapping[str, object]) -> Rendering | None:
    """The way from a list to its export, for who may."""
    name = str(about[ABOUT])
    if not ctx.can(f"{name}.{RIGHT}"):
        return None
    query = str(about.get("address") or "").partition("?")[2]
    return Rendering("import_export/export_act.html", {"at": f"{AT}/new?{urlencode({ENTITY: name})}{f'&{query}' if query else ''}"})


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """What is to be exported, and how."""
    entity = request.asked(ENTITY)
    exports.permit(ctx, entity)
    shown = listed(request.query)
    columns = [name for name in shown.columns if name in ctx.records(entity).fields()]
    return _form(ctx, entity, shown, {"columns": CHOSEN if columns else AGAIN, "format": CSV, "headings": LABELS}, columns)


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Begin; who asked is led to how far it is."""
    entity = request.typed("entity")
    exports.permit(ctx, entity)
    shown = listed(parse_qsl(request.typed("state"), keep_blank_values=True))
    typed = {name: request.typed(name) for name in ("columns", "format", "headings")}
    ticked = request.chosen("field")
    fields = {ALL: (EVERYTHING,), CHOSEN: tuple(ticked)}.get(typed["columns"], ())
    format = typed["format"] if typed["format"] in FORMATS else CSV
    headings = typed["headings"] if typed["headings"] in HEADINGS else LABELS
    try:
        record = exports.begin(ctx, Selection(entity, format, shown.filters, shown.words, shown.sort, fields, headings))
    except Refusal as refusal:
        return _form(ctx, entity, shown, typed, ticked, refusal)
    ctx.enqueue(exports.JOB, {"export": str(record["id"])})
    return Redirect(ctx.page(f"{AT}/{record['id']}"))


def _form(
    ctx: Context, entity: str, shown: Listed, typed: Mapping[str, str], ticked: list[str], refusal: Refusal | None = None
) -> Rendering:
    fields = {name: field for name, field in ctx.records(entity).fields().items() if not field.secret}
    order = [*(name for name in ticked if name in fields), *(name for name in fields if name not in ticked)]
    state = [*shown.filters, ("q", shown.words), ("sort", ",".join(shown.sort)), ("_columns", ",".join(shown.columns))]
    problems = told(ctx, refusal)
    try:
        total: int | None = exports.total_of(ctx, Selection(entity, filters=shown.filters, words=shown.words))
    except Refusal as wrong:  # the address was written by hand
        total, problems = None, problems or told(ctx, wrong)
    values = {
        "entity": entity, "label": ctx.say(ctx.entity(entity).plural_label), "total": total, "problems": problems, "typed": typed,
        "sentences": sentences(ctx, entity, shown.filters), "words": shown.words, "state": urlencode([pair for pair in state if pair[1]]),
        "back": ctx.page(f"/{entity.partition('.')[0]}/{ctx.entity(entity).plural}"),
        "fields": [(name, ctx.say(fields[name].label), name in ticked, fields[name].readonly) for name in order],
        "again": len(importable(fields)), "all": len(fields),
        "formats": [(key, ctx.say(label)) for key, label in FORMATS.items()], "headings": [(key, ctx.say(one)) for key, one in HEADINGS.items()],
    }  # fmt: skip
    return Rendering("import_export/export.html", values, 200 if refusal is None else refusal.status)


def show(ctx: Context, request: PageRequest) -> Rendering:
    """How far an export is; once it has ended, its file."""
    return _page(ctx, request.id(), None)


def end(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Cancel it."""
    try:
        exports.cancel(ctx, request.id())
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(ctx, request.id(), refusal)
    return Redirect(ctx.page(f"{AT}/{request.path['id']}"))


def _page(ctx: Context, id: UUID, refusal: Refusal | None) -> Rendering:
    row = whole(ctx.records(EXPORT).get(id), OF_EXPORTS)
    line = _line(ctx, row, _names(ctx, [row]))
    selection = exports.selection_of(row)
    there = ctx.offers(selection.entity) and ctx.can(f"{selection.entity}.read")
    fields = ctx.records(selection.entity).fields() if there else {}
    values = {
        **line, "alive": row["state"] in UNDER_WAY, "problems": told(ctx, refusal), "mine": row.get("owner") == ctx.actor.user_id,
        "columns": [ctx.say(fields[name].label) if name in fields else name for name in selection.fields],
        "sentences": sentences(ctx, selection.entity, selection.filters) if there else [], "words": selection.words,
        "days": exports.KEPT.days,
    }  # fmt: skip
    return Rendering("import_export/exported.html", values, 200 if refusal is None else refusal.status)


def history(ctx: Context, request: PageRequest) -> Rendering:
    """What was exported, the last first: who, when, what, how many."""
    found = ctx.records(EXPORT).query(Query(sort=("-created_at",), limit=PAGE, cursor=request.asked("cursor")))
    names = _names(ctx, found.data)
    values = {
        "lines": [_line(ctx, row, names) for row in found.data], "next": f"?{urlencode({'cursor': found.next})}" if found.next else "",
        "imports": ctx.page("/import_export/imports") if ctx.can("import_export.import.read") else "",
    }  # fmt: skip
    return Rendering("import_export/exports.html", values)


def _names(ctx: Context, rows: object) -> dict[str, str]:
    assert isinstance(rows, list | tuple)
    owners = {UUID(str(row["owner"])) for row in rows if row.get("owner")}
    return {str(id): name for id, name in ctx.records("core.user").titles(owners).items()} if owners and ctx.can("core.user.read") else {}


def _line(ctx: Context, row: Row, names: Mapping[str, str]) -> dict[str, object]:
    whole(row, OF_EXPORTS)
    name, state = str(row["entity"]), str(row["state"])
    kept = state == SUCCEEDED and row.get("content") is not None and str(row.get("ends_at")) > ctx.now().isoformat()
    return {
        "row": row, "at": ctx.page(f"{AT}/{row['id']}"), "label": ctx.say(ctx.entity(name).plural_label) if ctx.offers(name) else name,
        "key": state, "state": ctx.say(EXPORT_STATES[state]), "format": ctx.say(FORMATS[str(row["format"])]),
        "who": names.get(str(row.get("owner")), "") if row.get("owner") else ctx.say(_("the system")),
        "file": f"/api/v1{AT}/{row['id']}/file" if kept and row.get("owner") == ctx.actor.user_id else "",
    }  # fmt: skip


PAGES = (
    PageRoute("export", path="/exports/new", title=_("Export"), permission=exports.PERMISSION, view=ask, submit=take),
    PageRoute("exports", path="/exports", title=_("Exports"), permission=f"{EXPORT}.read", view=history),
    PageRoute("exported", path="/exports/{id}", title=_("Export"), permission=f"{EXPORT}.read", view=show, submit=end),
)
PANELS = (Panel("export", slot=Slot.LIST, label=_("Export"), permission=exports.PERMISSION, view=above, entity=ANY_ENTITY, position=30),)
