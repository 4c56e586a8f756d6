"""What a rule can do, and what other plugins ask for in the background."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.documents.copies import issue, issue_once
from plugins.documents.offers import Wish, named, reference
from sdk import Context, Forbidden, GiveUp, Invalid, NotFound, Problem, Step, _
from sdk.documents import FORMATS
from sdk.fields import Reference
from sdk.workflow import Parameters

ISSUE = "issue"
NOWHERE = UUID(int=0)


class MakeDocument(Schema):
    """From which kind of document or own template, in which format and language."""

    template = fields.String(required=True, validate=validate.Length(1, 100), metadata={"label": _("Template")})
    format = fields.String(load_default="pdf", validate=validate.OneOf(FORMATS), metadata={"label": _("Format")})
    locale = fields.String(load_default="", validate=validate.Length(0, 35), metadata={"label": _("Language")})


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


def issue_later(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The job `documents.issue`: {"about", "template", "format", "locale", "occasion", "by"}; one copy for each occasion, however often it runs."""
    about, by = reference(str(arguments["about"])), arguments.get("by")
    wish = Wish(about, str(arguments["template"]), str(arguments.get("format", "pdf")), str(arguments.get("locale", "")))
    try:
        issue_once(ctx, wish, str(arguments["occasion"]), UUID(str(by)) if by else None)
    except (Forbidden, Invalid, NotFound) as reason:  # neither rights, template nor record get better by waiting
        raise GiveUp(str(reason)) from reason
