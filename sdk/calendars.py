"""Pages of calendars: a month, a week or the days to come, and what stands on each of their days. The kit's `calendar.html` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sdk.errors import Invalid
from sdk.text import _

FIRST_YEAR, LAST_YEAR = 1900, 9000
_AHEAD = 30


class View(StrEnum):
    """How much of the calendar is shown at once."""

    MONTH = "month"
    WEEK = "week"
    AGENDA = "agenda"


@dataclass(frozen=True)
class Entry:
    """Something that is on from `first` to `last` (days). `href` leads to its record, `move` is the query of its page for moving ("": it
    stays), `at` a time of day to be shown, such as 09:30 or 09:30–11:00, `tone` one of good, bad, warm, plain; `overlaps`: its people are booked twice."""

    id: str
    title: str
    href: str
    first: date
    last: date
    at: str = ""
    tone: str = "plain"
    note: str = ""
    version: int = 0
    move: str = ""
    overlaps: bool = False


@dataclass(frozen=True)
class Day:
    """One day of a page; `inside`: of the month that is shown, and not of the week around its ends."""

    date: date
    entries: Sequence[Entry]
    today: bool
    inside: bool


@dataclass(frozen=True)
class Sheet:
    """A page of a calendar: the days from `first` to `last` inclusive, around `day`."""

    view: View
    day: date
    first: date
    last: date

    @property
    def before(self) -> date:
        """A day of the page before."""
        return (self.day.replace(day=1) if self.view is View.MONTH else self.first) - timedelta(days=1)

    @property
    def after(self) -> date:
        """A day of the page after."""
        return _next_month(self.day) if self.view is View.MONTH else self.last + timedelta(days=1)

    def days(self, entries: Sequence[Entry], today: date) -> list[Day]:
        """Its days with their entries in the order given; of an agenda those alone on which something is, and today."""
        found = []
        for number in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=number)
            on = [entry for entry in entries if entry.first <= day <= entry.last]
            if on or day == today or self.view is not View.AGENDA:
                found.append(Day(day, on, day == today, self.view is not View.MONTH or day.month == self.day.month))
        return found


def day_of(word: str) -> date:
    """A day as an address has it (2026-05-31); raises Invalid."""
    try:
        found = date.fromisoformat(word)
    except ValueError as failure:
        raise Invalid(_("expected a date such as 2026-01-31")) from failure
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Invalid(_("a calendar shows the years {first} to {last}"), first=FIRST_YEAR, last=LAST_YEAR)
    return found


def sheet(view: str, day: date, week_start: int) -> Sheet:
    """The page on which `day` is; `week_start` is the day with which weeks begin, 1 (Monday) to 7. Raises Invalid for an unknown view."""
    if view not in [one.value for one in View]:
        raise Invalid(_("a calendar has the views {views}"), views=", ".join(View))
    if view == View.AGENDA:
        return Sheet(View.AGENDA, day, day, day + timedelta(days=_AHEAD - 1))
    if view == View.WEEK:
        first = _week(day, week_start)
        return Sheet(View.WEEK, day, first, first + timedelta(days=6))
    last = _next_month(day) - timedelta(days=1)
    return Sheet(View.MONTH, day, _week(day.replace(day=1), week_start), _week(last, week_start) + timedelta(days=6))


def _week(day: date, week_start: int) -> date:
    return day - timedelta(days=(day.isoweekday() - week_start) % 7)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
