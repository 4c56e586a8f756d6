"""The weighted pipeline: by period, person, team and product, beside what was won and the targets, with the rights of who asks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.extension.discover import GROUP
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.forecast.outlook import totals
from sdk import Draft, where
from sdk.context import id_of
from sdk.fields import Money
from tests.plugins.process import Process
from tests.probe.fixtures import OURS

PIPELINE = "/api/v1/forecast/pipeline"
YEAR = {"from": "2026-06-01", "to": "2026-08-31"}


def amount(cell: dict[str, Any], name: str = "weighted") -> Decimal:
    return Decimal(cell[name]["amount"])


def by_period(answer: dict[str, Any], name: str = "weighted") -> dict[str, Decimal]:
    return {cell["period"]: amount(cell, name) for cell in answer["periods"]}


def deal(process: Process, worth: object, chance: object, closes: str | None, **more: object) -> None:
    process.deal(amount={"amount": str(worth)}, probability=chance, close_date=closes, **more)


@pytest.mark.feature("G1")
def test_the_published_example_of_three_months(client: Api, process: Process) -> None:
    """Frappe CRM's: June 50,000, July 50,000, August 100,000."""
    deal(process, 100_000, 50, "2026-06-20")
    deal(process, 200_000, 25, "2026-07-10")
    deal(process, 100_000, 75, "2026-08-05")
    deal(process, 250_000, 10, "2026-08-31")
    answer = client.get(PIPELINE, YEAR).json
    assert by_period(answer) == {"2026-06": 50_000, "2026-07": 50_000, "2026-08": 100_000}
    assert by_period(answer, "open")["2026-08"] == 350_000
    quarter = client.get(PIPELINE, {**YEAR, "grain": "quarter"}).json
    assert by_period(quarter) == {"2026-Q2": 50_000, "2026-Q3": 150_000}


@pytest.mark.feature("G1")
def test_what_was_won_stands_beside_what_is_open(client: Api, process: Process) -> None:
    deal(process, 1000, 50, "2026-01-20")
    process.deal(stage="won", amount={"amount": "300"}, close_date="2026-01-10")
    process.deal(stage="lost", amount={"amount": "999"}, close_date="2026-01-10")
    (cell,) = client.get(PIPELINE, {"from": "2026-01-01", "to": "2026-01-31"}).json["periods"]
    assert (amount(cell, "won"), amount(cell), amount(cell, "expected"), cell["won_deals"], cell["deals"]) == (300, 500, 800, 1, 1)


def test_an_overdue_deal_is_in_no_month_and_one_without_a_date_neither(client: Api, process: Process) -> None:
    """Today is 15 January 2026."""
    deal(process, 1000, 50, "2026-01-14")
    deal(process, 100, 50, "2026-01-15")
    deal(process, 10, 50, None)
    answer = client.get(PIPELINE, {"from": "2026-01-01", "to": "2026-01-31"}).json
    assert by_period(answer) == {"2026-01": 50}
    assert (amount(answer["overdue"]), answer["overdue"]["deals"]) == (500, 1)
    assert (amount(answer["undated"]), answer["undated"]["deals"]) == (5, 1)


@pytest.mark.feature("G11")
def test_products_add_up_to_the_whole_and_other_currencies_are_converted(client: Api, work: Work, process: Process) -> None:
    work.records("company.rate").create({"currency": "EUR", "on": "2026-01-01", "rate": "1.1"})
    for name in ("A", "B"):
        work.records("catalog.product").create({"name": name})
    deal(process, 1000, 50, "2026-06-20", product="A")
    process.deal(amount={"amount": "100", "currency": "EUR"}, probability=50, close_date="2026-06-21", product="B")
    process.deal(amount={"amount": "77", "currency": "CHF"}, probability=50, close_date="2026-06-22", product="B")
    deal(process, 200, 50, "2026-06-23")
    answer = client.get(PIPELINE, {**YEAR, "by": "product"}).json
    groups = {group["key"]: by_period(group)["2026-06"] for group in answer["groups"]}
    assert groups == {"A": 500, "B": 55, None: 100}
    assert by_period(answer)["2026-06"] == sum(groups.values())
    assert answer["unpriced"] == 1, "there is no rate for francs: counted, not priced"
    native = client.get("/api/v1/reports/query", {"entity": "pipeline.deal", "measure": "sum:forecast.weighted"}).json["data"][0]
    assert {one["currency"]: one["amount"] for one in native["sum:forecast.weighted"]} == {"CHF": "38.50", "EUR": "50.00", "USD": "600.00"}


def test_a_deal_without_a_probability_is_counted(client: Api, work: Work, process: Process) -> None:
    work.records("pipeline.stage").create({"pipeline": process.id, "name": "Odd", "key": "odd", "type": "open", "position": 9})
    deal(process, 1000, None, "2026-06-20", stage="odd")
    answer = client.get(PIPELINE, YEAR).json
    assert (answer["without_probability"], by_period(answer)["2026-06"]) == (1, 0)


@pytest.mark.feature("G1")
def test_a_representative_sees_the_own_team_alone(client: Api, process: Process, people: People) -> None:
    deal(process, 1000, 50, "2026-06-20", owner=str(people.reps[0][0]))
    deal(process, 300, 50, "2026-06-20", owner=str(people.reps[1][0]))
    whole, mine = (api.get(PIPELINE, {**YEAR, "by": "person"}).json for api in (client, client.as_user(people.rep)))
    assert by_period(whole)["2026-06"] == 650
    assert by_period(mine)["2026-06"] == 500
    assert [group["key"] for group in mine["groups"]] == ["rep00"]
    teams = client.get(PIPELINE, {**YEAR, "by": "team"}).json["groups"]
    assert {group["key"]: by_period(group)["2026-06"] for group in teams} == {"Team 0": 500, "Team 1": 150}


def test_a_field_that_one_may_not_see_is_not_seen_through_its_weight(client: Api, work: Work, process: Process, people: People) -> None:
    deal(process, 1000, 50, "2026-06-20", owner=str(people.rep))
    role = work.records("core.role").find(where(key="sales_rep"))[0]
    shown = ["name", "stage", "probability", "forecast.weighted", "forecast.weighted_base"]  # an amount is its weight by its probability
    work.records("core.grant").create({"role": str(role["id"]), "permission": "pipeline.deal.read", "scope": "team", "only_fields": shown})
    rep = client.as_user(people.rep)
    assert rep.get(PIPELINE, YEAR).status_code == 400
    row = rep.get("/api/v1/pipeline/deals").json["data"][0]
    assert not [name for name in row if name.startswith("forecast.")]
    assert rep.get("/api/v1/pipeline/deals?forecast.weighted[gt]=1").status_code == 400


@given(st.decimals(-(10**12), 10**12, places=2), st.decimals(0, 100, places=4))
def test_a_weight_is_exact_whatever_the_amount(worth: Decimal, chance: Decimal) -> None:
    """On SQLite amounts are scaled integers: the product of two would leave 64 bits."""
    import sqlalchemy as sa

    from sdk.columns import Exact, percent_of

    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        statement = sa.select(percent_of(sa.literal(worth, Exact()), sa.literal(chance, Exact())))
        found = connection.execute(statement).scalar_one()
    expected = worth * chance / 100
    assert abs(found - expected) <= Decimal("0.00005")


@pytest.mark.parametrize(
    "query", [{"from": "2027-01-01", "to": "2026-01-01"}, {"to": "2000-01-01"}, {"from": "0001-01-01", "to": "9999-12-31"}]
)
def test_a_period_that_is_none_is_refused(client: Api, query: dict[str, str]) -> None:
    assert client.get(PIPELINE, query).status_code == 422


def test_the_last_year_of_the_calendar_is_no_crash(client: Api) -> None:
    assert client.get(PIPELINE, {"from": "9999-12-01", "to": "9999-12-31"}).status_code == 422
    assert client.get(PIPELINE, {"from": "0001-01-01", "to": "0001-01-31"}).status_code == 200


def test_where_forecast_is_off_there_is_nothing(client: Api, make_tenant: MakeTenant) -> None:
    other = make_tenant("other", plugins=["customers", "pipeline"])
    work = client.platform.system(other.id)
    admin = id_of(work.records("core.user").create({"name": "A", "email": "a@other.example", "roles": ["admin"]}))
    api = client.as_user(admin, of=other)
    assert api.get(PIPELINE).status_code == 404
    assert api.get("/api/v1/forecast/series").status_code == 404
    assert "forecast.weighted" not in work.records("pipeline.deal").fields()


class TestTargets:
    """With a partner that sets targets."""

    @pytest.fixture
    def entry_points(self) -> Sequence[EntryPoint] | None:
        return (*(point for point in OURS if point.name != "teamwork"), EntryPoint("teamwork", "tests.probe_targets.plugin", GROUP))

    @pytest.mark.feature("G1")
    @pytest.mark.feature("G4")
    def test_a_target_stands_beside_what_it_is_for(self, client: Api, work: Work, process: Process, people: People) -> None:
        for rep, worth in ((people.reps[0][0], 90), (people.reps[0][1], 30)):
            process.deal(stage="won", amount={"amount": str(worth)}, close_date="2026-01-10", owner=str(rep))
        rows: list[dict[str, object]] = [
            {"person": str(people.reps[0][0]), "amount": Money(Decimal(100), "USD")}, {"person": str(people.reps[0][1]), "amount": Money(Decimal(60), "USD")},
            {"team": str(people.teams[0]), "amount": Money(Decimal(150), "USD")}, {"team": str(people.teams[2]), "amount": Money(Decimal(70), "USD")},
        ]  # fmt: skip
        always = {"measure": "won_amount", "period": "month", "period_start": "2026-01-01"}
        outcomes = work.records("teamwork.target").write([Draft("create", {**always, **row}) for row in rows])
        assert all(outcome.refusal is None for outcome in outcomes)
        january = {"from": "2026-01-01", "to": "2026-01-31"}
        people_ = client.get(PIPELINE, {**january, "by": "person"}).json
        attained = {group["key"]: (group["periods"][0]["target"]["amount"], group["periods"][0]["attained"]) for group in people_["groups"]}
        assert attained == {"rep00": ("100.00", "90.00"), "rep01": ("60.00", "50.00")}
        teams = client.get(PIPELINE, {**january, "by": "team"}).json
        assert {group["key"]: group["periods"][0]["attained"] for group in teams["groups"]} == {"Team 0": "80.00", "Team 2": "0.00"}
        (total,) = teams["periods"]
        assert (teams["targets"], total["target"]["amount"]) == ("team", "220.00")
        work.records("teamwork.target").create({**always, "amount": Money(Decimal(1000), "USD")})
        (total,) = client.get(PIPELINE, january).json["periods"]
        assert (total["target"]["amount"], total["attained"]) == ("1000.00", "12.00")
        process.deal(stage="won", amount={"amount": "879.99"}, close_date="2026-01-10", owner=str(people.reps[0][0]))
        (total,) = client.get(PIPELINE, january).json["periods"]
        assert total["attained"] == "99.99", "nearly a hundred is not reached"


def test_a_share_of_the_target_is_of_the_periods_that_have_one() -> None:
    def period(won: str, expected: str, target: str | None) -> dict[str, object]:
        given = {"won": won, "expected": expected, "weighted": "0", "target": target}
        return {name: None if amount is None else {"amount": amount, "currency": "CNY"} for name, amount in given.items()}

    total = totals({"periods": [period("50", "80", "100"), period("0", "400", None)], "currency": "CNY"})
    assert (total["attained"], total["expected_share"]) == ("50.0", "80.0")
    assert total["expected"] == {"amount": "480", "currency": "CNY"}, "what is expected is all of it"
    assert (total["aimed"], total["expected_aimed"]) == (1, {"amount": "80", "currency": "CNY"}), "the share says what it is of"
