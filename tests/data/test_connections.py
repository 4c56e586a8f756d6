"""A server that was away takes its connections along: one answer says so, and the next ones are served."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege

from core.cli.base import refusals_told
from core.data import engine
from core.testkit.fixtures import Api

ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_connections_that_the_server_has_ended_are_told_once_and_made_anew(client: Api, database_url: str) -> None:
    path = "/api/v1/core/users"
    assert client.get(path).status_code == 200
    other = sa.create_engine(database_url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with other.connect() as connection:
        connection.exec_driver_sql(ENDED)
    first = client.get(path)
    assert (first.status_code, first.json["code"]) == (503, "unavailable")
    assert [client.get(path).status_code for _time in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_a_column_that_becomes_another_meanwhile_disturbs_no_connection(client: Api, database_url: str) -> None:
    """What is asked as a transaction begins is prepared once by each connection, for the columns as they were."""
    path = "/api/v1/core/users"
    assert [client.get(path).status_code for _time in range(2)] == [200, 200]
    owner = sa.create_engine(database_url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with owner.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE core_tenants ALTER COLUMN name TYPE text")
    assert [client.get(path).status_code for _time in range(3)] == [200, 200, 200]


@pytest.mark.skipif(engine.fcntl is None, reason="processes queue where there is flock")
def test_writers_of_two_processes_wait_in_line_instead_of_failing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/line.sqlite3"
    first, second = engine.Database(url), engine.Database(url)  # each with a queue of its own, as two processes have
    sa.event.listen(
        second.engine, "connect", lambda driver, _record: driver.execute("PRAGMA busy_timeout=0")
    )  # SQLite would refuse at once
    asks, done = threading.Event(), threading.Event()
    with first.begin(write=True, tenant=None) as connection:
        connection.exec_driver_sql("CREATE TABLE line (word TEXT)")

    def write() -> None:
        asks.set()
        with second.begin(write=True, tenant=None) as connection:
            connection.exec_driver_sql("INSERT INTO line VALUES ('second')")
        done.set()

    def fail() -> None:
        with first.begin(write=True, tenant=None) as connection:
            connection.exec_driver_sql("INSERT INTO line VALUES ('first')")
            thread.start()
            assert asks.wait(10)
            assert not done.wait(0.05)
            raise ZeroDivisionError  # a failure gives the place free as well

    thread = threading.Thread(target=write)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert done.wait(10)
    with first.begin(write=False, tenant=None) as connection:
        assert connection.exec_driver_sql("SELECT word FROM line").scalars().all() == ["second"]
    thread.join(10)
    first.close()
    second.close()


def test_who_may_make_no_tables_is_told_in_one_line_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """A database of somebody else: since version 15 PostgreSQL lets nobody but its owner make tables there."""

    @refusals_told
    def upgrade() -> None:
        raise sa.exc.ProgrammingError(
            "CREATE TABLE x", {}, InsufficientPrivilege("permission denied for schema public\nLINE 2: CREATE TABLE x")
        )

    with pytest.raises(SystemExit) as ended:
        upgrade()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1 and "permission denied for schema public" in said and "CREATE DATABASE" in said
