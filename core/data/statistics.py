"""What PostgreSQL's planner knows of tables that have just grown.

It takes a tenant that it has not met for a few rows, and reads them all where it should look into an index. Autovacuum corrects that a
minute after a tenth of the table has changed; an import is over by then, or has become slower with each row.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from core.data.engine import Database

log = logging.getLogger("dealwright.data")

FIRST, FACTOR = 2000, 8
"""Rows that a process has written in large batches: the planner looks again at these, and each time there are so many times as many."""
BATCH = 100
"""Smaller batches are everyday work, which autovacuum follows well."""


class Statistics:
    """Counts what is written in large batches, and has the planner look again when a table has grown by much."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def grown(self, table: str, rows: int) -> None:
        """Rows have been written and committed. A table that is being vacuumed or changed at the moment is passed by."""
        if self._database.is_sqlite or rows < BATCH:
            return
        with self._lock:
            written, mark = self._written.get(table, (0, FIRST))
            due = written + rows >= mark
            self._written[table] = (written + rows, mark * FACTOR if due else mark)
        if due:
            self._look_again(table)

    def _look_again(self, table: str) -> None:
        try:
            with self._database.begin_as_owner() as connection:
                connection.exec_driver_sql(f'ANALYZE (SKIP_LOCKED) "{table}"')
        except SQLAlchemyError:  # it is a hint: what was written is written, and nobody is to write it again
            log.warning("the planner could not look again at %s", table, exc_info=True)
