"""Reports over HTTP."""

from __future__ import annotations

from typing import cast

from marshmallow import Schema, fields, validate

from plugins.reports.query import PERMISSION, run
from sdk import Context, Request, Route, _


class ReportQuery(Schema):
    """`entity=pipeline.deal&measure=count&measure=sum:amount&by=stage&where=status=won`."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    measure = fields.List(fields.String(), load_default=list)
    by = fields.List(fields.String(), load_default=list)
    where = fields.List(fields.String(), load_default=list)


def query(ctx: Context, request: Request) -> object:
    """Any entity, by any dimensions."""
    entity, measure, by, where = (request.query[name] for name in ("entity", "measure", "by", "where"))
    words = (cast("list[str]", part) for part in (measure, by, where))
    return {"data": run(ctx, str(entity), *words)}


_ROWS = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": {"type": "object"}}},
    "required": ["data"],
}
ROUTES = (
    Route(method="GET", path="/query", view=query, permission=PERMISSION, summary=_("Run a report"), query=ReportQuery, answer=_ROWS),
)
