"""Which plugins raised where they must not, and which kept people waiting: counted for the operator, whatever became of the write."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping, Sequence
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
plugin_delays = sa.Table(
    "core_plugin_delays",
    Record.metadata,
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("hook", sa.String(60), primary_key=True),
    sa.Column("times", sa.Integer(), nullable=False),
    sa.Column("last_at", UtcDateTime(), nullable=False),
    sa.Column("seconds", sa.Numeric(10, 3, asdecimal=False), nullable=False),  # of the slowest call
)


@dataclass(frozen=True)
class Ill:
    """A plugin that raised in a hook since yesterday: how often, and what and where it was last."""

    plugin: str
    hook: str
    times: int
    last_at: datetime
    error: str


@dataclass(frozen=True)
class Slow:
    """A hook that took longer than it may since yesterday: how often, when last, and how many seconds at most."""

    plugin: str
    hook: str
    times: int
    last_at: datetime
    seconds: float


class Failures:
    """What this process has seen and not written down yet: that is done once the transaction, which may hold the database, is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: dict[tuple[str, str], tuple[int, str]] = {}
        self._late: dict[tuple[str, str], tuple[int, float]] = {}

    def note(self, plugin: str, hook: str, failure: Exception) -> None:
        """One more."""
        place = traceback.extract_tb(failure.__traceback__)[-1]
        self._raised(plugin, hook, 1, f"{type(failure).__name__} in {place.filename.rpartition('/')[2]}, line {place.lineno}"[:300])

    def note_slow(self, plugin: str, hook: str, times: int, seconds: float) -> None:
        """So many more that took too long, and how many seconds the slowest of them took."""
        with self._lock:
            known, longest = self._late.get((plugin, hook), (0, 0.0))
            self._late[plugin, hook] = (known + times, max(longest, seconds))

    def _raised(self, plugin: str, hook: str, times: int, error: str) -> None:
        with self._lock:
            self._new[plugin, hook] = (self._new.get((plugin, hook), (0, ""))[0] + times, error)

    def keep(self, database: Database, now: datetime) -> None:
        """Write down what is new; where the database takes it not, it is kept for the next time, and the log says so."""
        if not self._new and not self._late:
            return
        with self._lock:
            taken, self._new, late, self._late = self._new, {}, self._late, {}
        try:
            with database.begin(write=True, tenant=None) as connection:
                for (plugin, hook), (times, error) in sorted(taken.items()):
                    _add(connection, plugin_failures, Ill(plugin, hook, times, now, error))
                for (plugin, hook), (times, seconds) in sorted(late.items()):
                    _add(connection, plugin_delays, Slow(plugin, hook, times, now, seconds))
        except SQLAlchemyError:
            log.warning("failures of plugins could not be counted", exc_info=True)
            for key, of_one in taken.items():
                self._raised(*key, *of_one)
            for key, of_another in late.items():
                self.note_slow(*key, *of_another)


def _add(connection: Connection, table: sa.Table, one: Ill | Slow) -> None:
    anew = table.c.last_at < one.last_at - KEPT
    values: dict[str, object] = {**vars(one), "times": sa.case((anew, one.times), else_=table.c.times + one.times)}
    if isinstance(one, Slow):
        values["seconds"] = sa.case((sa.or_(anew, table.c.seconds < one.seconds), one.seconds), else_=table.c.seconds)
    mine = (table.c.plugin == one.plugin, table.c.hook == one.hook)
    if not connection.execute(table.update().where(*mine).values(values)).rowcount:
        connection.execute(table.insert().values(vars(one)))


def lately(connection: Connection, now: datetime) -> list[Ill]:
    """Who is ill, by name."""
    return [Ill(**row) for row in _since(connection, plugin_failures, now)]


def slow(connection: Connection, now: datetime) -> list[Slow]:
    """Who keeps people waiting, by name."""
    return [Slow(**row) for row in _since(connection, plugin_delays, now)]


def _since(connection: Connection, table: sa.Table, now: datetime) -> Sequence[sa.RowMapping]:
    query = sa.select(table).where(table.c.last_at >= now - KEPT)
    return connection.execute(query.order_by(table.c.plugin, table.c.hook)).mappings().all()


def by_plugin(some: Sequence[Ill | Slow]) -> Mapping[str, list[str]]:
    """Their hooks, by plugin."""
    return {plugin: [one.hook for one in some if one.plugin == plugin] for plugin in sorted({one.plugin for one in some})}


def forget(connection: Connection, plugin: str) -> None:
    """Another version of it may be well; or it is gone."""
    for table in (plugin_failures, plugin_delays):
        connection.execute(table.delete().where(table.c.plugin == plugin))
