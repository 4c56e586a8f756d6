"""What is on in a span of days: activities and dated tasks, with a warning where somebody is booked twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork.tables import CANCELLED, OPEN
from sdk import Condition, Context, Invalid, _
from sdk.context import Row

MOST_DAYS = 92
FIRST_YEAR, LAST_YEAR = 1900, 9000
MOST = 500


def entries(ctx: Context, first: date, last: date, owner: UUID | None) -> list[dict[str, object]]:
    """From `first` to `last` inclusive, days of the tenant's time zone, in their order; `overlaps`: at the same time as another of the owner's."""
    if last < first or (last - first).days >= MOST_DAYS:
        raise Invalid(_("a calendar shows 1 to {most} days"), most=MOST_DAYS)
    if not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR:
        raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR)
    begin, end = _midnight(ctx, first), _midnight(ctx, last + timedelta(days=1))
    mine = () if owner is None else (Condition("owner", "eq", (owner,)),)
    held = (Condition("starts_at", "lt", (end,)), Condition("ends_at", "gte", (begin,)), Condition("state", "ne", (CANCELLED,)), *mine)
    due = (Condition("due_on", "gte", (first,)), Condition("due_on", "lte", (last,)), Condition("state", "ne", (CANCELLED,)), *mine)
    activities = sorted(ctx.records("teamwork.activity").find(held, MOST), key=lambda row: (row["starts_at"], str(row["id"])))
    tasks = sorted(ctx.records("teamwork.task").find(due, MOST), key=lambda row: (row["due_on"], str(row["id"])))
    double = _overlapping(activities)
    made = [_entry("teamwork.activity", row, row["id"] in double) for row in activities]
    return made + [_entry("teamwork.task", row, False) for row in tasks]


def overdue(ctx: Context) -> list[Row]:
    """Open tasks that were due before today, where the tenant is; the longest overdue first."""
    today = ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()
    found = ctx.records("teamwork.task").find((Condition("state", "eq", (OPEN,)), Condition("due_on", "lt", (today,))), MOST)
    return sorted(found, key=lambda row: (row["due_on"], str(row["id"])))


def _midnight(ctx: Context, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(ctx.tenant.timezone)).astimezone(UTC)


def _overlapping(activities: list[Row]) -> set[object]:
    """Those that share a moment with another of the same owner; they come in the order of their starts."""
    found, latest = set[object](), dict[object, Row]()
    for row in activities:
        owner, before = row["owner"], latest.get(row["owner"])
        if before is not None and owner is not None and row["starts_at"] < before["ends_at"]:  # type: ignore[operator]
            found |= {row["id"], before["id"]}
        if before is None or row["ends_at"] > before["ends_at"]:  # type: ignore[operator]
            latest[owner] = row
    return found


def _entry(entity: str, row: Row, overlaps: bool) -> dict[str, object]:
    shown = ("id", "version", "subject", "kind", "state", "starts_at", "ends_at", "due_on", "owner")
    return {"entity": entity, **{name: row.get(name) for name in shown}, "overlaps": overlaps}
