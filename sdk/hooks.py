"""Every hook of the platform: the table of contents for plugin authors.

Declarations (`register_*`) take nothing, have no effect, and return frozen specs; they are called once, at boot. Moments
take the context and may read and write through its doors. A body's `return` shows and types the default; it never runs.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from sdk.changes import Batch
    from sdk.commands import Command
    from sdk.context import Context
    from sdk.documents import DocumentTemplate
    from sdk.entities import Entity, Extension
    from sdk.events import EventType, Job, Subscription, Watch
    from sdk.forecasting import ForecastModel
    from sdk.impact import Use
    from sdk.installation import Installation
    from sdk.notices import NoticeChannel
    from sdk.pages import Frame, MenuEntry, PageRoute, Panel
    from sdk.permissions import Permission, Role
    from sdk.privacy import Person, Trace
    from sdk.rates import RateSource
    from sdk.reporting import Report
    from sdk.routes import Route
    from sdk.schedules import Schedule
    from sdk.settings import Settings
    from sdk.setup import MasterData
    from sdk.sign_in import SignInProvider
    from sdk.timeline import TimelineSource
    from sdk.transfer import Importer
    from sdk.workflow import Action, RuleCondition, Trigger

PROJECT = "dealwright"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_entities() -> Sequence[Entity]:
    """The records of the plugin.

    When: at boot. Returns: entities over `Record` classes whose tables start with the plugin's name.
    Example: `return (Entity(Account, "account", "accounts", _("Account"), _("Accounts")),)`.
    Off for a tenant: their routes answer 404 and they are absent from OpenAPI, reports and import; the rows stay.
    """
    return ()


@hookspec
def register_extensions() -> Sequence[Extension]:
    """Fields on entities of other plugins.

    When: at boot. Returns: extensions whose fields appear there as `<plugin>.<field>`.
    Example: `return (Extension("customers.account", Side(Points, "account_id")),)`.
    Off for a tenant: the fields are absent, unknown to filters, and kept.
    """
    return ()


@hookspec
def register_permissions() -> Sequence[Permission]:
    """Rights beyond reading, creating, updating and deleting records.

    When: at boot. Returns: permissions named `<plugin>.<noun>.<verb>` with the roles that have them from the start.
    Example: `return (Permission("reports.report.run", _("Run reports"), {"sales_rep": Scope.ALL}),)`.
    Off for a tenant: nobody has them.
    """
    return ()


@hookspec
def register_roles() -> Sequence[Role]:
    """Roles that people can be given.

    When: at boot. Returns: roles; each becomes a record of `core.role` in the tenants that have the plugin.
    Example: `return (Role("sales_rep", _("Sales representative")),)`.
    Off for a tenant: the role's record stays and grants nothing of this plugin.
    """
    return ()


@hookspec
def register_routes() -> Sequence[Route]:
    """Operations beyond the collections, for domain acts.

    When: at boot. Returns: routes under `/api/v1/<plugin>/`, each with a permission.
    Example: `return (Route(method="POST", path="/deals/{id}/moves", view=move, permission="pipeline.deal.update", summary=_("Move")),)`.
    Off for a tenant: 404, absent from OpenAPI.
    """
    return ()


@hookspec
def register_events() -> Sequence[EventType]:
    """Events that the plugin emits beyond created, updated, deleted and restored: nobody emits those of another.

    When: at boot. Returns: event types named `<plugin>.<entity>.<past tense>`.
    Example: `return (EventType("pipeline.deal.won", _("Deal won")),)`.
    Off for a tenant: nothing emits them.
    """
    return ()


@hookspec
def register_subscriptions() -> Sequence[Subscription]:
    """What the plugin does when something has happened elsewhere.

    When: at boot. Returns: subscriptions to events by name; the emitting plugin may be absent.
    Example: `return (Subscription("pipeline.deal.won", "mark_customer", mark_customer),)`.
    Off for a tenant: not delivered; what was waiting is recorded as skipped.
    """
    return ()


@hookspec
def register_watches() -> Sequence[Watch]:
    """Subscribers that know from a tenant's own data what they want to hear.

    When: at boot. Returns: watches; each is asked at every event whether the tenant wants it.
    Example: `return (Watch("rules", wants, match, report_loop),)`.
    Off for a tenant: not asked; what was waiting is recorded as skipped.
    """
    return ()


@hookspec
def register_jobs() -> Sequence[Job]:
    """Work that runs in the background.

    When: at boot. Returns: jobs that `ctx.enqueue("<plugin>.<name>", {...})` can ask for.
    Example: `return (Job("run_import", run_import),)`.
    Off for a tenant: what was waiting is recorded as skipped.
    """
    return ()


@hookspec
def register_schedules() -> Sequence[Schedule]:
    """Work that comes round by the clock, for each tenant.

    When: at boot. Returns: schedules, each every so often or at a local time of the tenant.
    Example: `return (Schedule("remind", remind, at=time(8), weekdays=(1, 2, 3, 4, 5)),)`.
    Off for a tenant: not run, and nothing is caught up when it is on again.
    """
    return ()


@hookspec
def register_commands() -> Sequence[Command]:
    """Commands of `dealwright`.

    When: at boot. Returns: commands; `--tenant`, `--user` and `--json` are added by core.
    Example: `return (Command("import", _("Import a file"), run_import, (Parameter("ENTITY", _("What to import")),)),)`.
    Off for a tenant: the command says so and exits with 4.
    """
    return ()


@hookspec
def register_master_data() -> Sequence[MasterData]:
    """Records that a tenant starts with: industries, reasons, a ready-made process.

    When: at boot. Returns: master data; `dealwright tenant setup` and `POST /api/v1/core/setup` make what is missing of it.
    Example: `return (MasterData("company.industry", ({"key": "software", "name": _("Software")},)),)`.
    Off for a tenant: left out of its set-up; what was made stays.
    """
    return ()


@hookspec
def register_settings() -> Sequence[Settings]:
    """What the administrator of a tenant sets for the plugin.

    When: at boot. Returns: at most one settings schema; `GET` and `PATCH /api/v1/core/plugins/<plugin>/settings` show and change it.
    Example: `return (Settings(Purchases),)`.
    Off for a tenant: may be set already, so that the plugin begins with it; what was set stays.
    """
    return ()


@hookspec
def register_rate_sources() -> Sequence[RateSource]:
    """Where exchange rates come from.

    When: at boot. Returns: sources that `ctx.rates(...)` asks in order until every pair is known.
    Example: `return (RateSource("company", rates_of),)`.
    Off for a tenant: not asked; without a rate an amount is counted and not priced.
    """
    return ()


@hookspec
def register_reports() -> Sequence[Report]:
    """Ready-made reports.

    When: at boot. Returns: reports; `GET /api/v1/reports/reports` lists those on entities that the asker may read.
    Example: `return (Report("won_by_month", _("Won by month"), "pipeline.deal", ("sum:base_amount",), ("close_date:month",)),)`.
    Off for a tenant: absent.
    """
    return ()


@hookspec
def register_importers() -> Sequence[Importer]:
    """Systems from which people come: how their export files become records here.

    When: at boot. Returns: importers; `POST /api/v1/import_export/migrations` takes a zip of such files, `dealwright migrate` too.
    Example: `return (Importer("hubspot", label=_("HubSpot"), sources=SOURCES),)`.
    Off for a tenant: its files are recognised no more.
    """
    return ()


@hookspec
def register_channels() -> Sequence[NoticeChannel]:
    """Ways by which people are told something.

    When: at boot. Returns: channels; each gets every notice of `ctx.notify(...)`.
    Example: `return (NoticeChannel("mail", _("E-mail"), by_mail),)`.
    Off for a tenant: it carries nothing; the others do.
    """
    return ()


@hookspec
def register_actions() -> Sequence[Action]:
    """What rules can do.

    When: at boot. Returns: actions with the schema of their parameters.
    Example: `return (Action("create_task", _("Create a task"), create_task, NewTask),)`.
    Off for a tenant: not offered; a rule that holds one fails with its name, and goes on when it is back.
    """
    return ()


@hookspec
def register_triggers() -> Sequence[Trigger]:
    """Kinds of beginnings of rules.

    When: at boot. Returns: triggers with the schema of their parameters.
    Example: `return (Trigger("created", _("A record is created"), NoParameters, events=on_created),)`.
    Off for a tenant: not offered; rules that begin so do nothing.
    """
    return ()


@hookspec
def register_conditions() -> Sequence[RuleCondition]:
    """Kinds of conditions of rules.

    When: at boot. Returns: conditions with the schema of their parameters.
    Example: `return (RuleCondition("filter", _("Its fields are"), Where, holding=matching),)`.
    Off for a tenant: not offered; a rule that holds one fails with its name.
    """
    return ()


@hookspec
def register_document_templates() -> Sequence[DocumentTemplate]:
    """Documents that can be made of the plugin's records.

    When: at boot. Returns: templates with their files, their variables, and what fills them.
    Example: `return (DocumentTemplate("invoice", _("Invoice"), "orders.invoice", VARIABLES, values, SOURCES),)`.
    Off for a tenant: not offered; copies that were issued stay.
    """
    return ()


@hookspec
def register_forecast_models() -> Sequence[ForecastModel]:
    """Ways to forecast a series.

    When: at boot. Returns: models; each is tried on every series whose history is long enough, and the best in the back-test is taken.
    Example: `return (ForecastModel("median", _("Median of a year"), median_of_a_year, least=12),)`.
    Off for a tenant: not tried; what it forecast before stays, under its name.
    """
    return ()


@hookspec
def register_sign_in() -> Sequence[SignInProvider]:
    """Ways to come in through another system that says who somebody is.

    When: at boot. Returns: providers; `GET /api/v1/session/providers?tenant=` lists those that the tenant has set up.
    Example: `return (SignInProvider("badge", offered, begin, finish),)`.
    Off for a tenant: not offered, and its answers are not taken; sessions that it has begun last until they end.
    """
    return ()


@hookspec
def register_frame() -> Sequence[Frame]:
    """The place in which all pages stand: address, menu, look.

    When: at boot. Returns: one frame; the first in the order of plugins is in force, and without any there are no pages.
    Example: `return (Frame("console", prefix="/console", values=frame, error="kit/error.html", entrance="kit/sign_in.html"),)`.
    Off for a tenant: its pages are not found.
    """
    return ()


@hookspec
def register_pages() -> Sequence[PageRoute]:
    """Pages that people see in a browser.

    When: at boot. Returns: pages, each with its permission; they are mounted below the frame's address and the plugin's name.
    Example: `return (PageRoute("quote", path="/quotes/{id}", title=_("Quote"), permission="orders.quote.read", view=show),)`.
    Off for a tenant: not found.
    """
    return ()


@hookspec
def register_panels() -> Sequence[Panel]:
    """Parts of the pages of others: tabs, panels and buttons of records, tiles of dashboards.

    When: at boot. Returns: panels, each for one slot.
    Example: `return (Panel("orders", slot=Slot.TAB, entity="customers.account", label=_("Orders"), permission=SIGNED_IN, view=show),)`.
    Off for a tenant: absent; the tile of a dashboard says that its plugin is off.
    """
    return ()


@hookspec
def register_navigation() -> Sequence[MenuEntry]:
    """Words of the menu and of the palette of commands.

    When: at boot. Returns: entries; each leads to a page, or to the list of an entity.
    Example: `return (MenuEntry("deals", label=_("Deals"), entity="pipeline.deal", icon="target", position=20),)`.
    Off for a tenant: absent.
    """
    return ()


@hookspec
def register_timeline_sources() -> Sequence[TimelineSource]:
    """Own records that are entries on the timelines of what they are about.

    When: at boot. Returns: sources; `GET /api/v1/<plugin>/<plural>/{id}/timeline` shows their records to those who may see them.
    Example: `return (TimelineSource(entity="teamwork.comment", title="body"),)`.
    Off for a tenant: their entries are absent.
    """
    return ()


@hookspec
def prepare_changes(ctx: Context, batch: Batch) -> None:
    """Complete the changes to one's own entities: derived values, numbers, side rows, domain events.

    When: before a write, after the fields have been checked; only the plugin that owns the entity is called.
    Returns: nothing; sets `change.values`, calls `change.refuse`, `batch.emit`, `batch.also_create`, `batch.at_last`.
    Example: `for change in batch.standing(): change.values["status"] = ...`.
    Off for a tenant: not called, as its entities cannot be written. An exception undoes the whole write.
    """


@hookspec
def validate_changes(ctx: Context, batch: Batch) -> None:
    """Veto changes to any entity: the only way to stop another plugin's write.

    When: after `prepare_changes`, before anything is written.
    Returns: nothing; calls `change.refuse` or `change.forbid`, and must not set values.
    Example: `if batch.entity == "customers.account": ...`.
    Off for a tenant: not called. An exception undoes the whole write.
    """


@hookspec
def tenant_enabled(ctx: Context) -> None:
    """Begin with a tenant, or again: make up for what has happened while one was not there.

    When: a tenant is made, or the plugin is switched on (a bridge: what it joins is), in the transaction of the switch.
    Returns: nothing; long work goes to `ctx.enqueue`.
    Example: `ctx.enqueue("orders.catch_up", {})`.
    Off for a tenant: not called. An exception, or a Refusal with its reason, leaves it off.
    """


@hookspec
def tenant_disabled(ctx: Context) -> None:
    """End what one has begun for a tenant and would otherwise hang: nothing of the plugin runs from now on.

    When: the plugin is switched off, or a bridge goes with what it joins; in the transaction of the switch, while it is still there.
    Returns: nothing; no record is deleted, as it may come back.
    Example: `ctx.records("import_export.import").write_all(drafts)`.
    Off for a tenant: not called. An exception is logged, what the hook did is undone, and the plugin is off all the same.
    """


@hookspec
def demo_data(ctx: Context, random: random.Random, months: int) -> None:
    """Fill a tenant with sample data in both languages, ending today.

    When: `dealwright demo`, in the order of `requires`; the same `random` gives the same data.
    Returns: nothing; writes through the doors.
    Example: `ctx.records("customers.account").write([Draft("create", {"name": "..."})])`.
    Off for a tenant: not called.
    """


@hookspec
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    """Say which of one's own records name another plugin, so that who removes it knows what will stop.

    When: before a plugin is removed, for each tenant. Returns: one `Use` for each entity that has such records.
    Example: `return (Use("automation.rule", ("Greet a new lead",)),)`.
    Off for a tenant: not called. An exception is told in the report and stops nothing.
    """
    return ()


@hookspec
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """Say in which of one's own records something of a person stands that no link leads to, and which of them must stay as they are.

    When: a person's data are given out or erased. `ctx` is the system's, in a write transaction; nothing may be changed.
    Returns: traces; what is personal in their records goes with that of `person.records`.
    Example: `return (Trace("teamwork.file", person.ids("teamwork.file"), files=keys),)`.
    Off for a tenant: not called; what its records hold of the person is counted as off, and goes when it is on and this is done again.
    """
    return ()


@hookspec
def before_upgrade(ctx: Installation, before: str | None, after: str) -> None:
    """Refuse what cannot go well, before the schema of one's own plugin is made or moved between two revisions.

    When: `dealwright plugin add` and `dealwright db upgrade`, where the plugin's schema is behind; `before` is None at the first time.
    Returns: nothing; raises a Refusal with the reason, and then nothing has changed.
    Example: `if ctx.dialect == "sqlite" and ctx.server < (3, 45): raise Unavailable(_("..."))`.
    Off for a tenant: called all the same: a schema is the whole installation's.
    """


@hookspec
def after_upgrade(ctx: Context, before: str, after: str) -> None:
    """Bring one's own records of a tenant up to what another version expects of them.

    When: after `dealwright plugin upgrade` or `db upgrade`, in the background, once for each tenant that has the plugin; between two
    versions of the manifest, which may be the same where the schema moved alone. It must bear a second run: what fails is tried again.
    Returns: nothing; long work goes to `ctx.enqueue`.
    Example: `ctx.enqueue("orders.catch_up", {})`.
    Off for a tenant: not called; `tenant_enabled` is when it is on again. Held: it waits for the approval.
    """


@hookspec
def tenant_purged(ctx: Context) -> None:
    """Take away what one keeps of a tenant outside the plugin's tables: files, what others were asked to keep.

    When: right before all rows go for ever: the tenant is purged, or the plugin is removed with `--purge`; also where it was off.
    Returns: nothing; rows need not be deleted.
    Example: `ctx.files.remove("...")`.
    Off for a tenant: called all the same. An exception is told to the operator and stops nothing.
    """
