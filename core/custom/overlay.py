"""What a tenant has added to its entities: read once, and again when the tenant's access version grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.custom.definition import Definition
from core.custom.kinds import CALCULATED, KINDS, ROLLED, field_of
from core.custom.tables import CustomField
from sdk.fields import Field

if TYPE_CHECKING:
    from core.context import Work


@dataclass(frozen=True)
class Overlay:
    """The fields that a tenant has added to one entity."""

    definitions: tuple[Definition, ...] = ()
    others: tuple[Definition, ...] = ()
    """Those of other entities, where some of these are made from other records."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Shapes are looked up by it many times a request."""
        return hash((self.definitions, self.others))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields whose values stand in the record by name, `custom.<key>`."""
        return {one.name: field_of(one) for one in self.definitions if not one.gone and KINDS[one.kind].stored}

    @property
    def roll_ups(self) -> list[Definition]:
        """The definitions of fields that are made from other records."""
        return [one for one in self.definitions if not one.gone and KINDS[one.kind].made is ROLLED]

    @property
    def formulas(self) -> list[Definition]:
        """The definitions of formulas."""
        return [one for one in self.definitions if not one.gone and KINDS[one.kind].made is CALCULATED]

    @cached_property
    def numbered(self) -> Mapping[str, Definition]:
        """The definitions whose values the platform gives, by name."""
        return {one.name: one for one in self.definitions if not one.gone and KINDS[one.kind].numbered}

    def beside(self, entity: str) -> Overlay:
        """What the tenant has added to another entity, as far as fields here may be made from it."""
        mine = tuple(one for one in (*self.definitions, *self.others) if one.entity == entity and not one.gone)
        return Overlay(mine) if mine else NOTHING

    @cached_property
    def keyed(self) -> Mapping[str, Definition]:
        """The definitions whose values stand among the keys (see `core.custom.keys`), also of fields that may come back."""
        return {one.slot if one.gone else one.name: one for one in self.definitions if one.unique or one.indexed}


NOTHING = Overlay()


def overlay_of(work: Work, entity: str) -> Overlay:
    """What the context's tenant has added to an entity."""
    return overlays_of(work).get(entity, NOTHING)


def overlays_of(work: Work) -> dict[str, Overlay]:
    """What the context's tenant has added, by entity."""
    return work.common("core.custom_fields", lambda: _read(work))


def _read(work: Work) -> dict[str, Overlay]:
    table, found = CustomField.table(), dict[str, list[Definition]]()
    with work.transaction():
        rows = work.connection.execute(
            sa.select(table)
            .where(table.c.tenant_id == work.tenant.id, sa.or_(table.c.deleted_at.is_(None), table.c.unique, table.c.indexed))
            .order_by(table.c.entity, table.c.position.nulls_last(), table.c.id)
        ).mappings()
        for row in rows:
            if row["kind"] not in KINDS:  # of a later version of the platform
                continue
            found.setdefault(row["entity"], []).append(Definition.of(row["id"], {str(name): cell for name, cell in row.items()}))
    made = {entity for entity, definitions in found.items() if any(not KINDS[one.kind].stored for one in definitions)}
    return {entity: overlaid(entity, found) if entity in made else Overlay(tuple(definitions)) for entity, definitions in found.items()}


def links_of(work: Work) -> dict[str, list[Definition]]:
    """The links to records that the context's tenant has added, by entity: those in the recycle bin as well, as they may come back."""
    return work.common("core.custom_links", lambda: _read_links(work))


def _read_links(work: Work) -> dict[str, list[Definition]]:
    table, found = CustomField.table(), dict[str, list[Definition]]()
    with work.transaction():
        mine = (table.c.tenant_id == work.tenant.id, table.c.kind.in_(("link", "any_record")))
        for row in work.connection.execute(sa.select(table).where(*mine).order_by(table.c.id)).mappings():
            found.setdefault(row["entity"], []).append(Definition.of(row["id"], {str(name): cell for name, cell in row.items()}))
    return found


def overlaid(entity: str, found: Mapping[str, Sequence[Definition]]) -> Overlay:
    """What is added to one entity, of all that the tenant has added by entity, where fields there may be made from other records."""
    return Overlay(tuple(found[entity]), tuple(one for name, there in found.items() if name != entity for one in there if not one.gone))
