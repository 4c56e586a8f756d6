"""The day of a team: what is open, overdue and held today, and which deals have no next step, person by person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork.attainment import PART
from plugins.teamwork.crew import crew
from plugins.teamwork.people import as_id
from plugins.teamwork.tables import DEALS, DONE, OPEN, PLANNED
from sdk import Condition, Context, NotFound, PageRequest, PageRoute, Query, Rendering, _
from sdk.context import Row
from sdk.days import instant

TASK, ACTIVITY, COMMENT = "teamwork.task", "teamwork.activity", "teamwork.comment"
PLACE = "/teamwork/team"
_MOST, _FEW = 500, 8
STEP = "teamwork.next_step"
UNPLANNED = Condition(STEP, "eq", ("false",))
"""Deals about which no task is open and nothing is planned."""
_SHOWN = ("id", "name", "owner", "stage_since", "close_date", "amount", "teamwork.last_activity_at")


@dataclass(frozen=True)
class Figure:
    """A number and the list that it counts."""

    value: object
    href: str = ""
    late: bool = False


@dataclass(frozen=True)
class Line:
    """One person's day."""

    id: UUID
    name: str
    figures: Sequence[Figure]
    meetings: Sequence[Mapping[str, object]]


def show(ctx: Context, request: PageRequest) -> Rendering:
    """Everybody whom the actor looks after; `person` opens one of them."""
    people = crew(ctx)
    teams = _teams(ctx, people)
    if team := as_id(request.asked("team")):
        people = {id: row for id, row in people.items() if row["team"] == team}
    asked = request.asked("person")
    chosen = as_id(asked) if asked else next(iter(people)) if len(people) == 1 else None
    if asked and chosen not in people:
        raise NotFound(_("there is nothing at this address"))
    heads, lines = _lines(ctx, people)
    values = {
        "heads": heads, "lines": lines, "today": ctx.today(), "chosen": chosen, "comments": _comments(ctx, people),
        "name": people[chosen]["name"] if chosen is not None else "", "opened": _opened(ctx, chosen) if chosen is not None else [], "here": ctx.page(PLACE),
        "teams": teams, "team": team,
    }  # fmt: skip
    return Rendering("teamwork/team.html", values)


def _teams(ctx: Context, people: Mapping[UUID, Row]) -> list[tuple[UUID, str]]:
    """The teams of these people, to look at one of them; none where they are all of one."""
    found = ctx.as_system().records("core.team").values({row["team"] for row in people.values() if isinstance(row["team"], UUID)})
    return sorted(((id, str(row["name"])) for id, row in found.items()), key=lambda pair: pair[1]) if len(found) > 1 else []


def _lines(ctx: Context, people: Mapping[UUID, Row]) -> tuple[list[str], list[Line]]:
    """The heads of the columns, and a line for each person; what the actor may not read is in none of them."""
    day, week, ids = ctx.today(), _week(ctx), list(people)
    columns: list[tuple[str, Mapping[UUID, Figure]]] = []
    if ctx.can(f"{TASK}.read"):
        open_ = Condition("state", "eq", (OPEN,))
        columns += [
            (ctx.say(_("Open tasks")), _counted(ctx, TASK, "tasks", ids, (open_,), "state=open")),
            (ctx.say(_("Due today")), _counted(ctx, TASK, "tasks", ids, (open_, Condition("due_on", "eq", (day,))), f"state=open&due_on={day}")),
            (ctx.say(_("Overdue")), _counted(ctx, TASK, "tasks", ids, (open_, Condition("due_on", "lt", (day,))), f"state=open&due_on[lt]={day}", late=True)),
        ]  # fmt: skip
    if ctx.can(f"{ACTIVITY}.read"):
        done = (Condition("state", "eq", (DONE,)), Condition("starts_at", "gte", (week,)))
        said = urlencode({"state": DONE, "starts_at[gte]": week.isoformat()})
        columns.append((ctx.say(_("Done this week")), _counted(ctx, ACTIVITY, "activities", ids, done, said)))
    if ctx.offers(DEALS) and ctx.can(f"{DEALS}.read"):
        open_deals = (Condition("status", "eq", ("open",)),)
        columns.append((ctx.say(_("Open deals")), _counted(ctx, DEALS, "deals", ids, open_deals, "status=open")))
        if STEP in ctx.records(DEALS).fields():
            without = _counted(ctx, DEALS, "deals", ids, (*open_deals, UNPLANNED), f"status=open&{STEP}=false", late=True)
            columns.append((ctx.say(_("No next step")), without))
    meetings = _meetings(ctx, ids, day)
    return [head for head, _figures in columns], [
        Line(id, str(row["name"]), [figures.get(id, Figure(0)) for _head, figures in columns], meetings.get(id, []))
        for id, row in people.items()
    ]


def _counted(
    ctx: Context, entity: str, plural: str, people: Sequence[UUID], only: Iterable[Condition], said: str, *, late: bool = False
) -> dict[UUID, Figure]:
    """How many there are of each person, with the list that shows them."""
    plugin = entity.partition(".")[0]
    found: dict[UUID, Figure] = {}
    for start in range(0, len(people), PART):
        among = Condition("owner", "in", tuple(people[start : start + PART]))
        for row in ctx.records(entity).aggregate(["count"], ["owner"], (*only, among), PART):
            owner = UUID(str(row["owner.id"]))
            found[owner] = Figure(row["count"], ctx.page(f"/{plugin}/{plural}?{said}&owner={owner}"), late)
    return found


def _week(ctx: Context) -> datetime:
    """When the week of who looks began."""
    day = ctx.today()
    return instant(day - timedelta(days=(day.isoweekday() - ctx.tenant.week_start) % 7), ctx.zone)


def _meetings(ctx: Context, people: Sequence[UUID], day: date) -> dict[UUID, list[Mapping[str, object]]]:
    """What is held today, in the order of the day."""
    if not ctx.can(f"{ACTIVITY}.read"):
        return {}
    zone, found = ZoneInfo(ctx.zone), dict[UUID, list[Mapping[str, object]]]()
    held = (
        Condition("starts_at", "gte", (instant(day, ctx.zone),)),
        Condition("starts_at", "lt", (instant(day + timedelta(days=1), ctx.zone),)),
    )
    for start in range(0, len(people), PART):
        among = Condition("owner", "in", tuple(people[start : start + PART]))
        asked = Query(
            (*held, Condition("state", "in", (PLANNED, DONE)), among),
            ("starts_at",),
            ("id", "subject", "kind", "starts_at", "owner", "state"),
            limit=_MOST,
        )
        for row in ctx.records(ACTIVITY).query(asked).data:
            at = row.get("starts_at")
            begins = datetime.fromisoformat(str(at)).astimezone(zone) if at is not None else None
            owner = UUID(str(row["owner"])) if row.get("owner") else None
            if owner is not None:
                found.setdefault(owner, []).append(
                    {**row, "at": f"{begins:%H:%M}" if begins else "", "href": ctx.page(f"/teamwork/activities/{row['id']}")}
                )
    return found


def _opened(ctx: Context, person: UUID) -> list[Mapping[str, object]]:
    """Parts of one person's day: overdue tasks, and the deals that have no next step."""
    parts: list[Mapping[str, object]] = []
    if ctx.can(f"{TASK}.read"):
        mine = (Condition("state", "eq", (OPEN,)), Condition("owner", "eq", (person,)), Condition("due_on", "lte", (ctx.today(),)))
        rows = ctx.records(TASK).query(Query(mine, ("due_on",), ("id", "subject", "due_on"), limit=_FEW * 2)).data
        shown = [{"name": row.get("subject"), "href": ctx.page(f"/teamwork/tasks/{row['id']}"), "day": row.get("due_on")} for row in rows]
        parts.append({"key": "due", "title": ctx.say(_("Due")), "rows": shown, "nothing": ctx.say(_("Nothing is due."))})
    if ctx.offers(DEALS) and ctx.can(f"{DEALS}.read"):
        known = ctx.records(DEALS).fields()
        if STEP not in known:
            return parts
        names, since = tuple(name for name in _SHOWN if name in ("id", *known)), ("stage_since",) if "stage_since" in known else ()
        mine = (Condition("status", "eq", ("open",)), Condition("owner", "eq", (person,)), UNPLANNED)
        page = ctx.records(DEALS).query(Query(mine, since, names, limit=_FEW * 3, count=True))
        shown = [{"name": row.get("name"), "href": ctx.page(f"/pipeline/deals/{row['id']}"), "amount": row.get("amount"),
                  "since": row.get("teamwork.last_activity_at") or row.get("stage_since")} for row in page.data]  # fmt: skip
        parts.append({"key": "unplanned", "title": ctx.say(_("Deals without a next step")), "rows": shown, "more": (page.total or 0) - len(shown),
                      "nothing": ctx.say(_("Every open deal has a next step."))})  # fmt: skip
    return parts


def _comments(ctx: Context, people: Mapping[UUID, Row]) -> list[Mapping[str, object]]:
    """What they wrote last, as far as the actor sees what it is about."""
    if not ctx.can(f"{COMMENT}.read"):
        return []
    among = Condition("owner", "in", tuple(list(people)[:PART]))
    rows = ctx.records(COMMENT).query(Query((among,), ("-created_at",), ("id", "body", "about", "owner", "created_at"), limit=_FEW)).data
    called = _called(ctx, [row.get("about") for row in rows])
    found = list[Mapping[str, object]]()
    for row in rows:
        if row.get("owner"):
            about = row.get("about")
            person = people[UUID(str(row["owner"]))]
            found.append({**row, "by": person["name"], "href": _at(ctx, about), "title": called.get(_id_of(about), "")})
    return found


def _called(ctx: Context, abouts: Iterable[object]) -> dict[str, str]:
    """What the records are called that comments are about, one question for each kind of them."""
    wanted: dict[str, set[UUID]] = {}
    for about in abouts:
        if isinstance(about, Mapping):
            wanted.setdefault(str(about["entity"]), set()).add(UUID(_id_of(about)))
    told = (ctx.records(entity).titles(ids) for entity, ids in wanted.items() if ctx.offers(entity) and ctx.can(f"{entity}.read"))
    return {str(id): title for found in told for id, title in found.items()}


def _id_of(about: object) -> str:
    return str(about["id"]) if isinstance(about, Mapping) else ""


def _at(ctx: Context, about: object) -> str:
    """The page of what a comment is about."""
    if not isinstance(about, Mapping) or not ctx.offers(str(about["entity"])):
        return ""
    entity = ctx.entity(str(about["entity"]))
    return ctx.page(f"/{entity.plugin}/{entity.plural}/{about['id']}")


PAGES = (PageRoute("team", path="/team", title=_("Team"), permission=f"{TASK}.read", view=show),)
