"""A sample report of one's own, and a dashboard with it, of each who leads a team."""

from __future__ import annotations

from plugins.reports import dashboards, own, tiles
from sdk import Context, Draft, Query
from sdk.context import id_of

DEALS = "pipeline.deal"
QUESTION = f"entity={DEALS}&measure=count&measure=sum:base_amount&by=owner&by=status&chart=bar"
SHOWN = (
    ("panel:forecast.outlook", "chart", 2), ("report:orders.sales_by_person", "chart", 2), ("report:pipeline.lost_by_reason", "table", 2),
)  # fmt: skip
NAMES = (("团队商机一览", "我的团队"), ("Deals of my team", "My team"))


def fill(ctx: Context) -> None:
    """Nothing where there are no deals to report."""
    if not ctx.offers(DEALS):
        return
    teams = ctx.records("core.team").query(Query(sort=("name",), fields=("manager",))).data
    for (report, board), leader in zip(NAMES, [team["manager"] for team in teams if team["manager"] is not None], strict=False):
        kept = ctx.records(own.NAME).create({"name": report, "question": QUESTION, "owner": leader})
        dashboard = id_of(ctx.records(dashboards.NAME).create({"name": board, "owner": leader}))
        there = ((f"{tiles.OWN}:{kept['id']}", "chart", 2), *SHOWN)
        ctx.records(tiles.NAME).write_all(
            [
                Draft("create", {"dashboard": dashboard, "source": source, "shape": shape, "width": width, "position": place})
                for place, (source, shape, width) in enumerate(there)
            ]
        )
