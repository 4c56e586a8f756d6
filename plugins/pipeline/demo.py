"""Sample deals over the last months: won, lost and open."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from plugins.pipeline.template import DIRECT, apply
from sdk import Context, Draft, where
from sdk.changes import HISTORY
from sdk.context import Row, id_of

DEALS_A_MONTH = 25
UNPRICED, A_THIRD = [stage.key for stage in DIRECT.stages[:3]], 30
"""Of early deals a third has no amount yet: a move that a later stage refuses says what is missing."""
SOURCES = ("website", "referral", "fair", "campaign", "partner")


def fill(ctx: Context, random: Random, months: int) -> None:
    """Some deals a month; three out of five that are old enough were won."""
    there = ctx.records("pipeline.pipeline").find(where(is_default=True), 1)  # made by the tenant's set-up
    pipeline = id_of(there[0]) if there else apply(ctx, DIRECT.key)
    reasons = {type_: [row["id"] for row in ctx.records(f"pipeline.{type_}_reason").find(())] for type_ in ("lost", "won")}
    accounts = ctx.records("customers.account").find(())
    products = ctx.records("catalog.product").find(()) if ctx.offers("catalog.product") else []
    today = ctx.now().date()
    drafts = [
        Draft(
            "create",
            _deal(random.choice(accounts), products, today - timedelta(days=30 * back + random.randint(0, 29)), today, random, reasons),
            act=HISTORY,  # which says how long deals have been where they are
        )
        for back in range(months, -1, -1)
        for _index in range(DEALS_A_MONTH)
    ]
    for draft in drafts:
        assert isinstance(draft.values, dict)
        draft.values["pipeline"] = pipeline
    ctx.records("pipeline.deal").write_all(drafts)


def _deal(
    account: Row, products: list[Row], opened: date, today: date, random: Random, reasons: dict[str, list[object]]
) -> dict[str, object]:
    product = random.choice(products) if products else None
    closing = opened + timedelta(days=random.randint(20, 110))
    open_stages = [stage.key for stage in DIRECT.stages if stage.type == "open"]
    stage = random.choice(open_stages) if closing > today else random.choices(("won", "lost"), (3, 2))[0]
    chinese = ord(str(account["name"])[0]) > 0x2E7F
    stayed = random.randint(0, max((today - opened).days, 0)) // 2 if stage in open_stages else (today - closing).days
    worth = random.randint(2, 90)
    noun = random.choice(("采购", "续约", "扩容", "试点") if chinese else ("purchase", "renewal", "expansion", "pilot"))
    return {
        "name": f"{account['name']}{'' if chinese else ' '}{noun}",
        "account": account["id"],
        "owner": account["owner"],
        "product": product["id"] if product else None,
        "stage": stage,
        "amount": None
        if stage in UNPRICED and worth < A_THIRD
        else {"amount": str(worth * 1_000), "currency": "CNY" if chinese else "USD"},
        "opened_on": opened,
        "close_date": closing,
        "stage_since": datetime.combine(today - timedelta(days=stayed), time(8), UTC),
        "lost_reason": random.choice(reasons["lost"]) if stage == "lost" else None,
        "won_reason": random.choice(reasons["won"]) if stage == "won" else None,
        "source": random.choice(SOURCES),
    }
