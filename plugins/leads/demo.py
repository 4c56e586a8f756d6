"""Sample campaigns and leads, some of them converted."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from plugins.leads.conversion import Wish, convert
from sdk import Context, Draft
from sdk.context import id_of

CAMPAIGNS = (
    ("春季展会", "fair", 86_000),
    ("Spring mailing", "mail", 4_500),
    ("搜索广告", "ad", 38_000),
    ("Partner days", "partner", 21_000),
)
PEOPLE = (("孙浩", "晨光教育"), ("Olivia Grant", "Northwind Textiles"), ("周婷", "绿野农业"), ("Peter Hahn", "Hahn Werkzeuge"),
          ("钱勇", "海岸物流"), ("Sara Lund", "Lund Interiors"), ("冯雪", "星河传媒"), ("Tom Reed", "Reed & Sons"))  # fmt: skip
EACH = 5
CONVERTED = 6


def fill(ctx: Context, random: Random, months: int) -> None:
    """Campaigns over the months, leads from them, the first of which become customers."""
    today, owners = ctx.now().date(), [row["id"] for row in ctx.records("core.user").find(()) if row["manager"] is not None]
    campaigns = ctx.records("leads.campaign").write_all(
        [
            Draft("create", {"name": name, "channel": channel, "cost": {"amount": str(cost), "currency": "CNY"},
                             "starts_on": (start := today - timedelta(days=30 * random.randint(1, months))), "ends_on": start + timedelta(days=20)})
            for name, channel, cost in CAMPAIGNS
        ]
    )  # fmt: skip
    drafts = []
    for number in range(EACH * len(PEOPLE)):
        name, company = PEOPLE[number % len(PEOPLE)]
        chinese = ord(name[0]) > 0x2E7F
        branch = number // len(PEOPLE) + 1
        drafts.append(
            Draft("create", {
                "name": name, "company": company if branch == 1 else f"{company}{'分公司' if chinese else ' branch '}{branch}",
                "email": f"lead{number}@example.com", "rating": random.choice(("hot", "warm", "cold")), "owner": random.choice(owners) if owners else None,
                "state": random.choice(("new", "working", "qualified", "disqualified")) if number >= CONVERTED else "qualified",
                "campaign": random.choice(campaigns).id, "source": "campaign",
                "value": {"amount": str(random.randint(3, 60) * 1000), "currency": "CNY" if chinese else "USD"},
            })
        )  # fmt: skip
    made = ctx.records("leads.lead").write_all(drafts)
    _touches(ctx, random, months, [one.id for one in campaigns])
    for outcome in made[:CONVERTED]:
        assert outcome.row is not None
        convert(ctx, id_of(outcome.row), Wish(deal={"close_date": today + timedelta(days=random.randint(10, 90))}))


def _touches(ctx: Context, random: Random, months: int, campaigns: list[object]) -> None:
    """What touched some of the customers over the months, each at another time."""
    accounts = [row["id"] for row in ctx.records("customers.account").find(())]
    drafts = [
        Draft("create", {"account": account, "campaign": random.choice(campaigns), "source": "campaign",
                         "at": ctx.now() - timedelta(days=random.randint(1, 30 * months))})
        for account in random.sample(accounts, len(accounts) // 2)
        for _time in range(random.randint(1, 2))
    ]  # fmt: skip
    ctx.records("leads.touch").write_all(drafts)
