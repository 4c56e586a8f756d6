"""Workbooks whose sheets link to one another: imported, rehearsed, undone in one go."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from openpyxl import Workbook

from core.context import Work
from core.testkit.fixtures import Api
from plugins.import_export import imports
from plugins.import_export.plan import Wish
from plugins.import_export.sheets import WORKBOOK, children
from plugins.import_export.undo import undoing
from sdk import BadRequest
from sdk.context import Row, id_of
from tests.plugins.imports import import_file
from tests.plugins.process import Process

FILES, IMPORTS = "/api/v1/import_export/files", "/api/v1/import_export/imports"
type_rows = Sequence[Sequence[object]]
SHEETS: Mapping[str, type_rows] = {
    "Activities": [["Subject", "Starts at", "Deal", "Account"], ["Call", "2026-05-01 10:00", "Big one", "Alder"], ["Visit", "2026-05-02 10:00", "", "Birch"]],
    "Notes of mine": [["whatever"], ["x"]],
    "商机": [["商机名称", "客户名称", "金额"], ["Big one", "Alder", 1000], ["Small one", "Birch", 10], ["No one", "Cedar", 5]],
    "Contacts": [["Name", "Company", "E-mail"], ["Li Wei", "Alder", "li@alder.example"], ["Anna", "Birch", "anna@birch.example"]],
    "Accounts": [["Company name", "Parent company"], ["Birch", "Alder"], ["Alder", ""]],
}  # fmt: skip
KINDS = {"Accounts": "customers.account", "Contacts": "customers.contact", "商机": "pipeline.deal", "Activities": "teamwork.activity"}


def workbook(sheets: Mapping[str, type_rows]) -> bytes:
    """An XLSX file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def carried_out(work: Work, content: bytes, **more: Any) -> Row:
    wish = Wish(WORKBOOK, "all.xlsx", **more)
    return imports.carry_out(work, imports.begin(work, wish), wish, io.BytesIO(content))


def counts(rows: Sequence[Row]) -> dict[str, tuple[object, ...]]:
    """By entity: created, updated, unchanged, failed, state."""
    return {str(row["entity"]): tuple(row[name] for name in ("created", "updated", "unchanged", "failed", "state")) for row in rows}


@pytest.mark.feature("C9")
@pytest.mark.usefixtures("process")
def test_accounts_contacts_deals_and_activities_of_one_workbook_come_in_one_go_with_their_links(work: Work) -> None:
    content = workbook(SHEETS)
    dry = carried_out(work, content, dry_run=True)
    assert not any(work.records(name).find(()) for name in KINDS.values())
    done = carried_out(work, content)
    expected = {
        "customers.account": (2, 0, 0, 0, "succeeded"), "customers.contact": (2, 0, 0, 0, "succeeded"),
        "pipeline.deal": (2, 0, 0, 1, "partial"), "teamwork.activity": (2, 0, 0, 0, "succeeded"),
    }  # fmt: skip
    for whole in (dry, done):
        parts = children(work, id_of(whole))
        assert counts(parts) == expected
        assert [row["entity"] for row in parts].index("customers.account") == 0
        assert parts[-1]["entity"] == "teamwork.activity"
        assert (whole["state"], whole["created"], whole["failed"], whole["total"], whole["ignored"]) == (
            "partial",
            8,
            1,
            9,
            "Notes of mine",
        )
    named = {str(row["name"]): row for row in work.records("customers.account").find(())}
    assert named["Birch"]["parent"] == named["Alder"]["id"]
    assert {row["name"]: row["account"] for row in work.records("customers.contact").find(())} == {
        "Li Wei": named["Alder"]["id"],
        "Anna": named["Birch"]["id"],
    }
    deals = {str(row["name"]): row for row in work.records("pipeline.deal").find(())}
    assert deals["Big one"]["account"] == named["Alder"]["id"]
    assert {row["subject"]: str(row["about"]) for row in work.records("teamwork.activity").find(())} == {
        "Call": f"pipeline.deal:{deals['Big one']['id']}", "Visit": f"customers.account:{named['Birch']['id']}",
    }  # fmt: skip
    again = carried_out(work, content, mode="upsert", match=("name", "Activities!subject"))
    assert [again[name] for name in ("created", "updated", "unchanged", "failed")] == [0, 0, 8, 1]
    with pytest.raises(BadRequest, match="sheet by sheet"):
        undoing.carry_out(work, done, [1])
    undone = undoing.carry_out(work, undoing.begin_undo(work, undoing.permit_undo(work, id_of(done))))
    assert (undone["state"], undone["undone"], undone["conflicts"]) == ("undone", 8, 0)
    assert not any(work.records(name).find(()) for name in KINDS.values())


def test_a_staged_workbook_names_its_kinds_is_mended_and_cancelled_as_a_whole(
    client: Api, drain: Callable[[], int], work: Work, process: Process
) -> None:
    data = {"file": (io.BytesIO(workbook(SHEETS)), "all.xlsx")}
    file = client.call("POST", FILES, data=data, content_type="multipart/form-data").json
    assert {sheet["name"]: sheet["entity"] for sheet in file["sheets"]} == {**KINDS, "Notes of mine": None}
    assert client.patch(f"{FILES}/{file['id']}/rows/3", {"cells": {"客户名称": "Birch"}, "sheet": "商机"}).status_code == 200
    form = {"file_id": file["id"], "entity": WORKBOOK, "map": "Contacts!E-mail="}
    begun = client.call("POST", IMPORTS, data=form, content_type="multipart/form-data").json
    drain()
    done = client.get(f"{IMPORTS}/{begun['id']}").json
    assert (done["state"], done["created"], done["failed"]) == ("succeeded", 9, 0)
    assert {row["email"] for row in work.records("customers.contact").find(())} == {None}
    assert {row["sheet"] for row in client.get(IMPORTS, {"part_of": begun["id"]}).json["data"]} == set(KINDS)
    assert client.post(f"{IMPORTS}/{begun['id']}/undo", {"rows": [1]}).status_code == 400
    second = client.call("POST", IMPORTS, data=form, content_type="multipart/form-data").json
    assert client.post(f"{IMPORTS}/{second['id']}/cancel").json["state"] == "cancelled"
    drain()
    assert client.get(f"{IMPORTS}/{second['id']}").json["created"] == 0
    assert process.stages


def test_a_workbook_without_a_sheet_that_is_called_as_a_kind_of_record_is_refused(work: Work) -> None:
    with pytest.raises(BadRequest, match="no sheet is named after a kind of record"):
        carried_out(work, workbook({"Sheet1": [["Name"], ["A"]]}))
    (failed,) = work.records("import_export.import").find(())
    assert failed["state"] == "failed"


def test_a_sheet_that_cannot_be_mapped_fails_by_itself(work: Work) -> None:
    done = carried_out(work, workbook({"Accounts": [["Name"], ["A"]], "Contacts": [["foo"], ["B"]]}))
    assert counts(children(work, id_of(done))) == {
        "customers.account": (1, 0, 0, 0, "succeeded"),
        "customers.contact": (0, 0, 0, 0, "failed"),
    }
    assert done["state"] == "partial"


@pytest.mark.feature("C11")
@pytest.mark.parametrize("dry_run", [True, False])
def test_who_looks_in_vain_for_a_row_that_was_not_taken_is_told_of_that_row(work: Work, dry_run: bool) -> None:
    work.records("customers.account").create({"name": "Acme Beta Ltd"})
    sheets = {
        "Accounts": [["Name", "Parent company", "Founded in"], ["Alder", "", "x"], ["Birch", "Alder", ""], ["Beta Acme", "", ""]],
        "Contacts": [["First name", "Last name", "Company", "Owner"], ["A", "B", "alder", ""], ["C", "D", "Birch", ""], ["E", "F", "Beta Acme", ""],
                     ["G", "H", "Oak", ""], ["I", "K", "", "Jane Doe"]],
    }  # fmt: skip
    accounts, contacts = children(work, id_of(carried_out(work, workbook(sheets), dry_run=dry_run)))
    told = {
        one["sheet"]: [str(row["reason"]) for row in imports.rows(work, id_of(one), "failed", 10, "").data] for one in (accounts, contacts)
    }
    assert told["Accounts"][1].endswith("; row 1 of this file would have brought it, but wasn’t taken: see there")
    assert [reason.rpartition("; ")[2] for reason in told["Contacts"][:3]] == [
        f"row {number} of the sheet Accounts would have brought it, but wasn’t taken: see there" for number in (1, 2, 3)
    ]
    assert told["Contacts"][3].startswith("no Account matches 'Oak'") and "row" not in told["Contacts"][3]
    assert told["Contacts"][4].endswith(
        "map 'Jane Doe' to one of your users (value), or leave the column out and set one user for all rows (map, set)"
    )
    assert told["Contacts"][3].endswith("map 'Oak' to one that is there (value), or leave the column out (map)")
    work.records("core.user").create({"name": "Ann", "email": "ann@acme.example"})
    meant = import_file(
        work, "customers.contact", "Name,Owner\nJane,Jane Doe\n", value=["owner:Jane Doe=ann@acme.example"], dry_run=dry_run
    )
    assert meant.state == "succeeded"
