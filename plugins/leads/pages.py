"""Converting a lead by hand: the button on its page, and the form behind it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from plugins.leads.conversion import ACCOUNT, DEAL, LEAD, READY, Wish, convert, undo
from plugins.leads.tables import CONVERTED
from sdk import Alike, Conflict, Context, PageRequest, PageRoute, Panel, Redirect, Refusal, Rendering, Slot, _
from sdk.context import LIKELY_DUPLICATE
from sdk.pages import told

MAY = f"{LEAD}.update"


def button(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """On leads that can be converted, and on those that have been: the way back."""
    state = record.get("state")
    return Rendering("leads/convert_button.html", {"converted": state == CONVERTED}) if state in READY or state == CONVERTED else None


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """What is to become of the lead."""
    return _form(ctx, request.id(), {"with_deal": "true"})


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Convert; who is led on is led to the deal, or to the contact where there is none."""
    typed = dict(request.form)
    named = {"name": typed.get("deal_name", "").strip(), "close_date": typed.get("close_date", "").strip()}
    deal: dict[str, object] = {name: value for name, value in named.items() if value}
    if amount := typed.get("amount", "").replace(",", "").strip():
        deal["amount"] = {"amount": amount, "currency": typed.get("currency", "") or ctx.tenant.currency}
    account = (typed.get("account", "") or typed.get("account__typed", "")).strip()
    alike = Alike.FORCE if typed.get("force") == "true" else Alike.DEFAULT
    try:
        lead = convert(ctx, request.id(), Wish(_named(account), deal if typed.get("with_deal") == "true" else None, alike))
    except Refusal as refusal:
        return _form(ctx, request.id(), typed, refusal)
    made = ("pipeline/deals", lead["deal"]) if lead["deal"] else ("customers/contacts", lead["contact"])
    return Redirect(ctx.page(f"/{made[0]}/{made[1]}"))


def ask_back(ctx: Context, request: PageRequest) -> Rendering:
    """What becomes of a converted lead that shall be none."""
    return Rendering("leads/undo.html", {"lead": ctx.records(LEAD).get(request.id()), "problems": []})


def take_back(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Undo the conversion."""
    try:
        undo(ctx, request.id())
    except Refusal as refusal:
        return Rendering("leads/undo.html", {"lead": ctx.records(LEAD).get(request.id()), "problems": told(ctx, refusal)}, refusal.status)
    return Redirect(ctx.page(f"/leads/leads/{request.id()}"))


def _named(word: str) -> object:
    """An account by its id or its name; nothing typed leaves it to the lead."""
    if not word:
        return None
    try:
        return UUID(word) if len(word) == 36 else word
    except ValueError:
        return word


def _form(ctx: Context, id: UUID, typed: Mapping[str, str], refusal: Refusal | None = None) -> Rendering:
    lead = ctx.records(LEAD).get(id)
    if lead.get("state") not in READY and refusal is None:
        raise Conflict(_("the lead is {state}, so it can’t be converted"), state=str(lead.get("state")))
    values = {
        "lead": lead, "typed": typed, "problems": told(ctx, refusal), "currency": ctx.tenant.currency,
        "may_force": refusal is not None and refusal.reason == LIKELY_DUPLICATE and ctx.can(f"{ACCOUNT}.force"),
        "may_deal": ctx.offers(DEAL) and ctx.can(f"{DEAL}.create"),
        "account": {"name": "account", "label": ctx.say(_("Account")), "value": typed.get("account", ""), "title": typed.get("account__typed", ""),
                    "pick": ctx.page("/pick/customers/accounts"), "new": "", "required": False, "problem": "", "widget": "link"},
    }  # fmt: skip
    return Rendering("leads/convert.html", values, 200 if refusal is None else refusal.status)


PAGES = (
    PageRoute("convert", path="/leads/{id}/convert", title=_("Convert"), permission=MAY, view=ask, submit=take),
    PageRoute("undo", path="/leads/{id}/undo", title=_("Undo conversion"), permission=MAY, view=ask_back, submit=take_back),
)
PANELS = (Panel("convert", slot=Slot.BUTTON, label=_("Convert"), permission=MAY, view=button, entity=LEAD, position=10),)
