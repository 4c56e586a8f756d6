"""All that points to the records of an entity: links and references of every plugin's tables, and of the fields that the tenant has added.

Also of plugins and of own entities that are off for the tenant, and of records and fields in the recycle bin: they may come back.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.custom import cells
from core.custom.definition import PREFIX, Definition
from core.custom.kinds import field_of
from core.custom.overlay import links_of
from core.custom.own import switched_off
from core.custom.own_entity import kind_of
from core.entities.rows import live_of, rows_of
from core.identity.tables import Share
from sdk import Conflict, Entity, Record, Side, _
from sdk.columns import among
from sdk.fields import AnyRecordField, Field, LinkField, Reference

if TYPE_CHECKING:
    from core.context import Work


TWICE = _("two {entity} records would have the same unique values; change or delete one of them first")


@dataclass(frozen=True)
class Pointer:
    """A field that points to records of an entity. `entity` is None for a side table, which is part of what it extends."""

    record: type[Record]
    entity: Entity | None
    field: Field
    definition: Definition | None = None
    """Of a field that the tenant has added."""

    def columns(self) -> list[Any]:
        """Its columns, the id first."""
        table = self.record.table()
        if self.definition is not None:
            return cells.columns(table.c[cells.COLUMN], self.field)
        return [table.c[name] for name in self.field.columns()]

    def shown(self, fields: Container[str]) -> bool:
        """Whether it is among these fields of a shape; another may have the name of one in the recycle bin."""
        return self.field.name in fields and (self.definition is None or not self.definition.gone)

    @property
    def place(self) -> str:
        """See `place_of`."""
        return place_of(self.record, self.entity)

    @property
    def slot(self) -> str:
        """Its column, or its place among the added fields."""
        return f"{PREFIX}.{self.definition.slot}" if self.definition is not None else self.field.attribute


@dataclass(frozen=True)
class Turn:
    """A pointer of one row that is turned from one record of `target` to another. `live`: the row is in no recycle bin by then."""

    pointer: Pointer
    target: Entity
    id: UUID
    was: UUID
    to: UUID
    live: bool

    def value(self, id: UUID) -> object:
        """The value of the field that points to a record."""
        return Reference(self.target.full_name, id) if isinstance(self.pointer.field, AnyRecordField) else id


def place_of(record: type[Record], entity: Entity | None) -> str:
    """Where rows stand, as a merge remembers it: a table, and of one that a tenant's own entities share the part of this one."""
    kind, table = kind_of(entity), record.table().name
    return table if kind is None else f"{table}:{kind.hex}"


def records_of(work: Work) -> dict[type[Record], Entity | None]:
    """The tables of records of all plugins that are in force, and those of the tenant's own entities: switched on or not."""
    catalog = work.catalog
    found: dict[type[Record], Entity | None] = {entity.record: entity for entity in catalog.entities.values()}
    for extension in (one for many in catalog.extensions.values() for one in many):
        if isinstance(extension.source, Side):
            found.setdefault(extension.source.record, None)
    found |= {entity.record: entity for entity in switched_off(work)}
    return {record: entity for record, entity in found.items() if not record.table().info.get("view")}


def pointers(work: Work, target: Entity) -> Iterator[Pointer]:
    """The fields that point to records of `target`."""
    added = links_of(work)
    for record, entity in records_of(work).items():
        for field in record.__fields__.values():
            if isinstance(field, AnyRecordField) or (
                isinstance(field, LinkField) and _target(work, field, record, entity) == target.full_name
            ):
                yield Pointer(record, entity, field)
        for definition in added.get(entity.full_name, ()) if entity is not None else ():
            if definition.kind == "any_record" or (definition.kind == "link" and definition.target == target.full_name):
                yield Pointer(record, entity, field_of(definition), definition)


def _target(work: Work, field: LinkField, record: type[Record], entity: Entity | None) -> str:
    if entity is not None:
        return work.catalog.target(field, entity)
    if isinstance(field.target, str):
        return field.target
    found = work.platform.catalog.by_record.get(field.target)
    return found.full_name if found is not None else ""


def pointing(work: Work, pointer: Pointer, target: Entity, into: Mapping[UUID, UUID]) -> list[Turn]:
    """The rows that point to records which go, locked, each with where it will point."""
    table = pointer.record.table()
    columns, there = pointer.columns(), list[Any]()
    if pointer.definition is not None:  # a whole document has no index: this is a rare act, and it asks those rows alone that have any
        there.append(table.c[cells.COLUMN].is_not(None))
    if isinstance(pointer.field, AnyRecordField):
        there.append(columns[1] == target.full_name)
    named = among(columns[0], sorted(into)) if pointer.definition is None else columns[0].in_(sorted(into))
    query = sa.select(table.c.id, columns[0].label("was"), table.c.deleted_at).where(
        *rows_of(pointer.entity, table, work.tenant.id), *there, named
    )
    own = pointer.record is target.record
    left = set(into.values()) if own else set()  # what it is to those that go is settled with its other values
    rows = work.connection.execute(query.order_by(table.c.id).with_for_update()).all()
    return [
        Turn(pointer, target, row.id, row.was, into[row.was], row.deleted_at is None and not (own and row.id in into))
        for row in rows
        if row.id not in left
    ]


# --- rows that would be there twice ----------------------------------------------------------------------------------


def twice(work: Work, record: type[Record], entity: Entity | None, turns: Sequence[Turn]) -> dict[UUID, UUID]:
    """Of these rows those that cannot stand beside another once they are turned, and which one it is.

    Parts of records and what is private give way to their like. Raises Conflict for a record in its own right.
    """
    moved: dict[UUID, dict[str, UUID]] = {}
    order = {turn.id: place for place, turn in enumerate(turns)}
    for turn in turns:
        if turn.live and turn.pointer.definition is None:
            moved.setdefault(turn.id, {})[turn.pointer.field.attribute] = turn.to
    found: dict[UUID, UUID] = {}
    for names in _keys(record) if moved else ():
        if not {name for turned in moved.values() for name in turned}.isdisjoint(names):
            found |= _alike(work, record, entity, names, moved, order)
    if found and entity is not None and entity.parent is None and not entity.private:
        raise Conflict(TWICE, code="merge_collision", entity=entity.full_name)
    return found


def _keys(record: type[Record]) -> list[tuple[str, ...]]:
    table = record.table()
    keys = [tuple(column.name for column in index.columns if column.name != "tenant_id") for index in table.indexes if index.unique]
    return [*keys, ("record", "user_id", "access", "expires_at")] if record is Share else keys


def _alike(work: Work, record: type[Record], entity: Entity | None, names: tuple[str, ...], moved: Mapping[UUID, Mapping[str, UUID]],
           order: Mapping[UUID, int]) -> dict[UUID, UUID]:  # fmt: skip
    table = record.table()
    turned = {name: {to for one in moved.values() if (to := one.get(name)) is not None} for name in names}
    near = [among(table.c[name], sorted(ids)) for name, ids in turned.items() if ids]
    query = sa.select(table.c.id, *(table.c[name] for name in names)).where(
        *live_of(entity, table, work.tenant.id), sa.or_(*near, among(table.c.id, sorted(moved)))
    )
    groups: dict[tuple[object, ...], list[UUID]] = {}
    for id, *values in work.connection.execute(query):
        after = tuple(moved.get(id, {}).get(name, value) for name, value in zip(names, values, strict=True))
        if None not in after or record is Share:
            groups.setdefault(after, []).append(id)
    found: dict[UUID, UUID] = {}
    for ids in groups.values():
        kept, *others = sorted(ids, key=lambda one: (one in moved, order.get(one, 0), one))
        found |= dict.fromkeys(others, kept)
    return found
