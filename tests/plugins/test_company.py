"""The company: set-up that can be repeated, settings, dated rates, numbers without gaps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.company.api import next_numbers, profile
from plugins.company.numbers import flaw_of, written
from sdk import Tenant, priced
from sdk.context import id_of
from sdk.fields import Money
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.process import Process

__all__ = ["dealwright"]

RATES, PROFILES, SEQUENCES = "/api/v1/company/rates", "/api/v1/company/profiles", "/api/v1/company/sequences"
QUERY = "/api/v1/reports/query"


@pytest.fixture
def yuan(make_tenant: MakeTenant) -> Tenant:
    """A tenant in Shanghai whose own currency is the yuan."""
    return make_tenant("yuan", locale="zh_CN", timezone="Asia/Shanghai", currency="CNY")


@pytest.fixture
def home(platform: Platform, yuan: Tenant) -> Work:
    """The system there."""
    return platform.system(yuan.id)


def rate(work: Work, currency: str, on: str, value: str) -> None:
    work.records("company.rate").create({"currency": currency, "on": on, "rate": value})


# --- set-up ------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A9")
def test_after_set_up_there_are_process_reasons_sources_and_roles_and_a_second_set_up_makes_nothing(client: Api, work: Work) -> None:
    done = {row["entity"]: row for row in client.post("/api/v1/core/setup").json["data"]}
    made = {entity: row["created"] for entity, row in done.items()}
    assert made["pipeline.stage"] == 7
    assert min(made[name] for name in ("company.industry", "company.source", "company.region", "pipeline.lost_reason")) >= 7
    assert {role["key"] for role in client.get("/api/v1/core/roles").json["data"]} >= {"admin", "sales_rep", "sales_manager", "finance"}
    deal = client.post("/api/v1/pipeline/deals", {"name": "first"})
    assert deal.status_code == 201
    again = client.post("/api/v1/core/setup").json["data"]
    assert [(row["created"], row["skipped"]) for row in again] == [(0, made[row["entity"]]) for row in again]


@pytest.mark.feature("A9")
def test_set_up_speaks_the_tenants_language_and_leaves_what_is_there(home: Work, dealwright: Dealwright) -> None:
    from core.tenancy.setup import set_up

    home.records("company.industry").create({"key": "software", "name": "我们的行业"})
    home.records("pipeline.pipeline").create({"name": "自己的流程"})
    set_up(home)
    names = {row["key"]: row["name"] for row in home.records("company.industry").find(())}
    assert (names["software"], names["retail"]) == ("我们的行业", "零售与批发")
    assert [row["name"] for row in home.records("pipeline.pipeline").find(())] == ["自己的流程"]


def test_set_up_is_an_administrators_act(client: Api, people: People) -> None:
    assert client.as_user(people.rep).post("/api/v1/core/setup").status_code == 403


# --- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A6")
def test_an_administrator_changes_zone_language_and_currency_and_others_read_them(client: Api, people: People, work: Work) -> None:
    changed = client.patch("/api/v1/core/tenant", {"timezone": "Asia/Shanghai", "locale": "zh_CN", "currency": "CNY"})
    assert changed.status_code == 200, changed.text
    rep = client.as_user(people.rep)
    assert {name: rep.get("/api/v1/core/tenant").json[name] for name in ("timezone", "locale", "currency")} == {
        "timezone": "Asia/Shanghai", "locale": "zh_CN", "currency": "CNY",
    }  # fmt: skip
    assert rep.patch("/api/v1/core/tenant", {"locale": "en"}).status_code == 403
    made = client.post("/api/v1/pipeline/pipelines", {"name": "p"})
    assert made.status_code == 201
    assert rep.get(f"/api/v1/pipeline/deals/{people.rep}").json["title"] != "Not found"  # in the tenant's new language


@pytest.mark.parametrize(("name", "value"), [("timezone", "Mars/Olympus"), ("currency", "XXX"), ("locale", "tlh")])
def test_a_setting_that_there_is_not_is_refused_by_name(client: Api, name: str, value: str) -> None:
    refused = client.patch("/api/v1/core/tenant", {name: value})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [name]


@pytest.mark.feature("A3")
def test_the_companys_own_currency_stays_once_there_are_rates_to_it(client: Api, work: Work) -> None:
    rate(work, "EUR", "2026-01-01", "1.1")
    refused = client.patch("/api/v1/core/tenant", {"currency": "CNY"})
    assert (refused.status_code, refused.json["code"]) == (409, "rates_exist")
    assert client.patch("/api/v1/core/tenant", {"timezone": "Europe/Berlin"}).status_code == 200


@pytest.mark.feature("A1")
def test_a_company_has_one_profile(client: Api, work: Work) -> None:
    assert profile(work) is None
    made = client.post(PROFILES, {"name": "Acme", "address": "1 Main Street"})
    assert made.status_code == 201
    refused = client.post(PROFILES, {"name": "Another"})
    assert (refused.status_code, refused.json["code"]) == (409, "second_profile")
    client.patch(f"{PROFILES}/{made.json['id']}", {"address": "2 Main Street"})
    found = profile(work)
    assert found is not None
    assert found["address"] == "2 Main Street"
    client.delete(f"{PROFILES}/{made.json['id']}")
    assert client.post(PROFILES, {"name": "Another"}).status_code == 201
    assert client.post(f"{PROFILES}/{made.json['id']}/restore").status_code == 409


# --- rates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A3")
def test_a_deal_in_euro_keeps_both_amounts_and_the_rate(home: Work) -> None:
    rate(home, "EUR", "2026-01-01", "7.8125")
    deals = Process(home, id_of(home.records("pipeline.pipeline").create({"name": "p"})))
    home.records("pipeline.stage").create({"pipeline": deals.id, "name": "Open"})
    row = deals.read(deals.deal(amount={"amount": "100.01", "currency": "EUR"}))
    assert (row["amount"], row["base_amount"], row["rate"]) == (
        Money(Decimal("100.01"), "EUR"),
        Money(Decimal("781.33"), "CNY"),
        Decimal("7.8125"),
    )


@pytest.mark.feature("A4")
def test_a_closed_deal_keeps_the_rate_of_its_close_date_whatever_rates_come_later(
    client: Api, work: Work, process: Process, drain: Callable[[], int], clock: Clock
) -> None:
    clock.now = datetime(2026, 3, 25, 12, tzinfo=UTC)
    rate(work, "EUR", "2026-03-01", "1.10")
    rate(work, "EUR", "2026-03-15", "1.20")
    deal = process.deal(stage="won", close_date="2026-03-10", amount={"amount": "100", "currency": "EUR"})

    def reported() -> object:
        asked = {"entity": "pipeline.deal", "measure": "sum:base_amount", "where": "status=won"}
        return client.get(QUERY, asked).json["data"][0]["sum:base_amount"]["amount"]

    assert reported() == "110.00"
    rate(work, "EUR", "2026-03-20", "1.30")
    rate(work, "EUR", "2026-03-05", "1.15")  # a later entry for an earlier day
    drain()
    assert reported() == "110.00"
    work.records("pipeline.deal").update(deal, {"notes": "paid"})
    assert reported() == "110.00"


@pytest.mark.feature("A4")
def test_a_rate_that_comes_late_prices_the_closed_deals_that_had_none(work: Work, process: Process, drain: Callable[[], int]) -> None:
    amount = {"amount": "100", "currency": "GBP"}
    before, after, other = (
        process.deal(stage="won", close_date=day, amount={**amount, "currency": currency})
        for day, currency in (("2026-01-04", "GBP"), ("2026-01-06", "GBP"), ("2026-01-06", "SEK"))
    )
    assert process.read(after)["base_amount"] is None
    rate(work, "GBP", "2026-01-05", "1.25")
    drain()
    assert [process.read(deal)["base_amount"] for deal in (before, after, other)] == [None, Money(Decimal(125), "USD"), None]
    drain()
    assert process.read(after)["version"] == 2


def test_an_open_deal_is_priced_anew_when_it_is_closed_and_when_it_is_reopened(work: Work, process: Process, clock: Clock) -> None:
    rate(work, "EUR", "2026-01-01", "1.1")
    rate(work, "EUR", "2026-02-01", "1.2")
    deal = process.deal(amount={"amount": "100", "currency": "EUR"})
    assert process.read(deal)["rate"] == Decimal("1.1")
    clock.move(days=30)
    work.records("pipeline.deal").update(deal, {"stage": process.stages["won"]})
    assert (process.read(deal)["rate"], process.read(deal)["base_amount"]) == (Decimal("1.2"), Money(Decimal(120), "USD"))


@pytest.mark.feature("A5")
def test_dollars_and_euros_are_never_added_and_a_deal_without_a_rate_is_counted_but_not_priced(
    client: Api, work: Work, process: Process
) -> None:
    for currency in ("USD", "EUR"):
        process.deal(amount={"amount": "50", "currency": currency})
    asked = {"entity": "pipeline.deal", "measure": "count,sum:amount,sum:base_amount"}
    (line,) = client.get(QUERY, asked).json["data"]
    assert line["count"] == 2
    assert line["sum:amount"] == [{"amount": "50.00", "currency": "EUR"}, {"amount": "50.00", "currency": "USD"}]
    assert line["sum:base_amount"] == {"amount": "50.00", "currency": "USD"}
    (unpriced,) = client.get(QUERY, {**asked, "where": "base_amount[empty]=true"}).json["data"]
    assert unpriced["count"] == 1


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"currency": "XXX", "on": "2026-01-01", "rate": "1"}, "currency", "unknown_currency"),
        ({"currency": "usd", "on": "2026-01-01", "rate": "1"}, "currency", "own_currency"),
        ({"currency": "EUR", "on": "2026-01-01", "rate": "0"}, "rate", "out_of_range"),
        ({"currency": "EUR", "on": "2026-02-30", "rate": "1"}, "on", "no_such_date"),
        ({"currency": "EUR", "on": "2026-01-01", "rate": "1.00000000001"}, "rate", "too_precise"),
    ],
)
def test_a_rate_that_cannot_be_is_refused_by_name(client: Api, values: dict[str, str], field: str, code: str) -> None:
    refused = client.post(RATES, values)
    assert refused.status_code == 422, refused.text
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [(field, code)]


def test_a_currency_has_one_rate_a_day(client: Api) -> None:
    assert [client.post(RATES, {"currency": "EUR", "on": "2026-01-01", "rate": r}).status_code for r in ("1.1", "1.2")] == [201, 409]


@pytest.mark.feature("F14")
@pytest.mark.parametrize(("amount", "currency", "status"), [("10.005", "CNY", 422), ("10.50", "JPY", 422), ("1.234", "KWD", 201), ("10.5", "CNY", 201), ("10.005", None, 422)])  # fmt: skip
def test_an_amount_has_no_more_digits_than_its_currency(client: Api, amount: str, currency: str | None, status: int) -> None:
    money = {"amount": amount} | ({"currency": currency} if currency else {})
    made = client.post("/api/v1/customers/accounts", {"name": "a", "revenue": money})
    assert made.status_code == status, made.text


@settings(max_examples=60, deadline=None)
@given(
    rates=st.dictionaries(st.integers(0, 400), st.decimals("0.0001", "9999", places=4), max_size=12),
    asked=st.lists(st.integers(0, 420), min_size=1, max_size=12),
    cents=st.integers(-(10**9), 10**9),
)
def test_the_rate_in_force_is_the_last_one_no_later_than_the_day(rates: dict[int, Decimal], asked: list[int], cents: int) -> None:
    """The look-up against a plain loop, with the doors replaced by lists: the two ways of asking agree."""
    from plugins.company import rates as company

    start, known = date(2025, 1, 1), sorted((date(2025, 1, 1) + timedelta(days=day), value) for day, value in rates.items())

    class Doors:
        def find(self, filter: tuple[Any, ...], _most: int) -> list[dict[str, Any]]:
            low, high = (date.fromisoformat(condition.values[0]) for condition in filter[1:])
            return [{"on": on, "rate": value} for on, value in known if low < on <= high]

        def query(self, query: Any) -> Any:
            last = date.fromisoformat(query.filter[1].values[0])
            rows = [{"on": on, "rate": str(value)} for on, value in known if on <= last]
            return type("Page", (), {"data": rows[-1:]})

    class Ctx:
        tenant = Tenant(None, "t", "en", "UTC", "CNY")  # type: ignore[arg-type]

        def as_system(self) -> Ctx:
            return self

        def records(self, _name: str) -> Doors:
            return Doors()

        def rates(self, pairs: Any) -> dict[Any, Any]:
            found = company.rates_of(self, list(pairs))  # type: ignore[arg-type]
            return {pair: found.get(pair) for pair in pairs}

    money, days = Money(Decimal(cents) / 100, "EUR"), [start + timedelta(days=day) for day in asked]
    for day, found in zip(days, priced(Ctx(), [(money, day) for day in days]), strict=True):  # type: ignore[arg-type]
        before = [value for on, value in known if on <= day]
        assert found.rate == (before[-1] if before else None)
        expected = None if not before else Money((money.amount * before[-1]).quantize(Decimal("0.01"), ROUND_HALF_EVEN), "CNY")
        assert found.amount == expected


# --- time ----------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A6")
@settings(max_examples=200, deadline=None)
@given(zone=st.sampled_from(sorted(available_timezones())), day=st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_a_date_is_the_same_day_for_every_reader(zone: str, day: date) -> None:
    from sdk.fields.time import DateField

    field = DateField(label="x")  # type: ignore[arg-type]
    shown = field.format(field.check(day.isoformat()))
    assert shown == day.isoformat()  # no zone takes part, whichever the reader's is
    assert datetime.fromisoformat(shown).replace(tzinfo=ZoneInfo(zone)).date() == day


# --- numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A12")
def test_fifty_parallel_writers_with_rollbacks_leave_neither_gap_nor_twin(platform: Platform, tenant: Tenant) -> None:
    given, lock, failures = list[str](), threading.Lock(), list[BaseException]()

    class Undone(Exception):
        pass

    def number(index: int) -> None:
        work = platform.system(tenant.id)
        try:
            with work.transaction(write=True):
                (mine,) = next_numbers(work, "orders.invoice", date(2026, 1, 15))
                work.records("customers.account").create({"name": mine})
                if index % 10 == 0:
                    raise Undone
            with lock:
                given.append(mine)
        except Undone:
            pass
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=number, args=(index,)) for index in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:1]
    assert sorted(given) == [f"INV-2026-{n:05}" for n in range(1, 46)]
    accounts = platform.system(tenant.id).records("customers.account").find(())
    assert sorted(str(row["name"]) for row in accounts) == sorted(given)


@pytest.mark.feature("A12")
def test_numbers_start_again_with_their_period_and_never_go_back_in_it(client: Api, work: Work) -> None:
    made = client.post(SEQUENCES, {"key": "orders.order", "name": "Orders", "pattern": "SO{year}{month}-{number:03}", "reset": "month"})
    assert made.status_code == 201, made.text

    def numbers(on: date, count: int = 1) -> list[str]:
        with work.transaction(write=True):
            return next_numbers(work, "orders.order", on, count)

    assert numbers(date(2026, 1, 30), 2) == ["SO202601-001", "SO202601-002"]
    assert numbers(date(2026, 2, 1)) == ["SO202602-001"]
    assert numbers(date(2026, 2, 2), 3) == ["SO202602-002", "SO202602-003", "SO202602-004"]
    refused = client.patch(f"{SEQUENCES}/{made.json['id']}", {"next_number": 2})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "given_out")
    assert client.patch(f"{SEQUENCES}/{made.json['id']}", {"next_number": 100}).status_code == 200
    assert numbers(date(2026, 2, 3)) == ["SO202602-100"]


@pytest.mark.parametrize(
    ("pattern", "reset"),
    [("INV", "never"), ("{number}{number}", "never"), ("{week}-{number}", "never"), ("{number:05", "never"), ("{number:x}", "never"),
     ("{number.real}", "never"), ("{number!r:>1000000}", "never"), ("{number}", "year"), ("{year}-{number}", "month"), ("{year:05}{number}", "year")],
)  # fmt: skip
def test_a_pattern_that_cannot_number_is_refused(client: Api, pattern: str, reset: str) -> None:
    refused = client.post(SEQUENCES, {"key": "k", "name": "n", "pattern": pattern, "reset": reset})
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json["errors"]] == ["pattern"]


@given(number=st.integers(1, 10**9), day=st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_different_numbers_are_written_differently(number: int, day: date) -> None:
    for pattern in ("{number}", "INV-{year}-{number:05}", "{year}{month}{day}{number:04d}"):
        assert flaw_of(pattern, "never") is None
        assert written(pattern, day, number) != written(pattern, day, number + 1)
