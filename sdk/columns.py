"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

SCALE = 4
"""Digits kept behind the decimal point: enough for every ISO 4217 currency and for unit prices."""
LIMIT = Decimal(10) ** 13
"""Exact amounts are smaller than this, so that scaled integers and their sums fit 64 bits on SQLite."""
_FACTOR = 10**SCALE


class Exact(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC(18,4) on PostgreSQL, an integer scaled by 10^4 on SQLite, which has no decimals."""

    impl = sa.Numeric(18, SCALE)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[int]:
        return sa.BigInteger() if dialect.name == "sqlite" else sa.Numeric(18, SCALE)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int(value * _FACTOR)

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-SCALE) if dialect.name == "sqlite" else Decimal(value)


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

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def key() -> sa.Uuid[UUID]:
    """A UUID: native on PostgreSQL, 32 hex digits on SQLite."""
    return sa.Uuid()


def json_data() -> sa.types.TypeEngine[Any]:
    """A JSON document: JSONB on PostgreSQL, text on SQLite; Python's None is SQL's NULL."""
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
