"""Sample definitions, a market index, events, a finished run and chances."""

from __future__ import annotations

from datetime import date, timedelta
from math import pi, sin
from random import Random

from plugins.forecast import chances, runs
from sdk import Context, Draft
from sdk.context import id_of

SERIES = (
    ("赢单金额（按月）", "pipeline.deal", "sum:base_amount", "close_date", "status=won", ""),
    ("Deals won, by person", "pipeline.deal", "count", "close_date", "status=won", "owner"),
    ("订单金额（按月）", "orders.order", "sum:base_amount", "ordered_on", "state=confirmed", ""),
)
EVENTS = (
    ("618 促销", "promotion", (6, 1), (6, 18), "up"),
    ("双十一 Singles' Day", "promotion", (11, 1), (11, 11), "up"),
    ("春节 Spring Festival", "holiday", (2, 1), (2, 8), "down"),
)


def fill(ctx: Context, random: Random, months: int) -> None:
    """All of it ends today; the first series is run at once."""
    today = ctx.now().date()
    index = id_of(ctx.records("forecast.market_series").create({"name": "采购经理指数 PMI (sample)", "source": "generated", "unit": "%"}))
    points = []
    for back in range(months + 12, -1, -1):
        month = (today.replace(day=15) - timedelta(days=30 * back)).replace(day=1)
        points.append(
            {"market_series": index, "on": month, "value": str(round(50 + sin(back / 12 * 2 * pi) + random.uniform(-0.8, 0.8), 1))}
        )
    _written(ctx, "forecast.market_point", list({row["on"]: row for row in points}.values()))
    years = range(today.year - months // 12, today.year + 2)
    _written(ctx, "forecast.market_event", [
        {"name": f"{name} {year}", "kind": kind, "starts_on": date(year, *start), "ends_on": date(year, *end), "direction": way}
        for year in years for name, kind, start, end, way in EVENTS
    ])  # fmt: skip
    made = [
        id_of(ctx.records("forecast.series").create({"name": name, "entity": entity, "measure": measure, "date_field": dated,
                                                      "conditions": conditions, "split_by": split or None, "horizon": 6}))
        for name, entity, measure, dated, conditions, split in SERIES if ctx.offers(entity)
    ]  # fmt: skip
    if made:
        _written(ctx, "forecast.factor", [
            {"series": made[0], "name": "PMI", "market_series": index, "lag": 1},
            {"series": made[0], "name": "促销 Promotions", "event_kind": "promotion"},
        ])  # fmt: skip
        runs.carry_out(ctx, id_of(runs.begin(ctx, made[0])))
    chances.train(ctx)


def _written(ctx: Context, entity: str, rows: list[dict[str, object]]) -> None:
    ctx.records(entity).write_all([Draft("create", row) for row in rows])
