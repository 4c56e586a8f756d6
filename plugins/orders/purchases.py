"""What an account has bought most, on its page."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from plugins.orders.process import today
from sdk import Condition, Context, Panel, Rendering, Slot, _
from sdk.context import Row

LINE = "orders.order_line"
_FEW, _MOST = 5, 10_000
"""So many are shown, of so many: more groups than that no statement gives."""
_NEEDED, _OF_ORDER = {"order", "product", "quantity", "net"}, {"account", "state"}


def top_products(ctx: Context, account: Mapping[str, object]) -> Rendering | None:
    """The five products for which an account has ordered most, with quantity and net amounts; nothing where it has bought none that one sees."""
    if not (ctx.records(LINE).fields().keys() >= _NEEDED and ctx.records("orders.order").fields().keys() >= _OF_ORDER):
        return None
    bought = (Condition("order.account", "eq", (str(account["id"]),)), Condition("order.state", "eq", ("confirmed",)),
              Condition("product", "empty", ("false",)))  # fmt: skip
    rows = [_line(row) for row in ctx.records(LINE).aggregate(["sum:quantity", "sum:net"], ["product"], bought, _MOST)]
    worth = _in_own_currency(ctx, rows)
    best = sorted(zip(worth, rows, strict=True), key=lambda one: (-one[0], str(one[1]["name"])))[:_FEW]
    return Rendering("orders/purchases.html", {"products": [row for _worth, row in best]}) if best else None


def _line(row: Row) -> dict[str, object]:
    net = row["sum:net"]
    amounts = net if isinstance(net, list) else [] if net is None else [net]
    return {"id": row["product.id"], "name": row["product"], "quantity": row["sum:quantity"], "amounts": amounts}


def _in_own_currency(ctx: Context, rows: list[dict[str, object]]) -> list[Decimal]:
    """What each is worth today, to put them in order; a currency without a rate counts for nothing there."""
    day = today(ctx)
    pairs = {(str(one["currency"]), day) for row in rows for one in row["amounts"]}  # type: ignore[attr-defined]
    rates = ctx.rates(pairs) if pairs else {}
    return [
        sum((Decimal(one["amount"]) * (rates.get((one["currency"], day)) or 0) for one in row["amounts"]), Decimal(0))  # type: ignore[attr-defined]
        for row in rows
    ]


PANELS = (
    Panel("purchases", slot=Slot.PANEL, label=_("Top products"), permission=f"{LINE}.read", view=top_products,
          entity="customers.account", position=5),
)  # fmt: skip
