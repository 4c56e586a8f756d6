"""A report as a file, or as JSON, in each of its formats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from plugins.reports import chart, figures, printed, ready, table
from plugins.reports.formats import Formats, of_reader
from sdk import BadRequest, Context, Download, Report, _
from sdk.context import Row
from sdk.permissions import EXPORT

_MEDIA = {
    "csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf",
}  # fmt: skip
Span = tuple[date | None, date | None]
"""From one day to another, both included, where a report has a period."""


def answer(
    ctx: Context, report: Report, found: list[Row], asked: Mapping[str, object], span: Span, comparison: Mapping[str, object]
) -> object:
    """The rows in the format that is asked for, as JSON with the comparison; raises Unavailable where an extra is missing."""
    shape = str(asked["format"])
    if shape == "json":
        return {"report": ready.described(ctx, report), "data": found, **comparison}
    formats, labels = of_reader(ctx), ready.labels(ctx, report) if asked["headings"] == ready.LABELS else table.NAMES
    if shape in ready.TABLES:
        ctx.require(f"{report.entity}.{EXPORT}")
    if shape == "csv":
        content = table.as_csv(found, formats, labels)
    elif shape == "xlsx":
        content = table.as_xlsx(found, ctx.say(report.label), formats, labels)
    elif shape == "pdf":
        content = printed.pdf(ctx, report, span, formats)
    elif not report.by:
        raise BadRequest(_("a chart needs a dimension; add one with `by`"), code="no_dimension")
    elif shape == "chart":
        return chart.specification(report, found, ready.labels(ctx, report))
    else:
        content = _picture(ctx, report, shape, span, formats)
    return Download(content, _MEDIA[shape], f"{report.full_key}.{shape}")


def _picture(ctx: Context, report: Report, shape: str, span: Span, formats: Formats) -> bytes:
    """The chart of its page, also where there is nothing in it yet."""
    drawn = figures.of(ctx, report, *span, empty=True).chart
    assert drawn is not None
    return chart.drawn(drawn, shape, formats, ctx.locale)
