"""Which plugins raised where they must not: counted for the operator, whatever became of the write."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from sdk.columns import UtcDateTime
from sdk.entities import Record

if TYPE_CHECKING:
    from core.data.engine import Database

log = logging.getLogger("dealwright.hooks")
KEPT = timedelta(days=1)
"""For how long a plugin counts as ill after it has raised."""

plugin_failures = sa.Table(
    "core_plugin_failures",
    Record.metadata,
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("hook", sa.String(60), primary_key=True),
    sa.Column("times", sa.Integer(), nullable=False),
    sa.Column("last_at", UtcDateTime(), nullable=False),
    sa.Column("error", sa.String(300), nullable=False),  # what kind and where: a message may hold what a customer wrote
)


@dataclass(frozen=True)
class Ill:
    """A plugin that raised in a hook since yesterday: how often, and what and where it was last."""

    plugin: str
    hook: str
    times: int
    last_at: datetime
    error: str


class Failures:
    """What this process has seen and not written down yet: that is done once the transaction, which may hold the database, is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: dict[tuple[str, str], tuple[int, str]] = {}

    def note(self, plugin: str, hook: str, failure: Exception) -> None:
        """One more."""
        place = traceback.extract_tb(failure.__traceback__)[-1]
        error = f"{type(failure).__name__} in {place.filename.rpartition('/')[2]}, line {place.lineno}"[:300]
        with self._lock:
            self._new[plugin, hook] = (self._new.get((plugin, hook), (0, ""))[0] + 1, error)

    def keep(self, database: Database, now: datetime) -> None:
        """Write down what is new; where the database takes it not, it is kept for the next time, and the log says so."""
        if not self._new:
            return
        with self._lock:
            taken, self._new = self._new, {}
        try:
            with database.begin(write=True, tenant=None) as connection:
                for (plugin, hook), (times, error) in sorted(taken.items()):
                    _add(connection, Ill(plugin, hook, times, now, error))
        except SQLAlchemyError:
            log.warning("failures of plugins could not be counted", exc_info=True)
            with self._lock:
                for key, (times, error) in taken.items():
                    self._new[key] = (self._new.get(key, (0, ""))[0] + times, error)


def _add(connection: Connection, ill: Ill) -> None:
    table = plugin_failures
    times = sa.case((table.c.last_at < ill.last_at - KEPT, ill.times), else_=table.c.times + ill.times)
    mine = (table.c.plugin == ill.plugin, table.c.hook == ill.hook)
    values = {"times": times, "last_at": ill.last_at, "error": ill.error}
    if not connection.execute(table.update().where(*mine).values(values)).rowcount:
        connection.execute(table.insert().values(vars(ill)))


def lately(connection: Connection, now: datetime) -> list[Ill]:
    """Who is ill, by name."""
    query = sa.select(plugin_failures).where(plugin_failures.c.last_at >= now - KEPT)
    return [Ill(**row) for row in connection.execute(query.order_by(plugin_failures.c.plugin, plugin_failures.c.hook)).mappings()]


def by_plugin(some: list[Ill]) -> Mapping[str, list[str]]:
    """The hooks that raised, by plugin."""
    return {plugin: [one.hook for one in some if one.plugin == plugin] for plugin in sorted({one.plugin for one in some})}


def forget(connection: Connection, plugin: str) -> None:
    """Another version of it may be well; or it is gone."""
    connection.execute(plugin_failures.delete().where(plugin_failures.c.plugin == plugin))
