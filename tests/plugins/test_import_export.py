"""Imports: mapping, modes, matching, links within a file, dry runs, interrupted runs, rights, templates."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import threading
from collections.abc import Callable
from datetime import date

import pytest
from openpyxl import load_workbook

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.import_export import imports, run
from plugins.import_export.failed import failed_file
from plugins.import_export.files import spreadsheets, unpack
from plugins.import_export.plan import Wish
from plugins.import_export.template import template
from plugins.pipeline.template import apply
from sdk import BadRequest, Forbidden, Invalid, NotFound, Query, Stale, Verb, where
from sdk.context import id_of
from tests.plugins.imports import Done, import_file, written
from tests.plugins.process import Process
from tests.privacy.test_erasure import Database

Take = Callable[..., Done]
IMPORTS = "/api/v1/import_export/imports"


def names(work: Work, entity: str = "customers.account") -> list[str]:
    """What is there now, in order of creation."""
    return [str(row["name"]) for row in work.records(entity).find((), 10_000)]


def sent(client: Api, entity: str, content: str | bytes, **form: object) -> dict:
    """An import over HTTP, begun."""
    data = {"entity": entity, **form, "file": (io.BytesIO(content.encode() if isinstance(content, str) else content), "rows.csv")}
    answer = client.call("POST", IMPORTS, data=data, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{IMPORTS}/{answer.json['id']}"
    return answer.json


# --- columns ---------------------------------------------------------------------------------------------------------


def test_a_heading_is_a_field_by_its_name_its_label_or_its_label_in_the_readers_language(
    platform: Platform, make_tenant: MakeTenant
) -> None:
    work = platform.system(make_tenant("chinese", locale="zh_CN").id)
    done = import_file(work, "pipeline.pipeline", "名称,IS-DEFAULT,Nonsense\n直销,是,x\n")
    assert done.counts == {"created": 1}
    assert done.ignored == "Nonsense"
    assert work.records("pipeline.pipeline").find(where(name="直销"))[0]["is_default"] is True


def test_columns_that_lead_nowhere_or_are_left_out_are_named(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,city,Colour,\nA,Ulm,red,?\n", map=["city="])
    assert done.ignored == "city, Colour, #4"
    assert work.records("customers.account").find(())[0]["city"] is None


def test_rows_that_sum_up_others_or_say_who_made_them_are_no_records_unless_that_is_asked_for(taken: Take) -> None:
    file = "Name,Employees\nA,1\n小计,1\nB,2\nTotal,3\nTotalEnergies,9\n制单人：张三,\n打印人：王五公司,Ulm\n备注：仅供参考,\n"
    told = [(2, None, "totals"), (4, None, "totals"), (6, None, "remark"), (7, "Employees", "type")]
    done = taken("customers.account", file)
    assert (done.state, done.counts) == ("partial", {"created": 4, "skipped": 3, "failed": 1, "warned": 1})
    agreed = taken("customers.account", "Name,Employees\nName,Employees\nP,1\nTotal,1\n制单人：张三,\n")
    assert (agreed.state, agreed.counts) == ("succeeded", {"created": 1, "skipped": 3})
    assert (
        taken("customers.account", "Name,Employees\nP,1\nQ,1\nTotal,2\n").state == "partial"
    )  # P is there already: nobody has agreed to that
    assert taken("customers.account", "Name,Employees\nTotal,2\n").state == "partial"
    assert [(number, code) for number, _column, code in done.reasons][:3] == [(number, code) for number, _column, code in told][:3]
    asked = taken("customers.account", file.replace("打印人：王五公司,Ulm\n", ""), totals="take")
    assert asked.counts == {"created": 3, "skipped": 4, "warned": 3}
    assert [one for one in asked.reasons if one[2] in ("totals", "remark")] == told[:3]


def test_words_that_mean_nothing_are_empty_cells_unless_the_field_knows_them_or_it_is_said_what_they_mean(taken: Take, work: Work) -> None:
    accounts = work.records("customers.account")
    file = "Name,City,Employees,Website,Notes\nA,N/A,-,NULL, \u65e0 \nNull,NULL,(null),\u2014,see N/A\nB,'NULL,1,n/a,'-\n"
    text = taken("customers.account", "Name,Employees,Website\nT,-,NULL\n N/A ,\u2014,\u65e0\n")
    assert (text.counts, text.emptied) == (
        {"created": 2},
        "Employees: - \u00d71, Employees: \u2014 \u00d71, Website: NULL \u00d71, Website: \u65e0 \u00d71",
    )
    assert [(row["name"], row["website"]) for row in accounts.find(())] == [("T", None), ("N/A", None)]
    for row in accounts.find(()):
        accounts.delete(id_of(row))
    done = taken("customers.account", file, nothing="all")
    assert (done.state, done.counts) == ("succeeded", {"created": 3})
    assert (
        done.emptied
        == "City: N/A \u00d71, City: NULL \u00d71, Employees: (null) \u00d71, Employees: - \u00d71, Website: NULL \u00d71, Website: n/a \u00d71, Website: \u2014 \u00d71, Notes: \u65e0 \u00d71"
    )
    read = {str(row["name"]): [row[name] for name in ("city", "employees", "website", "notes")] for row in accounts.find(())}
    assert read == {"A": [None] * 4, "Null": [None, None, None, "see N/A"], "B": ["NULL", 1, None, "-"]}
    assert taken("customers.account", "Name,City\nC,N/A\n", value=["city:N/A=N/A"], nothing="all").counts == {"created": 1}
    assert accounts.find(where(name="C"))[0]["city"] == "N/A"
    (lost,) = taken("customers.account", "Name,City\nN/A,Ulm\n", nothing="all").rows
    assert (lost["column"], lost["value"], lost["code"]) == ("Name", "N/A", "required")
    for unseen in ("\u200b\ufeff", "\u3164 \u2800", "\ufe0f\U000e0041"):
        assert taken("customers.account", f"Name,City\n{unseen},Ulm\n").reasons == [(1, "Name", "required")]


def test_a_file_of_headings_alone_says_that_it_has_no_rows(taken: Take, work: Work) -> None:
    for dry in (True, False):
        done = taken("customers.account", "Name,City\n\n", dry_run=dry)
        assert (done.state, done.counts) == ("empty", {})


def test_what_stands_behind_blank_rows_is_taken_with_a_warning_unless_a_file_is_written_so_all_through(taken: Take) -> None:
    report = "Name,City\nA,Ulm\nB,Bonn\n\n\nCopyright of somebody\nGenerated by somebody\n"
    done = taken("customers.account", report)
    assert (done.counts, done.reasons) == ({"created": 4, "warned": 2}, [(5, None, "parted"), (6, None, "parted")])
    two = taken("customers.account", "Name,City\nC,Ulm\n\nRegion,Sales\nSouth,500\n")
    assert (two.state, two.counts) == ("partial", {"created": 1, "skipped": 2}), "another table is none of its rows"
    assert two.reasons == [(3, None, "other_table"), (4, None, "other_table")]
    words = taken("customers.account", "Name,City\nM,Ulm\n\nProduct,Manager\nSouth,Ann\nNorth,Bob\n")
    assert (words.counts, words.reasons[0]) == ({"created": 1, "skipped": 3}, (3, None, "other_table")), "though of words alone"
    titled = "Name,Employees\nD,5\n\nContacts\n\nPerson,Mail\nAnn,ann@x.example\nBob,bob@x.example\n"
    assert [row for row, _column, _code in taken("customers.account", titled).reasons] == [3, 5, 6, 7]
    both = taken("customers.account", "Name,City\nE,Ulm\n\nArea,Sales\nNorth,500\n", totals="take")
    assert (both.counts, both.reasons) == ({"created": 3, "warned": 1}, [(3, None, "parted")])
    same = taken("customers.account", "Name,City\nF,Ulm\n\nG,Bonn\nH,Kiel\n")
    assert (same.counts, same.reasons) == ({"created": 3, "warned": 1}, [(3, None, "parted")])
    for name, others in {"I": "60311\n\n{},SW1A 1AA\n{},LS1 4DY", "L": "n/a\n\n{},n/a\n{},80331"}.items():
        codes = taken("customers.account", f"Name,Postal code\n{name},{others.format(f'{name}a', f'{name}b')}\n")
        assert (codes.counts, codes.reasons) == ({"created": 3, "warned": 1}, [(3, None, "parted")])
    spaced = taken(
        "customers.account", "Name,City\n" + "".join(f"Spaced {n},Ulm {n}\n\n" for n in ("one", "two", "three", "four", "five", "six"))
    )
    assert spaced.counts == {"created": 6}


def test_a_mapped_field_is_not_taken_from_another_column_as_well(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,Company\nshort,Long Name Ltd\n", map=["Company=name"])
    assert (names(work), done.ignored) == (["Long Name Ltd"], "name")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"map": ["Nmae=name"]}, "no heading 'Nmae'; its headings are name"),
        ({"map": ["name=nmae"]}, "no importable field is named 'nmae'; the closest is name"),
        ({"map": ["name"]}, "use Heading=field"),
        ({"map": ["name=name", "city=name"]}, "both map to the field 'name'"),
        ({"map": ["name=version"]}, "no importable field is named 'version'"),
        ({"value": ["tier:key"]}, "use field:from=to"),
        ({"value": ["teir:a=b"]}, "the closest is tier"),
        ({"collision": ["city"]}, "use field=only_if_empty"),
        ({"collision": ["city=sometimes"]}, "available: overwrite, only_if_empty, never"),
        ({"set": ["tier"]}, "use FIELD=VALUE"),
        ({"set": ["tier=huge"]}, "'tier=huge' is invalid: expected one of key, normal, potential"),
        ({"mode": "upsert"}, "needs at least one field to match by"),
        ({"mode": "update", "match": ["phone"]}, "no column for 'phone'"),
        ({"mode": "update", "match": ["revenue"], "set": ["revenue=5"]}, "can’t match by 'revenue'"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused_before_a_row_is_read(taken: Take, work: Work, wish: dict, expected: str) -> None:
    with pytest.raises(BadRequest, match=expected):
        taken("customers.account", "name,city\nA,Ulm\n", **wish)
    assert names(work) == []


def test_a_file_that_no_heading_of_fits_is_refused(taken: Take) -> None:
    with pytest.raises(BadRequest, match="map them, or add a line of headings if the file has none: foo, bar"):
        taken("customers.account", "foo,bar\n1,2\n")


def test_a_refusal_that_quotes_what_no_text_may_hold_ends_the_import_all_the_same(taken: Take, work: Work) -> None:
    with pytest.raises(BadRequest, match="add a line of headings"):
        taken("customers.account", "foo\x07,bar\n1,2\n")
    (record,) = work.records("import_export.import").find(())
    assert record["state"] == "failed"
    assert "foo\ufffd, bar" in str(record["reason"])


def test_a_file_that_breaks_at_its_end_leaves_nothing_of_its_beginning(taken: Take, work: Work) -> None:
    for broken in (b"\xff\n", b'"no end\n'):
        with pytest.raises(Invalid):
            taken("customers.account", b"name\n" + b"A\n" * 5000 + broken)
    assert names(work) == []
    assert {row["state"] for row in work.records("import_export.import").find(())} == {"failed"}


def test_constants_fill_every_row_and_cells_come_before_them(taken: Take, work: Work) -> None:
    taken("customers.account", "name,city\nA,\nB,Ulm\n", set=["city=Bonn", "tier=key"])
    assert [(row["city"], row["tier"]) for row in work.records("customers.account").find(())] == [("Bonn", "key"), ("Ulm", "key")]


def test_a_value_is_taken_for_another_where_the_mapping_says_so(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,tier\nA,Gold\nB,KEY\nC,Key account\nD,Lead\n", value=["tier:Gold=key"])
    assert done.reasons == [(4, "tier", "unknown_choice")]
    assert done.rows[0]["reason"] == "expected one of Key account, Normal, Potential", "as people write them"
    assert {row["tier"] for row in work.records("customers.account").find(())} == {"key"}


def test_choices_are_known_in_the_language_of_the_reader(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("chinese", locale="zh_CN").id)
    import_file(work, "pipeline.pipeline", "name\nA\n")
    assert import_file(work, "pipeline.stage", "name,pipeline,type\n完成,A,赢单\n丢失,A,Lost\n进行,A,open\n").counts == {"created": 3}


# --- rows ------------------------------------------------------------------------------------------------------------


def test_each_row_that_is_not_taken_has_row_column_value_reason_and_nearest(taken: Take, process: Process, work: Work) -> None:
    work.records("customers.account").create({"name": "Birchwood Foods"})
    content = "Name,Account,Amount,Close date\nok,Birchwood Foods,10,2026-01-31\nx,Birchwod Foods,ten,2026-02-30\n,Birchwood Foods,1,\n"
    done = taken("pipeline.deal", content)
    assert done.counts == {"created": 1, "failed": 2}
    assert done.reasons == [(2, "Amount", "malformed"), (3, "Name", "required")]
    assert done.rows[0]["value"] == "ten"
    assert "Close date: this date does not exist" in str(done.rows[0]["reason"])
    corrected = taken("pipeline.deal", "name,account\nx,Birchwod Foods\n")
    (row,) = corrected.rows
    assert (row["column"], row["value"], row["nearest"], row["code"]) == ("account", "Birchwod Foods", "Birchwood Foods", "no_such_record")


def test_a_ragged_row_is_short_of_empty_cells_or_refused_for_what_is_too_much(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,city\nA\nB,Ulm,,\nC,Ulm,more\n")
    assert done.counts == {"created": 2, "failed": 1}
    assert done.reasons == [(3, None, "too_many_cells")]
    again = taken("customers.account", failed_file(work, id_of(done.record)).content)
    assert again.reasons == [(1, None, "too_many_cells")], "what was too much is lost with nobody knowing of it"
    assert b",more\r\n" in failed_file(work, id_of(again.record)).content
    mixed = taken("customers.account", "name;city;phone\nD;Ulm;0731 123456\nE,Bonn,0228 123456\nF, G and H, Kiel\nI\tJena\t03641 123456\n")
    assert (mixed.state, mixed.counts) == ("partial", {"created": 2, "failed": 2})
    assert mixed.reasons == [(2, None, "other_delimiter"), (4, None, "other_delimiter")]
    quoted = taken("customers.account", 'name,city,notes\nS1,Ulm,1\n"S2,Ulm,2"\n"S, 3, and 4"\n')
    assert (quoted.counts, quoted.reasons) == ({"created": 2, "failed": 1}, [(2, None, "quoted_row")])
    for whole, end, reasons in ((2, "", [(3, None, "cut_off")]), (2, "\n", []), (1, "", []), (2, ",", [])):
        content = "name,city,notes\n" + "".join(f"T{at}{whole},Ulm,x\n" for at in range(whole)) + f"U{whole},Bo{end}"
        assert taken("customers.account", content, dry_run=True).reasons == reasons
    late = taken("customers.account", 'name,city,notes\nK,Ulm,"x\nL,Ulm,y\nM,Ulm,z"\nN,Ulm,"5, Main Street, Ulm\n6, Main Street, Ulm"\n')
    assert (late.counts, late.reasons) == ({"created": 2, "warned": 1}, [(1, None, "rows_in_cell")]), "a quote that is closed too late"
    assert "2 lines that look like rows" in str(late.rows[0]["reason"])
    wide = taken("customers.account", f'name,city,notes\nO,"{"Ulm" * 30}\nP,Ulm,y\nQ,Ulm",z\n')
    assert (wide.reasons, str(wide.rows[0]["value"])[89:97]) == ([(1, "city", "too_long")], "m P,Ulm,")
    assert "1 line that looks like a row" in str(wide.rows[0]["reason"])


def test_created_and_failed_rows_add_up_to_the_rows_of_the_file(taken: Take) -> None:
    rows = [["name", "founded"], *([f"A{n}", "not a year" if n % 7 == 0 else 1990] for n in range(4500))]
    done = taken("customers.account", written(rows))
    assert done.created + done.failed == 4500
    assert done.failed == len(range(0, 4500, 7))
    assert done.state == "partial"


# --- dates -----------------------------------------------------------------------------------------------------------


def test_the_order_of_day_and_month_is_that_which_the_whole_column_allows(taken: Take, work: Work) -> None:
    taken("customers.contact", written([["name", "birthday"], *([f"A{n}", "3/4/1990"] for n in range(2100)), ["last", "12/31/1990"]]))
    assert work.records("customers.contact").find((), 1)[0]["birthday"] == date(1990, 3, 4)
    taken("customers.contact", "name,birthday\nB,3.4.1990\nC,31.12.1990\n")
    assert work.records("customers.contact").find(where(name="B"))[0]["birthday"] == date(1990, 4, 3)


def test_a_column_that_allows_both_orders_is_refused_until_one_is_named(taken: Take, work: Work) -> None:
    content = "name,birthday\nA,3/4/1990\nB,5/6/1990\nC,1990-05-06\n"
    done = taken("customers.contact", content)
    assert done.counts == {"created": 1, "failed": 2}
    assert {code for _row, _column, code in done.reasons} == {"ambiguous_date"}
    assert taken("customers.contact", content, dates="dmy").counts == {"created": 3}
    assert work.records("customers.contact").find(where(name="A"))[0]["birthday"] == date(1990, 4, 3)


# --- modes -----------------------------------------------------------------------------------------------------------


def test_create_leaves_out_what_is_there_update_what_is_not_and_upsert_neither(taken: Take, work: Work) -> None:
    taken("customers.account", "name,city\nA,Ulm\nB,Ulm\n")
    content = "name,city\nA,Bonn\nB,Ulm\nC,Bonn\n"
    created = taken("customers.account", content, match=["name"])
    assert (created.counts, created.state) == ({"created": 1, "skipped": 2}, "partial")
    assert [(row["number"], row["code"]) for row in created.rows] == [(1, "exists"), (2, "exists")]
    updated = taken("customers.account", content + "D,Bonn\n", mode="update", match=["name"])
    assert updated.counts == {"updated": 1, "unchanged": 2, "skipped": 1}
    assert updated.reasons == [(4, "name", "no_match")]
    upserted = taken("customers.account", "name,city\nA,Kiel\nD,Kiel\n", mode="upsert", match=["name"])
    assert (upserted.counts, upserted.state) == ({"created": 1, "updated": 1}, "succeeded")
    assert [row["city"] for row in work.records("customers.account").find(())] == ["Kiel", "Ulm", "Bonn", "Kiel"]


def test_the_same_file_twice_changes_nothing(taken: Take) -> None:
    content = "name,city\n" + "".join(f"A{n},Ulm\n" for n in range(2500))
    assert taken("customers.account", content, mode="upsert", match=["name"]).counts == {"created": 2500}
    assert taken("customers.account", content, mode="upsert", match=["name"]).counts == {"unchanged": 2500}


def test_rows_of_one_file_that_name_the_same_record_see_each_other(taken: Take, work: Work) -> None:
    content = "name,city\nA,Ulm\nB,Ulm\nA,Bonn\nA,Kiel\n"
    done = taken("customers.account", content, mode="upsert", match=["name"])
    assert done.counts == {"created": 2, "updated": 2, "warned": 2}
    assert [(row["number"], row["code"], row["reason"]) for row in done.rows] == [
        (3, "same_as_row", "is the same as row 1 of this file"), (4, "same_as_row", "is the same as row 1 of this file"),
    ]  # fmt: skip
    assert work.records("customers.account").find(where(name="A"))[0]["city"] == "Kiel"
    assert taken("catalog.product", "name,sku\nA,S-1\nB,S-1\nC,S-2\n").reasons == [(2, "sku", "duplicate")]


def test_a_row_that_several_records_match_is_refused(taken: Take) -> None:
    taken("customers.account", "name,city\nA,Ulm\nA,Bonn\n", duplicates="take")
    assert taken("customers.account", "name,tier\nA,key\n", mode="update", match=["name"]).reasons == [(1, "name", "ambiguous")]
    assert taken("customers.account", "name,city,tier\nA,Bonn,key\n", mode="update", match=["name", "city"]).counts == {"updated": 1}


# --- links within the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, -1])
def test_a_parent_may_stand_anywhere_in_the_file(taken: Take, work: Work, order: int) -> None:
    rows = [["A0", ""], *([f"A{n}", f"A{n - 1}"] for n in range(1, 6)), ["A7", ""]]
    done = taken("customers.account", written([["name", "parent"], *rows[::order]]))
    assert done.counts == {"created": 7}
    found = work.records("customers.account").find(())
    ids = {row["name"]: row["id"] for row in found}
    assert {row["name"]: row["parent"] for row in found} == {f"A{n}": ids.get(f"A{n - 1}") for n in (*range(6), 7)}
    assert [row["name"] for row in found] == [name for name, _parent in rows[::order]], "in the order of the file, which exports have"


def test_parents_that_wait_for_each_other_or_for_nobody_fail_with_their_reason(taken: Take, work: Work) -> None:
    done = taken("customers.account", "name,parent\nA,B\nB,A\nC,Nobody\nD,\nE,D\n")
    assert done.counts == {"created": 2, "failed": 3}
    assert done.reasons == [(1, "parent", "no_such_record"), (2, "parent", "no_such_record"), (3, "parent", "no_such_record")]
    assert names(work) == ["D", "E"]


# --- dry runs, crashes, two at once --------------------------------------------------------------------------------------


@pytest.mark.feature("C6")
def test_a_dry_run_writes_nothing_and_tells_what_the_run_will_do(taken: Take, work: Work, platform: Platform) -> None:
    taken("customers.account", "name,city\nA5,Ulm\n")
    content = written([["name", "city", "parent", "founded"], *([f"A{n}", "", f"A{n - 1}" if n % 5 else "", 7 if n % 9 == 0 else 1990] for n in range(60, 0, -1))])  # fmt: skip
    before = _digest(platform, work)
    wish = {"mode": "upsert", "match": ["name"]}
    dry = taken("customers.account", content, dry_run=True, **wish)
    assert names(work) == ["A5"]
    assert _digest(platform, work, id_of(dry.record).hex) == before
    real = taken("customers.account", content, **wish)
    assert (dry.counts, dry.reasons) == (real.counts, real.reasons)
    assert real.created and real.updated and real.failed


def _digest(platform: Platform, work: Work, own: str = "import_export.") -> dict[str, str]:
    """By table the digest of all that stands in it, but for what an import tells of itself."""
    found: dict[str, list[str]] = {}
    for table, row in Database(platform, work).rows():
        told = str(row)
        if not table.startswith("import_export_") and "import_export." not in told and own not in told.replace("-", ""):
            found.setdefault(table, []).append(str(sorted(row.items(), key=str)))
    return {table: hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest() for table, rows in found.items()}


class Crash(Exception):
    """The process dies here."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows at a time."""
    monkeypatch.setattr(run, "CHUNK", 10)
    monkeypatch.setattr(run, "TOGETHER", 0)


WISH = Wish("customers.account", "test.csv")
FORTY = written([["name", "parent", "founded"], *([f"A{n}", f"A{n + 1}" if n % 3 == 0 else "", 7 if n % 10 == 4 else ""] for n in range(40))]).encode()  # fmt: skip


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("survived", range(6))
def test_a_killed_run_goes_on_where_it_was_with_each_row_once(
    work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    record = imports.begin(work, WISH)
    original, calls = run.Run.keep, []

    def keep(self: run.Run, *args: object) -> None:
        calls.append(1)
        clock.move(seconds=1)
        original(self, *args)  # type: ignore[arg-type]
        if len(calls) > survived:
            raise Crash  # inside the transaction: the chunk is lost with it

    monkeypatch.setattr(run.Run, "keep", keep)
    try:
        imports.carry_out(work, record, WISH, io.BytesIO(FORTY))
        assert survived > 4
    except Crash:
        assert len(names(work)) < 34
    monkeypatch.setattr(run.Run, "keep", original)
    row = work.records("import_export.import").values([id_of(record)])[id_of(record)]
    if row["state"] == "running":
        row = imports.carry_out(work, row, WISH, io.BytesIO(FORTY))
    assert {name: row[name] for name in ("created", "failed", "state")} == {"created": 33, "failed": 7, "state": "partial"}
    assert len(names(work)) == len(set(names(work))) == 33
    accounts = work.records("customers.account")
    found = [str(row["name"]) for row in accounts.find(())]
    assert found == sorted(found, key=lambda name: int(name[1:])), "in the order of the file, whatever was put off"
    assert [row["name"] for row in accounts.query(Query(sort=("created_at",), limit=50)).data] == found
    failed = imports.rows(work, id_of(record), "failed", 100, "").data
    assert [(entry["number"], entry["code"]) for entry in failed] == [
        (4, "no_such_record"), (5, "out_of_range"), (15, "out_of_range"), (25, "out_of_range"), (34, "no_such_record"),
        (35, "out_of_range"), (40, "no_such_record"),
    ]  # fmt: skip


@pytest.mark.usefixtures("small_chunks")
def test_of_two_workers_at_one_import_one_writes_and_the_other_stops(platform: Platform, work: Work) -> None:
    record = imports.begin(work, WISH)
    met, outcomes = threading.Barrier(2, timeout=30), []

    def carry_out() -> None:
        mine = platform.system(work.tenant.id)
        met.wait()
        try:
            imports.carry_out(mine, record, WISH, io.BytesIO(FORTY))
            outcomes.append("done")
        except Exception as failure:
            outcomes.append(type(failure).__name__)

    threads = [threading.Thread(target=carry_out) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["Conflict", "done"], ["Stale", "done"])
    assert len(names(work)) == len(set(names(work))) == 33


def test_a_run_that_another_process_took_over_stops_with_nothing_written(work: Work) -> None:
    record = imports.begin(work, WISH)
    work.records("import_export.import").update(id_of(record), {"state": "running"})
    with pytest.raises(Stale):
        imports.carry_out(work, record, WISH, io.BytesIO(FORTY))
    assert names(work) == []
    assert work.records("import_export.import").values([id_of(record)])[id_of(record)]["state"] == "running"


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C11")
def test_of_a_thousand_rows_with_seven_bad_ones_993_are_created_and_the_seven_are_imported_once_mended(
    client: Api, drain: Callable[[], int], work: Work
) -> None:
    bad = {17, 101, 102, 500, 750, 998, 1000}
    rows = {n: [f"Account {n}", "nineteen" if n in bad else "1990", "Ulm"] for n in range(1, 1001)}
    begun = sent(client, "customers.account", written([["Name", "Founded in", "City"], *rows.values()]))
    assert (begun["state"], begun["created"]) == ("waiting", 0)
    drain()
    done = client.get(f"{IMPORTS}/{begun['id']}").json
    assert {name: done[name] for name in ("state", "created", "failed", "skipped")} == {"state": "partial", "created": 993, "failed": 7, "skipped": 0}  # fmt: skip
    failed = client.get(f"{IMPORTS}/{begun['id']}/rows", {"outcome": "failed"}).json["data"]
    assert {row["number"] for row in failed} == bad
    for row in failed:
        assert (row["column"], row["value"], row["code"], row["reason"]) == (
            "Founded in",
            "nineteen",
            "malformed",
            "expected a whole number",
        )
    file = client.get(f"{IMPORTS}/{begun['id']}/failed")
    assert "-failed.csv" in file.headers["Content-Disposition"]
    headings, *lines = csv.reader(io.StringIO(file.data.decode("utf-8-sig")))
    assert headings == ["Name", "Founded in", "City", "Import error"]
    assert [line[3] for line in lines] == ["Founded in: expected a whole number"] * 7
    mended = [[cell.replace("nineteen", "1919") for cell in line] for line in lines]
    again = sent(client, "customers.account", written([headings, *mended]))
    drain()
    assert client.get(f"{IMPORTS}/{again['id']}").json["state"] == "succeeded"
    assert len(names(work)) == len(set(names(work))) == 1000


def test_the_rows_that_were_not_taken_come_in_pages(client: Api, drain: Callable[[], int]) -> None:
    begun = sent(client, "customers.account", written([["name", "founded"], *(["A", "x"] for _number in range(25))]))
    drain()
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{IMPORTS}/{begun['id']}/rows", {"limit": 10, **({"cursor": cursor} if cursor else {})}).json
        seen += [row["number"] for row in page["data"]]
        cursor = page["page"]["next"]
    assert seen == list(range(1, 26))


def test_a_file_that_cannot_be_read_fails_its_import_with_the_reason(client: Api, drain: Callable[[], int]) -> None:
    begun = sent(client, "customers.account", "Имя\nМосква\n".encode("cp1251"))
    drain()
    done = client.get(f"{IMPORTS}/{begun['id']}").json
    assert (done["state"], done["created"]) == ("failed", 0)
    assert "the encoding is ambiguous: it may be" in done["reason"]


def test_the_mapping_of_the_form_is_that_of_the_command_line(client: Api, drain: Callable[[], int], work: Work) -> None:
    form = {"mode": "upsert", "match": ["name"], "map": ["Company=name", "Day="], "value": ["tier:A=key"], "set": ["city=Ulm"], "dates": "dmy", "dry_run": "false"}  # fmt: skip
    begun = sent(client, "customers.account", "Company,Day,tier\nX,1/2/2026,A\n", **form)
    drain()
    done = client.get(f"{IMPORTS}/{begun['id']}").json
    assert (done["state"], done["ignored"], done["mode"]) == ("succeeded", "Day", "upsert")
    row = work.records("customers.account").find(())[0]
    assert (row["name"], row["tier"], row["city"]) == ("X", "key", "Ulm")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"entity": "customers.acount"}, 404),
        ({"entity": "customers.account", "mode": "replace"}, 422),
        ({"entity": "customers.account", "colour": "red"}, 422),
        ({}, 422),
        ({"entity": "pipeline.stage_change"}, 403),
    ],
)
def test_a_form_that_does_not_fit_is_refused_and_leaves_nothing(client: Api, form: dict, status: int) -> None:
    data = {**form, "file": (io.BytesIO(b"name\nA\n"), "rows.csv")}
    assert client.call("POST", IMPORTS, data=data, content_type="multipart/form-data").status_code == status
    assert client.get(IMPORTS).json["data"] == []


def test_a_form_without_a_file_and_a_body_that_is_no_form_are_refused(client: Api) -> None:
    assert client.call("POST", IMPORTS, data={"entity": "customers.account"}, content_type="multipart/form-data").status_code == 422
    assert client.post(IMPORTS, {"entity": "customers.account"}).status_code == 415


# --- rights ----------------------------------------------------------------------------------------------------------


def test_who_may_not_import_or_not_create_is_refused(client: Api, work: Work, people: People) -> None:
    reader = id_of(work.records("core.user").create({"name": "Reader", "email": "reader@acme.example", "roles": ["read_only"]}))
    creator = work.records("core.role").create({"key": "typist", "name": "Typist"})
    for verb in ("read", "create"):
        work.records("core.grant").create({"role": creator["id"], "permission": f"customers.account.{verb}", "scope": "all"})
    typist = id_of(work.records("core.user").create({"name": "Typist", "email": "typist@acme.example", "roles": ["typist"]}))
    for user, entity in ((reader, "customers.account"), (typist, "customers.account"), (people.rep, "catalog.product")):
        data = {"entity": entity, "file": (io.BytesIO(b"name\nA\n"), "rows.csv")}
        answer = client.as_user(user).call("POST", IMPORTS, data=data, content_type="multipart/form-data")
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
        with pytest.raises(Forbidden):
            import_file(work.platform.user(work.tenant.id, user, work.channel), entity, "name\nA\n")
    for user in (people.rep, reader):
        work.records("core.user").update(user, {"locale": "zh_CN"})
    data = {"entity": "catalog.product", "file": (io.BytesIO(b"name\nA\n"), "rows.csv")}
    answer = client.as_user(people.rep).call("POST", IMPORTS, data=data, content_type="multipart/form-data")
    assert answer.json["detail"] == "您没有权限新建产品"
    assert client.as_user(reader).post("/api/v1/customers/accounts", {"name": "A"}).json["detail"] == "您没有权限新建客户"


def test_an_import_writes_with_the_rights_of_who_asked(client: Api, drain: Callable[[], int], work: Work, people: People) -> None:
    rep = client.as_user(people.rep)
    begun = sent(rep, "customers.account", "name,owner\nmine,\nalso mine,rep00\nnot mine,rep11\n")
    drain()
    done = rep.get(f"{IMPORTS}/{begun['id']}").json
    assert (done["created"], done["failed"], done["owner"]) == (2, 1, str(people.rep))
    rows = rep.get(f"{IMPORTS}/{begun['id']}/rows").json["data"]
    assert [row["outcome"] for row in rows] == ["created", "created", "failed"]
    row = rows[2]
    assert (row["number"], row["code"]) == (3, "forbidden")
    assert {row["owner"] for row in work.records("customers.account").find(())} == {people.rep}
    other = client.as_user(people.reps[1][0])
    assert other.get(f"{IMPORTS}/{begun['id']}").status_code == 404
    assert other.get(f"{IMPORTS}/{begun['id']}/rows").status_code == 404


def test_imported_records_say_so_in_their_history(client: Api, taken: Take, work: Work) -> None:
    taken("customers.account", "name\nA\n")
    account = work.records("customers.account").find(())[0]["id"]
    (entry,) = client.get(f"/api/v1/customers/accounts/{account}/history").json["data"]
    assert (entry["channel"], entry["action"]) == ("import", "create")


def test_an_import_whose_plugin_is_switched_off_meanwhile_is_skipped(client: Api, drain: Callable[[], int], work: Work) -> None:
    begun = sent(client, "customers.account", "name\nA\n")
    for name in ("from_hubspot", "from_odoo", "from_salesforce", "import_export"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False}).status_code == 200
    drain()
    assert client.get(f"{IMPORTS}/{begun['id']}").status_code == 404
    assert names(work) == []
    assert client.patch("/api/v1/core/plugins/import_export", {"enabled": True}).status_code == 200
    drain()
    done = client.get(f"{IMPORTS}/{begun['id']}").json
    assert (done["state"], done["reason"]) == ("failed", "import and export was turned off before it finished"), "it waits for nothing"
    assert names(work) == []


# --- templates -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["en", "zh_CN"])
def filled(request: pytest.FixtureRequest, platform: Platform, make_tenant: MakeTenant) -> Work:
    """A tenant in each language with a pipeline and an account."""
    work = platform.system(make_tenant("filled", locale=request.param, currency="CNY").id)
    apply(work, "direct_sales")
    work.records("customers.account").create({"name": "Alder"})
    return work


@pytest.fixture
def unpacked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workbooks are read in this process: a process for each of so many would take most of the test's time."""

    def unpacked(source: io.BytesIO, kind: str, encoding: str) -> io.BytesIO:
        with tempfile.NamedTemporaryFile(suffix=f".{kind}") as file:
            file.write(source.getvalue())
            file.flush()
            return io.BytesIO("".join(json.dumps(line) + "\n" for line in unpack.lines(kind, file.name)).encode())

    monkeypatch.setattr(spreadsheets, "unpacked", unpacked)


@pytest.mark.feature("C1")
@pytest.mark.usefixtures("unpacked_here")
def test_the_untouched_template_of_every_entity_is_imported_without_an_error(filled: Work) -> None:
    tried = []
    for name, entity in filled.platform.catalog.entities.items():
        if not filled.can(f"{name}.create") or Verb.CREATE not in entity.verbs:
            continue
        for _time in range(2):  # unique examples make room for each other
            content = template(filled, name, "xlsx" if _time and filled.locale == "zh_CN" else "csv").content
            done = import_file(filled, name, content, duplicates="take")
            key_taken = _time == 1 and [row["code"] for row in done.rows] in (["duplicate"], ["second_profile"], ["second_target"])
            assert done.counts == {"created": 1} or key_taken, (name, content[:2000], done.rows)
            assert done.ignored is None
        tried.append(name)
    assert {"core.user", "core.team", "core.role", "core.grant", "customers.account", "customers.contact", "catalog.product",
            "pipeline.pipeline", "pipeline.stage", "pipeline.deal"} <= set(tried)  # fmt: skip


@pytest.mark.feature("C1")
def test_a_template_for_history_has_the_columns_that_history_alone_fills_and_is_imported_untouched(filled: Work) -> None:
    plain, whole = (template(filled, "orders.invoice", history=history).content.decode("utf-8-sig") for history in (False, True))
    more = {"number", "state", "issued_on", "credits", "paid_before", "instalment"}
    fields = filled.records("orders.invoice").fields()
    said = {filled.say(fields[name].label) for name in more}
    assert {one.partition(" [")[0] for one in whole.splitlines()[0].split(",")} - {
        one.partition(" [")[0] for one in plain.splitlines()[0].split(",")
    } == said
    done = import_file(filled, "orders.invoice", whole, history=True, duplicates="take")
    assert (done.state, done.rows) == ("succeeded", [])


def test_the_template_has_a_column_for_every_field_that_can_be_written(client: Api) -> None:
    answer = client.get("/api/v1/import_export/templates/customers.account")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=customers.account.csv"
    heading, example = answer.data.decode("utf-8-sig").splitlines()
    assert heading.startswith("Name *,Class [Key account|Normal|Potential],Lifecycle stage [Prospect|Customer|Former customer],Industry,")
    assert {"Parent company", "Owner", "Annual revenue"} <= set(heading.split(","))
    assert "Open deals" not in heading
    assert example.startswith("Example,Normal,Prospect,")


def test_a_template_is_for_those_who_may_import_the_entity(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    assert rep.get("/api/v1/import_export/templates/customers.contact").status_code == 200
    assert rep.get("/api/v1/import_export/templates/core.user").status_code == 403
    assert client.get("/api/v1/import_export/templates/core.token").status_code == 403
    assert client.get("/api/v1/import_export/templates/core.nothing").status_code == 404


def test_a_template_without_a_record_to_link_to_leaves_the_link_empty(work: Work, clock: Clock) -> None:
    with pytest.raises(NotFound):
        template(work, "customers.nobody")
    heading, example = template(work, "core.grant").content.decode("utf-8-sig").splitlines()
    assert heading.startswith("Role *,Permission *,")
    assert example.startswith("admin,core.plugin.update,")


@pytest.mark.feature("C11")
def test_a_failed_row_comes_back_as_it_stood_in_the_file_whatever_it_holds(client: Api, drain: Callable[[], int]) -> None:
    line = ["a\x07b", 'quoted "twice"', "华为\nsecond line"]
    begun = sent(client, "customers.account", written([["Name", "City", "Notes"], line]))
    drain()
    shown = client.get(f"{IMPORTS}/{begun['id']}/failed").data.decode("utf-8-sig")
    (_headings, back) = csv.reader(io.StringIO(shown, newline=""))
    assert back[:3] == line


@pytest.mark.feature("C11")
def test_failed_rows_of_a_spreadsheet_come_back_as_one_with_every_reason_and_no_formula(
    client: Api, drain: Callable[[], int], work: Work
) -> None:
    lines = [["=1+1", "nineteen", "x"], ["Good", "1990", "5"], ["'=2", "1990", "y\x07"]]
    begun = sent(client, "customers.account", written([["Name", "Founded in", "Employees"], *lines]))
    drain()
    rows = client.get(f"{IMPORTS}/{begun['id']}/rows", {"outcome": "failed"}).json["data"]
    assert [[(one["column"], one["value"], one["code"]) for one in row["problems"]] for row in rows] == [
        [("Founded in", "nineteen", "malformed"), ("Employees", "x", "malformed")], [("Employees", "y\ufffd", "malformed")],
    ]  # fmt: skip
    assert [row["cells"] for row in rows] == [lines[0], lines[2]]
    book = client.get(f"{IMPORTS}/{begun['id']}/failed", {"format": "xlsx"})
    assert "rows-failed.xlsx" in book.headers["Content-Disposition"]
    loaded = load_workbook(io.BytesIO(book.data))
    sheet = loaded.worksheets[0]
    shown = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert shown[0] == ["Name", "Founded in", "Employees", "Import error"]
    assert shown[1] == ["'=1+1", "nineteen", "x", "Founded in: expected a whole number; Employees: expected a whole number"]
    assert shown[2][:3] == ["'=2", "1990", "y\ufffd"]
    for row in (2, 3):
        sheet.cell(row, 2, "1990")
        sheet.cell(row, 3, 7)
    mended = io.BytesIO()
    loaded.save(mended)
    data = {"entity": "customers.account", "file": (io.BytesIO(mended.getvalue()), "mended.xlsx")}
    again = client.call("POST", IMPORTS, data=data, content_type="multipart/form-data").json
    drain()
    assert client.get(f"{IMPORTS}/{again['id']}").json["state"] == "succeeded"
    assert names(work) == ["Good", "=1+1", "=2"]


@pytest.mark.feature("C6")
def test_no_file_fails_for_the_columns_that_are_left_out_of_it(taken: Take) -> None:
    wide = taken("customers.account", written([["Name", *(f"Something {number:05}" for number in range(1_990))], ["A"]]))
    assert (wide.state, len(wide.ignored)) == ("succeeded", 20_000)
    odd = taken("customers.account", "Name,a\0b\n" + "B,1\n" * 9, duplicates="take")
    assert (odd.state, odd.ignored) == ("succeeded", "a\ufffdb")
