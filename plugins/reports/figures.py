"""The rows of a report as a page shows them: dimensions in words, numbers with the address of the records behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from plugins.reports import origin, ready
from plugins.reports.chart import Labels, specification, with_values
from plugins.reports.formats import of_reader
from plugins.reports.periods import DAYS, said
from plugins.reports.query import unpriced
from sdk import Context, Report
from sdk.context import Row
from sdk.fields import DateTimeField
from sdk.fields.time import DateField
from sdk.measures import field_at

MOST_MARKS = 24
"""Bars of a chart at the most: the largest ones; the table has all."""
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Number:
    """One number of a row: its amounts one below the other, and where it leads."""

    values: Sequence[object]
    href: str
    money: bool


@dataclass(frozen=True)
class Line:
    """A row: the words of its dimensions, the values of its measures."""

    words: Sequence[str]
    numbers: Sequence[Number]


@dataclass(frozen=True)
class Unpriced:
    """Records that are counted and have nothing to add up in a field, and where they are listed."""

    label: str
    count: int
    href: str


@dataclass(frozen=True)
class Figures:
    """A report for a page."""

    report: Report
    heads: Sequence[str]
    measures: Sequence[str]
    lines: Sequence[Line]
    total: Sequence[Number]
    rows: Sequence[Row]
    chart: dict[str, object] | None
    left_out: int = 0
    unpriced: Sequence[Unpriced] = ()


def of(ctx: Context, report: Report, start: date | None, end: date | None, *, empty: bool = False) -> Figures:
    """Ask it, with a chart where there is something to draw, or also an `empty` one. Raises BadRequest for words that it does not have."""
    rows = ready.rows(ctx, report, start, end)
    region = _region(ctx, report)
    labels = _with_periods(ctx, report, ready.labels(ctx, report), rows, region)
    if len(report.by) == 1 and report.by[0] not in labels.ordered and not _dated(ctx, report, report.by[0]):
        rows = sorted(rows, key=lambda row: _size(row.get(report.measures[0])), reverse=True)
    where = ready.conditions(ctx, report, start, end)
    total = ready.rows(ctx, replace(report, by=()), start, end)[0] if report.by else rows[0]
    lines = [
        Line([_word(ctx, report, labels.choices, region, word, row) for word in report.by], _numbers(ctx, report, report.by, where, row))
        for row in _newest(ctx, report, rows)[:MOST_ROWS]
    ] if report.by else []  # fmt: skip
    numeric = any(_size(row.get(word)) for row in rows for word in report.measures)
    drawn = with_values(specification(report, _largest(report, rows), labels)) if report.by and (numeric or empty) else None
    return Figures(
        report, [labels.words[word] for word in report.by], [labels.words[word] for word in report.measures], lines,
        _numbers(ctx, report, (), where, total), rows, drawn, max(len(rows) - MOST_ROWS, 0),
        _unpriced(ctx, report, where),
    )  # fmt: skip


def _unpriced(ctx: Context, report: Report, where: Sequence[str]) -> list[Unpriced]:
    made = []
    for word, count in unpriced(ctx, report.entity, report.measures, where).items():
        path = word.partition(":")[2]
        field, without = field_at(ctx, report.entity, path), [*where, f"{path}[empty]=true"]
        href = origin.address(ctx, report.entity, origin.pairs(ctx, report.entity, (), without, {}))
        made.append(Unpriced(ctx.say(field.label) if field is not None else path, count, href))
    return made


def _dated(ctx: Context, report: Report, word: str) -> bool:
    """Whether a dimension has an order of its own, which is worth more than that of its numbers."""
    return isinstance(field_at(ctx, report.entity, word.partition(":")[0]), DateField | DateTimeField)


def _newest(ctx: Context, report: Report, rows: Sequence[Row]) -> Sequence[Row]:
    """In a table the latest period comes first, where a person looks; what has none is last."""
    word = report.by[0]
    return sorted(rows, key=lambda row: str(row.get(word) or ""), reverse=True) if _dated(ctx, report, word) else rows


def _region(ctx: Context, report: Report) -> str:
    """In which region's way the reader has days written, where there are any; "" is as the language has them."""
    return of_reader(ctx).region if any(word.partition(":")[2] in DAYS and _dated(ctx, report, word) for word in report.by) else ""


def _with_periods(ctx: Context, report: Report, labels: Labels, rows: Sequence[Row], region: str) -> Labels:
    """The words of a chart with its periods as the table has them."""
    dated = [word for word in report.by if _dated(ctx, report, word)]
    return replace(labels, choices={**labels.choices, **{
        word: {str(row[word]): said(ctx, str(row[word]), word.partition(":")[2], region) for row in rows if row.get(word) is not None}
        for word in dated
    }})  # fmt: skip


def _word(ctx: Context, report: Report, choices: object, region: str, word: str, row: Row) -> str:
    path, _colon, grain = word.partition(":")
    value = row.get(word)
    field = field_at(ctx, report.entity, path)
    if value is None or field is None:
        return "—"
    if isinstance(field, DateField | DateTimeField):
        return said(ctx, str(value), grain, region)
    options = choices.get(word, {}) if isinstance(choices, dict) else {}
    return str(options.get(str(value), value))


def _numbers(ctx: Context, report: Report, by: Sequence[str], where: Sequence[str], row: Row) -> list[Number]:
    href = origin.address(ctx, report.entity, origin.pairs(ctx, report.entity, by, where, row))
    found = []
    for measure in report.measures:
        value = row.get(measure)
        values = value if isinstance(value, list) else [] if value is None else [value]
        found.append(Number(values, href, bool(values) and isinstance(values[0], dict)))
    return found


def _largest(report: Report, rows: Sequence[Row]) -> Sequence[Row]:
    """Of many bars without an order in time those that can be told apart."""
    if ":" in report.by[0] or len(rows) <= MOST_MARKS:
        return rows
    return sorted(rows, key=lambda row: _size(row.get(report.measures[0])), reverse=True)[:MOST_MARKS]


def _size(value: object) -> Decimal:
    if isinstance(value, list):
        return max((_size(one) for one in value), default=Decimal(0))
    if isinstance(value, dict):
        return Decimal(str(value["amount"]))
    return Decimal(str(value)) if isinstance(value, int | str) and str(value).replace(".", "").lstrip("-").isdigit() else Decimal(0)
