"""The second wall, table by table of every plugin: as PostgreSQL has it, whatever a migration meant to do (see tests/data for what it does)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from core.platform import Platform
from sdk.migrations import APP_ROLE
from tests.data.test_row_level_security import GLOBAL, OTHERS, WALL

_TABLES = """
SELECT c.relname, c.relkind::text AS kind, c.relrowsecurity, c.relforcerowsecurity, 'security_invoker=true' = ANY (c.reloptions) AS asks_as_invoker,
       has_table_privilege(:app, c.oid, 'TRUNCATE') OR has_table_privilege(:app, c.oid, 'TRIGGER') AS passes_by
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_POLICIES = (
    "SELECT tablename, policyname, permissive, roles::text AS roles, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
)
_WITHOUT_TENANT = """
SELECT t.relname, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
WHERE t.relnamespace = 'public'::regnamespace AND x.indisunique AND NOT a.attnum = ANY (x.indkey)
"""
_LINKS_WITHOUT_TENANT = """
SELECT t.relname, k.conname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'tenant_id'
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attname = 'tenant_id'
WHERE k.contype = 'f' AND NOT (a.attnum = ANY (k.conkey) AND b.attnum = ANY (k.confkey))
"""


@pytest.fixture(autouse=True)
def _postgresql_alone(platform: Platform) -> None:
    if platform.database.is_sqlite:
        pytest.skip("SQLite has one wall: the filter that both doors carry")


@pytest.mark.feature("B14")
def test_every_table_and_view_of_every_plugin_has_the_same_wall_and_no_door_beside_it(platform: Platform) -> None:
    with platform.database.reading_as_owner() as connection:
        tables = {row.relname: row for row in connection.execute(sa.text(_TABLES), {"app": APP_ROLE})}
        policies = connection.exec_driver_sql(_POLICIES).all()
        definers = connection.exec_driver_sql("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace").all()
    walls = {row.tablename: row for row in policies if row.policyname == "tenant"}
    guarded = {name for name, row in tables.items() if row.kind == "r"} - set(GLOBAL)
    assert len(guarded) > 100
    seen_through = {name for name, row in tables.items() if row.kind == "v"}
    assert {entity.record.table().name for entity in platform.catalog.entities.values()} <= guarded | seen_through
    assert not {name for name in guarded if not (tables[name].relrowsecurity and tables[name].relforcerowsecurity)}
    assert {name for name, row in tables.items() if row.kind not in "rv"} == set()
    assert not {name for name, row in tables.items() if name in seen_through and not row.asks_as_invoker}
    assert not {name for name, row in tables.items() if row.passes_by}, "TRUNCATE asks no policy, and a trigger runs as whoever comes"
    assert not definers
    forms = {(walls[name].permissive, walls[name].roles, walls[name].cmd, walls[name].qual, walls[name].with_check) for name in guarded}
    assert forms == {("PERMISSIVE", f"{{{APP_ROLE}}}", "ALL", WALL, WALL)}
    assert {(row.tablename, row.policyname, row.roles) for row in policies if row.policyname != "tenant"} == OTHERS


@pytest.mark.feature("B14")
def test_what_the_database_itself_compares_stays_within_a_tenant(platform: Platform) -> None:
    """Unique indexes and foreign keys pass the wall by: without the tenant in them, a refusal tells of another tenant's row, and a link leads there."""
    with platform.database.reading_as_owner() as connection:
        found = [*connection.exec_driver_sql(_WITHOUT_TENANT).all(), *connection.exec_driver_sql(_LINKS_WITHOUT_TENANT).all()]
    assert not [tuple(row) for row in found if row[0] not in GLOBAL]
