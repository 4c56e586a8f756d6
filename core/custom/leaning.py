"""What tenants have made themselves and would lose, or lose the sense of, with a plugin: their fields and entities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.custom import cells
from core.custom.definition import Definition
from core.custom.entity_tables import CustomEntity
from core.custom.kinds import KINDS, field_of
from core.custom.own_entity import Making, entity_of
from core.custom.tables import CustomField
from core.entities.rows import live_of
from sdk.fields import AnyRecordField

if TYPE_CHECKING:
    from core.extension.catalog import Catalog
    from sdk import Entity

PART_OF, LINKS, NAMES, COUNTS, READS, BELONGS = "part_of", "link", "any_record", "counted", "reads", "field"
"""In what way something leans: an entity whose records are part of the plugin's; a field that links to them, may name them, counts them,
is worked out or shown by what the plugin adds; a field of an entity of the plugin, which goes with it."""
WAYS = (PART_OF, LINKS, NAMES, COUNTS, READS, BELONGS)
_WORDS = ("measure", "where", "expression", "shown_if", "required_if")
type_leaning = dict[str, object]


def leaning(connection: Connection, tenant: UUID, catalog: Catalog, plugin: str) -> list[type_leaning]:
    """By name and way, with how many live records of others are concerned; also of entities that are switched off."""
    makings = [Making.of(row) for row in _rows(connection, CustomEntity.table(), tenant)]
    there = {**catalog.entities, **{making.name: entity_of(making) for making in makings}}
    found = [
        _told(making.name, PART_OF, making.label, _count(connection, there[making.name], tenant))
        for making in makings
        if making.parent.startswith(f"{plugin}.")
    ]
    for row in _rows(connection, CustomField.table(), tenant):
        one = Definition.of(row["id"], row)
        if one.kind in KINDS and (way := _way(one, plugin)) is not None:
            count = 0 if way == BELONGS else _having(connection, there.get(one.entity), tenant, one, plugin)
            if way != NAMES or count:
                found.append(_told(f"{one.entity}.{one.name}", way, one.label, count))
    return found


def _told(name: str, way: str, label: str, records: int) -> type_leaning:
    return {"name": name, "way": way, "label": label, "records": records}


def _rows(connection: Connection, table: sa.Table, tenant: UUID) -> Iterator[dict[str, Any]]:
    mine = sa.select(table).where(table.c.tenant_id == tenant, table.c.deleted_at.is_(None)).order_by(table.c.label, table.c.id)
    for row in connection.execute(mine).mappings():
        yield {str(name): cell for name, cell in row.items()}


def _way(one: Definition, plugin: str) -> str | None:
    own = f"{plugin}."
    if one.entity.startswith(own):
        return BELONGS
    if one.target.startswith(own):
        return LINKS
    if one.source.startswith(own):
        return COUNTS
    if any(re.search(rf"(?<!\w){re.escape(own)}[a-z]", getattr(one, word)) for word in _WORDS):
        return READS  # fields that a plugin adds to others' entities are called `<plugin>.<name>`
    return NAMES if one.kind == "any_record" else None


def _count(connection: Connection, entity: Entity, tenant: UUID, *which: sa.ColumnElement[bool]) -> int:
    table = entity.record.table()
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*live_of(entity, table, tenant), *which)) or 0


def _having(connection: Connection, entity: Entity | None, tenant: UUID, one: Definition, plugin: str) -> int:
    """How many records have a value that names the plugin's; 0 where nothing is stored, or the entity's own plugin is away."""
    if entity is None or not KINDS[one.kind].stored or cells.COLUMN not in entity.record.table().c:
        return 0
    field, document = field_of(one), entity.record.table().c[cells.COLUMN]
    values = cells.columns(document, field)
    if isinstance(field, AnyRecordField):
        return _count(connection, entity, tenant, document.is_not(None), values[1].startswith(f"{plugin}.", autoescape=True))
    return _count(connection, entity, tenant, document.is_not(None), values[0].is_not(None)) if one.target else 0
