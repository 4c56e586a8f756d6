"""What becomes of a row of the outbox."""

from __future__ import annotations

from typing import Final

from sdk import GiveUp

WAITING: Final = "waiting"
"""to be run when it is due; `error` is why the last attempt failed"""
DONE: Final = "done"
SKIPPED: Final = "skipped"
"""its plugin was switched off, or who asked for it has left"""
DEAD: Final = "dead"
"""no further attempt by itself; `error` says why"""
HELD: Final = "held"
"""the installation lacks what it needs; `error` says what to set up"""


class NotYet(GiveUp):
    """Raised by a job of core that has to wait for somebody's decision: this was no attempt."""


class Held(GiveUp):
    """Raised by a job of core that cannot run before the installation is set up."""
