"""The in-process worker: a thread that delivers events and runs jobs from the outbox."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.data.engine import RELAY_ROLE
from core.events import schedules
from core.events.states import WAITING
from core.events.tables import outbox
from core.worker.deliver import LEASE, deliver_all, take, together, type_row
from core.worker.deliverers import Deliverers
from core.worker.schedule import run_due

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.worker")
BATCH = 100
ENDING = 8
"""Seconds that the present row has when the process is asked to end: less than the server gives its requests."""
REST, MOST_REST, SHARE, EACH = 0.05, 0.5, 3, 0.01
"""Seconds between batches that were not full: what is committed meanwhile is claimed and told together, for the price of one. Where much is
going on it rests `EACH` times as many rows as it has just told, so that the next ones are as many and more: 10 deals by themselves cost three
times what they cost among 50. Where batches take long, it rests `SHARE` times as long as they took: people who wait for answers come first."""


class Drain:
    """At least once: a row is marked done in the handler's own transaction, so its effect happens exactly once."""

    def __init__(self, platform: Platform, *, pause: float = 2.0) -> None:
        self.platform, self._pause = platform, pause
        self._wake, self._stop = threading.Event(), threading.Event()
        self._deliverers = Deliverers(platform.database.path)
        self._thread = threading.Thread(target=self._loop, name="dealwright-drain", daemon=True)

    def start(self) -> None:
        """Deliver until stopped; a commit with new work wakes it at once where nothing was to do, and soon where it is at work."""
        self.join()
        self.platform.awaken = self._wake.set
        schedules.adopt(self.platform)
        self._thread.start()

    def join(self) -> None:
        """Be one of those who deliver. What was claimed by one who was killed is due at once where that is known: on SQLite, whose deliverers
        are all on this machine."""
        if self._deliverers.join():
            give_free(self.platform)
        self._deliverers.share()

    def stop(self) -> None:
        """Finish the present row, if it does not take too long, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=ENDING)
        self._deliverers.leave()

    def _loop(self) -> None:
        told, began = 0, time.monotonic()
        while not self._stop.is_set():
            try:
                busy = self.run_once()
            except Exception:  # the database may be away for a while: try again
                log.exception("the drain could not work")
                busy = 0
            told += busy
            if busy == BATCH:
                continue
            if not told:
                self._wake.wait(self._pause)
                self._wake.clear()
            else:
                self._stop.wait(rest(told, time.monotonic() - began))
            told, began = 0, time.monotonic()

    def run_until_empty(self) -> int:
        """Deliver everything that is due; returns how many rows were taken."""
        total = 0
        self._deliverers.join()
        self._deliverers.share()
        try:
            while taken := self.run_once():
                total += taken
        finally:
            self._deliverers.leave()
        return total

    def run_once(self) -> int:
        """See which schedules are due, claim a batch and deliver it; returns its size."""
        run_due(self.platform)
        rows = claim(self.platform, BATCH)
        for group in together(rows):
            if self._stop.is_set():
                give_back(self.platform, group)
                continue
            # What was tried before counts its attempt when it begins: who kills the process takes none of its neighbours along.
            tried = group[0].attempts
            deliver_all(self.platform, take(self.platform, group[0].tenant_id, [group[0].id], tried) if tried else group)
        return len(rows)


def give_back(platform: Platform, rows: Sequence[type_row]) -> None:
    """Claimed rows that this process will not begin, since it is asked to end, are as they were before: that is no attempt, and nobody's death.
    What somebody else has taken since, its lease being over, is that one's."""
    for row in rows:
        before = {"attempts": row.attempts, "deaths": row.deaths, "due_at": row.due_at}
        counted = row.attempts or 1  # as `claim` has left it
        mine = (outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id, outbox.c.state == WAITING, outbox.c.attempts == counted)
        with platform.database.begin(write=True, tenant=None, role=RELAY_ROLE) as connection:
            connection.execute(outbox.update().where(*mine).values(before))


def give_free(platform: Platform) -> None:
    """Rows that were claimed and are not done are due now: nobody is left who could be at them.

    Those that failed before wait their time, and so does what has outlived its process twice: it may be what ended it.
    """
    now = platform.clock()
    with platform.database.begin(write=True, tenant=None, role=RELAY_ROLE) as connection:
        claimed = (outbox.c.state == WAITING, outbox.c.attempts > 0, outbox.c.error.is_(None), outbox.c.deaths <= 1, outbox.c.due_at > now)
        connection.execute(outbox.update().where(*claimed).values(due_at=now))


def rest(told: int, took: float) -> float:
    """How long the drain rests after so many rows, which took it so many seconds."""
    return min(MOST_REST, max(REST, EACH * told, SHARE * took))


def claim(platform: Platform, most: int, *, attempt: bool = True) -> list[type_row]:
    """Take the rows that are due, oldest first; for the length of the lease nobody else does.

    A first attempt is counted here, unless `attempt=False`: they are only passed on, and whoever runs one counts it.
    """
    now = platform.clock()
    with platform.database.begin(write=True, tenant=None, role=RELAY_ROLE) as connection:
        query = (
            sa.select(outbox).where(outbox.c.state == WAITING, outbox.c.due_at <= now)
            .order_by(outbox.c.due_at, outbox.c.id).limit(most).with_for_update(skip_locked=True)
        )  # fmt: skip
        rows = list(connection.execute(query))
        if rows:
            # Two lists and no pairs, for which SQLite would read the whole table; an id is one row's alone.
            mine = (outbox.c.tenant_id.in_({row.tenant_id for row in rows}), outbox.c.id.in_([row.id for row in rows]))
            first = sa.case((outbox.c.attempts == 0, int(attempt)), else_=0)
            counted = {"attempts": outbox.c.attempts + first, "deaths": outbox.c.deaths + first}
            connection.execute(outbox.update().where(*mine).values(due_at=now + LEASE, **counted))
    return rows
