"""Raw cells of PostgreSQL. Imported where there is PostgreSQL alone: psycopg is an extra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from psycopg import Error, adapters, errors, pq
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.types.string import TextLoader
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from core.data import in_flight
from core.data.cursors import known, named, prepared

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_READING = "dealwright_raw_cells"
_AS_TEXT = ("uuid", "numeric", "timestamptz", "date")


def ask(statement: sa.Select[Any], text: str, connection: Connection, values: list[Any], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows. What is held back goes to the server with a question that it knows. Raises what SQLAlchemy would."""
    driver: Any = connection.connection.driver_connection
    server = driver.pgconn
    reading: Any = connection.info.get(_READING) or connection.info.setdefault(_READING, _raw_reading())
    sent = reading.dump_sequence(values, [PyFormat.TEXT] * len(values))
    result: PGresult | None = None
    if (before := known(driver).get((text, reading.types))) is not None:
        prepared(driver, text, before, reading.types)  # so that it does not make room for what goes with it
        result = in_flight.answered(connection, before, sent)
    in_flight.settle(connection)
    in_flight.tell(connection, text, tuple(values))
    if result is None:
        name, fresh = named(driver, text, reading.types)
        if fresh:
            result = server.prepare(name, text.encode(), reading.types)
        if result is None or result.status == pq.ExecStatus.COMMAND_OK:
            prepared(driver, text, name, reading.types)
            result = server.exec_prepared(name, sent)
    if result.status != pq.ExecStatus.TUPLES_OK:
        if server.status != pq.ConnStatus.OK:  # SQLAlchemy knows what to do with a connection that is lost
            connection.execute(statement, given)
        failure = errors.error_from_result(result, encoding="utf-8")
        raise DBAPIError.instance(text, tuple(values), failure, Error, dialect=connection.dialect) from failure
    reading.set_pgresult(result)
    found: list[tuple[Any, ...]] = reading.load_rows(0, result.ntuples, tuple)
    return found


def _raw_reading() -> Any:
    """What reads the cells of answers, and leaves those alone whose text is what we want."""
    raw = AdaptersMap(adapters)
    for kind in _AS_TEXT:
        raw.register_loader(kind, TextLoader)
    return Transformer(_Context(raw))


@dataclass(frozen=True)
class _Context:
    """What the driver's reading wants to know."""

    adapters: AdaptersMap
    connection: None = None
