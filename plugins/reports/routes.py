"""Reports over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import cast

from marshmallow import Schema, fields, validate

from plugins.reports import files, ready
from plugins.reports.query import PERMISSION, run, unpriced
from sdk import Context, Request, Route, _


class ReportQuery(Schema):
    """`entity=pipeline.deal&measure=count&measure=sum:amount&by=stage&where=status=won`."""

    entity = fields.String(required=True, validate=validate.Length(1, 80))
    measure = fields.List(fields.String(), load_default=list)
    by = fields.List(fields.String(), load_default=list)
    where = fields.List(fields.String(), load_default=list)
    chart = fields.String(load_default="bar", validate=validate.OneOf(("bar", "line")))
    format = fields.String(load_default="json", validate=validate.OneOf(ready.FORMATS))
    headings = fields.String(load_default=ready.NAMES, validate=validate.OneOf(ready.HEADINGS))


def query(ctx: Context, request: Request) -> object:
    """Any entity, by any dimensions, in any format."""
    entity, shape = str(request.query["entity"]), str(request.query["format"])
    measures, by, where = (cast("list[str]", request.query[name]) for name in ("measure", "by", "where"))
    found = run(ctx, entity, measures, by, where)
    if shape == "json":
        return {"data": found, "unpriced": unpriced(ctx, entity, measures, where)}
    report = ready.of_query(ctx, entity, measures, by, where, chart=str(request.query["chart"]))
    return files.answer(ctx, report, found, request.query, (None, None), {})


class ReportList(Schema):
    """What there is to ask."""

    data = fields.List(fields.Dict(), required=True)


class Period(Schema):
    """From one day to another, both included, and in which format."""

    start = fields.Date(data_key="from", load_default=None)
    end = fields.Date(data_key="to", load_default=None)
    where = fields.List(fields.String(), load_default=list)
    compare = fields.String(load_default="", validate=validate.OneOf(("", "before")))
    format = fields.String(load_default="json", validate=validate.OneOf(ready.FORMATS))
    headings = fields.String(load_default=ready.NAMES, validate=validate.OneOf(ready.HEADINGS))


def list_reports(ctx: Context, _request: Request) -> object:
    """The ready-made reports."""
    return {"data": [ready.described(ctx, report) for report in ready.offered(ctx)]}


def show_report(ctx: Context, request: Request) -> object:
    """One of them."""
    report = ready.find(ctx, request.path["key"])
    start, end = cast("date | None", request.query["start"]), cast("date | None", request.query["end"])
    report = replace(report, where=(*report.where, *cast("list[str]", request.query["where"])))
    found = ready.rows(ctx, report, start, end)
    comparison = ready.compared(ctx, report, start, end) if request.query["compare"] else {}
    shape = str(request.query["format"])
    if shape == "json":
        where = ready.conditions(ctx, report, start, end)
        comparison = {**comparison, "unpriced": unpriced(ctx, report.entity, report.measures, where)}
    return files.answer(ctx, report, found, request.query, (start, end), comparison)


_ROWS = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"type": "object"}},
        "unpriced": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["data", "unpriced"],
}
ROUTES = (
    Route(method="GET", path="/query", view=query, permission=PERMISSION, summary=_("Run a report"), query=ReportQuery, answer=_ROWS),
    Route(
        method="GET", path="/reports", view=list_reports, permission=PERMISSION, summary=_("List the ready-made reports"), answer=ReportList
    ),
    Route(
        method="GET",
        path="/reports/{key}",
        view=show_report,
        permission=PERMISSION,
        summary=_("Run a ready-made report"),
        query=Period,
        answer={"type": "object"},
    ),
)
