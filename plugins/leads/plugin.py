"""The menu of the leads plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from plugins.leads import conversion, demo, routes
from plugins.leads.tables import CONVERTED_LEADS, LEADS, Campaign, Lead, Origin
from sdk import Access, Batch, Context, Entity, EventType, Extension, Manifest, Report, Route, Scope, Side, Verb, _, hookimpl
from sdk import fields as f

manifest = Manifest(
    name="leads",
    version="0.1",
    title=_("Leads"),
    summary=_("People who may become customers, and the campaigns that brought them."),
    requires=("customers", "pipeline"),
    after=("catalog", "company"),
)

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "read_only": {Verb.READ: Scope.ALL},
}
CAMPAIGNS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.ALL},
    "sales_manager": Scope.ALL,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    conversion.LEAD: conversion.prepare_leads,
    "leads.campaign": conversion.prepare_campaigns,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Campaign, "campaign", "campaigns", _("Campaign"), _("Campaigns"), owned=False, access=CAMPAIGNS),
        Entity(Lead, "lead", "leads", _("Lead"), _("Leads"), access=ACCESS),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    counts = {"leads": f.computed(f.integer(_("Leads")), LEADS), "converted": f.computed(f.integer(_("Converted leads")), CONVERTED_LEADS)}
    return (Extension("pipeline.deal", Side(Origin, "deal_id")), Extension("leads.campaign", counts))


@hookimpl
def register_events() -> Sequence[EventType]:
    return (EventType("leads.lead.converted", _("Lead converted")),)


@hookimpl
def register_reports() -> Sequence[Report]:
    return (
        Report(
            "deals_by_campaign",
            _("Deals by first campaign"),
            "pipeline.deal",
            ("sum:base_amount", "count"),
            ("leads.campaign", "status"),
            (),
            "opened_on",
        ),
        Report("leads_by_channel", _("Leads by channel"), "leads.lead", ("count",), ("campaign.channel", "state")),
        Report(
            "campaigns",
            _("Campaigns with cost and leads"),
            "leads.campaign",
            ("sum:cost", "sum:leads.leads", "sum:leads.converted"),
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
