"""Quotes, orders, contracts, invoices, each with what hangs on it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from plugins.catalog.api import Product
from plugins.customers.api import Account, Contact
from sdk import Mapped, Record, Text, _
from sdk import fields as f
from sdk.rates import RATE_PLACES

ZERO = Decimal(0)
QUOTE_STATES = {"draft": _("Draft"), "sent": _("Sent"), "accepted": _("Accepted"), "rejected": _("Rejected")}
ORDER_STATES = {"draft": _("Draft"), "confirmed": _("Confirmed"), "cancelled": _("Cancelled")}
BILLED = {"none": _("Not invoiced"), "partial": _("Partly invoiced"), "billed": _("Invoiced")}
CONTRACT_STATES = {"draft": _("Draft"), "active": _("In effect"), "ended": _("Ended"), "cancelled": _("Cancelled")}
RENEWALS = {"none": _("Ends"), "manual": _("Manual renewal"), "automatic": _("Renews automatically")}
INVOICE_STATES = {"draft": _("Draft"), "issued": _("Issued"), "credited": _("Credited")}
STATES = {
    "orders.quote": QUOTE_STATES, "orders.order": ORDER_STATES, "orders.contract": CONTRACT_STATES, "orders.invoice": INVOICE_STATES,
}  # fmt: skip

PAYMENT_STATES = {"open": _("Unpaid"), "partial": _("Partly paid"), "paid": _("Paid")}
KINDS = {"invoice": _("Invoice"), "credit_note": _("Credit note")}
STANDINGS = {"new": _("New"), "active": _("Active"), "lost": _("Lost")}
METHODS = {"transfer": _("Bank transfer"), "card": _("Card"), "cash": _("Cash"), "other": _("Other")}


def state_of(entity: str, state: object) -> Text:
    """What people call a state of a document."""
    return STATES[entity][str(state)]


class Quote(Record):
    """An offer to an account, good until a day."""

    __tablename__ = "orders_quotes"

    number: Mapped[str | None] = f.historic(f.text(_("Number"), length=60, readonly=True, unique=True, match=True, search=True))
    name: Mapped[str] = f.called_after(f.text(_("Subject"), required=True, search=True, track=True), "deal", "account")
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True)
    deal_id: Mapped[UUID | None] = f.link(_("Deal"), "pipeline.deal", track=True, timeline=True)
    state: Mapped[str] = f.choice(_("Status"), QUOTE_STATES, default="draft", track=True, index=True)
    quoted_on: Mapped[date | None] = f.on(_("Quoted on"))
    valid_until: Mapped[date | None] = f.on(_("Valid until"), track=True)
    currency: Mapped[str | None] = f.currency(_("Currency"))
    net: Mapped[f.Money | None] = f.money(_("Net"), readonly=True)
    tax: Mapped[f.Money | None] = f.money(_("Tax"), readonly=True)
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)
    mailed_at: Mapped[datetime | None] = f.at(_("Last emailed at"), readonly=True)
    mailed_to_id: Mapped[UUID | None] = f.link(_("Emailed to"), "customers.contact", readonly=True, timeline=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))
    history: Mapped[bool] = f.boolean(_("Imported as history"), readonly=True)


class QuoteLine(Record):
    """A line of a quote."""

    __tablename__ = "orders_quote_lines"

    quote_id: Mapped[UUID] = f.link(_("Quote"), Quote, required=True, parent=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    product_id: Mapped[UUID | None] = f.link(_("Product"), Product)
    description: Mapped[str | None] = f.text(_("Description"))
    quantity: Mapped[Decimal] = f.decimal(_("Quantity"), required=True)
    unit_price: Mapped[f.Money | None] = f.money(_("Unit price"), places=4)
    discount: Mapped[Decimal | None] = f.percent(_("Discount"))
    tax_rate: Mapped[Decimal | None] = f.percent(_("Tax rate"))
    net: Mapped[f.Money | None] = f.historic(f.money(_("Net"), readonly=True))
    tax: Mapped[f.Money | None] = f.historic(f.money(_("Tax"), readonly=True))
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)


class Order(Record):
    """What an account bought."""

    __tablename__ = "orders_orders"

    number: Mapped[str | None] = f.historic(f.text(_("Number"), length=60, readonly=True, unique=True, match=True, search=True))
    name: Mapped[str] = f.called_after(f.text(_("Subject"), required=True, search=True, track=True), "deal", "account")
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True)
    deal_id: Mapped[UUID | None] = f.link(_("Deal"), "pipeline.deal", track=True, timeline=True)
    quote_id: Mapped[UUID | None] = f.link(_("Quote"), Quote)
    state: Mapped[str] = f.choice(_("Status"), ORDER_STATES, default="draft", track=True, index=True)
    ordered_on: Mapped[date | None] = f.on(_("Ordered on"), track=True, index=True)
    billed: Mapped[str] = f.choice(_("Invoicing"), BILLED, default="none", readonly=True, track=True)
    currency: Mapped[str | None] = f.currency(_("Currency"))
    net: Mapped[f.Money | None] = f.money(_("Net"), readonly=True)
    tax: Mapped[f.Money | None] = f.money(_("Tax"), readonly=True)
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)
    base_amount: Mapped[f.Money | None] = f.converts(f.money(_("Net in company currency"), readonly=True), "net")
    rate: Mapped[Decimal | None] = f.converts(f.decimal(_("Exchange rate"), readonly=True, places=RATE_PLACES), "net")
    notes: Mapped[str | None] = f.long_text(_("Notes"))
    history: Mapped[bool] = f.boolean(_("Imported as history"), readonly=True)


class OrderLine(Record):
    """A line of an order: the purchase history of its account."""

    __tablename__ = "orders_order_lines"

    order_id: Mapped[UUID] = f.link(_("Order"), Order, required=True, parent=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    product_id: Mapped[UUID | None] = f.link(_("Product"), Product)
    description: Mapped[str | None] = f.text(_("Description"))
    quantity: Mapped[Decimal] = f.decimal(_("Quantity"), required=True)
    unit_price: Mapped[f.Money | None] = f.money(_("Unit price"), places=4)
    discount: Mapped[Decimal | None] = f.percent(_("Discount"))
    tax_rate: Mapped[Decimal | None] = f.percent(_("Tax rate"))
    net: Mapped[f.Money | None] = f.historic(f.money(_("Net"), readonly=True))
    tax: Mapped[f.Money | None] = f.historic(f.money(_("Tax"), readonly=True))
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)


class Contract(Record):
    """What was agreed with an account, from a day to a day."""

    __tablename__ = "orders_contracts"

    number: Mapped[str | None] = f.historic(f.text(_("Number"), length=60, readonly=True, unique=True, match=True, search=True))
    name: Mapped[str] = f.called_after(f.text(_("Subject"), required=True, search=True, track=True), "deal", "account")
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), Contact, timeline=True)
    deal_id: Mapped[UUID | None] = f.link(_("Deal"), "pipeline.deal", track=True, timeline=True)
    order_id: Mapped[UUID | None] = f.link(_("Order"), Order, timeline=True)
    state: Mapped[str] = f.choice(_("Status"), CONTRACT_STATES, default="draft", track=True, index=True)
    signed_on: Mapped[date | None] = f.on(_("Signed on"), track=True)
    starts_on: Mapped[date | None] = f.on(_("Starts on"), track=True)
    ends_on: Mapped[date | None] = f.on(_("Ends on"), track=True, index=True)
    value: Mapped[f.Money | None] = f.money(_("Value"), track=True)
    renewal: Mapped[str] = f.choice(_("At the end"), RENEWALS, default="none", track=True)
    predecessor_id: Mapped[UUID | None] = f.link(_("Renewal"), "orders.contract", readonly=True, track=True, timeline=True)
    successor_id: Mapped[UUID | None] = f.link(_("Renewed by"), "orders.contract", readonly=True, track=True)
    mailed_at: Mapped[datetime | None] = f.at(_("Last emailed at"), readonly=True)
    mailed_to_id: Mapped[UUID | None] = f.link(_("Emailed to"), "customers.contact", readonly=True, timeline=True)
    terms: Mapped[str | None] = f.long_text(_("Terms"))


class Instalment(Record):
    """A part of an order's payment plan, due on a day or by a milestone: then from the day on which that is reached."""

    __tablename__ = "orders_instalments"

    order_id: Mapped[UUID] = f.link(_("Order"), Order, required=True, parent=True)
    name: Mapped[str | None] = f.text(_("For"), length=100)
    due_on: Mapped[date | None] = f.on(_("Due date"), track=True, index=True)
    milestone: Mapped[str | None] = f.text(_("Due by milestone"), length=100, track=True)
    reached_on: Mapped[date | None] = f.on(_("Milestone reached on"), track=True)
    share: Mapped[Decimal | None] = f.percent(_("Share of the order (%)"), track=True)
    amount: Mapped[f.Money | None] = f.money(_("Amount"), least=ZERO, track=True)
    paid: Mapped[f.Money | None] = f.money(_("Paid"), readonly=True, track=True)
    open: Mapped[f.Money | None] = f.money(_("Open"), readonly=True)
    settled: Mapped[bool] = f.boolean(_("Settled"))


class Invoice(Record):
    """What is to be paid; once issued it stays as it is, and a credit note takes it back. How far it is paid is kept beside it."""

    __tablename__ = "orders_invoices"

    number: Mapped[str | None] = f.historic(f.text(_("Number"), length=60, readonly=True, unique=True, match=True, search=True))
    name: Mapped[str] = f.called_after(f.text(_("Subject"), required=True, search=True, track=True), "order", "account")
    kind: Mapped[str] = f.choice(_("Type"), KINDS, default="invoice", track=True)
    credits_id: Mapped[UUID | None] = f.historic(f.link(_("Credits"), "self", readonly=True))
    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, track=True, timeline=True)
    contact_id: Mapped[UUID | None] = f.link(_("Contact"), "customers.contact", timeline=True)
    order_id: Mapped[UUID | None] = f.link(_("Order"), Order, timeline=True)
    instalment_id: Mapped[UUID | None] = f.historic(f.link(_("For instalment"), Instalment, readonly=True))
    state: Mapped[str] = f.historic(f.choice(_("Status"), INVOICE_STATES, default="draft", readonly=True, track=True, index=True))
    issued_on: Mapped[date | None] = f.historic(f.on(_("Issued on"), readonly=True, track=True, index=True))
    due_on: Mapped[date | None] = f.on(_("Due date"), track=True, index=True)
    currency: Mapped[str | None] = f.currency(_("Currency"))
    net: Mapped[f.Money | None] = f.money(_("Net"), readonly=True)
    tax: Mapped[f.Money | None] = f.money(_("Tax"), readonly=True)
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)
    paid: Mapped[f.Money | None] = f.money(_("Paid"), readonly=True)
    open: Mapped[f.Money | None] = f.money(_("Open"), readonly=True)
    payment_state: Mapped[str | None] = f.choice(_("Payment status"), PAYMENT_STATES, readonly=True, track=True, index=True)
    paid_before: Mapped[f.Money | None] = f.historic(f.money(_("Paid before import"), readonly=True, least=ZERO))
    mailed_at: Mapped[datetime | None] = f.at(_("Last emailed at"), readonly=True)
    mailed_to_id: Mapped[UUID | None] = f.link(_("Emailed to"), "customers.contact", readonly=True, timeline=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))
    history: Mapped[bool] = f.boolean(_("Imported as history"), readonly=True)


class InvoiceLine(Record):
    """A line of an invoice; of an order's line no more is billed than was ordered."""

    __tablename__ = "orders_invoice_lines"

    invoice_id: Mapped[UUID] = f.link(_("Invoice"), Invoice, required=True, parent=True)
    order_line_id: Mapped[UUID | None] = f.link(_("Order line"), OrderLine)
    credits_line_id: Mapped[UUID | None] = f.historic(f.link(_("Credited line"), "orders.invoice_line", readonly=True))
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    product_id: Mapped[UUID | None] = f.link(_("Product"), Product)
    description: Mapped[str | None] = f.text(_("Description"))
    quantity: Mapped[Decimal] = f.decimal(_("Quantity"), required=True)
    unit_price: Mapped[f.Money | None] = f.money(_("Unit price"), places=4)
    discount: Mapped[Decimal | None] = f.percent(_("Discount"))
    tax_rate: Mapped[Decimal | None] = f.percent(_("Tax rate"))
    net: Mapped[f.Money | None] = f.historic(f.money(_("Net"), readonly=True))
    tax: Mapped[f.Money | None] = f.historic(f.money(_("Tax"), readonly=True))
    total: Mapped[f.Money | None] = f.money(_("Total"), readonly=True)


class Payment(Record):
    """Money that came in for an order, or for an invoice without one; it settles what it names, or what is due first. One that was entered wrongly
    is taken back by another over as much below nothing, which names it."""

    __tablename__ = "orders_payments"

    order_id: Mapped[UUID | None] = f.with_example(f.link(_("Order"), Order, parent=True, track=True), "any")
    instalment_id: Mapped[UUID | None] = f.link(_("For instalment"), Instalment, track=True, within="order")
    invoice_id: Mapped[UUID | None] = f.link(_("For invoice"), Invoice, track=True, timeline=True)
    received_on: Mapped[date] = f.on(_("Received on"), required=True, track=True, index=True)
    amount: Mapped[f.Money] = f.money(_("Amount"), required=True, track=True)
    reverses_id: Mapped[UUID | None] = f.by_act(
        f.with_example(f.link(_("Reverses"), "orders.payment", unique=True, within="order"), f.NO_EXAMPLE)
    )
    method: Mapped[str] = f.choice(_("Method"), METHODS, default="transfer")
    reference: Mapped[str | None] = f.text(_("Reference"), length=100, search=True)


class Allocation(Record):
    """How much of a payment settles which instalment."""

    __tablename__ = "orders_allocations"

    payment_id: Mapped[UUID] = f.link(_("Payment"), Payment, required=True, parent=True)
    instalment_id: Mapped[UUID] = f.link(_("Instalment"), Instalment, required=True)
    amount: Mapped[f.Money] = f.money(_("Amount"), required=True)


class Purchases(Record):
    """Since when an account buys, and how it stands with us; kept up to date so that reports can group by it."""

    __tablename__ = "orders_purchases"

    account_id: Mapped[UUID] = f.link(_("Account"), Account, required=True, unique=True, parent=True)
    first_order_on: Mapped[date | None] = f.on(_("First order"), readonly=True, index=True)
    standing: Mapped[str | None] = f.choice(_("Customer status"), STANDINGS, readonly=True, index=True, track=True)


_BOUGHT = Order.state == "confirmed"
_BASE = Order.table().c["base_amount_currency"]
LIFETIME = (
    f.over(Order.account_id, sa.func.sum(Order.base_amount, type_=Order.table().c.base_amount.type).filter(_BOUGHT)),
    f.over(Order.account_id, sa.func.max(_BASE).filter(_BOUGHT)),
)
"""What an account has bought, in the company’s own currency."""


def _over_group(value: sa.ColumnElement[Any]) -> f.Source:
    """What `value` is over the orders of an account and of all companies below it, of those that the reader sees."""
    order, company = Order.table(), Account.table()

    def source(account: FromClause, reach: f.Reach) -> sa.ColumnElement[object]:
        top, below = company.alias("group_top"), company.alias("group_below")
        start = sa.select(top.c.id).where(top.c.tenant_id == account.c.tenant_id, top.c.id == account.c.id).correlate(account)
        tree = start.cte("group_tree", recursive=True, nesting=True)
        next_ = sa.select(below.c.id).join(tree, below.c.parent_id == tree.c.id)
        # UNION, not UNION ALL: what two writes at the same moment may have tied into a circle still ends.
        tree = tree.union(next_.where(below.c.tenant_id == account.c.tenant_id, below.c.deleted_at.is_(None)).correlate(account))
        used = ("account_id", "state", "base_amount", "base_amount_currency")
        mine = (order.c.account_id.in_(sa.select(tree.c.id)), *reach(Order, used), f.sifted(order.c.state == "confirmed"))
        return sa.select(value).where(*mine).correlate(account).scalar_subquery()

    return source


GROUP = (
    _over_group(sa.func.sum(Order.table().c.base_amount, type_=Order.table().c.base_amount.type)),
    _over_group(sa.func.max(Order.table().c.base_amount_currency)),
)
"""What an account and the companies below it have bought."""
LAST_ORDER = f.over(Order.account_id, sa.func.max(Order.ordered_on).filter(_BOUGHT))
"""When it last bought something."""
ORDERS = f.over(Order.account_id, sa.func.count().filter(_BOUGHT))
"""How often it did."""
