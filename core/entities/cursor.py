"""Keyset paging: a cursor names the last row, so that each row comes exactly once while others insert."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from sdk import BadRequest, NotFound, _
from sdk.context import CURSOR
from sdk.fields import Field, FlawError, Money
from sdk.fields.number import exact

_SUM = 6
"""Bytes in front of the content that tell a cursor of ours from an invented one."""


@dataclass(frozen=True)
class SortKey:
    """One column of a sort; empty values come last in both directions."""

    field: Field
    column: sa.ColumnElement[Any]
    descending: bool
    nullable: bool

    def order(self) -> sa.ColumnElement[Any]:
        """The ORDER BY term."""
        ordered = self.column.desc() if self.descending else self.column.asc()
        return ordered.nulls_last() if self.nullable else ordered

    def after(self, value: sa.BindParameter[Any] | None) -> sa.ColumnElement[bool]:
        """Rows that come strictly after `value`."""
        if value is None:
            return sa.false()
        beyond = self.column < value if self.descending else self.column > value
        return sa.or_(beyond, self.column.is_(None)) if self.nullable else beyond

    def same(self, value: sa.BindParameter[Any] | None) -> sa.ColumnElement[bool]:
        """Rows with exactly `value`."""
        return self.column.is_(None) if value is None else self.column == value


def beyond(keys: Sequence[SortKey], values: Sequence[sa.BindParameter[Any] | None]) -> sa.ColumnElement[bool]:
    """Rows after the one with `values`, in the order of `keys`; None stands for an empty value."""
    terms, prefix = [], list[sa.ColumnElement[bool]]()
    for key, value in zip(keys, values, strict=True):
        terms.append(sa.and_(*prefix, key.after(value)))
        prefix.append(key.same(value))
    first, value = keys[0], values[0]
    if len(keys) == 1 or first.nullable or value is None:
        return sa.or_(*terms)
    # Said twice: from the first part alone an index knows where to begin, and a late page costs no more than an early one.
    return sa.and_(first.column <= value if first.descending else first.column >= value, sa.or_(*terms))


def encode(sort: str, values: Sequence[Any]) -> str:
    """An opaque cursor for the next page."""
    plain = [str(value.amount) if isinstance(value, Money) else value for value in values]
    content = orjson.dumps([sort, *plain], default=str)
    return f"c1.{base64.urlsafe_b64encode(_sum(content) + content).decode().rstrip('=')}"


def _sum(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SUM).digest()


def _content(cursor: str) -> bytes:
    """What we wrote into a cursor; raises BadRequest for what is none, NotFound for one that we did not make."""
    if not re.match(CURSOR, cursor, re.ASCII):
        raise BadRequest(_("invalid cursor; send `page.next` of the previous page, or nothing for the first page"), code="bad_cursor")
    word = cursor.removeprefix("c1.")
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raw = b""
    if _sum(raw[_SUM:]) != raw[:_SUM]:
        raise NotFound(_("this page does not exist; start from the first one"), code="bad_cursor")
    return raw[_SUM:]


def decode(cursor: str, sort: str, keys: Sequence[SortKey]) -> list[Any]:
    """The values of the last row; raises BadRequest for a cursor of another sort, NotFound for one of nobody."""
    content = _content(cursor)
    try:
        read = orjson.loads(content)
        if not isinstance(read, list) or len(read) != len(keys) + 1 or read[0] != sort:
            raise ValueError("of another query")
        return [_value(key, value) for key, value in zip(keys, read[1:], strict=True)]
    except (ValueError, FlawError, TypeError) as failure:
        raise BadRequest(_("the cursor doesn’t belong to this query; start from the first page"), code="bad_cursor") from failure


def _value(key: SortKey, value: object) -> Any:
    if value is None:
        if not key.nullable:
            raise ValueError("no value")
        return None
    if key.field.kind == "id":
        return UUID(str(value))
    if isinstance(key.column.type, sa.Float):
        return float(str(value))
    if key.field.kind in ("money", "decimal"):
        return exact(value)
    return key.field.check(value)
