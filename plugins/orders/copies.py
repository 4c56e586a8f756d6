"""A copy of each invoice as it was issued, where the tenant has documents."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.orders.invoices import ISSUED
from sdk import Context, Event

PARTNER, ISSUE = "documents.document", "documents.issue"


def keep_copies(ctx: Context, events: Sequence[Event]) -> None:
    """Have the PDF made in the background: it is of the moment of issue but for the seconds in between, and made once."""
    if not ctx.offers(PARTNER):
        return
    for event in events:
        later(ctx, f"orders.invoice:{event.record_id}", "orders.invoice", "pdf", f"{ISSUED}:{event.record_id}", event.payload.get("by"))


def later(ctx: Context, about: str, template: str, format: str, occasion: str, by: object = None) -> None:
    """Ask the partner for a copy; `occasion` makes it one, `by` is who it is issued by."""
    ctx.enqueue(ISSUE, {"about": about, "template": template, "format": format, "occasion": occasion, "by": by})
