"""What forecasts put into pages of others: the outlook on dashboards, the win probability beside a deal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from plugins.forecast import outlook, pages, routes
from plugins.forecast.weighted import DEAL
from sdk import Context, Panel, Rendering, Slot, _


def tile(ctx: Context, narrow: Mapping[str, object]) -> Rendering | None:
    """The quarters, or months, around today; a dashboard's period is of the past, and this is about what comes."""
    if not ctx.offers(DEAL):
        return None
    start, end = outlook.span(pages.today(ctx), "month", 2, 4)
    answer = outlook.asked(ctx, start, end, "month", "")
    total = outlook.totals(answer)
    return Rendering(
        "forecast/tile.html",
        {"chart_": outlook.chart(ctx, answer), "total": total, "blank": outlook.is_blank(answer), "lines": outlook.lines(ctx, answer)},
    )


def win(ctx: Context, deal: Mapping[str, object]) -> Rendering | None:
    """The chance of an open deal with its reasons."""
    if deal.get("status") != "open":
        return None
    found = routes.win_of(ctx, UUID(str(deal["id"])))
    if found["probability"] is None:
        return None
    return Rendering("forecast/win.html", {"win": found, "reasons": cast("list[object]", found["reasons"])})


PANELS = (
    Panel("outlook", slot=Slot.TILE, label=_("Pipeline and target"), permission=routes.LOOK, view=tile),
    Panel("win", slot=Slot.PANEL, label=_("Win probability"), permission=routes.LOOK, view=win, entity=DEAL, position=20,
          shows=("forecast.win_probability", "forecast.win_basis")),
)  # fmt: skip
