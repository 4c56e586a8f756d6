"""The menu of the pipeline plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from random import Random

from plugins.pipeline import demo, pages, panels, pricing, process, routes, stages_page, won
from plugins.pipeline.tables import OPEN_DEALS, Deal, LostReason, Pipeline, Stage, StageChange, WonReason
from plugins.pipeline.template import master_data
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    EventType,
    Extension,
    Job,
    Manifest,
    MasterData,
    MenuEntry,
    PageRoute,
    Panel,
    Report,
    Route,
    Schedule,
    Scope,
    Slot,
    Subscription,
    TimelineSource,
    Verb,
    View,
    _,
    hookimpl,
    keep_base_currency,
)
from sdk import fields as f

manifest = Manifest(
    name="pipeline",
    version="0.1",
    title=_("Sales process"),
    summary=_("Pipelines with stages, and the deals that move through them."),
    requires=("customers",),
    after=("catalog", "company"),
    capabilities=Capabilities(data=("company.rate.read:currency,on",), jobs=("catch_up", "price")),
)

VIEWS = (
    View("open", _("Open deals"), {"status": "open"}, "close_date"),
    View("mine", _("My open deals"), {"owner": "{me}", "status": "open"}, "close_date"),
)
DEALS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
READERS: dict[str, Access] = {role: {Verb.READ: Scope.ALL} for role in DEALS}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    "pipeline.deal": process.prepare_deals,
    "pipeline.stage": process.prepare_stages,
    "pipeline.pipeline": process.prepare_pipelines,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Pipeline, "pipeline", "pipelines", _("Pipeline"), _("Pipelines"), owned=False, access=READERS, guards_access=True),
        Entity(Stage, "stage", "stages", _("Stage"), _("Stages"), owned=False, access=READERS, guards_access=True),
        Entity(LostReason, "lost_reason", "lost_reasons", _("Lost reason"), _("Lost reasons"), owned=False, access=READERS),
        Entity(WonReason, "won_reason", "won_reasons", _("Won reason"), _("Won reasons"), owned=False, access=READERS),
        Entity(Deal, "deal", "deals", _("Deal"), _("Deals"), access=DEALS, territory="account", views=VIEWS),
        Entity(
            StageChange,
            "stage_change",
            "stage_changes",
            _("Stage change"),
            _("Stage history"),
            title="moved_at",
            hands_over=False,  # whose it is says who moved the deal
            verbs=frozenset({Verb.READ}),
        ),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (Extension("customers.account", {"open_deals": f.computed(f.integer(_("Open deals")), OPEN_DEALS)}),)


@hookimpl
def register_events() -> Sequence[EventType]:
    return (EventType("pipeline.deal.won", _("Deal won")), EventType("pipeline.deal.lost", _("Deal lost")))


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    # A rate that is dated earlier afterwards may be the first for a deal, too.
    return tuple(
        Subscription(f"company.rate.{past}", f"price_{past}", pricing.price_late, label=_("Convert deals when a rate is added"))
        for past in ("created", "updated")
    )


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job(pricing.JOB, pricing.catch_up, label=_("Catch up")),)


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("price", pricing.price_unpriced, at=time(2, 30), label=_("Convert deals that had no rate")),)


@hookimpl
def register_master_data() -> Sequence[MasterData]:
    return master_data()


@hookimpl
def register_reports() -> Sequence[Report]:
    measures = ("sum:base_amount", "count")
    return (
        Report(
            "won_by_month",
            _("Won by month"),
            "pipeline.deal",
            measures,
            ("close_date:month",),
            ("status=won",),
            "close_date",
            "bar",
            figure=_("Won deals"),
        ),
        Report("open_by_stage", _("Open deals by stage"), "pipeline.deal", measures, ("stage",), ("status=open",), figure=_("Open deals")),
        Report(
            "lost_by_reason",
            _("Lost deals by reason"),
            "pipeline.deal",
            ("count", "sum:base_amount"),
            ("lost_reason",),
            ("status=lost",),
            "close_date",
        ),
        Report(
            "won_by_reason",
            _("Won deals by reason"),
            "pipeline.deal",
            ("count", "sum:base_amount"),
            ("won_reason",),
            ("status=won",),
            "close_date",
        ),
        Report("by_source", _("Deals by source"), "pipeline.deal", measures, ("source", "status"), (), "opened_on"),
        Report(
            "time_in_stage", _("Time in each stage"), "pipeline.stage_change", ("avg:seconds", "count"), ("from_stage",), (), "moved_at"
        ),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (TimelineSource(entity="pipeline.stage_change", at="moved_at", title="to_stage", body="deal"),)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    keep_base_currency(ctx, batch, "pipeline.deal", "base_amount")


@hookimpl
def tenant_enabled(ctx: Context) -> None:
    pricing.begin(ctx)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry(
            "board", label=_("Deals"), section="sell", entity="pipeline.deal", path="/board", icon="target", position=25, at_hand=True
        ),
        MenuEntry("deals", label=_("List of deals"), entity="pipeline.deal", icon="list", position=30, palette=True),
        MenuEntry(
            "stages",
            label=_("Stages"),
            section="admin",
            path=stages_page.PLACE,
            icon="board",
            permission="pipeline.stage.update",
            position=20,
        ),
    )


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*pages.PAGES, *stages_page.PAGES)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (
        Panel("stages", slot=Slot.HEAD, label=_("Stages"), permission="pipeline.deal.read", view=panels.stages, entity="pipeline.deal"),
        Panel("closing", slot=Slot.HOME, label=_("Closing soon"), permission="pipeline.deal.read", view=panels.closing, position=25),
        *stages_page.PANELS,
        *won.PANELS,
    )
