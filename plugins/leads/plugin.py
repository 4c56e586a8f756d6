"""The menu of the leads plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from plugins.leads import conversion, demo, pages, routes, tables, touches
from plugins.leads.tables import CONVERTED_LEADS, LEADS, Campaign, Lead, Origin, Touch
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    EventType,
    Extension,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Report,
    Route,
    Scope,
    Side,
    Subscription,
    TimelineSource,
    Verb,
    _,
    hookimpl,
)
from sdk import fields as f

manifest = Manifest(
    name="leads",
    version="0.1",
    title=_("Leads"),
    summary=_("Potential customers, and the campaigns that brought them in."),
    requires=("customers", "pipeline"),
    after=("catalog", "company"),
    capabilities=Capabilities(
        data=(
            "customers.account.read:*",
            "customers.address.read:account",
            "customers.invitation.read:account,contact",
            "documents.document.read:about",
            *(f"teamwork.{name}.read:about" for name in ("activity", "comment", "file", "task")),
            "customers.affiliation.read:account,contact",
            "customers.account.create:name,owner,phone,website",
            "customers.account.delete",
            "customers.account.force",
            "customers.contact.read:*",
            "customers.contact.delete",
            "customers.contact.force",
            "customers.contact.create:account,email,name,owner,phone,title",
            "pipeline.deal.read:*",
            "pipeline.deal.create:*",
            "pipeline.deal.delete",
            "orders.contract.read:account,contact,deal",
            "orders.invoice.read:account,contact",
            "orders.order.read:account,contact,deal",
            "orders.quote.read:account,contact,deal",
        ),
    ),
)

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "read_only": {Verb.READ: Scope.ALL},
}
DEALS, WON = ("sum:base_amount", "count"), ("status=won",)
CAMPAIGNS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.ALL},
    "sales_manager": Scope.ALL,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}


def _leads(ctx: Context, batch: Batch) -> None:
    conversion.prepare_leads(ctx, batch)
    touches.of_leads(ctx, batch)


PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    conversion.LEAD: _leads,
    touches.TOUCH: touches.prepare_touches,
    "leads.campaign": conversion.prepare_campaigns,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Campaign, "campaign", "campaigns", _("Campaign"), _("Campaigns"), owned=False, access=CAMPAIGNS),
        Entity(Lead, "lead", "leads", _("Lead"), _("Leads"), access=ACCESS, alike=("email", "phone"), person=True),
        Entity(Touch, "touch", "touches", _("Touch"), _("Touches"), title="source", access=ACCESS, merges=False),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    counts = {
        "leads": f.computed(f.integer(_("Leads")), LEADS),
        "converted": f.computed(f.integer(_("Converted leads")), CONVERTED_LEADS),
        "won_deals": f.computed(f.integer(_("Deals won by first touch")), tables.DEALS_FIRST),
        "won": f.computed(f.money(_("Won by first touch")), *tables.WON_FIRST),
        "won_last": f.computed(f.money(_("Won by last touch")), *tables.WON_LAST),
    }
    return (Extension("pipeline.deal", Side(Origin, "deal_id")), Extension("leads.campaign", counts))


@hookimpl
def register_events() -> Sequence[EventType]:
    return (
        EventType("leads.lead.converted", _("Lead converted")),
        EventType("leads.lead.conversion_undone", _("Lead conversion undone")),
        EventType("leads.touch.recorded", _("Touch recorded")),
    )


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (
        Subscription("pipeline.deal.created", "attribute_deals", touches.after_deals, label=_("Attribute deals to campaigns")),
        Subscription("leads.touch.recorded", "attribute_again", touches.after_touches, label=_("Update deal attribution after a touch")),
    )


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (TimelineSource(entity=touches.TOUCH, at="at", title="campaign", body="source"),)


@hookimpl
def register_reports() -> Sequence[Report]:
    return (
        Report("deals_by_campaign", _("Deals by first campaign"), "pipeline.deal", DEALS, ("leads.campaign", "status"), (), "opened_on"),
        Report(
            "deals_by_last_campaign",
            _("Deals by last campaign"),
            "pipeline.deal",
            DEALS,
            ("leads.last_campaign", "status"),
            (),
            "opened_on",
        ),
        Report("won_by_first_source", _("Won by first source"), "pipeline.deal", DEALS, ("leads.first_source",), WON, "close_date"),
        Report("won_by_last_source", _("Won by last source"), "pipeline.deal", DEALS, ("leads.last_source",), WON, "close_date"),
        Report(
            "won_by_channel",
            _("Won by channel of the first campaign"),
            "pipeline.deal",
            DEALS,
            ("leads.campaign.channel",),
            WON,
            "close_date",
        ),
        Report("leads_by_channel", _("Leads by channel"), "leads.lead", ("count",), ("campaign.channel", "state")),
        Report(
            "campaigns",
            _("Campaigns with cost, leads and return"),
            "leads.campaign",
            ("sum:cost", "sum:leads.leads", "sum:leads.converted", "sum:leads.won", "sum:leads.won_last"),
            ("name",),
        ),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("leads", label=_("Leads"), section="sell", entity="leads.lead", icon="inbox", position=5),
        MenuEntry("campaigns", label=_("Campaigns"), section="know", entity="leads.campaign", icon="flag", position=60),
    )


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES


@hookimpl
def register_panels() -> Sequence[Panel]:
    return pages.PANELS
