"""The in-process worker: a thread that delivers events and runs jobs from the outbox."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.context import Work
from core.data.engine import RELAY_ROLE
from core.events.tables import outbox
from sdk import Channel, Event, NotFound, Unavailable

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.worker")
BATCH = 100
MOST_ATTEMPTS = 8
MOST_DEPTH = 8
LEASE = timedelta(minutes=5)
"""How long a claimed row stays invisible; who dies in between leaves it to be claimed again."""
type_row = Any


class Drain:
    """At least once: a row is marked done in the handler's own transaction, so its effect happens exactly once."""

    def __init__(self, platform: Platform, *, pause: float = 2.0) -> None:
        self.platform, self._pause = platform, pause
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="dealwright-drain", daemon=True)

    def start(self) -> None:
        """Deliver until stopped; a commit with new work wakes it at once."""
        self.platform.awaken = self._wake.set
        self._thread.start()

    def stop(self) -> None:
        """Finish the present row and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=30)

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self.run_once()
            except Exception:  # the database may be away for a while: try again
                log.exception("the drain could not work")
                busy = 0
            if not busy:
                self._wake.wait(self._pause)
                self._wake.clear()

    def run_until_empty(self) -> int:
        """Deliver everything that is due; returns how many rows were taken."""
        total = 0
        while taken := self.run_once():
            total += taken
        return total

    def run_once(self) -> int:
        """Claim a batch and deliver it; returns its size."""
        rows = self._claim()
        for row in rows:
            if self._stop.is_set():
                break
            deliver(self.platform, row)
        return len(rows)

    def _claim(self) -> list[type_row]:
        now = self.platform.clock()
        with self.platform.database.begin(write=True, tenant=None, role=RELAY_ROLE) as connection:
            query = (
                sa.select(outbox).where(outbox.c.state == "waiting", outbox.c.due_at <= now)
                .order_by(outbox.c.due_at, outbox.c.id).limit(BATCH).with_for_update(skip_locked=True)
            )  # fmt: skip
            rows = list(connection.execute(query))
            for row in rows:
                mine = (outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id)
                connection.execute(outbox.update().where(*mine).values(due_at=now + LEASE, attempts=row.attempts + 1))
        return rows


def deliver(platform: Platform, row: type_row) -> None:
    """Run one row in its tenant; a failure is kept with its reason and tried again later, then it is dead."""
    try:
        try:
            work = _work(platform, row)
        except Unavailable:  # the tenant is suspended and may come back: this was no attempt
            _mark(platform, row.tenant_id, row.id, attempts=row.attempts, due_at=platform.clock() + LEASE)
            return
        plugin = str(row.handler).partition(".")[0]
        if work is None or plugin not in work.enabled:
            _mark(platform, row.tenant_id, row.id, state="skipped", error=f"{plugin} is switched off, or its user is gone")
            return
        if row.depth >= MOST_DEPTH:
            _bury(platform, row, f"{row.handler} for {row.name}: a chain of {MOST_DEPTH} deliveries; it loops")
            return
        if row.attempts >= MOST_ATTEMPTS:  # a failure would have buried it: the process itself died each time
            _bury(platform, row, f"the process ended {row.attempts} times while it ran; {row.error or 'no reason was left'}")
            return
        _run(platform, work, row)
    except Exception as failure:  # whatever a handler raises is kept with the row and shown there
        log.warning("%s for %s failed, attempt %d", row.handler, row.name, row.attempts + 1, exc_info=failure)
        _retry(platform, row, f"{type(failure).__name__}: {failure}")


def _work(platform: Platform, row: type_row) -> Work | None:
    """Deliveries act as the system, jobs as who asked for them."""
    try:
        if row.kind == "job" and row.actor_id is not None:
            return platform.user(row.tenant_id, row.actor_id, Channel.PLUGIN, row.depth + 1)
        work = platform.system(row.tenant_id, Channel.PLUGIN)
        work.depth = row.depth + 1
        return work
    except NotFound:
        return None


def _run(platform: Platform, work: Work, row: type_row) -> None:
    done = outbox.update().where(outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id, outbox.c.state == "waiting")
    if row.kind == "job":
        # A job may be long and opens its own transactions: it is done when it returns, and must bear a second run.
        with _lease(platform, row) as held:
            if held:
                platform.catalog.jobs[row.handler].run(work, row.payload)
                _mark(platform, row.tenant_id, row.id, state="done", error=None)
        return
    subscription = next(s for s in platform.catalog.subscriptions.get(row.name, ()) if f"{s.plugin}.{s.name}" == row.handler)
    with work.transaction(write=True):
        if not work.connection.execute(done.values(state="done", error=None)).rowcount:
            return  # another process was faster
        events = [Event(row.name, UUID(item["id"]), {k: v for k, v in item.items() if k != "id"}) for item in row.payload["items"]]
        subscription.handler(work, events)


def _retry(platform: Platform, row: type_row, error: str) -> None:
    attempts = row.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        _bury(platform, row, error)
        return
    wait = min(2.0**attempts, 600.0) * random.uniform(0.5, 1.5)
    _mark(platform, row.tenant_id, row.id, state="waiting", error=error[:2000], due_at=platform.clock() + timedelta(seconds=wait))


@contextmanager
def _lease(platform: Platform, row: type_row) -> Iterator[bool]:
    """Keep a job's claim alive while it runs; False when another process has claimed it since we did."""
    claim = outbox.c.attempts == row.attempts + 1

    def renew() -> bool:
        mine = (outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id, outbox.c.state == "waiting", claim)
        with platform.database.begin(write=True, tenant=row.tenant_id) as connection:
            return bool(connection.execute(outbox.update().where(*mine).values(due_at=platform.clock() + LEASE)).rowcount)

    held, over = renew(), threading.Event()

    def keep() -> None:
        while not over.wait(LEASE.total_seconds() / 3):
            renew()

    keeper = threading.Thread(target=keep, name="dealwright-lease", daemon=True)
    if held:
        keeper.start()
    try:
        yield held
    finally:
        over.set()
        if held:
            keeper.join()


def _bury(platform: Platform, row: type_row, error: str) -> None:
    """No further attempt: the row stays to be seen, with its reason."""
    _mark(platform, row.tenant_id, row.id, state="dead", error=error[:2000])


def _mark(platform: Platform, tenant: UUID, id: UUID, **values: object) -> None:
    with platform.database.begin(write=True, tenant=tenant) as connection:
        connection.execute(outbox.update().where(outbox.c.tenant_id == tenant, outbox.c.id == id).values(**values))
