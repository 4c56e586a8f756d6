"""The cursor of PostgreSQL, without what nobody asks it for. Imported where there is PostgreSQL alone: psycopg is an extra."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq

type_known = dict[tuple[str, tuple[int, ...]], bytes]
_known: WeakKeyDictionary[psycopg.Connection[Any], type_known] = WeakKeyDictionary()
_DISCARDS = (b"ROLLBACK", b"DROP ", b"ALTER ", b"DISCARD", b"DEALLOCATE")
"""Behind these the driver may give up all prepared statements: not its own alone, ours too."""
_MOST_KNOWN = 100
"""Statements that a connection keeps prepared."""
_names = itertools.count()


def known(connection: psycopg.Connection[Any]) -> type_known:
    """The statements past the driver that are prepared on a connection, by text and types of parameters."""
    return _known.setdefault(connection, {})


def named(connection: psycopg.Connection[Any], text: str, types: tuple[int, ...] = ()) -> tuple[bytes, bool]:
    """The name of a statement on a connection, and whether it is to be prepared by that name yet; what has not been used for longest makes room.

    Not in the pipeline: making room is a question of its own.
    """
    mine = known(connection)
    if (name := mine.get((text, types))) is not None:
        return name, False
    if len(mine) >= _MOST_KNOWN:
        connection.pgconn.exec_(b"DEALLOCATE " + mine.pop(next(iter(mine))))
    return b"dealwright_direct_%d" % next(_names), True  # of no other statement, whatever became of one that failed


def prepared(connection: psycopg.Connection[Any], text: str, name: bytes, types: tuple[int, ...] = ()) -> None:
    """A statement is there by that name, and has just been used."""
    mine = known(connection)
    mine.pop((text, types), None)
    mine[text, types] = name  # the last that was used stands last


def watched(undo: Callable[[Any], None]) -> Callable[[Any], None]:
    """A dialect's `do_rollback`, behind which it is known what is still prepared."""

    def undone(connection: Any) -> None:
        driver = getattr(connection, "driver_connection", connection)
        if driver.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            return  # each connection that is given back is undone, whose transaction is over as a rule
        undo(connection)
        _look(driver)

    return undone


def _look(connection: psycopg.Connection[Any]) -> None:
    """The driver may have given up all statements, or none: which of ours are left is for the server to say."""
    if (mine := _known.get(connection)) and not connection.closed:
        found = connection.pgconn.exec_(b"SELECT name FROM pg_prepared_statements")
        there = {found.get_value(at, 0) for at in range(found.ntuples)}
        for key in [key for key, name in mine.items() if name not in there]:
            del mine[key]


class LeanCursor(psycopg.Cursor[Any]):
    """A driver's cursor whose columns are told by name and type.

    The driver makes an object for each column of each answer, which looks its type up; SQLAlchemy, which knows the types from its own
    statement, wants to know whether there are columns and what they are called. It was a fifteenth of what a small request costs.
    """

    def execute(self, *asked: Any, **options: Any) -> Any:
        """As the driver does."""
        done = super().execute(*asked, **options)
        if self.pgresult is not None and (self.pgresult.command_status or b"").startswith(_DISCARDS):
            _look(self.connection)
        return done

    @property
    def description(self) -> Any:
        """Seven of each column, as PEP 249 has it; None where the statement gives no rows."""
        result = self.pgresult
        if result is None or not (result.nfields or result.status == pq.ExecStatus.TUPLES_OK):
            return None
        return [((result.fname(at) or b"").decode(), result.ftype(at), None, None, None, None, None) for at in range(result.nfields)]
