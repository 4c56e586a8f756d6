"""Days on which people work, and the dates of what comes again."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sdk import Condition, Context
from sdk.days import instant

HOLIDAY, MOST_HOLIDAYS = "company.holiday", 1000
NO_HOLIDAYS: Mapping[date, bool] = {}
FRIDAY = 5
MOST_STEPS = 5_000


def today(ctx: Context) -> date:
    """The day that it is where the tenant is."""
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def local_day(ctx: Context, moment: datetime) -> date:
    """The day of an instant where the tenant is."""
    return moment.astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def zones_of(ctx: Context, people: Iterable[UUID]) -> Mapping[UUID, ZoneInfo]:
    """By what clock each of these people lives: the own, or that of the company. One question for all."""
    there, home = set(people), ctx.tenant.timezone
    rows = ctx.as_system().records("core.user").values(there)
    return {person: ZoneInfo(str(rows.get(person, {}).get("timezone") or home)) for person in there}


def holidays(ctx: Context, start: date) -> Mapping[date, bool]:
    """The days from `start` on that are not as their weekday says, and whether the company works on each.

    Who asks need not see the company's lists: a due day is the same for all.
    """
    if not ctx.offers(HOLIDAY):
        return {}
    rows = ctx.as_system().records(HOLIDAY).find((Condition("on", "gte", (start,)),), MOST_HOLIDAYS)
    return {cast("date", row["on"]): bool(row["works"]) for row in rows}


def after_workdays(day: date, days: int, works: Mapping[date, bool] = NO_HOLIDAYS) -> date:
    """So many working days later, Monday to Friday unless `works` says otherwise; 0 is the day itself, or the first working day after it."""
    if not works:
        while day.isoweekday() > FRIDAY:
            day += timedelta(days=1)
        weeks, days = divmod(days, FRIDAY)
        day += timedelta(weeks=weeks)
    day = _worked_on(day, works)
    for _step in range(days):
        day = _worked_on(day + timedelta(days=1), works)
    return day


def _worked_on(day: date, works: Mapping[date, bool]) -> date:
    while not works.get(day, day.isoweekday() <= FRIDAY):
        day += timedelta(days=1)
    return day


def reminder(zone: ZoneInfo, due: date, days: int, clock: str) -> datetime:
    """The instant of a local time so many days before a day; a time that summer time leaves out is taken an hour later."""
    hour, minute = (int(part) for part in clock.split(":"))
    return instant(due - timedelta(days=days), zone, time(hour, minute))


def step(day: date, rhythm: str, every: int, anchor: int) -> date:
    """The next date of a rhythm; a month that is too short for the day `anchor` gives its last one, and the next is full again."""
    if rhythm == "daily":
        return day + timedelta(days=every)
    if rhythm == "weekly":
        return day + timedelta(weeks=every)
    months = day.year * 12 + day.month - 1 + every * (12 if rhythm == "yearly" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(anchor, monthrange(year, month + 1)[1]))


def following(day: date, rhythm: str, every: int, anchor: int, least: date) -> date | None:
    """The first date of the rhythm after `day` that is no earlier than `least`; None beyond what a calendar holds."""
    try:
        for _step in range(MOST_STEPS):
            day = step(day, rhythm, every, anchor)
            if day >= least:
                return day
    except (OverflowError, ValueError):
        return None
    return None
