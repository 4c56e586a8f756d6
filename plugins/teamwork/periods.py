"""Months, quarters and years as they are written: 2026-03, 2026-Q1, 2026."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sdk import Context, Invalid, _

MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WRITTEN = re.compile(r"(?P<year>[1-9][0-9]{3})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?\Z", re.ASCII)
PATTERN = r"^(19|20)[0-9]{2}(-(Q[1-4]|0[1-9]|1[0-2]))?$"
FIRST_YEAR, LAST_YEAR = 1900, 2099


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months: from `start` up to, and without, `end`."""

    kind: str
    start: date

    @property
    def end(self) -> date:
        """The first day after it."""
        months = self.start.year * 12 + self.start.month - 1 + MONTHS[self.kind]
        return date(months // 12, months % 12 + 1, 1)

    @property
    def name(self) -> str:
        """As it is written."""
        if self.kind == "year":
            return str(self.start.year)
        return f"{self.start.year}-Q{(self.start.month + 2) // 3}" if self.kind == "quarter" else f"{self.start:%Y-%m}"

    @property
    def months(self) -> list[Period]:
        """Its months, in their order."""
        first = self.start.year * 12 + self.start.month - 1
        return [Period("month", date(at // 12, at % 12 + 1, 1)) for at in range(first, first + MONTHS[self.kind])]

    def instants(self, ctx: Context) -> tuple[datetime, datetime]:
        """Its beginning and its end where the tenant is, in UTC."""
        zone = ZoneInfo(ctx.tenant.timezone)
        first, last = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (self.start, self.end))
        return first, last


def starting(kind: str, day: date) -> Period:
    """The period of a kind in which a day is."""
    month = (day.month - 1) // MONTHS[kind] * MONTHS[kind] + 1
    return Period(kind, date(day.year, month, 1))


def within(day: date, last: date) -> list[Period]:
    """The month, quarter and year of each day from `day` to `last`, each once: what a day can count for."""
    found = dict[Period, None]()
    while day <= last:
        found |= {starting(kind, day): None for kind in MONTHS}
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return list(found)


def read(word: str) -> Period:
    """A written period; raises Invalid."""
    written = _WRITTEN.match(word)
    if written is None or not FIRST_YEAR <= int(written["year"]) <= LAST_YEAR:
        raise Invalid(_("expected a period such as 2026, 2026-Q1 or 2026-03, got {value!r}"), value=word[:40])
    year = int(written["year"])
    if written["quarter"]:
        return Period("quarter", date(year, int(written["quarter"]) * 3 - 2, 1))
    return Period("month", date(year, int(written["month"]), 1)) if written["month"] else Period("year", date(year, 1, 1))
