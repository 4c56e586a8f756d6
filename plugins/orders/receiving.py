"""The way from an invoice or an instalment to the payment that came in for it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from urllib.parse import urlencode

from plugins.orders.process import today
from plugins.orders.reversals import MAY
from sdk import Context, Panel, Rendering, Slot, _
from sdk.context import Row


def button(link: str, ctx: Context, record: Row) -> Rendering | None:
    """Leads to the form of a payment over what is open; not where nothing is."""
    left = record.get("open")
    if not isinstance(left, Mapping) or Decimal(str(left["amount"])) <= 0 or record.get("payment_state", "open") is None:
        return None
    amount = {f"amount__{part}": left[part] for part in ("amount", "currency")}
    given = {link: record["id"], **amount, "received_on": today(ctx).isoformat()}
    return Rendering("orders/receive_button.html", {"href": f"{ctx.page('/orders/payments/new')}?{urlencode(given)}"})


PANELS = tuple(
    Panel(
        f"receive_{link}", slot=Slot.BUTTON, label=_("Record payment"), permission=MAY, view=partial(button, link), entity=f"orders.{link}"
    )
    for link in ("invoice", "instalment")
)
