"""Raw cells of PostgreSQL. Imported where there is PostgreSQL alone: psycopg is an extra."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import Error, adapters, errors, pq
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.types.string import TextLoader
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from core.data import in_flight
from core.data.cursors import known as prepared
from core.data.cursors import type_known

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

    from core.data.direct import Direct

_READING = "dealwright_raw_cells"
_MOST_KNOWN = 100
"""Statements that a connection keeps prepared."""
_AS_TEXT = ("uuid", "numeric", "timestamptz", "date")
_names = itertools.count()


def ask(asked: Direct, connection: Connection, values: list[Any], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows. What is held back goes to the server with a question that it knows. Raises what SQLAlchemy would."""
    driver: Any = connection.connection.driver_connection
    server = driver.pgconn
    reading: Any = connection.info.get(_READING) or connection.info.setdefault(_READING, _raw_reading())
    sent = reading.dump_sequence(values, [PyFormat.TEXT] * len(values))
    known = prepared(driver)
    result: PGresult | None = None
    if (before := known.get((asked.text, reading.types))) is not None:
        result = in_flight.answered(connection, before, sent)
    in_flight.settle(connection)
    in_flight.tell(connection, asked.text, values)
    if result is None:
        name, result = _prepared(server, known, asked.text, reading.types)
        result = result or server.exec_prepared(name, sent)
    if result.status != pq.ExecStatus.TUPLES_OK:
        if server.status != pq.ConnStatus.OK:  # SQLAlchemy knows what to do with a connection that is lost
            connection.execute(asked.statement, given)
        failure = errors.error_from_result(result, encoding="utf-8")
        raise DBAPIError.instance(asked.text, tuple(values), failure, Error, dialect=connection.dialect) from failure
    reading.set_pgresult(result)
    found: list[tuple[Any, ...]] = reading.load_rows(0, result.ntuples, tuple)
    return found


def _prepared(server: PGconn, known: type_known, text: str, types: tuple[int, ...]) -> tuple[bytes, PGresult | None]:
    """By what name this connection knows the statement; with what went wrong where it could not be prepared."""
    if (name := known.pop((text, types), None)) is None:
        name = b"dealwright_direct_%d" % next(_names)  # of no other statement, whatever became of one that failed
        result = server.prepare(name, text.encode(), types)
        if result.status != pq.ExecStatus.COMMAND_OK:
            return name, result
        if len(known) >= _MOST_KNOWN:
            server.exec_(b"DEALLOCATE " + known.pop(next(iter(known))))
    known[text, types] = name  # the last that was used stands last
    return name, None


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
