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
_PLACES = {"'CET'": "'Europe/Brussels'", "'EET'": "'Europe/Athens'", "'MET'": "'Europe/Brussels'", "'WET'": "'Europe/Lisbon'"}


@compiles(local_time, "postgresql")
def _postgresql_local(element: Any, compiler: Any, **kw: Any) -> str:
    instant, zone = element.clauses
    name = compiler.process(zone, **kw)
    return f"timezone({_PLACES.get(name, name)}, {compiler.process(instant, **kw)})"


class bucket(GenericFunction[str]):
    """The year, quarter, month or day of a date or local time, as text: 2026, 2026-Q1, 2026-01, 2026-01-31."""

    type = sa.String()
    inherit_cache = True
    name = "bucket"

    def __init__(self, moment: sa.ColumnElement[Any], grain: str) -> None:
        super().__init__(moment, sa.literal_column(f"'{grain}'"))


_POSTGRESQL = {"year": "YYYY", "quarter": 'YYYY-"Q"Q', "month": "YYYY-MM", "day": "YYYY-MM-DD"}
_LENGTH = {"year": 4, "month": 7, "day": 10}
GRAINS = tuple(_POSTGRESQL)


@compiles(bucket, "postgresql")
def _postgresql_bucket(element: Any, compiler: Any, **kw: Any) -> str:
    moment, grain = element.clauses
    return f"to_char({compiler.process(moment, **kw)}, '{_POSTGRESQL[grain.name.strip(chr(39))]}')"


@compiles(bucket, "sqlite")
def _sqlite_bucket(element: Any, compiler: Any, **kw: Any) -> str:
    moment, literal = element.clauses
    text, grain = compiler.process(moment, **kw), literal.name.strip("'")
    if grain == "quarter":
        return f"(substr({text}, 1, 4) || '-Q' || ((CAST(substr({text}, 6, 2) AS INTEGER) + 2) / 3))"
    return f"substr({text}, 1, {_LENGTH[grain]})"
