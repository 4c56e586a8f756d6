"""Documents made: shown and forgotten, or issued and kept with their hash for good."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from plugins.documents.offers import Chosen, Wish, choose
from plugins.documents.presentation import day_of, presented
from plugins.documents.templates import MEDIA
from plugins.documents.workers import rendered
from sdk import Batch, Conflict, Context, DocumentTemplate, Download, Forbidden, NotFound, Refusal, _, where
from sdk.context import Row
from sdk.fields import Reference
from sdk.files import clean_name, saved

DOCUMENT, ACT = "documents.document", "issue"
NOTE = "note"


@dataclass(frozen=True)
class Made:
    """A document that nobody keeps yet."""

    chosen: Chosen
    content: bytes
    name: str
    number: str
    at: datetime

    @property
    def filename(self) -> str:
        """As it is called when it is downloaded."""
        return f"{self.name}.{self.chosen.format}"


def make(ctx: Context, wish: Wish) -> Made:
    """The document as the record stands now, with the actor's rights. Raises NotFound, Forbidden, Invalid."""
    chosen, at = choose(ctx, wish), ctx.now()
    values = chosen.spec.values(ctx, wish.about.id)
    shown = presented(chosen.spec, values, day_of(ctx, at), chosen.locale)
    content = rendered(chosen.name, chosen.format, chosen.files, shown, at)
    number = str(values.get("number") or "")[:60]
    return Made(chosen, content, clean_name(f"{ctx.say(chosen.spec.title_of(ctx, wish.about.id))} {number}", "document"), number, at)


def preview(ctx: Context, wish: Wish) -> Download:
    """The document, of which nothing is kept."""
    made = make(ctx, wish)
    return Download(made.content, MEDIA[made.chosen.format], made.filename)


def keep(ctx: Context, wish: Wish, made: Made, *, occasion: str = "", by: UUID | None = None) -> Row:
    """Keep a document as an issued copy, in a write transaction; what is refused leaves no file behind."""
    by = by or ctx.actor.user_id
    values = {
        "about": wish.about, "name": made.name, "number": made.number or None, "base": made.chosen.spec.full_key,
        "template": made.chosen.own, "template_sha256": made.chosen.sha256, "format": made.chosen.format, "locale": made.chosen.locale,
        "size": len(made.content), "sha256": hashlib.sha256(made.content).hexdigest(),
        "issued_at": made.at, "issued_by": by, "owner": by, "occasion": occasion or None,
    }  # fmt: skip
    with saved(ctx, io.BytesIO(made.content)) as key:
        return ctx.records(DOCUMENT).create({**values, "content": key}, act=ACT)


def issue(ctx: Context, wish: Wish) -> Row:
    """Make a document and keep it."""
    return keep(ctx, wish, make(ctx, wish))


def issue_once(ctx: Context, wish: Wish, occasion: str, by: UUID | None) -> Row:
    """The copy of an occasion: made at the first call, the same one ever after. Opens its own transactions."""
    with ctx.transaction():
        made = None if ctx.records(DOCUMENT).find(where(occasion=occasion), 1) else make(ctx, wish)
    with ctx.transaction(write=True):
        ctx.lock(f"{DOCUMENT}:{occasion}")
        there = ctx.records(DOCUMENT).find(where(occasion=occasion), 1)
        return there[0] if there else keep(ctx, wish, made or make(ctx, wish), occasion=occasion, by=by)


def download(ctx: Context, id: UUID) -> Download:
    """An issued copy, byte for byte; raises NotFound, and Conflict where what is kept is not what was issued."""
    row = ctx.records(DOCUMENT).values([id]).get(id)
    if row is None or not {"content", "format", "name", "sha256"} <= row.keys():  # a copy is all of it
        raise NotFound(_("{entity} {id} does not exist"), entity=DOCUMENT, id=str(id))
    _check_seen(ctx, row)
    return Download(content_of(ctx, row), MEDIA[str(row["format"])], f"{row['name']}.{row['format']}")


def _check_seen(ctx: Context, row: Row) -> None:
    """Raise Forbidden where who asks sees less of the record than a copy tells, which was made with the rights that its issuer had."""
    spec = next((one for one in ctx.declared(DocumentTemplate) if one.full_key == row.get("base")), None)
    about = row.get("about")
    if spec is None or not isinstance(about, Reference) or ctx.actor.user_id is None:
        return
    try:
        whole = spec.values(ctx.as_system(), about.id)
    except Refusal:  # what the record was made of is gone, for everybody
        return
    try:
        seen = spec.values(ctx, about.id)
    except Refusal as refusal:
        raise Forbidden(
            _("the copy shows more than you have access to: {reason}"), reason=ctx.say(refusal.message, refusal.params)
        ) from refusal
    if seen != whole:
        hidden = sorted(name for name in whole if seen.get(name) != whole[name])
        raise Forbidden(_("the copy shows {names}, some of which you don’t have access to"), names=", ".join(hidden))


def content_of(ctx: Context, row: Row) -> bytes:
    """The kept file of an issued copy; raises Conflict where it is not what was issued."""
    try:
        with ctx.files.open(str(row["content"])) as source:
            content = source.read()
    except NotFound as failure:
        raise Conflict(
            _("the stored file of {name} is missing; restore it from a backup"), code="copy_lost", name=str(row["name"])
        ) from failure
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        text = _("the stored file of {name} is not the one that was issued (its SHA-256 differs); restore it from a backup")
        raise Conflict(text, code="copy_changed", name=str(row["name"]))
    return content


def prepare_documents(_ctx: Context, batch: Batch) -> None:
    """An issued copy comes from a template and stays for good; a note beside it may change."""
    for change in batch.changes:
        if change.verb == "create":
            if change.act != ACT:
                change.forbid("not_issued", _("create a document with POST /documents/renderings"))
        elif change.verb != "update" or [name for name in change.values if name != NOTE and change.changes(name)]:
            change.forbid("document_issued", _("an issued copy can’t be changed; issue another one"))
