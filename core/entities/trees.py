"""Links that form trees (teams, managers, parent companies): nobody comes to stand above himself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.entities.item import Item
from core.entities.rows import rows_of
from core.entities.shape import Shape
from sdk import Problem, _
from sdk.columns import among
from sdk.fields import LinkField

if TYPE_CHECKING:
    from core.context import Work

_CHUNK = 500


def check_trees(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Refuse the changes of a batch that would close a circle."""
    for field in shape.entity.record.__fields__.values():
        if isinstance(field, LinkField) and field.tree:
            moved = {item.id: item for item in items if field.name in item.values}
            if any(item.values[field.name] is not None for item in moved.values()):
                if any(item.before is not None for item in moved.values()):  # below a new record nothing stands yet
                    work.lock(f"{shape.entity.full_name}.{field.name}")  # two who put each the other below would both see no circle
                _check(work, shape, field, moved)


def _check(work: Work, shape: Shape, field: LinkField, moved: dict[UUID, Item]) -> None:
    above: dict[UUID, UUID | None] = {id: item.values[field.name] for id, item in moved.items()}
    while unknown := {superior for superior in above.values() if superior is not None and superior not in above}:
        above |= dict.fromkeys(unknown) | _superiors(work, shape, field, sorted(unknown))  # a query a level, for all at once
    for id, item in moved.items():
        seen, superior = {id}, above[id]
        while superior is not None and superior not in seen:
            seen.add(superior)
            superior = above[superior]
        if superior is not None:
            item.problems.append(Problem(field.name, "circle", _("would make the record its own superior")))


def _superiors(work: Work, shape: Shape, field: LinkField, ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    table, found = shape.table, dict[UUID, UUID | None]()
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(table.c.id, table.c[field.attribute]).where(
            *rows_of(shape.entity, table, work.tenant.id), among(table.c.id, ids[start : start + _CHUNK])
        )
        found |= {row[0]: row[1] for row in work.connection.execute(query)}
    return found
