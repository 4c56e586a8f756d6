"""What a row of the outbox says of records: item by item, or once for all of them where it is the same, as of an import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

type_item = tuple[UUID, Mapping[str, Any]]
"""A record, and what is said of it, as JSON takes it."""
ITEMS, IDS, ALIKE = "items", "@ids", "@alike"


def written(items: Sequence[type_item]) -> dict[str, Any]:
    """Items as a payload keeps them. Of a thousand records of which one and the same object is said, that is there once."""
    _id, first = items[0]
    if len(items) > 1 and all(said is first for _id, said in items):
        return {IDS: [id for id, _said in items], ALIKE: first}  # JSON of the database writes ids by itself, in a tenth of the time
    return {ITEMS: [{"id": str(id), **said} for id, said in items]}


def items_of(payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The items of a payload, each with its id; none in that of a job."""
    if ALIKE in payload:
        yield from ({"id": id, **payload[ALIKE]} for id in payload[IDS])
    yield from payload.get(ITEMS, ())
