"""From a record to its document on a page: choose a template, look at it, issue it, take it along or mail it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from plugins.documents import copies, mailing, previews
from plugins.documents.copies import DOCUMENT
from plugins.documents.offers import Wish, own_templates, specs
from plugins.documents.shelf import copies_of, language
from plugins.documents.tables import FORMATS
from sdk import (
    SIGNED_IN,
    Condition,
    Context,
    Invalid,
    NotFound,
    PageRequest,
    PageRoute,
    Panel,
    Problem,
    Redirect,
    Refusal,
    Rendering,
    Slot,
    _,
)
from sdk.clauses import record_input
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, FlawError, Reference
from sdk.forms import Input
from sdk.pages import ABOUT, ANY_ENTITY, told
from sdk.routes import record_id

CONTACT = "customers.contact"
_ABOUT = AnyRecordField(label=_("About"), name="about")


def _record(ctx: Context, about: str) -> Reference:
    """The record that is meant, which the actor sees; raises NotFound."""
    try:
        found = _ABOUT.sought(about)
    except FlawError:
        raise NotFound(_("there is nothing at this address")) from None
    if not ctx.offers(found.entity) or not specs(ctx, found.entity):
        raise NotFound(_("there is nothing at this address"))
    ctx.records(found.entity).get(found.id, fields=("id",))
    return found


def _wish(request: PageRequest, about: Reference, ways: Sequence[tuple[str, str]]) -> Wish:
    """What is chosen, or what is usual."""
    given = {**dict(request.query), **dict(request.form)}
    template = given.get("template") or ways[0][0]
    return Wish(about, template, given.get("format") or ("pdf" if "." in template else ""), given.get("locale", ""))


def _ways(ctx: Context, entity: str) -> list[tuple[str, str]]:
    """The kinds of document of an entity, and the tenant's own templates for them."""
    found: list[tuple[str, str]] = []
    for spec in specs(ctx, entity):
        label = ctx.say(spec.label)
        found.append((spec.full_key, ctx.say(_("{document}: default"), {"document": label})))
        found += [(str(row["id"]), f"{label}: {row['name']}") for row in own_templates(ctx, spec.full_key) if row["active"]]
    return found


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The document as it would be now."""
    return _page(ctx, request, _record(ctx, request.asked("about")))


def _page(ctx: Context, request: PageRequest, about: Reference, refusal: Refusal | None = None) -> Rendering:
    ways = _ways(ctx, about.entity)
    wish = _wish(request, about, ways)
    seen, unseen = None, list[str]()
    try:
        seen = previews.of_record(ctx, wish)
    except Refusal as unfit:
        unseen = told(ctx, unfit)
    of, word = ctx.entity(about.entity), f"{about.entity}:{about.id}"
    spec = next((one for one in specs(ctx, about.entity) if one.full_key == wish.template), specs(ctx, about.entity)[0])
    contact = Input(
        "contact",
        ctx.say(_("To")),
        "text",
        request.typed("contact"),
        required=False,
        hint=ctx.say(_("Leave empty for the record’s own contact.")),
    )
    return Rendering(
        "documents/make.html",
        {
            "about": word, "title": ctx.records(about.entity).titles([about.id]).get(about.id, "—"), "back": ctx.page(f"/{of.plugin}/{of.plural}/{about.id}"),
            "ways": ways, "wish": wish, "formats": [(key, ctx.say(label)) for key, label in FORMATS.items()],
            "languages": [(code, language(ctx, code)) for code in sorted({file.locale for file in spec.sources})],
            "preview": seen, "unseen": unseen, "problems": told(ctx, refusal), "mailed": spec.mailed is not None,
            "contact": record_input(ctx, CONTACT, contact) if ctx.offers(CONTACT) else None, "typed": dict(request.form),
            "copies": _copies(ctx, about), "issued": request.asked("issued"), "sent": request.asked("sent"),
        },
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def _copies(ctx: Context, about: Reference) -> list[Row]:
    return copies_of(ctx, (Condition("about", "eq", (about,)),)) if ctx.can(f"{DOCUMENT}.read") else []


def make(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Issue the document, or mail it."""
    about = _record(ctx, request.typed("about"))
    wish = _wish(request, about, _ways(ctx, about.entity))
    here = ctx.page(f"/documents/make?about={about.entity}:{about.id}")
    try:
        if request.typed("do") == "mail":
            word = request.typed("contact")
            contact = record_id(word) if word else None
            if typed := "" if word else request.typed("contact__typed").strip():  # not the record's own contact: somebody else was meant
                problem = Problem("contact", "unknown", _("No contact is selected: “{words}” was typed but not chosen."), {"words": typed})
                raise Invalid(_("the email has no recipient"), problems=[problem])
            posted = Wish(wish.about, wish.template, mailing.FORMAT, wish.locale)
            sent = mailing.mail(ctx, mailing.Posting(posted, contact, request.typed("subject"), request.typed("text")))
            return Redirect(f"{here}&sent={sent.document}")
        row = copies.issue(ctx, wish)
    except Refusal as refusal:
        return _page(ctx, request, about, refusal)
    return Redirect(f"{here}&issued={id_of(row)}")


# --- in pages of others -----------------------------------------------------------------------------------------------------


def has_documents(ctx: Context, entity: str) -> bool:
    """Whether documents are made of such records."""
    return bool(specs(ctx, entity))


def beside(ctx: Context, record: Mapping[str, object]) -> Rendering:
    """The documents of a record, and the way to another one."""
    entity = str(record[ABOUT])
    about = f"{entity}:{record['id']}"
    return Rendering("documents/beside.html", {"about": about, "copies": _copies(ctx, Reference(entity, UUID(str(record["id"]))))})


def download(_ctx: Context, record: Mapping[str, object]) -> Rendering:
    """The way to an issued copy's file."""
    return Rendering("documents/download.html", {"id": record["id"]})


PAGES = (PageRoute("make", path="/make", title=_("Create document"), permission=SIGNED_IN, view=show, submit=make),)
PANELS = (
    Panel(
        "documents",
        slot=Slot.PANEL,
        label=_("Documents"),
        permission=SIGNED_IN,
        view=beside,
        entity=ANY_ENTITY,
        position=5,
        fits=has_documents,
    ),
    Panel(
        "download",
        slot=Slot.BUTTON,
        label=_("Download"),
        permission=f"{DOCUMENT}.read",
        view=download,
        entity="documents.document",
        position=10,
    ),
)
