"""Large numbers of a chart in short, as its reader's language counts: in thousands, or in Chinese by ten thousand: in pages and in print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_TEN_THOUSAND = ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"))
_BY_THOUSAND = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
AXIS, MARKS, ROUNDED = "~s", ".3~s", ".3~r"
"""The formats that are said in words: of an axis, and of the values beside the marks."""


def counted(chart: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The same specification, its axes and values written so."""
    made = dict(chart)
    encoding = chart.get("encoding", {})
    if encoding:
        made["encoding"] = {channel: _channel(channel, one, locale) for channel, one in encoding.items()}
    text = encoding.get("text", {})
    if text.get("format") == MARKS:
        short = _short(f"datum['{text['field']}']", ROUNDED, locale)
        made["transform"] = [*chart.get("transform", ()), {"calculate": short, "as": "counted"}]
    if "layer" in chart:
        made["layer"] = [counted(one, locale) for one in chart["layer"]]
    return made


def _channel(channel: str, one: Mapping[str, Any], locale: str) -> Mapping[str, Any]:
    axis = one.get("axis") or {}
    if axis.get("format") == AXIS:
        said = {name: value for name, value in axis.items() if name != "format"}
        return {**one, "axis": {**said, "labelExpr": _short("datum.value", ",.12~g", locale)}}
    if channel == "text" and one.get("format") == MARKS:
        return {"field": "counted", "type": "nominal"}
    return one


def _short(value: str, digits: str, locale: str) -> str:
    """An expression of Vega's."""
    said = f"format({value}, '{digits}')"
    for unit, word in reversed(_BY_TEN_THOUSAND if locale.startswith("zh") else _BY_THOUSAND):
        least = unit * 0.9995 if digits == ROUNDED else unit  # what rounds to a thousand of a unit is one of the next
        said = f"abs({value}) >= {least} ? format({value} / {unit}, '{digits}') + '{word}' : {said}"
    return said
