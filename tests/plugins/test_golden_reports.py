"""The figures of the ready-made reports on the demo set, each counted once more by other means: SQL of its own, or by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any
from uuid import UUID

import pytest

from core.cli import demo
from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock
from core.testkit.templates import Content, Templates
from plugins.reports.ready import before
from sdk import BadRequest, where
from sdk.context import Row, id_of
from sdk.fields import Money

REPORTS = "/api/v1/reports/reports"


@pytest.fixture
def database_url(database_templates: Templates, entry_points: Sequence[EntryPoint] | None, clock: Clock) -> Iterator[str]:
    """A database with the demo in it."""
    with database_templates.copy(entry_points, Content(demo.fill, clock.now)) as url:
        yield url


@pytest.fixture
def filled(platform: Platform) -> Work:
    """The demo tenant."""
    return platform.system(demo.NAME)


@pytest.fixture
def asked(client: Api, platform: Platform, filled: Work) -> Api:
    """Its administrator."""
    return Api(platform, client.flask, "", filled.tenant).as_user(demo.ADMIN, of=filled.tenant)


def rows(work: Work, entity: str, **equal: object) -> dict[UUID, Row]:
    return {id_of(row): row for row in work.records(entity).find(where(**equal), 100_000)}


def value(money: object) -> Decimal:
    return money.amount if isinstance(money, Money) else Decimal(0)


@pytest.mark.feature("H1")
def test_sales_by_person_team_region_and_product_equal_an_independent_sql(asked: Api, filled: Work, platform: Platform) -> None:
    exact = "/ 10000.0" if platform.database.is_sqlite else ""
    joins = """FROM orders_orders o LEFT JOIN core_users u ON u.tenant_id = o.tenant_id AND u.id = o.owner_id
               LEFT JOIN core_teams t ON t.tenant_id = o.tenant_id AND t.id = u.team_id
               LEFT JOIN customers_accounts a ON a.tenant_id = o.tenant_id AND a.id = o.account_id"""
    sold = "WHERE o.state = 'confirmed' AND o.deleted_at IS NULL GROUP BY 1"
    for report, by, column in (
        ("sales_by_person", "owner", "u.name"), ("sales_by_team", "owner.team", "t.name"), ("customers_by_purchase", "account", "a.name"),
    ):  # fmt: skip
        query = f"SELECT {column}, sum(o.base_amount) {exact}, count(*), count(DISTINCT o.account_id) {joins} {sold}"
        with platform.database.begin(write=False, tenant=filled.tenant.id) as connection:
            expected = {name: (round(Decimal(str(total)), 2), n, who) for name, total, n, who in connection.exec_driver_sql(query).all()}
        found = {
            row[by]: (Decimal(row["sum:base_amount"]["amount"]), row["count"], row["distinct:account"])
            for row in asked.get(f"{REPORTS}/orders.{report}").json["data"]
        }
        assert found == expected, report
    lines, orders, products = (
        rows(filled, "orders.order_line"),
        rows(filled, "orders.order", state="confirmed"),
        rows(filled, "catalog.product"),
    )
    amount, pieces = defaultdict[object, Decimal](Decimal), defaultdict[object, Decimal](Decimal)
    for line in lines.values():
        if line["order"] in orders:
            name = products[line["product"]]["name"]  # type: ignore[index]
            amount[name] += value(line["net"])
            pieces[name] += Decimal(str(line["quantity"]))
    data = asked.get(f"{REPORTS}/orders.sales_by_product").json["data"]
    assert {row["product"]: Decimal(row["sum:net"]["amount"]) for row in data} == amount
    assert {row["product"]: Decimal(str(row["sum:quantity"])) for row in data} == pieces
    region = Counter((accounts["country"], accounts["city"]) for accounts in _accounts_of(filled, orders))
    data = asked.get(f"{REPORTS}/orders.sales_by_region").json["data"]
    assert {(row["account.country"], row["account.city"]): row["count"] for row in data} == region


def _accounts_of(work: Work, orders: dict[UUID, Row]) -> list[Row]:
    accounts = rows(work, "customers.account")
    return [accounts[order["account"]] for order in orders.values()]  # type: ignore[index]


@pytest.mark.feature("H1")
def test_a_period_is_compared_with_the_one_before_it(asked: Api, filled: Work) -> None:
    orders = rows(filled, "orders.order", state="confirmed").values()
    today = filled.now().date()
    start, end = date(today.year - 1, 4, 1), date(today.year - 1, 9, 30)
    asked_for: dict[str, Any] = {"from": str(start), "to": str(end), "compare": "before"}
    answer = asked.get(f"{REPORTS}/orders.sales_by_month", asked_for).json
    first, last = date.fromisoformat(answer["before"]["from"]), date.fromisoformat(answer["before"]["to"])
    assert (first, last) == (date(start.year - 1, 10, 1), date(start.year, 3, 31))
    for total, (since, until) in ((answer["total"], (start, end)), (answer["before"]["total"], (first, last))):
        mine = [order for order in orders if since <= order["ordered_on"] <= until]  # type: ignore[operator]
        assert total["count"] == len(mine) > 0
        assert Decimal(total["sum:base_amount"]["amount"]) == sum(value(order["base_amount"]) for order in mine)
    assert sum(row["count"] for row in answer["before"]["data"]) == answer["before"]["total"]["count"]
    assert asked.get(f"{REPORTS}/orders.sales_by_month", {"compare": "before"}).status_code == 400
    assert asked.get(f"{REPORTS}/pipeline.open_by_stage", asked_for).status_code == 400


def test_the_period_before_is_as_many_months_or_as_many_days() -> None:
    assert before(date(2026, 3, 1), date(2026, 3, 31)) == (date(2026, 2, 1), date(2026, 2, 28))
    assert before(date(2026, 1, 1), date(2026, 12, 31)) == (date(2025, 1, 1), date(2025, 12, 31))
    assert before(date(2026, 3, 5), date(2026, 3, 5)) == (date(2026, 3, 4), date(2026, 3, 4))
    assert before(date(2026, 3, 2), date(2026, 3, 31)) == (date(2026, 1, 31), date(2026, 3, 1))
    for start, end in ((date.min, date(5, 1, 1)), (date(1, 2, 1), date(1, 12, 31)), (date(1, 1, 9), date(9999, 1, 1))):
        with pytest.raises(BadRequest, match="no period before"):
            before(start, end)


@pytest.mark.feature("H2")
def test_customers_are_grouped_by_the_month_of_their_first_order(asked: Api, filled: Work) -> None:
    first: dict[object, date] = {}
    bought = defaultdict[object, Decimal](Decimal)
    for order in rows(filled, "orders.order", state="confirmed").values():
        on = order["ordered_on"]
        assert isinstance(on, date)
        first[order["account"]] = min(on, first.get(order["account"], on))
        bought[order["account"]] += value(order["base_amount"])
    cohorts, worth = Counter(str(on)[:7] for on in first.values()), defaultdict[str, Decimal](Decimal)
    for account, on in first.items():
        worth[str(on)[:7]] += bought[account]
    found, sums = Counter[str](), defaultdict[str, Decimal](Decimal)
    for row in asked.get(f"{REPORTS}/orders.cohorts").json["data"]:
        found[row["orders.first_order_on:month"]] += row["count"]
        sums[row["orders.first_order_on:month"]] += Decimal(row["sum:orders.lifetime_value"]["amount"])
    assert found == cohorts
    assert sums == worth
    later = asked.get(f"{REPORTS}/orders.cohort_orders").json["data"]
    assert sum(row["count"] for row in later) == len(rows(filled, "orders.order", state="confirmed"))
    assert all(row["account.orders.first_order_on:quarter"] <= row["ordered_on:quarter"] for row in later)


@pytest.mark.feature("H2")
def test_new_active_and_lost_customers_and_satisfaction_by_class_equal_a_count_by_hand(asked: Api, filled: Work) -> None:
    accounts, today = rows(filled, "customers.account"), filled.now().date()
    days = defaultdict[object, list[date]](list)
    for order in rows(filled, "orders.order", state="confirmed").values():
        days[order["account"]].append(order["ordered_on"])  # type: ignore[arg-type]
    standing = Counter(
        ("new" if (today - min(on)).days < 90 else "active" if (today - max(on)).days < 365 else "lost", accounts[id]["tier"])  # type: ignore[index]
        for id, on in days.items()
    )
    data = asked.get(f"{REPORTS}/orders.customers_by_standing").json["data"]
    assert {(row["orders.standing"], row["tier"]): row["count"] for row in data} == standing
    scores = defaultdict[object, list[int]](list)
    for answer in rows(filled, "customers.invitation", state="answered").values():
        scores[accounts[answer["account"]]["tier"]].append(int(str(answer["score"])))  # type: ignore[index]
    data = asked.get(f"{REPORTS}/customers.satisfaction_by_class").json["data"]
    assert {row["account.tier"]: row["count"] for row in data} == {tier: len(many) for tier, many in scores.items()}
    for row in data:
        many = scores[row["account.tier"]]
        assert abs(Decimal(row["avg:score"]) - Decimal(sum(many)) / len(many)) < Decimal("0.001")
        net = Decimal(100 * (sum(one >= 9 for one in many) - sum(one <= 6 for one in many))) / len(many)
        assert abs(Decimal(row["avg:points"]) - net) < Decimal("0.001")


@pytest.mark.feature("H3")
def test_first_and_last_touch_split_the_same_whole(asked: Api, filled: Work) -> None:
    won = sum(value(deal["base_amount"]) for deal in rows(filled, "pipeline.deal", status="won").values())
    first, last = (
        {
            row[by]: Decimal(row["sum:base_amount"]["amount"])
            for row in asked.get(f"{REPORTS}/leads.{report}").json["data"]
            if row["status"] == "won"
        }
        for report, by in (("deals_by_campaign", "leads.campaign"), ("deals_by_last_campaign", "leads.last_campaign"))
    )
    assert sum(first.values()) == sum(last.values()) == won > 0
    assert first != last
    lines = asked.get(f"{REPORTS}/leads.campaigns").json["data"]
    assert {row["name"]: Decimal(row["sum:leads.won"]["amount"]) for row in lines if row["sum:leads.won"]} == {
        name: total for name, total in first.items() if name is not None
    }
    campaigns = rows(filled, "leads.campaign").values()
    assert {row["name"]: Decimal(row["sum:cost"]["amount"]) for row in lines} == {row["name"]: value(row["cost"]) for row in campaigns}
