"""Saved views: what somebody wants to see of an entity, under a name, for oneself or for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from plugins.console import asked as asked_
from plugins.console.asked import ALL, Asked
from plugins.console.paths import placed
from plugins.console.registry import Kind, kind_at, query_of
from plugins.console.tables import BOARD, CALENDAR, LAYOUTS, LIST, SHOWN_TO
from sdk import (
    SIGNED_IN,
    Audience,
    BadRequest,
    Batch,
    Change,
    Condition,
    Context,
    NotFound,
    PageRequest,
    PageRoute,
    Problem,
    Query,
    Redirect,
    Refusal,
    Rendering,
    _,
    parse_filter,
    where,
)
from sdk.context import Row
from sdk.pages import told

NAME, START = "console.view", "console.start"
MOST = 200


@dataclass(frozen=True)
class Tab:
    """A saved view as it stands above a list."""

    id: str
    name: str
    href: str
    here: bool
    mine: bool
    shared: str
    pinned: bool
    layout: str


@dataclass(frozen=True)
class Shelf:
    """The views of an entity that the actor sees, the one that is open, and with which the actor begins ("": all of it)."""

    tabs: Sequence[Tab]
    open: Row | None = None
    start: str = ""
    edited: bool = False
    """Whether what is shown is not what the open view says."""
    may_start: bool = False
    """Whether the actor may begin with what is open: not with what the entity comes with, but for the first of it."""

    @property
    def pinned(self) -> list[Tab]:
        """Those that stand above the list; the open one always does."""
        return [tab for tab in self.tabs if tab.pinned or tab.here]

    @property
    def others(self) -> list[Tab]:
        """Those behind a button."""
        return [tab for tab in self.tabs if not tab.pinned and not tab.here]

    @property
    def here(self) -> Tab | None:
        """The open one."""
        return next((tab for tab in self.tabs if tab.here), None)


def resolved(kind: Kind, request: PageRequest) -> tuple[Asked, Shelf]:
    """What an address asks for, once its view is looked up, or the one with which the actor begins; raises NotFound for a hidden view."""
    asked = asked_.read(request)
    rows = rows_of(kind)
    start = start_of(kind)
    known = {str(row["id"]): row for row in rows}
    if not request.query and start in known:
        asked = Asked(view=start, saved=True)
    row = known.get(asked.view)
    if asked.saved and asked.view != ALL:
        if row is None:
            raise NotFound(_("this view doesn’t exist, or is no longer shared with you"))
        asked = replace(asked_.of_view(row).seen(kind), cursor=asked.cursor)
    edited = row is not None and not asked.saved and not asked_.same(asked, asked_.of_view(row).seen(kind))
    start, open_ = start if start in known else "", str(row["id"]) if row is not None else ""
    may_start = not edited and open_ != start and (not open_ or _is_id(open_) or open_ == _first(kind))
    return asked, Shelf([_tab(kind, one, asked.view) for one in rows], row, start, edited, may_start)


def spelled_out(kind: Kind, request: PageRequest) -> tuple[PageRequest, Asked]:
    """What a board or a calendar is asked for, as if its address said itself what its view says, or the one with which the actor begins;
    and what the list of the same asks for. Raises NotFound for a hidden view.

    The columns of a list are no cards. Where a view asks by what the actor does not see, no filter is in force and none is shown.
    """
    own = [pair for pair in request.query if pair[0] in _LAYING]
    said = [pair for pair in request.query if pair[0] not in _LAYING]
    if said and request.asked(asked_.VIEW) in ("", ALL):
        return request, _as_begun(kind, asked_.read(request))
    asked, shelf = resolved(kind, replace(request, query=said))
    if shelf.open is None:
        return request, asked
    if any(placed(kind, one.field) is None for one in parse_filter(asked.filters)):
        return replace(request, query=[*own, (asked_.VIEW, ALL)]), asked
    return replace(request, query=[*own, *replace(asked, columns=()).state(), (asked_.BEGUN, asked.view)]), asked


def _as_begun(kind: Kind, asked: Asked) -> Asked:
    """The view that one began with, where no more is changed of it than what neither board nor calendar has: its columns."""
    begun = [
        asked_.of_view(row).seen(kind) for row in (rows_of(kind) if asked.view not in ("", ALL) else ()) if str(row["id"]) == asked.view
    ]
    return next((one for one in begun if asked_.same(replace(one, columns=()), replace(asked, columns=()))), asked)


_LAYING = frozenset({"_by", "_on", "_span", "_day", "_lane", "_sums", "cursor"})
"""Words of an address that say how records are laid out, and not which."""


def rows_of(kind: Kind) -> list[Row]:
    """The views of an entity that the actor sees: those that it comes with, own ones, and what others share; pinned ones first."""
    ready = ready_made(kind)
    if not kind.ctx.can(f"{NAME}.read"):
        return ready
    query = Query(filter=where(entity=kind.name), sort=("-pinned", "name"), limit=MOST)
    return [*ready, *kind.ctx.records(NAME).query(query).data]


def ready_made(kind: Kind) -> list[Row]:
    """The views that an entity comes with, as if somebody had saved them; none that asks by what the actor does not see."""
    me, found = kind.ctx.actor.user_id, list[Row]()
    for view in kind.entity.views:
        asked = [(name, value.format(me=me, today=kind.ctx.today())) for name, value in view.conditions.items()]
        if me is not None and all(name.partition("[")[0] in kind.fields for name in view.conditions):
            found.append({
                "id": view.key, "name": kind.ctx.say(view.label), "conditions": query_of(asked).lstrip("?"), "ordered_by": view.sort,
                "shown_to": Audience.NOBODY, "pinned": True, "layout": LIST,
            })  # fmt: skip
    return found


def start_of(kind: Kind) -> str:
    """The id of the view with which the actor begins, chosen or the first that the entity comes with; "" for all of it."""
    row = _start(kind)
    if row is not None:
        return str(row["view"]) if row.get("view") is not None else ""
    return _first(kind)


def _first(kind: Kind) -> str:
    """The view that an entity opens with by itself; "" for all of it."""
    return next((str(one["id"]) for one in ready_made(kind)), "")


def _start(kind: Kind) -> Row | None:
    if not kind.ctx.can(f"{START}.read") or kind.ctx.actor.user_id is None:
        return None
    mine = (*where(entity=kind.name), Condition("owner", "eq", (kind.ctx.actor.user_id,)))
    found = kind.ctx.records(START).query(Query(filter=mine, fields=("id", "view"), limit=1)).data
    return found[0] if found else None


def _tab(kind: Kind, row: Row, open_: str) -> Tab:
    id, shown_to = str(row["id"]), str(row["shown_to"])
    mine = str(row.get("owner")) == str(kind.ctx.actor.user_id)
    shared = kind.ctx.say(SHOWN_TO[shown_to]) if shown_to != Audience.NOBODY else ""
    return Tab(id, str(row["name"]), address(kind, row), id == open_, mine, shared, bool(row["pinned"]), str(row["layout"]))


def address(kind: Kind, row: Row) -> str:
    """Where a view is shown: as a list, or as the board or the calendar with what it asks for, where its reader sees all of that."""
    layout, by = str(row.get("layout") or LIST), str(row.get("layout_field") or "")
    asked = asked_.of_view(row).seen(kind)
    if layout not in layouts(kind) or layout == LIST or any(placed(kind, one.field) is None for one in parse_filter(asked.filters)):
        return f"{kind.path}?{asked_.VIEW}={row['id']}"
    word, known = ("_by", kind.boards) if layout == BOARD else ("_on", kind.dates)
    pairs = replace(asked, columns=(), sort=asked.sort if layout == BOARD else "").state()
    return f"{kind.path}/{layout}" + query_of([*pairs, *([(word, by)] if by in known else [])])


def layouts(kind: Kind) -> list[str]:
    """The layouts in which its records can stand."""
    return [LIST, *([BOARD] if kind.boards else []), *([CALENDAR] if kind.dates else [])]


def fields_for(kind: Kind) -> list[tuple[str, str]]:
    """The fields by which a board or a calendar can be laid out."""
    return [(name, kind.labels[name]) for name in dict.fromkeys((*kind.boards, *kind.dates))]


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a view: a new one of what the address shows, or the open one."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked, shelf = resolved(kind, request)
    return _form(kind, asked, shelf.open if request.asked("_act") == "change" else None, request, ())


def act(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep what is shown, in a new view or in the open one; rename, share, delete it, or begin with it."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked = asked_.of_text(request.typed("state"))
    wanted, views = request.typed("act"), ctx.records(NAME)
    if wanted not in _ACTS:
        raise BadRequest(_("expected act to be one of {known}"), known=", ".join(_ACTS))
    row = views.get(UUID(asked.view)) if wanted != "new" and _is_id(asked.view) else None
    if wanted == "new":
        return _saved(kind, asked, None, request)
    if wanted == "start" and row is None:
        return _begin_anew(kind) if asked.view and asked.view == _first(kind) else _begin(kind, None)
    if row is None or row["entity"] != kind.name:
        raise NotFound(_("this view doesn’t exist, or is no longer shared with you"))
    if wanted == "change":
        return _saved(kind, asked, row, request)
    if wanted == "start":
        return _begin(kind, row)
    if wanted == "delete":
        views.delete(_id(row))
        return Redirect(f"{kind.path}?{asked_.VIEW}={ALL}")
    return Redirect(address(kind, views.update(_id(row), asked_.as_values(asked))))


_ACTS = ("new", "save", "change", "delete", "start")


def _saved(kind: Kind, asked: Asked, row: Row | None, request: PageRequest) -> Rendering | Redirect:
    values: dict[str, object] = {
        "name": request.typed("name").strip() or None,
        "shown_to": request.typed("shown_to") or Audience.NOBODY.value,
        "pinned": request.typed("pinned") == "true",
        "layout": request.typed("layout") or LIST,
        "layout_field": request.typed("layout_field") or None,
    }
    views = kind.ctx.records(NAME)
    try:
        new = {**values, **asked_.as_values(asked), "entity": kind.name}
        made = views.create(new) if row is None else views.update(_id(row), values)
    except Refusal as refusal:
        return _form(kind, asked, row, request, told(kind.ctx, refusal), values, refusal.status)
    return Redirect(address(kind, made))


def _form(
    kind: Kind, asked: Asked, row: Row | None, request: PageRequest, problems: Sequence[str],
    values: Row | None = None, status: int = 200,
) -> Rendering:  # fmt: skip
    say = kind.ctx.say
    shown = values or row or {"name": "", "shown_to": Audience.NOBODY.value, "pinned": True, "layout": LIST, "layout_field": ""}
    return Rendering(
        "console/view.html",
        {
            "kind": kind,
            "asked": asked,
            "state": state_of(asked),
            "row": row,
            "values": shown,
            "problems": problems,
            "audiences": [(key, say(label)) for key, label in SHOWN_TO.items()],
            "layouts": [(key, say(LAYOUTS[key])) for key in layouts(kind)],
            "fields": fields_for(kind),
        },
        status,
    )


def state_of(asked: Asked) -> str:
    """What the forms of a list send of what is shown."""
    return "&".join([query_of(asked.state()).lstrip("?"), f"{asked_.BEGUN}={asked.view}"]).lstrip("&")


def _begin(kind: Kind, row: Row | None) -> Redirect:
    """From here on the actor begins with this view, or with all of it."""
    starts, there = kind.ctx.records(START), _start(kind)
    view = _id(row) if row is not None else None
    if there is None:
        starts.create({"entity": kind.name, "view": view})
    else:
        starts.update(_id(there), {"view": view})
    return Redirect(address(kind, row) if row is not None else f"{kind.path}?{asked_.VIEW}={ALL}")


def _begin_anew(kind: Kind) -> Redirect:
    """From here on the actor begins with what the entity opens with by itself."""
    if (there := _start(kind)) is not None:
        kind.ctx.records(START).delete(_id(there))
    return Redirect(kind.path)


def check(ctx: Context, batch: Batch) -> None:
    """A view names an entity, and fields of it that its writer sees; raises nothing, refuses the change."""
    for change in batch.standing():
        name = str(change.after("entity"))
        told = any(change.changes(field) for field in ("entity", "conditions", "words", "ordered_by", "columns", "layout_field"))
        if told and not (ctx.offers(name) and ctx.can(f"{name}.read")):
            change.refuse("entity", "unknown_entity", _("entity {name!r} does not exist"), name=name[:100])
        elif told:
            _check(ctx, change, name)


def _check(ctx: Context, change: Change, name: str) -> None:
    row = {key: change.after(key) for key in ("conditions", "words", "ordered_by", "columns")}
    asked, known = asked_.of_view({"id": "", **row}), ctx.records(name).fields()
    unknown = [one for one in (*asked.columns, str(change.after("layout_field") or "")) if one and one not in known]
    if unknown:
        said = {"entity": name, "field": unknown[0][:80]}
        change.problems.append(Problem("columns", "unknown_field", _("{entity} has no field {field!r}"), said))
        return
    try:
        sort = tuple(word for word in asked.sort.split(",") if word)
        ctx.records(name).query(Query(filter=parse_filter(asked.filters), sort=sort, fields=("id",), q=asked.words, limit=1))
    except BadRequest as refusal:
        change.problems.append(Problem("conditions", refusal.reason, refusal.message, refusal.params))


def _id(row: Row) -> UUID:
    return row["id"] if isinstance(row["id"], UUID) else UUID(str(row["id"]))


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True


PAGES = (PageRoute("views", path="/{plugin}/{plural}/views", title=_("View"), permission=SIGNED_IN, view=show, submit=act),)
