"""The menu of the web_forms plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from random import Random

from plugins.web_forms import capture, demo, forms, pages, privacy, routes, settings, sight
from plugins.web_forms.tables import Capture, Form, FormField, Submission
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    Extension,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Person,
    Route,
    Schedule,
    Scope,
    Settings,
    Side,
    TimelineSource,
    Trace,
    Use,
    Verb,
    _,
    hookimpl,
)
from sdk.impact import naming

manifest = Manifest(
    name="web_forms",
    version="0.1",
    title=_("Web forms"),
    summary=_("Website forms that create leads. Failed submissions are kept so you can retry them."),
    requires=("leads",),
    capabilities=Capabilities(
        data=("leads.lead.read:*", "leads.lead.create:*", "leads.lead.force", "leads.campaign.read:name"),
        jobs=("forget",),
    ),
)

NAMING: dict[str, Sequence[str]] = {"web_forms.form_field": ("field",)}
"""Where names of other plugins may stand."""

ACCESS: dict[str, Access] = {"sales_manager": Scope.TEAM, "read_only": {Verb.READ: Scope.ALL}}
SENT: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.OWN},
    "sales_manager": {Verb.READ: Scope.TEAM, Verb.DELETE: Scope.TEAM},
}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {forms.FORM: forms.prepare_forms, forms.FIELD: forms.prepare_fields}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Form, "form", "forms", _("Web form"), _("Web forms"), access=ACCESS, merges=False, acts_later=True),
        Entity(FormField, "form_field", "form_fields", _("Form field"), _("Form fields"), title="field", owned=False),
        Entity(Submission, "submission", "submissions", _("Form submission"), _("Form submissions"), title="state", access=SENT,
               verbs=frozenset({Verb.READ, Verb.DELETE}), merges=False, veil=sight.veil, veiled=sight.OF_SUBMISSIONS, narrows=sight.narrows),
    )  # fmt: skip


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (Extension(forms.LEAD, Side(Capture, "lead_id")),)


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return (
        Permission(capture.RETRY, _("Retry web form submissions"), {"sales_manager": Scope.ALL}),
        Permission(forms.DELEGATE, _("Let web forms create leads as someone else or as the system")),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_settings() -> Sequence[Settings]:
    return (Settings(settings.Keeping),)


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("forget", settings.forget, at=time(3), label=_("Delete old submissions")),)


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (TimelineSource(entity=capture.SUBMISSION, title="form"),)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry(
            "forms", label=_("Web forms"), section="sell", path="/web_forms", permission=f"{forms.FORM}.read", icon="form", position=7
        ),
    )


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES


@hookimpl
def register_panels() -> Sequence[Panel]:
    return pages.PANELS


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING, {"web_forms.form_field": "form"})
