"""How a command ends that somebody stops: in order, whether by Ctrl-C or by SIGTERM, and however often it is said."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

PATIENCE = 5.0
"""Seconds for which a command that was stopped may tidy up before it is stopped once more."""


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM is an exception as Ctrl-C is, so that what was begun can be ended; what comes while that is done waits."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = -PATIENCE

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if monotonic() - stopped < PATIENCE:
            return
        stopped = monotonic()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
