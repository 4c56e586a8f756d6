"""The cursor of PostgreSQL, without what nobody asks it for. Imported where there is PostgreSQL alone: psycopg is an extra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq

type_known = dict[tuple[str, tuple[int, ...]], bytes]
_known: WeakKeyDictionary[psycopg.Connection[Any], type_known] = WeakKeyDictionary()
_DISCARDS = (b"ROLLBACK", b"DROP ", b"ALTER ", b"DISCARD", b"DEALLOCATE")
"""Behind these the driver gives up all prepared statements: not its own alone, ours too."""


def known(connection: psycopg.Connection[Any]) -> type_known:
    """The statements past the driver that are prepared on a connection, by text and types of parameters."""
    return _known.setdefault(connection, {})


def forgetting(undo: Callable[[Any], None]) -> Callable[[Any], None]:
    """A dialect's `do_rollback`, behind which nothing is prepared."""

    def undone(connection: Any) -> None:
        undo(connection)
        _forget(getattr(connection, "driver_connection", connection))

    return undone


def _forget(connection: psycopg.Connection[Any]) -> None:
    """The driver has given up its statements, if it had some. Ours go in either case, lest they be there without being known."""
    if _known.pop(connection, None) and not connection.closed:
        connection.pgconn.exec_(b"DEALLOCATE ALL")


class LeanCursor(psycopg.Cursor[Any]):
    """A driver's cursor whose columns are told by name and type.

    The driver makes an object for each column of each answer, which looks its type up; SQLAlchemy, which knows the types from its own
    statement, wants to know whether there are columns and what they are called. It was a fifteenth of what a small request costs.
    """

    def execute(self, *asked: Any, **options: Any) -> Any:
        """As the driver does."""
        done = super().execute(*asked, **options)
        if self.pgresult is not None and (self.pgresult.command_status or b"").startswith(_DISCARDS):
            _forget(self.connection)
        return done

    @property
    def description(self) -> Any:
        """Seven of each column, as PEP 249 has it; None where the statement gives no rows."""
        result = self.pgresult
        if result is None or not (result.nfields or result.status == pq.ExecStatus.TUPLES_OK):
            return None
        return [((result.fname(at) or b"").decode(), result.ftype(at), None, None, None, None, None) for at in range(result.nfields)]
