"""Exchange rates from the European Central Bank: what is new comes in, what was entered stays, and what fails says so."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant
from core.worker.drain import Drain
from core.worker.schedule import run_due
from plugins.ecb_rates.bank import RECENT, UnreadableError, read
from sdk import Draft, Tenant
from sdk.calls import Call, Reply
from sdk.context import id_of
from tests.console.site import Site
from tests.http.test_contract import problem

FETCH, PAGE = "/api/v1/ecb_rates/fetch", "/ecb_rates/fetch"
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>"""


def published(days: dict[str, dict[str, str]]) -> str:
    """The bank's document of these days."""
    of_days = "".join(
        f"<Cube time='{day}'>" + "".join(f"<Cube currency='{code}' rate='{rate}'/>" for code, rate in rates.items()) + "</Cube>"
        for day, rates in days.items()
    )
    return f"{HEAD}<Cube>{of_days}</Cube></gesmes:Envelope>"


class Bank:
    """What answers in the bank's place, and who asked what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reply = Reply(0, "nobody answers")

    def publishes(self, days: dict[str, dict[str, str]]) -> None:
        self.reply = Reply(200, published(days))

    def call(self, call: Call, *, private: bool) -> Reply:
        self.asked.append(call.url)
        return self.reply


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The bank, before anybody reaches it."""
    made = Bank()
    monkeypatch.setattr("core.outside.http.call", made.call)
    return made


@pytest.fixture
def yuan(make_tenant: MakeTenant) -> Tenant:
    """A company in Shanghai."""
    return make_tenant("yuan", locale="en", timezone="Asia/Shanghai", currency="CNY")


@pytest.fixture
def home(platform: Platform, yuan: Tenant) -> Work:
    """The system there, where dollars, euros and dong are in use, the last of which the bank does not know."""
    work = platform.system(yuan.id)
    use(work, "CNY", "USD", "EUR", "VND")
    return work


@pytest.fixture
def finance(client: Api, home: Work, yuan: Tenant) -> Api:
    """Who keeps the rates there."""
    made = home.records("core.user").create({"name": "Fin", "email": "fin@yuan.example", "roles": ["finance"]})
    return client.as_user(id_of(made), of=yuan)


def use(work: Work, *codes: str) -> None:
    currencies = work.records("company.currency")
    there = {str(row["code"]): id_of(row) for row in currencies.find(())}
    currencies.write_all([Draft("update", {"active": code in codes}, id) for code, id in there.items()])
    currencies.write_all([Draft("create", {"code": code, "name": code}) for code in codes if code not in there])


def today_of(work: Work) -> date:
    return work.now().astimezone(ZoneInfo("Asia/Shanghai")).date()


def rates(work: Work) -> dict[tuple[str, str], tuple[Decimal, str]]:
    rows = work.records("company.rate").find(())
    return {(str(row["currency"]), str(row["on"])): (Decimal(str(row["rate"])), str(row["source"] or "")) for row in rows}


@pytest.mark.feature("A4")
def test_what_the_bank_has_published_since_the_latest_rate_becomes_rates_in_the_company_s_currency(
    bank: Bank, home: Work, finance: Api
) -> None:
    today = today_of(home)
    home.records("company.rate").create({"currency": "USD", "on": str(today - timedelta(days=2)), "rate": "7.1"})
    days = {str(today - timedelta(days=back)): {"USD": f"1.0{back}", "CNY": "7.8125"} for back in (1, 2, 3)}
    bank.publishes(days)
    answer = finance.post(FETCH, {})
    assert answer.status_code == 200, answer.text
    assert answer.json == {"written": 4, "latest": str(today - timedelta(days=1)), "unlisted": ["VND"]}
    found = rates(home)
    assert found["USD", str(today - timedelta(days=2))] == (Decimal("7.1"), ""), "what somebody has entered stays"
    assert ("USD", str(today - timedelta(days=3))) not in found, "days before it are not priced anew"
    cross = (Decimal("7.8125") / Decimal("1.01")).quantize(Decimal("1e-10"), ROUND_HALF_EVEN)
    assert found["USD", str(today - timedelta(days=1))] == (cross, "ECB")
    assert {day for code, day in found if code == "EUR"} == set(days), "a currency without any gets them all"
    assert home.rates([("USD", today)])["USD", today] == cross
    again = finance.post(FETCH, {})
    assert again.json["written"] == 0
    assert len(rates(home)) == len(found)
    assert bank.asked == [RECENT, RECENT], "what was missed for a week comes in, too"


@pytest.mark.feature("A4")
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(0, "no route to host"), "no route to host"),
        (Reply(503, "later"), "503"),
        (Reply(200, "<html>moved</html>"), "it has no day"),
        (Reply(200, published({"2026-01-02": {"USD": "-1"}})), "'-1' is no rate"),
        (Reply(200, published({"2026-13-02": {"USD": "1"}})), "month must be in 1..12"),
        (Reply(200, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "it declares entities"),
        (Reply(200, published({"2026-01-02": {"USD": "1.1"}})), "no rate for CNY"),
    ],
)
def test_a_bank_that_fails_is_told_of_and_what_is_there_stays(bank: Bank, home: Work, finance: Api, reply: Reply, told: str) -> None:
    bank.reply = reply
    before = rates(home)
    answer = finance.post(FETCH, {})
    assert told in str(problem(answer, 409)["detail"])
    assert rates(home) == before


def test_nobody_is_called_until_the_administrator_says_so_and_then_every_six_hours(
    bank: Bank, home: Work, yuan: Tenant, client: Api, platform: Platform, clock: Clock
) -> None:
    drain = Drain(platform)
    today = today_of(home)
    bank.publishes({str(today): {"USD": "1.1", "CNY": "7.7"}})
    clock.move(hours=7)
    run_due(platform)
    drain.run_until_empty()
    assert bank.asked == []
    boss = home.records("core.user").create({"name": "Ann", "email": "ann@yuan.example", "roles": ["admin"]})
    said = client.as_user(id_of(boss), of=yuan).patch("/api/v1/core/plugins/ecb_rates/settings", {"automatic": True})
    assert said.status_code == 200, said.text
    clock.move(hours=7)
    run_due(platform)
    drain.run_until_empty()
    assert len(bank.asked) == 1
    assert rates(home)["USD", str(today)] == (Decimal(7), "ECB")
    bank.reply = Reply(0, "no route to host")
    clock.move(hours=7)
    run_due(platform)
    drain.run_until_empty()
    (job,) = [row for row in home.records("core.job").find(()) if "ecb_rates" in str(row) and row["error"]]
    assert "no route to host" in str(job["error"])


def test_the_page_shows_what_came_of_it_and_is_for_who_keeps_rates(bank: Bank, home: Work, finance: Api) -> None:
    site, rep = Site(finance), home.records("core.user").create({"name": "Rep", "email": "rep@yuan.example", "roles": ["sales_rep"]})
    today = today_of(home)
    assert "New rates are not fetched automatically." in site.get(PAGE).text
    bank.publishes({str(today): {"USD": "1.1", "CNY": "7.7"}})
    assert "2 new rates" in site.post(PAGE, {}).text
    assert "Nothing new" in site.post(PAGE, {}).text
    bank.reply = Reply(0, "no route to host")
    failed = site.post(PAGE, {})
    assert failed.status == 409
    assert "no route to host" in failed.text
    assert site.get("/company/rates").links()["ECB exchange rates"] == f"/console{PAGE}"
    problem(finance.as_user(id_of(rep)).post(FETCH, {}), 403)


PRICES = st.dictionaries(st.sampled_from(["USD", "JPY", "CNY"]), st.decimals("0.0001", "99999", places=4))


@given(st.dictionaries(st.dates(min_value=date(1999, 1, 4)), PRICES, min_size=1, max_size=5))
def test_whatever_is_published_is_read_as_it_stands(days: dict[date, dict[str, Decimal]]) -> None:
    document = published({day.isoformat(): {code: str(rate) for code, rate in rates.items()} for day, rates in days.items()})
    found = read(document)
    assert [day.on for day in found] == sorted(days, reverse=True)
    assert {day.on: {code: rate for code, rate in day.per_euro.items() if code != "EUR"} for day in found} == days


@given(st.text())
def test_what_is_no_document_of_the_bank_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)
