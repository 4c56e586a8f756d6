"""Dashboards as pages: those of one's own, those that are shared with one's roles and teams, and one to begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from plugins.reports import narrowing, tiles
from plugins.reports.narrowing import PERIOD, query_of, without
from plugins.reports.periods import PRESETS
from plugins.reports.query import PERMISSION
from plugins.reports.tables import NARROWEST, SHAPES, WIDEST
from plugins.reports.tiles import NAME as TILE
from plugins.reports.tiles import Narrow
from sdk import Batch, Condition, Context, Draft, Forbidden, Invalid, NotFound, PageRequest, PageRoute, Query, Redirect, Rendering, _, where
from sdk.context import Row, id_of

NAME, SHARE = "reports.dashboard", "reports.dashboard.share"
AT, USUAL = "/reports/dashboard", "this_quarter"
MOST, MOST_TILES, MOST_PEOPLE = 100, 24, 200
PIPELINE = "pipeline.pipeline"
_FOR_SELLING = (
    ("panel:pipeline.won_months", "number", 2), ("report:orders.sales_by_month", "number", 1), ("report:pipeline.open_by_stage", "number", 1),
    ("report:pipeline.won_by_month", "chart", 2), ("report:pipeline.open_by_stage", "chart", 2), ("panel:forecast.outlook", "chart", 2),
    ("report:teamwork.activities_by_month", "chart", 2), ("report:orders.customers_by_purchase", "table", 2),
)  # fmt: skip
_FOR_LEADING = (
    ("panel:pipeline.won_months", "number", 2), ("report:orders.sales_by_month", "number", 1), ("report:pipeline.open_by_stage", "number", 1),
    ("report:pipeline.won_by_month", "chart", 2), ("panel:forecast.outlook", "chart", 2),
    ("report:orders.sales_by_month", "chart", 2), ("report:leads.leads_by_channel", "chart", 2),
    ("report:orders.sales_by_person", "chart", 2), ("report:pipeline.lost_by_reason", "chart", 2), ("report:pipeline.open_by_stage", "table", 2),
    ("report:customers.by_class", "chart", 2),
)  # fmt: skip


def prepare(ctx: Context, batch: Batch) -> None:
    """Who shares a dashboard needs a right of its own; the role has to be there."""
    for change in batch.standing():
        if not (change.changes("role") or change.changes("team")):
            continue
        if (change.after("role") or change.after("team")) and not ctx.can(SHARE):
            raise Forbidden(_("you need the permission {permission}"), permission=SHARE)
        role = change.after("role")
        if role and not ctx.as_system().records("core.role").find(where(key=role), 1):
            change.refuse("role", "no_role", _("role {role!r} does not exist"), role=role)


# --- which there are -------------------------------------------------------------------------------------------------


def seen(ctx: Context) -> list[Row]:
    """One's own dashboards by name, then those that are shared with one."""
    me = ctx.actor.user_id
    if me is None:
        return []
    mine = ctx.records(NAME).query(Query(where(owner=me), ("name",), limit=MOST)).data
    system = ctx.as_system().records(NAME)
    roles, teams = _place(ctx, me)
    found: dict[object, Row] = {}
    for name, values in (("role", roles), ("team", teams)):
        if values:
            asked = Query((Condition(name, "in", tuple(sorted(values))),), ("name",), limit=MOST)
            found |= {row["id"]: row for row in system.query(asked).data}
    return [*mine, *(row for row in found.values() if str(row["owner"]) != str(me))]


def _place(ctx: Context, me: UUID) -> tuple[set[str], set[str]]:
    """The roles of a person, those of the teams among them, and the ids of the teams: the own one and all above it."""
    system = ctx.as_system()
    row = system.records("core.user").values([me]).get(me, {})
    roles, teams = {str(key) for key in _list(row.get("roles"))}, set[str]()
    team = row.get("team")
    while isinstance(team, UUID) and str(team) not in teams:
        there = system.records("core.team").values([team]).get(team, {})
        teams.add(str(team))
        roles |= {str(key) for key in _list(there.get("roles"))}
        team = there.get("parent")
    return roles, teams


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _tiles_of(ctx: Context, board: Row | None) -> list[Row]:
    """The tiles of a dashboard that the actor has been given; of none, those to begin with that have something to show."""
    if board is not None:
        return [*ctx.as_system().records(TILE).query(Query(where(dashboard=board["id"]), ("position",), limit=MOST_TILES)).data]
    offered = {option.value for group in tiles.catalogue(ctx) for option in group.options}
    usual = _FOR_LEADING if ctx.can(SHARE) else _FOR_SELLING
    return [
        {"id": None, "source": source, "shape": shape, "width": width, "title": None} for source, shape, width in usual if source in offered
    ]


# --- pages -----------------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """One dashboard, narrowed by its address; without an id the first there is, or the one to begin with."""
    boards = seen(ctx)
    wanted = request.path.get("id")
    board = next((row for row in boards if wanted in (None, str(row["id"]))), None)
    if wanted is not None and board is None:
        raise NotFound(_("there is nothing at this address"))
    path = AT if board is None else f"{AT}/{board['id']}"
    narrow = Narrow(narrowing.of(ctx, request, USUAL), request.asked("owner"), request.asked("pipeline"))
    mine = board is not None and str(board["owner"]) == str(ctx.actor.user_id)
    rest = without(request, *PERIOD)
    shared = {
        "path": path, "narrowed": narrow.period, "rest": rest, "everything": path + query_of([*rest, ("range", "all")]),
        "presets": [{"key": key, "label": ctx.say(label), "href": path + query_of([*rest, ("range", key)])} for key, label in PRESETS.items()],
    }  # fmt: skip
    return Rendering(
        "reports/dashboard.html",
        {
            **shared, "board": board, "boards": boards, "mine": mine, "editing": mine and request.asked("edit") == "1",
            "tiles": [tiles.shown(ctx, tile, narrow, board and board["owner"]) for tile in _tiles_of(ctx, board)], "narrow": narrow, "switches": _switches(ctx),
            "kept": [pair for pair in request.query if pair[0] in PERIOD], "catalogue": tiles.catalogue(ctx),
            "shapes": [(key, ctx.say(label)) for key, label in SHAPES.items()], "may_share": ctx.can(SHARE), **_sharing(ctx, mine=mine),
        },
    )  # fmt: skip


def _switches(ctx: Context) -> list[dict[str, object]]:
    """What all tiles are narrowed by: a person, a pipeline, where there is a choice."""
    found = list[dict[str, object]]()
    for name, entity, label, active in (("owner", "core.user", _("Everyone"), True), ("pipeline", PIPELINE, _("All pipelines"), False)):
        if ctx.offers(entity) and ctx.can(f"{entity}.read"):
            there = where(active=True) if active and "active" in ctx.records(entity).fields() else ()
            rows = ctx.records(entity).query(Query(there, ("name",), ("id", "name"), limit=MOST_PEOPLE)).data
            if len(rows) > 1:
                found.append({"name": name, "all": ctx.say(label), "options": [(str(row["id"]), str(row["name"])) for row in rows]})
    return found


def _sharing(ctx: Context, *, mine: bool) -> dict[str, object]:
    """With whom one may share it."""
    if not mine or not ctx.can(SHARE):
        return {"roles": [], "teams": []}
    system = ctx.as_system()
    roles = [(str(row["key"]), str(row["name"])) for row in system.records("core.role").query(Query((), ("name",), limit=MOST)).data]
    return {"roles": roles, "teams": [(str(row["id"]), str(row["name"])) for row in system.records("core.team").find((), MOST_PEOPLE)]}


def start(ctx: Context, request: PageRequest) -> Redirect:
    """A dashboard of one's own: a copy of the one that is looked at, or an empty one."""
    copied = request.typed("act") == "copy"
    boards = seen(ctx)
    source = next((row for row in boards if str(row["id"]) == request.typed("from")), None)
    name = request.typed("name").strip() or ctx.say(_("My dashboard"))
    board = id_of(ctx.records(NAME).create({"name": name[:100]}))
    rows = _tiles_of(ctx, source) if copied else []
    drafts = [
        Draft("create", {"dashboard": board, "position": at, **{key: row[key] for key in ("source", "title", "shape", "width")}})
        for at, row in enumerate(rows)
    ]
    ctx.records(TILE).write_all(drafts)
    return Redirect(_address(request, board, edit=True))


def change(ctx: Context, request: PageRequest) -> Redirect:
    """One act on a dashboard of one's own; raises Invalid for one that there is not."""
    board = request.id()
    act, _dash, way = request.typed("act").partition("-")
    if act not in _ACTS:
        raise Invalid(_("dashboards have no action {act!r}"), act=act[:40])
    ctx.records(NAME).get(board)
    _ACTS[act](ctx, board, request, 1 if way == "up" else -1)
    gone = act == "delete"
    return Redirect(_address(request, None if gone else board, edit=not gone))


def _address(request: PageRequest, board: UUID | None, *, edit: bool) -> str:
    prefix = request.address.partition("/reports/")[0]
    return prefix + AT + (f"/{board}" if board else "") + ("?edit=1" if edit else "")


def _own_tiles(ctx: Context, board: UUID) -> list[Row]:
    return [*ctx.records(TILE).query(Query(where(dashboard=board), ("position",), limit=MOST_TILES)).data]


def _add(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    there = _own_tiles(ctx, board)
    if len(there) >= MOST_TILES:
        raise Invalid(_("a dashboard can have at most {most} tiles"), most=MOST_TILES)
    shape = request.typed("shape", "chart")
    values = {"dashboard": board, "source": request.typed("source"), "shape": shape, "width": 1 if shape == "number" else 2}
    ctx.records(TILE).create({**values, "position": max((int(str(row["position"])) for row in there), default=-1) + 1})


def _tile(ctx: Context, board: UUID, request: PageRequest) -> Row:
    found = next((row for row in _own_tiles(ctx, board) if str(row["id"]) == request.typed("tile")), None)
    if found is None:
        raise NotFound(_("this dashboard has no such tile"))
    return found


def _remove(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    ctx.records(TILE).delete(UUID(str(_tile(ctx, board, request)["id"])))


def _widen(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    tile = _tile(ctx, board, request)
    width = int(str(tile["width"])) + way
    ctx.records(TILE).update(UUID(str(tile["id"])), {"width": min(max(width, NARROWEST), WIDEST)})


def _move(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    ids = [str(row["id"]) for row in _own_tiles(ctx, board)]
    at = ids.index(str(_tile(ctx, board, request)["id"]))
    to = min(max(at + way, 0), len(ids) - 1)
    ids.insert(to, ids.pop(at))
    _order(ctx, board, ids)


def _arrange(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    """In the order in which somebody has put them; what is not named comes last."""
    wanted = request.typed("order").split(",")
    ids = [str(row["id"]) for row in _own_tiles(ctx, board)]
    _order(ctx, board, sorted(ids, key=lambda one: wanted.index(one) if one in wanted else len(wanted)))


def _order(ctx: Context, board: UUID, ids: Sequence[str]) -> None:
    there = {str(row["id"]): row["position"] for row in _own_tiles(ctx, board)}
    moved = [Draft("update", {"position": at}, UUID(id)) for at, id in enumerate(ids) if there[id] != at]
    ctx.records(TILE).write_all(moved)


def _rename(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    values: dict[str, object] = {"name": request.typed("name").strip() or None}
    if ctx.can(SHARE):
        values |= {"role": request.typed("role") or None, "team": request.typed("team") or None}
    ctx.records(NAME).update(board, values)


def _delete(ctx: Context, board: UUID, request: PageRequest, way: int) -> None:
    ctx.records(NAME).delete(board)


_ACTS: Mapping[str, Callable[[Context, UUID, PageRequest, int], None]] = {
    "add": _add, "remove": _remove, "width": _widen, "move": _move, "order": _arrange, "rename": _rename, "delete": _delete,
}  # fmt: skip

PAGES = (
    PageRoute("dashboard", path="/dashboard", title=_("Dashboard"), permission=PERMISSION, view=show, submit=start),
    PageRoute("one_dashboard", path="/dashboard/{id}", title=_("Dashboard"), permission=PERMISSION, view=show, submit=change),
)
