"""To whom quotes, contracts and invoices are mailed; each says when it was last, and to whom."""

from __future__ import annotations

from uuid import UUID

from plugins.orders.invoices import ISSUED
from plugins.orders.process import MAIL, found
from sdk import Addressee, Conflict, Context, Forbidden, Invalid, Problem, _
from sdk.context import Row

CONTACT = "customers.contact"


def mail_quote(ctx: Context, id: UUID, contact: UUID | None) -> Addressee:
    """A quote goes as it stands now."""
    return _noted(ctx, "orders.quote", found(ctx.as_system(), "orders.quote", id), contact)


def mail_contract(ctx: Context, id: UUID, contact: UUID | None) -> Addressee:
    """A contract goes as it stands now."""
    return _noted(ctx, "orders.contract", found(ctx.as_system(), "orders.contract", id), contact)


def mail_invoice(ctx: Context, id: UUID, contact: UUID | None) -> Addressee:
    """An invoice goes as it was issued, the same copy each time."""
    invoice = found(ctx.as_system(), "orders.invoice", id)
    if invoice["state"] == "draft":
        raise Conflict(_("the invoice is a draft; issue it before emailing it"), code="invoice_draft")
    return _noted(ctx, "orders.invoice", invoice, contact, f"{ISSUED}:{id}")


def _noted(ctx: Context, entity: str, row: Row, contact: UUID | None, occasion: str = "") -> Addressee:
    """The contact's address. Who may not change the record may not send it either: the note goes through the door."""
    to = contact or row["contact"]
    if not isinstance(to, UUID):
        raise _invalid("required", _("{number} has no contact; choose the recipient"), number=str(row["number"]))
    person = ctx.records(CONTACT).values([to]).get(to)
    if person is None:
        raise _invalid("no_such_record", _("{entity} {id} does not exist"), entity=CONTACT, id=str(to))
    if "email" not in person:
        raise Forbidden(_("the email needs {field} of {entity}, which you don’t have access to"), field="email", entity=CONTACT)
    if not person["email"]:
        text = _("{name} has no email address; add one, or choose another contact")
        raise _invalid("no_address", text, name=str(person.get("name") or to))
    ctx.records(entity).update(row["id"], {"mailed_at": ctx.now(), "mailed_to": to}, act=MAIL)  # type: ignore[arg-type]
    return Addressee(str(person["email"]), str(person.get("name") or ""), occasion)


def _invalid(code: str, text: object, **params: object) -> Invalid:
    return Invalid(_("it can’t be emailed"), problems=[Problem("contact", code, text, params)])  # type: ignore[arg-type]
