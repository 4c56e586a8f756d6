"""The menu of the automation plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

from plugins.automation import (
    actions,
    builder,
    conditions,
    demo,
    endpoints,
    inlets,
    journal,
    matching,
    overview,
    privacy,
    resuming,
    revisions,
    routes,
    rules,
    running,
    sight,
    timing,
    triggers,
    webhooks,
)
from plugins.automation.master import MASTER_DATA
from plugins.automation.tables import Delivery, Inlet, Performed, Revision, Rule, Run, Timer, Webhook
from sdk import (
    ANY_HOST,
    Action,
    Batch,
    Capabilities,
    Context,
    Entity,
    Job,
    Manifest,
    MasterData,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Person,
    Route,
    RuleCondition,
    Schedule,
    Scope,
    Subscription,
    Trace,
    Trigger,
    Use,
    Verb,
    Watch,
    _,
    hookimpl,
)
from sdk.impact import naming

manifest = Manifest(
    name="automation",
    version="0.1",
    title=_("Automation"),
    summary=_("Rules with triggers, conditions and actions; incoming and outgoing webhooks."),
    after=("customers", "leads", "orders", "pipeline"),
    capabilities=Capabilities(
        data=("*:*",),  # rules and webhooks are about any record; they act as their owners
        network=(ANY_HOST,),
        jobs=("perform", "wake", "send", "call_out", "resume"),
        mail=True,
    ),
)

NAMING: dict[str, Sequence[str]] = {
    "automation.rule": ("entity", "trigger", "parameters", "conditions", "actions"), "automation.webhook": ("entity", "events", "where"),
    "automation.inlet": ("entity", "mapping"),
}  # fmt: skip
"""Where names of other plugins may stand."""

ACCESS = {"sales_manager": Scope.TEAM}
READ = frozenset({Verb.READ})
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    revisions.RULE: rules.prepare, webhooks.WEBHOOK: webhooks.prepare, inlets.NAME: inlets.prepare,
    webhooks.DELIVERY: privacy.stop_messages,
}  # fmt: skip


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        # A rule or a webhook that is saved is known to every process at once: what they keep of the tenant is dropped.
        Entity(
            Rule,
            "rule",
            "rules",
            _("Rule"),
            _("Rules"),
            columns=("name", "entity", "active", "owner", "updated_at"),
            access=ACCESS,
            guards_access=True,
            acts_later=True,
        ),
        Entity(Revision, "revision", "revisions", _("Rule version"), _("Rule versions"), title="number", verbs=READ, hands_over=False),
        Entity(Timer, "timer", "timers", _("Rule timer"), _("Rule timers"), title="next_at", verbs=READ, hands_over=False),
        Entity(
            Run,
            "run",
            "runs",
            _("Rule run"),
            _("Rule runs"),
            title="started_at",
            verbs=READ,
            hands_over=False,
            veil=sight.veil(sight.RUN),
            veiled=sight.SEEN[sight.RUN],
        ),
        Entity(
            Performed,
            "step",
            "steps",
            _("Rule step"),
            _("Rule steps"),
            title="action",
            verbs=READ,
            hands_over=False,
            veil=sight.veil(sight.STEP),
            veiled=sight.SEEN[sight.STEP],
        ),
        Entity(Webhook, "webhook", "webhooks", _("Webhook"), _("Webhooks"), access=ACCESS, guards_access=True, acts_later=True),
        Entity(
            Delivery,
            "delivery",
            "deliveries",
            _("Webhook delivery"),
            _("Webhook deliveries"),
            title="event",
            verbs=READ,
            hands_over=False,
            veil=sight.veil(sight.DELIVERY),
            veiled=sight.SEEN[sight.DELIVERY],
        ),
        Entity(Inlet, "inlet", "inlets", _("Inlet"), _("Inlets"), access=ACCESS, merges=False, acts_later=True),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return routes.PERMISSIONS


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_watches() -> Sequence[Watch]:
    return (
        Watch("rules", rules.wants, matching.hear, matching.report_loop),
        Watch("webhooks", webhooks.wants, webhooks.hear, webhooks.looped),
    )


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    saved = ("created", "updated", "restored")
    return (
        *(
            Subscription(f"{revisions.RULE}.{verb}", "schedule_next", timing.schedule_next, label=_("Schedule a rule’s next run"))
            for verb in saved
        ),
        *(
            Subscription(f"{webhooks.WEBHOOK}.{verb}", "go_on", webhooks.go_on, label=_("Deliver what waited for a webhook"))
            for verb in ("updated", "restored")
        ),
        Subscription("core.tenant.updated", "replan", timing.replan, label=_("Reschedule after a time zone change")),
    )


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (
        Job("perform", running.perform, label=_("Run a rule")),
        Job("wake", matching.wake, label=_("Wake a waiting rule")),
        Job("send", webhooks.send, label=_("Deliver a webhook")),
        Job("call_out", webhooks.call_out, label=_("Call another system"), patience=sum(webhooks.WAITS, timedelta())),
    )


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("resume", resuming.resume, every=timedelta(hours=1), label=_("Resume rules that were on hold")),)


@hookimpl
def register_triggers() -> Sequence[Trigger]:
    return triggers.KINDS


@hookimpl
def register_conditions() -> Sequence[RuleCondition]:
    return conditions.KINDS


@hookimpl
def register_actions() -> Sequence[Action]:
    return actions.KINDS


@hookimpl
def register_master_data() -> Sequence[MasterData]:
    return MASTER_DATA


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def tenant_enabled(ctx: Context) -> None:
    resuming.begin(ctx)


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*overview.PAGES, *builder.PAGES, *journal.PAGES, *endpoints.PAGES)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*journal.PANELS, *endpoints.PANELS)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry(
            "rules",
            label=_("Rules"),
            section="admin",
            path="/automation/rules",
            permission="automation.rule.read",
            icon="bolt",
            position=40,
        ),
    )
