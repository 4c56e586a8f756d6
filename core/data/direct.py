"""Questions that are asked again and again, past SQLAlchemy's execution: it compiles them once, and the driver answers with raw cells.

Of a list of fifty records a third of our time went into making objects of cells (ids, amounts, instants) whose text JSON wants anyhow,
and into preparing what had been prepared before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from core.data import in_flight

type_asked = Callable[[sa.Select[Any], str, Connection, list[Any], Mapping[str, Any]], list[tuple[Any, ...]]]
"""Takes the question, its text, where to ask it, its values as the driver wants them and as they were given."""


@dataclass(frozen=True)
class _Slot:
    """One parameter: by what name a value is given, what stands there if none is, and how the driver wants it."""

    name: str
    value: Any
    process: Callable[[Any], Any] | None


@dataclass(frozen=True)
class Direct:
    """A SELECT without parameters of varying number, compiled for one database."""

    statement: sa.Select[Any]
    text: str
    slots: Sequence[_Slot]
    ask: type_asked

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows, with cells as the database writes them: on PostgreSQL ids, amounts, days and instants (in UTC) are text, on SQLite all is
        what is stored.

        Raises what SQLAlchemy would.
        """
        values = [
            value if slot.process is None else slot.process(value) for slot in self.slots for value in (given.get(slot.name, slot.value),)
        ]
        return self.ask(self.statement, self.text, connection, values, given)


def _ask_sqlite(
    _statement: sa.Select[Any], text: str, connection: Connection, values: list[Any], _given: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    in_flight.settle(connection)
    in_flight.tell(connection, text, tuple(values))
    driver: Any = connection.connection.driver_connection
    try:
        found: list[tuple[Any, ...]] = driver.execute(text, values).fetchall()
    except driver.Error as failure:
        raise DBAPIError.instance(text, tuple(values), failure, driver.Error, dialect=connection.dialect) from failure
    return found


def direct(statement: sa.Select[Any], dialect: Dialect) -> Direct | None:
    """A statement for one database; None for one that has to be written anew for other values."""
    ask: type_asked = _ask_sqlite
    if dialect.name == "postgresql":
        from core.data.raw_cells import ask  # noqa: PLC0415 (its driver is an extra)

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
    return Direct(statement, str(compiled), slots, ask)
