"""Staged files: sent once, mapped, mended, rehearsed and imported."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.context import Work
from core.testkit.fixtures import Api, Clock, People
from plugins.import_export.staging import corrections, files
from plugins.import_export.tables import Correction
from tests.plugins.imports import written

FILES, IMPORTS = "/api/v1/import_export/files", "/api/v1/import_export/imports"


def staged(client: Api, content: str | bytes, name: str = "rows.csv", status: int = 201, **form: object) -> Any:
    """A file that is sent to wait."""
    data = {**form, "file": (io.BytesIO(content.encode() if isinstance(content, str) else content), name)}
    answer = client.call("POST", FILES, data=data, content_type="multipart/form-data")
    assert answer.status_code == status, answer.text
    return answer.json


def run(client: Api, drain: Callable[[], int], **form: object) -> Any:
    """An import of a staged file, at its end."""
    answer = client.call("POST", IMPORTS, data=form, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.text
    drain()
    return client.get(f"{IMPORTS}/{answer.json['id']}").json


def all_rows(client: Api, id: str, **query: object) -> list[Any]:
    """The rows of an import, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{IMPORTS}/{id}/rows", {**query, **({"cursor": cursor} if cursor else {})}).json
        found += page["data"]
        cursor = page["page"]["next"]
    return found


@pytest.mark.feature("C5")
@pytest.mark.feature("C6")
def test_three_bad_cells_of_a_thousand_are_mended_in_place_and_the_file_is_never_sent_again(
    client: Api, drain: Callable[[], int], work: Work
) -> None:
    bad = {17: "nineteen", 500: "?", 1000: "19x0"}
    lines = [[f"Account {n}", bad.get(n, "1990"), "Ulm"] for n in range(1, 1001)]
    file = staged(client, written([["Name", "Founded in", "City"], *lines]))
    assert (file["format"], file["delimiter"]) == ("csv", ",")
    (sheet,) = file["sheets"]
    assert (sheet["headings"], sheet["rows"], sheet["sample"][0]) == (["Name", "Founded in", "City"], 1000, lines[0])
    assert client.get(f"{FILES}/{file['id']}").json["sheets"] == file["sheets"]

    wish = {"file_id": file["id"], "entity": "customers.account"}
    dry = run(client, drain, **wish, dry_run="true")
    assert (dry["created"], dry["failed"], dry["total"], dry["state"]) == (997, 3, 1000, "partial")
    told = all_rows(client, dry["id"], limit=300)
    assert [row["number"] for row in told] == list(range(1, 1001))
    assert [(row["number"], row["column"], row["value"], row["code"]) for row in told if row["outcome"] == "failed"] == [
        (number, "Founded in", cell, "malformed") for number, cell in bad.items()
    ]
    assert work.records("customers.account").find(()) == []

    rows = client.get(f"{FILES}/{file['id']}/rows", {"cursor": "r499", "limit": 1}).json
    assert rows["data"] == [{"number": 500, "cells": lines[499], "corrected": [], "left_out": False}]
    assert rows["page"]["next"] == "r500"
    for number in bad:
        mended = client.patch(f"{FILES}/{file['id']}/rows/{number}", {"cells": {"Founded in": "1919"}})
        assert mended.status_code == 200, mended.text
    again = run(client, drain, **wish, dry_run="true")
    real = run(client, drain, **wish)
    assert [(one["created"], one["failed"], one["state"]) for one in (again, real)] == [(1000, 0, "succeeded")] * 2
    assert len(work.records("customers.account").find((), 2000)) == 1000
    assert {row["record"] is None for row in all_rows(client, real["id"], limit=500)} == {False}


def test_rows_are_left_out_and_taken_back_and_a_cell_is_as_in_the_file_again(client: Api, drain: Callable[[], int], work: Work) -> None:
    file = staged(client, "Name,City\nA,Ulm\n\nB,Bonn\nC,Kiel\n")
    at = f"{FILES}/{file['id']}/rows"
    assert client.patch(f"{at}/1", {"left_out": True, "cells": {"City": "Trier"}}).json == {
        "number": 1,
        "cells": {"City": "Trier"},
        "left_out": True,
    }
    client.patch(f"{at}/3", {"cells": {"City": "Trier"}})
    client.patch(f"{at}/3", {"cells": {"City": None, "Name": "B2"}})
    assert [(row["number"], row["cells"], row["corrected"], row["left_out"]) for row in client.get(at).json["data"]] == [
        (1, ["A", "Trier"], ["City"], True), (3, ["B2", "Bonn"], ["Name"], False), (4, ["C", "Kiel"], [], False),
    ]  # fmt: skip
    done = run(client, drain, file_id=file["id"], entity="customers.account")
    assert (done["created"], done["total"]) == (2, 2)
    client.patch(f"{at}/1", {"left_out": False})
    assert run(client, drain, file_id=file["id"], entity="customers.account", mode="upsert", match="name")["created"] == 1
    assert sorted(str(row["name"]) for row in work.records("customers.account").find(())) == ["A", "B2", "C"]
    for path, body, status in [
        ("5", {"left_out": True}, 422), ("0", {"left_out": True}, 422), ("x", {}, 404), ("1", {"cells": {"Town": "x"}}, 422),
        ("1", {"colour": 1}, 422), ("1", {"cells": {}, "sheet": "Second"}, 400),
    ]:  # fmt: skip
        assert client.patch(f"{at}/{path}", body).status_code == status, path


def test_a_file_is_seen_by_its_owner_alone_until_it_expires_and_is_removed_on_request(
    client: Api, drain: Callable[[], int], people: People, work: Work, clock: Clock
) -> None:
    rep, other = client.as_user(people.rep), client.as_user(people.reps[1][0])
    first, second = staged(rep, "name\nA\n"), staged(rep, "name\nB\n")
    for path in ("", "/rows", "/mapping?entity=customers.account"):
        assert rep.get(f"{FILES}/{first['id']}{path}").status_code == 200, path
        assert other.get(f"{FILES}/{first['id']}{path}").status_code == 404, path
    form = {"file_id": first["id"], "entity": "customers.account"}
    assert other.call("POST", IMPORTS, data=form, content_type="multipart/form-data").status_code == 404
    assert other.patch(f"{FILES}/{first['id']}/rows/1", {"left_out": True}).status_code == 404
    kept = work.records("import_export.file")
    keys = [str(row["content"]) for row in kept.find(())]
    rep.patch(f"{FILES}/{first['id']}/rows/1", {"cells": {"name": "A2"}})
    assert rep.delete(f"{FILES}/{second['id']}").status_code == 204
    assert rep.get(f"{FILES}/{second['id']}").status_code == 404
    clock.now += timedelta(days=6)
    files.remove_expired(work)
    assert rep.get(f"{FILES}/{first['id']}").status_code == 200
    waiting = rep.call("POST", IMPORTS, data=form, content_type="multipart/form-data").json  # what is used stays a week longer
    assert rep.delete(f"{FILES}/{first['id']}").json["code"] == "busy"
    clock.now += timedelta(days=8)
    files.remove_expired(work)
    assert rep.get(f"{FILES}/{first['id']}").status_code == 200, "something is imported from it"
    drain()
    assert rep.get(f"{IMPORTS}/{waiting['id']}").json["created"] == 1
    files.remove_expired(work)
    assert rep.get(f"{FILES}/{first['id']}").status_code == 404
    assert set(work.files.all_keys()).isdisjoint(keys)  # type: ignore[attr-defined]
    assert work.records("import_export.correction").find(()) == []
    with work.transaction():
        assert [*work.connection.execute(sa.select(Correction.table().c.cells)).scalars()] == [None], "emptied, not only out of sight"


def test_a_file_that_cannot_be_read_is_refused_when_it_is_sent_and_leaves_nothing(client: Api, work: Work) -> None:
    assert staged(client, b"", status=422)["errors"][0]["field"] == "file"
    assert client.get(FILES).json["data"] == []
    assert list(work.files.all_keys()) == []  # type: ignore[attr-defined]
    form = {"entity": "customers.account"}
    assert client.call("POST", IMPORTS, data=form, content_type="multipart/form-data").json["errors"][0]["field"] == "file"


# --- mapping ---------------------------------------------------------------------------------------------------------


def guesses(client: Api, heading: list[str], entity: str, rows: list[list[str]] | None = None) -> Any:
    """The suggestion for a file with such headings."""
    file = staged(client, written([heading, *(rows or [["x"] * len(heading)])]))
    answer = client.get(f"{FILES}/{file['id']}/mapping", {"entity": entity})
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.feature("C4")
def test_headings_are_known_by_name_label_synonym_and_likeness_in_both_languages(client: Api) -> None:
    headings = ["公司名称", "手机号码", "所属行业", "Number of Employees", "Websiite", "负责人", "税号", "Colour", "city"]
    told = guesses(client, headings, "customers.account")
    assert [(one["heading"], one["field"], one["why"]) for one in told["columns"]] == [
        ("公司名称", "name", "synonym"), ("手机号码", "phone", "synonym"), ("所属行业", "industry", "synonym"),
        ("Number of Employees", "employees", "synonym"), ("Websiite", "website", "fuzzy"), ("负责人", "owner", "label"),
        ("税号", "tax_number", "label"), ("Colour", None, "none"), ("city", "city", "name"),
    ]  # fmt: skip
    assert all(0.6 < one["confidence"] <= 1 for one in told["columns"] if one["field"])
    assert (told["required"], told["match"]) == ([], ["name"])
    english = guesses(client, ["Company Name", "E-mail Address", "Mobile Phone", "Contact Name", "Lead Source"], "leads.lead")
    assert [one["field"] for one in english["columns"]] == ["company", "email", "phone", "name", "source"]
    deals = guesses(client, ["NAME", "STAGENAME", "AMOUNT", "CLOSEDATE"], "pipeline.deal")
    assert [one["field"] for one in deals["columns"]] == ["name", "stage", "amount", "close_date"]
    assert guesses(client, ["Phone"], "customers.contact")["required"] == ["name"]


def test_a_column_in_which_nothing_fits_is_not_suggested_for_a_field_that_is_called_so(client: Api) -> None:
    states = [[f"Order {n}", f"State {n}", f"{n}.234,50 €", f"0{n}.02.2026"] for n in range(1, 10)] + [
        ["O", "Ohio", "5", ""],
        ["P", "Iowa", "6", ""],
    ]
    told = guesses(client, ["Subject", "State", "Amount", "Order date"], "orders.order", states)
    assert [(one["field"], one["why"]) for one in told["columns"]][:2] == [("name", "label"), (None, "misfit")]
    few = guesses(client, ["Subject", "State"], "orders.order", [["A", "offen"], ["B", "zu"]])
    assert few["columns"][1]["field"] == "state"  # somebody says what these mean
    deals = guesses(client, ["Name", "Deal value", "Closing date"], "pipeline.deal", [[*row[:1], *row[2:]] for row in states])
    assert [one["field"] for one in deals["columns"]] == ["name", "amount", "close_date"]
    wrong = guesses(client, ["Name", "Deal value", "Headcount"], "customers.account", [[f"A{n}", "x", f"many {n}"] for n in range(5)])
    assert [(one["field"], one["why"]) for one in wrong["columns"]][2] == (None, "misfit")


@pytest.mark.feature("C4")
def test_a_second_file_with_the_same_headings_needs_no_mapping(client: Api, drain: Callable[[], int], work: Work) -> None:
    first = staged(client, "Firma,Klasse,Stadt\nA,gold,Ulm\n")
    done = run(
        client,
        drain,
        file_id=first["id"],
        entity="customers.account",
        map=["Firma=name", "Klasse=tier", "Stadt=city"],
        value=["tier:gold=key"],
    )
    assert done["created"] == 1
    second = staged(client, "Stadt,Firma,Klasse\nBonn,B,gold\n")
    told = client.get(f"{FILES}/{second['id']}/mapping", {"entity": "customers.account"}).json
    assert [(one["field"], one["why"], one["confidence"]) for one in told["columns"]] == [
        ("city", "saved", 1.0), ("name", "saved", 1.0), ("tier", "saved", 1.0),
    ]  # fmt: skip
    assert told["saved"]["value"] == ["tier:gold=key"]
    assert run(client, drain, file_id=second["id"], entity="customers.account")["created"] == 1
    assert [(row["name"], row["tier"], row["city"]) for row in work.records("customers.account").find(())] == [
        ("A", "key", "Ulm"),
        ("B", "key", "Bonn"),
    ]


def test_a_date_column_that_allows_two_orders_is_asked_for(client: Api) -> None:
    told = guesses(client, ["name", "birthday"], "customers.contact", [["A", "3/4/1990"], ["B", "5/6/1990"]])
    assert told["questions"] == [
        {
            "heading": "birthday", "field": "birthday", "code": "ambiguous", "asked": "dates", "choices": ["dmy", "mdy"],
            "examples": ["3/4/1990", "5/6/1990"], "readings": {"dmy": "1990-04-03", "mdy": "1990-03-04"},
            "message": "'3/4/1990' may be 1990-04-03 or 1990-03-04",
        }
    ]  # fmt: skip
    assert guesses(client, ["name", "birthday"], "customers.contact", [["A", "3/14/1990"]])["questions"] == []


def test_somebody_keeps_so_many_files_and_mends_so_many_rows(client: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)
    monkeypatch.setattr(corrections, "MOST", 1)
    first, _second = staged(client, "name\nA\nB\n"), staged(client, "name\nC\n")
    assert staged(client, "name\nD\n", status=409)["code"] == "too_many_files"
    for number, status in ((1, 200), (1, 200), (2, 409)):
        assert client.patch(f"{FILES}/{first['id']}/rows/{number}", {"cells": {"name": "X"}}).status_code == status
    assert client.delete(f"{FILES}/{first['id']}").status_code == 204
    staged(client, "name\nD\n")


def test_headings_that_come_again_in_a_file_are_no_records_and_what_sums_it_up_is_told(
    client: Api, drain: Callable[[], int], work: Work
) -> None:
    parted = staged(client, "Company,Place\nA,Ulm\n\nB,Bonn\n")
    assert [(note["code"], "(3)" in note["message"]) for note in parted["notes"]] == [("parted", True)]
    whole = staged(client, "Company,Place\nA,Ulm\nB,Bonn\nC,Kiel\n")
    assert client.patch(f"{FILES}/{whole['id']}/rows/2", {"left_out": True}).status_code == 200
    assert run(client, drain, file_id=whole["id"], entity="customers.account", map=["Place=city"], dry_run="true")["warned"] == 0
    file = staged(client, "Company,Place\nName,City\nA,Ulm\n\ufeffCompany,Place\nName,Hamm\nB,Bonn\nTotal,2\n")
    assert [(note["code"], "6 (Total)" in note["message"]) for note in file["notes"]] == [("totals", True)]
    done = run(client, drain, file_id=file["id"], entity="customers.account", map=["Place=city"], totals="take")
    assert (done["created"], done["skipped"]) == (4, 2)
    told = [(row["number"], row["code"]) for row in all_rows(client, done["id"]) if row["outcome"] == "skipped"]
    assert told == [(1, "headings"), (3, "headings")]
    assert {row["name"] for row in work.records("customers.account").find(())} == {"A", "Name", "B", "Total"}
    words = staged(client, "Name,City\nA,N/A\nB,-\nNULL,N/A\n")
    assert [note["message"].partition(": ")[2] for note in words["notes"]] == ["Name: NULL ×1, City: - ×1, City: N/A ×2"]
    empty = staged(client, "Name,City\n", "empty.csv")
    assert [(note["code"], note["message"]) for note in empty["notes"]] == [("no_rows", "the sheet 'empty' has headings but no rows")]
