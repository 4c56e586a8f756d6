"""Reports: each figure equals an independent count; currencies apart; months of the tenant's zone; every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import EntryPoint
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader

from core.cli.demo import fill
from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from core.testkit.templates import Content, Templates
from plugins.reports import table
from plugins.reports.query import run
from sdk import Tenant
from sdk.context import Row, id_of
from sdk.fields import DateField, DateTimeField, Field, LinkField, Money, MoneyField, ReportRole
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.process import Process

__all__ = ["dealwright"]

QUERY = "/api/v1/reports/query"
GRAINS: dict[str, Callable[[date], str]] = {
    "year": lambda day: f"{day.year:04}",
    "quarter": lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    "month": lambda day: f"{day.year:04}-{day.month:02}",
    "day": lambda day: day.isoformat(),
}


@pytest.fixture
def database_url(database_templates: Templates, entry_points: Sequence[EntryPoint] | None, clock: Clock) -> Iterator[str]:
    """A database with the demo in it."""
    with database_templates.copy(entry_points, Content(fill, clock.now)) as url:
        yield url


@pytest.fixture
def demo(platform: Platform) -> Work:
    """The system in the demo tenant."""
    return platform.system("demo")


def test_the_demo_shows_a_forecast_that_was_made(demo: Work) -> None:
    assert [(run["state"], run["error"]) for run in demo.records("forecast.run").find(())] == [("succeeded", None)]


# --- every figure ------------------------------------------------------------------------------------------------------


def words_of(field: Field) -> list[str]:
    """How one can group by a field."""
    if field.role is not ReportRole.DIMENSION:
        return []
    dated = isinstance(field, DateField | DateTimeField)
    return [field.name, *(f"{field.name}:{grain}" for grain in GRAINS)] if dated else [field.name]


def key_of(row: Row, word: str, field: Field, zone: ZoneInfo) -> object:
    """The group of a record."""
    name, _colon, grain = word.partition(":")
    value = row[name]
    if isinstance(value, datetime):
        return GRAINS[grain or "day"](value.astimezone(zone).date())
    return GRAINS[grain](value) if grain and isinstance(value, date) else value


def expected(rows: Sequence[Row], measure: str, places: int = 4) -> object:
    """The measure over records, counted by hand: amounts by currency, other numbers plain."""
    function, _colon, name = measure.partition(":")
    if function == "count":
        return len(rows)
    numbers: dict[str, list[Decimal]] = {}
    for row in rows:
        value: Any = row[name]
        if value is not None:
            amount, currency = value if isinstance(value, Money) else (value, "")
            numbers.setdefault(currency, []).append(Decimal(amount))
    return {currency: sum(many) if function == "sum" else mean(many, places) for currency, many in numbers.items()}


def mean(numbers: Sequence[Decimal], places: int) -> Decimal:
    """To so many digits, half to even."""
    return (sum(numbers, Decimal(0)) / len(numbers)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def shown(value: Any, field: Field | None) -> object:
    """A figure of a report in the form of `expected`."""
    if field is None:
        return value
    if isinstance(field, MoneyField):
        return {one["currency"]: Decimal(one["amount"]) for one in (value if isinstance(value, list) else [value] if value else [])}
    return {} if value is None else {"": Decimal(value)}


def check(work: Work, entity: str, by: Sequence[str]) -> None:
    """All measures of an entity by some dimensions, against a count of its records."""
    records = work.records(entity)
    fields, zone = records.fields(), ZoneInfo(work.tenant.timezone)
    rows = records.find((), 100_000)
    stored = {name: field for name, field in fields.items() if "." not in name}
    numbers = [name for name, field in stored.items() if field.role is ReportRole.MEASURE]
    measures = ["count", *(f"{function}:{name}" for name in numbers for function in ("sum", "avg"))]
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(key_of(row, word, fields[word.partition(":")[0]], zone) for word in by), []).append(row)
    found: dict[tuple[object, ...], Mapping[str, Any]] = {}
    for line in records.aggregate(measures, by):
        key = tuple(line[f"{word}.id"] if isinstance(fields[word.partition(":")[0]], LinkField) else line[word] for word in by)
        assert key not in found, (entity, by, key)
        found[key] = line
    assert found.keys() == groups.keys() or (not by and not rows), (entity, by)
    for key, members in groups.items():
        for measure in measures:
            field = fields.get(measure.partition(":")[2])
            assert shown(found[key][measure], field) == expected(members, measure, getattr(field, "places", None) or 4), (
                entity,
                by,
                key,
                measure,
            )


@pytest.mark.feature("H1")
def test_every_measure_by_every_dimension_equals_the_count_of_the_records(demo: Work) -> None:
    entities = ["core.user", "core.team", "customers.account", "customers.contact", "catalog.product", "pipeline.stage", "pipeline.deal"]
    for entity in entities:
        dimensions = [word for name, field in demo.records(entity).fields().items() if "." not in name for word in words_of(field)]
        assert len(dimensions) > 5
        check(demo, entity, [])
        for word in dimensions:
            check(demo, entity, [word])
    for pair in (["owner", "status"], ["close_date:month", "stage"], ["product", "opened_on:quarter", "status"]):
        check(demo, "pipeline.deal", pair)


@pytest.mark.feature("H1")
def test_sales_by_person_product_region_and_month_equal_an_independent_sql(demo: Work, platform: Platform) -> None:
    amount = "amount / 10000" if platform.database.is_sqlite else "amount"
    month = "substr(close_date, 1, 7)" if platform.database.is_sqlite else "to_char(close_date, 'YYYY-MM')"
    for word, column, join in (
        ("owner", "o.name", "LEFT JOIN core_users o ON o.tenant_id = d.tenant_id AND o.id = d.owner_id"),
        ("product", "p.name", "LEFT JOIN catalog_products p ON p.tenant_id = d.tenant_id AND p.id = d.product_id"),
        ("account", "a.name", "LEFT JOIN customers_accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id"),
        ("close_date:month", month, ""),
    ):
        query = f"""SELECT {column}, amount_currency, count(*), sum({amount}) FROM pipeline_deals d {join}
                    WHERE d.status = 'won' AND d.deleted_at IS NULL GROUP BY 1, 2"""
        with platform.database.reading_as_owner() as connection:
            connection.exec_driver_sql("SELECT 1" if platform.database.is_sqlite else "SET LOCAL ROLE dealwright_app")
            if not platform.database.is_sqlite:
                connection.exec_driver_sql(f"SET LOCAL dealwright.tenant = '{demo.tenant.id}'")
            wanted = {(row[0], row[1]): (row[2], Decimal(row[3])) for row in connection.execute(sa.text(query))}
        found = {}
        for currency in ("CNY", "USD"):
            where = ["status=won", f"amount[gte]=0 {currency}"]
            for line in run(demo, "pipeline.deal", ["count,sum:amount"], [word], where):
                found[(line[word], currency)] = (line["count"], Decimal(line["sum:amount"]["amount"]))  # type: ignore[index]
        assert found == wanted, word
        assert len({key for key, _currency in wanted}) > 2


@pytest.mark.feature("H1")
def test_customers_are_counted_by_region_and_kind(demo: Work) -> None:
    rows = demo.records("customers.account").find((), 1000)
    for word in ("country", "tier", "industry", "lifecycle"):
        found = {line[word]: line["count"] for line in run(demo, "customers.account", [], [word], [])}
        assert found == {key: sum(row[word] == key for row in rows) for key in {row[word] for row in rows}}
    won = {row["account"] for row in demo.records("pipeline.deal").find((), 10_000) if row["status"] == "won"}
    assert {row["id"] for row in rows if row["lifecycle"] == "customer"} == won


# --- money and months ----------------------------------------------------------------------------------------------------


def test_amounts_in_two_currencies_are_never_added(client: Api, process: Process) -> None:
    for amount, currency in (("10", "USD"), ("20", "CNY"), ("0.5", "USD"), ("30", "CNY")):
        process.deal(amount={"amount": amount, "currency": currency})
    process.deal(stage="won", amount={"amount": "7", "currency": "CNY"})
    process.deal(stage="lost")
    query = {"entity": "pipeline.deal", "measure": "count,sum:amount,avg:amount", "by": "status"}
    lost, opened, won = client.get(QUERY, query).json["data"]
    assert opened["count"] == 4
    assert opened["sum:amount"] == [{"amount": "50.00", "currency": "CNY"}, {"amount": "10.50", "currency": "USD"}]
    assert opened["avg:amount"] == [{"amount": "25.00", "currency": "CNY"}, {"amount": "5.25", "currency": "USD"}]
    assert won["sum:amount"] == {"amount": "7.00", "currency": "CNY"}
    assert (lost["count"], lost["sum:amount"]) == (1, None)
    (whole,) = client.get(QUERY, {"entity": "pipeline.deal", "measure": "sum:amount"}).json["data"]
    assert whole["sum:amount"] == [{"amount": "57.00", "currency": "CNY"}, {"amount": "10.50", "currency": "USD"}]


def test_a_report_of_nothing_counts_nothing(client: Api) -> None:
    assert client.get(QUERY, {"entity": "pipeline.deal", "measure": "count,sum:amount"}).json["data"] == [{"count": 0, "sum:amount": None}]
    assert client.get(QUERY, {"entity": "pipeline.deal", "by": "stage"}).json["data"] == []


@pytest.mark.parametrize(
    ("zone", "instant", "month"),
    [
        ("Asia/Shanghai", datetime(2026, 1, 31, 15, 59, tzinfo=UTC), "2026-01"),
        ("Asia/Shanghai", datetime(2026, 1, 31, 16, 0, tzinfo=UTC), "2026-02"),
        ("America/New_York", datetime(2026, 3, 1, 4, 59, tzinfo=UTC), "2026-02"),
        ("America/New_York", datetime(2026, 11, 1, 4, 0, tzinfo=UTC), "2026-11"),  # summer time ends two hours later
    ],
)
def test_an_instant_belongs_to_the_month_of_the_tenants_zone(
    platform: Platform, make_tenant: MakeTenant, clock: Clock, zone: str, instant: datetime, month: str
) -> None:
    clock.now = instant
    work = platform.system(make_tenant("zoned", timezone=zone).id)
    work.records("customers.account").create({"name": "A"})
    assert [line["created_at:month"] for line in run(work, "customers.account", [], ["created_at:month"], [])] == [month]


def test_a_date_belongs_to_its_month_in_every_zone(platform: Platform, make_tenant: MakeTenant) -> None:
    for name, zone in (("east", "Pacific/Kiritimati"), ("west", "Pacific/Pago_Pago")):
        work = platform.system(make_tenant(name, timezone=zone).id)
        work.records("customers.contact").create({"name": "A", "birthday": "1990-02-01"})
        assert run(work, "customers.contact", [], ["birthday:month"], [])[0]["birthday:month"] == "1990-02"


# --- rights and refusals ---------------------------------------------------------------------------------------------------


def test_a_report_counts_what_its_reader_sees(client: Api, process: Process, people: People) -> None:
    for owner in people.all_reps:
        process.deal(owner=owner, amount={"amount": "10"})
    counts = []
    for user in (people.rep, people.manager, people.director):
        (line,) = client.as_user(user).get(QUERY, {"entity": "pipeline.deal", "measure": "count,sum:amount"}).json["data"]
        counts.append((line["count"], line["sum:amount"]["amount"]))
    assert counts == [(3, "30.00"), (3, "30.00"), (9, "90.00")]


def test_who_may_not_run_reports_does_not(client: Api, work: Work) -> None:
    nobody = id_of(work.records("core.user").create({"name": "Nobody", "email": "nobody@acme.example"}))
    assert client.as_user(nobody).get(QUERY, {"entity": "pipeline.deal"}).status_code == 403


def test_another_tenant_counts_nothing_of_it(process: Process, platform: Platform, make_tenant: MakeTenant) -> None:
    process.deal()
    other = platform.system(make_tenant("other").id)
    assert run(other, "pipeline.deal", [], [], []) == [{"count": 0}]


@pytest.mark.feature("H1")
@pytest.mark.parametrize("path", ["owner.team", "account.industry", "account.owner.team"])
def test_a_report_groups_by_what_lies_beyond_a_link(demo: Work, path: str) -> None:
    row: dict[str, dict[UUID, Row]] = {
        name: {id_of(one): one for one in demo.records(name).find((), 10_000)}
        for name in ("pipeline.deal", "customers.account", "core.user", "core.team")
    }
    entities = {"owner": "core.user", "account": "customers.account", "team": "core.team"}
    counted: dict[object, int] = {}
    for deal in row["pipeline.deal"].values():
        value: object = deal
        for word in path.split("."):
            value = value[word] if isinstance(value, Mapping) else None
            value = row[entities[word]].get(value) if word in entities and isinstance(value, UUID) else value
        name = value["name"] if isinstance(value, Mapping) else value
        counted[name] = counted.get(name, 0) + 1
    assert len(counted) > 1
    assert {line[path]: line["count"] for line in run(demo, "pipeline.deal", [], [path], [])} == counted


@pytest.mark.feature("B6")
def test_beyond_a_link_one_sees_what_one_may_see_there(client: Api, work: Work, process: Process, people: People) -> None:
    hidden = work.records("customers.account").create({"name": "Hidden", "industry": "arms", "owner": people.reps[2][0]})
    shown = work.records("customers.account").create({"name": "Shown", "industry": "food", "owner": people.rep})
    for account in (hidden, shown):
        process.deal(account=account["id"], owner=people.rep)
    lines = client.as_user(people.rep).get(QUERY, {"entity": "pipeline.deal", "by": "account.industry"}).json["data"]
    assert {line["account.industry"]: line["count"] for line in lines} == {"food": 1, None: 1}


def test_accounts_are_counted_once_though_their_deals_have_several_currencies(client: Api, work: Work, process: Process) -> None:
    account, other = (work.records("customers.account").create({"name": name})["id"] for name in "ab")
    for holder, amount, currency in ((account, "5", "USD"), (account, "7", "EUR"), (other, "9", "EUR")):
        process.deal(account=holder, amount={"amount": amount, "currency": currency}, close_date=f"2026-01-0{amount}")
    asked = {"entity": "pipeline.deal", "measure": "count,distinct:account,max:amount,min:close_date,max:close_date"}
    (line,) = client.get(QUERY, asked).json["data"]
    assert (line["count"], line["distinct:account"]) == (3, 2)
    assert line["max:amount"] == [{"amount": "9.00", "currency": "EUR"}, {"amount": "5.00", "currency": "USD"}]
    assert (line["min:close_date"], line["max:close_date"]) == ("2026-01-05", "2026-01-09")


UNREADABLE: list[tuple[dict[str, str], int, str]] = [
    ({"entity": "pipeline.deel"}, 404, "pipeline.deel"),
    ({"measure": "median:amount"}, 400, "median:amount"),
    ({"measure": "max:name"}, 400, "name"),
    ({"measure": "distinct:amount"}, 400, "amount"),
    ({"by": "stage.secret"}, 400, "secret"),
    ({"by": "status.name"}, 400, "status"),
    ({"by": "owner.manager.manager.manager.manager"}, 400, "3"),
    ({"measure": "sum"}, 400, "sum"),
    ({"measure": "count:amount"}, 400, "count:amount"),
    ({"measure": "sum:name"}, 400, "name"),
    ({"measure": "sum:secret"}, 400, "secret"),
    ({"by": "amount"}, 400, "amount"),
    ({"by": "notes"}, 400, "notes"),
    ({"by": "stage:month"}, 400, "stage"),
    ({"by": "close_date:decade"}, 400, "decade"),
    ({"by": "close_date:"}, 200, ""),
    ({"where": "stage"}, 400, "stage"),
    ({"where": "status[like]=won"}, 400, "like"),
    ({"where": "close_date=soon"}, 400, "soon"),
    ({"colour": "red"}, 400, "colour"),
]


def test_a_report_that_cannot_be_read_is_refused_by_name(client: Api) -> None:
    for query, status, word in UNREADABLE:
        answer = client.get(QUERY, {"entity": "pipeline.deal", **query})
        assert answer.status_code == status, (query, answer.text)
        assert word in answer.text, query


def test_a_report_names_its_entity(client: Api) -> None:
    assert client.get(QUERY).status_code == 422


# --- formats ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def risky(work: Work, process: Process, tenant: Tenant) -> Tenant:
    """A tenant with a customer whose name a spreadsheet would run, and deals in two currencies."""
    for name, amounts in (("=HYPERLINK(1)", (("1.5", "USD"), ("2", "CNY"))), ("华宸科技", (("3000", "USD"),)), ("-none", ())):
        account = work.records("customers.account").create({"name": name})["id"]
        process.deal(account=account)
        for amount, currency in amounts:
            process.deal(account=account, amount={"amount": amount, "currency": currency})
    return tenant


REPORT = ("report", "pipeline.deal", "--tenant", "acme", "--by", "account", "--measure", "count", "--measure", "sum:amount")


@pytest.mark.usefixtures("risky")
def test_a_table_is_aligned_with_amounts_side_by_side(dealwright: Dealwright) -> None:
    lines = dealwright.do(*REPORT).splitlines()
    assert lines[0].split() == ["account", "count", "sum:amount"]
    assert sorted(line.rsplit("  ", 1)[-1].strip() for line in lines[3:]) == ["1.50 USD", "2.00 CNY + 1.50 USD", "3,000.00 USD"][1:]
    assert len({table._width(line) for line in lines[1:2] + [line for line in lines[2:] if "USD" in line]}) == 1


@pytest.mark.usefixtures("risky")
def test_csv_has_a_row_for_each_currency_and_no_formula(dealwright: Dealwright) -> None:
    result = dealwright.run(*REPORT, "--format", "csv")
    assert result.stdout_bytes.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(result.stdout_bytes.decode("utf-8-sig"))))
    assert rows[0] == ["account", "count", "sum:amount", "sum:amount currency"]
    assert sorted(rows[1:]) == [
        ["'-none", "1", "", ""], ["'=HYPERLINK(1)", "3", "1.50", "USD"], ["'=HYPERLINK(1)", "3", "2.00", "CNY"], ["华宸科技", "2", "3000.00", "USD"],
    ]  # fmt: skip


@pytest.mark.usefixtures("risky")
def test_a_workbook_has_numbers_and_no_formula(dealwright: Dealwright) -> None:
    result = dealwright.run(*REPORT, "--format", "xlsx", "--headings", "labels")
    sheet = load_workbook(io.BytesIO(result.stdout_bytes)).active
    assert sheet is not None
    assert sheet.title == "pipeline.deal"
    assert [cell.value for cell in sheet[1]] == ["Account", "Count", "Amount (total)", "Amount (total) (currency)"], (
        "in words, as on the page"
    )
    cells = {(row[0].value, row[3].value): row for row in sheet.iter_rows(min_row=2)}
    assert {(cell.data_type) for row in cells.values() for cell in row[:1]} == {"s"}
    assert cells[("华宸科技", "USD")][2].value == 3000
    assert cells[("华宸科技", "USD")][2].data_type == "n"
    assert ("'=HYPERLINK(1)", "CNY") in cells


@pytest.mark.feature("H8")
def test_the_least_and_the_most_are_numbers_days_and_instants_in_a_workbook_too(client: Api, process: Process) -> None:
    measures = ["min:probability", "max:amount", "min:close_date", "max:created_at"]
    client.patch("/api/v1/core/tenant", {"timezone": "Asia/Shanghai"})
    made = client.post(
        "/api/v1/pipeline/deals",
        {"name": "x", "pipeline": str(process.id), "close_date": "2026-01-05", "amount": {"amount": "5.5", "currency": "USD"}},
    )
    assert made.status_code == 201, made.text
    answer = client.get(QUERY, {"entity": "pipeline.deal", "measure": ",".join(measures), "format": "xlsx"})
    heads, cells = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    at = dict(zip(heads, cells, strict=True))
    instant = datetime.fromisoformat(made.json["created_at"]).astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    assert isinstance(at["min:probability"], int | float)
    assert (at["max:amount"], at["min:close_date"], at["max:created_at"]) == (5.5, datetime(2026, 1, 5), instant)
    for title, kept in (("By day / by week: [all]?", "By day   by week   all"), ("'*'", "-"), ("x" * 40, "x" * 31)):
        sheet = load_workbook(io.BytesIO(table.as_xlsx([{"count": 1}], title))).active
        assert sheet is not None and sheet.title == kept
    alone = client.get(QUERY, {"entity": "pipeline.deal", "measure": "count,sum:amount", "format": "pdf"})
    assert "5.50" in PdfReader(io.BytesIO(alone.data)).pages[0].extract_text(), "numbers alone are a table"
    assert client.get(QUERY, {"entity": "pipeline.deal", "measure": "count", "format": "png"}).status_code == 400


@pytest.mark.usefixtures("risky")
def test_json_of_the_command_line_is_that_of_the_api(dealwright: Dealwright, client: Api) -> None:
    told = dealwright.json(*REPORT)
    assert told == client.get(QUERY, {"entity": "pipeline.deal", "measure": "count,sum:amount", "by": "account"}).json
    assert dealwright.json("report", "pipeline.deal", "--tenant", "acme") == {"data": [{"count": 6}], "unpriced": {}}


def test_an_empty_report_says_so_in_every_format(dealwright: Dealwright, tenant: Tenant) -> None:
    words = ("report", "pipeline.deal", "--tenant", "acme", "--by", "stage")
    assert dealwright.do(*words).strip() == "no records"
    assert dealwright.json(*words) == {"data": [], "unpriced": {}}
    assert dealwright.run(*words, "--format", "csv").exit_code == 0
    assert load_workbook(io.BytesIO(dealwright.run(*words, "--format", "xlsx").stdout_bytes)).active is not None


def test_a_refused_report_exits_with_two_and_one_line(dealwright: Dealwright, tenant: Tenant) -> None:
    result = dealwright.run("report", "pipeline.deal", "--tenant", "acme", "--by", "nothing")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


AMOUNTS = st.fixed_dictionaries({"amount": st.decimals(-10_000, 10_000, places=2).map(str), "currency": st.sampled_from(["CNY", "USD"])})
LABELS = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(st.lists(st.fixed_dictionaries({"by": LABELS, "count": st.integers(0, 10**9), "sum": st.none() | AMOUNTS | st.lists(AMOUNTS, min_size=2, max_size=2)}), max_size=6))  # fmt: skip
def test_whatever_the_rows_no_cell_of_a_file_is_run_by_a_spreadsheet(rows: list[Row]) -> None:
    texts = [cell for line in table.flat(rows)[1:] for cell in line if isinstance(cell, str)]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    lines = list(csv.reader(io.StringIO(table.as_csv(rows).decode("utf-8-sig"))))
    assert len({len(line) for line in lines if line}) <= 1
    assert len(table.as_table(rows, "none").splitlines()) >= 1
