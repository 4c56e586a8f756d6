"""What a plugin's migrations use to make the tables of its records, alike on SQLite and PostgreSQL.

A script imports `op` from Alembic and passes it: `create_table(op, "visits_visits", *columns)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import sqlalchemy as sa

from sdk.columns import UtcDateTime, json_data, key
from sdk.entities import LIVE, NAMING
from sdk.likeness import Likeness

APP_ROLE = "dealwright_app"
"""The PostgreSQL role under which requests run; it owns nothing, so row-level security holds for it."""
PART = 2000
TENANT_SETTING = "dealwright.tenant"
SAME_TENANT = f"tenant_id = NULLIF(current_setting('{TENANT_SETTING}', true), '')::uuid"


class Operations(Protocol):
    """The part of Alembic's `op` that the helper uses."""

    def create_table(self, table_name: str, *columns: Any, **kw: Any) -> Any: ...
    def drop_table(self, table_name: str, **kw: Any) -> Any: ...
    def create_index(self, index_name: str, table_name: str, columns: Any, **kw: Any) -> Any: ...
    def execute(self, sqltext: Any) -> Any: ...
    def get_bind(self) -> Any: ...


def create_table(op: Operations, name: str, *items: sa.schema.SchemaItem) -> None:
    """Create a tenant's table: the given columns and foreign keys, plus key, owner, version, time stamps and custom fields.

    On PostgreSQL row-level security is switched on and forced: without a tenant no row is visible or can be written.
    """
    op.create_table(
        name,
        sa.Column("tenant_id", key(), nullable=False),
        sa.Column("id", key(), nullable=False),
        *items,
        sa.Column("owner_id", key(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("custom", json_data(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_owner", name, ["tenant_id", "owner_id"])
    protect(op, name)


def foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A link to `target` within the tenant."""
    name = NAMING["fk"] % {"table_name": table, "column_1_name": column}
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], name=name)


def create_index(op: Operations, table: str, column: str) -> None:
    """An index for filters and sorts by `column`."""
    op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column, "id"])


def create_unique(op: Operations, table: str, *columns: str) -> None:
    """No two live records of a tenant share the values of `columns`."""
    live = sa.text(LIVE)
    name = f"uq_{table}_{'_'.join(columns)}"
    op.create_index(name, table, ["tenant_id", *columns], unique=True, sqlite_where=live, postgresql_where=live)


def fill_likeness(op: Operations, table: str, column: str, likeness: Likeness) -> None:
    """Make the keys of the rows that are there, once `<column>_alike` has been added: the table is read a part at a time."""
    with all_rows(op, table):
        _fill_likeness(op.get_bind(), table, column, likeness)


def _fill_likeness(connection: Any, table: str, column: str, likeness: Likeness) -> None:
    rows = sa.table(table, sa.column("tenant_id", key()), sa.column("id", key()), sa.column(column), sa.column(f"{column}_alike"))
    mine = (rows.c.tenant_id == sa.bindparam("of", type_=key()), rows.c.id == sa.bindparam("one", type_=key()))
    change = rows.update().where(*mine).values({f"{column}_alike": sa.bindparam("made")})
    question = (
        sa.select(rows.c.tenant_id, rows.c.id, rows.c[column]).where(rows.c[column].is_not(None)).order_by(rows.c.tenant_id, rows.c.id)
    )
    last: tuple[Any, Any] | None = None
    while True:
        after = sa.true() if last is None else sa.tuple_(rows.c.tenant_id, rows.c.id) > sa.tuple_(*(sa.literal(one, key()) for one in last))
        part = connection.execute(question.where(after).limit(PART)).all()
        if made := [{"of": tenant, "one": id, "made": word} for tenant, id, value in part if (word := likeness(value)) is not None]:
            connection.execute(change, made)
        if len(part) < PART:
            break
        last = (part[-1][0], part[-1][1])


def rename_choice(op: Operations, table: str, column: str, old: str, new: str) -> None:
    """Write a choice by another word in the rows that are there."""
    rows = sa.table(table, sa.column(column))
    with all_rows(op, table):
        op.execute(rows.update().where(rows.c[column] == old).values({column: new}))


def give_to_tenants(op: Operations, table: str, *names: str) -> None:
    """Hand what stands in each tenant's live row to the tenant's settings of the same names; what is other than 1 there stays."""
    tenants, rows = _settings(table, names)
    mine = (rows.c.tenant_id == tenants.c.id, rows.c.deleted_at.is_(None))
    given = {name: sa.select(rows.c[name]).where(*mine).limit(1).scalar_subquery() for name in names}
    with all_rows(op, table):
        op.execute(tenants.update().where(sa.exists().where(*mine), *(tenants.c[name] == 1 for name in names)).values(given))


def take_from_tenants(op: Operations, table: str, *names: str) -> None:
    """Write into a table what its tenants have among their settings under the same names."""
    tenants, rows = _settings(table, names)
    said = {name: sa.select(tenants.c[name]).where(tenants.c.id == rows.c.tenant_id).scalar_subquery() for name in names}
    with all_rows(op, table):
        op.execute(rows.update().values(said))


def _settings(table: str, names: Sequence[str]) -> tuple[sa.TableClause, sa.TableClause]:
    """The tenants are the core's: a plugin's script reaches them through this module alone."""
    tenants = sa.table("core_tenants", sa.column("id", key()), *(sa.column(name) for name in names))
    return tenants, sa.table(table, sa.column("tenant_id", key()), sa.column("deleted_at"), *(sa.column(name) for name in names))


@contextmanager
def all_rows(op: Operations, table: str) -> Iterator[None]:
    """While a script reads or changes rows of all tenants: else the second wall shows the table's owner none, for want of a tenant."""
    walled = op.get_bind().dialect.name == "postgresql"
    if walled:
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    yield
    if walled:
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def protect(op: Operations, table: str) -> None:
    """Raise the second wall around a table with `tenant_id` (PostgreSQL; SQLite has none)."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY tenant ON "{table}" TO {APP_ROLE} USING ({SAME_TENANT}) WITH CHECK ({SAME_TENANT})')
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {APP_ROLE}')


def drop_table(op: Operations, name: str) -> None:
    """Drop a tenant's table with its indexes and policies."""
    op.drop_table(name)
