"""The menu of the documents plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from random import Random

from plugins.documents import actions, copies, demo, gallery, issuing, privacy, routes, templates
from plugins.documents.shelf import UPDATE
from plugins.documents.tables import Document, Template, Version
from sdk import (
    EVERYBODY,
    Access,
    Action,
    Batch,
    Capabilities,
    Context,
    Entity,
    Job,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Person,
    Route,
    Scope,
    TimelineSource,
    Trace,
    Use,
    Verb,
    _,
    hookimpl,
)
from sdk.files import take_away
from sdk.impact import naming

# The renderer's process loads these, not this one: only that they are installed is asked here.
for _package in ("docxtpl", "lxml", "noto_cjk_sans_otc", "typst"):
    if find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

manifest = Manifest(
    name="documents",
    version="0.1",
    title=_("Documents"),
    summary=_("Contracts, invoices and quotes as PDF and Word, from your own templates. Issued copies never change."),
    capabilities=Capabilities(
        data=("*.read:*",),  # what a document says is read by the plugin that brings its template; its page names any record
        jobs=("issue",),
        mail=True,
        files=True,
    ),
)

NAMING: dict[str, Sequence[str]] = {"documents.template": ("base",)}
"""Where names of other plugins may stand."""

READERS: dict[str, Access] = {EVERYBODY: {Verb.READ: Scope.ALL}}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    "documents.template": templates.prepare_templates,
    copies.DOCUMENT: copies.prepare_documents,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    kept = frozenset({Verb.READ, Verb.UPDATE, Verb.DELETE})
    return (
        Entity(Template, "template", "templates", _("Template"), _("Templates"), access=READERS, owned=False, verbs=kept, merges=False),
        Entity(
            Version,
            "version",
            "versions",
            _("Template version"),
            _("Template versions"),
            title="filename",
            owned=False,
            verbs=frozenset({Verb.READ}),
            merges=False,
        ),
        Entity(
            Document, "document", "documents", _("Document"), _("Documents"), verbs=frozenset({Verb.READ, Verb.UPDATE}), hands_over=False
        ),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    """Templates come by upload, so their collection offers no creating; the right to it is there all the same."""
    return (Permission("documents.template.create", _("Upload templates")),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*gallery.PAGES, *issuing.PAGES)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return issuing.PANELS


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    label = _("Document templates")
    return (MenuEntry("templates", label=label, section="admin", path="/documents/templates", permission=UPDATE, icon="file", position=45),)


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job(actions.ISSUE, actions.issue_later, label=_("Create document")),)


@hookimpl
def register_actions() -> Sequence[Action]:
    return (
        Action(
            "make_document",
            _("Create document"),
            actions.make_document,
            actions.MakeDocument,
            check=actions.check_document,
            outcome=actions.Made,
        ),
        Action(
            "mail_document",
            _("Email a document"),
            actions.mail_document,
            actions.MailDocument,
            check=actions.check_mail,
            outcome=actions.Made,
        ),
    )


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (TimelineSource(entity="documents.document", at="issued_at", title="name", body="note"),)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def tenant_purged(ctx: Context) -> None:
    take_away(ctx, "documents.document", "content")
    take_away(ctx, "documents.template", "content")
    take_away(ctx, "documents.version", "content")


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx)
