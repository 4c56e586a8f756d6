"""Reports as pages: what is asked by an address, what stands behind each number, and what the charts are drawn from."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from openpyxl import load_workbook

from core.context import Work
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, Clock, People
from sdk import Draft, Query
from sdk.context import id_of
from tests.console.site import Look, Site

REPORTS = "/reports/reports"


@pytest.fixture
def deals(work: Work, people: People) -> Work:
    """Won and open deals of two people, of several months, accounts and sources; one without a close date."""
    set_up(work)
    accounts = [
        id_of(work.records("customers.account").create({"name": name, "industry": industry, "owner": people.rep}))
        for name, industry in (("Huawei", None), ("Haier", None))
    ]
    work.records("pipeline.deal").write_all([
        Draft("create", {"name": f"D{number}", "account": accounts[number % 2], "amount": {"amount": f"{number + 1}00.50", "currency": work.tenant.currency},
                         "owner": people.rep if number % 3 else people.manager, "close_date": f"2026-0{number % 4 + 1}-15" if number else None})
        for number in range(9)
    ])  # fmt: skip
    return work


def behind(site: Site, page: Look) -> list[tuple[int, Decimal | None, list[dict[str, Any]]]]:
    """For each row of the table of a page: its number of records, its amount, and what the list behind it holds."""
    found = []
    for row in page.all("//table[contains(@class, 'figures')]//tr[td[contains(@class, 'number')]]"):
        cells = row.xpath("./td[contains(@class, 'number')]")
        addresses = {cell.xpath("string(.//a/@href)") for cell in cells}
        assert len(addresses) == 1, "all numbers of a row are about the same records"
        (address,) = addresses
        assert address, row.text_content()
        parts = urlsplit(address.removeprefix("/console"))
        assert site.get(parts.path, parse_qsl(parts.query)).status == 200, address
        listed = site.api.get(f"/api/v1{parts.path}", [*parse_qsl(parts.query), ("limit", "500")]).json["data"]
        texts = [" ".join(cell.text_content().split()) for cell in cells]
        counted = next(int(text.replace(",", "")) for text in texts if text.replace(",", "").isdigit())
        money = next((Decimal(text[1:].replace(",", "")) for text in texts if text[0] in "€$¥"), None)
        found.append((counted, money, listed))
    return found


ASKED = (
    f"{REPORTS}/pipeline.open_by_stage",
    f"{REPORTS}/pipeline.by_source?from=2026-01-01&to=2999-01-01",
    f"{REPORTS}/customers.new_by_month",
    f"{REPORTS}/customers.by_class",
    "/reports/query?entity=pipeline.deal&measure=count&measure=sum:base_amount&by=close_date:month&by=owner",
    "/reports/query?entity=pipeline.deal&measure=count&measure=sum:base_amount&by=created_at:fiscal_year&where=close_date[gte]=2026-02-01",
    "/reports/query?entity=pipeline.deal&measure=count&by=account.name&by=owner.team&where=account.name[contains]=a",
    "/reports/query?entity=pipeline.deal&measure=count&by=close_date:quarter",
)


@pytest.mark.feature("H5")
def test_every_number_leads_to_the_records_that_are_counted_in_it(site: Site, deals: Work) -> None:
    for asked in ASKED:
        page = site.get(asked)
        assert page.status == 200, page.text
        rows = behind(site, page)
        assert len(rows) > 1, asked
        for counted, money, listed in rows:
            assert len(listed) == counted > 0, asked
            if money is not None:
                assert money == sum(Decimal(one["base_amount"]["amount"]) for one in listed if one["base_amount"]), asked


def _equal(site: Site, link: Any) -> bool:
    """Whether the number that a link says is how many records its list holds, or what one of their amounts comes to."""
    said, parts = " ".join(link.text_content().split()), urlsplit(link.get("href").removeprefix("/console"))
    assert site.get(parts.path, parse_qsl(parts.query)).status == 200, said
    listed = site.api.get(f"/api/v1{parts.path}", [*parse_qsl(parts.query), ("limit", "500")]).json["data"]
    if said[0] not in "€$¥":
        return int(said.split()[0].replace(",", "")) == len(listed)
    names = {name for one in listed for name, value in one.items() if isinstance(value, dict) and "amount" in value}
    sums = {sum(Decimal(one[name]["amount"]) for one in listed if one[name]).quantize(Decimal("0.01")) for name in names}
    return Decimal(said[1:].replace(",", "")) in sums | ({Decimal(0)} if not listed else set())


NUMBERS = (
    "//dl[@class='keyfacts']//dd | //td[contains(@class, 'number')] | //p[contains(@class, 'totals')]/a | "
    "//*[contains(@class, 'chip') and not(contains(@class, 'filter'))]"
)
PLAIN = ("—", "0", "…")


@pytest.mark.feature("H5")
def test_every_number_of_the_forecast_the_board_the_team_and_the_day_leads_to_what_it_counts(
    site: Site, deals: Work, people: People, clock: Clock
) -> None:
    money, me = {"amount": "900.00", "currency": deals.tenant.currency}, site.api.get("/api/v1/meta").json["user"]["id"]
    rows = deals.records("pipeline.deal").find(())
    for row in rows[1:4]:
        deals.records("pipeline.deal").update(id_of(row), {"stage": "won", "close_date": str(row["close_date"])})
    deals.records("pipeline.deal").update(id_of(rows[-1]), {"owner": me})
    target = {"period": "month", "period_start": "2026-02-01", "measure": "won_amount", "amount": money}
    deals.records("teamwork.target").write_all([Draft("create", {**target, "person": people.rep}), Draft("create", target)])
    deals.records("teamwork.comment").create({"about": f"pipeline.deal:{rows[0]['id']}", "body": "Hm", "owner": people.rep})
    deals.records("teamwork.task").create({"subject": "Call", "owner": me})
    clock.move(days=20)
    for path in (
        "/forecast/outlook",
        "/forecast/outlook?by=person",
        "/forecast/outlook?by=team",
        "/pipeline/deals/board",
        "/teamwork/performance",
        "/",
    ):
        page = site.get(path)
        found = [one for one in page.all(NUMBERS) if one.text_content().strip() and one.text_content().strip() not in PLAIN]
        links = [link for one in found for link in ([one] if one.tag == "a" else one.xpath(".//a[@href]"))]
        assert links, path
        assert [link.text_content() for link in links if not _equal(site, link)] == [], path
        assert path != "/" or {"1", "1 without any activity"} <= {*(link.text_content() for link in links)}
        if "outlook" in path:
            alone = {
                one.text_content().strip() for one in found if one.tag != "a" and one.get("class") != "aside" and not one.xpath(".//a")
            }
            assert all("%" in said or said[0] in "€$¥" for said in alone), alone


def test_what_texts_name_by_a_key_is_called_so_in_tables_and_charts(site: Site, deals: Work) -> None:
    known = {str(row["key"]): str(row["name"]) for row in deals.records("company.industry").find(())}
    deals.records("customers.account").create({"name": "ZTE", "industry": "software"})
    deals.records("customers.account").create({"name": "Own words", "industry": "Kites"})
    page = site.get(f"{REPORTS}/customers.by_industry")
    names = {row[0] for row in page.rows()}
    assert {known["software"], "Kites"} <= names
    assert "software" not in names
    assert known["software"] in page.all("//figure/@data-chart")[0]


def test_a_report_is_narrowed_by_its_address_and_says_to_what(site: Site, deals: Work) -> None:
    page = site.get(f"{REPORTS}/pipeline.by_source", [("from", "2026-01-01"), ("to", "2999-12-31"), ("where", "close_date[empty]=true")])
    assert page.texts("//tfoot//td")[-1] == "1"
    chip = page.links()[""]
    assert "close_date" not in chip
    founded = site.get("/reports/query", [("entity", "customers.account"), ("measure", "count"), ("where", "founded=1987")])
    assert "Founded in is 1987" in founded.texts("//span[contains(@class, 'filter')]/span"), "a year has no mark among its digits"
    nobody = site.get("/reports/query", [("entity", "customers.account"), ("measure", "count"), ("by", "city"), ("where", "founded=1987")])
    assert "No results." in nobody.text
    assert site.get(f"{REPORTS}/pipeline.by_source", {"from": "yesterday"}).status == 400
    assert site.get(f"{REPORTS}/pipeline.by_source", {"range": "for_ever"}).status == 400
    assert site.get(f"{REPORTS}/pipeline.by_source", {"where": "nothing=1"}).status == 400


def test_the_latest_month_is_on_top_of_the_table_and_last_in_the_chart_by_the_same_words(site: Site, deals: Work) -> None:
    page = site.get("/reports/query", {"entity": "pipeline.deal", "measure": "count", "by": "close_date:month"})
    assert [row[0] for row in page.rows()] == ["Apr 2026", "Mar 2026", "Feb 2026", "Jan 2026", "—"]
    assert page.texts("//table[contains(@class, 'figures')]//th[@scope='col']")[0] == "Close date (month)", "a month is no date"
    quarters = site.get("/reports/query", {"entity": "pipeline.deal", "measure": "count", "by": "close_date:quarter"})
    assert [row[0] for row in quarters.rows()] == ["Q2 2026", "Q1 2026", "—"]
    (chart,) = page.all("//figure/@data-chart")
    assert [mark["x"] for mark in json.loads(chart)["data"]["values"] if mark["x"] != "—"] == [
        "Jan 2026",
        "Feb 2026",
        "Mar 2026",
        "Apr 2026",
    ]
    upward = json.loads(chart)["encoding"]["y"]["scale"]["domainMax"]
    assert upward > max(mark["y"] for mark in json.loads(chart)["data"]["values"]), "the value of the largest has room above it"
    assert "datum.value / 1000000, ',.12~g') + 'M'" in json.dumps(json.loads(chart)), (
        "the axis counts as its reader does, by the rule of what is printed"
    )


def test_stages_are_in_the_order_of_their_process_whatever_they_amount_to(site: Site, deals: Work) -> None:
    first, second, *_rest = deals.records("pipeline.stage").query(Query(sort=("position",), limit=2)).data
    more = [
        Draft("create", {"name": f"E{number}", "stage": second["id"], "amount": {"amount": "9000", "currency": "USD"}})
        for number in range(2)
    ]
    deals.records("pipeline.deal").write_all(more)
    page = site.get(f"{REPORTS}/pipeline.open_by_stage")
    assert [row[0] for row in page.rows()] == [first["name"], second["name"]]
    (chart,) = page.all("//figure/@data-chart")
    assert [mark["x"] for mark in json.loads(chart)["data"]["values"]] == [first["name"], second["name"]]


def test_what_has_no_rate_is_shown_as_not_priced_and_leads_to_those_deals(site: Site, deals: Work) -> None:
    address = f"{REPORTS}/pipeline.open_by_stage"
    assert "not priced" not in site.get(address).text
    assert site.api.get(f"/api/v1{address}").json["unpriced"] == {}
    for number in range(2):
        deals.records("pipeline.deal").create({"name": f"F{number}", "amount": {"amount": "5", "currency": "CHF"}})
    page = site.get(address)
    (link,) = page.all("//a[contains(., 'not priced')]")
    assert "2 records are counted but not priced: no Amount in company currency." in link.text_content()
    assert {name in site.get(link.get("href").removeprefix("/console")).text for name in ("F0", "F1")} == {True}
    assert site.api.get(f"/api/v1{address}").json["unpriced"] == {"sum:base_amount": 2}
    asked = {"entity": "pipeline.deal", "measure": "sum:base_amount", "by": "stage"}
    assert site.api.get("/api/v1/reports/query", asked).json["unpriced"] == {"sum:base_amount": 2}


def test_a_condition_that_is_typed_becomes_a_word_of_the_address(site: Site, deals: Work) -> None:
    asking = site.get("/reports/query", {"entity": "pipeline.deal", "_field": "status"})
    assert [*asking.texts("//select[@name='_value']/option")] == ["Open", "Won", "Lost"]
    words = [("entity", "pipeline.deal"), ("_field", "status"), ("_operator", "eq"), ("_value", "won")]
    sent = site.get("/reports/query", words)
    assert (sent.status, sent.answer.headers["Location"]) == (303, "/console/reports/query?entity=pipeline.deal&where=status%3Dwon")


@pytest.mark.feature("H4")
def test_somebody_who_is_no_administrator_builds_a_report_from_what_is_offered_and_keeps_it(
    client: Api, people: People, deals: Work
) -> None:
    site = Site(client.as_user(people.rep))
    start = site.get("/reports/query")
    assert "pipeline.deal" in start.all("//select[@name='entity']/option/@value")
    page = site.get("/reports/query", {"entity": "pipeline.deal", "measure": "sum:base_amount", "by": "account"})
    assert {"close_date:month", "account.industry", "owner.team"} <= {*page.all("//select[@name='by']//option/@value")}
    (chart,) = page.all("//figure/@data-chart")
    assert {mark["x"] for mark in json.loads(chart)["data"]["values"]} == {"Huawei", "Haier"}
    kept = site.post("/reports/query?entity=pipeline.deal&measure=sum:base_amount&by=account", {"name": "By account"})
    assert (kept.status, kept.answer.headers["Location"]) == (303, "/console/reports/reports")
    assert site.get(site.get(REPORTS).links()["By account"].removeprefix("/console")).rows()[0][0] in ("Huawei", "Haier")
    assert "By account" not in Site(client).get(REPORTS).text
    assert site.post("/reports/query?entity=pipeline.deal&by=nothing", {"name": "Bad"}).status == 422
    assert site.get("/reports/query", {"entity": "pipeline.deal", "by": "nothing"}).status == 400


def test_a_report_whose_period_is_an_instant_takes_days_of_the_tenants_zone(site: Site, work: Work) -> None:
    work.records("teamwork.activity").write_all([
        Draft("create", {"subject": "A", "kind": "call", "state": "done", "starts_at": instant})
        for instant in ("2026-03-31T15:59:59Z", "2026-03-31T16:00:00Z", "2026-04-30T15:59:59Z", "2026-04-30T16:00:00Z")
    ])  # fmt: skip
    assert site.api.patch("/api/v1/core/tenant", {"timezone": "Asia/Shanghai"}).status_code == 200
    rows = site.api.get("/api/v1/reports/reports/teamwork.activities_by_month", {"from": "2026-04-01", "to": "2026-04-30"})
    assert rows.status_code == 200, rows.text
    assert sum(row["count"] for row in rows.json["data"]) == 2


def test_a_question_is_a_file_too_in_every_format(site: Site, deals: Work, people: People) -> None:
    for person, name in ((people.rep, "Zuse"), (people.manager, "Ada")):
        deals.records("core.user").update(person, {"name": name})
    links = site.get("/reports/query", {"entity": "pipeline.deal", "by": "owner", "where": "status=open"}).links()
    for name, begins in (("CSV", b"\xef\xbb\xbf"), ("XLSX", b"PK"), ("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        answer = site.api.get(links[name])
        assert answer.status_code == 200, answer.text
        assert answer.data.startswith(begins)
    drawn = re.findall(r">(Zuse|Ada)<", site.api.get(links["SVG"]).text)
    assert drawn == ["Zuse", "Ada"], "the largest first, whatever it is called"


def test_files_of_a_page_are_in_the_words_of_its_reader_and_those_of_programs_by_names(site: Site, deals: Work) -> None:
    deals.records("catalog.product").create({"name": "Old", "active": False, "price": {"amount": "1.50", "currency": "USD"}})
    asked = {"entity": "catalog.product", "by": "active", "measure": "sum:price", "where": "name=Old"}
    assert site.get("/reports/query", asked).rows()[0][0] == "No"
    book = site.api.get(site.get("/reports/query", asked).links()["XLSX"]).data
    assert [*load_workbook(io.BytesIO(book)).active.values] == [  # type: ignore[union-attr]
        ("For sale", "List price (total)", "List price (total) (currency)"), ("No", 1.5, "USD"),
    ]  # fmt: skip
    said = site.api.get(site.get(f"{REPORTS}/pipeline.open_by_stage").links()["CSV"]).text.splitlines()[0]
    named = site.api.get(f"/api/v1{REPORTS}/pipeline.open_by_stage", {"format": "csv"}).text.splitlines()[0]
    asked = {"format": "csv", "headings": "labels"}
    assert site.api.get(f"/api/v1{REPORTS}/pipeline.open_by_stage", asked).text.splitlines()[0] == said
    assert "stage" in named and ":" in named
    assert "Stage" in said and ":" not in said


def test_charts_are_drawn_by_one_file_that_is_made_once_and_kept(site: Site, deals: Work) -> None:
    page = site.get(f"{REPORTS}/pipeline.open_by_stage")
    address = next(one for one in page.all("//script/@src") if one.endswith("/vega.js"))
    assert not [one for one in site.get("/").all("//script/@src") if one.endswith("/vega.js")]
    assert not page.all("//script[not(@src)] | //style | //@style")
    first = site.api.get(address)
    assert b"vegaEmbed" in first.data
    assert "immutable" in first.headers["Cache-Control"]


def test_the_chart_is_of_the_first_measure_that_is_a_number(site: Site, deals: Work) -> None:
    words = [("entity", "pipeline.deal"), ("by", "owner"), ("measure", "min:close_date")]
    page = site.get("/reports/query", words)
    assert page.status == 200
    assert not page.all("//figure")
    assert "PNG" not in page.links()
    (chart,) = site.get("/reports/query", [*words, ("measure", "count")]).all("//figure/@data-chart")
    assert sum(mark["y"] for mark in json.loads(chart)["data"]["values"]) == 9
    assert site.api.get("/api/v1/reports/query", [*words, ("format", "chart")]).status_code == 200


def test_without_the_extra_there_is_the_table_and_no_chart(site: Site, deals: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.console.frame.MADE", {})
    page = site.get(f"{REPORTS}/pipeline.open_by_stage")
    assert page.rows()
    assert not page.all("//figure")
    assert not [one for one in page.all("//script/@src") if "vega" in one]
