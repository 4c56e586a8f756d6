"""Months, quarters and years as they are written: 2026-03, 2026-Q1, 2026; those of the tenant's fiscal year: FY2026-Q1, FY2026."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sdk import Context, Invalid, _
from sdk.days import instant
from sdk.text import Told

MONTHS = {"month": 1, "quarter": 3, "year": 12, "fiscal_quarter": 3, "fiscal_year": 12}
_WRITTEN = re.compile(r"(?P<fiscal>FY)?(?P<year>[1-9][0-9]{3})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?\Z", re.ASCII)
PATTERN = r"^((19|20)[0-9]{2}(-(Q[1-4]|0[1-9]|1[0-2]))?|FY(19|20)[0-9]{2}(-Q[1-4])?)$"
FIRST_YEAR, LAST_YEAR = 1900, 2099


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months: from `start` up to, and without, `end`. `begins` is the month in which the fiscal year begins."""

    kind: str
    start: date
    begins: int = 1

    @property
    def span(self) -> tuple[int, date]:
        """Which months it is of, by whatever name: a fiscal quarter may be one of the calendar, too."""
        return MONTHS[self.kind], self.start

    @property
    def end(self) -> date:
        """The first day after it."""
        return _first(_months(self.start) + MONTHS[self.kind])

    @property
    def name(self) -> str:
        """As it is written; what a fiscal year that began in another month has left over, by its first and last month."""
        if self.kind == "month":
            return f"{self.start:%Y-%m}"
        fiscal = self.kind.startswith("fiscal")
        year, month = divmod(_months(self.start) + (_ahead(self.begins) if fiscal else 0), 12)
        if month % MONTHS[self.kind]:
            return f"{self.start:%Y-%m}/{self.months[-1].name}"
        return f"{'FY' if fiscal else ''}{year}" + (f"-Q{month // 3 + 1}" if MONTHS[self.kind] < 12 else "")

    @property
    def months(self) -> list[Period]:
        """Its months, in their order."""
        first = _months(self.start)
        return [Period("month", _first(at)) for at in range(first, first + MONTHS[self.kind])]

    def instants(self, ctx: Context) -> tuple[datetime, datetime]:
        """Its beginning and its end where the tenant is, in UTC."""
        return instant(self.start, ctx.tenant.timezone), instant(self.end, ctx.tenant.timezone)


def spoken(ctx: Context, name: str) -> Told:
    """What people call the period that is written so, each in his language: for what is told to several."""
    return Told(ctx.speaking("en").period(name), {"zh_CN": ctx.speaking("zh_CN").period(name)})


def starting(kind: str, day: date, begins: int = 1) -> Period:
    """The period of a kind in which a day is; `begins` is the month in which the tenant's fiscal year begins."""
    ahead = _ahead(begins) if kind.startswith("fiscal") else 0
    months = _months(day) + ahead
    return Period(kind, _first(months - months % MONTHS[kind] - ahead), begins)


def within(day: date, last: date, begins: int = 1) -> list[Period]:
    """The months, quarters and years, fiscal ones too, of each day from `day` to `last`, each span once: what a day can count for."""
    found = dict[tuple[int, date], Period]()
    while day <= last:
        for kind in MONTHS:
            period = starting(kind, day, begins)
            found.setdefault(period.span, period)
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return list(found.values())


def read(word: str, begins: int = 1) -> Period:
    """A written period, of a fiscal year that begins in the month `begins`; raises Invalid."""
    written = _WRITTEN.match(word)
    if written is None or not FIRST_YEAR <= int(written["year"]) <= LAST_YEAR or (written["fiscal"] and written["month"]):
        raise Invalid(_("expected a period such as 2026, 2026-Q1, 2026-03, FY2026 or FY2026-Q1, got {value!r}"), value=word[:40])
    if written["month"]:
        return Period("month", date(int(written["year"]), int(written["month"]), 1), begins)
    months = int(written["year"]) * 12 + (int(written["quarter"] or 1) - 1) * 3
    fiscal, kind = bool(written["fiscal"]), "quarter" if written["quarter"] else "year"
    return Period(f"fiscal_{kind}" if fiscal else kind, _first(months - (_ahead(begins) if fiscal else 0)), begins)


def _months(day: date) -> int:
    """The months from the year 0 to that of a day."""
    return day.year * 12 + day.month - 1


def _first(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def _ahead(begins: int) -> int:
    """By how many months a fiscal year is ahead of the calendar's: it is named by the year in which it ends."""
    return (13 - begins) % 12
