"""Lists: any entity as a table, with columns, sort, search and the filters of its address, which are those of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.console.cells import Cell, cells
from plugins.console.registry import Kind, kind_at, query_of
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Query, Rendering, _, parse_filter
from sdk.pages import Pairs

OWN = "_"
"""Words of the address that are the console's own begin with it; all others are filters, but for the reserved ones of the API."""
RESERVED = frozenset({"q", "sort", "cursor", "limit"})
SIZE = 50


@dataclass(frozen=True)
class Column:
    """The head of a column: where a click leads, and how the list is sorted by it now ("", "up", "down")."""

    name: str
    label: str
    sortable: bool
    sorted: str
    href: str
    kind: str


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A page of a list; asked for by a script, the part of it that it names."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    names = columns_of(kind, request)
    asked = query_asked(kind, request, names)
    page = ctx.records(kind.name).query(asked)
    rows = cells(kind, names, page.data)
    more = query_of([*(pair for pair in request.query if pair[0] != "cursor"), ("cursor", page.next)]) if page.next else ""
    return Rendering(
        "console/list.html",
        {
            "kind": kind,
            "columns": heads(kind, names, request),
            "rows": [(row, shown) for row, shown in zip(page.data, rows, strict=True)],
            "q": request.asked("q"),
            "filters": chips(kind, request),
            "hidden": [pair for pair in request.query if pair[0] not in ("q", "cursor")],
            "more": more,
            "first": not request.asked("cursor"),
        },
    )


def columns_of(kind: Kind, request: PageRequest) -> list[str]:
    """The columns of the address, or the entity's own; what its reader may not see is left out."""
    wanted = [name for name in request.asked("_columns").split(",") if name in kind.fields]
    return wanted or kind.columns()


def query_asked(kind: Kind, request: PageRequest, names: Sequence[str]) -> Query:
    """What the address asks for; raises BadRequest for a field or an operator that is not there."""
    sort = tuple(word for word in request.asked("sort").split(",") if word) or _usual_sort(kind)
    return Query(filter=parse_filter(filters_in(request.query)), sort=sort, fields=("id", "version", *(n for n in names if n not in ("id", "version"))),
                 q=request.asked("q").strip(), limit=SIZE, cursor=request.asked("cursor"))  # fmt: skip


def filters_in(pairs: Pairs) -> list[tuple[str, str]]:
    """The pairs of an address that are filters."""
    return [(name, value) for name, value in pairs if name not in RESERVED and not name.startswith(OWN)]


def _usual_sort(kind: Kind) -> tuple[str, ...]:
    return ("-created_at",) if "created_at" in kind.fields else ()


def heads(kind: Kind, names: Sequence[str], request: PageRequest) -> list[Column]:
    """The heads of the columns."""
    now = request.asked("sort")
    found = []
    for name in names:
        field = kind.fields[name]
        sorted_ = {name: "up", f"-{name}": "down"}.get(now, "")
        other = [pair for pair in request.query if pair[0] not in ("sort", "cursor")]
        href = kind.path + query_of([*other, ("sort", f"-{name}" if sorted_ == "up" else name)])
        found.append(Column(name, kind.ctx.say(field.label), field.sortable, sorted_, href, field.kind))
    return found


@dataclass(frozen=True)
class Chip:
    """A filter that is in force, and the address without it."""

    label: str
    operator: str
    value: str
    href: str


def chips(kind: Kind, request: PageRequest) -> list[Chip]:
    """The filters of the address as people read them."""
    found = []
    for name, value in filters_in(request.query):
        condition = parse_filter([(name, value)])[0]
        field = kind.fields.get(condition.field)
        label = kind.ctx.say(field.label) if field is not None else condition.field
        rest = [pair for pair in request.query if pair != (name, value) and pair[0] != "cursor"]
        found.append(Chip(label, condition.operator, value, kind.path + query_of(rest)))
    return found


def titled(shown: Sequence[Cell]) -> str:
    """What a row is called."""
    return next((one.text for one in shown if one.kind == "title"), "")


PAGES = (PageRoute("list", path="/{plugin}/{plural}", title=_("List"), permission=SIGNED_IN, view=show),)
