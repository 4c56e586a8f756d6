"""Exports over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from plugins.import_export import exports
from plugins.import_export.columns import HEADINGS, NAMES
from plugins.import_export.exports import EXPORT, Selection
from plugins.import_export.sinks import FORMATS, MEDIA
from sdk import Context, Download, Request, Response, Route, _

_MOST = 100


class Conditions(fields.Field[tuple[tuple[str, str], ...]]):
    """A filter: `"stage=won&amount[gte]=1000"` as in the address of a list, a list of such conditions, or an object of them."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> tuple[tuple[str, str], ...]:
        if isinstance(value, str):
            return tuple(parse_qsl(value.lstrip("?"), keep_blank_values=True))
        if isinstance(value, Mapping):
            value = [f"{name}={','.join(map(str, one)) if isinstance(one, list) else one}" for name, one in value.items()]
        if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(one, str) and "=" in one for one in value):
            raise ValidationError(_('expected conditions such as "stage=won", as text, a list or an object'))
        return tuple((name.strip(), rest) for name, _equals, rest in (one.partition("=") for one in value))


class NewExport(Schema):
    """What is wanted, and how; `fields` left out are all that an import takes back, `*` all that one may read."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    format = fields.String(load_default="csv", validate=validate.OneOf(tuple(FORMATS)))
    filter = Conditions(load_default=())
    q = fields.String(load_default="", validate=validate.Length(0, 200))
    sort = fields.List(fields.String(validate=validate.Length(1, 80)), load_default=list, validate=validate.Length(0, 10))
    fields_ = fields.List(
        fields.String(validate=validate.Length(1, 120)), load_default=list, data_key="fields", validate=validate.Length(0, 1000)
    )
    headings = fields.String(load_default=NAMES, validate=validate.OneOf(tuple(HEADINGS)))


_EXPORT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        **{name: {"type": "string"} for name in ("entity", "format", "state")},
        **{name: {"type": "integer"} for name in ("done", "total")},
    },
    "required": ["id", "entity", "format", "state", "done", "total"],
}


def start_export(ctx: Context, request: Request) -> Response:
    """Take down what is wanted, and write the file in the background."""
    return _shown(ctx, start(ctx, selection_of(request.body)))


def selection_of(body: Mapping[str, object]) -> Selection:
    """The selection of a checked body."""
    entity, format, words, headings = (str(body[name]) for name in ("entity", "format", "q", "headings"))
    sort, names = (tuple(cast("list[str]", body[name])) for name in ("sort", "fields_"))
    return Selection(entity, format, cast("Any", body["filter"]), words, sort, names, headings)


def start(ctx: Context, selection: Selection) -> UUID:
    """Begin an export in the background; its id."""
    record = exports.begin(ctx, selection)
    ctx.enqueue(exports.JOB, {"export": str(record["id"])})
    return cast("UUID", record["id"])


def _shown(ctx: Context, id: UUID) -> Response:
    return Response(ctx.as_system().records(EXPORT).get(id), 202, {"Location": f"/api/v1/import_export/exports/{id}"})


def cancel_export(ctx: Context, request: Request) -> object:
    """End an export that is under way."""
    exports.cancel(ctx, request.id())
    return ctx.records(EXPORT).get(request.id())  # as its owner sees it


def get_file(ctx: Context, request: Request) -> Download:
    """The file, for who asked for it."""
    return exports.download(ctx, request.id(), MEDIA)


ROUTES = (
    Route(method="POST", path="/exports", view=start_export, permission=exports.PERMISSION, summary=_("Export records to a file"),
          body=NewExport, answer=_EXPORT, status=202),
    Route(method="POST", path="/exports/{id}/cancel", view=cancel_export, permission=f"{EXPORT}.read", summary=_("Cancel an export"), answer=_EXPORT),
    Route(method="GET", path="/exports/{id}/file", view=get_file, permission=f"{EXPORT}.read", summary=_(
        "Download the file of an export"
    ), media_type="*/*"),
)  # fmt: skip
