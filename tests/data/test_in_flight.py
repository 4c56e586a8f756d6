"""Large INSERTs are not waited for, and are heard of before anything else is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from core import transaction
from core.audit.chain import verify
from core.context import Work
from core.data import bulk, in_flight
from core.data.direct import direct
from core.entities import write
from core.events.tables import audit
from core.platform import Platform
from core.testkit.fixtures import MakeTenant
from sdk import Conflict, Draft, Tenant
from tests.probe.tables import Thing

things = Thing.table()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
on_both = pytest.mark.parametrize("database_templates", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
TAKEN = r"uq_probe_things_code|probe_things\.code"
"""How the databases name the constraint."""


def rows(tenant: Tenant, count: int = bulk.MANY, **values: object) -> list[dict[str, Any]]:
    same = {
        "tenant_id": tenant.id,
        "name": "x",
        "code": None,
        "tier": "tin",
        "done": False,
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return [{**same, "id": uuid4(), **values} for _n in range(count)]


def counted(connection: Connection, tenant: Tenant) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(things).where(things.c.tenant_id == tenant.id)).scalar_one())


@on_both
def test_the_next_statement_sees_all_that_is_in_flight(platform: Platform, tenant: Tenant) -> None:
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, rows(tenant))
        bulk.insert(connection, things, rows(tenant))
        assert counted(connection, tenant) == 2 * bulk.MANY
        bulk.insert(connection, things, rows(tenant))
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 3 * bulk.MANY


@on_both
@pytest.mark.parametrize("following", ["statement", "insert", "settle", "commit"])
def test_what_fails_in_flight_stops_whatever_comes_next_and_nothing_is_kept(platform: Platform, tenant: Tenant, following: str) -> None:
    def fail() -> None:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            bulk.insert(connection, things, rows(tenant))
            bulk.insert(connection, things, rows(tenant, code="same"))  # which says nothing yet
            if following == "statement":
                counted(connection, tenant)
            elif following == "insert":
                bulk.insert(connection, things, rows(tenant))
            elif following == "settle":
                in_flight.settle(connection)

    with pytest.raises(IntegrityError, match=TAKEN):
        fail()
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 0


@on_both
def test_a_failure_of_ours_is_told_and_not_that_of_what_is_in_flight(platform: Platform, tenant: Tenant) -> None:
    def fail() -> None:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            bulk.insert(connection, things, rows(tenant, code="same"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    for _round in range(2):  # the connection has come back to the pool as good as any
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            bulk.insert(connection, things, rows(tenant))
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 2 * bulk.MANY


@on_postgresql
def test_a_row_of_another_tenant_is_refused_in_flight_too(platform: Platform, tenant: Tenant, make_tenant: MakeTenant) -> None:
    other = make_tenant("other")

    def fail() -> None:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            bulk.insert(connection, things, rows(other))

    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        fail()


@on_postgresql
def test_where_nobody_would_ask_for_the_outcome_it_is_waited_for(platform: Platform, tenant: Tenant) -> None:
    apart = sa.create_engine(platform.config.database_url, poolclass=sa.pool.NullPool)
    with apart.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL dealwright.tenant = '{tenant.id}'")
        bulk.insert(connection, things, rows(tenant))
        with pytest.raises(IntegrityError):
            bulk.insert(connection, things, rows(tenant, code="same"))
        connection.rollback()


@on_both
def test_a_large_batch_that_loses_a_race_is_a_conflict_and_leaves_nothing(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = platform.system(tenant.id)
    work.records("probe.thing").create({"name": "first", "code": "taken"})
    monkeypatch.setattr(write, "check_unique", lambda *_asked: None)  # as if the first had come just behind our check
    many = [Draft("create", {"name": f"thing {n}"}) for n in range(2 * bulk.MANY)]
    with pytest.raises(Conflict) as refused:
        work.records("probe.thing").write([*many, Draft("create", {"name": "second", "code": "taken"})])
    assert refused.value.reason == "concurrent"
    assert [row["name"] for row in work.records("probe.thing").find(())] == ["first"]
    assert len(work.records("probe.thing").write_all(many)) == 2 * bulk.MANY


@on_both
@pytest.mark.parametrize("fails", [True, False])
def test_what_fails_in_flight_is_undone_with_what_was_tried_and_the_rest_goes_on(platform: Platform, tenant: Tenant, fails: bool) -> None:
    def attempt(work: Work) -> None:
        with work.tried():
            bulk.insert(work.connection, things, rows(tenant, code="same"))
            if fails:
                raise ZeroDivisionError

    work = platform.system(tenant.id)
    with work.transaction(write=True):
        work.records("probe.thing").create({"name": "kept"})
        with pytest.raises(ZeroDivisionError if fails else IntegrityError):
            attempt(work)
        with work.undone():
            bulk.insert(work.connection, things, rows(tenant, code="same"))
        assert counted(work.connection, tenant) == 1
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 1


@on_both
def test_of_large_writes_that_follow_each_other_the_audit_tells_what_was_kept_once(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "MANY_TRACES", 3)

    def attempt(work: Work, then: BaseException | None) -> None:
        with work.tried():
            work.records("probe.thing").write_all([Draft("create", {"name": "tried"}) for _n in range(4)])
            if then is not None:
                raise then

    work = platform.system(tenant.id)
    with work.transaction(write=True):
        for _round in range(2):  # what the first leaves is made ready, and is still there when the second is refused or tried
            work.records("probe.thing").write_all([Draft("create", {"name": "kept"}) for _n in range(4)])
            with pytest.raises(ZeroDivisionError):
                attempt(work, ZeroDivisionError())
            with work.undone():
                attempt(work, None)
    with work.transaction():
        told = work.connection.execute(sa.select(audit.c.record_id).where(audit.c.entity == "probe.thing")).scalars().all()
        assert sorted(told) == sorted(work.connection.execute(sa.select(things.c.id)).scalars())
    assert len(told) == 8
    assert verify(work).broken is None


ODD = ["plain", "快递 🚚", 'quotes " and \\ strokes', "line\nand\ttab", "0012", "1e5", "true", "null", r"a \u0000 that is none", "[1]"]


DOCUMENTS = [[], ["a", "b"], None, {"快": [None, 1.50, True, {}], 'quotes " and \\ strokes': "line\nand\ttab 🚚"}]


@on_both
@pytest.mark.parametrize("documents", [DOCUMENTS, [*DOCUMENTS, "text", "[1]", False]], ids=["documents", "bare-values-among-them"])
def test_values_come_back_as_they_were_whatever_they_look_like(platform: Platform, tenant: Tenant, documents: list[Any]) -> None:
    made = [
        {**row, "name": ODD[at % len(ODD)], "size": at, "weight": Decimal(at) / 8, "done": bool(at % 2), "tags": documents[at % len(documents)],
         "day": date(2026, 1, 1 + at % 28), "moment": NOW + timedelta(seconds=at), "note": None if at % 2 else "n"}
        for at, row in enumerate(rows(tenant))
    ]  # fmt: skip
    names = ("id", "name", "size", "weight", "done", "tags", "day", "moment", "note")
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, made)
        read = connection.execute(sa.select(*(things.c[name] for name in names)).where(things.c.tenant_id == tenant.id)).all()
    assert sorted(map(tuple, read), key=itemgetter(2)) == [tuple(row[name] for name in names) for row in made]


@on_sqlite
def test_what_sqlite_would_not_read_from_a_document_goes_value_by_value(platform: Platform, tenant: Tenant) -> None:
    made = rows(tenant)
    made[3]["name"] = "ends\0not here"
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, made)
        names = set(connection.execute(sa.select(things.c.name).where(things.c.tenant_id == tenant.id)).scalars())
    assert names == {"x", "ends\0not here"}


@on_sqlite
def test_a_child_of_a_process_that_has_written_so_writes_so_too(platform: Platform, tenant: Tenant) -> None:
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, rows(tenant))
    platform.database.engine.dispose()
    child = os.fork()
    if not child:  # which must not come back into the tests
        try:
            signal.alarm(20)
            with platform.database.begin(write=True, tenant=tenant.id) as connection:
                bulk.insert(connection, things, rows(tenant))
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 2 * bulk.MANY


# --- few rows, which are held back -----------------------------------------------------------------------------------------


@on_postgresql
def test_rows_that_are_held_back_are_written_before_anything_else_is_said_and_in_their_order(platform: Platform, tenant: Tenant) -> None:
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, rows(tenant, 2), later=True)
        assert in_flight.holds(connection)
        assert counted(connection, tenant) == 2
        bulk.insert(connection, things, rows(tenant, 1), later=True)
        bulk.insert(connection, things, rows(tenant))  # many, behind those that are held
        bulk.insert(connection, things, rows(tenant, 1), later=True)
        assert counted(connection, tenant) == bulk.MANY + 4
        bulk.insert(connection, things, rows(tenant, 1), later=True)
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == bulk.MANY + 5


@on_postgresql
@pytest.mark.parametrize("following", ["statement", "many", "savepoint", "settle", "commit"])
def test_what_is_held_back_and_fails_stops_whatever_comes_next_and_nothing_is_kept(
    platform: Platform, tenant: Tenant, following: str
) -> None:
    def fail() -> None:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            bulk.insert(connection, things, rows(tenant, 2, code="same"), later=True)
            if following == "statement":
                counted(connection, tenant)
            elif following == "many":
                bulk.insert(connection, things, rows(tenant))
            elif following == "savepoint":
                connection.begin_nested()
            elif following == "settle":
                in_flight.settle(connection)

    with pytest.raises(IntegrityError, match="uq_probe_things_code"):
        fail()
    with platform.database.begin(write=False, tenant=tenant.id) as connection:
        assert counted(connection, tenant) == 0


@on_postgresql
def test_what_is_held_back_is_forgotten_with_what_is_undone(platform: Platform, tenant: Tenant) -> None:
    def attempt(work: Work) -> None:
        with work.tried():
            bulk.insert(work.connection, things, rows(tenant, 2), later=True)
            raise ZeroDivisionError

    def fail(work: Work) -> None:
        with work.transaction(write=True):
            bulk.insert(work.connection, things, rows(tenant, 4), later=True)
            raise ZeroDivisionError

    work = platform.system(tenant.id)
    with pytest.raises(ZeroDivisionError):
        fail(work)
    with work.transaction(write=True):
        bulk.insert(work.connection, things, rows(tenant, 1), later=True)
        with pytest.raises(ZeroDivisionError):
            attempt(work)
        with work.undone():
            bulk.insert(work.connection, things, rows(tenant, 2), later=True)
    with work.transaction():
        assert counted(work.connection, tenant) == 1


def written_and_read(work: Work, name: str, code: str) -> list[dict[str, Any]]:
    """As the API answers a request that makes a record."""
    with work.transaction(write=True), work.reading_back():
        (made,) = work.records("probe.thing").write_all([Draft("create", {"name": name, "code": code})])
        assert made.id is not None
        reader = work.reader(work.shape("probe.thing").entity)
        return reader.many([made.id], ("name", "code"), wire=True)


@on_both
def test_what_is_written_and_read_back_is_seen(platform: Platform, tenant: Tenant) -> None:
    work, said = platform.system(tenant.id), list[str]()
    for number in range(2):  # the second time the question is known already, and goes with the record
        (row,) = written_and_read(work, f"thing {number}", f"c{number}")
        assert (row["name"], row["code"]) == (f"thing {number}", f"c{number}")
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *asked: said.append(asked[2]))
    written_and_read(work, "thing 2", "c2")
    assert [text for text in said if "INSERT" in text]
    assert [text for text in said if text.startswith("SELECT") and "probe_things" in text]
    assert sorted(row["code"] for row in work.records("probe.thing").find(())) == ["c0", "c1", "c2"]


@on_both
@pytest.mark.parametrize("before", [0, 2])
def test_what_loses_a_race_and_was_to_be_read_back_is_a_conflict_and_leaves_nothing(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    work = platform.system(tenant.id)
    for number in range(before):
        written_and_read(work, f"thing {number}", f"c{number}")
    work.records("probe.thing").create({"name": "first", "code": "taken"})
    monkeypatch.setattr(write, "check_unique", lambda *_asked: None)  # as if the first had come just behind our check
    with pytest.raises(Conflict) as refused:
        written_and_read(work, "second", "taken")
    assert refused.value.reason == "concurrent"
    assert [row["name"] for row in work.records("probe.thing").find(())] == [*(f"thing {number}" for number in range(before)), "first"]
    (row,) = written_and_read(work, "third", "free")
    assert row["code"] == "free"


@on_postgresql
def test_a_record_its_audit_and_its_event_are_one_statement(platform: Platform, tenant: Tenant) -> None:
    work = platform.system(tenant.id)
    work.records("probe.thing").create({"name": "first"})  # what is read once has been read
    said: list[str] = []
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *asked: said.append(asked[2]))
    work.records("probe.thing").create({"name": "second"})
    inserts = [text for text in said if "INSERT" in text]
    assert len(inserts) == 1
    assert all(f'INSERT INTO "{table}"' in inserts[0] for table in ("probe_things", "core_audit", "core_outbox"))


ARENAS = """
import ctypes, sys, threading
from core.data import in_flight
libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit("no glibc")
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
together = threading.Barrier(4)
def take():
    together.wait()
    return libc.malloc(1 << 16)
for taken in [in_flight._threads().submit(take) for _ in range(4)]:
    taken.result()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def test_the_threads_of_large_inserts_share_the_memory_of_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, text=True, check=False)
    if done.stderr.strip() == "no glibc":
        pytest.skip("memory is given in another way here")
    assert (done.returncode, done.stdout.count("<heap nr=")) == (0, 1), done.stderr


@on_postgresql
def test_a_lock_goes_with_the_next_question_which_sees_what_was_committed_before_it_was_held(platform: Platform, tenant: Tenant) -> None:
    """Each a statement of its own, in one message: a lock within the question would come too late for what that sees."""
    names = direct(sa.select(things.c.name).where(things.c.tenant_id == tenant.id), platform.database.engine.dialect)
    assert names is not None
    seen: list[object] = []
    said: list[str] = []
    waits = threading.Event()

    def look() -> None:
        other = platform.system(tenant.id)
        with other.transaction(write=True):
            names.rows(other.connection, {})  # it is known to the connection from now on
            sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *asked: said.append(asked[2]))
            other.lock_all(["a name"], later=True)
            assert said == []
            waits.set()
            seen.extend(names.rows(other.connection, {}))

    work = platform.system(tenant.id)
    with work.transaction(write=True):
        work.lock("a name")
        thread = threading.Thread(target=look)
        thread.start()
        assert waits.wait(30)
        asked = sa.text(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
        )
        while not work.connection.execute(asked).scalar_one():
            pass
        bulk.insert(work.connection, things, rows(tenant, 1, name="before"))
        assert seen == []
    thread.join()
    assert seen == [("before",)]
    assert next(text for text in said if "advisory" in text or "probe_things" in text).startswith("SELECT pg_advisory")


@on_postgresql
@pytest.mark.parametrize("following", ["statement", "insert", "commit"])
def test_a_lock_is_held_whatever_is_said_next_and_is_not_left_behind(platform: Platform, tenant: Tenant, following: str) -> None:
    work = platform.system(tenant.id)
    held = sa.text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND locktype = 'advisory' AND granted"
    )
    with work.transaction(write=True):
        work.lock_all(["one", "two"], later=True)
        if following == "statement":
            assert work.connection.execute(held).scalar_one() == 2
        elif following == "insert":
            bulk.insert(work.connection, things, rows(tenant, 1), later=True)
            assert in_flight.holds(work.connection)
            assert work.connection.execute(held).scalar_one() == 2
    with work.transaction(write=True):
        assert work.connection.execute(held).scalar_one() == 0
        assert counted(work.connection, tenant) == (following == "insert")


@on_postgresql
def test_what_is_refused_on_its_way_with_a_question_leaves_the_statements_prepared(platform: Platform, tenant: Tenant) -> None:
    work = platform.system(tenant.id)
    work.records("probe.thing").create({"name": "first", "code": "taken"})
    names = direct(sa.select(things.c.name).where(things.c.tenant_id == tenant.id), platform.database.engine.dialect)
    assert names is not None

    def write(code: str, name: str = "x") -> list[tuple[object, ...]]:
        with platform.database.begin(write=True, tenant=tenant.id) as connection:
            names.rows(connection, {})
            bulk.insert(connection, things, rows(tenant, 1, code=code, name=name), later=True)
            return names.rows(connection, {})

    for code in ("taken", "free", "taken"):
        if code == "taken":
            with pytest.raises(IntegrityError, match=TAKEN):
                write(code)
        else:
            assert sorted(write(code, "second")) == [("first",), ("second",)]
    with pytest.raises(sa.exc.DataError):  # said wrongly, it is not known afterwards either
        write("another", "x" * 9_000)
    assert sorted(write("last", "third")) == [("first",), ("second",), ("third",)]
