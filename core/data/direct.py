"""Questions that are asked again and again, past SQLAlchemy's execution: it compiles them once, and the driver answers with raw cells.

Of a list of fifty records a third of our time went into making objects of cells (ids, amounts, instants) whose text JSON wants anyhow,
and into preparing what had been prepared before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from core.data import in_flight

if TYPE_CHECKING:
    from psycopg.adapt import AdaptersMap
    from psycopg.pq.abc import PGconn, PGresult

_READING = "dealwright_raw_cells"
_MOST_KNOWN = 100
"""Statements that a connection of PostgreSQL keeps prepared."""
_AS_TEXT = ("uuid", "numeric", "timestamptz", "date")
_names = itertools.count()


@dataclass(frozen=True)
class _Slot:
    """One parameter: by what name a value is given, what stands there if none is, and how the driver wants it."""

    name: str
    value: Any
    process: Callable[[Any], Any] | None


class Direct:
    """A SELECT without parameters of varying number, compiled for one database."""

    def __init__(self, statement: sa.Select[Any], text: str, slots: Sequence[_Slot]) -> None:
        self.statement, self.text, self._slots = statement, text, slots

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows, with cells as the database writes them: on PostgreSQL ids, amounts, days and instants (in UTC) are text, on SQLite all is
        what is stored.

        Raises what SQLAlchemy would.
        """
        values = [
            value if slot.process is None else slot.process(value) for slot in self._slots for value in (given.get(slot.name, slot.value),)
        ]
        if connection.dialect.name == "sqlite":
            return self._asked_sqlite(connection, values)
        return self._asked_postgresql(connection, values, given)

    def _tell(self, connection: Connection, values: list[Any]) -> None:
        """Whoever listens hears of it as of any other statement, and what is in flight lands."""
        connection.dispatch.before_cursor_execute(connection, None, self.text, values, None, False)

    def _asked_sqlite(self, connection: Connection, values: list[Any]) -> list[tuple[Any, ...]]:
        self._tell(connection, values)
        driver = _driver(connection)
        try:
            found: list[tuple[Any, ...]] = driver.execute(self.text, values).fetchall()
        except driver.Error as failure:
            raise DBAPIError.instance(self.text, tuple(values), failure, driver.Error, dialect=connection.dialect) from failure
        return found

    def _asked_postgresql(self, connection: Connection, values: list[Any], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        from psycopg import Error, errors, pq  # noqa: PLC0415 (an extra)
        from psycopg.adapt import PyFormat  # noqa: PLC0415

        from core.data.cursors import known as prepared  # noqa: PLC0415

        server = _driver(connection).pgconn
        reading: Any = connection.info.get(_READING) or connection.info.setdefault(_READING, _raw_reading())
        sent = reading.dump_sequence(values, [PyFormat.TEXT] * len(values))
        known = prepared(_driver(connection))
        result: PGresult | None = None
        if (before := known.get((self.text, reading.types))) is not None:
            result = in_flight.answered(connection, before, sent)
        self._tell(connection, values)
        if result is None:
            name, result = self._prepared(server, known, reading.types)
            result = result or server.exec_prepared(name, sent)
        if result.status != pq.ExecStatus.TUPLES_OK:
            if server.status != pq.ConnStatus.OK:  # SQLAlchemy knows what to do with a connection that is lost
                connection.execute(self.statement, given)
            failure = errors.error_from_result(result, encoding="utf-8")
            raise DBAPIError.instance(self.text, tuple(values), failure, Error, dialect=connection.dialect) from failure
        reading.set_pgresult(result)
        found: list[tuple[Any, ...]] = reading.load_rows(0, result.ntuples, tuple)
        return found

    def _prepared(
        self, server: PGconn, known: dict[tuple[str, tuple[int, ...]], bytes], types: tuple[int, ...]
    ) -> tuple[bytes, PGresult | None]:
        """By what name this connection knows the statement; with what went wrong where it could not be prepared."""
        from psycopg import pq  # noqa: PLC0415 (an extra)

        if (name := known.pop((self.text, types), None)) is None:
            name = b"dealwright_direct_%d" % next(_names)  # of no other statement, whatever became of one that failed
            result = server.prepare(name, self.text.encode(), types)
            if result.status != pq.ExecStatus.COMMAND_OK:
                return name, result
            if len(known) >= _MOST_KNOWN:
                server.exec_(b"DEALLOCATE " + known.pop(next(iter(known))))
        known[self.text, types] = name  # the last that was used stands last
        return name, None


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _raw_reading() -> Any:
    """What reads the cells of answers, and leaves those alone whose text is what we want."""
    from psycopg import adapters  # noqa: PLC0415 (an extra)
    from psycopg.adapt import AdaptersMap, Transformer  # noqa: PLC0415
    from psycopg.types.string import TextLoader  # noqa: PLC0415

    raw = AdaptersMap(adapters)
    for kind in _AS_TEXT:
        raw.register_loader(kind, TextLoader)
    return Transformer(_Context(raw))


@dataclass(frozen=True)
class _Context:
    """What the driver's reading wants to know."""

    adapters: AdaptersMap
    connection: None = None


def direct(statement: sa.Select[Any], dialect: Dialect) -> Direct | None:
    """A statement for one database; None for one that has to be written anew for other values."""
    if dialect.name == "postgresql":
        dialect = copy(dialect)
        dialect.paramstyle, dialect.positional = "numeric_dollar", True
        dialect.identifier_preparer = dialect.preparer(dialect)
    compiled = statement.compile(dialect=dialect)
    if compiled.post_compile_params or compiled.literal_execute_params or compiled.positiontup is None:
        return None
    slots = []
    for name in compiled.positiontup:
        bound = compiled.binds[name]
        slots.append(_Slot(bound.key, bound.effective_value, compiled._bind_processors.get(name)))  # type: ignore[arg-type]
    return Direct(statement, str(compiled), slots)
