"""What was not heard while the plugin was off, or was counted otherwise by an earlier version, is made up for."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from plugins.orders import invoices, pricing, settlement, standing
from sdk import Condition, Context, Query

JOB, PART, FEW = "catch_up", 500, 20


def begin(ctx: Context) -> None:
    """In the background, where there is anything to look at."""
    if any(ctx.as_system().records(name).find((), 1) for name in (pricing.ORDER, settlement.INVOICE)):
        ctx.enqueue(f"orders.{JOB}", {})


def each_night(ctx: Context) -> None:
    """Rates that have come into force, or came while nobody was told, are used; and customers are counted for today."""
    pricing.price_unpriced(ctx.as_system())
    standing.each_night(ctx)


def catch_up(ctx: Context, _arguments: Mapping[str, object]) -> None:
    """Orders are priced at rates that came meanwhile, say how far they are billed, and customers are counted for today."""
    with ctx.transaction(write=True):
        pricing.price_unpriced(ctx.as_system())
    standing.recount_all(ctx.as_system(), {})
    _count_billed(ctx.as_system())
    _count_paid(ctx.as_system())


def _count_billed(ctx: Context) -> None:
    """Orders that take something back: an earlier version took such lines for no part of what is billed."""
    below, orders = (Condition("quantity", "lt", ("0",)),), set[UUID]()
    cursor: str | None = ""
    while cursor is not None:
        page = ctx.records("orders.order_line").query(Query(below, fields=("id", "order"), limit=PART, cursor=cursor))
        orders, cursor = orders | {UUID(str(row["order"])) for row in page.data}, page.next
    wanted = sorted(orders)
    for start in range(0, len(wanted), FEW):
        with ctx.transaction(write=True):
            invoices.count_billed(ctx, wanted[start : start + FEW])


def _count_paid(ctx: Context) -> None:
    """Issued invoices: an earlier version did not say how far they are paid."""
    unsaid = (Condition("state", "eq", ("issued",)), Condition("kind", "eq", ("invoice",)), Condition("payment_state", "empty", ("true",)))
    keys = set[UUID]()
    cursor: str | None = ""
    while cursor is not None:
        page = ctx.records(settlement.INVOICE).query(Query(unsaid, fields=("id", "order"), limit=PART, cursor=cursor))
        keys, cursor = keys | {UUID(str(row["order"] or row["id"])) for row in page.data}, page.next
    wanted = sorted(keys)
    for start in range(0, len(wanted), FEW):
        with ctx.transaction(write=True):
            settlement.count_paid(ctx, wanted[start : start + FEW])
