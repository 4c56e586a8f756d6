"""Changing one cell of a list in its place."""

from __future__ import annotations

from plugins.console.bulk import input_of
from plugins.console.cells import cell, course_of, titles_of
from plugins.console.inputs import typed, unclear
from plugins.console.refusals import by_field
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Alike, Context, Forbidden, NotFound, PageRequest, PageRoute, Refusal, Rendering, _
from sdk.context import LIKELY_DUPLICATE, Row


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The editor of a cell: the field as a form has it, with the value that the record has now."""
    kind, name = _cell(ctx, request)
    row = ctx.records(kind.name).get(request.id(), fields=(name, "version"))
    return Rendering("console/cell_editor.html", {"kind": kind, "row": row, "input": input_of(kind, name, row, {})})


def change(ctx: Context, request: PageRequest) -> Rendering:
    """The cell with its new value; or with the one that it has, and why it was not changed."""
    kind, name = _cell(ctx, request)
    id = request.id()
    records = ctx.records(kind.name)
    values = {key: value for key, value in typed(kind, request).items() if key == name}
    problem, status = "", 200
    try:
        records.update(id, values, expected_version=request.version(), alike=Alike.DEFAULT)
    except Refusal as refusal:
        at, others = by_field(ctx, refusal, [name])
        said = [*(at | {key: text for key, text in unclear(kind, values).items() if key in at}).values(), *others]
        if refusal.reason == LIKELY_DUPLICATE:
            said.append(ctx.say(_("Open the record to save it anyway.")))
        problem, status = " ".join(said), refusal.status
    fields = list(dict.fromkeys((name, kind.title, "version", *course_of(kind, [name]))))
    return _drawn(kind, name, records.get(id, fields=fields), problem, status)


def _drawn(kind: Kind, name: str, row: Row, problem: str, status: int) -> Rendering:
    shown = cell(kind, name, row, titles_of(kind, [row], [name]))
    return Rendering("console/cell.html", {"cell": shown, "version": row["version"], "problem": problem}, status)


def _cell(ctx: Context, request: PageRequest) -> tuple[Kind, str]:
    kind, name = kind_at(ctx, request.path["plugin"], request.path["plural"]), request.path["field"]
    if name not in kind.fields:
        raise NotFound(_("there is nothing at this address"))
    if not kind.can("update") or name not in kind.written:
        raise Forbidden(_("you don’t have permission to edit the field {field!r}"), code="field_forbidden", field=name)
    return kind, name


PAGES = (PageRoute("cell", path="/{plugin}/{plural}/{id}/cell/{field}", title=_("Cell"), permission=SIGNED_IN, view=show, submit=change),)
