"""Staged files over HTTP: send once, look, map, mend."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from marshmallow import Schema, fields, validate

from plugins.import_export import imports
from plugins.import_export.journal import cursor_of
from plugins.import_export.mapping.suggest import suggestion
from plugins.import_export.staging import files
from plugins.import_export.staging.corrections import FILE, correct
from sdk import Context, NotFound, Request, Response, Route, _
from sdk.context import id_of

READ, DELETE = f"{FILE}.read", f"{FILE}.delete"
PAGE = r"^(r[0-9]{1,9})?$"


class NewFile(Schema):
    """What is said of a file, where it leaves something open."""

    encoding = fields.String(load_default="", validate=validate.Length(max=40))
    delimiter = fields.String(load_default="", validate=validate.Length(max=3))
    heading_row = fields.Integer(load_default=0, validate=validate.Range(0, 50))


class MappingQuery(Schema):
    """For which entity, and which sheet; the first where none is named."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    sheet = fields.String(load_default="", validate=validate.Length(max=255))


class StagedRowQuery(Schema):
    """Which rows of which sheet."""

    sheet = fields.String(load_default="", validate=validate.Length(max=255))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 500))
    cursor = fields.String(load_default="", validate=validate.Regexp(PAGE))


class Mending(Schema):
    """What is to stand in cells, by heading (null: what the file says), and whether the row is left out."""

    cells = fields.Dict(
        keys=fields.String(validate=validate.Length(max=1000)), values=fields.String(allow_none=True, validate=validate.Length(max=100_000)),
        load_default=dict, validate=validate.Length(max=1000),
    )  # fmt: skip
    left_out = fields.Boolean(load_default=None, allow_none=True)
    sheet = fields.String(load_default="", validate=validate.Length(max=255))


_WORD = {"type": "string"}
_WORDS = {"type": "array", "items": _WORD}
_SHEET = {
    "type": "object",
    "properties": {
        "name": _WORD,
        "headings": _WORDS,
        "rows": {"type": "integer"},
        "sample": {"type": "array", "items": _WORDS},
        "entity": {"type": ["string", "null"]},
    },
    "required": ["name", "headings", "rows", "sample", "entity"],
}  # fmt: skip
_FILE = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"}, "file_name": _WORD, "format": _WORD, "encoding": _WORD, "delimiter": _WORD,
        "sheets": {"type": "array", "items": _SHEET}, "expires_at": {"type": ["string", "null"], "format": "date-time"},
    },
    "required": ["id", "file_name", "format", "encoding", "delimiter", "sheets"],
}  # fmt: skip
_MAPPING = {
    "type": "object",
    "properties": {
        "columns": {"type": "array", "items": {"type": "object", "required": ["heading", "field", "confidence", "why"]}},
        "required": _WORDS,
        "questions": {"type": "array", "items": {"type": "object", "required": ["heading", "code", "choices"]}},
    },
    "required": ["columns", "required", "questions"],
}
_ROW = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "cells": _WORDS, "corrected": _WORDS, "left_out": {"type": "boolean"}},
    "required": ["number", "cells", "corrected", "left_out"],
}
_ROWS = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": _ROW},
        "page": {"type": "object", "properties": {"next": {"type": ["string", "null"]}}, "required": ["next"]},
    },
    "required": ["data", "page"],
}
_MENDED = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "cells": {"type": "object"}, "left_out": {"type": "boolean"}},
    "required": ["number", "cells", "left_out"],
}


def receive_file(ctx: Context, request: Request) -> AbstractContextManager[files.Received]:
    """Save the file and read it to its end."""
    return files.received_and_read(ctx, request.files["file"], files.reading_of(request.body))


def stage_file(ctx: Context, request: Request) -> Response:
    """Keep a file, to be looked at and imported; nothing is written from it."""
    row = files.stage(ctx, cast("files.Received", request.prepared))
    return Response(files.told(ctx, row), 201, {"Location": f"/api/v1/import_export/files/{row['id']}"})


def get_file(ctx: Context, request: Request) -> object:
    """A staged file: what it is, its sheets with their headings and first rows."""
    return files.told(ctx, files.kept(ctx, request.id()))


def remove_file(ctx: Context, request: Request) -> Response:
    """Remove a staged file before it expires."""
    files.remove(ctx, request.id())
    return Response(None, 204)


def get_mapping(ctx: Context, request: Request) -> object:
    """What the columns are likely for."""
    entity = str(request.query["entity"])
    imports.permit(ctx, entity)
    row = files.kept(ctx, request.id())
    with files.opened_sheet(ctx, row, files.place_of(row, str(request.query["sheet"]))) as sheet:
        return suggestion(ctx, entity, sheet)


def list_staged_rows(ctx: Context, request: Request) -> object:
    """The rows as they will be read: with what was mended."""
    row = files.kept(ctx, request.id())
    place, limit = files.place_of(row, str(request.query["sheet"])), cast("int", request.query["limit"])
    data, after = files.some_rows(ctx, row, place, limit, cursor_of(str(request.query["cursor"])))
    return {"data": data, "page": {"next": None if after is None else f"r{after}"}}


def mend_row(ctx: Context, request: Request) -> object:
    """Mend cells of a row, leave it out, or take it back; the next run sees it."""
    row, number = files.kept(ctx, request.id()), request.path["number"]
    if not number.isdecimal() or len(number) > 9:
        raise NotFound(_("row {number} does not exist"), number=number[:20])
    place = files.place_of(row, str(request.body["sheet"]))
    cells = cast("dict[str, str | None]", request.body["cells"])
    left_out = cast("bool | None", request.body["left_out"])
    correction = correct(ctx, id_of(row), files.sheets_of(row)[place], place, int(number), cells, left_out)
    return {"number": int(number), "cells": dict(correction.cells), "left_out": correction.left_out}


ROUTES = (
    Route(
        method="POST", path="/files", view=stage_file, permission=imports.PERMISSION, summary=_("Upload a file to import"),
        body=NewFile, uploads=("file",), answer=_FILE, status=201, prepare=receive_file,
    ),
    Route(method="GET", path="/files/{id}", view=get_file, permission=READ, summary=_("A file to import"), answer=_FILE),
    Route(method="DELETE", path="/files/{id}", view=remove_file, permission=DELETE, summary=_("Remove an import file"), status=204),
    Route(
        method="GET", path="/files/{id}/mapping", view=get_mapping, permission=READ, summary=_("Suggested mapping of a file’s columns"),
        query=MappingQuery, answer=_MAPPING,
    ),
    Route(
        method="GET", path="/files/{id}/rows", view=list_staged_rows, permission=READ, summary=_("Preview of a file’s rows"),
        query=StagedRowQuery, answer=_ROWS,
    ),
    Route(
        method="PATCH", path="/files/{id}/rows/{number}", view=mend_row, permission=READ, summary=_("Fix a row before it is imported"),
        body=Mending, answer=_MENDED,
    ),
)  # fmt: skip
