"""Lists: any entity as a table, with columns, sort, search and the filters of its address, which are those of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plugins.console import asked as asked_
from plugins.console.asked import ALL, Asked
from plugins.console.bulk import MOST
from plugins.console.cells import cells
from plugins.console.filtering import chips
from plugins.console.paths import placed
from plugins.console.registry import Kind, kind_at, query_of
from plugins.console.ticking import field_of, ticks
from plugins.console.views import resolved, state_of
from sdk import SIGNED_IN, Context, Page, PageRequest, PageRoute, Redirect, Rendering, Slot, Text, _
from sdk.fields import AnyRecordField, LinkField
from sdk.pages import ABOUT, ANY_ENTITY, Drawn, offered
from sdk.permissions import BULK_EDIT, REASSIGN

_NOTHING = Page((), None)
FOUND = "found"
"""The part of the page that gives way where something else is searched for."""


@dataclass(frozen=True)
class Column:
    """The head of a column: where a click leads, and how the list is sorted by it now ("", "up", "down")."""

    name: str
    label: str
    sortable: bool
    sorted: str
    href: str
    kind: str
    edited: bool = False


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A page of a list; asked for by a script, the part of it that it names."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked, shelf = resolved(kind, request)
    names = asked.shown(kind)
    page, hidden = _page(kind, asked)
    shown = cells(kind, names, page.data)
    columns = heads(kind, names, asked)
    return Rendering(
        "console/list.html",
        {
            "kind": kind,
            "columns": columns,
            "edited": {one.name for one in columns if one.edited},
            "rows": [(row, "".join(one.text for one in line if one.names), line) for row, line in zip(page.data, shown, strict=True)],
            "ticks": ticks(kind, page.data) if field_of(kind) else None,
            "asked": asked,
            "shelf": shelf,
            "filters": [] if hidden else chips(kind, asked),
            "hidden": hidden,
            "state": state_of(asked),
            "kept": [pair for pair in asked.changed().pairs() if pair[0] not in ("q", asked_.VIEW)],
            "more": asked.following(kind, page.next) if page.next else "",
            "all": f"{kind.path}?{asked_.VIEW}={ALL}",
            "changes": kind.can("update"),
            "bulk": _bulk(kind),
            "most": MOST,
            "brought": _brought(kind, asked, request),
            "said_of_none": ctx.say(_none(kind), {"list": kind.plural_label}),
        },
    )


def _none(kind: Kind) -> Text:
    """What an empty list says: what it is for, and how it is filled."""
    if not kind.can("create"):
        return _("{list} that you have access to appear here. There are none yet.")
    return _("{list} that you add or import appear here.") if kind.can("import") else _("{list} that you add appear here.")


def _brought(kind: Kind, asked: Asked, request: PageRequest) -> list[Drawn]:
    """What other plugins offer to do with the list, by what it shows: they know no views. Nothing for a script that asks for more of its rows."""
    if request.part not in ("", FOUND):
        return []
    about = {ABOUT: kind.name, "address": kind.path + query_of(asked.state())}
    found = [kind.ctx.draw(one, about, {"kind": kind}) for one in offered(kind.ctx, Slot.LIST, kind.name, ANY_ENTITY)]
    return [one for one in found if one.html.strip() or one.broken or one.refusal]


def _page(kind: Kind, asked: Asked) -> tuple[Page, bool]:
    """What is found; nothing, and True, where a view of somebody else asks by what its reader does not see."""
    query = asked.query(kind)
    unseen = asked.view not in ("", ALL) and any(placed(kind, one.field) is None for one in query.filter)
    return (_NOTHING, True) if unseen else (kind.ctx.records(kind.name).query(query), False)


def _bulk(kind: Kind) -> list[str]:
    """What may be done to several records at once."""
    if not kind.ctx.can(f"{kind.name}.{BULK_EDIT}"):
        return []
    found = ["edit"] if kind.can("update") and kind.written else []
    if "owner" in kind.written and kind.can("update") and kind.ctx.can(f"{kind.name}.{REASSIGN}"):
        found.append("owner")
    return [*found, "delete"] if kind.can("delete") else found


def heads(kind: Kind, names: Sequence[str], asked: Asked) -> list[Column]:
    """The heads of the columns; a click sorts, and another one the other way round."""
    found, changes = [], kind.can("update")
    for name in names:
        field = kind.fields[name]
        sorted_ = {name: "up", f"-{name}": "down"}.get(asked.sort, "")
        href = asked.changed(sort=f"-{name}" if sorted_ == "up" else name).at(kind) if field.sortable else ""
        edited = changes and name in kind.written and not isinstance(field, AnyRecordField)
        edited = edited and not (isinstance(field, LinkField) and kind.target(field) is None)
        found.append(Column(name, kind.ctx.say(field.label), field.sortable, sorted_, href, field.kind, edited))
    return found


def count(ctx: Context, request: PageRequest) -> Rendering:
    """How many records there are; asked for once the list is shown, which does not wait for it."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked, _shelf = resolved(kind, request)
    query = replace(asked.query(kind), fields=("id",), sort=(), limit=1, cursor="", count=True)
    return Rendering("console/count.html", {"kind": kind, "total": ctx.records(kind.name).query(query).total})


def choose(ctx: Context, request: PageRequest) -> Rendering:
    """The columns, those that are shown first, in their order."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked, _shelf = resolved(kind, request)
    return _columns(kind, asked, asked.shown(kind))


def chosen(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """The list with these columns; or the form again, with one of them a place further up."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked = asked_.of_text(request.typed("state"))
    names = [name for name in dict.fromkeys(request.chosen("column")) if name in kind.fields]
    if (up := request.typed("up")) in names[1:]:
        at = names.index(up)
        names[at - 1 : at + 1] = [names[at], names[at - 1]]
        return _columns(kind, asked, names)
    if request.typed("act") == "usual" or not names:
        return Redirect(asked.changed(columns=()).at(kind))
    return Redirect(asked.changed(columns=tuple(names)).at(kind))


def _columns(kind: Kind, asked: Asked, names: Sequence[str]) -> Rendering:
    others = [name for name, field in kind.fields.items() if name not in names and not field.secret]
    say = kind.ctx.say
    return Rendering(
        "console/columns.html",
        {
            "kind": kind,
            "asked": asked,
            "state": state_of(asked),
            "columns": [(name, say(kind.fields[name].label), name in names) for name in (*names, *others)],
        },
    )


PAGES = (
    PageRoute("list", path="/{plugin}/{plural}", title=_("List"), permission=SIGNED_IN, view=show),
    PageRoute("count", path="/{plugin}/{plural}/count", title=_("Count"), permission=SIGNED_IN, view=count),
    PageRoute("columns", path="/{plugin}/{plural}/columns", title=_("Columns"), permission=SIGNED_IN, view=choose, submit=chosen),
)
