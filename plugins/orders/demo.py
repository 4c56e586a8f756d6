"""Orders for deals that were won, contracts for some of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from plugins.orders import invoices
from plugins.orders.amounts import rounded
from plugins.orders.copies import PARTNER, later
from plugins.orders.renewals import renew
from sdk import Context, Draft, Outcome, where
from sdk.context import Row, id_of
from sdk.fields import Money

MOST, RENEWED = 120, 4
QUOTES = 8
PAPERS = 4
"""Invoices that are issued, and contracts of which there is a copy."""
PARTS = ((30, -20), (70, 40))
"""The shares of a payment plan, and when they are due from today in days; the first has come in."""
PAID = (Decimal(1), Decimal("0.4"))
"""How much of the first of these invoices has come in."""


def fill(ctx: Context, random: Random) -> None:
    """An order with one to three lines for each won deal, a contract of a year for every third."""
    every = ctx.records("pipeline.deal").find(where(status="won"), 1000) if ctx.offers("pipeline.deal") else []
    won = every[:: max(1, len(every) // MOST)]  # from all months
    products = ctx.records("catalog.product").find(())
    deals = [deal for deal in won if deal["account"] is not None]
    orders = _written(ctx, "orders.order", [_order(deal) for deal in deals])
    lines = [
        {"order": order.id, "position": place, "product": product["id"], "quantity": random.randint(1, 12), "tax_rate": 13,
         "unit_price": product["price"], "discount": random.choice((None, None, 5, 10))}
        for order in orders
        for place, product in enumerate(random.sample(products, random.randint(1, 3)), 1)
    ]  # fmt: skip
    _written(ctx, "orders.order_line", lines)
    changes = [Draft("update", {"state": "confirmed"}, order.id) for order in orders]
    ctx.records("orders.order").write_all(changes)
    today = ctx.now().date()
    contracts = [_contract(deal, order, today, random) for deal, order in zip(deals[::3], orders[::3], strict=True)]
    made = _written(ctx, "orders.contract", contracts)
    over = [one.id for one, values in zip(made, contracts, strict=True) if values["state"] == "ended" and values["renewal"] != "none"]
    for id in over[:RENEWED]:
        if id is not None:
            renew(ctx, id)
    _papers(ctx, orders, made)
    _quotes(ctx, products)


def _quotes(ctx: Context, products: list[Row]) -> None:
    """A few quotes for open deals: drafts, sent ones and one that was rejected."""
    random = Random(QUOTES)  # of their own, so that what is made after them stays as it was
    open_deals = ctx.records("pipeline.deal").find(where(status="open"), 200) if ctx.offers("pipeline.deal") else []
    deals = [deal for deal in open_deals if deal["account"] is not None][:QUOTES]
    currency = ctx.tenant.currency
    priced = [product for product in products if isinstance(product["price"], Money) and product["price"].currency == currency]
    if not priced:
        return
    given = [{**{name: deal[name] for name in ("name", "account", "owner")}, "deal": deal["id"], "currency": currency} for deal in deals]
    quotes = _written(ctx, "orders.quote", given)
    lines = [
        {"quote": quote.id, "position": place, "product": product["id"], "quantity": random.randint(1, 20), "tax_rate": 13,
         "discount": random.choice((None, None, 3, 5, 8))}
        for quote in quotes
        for place, product in enumerate(random.sample(priced, min(len(priced), random.randint(2, 4))), 1)
    ]  # fmt: skip
    _written(ctx, "orders.quote_line", lines)
    states = ("sent", "sent", "rejected")
    ctx.records("orders.quote").write_all(
        [Draft("update", {"state": state}, quote.id) for state, quote in zip(states, quotes, strict=False)]
    )


def _papers(ctx: Context, orders: list[Outcome], contracts: list[Outcome]) -> None:
    """A few invoices, the last one taken back, plans of payment, and copies of a few contracts where there are documents."""
    issued = [invoices.issue(ctx, id_of(invoices.bill(ctx, order.id, None))) for order in orders[-PAPERS:] if order.id is not None]
    if issued:
        invoices.credit(ctx, id_of(issued[-1]))
    for invoice, share in zip(issued, PAID, strict=False):
        total = invoice["total"]
        assert isinstance(total, Money)
        came = {"order": invoice["order"], "invoice": invoice["id"], "received_on": invoice["issued_on"]}
        ctx.records("orders.payment").create({**came, "amount": Money(rounded(total.amount * share, total.currency), total.currency)})
    _plans(ctx, orders[-PAPERS - len(PARTS) : -PAPERS])
    for contract in contracts[-PAPERS:] if ctx.offers(PARTNER) else ():
        for format in ("pdf", "docx"):
            later(ctx, f"orders.contract:{contract.id}", "orders.contract", format, f"demo:{format}:{contract.id}")


def _plans(ctx: Context, orders: list[Outcome]) -> None:
    """Orders that are paid in parts."""
    today = ctx.now().date()
    parts: list[dict[str, object]] = [
        {"order": order.id, "due_on": today + timedelta(days=days), "share": share} for order in orders for share, days in PARTS
    ]
    for part in _written(ctx, "orders.instalment", parts)[:: len(PARTS)]:
        assert part.row is not None
        came = {"order": part.row["order"], "instalment": part.id, "received_on": part.row["due_on"], "amount": part.row["amount"]}
        ctx.records("orders.payment").create(came)


def _order(deal: Row) -> dict[str, object]:
    given = {name: deal[name] for name in ("name", "account", "owner")}
    return {**given, "deal": deal["id"], "ordered_on": deal["close_date"], "currency": "CNY"}


def _contract(deal: Row, order: Outcome, today: date, random: Random) -> dict[str, object]:
    ends = today + timedelta(days=random.randint(-200, 300))
    return {
        "name": deal["name"], "account": deal["account"], "owner": deal["owner"], "deal": deal["id"], "order": order.id, "value": deal["amount"],
        "signed_on": ends - timedelta(days=370), "starts_on": ends - timedelta(days=364), "ends_on": ends,
        "state": "active" if ends >= today else "ended", "renewal": random.choice(("none", "manual", "automatic")),
    }  # fmt: skip


def _written(ctx: Context, entity: str, rows: list[dict[str, object]]) -> list[Outcome]:
    return ctx.records(entity).write_all([Draft("create", row) for row in rows])
