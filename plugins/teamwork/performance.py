"""Targets against what is reached, in a month, quarter or year: each number leads to the records that it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from plugins.teamwork import targets
from plugins.teamwork.attainment import PART, PARTS, Staff
from plugins.teamwork.crew import crew
from plugins.teamwork.periods import Period, read, starting
from plugins.teamwork.tables import (
    ACTIVITIES,
    COURSES,
    DEALS,
    DONE,
    KINDS,
    MEASURES,
    NEW_CUSTOMERS,
    ON_TIME_TASKS,
    OPEN,
    PERIODS,
    WON_AMOUNT,
    Target,
)
from plugins.teamwork.workdays import today
from sdk import Condition, Context, PageRequest, PageRoute, Query, Rendering, Text, _
from sdk.context import Row

PLACE = "/teamwork/performance"
EVALUATION, SCORE = "teamwork.evaluation", "teamwork.score"
_NAMED = {"product": "catalog.product", "campaign": "leads.campaign", "region": "company.region", "account": "customers.account"}
"""The parts that are records."""
_MOST_NAMED = 60
"""So many people an address names; the list of more is that of all."""
_FULL = Decimal(100)


@dataclass(frozen=True)
class Line:
    """A target: of whom and what, how far it is, and where the records are that it counts. `reached` and `goal` as the API says them."""

    name: str
    measure: str
    parts: Sequence[str]
    goal: object
    reached: object
    percent: Decimal | None
    money: bool
    href: str
    target: str
    not_priced: int
    counts: str
    """What the list holds to which the figure leads."""

    @property
    def bar(self) -> Decimal:
        """The share of the bar that is full, in per cent."""
        return min(max(self.percent or Decimal(0), Decimal(0)), _FULL)


def _step(ctx: Context, to: Period) -> tuple[str, str]:
    """The name of a period beside the one that is shown, and what people call it."""
    return to.name, ctx.period(to.name)


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The targets of a period that the actor may see, the company's first, then teams, then people; what people did; and evaluations."""
    begins = ctx.tenant.fiscal_year_start
    period = read(request.asked("period"), begins) if request.asked("period") else starting("month", today(ctx), begins)
    groups = _groups(ctx, period)
    kinds = [kind for kind in PERIODS if begins != 1 or not kind.startswith("fiscal")]
    day = min(max(today(ctx), period.start), period.end - timedelta(days=1))
    values = {
        "period": period.name, "said": ctx.period(period.name), "pace": pace(ctx, period),
        "groups": groups, "here": ctx.page(PLACE), "doings": _doings(ctx, period),
        "grains": [(starting(kind, day, begins).name, ctx.say(PERIODS[kind]), kind == period.kind) for kind in kinds],
        "before": _step(ctx, starting(period.kind, period.start - timedelta(days=1), begins)),
        "after": _step(ctx, starting(period.kind, period.end, begins)),
        "evaluations": _evaluations(ctx, period), "months": _by_month(ctx, period),
        "may_add": ctx.can(f"{targets.NAME}.create"), "kind": period.kind, "start": period.start,
        "kinds": [ctx.say(word) for word in (*KINDS.values(), _("Comments"))], "may_evaluate": ctx.can(f"{EVALUATION}.create"),
    }  # fmt: skip
    return Rendering("teamwork/performance.html", values)


def _by_month(ctx: Context, period: Period) -> dict[str, object]:
    """What was to be reached in each month of a longer period, of whom and what: a line for each, a cell for each month."""
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, Line]] = {}
    months = [month for month in period.months if period.kind != "month"]
    for month in months:
        for _row, line in lines(ctx, month):
            found.setdefault((line.name, line.measure, tuple(line.parts)), {})[month.name] = line
    rows = [{"name": name, "measure": measure, "parts": parts, "cells": [cells.get(month.name) for month in months]}
            for (name, measure, parts), cells in sorted(found.items(), key=lambda pair: pair[0])]  # fmt: skip
    return {"heads": [(ctx.period(month.name), ctx.page(f"{PLACE}?period={month.name}")) for month in months], "rows": rows}


def pace(ctx: Context, period: Period) -> Decimal:
    """How much of a period is over, in per cent."""
    days = (period.end - period.start).days
    return min(max(Decimal((today(ctx) - period.start).days + 1) * _FULL / days, Decimal(0)), _FULL).quantize(Decimal("0.1"))


def _groups(ctx: Context, period: Period) -> list[tuple[str, str, list[Line]]]:
    """The targets of the company, of teams and of people: what each group is called, and what one of it is."""
    of_company, of_teams, of_people = list[Line](), list[Line](), list[Line]()
    for row, line in lines(ctx, period):
        (of_people if row["person"] else of_teams if row["team"] else of_company).append(line)
    groups = ((_("Company"), _("Company"), of_company), (_("Teams"), _("Team"), of_teams), (_("People"), _("Person"), of_people))
    for _label, _head, found in groups:
        found.sort(key=lambda line: (line.name, line.measure, line.parts))
    return [(ctx.say(label), ctx.say(head), found) for label, head, found in groups if found]


def lines(ctx: Context, period: Period, only: Sequence[Condition] = ()) -> list[tuple[Row, Line]]:
    """The targets of a period with what is reached of each."""
    found = targets.shown(ctx, period, only)
    staff = Staff(ctx, {row["person"] for row in found}, {row["team"] for row in found})
    named = _titles(ctx, found)
    return [(row, _line(ctx, period, row, staff, named)) for row in found]


def _titles(ctx: Context, rows: Iterable[Row]) -> dict[object, str]:
    """What the records are called to which targets are narrowed; what the actor may not see has no name."""
    wanted: dict[str, set[UUID]] = {}
    for row in rows:
        for part, entity in _NAMED.items():
            if isinstance(id := row.get(part), UUID):
                wanted.setdefault(entity, set()).add(id)
    return {
        id: title for entity, ids in wanted.items() if ctx.can(f"{entity}.read") for id, title in ctx.records(entity).titles(ids).items()
    }


def _line(ctx: Context, period: Period, row: Row, staff: Staff, named: Mapping[object, str]) -> Line:
    measure, person, team = str(row["measure"]), row["person"], row["team"]
    people = [person] if isinstance(person, UUID) else sorted(staff.of_team(team)) if isinstance(team, UUID) else None
    parts = {part: row[part] for part in PARTS if row.get(part)}
    said = [
        f"{ctx.say(Target.__fields__[part].label)}: {named.get(value, '•••') if part in _NAMED else value}" for part, value in parts.items()
    ]
    if row["activity_kind"]:
        said.append(ctx.say(KINDS[str(row["activity_kind"])]))
    return Line(
        str(row["name"] or ctx.tenant.name), ctx.say(MEASURES[measure]), said, row["goal"], row["reached"],
        None if row["percent"] is None else Decimal(str(row["percent"])), measure == WON_AMOUNT,
        counted(ctx, measure, period, people, parts, row["activity_kind"]), ctx.page(f"/teamwork/targets/{row['target']}"),
        int(str(row["not_priced"])), ctx.say(counts(measure)),
    )  # fmt: skip


def counts(measure: str) -> Text:
    """What the list of a figure holds: all that it counts, or that among which it is."""
    return {
        NEW_CUSTOMERS: _("The won deals, including the first deals of new customers"),
        ON_TIME_TASKS: _("The tasks that were due, of which this share was done on time"),
    }.get(measure, _("What it counts"))


def counted(ctx: Context, measure: str, period: Period, people: Sequence[UUID] | None, parts: Mapping[str, object], kind: object) -> str:
    """The list of what a figure counts, for who may read it; of new customers it is the deals among which their first ones are."""
    entity = "teamwork.activity" if measure == ACTIVITIES else "teamwork.task" if measure == ON_TIME_TASKS else DEALS
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return ""
    asked: list[tuple[str, str]] = []
    if people is not None and len(people) <= _MOST_NAMED:
        asked.append(("owner[in]", ",".join(str(id) for id in people)) if len(people) != 1 else ("owner", str(people[0])))
    if measure == ACTIVITIES:
        first, last = period.instants(ctx)
        asked += [
            ("state", DONE),
            ("starts_at[gte]", first.isoformat()),
            ("starts_at[lt]", last.isoformat()),
            *([("kind", str(kind))] if kind else []),
        ]
        return ctx.page(f"/teamwork/activities?{urlencode(asked)}")
    if measure == ON_TIME_TASKS:
        asked += [("state[in]", f"{DONE},{OPEN}"), ("due_on[gte]", period.start.isoformat()), ("due_on[lt]", period.end.isoformat())]
        return ctx.page(f"/teamwork/tasks?{urlencode(asked)}")
    asked += [("status", "won"), ("close_date[gte]", period.start.isoformat()), ("close_date[lt]", period.end.isoformat())]
    asked += [(PARTS[part][0], str(value)) for part, value in parts.items()]
    return ctx.page(f"/pipeline/deals?{urlencode(asked)}")


# --- what people did -------------------------------------------------------------------------------------------------


def _doings(ctx: Context, period: Period) -> list[tuple[str, list[tuple[int, str]]]]:
    """For each person whom the actor looks after: activities done by kind, and comments, each with its list."""
    people, may = crew(ctx), ctx.can("teamwork.activity.read")
    if not may or not people:
        return []
    first, last = period.instants(ctx)
    ids, done, comments = list(people), dict[tuple[str, str], int](), dict[str, int]()
    for start in range(0, len(ids), PART):
        among = Condition("owner", "in", tuple(ids[start : start + PART]))
        asked = (Condition("state", "eq", (DONE,)), Condition("starts_at", "gte", (first,)), Condition("starts_at", "lt", (last,)), among)
        rows = ctx.records("teamwork.activity").aggregate(["count"], ["owner", "kind"], asked, PART * len(KINDS))
        done |= {(str(row["owner.id"]), str(row["kind"])): int(str(row["count"])) for row in rows}
        if ctx.can("teamwork.comment.read"):
            said = (Condition("created_at", "gte", (first,)), Condition("created_at", "lt", (last,)), among)
            comments |= {
                str(row["owner.id"]): int(str(row["count"]))
                for row in ctx.records("teamwork.comment").aggregate(["count"], ["owner"], said, PART)
            }
    return [
        (
            str(row["name"]),
            [
                *((done.get((str(id), kind), 0), counted(ctx, ACTIVITIES, period, [id], {}, kind)) for kind in KINDS),
                (comments.get(str(id), 0), _said(ctx, id, first, last)),
            ],
        )
        for id, row in people.items()
    ]


def _said(ctx: Context, person: object, first: datetime, last: datetime) -> str:
    asked = (("owner", str(person)), ("created_at[gte]", first.isoformat()), ("created_at[lt]", last.isoformat()))
    return ctx.page(f"/teamwork/comments?{urlencode(asked)}")


def _evaluations(ctx: Context, period: Period) -> list[Mapping[str, object]]:
    """Those that begin in the period or hold it, the latest first."""
    if not ctx.can(f"{EVALUATION}.read"):
        return []
    asked = Query(
        (Condition("period_start", "lt", (period.end,)),), ("-period_start",), ("id", "name", "state", "period", "period_start"), limit=50
    )
    rows = ctx.records(EVALUATION).query(asked).data
    there = [row for row in rows if row.get("period_start") and Period(str(row["period"]), _day(row["period_start"])).end > period.start]
    return [
        {
            **row,
            "word": ctx.say(COURSES.get(str(row.get("state")), _("In progress"))),
            "href": ctx.page(f"/teamwork/evaluations/{row['id']}?tab=teamwork.ranking"),
        }
        for row in there
    ]


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


PAGES = (PageRoute("performance", path="/performance", title=_("Performance"), permission=f"{targets.NAME}.read", view=show),)
