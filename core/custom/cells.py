"""The values of custom fields as they stand in the JSON column `custom`, alike on both databases, and as SQL of their own type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from sdk.columns import Exact, JsonData, UtcDateTime
from sdk.fields import Field

COLUMN = "custom"
type_stored = Mapping[str, Any]
type_codec = tuple[Callable[[Any], object], Callable[[Any], object]]


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _as_it_is(value: Any) -> object:
    return value


def codec(type_: sa.types.TypeEngine[Any]) -> type_codec:
    """How a cell of a type is written into JSON and read from it. Exact numbers are text with all their digits: so they sort and add up."""
    if isinstance(type_, Exact):
        return (lambda value: f"{value:.{type_.places}f}"), Decimal
    if isinstance(type_, UtcDateTime):
        return _instant, lambda word: datetime.fromisoformat(word).replace(tzinfo=UTC)
    if isinstance(type_, sa.Date):
        return date.isoformat, date.fromisoformat
    if isinstance(type_, sa.Uuid):
        return (lambda value: value.hex), UUID
    return _as_it_is, _as_it_is


def types_of(field: Field) -> list[sa.types.TypeEngine[Any]]:
    """The types of the field's columns, the main one first."""
    return [field.column_type(), *field.siblings().values()]


def packed(stored: type_stored | None, fields: Sequence[Field], values: Mapping[str, object]) -> dict[str, Any] | None:
    """What stands in the column once these fields have their new values; what else stood there stays. None: nothing."""
    made = dict(stored or {})
    for field in fields:
        if field.name not in values:
            continue
        for slot, type_, cell in zip(field.columns(), types_of(field), field.split(values[field.name]), strict=True):
            if cell is None:
                made.pop(slot, None)
            else:
                made[slot] = codec(type_)[0](cell)
    return made or None


def unpacked(stored: type_stored | None, fields: Sequence[Field]) -> dict[str, object]:
    """The values of these fields by name."""
    found, stored = dict[str, object](), stored or {}
    for field in fields:
        cells = [None if (cell := stored.get(slot)) is None else codec(type_)[1](cell)
                 for slot, type_ in zip(field.columns(), types_of(field), strict=True)]  # fmt: skip
        found[field.name] = cells[0] if len(cells) == 1 else field.join(cells)
    return found


def columns(document: sa.ColumnElement[Any], field: Field) -> list[sa.ColumnElement[Any]]:
    """The columns of a field, as expressions of its types over the JSON document."""
    return [custom_cell(document, slot, type_) for slot, type_ in zip(field.columns(), types_of(field), strict=True)]


class custom_cell(GenericFunction[Any]):
    """One slot of a JSON document as a value of a type. Slots are names of ours (see `Definition.slot`), never a caller's text."""

    inherit_cache = True
    name = "custom_cell"

    def __init__(self, document: sa.ColumnElement[Any], slot: str, type_: sa.types.TypeEngine[Any]) -> None:
        super().__init__(document, sa.literal_column(f"'{slot}'"), type_=type_)


@compiles(custom_cell, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    document, slot = (compiler.process(part, **kw) for part in element.clauses)
    type_ = element.type
    if isinstance(type_, JsonData):
        return f"({document} -> {slot})"
    if isinstance(type_, sa.String):
        return f"({document} ->> {slot})"
    if isinstance(type_, UtcDateTime):
        return f"CAST(({document} ->> {slot}) || '+00' AS TIMESTAMP WITH TIME ZONE)"
    return f"CAST({document} ->> {slot} AS {type_.compile(dialect=compiler.dialect)})"


@compiles(custom_cell, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    document, slot = (compiler.process(part, **kw) for part in element.clauses)
    cell = f"json_extract({document}, '$.' || {slot})"
    # There an exact number is an integer, scaled; the text has all its digits behind the point.
    return f"CAST(replace({cell}, '.', '') AS INTEGER)" if isinstance(element.type, Exact) else cell
