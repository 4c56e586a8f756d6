"""From a lead to account, contact and deal: in one transaction, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from plugins.leads.tables import CONVERTED
from plugins.leads.touches import move_to_customer
from sdk import Alike, Batch, Conflict, Context, NotFound, _, where
from sdk.changes import ERASE
from sdk.context import Row, id_of

LEAD, ACCOUNT, CONTACT, DEAL = "leads.lead", "customers.account", "customers.contact", "pipeline.deal"
ACT = "convert"
READY = frozenset({"new", "working", "qualified"})
OPEN_TO_CHANGE = frozenset({"notes"})
"""What may still change once a lead is converted."""


@dataclass(frozen=True)
class Wish:
    """An account to use in place of a new one; the deal's values, or None for no deal; what of an account or a contact that is likely there."""

    account: object = None
    deal: Mapping[str, object] | None = None
    alike: Alike = Alike.DEFAULT


def convert(ctx: Context, id: UUID, wish: Wish) -> Row:
    """The lead with the account, contact and deal made of it; who asks again gets the same. Raises NotFound, Conflict, Invalid.

    Everything is written with the actor's own rights. Two who ask at the same time wait for each other.
    """
    with ctx.transaction(write=True):
        ctx.lock(f"{LEAD}:{id}")
        leads = ctx.records(LEAD)
        lead = leads.values([id]).get(id)
        if lead is None:
            raise NotFound(_("{entity} {id} does not exist"), entity=LEAD, id=str(id))
        if lead["state"] == CONVERTED:
            return lead
        if lead["state"] not in READY:
            raise Conflict(_("the lead is disqualified; undo that before converting it"), code="lead_disqualified")
        account = _account(ctx, lead, wish)
        contact = _contact(ctx, lead, account, wish.alike)
        move_to_customer(ctx, id, account, contact)
        deal = _deal(ctx, lead, account, contact, wish.deal) if wish.deal is not None else None
        made = {"state": CONVERTED, "converted_at": ctx.now(), "account": account, "contact": contact, "deal": deal}
        return leads.update(id, made, act=ACT)


def _account(ctx: Context, lead: Row, wish: Wish) -> UUID | None:
    """The account that was asked for, the only one of the company's name that one sees, or a new one; none without a company."""
    accounts = ctx.records(ACCOUNT)
    if wish.account is not None:
        named = where(id=wish.account) if isinstance(wish.account, UUID) else where(name=wish.account)
        found = accounts.find(named, 2)
        if len(found) != 1:
            raise NotFound(_("{count} accounts are named {value!r}; expected one"), count=len(found), value=str(wish.account)[:80])
        return id_of(found[0])
    if lead["company"] is None:
        return None
    found = accounts.find(where(name=lead["company"]), 2)
    if len(found) == 1:
        return id_of(found[0])
    values = {"name": lead["company"], "website": lead["website"], "phone": lead["phone"], "owner": lead["owner"]}
    return id_of(accounts.create(values, alike=wish.alike))


def _contact(ctx: Context, lead: Row, account: UUID | None, alike: Alike) -> UUID:
    """The contact of the same address at the account, if one sees it, or a new one."""
    contacts = ctx.records(CONTACT)
    if lead["email"] is not None and account is not None and (there := contacts.find(where(email=lead["email"], account=account), 1)):
        return id_of(there[0])
    person = {name: lead[name] for name in ("name", "title", "email", "phone")}
    return id_of(contacts.create(person | {"account": account, "owner": lead["owner"]}, alike=alike))


def _deal(ctx: Context, lead: Row, account: UUID | None, contact: UUID, wish: Mapping[str, object]) -> UUID:
    given = {name: lead[name] for name in ("owner", "source") if lead[name] is not None}
    if ctx.offers("catalog.product") and lead.get("product") is not None:
        given["product"] = lead["product"]
    values = {
        "name": lead["company"] or lead["name"], "amount": lead["value"], **given, **wish, "account": account, "contact": contact,
        "leads.lead": lead["id"], "leads.campaign": lead["campaign"],
    }  # fmt: skip
    return id_of(ctx.records(DEAL).create(values))


def prepare_leads(_ctx: Context, batch: Batch) -> None:
    """A lead becomes converted by conversion alone, and stays as it was then."""
    for change in batch.standing():
        if change.act == ACT:
            batch.emit("leads.lead.converted", change, {name: change.values[name] for name in ("account", "contact", "deal")})
        elif change.before is not None and change.before["state"] == CONVERTED and change.act != ERASE:
            if moved := sorted(name for name in change.values if name not in OPEN_TO_CHANGE and change.changes(name)):
                change.forbid(
                    "lead_converted", _("the lead has been converted: {fields} can no longer be changed"), fields=", ".join(moved)
                )
        elif change.after("state") == CONVERTED and change.act != ERASE:
            change.refuse("state", "not_converted", _("convert a lead with POST /leads/leads/{{id}}/conversions"))


def prepare_campaigns(_ctx: Context, batch: Batch) -> None:
    """A campaign does not end before it starts."""
    for change in batch.standing():
        starts, ends = change.after("starts_on"), change.after("ends_on")
        if starts is not None and ends is not None and ends < starts:  # type: ignore[operator]
            change.refuse("ends_on", "before_start", _("ends before it starts"))
