"""From the outbox to the queue: rows are claimed here and run elsewhere. Any number of relays may work side by side."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from redis import Redis

from core.events import schedules
from core.worker.drain import claim
from core.worker.rq_worker import enqueue, queue_on
from core.worker.schedule import run_due

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.relay")
BATCH = 200
MOST_QUEUED = 500
"""What waits beyond that waits in the database: a queue longer than a lease would be filled again with the same rows."""


class Relay:
    """Claimed rows stay in the database: where the queue is lost, their lease ends and they are put into it again."""

    def __init__(self, platform: Platform, connection: Redis, *, pause: float = 0.5) -> None:
        self._platform, self._queue, self._pause = platform, queue_on(connection), pause
        self._stop = threading.Event()

    def run(self) -> None:
        """Work until stopped; a database or a Redis that is away is asked again."""
        adopted = False
        while not self._stop.is_set():
            try:
                if not adopted:
                    schedules.adopt(self._platform)
                    adopted = True
                busy = self.run_once()
            except Exception:
                log.exception("the relay could not work")
                busy = 0
            if not busy:
                self._stop.wait(self._pause)

    def stop(self) -> None:
        """End after the present batch."""
        self._stop.set()

    def run_once(self) -> int:
        """See which schedules are due, and pass on a batch of what is; returns its size."""
        run_due(self._platform)
        room = MOST_QUEUED - self._queue.count
        if room <= 0:
            return 0
        rows = claim(self._platform, min(BATCH, room), attempt=False)
        if rows:
            enqueue(self._queue, rows)
        return len(rows)
