"""The words of rows that were written past the doors: what search finds is asked for as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from core.data import bulk
from core.entities.shape import Shape
from core.search.index import Place, places
from core.search.tables import search_words
from core.search.words import tokens
from sdk import Side


def keep_words(
    connection: Connection, tenant: UUID, shapes: Mapping[str, Shape], rows: Mapping[str, Mapping[UUID, dict[str, Any]]]
) -> None:
    """Write down anew by which words the rows of a tenant are found."""
    made = [
        {"tenant_id": tenant, "place": one.id, "word": word, "record_id": id, "near": near}
        for at, shape in shapes.items()
        for one in places(shape).values()
        for id, value in _values(shape, at, one, rows)
        if isinstance(value, str)
        for word, near in tokens(value, number=one.number)
    ]
    connection.execute(search_words.delete().where(search_words.c.tenant_id == tenant))
    bulk.insert(connection, search_words, made)


def _values(shape: Shape, at: str, one: Place, rows: Mapping[str, Mapping[UUID, dict[str, Any]]]) -> Iterator[tuple[UUID, object]]:
    """What live records have in a field of their own, or beside them."""
    live = {id: row for id, row in rows.get(at, {}).items() if row["deleted_at"] is None}
    extension, attribute = shape.extension_of(one.name), shape.fields[one.name].attribute
    if extension is None:
        yield from ((id, row[attribute]) for id, row in live.items())
    elif isinstance(side := extension.source, Side):
        beside = rows.get(side.record.table().name, {}).values()
        yield from ((row[side.link], row[attribute]) for row in beside if row[side.link] in live and row["deleted_at"] is None)
