"""Charts as Vega-Lite specifications, and the same specification drawn as SVG, PNG or PDF."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from plugins.reports.formats import Formats
from sdk import Report, Unavailable, _
from sdk.context import Row
from sdk.counting import counted

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""The name of the language's version; nothing is fetched from there."""
VERSION = "5.20"
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
_ADDED = ("count", "sum")
"""What may be added up over groups: neither averages nor what is different in each."""
_LARGEST = "-y"
"""The largest first."""
_MOST_WRITTEN = 24
"""So many marks have room for their values on a wide page; where it is narrower, it leaves them out."""
FONT = "Noto Sans CJK SC, Noto Sans, sans-serif"


@dataclass(frozen=True)
class Labels:
    """The words of a chart in its reader's language: of each measure and dimension, and of what dimensions hold."""

    title: str
    words: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    ordered: frozenset[str] = frozenset()
    """Dimensions whose values have an order of their own, as stages have; others come by their measure."""

    def value(self, word: str, row: Row) -> str:
        """What a dimension says in a row."""
        value = row.get(word)
        return "—" if value is None else self.choices.get(word, {}).get(str(value), str(value))

    def heads(self, words: Sequence[object]) -> list[object]:
        """The columns of a table by these words."""
        return [self.words.get(str(word), word) for word in words]

    def said(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows with what their dimensions hold in words; what is none stays so."""
        named = self.choices.items()
        return [{**row, **{word: options.get(str(row[word]), row[word]) for word, options in named if word in row}} for row in rows]


def specification(report: Report, rows: Sequence[Row], labels: Labels) -> dict[str, object]:
    """A bar or a line chart of the first measure that is a number; amounts of several currencies become a mark each."""
    measure = next((word for word in report.measures if any(_numbers(row[word]) for row in rows)), report.measures[0])
    across = report.by[0]
    second = report.by[1] if len(report.by) > 1 else ""
    marks = [(row, amount, currency) for row in rows for amount, currency in _numbers(row[measure])]
    currencies = {currency for _row, _amount, currency in marks}
    values = [
        {"x": labels.value(across, row), "y": amount,
         "series": " ".join(word for word in (labels.value(second, row) if second else "", currency if len(currencies) > 1 else "") if word)}
        for row, amount, currency in marks
    ]  # fmt: skip
    dated, few = ":" in across, len({value["x"] for value in values}) <= 8
    unit = f" ({next(iter(currencies))})" if len(currencies) == 1 and currencies != {""} else ""
    sort = None if dated or across in labels.ordered else _LARGEST
    encoding: dict[str, object] = {
        "x": {"field": "x", "type": "ordinal" if dated else "nominal", "sort": sort, "title": labels.words[across],
              "axis": {"labelAngle": 0 if few else -45}},
        "y": {"field": "y", "type": "quantitative", "title": labels.words[measure] + unit, "axis": {"format": "~s"}},
    }  # fmt: skip
    if len({value["series"] for value in values}) > 1:
        encoding["color"] = {"field": "series", "type": "nominal", "title": labels.words.get(second)}
        if report.chart == "bar" and (len(currencies) > 1 or measure.partition(":")[0] not in _ADDED):
            encoding["xOffset"] = {"field": "series"}  # one on the other, bars say a sum that means nothing
    mark: dict[str, object] = {"type": report.chart, **({"point": True} if report.chart == "line" else {"cornerRadiusEnd": 2})}
    return {
        "$schema": SCHEMA, "title": labels.title, "width": 640, "height": 360, "data": {"values": values}, "mark": mark,
        "encoding": encoding, "config": {"font": FONT, "title": {"anchor": "start", "fontSize": 16}, "view": {"stroke": None}},
    }  # fmt: skip


_HEADROOM = 1.1
"""So far beyond the largest mark goes the axis: its value stands above it, and the name of the axis above that."""


def with_values(chart: Mapping[str, object]) -> dict[str, object]:
    """The same chart with its value beside each mark, where these are few and of one kind."""
    encoding, data = chart["encoding"], chart["data"]
    assert isinstance(encoding, Mapping) and isinstance(data, Mapping)
    if "color" in encoding or not 0 < len(data["values"]) <= _MOST_WRITTEN:
        return dict(chart)
    text = {
        "mark": {"type": "text", "dy": -8, "fontSize": 11},
        "encoding": {"text": {"field": "y", "type": "quantitative", "format": ".3~s"}},
    }
    across = encoding["x"]
    if across["sort"] == _LARGEST:  # two layers agree on an order only where it is written out
        across = {**across, "sort": [value["x"] for value in sorted(data["values"], key=lambda value: -value["y"])]}
    rest, largest = {name: value for name, value in chart.items() if name != "mark"}, max(value["y"] for value in data["values"])
    upward = {**encoding["y"], "scale": {"domainMax": largest * _HEADROOM}} if largest > 0 else encoding["y"]
    return {**rest, "encoding": {**encoding, "x": across, "y": upward}, "layer": [{"mark": chart["mark"]}, text]}


def _numbers(value: object) -> list[tuple[float, str]]:
    """What is drawn: floats, which is all a chart can show; the exact figures are in the table."""
    if value is None:
        return []
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    if isinstance(value, Mapping):
        return [(float(Decimal(str(value["amount"]))), str(value["currency"]))]
    written = str(value)
    return [(float(written), "")] if _NUMBER.match(written) else []  # the first day of something is no number


@cache
def _register_font(converter: ModuleType) -> None:
    """Glyphs for Chinese wherever this runs, whatever fonts the machine has."""
    found = find_spec("noto_cjk_sans_otc")
    if found is not None and found.origin is not None:
        converter.register_font_directory(str(Path(found.origin).parent))


def drawn(chart: Mapping[str, object], shape: str, formats: Formats, locale: str) -> bytes:
    """The chart as `svg`, `png` or `pdf`, its numbers as the reader writes and counts them; raises Unavailable where the extra is not installed."""
    try:
        import vl_convert  # noqa: PLC0415 (an extra: the rest of the plugin works without it)
    except ModuleNotFoundError as failure:
        raise Unavailable(_("charts require an extra: pip install 'dealwright[reports]'"), code="missing_extra") from failure
    _register_font(vl_convert)
    marks = dict(formats.for_charts) if formats.region else None
    chart = counted(chart, locale)
    if shape == "svg":
        return vl_convert.vegalite_to_svg(chart, vl_version=VERSION, format_locale=marks).encode()
    if shape == "png":
        return bytes(vl_convert.vegalite_to_png(chart, vl_version=VERSION, scale=2, format_locale=marks))
    return bytes(vl_convert.vegalite_to_pdf(chart, vl_version=VERSION, format_locale=marks))
