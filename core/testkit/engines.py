"""Background work in tests: the drain of `serve`, or a relay and workers of RQ over a real Redis or Valkey."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from core.platform import Platform
from core.worker.drain import Drain


class Engine(Protocol):
    """`engine.run_until_idle()` runs everything that is due now, and what follows from it."""

    def run_until_idle(self) -> None:
        """Schedules that are due, deliveries and jobs, until there is nothing left to do at this time."""

    def run_apart(self) -> None:
        """The same in processes of their own, which a handler may kill."""


class Embedded:
    """The in-process drain."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run_until_idle(self) -> None:
        Drain(self._platform).run_until_empty()

    def run_apart(self) -> None:
        child = os.fork()
        if child == 0:
            try:
                self._platform.database.engine.dispose(close=False)
                self.run_until_idle()
            finally:
                os._exit(0)
        os.waitpid(child, 0)


class Scaled:
    """A relay, and an RQ worker: of one process, or with a fork for each row as in production, where that makes a difference."""

    def __init__(self, platform: Platform, redis_url: str) -> None:
        from core.worker import rq_worker  # noqa: PLC0415 (an extra)
        from core.worker.relay import Relay  # noqa: PLC0415

        self._platform = platform
        self._together, self._apart = rq_worker.OneProcess, rq_worker.RowWorker
        self.connection = rq_worker.connect(redis_url)
        self.queue = rq_worker.queue_on(self.connection)
        self.relay = Relay(platform, self.connection)

    def run_until_idle(self) -> None:
        while self.relay.run_once() or self.queue.count:
            self.work()

    def work(self, *, apart: bool = False) -> None:
        """Run what is in the queue."""
        worker = self._apart if apart else self._together
        with _signals_kept():
            worker(self._platform, self.connection).work(burst=True, logging_level="WARNING")

    def run_apart(self) -> None:
        while self.relay.run_once() or self.queue.count:
            self.work(apart=True)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """A worker takes the signals of its process; a test gives them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
