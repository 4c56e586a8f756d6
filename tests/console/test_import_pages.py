"""The pages of an import, from the list of an entity to the way back."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from sdk import where
from sdk.context import id_of
from tests.console.site import ROOT, Look, Site
from tests.plugins.imports import written
from tests.plugins.test_migrators import HUBSPOT

AT = "/import_export/imports"
MIGRATE = "/import_export/migrations/new"
ACCOUNT = "customers.account"
FILES = ("companies.csv", "contacts.csv", "tickets.csv")


@pytest.fixture
def drain(platform: Platform) -> Callable[[], int]:
    """Delivers everything that waits."""
    return Drain(platform).run_until_empty


def sent(site: Site, content: str | bytes, name: str = "rows.csv", entity: str = ACCOUNT, **said: str) -> Look:
    """The first step: the form with its file."""
    data = content.encode() if isinstance(content, str) else content
    form = {**site.get(f"{AT}/new", {"entity": entity}).form(), **said, "file": (io.BytesIO(data), name)}
    return Look(site.api.call("POST", f"{ROOT}{AT}/new", data=form, content_type="multipart/form-data"))


def way(look: Look) -> str:
    """Where a form that was taken leads."""
    assert look.status == 303, look.text
    return str(look.answer.headers["Location"]).removeprefix(ROOT)


def chosen(look: Look, **typed: Any) -> dict[str, Any]:
    """The form of the page with something else chosen."""
    return {**look.form(), **typed}


def tally(look: Look) -> dict[str, str]:
    """The counts above the rows."""
    names = look.texts("//dl[contains(@class, 'tally')]//dt")
    return dict(zip(names, look.texts("//dl[contains(@class, 'tally')]//dd"), strict=True))


@pytest.mark.feature("C5")
@pytest.mark.feature("C14")
def test_three_bad_cells_of_a_thousand_are_mended_in_the_page_and_all_come_in_without_the_file_being_sent_again(
    site: Site, drain: Callable[[], int], work: Work
) -> None:
    bad = {17: "nineteen", 500: "?", 1000: "19x0"}
    lines = [[f"Account {n}", bad.get(n, "1990"), "Ulm"] for n in range(1, 1001)]
    assert site.get("/customers/accounts").links()["Import"] == f"{ROOT}{AT}/new?entity={ACCOUNT}"
    assert len(site.get(AT).all(f"//main//a[@href='{ROOT}{AT}/new']")) == 1, "one way in, once"
    columns_at = way(sent(site, written([["Name", "Founded in", "Town"], *lines])))
    columns = site.get(columns_at)
    assert [one.xpath("string(.//option[@selected])") for one in columns.all("//select[@data-search]")] == ["Name *", "Founded in", "City"]
    dry_at = way(site.post(columns_at, columns.form()))
    assert "Checking all rows" in site.get(dry_at).text
    drain()
    dry = site.get(dry_at)
    assert tally(dry) == {"will be created": "997", "can’t be imported": "3"}
    wrong = dry.all("//input[@aria-invalid='true']")
    assert [(one.get("name"), one.get("value")) for one in wrong] == [(f"cell.{n}.1", cell) for n, cell in bad.items()]
    assert all(dry.all(f"//*[@id='{one.get('aria-describedby')}']")[0].text_content().strip() for one in wrong)
    assert work.records(ACCOUNT).find(()) == []

    # One by one as a script does it, each answered with its row; the last with the form, which checks again.
    first = site.post(f"{dry_at}?show=failed", {**chosen(dry, act="mend"), "cell.17.1": "1919"})
    assert way(first) == f"{dry_at}?show=failed"
    row = site.get(dry_at, {"show": "failed"})
    assert row.texts("//tr[@id='r-17']//span[contains(@class, 'chip')]") == ["fixed, not checked yet"]
    assert "Something was fixed since" in row.text
    again_at = way(site.post(dry_at, {**chosen(row, act="check"), "cell.500.1": "1950", "cell.1000.1": "1990"}))
    drain()
    again = site.get(again_at)
    assert tally(again) == {"will be created": "1,000", "can’t be imported": "0"}
    real_at = way(site.post(again_at, chosen(again, act="run")))
    assert "You can leave this page" in site.get(real_at).text
    drain()
    assert tally(site.get(real_at)) == {"Created": "1,000", "Failed": "0"}
    assert len(work.records(ACCOUNT).find((), 2000)) == 1000
    assert len(work.records("import_export.file").find(())) == 1
    (one,) = work.records(ACCOUNT).find(where(name="Account 17"))
    (source,) = site.get(f"/customers/accounts/{one['id']}").texts("//section[@aria-labelledby='h-origin']//li/a")
    assert source.startswith("Created by the import of ") and source.endswith(", row 17")


def test_columns_are_chosen_questions_answered_values_given_a_meaning_and_the_outcome_is_undone_in_part_and_whole(
    site: Site, drain: Callable[[], int], work: Work
) -> None:
    accounts = work.records(ACCOUNT)
    there = accounts.create({"name": "Siemens", "city": "Bonn", "phone": "+49 228 1"})
    rows = [
        ["Betrieb", "Town", "Phone", "Size", "Established"],
        ["Siemens", "Munich", "+49 89 2", "huge", "1847"],
        ["Bosch", "Ulm", "", "Key", "1886"],
    ]
    at = way(sent(site, written(rows)))
    form = site.get(at)
    assert "These required fields have no column: Name." in form.text
    # What is chosen is looked at again: a field of choices asks for what its values mean.
    again = site.post(at, chosen(form, act="again", **{"field.0": "name", "field.3": "tier", "field.4": "", "rule.2": "never"}))
    assert again.status == 200 and "These required fields" not in again.text
    assert again.texts("//details[@class='meanings']/summary") == ["1 of 2 values are not recognised yet"]
    twice = site.post(at, chosen(again, **{"field.4": "tier"}))
    assert twice.status == 400 and "both map to the field" in " ".join(twice.texts("//*[@role='alert']"))
    dry_at = way(
        site.post(
            at,
            chosen(again, mode="upsert", match="name", silent="on", **{"value.tier.0": "key", "rule.2": "never", "set.notes": "From 2026"}),
        )
    )
    drain()
    dry = site.get(dry_at)
    assert tally(dry) == {"will be created": "1", "will be updated": "1", "can’t be imported": "0"}
    back = site.get(str(dry.links()["Back to columns"]).removeprefix(ROOT))
    assert (back.form()["field.0"], back.form()["mode"], back.form()["rule.2"], back.form()["value.tier.0"]) == (
        "name",
        "upsert",
        "never",
        "key",
    )
    real_at = way(site.post(dry_at, chosen(dry, act="run")))
    drain()
    changed, made = accounts.values([id_of(there)])[id_of(there)], next(row for row in accounts.find(()) if row["name"] == "Bosch")
    assert (changed["city"], changed["phone"], changed["tier"], changed["notes"]) == ("Munich", "+49 228 1", "key", "From 2026")
    done = site.get(real_at)
    assert (tally(done), "succeeded" in done.all("//*[@id='import']//*[contains(@class, 'chip')]")[0].text_content().lower()) == (
        {"Created": "1", "Updated": "1", "Failed": "0"}, True,
    )  # fmt: skip
    origin = site.get(f"/customers/accounts/{made['id']}")
    assert "Created by the import of rows.csv, row 2" in origin.text

    # The next file with these headings asks for nothing.
    known = site.get(way(sent(site, written(rows))))
    assert "A file with these headings was imported before (rows.csv)" in known.text
    assert (known.form()["field.0"], known.form()["field.4"], known.form()["mode"], known.form()["value.tier.0"]) == (
        "name",
        "",
        "upsert",
        "key",
    )

    # One row first, then all; what somebody has edited since is a conflict and never a silent loss.
    assert way(site.post(real_at, {"act": "undo", "row": "1"})) == real_at
    drain()
    assert accounts.values([id_of(there)])[id_of(there)]["city"] == "Bonn"
    site.api.patch(f"/api/v1/{ACCOUNT.replace('.', '/')}s/{made['id']}", {"city": "Stuttgart"})
    asked = site.get(f"{real_at}/undo")
    assert "1 record it created moves to the recycle bin." in asked.text
    way(site.post(real_at, chosen(asked, act="undo")))
    assert "The import is being undone" in site.get(real_at).text
    drain()
    undone = site.get(real_at)
    assert "Partly undone" in undone.text and "edited since by" in undone.text
    history = site.get("/import_export/imports")
    assert [row[:3] for row in history.rows()] == [["rows.csv", "Accounts", "Partly undone"]]
    assert len(site.get("/import_export/imports", {"show": "checks"}).rows()) == 1


@pytest.mark.parametrize("mode", ["update", "upsert"])
def test_records_are_found_by_our_own_ids_where_a_file_has_them(site: Site, drain: Callable[[], int], work: Work, mode: str) -> None:
    accounts = work.records(ACCOUNT)
    there = [id_of(accounts.create({"name": name, "city": "Bonn"})) for name in ("Siemens", "Bosch")]
    at = way(sent(site, written([["Id", "Account name", "City"], *([id, name, "Ulm"] for id, name in zip(there, "AB", strict=True))])))
    form = site.get(at)
    assert form.form()["field.0"] == "id", "they look like ours"
    assert "id" in form.all("//input[@name='match']/@value")
    dry_at = way(site.post(at, chosen(form, mode=mode, match="id")))
    drain()
    dry = site.get(dry_at)
    assert (tally(dry)["will be updated"], tally(dry)["can’t be imported"]) == ("2", "0")
    way(site.post(dry_at, chosen(dry, act="run")))
    drain()
    assert sorted((str(row["name"]), row["city"]) for row in accounts.find(())) == [("A", "Ulm"), ("B", "Ulm")]
    theirs = site.get(way(sent(site, "Id,Name\n0015g000,Alder\n")))
    assert theirs.form()["field.0"] == "", "of another system they are not"


def test_who_may_brings_history_by_the_pages(site: Site, drain: Callable[[], int], work: Work, people: People) -> None:
    account = work.records(ACCOUNT).create({"name": "Alder"})
    file = "Number,Subject,Account,State,Issued on\nR-7,Pumps,Alder,Issued,2019-03-01\n"
    at = way(sent(site, file, entity="orders.invoice"))
    form = site.get(at)
    assert form.form()["field.0"] == ""
    again = site.post(at, chosen(form, act="again", history="on"))
    assert [again.form()[f"field.{place}"] for place in range(5)] == ["number", "name", "account", "state", "issued_on"]
    dry_at = way(site.post(at, chosen(again)))
    drain()
    way(site.post(dry_at, chosen(site.get(dry_at), act="run")))
    drain()
    (invoice,) = work.records("orders.invoice").find(())
    assert (invoice["number"], invoice["state"], invoice["account"], invoice["history"]) == ("R-7", "issued", account["id"], True)
    manager = Site(site.api.as_user(people.manager))
    assert not manager.get(way(sent(manager, "Name\nX\n", entity="orders.order"))).all("//input[@name='history']")


def test_what_cannot_be_read_says_why_and_what_to_do_and_what_is_left_out_is_taken_back(
    client: Api, people: People, drain: Callable[[], int], work: Work
) -> None:
    site = Site(client.as_user(people.rep))
    chinese = "名称,城市\n华为,深圳\n".encode("gb18030")
    refused = sent(site, b"\x81\x82\x83,\xfe\xfe\n\xa0\xff,\xc0\n")
    assert refused.status == 422 and refused.all("//select[@name='encoding']") and refused.all("//*[@role='alert']//*")
    assert sent(site, "").status == 422 and work.records("import_export.file").find(()) == []
    at = way(sent(site, chinese, encoding="gb18030"))
    assert [one.get("value") for one in site.get(at).all("//select[@data-search]//option[@selected]")] == ["name", "city"]
    # Where day and month may be either, both readings of a real date are shown, and one has to be chosen.
    ambiguous = site.get(way(sent(site, "First name,Last name,Account,Birthday\nAda,Lovelace,,03/04/1990\n", entity="customers.contact")))
    assert ambiguous.form()["field.0"] == ambiguous.form()["field.1"] == "name" and "joined: First name + Last name" in ambiguous.text
    readings = ambiguous.texts("//fieldset[contains(@class, 'question')]//strong")
    assert sorted(readings) == ["1990-03-04", "1990-04-03"]

    dry_at = way(site.post(at, site.get(at).form()))
    drain()
    every = site.get(dry_at, {"show": "all"})
    assert way(site.post(f"{dry_at}?show=all", chosen(every, leave="1", act=""))) == f"{dry_at}?show=all"
    left = site.get(dry_at, {"show": "all"})
    assert left.texts("//tr[@id='r-1']//button") == ["Restore"]
    site.post(f"{dry_at}?show=all", chosen(left, back="1", act=""))
    cells = site.get(f"{dry_at}/rows/1", {"show": "all"})
    assert cells.form()["cell.1.1"] == "深圳"
    way(site.post(f"{dry_at}/rows/1?show=all", chosen(cells, **{"cell.1.1": "东莞"})))
    assert site.get(dry_at, {"show": "all"}).texts("//tr[@id='r-1']//td[contains(@class, 'mended')]") == ["东莞"]
    assert site.get(f"{dry_at}/rows/7").status == 404 and site.get(dry_at, {"show": "odd"}).status == 404
    other = Site(client.as_user(people.reps[1][0]))
    assert [other.get(path).status for path in (dry_at, at, f"{dry_at}/rows/1")] == [404] * 3
    assert other.post(dry_at, {"act": "run"}).status == 404

    cancelled = way(site.post(dry_at, {"act": "run"}))
    assert way(site.post(cancelled, {"act": "cancel"})) == cancelled
    drain()
    assert "The import was cancelled" in site.get(cancelled).text and work.records(ACCOUNT).find(()) == []
    real = way(site.post(dry_at, {"act": "run"}))
    drain()
    asked = site.get(f"{real}/undo")
    assert "You don’t have permission to delete Accounts: the 1 record it created stays." in asked.text
    way(site.post(real, chosen(asked, act="undo")))
    drain()
    assert "you don’t have permission to delete Account" in (said := site.get(real).text) and ACCOUNT not in said
    template = ROOT + "/import_export/template"
    assert [site.api.get(template, {"entity": ACCOUNT, "format": one}).status_code for one in ("csv", "xlsx", "pdf")] == [200, 200, 404]
    assert site.get(f"{AT}/new", {"entity": "core.audit"}).status == 404
    assert f"{ROOT}{AT}/new?entity={ACCOUNT}" in site.get(f"{AT}/new").all("//main//a/@href")
    for name in ("from_hubspot", "from_odoo", "from_salesforce", "import_export"):
        client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False})
    assert (site.get(AT).status, site.get(f"{AT}/new").status, site.get(dry_at).status) == (404, 404, 404)
    assert "Import" not in site.get("/customers/accounts").links()


def test_the_sheets_of_a_workbook_are_looked_at_mended_imported_and_undone_together(
    site: Site, drain: Callable[[], int], work: Work
) -> None:
    book = Workbook()
    sheets = {
        "Contacts": [["Name", "Account"], ["Ada", "Engines"], ["Eve", "Nowhere"]],
        "Accounts": [["Name", "Founded in"], ["Engines", "early"]],
        "Notes to self": [["What"], ["none"]],
    }
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.remove(book.worksheets[0])
    content = io.BytesIO()
    book.save(content)
    at = way(sent(site, content.getvalue(), "all.xlsx", entity="workbook"))
    assert site.get(at).rows() == [["Accounts", "Accounts", "1"], ["Contacts", "Contacts", "2"], ["Notes to self", "is skipped", ""]]
    dry_at = way(site.post(at, site.get(at).form()))
    drain()
    dry = site.get(dry_at)
    assert [row[2] for row in dry.rows()] == ["can’t be imported 1", "can’t be imported 2"]
    sheet_at = str(dry.all("//main//td/a/@href")[0]).removeprefix(ROOT)
    one = site.get(sheet_at)
    assert [box.get("value") for box in one.all("//input[@aria-invalid='true']")] == ["early"]
    assert site.post(sheet_at, chosen(one, act="run")).status == 409
    way(site.post(sheet_at, {**chosen(one, act="mend"), "cell.1.1": "1834"}))
    stale = site.get(dry_at)
    assert "Something was fixed since" in stale.text
    again_at = way(site.post(dry_at, chosen(stale, act="check")))
    drain()
    assert tally(site.get(again_at)) == {"will be created": "2", "can’t be imported": "1"}
    real_at = way(site.post(again_at, chosen(site.get(again_at), act="run")))
    drain()
    done = site.get(real_at)
    assert tally(done) == {"Created": "2", "Failed": "1"} and "Some rows were rejected" in done.text
    assert [row[:3] for row in site.get("/import_export/imports").rows()] == [["all.xlsx", "A workbook with several sheets", "Partial"]]
    way(site.post(real_at, chosen(site.get(f"{real_at}/undo"), act="undo")))
    drain()
    assert "The import was undone" in site.get(real_at).text
    assert work.records(ACCOUNT).find(()) == [] == work.records("customers.contact").find(())


@pytest.mark.feature("C18")
def test_the_files_of_another_system_are_checked_brought_in_and_undone_together(
    site: Site, drain: Callable[[], int], work: Work, people: People
) -> None:
    assert site.get(f"{AT}/new").links()["From another system"] == f"{ROOT}{MIGRATE}"
    form = site.get(MIGRATE).form()
    assert "choose a file first" in site.post(MIGRATE, form).text
    parts = [
        (io.BytesIO(content.encode()), name) for name, content in {**HUBSPOT, "tickets.csv": "Ticket ID\n1\n"}.items() if name in FILES
    ]
    sent_ = Look(site.api.call("POST", f"{ROOT}{MIGRATE}", data={**form, "file": parts}, content_type="multipart/form-data"))
    dry_at = way(sent_)
    drain()
    dry = site.get(dry_at)
    assert dry.rows()[:2] == [
        ["companies.csv", "Accounts", "will be created 2, will be updated 1"],
        ["contacts.csv", "Contacts", "will be created 3, can’t be imported 1"],
    ]
    assert "tickets.csv" in dry.text and "HubSpot" in dry.text
    assert work.records(ACCOUNT).find(()) == []
    theirs = dry.texts("//label[starts-with(@for, 'o-')]")
    place = next(place for place, name in enumerate(theirs) if name.startswith("Jane Doe"))
    boss = str(work.records("core.user").values([people.manager])[people.manager]["email"])
    real_at = way(
        site.post(dry_at, {**dry.form(), "theirs": dry.all("//input[@name='theirs']/@value"), f"ours.{place}": boss, "act": "run"})
    )
    drain()
    done = site.get(real_at)
    assert [row[2] for row in done.rows()[:2]] == ["Succeeded", "Partial"]
    assert {row["owner"] for row in work.records(ACCOUNT).find(()) if row["name"] == "Alder Foods"} == {people.manager}
    assert [row[:2] for row in site.get(AT).rows()] == [[", ".join(FILES), "From another system"]]
    way(site.post(real_at, chosen(site.get(f"{real_at}/undo"), act="undo")))
    drain()
    assert "The import was undone" in site.get(real_at).text
    assert work.records(ACCOUNT).find(()) == [] == work.records("customers.contact").find(())


def test_a_currency_that_contradicts_its_amount_is_mended_where_it_stands(site: Site, drain: Callable[[], int], work: Work) -> None:
    columns_at = way(sent(site, written([["Name", "Annual revenue", "Currency"], ["One", "$5", "EUR"], ["Two", "7", "EUR"]])))
    dry_at = way(site.post(columns_at, site.get(columns_at).form()))
    drain()
    dry = site.get(dry_at)
    assert tally(dry) == {"will be created": "1", "can’t be imported": "1"}
    assert [(one.get("name"), one.get("value")) for one in dry.all("//input[@aria-invalid='true']")] == [("cell.1.2", "EUR")]
    assert "Annual revenue: currency" in dry.text
    assert "of the file is skipped" not in dry.text, "all three columns are taken"


def test_numbers_that_are_none_or_too_long_are_no_error_of_ours(site: Site, drain: Callable[[], int]) -> None:
    columns = way(sent(site, written([["Name", "Founded in"], ["A", "x"]])))
    at = way(site.post(columns, site.get(columns).form()))
    drain()
    long = "1" * 5_000
    assert site.post(at, {**site.get(at).form(), f"cell.1.{long}": "x", f"cell.{long}.1": "x", "leave": long}).status in (200, 303)
    assert site.get(at, {"cursor": "r\u00b2"}).status == 400
