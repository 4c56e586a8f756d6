"""The planner of PostgreSQL hears of what grows faster than autovacuum looks; the tests' server has none at all."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Connection

from core.data.statistics import BATCH, FACTOR, FIRST, Statistics
from core.platform import Platform
from sdk import Draft, Tenant
from sdk.migrations import APP_ROLE


def known(platform: Platform, table: str) -> float:
    """How many rows the planner believes to be there; -1 before it has ever looked."""
    with platform.database.reading_as_owner() as connection:
        return float(connection.exec_driver_sql(f"SELECT reltuples FROM pg_class WHERE relname = '{table}'").scalar_one())


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_the_planner_looks_again_when_batches_have_made_a_table_large_and_not_before_they_are_committed(
    platform: Platform, tenant: Tenant
) -> None:
    work = platform.system(tenant.id)
    things, table = work.records("probe.thing"), "probe_things"
    many = [Draft("create", {"name": f"thing {n}"}) for n in range(FIRST // 2)]
    things.write_all(many)
    assert known(platform, table) == -1

    def in_vain() -> None:
        with work.transaction(write=True):
            things.write_all(many)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_vain()
    assert known(platform, table) == -1
    with work.transaction(write=True):
        things.write_all(many)
        things.write_all(many)
        assert known(platform, table) == -1
    assert known(platform, table) == pytest.approx(1.5 * FIRST, rel=0.2)


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_it_looks_at_each_eightfold_of_what_came_in_large_batches(platform: Platform) -> None:
    counted, looked = Statistics(platform.database), list[int]()
    with platform.database.engine.connect() as connection:
        for batch in range(2 * FACTOR):
            counted.grown("probe_boards", BATCH - 1)
            before = looks(connection)
            counted.grown("probe_things", FIRST)
            if looks(connection) > before:
                looked.append(batch + 1)
        assert connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE relname = 'probe_boards'").scalar_one() == -1
    assert looked == [1, FACTOR]


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_what_is_only_tried_is_known_to_the_planner_while_it_lasts_as_soon_as_nobody_else_looks(platform: Platform, tenant: Tenant) -> None:
    many, table = [Draft("create", {"name": f"thing {n}"}) for n in range(FIRST)], "probe_things"
    with platform.system(tenant.id).rehearsal() as trying:
        things = trying.records("probe.thing")
        with platform.database.begin_as_owner() as other:
            other.exec_driver_sql(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
            things.write_all(many)
            assert known(platform, table) == -1
        things.write_all(many[:BATCH])
        assert known(platform, table) == pytest.approx(FIRST + BATCH, rel=0.2)
        assert trying.connection.exec_driver_sql("SELECT current_user").scalar_one() == APP_ROLE


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_a_dry_run_of_one_tenant_puts_off_the_look_for_others_to_their_next_batch_and_no_further(platform: Platform) -> None:
    counted = Statistics(platform.database)
    with platform.database.engine.connect() as connection:
        with platform.database.begin_as_owner() as other:
            other.exec_driver_sql("LOCK TABLE probe_things IN SHARE UPDATE EXCLUSIVE MODE")
            counted.grown("probe_things", FIRST)
            assert looks(connection) == 0
        counted.grown("probe_things", BATCH)
        assert looks(connection) == 1
        counted.grown("probe_things", BATCH)
        assert looks(connection) == 1


def looks(connection: Connection) -> int:
    """How often the planner has looked at the things."""
    connection.rollback()
    asked = "SELECT pg_stat_force_next_flush(), analyze_count FROM pg_stat_user_tables WHERE relname = 'probe_things'"
    return int(connection.exec_driver_sql(asked).one().analyze_count)
