"""The page of a record: its fields, what belongs to it, what happened around it, and the parts that other plugins bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.console.cells import Cell, cell, cells, titles_of
from plugins.console.registry import Kind, kind_at, kind_of
from sdk import SIGNED_IN, Condition, Context, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import Row
from sdk.fields import LinkField

_PLAIN = ("id", "version")
_FEW = 5


@dataclass(frozen=True)
class Related:
    """Records of another entity that link to this one: the first few, and the address of all of them."""

    kind: Kind
    link: str
    columns: Sequence[str]
    labels: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    more: bool
    href: str
    new: str


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A record with the tab that the address names."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    id = request.id()
    row = ctx.records(kind.name).get(id)
    names = [name for name in kind.fields if name not in _PLAIN]
    titles = titles_of(kind, [row], names)
    shown = [cell(kind, name, row, titles) for name in names]
    return Rendering(
        "console/record.html",
        {
            "kind": kind,
            "record": row,
            "title": str(row.get(kind.title) or "—"),
            "fields": [one for one in shown if one.name != kind.title],
            "key_fields": [one for one in shown if one.name != kind.title and not one.empty][:4],
            "related": related(kind, row),
            "timeline": ctx.records(kind.name).timeline(id, limit=20).data,
            "history": ctx.records(kind.name).history(id, limit=20),
            "heads": drawn(ctx, kind, row, Slot.HEAD),
            "panels": drawn(ctx, kind, row, Slot.PANEL),
            "buttons": drawn(ctx, kind, row, Slot.BUTTON),
        },
    )


def drawn(ctx: Context, kind: Kind, row: Row, slot: Slot) -> list[object]:
    """What plugins put into a slot of this record, in their order."""
    there = [one for one in ctx.declared(Panel) if one.slot is slot and one.entity == kind.name]
    mine = [one for one in there if one.permission == SIGNED_IN or ctx.can(one.permission)]
    shared: Mapping[str, object] = {"kind": kind, "record": row}
    found = [ctx.draw(one, row, shared) for one in sorted(mine, key=lambda one: (one.position, one.full_key))]
    return [one for one in found if one.html or one.broken or one.refusal]


def related(kind: Kind, row: Row) -> list[Related]:
    """The lists of what links to a record, for who may read them."""
    found = []
    for name in kind.ctx.entities():
        other = kind_of(kind.ctx, name)
        if other.entity.private:
            continue
        for link, field in other.fields.items():
            points = isinstance(field, LinkField) and link != "owner" and kind.ctx.target(name, link) == kind.name
            if points and (one := _related(other, link, row)) is not None:
                found.append(one)
    return found


def _related(other: Kind, link: str, row: Row) -> Related | None:
    id = str(row["id"])
    names = [name for name in other.columns() if name not in (link, "owner")][:5]
    asked = Query(filter=(Condition(link, "eq", (id,)),), fields=("id", *(name for name in names if name != "id")),
                  sort=("-created_at",) if "created_at" in other.fields else (), limit=_FEW)  # fmt: skip
    page = other.ctx.records(other.name).query(asked)
    creatable = other.can("create") and link in other.written
    if not page.data and not creatable:
        return None
    new = f"{other.path}/new?{link}={id}" if creatable else ""
    labels = [other.ctx.say(other.fields[name].label) for name in names]
    return Related(other, link, names, labels, cells(other, names, page.data), page.next is not None, f"{other.path}?{link}={id}", new)


def ask_delete(ctx: Context, request: PageRequest) -> Rendering:
    """What is about to go into the recycle bin."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    return Rendering("console/delete.html", {"kind": kind, "record": row, "title": str(row.get(kind.title) or "—"), "problems": []})


def delete(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Into the recycle bin."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    try:
        ctx.records(kind.name).delete(request.id())
    except Refusal as refusal:
        said = [ctx.say(one.message, one.params) for one in refusal.problems] or [ctx.say(refusal.message, refusal.params)]
        values = {"kind": kind, "record": row, "title": str(row.get(kind.title) or "—"), "problems": said}
        return Rendering("console/delete.html", values, refusal.status)
    return Redirect(kind.path)


PAGES = (
    PageRoute("record", path="/{plugin}/{plural}/{id}", title=_("Record"), permission=SIGNED_IN, view=show),
    PageRoute("delete", path="/{plugin}/{plural}/{id}/delete", title=_("Delete"), permission=SIGNED_IN, view=ask_delete, submit=delete),
)
