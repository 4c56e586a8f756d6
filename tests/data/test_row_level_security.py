"""The second wall: with PostgreSQL a tenant's rows stay its own even when the application forgets its filter."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from core.data.engine import RELAY_ROLE
from core.events.tables import outbox
from core.platform import Platform
from core.testkit.fixtures import MakeTenant
from sdk import Tenant
from sdk.migrations import APP_ROLE

WALL = "(tenant_id = (NULLIF(current_setting('dealwright.tenant'::text, true), ''::text))::uuid)"
OTHERS = {("core_outbox", "relay", "{dealwright_relay}"), ("core_schedules", "relay", "{dealwright_relay}")}
"""The policies that open more than a tenant's own rows, and to whom."""
GLOBAL = {
    "core_tenants": "the list of tenants, read before one is chosen",
    "core_tenant_plugins": "read of all tenants by the gate and the operator's commands; in a tenant's transaction there is a wall",
    "core_sign_ins": "a person's password, the same in all tenants",
    "core_memberships": "which tenants a person may enter, read before one is chosen",
    "core_sessions": "a person's session, which belongs to no tenant",
    "core_sign_in_attempts": "counted before anybody knows who it is; digests alone",
    "core_recovery_codes": "a person's second factor, the same in all tenants; digests alone",
    "core_sign_in_events": "what became of a person's coming and going; tenants see those of their people through a view with a wall",
    "core_plugins": "what plugins declared at the last upgrade, of the whole installation; the application has no right to it",
    "core_plugin_delays": "how often which plugin took too long, in whatever tenant; no tenant is named",
    "core_plugin_failures": "how often which plugin raised, in whatever tenant; no tenant is named",
    "core_archived_plugins": "what an operator took out, of the whole installation; the application has no right to it",
}
"""The tables without row-level security, each with its reason."""


@pytest.fixture(autouse=True)
def _postgresql_alone(platform: Platform) -> None:
    if platform.database.is_sqlite:
        pytest.skip("SQLite has one wall: the filter that both doors carry")


@pytest.fixture
def other(make_tenant: MakeTenant) -> Tenant:
    """Another tenant with something to steal."""
    return make_tenant("other")


def raw(platform: Platform, tenant: Tenant | None, statement: str, **parameters: object) -> sa.CursorResult[object]:
    with platform.database.begin(write=True, tenant=tenant.id if tenant else None) as connection:
        result = connection.execute(sa.text(statement), parameters)
        return result.freeze()() if result.returns_rows else result  # type: ignore[return-value]


@pytest.mark.feature("B14")
def test_raw_sql_sees_the_rows_of_its_own_tenant_alone(
    platform: Platform, tenant: Tenant, other: Tenant, thing_of: Callable[..., UUID]
) -> None:
    mine, theirs = thing_of(tenant, "mine"), thing_of(other, "theirs")
    rows = raw(platform, tenant, "SELECT id FROM probe_things").all()
    assert [row[0] for row in rows] == [mine]
    assert raw(platform, tenant, "SELECT 1 FROM probe_things WHERE id = :id", id=theirs).all() == []


@pytest.mark.feature("B14")
@pytest.mark.parametrize("statement", ["UPDATE probe_things SET name = 'stolen'", "DELETE FROM probe_things"])
def test_raw_sql_changes_no_row_of_another_tenant(
    platform: Platform, tenant: Tenant, other: Tenant, thing_of: Callable[..., UUID], statement: str
) -> None:
    theirs = thing_of(other, "theirs")
    assert raw(platform, tenant, statement).rowcount == 0
    assert platform.system(other.id).records("probe.thing").get(theirs)["name"] == "theirs"


@pytest.mark.feature("B14")
def test_raw_sql_cannot_write_a_row_for_another_tenant(platform: Platform, tenant: Tenant, other: Tenant) -> None:
    insert = "INSERT INTO probe_entries (tenant_id, id, text, version, created_at, updated_at) VALUES (:of, :id, 'x', 1, now(), now())"
    raw(platform, tenant, insert, of=tenant.id, id=uuid4())
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        raw(platform, tenant, insert, of=other.id, id=uuid4())


@pytest.mark.feature("B14")
def test_a_row_cannot_be_moved_to_another_tenant(platform: Platform, tenant: Tenant, other: Tenant, thing_of: Callable[..., UUID]) -> None:
    thing_of(tenant)
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        raw(platform, tenant, "UPDATE probe_things SET tenant_id = :other", other=other.id)


@pytest.mark.feature("B14")
def test_in_a_tenants_transaction_there_are_no_switches_of_another(platform: Platform, tenant: Tenant, other: Tenant) -> None:
    seen = "SELECT DISTINCT tenant_id FROM core_tenant_plugins"
    assert raw(platform, tenant, seen).scalars().all() == [tenant.id]
    assert {tenant.id, other.id} <= {*raw(platform, None, seen).scalars().all()}
    assert raw(platform, tenant, "UPDATE core_tenant_plugins SET enabled = false WHERE tenant_id = :other", other=other.id).rowcount == 0
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        raw(platform, tenant, "INSERT INTO core_tenant_plugins (tenant_id, plugin, enabled) VALUES (:of, 'x', true)", of=other.id)


@pytest.mark.feature("B14")
def test_without_a_tenant_no_row_is_there(platform: Platform, tenant: Tenant, thing_of: Callable[..., UUID]) -> None:
    thing_of(tenant)
    for table in tables_of_tenants(platform):
        assert raw(platform, None, f'SELECT count(*) FROM "{table}"').scalar() == 0, table


@pytest.mark.feature("B14")
def test_the_owner_of_the_tables_sees_no_row_either(platform: Platform, tenant: Tenant, thing_of: Callable[..., UUID]) -> None:
    """Forced: also for whoever connects with the installation's own log-in."""
    thing_of(tenant)
    with platform.database.reading_as_owner() as connection:
        if connection.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").scalar():
            pytest.skip("the named server's log-in is a superuser, who passes everything by")
        assert connection.exec_driver_sql("SELECT count(*) FROM probe_things").scalar() == 0


def tables_of_tenants(platform: Platform) -> list[str]:
    inspector = sa.inspect(platform.database.engine)
    names = [name for name in inspector.get_table_names() if any(c["name"] == "tenant_id" for c in inspector.get_columns(name))]
    return [name for name in names if name not in GLOBAL]


@pytest.mark.feature("B14")
def test_every_table_of_tenants_is_behind_the_wall(platform: Platform) -> None:
    with platform.database.reading_as_owner() as connection:
        guarded = {
            row.relname: (row.relrowsecurity, row.relforcerowsecurity)
            for row in connection.exec_driver_sql("SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r'")
        }
        found = connection.exec_driver_sql("SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies").all()
    policies = {row.tablename for row in found if tuple(row[1:]) == ("tenant", f"{{{APP_ROLE}}}", "ALL", WALL, WALL)}
    open_ = {name for name in tables_of_tenants(platform) if guarded[name] != (True, True) or name not in policies}
    assert not open_, open_
    assert {tuple(row[:3]) for row in found if row.policyname != "tenant"} == OTHERS, "of several policies the widest holds"
    assert len(tables_of_tenants(platform)) > 10


@pytest.mark.feature("B14")
def test_every_other_table_is_global_for_a_reason(platform: Platform) -> None:
    every = set(sa.inspect(platform.database.engine).get_table_names())
    others = {name for name in every - set(tables_of_tenants(platform)) if not name.startswith("migrations_")}
    assert others == set(GLOBAL)


@pytest.mark.feature("B14")
def test_a_pooled_connection_keeps_neither_tenant_nor_role(platform: Platform, tenant: Tenant, thing_of: Callable[..., UUID]) -> None:
    thing_of(tenant)
    platform.database.engine.dispose()
    for _ in range(5):  # the pool gives the same connection again
        assert raw(platform, tenant, "SELECT count(*) FROM probe_things").scalar() == 1
        assert raw(platform, None, "SELECT count(*) FROM probe_things").scalar() == 0
        with platform.database.reading_as_owner() as connection:
            assert connection.exec_driver_sql("SELECT current_user = session_user").scalar()
            assert not connection.exec_driver_sql("SELECT current_setting('dealwright.tenant', true)").scalar()


@pytest.mark.feature("B14")
@pytest.mark.parametrize("statement", ["no SQL at all", "SELECT pg_sleep(60)", "SELECT pg_terminate_backend(pg_backend_pid())", "ROLLBACK"])
def test_a_failed_transaction_leaves_no_tenant_behind(
    platform: Platform, tenant: Tenant, thing_of: Callable[..., UUID], statement: str
) -> None:
    thing_of(tenant)
    platform.database.engine.dispose()
    mine = "SELECT count(*) FROM probe_things"

    def fail() -> None:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            with pytest.raises(ZeroDivisionError), connection.begin_nested():
                raise ZeroDivisionError
            assert connection.exec_driver_sql(mine).scalar() == 1, "what a savepoint takes back is not the tenant"
            connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("SET LOCAL statement_timeout = 1000")
            assert connection.exec_driver_sql(mine).scalar() == 0, "there is no tenant outside of the transaction"
            raise sa.exc.DBAPIError(statement, None, ZeroDivisionError())

    with pytest.raises(sa.exc.DBAPIError):
        fail()
    assert raw(platform, None, mine).scalar() == 0
    assert raw(platform, tenant, mine).scalar() == 1
    assert raw(platform, None, "SELECT current_user").scalar() == APP_ROLE


def test_the_application_role_owns_nothing_and_cannot_pass_the_wall(platform: Platform) -> None:
    with platform.database.reading_as_owner() as connection:
        query = "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = '{}'"
        for role in (APP_ROLE, RELAY_ROLE):
            assert tuple(connection.exec_driver_sql(query.format(role)).one()) == (False, False, False, False), role
        owned = f"SELECT count(*) FROM pg_tables WHERE tableowner IN ('{APP_ROLE}', '{RELAY_ROLE}')"
        assert connection.exec_driver_sql(owned).scalar() == 0
        rights = "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee IN ('{}', '{}', 'PUBLIC') AND table_schema = 'public'"
        found = set(connection.exec_driver_sql(rights.format(APP_ROLE, RELAY_ROLE)).scalars())
        assert found == {"SELECT", "INSERT", "UPDATE", "DELETE"}, "TRUNCATE asks no policy, and a foreign key tells of rows behind one"
        for role in (APP_ROLE, RELAY_ROLE):
            assert not connection.exec_driver_sql(f"SELECT has_schema_privilege('{role}', 'public', 'CREATE')").scalar()


def test_nothing_beside_tables_leads_around_the_wall(platform: Platform) -> None:
    """A view asks with the rights of whoever reads it; there is no function, sequence or materialized view that could be asked."""
    with platform.database.reading_as_owner() as connection:
        others = "SELECT relname, relkind::text, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i', 't')"
        found = {tuple(row) for row in connection.exec_driver_sql(others)}
        assert {(kind, options) for _name, kind, options in found} == {("v", "{security_invoker=true}")}, found
        assert connection.exec_driver_sql("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace").all() == []


def test_a_table_that_a_migration_makes_past_the_helper_is_reached_by_nobody(platform: Platform) -> None:
    with platform.database.begin_as_owner() as connection:
        connection.exec_driver_sql("CREATE TABLE probe_forgotten (tenant_id uuid, id uuid)")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        raw(platform, None, "SELECT 1 FROM probe_forgotten")


def test_the_relay_sees_the_outbox_of_all_and_nothing_else(
    platform: Platform, tenant: Tenant, other: Tenant, thing_of: Callable[..., UUID]
) -> None:
    thing_of(tenant)
    thing_of(other)
    with platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection:
        assert set(connection.execute(sa.select(outbox.c.tenant_id)).scalars()) == {tenant.id, other.id}
    for table in ("probe_things", "core_users", "core_audit", "core_tenants"):
        with (
            pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
            platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection,
        ):
            connection.exec_driver_sql(f"SELECT 1 FROM {table}")


def test_a_tenant_that_is_no_uuid_reaches_no_statement(platform: Platform) -> None:
    with pytest.raises(ValueError), platform.database.begin(write=False, tenant="'; DROP TABLE core_tenants; --"):  # type: ignore[arg-type]
        pass
