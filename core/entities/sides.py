"""The rows beside a record in which plugins keep their fields of it: read and written with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.data import bulk
from core.entities.ids import new_ids
from core.entities.item import Item
from core.entities.rows import live_of
from core.entities.shape import Shape
from sdk.columns import among
from sdk.fields import Field

if TYPE_CHECKING:
    from core.context import Work

_CHUNK = 500


def load(work: Work, shape: Shape, found: dict[UUID, dict[str, Any]]) -> None:
    """Add to the values of records those that stand beside them."""
    for plugin in shape.sides if found else ():
        rows, defaults = _rows(work, shape, plugin, list(found)), {field.name: field.default for field in shape.side_fields(plugin)}
        for id, values in found.items():
            values |= rows.get(id, defaults)


def store(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Write what has changed of them."""
    for plugin in shape.sides:
        fields = shape.side_fields(plugin)
        touched = [item for item in items if any(field.name in item.values for field in fields)]
        if touched:
            _store(work, shape, plugin, touched)


def _rows(work: Work, shape: Shape, plugin: str, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    side, fields = shape.sides[plugin], shape.side_fields(plugin)
    table, found = side.record.table(), dict[UUID, dict[str, Any]]()
    columns = [table.c[column] for field in fields for column in field.columns()]
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(table.c[side.link], *columns).where(
            *live_of(None, table, work.tenant.id),
            among(table.c[side.link], ids[start : start + _CHUNK]),
        )  # fmt: skip
        rows = work.connection.execute(query).all()
        convert = shape.valuer([field.name for field in fields])
        found |= {row[0]: values for row, values in zip(rows, convert([row[1:] for row in rows]), strict=True)}
    return found


def _store(work: Work, shape: Shape, plugin: str, items: Sequence[Item]) -> None:
    side, fields, now, tenant = shape.sides[plugin], shape.side_fields(plugin), work.now(), work.tenant.id
    table, there = side.record.table(), _rows(work, shape, plugin, [item.id for item in items])
    fresh = []
    for item in items:
        row = {c: v for f in fields for c, v in zip(f.columns(), f.split(_or_default(f, item)), strict=True)}
        if item.id in there:
            mine = (*live_of(None, table, tenant), table.c[side.link] == item.id)
            work.connection.execute(table.update().where(*mine).values(**row, updated_at=now, version=table.c.version + 1))
        else:
            stamps = {"owner_id": None, "version": 1, "created_at": now, "updated_at": now}
            fresh.append({"tenant_id": tenant, side.link: item.id, **row, **stamps})
    for row, id in zip(fresh, new_ids(len(fresh)), strict=True):
        row["id"] = id
    bulk.insert(work.connection, table, fresh, later=True)
    work.grown(table.name, len(fresh))


def _or_default(field: Field, item: Item) -> Any:
    value = item.after(field.name)
    return field.default if value is None else value
