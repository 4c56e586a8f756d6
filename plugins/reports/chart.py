"""Charts as Vega-Lite specifications, and the same specification drawn as SVG, PNG or PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sdk import Report, Unavailable, _
from sdk.context import Row

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""The name of the language's version; nothing is fetched from there."""
VERSION = "5.20"


def specification(title: str, report: Report, rows: Sequence[Row]) -> dict[str, object]:
    """A bar or a line chart of the first measure; amounts of several currencies become a mark each."""
    measure, across = report.measures[0], report.by[0] if report.by else ""
    values = [
        {"x": _word(row.get(across)), "y": amount, "series": _series(report, row, currency)}
        for row in rows
        for amount, currency in _numbers(row[measure])
    ]
    several = len({value["series"] for value in values}) > 1
    dated = ":" in across
    encoding: dict[str, object] = {
        "x": {"field": "x", "type": "ordinal" if dated else "nominal", "sort": None if dated else "-y", "title": across},
        "y": {"field": "y", "type": "quantitative", "title": measure, "axis": {"format": "~s"}},
    }
    if several:
        encoding["color"] = {"field": "series", "type": "nominal", "title": report.by[1] if len(report.by) > 1 else None}
    mark: dict[str, object] = {"type": report.chart, **({"point": True} if report.chart == "line" else {})}
    return {
        "$schema": SCHEMA, "title": title, "width": 640, "height": 360, "data": {"values": values}, "mark": mark, "encoding": encoding,
        "config": {"font": "Noto Sans CJK SC, Noto Sans, sans-serif"},
    }  # fmt: skip


def _word(value: object) -> str:
    return "—" if value is None else str(value)


def _series(report: Report, row: Row, currency: str) -> str:
    return " ".join(word for word in (_word(row.get(report.by[1])) if len(report.by) > 1 else "", currency) if word)


def _numbers(value: object) -> list[tuple[float, str]]:
    """What is drawn: floats, which is all a chart can show; the exact figures are in the table."""
    if value is None:
        return []
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    if isinstance(value, Mapping):
        return [(float(Decimal(str(value["amount"]))), str(value["currency"]))]
    return [(float(Decimal(str(value))), "")]


def drawn(chart: Mapping[str, object], shape: str) -> bytes:
    """The chart as `svg`, `png` or `pdf`; raises Unavailable where the extra is not installed."""
    try:
        import vl_convert  # noqa: PLC0415 (an extra: the rest of the plugin works without it)
    except ModuleNotFoundError as failure:
        raise Unavailable(_("charts need the extra: pip install 'dealwright[reports]'"), code="missing_extra") from failure
    if shape == "svg":
        return vl_convert.vegalite_to_svg(dict(chart), vl_version=VERSION).encode()
    if shape == "png":
        return bytes(vl_convert.vegalite_to_png(dict(chart), vl_version=VERSION, scale=2))
    return bytes(vl_convert.vegalite_to_pdf(dict(chart), vl_version=VERSION))
