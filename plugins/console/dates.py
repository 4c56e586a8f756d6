"""Days of the tenant's zone: on which of them a record stands in a calendar, and what changes when it is moved to another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plugins.console.registry import Kind
from sdk import Context, Invalid, _
from sdk.context import Row
from sdk.fields import DateTimeField

FIRST_YEAR, LAST_YEAR = 1900, 9000
_ENDS = {"starts_at": "ends_at", "starts_on": "ends_on", "start_date": "end_date"}
"""What the last day of a record is called, by what its first one is called."""


def today(ctx: Context) -> date:
    """The day that it is where the tenant is."""
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def day_of(word: str) -> date:
    """A day as an address has it (2026-05-31); raises Invalid."""
    try:
        found = date.fromisoformat(word)
    except ValueError as failure:
        raise Invalid(_("expected a day such as 2026-01-31, got {got!r}"), got=word[:40]) from failure
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR)
    return found


def local(ctx: Context, value: object) -> datetime | date | None:
    """A date or an instant, or its ISO text, as the tenant's clocks have it."""
    if isinstance(value, str) and value:
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(ctx.tenant.timezone))
    return value if isinstance(value, date) else None


def end_of(kind: Kind, on: str) -> str:
    """The field with which a record ends that begins with `on`; "" where it has none."""
    end = _ENDS.get(on, "")
    return end if end in kind.fields else ""


def midnight(ctx: Context, day: date) -> datetime:
    """When a day begins where the tenant is."""
    return datetime.combine(day, time(), ZoneInfo(ctx.tenant.timezone)).astimezone(UTC)


def moved(kind: Kind, on: str, row: Row, to: str) -> Mapping[str, object]:
    """The values of a record on another day: its time of day stays, and so does how long it lasts. Raises Invalid."""
    ctx, day = kind.ctx, day_of(to)
    before = local(ctx, row.get(on))
    values: dict[str, object] = {on: _on(kind, on, before, day)}
    end = end_of(kind, on)
    last = local(ctx, row.get(end)) if end else None
    if before is not None and last is not None:
        try:
            values[end] = _on(kind, end, last, _day(last) + (day - _day(before)))
        except OverflowError as failure:
            raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR) from failure
    return values


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _on(kind: Kind, name: str, before: date | None, day: date) -> str:
    if not isinstance(kind.fields[name], DateTimeField):
        return day.isoformat()
    clock = before.timetz() if isinstance(before, datetime) else time(9, tzinfo=ZoneInfo(kind.ctx.tenant.timezone))
    return datetime.combine(day, clock).astimezone(UTC).isoformat()


def week_start(ctx: Context, day: date) -> date:
    """The first day of the week of `day`."""
    return day - timedelta(days=(day.isoweekday() - ctx.tenant.week_start) % 7)
