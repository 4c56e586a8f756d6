"""Taking back a payment that was entered wrongly: the act, and the button and form on its page."""

from __future__ import annotations

from uuid import UUID

from plugins.orders.payments import PAYMENT
from plugins.orders.process import found, today
from sdk import Conflict, Context, PageRequest, PageRoute, Panel, Redirect, Refusal, Rendering, Slot, _, where
from sdk.context import Row, id_of
from sdk.fields import Money
from sdk.pages import told

MAY = f"{PAYMENT}.create"


def reverse(ctx: Context, id: UUID, reference: str | None = None) -> Row:
    """A payment of today over as much below nothing, which names the one it takes back; asking again answers the same. Raises NotFound, Conflict."""
    with ctx.transaction(write=True):
        ctx.lock(f"{PAYMENT}:{id}")
        found(ctx, PAYMENT, id)  # which one sees; what of it is hidden counts all the same
        payment = found(ctx.as_system(), PAYMENT, id)
        if there := _reversed(ctx, id):
            return there[0]
        if payment["reverses"] is not None:
            raise Conflict(_("this payment reverses another one; enter a new payment instead"), code="is_reversal")
        amount = payment["amount"]
        assert isinstance(amount, Money)
        given = {name: payment[name] for name in ("order", "method", "reference")} | ({"reference": reference} if reference else {})
        return ctx.records(PAYMENT).create(
            {**given, "received_on": today(ctx), "amount": Money(-amount.amount, amount.currency), "reverses": id}
        )


def button(ctx: Context, record: Row) -> Rendering | None:
    """On payments that can be taken back."""
    if record.get("reverses") is not None or _reversed(ctx, UUID(str(record["id"]))):
        return None
    return Rendering("orders/reverse_button.html", {})


def _reversed(ctx: Context, id: UUID) -> list[Row]:
    return ctx.as_system().records(PAYMENT).find(where(reverses=id), 1)


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """What is about to be done."""
    return _form(ctx, request.id())


def do(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Do it; who is led on is led to the payment that takes back."""
    try:
        return Redirect(ctx.page(f"/orders/payments/{id_of(reverse(ctx, request.id()))}"))
    except Refusal as refusal:
        return _form(ctx, request.id(), refusal)


def _form(ctx: Context, id: UUID, refusal: Refusal | None = None) -> Rendering:
    payment = ctx.records(PAYMENT).get(id)
    act = {"key": "reverse", "label": ctx.say(_("Reverse payment")), "icon": "refresh", "tone": "danger",
           "asks": ctx.say(_("A second payment takes back the amount, and what it had settled is due again. Both stay on record."))}  # fmt: skip
    values = {"record": {"number": payment.get("reference"), "version": payment["version"]}, "act": act,
              "back": ctx.page(f"/orders/payments/{id}"), "problems": told(ctx, refusal)}  # fmt: skip
    return Rendering("orders/act.html", values, 200 if refusal is None else refusal.status)


PAGES = (PageRoute("reversal", path="/payments/{id}/reversal", title=_("Reverse payment"), permission=MAY, view=ask, submit=do),)
PANELS = (Panel("reverse", slot=Slot.BUTTON, label=_("Reverse payment"), permission=MAY, view=button, entity=PAYMENT),)
