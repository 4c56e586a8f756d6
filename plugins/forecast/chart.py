"""History, forecast and intervals as a Vega-Lite specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from plugins.forecast import sight
from plugins.forecast.periods import label_of, number_of
from sdk import Context, Forbidden, NotFound, Query, _, where
from sdk.context import Row, shown

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
"""The name of the language's version; nothing is fetched from there."""
FONT = "Noto Sans CJK SC, Noto Sans, sans-serif"
SHOWN = 48
"""Periods of history at the most."""


def specification(ctx: Context, run: Row, key: str | None = None, result: UUID | None = None) -> dict[str, object]:
    """One series of a run: by its result, or the first of a name, of which there may be several. Raises NotFound where it has none."""
    if not sight.sees(ctx, UUID(str(run["id"]))):
        raise Forbidden(
            _("forecast figures are visible to people who can see the data behind them and either created the run or have {permission}"),
            permission=sight.INSPECT,
        )
    system = ctx.as_system()  # its fields are hidden in some runs, so that nobody finds or orders anything by them; here they are seen
    chosen = where(run=run["id"]) + (() if key is None else where(key=key)) + (() if result is None else where(id=result))
    results = system.records("forecast.result").query(Query(chosen, ("key",), limit=1)).data
    if not results:
        raise NotFound(_("the run has no series {key!r} (yet)"), key=key or str(result or ""))
    one = results[0]
    points = system.records("forecast.point").query(Query(where(result=one["id"]), ("step",), limit=100)).data
    kept = system.records("forecast.backtest").query(Query(where(result=one["id"]), fields=("history",), limit=1)).data
    grain = str(shown(run, "grain"))
    past, future = ctx.say(_("History")), ctx.say(_("Forecast"))
    values = [{"period": ctx.period(period), "value": value, "series": past} for period, value in _history(kept, points, grain)]
    bands = []
    for point in points:
        period = ctx.period(str(shown(point, "period")))
        values.append({"period": period, "value": float(str(shown(point, "mean"))), "series": future})
        limits = {name: shown(point, name) for name in ("low_80", "high_80", "low_95", "high_95")}
        if limits["low_80"] is not None and limits["low_95"] is not None:
            edges = {name: float(str(limit)) for name, limit in limits.items()}
            bands.append({"period": period, **edges})
    name, part = shown(run, "name"), shown(one, "key")
    title = str(name) if part == "—" else f"{name}: {part}"
    return _drawn(ctx, title, values, bands, [past, future])


def _history(kept: Sequence[Row], points: Sequence[Row], grain: str) -> list[tuple[str, float]]:
    """The last periods before the first that was forecast."""
    figures = json.loads(str(shown(kept[0], "history"))) if kept else []
    if not points:
        return []
    first = number_of(date.fromisoformat(str(points[0]["starts_on"])), grain) - len(figures)
    return [(label_of(first + place, grain), value) for place, value in enumerate(figures)][-SHOWN:]


def _drawn(
    ctx: Context, title: str, values: list[dict[str, object]], bands: list[dict[str, object]], series: list[str]
) -> dict[str, object]:
    x = {"field": "period", "type": "ordinal", "title": None, "sort": None, "axis": {"labelAngle": -45, "labelOverlap": True}}
    layers: list[dict[str, object]] = [
        {
            "data": {"values": bands}, "mark": {"type": "area", "opacity": opacity, "color": "#4c78a8"},
            "encoding": {"x": x, "y": {"field": f"low_{level}", "type": "quantitative", "title": None}, "y2": {"field": f"high_{level}"}},
        }
        for level, opacity in ((95, 0.15), (80, 0.25)) if bands
    ]  # fmt: skip
    layers.insert(0, {
        "data": {"values": values}, "mark": {"type": "line", "point": True},
        "encoding": {
            "x": x, "y": {"field": "value", "type": "quantitative", "title": ctx.say(_("Value")), "axis": {"format": "~s"}},
            "color": {"field": "series", "type": "nominal", "title": None, "scale": {"domain": series, "range": ["#555555", "#4c78a8"]}},
        },
    })  # fmt: skip
    return {
        "$schema": SCHEMA, "title": title, "width": 640, "height": 360, "layer": layers,
        "config": {"font": FONT, "title": {"anchor": "start", "fontSize": 16}, "view": {"stroke": None}},
    }  # fmt: skip
