"""Undoing over HTTP, and where a record came from."""

from __future__ import annotations

from uuid import UUID

from marshmallow import Schema, fields, validate

from plugins.import_export.journal import IMPORT
from plugins.import_export.origins import origins
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.undo.undoing import SHEET_BY_SHEET, begin_undo, permit_undo
from sdk import SIGNED_IN, BadRequest, Context, Request, Response, Route, _
from sdk.context import id_of

MOST = 10_000


class Undo(Schema):
    """Which rows, by number; all where none is named."""

    rows = fields.List(fields.Integer(strict=True, validate=validate.Range(1)), load_default=list, validate=validate.Length(max=MOST))


class OriginQuery(Schema):
    """Of which record."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    id = fields.UUID(required=True)


_IMPORT = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}, "state": {"type": "string"}, "undone": {"type": "integer"}, "conflicts": {"type": "integer"}},
    "required": ["id", "state", "undone", "conflicts"],
}  # fmt: skip
_ORIGIN = {"type": "object", "required": ["import", "row", "outcome", "file_name", "at", "owner", "state"]}
_ORIGINS = {"type": "object", "properties": {"data": {"type": "array", "items": _ORIGIN}}, "required": ["data"]}


def undo_import(ctx: Context, request: Request) -> Response:
    """Undo an import, or rows of it, in the background; what was edited since stays and is listed."""
    id = request.id()
    with ctx.transaction(write=True):
        record = permit_undo(ctx, id)
        if request.body["rows"] and record["entity"] == WORKBOOK:
            raise BadRequest(SHEET_BY_SHEET)
        record = begin_undo(ctx, record)
        if record["state"] == "undoing":
            ctx.enqueue("import_export.undo_import", {"import": str(id_of(record)), "rows": request.body["rows"]})
    return Response(ctx.records(IMPORT).get(id), 202, {"Location": f"/api/v1/import_export/imports/{id}"})


def get_origins(ctx: Context, request: Request) -> object:
    """By which rows of which imports a record was made or changed, the last first."""
    id = request.query["id"]
    assert isinstance(id, UUID)
    return {"data": origins(ctx, str(request.query["entity"]), id)}


ROUTES = (
    Route(
        method="POST", path="/imports/{id}/undo", view=undo_import, permission=f"{IMPORT}.read", summary=_("Undo an import"),
        body=Undo, answer=_IMPORT, status=202,
    ),
    Route(method="GET", path="/origins", view=get_origins, permission=SIGNED_IN, summary=_("Where a record came from"), query=OriginQuery, answer=_ORIGINS),
)  # fmt: skip
