"""Imports over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast
from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.import_export import imports
from plugins.import_export.external import SYSTEM
from plugins.import_export.failed import FORMATS as FAILED_FORMATS
from plugins.import_export.failed import failed_file
from plugins.import_export.journal import IMPORT, LETTERS, cursor_of, page, seen
from plugins.import_export.plan import DUPLICATES, EMPTIED, LISTS, MODES, TOTALS, WORDS, Wish
from plugins.import_export.staging import files
from plugins.import_export.staging.routes import PAGE
from plugins.import_export.styles import NUMBERS, ORDERS, YEARS
from plugins.import_export.template import FORMATS, template
from sdk import Context, Invalid, Problem, Request, Response, Route, _
from sdk.context import id_of


class NewImport(Schema):
    """A file, or the id of one that was sent before, and what to do with it; lists are written as on the command line."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    mode = fields.String(load_default="create", validate=validate.OneOf(MODES))
    match = fields.List(fields.String(), load_default=list)
    map = fields.List(fields.String(), load_default=list)
    value = fields.List(fields.String(), load_default=list)
    set = fields.List(fields.String(), load_default=list)
    collision = fields.List(fields.String(), load_default=list)
    join = fields.List(fields.String(), load_default=list)
    split = fields.List(fields.String(), load_default=list)
    transform = fields.List(fields.String(), load_default=list)
    system = fields.String(load_default=SYSTEM, validate=validate.Length(1, 60))
    dry_run = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))
    dates = fields.String(load_default="", validate=validate.OneOf(("", *ORDERS)))
    numbers = fields.String(load_default="", validate=validate.OneOf(("", *NUMBERS)))
    years = fields.String(load_default="", validate=validate.Regexp(YEARS))
    duplicates = fields.String(load_default="skip", validate=validate.OneOf(DUPLICATES))
    nothing = fields.String(load_default="values", validate=validate.OneOf(EMPTIED))
    totals = fields.String(load_default="", validate=validate.OneOf(("", *TOTALS)))
    encoding = fields.String(load_default="", validate=validate.Length(max=40))
    delimiter = fields.String(load_default="", validate=validate.Length(max=3))
    heading_row = fields.Integer(load_default=0, validate=validate.Range(0, 50))
    file_id = fields.UUID(load_default=None)
    sheet = fields.String(load_default="", validate=validate.Length(max=255))
    silent = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))
    history = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))


class FailedQuery(Schema):
    """As what; as the file came where nothing is said."""

    format = fields.String(load_default="", validate=validate.OneOf(("", *FAILED_FORMATS)))


class RowQuery(Schema):
    """Which rows."""

    outcome = fields.String(load_default=None, validate=validate.OneOf((*LETTERS.values(), "warned", "conflict")))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    cursor = fields.String(load_default="", validate=validate.Regexp(PAGE))


class TemplateQuery(Schema):
    """As what kind of file."""

    format = fields.String(load_default="csv", validate=validate.OneOf(FORMATS))
    history = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))


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


def receive_file(ctx: Context, request: Request) -> AbstractContextManager[files.Received | None]:
    """Save the file, where one is sent; it is read in the background."""
    file = request.files.get("file")
    return nullcontext() if file is None else files.received(ctx, file.stream)


def start_import(ctx: Context, request: Request) -> Response:
    """Take the file, or one that was sent before, and import it in the background."""
    body, file = request.body, request.files.get("file")
    if (file is None) == (body["file_id"] is None):
        problem = Problem("file", "required", _("send a file, or the file_id of a file sent before"))
        raise Invalid(_("some values are invalid"), problems=[problem])
    if file is None:
        staged = files.kept(ctx, cast("UUID", body["file_id"]))
        files.place_of(staged, str(body["sheet"]))
        wish = _wish(body, str(staged["file_name"]))
        record = imports.begin(ctx, wish)
        files.touch(ctx, staged)
        ctx.enqueue("import_export.run_import", imports.arguments(record, wish))
    else:
        wish = _wish(body, file.filename)
        record = imports.begin(ctx, wish)
        ctx.enqueue("import_export.run_import", imports.arguments(record, wish, cast("files.Received", request.prepared).take()))
    shown = ctx.as_system().records(IMPORT).get(id_of(record))
    return Response(shown, 202, {"Location": f"/api/v1/import_export/imports/{record['id']}"})


def _wish(body: Mapping[str, object], file_name: str) -> Wish:
    lists = {name: tuple(cast("list[str]", body[name])) for name in LISTS}
    words = {name: str(body[name]) for name in WORDS}
    switches = {name: body[name] == "true" for name in ("dry_run", "silent", "history")}
    file = "" if body["file_id"] is None else str(body["file_id"])
    return Wish(
        str(body["entity"]), file_name, reading=files.reading_of(body), file=file, **cast("dict[str, Any]", {**lists, **words, **switches})
    )


def cancel_import(ctx: Context, request: Request) -> object:
    """Stop an import; what was written stays, and can be undone."""
    imports.cancel(ctx, request.id())
    return ctx.records(IMPORT).get(request.id())


def list_rows(ctx: Context, request: Request) -> object:
    """What became of each row, in the order of the file: of all, or of those with one outcome."""
    record = seen(ctx, request.id())
    outcome, limit, cursor = (request.query[name] for name in ("outcome", "limit", "cursor"))
    data, after = page(ctx, record, None if outcome is None else str(outcome), int(str(limit)), cursor_of(str(cursor)))
    return {"data": data, "page": {"next": None if after is None else f"r{after}"}}


def get_failed(ctx: Context, request: Request) -> object:
    """The failed rows as a file to mend and import again."""
    ctx.records("import_export.import").get(request.id())
    return failed_file(ctx, request.id(), str(request.query["format"]))


def get_template(ctx: Context, request: Request) -> object:
    """A file to fill in."""
    return template(ctx, request.path["entity"], str(request.query["format"]), history=request.query["history"] == "true")


ROUTES = (
    Route(
        method="POST",
        path="/imports",
        view=start_import,
        permission=imports.PERMISSION,
        summary=_("Import a file"),
        body=NewImport,
        uploads=("file",),
        may_lack_files=True,
        answer=_IMPORT,
        status=202,
        prepare=receive_file,
    ),
    Route(
        method="POST",
        path="/imports/{id}/cancel",
        view=cancel_import,
        permission="import_export.import.read",
        summary=_("Cancel an import"),
        answer=_IMPORT,
    ),
    Route(
        method="GET",
        path="/imports/{id}/rows",
        view=list_rows,
        permission="import_export.import.read",
        summary=_("Results of an import by row"),
        query=RowQuery,
        answer=_ROWS,
    ),
    Route(
        method="GET",
        path="/imports/{id}/failed",
        view=get_failed,
        permission="import_export.import.read",
        summary=_("Failed rows as a file to fix"),
        query=FailedQuery,
        media_type="*/*",
    ),
    Route(
        method="GET",
        path="/templates/{entity}",
        view=get_template,
        permission=imports.PERMISSION,
        summary=_("A file to fill in"),
        query=TemplateQuery,
        media_type="*/*",
    ),
)
