"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

SCALE = 4
"""Digits kept behind the decimal point: enough for every ISO 4217 currency and for unit prices."""
LIMIT = Decimal(10) ** 13
"""Exact amounts are smaller than this, so that scaled integers and their sums fit 64 bits on SQLite."""
_KEPT = 8192
"""Ids and amounts come again and again (owners, stages, round sums): making each one once halves the time of a page on SQLite."""


@lru_cache(maxsize=_KEPT)
def _scaled(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value).scaleb(-SCALE)


def limit_of(places: int) -> Decimal:
    """What exact numbers with so many digits behind the point are smaller than."""
    return Decimal(10) ** (17 - places)


@lru_cache(maxsize=_KEPT)
def _id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Scaled(sa.BigInteger):
    """What SQLite keeps an exact decimal in. It forgets the digits behind the point; the words of the table, which it keeps, hold them."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places


@compiles(Scaled, "sqlite")
def _scaled_integer(element: Any, _compiler: Any, **kw: Any) -> str:
    return f"BIGINT /*{element.places}*/" if isinstance(kw.get("type_expression"), sa.Column) else "BIGINT"


class Exact(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC(18,4) on PostgreSQL, an integer scaled by 10^4 on SQLite, which has no decimals.

    `places`: other than 4 digits behind the point, for exchange rates.
    """

    impl = sa.Numeric(18, SCALE)
    cache_ok = True

    def __init__(self, places: int = SCALE) -> None:
        super().__init__(18, places)
        self.places = places

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[int]:
        return Scaled(self.places) if dialect.name == "sqlite" else sa.Numeric(18, self.places)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int(value.scaleb(self.places))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        places = self.places
        return _scaled if places == SCALE else lambda value: None if value is None else Decimal(value).scaleb(-places)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, always aware and in UTC; text that sorts on SQLite, timestamptz on PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone: pass an aware datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _instant if dialect.name == "sqlite" else _in_utc


class Key(sa.Uuid[UUID]):
    """A UUID: native on PostgreSQL, 32 hex digits on SQLite."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _id if dialect.name == "sqlite" else super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]


def key() -> Key:
    """The type of an id."""
    return Key()


class Keys(TypeDecorator[Any]):
    """Many ids as one parameter: an array on PostgreSQL, a JSON list on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.Text())
        from sqlalchemy.dialects.postgresql import ARRAY  # noqa: PLC0415 (as below)

        return dialect.type_descriptor(ARRAY(sa.Uuid()))

    def process_bind_param(self, value: Iterable[UUID | None] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return None if value is None else list(value)
        return json.dumps([id and id.hex for id in value])

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """As text on PostgreSQL, too, whose driver takes seven times as long for an array."""
        return _array_of_ids if dialect.name == "postgresql" else super().bind_processor(dialect)


def _array_of_ids(ids: Iterable[UUID | None] | None) -> str | None:
    return None if ids is None else "{" + ",".join(["NULL" if id is None else id.hex for id in ids]) + "}"


class among(GenericFunction[bool]):
    """Whether a column of ids holds one of many, which are a sequence or a parameter of type `Keys`.

    `column.in_(ids)` has a parameter for each of them, so that SQLAlchemy writes the statement anew each time, which costs more
    than a database does to answer it.
    """

    inherit_cache = True
    name = "among"
    _is_implicitly_boolean = True  # else `= 1` follows on SQLite, and no index is used

    def __init__(self, column: ColumnElement[Any], ids: Any) -> None:
        super().__init__(column, ids if isinstance(ids, ColumnElement) else sa.literal(ids, Keys()), type_=sa.Boolean())


@compiles(among, "postgresql")
def _any_of(element: Any, compiler: Any, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} = ANY ({ids})"


@compiles(among, "sqlite")
def _in_list(element: Any, compiler: Any, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 (compiled SQL, not text of anybody)


class JsonData(TypeDecorator[Any]):
    """A JSON document: JSONB on PostgreSQL, text on SQLite; Python's None is SQL's NULL."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.JSON(none_as_null=True))
        # Only here: the dialect takes a third of the time that all of sdk takes to import.
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

        return dialect.type_descriptor(JSONB(none_as_null=True))


def json_data() -> JsonData:
    """The type of a column that holds a JSON document."""
    return JsonData()


class percent_of(GenericFunction[Decimal]):
    """An exact amount times a percentage, rounded half away from zero to four digits: the same on both databases.

    Both are columns of type `Exact` with four digits behind the point.
    """

    inherit_cache = True
    name = "percent_of"

    def __init__(self, amount: ColumnElement[Any], percent: ColumnElement[Any]) -> None:
        super().__init__(amount, percent, type_=Exact())


@compiles(percent_of, "postgresql")
def _percent_of(element: Any, compiler: Any, **kw: Any) -> str:
    amount, percent = (compiler.process(part, **kw) for part in element.clauses)
    return f"round({amount} * {percent} / 100, {SCALE})"


@compiles(percent_of, "sqlite")
def _scaled_percent_of(element: Any, compiler: Any, **kw: Any) -> str:
    """Both are integers there; in two parts, as the product of whole amounts would leave 64 bits and become inexact."""
    amount, percent = (compiler.process(part, **kw) for part in element.clauses)
    whole = 100 * 10**SCALE
    half = f"CASE WHEN {amount} < 0 THEN -{whole // 2} ELSE {whole // 2} END"
    return f"(({amount} / {whole}) * {percent} + (({amount} % {whole}) * {percent} + {half}) / {whole})"
