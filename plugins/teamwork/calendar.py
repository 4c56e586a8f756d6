"""What is on in a span of days: activities and dated tasks, with a warning where somebody is booked twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from plugins.teamwork.assignments import helped
from plugins.teamwork.booking import busy
from plugins.teamwork.tables import CANCELLED, OPEN
from sdk import Condition, Context, Filter, Invalid, _
from sdk.context import Row, id_of
from sdk.days import instant

MOST_DAYS = 92
FIRST_YEAR, LAST_YEAR = 1900, 9000
MOST = 2_000


def entries(ctx: Context, first: date, last: date, owner: UUID | None) -> list[dict[str, object]]:
    """From `first` to `last` inclusive, days of the actor's time zone, in their order; `overlaps`: at the same time as another of the owner's,
    `busy` says when. Raises Invalid for more than can be shown."""
    if last < first or (last - first).days >= MOST_DAYS:
        raise Invalid(_("a calendar shows 1 to {most} days"), most=MOST_DAYS)
    if not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR:
        raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR)
    begin, end = instant(first, ctx.zone), instant(last + timedelta(days=1), ctx.zone)
    mine = () if owner is None else (Condition("owner", "eq", (owner,)),)
    held = (Condition("starts_at", "lt", (end,)), Condition("ends_at", "gte", (begin,)), Condition("state", "ne", (CANCELLED,)), *mine)
    due = (Condition("due_on", "gte", (first,)), Condition("due_on", "lte", (last,)), Condition("state", "ne", (CANCELLED,)), *mine)
    activities = sorted(_all(ctx, "teamwork.activity", held), key=lambda row: (row["starts_at"], str(row["id"])))
    tasks = [*_all(ctx, "teamwork.task", due), *(() if owner is None else helped(ctx, owner, first, last))]
    tasks.sort(key=lambda row: (row["due_on"], str(row["id"])))
    double = busy(ctx, activities)
    made = [_entry("teamwork.activity", row, double.get(id_of(row), [])) for row in activities]
    return made + [_entry("teamwork.task", row, []) for row in tasks]


def _all(ctx: Context, entity: str, filter: Filter) -> list[Row]:
    found = ctx.records(entity).find(filter, MOST + 1)
    if len(found) > MOST:
        raise Invalid(_("more than {most} entries; choose fewer days, or one person"), most=MOST)
    return found


def overdue(ctx: Context) -> list[Row]:
    """Open tasks that were due before today, as the actor has it; the longest overdue first."""
    found = ctx.records("teamwork.task").find((Condition("state", "eq", (OPEN,)), Condition("due_on", "lt", (ctx.today(),))), MOST)
    return sorted(found, key=lambda row: (row["due_on"], str(row["id"])))


def _entry(entity: str, row: Row, times: Sequence[str]) -> dict[str, object]:
    shown = ("id", "version", "subject", "kind", "state", "starts_at", "ends_at", "due_on", "owner")
    return {"entity": entity, **{name: row.get(name) for name in shown}, "overlaps": bool(times), "busy": times}
