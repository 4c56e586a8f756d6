"""Instants in a zone, in SQL: PostgreSQL knows zones; SQLite borrows ours."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


@lru_cache(maxsize=200_000)
def _local(written: str, zone: str) -> str:
    instant = datetime.fromisoformat(written).replace(tzinfo=UTC)
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def register_functions(connection: Any) -> None:
    """Give a SQLite connection `dw_local(instant, zone)`."""
    connection.create_function("dw_local", 2, lambda written, zone: None if written is None else _local(written, zone), deterministic=True)


class local_time(GenericFunction[str]):
    """The wall-clock time of an instant in a zone, as a timestamp (PostgreSQL) or text (SQLite)."""

    type = sa.String()
    inherit_cache = True
    name = "local_time"


@compiles(local_time, "sqlite")
def _sqlite_local(element: Any, compiler: Any, **kw: Any) -> str:
    instant, zone = element.clauses
    return f"dw_local({compiler.process(instant, **kw)}, {compiler.process(zone, **kw)})"


# PostgreSQL looks for abbreviations first and takes these zones for winter time all the year; each has a place that keeps its time.
PLACES = {"'CET'": "'Europe/Brussels'", "'EET'": "'Europe/Athens'", "'MET'": "'Europe/Brussels'", "'WET'": "'Europe/Lisbon'"}


@compiles(local_time, "postgresql")
def _postgresql_local(element: Any, compiler: Any, **kw: Any) -> str:
    instant, zone = element.clauses
    name = compiler.process(zone, **kw)
    return f"timezone({PLACES.get(name, name)}, {compiler.process(instant, **kw)})"


class bucket(GenericFunction[str]):
    """The period of a date or local time as text: 2026, 2026-Q1, 2026-01, 2026-01-31; FY2027, FY2027-Q1; a week by its first day.

    A fiscal year is named by the calendar year in which it ends. `starts` is the first month of the fiscal year for the fiscal
    grains (1 to 12), and the first day of the week for weeks (1 to 7; 1 is Monday, as in ISO 8601).
    """

    type = sa.String()
    inherit_cache = True
    name = "bucket"

    def __init__(self, moment: sa.ColumnElement[Any], grain: str, starts: int = 1) -> None:
        super().__init__(moment, sa.literal_column(f"'{grain}'"), sa.literal_column(str(starts)))


GRAINS = ("year", "quarter", "month", "week", "day", "fiscal_year", "fiscal_quarter")
_POSTGRESQL = {
    "year": "YYYY", "quarter": 'YYYY-"Q"Q', "month": "YYYY-MM", "week": "YYYY-MM-DD", "day": "YYYY-MM-DD", "fiscal_year": '"FY"YYYY',
    "fiscal_quarter": '"FY"YYYY-"Q"Q',
}  # fmt: skip
_LENGTH = {"year": 4, "month": 7, "day": 10}


def _parts(element: Any, compiler: Any, **kw: Any) -> tuple[str, str, int]:
    moment, grain, starts = element.clauses
    return compiler.process(moment, **kw), grain.name.strip("'"), int(starts.name)


def _months_on(starts: int) -> int:
    """How many months a day is moved so that its fiscal year becomes the calendar's."""
    return (13 - starts) % 12


@compiles(bucket, "postgresql")
def _postgresql_bucket(element: Any, compiler: Any, **kw: Any) -> str:
    text, grain, starts = _parts(element, compiler, **kw)
    if grain == "week":
        text = f"{text} - mod(extract(isodow from {text})::int - {starts} + 7, 7) * interval '1 day'"  # psycopg reads % for itself
    elif grain.startswith("fiscal"):
        text = f"{text} + interval '{_months_on(starts)} months'"
    return f"to_char({text}, '{_POSTGRESQL[grain]}')"


@compiles(bucket, "sqlite")
def _sqlite_bucket(element: Any, compiler: Any, **kw: Any) -> str:
    text, grain, starts = _parts(element, compiler, **kw)
    if grain == "quarter":
        return f"(substr({text}, 1, 4) || '-Q' || ((CAST(substr({text}, 6, 2) AS INTEGER) + 2) / 3))"
    if grain == "week":
        back = f"((CAST(strftime('%w', substr({text}, 1, 10)) AS INTEGER) - {starts} + 7) % 7)"
        return f"date(substr({text}, 1, 10), '-' || {back} || ' days')"
    if grain.startswith("fiscal"):
        month = f"(CAST(substr({text}, 1, 4) AS INTEGER) * 12 + CAST(substr({text}, 6, 2) AS INTEGER) - 1 + {_months_on(starts)})"
        written = f"'FY%04d', {month} / 12" if grain == "fiscal_year" else f"'FY%04d-Q%d', {month} / 12, {month} % 12 / 3 + 1"
        return f"CASE WHEN {text} IS NOT NULL THEN printf({written}) END"
    return f"substr({text}, 1, {_LENGTH[grain]})"
