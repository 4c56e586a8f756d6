"""The same rows in whatever format and encoding: what is imported is the same; through the door."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api
from plugins.import_export.failed import failed_file
from plugins.import_export.files import Reading
from sdk import Invalid
from sdk.context import id_of
from sdk.fields import Money
from tests.plugins.exported import exported
from tests.plugins.imports import import_file
from tests.plugins.test_spreadsheets import type_binary_cell, xlsb

NAMES = ("李伟", "王芳", "张敏", "欧阳娜娜", "司马懿")
CSV = "姓名,城市,生日\n" + "".join(f"{name},上海,2000-01-0{day}\n" for day, name in enumerate(NAMES, 1))
MAP = ("姓名=name", "城市=title", "生日=birthday")


def workbook() -> bytes:
    """The same rows, with real dates."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["姓名", "城市", "生日"])
    for day, name in enumerate(NAMES, 1):
        sheet.append([name, "上海", date(2000, 1, day)])
    sink = io.BytesIO()
    made.save(sink)
    return sink.getvalue()


@pytest.mark.feature("C2")
def test_the_same_names_in_every_encoding_and_as_a_workbook_are_the_same_records(work: Work) -> None:
    contents = [
        CSV.encode("utf-8"),
        CSV.encode("utf-8-sig"),
        CSV.encode("gbk"),
        CSV.encode("utf-16"),
        CSV.replace(",", ";").encode("gb18030"),
        workbook(),
    ]
    records, seen = work.records("customers.contact"), 0
    for content in contents:
        done = import_file(work, "customers.contact", content, map=MAP, duplicates="take")
        assert (done.state, done.counts["created"]) == ("succeeded", 5), done.rows
        rows = records.find((), 1_000)[seen:]
        seen += 5
        assert [(row["name"], row["title"], row["birthday"]) for row in rows] == [
            (name, "上海", date(2000, 1, day)) for day, name in enumerate(NAMES, 1)
        ]
    before = len(records.find((), 1_000))
    undecided = "Name\nHélène\n".encode("cp1252")
    with pytest.raises(Invalid) as refused:
        import_file(work, "customers.contact", undecided)
    assert (refused.value.problems[0].code, refused.value.problems[0].params["candidates"]) == ("undecided", ("cp1252", "cp1250"))
    assert len(records.find((), 1_000)) == before
    import_file(work, "customers.contact", undecided, reading=Reading(encoding="cp1252"))
    assert records.find((), 1_000)[-1]["name"] == "Hélène"


def test_numbers_of_another_country_and_errors_of_a_spreadsheet_reach_records_as_they_are_meant(work: Work) -> None:
    import_file(work, "catalog.product", "Name;SKU;List price\nA;a;1.234,50 €\nB;b;12,5 €\n")
    prices = {row["name"]: row["price"] for row in work.records("catalog.product").find((), 10)}
    assert {name: (price.amount, price.currency) for name, price in prices.items()} == {
        "A": (Decimal("1234.5"), "EUR"),
        "B": (Decimal("12.5"), "EUR"),
    }
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (["Name", "SKU"], ["C", "c"], ["D", "#REF!"]):
        sheet.append(row)
    sheet["B3"].data_type = "e"
    sink = io.BytesIO()
    made.save(sink)
    done = import_file(work, "catalog.product", sink.getvalue())
    assert (done.counts, done.reasons) == ({"created": 1, "failed": 1}, [(2, "SKU", "error_value")])


def test_what_a_spreadsheet_has_lost_is_told_in_text_files_too_and_text_that_looks_so_survives_every_format(work: Work) -> None:
    lost = import_file(work, "catalog.product", "Name,SKU\nA,9.13101E+17\n#N/A,b\nC,1E+02\n")
    assert (lost.counts, lost.reasons) == ({"created": 1, "failed": 2}, [(1, "SKU", "lost_digits"), (2, "Name", "error_value")])
    assert import_file(work, "catalog.product", "Name,SKU\nE,#N/A\n", value=["sku:#N/A="]).counts == {"created": 1}
    records = work.records("catalog.product")
    words = {("#N/A", "9.13101E+17"), ("'#REF!", "'1.5E+10"), ("\ufffe", "_xFFFE_"), ("_x000D_", "\uffff_x005F_xFFFF_")}
    for format_ in ("csv", "xlsx", "jsonl"):
        for row in records.find((), 100):
            records.delete(id_of(row))
        for name, sku in words:
            records.create({"name": name, "sku": sku})
        file = exported(work, "catalog.product", format_)
        for row in records.find((), 100):
            records.delete(id_of(row))
        done = import_file(work, "catalog.product", file)
        assert (done.counts, {(row["name"], row["sku"]) for row in records.find((), 100)}) == ({"created": 4}, words), done.reasons
        assert exported(work, "catalog.product", format_) == file


def test_what_keeps_the_zeros_of_a_number_in_a_spreadsheet_is_no_part_of_it_and_text_that_looks_so_survives(work: Work) -> None:
    content = 'sku,name,active\n="000124",A,√\n\'000125,B,×\n\t000126,"=""C """"D""""""",1\n'
    assert import_file(work, "catalog.product", content).counts == {"created": 3}
    products = work.records("catalog.product")
    assert sorted((row["sku"], row["name"], row["active"]) for row in products.find(())) == [
        ("000124", "A", True),
        ("000125", "B", False),
        ("000126", 'C "D"', True),
    ]
    products.create({"sku": "'000127", "name": '="x"'})
    for format in ("csv", "xlsx", "jsonl"):
        file = exported(work, "catalog.product", format)
        again = import_file(work, "catalog.product", file, mode="update", match=["sku"])
        assert (again.counts, again.rows) == ({"unchanged": 4}, [])
    wrong = import_file(work, "catalog.product", 'sku,name,list price\n="000128",A,x\n', duplicates="take")
    failed = failed_file(work, id_of(wrong.record), "csv").content
    assert b"000128,A,x" in failed


@pytest.mark.parametrize("cell", ["1990-02-28T00:00:00Z", "1990-02-28T00:00:00.000Z"])
def test_a_day_with_the_midnight_of_utc_behind_it_is_that_day_and_any_other_time_is_asked_for(work: Work, cell: str) -> None:
    done = import_file(work, "customers.contact", f"name,birthday\nA,{cell}\nB,{cell.replace('00:00:00', '16:00:00')}\n")
    assert done.reasons == [(2, "birthday", "malformed")]
    assert [str(row["birthday"]) for row in work.records("customers.contact").find(())] == ["1990-02-28"]


def test_a_value_is_told_as_it_stands_whatever_spaces_are_in_it_and_a_new_page_repeats_the_headings(work: Work) -> None:
    done = import_file(work, "customers.contact", "name,birthday\nA,5\u3000月\n\fname,birthday\nB,\n")
    assert [(row["number"], row["value"], row["code"]) for row in done.rows] == [(1, "5\u3000月", "malformed"), (2, None, "headings")]


def test_what_a_person_says_of_a_file_comes_with_the_form(client: Api, drain: Callable[[], int], work: Work) -> None:
    content = "Name;SKU;List price\nPrices of spring;;\nName:SKU:List price\nA:a:1.234\n".encode("utf-16-le")
    form = {
        "entity": "catalog.product", "encoding": "utf-16-le", "delimiter": ":", "heading_row": "3", "numbers": "comma", "dates": "dmy",
        "years": "1950", "map": ["Name=name", "SKU=sku", "List price=price"],
    }  # fmt: skip
    for more, state, codes in (({**form, "numbers": ""}, "failed", ["ambiguous_number"]), (form, "succeeded", [None])):
        data = {**more, "file": (io.BytesIO(content), "rows.csv")}
        begun = client.call("POST", "/api/v1/import_export/imports", data=data, content_type="multipart/form-data").json
        drain()
        address = f"/api/v1/import_export/imports/{begun['id']}"
        rows = client.get(f"{address}/rows").json["data"]
        assert (client.get(address).json["state"], [row["code"] for row in rows]) == (state, codes)
    assert [row["price"].amount for row in work.records("catalog.product").find((), 10)] == [Decimal(1234)]
    for wrong in ({"heading_row": "x"}, {"heading_row": "51"}, {"numbers": "dot"}, {"years": "50"}):
        data = {**form, **wrong, "file": (io.BytesIO(content), "rows.csv")}
        assert client.call("POST", "/api/v1/import_export/imports", data=data, content_type="multipart/form-data").status_code == 422


def test_json_lines_have_words_for_nothing_and_ids_as_tables_have_and_their_rows_are_records(work: Work) -> None:
    rows = [
        {"name": "n/a", "employees": "n/a", "website": "-", "city": "-", "key": "+49"},
        {"name": "B", "employees": 5, "website": None, "city": "Ulm", "key": "n/a"},
        {"name": "C", "employees": "-", "website": None, "city": None, "key": "-"},
        {"name": "Total", "employees": 5, "website": None, "city": None, "key": None},
    ]
    file = "\n".join(map(json.dumps, rows))
    mapped = [f"{name}={name}" for name in ("name", "employees", "website", "city")]
    done = import_file(work, "customers.account", file, map=[*mapped, "key=external_id"])
    assert (done.counts, done.reasons) == ({"created": 4, "warned": 1}, [(4, None, "totals")])
    assert done.emptied == "employees: - ×1, employees: n/a ×1, website: - ×1"
    there = {str(row["name"]): (row["employees"], row["website"], row["city"]) for row in work.records("customers.account").find(())}
    assert there == {"n/a": (None, None, "-"), "B": (5, None, "Ulm"), "C": (None, None, None), "Total": (5, None, None)}
    assert [row["external_id"] for row in work.records("import_export.external_id").find(())] == ["+49"]
    assert import_file(work, "customers.contact", '{"name": "D", "account": "n/a"}').counts == {"created": 1}
    left_out = import_file(work, "customers.account", file.replace('"+49"', '"+50"'), map=mapped, totals="skip", duplicates="take")
    assert (left_out.state, left_out.reasons[-1]) == ("succeeded", (4, None, "totals"))


@pytest.mark.feature("C11")
def test_failed_rows_mean_what_they_meant_in_their_file_and_are_mapped_as_it_was(work: Work) -> None:
    """What the whole file has settled (a decimal comma, days before months, which heading is which field) holds for its failed rows."""
    for name, content, maps, wrong, mended, values in (
        ("customers.account", "Firma;=Seit;Umsatz\nA;1990;12,5\nB;?;1.234\nC;?;1.001,5\n",
         ["Firma=name", "=Seit=founded", "Umsatz=revenue"], "?", "1991", [Decimal("12.5"), Decimal(1234), Decimal("1001.5")]),
        ("customers.contact", "Wer;Geboren;=Mail\nA;31.01.2000;a@x.example\nB;02.03.2000;?\n",
         ["Wer=name", "Geboren=birthday", "=Mail=email"], "?", "b@x.example", [date(2000, 1, 31), date(2000, 3, 2)]),
    ):  # fmt: skip
        done = import_file(work, name, content, map=maps)
        for format in ("xlsx", "csv"):
            file = failed_file(work, id_of(done.record), format).content
            if format == "xlsx":
                sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
                assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
        again = import_file(work, name, file.replace(f"{wrong};".encode(), f"{mended};".encode()).replace(b";?", f";{mended}".encode()))
        assert (again.state, again.reasons) == ("succeeded", []), file.decode()
        field = maps[2 if name == "customers.account" else 1].rpartition("=")[2]
        found = [row[field] for row in work.records(name).find(())]
        assert [getattr(value, "amount", value) for value in found] == values


@pytest.mark.feature("C2")
def test_errors_and_formats_of_a_binary_workbook_reach_records_as_they_are_meant(work: Work) -> None:
    rows: list[list[type_binary_cell]] = [["Name", "Annual revenue"], [(123.0, 3), (5.0, 2)], ["B", Exception(0x2A)]]
    done = import_file(work, "customers.account", xlsb(rows))
    assert (done.state, done.reasons) == ("partial", [(2, "Annual revenue", "error_value")])
    assert [(row["name"], row["revenue"]) for row in work.records("customers.account").find(())] == [("00123", Money(Decimal(5), "EUR"))]


def test_failed_rows_can_be_fetched_as_they_stood_where_their_kind_of_record_is_off(platform: Platform, work: Work) -> None:
    done = import_file(work, "teamwork.task", "subject;due on\nA;31.01.2026\nB;?\n")
    lifecycle.switch(platform.system(work.tenant.id), "teamwork", False)
    assert b"\r\nB;?;" in failed_file(platform.system(work.tenant.id), id_of(done.record)).content
