"""Sample customers in both languages; the names are made up."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

from plugins.customers.surveys import ACT, DETRACTOR, PROMOTER
from sdk import Context, Draft
from sdk.context import id_of

PLACES = (("中国", "北京"), ("中国", "上海"), ("中国", "深圳"), ("中国", "成都"), ("Germany", "Hamburg"), ("United Kingdom", "Leeds"),
          ("United States", "Portland"), ("Singapore", "Singapore"))  # fmt: skip
HEADS_ZH = ("华宸", "远航", "明泽", "启润", "天禾", "瑞腾", "博远", "云岭", "锦程", "海纳", "新越", "恒拓")
TAILS_ZH = ("科技有限公司", "贸易有限公司", "医疗器械有限公司", "智能制造有限公司", "信息技术有限公司")
HEADS_EN = ("Alder", "Birchwood", "Clearwater", "Dunmore", "Eastgate", "Fairhaven", "Greystone", "Highfield", "Ironbridge", "Juniper")
TAILS_EN = ("Logistics", "Instruments", "Foods", "Software", "Components")
INDUSTRIES = {"科技": "software", "贸易": "retail", "医疗": "medical", "智能": "manufacturing", "信息": "software",
              "Logistics": "logistics", "Instruments": "manufacturing", "Foods": "retail", "Software": "software",
              "Components": "manufacturing"}  # fmt: skip
TAGS = (
    ("vip", "贵宾", "#b45309"),
    ("reference", "标杆客户", "#0b57d0"),
    ("risk", "有流失风险", "#b3261e"),
    ("fair-2026", "2026 Fair", "#3f6212"),
)
COMMENTS = {100: ("响应很快，推荐。", "Quick and reliable.", None), 0: ("还可以。", "Fine so far.", None),
            -100: ("交付晚了两周。", "Too many different contacts.", None)}  # fmt: skip
FAMILY, GIVEN = "王李张刘陈杨赵黄周吴", ("伟", "芳", "敏", "静", "磊", "洋", "艳", "杰", "娟", "涛", "晓明", "丽华")
FIRST_EN = ("Alice", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Henry")
LAST_EN = ("Archer", "Baker", "Cole", "Dawson", "Ellis", "Foster")


def fill(ctx: Context, random: Random) -> None:
    """Accounts with contacts, owned by the people of the tenant."""
    owners = _give_roles(ctx)
    tags = [ctx.records("customers.tag").create({"key": key, "name": name, "colour": colour})["key"] for key, name, colour in TAGS]
    names = [head + tail for head in HEADS_ZH for tail in TAILS_ZH] + [f"{head} {tail}" for head in HEADS_EN for tail in TAILS_EN]
    random.shuffle(names)
    accounts = [
        Draft("create", {**_account(name, place, random, owners), "tags": random.sample(tags, random.randint(0, 2)) or None})
        for place, name in enumerate(names)
    ]
    made = ctx.records("customers.account").write_all(accounts)
    _groups(ctx, random, [one.id for one in made])
    contacts = [
        Draft("create", _contact(str(draft.values["name"]), index, outcome.id, draft.values["owner"], random))
        for draft, outcome in zip(accounts, made, strict=True)
        for index in range(random.randint(1, 3))
    ]
    people = ctx.records("customers.contact").write_all(contacts)
    _parts(ctx, random, [one.id for one in people], [one.id for one in made])
    _surveys(ctx, random, [(one.id, draft.values["account"]) for one, draft in zip(people, contacts, strict=True)])


def _groups(ctx: Context, random: Random, accounts: list[UUID | None]) -> None:
    """Some companies belong to others."""
    tops, below = accounts[:3], random.sample(accounts[3:], 9)
    drafts = [Draft("update", {"parent": tops[place % len(tops)]}, id) for place, id in enumerate(below)]
    ctx.records("customers.account").write_all(drafts)


def _parts(ctx: Context, random: Random, people: list[UUID | None], accounts: list[UUID | None]) -> None:
    """Some people have a part at another company, too; some companies have more than one address."""
    parts = [
        {"contact": contact, "account": random.choice(accounts), "role": random.choice(("advises", "decides", "buys"))}
        for contact in random.sample(people, 20)
    ]
    places = [{"account": id, "kind": "billing", "address": f"信箱 {random.randint(100, 999)}"} for id in accounts[::5]]
    for entity, rows in (("customers.affiliation", parts), ("customers.address", places)):
        ctx.records(entity).write_all([Draft("create", row) for row in rows])


def _surveys(ctx: Context, random: Random, people: list[tuple[object, object]]) -> None:
    """A question after each won deal, and what some have answered to it over the last year."""
    survey = ctx.records("customers.survey").create({
        "name": "成交后回访", "question": "How likely are you to recommend us?", "question_zh": "您有多大可能向同行推荐我们？",
        "after_won": True, "by_mail": False,
    })  # fmt: skip
    drafts = []
    for contact, account in random.sample(people, len(people) // 3):
        score = random.choices(range(11), (1, 0, 1, 1, 1, 3, 4, 9, 14, 16, 10))[0]
        points = 100 if score >= PROMOTER else -100 if score <= DETRACTOR else 0
        values = {"survey": survey["id"], "account": account, "contact": contact, "state": "answered", "score": score, "points": points,
                  "comment": random.choice(COMMENTS[points]), "answered_at": ctx.now() - timedelta(days=random.randint(1, 360))}  # fmt: skip
        drafts.append(Draft("create", values, act=ACT))
    ctx.records("customers.invitation").write_all(drafts)


def _give_roles(ctx: Context) -> list[object]:
    """In a team, who has no manager of their own manages and the others sell; who is in none keeps the books. Returns the teams' people."""
    users = ctx.records("core.user")
    everybody = [row for row in users.find(()) if not row["roles"]]
    people = [row for row in everybody if row["team"] is not None]
    drafts = [
        Draft(
            "update",
            {"roles": ["finance" if row["team"] is None else "sales_manager" if row["manager"] is None else "sales_rep"]},
            id_of(row),
        )
        for row in everybody
    ]
    users.write_all(drafts)
    return [row["id"] for row in people]


def _account(name: str, place: int, random: Random, owners: list[object]) -> dict[str, object]:
    chinese = ord(name[0]) > 0x2E7F
    country, city = random.choice(PLACES[:4] if chinese else PLACES[4:])
    return {
        "name": name, "tier": random.choices(("key", "normal", "potential"), (1, 4, 3))[0], "country": country, "city": city,
        "industry": next(value for word, value in INDUSTRIES.items() if word in name), "employees": random.randint(10, 5000),
        "founded": random.randint(1975, 2022), "owner": random.choice(owners) if owners else None,
        "revenue": {"amount": str(random.randint(5, 900) * 100_000), "currency": "CNY" if chinese else "USD"},
        "phone": f"+86 21 5{place:03} {random.randint(1000, 9999)}" if chinese else f"+1 {503 + place} 555 0{random.randint(100, 199)}",
        "website": f"https://{random.randint(1000, 9999)}-{place}.example.com", "tax_number": f"9131{random.randint(10**13, 10**14 - 1)}" if chinese else None,
    }  # fmt: skip


def _contact(account: str, index: int, id: object, owner: object, random: Random) -> dict[str, object]:
    chinese = ord(account[0]) > 0x2E7F
    name = random.choice(FAMILY) + random.choice(GIVEN) if chinese else f"{random.choice(FIRST_EN)} {random.choice(LAST_EN)}"
    title = random.choice(("采购经理", "总经理", "技术总监") if chinese else ("Buyer", "Managing director", "Head of IT"))
    number = random.randint(10_000, 99_999)
    phone = f"+86 139 00{number // 1000} {number % 1000:03}{index % 10}" if chinese else f"+1 {210 + number % 690} 555 01{number % 100:02}"
    return {"name": name, "account": id, "owner": owner, "title": title, "phone": phone, "email": f"c{number}.{index}@example.com"}
