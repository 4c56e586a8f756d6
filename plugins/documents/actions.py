"""What a rule can do, and what other plugins ask for in the background."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.documents import mailing, tables
from plugins.documents.copies import DOCUMENT, issue, issue_once
from plugins.documents.offers import Wish, named, own_templates, reference, specs
from sdk import Context, Forbidden, GiveUp, Invalid, NotFound, Problem, Step, _
from sdk.documents import FORMATS
from sdk.fields import Reference
from sdk.workflow import Parameters, Shape, parameter

ISSUE = "issue"
NOWHERE = UUID(int=0)


def templates_of(ctx: Context, entity: str, _given: Parameters) -> list[tuple[str, str]]:
    """The documents of an entity, and the tenant's own templates for them."""
    found: list[tuple[str, str]] = []
    for spec in specs(ctx, entity):
        label = ctx.say(spec.label)
        found.append((spec.full_key, label))
        found += [(str(row["id"]), f"{label}: {row['name']}") for row in own_templates(ctx, spec.full_key) if row["active"]]
    return found


def _formats(ctx: Context, _entity: str, _given: Parameters) -> list[tuple[str, str]]:
    return [(key, ctx.say(label)) for key, label in tables.FORMATS.items()]


def _languages(ctx: Context, _entity: str, _given: Parameters) -> list[tuple[str, str]]:
    return [("", ctx.say(_("Same as the document"))), ("zh_CN", "简体中文"), ("en", "English")]


_LANGUAGE = parameter(_("Language"), options=_languages)
_CONTACT = parameter(_("Contact"), _("Leave empty for the record’s own."), shape=Shape.RECORD, of="customers.contact")


class MakeDocument(Schema):
    """From which kind of document or own template, in which format and language."""

    template = fields.String(required=True, validate=validate.Length(1, 100), metadata=parameter(_("Template"), options=templates_of))
    format = fields.String(load_default="pdf", validate=validate.OneOf(FORMATS), metadata=parameter(_("Format"), options=_formats))
    locale = fields.String(
        load_default="",
        validate=validate.Length(0, 35),
        metadata=_LANGUAGE,
    )


class Made(Schema):
    """The document that was issued, and to whom it went."""

    document = fields.UUID(metadata=parameter(_("Document"), shape=Shape.RECORD, of=DOCUMENT))
    name = fields.String(metadata=parameter(_("Name")))
    sha256 = fields.String(metadata=parameter(_("SHA-256")))
    to = fields.String(metadata=parameter(_("To")))


def check_document(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    """Whether there is such a template for the records of the rule."""
    try:
        named(ctx, Wish(Reference(entity, NOWHERE), str(parameters["template"]), str(parameters["format"])))
    except Invalid as refusal:
        return list(refusal.problems)
    return []


def make_document(ctx: Context, step: Step) -> Mapping[str, object]:
    """Issue a document about the record of a rule."""
    given = step.parameters
    wish = Wish(Reference(step.entity, step.record_id), str(given["template"]), str(given["format"]), str(given["locale"]))
    row = issue(ctx, wish)
    return {"document": str(row["id"]), "name": str(row["name"]), "sha256": str(row["sha256"])}


class MailDocument(Schema):
    """Which document goes to which contact (its id; nothing: the record's own), with which words (nothing: the usual ones)."""

    template = fields.String(required=True, validate=validate.Length(1, 100), metadata=parameter(_("Template"), options=templates_of))
    locale = fields.String(
        load_default="",
        validate=validate.Length(0, 35),
        metadata=_LANGUAGE,
    )
    contact = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata=_CONTACT,
    )
    subject = fields.String(
        load_default="", validate=validate.Length(0, 300), metadata=parameter(_("Subject"), _("Leave empty for the default."), told=True)
    )
    text = fields.String(
        load_default="",
        validate=validate.Length(0, 20_000),
        metadata=parameter(_("Text"), _("Leave empty for the default text."), shape=Shape.TEXT, told=True),
    )


def check_mail(ctx: Context, entity: str, parameters: Parameters) -> list[Problem]:
    """Whether the records of the rule have such a document, and whether it is mailed."""
    try:
        spec, _own = named(ctx, Wish(Reference(entity, NOWHERE), str(parameters["template"]), mailing.FORMAT))
    except Invalid as refusal:
        return list(refusal.problems)
    return [] if spec.mailed is not None else [Problem("template", "not_mailed", mailing.NOT_MAILED, {"template": spec.full_key})]


def mail_document(ctx: Context, step: Step) -> Mapping[str, object]:
    """Mail a document about the record of a rule; the letter goes when the run has been committed, and not without it."""
    given, contact = step.parameters, step.parameters["contact"]
    wish = Wish(Reference(step.entity, step.record_id), str(given["template"]), mailing.FORMAT, str(given["locale"]))
    assert contact is None or isinstance(contact, UUID)
    sent = mailing.mail(ctx, mailing.Posting(wish, contact, str(given["subject"]), str(given["text"])))
    return {"document": str(sent.document), "to": sent.to, "subject": sent.subject}


def issue_later(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The job `documents.issue`: {"about", "template", "format", "locale", "occasion", "by"}; one copy for each occasion, however often it runs."""
    about, by = reference(str(arguments["about"])), arguments.get("by")
    wish = Wish(about, str(arguments["template"]), str(arguments.get("format", "pdf")), str(arguments.get("locale", "")))
    try:
        issue_once(ctx, wish, str(arguments["occasion"]), UUID(str(by)) if by else None)
    except (Forbidden, Invalid, NotFound) as reason:  # neither rights, template nor record get better by waiting
        raise GiveUp(reason.message, **reason.params) from reason
