"""The words of records, kept by the write door in the same transaction; of large sets, made behind it by a job of the same commit (`core.search.anew`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy.engine import Connection

from core.data import bulk
from core.entities import journal
from core.entities.item import Item
from core.entities.shape import Shape
from core.search.tables import place_of, search_words
from core.search.words import tokens
from sdk import Batch, Side
from sdk.changes import ERASE
from sdk.fields.text import PhoneField

if TYPE_CHECKING:
    from core.context import Work

WITHIN = 200
"""Records of one write whose words are written with them. A contact has some twenty: an import would take twice as long."""
SOME, ALL = "search_words", "search_entity"
PART = 500
"""Records that are indexed by one statement, and by one job."""


class Place(NamedTuple):
    """A searched field of an entity."""

    name: str
    id: int
    number: bool
    """Whether it holds telephone numbers."""
    default: object


def places(shape: Shape) -> Mapping[str, Place]:
    """The searched fields that are stored, by name."""
    return shape.kept(("searched",), lambda: {one.name: one for one in _places(shape)})


def _places(shape: Shape) -> Iterator[Place]:
    added = {one.name: str(one.id) for one in shape.overlay.definitions if not one.gone}
    for name, field in shape.fields.items():
        extension = shape.extension_of(name)
        made = name in shape.rolled or name in shape.formulas or (extension is not None and not isinstance(extension.source, Side))
        if field.search and not made:
            default = field.default if extension is not None else None
            yield Place(name, place_of(shape.entity.full_name, added.get(name, name)), isinstance(field, PhoneField), default)


def keep(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Write the words of records that are, come back or change, and forget those of records that go: what a write has just stored."""
    known = places(shape)
    moved = [item for item in items if item.draft.verb != "update" or not known.keys().isdisjoint(item.values)] if known else []
    if len(moved) > WITHIN:
        later(work, shape.entity.full_name, [item.id for item in moved if item.draft.act != ERASE])
        moved = [item for item in moved if item.draft.act == ERASE]  # what is erased is gone when that is said
    rows, gone, changed = list[dict[str, Any]](), list[UUID](), dict[tuple[int, ...], list[UUID]]()
    for item in moved:
        mine: Sequence[Place] = list(known.values())
        if item.draft.verb == "update":
            mine = [place for place in mine if place.name in item.values]
            changed.setdefault(tuple(place.id for place in mine), []).append(item.id)
        elif item.draft.verb != "create":
            gone.append(item.id)
        if item.draft.verb != "delete":
            rows += words_of(work, item.id, mine, item.after)
    forget(work, gone)
    for which, ids in changed.items():
        forget(work, ids, which)
    bulk.insert(work.connection, search_words, rows, later=True)
    work.grown(search_words.name, len(rows))


def words_of(work: Work, id: UUID, known: Sequence[Place], value_of: Any) -> Iterator[dict[str, Any]]:
    """The rows of a record’s words: of what stands in these fields, by `value_of`."""
    tenant = work.tenant.id
    for place in known:
        value = value_of(place.name)
        value = place.default if value is None else value
        if isinstance(value, str):
            for word, near in tokens(value, number=place.number):
                yield {"tenant_id": tenant, "place": place.id, "word": word, "record_id": id, "near": near}


def forget(work: Work, ids: Sequence[UUID], which: Sequence[int] = ()) -> None:
    """The words of records, or those of some of their fields."""
    for start in range(0, len(ids), PART):
        mine = [
            search_words.c.tenant_id == work.tenant.id,
            bulk.among(work.connection, search_words.c.record_id, ids[start : start + PART]),
        ]
        if which:
            mine.append(search_words.c.place.in_(which))
        work.connection.execute(search_words.delete().where(*mine))


def forget_places(connection: Connection, tenant: UUID, which: Sequence[int]) -> None:
    """All words of some fields."""
    for start in range(0, len(which), PART):
        mine = (search_words.c.tenant_id == tenant, search_words.c.place.in_(which[start : start + PART]))
        connection.execute(search_words.delete().where(*mine))


# --- in the background -----------------------------------------------------------------------------------------------


def later(work: Work, entity: str, ids: Sequence[UUID]) -> None:
    """Let the words of these records be made anew once this is committed."""
    parts = (ids[start : start + PART] for start in range(0, len(ids), PART))
    journal.ask(work, f"core.{SOME}", [{"entity": entity, "ids": [id.hex for id in part]} for part in parts], as_system=True)


def rebuild(work: Work, entities: Sequence[str]) -> None:
    """Let the words of all records of these entities be made anew, in the background."""
    journal.ask(work, f"core.{ALL}", [{"entity": entity} for entity in entities], as_system=True)


def follow(work: Work, batch: Batch) -> None:
    """Custom fields of records that are there come to be searched, or no longer are."""
    moved = {
        str(change.after("entity"))
        for change in batch.changes
        if change.verb == "restore" or (change.verb == "update" and "search" in change.values)
    }
    rebuild(work, sorted(moved))


def entities(work: Work) -> list[str]:
    """Those of the tenant that have searched fields."""
    names = [
        one.full_name for one in work.catalog.entities.values() if one.plugin in work.enabled and not one.record.table().info.get("view")
    ]
    return [name for name in names if places(work.shape(name))]
