"""From a lead to account, contact and deal, in one transaction and once; and back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from plugins.leads.tables import CONVERTED, QUALIFIED
from plugins.leads.touches import move_back, move_to_customer
from sdk import Alike, Batch, Conflict, Context, NotFound, _, where
from sdk.changes import ERASE, HISTORY
from sdk.context import Row, id_of
from sdk.fields import Reference

LEAD, ACCOUNT, CONTACT, DEAL = "leads.lead", "customers.account", "customers.contact", "pipeline.deal"
AFFILIATION = "customers.affiliation"
ASKED = ("customers.invitation", "leads.touch")
ACT, UNDO = "convert", "undo_conversion"
NOTHING = "nothing"
_AT_ONCE = timedelta(minutes=1)
USERS: Mapping[str, Sequence[str]] = {
    "deal": (), "contact": (DEAL, LEAD, AFFILIATION, *ASKED), "account": (DEAL, LEAD, CONTACT, ACCOUNT, AFFILIATION, *ASKED, "customers.address"),
}  # fmt: skip
"""What of a customer's records leads to each, beside papers."""
ABOUT = ("teamwork.activity", "teamwork.task", "teamwork.comment", "teamwork.file", "documents.document")
"""What people put on an account or a contact, where the tenant has it: who does has come to know it."""
PAPERS = ("orders.quote", "orders.order", "orders.contract", "orders.invoice")
"""What is made for a deal and its customer, where the tenant has it."""
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
        account, new_account = _account(ctx, lead, wish)
        contact, new_contact = _contact(ctx, lead, account, wish.alike)
        move_to_customer(ctx, id, account, contact)
        deal = _deal(ctx, lead, account, contact, wish.deal) if wish.deal is not None else None
        new = [name for name, is_new in (("account", new_account), ("contact", new_contact), ("deal", deal is not None)) if is_new]
        made = {"state": CONVERTED, "converted_at": ctx.now(), "account": account, "contact": contact, "deal": deal}
        return leads.update(id, made, act=f"{ACT}:{'_'.join(new) or NOTHING}")


def undo(ctx: Context, id: UUID) -> list[str]:
    """A converted lead is qualified again, and what its conversion made goes to the recycle bin. Raises NotFound, Conflict.

    Returns what went. It takes the right to change the lead: what goes is the conversion's own. An account or a contact that has been changed or
    merged since, or that other deals, documents, people, companies or leads belong to, or to which anybody has added an address,
    an activity, a comment or a survey, stays; a deal that is closed, or that somebody has
    quoted or ordered for, keeps the lead converted.
    """
    system = ctx.as_system()
    with ctx.transaction(write=True):
        ctx.lock(f"{LEAD}:{id}")
        if id not in ctx.records(LEAD).values([id]):
            raise NotFound(_("{entity} {id} does not exist"), entity=LEAD, id=str(id))
        lead = system.records(LEAD).values([id])[id]
        if lead["state"] != CONVERTED:
            raise Conflict(_("the lead hasn’t been converted"), code="lead_not_converted")
        # What an earlier version made is not known: the lead goes on leading to its account and contact.
        back = dict.fromkeys(("converted_at", "deal") if lead["made"] is None else ("converted_at", "account", "contact", "deal"))
        ctx.records(LEAD).update(id, {**back, "state": QUALIFIED}, act=UNDO)  # first of all, as it asks for the right to
        deal = lead["deal"]
        if lead["made"] is None and isinstance(deal, UUID) and system.records(DEAL).values([deal]):
            text = _("an earlier version converted this lead and didn’t note what was created: delete its deal first")
            raise Conflict(text, code="not_noted")
        if lead["made"] is not None:
            move_back(ctx, lead)
        return _take_back(system, lead)


def _take_back(system: Context, lead: Row) -> list[str]:
    """Put what was made into the recycle bin, the deal first; what is there no more, or no more what it was, is left as it is."""
    gone = list[str]()
    for name, entity in (("deal", DEAL), ("contact", CONTACT), ("account", ACCOUNT)):
        id = lead[name]
        if name not in str(lead["made"]).split("_") or not isinstance(id, UUID):
            continue
        there = system.records(entity).values([id]).get(id)
        if there is None or not _of_then(there, lead) or (name != "deal" and _is_known(system, entity, id, cast("int", there["version"]))):
            continue
        if name == "deal" and there["status"] != "open":
            raise Conflict(_("the deal of this lead is closed; reopen or delete it first"), code="deal_closed")
        if not (used := _used(system, name, id)):
            system.records(entity).delete(id, expected_version=cast("int", there["version"]))
            used = name == "deal" and _used(system, name, id)  # nobody can add to it any more, but somebody just may have
            gone.append(name)
        if name == "deal" and used:
            raise Conflict(_("the deal of this lead has quotes, orders or contracts; delete them first"), code="deal_in_use")
    return gone


def _of_then(there: Row, lead: Row) -> bool:
    """Whether it was made when the lead was converted: after a merge a link leads to another record."""
    made, converted = cast("datetime", there["created_at"]), cast("datetime", lead["converted_at"])
    return converted - _AT_ONCE <= made <= converted


def _is_known(system: Context, entity: str, id: UUID, version: int) -> bool:
    """Whether anybody has changed it since, or made others part of it; so it is, too, where the audit has no longer all of that."""
    entries = system.records(entity).versions({id: version}).get(id, [])
    return len(entries) < version or any(entry["action"] != "create" and entry["actor_id"] is not None for entry in entries)


def _used(system: Context, link: str, id: UUID) -> bool:
    """Whether other records of a customer, papers, or what people noted about it name a record."""
    links = {entity: found for entity in (*USERS[link], *PAPERS) if system.offers(entity) for found in _links(system, entity, link)}
    about = Reference(ACCOUNT if link == "account" else CONTACT, id)
    noted = [] if link == "deal" else [entity for entity in ABOUT if system.offers(entity)]
    return any(system.records(entity).find(where(**{name: id}), 1) for entity, name in links.items()) or any(
        system.records(entity).find(where(about=about), 1) for entity in noted
    )


def _links(system: Context, entity: str, link: str) -> list[str]:
    wanted = "parent" if (entity, link) == (ACCOUNT, "account") else link
    return [wanted] if wanted in system.records(entity).fields() else []


def _account(ctx: Context, lead: Row, wish: Wish) -> tuple[UUID | None, bool]:
    """The account that was asked for, the only one of the company's name that one sees, or a new one; none without a company. And if it is new."""
    accounts = ctx.records(ACCOUNT)
    if wish.account is not None:
        named = where(id=wish.account) if isinstance(wish.account, UUID) else where(name=wish.account)
        found = accounts.find(named, 2)
        if len(found) != 1:
            raise NotFound(_("{count} accounts are named {value!r}; expected one"), count=len(found), value=str(wish.account)[:80])
        return id_of(found[0]), False
    if lead["company"] is None:
        return None, False
    found = accounts.find(where(name=lead["company"]), 2)
    if len(found) == 1:
        return id_of(found[0]), False
    values = {"name": lead["company"], "website": lead["website"], "phone": lead["phone"], "owner": lead["owner"]}
    return id_of(accounts.create(values, alike=wish.alike)), True


def _contact(ctx: Context, lead: Row, account: UUID | None, alike: Alike) -> tuple[UUID, bool]:
    """The contact of the same address at the account, if one sees it, or a new one; and if it is new."""
    contacts = ctx.records(CONTACT)
    if lead["email"] is not None and account is not None and (there := contacts.find(where(email=lead["email"], account=account), 1)):
        return id_of(there[0]), False
    person = {name: lead[name] for name in ("name", "title", "email", "phone")}
    return id_of(contacts.create(person | {"account": account, "owner": lead["owner"]}, alike=alike)), True


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
    """A lead becomes converted by conversion alone, but for one that was so elsewhere, and stays as it was then."""
    for change in batch.standing():
        act, _colon, made = change.act.partition(":")
        if act == ACT:  # what was made is for the platform to note: a role that lists fields need not know of it
            change.values["made"] = made
            batch.emit("leads.lead.converted", change, {name: change.values[name] for name in ("account", "contact", "deal")})
        elif act == UNDO:
            change.values["made"] = None
            batch.emit(
                "leads.lead.conversion_undone", change, {name: (change.before or {}).get(name) for name in ("account", "contact", "deal")}
            )
        elif change.before is not None and change.before["state"] == CONVERTED and change.act != ERASE:
            if moved := sorted(name for name in change.values if name not in OPEN_TO_CHANGE and change.changes(name)):
                change.forbid(
                    "lead_converted", _("the lead has been converted: {fields} can no longer be changed"), fields=", ".join(moved)
                )
        elif change.act == HISTORY:
            if change.after("state") == CONVERTED and change.after("converted_at") is None:
                change.refuse("converted_at", "required", _("is required for a lead that was converted"))
        elif change.after("state") == CONVERTED and change.act != ERASE:
            change.refuse("state", "not_converted", _("convert a lead with POST /leads/leads/{{id}}/conversions, or import it as history"))


def prepare_campaigns(_ctx: Context, batch: Batch) -> None:
    """A campaign does not end before it starts."""
    for change in batch.standing():
        starts, ends = change.after("starts_on"), change.after("ends_on")
        if starts is not None and ends is not None and ends < starts:  # type: ignore[operator]
            change.refuse("ends_on", "before_start", _("ends before it starts"))
