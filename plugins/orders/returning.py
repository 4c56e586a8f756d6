"""What was not heard while the plugin was off, or was counted otherwise by an earlier version, is made up for."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.orders import pricing, standing
from sdk import Context

JOB = "catch_up"


def begin(ctx: Context) -> None:
    """In the background, where there is anything to look at."""
    if ctx.as_system().records(pricing.ORDER).find((), 1):
        ctx.enqueue(f"orders.{JOB}", {})


def catch_up(ctx: Context, _arguments: Mapping[str, object]) -> None:
    """Orders are priced at rates that came meanwhile, and customers counted for today."""
    with ctx.transaction(write=True):
        pricing.price_unpriced(ctx.as_system())
    standing.recount_all(ctx.as_system(), {})
