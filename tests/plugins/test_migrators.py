"""What other systems export is brought in as a whole: recognised, linked by their ids, with owners found, and undone as one."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People, type_work_as
from plugins.import_export import imports
from plugins.import_export.journal import IMPORT, page
from plugins.import_export.migrating import unlinked
from plugins.import_export.migrating.archive import is_archive
from plugins.import_export.migrating.recognition import importer_of
from plugins.import_export.migrating.running import MIGRATION, Asked, begin, carry_out
from plugins.import_export.migrating.translation import Translation
from sdk import BadRequest, Context, Importer, Text, where
from sdk.context import Row, id_of
from tests.journeys.commands import Dealwright, dealwright
from tests.plugins.process import Process

command = dealwright
MIGRATIONS = "/api/v1/import_export/migrations"
COMPANIES = """Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry,Company Domain Name,Number of Employees,Annual Revenue,Parent Company ID
9001,Alder Foods,Jane Doe,2024-01-02 10:00,+1 415 555 0100,Berlin,Germany,Food,alder.example,250,1500000,9002
9002,Birch Group,rep00@x.example,2024-01-02 10:00,,Paris,France,,,,,
9003,Alder Foods,Jane Doe,2024-01-02 10:00,,,,,,,,
"""
CONTACTS = """Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Job Title,Associated Company,Associated Company IDs,Associated Company IDs (Primary)
501,Ann,Lee,ann@alder.example,,Jane Doe,,Buyer,Alder Foods;Birch Group,9001;9002,9001
502,Bo,,bo@birch.example,,Gone Person,,,Birch Group,9002,
503,Cy,Lost,not-a-mail,,,,,,,
504,,,only@mail.example,,,,,,,
"""
DEALS = """Record ID,Deal Name,Deal Stage,Pipeline,Close Date,Deal owner,Amount,Currency,Closed Lost Reason,Closed Won Reason,Associated Contact IDs,Associated Company IDs
7001,Ovens,Presentation Scheduled,Sales Pipeline,2026-09-30 12:00,Jane Doe,12000.50,USD,,,501,9001
7002,Trucks,Closed lost (Sales Pipeline),Sales Pipeline,2026-01-30 12:00,,900,USD,they went elsewhere,,,9002
7003,Lamps,Closed Won,Sales Pipeline,2026-01-30 12:00,,900,USD,,product,,9999
"""
NOTES = """Record ID,Activity date,Note body,Activity assigned to,Associated Contact IDs,Associated Company IDs,Associated Deal IDs
1,2024-03-01 10:15,"<p>Called &amp; agreed.</p><p>Second line</p>",Jane Doe,501,9001,7001
2,2024-03-02 10:15,Sent a brochure,,502,,
"""
TASKS = """Record ID,Task Title,Due date,Task Status,Priority,Task Type,Assigned to,Associated Contact IDs,Associated Deal IDs
31,Send the offer,2026-09-01 09:00,Not started,HIGH,TO_DO,Jane Doe,501,7001
32,Call back,2024-03-02 10:15,Completed,None,CALL,,502,
"""
HUBSPOT = {
    "companies.csv": COMPANIES,
    "contacts.csv": CONTACTS,
    "deals.csv": DEALS,
    "crm-exports-all-notes-2026.csv": NOTES,
    "crm-exports-all-tasks-2026.csv": TASKS,
    "tickets.csv": "Ticket ID\n1\n",
}
DATA = Path(os.environ.get("DEALWRIGHT_REAL_DATA", "nowhere"))


class _Both:
    """Two plugins that read what one system exports."""

    def declared(self, _kind: object) -> list[Importer]:
        """Their importers."""
        return [Importer("crm", plugin=plugin, label=Text("CRM"), sources=()) for plugin in ("from_one", "from_other")]


@pytest.mark.feature("P12")
def test_of_two_importers_with_the_same_key_each_is_asked_for_in_full() -> None:
    both = cast("Context", _Both())
    assert importer_of(both, "from_other.crm", ()).plugin == "from_other"
    with pytest.raises(BadRequest) as refused:
        importer_of(both, "crm", ())
    assert "from_one.crm, from_other.crm" in str(refused.value)


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def migrated(client: Api, drain: Callable[[], int], process: Process) -> Callable[..., dict[str, Any]]:
    """Sends files, lets the work be done, and answers what became of it."""

    def migrate(name: str, content: bytes, **more: Any) -> dict[str, Any]:
        begun = client.call("POST", MIGRATIONS, data={"file": (io.BytesIO(content), name), **more}, content_type="multipart/form-data")
        assert begun.status_code == 202, begun.text
        drain()
        done = client.get(begun.headers["Location"]).json
        assert isinstance(done, dict)
        return done

    return migrate


def by_name(work: Work, entity: str, name: str = "name") -> dict[str, Mapping[str, object]]:
    return {str(row[name]): row for row in work.records(entity).find(())}


@pytest.mark.feature("C18")
def test_an_export_of_hubspot_brings_accounts_contacts_deals_and_notes_with_their_owners(
    client: Api, work: Work, people: People, migrated: Callable[..., dict[str, Any]]
) -> None:
    jane, rep = people.reps[0][0], people.reps[0][1]
    work.records("core.user").update(jane, {"name": "Jane Doe"})
    work.records("core.user").update(rep, {"email": "rep00@x.example"})
    rehearsed = migrated("hubspot-export.zip", zipped(HUBSPOT), dry_run="true")
    assert not work.records("customers.account").find(())
    done = migrated("hubspot-export.zip", zipped(HUBSPOT))
    counts = ("created", "updated", "unchanged", "skipped", "failed")
    assert [rehearsed[name] for name in counts] == [done[name] for name in counts]
    assert (done["system"], done["state"], done["unknown"]) == ("from_hubspot.hubspot", "partial", ["tickets.csv"]), json.dumps(
        done, indent=1
    )
    accounts, contacts, deals = by_name(work, "customers.account"), by_name(work, "customers.contact"), by_name(work, "pipeline.deal")
    assert (set(accounts), set(contacts), set(deals)) == (
        {"Alder Foods", "Birch Group"},
        {"Ann Lee", "Bo", "only@mail.example"},
        {"Ovens", "Trucks", "Lamps"},
    )
    alder, birch, ann = accounts["Alder Foods"], accounts["Birch Group"], contacts["Ann Lee"]
    assert (alder["owner"], birch["owner"], alder["parent"], alder["website"]) == (jane, rep, birch["id"], "https://alder.example")
    assert (ann["account"], ann["owner"], contacts["Bo"]["account"]) == (alder["id"], jane, birch["id"])
    stages = {id_of(row): row["key"] for row in work.records("pipeline.stage").find(())}
    assert [stages[deals[name]["stage"]] for name in ("Ovens", "Trucks", "Lamps")] == ["proposal", "lost", "won"]  # type: ignore[index]
    reasons = {id_of(row): row["key"] for kind in ("lost", "won") for row in work.records(f"pipeline.{kind}_reason").find(())}
    assert [[reasons.get(deals[name][f"{kind}_reason"]) for kind in ("lost", "won")] for name in ("Ovens", "Trucks", "Lamps")] == [  # type: ignore[call-overload]
        [None, None], ["other", None], [None, "product"],
    ]  # fmt: skip
    assert (deals["Ovens"]["account"], deals["Ovens"]["contact"], deals["Ovens"]["owner"]) == (alder["id"], ann["id"], jane)
    assert ("they went elsewhere" in str(deals["Trucks"]["notes"]), deals["Lamps"]["account"]) == (True, None)
    notes = by_name(work, "teamwork.activity", "subject")
    note = notes["Called & agreed."]
    assert (note["notes"], note["kind"], note["owner"]) == ("Called & agreed.\nSecond line", "note", jane)
    assert note["about"].id == deals["Ovens"]["id"]  # type: ignore[attr-defined]
    tasks = by_name(work, "teamwork.task", "subject")
    offer, back = tasks["Send the offer"], tasks["Call back"]
    assert (offer["state"], offer["priority"], str(offer["due_on"]), offer["owner"]) == ("open", "high", "2026-09-01", jane)
    assert (back["state"], back["priority"], back["about"].id) == ("done", "normal", contacts["Bo"]["id"])  # type: ignore[attr-defined]
    assert done["owners"] == {"matched": {"Jane Doe": "Jane Doe", "rep00@x.example": "rep01"}, "unknown": {"Gone Person": 1}} or done[
        "owners"
    ]["unknown"] == {"Gone Person": 1}
    parts = {one["entity"]: one for one in done["imports"]}
    assert (parts["customers.contact"]["failed"], parts["pipeline.deal"]["loose"]) == (1, 1)
    (bad,) = parts["customers.contact"]["problems"]
    assert (bad["row"], bad["column"]) == (3, "email")
    (unlinked,) = (one for one in parts["pipeline.deal"]["problems"] if one["code"] == "open_link")  # no file has that company
    assert (unlinked["row"], unlinked["outcome"], unlinked["column"], unlinked["value"]) == (3, "warned", "Associated Company IDs", "9999")
    assert done["warned"] == rehearsed["warned"] == sum(one["warned"] for one in parts.values()) >= 1
    again = migrated("hubspot-export.zip", zipped(HUBSPOT))
    assert again["created"] == 0
    assert {one["entity"]: one["known"] for one in again["imports"]}["pipeline.deal"] == 3


def test_a_migration_is_undone_as_one(client: Api, work: Work, migrated: Callable[..., dict[str, Any]], drain: Callable[[], int]) -> None:
    work.records("customers.account").create({"name": "Birch Group", "city": "Lyon"})
    done = migrated("hubspot-export.zip", zipped(HUBSPOT))
    birch = by_name(work, "customers.account")["Birch Group"]
    assert (birch["city"], birch["country"]) == ("Lyon", "France")  # what was there stays, what was lacking is filled in
    assert client.post(f"{MIGRATIONS}/{done['id']}/undo").status_code == 202
    drain()
    undone = client.get(f"{MIGRATIONS}/{done['id']}").json
    assert (undone["state"], undone["conflicts"]) == ("undone", 0), json.dumps(undone, indent=1)
    assert [work.records(name).find(()) for name in ("customers.contact", "pipeline.deal", "teamwork.activity")] == [[], [], []]
    (left,) = work.records("customers.account").find(())
    assert (left["city"], left["country"]) == ("Lyon", None)
    assert migrated("hubspot-export.zip", zipped(HUBSPOT))["created"] > 5  # its ids are known no more


def test_whose_files_these_are_is_found_out_or_asked(client: Api, migrated: Callable[..., dict[str, Any]], people: People) -> None:
    assert {one["system"] for one in client.get(MIGRATIONS).json["data"]} == {"hubspot", "salesforce", "odoo"}
    other = migrated("x.zip", zipped({"a.csv": "Foo,Bar\n1,2\n"}))
    assert (other["state"], "hubspot, odoo, salesforce" in other["reason"]) == ("failed", True)
    broken = zipped(HUBSPOT).replace(b"PK\x01\x02", b"PK\x01\x03")
    for content in (b"PK\x03\x04broken", broken, zipped({"../../evil.csv": "Foo\n1\n"}), zipped({})):
        assert migrated("x.zip", content)["state"] == "failed"
    for more in ({"from": "sap"}, {"owner": "Jane Doe=nobody@here.example"}):
        assert migrated("x.zip", zipped(HUBSPOT), **more)["state"] == "failed"
    bad = client.call("POST", MIGRATIONS, data={"file": (io.BytesIO(b"x"), "x.csv"), "value": "stage"}, content_type="multipart/form-data")
    assert (bad.status_code, client.as_user(people.reps[0][0]).get(f"{MIGRATIONS}/{other['id']}").status_code) == (400, 404)


SALESFORCE = {
    "User.csv": '"Id","Username","LastName","FirstName","Name","Email"\n"005A","jd@sf","Doe","Jane","Jane Doe","manager0@x.example"\n',
    "Account.csv": '"Id","IsDeleted","Name","AnnualRevenue","ParentId","OwnerId"\n"001A","0","Alder","1.5E7","","005A"\n"001B","1","Gone","","",""\n',
    "Contact.csv": '"Id","AccountId","LastName","FirstName","Email","OwnerId"\n"003A","001A","Lee","Ann","ann@x.example","005A"\n',
    "Lead.csv": '"Id","LastName","FirstName","Company","LeadSource","IsConverted","ConvertedDate","ConvertedAccountId","ConvertedContactId",'
    '"ConvertedOpportunityId"\n"00QA","Ray","Mo","Ray Ltd","Web","0","","","",""\n"00QB","Old","It","Old","","1","","","",""\n'
    '"00QC","Lee","Ann","Alder","Web","true","2026-01-02","001A","003A","006A"\n',
    "Opportunity.csv": '"Id","AccountId","Name","StageName","Amount","CloseDate","OwnerId"\n"006A","001A","Ovens","Negotiation/Review","50","2026-10-01","005A"\n',
    "Task.csv": '"Id","WhoId","WhatId","Subject","ActivityDate","Status","OwnerId","Description"\n"00TA","003A","006A","Call","2026-09-01","Completed","005A","x"\n'
    '"00TB","00QC","","Welcome","2026-01-01","Completed","005A",""\n',
}


def test_a_data_export_of_salesforce_is_linked_by_its_ids_and_its_users(
    work: Work, people: People, migrated: Callable[..., dict[str, Any]], work_as: type_work_as
) -> None:
    work.records("core.user").update(people.managers[0], {"email": "manager0@x.example"})
    done = migrated("WE_00D_1.ZIP", zipped(SALESFORCE))
    assert (done["state"], done["created"], done["owners"]["matched"]) == ("succeeded", 7, {"Jane Doe": "manager0"}), json.dumps(
        done, indent=1
    )
    (account,), (contact,), (deal,) = (work.records(name).find(()) for name in ("customers.account", "customers.contact", "pipeline.deal"))
    (task, welcome), (lead, won) = (by_name(work, "teamwork.task", "subject").values(), by_name(work, "leads.lead").values())
    assert (won["state"], str(won["converted_at"])[:10], lead["state"]) == ("converted", "2026-01-02", "new")
    assert (won["account"], won["contact"], won["deal"]) == (account["id"], contact["id"], deal["id"]), "what became of it is told there"
    assert welcome["about"].id == won["id"], "what was done with it before is its own"  # type: ignore[attr-defined]
    (leads,) = (one for one in done["imports"] if one["entity"] == "leads.lead")
    assert (leads["left_out"], leads["loose"]) == (1, 0), "of the other nobody says when it was converted"
    manager = work_as(people.managers[0])
    assert not manager.can(imports.HISTORY)
    asked = Asked("Lead.csv", system="salesforce", dry_run=True)
    tried = carry_out(manager, begin(manager, asked), asked, io.BytesIO(SALESFORCE["Lead.csv"].encode()))
    (part,) = json.loads(str(tried["wish"]))["report"]["imports"]
    assert (part["state"], part["left_out"], part["known"]) == ("empty", 2, 1), "who may not bring history in leaves out what is such"
    assert (account["revenue"].amount, account["owner"]) == (15_000_000, people.managers[0])  # type: ignore[attr-defined]
    assert (deal["account"], task["about"].id, task["state"], lead["company"]) == (account["id"], deal["id"], "done", "Ray Ltd")  # type: ignore[attr-defined]


def test_a_migration_that_was_killed_goes_on_with_each_row_once_and_takes_words_of_theirs_as_it_is_told(
    work: Work, people: People, process: Process, monkeypatch: pytest.MonkeyPatch, command: Dealwright, tmp_path: Path
) -> None:
    content = zipped({**HUBSPOT, "deals.csv": DEALS.replace("Presentation Scheduled", "Demo booked")})
    (tmp_path / "x.zip").write_bytes(content)
    asked = ("--value", "pipeline.deal.stage:Demo booked=needs-analysis", "--owner", "Jane Doe=rep00")
    migrate = ("migrate", str(tmp_path / "x.zip"), "--tenant", work.tenant.name)
    found, left = Translation.found_out, [3]

    def killed(self: Translation) -> dict[str, object]:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return found(self)

    monkeypatch.setattr(Translation, "found_out", killed)
    stopped = command.run(*migrate, *asked)
    monkeypatch.undo()
    (record,) = work.records(IMPORT).find(where(entity=MIGRATION))
    assert (record["state"], f"--resume {record['id']}" in stopped.output) == ("failed", True), stopped.output
    (tmp_path / "y.zip").write_bytes(zipped(HUBSPOT))
    other = command.run("migrate", str(tmp_path / "y.zip"), *migrate[2:], "--resume", str(record["id"]))
    assert "isn’t the file" in other.output, other.output
    ended = command.run(*migrate, "--resume", str(record["id"]))  # with what was asked for then
    assert ended.exit_code == 3, ended.output
    for told in (
        "owner 'Gone Person' is nobody here (1 rows)",
        "pipeline.deal: 3 created, 1 warned, 1 links open",
    ):  # of files that had ended
        assert told in ended.output, ended.output
    (done,) = work.records(IMPORT).find(where(entity=MIGRATION))
    assert (done["state"], done["created"], done["reason"]) == ("partial", 12, None)
    assert {name: len(work.records(name).find(())) for name in ("customers.account", "customers.contact", "pipeline.deal")} == {
        "customers.account": 2, "customers.contact": 3, "pipeline.deal": 3,
    }  # fmt: skip
    deal = by_name(work, "pipeline.deal")["Ovens"]
    assert (deal["stage"], deal["contact"]) == (process.stages["needs-analysis"], by_name(work, "customers.contact")["Ann Lee"]["id"])


def test_a_migration_skips_totals_and_words_for_nothing_where_that_is_asked_for(work: Work) -> None:
    content = b"Record ID,Company name,City,Number of Employees\n1,A,N/A,5\n,Total,,5\n"

    def brought(**more: Any) -> Any:
        asked = Asked("companies.csv", system="hubspot", **more)
        return carry_out(work, begin(work, asked), asked, io.BytesIO(content))

    done = brought(totals="skip", nothing="all")
    assert [done[name] for name in ("state", "created", "skipped")] == ["succeeded", 1, 1]
    assert by_name(work, "customers.account")["A"]["city"] is None
    plain = brought()
    assert [plain[name] for name in ("state", "created", "warned")] == ["succeeded", 1, 1]


@pytest.mark.parametrize("dry_run", [True, False])
def test_two_records_of_theirs_that_share_a_name_are_two_unless_nothing_in_them_differs(work: Work, dry_run: bool) -> None:
    """Their ids tell them apart; what one says and the other does not is no difference, so that doubles of one company become one."""
    work.records("customers.account").create({"name": "Birch", "city": "Lyon"})
    content = "Record ID,Company name,City,Country/Region\n1,Alder,Berlin,\n2,Alder,Paris,\n3,Alder,,\n4,Alder,Paris,France\n5,Birch,Bonn,France\n"
    asked = Asked("companies.csv", system="hubspot", dry_run=dry_run)
    done = carry_out(work, begin(work, asked), asked, io.BytesIO(content.encode()))
    assert [done[name] for name in ("created", "updated", "unchanged", "failed")] == [2, 2, 1, 0]
    if not dry_run:
        rows = [(row["name"], row["city"], row["country"]) for row in work.records("customers.account").find(())]
        assert rows == [("Birch", "Lyon", "France"), ("Alder", "Berlin", None), ("Alder", "Paris", "France")]
        people = b"Record ID,First Name,Last Name,Email,Associated Company IDs\n7,Ann,Lee,,2\n8,Bo,May,,4\n9,Cy,Ray,,1\n"
        asked = Asked("contacts.csv", system="hubspot")
        assert carry_out(work, begin(work, asked), asked, io.BytesIO(people))["created"] == 3
        accounts = {id_of(row): row["city"] for row in work.records("customers.account").find(())}
        assert [accounts[row["account"]] for row in work.records("customers.contact").find(())] == ["Paris", "Paris", "Berlin"]  # type: ignore[index]


def test_a_migration_of_which_a_file_could_not_be_read_is_partial_and_each_link_that_stays_open_is_told_of_a_row(work: Work) -> None:
    """Ids that no file has; a table that no importer knows keeps nothing back."""
    contacts = b"Id,LastName,AccountId,Email\n003A,Lee,001X,\n003B,Ray,000000000000000AAA,\n003C,May,001X,no-mail\n"
    case, damaged = {"Case.csv": b"Id,CaseNumber\n1,2\n"}, {"Account.xlsx": b"PK\x03\x04 cut off"}
    for files, told in (
        ({"Contact.csv": contacts}, ["partial", 2, 1, 1]),
        ({"Contact.csv": contacts.partition(b"003C")[0], **case}, ["succeeded", 0, 0, 0]),
        ({"Contact.csv": contacts.partition(b"003C")[0], **damaged}, ["partial", 0, 0, 0]),
    ):
        asked = Asked("x.zip", system="salesforce")
        done = carry_out(work, begin(work, asked), asked, io.BytesIO(zipped(files)))
        assert [done[name] for name in ("state", "created", "failed", "warned")] == told


def test_a_row_is_told_of_once_whatever_it_is_told_and_whenever_the_run_was_killed(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"Record ID,Company name,Number of Employees,Parent Company ID\n1,A,5,7\n2,B,6,7\n3,Total,11,7\n"
    asked, given = Asked("companies.csv", system="hubspot"), Translation.unlinked
    record = begin(work, asked)

    def killed(self: Translation) -> Any:
        yield from islice(given(self), 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(unlinked, "CHUNK", 1)
    monkeypatch.setattr(Translation, "unlinked", killed)
    with pytest.raises(KeyboardInterrupt):
        carry_out(work, record, asked, io.BytesIO(content))
    monkeypatch.undo()
    (part,) = work.records(IMPORT).find(where(part_of=id_of(record)))
    told = imports.rows(work, id_of(part), None, 9, "").data
    assert [(row["number"], row["code"]) for row in told] == [(1, "open_link"), (3, "totals")]
    done = carry_out(work, record, asked, io.BytesIO(content))
    assert [done[name] for name in ("state", "created", "warned")] == ["succeeded", 3, 3]
    rows, _after = page(work, part, None, 9, 0)
    codes = [[one["code"] for one in cast("list[Row]", row["problems"])] for row in rows]
    assert codes == [["open_link"], ["open_link"], ["totals", "open_link"]]
    assert len(imports.rows(work, id_of(part), None, 9, "").data) == 3


def test_a_workbook_of_old_that_has_a_zip_within_it_is_a_file_and_no_archive() -> None:
    archive = zipped({"theme.xml": b"<a/>"})
    found = [is_archive(io.BytesIO(content)) for content in (archive, b"\xd0\xcf\x11\xe0" + bytes(600) + archive, b"Id,Name\n")]
    assert found == [True, False, False]


@pytest.mark.skipif(not (DATA / "sf_dataloader").exists(), reason="the real files are not there")
def test_real_files_of_the_data_loader_and_of_odoo_are_taken(work: Work, migrated: Callable[..., dict[str, Any]]) -> None:
    folder = DATA / "sf_dataloader/src/main/resources/samples/data"
    files = {name: (folder / name).read_bytes() for name in ("accountData.csv", "opportunityData.csv")}
    value = [f"pipeline.deal.stage:{said}=first-contact" for said in ("x",)]
    done = migrated("loader.zip", zipped(files), encoding="cp1252", value=value)
    parts = {one["file"]: one for one in done["imports"]}
    told = parts["accountData.csv"]
    assert (told["created"], told["failed"]) == (423, 0), json.dumps(
        told, indent=1
    )  # telephone numbers as people write them in America, too
    told = parts["opportunityData.csv"]
    assert [told[name] for name in ("created", "failed", "loose")] == [38, 0, 0], json.dumps(told, indent=1)
    odoo = DATA / "odoo_templates"
    taken = migrated("odoo.zip", zipped({one.name: one.read_bytes() for one in odoo.glob("*.xls*")}))
    assert (taken["system"], taken["failed"]) == ("from_odoo.odoo", 0), json.dumps(taken, indent=1)[:4000]
    alone = migrated("mailing_contact.xls", (odoo / "mailing_contact.xls").read_bytes(), dry_run="true")
    assert (alone["system"], alone["failed"]) == ("from_odoo.odoo", 0), "a file of which Excel says how it looks in a zip within it"
    freeman = work.records("customers.contact").find(where(name="Brandon Freeman"))[0]
    azure = work.records("customers.account").find(where(name="Azure Interior"))[0]
    assert freeman["account"] == azure["id"]
    assert len(work.records("leads.lead").find(())) == 8


@pytest.mark.parametrize("dry_run", [True, False])
def test_of_two_rows_with_one_id_of_theirs_the_second_fills_in_the_first_or_is_refused_where_it_says_something_else(
    work: Work, process: Process, dry_run: bool
) -> None:
    """Also where no field is matched by; a row that says no more is told of. Of a record that was here before what it lacks is filled in, no more."""
    work.records("customers.account").create({"name": "Cedar"})
    companies = """Record ID,Company name,City,Country/Region,Annual Revenue
1,Alder,Berlin,,5
1,Alder,Paris,,5
1,Alder,Berlin,Germany,5
1,Other name,Berlin,,
2,Birch,,,
1,Alder,Berlin,,5
3,Cedar,Rome,,
3,Cedar,Bonn,,
"""
    deals = """Record ID,Deal Name,Deal Stage,Amount,Close Date,Associated Company IDs
7,Ovens,Closed Won,5,2026-01-30,1
7,Ovens,Closed Won,,2026-01-30,1
7,Ovens,Closed Won,6,2026-01-30,1
7,Ovens,Closed Lost,5,2026-01-30,1
"""
    asked = Asked("x.zip", system="hubspot", dry_run=dry_run)
    done = carry_out(work, begin(work, asked), asked, io.BytesIO(zipped({"companies.csv": companies, "deals.csv": deals})))
    report = {one["entity"]: one for one in json.loads(str(done["wish"]))["report"]["imports"]}
    told = {name: sorted((row["row"], row["outcome"], row["code"]) for row in one["problems"]) for name, one in report.items()}
    again = (1, "warned", "same_as_row")
    assert told == {
        "customers.account": [(2, "failed", "same_id"), (3, *again[1:]), (4, "failed", "same_id"), (6, *again[1:]), (8, *again[1:])],
        "pipeline.deal": [(2, *again[1:]), (3, "failed", "same_id"), (4, "failed", "same_id")],
    }
    assert "has the same ID '1' as row 1 of this file, but says something else" in report["customers.account"]["problems"][0]["reason"]
    assert [done[name] for name in ("state", "created", "updated", "unchanged", "failed")] == ["partial", 3, 2, 3, 4]
    if not dry_run:
        rows = [(row["name"], row["city"], row["country"]) for row in work.records("customers.account").find(())]
        assert rows == [("Cedar", "Rome", None), ("Alder", "Berlin", "Germany"), ("Birch", None, None)]
        (deal,) = work.records("pipeline.deal").find(())
        assert (deal["amount"].amount, deal["account"]) == (5, by_name(work, "customers.account")["Alder"]["id"])  # type: ignore[attr-defined]
