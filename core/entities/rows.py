"""Which rows of a table are records of an entity: written in this one place, as a row too many is somebody else's record."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from core.custom.own_entity import kind_of
from sdk import Entity

KIND = "kind_id"


def rows_of(entity: Entity | None, table: FromClause, tenant: Any) -> list[sa.ColumnElement[bool]]:
    """All rows of an entity in a tenant, those in the recycle bin among them; None: of a side table. The tenant is an id or its parameter.

    The filter names the tenant so that one shard is asked, and the kind where entities share a table.
    """
    mine: list[sa.ColumnElement[bool]] = [table.c.tenant_id == tenant]
    kind = kind_of(entity)
    return mine if kind is None else [*mine, table.c[KIND] == kind]


def borne_by(entity: Entity) -> dict[str, Any]:
    """What each new row of an entity bears beside its fields."""
    kind = kind_of(entity)
    return {} if kind is None else {KIND: kind}


def live_of(entity: Entity | None, table: FromClause, tenant: Any) -> list[sa.ColumnElement[bool]]:
    """The rows of an entity in a tenant that are not in the recycle bin."""
    return [*rows_of(entity, table, tenant), table.c.deleted_at.is_(None)]


def deleted_of(entity: Entity, table: FromClause, tenant: Any) -> list[sa.ColumnElement[bool]]:
    """The rows of an entity in a tenant that are in the recycle bin."""
    return [*rows_of(entity, table, tenant), table.c.deleted_at.is_not(None)]


def mention(table: sa.Table, names: Iterable[str]) -> FromClause:
    """The table once more within a statement, with the columns that say whose row it is, and `names`.

    SQLAlchemy makes each column of an alias anew: of a whole table that takes longer than all the rest of a clause.
    """
    return _narrow(table, frozenset(names)).alias()


@lru_cache(maxsize=2_000)
def _narrow(table: sa.Table, names: frozenset[str]) -> sa.Table:
    wanted = {"tenant_id", "id", KIND, "owner_id", "deleted_at", *names}
    return sa.Table(table.name, sa.MetaData(), *(sa.Column(column.name, column.type) for column in table.c if column.name in wanted))
