"""Who may ask for the data of a person and for their end, and what an erasure may not do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from werkzeug.test import TestResponse

from core.audit import chain
from core.cli import person as commands
from core.context import Work
from core.entities.ids import new_id
from core.entities.merged import merges
from core.events.tables import audit
from core.extension.catalog import Catalog
from core.extension.collect import _add_entity
from core.identity.leaving import leave
from core.identity.tables import Identity, sign_in_events
from core.platform import Platform
from core.privacy.erase import erase
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, People
from plugins.leads.conversion import Wish, convert
from plugins.orders.invoices import issue
from sdk import Channel, Conflict, DeclarationError, Entity, Record, _, where
from sdk import fields as f
from sdk.context import id_of
from sdk.fields import Reference
from tests.plugins.imports import Done

ERASURES, DISCLOSURES, CONTACTS = "/api/v1/core/erasures", "/api/v1/core/disclosures", "/api/v1/customers/contacts"
WHY = {"reason": "asked for it"}


@pytest.fixture
def contact(work: Work, people: People) -> UUID:
    """Somebody with notes and a comment, of the first representative."""
    account = id_of(work.records("customers.account").create({"name": "Alder Foods", "owner": people.rep}))
    values = {"name": "Xenia Quast", "email": "xenia@quast.example", "notes": "likes tea", "account": account, "owner": people.rep}
    made = id_of(work.records("customers.contact").create(values))
    work.records("teamwork.comment").create({"about": f"customers.contact:{made}", "body": "Xenia said yes"})
    return made


def record(contact: UUID) -> dict[str, object]:
    return {"record": f"customers.contact:{contact}"}


@pytest.mark.feature("B15")
def test_everything_about_a_person_is_given_out_as_far_as_its_reader_sees_it(
    client: Api, work: Work, people: People, contact: UUID, taken: Callable[..., Done], drain: Callable[[], int]
) -> None:
    work.records("customers.contact").update(contact, {"notes": "likes coffee"})
    work.records("orders.order").create({"name": "Tea", "account": work.records("customers.contact").values([contact])[contact]["account"],
                                         "contact": contact})  # fmt: skip
    taken("customers.contact", "name,birthday\nXenia Quast,no day\n")
    gone = work.records("teamwork.task").create({"subject": "Call Xenia", "about": f"customers.contact:{contact}", "owner": people.rep})
    work.records("teamwork.task").delete(id_of(gone))
    rows = "name,phone\nJonas Fremd,+49 30 1\nXenia Quast,+49 30 2\nPetra Fremd,+49 30 3\n"
    sent = {"file": (BytesIO(rows.encode()), "people.csv")}
    file = client.call("POST", "/api/v1/import_export/files", data=sent, content_type="multipart/form-data").json["id"]
    assert client.patch(f"/api/v1/import_export/files/{file}/rows/3", {"cells": {"phone": "+49 30 33"}}).status_code == 200
    whole = client.post(DISCLOSURES, record(contact))
    assert whole.status_code == 200, whole.text
    told = whole.json
    assert told["records"]["customers.contact"][0]["email"] == "xenia@quast.example"
    assert [row["body"] for row in told["records"]["teamwork.comment"]] == ["Xenia said yes"]
    assert [row["in_recycle_bin"] for row in told["records"]["teamwork.task"]] == [True]
    assert "Xenia Quast" in told["records"]["import_export.row"][0]["cells"]
    (book,) = (json.loads(row["book"]) for row in told["records"]["import_export.file"])
    assert [sheet["sample"] for sheet in book["sheets"]] == [[["Xenia Quast", "+49 30 2"]]]
    assert not [word for word in ("Fremd", "+49 30 1", "+49 30 3") if word in whole.text], "of a file the rows that name the person"
    assert [row["title"] for row in told["named_in"]["orders.order"]] == ["Tea"]
    assert ["likes tea", "likes coffee"] in [entry["changes"].get("notes") for entry in told["history"]]
    assert (told["withheld"], told["off"], told["format"]) == ([], [], "dealwright.person/1")
    assert client.get(f"{CONTACTS}/{contact}/history").json["data"][0]["action"] == "disclose"
    client.post("/api/v1/core/grants", {"role": "sales_rep", "permission": "customers.contact.disclose", "scope": "own"})
    client.post(
        "/api/v1/core/grants", {"role": "sales_rep", "permission": "customers.contact.read", "scope": "own", "only_fields": ["name"]}
    )
    seen = client.as_user(people.rep).post(DISCLOSURES, record(contact)).json
    assert sorted(seen["records"]["customers.contact"][0]) == ["id", "name", "version"]
    assert {name for entry in seen["history"] if entry["entity"] == "customers.contact" for name in entry["changes"]} == {"name"}
    assert {"entity": "import_export.row", "records": 1} in seen["withheld"]


def test_who_has_not_the_right_is_refused_and_the_attempt_is_kept(client: Api, work: Work, people: People, contact: UUID) -> None:
    owner, stranger = client.as_user(people.rep), client.as_user(people.reps[2][0])
    for path, word, body in ((ERASURES, "erase", WHY), (DISCLOSURES, "disclose", {})):
        assert owner.post(path, {**record(contact), **body}).status_code == 403
        client.post("/api/v1/core/grants", {"role": "sales_rep", "permission": f"customers.contact.{word}", "scope": "own"})
        assert stranger.post(path, {**record(contact), **body}).status_code == 404
        colleague = client.as_user(people.reps[0][1])
        assert colleague.post(path, {**record(contact), **body}).status_code == 403, "sees it, and the right is for own records"
    with work.transaction():
        query = sa.select(audit.c.changes).where(audit.c.tenant_id == work.tenant.id, audit.c.action == "refused")
        tried = [changes["permission"][1] for changes in work.connection.execute(query).scalars()]
    assert tried == ["customers.contact.erase", "customers.contact.disclose"]
    narrow = client.as_user(people.rep, allows=["customers.contact.read"])
    assert narrow.post(ERASURES, {**record(contact), **WHY}).status_code == 403, "a token does what it allows"
    assert owner.post(ERASURES, {**record(contact), **WHY}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"record": "customers.account:{id}", **WHY}, 400), ({"record": "nowhere.person:{id}", **WHY}, 404), ({"record": "{id}", **WHY}, 422),
        ({"record": "customers.contact:{id}"}, 422), ({"record": "customers.contact:{id}", "reason": " "}, 422),
        ({"record": "customers.contact:01890a5d-ac96-774b-bcce-b302099a8057", **WHY}, 404), ({}, 422),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_changes_nothing(client: Api, contact: UUID, body: dict[str, str], status: int) -> None:
    asked = {name: value.format(id=contact) for name, value in body.items()}
    assert client.post(ERASURES, asked).status_code == status
    assert client.get(f"{CONTACTS}/{contact}").json["name"] == "Xenia Quast"


def test_an_erased_person_comes_back_by_nothing(client: Api, work: Work, contact: UUID, taken: Callable[..., Done]) -> None:
    client.delete(f"{CONTACTS}/{contact}")
    done = client.post(ERASURES, {**record(contact), **WHY}).json
    assert {row["entity"]: row["records"] for row in done["erased"]} == {"customers.contact": 1, "teamwork.comment": 1}
    restored = client.post(f"{CONTACTS}/{contact}/restore")
    assert (restored.status_code, restored.json["name"], restored.json["email"], restored.json["notes"]) == (200, "(erased)", None, None)
    entries = client.get(f"{CONTACTS}/{contact}/history").json["data"]
    assert not {"Xenia", "xenia", "tea"} & {word for word in ("Xenia", "xenia", "tea") if word in json.dumps(entries)}
    again = client.post(ERASURES, {**record(contact), **WHY}).json
    assert (again["erased"], again["audit"], again["background"], again["files"]) == ([], 0, 0, 0), "the second finds nothing"
    assert len([entry for entry in client.get(f"{CONTACTS}/{contact}/history").json["data"] if entry["action"] == "erase"]) == 1
    assert client.post(CONTACTS, {"name": "Xenia Quast", "email": "xenia@quast.example"}).status_code == 201, "she is no double of nobody"
    counted = taken("customers.contact", "name,email\nXenia Quast,xenia@quast.example\n", mode="upsert", match=["email"])
    assert counted.counts == {"unchanged": 1}


def test_no_answer_that_is_kept_for_a_key_tells_of_an_erased_person(client: Api, contact: UUID) -> None:
    def send(key: str, method: str, path: str, body: dict[str, str]) -> TestResponse:
        return client.call(method, path, json=body, headers={"Idempotency-Key": key})

    of_her = ("k1", "PATCH", f"{CONTACTS}/{contact}", {"notes": "likes tea with milk"})
    names_her = ("k2", "POST", "/api/v1/core/teams", {"name": "Xenia Quast & Co"})
    of_another = ("k3", "POST", CONTACTS, {"name": "Xenia Quastler", "email": "other@quast.example"})
    first = [send(*one) for one in (of_her, names_her, of_another)]
    assert [answer.status_code for answer in first] == [200, 201, 201]
    assert client.post(ERASURES, {**record(contact), **WHY}).json["background"] >= 2
    for one in (of_her, names_her):
        again = send(*one)
        assert (again.status_code, again.json["code"]) == (409, "answer_erased")
        assert "milk" not in again.text
    assert send(*of_another).json == first[-1].json
    assert client.get(f"{CONTACTS}/{contact}").json["notes"] is None, "nor was it done again"
    assert len(client.get("/api/v1/core/teams", {"name": "Xenia Quast & Co"}).json["data"]) == 1


def test_an_erasure_covers_no_forgery(client: Api, platform: Platform, work: Work, contact: UUID) -> None:
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        mine = (audit.c.record_id == contact, audit.c.action == "create")
        connection.execute(audit.update().where(*mine).values(actor="somebody else"))
    client.post(ERASURES, {**record(contact), **WHY})
    broken = chain.verify(work).broken
    assert broken is not None
    assert (broken.what, broken.record) == ("edited", contact)


def test_what_an_erasure_left_in_the_audit_cannot_be_edited_either(client: Api, platform: Platform, work: Work, contact: UUID) -> None:
    client.post(ERASURES, {**record(contact), **WHY})
    verdict = chain.verify(work)
    ((erasure, told),) = verdict.erased.items()
    assert (verdict.broken, told.by, told.entries > 0) == (None, "Admin", True)
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        victim = connection.execute(sa.select(audit.c.id).where(audit.c.erased.is_not(None)).limit(1)).scalar_one()
        connection.execute(audit.update().where(audit.c.id == victim).values(changes={"name": [None, "Yves"]}))
    assert chain.verify(work).broken is not None, erasure
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.execute(audit.update().where(audit.c.id == victim).values(erased="no proof"))
    assert chain.verify(work).broken is not None


def test_who_still_works_here_is_not_erased_and_who_has_left_is(client: Api, platform: Platform, work: Work, people: People) -> None:
    who, name = people.rep, f"rep00@{work.tenant.name}.example"
    lifecycle.reset_password(platform, work.tenant.name, name, "a long password")
    client.flask.post("/api/v1/session", json={"email": name, "password": "wrong one entirely"})
    size = {"entity": "customers.account", "key": "size", "kind": "text", "label": "Size"}
    assert client.post("/api/v1/core/custom_fields", size).status_code == 201
    acting = platform.user(work.tenant.id, who, work.channel)
    account = acting.records("customers.account").create({"name": "Northwind", "custom.size": "XL"})
    other = id_of(work.records("teamwork.comment").create({"about": f"customers.account:{account['id']}", "body": f"ask {name}, or rep00"}))
    asked = {"record": f"core.user:{who}", **WHY}
    refused = client.post(ERASURES, asked)
    assert (refused.status_code, refused.json["code"]) == (409, "still_active")
    leave(work, who, people.reps[0][1])
    chain.seal(work, settled=timedelta())
    done = client.post(ERASURES, asked)
    assert done.status_code == 200, done.text
    made = client.get(f"/api/v1/customers/accounts/{account['id']}/history").json["data"][-1]["changes"]
    assert made["custom.size"] == [None, "XL"], "what somebody did with others' records is no word about that person"
    row = work.records("core.user").values([who])[who]
    assert (row["name"], row["email"], row["active"]) == ("(erased)", None, False)
    entry = client.get(f"/api/v1/customers/accounts/{account['id']}/history").json["data"][-1]
    assert (entry["actor"]["name"] if isinstance(entry["actor"], dict) else entry["actor"]) == "(erased)"
    assert chain.verify(work).broken is None
    assert work.records("teamwork.comment").values([other])[other]["body"] == "ask •••, or rep00"
    assert {(one["entity"], one["field"], one["code"]) for one in done.json["kept"]} == {("teamwork.comment", "body", "mentions")}
    assert work.records("customers.account").values([id_of(account)])[id_of(account)]["name"] == "Northwind", "the work stays"


def test_an_attachment_goes_when_all_is_committed_and_what_a_plugin_holds_undoes_nothing_else(
    client: Api, work: Work, contact: UUID, drain: Callable[[], int]
) -> None:
    data = {"about": f"customers.contact:{contact}", "file": (BytesIO(b"a picture of her"), "xenia.png")}
    file = client.call("POST", "/api/v1/teamwork/uploads", data=data, content_type="multipart/form-data").json["id"]
    invoice = id_of(work.records("orders.invoice").create({
        "name": "Tea", "contact": contact, "account": work.records("customers.contact").values([contact])[contact]["account"],
    }))  # fmt: skip
    work.records("orders.invoice_line").create({"invoice": invoice, "description": "Tea", "quantity": "1",
                                                "unit_price": {"amount": "5", "currency": "USD"}})  # fmt: skip
    issue(work, invoice)
    drain()
    done = client.post(ERASURES, {**record(contact), **WHY}).json
    assert (done["files"], {row["entity"] for row in done["kept"]}) == (1, {"orders.invoice", "documents.document"})
    assert len(list(work.files.all_keys())) == 2
    drain()
    assert len(list(work.files.all_keys())) == 1, "the issued copy is there, the attachment is not"
    assert client.get(f"/api/v1/teamwork/files/{file}/content").status_code == 404
    assert work.records("orders.invoice").values([invoice])[invoice]["contact"] == contact


def test_what_is_not_personal_stays_and_what_other_plugins_hold_is_told(
    client: Api, work: Work, contact: UUID, taken: Callable[..., Done]
) -> None:
    taken("customers.contact", "name,birthday\nXenia Quast,no day\n")
    for key, personal in (("size", False), ("hobby", True)):
        values = {"entity": "customers.contact", "key": key, "kind": "text", "label": key, "personal": personal}
        assert client.post("/api/v1/core/custom_fields", values).status_code == 201
    client.patch(f"{CONTACTS}/{contact}", {"custom.size": "XL", "custom.hobby": "chess"})
    off = ("teamwork", "from_hubspot", "from_odoo", "from_salesforce", "import_export")
    for plugin in off:
        lifecycle.switch(work, plugin, False)
    left = [{"entity": name, "records": 1} for name in ("import_export.row", "teamwork.comment")]
    for more in ({"dry_run": True}, {}):
        told = client.post(ERASURES, {**record(contact), **WHY, **more}).json["off"]
        assert sorted(told, key=lambda one: str(one["entity"])) == left, "also what no link leads to"
    row = client.get(f"{CONTACTS}/{contact}").json
    assert (row["custom.size"], row["custom.hobby"]) == ("XL", None)
    for plugin in reversed(off):
        lifecycle.switch(work, plugin, True)
    again = client.post(ERASURES, {**record(contact), **WHY}).json["erased"]
    assert again == left[1:], "nobody knows any more by which words the other was found"


def test_other_people_keep_what_they_share_with_who_is_erased(client: Api, work: Work, contact: UUID) -> None:
    same = {"name": "Xenia Quast", "phone": "+49 30 1234567", "notes": "the other one"}
    work.records("customers.contact").update(contact, {"phone": "+49 30 1234567"})
    other = id_of(work.records("customers.contact").create(same))
    done = client.post(ERASURES, {**record(contact), **WHY}).json
    row = work.records("customers.contact").values([other])[other]
    assert {name: row[name] for name in same} == same
    assert [(one["id"], one["field"]) for one in done["kept"]] == [(str(other), "phone")]


def test_what_stood_in_texts_of_others_is_gone_from_their_history(client: Api, work: Work, contact: UUID) -> None:
    account = work.records("customers.contact").values([contact])[contact]["account"]
    comments = work.records("teamwork.comment")
    other = id_of(comments.create({"about": f"customers.account:{account}", "body": "reach xenia@quast.example, or Xenia Quast"}))
    comments.update(other, {"body": "reach nobody"})
    assert client.post(ERASURES, {**record(contact), **WHY}).status_code == 200
    with work.transaction():
        said = work.connection.execute(sa.select(audit.c.changes).where(audit.c.record_id == other).order_by(audit.c.id)).scalars().all()
    assert [changes["body"] for changes in said] == [
        [None, "reach •••, or Xenia Quast"],
        ["reach •••, or Xenia Quast", "reach nobody"],
    ], "others may bear the name"
    assert chain.verify(work).broken is None


def test_a_lead_and_the_contact_that_it_became_are_one_person(work: Work) -> None:
    lead = id_of(work.records("leads.lead").create({"name": "Xenia Quast", "email": "x@q.example", "company": "Quast"}))
    contact = UUID(str(convert(work, lead, Wish())["contact"]))
    done = erase(work, Reference("leads.lead", lead), "asked for it")
    assert done.changed == {"leads.lead": 1, "customers.contact": 1}
    assert work.records("customers.contact").values([contact])[contact]["name"] == "(erased)"
    assert work.records("leads.lead").values([lead])[lead]["state"] == "converted"


def test_a_record_that_a_plugin_holds_undoes_the_whole_erasure(work: Work, contact: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.customers import plugin

    def refuse(batch: object) -> None:
        for change in batch.changes if batch.entity == "customers.contact" else ():  # type: ignore[attr-defined]
            change.forbid("held", "a court wants to see it")

    calls = work.platform.calls
    found = calls.implementers
    monkeypatch.setattr(calls, "implementers", lambda hook: [
        (owner, refuse if (owner, hook) == (plugin.manifest.name, "prepare_changes") else function) for owner, function in found(hook)
    ])  # fmt: skip
    for dry_run in (True, False):
        with pytest.raises(Conflict, match="a court"):
            erase(work, Reference("customers.contact", contact), "asked for it", dry_run=dry_run)
    assert [row["body"] for row in work.records("teamwork.comment").find(where())] == ["Xenia said yes"]


def test_the_command_line_asks_first_writes_for_its_owner_alone_and_says_what_stays(
    platform: Platform, work: Work, contact: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "platform", lambda: platform)
    run, of = CliRunner().invoke, ["--tenant", work.tenant.name]
    file = tmp_path / "xenia.json"
    assert run(commands.person, ["export", "xenia@quast.example", str(file), *of]).exit_code == 0
    assert json.loads(file.read_bytes())["records"]["customers.contact"][0]["name"] == "Xenia Quast"
    assert file.stat().st_mode & 0o077 == 0
    assert run(commands.person, ["export", "xenia@quast.example", str(file), *of]).exit_code == 2, "nothing is overwritten"
    asked = ["erase", f"customers.contact:{contact}", "--reason", "asked", *of]
    assert run(commands.person, asked, input="n\n").exit_code == 1
    assert work.records("customers.contact").values([contact])[contact]["name"] == "Xenia Quast"
    told = run(commands.person, [*asked, "--dry-run", "--json"])
    assert (told.exit_code, json.loads(told.stdout)["erased"][0]) == (0, {"entity": "customers.contact", "records": 1})
    assert run(commands.person, [*asked, "--yes"]).exit_code == 0
    assert work.records("customers.contact").values([contact])[contact]["name"] == "(erased)"
    lost = run(commands.person, ["erase", "xenia@quast.example", "--reason", "asked", "--yes", *of])
    assert (lost.exit_code, "no person matches" in lost.stderr) == (2, True)


def test_who_erases_is_told_by_record_what_stays_as_far_as_one_sees_it(client: Api, work: Work, people: People, contact: UUID) -> None:
    deals = [work.records("customers.account").create({"name": f"{n} of Xenia Quast", "owner": people.reps[n][0]}) for n in (0, 2)]
    client.post("/api/v1/core/grants", {"role": "sales_rep", "permission": "customers.contact.erase", "scope": "own"})
    done = client.as_user(people.rep).post(ERASURES, {**record(contact), **WHY}).json
    assert ([one["id"] for one in done["kept"]], done["kept_count"]) == ([str(deals[0]["id"])], 2)


def test_any_kind_of_field_can_be_personal_and_one_that_cannot_be_emptied_is_refused_at_the_beginning() -> None:
    chosen = f.personal(f.choice(_("Form of address"), {"x": _("Form of address")})).field
    assert (chosen.personal, chosen.kind) == (True, "choice")
    record_ = type("Pet", (Record,), {"__tablename__": "pets_pets", "__annotations__": {}, "name": f.text(_("Name")),
                                      "born": f.on(_("Born"), required=True, personal=True)})  # fmt: skip
    Record.metadata.remove(record_.__table__)  # no other test is to meet it
    with pytest.raises(DeclarationError, match=r"pets\.pet\.born is personal and required"):
        _add_entity(Catalog(), "pets", Entity(record_, "pet", "pets", _("Pet"), _("Pets")))


@pytest.mark.feature("B15")
def test_who_was_entered_twice_is_one_person_and_undoing_the_merge_brings_nothing_back(
    client: Api, work: Work, contact: UUID, drain: Callable[[], int]
) -> None:
    other = client.post(CONTACTS, {"name": "Xenia Oldname", "email": "loser@quast.example"}).json["id"]
    work.records("teamwork.comment").create({"about": f"customers.contact:{other}", "body": "of the other"})
    picks = {"name": other, "notes": other}  # what is emptied by a merge would come back when that is undone
    merged = client.post(f"{CONTACTS}/{contact}/merges", {"losers": [other], "picks": picks})
    assert merged.status_code == 201, merged.text
    told = client.post(DISCLOSURES, record(contact)).json
    assert {row["email"] for row in told["records"]["customers.contact"]} == {"xenia@quast.example", "loser@quast.example"}
    done = client.post(ERASURES, {"record": f"customers.contact:{other}", **WHY})  # by either of its ids
    assert {row["entity"]: row["records"] for row in done.json["erased"]} == {"customers.contact": 2, "teamwork.comment": 2}
    drain()
    with work.transaction():
        kept = work.connection.execute(sa.select(merges.c.changes)).scalar_one()
    assert not {"name", "email", "notes"} & kept.keys()
    undone = client.post(f"{CONTACTS}/{contact}/merges/{merged.json['id']}/undo")
    assert undone.status_code == 200, undone.text
    back = [client.get(f"{CONTACTS}/{id}").json for id in (contact, other)]
    assert [(row["name"], row["email"], row["notes"]) for row in back] == [("(erased)", None, None)] * 2


@pytest.mark.feature("B15")
def test_what_a_tenant_has_added_itself_is_about_a_person_as_well(client: Api, work: Work, contact: UUID) -> None:
    def made(place: str, **wish: object) -> dict[str, Any]:
        answer = client.post(f"/api/v1/{place}", wish)
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def field(entity: str, key: str, kind: str, **more: object) -> None:
        made("core/custom_fields", entity=entity, key=key, kind=kind, label=key, **more)

    made("core/custom_entities", key="visit", plural="visits", label="Visit", plural_label="Visits", parent="customers.contact")
    asleep = made("core/custom_entities", key="call", plural="calls", label="Call", plural_label="Calls", parent="customers.contact")
    for key in ("survey", "gift"):
        made("core/custom_entities", key=key, plural=f"{key}s", label=key, plural_label=f"{key}s")
    for name in ("custom.visit", "custom.call", "custom.survey", "custom.gift"):
        field(name, "said", "text", personal=True)
    field("custom.survey", "who", "link", target="customers.contact", personal=True, required=True)
    field("custom.survey", "on", "any_record", personal=True)
    field("custom.gift", "to", "link", target="customers.contact")
    field("customers.contact", "spouse", "link", target="customers.contact", personal=True)
    visit = made("custom/visits", name="First", parent=str(contact), **{"custom.said": "at home"})
    made("custom/calls", name="First", parent=str(contact), **{"custom.said": "asleep"})
    survey = made("custom/surveys", name="S", **{"custom.who": str(contact), "custom.said": "content"})
    gift = made("custom/gifts", name="Tea", **{"custom.to": str(contact), "custom.said": "sent with love"})
    spouse = made("customers/contacts", name="Yan Quast", **{"custom.spouse": str(contact)})
    other = made(
        "custom/surveys", name="S2", **{"custom.who": spouse["id"], "custom.on": f"customers.contact:{contact}", "custom.said": "so so"}
    )
    made("teamwork/comments", about=f"custom.visit:{visit['id']}", body="of the visit")
    assert client.patch(f"/api/v1/core/custom_entities/{asleep['id']}", {"active": False}).status_code == 200

    told = client.post(DISCLOSURES, record(contact)).json
    assert {"at home", "content", "so so"} == {
        row["custom.said"] for name in ("custom.visit", "custom.survey") for row in told["records"][name]
    }
    assert [row["title"] for row in told["named_in"]["custom.gift"]] == ["Tea"]
    assert told["off"] == [{"entity": "custom.call", "records": 1}]
    done = client.post(ERASURES, {**record(contact), **WHY}).json
    erased = {row["entity"]: row["records"] for row in done["erased"]}
    assert erased == {"customers.contact": 1, "teamwork.comment": 2, "custom.visit": 1, "custom.survey": 2}
    assert {row["entity"] for row in done["linked"]} == {"custom.gift", "customers.contact"}
    rows = {
        key: client.get(f"/api/v1/custom/{key}s/{id}").json
        for key, id in (("survey", survey["id"]), ("visit", visit["id"]), ("gift", gift["id"]))
    }
    assert {key: row["custom.said"] for key, row in rows.items()} == {"survey": None, "visit": None, "gift": "sent with love"}
    assert (rows["survey"]["custom.who"], rows["gift"]["custom.to"]) == (str(contact), str(contact)), "links stand"
    assert client.get(f"/api/v1/custom/surveys/{other['id']}").json["custom.said"] is None
    assert client.get(f"{CONTACTS}/{spouse['id']}").json["name"] == "Yan Quast", "another person, whoever that one is tied to"


@pytest.mark.feature("B15")
def test_a_field_of_the_tenants_own_that_people_must_fill_in_can_be_emptied(
    client: Api, work: Work, platform: Platform, contact: UUID
) -> None:
    given = {
        "date": "1990-01-02", "url": "https://x.example/me", "phone": "+49 30 123456", "key": "abc", "integer": 5, "email": "a@b.example",
        "money": {"amount": "5.00", "currency": "EUR"}, "color": "#ff0000", "text": "hi", "datetime": "2026-06-01T08:00:00Z",
    }  # fmt: skip
    for kind in given:
        wish = {"entity": "customers.contact", "key": f"own_{kind}", "kind": kind, "label": kind, "personal": True}
        more = {"required_if": "name != ''"} if kind == "datetime" else {"required": True}
        assert client.post("/api/v1/core/custom_fields", {**wish, **more}).status_code == 201
    assert client.patch(f"{CONTACTS}/{contact}", {f"custom.own_{kind}": value for kind, value in given.items()}).status_code == 200
    system = platform.system(work.tenant.id, Channel.CLI)
    erase(system, Reference("customers.contact", contact), "asked")
    row = client.get(f"{CONTACTS}/{contact}").json
    left = {kind: value for kind in given if (value := row[f"custom.own_{kind}"]) is not None}
    assert left == {"text": "(erased)", "email": "erased@erased.invalid"}
    refused = client.patch(f"{CONTACTS}/{contact}", {"custom.own_text": None})
    assert refused.status_code == 422, "of people it is asked as before"


@pytest.mark.feature("B15")
def test_whom_another_system_takes_a_user_for_and_whence_one_came_in_are_given_out_and_erased(
    client: Api, work: Work, people: People
) -> None:
    gone = [people.reps[n][0] for n in (0, 1)]
    for number, user in enumerate(gone):
        work.records("core.identity").create({"issuer": "https://idp.example", "subject": f"subject-{number}", "user": user})
        leave(work, user, people.manager)
        with work.transaction(write=True):
            event = {"id": new_id(), "tenant_id": work.tenant.id, "user_id": user, "outcome": "entered", "address": f"203.0.113.{number}"}
            work.connection.execute(sign_in_events.insert().values(**event, agent="Firefox", created_at=work.now()))
    told = client.post(DISCLOSURES, {"record": f"core.user:{gone[0]}"}).json
    assert [row["subject"] for row in told["records"]["core.identity"]] == ["subject-0"]
    assert [row["address"] for row in told["records"]["core.sign_in"]] == ["203.0.113.0"]
    for user in gone:  # no two identities may be alike, erased or not
        done = client.post(ERASURES, {"record": f"core.user:{user}", **WHY})
        assert {"entity": "core.identity", "records": 1} in done.json["erased"], done.text
    with work.transaction():
        left = [str(work.connection.execute(sa.select(table)).all()) for table in (Identity.table(), sign_in_events, audit)]
    assert not [text for text in left if "subject-" in text or "203.0.113." in text]
