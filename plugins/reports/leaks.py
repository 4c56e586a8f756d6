"""What to ask reports when leaks are looked for: a count of any entity, and the declared reports, each with its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sdk import Context
from sdk.fields import ReportRole
from sdk.leaks import About, Asked, Shows
from sdk.reporting import Report


def _counts(about: About) -> Iterator[Asked]:
    dimensions = [field.name for field in about.fields.values() if field.role is ReportRole.DIMENSION]
    if dimensions:
        query = [("entity", about.entity.full_name), ("measure", "count"), ("by", about.random.choice(dimensions))]
        yield Asked("report", "/api/v1/reports/query", query)
        yield Asked("file", "/api/v1/reports/query", [*query, ("format", "csv")])


def _declared(ctx: Context, plugins: Collection[str] | None) -> Iterator[Asked]:
    """Of each the report and its table, of some the workbook: it takes long to make."""
    for number, report in enumerate(ctx.declared(Report)):
        if plugins is None or report.plugin in plugins:
            path = f"/api/v1/reports/reports/{report.full_key}"
            yield Asked("report", path)
            yield Asked("file", path, [("format", "csv")])
            if number % 5 == 0:
                yield Asked("file", path, [("format", "xlsx")])


SHOWS = Shows(_counts, _declared)
