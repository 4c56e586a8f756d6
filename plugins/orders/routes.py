"""The acts of quotes, orders and invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields

from plugins.orders import by_plan, invoices, process, renewals, reversals
from plugins.orders.tables import InvoiceLine, Payment
from sdk import Context, Request, Response, Route, _
from sdk.context import Row

_RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}


class BilledLine(Schema):
    """A line of the order and how much of it is billed."""

    order_line = fields.UUID(required=True)
    quantity = InvoiceLine.__fields__["quantity"].input()


class Bill(Schema):
    """Which quantities are billed; left out, all that is not billed yet."""

    lines = fields.List(fields.Nested(BilledLine), load_default=None, allow_none=True)


class CreditedLine(Schema):
    """A line of the invoice and how much of it is taken back."""

    invoice_line = fields.UUID(required=True)
    quantity = InvoiceLine.__fields__["quantity"].input()


class Credit(Schema):
    """Which quantities are taken back; left out, all that is left."""

    lines = fields.List(fields.Nested(CreditedLine), load_default=None, allow_none=True)


class Reversal(Schema):
    """Why, as the new payment says it; left out, the reference of the payment that is taken back."""

    reference = Payment.__fields__["reference"].input(required=False)


class Renewal(Schema):
    """The contract that follows, and the deal about it, where there are deals."""

    id = fields.UUID(required=True)
    deal = fields.UUID(required=True, allow_none=True)


def _made(ctx: Context, entity: str, plural: str, row: Row) -> Response:
    return Response(ctx.records(entity).get(cast("UUID", row["id"])), 201, {"Location": f"/api/v1/orders/{plural}/{row['id']}"})


def accept_quote(ctx: Context, request: Request) -> Response:
    """Make the order of a quote."""
    return _made(ctx, "orders.order", "orders", process.accept(ctx, request.id()))


def _quantities(lines: object, link: str) -> dict[UUID, Decimal] | None:
    """What is asked of each line, in all; None for everything."""
    if lines is None:
        return None
    asked: dict[UUID, Decimal] = {}
    for line in cast("list[dict[str, object]]", lines):
        id, quantity = cast("UUID", line[link]), cast("Decimal", line["quantity"])
        asked[id] = asked.get(id, Decimal(0)) + quantity
    return asked


def bill_order(ctx: Context, request: Request) -> Response:
    """Make a draft invoice of an order."""
    quantities = _quantities(request.body["lines"], "order_line")
    return _made(ctx, "orders.invoice", "invoices", invoices.bill(ctx, request.id(), quantities))


def bill_instalment(ctx: Context, request: Request) -> Response:
    """Make a draft invoice over an instalment; asking again answers the same."""
    return _made(ctx, "orders.invoice", "invoices", by_plan.bill_instalment(ctx, request.id()))


def issue_invoice(ctx: Context, request: Request) -> Response:
    """Issue an invoice."""
    return _made(ctx, "orders.invoice", "invoices", invoices.issue(ctx, request.id()))


def credit_invoice(ctx: Context, request: Request) -> Response:
    """Take an invoice back with a credit note."""
    quantities = _quantities(request.body["lines"], "invoice_line")
    return _made(ctx, "orders.invoice", "invoices", invoices.credit(ctx, request.id(), quantities))


def reverse_payment(ctx: Context, request: Request) -> Response:
    """Take a payment back with another one."""
    return _made(ctx, "orders.payment", "payments", reversals.reverse(ctx, request.id(), cast("str | None", request.body["reference"])))


def renew_contract(ctx: Context, request: Request) -> Response:
    """Make the contract that follows; asking again answers the same one."""
    made = renewals.renew(ctx, request.id())
    return Response({"id": made["id"], "deal": made.get("deal")}, 201, {"Location": f"/api/v1/orders/contracts/{made['id']}"})


ROUTES = (
    Route(method="POST", path="/quotes/{id}/orders", view=accept_quote, permission="orders.quote.update", summary=_("Accept a quote"),
          answer=_RECORD, status=201),
    Route(method="POST", path="/orders/{id}/invoices", view=bill_order, permission="orders.invoice.create", summary=_("Invoice an order"),
          body=Bill, answer=_RECORD, status=201),
    Route(method="POST", path="/instalments/{id}/invoices", view=bill_instalment, permission="orders.invoice.create",
          summary=_("Invoice an instalment"), answer=_RECORD, status=201),
    Route(method="POST", path="/invoices/{id}/issues", view=issue_invoice, permission="orders.invoice.update",
          summary=_("Issue an invoice"), answer=_RECORD, status=201),
    Route(method="POST", path="/invoices/{id}/credit_notes", view=credit_invoice, permission="orders.invoice.create",
          summary=_("Credit an invoice"), body=Credit, answer=_RECORD, status=201),
    Route(method="POST", path="/payments/{id}/reversals", view=reverse_payment, permission=reversals.MAY, summary=_("Reverse a payment"),
          body=Reversal, answer=_RECORD, status=201),
    Route(method="POST", path="/contracts/{id}/renewals", view=renew_contract, permission="orders.contract.create",
          summary=_("Renew a contract"), answer=Renewal, status=201),
)  # fmt: skip
