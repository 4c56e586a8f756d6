"""A person's way to write numbers and days: in tables, files and pictures; never in the API."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader

from core.context import Work
from core.pages.formats import ago
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant
from plugins.reports.chart import SCHEMA
from plugins.reports.formats import Formats
from sdk.counting import counted
from tests.plugins.process import Process

REPORT = "/api/v1/reports/reports/pipeline.won_by_month"
ANY = {"entity": "pipeline.deal", "measure": "sum:amount", "by": "close_date"}


@pytest.fixture
def sold(process: Process) -> None:
    """A deal of 1,234.56 on the last day of the year before."""
    process.deal(amount={"amount": "1234.56"}, stage="won", close_date="2025-12-31")


@pytest.mark.feature("A7")
def test_a_user_of_de_de_reads_german_numbers_and_days_and_the_api_stays_as_it_is(client: Api, work: Work, sold: None) -> None:
    me = client.get("/api/v1/meta").json["user"]["id"]
    before = client.get("/api/v1/reports/query", ANY).json
    plain = client.get(REPORT, {"format": "csv"}).data.decode("utf-8-sig")
    assert "1234.56" in plain
    assert client.patch(f"/api/v1/core/users/{me}", {"company.formats": "de-DE"}).status_code == 200
    assert client.get("/api/v1/reports/query", ANY).json == before
    assert before["data"][0]["close_date"] == "2025-12-31"
    assert before["data"][0]["sum:amount"]["amount"] == "1234.56"
    heads, line = csv.reader(io.StringIO(client.get(REPORT, {"format": "csv"}).data.decode("utf-8-sig")), delimiter=";")
    assert dict(zip(heads, line, strict=True))["sum:base_amount"] == "1.234,56"
    book = load_workbook(io.BytesIO(client.get(REPORT, {"format": "xlsx"}).data))
    assert 1234.56 in [cell for row in book.active.iter_rows(values_only=True) for cell in row]
    printed = PdfReader(io.BytesIO(client.get("/api/v1/reports/query", {**ANY, "format": "pdf"}).data)).pages[0].extract_text()
    assert all(word in printed for word in ("1.234,56", "31.12.2025", "15.01.2026, 12:00")), printed
    drawn = [client.get(REPORT, {"format": "svg"}).text]
    client.patch(f"/api/v1/core/users/{me}", {"company.formats": "en-US"})
    drawn.append(client.get(REPORT, {"format": "svg"}).text)
    assert "1,2K" in drawn[0]
    assert "1.2K" in drawn[1]
    assert client.patch(f"/api/v1/core/users/{me}", {"company.formats": "tlh"}).status_code == 422


@pytest.mark.feature("A7")
def test_days_are_written_as_one_does_and_are_days_in_a_workbook() -> None:
    from plugins.reports import table

    rows: list[dict[str, Any]] = [{"close_date": "2026-12-31", "count": 1234, "sum:weight": "-1234.50", "name": "2026"}]
    (_heads, german), (_more, plain) = (
        list(csv.reader(io.StringIO(table.as_csv(rows, f).decode("utf-8-sig")), delimiter=f.delimiter))
        for f in (Formats("de_DE"), Formats())
    )
    assert german == ["31.12.2026", "1.234", "-1.234,50", "2026"]
    assert plain == ["2026-12-31", "1234", "-1234.50", "2026"]
    assert "31.12.2026" in table.as_table(rows, "", Formats("de_DE"))
    cells = list(load_workbook(io.BytesIO(table.as_xlsx(rows, "x"))).active.iter_rows(values_only=True))[1]
    assert cells[0] == datetime(2026, 12, 31)
    assert Formats("zh_CN").day(date(2026, 12, 31)) == "2026年12月31日"


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12),
    st.sampled_from(["de_DE", "fr_FR", "en_US", "es_ES"]),
)
def test_no_digit_is_lost_in_any_region(value: Decimal, region: str) -> None:
    written = Formats(region).number(value)
    assert "".join(sign for sign in written if sign.isdigit()) == "".join(sign for sign in f"{value:f}" if sign.isdigit())


def test_a_large_number_is_written_as_the_unit_that_it_rounds_to() -> None:
    values = [{"x": name, "y": value} for name, value in zip("abcde", (999, 999.4, 999.6, 999_600, 12), strict=True)]
    amount = {"field": "y", "type": "quantitative"}
    encoding = {"x": {"field": "x", "type": "nominal"}, "y": {**amount, "axis": {"format": "~s"}}, "text": {**amount, "format": ".3~s"}}
    chart = {"$schema": SCHEMA, "data": {"values": values}, "mark": "text", "encoding": encoding}
    drawn = re.findall(r">([^<>]+)</text>", vl_convert.vegalite_to_svg(counted(chart, "en")))
    assert drawn[-5:] == ["999", "999", "1K", "1M", "12"]
    assert "90万" in vl_convert.vegalite_to_svg(counted(chart, "zh_CN"))


def test_without_company_nobody_has_a_way_of_their_own(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("plain", plugins=["customers", "reports"]).id)
    assert "company.formats" not in work.records("core.user").fields()


def test_how_long_ago_something_was_reads_as_people_write_it() -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    spans = (timedelta(seconds=27), timedelta(hours=3), timedelta(days=9))
    assert [ago("zh_CN", now - span, now) for span in spans] == ["27 秒前", "3 小时前", "1 周前"]
    assert [ago("en", now - span, now) for span in spans] == ["27 seconds ago", "3 hours ago", "1 week ago"]
