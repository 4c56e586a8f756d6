"""The company: set-up that can be repeated, settings, dated rates, numbers without gaps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.context import Work
from core.data import migrate
from core.data.local_time import bucket, local_time
from core.platform import Platform
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.company.api import next_numbers, profile
from plugins.company.numbers import flaw_of, written
from plugins.pipeline import pricing as pipeline_pricing
from plugins.pipeline.template import apply
from sdk import Batch, Conflict, Tenant, _, priced
from sdk.columns import UtcDateTime
from sdk.context import id_of
from sdk.fields import Money
from tests.console.site import Site
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


def together(count: int, act: Callable[[int], object]) -> list[BaseException]:
    """Does it so often in threads that start at the same moment; what the act refused. Raises whatever else went wrong."""
    start, refused, failed = threading.Barrier(count), list[BaseException](), list[BaseException]()

    def run(index: int) -> None:
        start.wait()
        try:
            act(index)
        except Conflict as refusal:
            refused.append(refusal)
        except BaseException as failure:
            failed.append(failure)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return refused


# --- set-up ------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("A9")
def test_after_set_up_there_are_process_reasons_sources_and_roles_and_a_second_set_up_makes_nothing(client: Api, work: Work) -> None:
    done = {row["entity"]: row for row in client.post("/api/v1/core/setup").json["data"]}
    made = {entity: row["created"] for entity, row in done.items()}
    assert made["pipeline.stage"] == 7
    assert (
        min(made[name] for name in ("company.industry", "company.source", "company.region", "pipeline.lost_reason", "pipeline.won_reason"))
        >= 7
    )
    sequences = {row["key"]: row for row in client.get(SEQUENCES).json["data"]}
    assert client.patch(f"{SEQUENCES}/{sequences['orders.invoice']['id']}", {"pattern": "R{year}/{number:04}"}).status_code == 200
    with work.transaction(write=True):
        assert next_numbers(work, "orders.invoice", date(2026, 1, 2)) == ["R2026/0001"], "as somebody wants it before the first"
    assert {role["key"] for role in client.get("/api/v1/core/roles").json["data"]} >= {"admin", "sales_rep", "sales_manager", "finance"}
    deal = client.post("/api/v1/pipeline/deals", {"name": "first"})
    assert deal.status_code == 201
    again = client.post("/api/v1/core/setup").json["data"]
    assert [(row["created"], row["skipped"]) for row in again] == [(0, made[row["entity"]]) for row in again]


@pytest.mark.feature("A9")
def test_set_up_speaks_the_tenants_language_and_leaves_what_is_there(home: Work) -> None:
    home.records("company.industry").create({"key": "software", "name": "我们的行业"})
    home.records("pipeline.pipeline").create({"name": "自己的流程"})
    home.records("pipeline.lost_reason").create({"key": "dear", "name": "价格"})  # by hand, under the name of one that is to come
    set_up(home)
    apply(home, "direct_sales")
    names = {row["key"]: row["name"] for row in home.records("company.industry").find(())}
    assert (names["software"], names["retail"]) == ("我们的行业", "零售与批发")
    reasons = {row["key"] for row in home.records("pipeline.lost_reason").find(())}
    assert reasons >= {"dear", "timing"}
    assert "price" not in reasons
    assert [row["name"] for row in home.records("pipeline.pipeline").find(())] == ["自己的流程", "直销"]
    assert {row["name"] for row in home.records("company.sequence").find(())} == {"报价单", "订单", "合同", "发票", "红字发票"}


@pytest.mark.feature("A9")
def test_set_up_from_the_command_line_makes_what_is_missing_once(dealwright: Dealwright, home: Work) -> None:
    first, second = (dealwright.json("tenant", "setup", "yuan")["data"] for _time in range(2))
    assert all(row["created"] > 0 for row in first)
    assert [(row["created"], row["skipped"]) for row in second] == [(0, row["created"]) for row in first]
    assert "company.industry: 0 created, 16 there already" in dealwright.do("tenant", "setup", "yuan")


@pytest.mark.feature("A9")
def test_set_ups_at_the_same_moment_make_each_record_once(platform: Platform, tenant: Tenant) -> None:
    assert together(6, lambda _index: set_up(platform.system(tenant.id))) == []
    work = platform.system(tenant.id)
    assert [len(work.records(name).find(())) for name in ("pipeline.pipeline", "pipeline.stage", "company.industry")] == [1, 7, 16]


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


def test_when_a_fiscal_year_began_in_the_profile_it_begins_so_for_the_tenant(platform: Platform, client: Api, work: Work) -> None:
    work.records("company.profile").create({"name": "Acme"})
    branch = next(one for one in platform.branches() if one.plugin == "company")
    migrate.downgrade(platform.database, branch, "0002")
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.exec_driver_sql("UPDATE company_profiles SET fiscal_year_start = 4, week_start = 7")
    migrate.upgrade(platform.database, platform.branches())
    said = client.get("/api/v1/core/tenant").json
    assert (said["fiscal_year_start"], said["week_start"]) == (4, 7)


@pytest.mark.feature("A3")
def test_the_companys_own_currency_stays_once_there_are_rates_to_it(client: Api, work: Work) -> None:
    rate(work, "EUR", "2026-01-01", "1.1")
    refused = client.patch("/api/v1/core/tenant", {"currency": "CNY"})
    assert (refused.status_code, refused.json["code"]) == (409, "rates_exist")
    assert client.patch("/api/v1/core/tenant", {"timezone": "Europe/Berlin"}).status_code == 200


@pytest.mark.feature("A3")
def test_the_companys_own_currency_stays_once_deals_have_their_amount_in_it(client: Api, process: Process) -> None:
    process.deal()  # one without an amount is in nobody's way
    assert client.patch("/api/v1/core/tenant", {"currency": "CNY"}).status_code == 200
    stage = process.stages["proposal"]
    made = client.post(
        "/api/v1/pipeline/deals", {"name": "d", "pipeline": str(process.id), "stage": str(stage), "amount": {"amount": "50"}}
    )
    assert made.status_code == 201, made.text
    refused = client.patch("/api/v1/core/tenant", {"currency": "USD"})
    assert (refused.status_code, refused.json["code"]) == (409, "amounts_exist")
    asked = {"entity": "pipeline.deal", "measure": "sum:base_amount"}
    assert client.get(QUERY, asked).json["data"] == [{"sum:base_amount": {"amount": "50.00", "currency": "CNY"}}]


@pytest.mark.feature("A1")
def test_of_profiles_written_at_the_same_moment_one_stays(platform: Platform, tenant: Tenant) -> None:
    refused = together(6, lambda index: platform.system(tenant.id).records("company.profile").create({"name": f"Acme {index}"}))
    assert (len(refused), len(platform.system(tenant.id).records("company.profile").find(()))) == (5, 1)


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


@pytest.mark.feature("A3")
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
    rate(work, "EUR", "2026-03-09", "1.50")
    work.records("pipeline.deal").update(deal, {"amount": {"amount": "200", "currency": "EUR"}})
    assert reported() == "220.00", "a corrected amount keeps the rate"
    shown = client.get(f"/api/v1/pipeline/deals/{deal}").json
    assert (shown["amount"], shown["base_amount"], Decimal(shown["rate"])) == (
        {"amount": "200.00", "currency": "EUR"}, {"amount": "220.00", "currency": "USD"}, Decimal("1.1"),
    )  # fmt: skip


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


@pytest.mark.feature("A4")
def test_a_rate_prices_each_deal_that_it_can_be_it_that_a_stage_asks_for_more_by_now_or_that_one_is_refused(
    work: Work, process: Process, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"stage": "won", "close_date": "2026-01-06", "amount": {"amount": "100", "currency": "GBP"}}
    first, odd, last = (process.deal(name, **values) for name in ("first", "odd", "last"))
    work.records("pipeline.stage").update(process.stages["won"], {"required_fields": ["competitor"]})
    rate(work, "GBP", "2026-01-05", "1.25")
    asked = pipeline_pricing.price

    def refuse(ctx: Work, batch: Batch, today: date) -> None:
        asked(ctx, batch, today)
        for change in batch.standing():
            if change.id == odd:
                change.forbid("held", _("deleted"))

    with monkeypatch.context() as patched:
        patched.setattr("plugins.pipeline.process.price", refuse)
        drain()
    assert [process.read(deal)["rate"] for deal in (first, odd, last)] == [Decimal("1.25"), None, Decimal("1.25")]
    assert str(odd) in caplog.text
    pipeline_pricing.price_unpriced(work)
    assert process.read(odd)["rate"] == Decimal("1.25")


@pytest.mark.feature("A4")
def test_what_could_not_be_priced_when_its_rate_came_is_priced_at_night_when_it_is_restored_and_when_the_plugin_returns(
    client: Api, work: Work, process: Process, drain: Callable[[], int], clock: Clock, platform: Platform
) -> None:
    clock.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    gbp, sek = ({"amount": "100", "currency": currency} for currency in ("GBP", "SEK"))
    gone, later, vast = process.deal(amount=gbp), process.deal(amount=sek), process.deal(amount={**gbp, "amount": "9999999999999"})
    for deal in (gone, vast):
        client.delete(f"/api/v1/pipeline/deals/{deal}")
    rate(work, "GBP", "2026-01-05", "1.25")
    rate(work, "SEK", "2026-01-12", "0.1")
    drain()
    assert [client.post(f"/api/v1/pipeline/deals/{deal}/restore").status_code for deal in (gone, vast)] == [200] * 2
    assert process.read(vast)["base_amount"] is None, "more than an amount may be: it stays without, as it does when a rate comes late"
    assert (process.read(gone)["rate"], process.read(later)["rate"]) == (Decimal("1.25"), None)
    clock.move(days=3)
    platform.catalog.schedules["pipeline.price"].run(work)
    assert process.read(later)["rate"] == Decimal("0.1")
    off = process.deal(amount={"amount": "1", "currency": "NOK"})
    needed = [
        client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False}).status_code
        for name in ("from_hubspot", "from_odoo", "from_salesforce", "web_forms", "leads", "pipeline")
    ]
    assert needed == [200] * 6
    rate(work, "NOK", "2026-01-12", "0.2")
    drain()
    client.patch("/api/v1/core/plugins/pipeline", {"enabled": True})
    drain()
    assert process.read(off)["rate"] == Decimal("0.2")


@pytest.mark.feature("A5")
def test_an_open_deal_that_had_no_rate_is_priced_when_one_is_entered_that_is_in_force(
    work: Work, process: Process, drain: Callable[[], int], clock: Clock
) -> None:
    rate(work, "EUR", "2026-01-01", "1.1")
    deal, priced = (process.deal(amount={"amount": "100", "currency": currency}, close_date="2025-12-01") for currency in ("GBP", "EUR"))
    rate(work, "GBP", f"{clock.now:%Y}-12-31", "9")
    drain()
    assert process.read(deal)["base_amount"] is None, "that rate is one of later"
    rate(work, "GBP", "2026-01-02", "1.25")
    rate(work, "EUR", "2026-01-02", "1.2")
    drain()
    assert (process.read(deal)["base_amount"], process.read(deal)["rate"]) == (Money(Decimal(125), "USD"), Decimal("1.25"))
    assert process.read(priced)["rate"] == Decimal("1.1"), "a rate that is there stays"


@pytest.mark.feature("A4")
def test_a_rate_that_is_dated_earlier_afterwards_prices_what_had_none(work: Work, process: Process, drain: Callable[[], int]) -> None:
    deal = process.deal(stage="won", close_date="2026-01-06", amount={"amount": "1", "currency": "GBP"})
    late = id_of(work.records("company.rate").create({"currency": "GBP", "on": "2026-01-10", "rate": "2"}))
    drain()
    assert process.read(deal)["base_amount"] is None
    work.records("company.rate").update(late, {"on": "2026-01-05"})
    drain()
    assert process.read(deal)["base_amount"] == Money(Decimal(2), "USD")


def test_a_deleted_rate_stays_deleted_for_it_may_be_to_another_currency(client: Api) -> None:
    made = client.post(RATES, {"currency": "EUR", "on": "2026-01-01", "rate": "1.1"}).json["id"]
    client.delete(f"{RATES}/{made}")
    assert client.patch("/api/v1/core/tenant", {"currency": "CNY"}).status_code == 200
    refused = client.post(f"{RATES}/{made}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "rate_deleted")


def test_today_is_the_tenants_day_when_an_open_deal_is_priced(make_tenant: MakeTenant, platform: Platform, clock: Clock) -> None:
    clock.now = datetime(2026, 1, 31, 12, tzinfo=UTC)  # on Kiritimati it is February already
    work = platform.system(make_tenant("far", timezone="Pacific/Kiritimati", currency="USD").id)
    rate(work, "EUR", "2026-01-01", "1.1")
    rate(work, "EUR", "2026-02-01", "1.2")
    deals = Process(work, id_of(work.records("pipeline.pipeline").create({"name": "p"})))
    work.records("pipeline.stage").create({"pipeline": deals.id, "name": "Open"})
    assert deals.read(deals.deal(amount={"amount": "1", "currency": "EUR"}))["rate"] == Decimal("1.2")


def test_an_open_deal_is_priced_anew_when_it_is_closed_and_when_it_is_reopened(
    client: Api, work: Work, process: Process, clock: Clock
) -> None:
    rate(work, "EUR", "2026-01-01", "1.1")
    rate(work, "EUR", "2026-02-01", "1.2")
    deal = process.deal(amount={"amount": "100", "currency": "EUR"})
    assert process.read(deal)["rate"] == Decimal("1.1")
    clock.move(days=30)
    work.records("pipeline.deal").update(deal, {"stage": process.stages["won"]})
    assert (process.read(deal)["rate"], process.read(deal)["base_amount"]) == (Decimal("1.2"), Money(Decimal(120), "USD"))
    rate(work, "EUR", "2026-03-01", "1.3")
    clock.move(days=30)
    reopened = client.post(f"/api/v1/pipeline/deals/{deal}/moves", {"stage": "proposal", "reopen": True})
    assert reopened.status_code == 201, reopened.text
    assert (process.read(deal)["rate"], process.read(deal)["base_amount"]) == (Decimal("1.3"), Money(Decimal(130), "USD"))


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
    if code == "out_of_range":
        assert refused.json["errors"][0]["message"] == "expected at least 0.0000000001"


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


ZONES = sorted(available_timezones() - {"Factory", "localtime"})
FAR = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin", "Africa/Casablanca")


def edges(zone: ZoneInfo) -> list[datetime]:
    """The last second before and the first after each change of the clock from 2024 to 2026."""
    found, here, step = list[datetime](), datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=7)
    while here.year < 2027:
        low, high = here, here + step
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                if middle.astimezone(zone).utcoffset() == here.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            found += [low, high]
        here += step
    return found


@pytest.mark.feature("A6")
def test_an_instant_is_the_same_local_time_in_reports_as_in_python_in_every_zone_at_every_change_of_its_clock(platform: Platform) -> None:
    asked = 0
    with platform.database.begin(write=False, tenant=None) as connection:
        for name in ZONES:
            moments = [*edges(ZoneInfo(name)), datetime(2026, 3, 29, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 12, tzinfo=UTC)]
            zone = sa.literal_column(f"'{name}'")
            days = [bucket(local_time(sa.literal(moment, UtcDateTime()), zone), "day") for moment in moments]
            told = connection.execute(sa.select(*days)).one()
            assert list(told) == [moment.astimezone(ZoneInfo(name)).date().isoformat() for moment in moments], name
            asked += len(moments)
    assert asked > 2 * len(ZONES)  # some clocks did change


@pytest.mark.feature("A6")
@pytest.mark.parametrize("zone", FAR)
def test_a_date_is_the_same_day_in_every_zone_in_lists_filters_and_reports(client: Api, process: Process, zone: str) -> None:
    deal = process.deal(close_date="2026-03-29")
    assert client.patch("/api/v1/core/tenant", {"timezone": zone}).status_code == 200
    assert client.patch("/api/v1/core/me", {"timezone": FAR[FAR.index(zone) - 1]}).status_code == 200, "and whoever looks is elsewhere"
    (row,) = client.get("/api/v1/pipeline/deals", {"close_date[gte]": "2026-03-29", "close_date[lte]": "2026-03-29"}).json["data"]
    assert row["close_date"] == "2026-03-29"
    asked = {"entity": "pipeline.deal", "measure": "count", "by": "close_date:day"}
    assert client.get(QUERY, asked).json["data"] == [{"close_date:day": "2026-03-29", "count": 1}]
    assert "Mar 29, 2026" in Site(client).get(f"/pipeline/deals/{deal}").text


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


@pytest.mark.feature("A12")
@pytest.mark.parametrize("reset", ["never", "year", "month"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(st.tuples(st.dates(date(2025, 11, 1), date(2027, 2, 28)), st.integers(1, 3)), min_size=2, max_size=10))
def test_in_whatever_order_documents_are_dated_no_number_comes_twice_and_no_period_has_a_gap(
    work: Work, reset: str, documents: list[tuple[date, int]]
) -> None:
    key = f"k{uuid4().hex}"
    work.records("company.sequence").create({"key": key, "name": "n", "pattern": "{year}{month}{day}/{number}", "reset": reset})
    told: dict[str, list[int]] = {}
    for on, count in documents:
        with work.transaction(write=True):
            numbers = next_numbers(work, key, on, count)
        period = {"never": "", "year": f"{on:%Y}", "month": f"{on:%Y%m}"}[reset]
        told.setdefault(period, []).extend(int(number.partition("/")[2]) for number in numbers)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in told.values()), told


@pytest.mark.feature("A12")
@pytest.mark.parametrize("values", [{"key": "other"}, {"reset": "never"}, None])
def test_a_sequence_that_has_given_numbers_keeps_what_would_give_them_again(client: Api, work: Work, values: dict[str, str] | None) -> None:
    def number() -> str:
        with work.transaction(write=True):
            return next_numbers(work, "orders.invoice", date(2026, 5, 1))[0]

    assert number() == "INV-2026-00001"
    (row,) = work.records("company.sequence").find(())
    address = f"{SEQUENCES}/{row['id']}"
    refused = client.patch(address, values) if values else client.delete(address)
    assert refused.status_code == (422 if values else 409)
    assert "given_out" in refused.text
    assert number() == "INV-2026-00002"
    assert client.patch(address, {"pattern": "R{year}/{number}", "name": "Bills"}).status_code == 200
    assert number() == "R2026/3"


def test_a_sequence_without_numbers_can_change_and_go(client: Api) -> None:
    made = client.post(SEQUENCES, {"key": "k", "name": "n", "pattern": "{year}-{number}"}).json["id"]
    assert client.patch(f"{SEQUENCES}/{made}", {"key": "other", "reset": "never"}).status_code == 200
    assert client.delete(f"{SEQUENCES}/{made}").status_code == 204


PATTERNS = (
    ("INV", "never"), ("{number}{number}", "never"), ("{week}-{number}", "never"), ("{number:05", "never"), ("{number:x}", "never"),
    ("{number.real}", "never"), ("{number!r:>1000000}", "never"), ("{number}", "year"), ("{year}-{number}", "month"), ("{year:05}{number}", "year"), ("{year!r}{number}", "year"), ("{number!r}", "never"),
)  # fmt: skip


def test_a_pattern_that_cannot_number_is_refused(client: Api) -> None:
    for pattern, reset in PATTERNS:
        refused = client.post(SEQUENCES, {"key": "k", "name": "n", "pattern": pattern, "reset": reset})
        assert refused.status_code == 422, (pattern, refused.text)
        assert [error["field"] for error in refused.json["errors"]] == ["pattern"], pattern


@given(number=st.integers(1, 10**9), day=st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_different_numbers_are_written_differently(number: int, day: date) -> None:
    for pattern in ("{number}", "INV-{year}-{number:05}", "{year}{month}{day}{number:04d}"):
        assert flaw_of(pattern, "never") is None
        assert written(pattern, day, number) != written(pattern, day, number + 1)
