"""Connections and transactions, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
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
_BEGUN, _PREPARED, _READING = "dealwright_begun", "dealwright_prepared", "dealwright_reading"
_JSON: dict[str, Any] = {"json_serializer": lambda value: orjson.dumps(value).decode(), "json_deserializer": orjson.loads}


@dataclass
class _Begun:
    """How a transaction begins, and what came of the question that went with it."""

    writes: bool
    tenant: UUID | None = None
    preamble: str = "BEGIN"
    ask: str = ""
    answer: list[tuple[Any, ...]] = field(default_factory=list)


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
        self.path = parsed.database if self.is_sqlite else None
        self._lock = WriteQueue(self.path)

    def begin(self, *, write: bool, tenant: UUID | None, role: str = APP_ROLE, ask: str = "") -> AbstractContextManager[Connection]:
        """A transaction of one tenant (None: of the platform's own tables). Committed on leaving, rolled back on an exception.

        `ask` is a query that goes with the beginning, past SQLAlchemy, whose one parameter `$1` is the tenant's id; `asked(connection)` has its
        first row.
        On PostgreSQL it runs as `role`, which owns nothing, with the tenant set for the transaction: row-level security
        shows no row without it.
        """
        return self._transaction(_Begun(write, tenant, "BEGIN" if self.is_sqlite else _preamble(role, tenant), ask))

    def begin_as_owner(self) -> AbstractContextManager[Connection]:
        """A write transaction of the schema's owner, for migrations and the life of tenants."""
        return self._transaction(_Begun(writes=True))

    def reading_as_owner(self) -> AbstractContextManager[Connection]:
        """A read transaction of the schema's owner, for the state of the schema."""
        return self._transaction(_Begun(writes=False))

    @contextmanager
    def _transaction(self, begun: _Begun) -> Iterator[Connection]:
        with self._lock if self.is_sqlite and begun.writes else nullcontext(), self.engine.connect() as connection:
            info = connection.info
            info[_BEGUN] = begun
            try:
                with connection.begin():
                    try:
                        yield connection
                        in_flight.settle(connection)
                    except BaseException:
                        in_flight.forget(connection)
                        raise
            finally:
                info.pop(_BEGUN, None)  # the connection goes to others, who may begin by themselves

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
    begun: _Begun | None = connection.info.get(_BEGUN)
    return begun.answer[0] if begun is not None and begun.answer else None


def tenant_of(connection: Connection) -> UUID | None:
    """Whose transaction it is; None for the platform's own."""
    begun: _Begun | None = connection.info.get(_BEGUN)
    return begun.tenant if begun is not None else None


@lru_cache(maxsize=1024)
def _preamble(role: str, tenant: UUID | None) -> str:
    # A literal, not a parameter: SET takes none. Both parts are validated: a constant and a UUID.
    if role not in (APP_ROLE, RELAY_ROLE):
        raise ValueError(f"unknown database role {role!r}")
    setting = f"; SET LOCAL {TENANT_SETTING} = '{UUID(str(tenant))}'" if tenant is not None else ""
    return f"BEGIN; SET LOCAL ROLE {role}{setting}"


def _with_question(info: dict[str, Any], begun: _Begun) -> str:
    """The beginning with what is to be asked, prepared once by each connection: to plan it costs thrice what it takes to answer it."""
    prepared, tenant = info.setdefault(_PREPARED, {}), UUID(str(begun.tenant))
    if begun.ask in prepared:
        return f"{begun.preamble}; EXECUTE {prepared[begun.ask]}('{tenant}')"
    name = prepared[begun.ask] = f"dealwright_{next(_names)}"  # of no other statement, whatever became of one that failed
    return f"{begun.preamble}; PREPARE {name} (uuid) AS {begun.ask}; EXECUTE {name}('{tenant}')"


_names = itertools.count()


def _postgresql(url: str) -> Engine:
    from psycopg import errors, pq  # noqa: PLC0415 (an extra)
    from psycopg.adapt import Transformer  # noqa: PLC0415

    from core.data.cursors import LeanCursor, watched  # noqa: PLC0415

    engine = sa.create_engine(url, pool_size=16, max_overflow=8, connect_args={"cursor_factory": LeanCursor}, **_JSON)
    in_flight.heed(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # we say BEGIN ourselves, in one message with role and tenant: a round trip less each time
        connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'")  # what is read as text is alike on every server
        in_flight.make_room(connection)

    def begin(connection: Any) -> None:
        begun, server = connection.info.get(_BEGUN) or _Begun(writes=True), connection.driver_connection.pgconn
        try:
            last = said(server, _with_question(connection.info, begun) if begun.ask else begun.preamble)
        except engine.dialect.loaded_dbapi.Error:
            connection.info.pop(_PREPARED, None)  # a column may have become another: whoever asks finds no answer, and asks himself
            if server.transaction_status == pq.TransactionStatus.INERROR:
                server.exec_(b"ROLLBACK")
            last = said(server, begun.preamble)
        if last.nfields:
            reading = connection.info.get(_READING) or connection.info.setdefault(_READING, Transformer(connection.driver_connection))
            reading.set_pgresult(last)
            begun.answer.extend(reading.load_rows(0, last.ntuples, tuple))

    def said(server: Any, statements: str) -> Any:
        last = server.exec_(statements.encode())  # of several statements libpq gives the last one's result, or the failure
        if last.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise errors.error_from_result(last, encoding="utf-8")
        return last

    def commit(connection: Any) -> None:
        done = connection.pgconn.exec_(b"COMMIT")
        if done.status != pq.ExecStatus.COMMAND_OK:
            raise errors.error_from_result(done, encoding="utf-8")

    engine.dialect.do_begin = begin  # type: ignore[method-assign,assignment]  # no listener's: with those SQLAlchemy makes a dispatcher each time
    engine.dialect.do_rollback = watched(engine.dialect.do_rollback)  # type: ignore[method-assign,assignment]
    engine.dialect.do_commit = commit  # type: ignore[method-assign,assignment]  # the driver's own takes as long again for itself as the server for this
    return engine


def _sqlite(url: str) -> Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.pool.QueuePool,
        pool_use_lifo=True,  # the connection that has just written knows the pages that it wrote; each other one has to read them anew
        pool_size=16,
        max_overflow=16,
        connect_args={"timeout": 5, "check_same_thread": False},
        **_JSON,
    )
    in_flight.heed(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver would commit before DDL
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # 40 MB of log before it is copied into the file, not 4: less than each transaction of an import writes, which would wait for it every time.
        connection.execute("PRAGMA wal_autocheckpoint=10000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA cache_size=-8192")  # 8 MB for each connection: with twice as much an import took as long
        register_functions(connection)
        register_formulas(connection)
        # SQLite's own knows ASCII alone; PostgreSQL finds "école" under "ÉCOLE".
        connection.create_function("lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True)

    def begin(connection: Any) -> None:
        begun, driver = connection.info.get(_BEGUN) or _Begun(writes=True), connection.driver_connection
        # IMMEDIATE for writers: a read transaction that turns into a writer fails at once when another has written.
        driver.execute("BEGIN IMMEDIATE" if begun.writes else "BEGIN")
        if begun.ask:
            assert begun.tenant is not None
            with suppress(engine.dialect.loaded_dbapi.Error):  # whoever finds no answer asks himself
                begun.answer.extend(driver.execute(begun.ask, {"1": begun.tenant.hex}))

    engine.dialect.do_begin = begin  # type: ignore[method-assign,assignment]
    return engine
