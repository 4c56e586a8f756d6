"""Issued copies that leave the house by mail."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from plugins.documents import copies
from plugins.documents.offers import Wish, choose, nearest
from plugins.documents.templates import MEDIA
from sdk import Attachment, Context, Invalid, Mail, Problem, _, where
from sdk.context import Row, id_of
from sdk.files import clean_name

FORMAT = "pdf"
LANGUAGES = ("en", "zh_CN")
NOT_MAILED = _("{template} documents can’t be emailed; create one and send it yourself")


@dataclass(frozen=True)
class Posting:
    """What is mailed, to which contact (None: the record's own), with which words ("": the usual ones)."""

    wish: Wish
    contact: UUID | None = None
    subject: str = ""
    text: str = ""


@dataclass(frozen=True)
class Posted:
    """What was written to whom, with which issued copy."""

    document: UUID
    to: str
    subject: str


def mail(ctx: Context, posting: Posting) -> Posted:
    """Mail the issued PDF of a record; copy, note on the record and the wish to send are of one transaction.

    Raises NotFound, Forbidden, Invalid, and Conflict where the record is not ready for it or the kept copy is not what was issued.
    """
    wish = posting.wish
    with ctx.transaction(write=True):
        chosen = choose(ctx, wish)
        if chosen.spec.mailed is None:
            problem = Problem("template", "not_mailed", NOT_MAILED, {"template": chosen.spec.full_key})
            raise Invalid(_("it can’t be emailed"), problems=[problem])
        to = chosen.spec.mailed(ctx, wish.about.id, posting.contact)
        row = _copy(ctx, wish, to.occasion)
        words = ctx.speaking(nearest(str(row["locale"]), LANGUAGES))
        name = clean_name(f"{words.say(chosen.spec.title_of(ctx, wish.about.id))} {row['number'] or ''}", "document")
        usual = words.say(_("Dear {name},\n\nplease find {document} attached."), {"name": to.name, "document": name})
        letter = Mail(
            to.email, " ".join(posting.subject.split()) or name, posting.text.strip() or usual,
            attachments=(Attachment(str(row["content"]), f"{name}.{FORMAT}", MEDIA[FORMAT]),),
            reply_to=_own_address(ctx), about=wish.about,
        )  # fmt: skip
        ctx.mail(letter)
        return Posted(id_of(row), to.email, letter.subject)


def _copy(ctx: Context, wish: Wish, occasion: str) -> Row:
    """The copy of the occasion, whoever may see it; another template or language than the usual one is an occasion of its own."""
    if not occasion:
        return copies.issue(ctx, wish)
    usual = wish.template == choose(ctx, wish).spec.full_key and not wish.locale
    occasion = occasion if usual else f"{occasion}:{wish.template}:{wish.locale}"
    there = ctx.as_system().records(copies.DOCUMENT).find(where(occasion=occasion), 1)
    row = there[0] if there else copies.issue_once(ctx, wish, occasion, ctx.actor.user_id)
    copies.content_of(ctx, row)  # what is not as it was issued does not go out
    return row


def _own_address(ctx: Context) -> str:
    """Answers go to who sends it, not to the installation."""
    id = ctx.actor.user_id
    rows = ctx.as_system().records("core.user").values([id]) if id is not None else {}
    return next((str(row["email"]) for row in rows.values() if row["email"]), "")
