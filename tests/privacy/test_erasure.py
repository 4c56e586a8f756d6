"""Somebody is erased: nothing of the person is left in any table and any file, and every sum is what it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.audit import chain
from core.context import Work
from core.entities.merge import merge
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People
from plugins.customers.surveys import Guest, answer, invite
from plugins.leads.conversion import Wish, convert
from plugins.orders.invoices import issue
from sdk import Mail
from sdk.context import id_of
from sdk.fields import Reference

ERASURES, STAGED = "/api/v1/core/erasures", "/api/v1/import_export/files"
CONTACT = "customers.contact"
NAME, FORMER, MAIL, FORMER_MAIL, PHONE, WECHAT = (
    "Quirin Zappelmann 张闰土", "Quirin Früher", "quirin@zappel.example", "frueher@zappel.example", "+49 4711 0815 99", "zappel_wx_77",
)  # fmt: skip
MARK = "Zappel-Merkmal"
"""Stands in every text that is about the person."""
MARKS = (MARK, NAME, FORMER, MAIL, FORMER_MAIL, PHONE, WECHAT, "1971-03-17")
REASON = "asked for it by letter of 1 June"


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


class Case:
    """A contact of whom there is something wherever the product can carry it."""

    def __init__(self, work: Work, client: Api, drain: Callable[[], int], taken: Callable[..., Any], people: People) -> None:
        self.work, self.client, self.drain = work, client, drain
        self.field = client.post("/api/v1/core/custom_fields", {
            "entity": CONTACT, "key": "hobby", "kind": "text", "label": "Hobby", "personal": True, "indexed": True,
            "required_if": "wechat != ''",
        }).json["id"]  # fmt: skip
        rolled = {"entity": "customers.account", "kind": "roll_up", "source": CONTACT, "link": "account"}
        for made in (
            {"entity": CONTACT, "key": "greeting", "kind": "formula", "expression": "'Dear ' + name", "result": "text"},
            {"key": "people", "measure": "count", **rolled}, {"key": "youngest", "measure": "max:birthday", **rolled},
        ):  # fmt: skip
            assert client.post("/api/v1/core/custom_fields", {"label": made["key"], **made}).status_code == 201, made
        gone = client.post(
            "/api/v1/core/custom_fields", {"entity": CONTACT, "key": "nick", "kind": "text", "label": "Nick", "personal": True}
        ).json
        self.account = id_of(work.records("customers.account").create({"name": "Alder Foods", "owner": people.rep}))
        work.records("automation.webhook").create({"name": "Hook", "url": "https://hooks.example/x", "entity": CONTACT})
        work.records("automation.rule").create({
            "name": "Tell", "entity": CONTACT, "trigger": "automation.updated",
            "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ name }}", "body": "{{ notes }}"}}],
        })  # fmt: skip
        lead = id_of(work.records("leads.lead").create({
            "name": FORMER, "email": FORMER_MAIL, "phone": PHONE, "title": MARK, "notes": MARK, "owner": people.rep,
        }))  # fmt: skip
        self.lead = lead
        self.id = UUID(str(convert(work, lead, Wish(account=self.account))["contact"]))
        self.contacts = work.records(CONTACT)
        self.contacts.update(self.id, {
            "name": NAME, "title": MARK, "email": MAIL, "phone": PHONE, "wechat": WECHAT, "birthday": "1971-03-17", "notes": f"{MARK} one",
            "custom.hobby": MARK, "custom.nick": MARK,
        })  # fmt: skip
        self.contacts.update(self.id, {"notes": f"{MARK} two"})
        client.delete(f"/api/v1/core/custom_fields/{gone['id']}")
        self.about = Reference(CONTACT, self.id)
        self._around(people)
        self._sold(people)
        self._own()
        taken(CONTACT, f"name,email,birthday,notes\n{NAME},{MAIL},no day,{MARK}\nAnn,ann@x.example,no day,hers\n")
        self._staged()
        drain()

    def _staged(self) -> None:
        """Sent to be imported, and left: one file has the person in a row far below those that are shown of it, one where it was mended."""
        rows = [*(f"Ann {number},ann{number}@x.example" for number in range(9)), f"{NAME},{MARK}"]
        for name, lines, mended in (("far.csv", rows, {}), ("mended.csv", rows[:1], {"name": FORMER}), ("hers.csv", rows[:1], {})):
            sent = {"file": (BytesIO("\n".join(["name,email", *lines]).encode()), name)}
            file = self.client.call("POST", STAGED, data=sent, content_type="multipart/form-data")
            assert file.status_code == 201, file.text
            self.staged = [*getattr(self, "staged", ()), file.json["id"]]
            if mended:
                assert self.client.patch(f"{STAGED}/{file.json['id']}/rows/1", {"cells": mended}).status_code == 200

    def _around(self, people: People) -> None:
        work, about = self.work, {"about": self.about}
        tasks = work.records("teamwork.task")
        task = id_of(tasks.create({"subject": MARK, "notes": MARK, "owner": people.rep, **about}))
        work.records("teamwork.comment").create({"about": f"teamwork.task:{task}", "body": MARK, "owner": people.rep})
        work.records("teamwork.activity").create({"subject": MARK, "notes": MARK, "starts_at": "2026-06-01T08:00:00Z", **about})
        comments = work.records("teamwork.comment")
        comments.create({"body": f"{MARK} @{people.manager}", "mentions": [str(people.manager)], **about})
        comments.delete(id_of(comments.create({"body": MARK, **about})))
        self.other = id_of(comments.create({"about": f"customers.account:{self.account}", "body": f"reach them at {MAIL}, not by name"}))
        for name in ("one", "two"):
            data = {"about": str(self.about), "file": (BytesIO(MARK.encode()), f"{MARK} {name}.txt")}
            sent = self.client.call("POST", "/api/v1/teamwork/uploads", data=data, content_type="multipart/form-data")
            assert sent.status_code == 201, sent.text
        work.records("teamwork.file").delete(UUID(sent.json["id"]))
        work.records("customers.affiliation").create({"account": self.account, "contact": self.id, "title": MARK})
        survey = work.records("customers.survey").create({"name": "S", "question": "Content?"})
        ((_row, link),) = invite(work, survey, [Guest(self.account, self.id)])
        answer(work, link.rpartition("/")[2], 9, MARK)
        work.records("leads.touch").create({"source": "fair", "contact": self.id, "notes": MARK})
        with work.transaction(write=True):
            work.mail(Mail(MAIL, f"Dear {NAME}", f"{MARK} and more", html=f"<p>{MARK}</p>", about=self.about))

    def _sold(self, people: People) -> None:
        work = self.work
        product = id_of(work.records("catalog.product").create({"name": "Gateway", "price": usd("100")}))
        sold = {"account": self.account, "contact": self.id, "owner": people.rep}
        for kind in ("quote", "order", "invoice"):
            id = id_of(work.records(f"orders.{kind}").create({"name": kind, **sold}))
            work.records(f"orders.{kind}_line").create({kind: id, "product": product, "quantity": "3", "unit_price": usd("19.99")})
            if kind == "order":
                work.records("orders.order").update(id, {"state": "confirmed"})
                work.records("orders.instalment").create({"order": id, "due_on": "2026-07-01", "amount": usd("50")})
                work.records("orders.payment").create({"order": id, "received_on": "2026-01-12", "amount": usd("20"), "reference": "R1"})
        issue(work, id)
        self.invoice = id
        self.named = id_of(work.records("orders.order").create({"name": f"Sample for {NAME}", **sold}))

    def _own(self) -> None:
        """In entities of the tenant's own, and in the record of a twin that has become part of this one."""
        work = self.work
        for key, more in (("visit", {"parent": CONTACT}), ("survey", {})):
            work.records("core.custom_entity").create({"key": key, "plural": f"{key}s", "label": key, "plural_label": f"{key}s", **more})
            said = {"entity": f"custom.{key}", "key": "said", "kind": "text", "label": "Said", "personal": True}
            work.records("core.custom_field").create(said)
        who = {"entity": "custom.survey", "key": "who", "kind": "link", "target": CONTACT, "label": "Who", "personal": True}
        work.records("core.custom_field").create(who)
        work.records("custom.visit").create({"name": "V", "parent": self.id, "custom.said": MARK})
        work.records("custom.survey").create({"name": "S", "custom.who": self.id, "custom.said": MARK})
        twin = id_of(work.records(CONTACT).create({"name": FORMER, "email": FORMER_MAIL, "notes": f"{MARK} of the twin"}))
        merge(work, work.catalog.entities[CONTACT], self.id, [twin], {"notes": twin})

    def sums(self) -> list[object]:
        """What the company has sold, is owed, and knows of its customers."""
        asked = (
            ("orders.order", ("count", "sum:total", "sum:net", "sum:base_amount"), ("account", "state")),
            ("orders.order", ("count",), ("contact",)),
            ("orders.invoice", ("count", "sum:total"), ("account", "state")),
            ("orders.quote", ("count", "sum:total"), ("account",)),
            ("orders.payment", ("count", "sum:amount"), ("order.account",)),
            ("customers.invitation", ("count", "avg:score", "avg:points"), ("account",)),
            ("customers.account", ("count", "sum:orders.lifetime_value", "sum:customers.answers"), ("tier",)),
            ("teamwork.activity", ("count",), ("kind", "state")),
            ("leads.lead", ("count",), ("state",)),
        )
        found = [row for entity, measures, by in asked for row in self.work.records(entity).aggregate(measures, by)]
        return [
            {name: value for name, value in row.items() if name != "contact"} for row in found
        ]  # by its id: what it is called is another

    def erase(self, **more: object) -> Mapping[str, Any]:
        done = self.client.post(ERASURES, {"record": str(self.about), "reason": REASON, **more})
        assert done.status_code == 200, done.text
        return dict(done.json)


@pytest.fixture
def case(work: Work, client: Api, drain: Callable[[], int], taken: Callable[..., Any], people: People) -> Case:
    """See `Case`."""
    return Case(work, client, drain, taken, people)


class Database:
    """Every row of every table of the database, the tables of the installation among them."""

    def __init__(self, platform: Platform, work: Work) -> None:
        self.platform, self.tenant, self.there = platform, work.tenant.id, sa.MetaData()
        with platform.database.begin(write=False, tenant=self.tenant) as connection:
            self.there.reflect(connection)

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The application has no right to the tables of the operator."""
        with self.platform.database.begin(write=False, tenant=self.tenant) as connection:
            for table in self.there.sorted_tables:
                if table.name not in ("core_archived_plugins", "core_plugins") and not table.name.startswith("migrations_"):
                    columns = [sa.cast(column, sa.Text).label(column.name) for column in table.c]
                    yield from ((table.name, dict(row)) for row in connection.execute(sa.select(*columns)).mappings())

    def marked(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """Where something of the person still stands: table, column and row. Text is looked for as it is and as JSON writes it out."""
        forms = {form.casefold() for mark in MARKS for form in (mark, json.dumps(mark)[1:-1])}
        return [
            (table, column, row)
            for table, row in self.rows()
            for column, cell in row.items()
            if cell is not None and any(form in cell.casefold() for form in forms)
        ]


def in_files(platform: Platform) -> list[str]:
    return [path.name for path in (platform.config.home / "files").rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


@pytest.mark.feature("B15")
def test_who_is_erased_is_gone_from_record_audit_search_and_files_and_every_sum_stays(case: Case, platform: Platform, clock: Clock) -> None:
    work = case.work
    database = Database(platform, work)
    places = {table for table, _column, _row in database.marked()}
    assert places >= {
        "customers_contacts", "customers_affiliations", "customers_invitations", "leads_leads", "leads_touches", "teamwork_tasks",
        "teamwork_activities", "teamwork_comments", "teamwork_files", "teamwork_notifications", "automation_deliveries",
        "automation_steps", "import_export_rows", "import_export_corrections", "orders_orders", "core_audit", "core_outbox", "core_custom_keys", "core_custom_records",
        "core_merges",
    }, "a place without a mark would prove nothing"  # fmt: skip
    assert len(in_files(platform)) == 3
    chain.seal(work, settled=timedelta())
    before, seen = case.sums(), list(database.rows())
    account = f"/api/v1/customers/accounts/{case.account}"
    worked_out = [case.client.get(account).json[f"custom.{name}"] for name in ("people", "youngest")]
    assert worked_out[0] and worked_out[1] == "1971-03-17"
    preview = case.erase(dry_run=True)
    assert [row for row in database.rows() if row not in seen] == [], "a preview changes nothing"
    done = case.erase()
    assert {**done, "dry_run": True} == preview, "a preview tells what will be"
    case.drain()
    kept = {(row["entity"], row["id"]): row["code"] for row in done["kept"]}
    documents = {id: kept.pop((entity, id)) for entity, id in list(kept) if entity == "documents.document"}
    assert set(documents.values()) == {"kept_by_plugin"}
    assert kept == {("orders.order", str(case.named)): "mentions", ("orders.invoice", str(case.invoice)): "kept_by_plugin"}
    named = {case.named.hex}
    left = [
        (table, column, row)
        for table, column, row in database.marked()
        if not {str(row.get(name)).replace("-", "") for name in ("id", "record_id")} & named
    ]
    assert left == [], "nothing is left but what was named"
    assert in_files(platform) == []
    assert [case.client.get(f"{STAGED}/{id}").status_code for id in case.staged] == [404, 200, 200], "files that name nobody stay"
    assert case.sums() == before
    erased = case.client.get(f"/api/v1/customers/contacts/{case.id}").json
    assert (erased["name"], erased["custom.greeting"], erased["custom.hobby"]) == ("(erased)", "Dear (erased)", None)
    assert [case.client.get(account).json[f"custom.{name}"] for name in ("people", "youngest")] == [worked_out[0], None]
    assert case.client.get("/api/v1/customers/contacts", {"q": "Zappelmann"}).json["data"] == []
    verdict = chain.verify(work)
    assert (verdict.broken, len(verdict.erased)) == (None, 1), "the chain still holds, and says that it was an erasure"


@pytest.mark.feature("B15")
def test_who_was_entered_twice_and_merged_is_erased_in_both_and_no_undoing_brings_a_value_back(
    client: Api, work: Work, platform: Platform
) -> None:
    contacts = "/api/v1/customers/contacts"
    one = client.post(contacts, {"name": NAME, "email": MAIL, "phone": PHONE}).json["id"]
    two = client.post(contacts, {"name": FORMER, "email": FORMER_MAIL, "wechat": WECHAT, "title": "Buyer"}).json["id"]
    done = client.post(f"{contacts}/{one}/merges", {"losers": [two], "picks": {"email": two}})
    assert done.status_code == 201, done.text
    database = Database(platform, work)
    assert {"customers_contacts"} <= {table for table, _column, _row in database.marked()}
    erased = client.post(ERASURES, {"record": f"{CONTACT}:{one}", "reason": REASON})
    assert erased.status_code == 200, erased.text
    assert database.marked() == []
    back = client.post(f"{contacts}/{one}/merges/{done.json['id']}/undo")
    assert back.status_code == 200, back.text
    assert [client.get(f"{contacts}/{id}").json["name"] for id in (one, two)] == ["(erased)"] * 2
    assert database.marked() == []
