"""When a schedule is due next."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sdk import Schedule
from sdk.days import instant

DAY = timedelta(days=1)


def next_due(schedule: Schedule, zone: ZoneInfo, due: datetime, now: datetime) -> datetime:
    """The first instant after `now`, on the grid that `due` began (`every`) or at the local time in `zone` (`at`); in UTC."""
    if schedule.at is None:
        assert schedule.every is not None
        return now + schedule.every - max(now - due, timedelta(0)) % schedule.every
    # From a day early: at the date line a date may be left out, and an instant after `now` may bear yesterday's date.
    day = now.astimezone(zone).date() - DAY
    while True:
        found = instant(day, zone, schedule.at)
        if found > now and (not schedule.weekdays or day.isoweekday() in schedule.weekdays):
            return found
        day += DAY
