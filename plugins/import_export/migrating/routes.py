"""Migrations over HTTP."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, cast

from marshmallow import Schema, fields, validate

from plugins.import_export.imports import PERMISSION
from plugins.import_export.migrating import running
from plugins.import_export.migrating.recognition import systems
from plugins.import_export.migrating.running import Asked
from plugins.import_export.plan import EMPTIED, TOTALS
from plugins.import_export.staging.files import Received, reading_of, received
from plugins.import_export.styles import NUMBERS, ORDERS
from sdk import Context, Request, Response, Route, _
from sdk.context import id_of

_SWITCH = validate.OneOf(("true", "false"))


class NewMigration(Schema):
    """What a system has exported: a zip of its files, or one of them."""

    system = fields.String(load_default="", data_key="from", validate=validate.Length(max=60))
    owner = fields.List(fields.String(), load_default=list)
    value = fields.List(fields.String(), load_default=list)
    dry_run = fields.String(load_default="false", validate=_SWITCH)
    silent = fields.String(load_default="true", validate=_SWITCH)
    dates = fields.String(load_default="", validate=validate.OneOf(("", *ORDERS)))
    numbers = fields.String(load_default="", validate=validate.OneOf(("", *NUMBERS)))
    totals = fields.String(load_default="take", validate=validate.OneOf(TOTALS))
    nothing = fields.String(load_default="values", validate=validate.OneOf(EMPTIED))
    encoding = fields.String(load_default="", validate=validate.Length(max=40))
    delimiter = fields.String(load_default="", validate=validate.Length(max=3))


_MIGRATION = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string"},
        "imports": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["id", "state", "imports"],
}
_SYSTEMS = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": {"type": "object", "required": ["system", "label", "entities"]}}},
    "required": ["data"],
}


def list_systems(ctx: Context, request: Request) -> object:
    """The systems whose files are recognised, and what becomes of them."""
    return {
        "data": [
            {"system": name, "label": ctx.say(one.label), "entities": list(dict.fromkeys(source.entity for source in one.sources))}
            for name, one in systems(ctx).items()
        ]
    }


def receive_file(ctx: Context, request: Request) -> AbstractContextManager[Received]:
    """Save the file; it is read in the background."""
    return received(ctx, request.files["file"].stream)


def start_migration(ctx: Context, request: Request) -> Response:
    """Take the files, and import them in the background: one run with an import for each file."""
    body, file = request.body, request.files["file"]
    words = {name: str(body[name]) for name in ("system", "dates", "numbers", "totals", "nothing")}
    lists = {"owners": tuple(cast("list[str]", body["owner"])), "values": tuple(cast("list[str]", body["value"]))}
    switches = {name: body[name] == "true" for name in ("dry_run", "silent")}
    asked = Asked(file.filename, reading=reading_of(body), **cast("dict[str, Any]", {**words, **lists, **switches}))
    record = running.begin(ctx, asked)
    ctx.enqueue("import_export.run_migration", running.arguments(record, asked, cast("Received", request.prepared).take()))
    id = id_of(record)
    return Response(running.told(ctx, id), 202, {"Location": f"/api/v1/import_export/migrations/{id}"})


def get_migration(ctx: Context, request: Request) -> object:
    """What became of each file, whose owners were found, and what was not recognised."""
    return running.told(ctx, request.id())


def undo_migration(ctx: Context, request: Request) -> object:
    """Undo all imports of a migration, in the background."""
    with ctx.transaction(write=True):
        running.begin_undo(ctx, request.id())
        ctx.enqueue("import_export.undo_migration", {"import": str(request.id())})
    return running.told(ctx, request.id())


ROUTES = (
    Route(method="GET", path="/migrations", view=list_systems, permission=PERMISSION, summary=_("Supported systems"), answer=_SYSTEMS),
    Route(method="POST", path="/migrations", view=start_migration, permission=PERMISSION, summary=_("Import another system’s export"),
          body=NewMigration, uploads=("file",), answer=_MIGRATION, status=202, prepare=receive_file),
    Route(method="GET", path="/migrations/{id}", view=get_migration, permission="import_export.import.read", summary=_("A migration and its imports"),
          answer=_MIGRATION),
    Route(method="POST", path="/migrations/{id}/undo", view=undo_migration, permission="import_export.import.read",
          summary=_("Undo a migration"), answer=_MIGRATION, status=202),
)  # fmt: skip
