"""What a tenant has added to its entities: read once, and again when the tenant's access version grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.custom.definition import Definition
from core.custom.kinds import KINDS, field_of
from core.custom.tables import CustomField
from sdk.fields import Field

if TYPE_CHECKING:
    from core.context import Work


@dataclass(frozen=True)
class Overlay:
    """The fields that a tenant has added to one entity."""

    definitions: tuple[Definition, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Shapes are looked up by it many times a request."""
        return hash(self.definitions)

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields whose values stand in the record by name, `custom.<key>`."""
        return {one.name: field_of(one) for one in self.definitions if not one.gone and KINDS[one.kind].stored}

    @property
    def roll_ups(self) -> list[Definition]:
        """The definitions of fields that are made from other records."""
        return [one for one in self.definitions if not one.gone and not KINDS[one.kind].stored]

    @cached_property
    def keyed(self) -> Mapping[str, Definition]:
        """The definitions whose values stand among the keys (see `core.custom.keys`), also of fields that may come back."""
        return {one.slot if one.gone else one.name: one for one in self.definitions if one.unique or one.indexed}


NOTHING = Overlay()


def overlay_of(work: Work, entity: str) -> Overlay:
    """What the context's tenant has added to an entity."""
    return work.kept("core.custom_fields", lambda: _read(work)).get(entity, NOTHING)


def _read(work: Work) -> dict[str, Overlay]:
    table, found = CustomField.table(), dict[str, list[Definition]]()
    with work.transaction():
        rows = work.connection.execute(
            sa.select(table)
            .where(table.c.tenant_id == work.tenant.id, sa.or_(table.c.deleted_at.is_(None), table.c.unique, table.c.indexed))
            .order_by(table.c.entity, table.c.position.nulls_last(), table.c.id)
        ).mappings()
        for row in rows:
            found.setdefault(row["entity"], []).append(Definition.of(row["id"], {str(name): cell for name, cell in row.items()}))
    return {entity: Overlay(tuple(definitions)) for entity, definitions in found.items()}
