"""Making documents, and templates of one's own, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.documents import copies, mailing, offers, templates
from plugins.documents.offers import TEMPLATE, Wish
from sdk import SIGNED_IN, Context, Request, Response, Route, _
from sdk.context import Row
from sdk.documents import FORMATS

_REFERENCE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_KEY = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
_LOCALE = r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3})?$"
_ANY = r"^([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"


class Rendering(Schema):
    """About which record (`plugin.entity:id`), from which kind of document or own template, in which format and language."""

    about = fields.String(required=True, validate=[validate.Length(1, 140), validate.Regexp(_REFERENCE)])
    template = fields.String(required=True, validate=[validate.Length(1, 100), validate.Regexp(_ANY)])
    format = fields.String(load_default="", validate=validate.OneOf(["", *FORMATS]))
    locale = fields.String(load_default="", validate=[validate.Length(0, 35), validate.Regexp(_LOCALE)])


class Posting(Schema):
    """What goes out (about which record, from which kind of document or own template, in which language), to which contact, with which words.

    Without a contact it goes to the record's own; without words it has the usual ones.
    """

    about = fields.String(required=True, validate=[validate.Length(1, 140), validate.Regexp(_REFERENCE)])
    template = fields.String(required=True, validate=[validate.Length(1, 100), validate.Regexp(_ANY)])
    locale = fields.String(load_default="", validate=[validate.Length(0, 35), validate.Regexp(_LOCALE)])
    contact = fields.UUID(load_default=None, allow_none=True)
    subject = fields.String(load_default="", validate=validate.Length(0, 300))
    text = fields.String(load_default="", validate=validate.Length(0, 20_000))


class Posted(Schema):
    """The issued copy that goes out, to which address, under which subject."""

    document = fields.UUID(required=True)
    to = fields.String(required=True)
    subject = fields.String(required=True)


class Offered(Schema):
    """Of which entity; nothing: of all."""

    entity = fields.String(load_default="", validate=validate.Length(0, 80))


class ShippedTemplate(Schema):
    """The template of which kind of document, in which format and language."""

    template = fields.String(required=True, validate=[validate.Length(1, 100), validate.Regexp(_KEY)])
    format = fields.String(load_default="docx", validate=validate.OneOf(FORMATS))
    locale = fields.String(load_default="", validate=[validate.Length(0, 35), validate.Regexp(_LOCALE)])


class NewTemplate(Schema):
    """For which kind of document, called what, in which language."""

    template = fields.String(required=True, validate=[validate.Length(1, 100), validate.Regexp(_KEY)])
    name = fields.String(
        required=True, validate=[validate.Length(1, 100), validate.Regexp(r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f]$")]
    )
    locale = fields.String(required=True, validate=[validate.Length(2, 20), validate.Regexp(_LOCALE)])


_RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}
_ROWS = {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "object"}}}, "required": ["data"]}


def _wish(given: Mapping[str, object]) -> Wish:
    return Wish(offers.reference(str(given["about"])), str(given["template"]), str(given["format"]), str(given["locale"]))


def issue(ctx: Context, request: Request) -> Response:
    """Make a document of a record and keep it."""
    row = copies.issue(ctx, _wish(request.body))
    names = ("id", "name", "number", "base", "format", "locale", "size", "sha256", "issued_at")
    shown = {name: row[name] for name in names}
    return Response(shown, 201, {"Location": f"/api/v1/documents/documents/{row['id']}"})


def mail(ctx: Context, request: Request) -> Response:
    """Mail the issued PDF of a record: one letter for each request, which leaves when it has been committed."""
    given, contact = request.body, request.body["contact"]
    assert contact is None or isinstance(contact, UUID)
    wish = Wish(offers.reference(str(given["about"])), str(given["template"]), mailing.FORMAT, str(given["locale"]))
    sent = mailing.mail(ctx, mailing.Posting(wish, contact, str(given["subject"]), str(given["text"])))
    return Response({"document": sent.document, "to": sent.to, "subject": sent.subject}, 202)


def preview(ctx: Context, request: Request) -> object:
    """Make a document of a record and keep nothing."""
    return copies.preview(ctx, _wish(request.query))


def download(ctx: Context, request: Request) -> object:
    """An issued copy."""
    return copies.download(ctx, request.id())


def list_offers(ctx: Context, request: Request) -> object:
    """Which documents there are, and the variables of each."""
    return {"data": offers.listed(ctx, str(request.query["entity"]))}


def give_shipped(ctx: Context, request: Request) -> object:
    """A template as it ships."""
    query = request.query
    return templates.shipped(ctx, str(query["template"]), str(query["format"]), str(query["locale"]))


def _taken(row: Row) -> Response:
    shown = {name: row[name] for name in ("id", "name", "base", "format", "locale", "revision", "filename", "size", "sha256")}
    return Response(shown, 201, {"Location": f"/api/v1/documents/templates/{row['id']}"})


def take_template(ctx: Context, request: Request) -> Response:
    """Take a template of the tenant's own."""
    body = request.body
    return _taken(templates.upload(ctx, str(body["template"]), str(body["name"]), str(body["locale"]), request.files["file"]))


def revise_template(ctx: Context, request: Request) -> Response:
    """Take other content for a template."""
    return _taken(templates.revise(ctx, request.id(), request.files["file"]))


def give_template(ctx: Context, request: Request) -> object:
    """A template as it was uploaded."""
    return templates.content_of(ctx, request.id())


def give_version(ctx: Context, request: Request) -> object:
    """A template as it was."""
    return templates.version_of(ctx, request.id())[1]


ROUTES = (
    Route(method="POST", path="/renderings", view=issue, permission=SIGNED_IN, summary=_("Issue a document"), body=Rendering,
          answer=_RECORD, status=201),
    Route(method="POST", path="/mails", view=mail, permission=SIGNED_IN, summary=_("Email a document"), body=Posting, answer=Posted,
          status=202),
    Route(method="GET", path="/previews", view=preview, permission=SIGNED_IN, summary=_("Preview a document"), query=Rendering,
          media_type="application/*"),
    Route(method="GET", path="/documents/{id}/content", view=download, permission=SIGNED_IN, summary=_("Download an issued copy"),
          media_type="application/*"),
    Route(method="GET", path="/offers", view=list_offers, permission=SIGNED_IN, summary=_("Available documents"), query=Offered,
          answer=_ROWS),
    Route(method="GET", path="/shipped", view=give_shipped, permission=f"{TEMPLATE}.read", summary=_("Download a built-in template"),
          query=ShippedTemplate, media_type="*/*"),
    Route(method="POST", path="/uploads", view=take_template, permission=f"{TEMPLATE}.create", summary=_("Upload a template"),
          body=NewTemplate, uploads=("file",), answer=_RECORD, status=201),
    Route(method="POST", path="/templates/{id}/revisions", view=revise_template, permission=f"{TEMPLATE}.update",
          summary=_("Upload another template version"), uploads=("file",), answer=_RECORD, status=201),
    Route(method="GET", path="/templates/{id}/content", view=give_template, permission=f"{TEMPLATE}.read",
          summary=_("Download a template"), media_type="*/*"),
    Route(method="GET", path="/versions/{id}/content", view=give_version, permission=f"{TEMPLATE}.read",
          summary=_("Download a template version"), media_type="*/*"),
)  # fmt: skip
