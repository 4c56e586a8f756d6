"""Ready-made reports: those of every plugin answer on a filled tenant, in every format, with the rights of who asks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from core.cli import demo
from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant
from core.testkit.templates import Content, Templates
from plugins.reports import chart
from sdk import Condition, Report, where
from sdk.context import id_of
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


def amounts(rows: list[dict[str, Any]], by: str, measure: str) -> dict[object, Decimal]:
    return {row[by]: Decimal(row[measure]["amount"]) for row in rows if row[measure]}


@pytest.mark.feature("H1")
@pytest.mark.feature("H2")
@pytest.mark.feature("H3")
def test_every_ready_made_report_of_every_plugin_answers_with_rows(asked: Api) -> None:
    listed = asked.get(REPORTS).json["data"]
    assert {report["key"] for report in listed} >= {
        "orders.sales_by_month", "orders.sales_by_team", "orders.sales_by_line", "customers.by_class", "leads.deals_by_campaign", "pipeline.won_by_month",
    }  # fmt: skip
    for report in listed:
        rows = asked.get(f"{REPORTS}/{report['key']}").json["data"]
        assert rows, report["key"]
        assert all(set(row) >= {*report["by"], *report["measures"]} for row in rows), report["key"]


@pytest.mark.feature("H1")
def test_sales_by_month_and_by_product_line_equal_an_independent_count(asked: Api, filled: Work) -> None:
    orders = {id_of(row): row for row in filled.records("orders.order").find(where(state="confirmed"), 100_000)}
    by_month: dict[object, Decimal] = {}
    for row in orders.values():
        assert isinstance(row["base_amount"], Money)
        month = str(row["ordered_on"])[:7]
        by_month[month] = by_month.get(month, Decimal(0)) + row["base_amount"].amount
    rows = asked.get(f"{REPORTS}/orders.sales_by_month").json["data"]
    assert amounts(rows, "ordered_on:month", "sum:base_amount") == by_month
    products = {id_of(row): row["series"] for row in filled.records("catalog.product").find(())}
    by_line: dict[object, Decimal] = {}
    for line in filled.records("orders.order_line").find((), 100_000):
        if line["order"] in orders and isinstance(line["net"], Money):
            series = products[line["product"]]  # type: ignore[index]
            by_line[series] = by_line.get(series, Decimal(0)) + line["net"].amount
    assert amounts(asked.get(f"{REPORTS}/orders.sales_by_line").json["data"], "product.series", "sum:net") == by_line


def test_a_period_includes_its_first_and_last_day(asked: Api, filled: Work) -> None:
    days = sorted(row["ordered_on"] for row in filled.records("orders.order").find(where(state="confirmed"), 100_000))  # type: ignore[type-var]
    start, end = days[3], days[-4]
    rows = asked.get(f"{REPORTS}/orders.sales_by_month", {"from": str(start), "to": str(end)}).json["data"]
    assert sum(row["count"] for row in rows) == sum(start <= day <= end for day in days)  # type: ignore[operator]
    within = (
        Condition("order.ordered_on", "gte", (start,)),
        Condition("order.ordered_on", "lte", (end,)),
        *where(**{"order.state": "confirmed"}),
    )
    quantity = sum(Decimal(str(line["quantity"])) for line in filled.records("orders.order_line").find(within, 100_000))
    for key in ("sales_by_line", "sales_by_product"):
        lines = asked.get(f"{REPORTS}/orders.{key}", {"from": str(start), "to": str(end)}).json["data"]
        assert sum(Decimal(line["sum:quantity"]) for line in lines) == quantity, "lines are of the day of their order"


@pytest.mark.feature("H8")
def test_a_report_comes_as_csv_workbook_and_pictures(asked: Api) -> None:
    address = f"{REPORTS}/orders.sales_by_line"
    rows = asked.get(address).json["data"]
    lines = list(csv.reader(io.StringIO(asked.get(address, {"format": "csv", "headings": "labels"}).data.decode("utf-8-sig"))))
    assert len(lines) == len(rows) + 1
    assert (lines[0][:2], "sum:net" in rows[0]) == (["产品线", "不含税金额合计"], True), "the words of the page; JSON has names"
    assert not [head for head in lines[0] if ":" in head]
    book = load_workbook(io.BytesIO(asked.get(address, {"format": "xlsx", "headings": "labels"}).data))
    headings, *cells = book.active.iter_rows(values_only=True)
    amount = headings.index("不含税金额合计")
    assert [Decimal(str(line[amount])) for line in cells] == [Decimal(row["sum:net"]["amount"]) for row in rows]
    assert all(isinstance(line[amount], int | float) for line in cells)
    for shape, begins in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<svg")):
        answer = asked.get(address, {"format": shape})
        assert answer.status_code == 200
        assert answer.data.startswith(begins)
        assert "attachment" in answer.headers["Content-Disposition"]
    by_month, since = f"{REPORTS}/orders.sales_by_month", {"from": "2025-01-01"}
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(asked.get(by_month, {"format": "pdf", **since}).data)).pages]
    paper = "".join("".join(pages).split())
    wanted = {"每月销售额", "2025年1月1日", "状态是已确认", "本位币不含税金额合计", "不同客户数", "合计"}
    totals = [Decimal(row["sum:base_amount"]["amount"]) for row in asked.get(by_month, since).json["data"]]
    wanted |= {f"{amount:,.2f}CNY" for amount in (*totals, sum(totals))}
    assert {word for word in wanted if word not in paper} == set(), "what it is about, and all of its numbers"
    drawn = asked.get(address, {"format": "svg"}).text
    assert "服务" in drawn
    assert "万</text>" in drawn, "counted as its reader counts"


@pytest.mark.feature("H8")
def test_a_chart_is_a_vega_lite_specification_with_the_rows_in_it(asked: Api) -> None:
    address = f"{REPORTS}/pipeline.by_source"
    made = asked.get(address, {"format": "chart"}).json
    assert (made["mark"]["type"], made["encoding"]["color"]["field"]) == ("bar", "series")
    assert made["$schema"] == chart.SCHEMA
    rows = asked.get(address).json["data"]
    assert (made["title"], made["encoding"]["color"]["title"], made["encoding"]["y"]["title"]) == (
        "商机来源统计",
        "状态",
        "本位币金额合计 (CNY)",
    )
    assert {value["series"] for value in made["data"]["values"]} == {"进行中", "赢单", "输单"}
    assert len(made["data"]["values"]) == len([row for row in rows if row["sum:base_amount"]])


def test_several_currencies_are_marks_of_their_own_and_never_one_sum() -> None:
    report = Report("x", "X", "e", ("sum:amount",), ("stage",), plugin="p")  # type: ignore[arg-type]
    rows: list[Mapping[str, object]] = [
        {"stage": None, "sum:amount": [{"amount": "5.00", "currency": "EUR"}, {"amount": "7.00", "currency": "USD"}]}
    ]
    labels = chart.Labels("X", {"sum:amount": "Amount", "stage": "Stage"}, {})
    made: Any = chart.specification(report, rows, labels)
    assert [(value["y"], value["series"]) for value in made["data"]["values"]] == [(5.0, "EUR"), (7.0, "USD")]
    assert made["encoding"]["xOffset"] == {"field": "series"}, "one on the other they would look like a sum"


@pytest.mark.feature("H1")
def test_stages_come_in_their_own_order_in_rows_and_in_the_chart(asked: Api) -> None:
    address = f"{REPORTS}/pipeline.open_by_stage"
    stages = [row["name"] for row in asked.get("/api/v1/pipeline/stages", {"sort": "position", "type": "open"}).json["data"]]
    assert [row["stage"] for row in asked.get(address).json["data"]] == stages != sorted(stages)
    made = asked.get(address, {"format": "chart"}).json
    assert made["encoding"]["x"]["sort"] is None
    assert [value["x"] for value in made["data"]["values"]] == stages


@pytest.mark.feature("H2")
def test_averages_stand_beside_each_other_and_sums_on_each_other(asked: Api) -> None:
    def beside(key: str) -> bool:
        return "xOffset" in asked.get(f"{REPORTS}/{key}", {"format": "chart"}).json["encoding"]

    scores = asked.get(f"{REPORTS}/customers.satisfaction_by_class").json["report"]
    assert scores["measures"][0].startswith("avg:") and len(scores["by"]) == 2
    survey = asked.post("/api/v1/customers/surveys", {"name": "Once more", "kind": "csat", "question": "Content?"}).json["id"]
    for account in asked.get("/api/v1/customers/accounts", {"limit": "2"}).json["data"]:
        link = asked.post(f"/api/v1/customers/surveys/{survey}/invitations", {"account": account["id"]}).json["link"]
        asked.call("POST", link[link.index("/api/") :], data={"score": "4"})
    assert (beside("customers.satisfaction_by_class"), beside("pipeline.by_source")) == (True, False)


@pytest.mark.feature("H9")
def test_a_representative_reports_the_sales_of_the_team_and_no_others(platform: Platform, client: Api, filled: Work, asked: Api) -> None:
    rep = next(row for row in filled.records("core.user").find(()) if "sales_rep" in (row["roles"] or []))  # type: ignore[operator]
    mine = Api(platform, client.flask, "", filled.tenant).as_user(id_of(rep), of=filled.tenant)
    whole, own = (
        amounts(api.get(f"{REPORTS}/orders.sales_by_team").json["data"], "owner.team", "sum:base_amount") for api in (asked, mine)
    )
    assert len(whole) == 2
    assert own == {team: amount for team, amount in whole.items() if team in own}
    assert len(own) == 1


def test_reports_of_plugins_that_are_off_are_not_there(platform: Platform, make_tenant: MakeTenant, client: Api) -> None:
    tenant = make_tenant("plain", plugins=["customers", "reports"])
    from core.tenancy import lifecycle

    admin = lifecycle.add_person(platform.system(tenant.id), "A", "a@plain.example", ["admin"], None)
    api = Api(platform, client.flask, "", tenant).as_user(admin, of=tenant)
    assert {report["key"].partition(".")[0] for report in api.get(REPORTS).json["data"]} == {"customers"}
    assert api.get(f"{REPORTS}/orders.sales_by_month").status_code == 404


@pytest.mark.parametrize("query", [{"format": "docx"}, {"from": "soon"}, {"colour": "red"}])
def test_a_question_that_cannot_be_read_is_refused(client: Api, query: dict[str, str]) -> None:
    assert client.get(f"{REPORTS}/pipeline.won_by_month", query).status_code in (400, 422)
