"""Periods by their names: what people choose from, and the days behind what a report writes (2026-01, 2026-Q1, FY2027)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from sdk import Context, Tenant, Text, _

_DAY = timedelta(days=1)
PRESETS: Mapping[str, Text] = {
    "this_month": _("This month"), "last_month": _("Last month"), "this_quarter": _("This quarter"), "last_quarter": _("Last quarter"),
    "this_year": _("This year"), "last_year": _("Last year"), "last_12_months": _("Last 12 months"),
}  # fmt: skip
_YEAR = re.compile(r"(FY)?(\d{4})\Z", re.ASCII)
_QUARTER = re.compile(r"(FY)?(\d{4})-Q([1-4])\Z", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z", re.ASCII)


def today(ctx: Context) -> date:
    """The day in the tenant's zone."""
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def _months(year: int, month: int, many: int) -> tuple[date, date]:
    """So many whole months from a month on, as far as there are days; `month` may be beyond 1 to 12."""
    first, after = year * 12 + month - 1, year * 12 + month - 1 + many
    begins = date(first // 12, first % 12 + 1, 1) if first // 12 >= date.min.year else date.min
    return begins, date(after // 12, after % 12 + 1, 1) - _DAY if after // 12 <= date.max.year else date.max


def span(preset: str, day: date) -> tuple[date, date]:
    """The first and the last day of one of PRESETS, seen from a day."""
    quarter = (day.month - 1) // 3 * 3 + 1
    return {
        "this_month": _months(day.year, day.month, 1), "last_month": _months(day.year, day.month - 1, 1),
        "this_quarter": _months(day.year, quarter, 3), "last_quarter": _months(day.year, quarter - 3, 3),
        "this_year": _months(day.year, 1, 12), "last_year": _months(day.year - 1, 1, 12),
        "last_12_months": _months(day.year, day.month - 11, 12),
    }[preset]  # fmt: skip


def days_of(written: str, grain: str, tenant: Tenant) -> tuple[date, date]:
    """The first and the last day of what a report writes for a grain; raises ValueError for what it never writes."""
    if grain in ("", "day"):
        return date.fromisoformat(written), date.fromisoformat(written)
    if grain == "week":
        first = date.fromisoformat(written)
        return first, first + min(6 * _DAY, date.max - first)
    if grain == "month" and (found := _MONTH.match(written)):
        return _months(int(found[1]), int(found[2]), 1)
    if found := _QUARTER.match(written):
        return _months(_begins(int(found[2]), bool(found[1]), tenant), tenant_month(bool(found[1]), tenant) + 3 * int(found[3]) - 3, 3)
    if found := _YEAR.match(written):
        return _months(_begins(int(found[2]), bool(found[1]), tenant), tenant_month(bool(found[1]), tenant), 12)
    raise ValueError(f"{written!r} is no period of the grain {grain!r}")


def _begins(year: int, fiscal: bool, tenant: Tenant) -> int:
    """A fiscal year is named by the calendar year in which it ends."""
    return year - 1 if fiscal and tenant.fiscal_year_start != 1 else year


def tenant_month(fiscal: bool, tenant: Tenant) -> int:
    """The month with which years begin."""
    return tenant.fiscal_year_start if fiscal else 1


DAYS = ("", "day", "week")
"""Grains of which each is a whole day, or begins with one."""


def said(ctx: Context, written: str, grain: str, region: str = "") -> str:
    """What a report writes, as people read it: a day as in their region, a month or a quarter by the words of their language."""
    if grain in DAYS:
        return str(format_date(date.fromisoformat(written), "medium", locale=region or ctx.locale))
    return ctx.period(written)


def bounds(name: str, first: date | None, last: date | None, tenant: Tenant, *, instants: bool) -> list[tuple[str, str]]:
    """The filter of a date field, or of one of instants, from the first to the last day, both included, in the tenant's zone."""
    if not instants:
        return [(f"{name}[{operator}]", day.isoformat()) for operator, day in (("gte", first), ("lte", last)) if day is not None]
    ends = None if last is None or last == date.max else last + _DAY
    return [(f"{name}[{operator}]", _instant(day, tenant)) for operator, day in (("gte", first), ("lt", ends)) if day is not None]


def _instant(day: date, tenant: Tenant) -> str:
    """Where a day begins; one at the edge of time begins there for everybody."""
    midnight = datetime.combine(day, time())
    if date.min.year < day.year < date.max.year:
        midnight = midnight.replace(tzinfo=ZoneInfo(tenant.timezone)).astimezone(UTC).replace(tzinfo=None)
    return f"{midnight.isoformat()}Z"
