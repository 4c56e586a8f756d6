"""Weeks, months and quarters as whole numbers, one after the other."""

from __future__ import annotations

from datetime import date, timedelta

SEASONS = {"week": 52, "month": 12, "quarter": 4}
"""Periods a year."""
_FIRST_MONDAY = date(1, 1, 1).toordinal()


def number_of(day: date, grain: str) -> int:
    """The period in which a day lies; weeks begin on Monday (ISO 8601)."""
    if grain == "week":
        return (day.toordinal() - _FIRST_MONDAY) // 7
    return day.year * 12 + day.month - 1 if grain == "month" else day.year * 4 + (day.month - 1) // 3


def start_of(number: int, grain: str) -> date:
    """The first day of a period."""
    if grain == "week":
        return date.fromordinal(_FIRST_MONDAY) + timedelta(weeks=number)
    return date(number // 12, number % 12 + 1, 1) if grain == "month" else date(number // 4, number % 4 * 3 + 1, 1)


def label_of(number: int, grain: str) -> str:
    """2026-W05, 2026-01 or 2026-Q1."""
    day = start_of(number, grain)
    if grain == "week":
        year, week, _day = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day.year:04}-{day.month:02}" if grain == "month" else f"{day.year:04}-Q{(day.month + 2) // 3}"


def number_in(written: str, grain: str) -> int:
    """The period of what a report writes: 2026-01, 2026-Q1, or for weeks a day."""
    if grain == "quarter":
        year, _dash, quarter = written.partition("-Q")
        return int(year) * 4 + int(quarter) - 1
    return number_of(date.fromisoformat(written if grain == "week" else f"{written}-01"), grain)
