"""Days of the zone of who looks: on which of them a record stands in a calendar, and what changes when it is moved to another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from plugins.console.registry import Kind
from sdk import Context, Invalid, _
from sdk.calendars import FIRST_YEAR, LAST_YEAR, day_of
from sdk.clauses import in_zone as in_zone
from sdk.context import Row
from sdk.days import instant
from sdk.fields import DateTimeField

_ENDS = {"starts_at": "ends_at", "starts_on": "ends_on", "start_date": "end_date"}
"""What the last day of a record is called, by what its first one is called."""
_MORNING = time(9)


def local(ctx: Context, value: object) -> datetime | date | None:
    """A date or an instant, or its ISO text, as the actor's clocks have it."""
    if isinstance(value, str) and value:
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return in_zone(value, ZoneInfo(ctx.zone))
    return value if isinstance(value, date) else None


def day_in(value: date) -> date:
    """The day of an instant or a date."""
    return value.date() if isinstance(value, datetime) else value


def end_of(kind: Kind, on: str) -> str:
    """The field with which a record ends that begins with `on`; "" where it has none."""
    end = _ENDS.get(on, "")
    return end if end in kind.fields else ""


def midnight(ctx: Context, day: date) -> datetime:
    """When a day begins for who looks."""
    return instant(day, ctx.zone)


def moved(kind: Kind, on: str, row: Row, to: str) -> Mapping[str, object]:
    """The values of a record on another day: its time of day stays, and so does how long it lasts. Raises Invalid."""
    ctx, day = kind.ctx, day_of(to)
    before = local(ctx, row.get(on))
    values: dict[str, object] = {on: _on(kind, on, before, day)}
    end = end_of(kind, on)
    last = local(ctx, row.get(end)) if end else None
    if before is not None and last is not None:
        try:
            values[end] = _on(kind, end, last, day_in(last) + (day - day_in(before)))
        except OverflowError as failure:
            raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR) from failure
    return values


def _on(kind: Kind, name: str, before: date | None, day: date) -> str:
    if not isinstance(kind.fields[name], DateTimeField):
        return day.isoformat()
    clock = before.time() if isinstance(before, datetime) else _MORNING
    return instant(day, kind.ctx.zone, clock).isoformat()
