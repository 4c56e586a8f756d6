"""The filter language and the sums in plain Python: slow, obvious, and what the SQL must agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sdk.fields import Money

type_row = Mapping[str, Any]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
}  # fmt: skip


def holds(row: type_row, field: str, operator: str, values: Sequence[Any]) -> bool:
    """Whether one condition holds for one row; `values` are Python values, Money with currency "" for any currency."""
    have, first = row.get(field), values[0]
    if operator == "empty":
        return (have is None) == (first == "true")
    if operator == "contains":
        return have is not None and first.lower() in have.lower()
    if operator == "ne":
        return not _same(have, first)
    if have is None:
        return False
    if operator == "eq":
        return _same(have, first)
    if operator == "in":
        return any(_same(have, value) for value in values)
    if isinstance(have, Money):
        return (not first.currency or have.currency == first.currency) and COMPARE[operator](have.amount, first.amount)
    return COMPARE[operator](have, first)


def _same(have: Any, value: Any) -> bool:
    if isinstance(have, Money) and isinstance(value, Money):
        return have.amount == value.amount and value.currency in ("", have.currency)
    return bool(have == value)


def bucket(value: Any, grain: str, zone: str, fiscal_year_start: int = 1, week_start: int = 1) -> str | None:
    """The period of a date, or of an instant in a zone; a fiscal year has the number of the year in which it ends."""
    if value is None:
        return None
    day: date = value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value
    quarter = (day.month + 2) // 3
    fiscal = f"FY{day.year + (fiscal_year_start > 1 and day.month >= fiscal_year_start):04}"
    return {
        "year": f"{day.year:04}", "quarter": f"{day.year:04}-Q{quarter}", "month": f"{day:%Y-%m}", "day": day.isoformat(),
        "week": (day - timedelta(days=(day.isoweekday() - week_start) % 7)).isoformat(), "fiscal_year": fiscal,
        "fiscal_quarter": f"{fiscal}-Q{(day.month - fiscal_year_start) % 12 // 3 + 1}",
    }[grain]  # fmt: skip


def totals(rows: Sequence[type_row], field: str) -> dict[str, tuple[Decimal, int]]:
    """Sum and count of a money field for each currency, or of another number under ""."""
    found: dict[str, tuple[Decimal, int]] = {}
    for row in rows:
        value = row.get(field)
        if value is not None:
            amount, currency = (value.amount, value.currency) if isinstance(value, Money) else (Decimal(value), "")
            before, count = found.get(currency, (Decimal(0), 0))
            found[currency] = (before + amount, count + 1)
    return found
