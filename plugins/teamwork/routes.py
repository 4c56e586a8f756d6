"""Calendar, overdue tasks, and the content of files over HTTP."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.teamwork import calendar, files
from plugins.teamwork.calendar import entries
from sdk import SIGNED_IN, Context, Request, Response, Route, _


class Span(Schema):
    """Days, both of them shown, and whose."""

    first = fields.Date(required=True, data_key="from")
    last = fields.Date(required=True, data_key="to")
    owner = fields.UUID(load_default=None)


class NewFile(Schema):
    """What the file is about: `plugin.entity:id`."""

    about = fields.String(required=True, validate=validate.Length(1, 140))


_ROWS = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": {"type": "object"}}},
    "required": ["data"],
}
_FILE = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}


def show_calendar(ctx: Context, request: Request) -> object:
    """Activities and dated tasks of a span of days."""
    first, last, owner = (request.query[name] for name in ("first", "last", "owner"))
    assert isinstance(first, date) and isinstance(last, date)
    return {"data": entries(ctx, first, last, owner if isinstance(owner, UUID) else None)}


def show_overdue(ctx: Context, _request: Request) -> object:
    """Open tasks that were due before today."""
    names = ("id", "subject", "due_on", "priority", "owner")
    return {"data": [{name: row.get(name) for name in names} for row in calendar.overdue(ctx)]}


def take_file(ctx: Context, request: Request) -> Response:
    """Keep a file with a record."""
    row = files.upload(ctx, str(request.body["about"]), request.files["file"])
    shown = {name: row[name] for name in ("id", "name", "media_type", "size", "sha256")}
    return Response(shown, 201, {"Location": f"/api/v1/teamwork/files/{row['id']}"})


def give_file(ctx: Context, request: Request) -> object:
    """The content of a file."""
    return files.download(ctx, request.id())


ROUTES = (
    Route(method="GET", path="/calendar", view=show_calendar, permission="teamwork.activity.read", summary=_("Calendar"),
          query=Span, answer=_ROWS),
    Route(method="GET", path="/overdue", view=show_overdue, permission="teamwork.task.read", summary=_("Overdue tasks"), answer=_ROWS),
    Route(method="POST", path="/uploads", view=take_file, permission=SIGNED_IN, summary=_("Upload a file"), body=NewFile,
          uploads=("file",), answer=_FILE, status=201),
    Route(method="GET", path="/files/{id}/content", view=give_file, permission=SIGNED_IN, summary=_("Download a file"),
          media_type="application/octet-stream"),
)  # fmt: skip
