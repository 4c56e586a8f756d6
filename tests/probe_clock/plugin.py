"""An entry of the probe at nine o'clock, on Mondays and every hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from sdk import Capabilities, Context, Manifest, Schedule, _, hookimpl
from tests.probe.plugin import HandlerError

manifest = Manifest(
    name="probe_clock",
    version="1.0",
    title=_("Probe"),
    summary=_("By the clock."),
    requires=("probe",),
    capabilities=Capabilities(data=("probe.entry.create:text",), jobs=("daily", "mondays", "hourly")),
)
troubles: list[str] = []
"""While it holds a word, "hourly" fails with it."""


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (
        Schedule("daily", daily, at=time(9)),
        Schedule("mondays", mondays, at=time(7, 30), weekdays=(1,)),
        Schedule("hourly", hourly, every=timedelta(hours=1)),
    )


def daily(ctx: Context) -> None:
    _note(ctx, "daily")


def mondays(ctx: Context) -> None:
    _note(ctx, "mondays")


def hourly(ctx: Context) -> None:
    _note(ctx, "hourly")
    if troubles:
        raise HandlerError(troubles[0])


def _note(ctx: Context, word: str) -> None:
    with ctx.transaction(write=True):
        ctx.records("probe.entry").create({"text": f"{word} at {ctx.now():%m-%d %H:%M}"})
