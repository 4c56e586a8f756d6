"""The ready-made reports of all plugins, and what they say."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from plugins.reports import chart
from plugins.reports.periods import bounds
from plugins.reports.query import run, words
from plugins.reports.words import GRAINS, of_measure
from sdk import BadRequest, Context, NotFound, Query, Report, _
from sdk.context import Row
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, DateTimeField, IntegerField, LinkField, TextField
from sdk.measures import field_at

_DAY = timedelta(days=1)
_MOST_KEYS = 500
NAMES, LABELS = "names", "labels"
HEADINGS = (NAMES, LABELS)
"""How tables are headed: by names, for programs, or by labels, for people."""
FORMATS = ("json", "csv", "xlsx", "chart", "svg", "png", "pdf")
TABLES = ("csv", "xlsx", "pdf")
"""Files with all the numbers, for who may export; the others are pictures."""


def offered(ctx: Context) -> list[Report]:
    """The reports of the tenant's plugins on what the actor may read."""
    return [report for report in ctx.declared(Report) if ctx.offers(report.entity) and ctx.can(f"{report.entity}.read")]


def find(ctx: Context, key: str) -> Report:
    """One of them; raises NotFound."""
    found = {report.full_key: report for report in offered(ctx)}
    if key not in found:
        raise NotFound(_("report {key!r} does not exist; available: {keys}"), key=key[:80], keys=", ".join(sorted(found)) or "-")
    return found[key]


def described(ctx: Context, report: Report) -> dict[str, object]:
    """A report as its readers see it in a list."""
    return {
        "key": report.full_key, "label": ctx.say(report.label), "entity": report.entity, "measures": list(report.measures),
        "by": list(report.by), "where": list(report.where), "period": report.period or None, "chart": report.chart,
    }  # fmt: skip


def rows(ctx: Context, report: Report, start: date | None, end: date | None) -> list[Row]:
    """Its rows, from one day to another, both included."""
    return run(ctx, report.entity, report.measures, report.by, conditions(ctx, report, start, end))


def conditions(ctx: Context, report: Report, start: date | None, end: date | None) -> list[str]:
    """What is counted: its own conditions and, where it has a period, those of the days, which are days of the tenant's zone."""
    if not report.period:
        return [*report.where]
    instants = isinstance(field_at(ctx, report.entity, report.period), DateTimeField)
    return [*report.where, *(f"{name}={day}" for name, day in bounds(report.period, start, end, ctx.tenant, instants=instants))]


def compared(ctx: Context, report: Report, start: date | None, end: date | None) -> dict[str, object]:
    """What there was in the period before, and both in all; raises BadRequest where there is no period to compare."""
    if not report.period or start is None or end is None or start > end:
        raise BadRequest(_("to compare, pass `from` and `to` for a report that has a period"), code="no_period")
    first, last = before(start, end)
    there = rows(ctx, report, first, last)
    total, before_total = (_total(ctx, report, *span) for span in ((start, end), (first, last)))
    return {"total": total, "before": {"from": first.isoformat(), "to": last.isoformat(), "data": there, "total": before_total}}


def before(start: date, end: date) -> tuple[date, date]:
    """The period before: as many whole months where these are whole months, else as many days. Raises BadRequest before the year 1."""
    last, months = start - _DAY if start > date.min else None, (end.year - start.year) * 12 + end.month - start.month + 1
    if last is not None and start.day == 1 and end.day == monthrange(end.year, end.month)[1]:
        year, month = divmod(start.year * 12 + start.month - 1 - months, 12)
        first = date(year, month + 1, 1) if year >= 1 else None
    else:
        days = (end - start).days
        first = last - timedelta(days=days) if last is not None and (last - date.min).days >= days else None
    if first is None or last is None:
        raise BadRequest(_("there is no period before {start}"), code="no_period", start=start.isoformat())
    return first, last


def _total(ctx: Context, report: Report, start: date, end: date) -> Row:
    """All of a period in one row."""
    return rows(ctx, replace(report, by=()), start, end)[0]


def of_query(ctx: Context, entity: str, measures: Sequence[str], by: Sequence[str], where: Sequence[str], *, chart: str = "bar") -> Report:
    """What somebody asks of an entity, as a report that nobody has made ready."""
    return Report(
        "query", ctx.entity(entity).plural_label, entity, tuple(words(measures)) or ("count",), tuple(words(by)), tuple(where),
        chart=chart, plugin="reports",
    )  # fmt: skip


def labels(ctx: Context, report: Report) -> chart.Labels:
    """The words of its chart."""
    said, choices, ordered = dict[str, str](), dict[str, dict[str, str]](), set[str]()
    for word in report.by:
        path, _colon, grain = word.partition(":")
        field = field_at(ctx, report.entity, path)
        label = ctx.say(field.label) if field is not None else path
        said[word] = ctx.say(GRAINS[grain], {"field": label}) if grain in GRAINS else label
        if isinstance(field, ChoiceField):
            choices[word] = {key: ctx.say(label) for key, label in field.options.items()}
        elif isinstance(field, BooleanField):
            choices[word] = {"True": ctx.say(_("Yes")), "False": ctx.say(_("No"))}
        elif isinstance(field, AnyRecordField):
            choices[word] = {name: ctx.say(ctx.entity(name).label) for name in ctx.entities()}
        elif isinstance(field, TextField) and field.of:
            choices[word] = _called(ctx, field.of)
        if isinstance(field, LinkField) and isinstance(field_at(ctx, report.entity, f"{word}.position"), IntegerField):
            ordered.add(word)
    for word in report.measures:
        said[word] = of_measure(ctx, report.entity, word)
        said[f"{word} currency"] = ctx.say(_("{measure} (currency)"), {"measure": said[word]})
    return chart.Labels(ctx.say(report.label), said, choices, frozenset(ordered))


def _called(ctx: Context, entity: str) -> dict[str, str]:
    """What records are called, by the keys by which texts name them; nothing for who does not see them."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return {}
    seen, title = ctx.records(entity).fields(), ctx.entity(entity).title
    if not {"key", title} <= seen.keys():
        return {}
    rows = ctx.records(entity).query(Query(fields=("id", "key", title), sort=("key",), limit=_MOST_KEYS)).data
    return {str(row["key"]): str(row[title]) for row in rows if row.get(title)}
