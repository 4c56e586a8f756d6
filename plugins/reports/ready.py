"""The ready-made reports of all plugins, in every format."""

from __future__ import annotations

from datetime import date

from plugins.reports import chart, table
from plugins.reports.query import run
from sdk import Context, Download, NotFound, Report, _
from sdk.context import Row
from sdk.fields import ChoiceField, Field

FORMATS = ("json", "csv", "xlsx", "chart", "svg", "png", "pdf")
_MEDIA = {
    "csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf",
}  # fmt: skip


def offered(ctx: Context) -> list[Report]:
    """The reports of the tenant's plugins on what the actor may read."""
    return [report for report in ctx.declared(Report) if ctx.offers(report.entity) and ctx.can(f"{report.entity}.read")]


def find(ctx: Context, key: str) -> Report:
    """One of them; raises NotFound."""
    found = {report.full_key: report for report in offered(ctx)}
    if key not in found:
        raise NotFound(_("there is no report {key!r}; there are {keys}"), key=key[:80], keys=", ".join(sorted(found)) or "-")
    return found[key]


def described(ctx: Context, report: Report) -> dict[str, object]:
    """A report as its readers see it in a list."""
    return {
        "key": report.full_key, "label": ctx.say(report.label), "entity": report.entity, "measures": list(report.measures),
        "by": list(report.by), "where": list(report.where), "period": report.period or None, "chart": report.chart,
    }  # fmt: skip


def rows(ctx: Context, report: Report, start: date | None, end: date | None) -> list[Row]:
    """Its rows, from one day to another, both included."""
    where = list(report.where)
    if report.period:
        where += [f"{report.period}[{operator}]={day}" for operator, day in (("gte", start), ("lte", end)) if day is not None]
    return run(ctx, report.entity, report.measures, report.by, where)


_MEASURES = {
    "sum": _("{field}, in all"), "avg": _("{field}, on average"), "distinct": _("Different {field}"), "min": _("Least {field}"), "max": _("Most {field}"),
}  # fmt: skip


def labels(ctx: Context, report: Report) -> chart.Labels:
    """The words of its chart."""
    words, choices = dict[str, str](), dict[str, dict[str, str]]()
    for word in report.by:
        field = _field(ctx, report.entity, word.partition(":")[0])
        words[word] = ctx.say(field.label) if field is not None else word
        if isinstance(field, ChoiceField):
            choices[word] = {key: ctx.say(label) for key, label in field.options.items()}
    for word in report.measures:
        function, _colon, name = word.partition(":")
        field = _field(ctx, report.entity, name) if name else None
        label = ctx.say(field.label) if field is not None else name
        words[word] = ctx.say(_MEASURES[function], {"field": label}) if function in _MEASURES else ctx.say(_("Number"))
    return chart.Labels(ctx.say(report.label), words, choices)


def _field(ctx: Context, entity: str, path: str) -> Field | None:
    """The field at the end of a path over links, if one may see it."""
    fields = ctx.records(entity).fields()
    if path in fields or "." not in path:
        return fields.get(path)
    words = path.split(".")
    heads = (".".join(words[:count]) for count in (1, 2))  # a link that a plugin added has a dot in its name
    link = next((head for head in heads if head in fields), "")
    return _field(ctx, ctx.target(entity, link), path[len(link) + 1 :]) if link and len(link) < len(path) else None


def answer(ctx: Context, report: Report, found: list[Row], shape: str) -> object:
    """The rows in one of the formats; raises Unavailable where an extra is missing."""
    if shape == "json":
        return {"report": described(ctx, report), "data": found}
    specification = chart.specification(report, found, labels(ctx, report))
    if shape == "chart":
        return specification
    if shape in ("csv", "xlsx"):
        content = table.as_csv(found) if shape == "csv" else table.as_xlsx(found, ctx.say(report.label))
    else:
        content = chart.drawn(specification, shape)
    return Download(content, _MEDIA[shape], f"{report.full_key}.{shape}")
