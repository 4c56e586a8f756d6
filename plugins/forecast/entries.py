"""What people enter of the market, checked."""

from __future__ import annotations

from datetime import date

from sdk import Batch, Context, _


def prepare_factors(ctx: Context, batch: Batch) -> None:
    """A factor is a market series or a kind of event, not both and not neither."""
    for change in batch.standing():
        if (change.after("market_series") is None) == (change.after("event_kind") is None):
            change.refuse("market_series", "one_of_two", _("enter either a market series or a type of events"))


def prepare_events(ctx: Context, batch: Batch) -> None:
    """An event does not end before it starts."""
    for change in batch.standing():
        start, end = change.after("starts_on"), change.after("ends_on")
        if isinstance(start, date) and isinstance(end, date) and end < start:
            change.refuse("ends_on", "before_start", _("is before the first date"))
