"""Connections and transactions, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

try:
    import fcntl
except ImportError:  # elsewhere than on Unix
    fcntl = None  # type: ignore[assignment]

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url

from core.data import in_flight
from core.data.local_time import register_functions
from core.formulas.sql import register_formulas
from sdk.migrations import APP_ROLE, TENANT_SETTING

RELAY_ROLE = "dealwright_relay"
"""The PostgreSQL role that claims waiting work of all tenants; it sees the outbox and nothing else."""
_WRITES, _PREAMBLE, _ANSWER, _TENANT = "dealwright_writes", "dealwright_preamble", "dealwright_answer", "dealwright_tenant"
_ASK, _PREPARED = "dealwright_ask", "dealwright_prepared"
_JSON: dict[str, Any] = {"json_serializer": lambda value: orjson.dumps(value).decode(), "json_deserializer": orjson.loads}


class WriteQueue:
    """Where writers of SQLite wait for each other, threads and processes: by themselves they would look again after a nap of up to 100 ms,
    and give up after five seconds. Other databases need none."""

    def __init__(self, path: str | None) -> None:
        self._lock, self._depth = threading.RLock(), 0
        # A file of its own: a lock on the database's would be one of SQLite's. Without `fcntl` processes take naps, as ever.
        self._file = open(f"{path}-queue", "ab") if fcntl is not None and path not in (None, "", ":memory:") else None  # noqa: SIM115

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if self._file is not None and not self._depth:
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._lock.release()
            raise
        self._depth += 1

    def __exit__(self, *_failure: object) -> None:
        self._depth -= 1
        if self._file is not None and not self._depth:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._lock.release()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()


class Database:
    """One database. On SQLite there is one writer at a time: others queue here instead of failing there."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = _sqlite(url)
        else:
            self.engine = _postgresql(url)
        self._lock = WriteQueue(parsed.database if self.is_sqlite else None)

    @contextmanager
    def begin(self, *, write: bool, tenant: UUID | None, role: str = APP_ROLE, ask: str = "") -> Iterator[Connection]:
        """A transaction of one tenant (None: of the platform's own tables). Committed on leaving, rolled back on an exception.

        `ask` is a query that goes with the beginning, past SQLAlchemy, whose one parameter `$1` is the tenant's id; `asked(connection)` has its
        first row.
        On PostgreSQL it runs as `role`, which owns nothing, with the tenant set for the transaction: row-level security
        shows no row without it.
        """
        with self._lock if self.is_sqlite and write else nullcontext(), self.engine.connect() as connection:
            options: dict[str, Any] = {_WRITES: write, _TENANT: tenant, _ASK: ask, _ANSWER: []}
            if not self.is_sqlite:
                options[_PREAMBLE] = _preamble(role, tenant)
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def begin_as_owner(self) -> Iterator[Connection]:
        """A write transaction of the schema's owner, for migrations and the life of tenants."""
        with self._lock if self.is_sqlite else nullcontext(), self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def reading_as_owner(self) -> Iterator[Connection]:
        """A read transaction of the schema's owner, for the state of the schema."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: False})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
        self._lock.close()


def one_state(connection: Connection) -> None:
    """All that this transaction reads is of one moment; to be said before its first question. On SQLite it is so anyhow."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def asked(connection: Connection) -> tuple[Any, ...] | None:
    """The first row of what was asked while the transaction began, as the driver gives it; None where nothing was, or there was no row."""
    return next(iter(connection.get_execution_options().get(_ANSWER, ())), None)


def tenant_of(connection: Connection) -> UUID | None:
    """Whose transaction it is; None for the platform's own."""
    tenant: UUID | None = connection.get_execution_options().get(_TENANT)
    return tenant


def _preamble(role: str, tenant: UUID | None) -> str:
    # A literal, not a parameter: SET takes none. Both parts are validated: a constant and a UUID.
    if role not in (APP_ROLE, RELAY_ROLE):
        raise ValueError(f"unknown database role {role!r}")
    setting = f"; SET LOCAL {TENANT_SETTING} = '{UUID(str(tenant))}'" if tenant is not None else ""
    return f"BEGIN; SET LOCAL ROLE {role}{setting}"


def _with_question(connection: Connection, preamble: str, ask: str, tenant: UUID) -> str:
    """The beginning with what is to be asked, prepared once by each connection: to plan it costs thrice what it takes to answer it."""
    prepared = connection.info.setdefault(_PREPARED, {})
    if ask in prepared:
        return f"{preamble}; EXECUTE {prepared[ask]}('{UUID(str(tenant))}')"
    name = prepared[ask] = f"dealwright_{next(_names)}"  # of no other statement, whatever became of one that failed
    return f"{preamble}; PREPARE {name} (uuid) AS {ask}; EXECUTE {name}('{UUID(str(tenant))}')"


_names = itertools.count()


def _postgresql(url: str) -> Engine:
    from psycopg import errors, pq  # noqa: PLC0415 (an extra)
    from psycopg.adapt import Transformer  # noqa: PLC0415

    from core.data.cursors import LeanCursor, watched  # noqa: PLC0415

    engine = sa.create_engine(url, pool_size=16, max_overflow=8, connect_args={"cursor_factory": LeanCursor}, **_JSON)
    in_flight.listen(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # we say BEGIN ourselves, in one message with role and tenant: a round trip less each time
        connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'")  # what is read as text is alike on every server

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options, driver = connection.get_execution_options(), connection.connection.driver_connection
        assert driver is not None
        said = preamble = options.get(_PREAMBLE, "BEGIN")
        if options.get(_ASK):
            said = _with_question(connection, preamble, options[_ASK], options[_TENANT])
        try:
            last = driver.pgconn.exec_(said.encode())  # of several statements libpq gives the last one's result, or the failure
            if last.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise errors.error_from_result(last, encoding="utf-8")
        except engine.dialect.loaded_dbapi.Error:
            connection.info.pop(_PREPARED, None)  # a column may have become another: whoever asks finds no answer, and asks himself
            if driver.pgconn.transaction_status == pq.TransactionStatus.INERROR:
                driver.pgconn.exec_(b"ROLLBACK")
            # Once more by SQLAlchemy, which knows a connection that is lost from another failure, and drops those of its age.
            connection.exec_driver_sql(preamble)
            return
        if last.nfields:
            reading = Transformer(driver)
            reading.set_pgresult(last)
            options[_ANSWER].extend(reading.load_rows(0, last.ntuples, tuple))

    def commit(connection: Any) -> None:
        done = connection.pgconn.exec_(b"COMMIT")
        if done.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(done, encoding="utf-8")

    engine.dialect.do_rollback = watched(engine.dialect.do_rollback)  # type: ignore[method-assign,assignment]
    engine.dialect.do_commit = commit  # type: ignore[method-assign,assignment]  # the driver's own takes as long again for itself as the server for this
    return engine


def _sqlite(url: str) -> Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.pool.QueuePool,
        pool_size=16,
        max_overflow=16,
        connect_args={"timeout": 5, "check_same_thread": False},
        **_JSON,
    )
    in_flight.listen(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver would commit before DDL
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA cache_size=-8192")  # 8 MB for each connection: with twice as much an import took as long
        register_functions(connection)
        register_formulas(connection)
        # SQLite's own knows ASCII alone; PostgreSQL finds "école" under "ÉCOLE".
        connection.create_function("lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE for writers: a read transaction that turns into a writer fails at once when another has written.
        options, driver = connection.get_execution_options(), connection.connection.driver_connection
        assert driver is not None
        said = "BEGIN IMMEDIATE" if options.get(_WRITES, True) else "BEGIN"
        try:
            driver.execute(said)
        except engine.dialect.loaded_dbapi.Error:
            connection.exec_driver_sql(said)  # once more by SQLAlchemy, whose errors it raises
        if options.get(_ASK):
            with suppress(engine.dialect.loaded_dbapi.Error):  # whoever finds no answer asks himself
                options[_ANSWER].extend(driver.execute(options[_ASK], {"1": options[_TENANT].hex}))

    return engine
