"""Imports over HTTP."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.import_export import imports
from plugins.import_export.failed import failed_file
from plugins.import_export.files import Reading
from plugins.import_export.plan import DUPLICATES, MODES, ORDERS, Wish
from plugins.import_export.tables import OUTCOMES
from plugins.import_export.template import template
from sdk import Context, Request, Response, Route, _
from sdk.context import CURSOR


class NewImport(Schema):
    """A file and what to do with it; `map`, `value` and `set` are written as on the command line."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    mode = fields.String(load_default="create", validate=validate.OneOf(MODES))
    match = fields.List(fields.String(), load_default=list)
    map = fields.List(fields.String(), load_default=list)
    value = fields.List(fields.String(), load_default=list)
    set = fields.List(fields.String(), load_default=list)
    dry_run = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))
    dates = fields.String(load_default="", validate=validate.OneOf(("", *ORDERS)))
    duplicates = fields.String(load_default="skip", validate=validate.OneOf(DUPLICATES))
    encoding = fields.String(load_default="", validate=validate.Length(max=40))
    delimiter = fields.String(load_default="", validate=validate.Length(max=3))


class RowQuery(Schema):
    """Which rows."""

    outcome = fields.String(load_default=None, validate=validate.OneOf(tuple(OUTCOMES)))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    cursor = fields.String(load_default="", validate=validate.Regexp(CURSOR))


_IMPORT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string"},
        **{name: {"type": "integer"} for name in ("created", "updated", "unchanged", "skipped", "failed", "warned")},
    },
    "required": ["id", "state"],
}
_ROWS = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"type": "object", "required": ["number", "outcome", "reason"]}},
        "page": {"type": "object", "properties": {"next": {"type": ["string", "null"]}}, "required": ["next"]},
    },
    "required": ["data", "page"],
}


def start_import(ctx: Context, request: Request) -> Response:
    """Take the file and import it in the background."""
    body, file = request.body, request.files["file"]
    lists = {name: tuple(cast("list[str]", body[name])) for name in ("match", "map", "value", "set")}
    dry_run, dates = body["dry_run"] == "true", str(body["dates"])
    duplicates = str(body["duplicates"])
    reading = Reading(str(body["encoding"]), str(body["delimiter"]))
    wish = Wish(
        str(body["entity"]), file.filename, str(body["mode"]), **lists, dry_run=dry_run, dates=dates, duplicates=duplicates, reading=reading
    )
    record = imports.begin(ctx, wish)
    key = ctx.files.save(file.stream)
    ctx.enqueue("import_export.run_import", imports.arguments(record, wish, key))
    shown = ctx.as_system().records("import_export.import").get(UUID(str(record["id"])))
    return Response(shown, 202, {"Location": f"/api/v1/import_export/imports/{record['id']}"})


def list_rows(ctx: Context, request: Request) -> object:
    """The rows that were not taken or that one is warned of, each with its reason."""
    id = request.id()
    ctx.records("import_export.import").get(id)
    outcome, limit, cursor = (request.query[name] for name in ("outcome", "limit", "cursor"))
    page = imports.rows(ctx, id, None if outcome is None else str(outcome), int(str(limit)), str(cursor))
    return {"data": page.data, "page": {"next": page.next}}


def get_failed(ctx: Context, request: Request) -> object:
    """The failed rows as a file to mend and import again."""
    ctx.records("import_export.import").get(request.id())
    return failed_file(ctx, request.id())


def get_template(ctx: Context, request: Request) -> object:
    """A CSV file to fill in."""
    return template(ctx, request.path["entity"])


ROUTES = (
    Route(
        method="POST",
        path="/imports",
        view=start_import,
        permission=imports.PERMISSION,
        summary=_("Import a file"),
        body=NewImport,
        uploads=("file",),
        answer=_IMPORT,
        status=202,
    ),
    Route(
        method="GET",
        path="/imports/{id}/rows",
        view=list_rows,
        permission="import_export.import.read",
        summary=_("Rows that were not taken"),
        query=RowQuery,
        answer=_ROWS,
    ),
    Route(
        method="GET",
        path="/imports/{id}/failed",
        view=get_failed,
        permission="import_export.import.read",
        summary=_("The failed rows as a file to mend"),
        media_type="text/csv",
    ),
    Route(
        method="GET",
        path="/templates/{entity}",
        view=get_template,
        permission=imports.PERMISSION,
        summary=_("A CSV file to fill in"),
        media_type="text/csv",
    ),
)
