"""What waits for jobs that are gone: they came while the plugin was off, or failed for good."""

from __future__ import annotations

from datetime import timedelta

from plugins.automation import running, timing, webhooks
from sdk import Condition, Context

OVERDUE = timedelta(hours=1)
"""What was last touched so long ago has no job any more: between two attempts of a run there are 30 minutes at the most."""


def begin(ctx: Context) -> None:
    """The tenant has the plugin, or has it again."""
    timing.resume(ctx)
    running.ask_again(ctx)
    webhooks.ask_again(ctx)


def resume(ctx: Context) -> None:
    """From time to time: a plugin that was out of force is not told when it is back."""
    left = Condition("updated_at", "lt", (ctx.now() - OVERDUE,))
    timing.resume(ctx)
    with ctx.transaction(write=True):
        running.ask_again(ctx, left)
        webhooks.ask_again(ctx, left)
