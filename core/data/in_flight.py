"""A large INSERT of PostgreSQL that nobody waits for: the process goes on with what it has to do while the server writes.

The transaction hears of the outcome with its next statement, or with `settle`; it can neither go on nor commit without that.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    import psycopg

_SENT, _HEEDED = "dealwright_in_flight", "dealwright_heeds_flights"


def possible(connection: Connection) -> bool:
    """Whether somebody will ask for the outcome: see `listen`."""
    return bool(connection.get_execution_options().get(_HEEDED))


def send(connection: Connection, statement: str, documents: Sequence[bytes]) -> None:
    """Hand a statement to the server, whose parameters `$1`, `$2` … are texts; raises for the one that was in flight before."""
    from psycopg import generators  # noqa: PLC0415 (an extra)

    settle(connection)
    driver = _driver(connection)
    driver.pgconn.send_query_params(statement.encode(), documents)
    driver.wait(generators.send(driver.pgconn))  # to the last byte: the server begins when it has it all
    connection.info[_SENT] = statement


def settle(connection: Connection) -> None:
    """Wait for what is in flight, if anything is; raises the error of SQLAlchemy that it would have raised at once."""
    statement = connection.info.pop(_SENT, None)
    if statement is None:
        return
    from psycopg import Error, errors, generators, pq  # noqa: PLC0415 (an extra)

    driver = _driver(connection)
    try:
        for result in driver.wait(generators.fetch_many(driver.pgconn)):
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise errors.error_from_result(result)
    except Error as failure:
        raise DBAPIError.instance(statement, None, failure, Error, dialect=connection.dialect) from failure


def forget(connection: Connection) -> None:
    """Wait for what is in flight before it is undone: whatever became of it, the failure that undoes it is on its way."""
    with suppress(DBAPIError):
        settle(connection)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    assert driver is not None
    return driver


def listen(engine: Engine) -> None:
    """Nothing is said on a connection before it is known what became of what is in flight there."""
    engine.update_execution_options(**{_HEEDED: True})

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: Connection, *_statement: Any) -> None:
        settle(connection)

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        settle(connection)

    @event.listens_for(engine, "rollback")
    def rollback(connection: Connection) -> None:
        forget(connection)
