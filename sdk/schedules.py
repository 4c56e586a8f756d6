"""Work that comes round by the clock: once for each tenant, in the tenant's own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

from sdk.errors import DeclarationError

if TYPE_CHECKING:
    from sdk.context import Context

LEAST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Call `run` as the system, `every` so often or daily `at` a local time of the tenant (on `weekdays`, 1 Monday to 7 Sunday).

    Runs do not overlap. What was missed while nothing ran is caught up by one run, not by many. A run is retried like a job
    and must bear a second one. The first run comes when the time is first reached after the plugin was switched on.
    A time that the change to summer time leaves out is taken at the same distance from midnight; one that comes twice, once.
    """

    name: str
    run: Callable[[Context], None]
    every: timedelta | None = None
    at: time | None = None
    weekdays: tuple[int, ...] = ()
    plugin: str = ""
    label: str = ""
    """What people call it where background work is listed (`ctx.called`)."""

    def __post_init__(self) -> None:
        where = f"schedule {self.name!r}"
        if (self.every is None) == (self.at is None):
            raise DeclarationError(f"{where}: give either every=timedelta(...) or at=time(...)")
        if self.every is not None and self.every < LEAST:
            raise DeclarationError(f"{where}: every is {self.every}; expected {LEAST.seconds} seconds or more")
        if self.at is not None and self.at.tzinfo is not None:
            raise DeclarationError(f"{where}: at is a local time of each tenant; leave its time zone out")
        if self.weekdays and (self.at is None or not set(self.weekdays) <= set(range(1, 8))):
            raise DeclarationError(f"{where}: weekdays go with at=time(...) and are 1 (Monday) to 7 (Sunday), got {self.weekdays}")

    @property
    def timing(self) -> str:
        """When it runs, in words that change with it."""
        days = f" on {','.join(map(str, sorted(set(self.weekdays))))}" if self.weekdays else ""
        return f"every {self.every}" if self.at is None else f"at {self.at.isoformat()}{days}"
