"""What a tenant has, with the entities that it has made: read once, and again when the tenant's access version grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.custom.entity_tables import CustomEntity
from core.custom.own_entity import Making, Makings, OwnEntity, entity_of
from sdk import NotFound, _

if TYPE_CHECKING:
    from core.context import Work
    from core.extension.catalog import Catalog


def catalog_of(work: Work) -> Catalog:
    """What all plugins have declared, and the entities of the context's tenant beside it."""
    makings, platform = work.common("core.custom_entities", lambda: _read(work)), work.platform
    if not makings.each:
        return platform.catalog
    return platform.catalogs.get(makings) or platform.catalogs.keep(makings, platform.catalog.beside(map(entity_of, makings.each)))


def switched_off(work: Work) -> tuple[OwnEntity, ...]:
    """The entities of the context's tenant that are out of force and may come back with all their records; one in the recycle bin has none."""
    return work.common("core.custom_entities_off", lambda: tuple(map(entity_of, _read(work, active=False).each)))


def _read(work: Work, *, active: bool = True) -> Makings:
    table = CustomEntity.table()
    with work.transaction():
        rows = work.connection.execute(
            sa.select(table)
            .where(table.c.tenant_id == work.tenant.id, table.c.deleted_at.is_(None), table.c.active == active)
            .order_by(table.c.label, table.c.id)
        ).mappings()
        return Makings(tuple(Making.of({str(name): cell for name, cell in row.items()}) for row in rows))


def hold(work: Work, entity: OwnEntity) -> None:
    """Until the transaction ends, nobody switches the entity off or deletes it. Raises NotFound where somebody just has."""
    table = CustomEntity.table()
    mine = (table.c.tenant_id == work.tenant.id, table.c.id == entity.made_as, table.c.deleted_at.is_(None), table.c.active)
    if work.connection.execute(sa.select(table.c.id).where(*mine).with_for_update(read=True)).first() is None:
        raise NotFound(_("entity {entity!r} does not exist here"), entity=entity.full_name)
