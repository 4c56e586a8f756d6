"""INSERTs that nobody waits for: large ones, which the database writes while the process goes on with what it has to do, and, of PostgreSQL,
small ones, which are held back so that several travel as one statement. What is held back goes with the next question, and so does a lock.

Large ones follow each other without anybody waiting: on PostgreSQL in libpq's pipeline mode, on SQLite in a thread, which needs no
interpreter while the database is at work. The transaction hears of the outcome with its next statement of another kind, or with
`settle`; it can neither go on nor commit without that.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, StatementError

from core.data import arenas

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

_APART = "dealwright_in_a_thread"
_SENT, _HELD, _LOCKS, _HEEDED = "dealwright_in_flight", "dealwright_held_back", "dealwright_locks_first", "dealwright_heeds_flights"
_KINDS = frozenset({_APART, _SENT, _HELD, _LOCKS})
_LATE = "the statement was in flight"
_ROOM = 1 << 20
"""Bytes of a large INSERT, or two, which the system is to keep for a server that is at work on another."""


def possible(connection: Connection) -> bool:
    """Whether somebody will ask for the outcome: see `heed`."""
    return bool(connection.get_execution_options().get(_HEEDED))


def send(connection: Connection, statement: str, documents: Sequence[bytes]) -> None:
    """Hand a statement to the server, whose parameters `$1`, `$2` … are texts, behind what is in flight already and what is held back."""
    driver = _driver(connection)
    if _SENT not in connection.info:
        driver.pgconn.enter_pipeline_mode()
        connection.info[_SENT] = []
    if held := _taken(connection):
        _hand_over(connection, driver, *_joined(held, "${}"))
    _hand_over(connection, driver, statement, documents)


def _hand_over(connection: Connection, driver: psycopg.Connection[Any], statement: str, documents: Sequence[bytes]) -> None:
    from psycopg import generators  # noqa: PLC0415 (an extra)

    driver.pgconn.send_query_params(statement.encode(), documents)
    driver.wait(generators.send(driver.pgconn))  # to the last byte: the server begins when it has it all
    connection.info[_SENT].append(statement)


def make_room(driver: psycopg.Connection[Any]) -> None:
    """A local socket takes little more than a tenth of what is sent at once, and the rest only when the server has time to read: meanwhile
    nobody could go on. Sockets to other hosts grow by themselves. The system has its own limit, which this does not go beyond."""
    if driver.info.host.startswith("/"):
        with socket.fromfd(driver.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as local:
            local.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)


def send_apart(connection: Connection, statement: str, values: Sequence[object]) -> None:
    """Have SQLite carry out a statement in a thread, behind what is in flight already; nobody else uses the connection until it has landed."""
    driver = connection.connection.driver_connection
    assert driver is not None
    flying = connection.info.setdefault(_APART, [])
    before = flying[-1][1] if flying else None
    flying.append((statement, _threads().submit(_carry_out, driver, statement, values, before)))


def _carry_out(driver: Any, statement: str, values: Sequence[object], before: Future[None] | None) -> None:
    if before is not None:
        before.result()  # what comes behind a failure is not tried
    driver.execute(statement, values)


@cache
def _threads() -> ThreadPoolExecutor:
    """As many as a process has large writes on their way: one on each database of its own. In order, so that none waits for one behind it."""
    arenas.share_one()
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="dealwright-insert")


os.register_at_fork(after_in_child=_threads.cache_clear)  # threads stay behind in the parent


def hold(connection: Connection, statement: str, documents: Sequence[bytes]) -> None:
    """Keep an INSERT back, whose parameters stand as `{}`: it goes with the others that are held, before anything else is said."""
    if _LOCKS in connection.info:
        settle(connection)
    connection.info.setdefault(_HELD, []).append((statement, documents))


def lock(connection: Connection, statement: str, document: bytes) -> None:
    """Take locks before anything else is said: by a statement of their own, whose parameter stands as `{}`, since what is asked next has to see
    what is there once they are held."""
    settle(connection)
    connection.info[_HELD], connection.info[_LOCKS] = [(statement, (document,))], True


def holds(connection: Connection) -> bool:
    """Whether an INSERT is held back."""
    return _HELD in connection.info and _LOCKS not in connection.info


def together(statements: Sequence[str]) -> str:
    """Several INSERTs as one statement; rows may refer to each other's, which is looked at when all are written."""
    before = ", ".join(f"made_{number} AS ({part})" for number, part in enumerate(statements[:-1]))
    return f"WITH {before} {statements[-1]}" if before else statements[-1]


def settle(connection: Connection) -> None:
    """Write what is held back and wait for what is in flight; raises the error of SQLAlchemy that it would have raised at once."""
    if connection.info.keys().isdisjoint(_KINDS):  # as nearly always
        return
    _land(connection)
    if held := _taken(connection):
        statement, documents = _joined(held, "%s")
        connection.exec_driver_sql(statement, tuple(one.decode() for one in documents))


def answered(connection: Connection, name: bytes, values: Sequence[bytes | None]) -> PGresult | None:
    """What PostgreSQL answers to a prepared question about what is held back, to which both go at once; None where nothing is held.

    Raises what `settle` would. What the question itself fails of is in the answer.
    """
    if _SENT in connection.info or (held := _taken(connection)) is None:
        return None
    from psycopg import Error, errors, generators, pq  # noqa: PLC0415 (an extra)

    from core.data.cursors import named, prepared  # noqa: PLC0415 (the driver is an extra)

    driver, (statement, documents) = _driver(connection), _joined(held, "${}")
    found: PGresult
    tell(connection, statement, documents)
    try:
        mine, fresh = named(driver, statement)
        driver.pgconn.enter_pipeline_mode()
        if fresh:  # its plan is more work than what it does
            driver.pgconn.send_prepare(mine, statement.encode())
        driver.pgconn.send_query_prepared(mine, documents)
        driver.pgconn.send_query_prepared(name, values)
        driver.pgconn.pipeline_sync()
        driver.wait(generators.send(driver.pgconn))
        *done, (found,), _end = (driver.wait(generators.fetch_many(driver.pgconn)) for _part in range(4 if fresh else 3))
        driver.pgconn.exit_pipeline_mode()
        if done[0][0].status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            prepared(driver, statement, mine)
        for (written,) in done:
            if written.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise errors.error_from_result(written)
    except Error as failure:
        raise _late(connection, statement, failure, Error) from failure
    return found


def _taken(connection: Connection) -> list[tuple[str, Sequence[bytes]]] | None:
    connection.info.pop(_LOCKS, None)
    held: list[tuple[str, Sequence[bytes]]] | None = connection.info.pop(_HELD, None)
    return held


def _joined(held: Sequence[tuple[str, Sequence[bytes]]], mark: str) -> tuple[str, list[bytes]]:
    """What is held back as one statement, with the marks of its parameters, and these."""
    return _one_statement(tuple(statement for statement, _documents in held), mark), [one for _statement, each in held for one in each]


@lru_cache(maxsize=200)
def _one_statement(statements: tuple[str, ...], mark: str) -> str:
    statement = together(statements)
    return statement.format(*(mark.format(number) for number in range(1, statement.count("{}") + 1)))


def _land(connection: Connection) -> None:
    for statement, written in connection.info.pop(_APART, ()):
        try:
            written.result()
        except connection.dialect.loaded_dbapi.Error as failure:
            raise _late(connection, statement, failure, connection.dialect.loaded_dbapi.Error) from failure
    statements = connection.info.pop(_SENT, None)
    if statements is None:
        return
    from psycopg import Error, errors, generators, pq  # noqa: PLC0415 (an extra)

    driver = _driver(connection)
    statement, failed = statements[0], None
    try:
        driver.pgconn.pipeline_sync()
        driver.wait(generators.send(driver.pgconn))
        for sent in statements:
            for result in driver.wait(generators.fetch_many(driver.pgconn)):
                if (
                    result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK) and failed is None
                ):  # those behind it were left out
                    statement, failed = sent, result
        driver.wait(generators.fetch_many(driver.pgconn))  # the end of the line
        driver.pgconn.exit_pipeline_mode()
        if failed is not None:
            raise errors.error_from_result(failed)
    except Error as failure:
        raise _late(connection, statement, failure, Error) from failure


def _late(connection: Connection, statement: str, failure: Exception, kind: type[Exception]) -> StatementError:
    late = DBAPIError.instance(statement, None, failure, kind, dialect=connection.dialect)
    late.add_detail(_LATE)
    return late


def is_late(failure: DBAPIError) -> bool:
    """Whether it was heard of later than the statement was said, so that whoever has said it could not make anything of it."""
    return _LATE in failure.detail


def forget(connection: Connection) -> None:
    """Wait for what is in flight before it is undone: whatever became of it, the failure that undoes it is on its way."""
    if connection.invalidated:  # it is lost, and whatever was on its way with it
        return
    _taken(connection)
    with suppress(DBAPIError):
        _land(connection)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    assert driver is not None
    return driver


def tell(connection: Connection, statement: str, values: Any) -> None:
    """Whoever listens to the engine's statements hears of one past SQLAlchemy."""
    for hear in connection.engine.dispatch.before_cursor_execute:
        hear(connection, None, statement, values, None, False)


def heed(engine: Engine) -> None:
    """Nothing is said by way of an engine before it is known what became of what is in flight there; whoever ends a transaction settles or
    forgets it."""
    engine.update_execution_options(**{_HEEDED: True})

    @event.listens_for(engine, "connect", once=True)  # behind SQLAlchemy's own questions to a server that it does not know yet
    def known(_connection: object, _record: object) -> None:
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            setattr(engine.dialect, name, _heeding(getattr(engine.dialect, name)))


def _heeding(say: Callable[..., None]) -> Callable[..., None]:
    def said(*asked: Any) -> None:  # no listener's: with those SQLAlchemy makes a dispatcher for each connection
        settle(asked[-1].root_connection)  # the execution context stands last
        say(*asked)

    return said
