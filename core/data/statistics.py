"""What PostgreSQL's planner knows of tables that have just grown.

It takes a tenant that it has not met for a few rows, and reads them all where it should look into an index. Autovacuum corrects that a
minute after a tenth of the table has changed; an import is over by then, or has become slower with each row. Of what one long transaction
writes, as a dry run does, only that transaction itself can tell the planner.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.data import in_flight
from sdk.migrations import APP_ROLE

if TYPE_CHECKING:
    from core.data.engine import Database

log = logging.getLogger("dealwright.data")

FIRST, FACTOR = 250, 8
"""Rows that a process has written in batches: the planner looks again at these, and each time there are so many times as many. From some 300 on a
look at a tenant's rows in place of one by its key is felt, where each of them is looked up."""
BATCH = 20
"""Smaller batches are everyday work, which autovacuum follows well."""


class Growth:
    """How much has been written in large batches, by table."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[int, int]] = {}

    def due(self, table: str, rows: int) -> bool:
        """Count rows; whether the planner is to look again."""
        if rows < BATCH:
            return False
        written, mark = self._written.get(table, (0, FIRST))
        due = written + rows >= mark
        self._written[table] = (written + rows, mark * FACTOR if due else mark)
        return due

    def put_off(self, table: str) -> None:
        """It could not look: it is to at the next large batch."""
        written, mark = self._written[table]
        self._written[table] = (written, mark // FACTOR)


class Statistics:
    """Counts what is written in large batches, and has the planner look again when a table has grown by much."""

    def __init__(self, database: Database) -> None:
        self._database, self._growth = database, Growth()
        self._lock = threading.Lock()

    def grown(self, table: str, rows: int) -> None:
        """Rows have been written and committed. A table that is being vacuumed or changed at the moment is looked at with the next large batch."""
        if self._database.is_sqlite:
            return
        with self._lock:
            due = self._growth.due(table, rows)
        if due:
            self._look_again(table)

    def _look_again(self, table: str) -> None:
        try:
            with self._database.begin_as_owner() as connection:
                connection.exec_driver_sql(f'LOCK TABLE "{table}" IN SHARE UPDATE EXCLUSIVE MODE NOWAIT')
                connection.exec_driver_sql(f'ANALYZE "{table}"')
        except SQLAlchemyError as failure:  # it is a hint: what was written is written, and nobody is to write it again
            if is_locked(failure):  # such as by a dry run of another tenant
                with self._lock:
                    self._growth.put_off(table)
                return
            log.warning("the planner could not look again at %s", table, exc_info=True)


def is_locked(failure: SQLAlchemyError) -> bool:
    """Whether PostgreSQL says that somebody else has the lock (`lock_not_available`)."""
    return isinstance(failure, DBAPIError) and getattr(failure.orig, "sqlstate", None) == "55P03"


def grown_within(connection: Connection, growth: Growth, table: str, rows: int) -> None:
    """Rows have been written in a transaction that is to be undone: it alone sees them, so it has the planner look itself.

    The lock is kept to its end: no other ANALYZE, no VACUUM, but everybody reads and writes. Where another has it, the next batch tries again.
    """
    if connection.dialect.name != "postgresql" or not growth.due(table, rows):
        return
    in_flight.settle(connection)
    try:
        with connection.begin_nested():
            # Only the schema's owner may. Plans that the session has prepared are made anew behind it.
            connection.exec_driver_sql("SET LOCAL ROLE NONE")
            connection.exec_driver_sql(f'LOCK TABLE "{table}" IN SHARE UPDATE EXCLUSIVE MODE NOWAIT')
            connection.exec_driver_sql(f'ANALYZE "{table}"')
            connection.exec_driver_sql(f"SET LOCAL ROLE {APP_ROLE}")
    except SQLAlchemyError as failure:  # the savepoint has given the role back
        if is_locked(failure):
            growth.put_off(table)
            return
        log.warning("the planner could not look at %s", table, exc_info=True)
