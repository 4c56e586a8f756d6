"""Issued documents that are mailed: one letter a request, as it was issued, and on the timelines of all whom it concerns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People
from sdk import where
from sdk.context import id_of
from tests.mail.conftest import MailServer, mail_server
from tests.plugins.process import Process

__all__ = ["mail_server"]
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
MAILS, INVOICES = "/api/v1/documents/mails", "/api/v1/orders/invoices"
type_drain = Callable[[], int]


class Case:
    """A contact at an account, a deal, its order, and the draft of an invoice over it."""

    def __init__(self, work: Work, owner: UUID) -> None:
        self.work, own = work, {"owner": owner}
        self.account = self.made("customers.account", name="Alder Foods", country="United Kingdom", **own)
        self.contact = self.made("customers.contact", name="Ann Lee", account=self.account, email="ann@alder.example", **own)
        self.deal = self.made("pipeline.deal", name="Gateways", account=self.account, contact=self.contact, **own)
        given = {"account": self.account, "contact": self.contact, "deal": self.deal, **own}
        self.order = self.made("orders.order", name="Gateways", **given)
        line = {"description": "Gateway", "quantity": 2, "unit_price": {"amount": "100", "currency": "USD"}}
        self.made("orders.order_line", order=self.order, **line)
        self.quote = self.made("orders.quote", name="Offer", **given)
        self.made("orders.quote_line", quote=self.quote, **line)
        work.records("orders.order").update(self.order, {"state": "confirmed"})

    def made(self, entity: str, **values: object) -> UUID:
        return id_of(self.work.records(entity).create(values))

    def invoice(self, client: Api, *, issued: bool = True) -> str:
        """An invoice over the order."""
        id = client.post(f"/api/v1/orders/orders/{self.order}/invoices", {}).json["id"]
        if issued:
            assert client.post(f"{INVOICES}/{id}/issues").status_code == 201
        return str(id)

    def letters(self) -> list[Any]:
        """What stands as letters among the activities."""
        return list(self.work.records("teamwork.activity").find(where(kind="mail")))


@pytest.fixture
def case(platform: Platform, work: Work, process: Process, people: People, mail_server: MailServer, drain: type_drain) -> Case:
    """The case, in a tenant whose mail goes to `mail_server`, with nothing waiting."""
    platform.config = replace(platform.config, mail_url=mail_server.url, mail_from="Sales <sales@acme.example>")
    made = Case(work, people.rep)
    drain()
    return made


def asked(invoice: object, kind: str = "invoice", **more: object) -> dict[str, object]:
    return {"about": f"orders.{kind}:{invoice}", "template": f"orders.{kind}", **more}


def problem(answer: Any) -> tuple[int, str]:
    body = answer.json
    return answer.status_code, body["errors"][0]["code"] if body.get("errors") else body["code"]


@pytest.mark.feature("F8")
@pytest.mark.feature("E3")
def test_an_issued_invoice_is_mailed_once_and_stands_on_the_timelines_of_invoice_deal_contact_and_account(
    client: Api, case: Case, mail_server: MailServer, drain: type_drain
) -> None:
    invoice = case.invoice(client)
    drain()
    (copy,) = case.work.records("documents.document").find(where(about=f"orders.invoice:{invoice}"))
    sent = client.post(MAILS, asked(invoice))
    assert sent.status_code == 202, sent.text
    assert sent.json == {"document": str(copy["id"]), "to": "ann@alder.example", "subject": "Invoice INV-2026-00001"}
    assert mail_server.messages == []  # not before the request is committed, and then by the outbox
    drain()
    drain()
    ((recipient, message),) = mail_server.messages
    assert (recipient, message["Subject"]) == ("ann@alder.example", "Invoice INV-2026-00001")
    body = message.get_body(("plain",))
    assert body is not None and body.get_content().startswith("Dear Ann Lee,")
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("Invoice INV-2026-00001.pdf", "application/pdf")
    assert hashlib.sha256(attached.get_content()).hexdigest() == copy["sha256"]
    for place in (f"orders/invoices/{invoice}", f"orders/orders/{case.order}", f"pipeline/deals/{case.deal}",
                  f"customers/contacts/{case.contact}", f"customers/accounts/{case.account}"):  # fmt: skip
        entries = client.get(f"/api/v1/{place}/timeline").json["data"]
        assert [one["title"] for one in entries if one["kind"] == "mail"] == ["Invoice INV-2026-00001"], place


@pytest.mark.feature("F8")
def test_an_invoice_says_when_it_was_mailed_last_and_to_whom_and_is_otherwise_as_it_was(
    client: Api, case: Case, mail_server: MailServer, drain: type_drain, clock: Clock
) -> None:
    invoice = case.invoice(client)
    before = client.get(f"{INVOICES}/{invoice}").json
    assert (before["mailed_at"], before["mailed_to"], before["contact"]) == (None, None, str(case.contact))
    assert client.post(MAILS, asked(invoice)).status_code == 202
    clock.move(days=3)
    other = case.made("customers.contact", name="Bob", account=case.account, email="bob@alder.example")
    again = client.post(MAILS, asked(invoice, contact=str(other), subject=" Second\n reminder ", text="Please pay."))
    assert (again.status_code, again.json["to"], again.json["subject"]) == (202, "bob@alder.example", "Second reminder")
    drain()
    after = client.get(f"{INVOICES}/{invoice}").json
    assert (after["mailed_at"], after["mailed_to"]) == ("2026-01-18T12:00:00Z", str(other))
    changing = {"mailed_at", "mailed_to", "version", "updated_at"}
    assert {name: after[name] for name in after.keys() - changing} == {name: before[name] for name in before.keys() - changing}
    assert client.patch(f"{INVOICES}/{invoice}", {"mailed_at": None}).status_code == 422
    first, second = (attachment(message) for _to, message in mail_server.messages)
    assert first == second
    assert len(case.work.records("documents.document").find(where(about=f"orders.invoice:{invoice}"))) == 1
    entries = client.get(f"/api/v1/customers/contacts/{other}/timeline").json["data"]
    assert "Second reminder" in [one["title"] for one in entries]


def attachment(message: Any) -> bytes:
    (part,) = message.iter_attachments()
    return bytes(part.get_content())


@pytest.mark.feature("F8")
def test_a_draft_and_who_has_no_address_are_refused_and_nothing_is_left_of_it(client: Api, case: Case, drain: type_drain) -> None:
    draft = case.invoice(client, issued=False)
    assert problem(client.post(MAILS, asked(draft))) == (409, "invoice_draft")
    client.post(f"{INVOICES}/{draft}/issues")
    silent = case.made("customers.contact", name="Silent", account=case.account)
    assert problem(client.post(MAILS, asked(draft, contact=str(silent)))) == (422, "no_address")
    assert problem(client.post(MAILS, asked(draft, contact=str(case.deal)))) == (422, "no_such_record")
    alone = case.made("orders.invoice", name="Alone", account=case.account)
    case.made("orders.invoice_line", invoice=alone, description="x", quantity=1, unit_price={"amount": "1", "currency": "USD"})
    client.post(f"{INVOICES}/{alone}/issues")
    assert problem(client.post(MAILS, asked(alone))) == (422, "required")
    assert problem(client.post(MAILS, {**asked(alone), "about": f"orders.order:{case.order}"})) == (422, "other_entity")
    drain()
    assert case.letters() == []
    for id in (draft, alone):
        shown = client.get(f"{INVOICES}/{id}").json
        assert (shown["mailed_at"], shown["mailed_to"]) == (None, None)


@pytest.mark.feature("F8")
def test_a_rule_mails_the_invoice_that_is_issued_once(client: Api, case: Case, mail_server: MailServer, drain: type_drain) -> None:
    action = {"action": "documents.mail_document", "parameters": {"template": "orders.invoice", "text": "About {{ number }}."}}
    wrong = {**action, "parameters": {"template": "orders.quote"}}
    rule = {"name": "mail", "entity": "orders.invoice", "trigger": "automation.event", "parameters": {"event": "orders.invoice.issued"}}
    assert problem(client.post("/api/v1/automation/rules", {**rule, "actions": [wrong]})) == (422, "other_entity")
    saved = client.post("/api/v1/automation/rules", {**rule, "actions": [action]})
    assert saved.status_code == 201, saved.text
    invoice = case.invoice(client)
    for _time in range(3):
        drain()
    ((recipient, message),) = mail_server.messages
    assert recipient == "ann@alder.example"
    body = message.get_body(("plain",))
    assert body is not None and body.get_content().strip() == "About INV-2026-00001."
    assert client.get(f"{INVOICES}/{invoice}").json["mailed_to"] == str(case.contact)
    (letter,) = case.letters()
    assert str(letter["about"]) == f"orders.invoice:{invoice}"


@pytest.mark.feature("F8")
def test_a_quote_and_a_contract_go_through_the_same_door_each_time_as_they_are(
    client: Api, case: Case, mail_server: MailServer, drain: type_drain
) -> None:
    contract = case.made("orders.contract", name="Care", account=case.account, contact=case.contact, order=case.order,
                         value={"amount": "200", "currency": "USD"})  # fmt: skip
    for kind, id in (("quote", case.quote), ("contract", contract)):
        first, second = (client.post(MAILS, asked(id, kind)) for _time in range(2))
        assert (first.status_code, second.status_code) == (202, 202), first.text
        assert first.json["document"] != second.json["document"]
        assert case.work.records(f"orders.{kind}").values([id])[id]["mailed_to"] == case.contact
    drain()
    assert sorted(str(message["Subject"]) for _to, message in mail_server.messages) == [
        "Contract CON-2026-00001", "Contract CON-2026-00001", "Quote QUO-2026-00001", "Quote QUO-2026-00001",
    ]  # fmt: skip


def test_the_letter_is_in_the_language_of_the_document(client: Api, case: Case, mail_server: MailServer, drain: type_drain) -> None:
    case.work.records("customers.account").update(case.account, {"country": "中国"})
    client.post(MAILS, asked(case.quote, "quote"))
    drain()
    ((_to, message),) = mail_server.messages
    body = message.get_body(("plain",))
    assert message["Subject"] == "报价单 QUO-2026-00001"
    assert body is not None and "Ann Lee，您好" in body.get_content()


@pytest.mark.feature("F8")
def test_who_may_not_change_an_invoice_may_not_mail_it_and_answers_go_to_who_did(
    client: Api, case: Case, people: People, mail_server: MailServer, drain: type_drain
) -> None:
    invoice = case.invoice(client)
    assert client.as_user(people.rep).post(MAILS, asked(invoice)).status_code == 403
    assert client.as_user(people.reps[1][0]).post(MAILS, asked(invoice)).status_code == 404
    values = {"name": "Penny", "email": "money@acme.example", "roles": ["finance"]}
    assert client.as_user(case.made("core.user", **values)).post(MAILS, asked(invoice)).status_code == 202
    drain()
    ((_to, message),) = mail_server.messages
    assert message["Reply-To"] == "money@acme.example"


def test_a_copy_that_is_not_what_was_issued_does_not_go_out(client: Api, case: Case, platform: Platform, drain: type_drain) -> None:
    invoice = case.invoice(client)
    drain()
    (copy,) = case.work.records("documents.document").find(where(about=f"orders.invoice:{invoice}"))
    (file,) = [path for path in Path(platform.config.home).rglob(str(copy["content"])) if path.is_file()]
    file.write_bytes(b"%PDF-forged")
    assert problem(client.post(MAILS, asked(invoice))) == (409, "copy_changed")
    drain()
    assert case.letters() == []


@pytest.mark.feature("F8")
def test_without_the_documents_plugin_mailing_is_not_offered(client: Api, case: Case) -> None:
    invoice = case.invoice(client)
    assert "documents.mail_document" in client.get("/api/v1/automation/kinds").text
    assert "/api/v1/documents/mails" in client.get("/api/v1/openapi.json").json["paths"]
    assert client.patch("/api/v1/core/plugins/documents", {"enabled": False}).status_code == 200
    assert client.post(MAILS, asked(invoice)).status_code == 404
    assert "/api/v1/documents/mails" not in client.get("/api/v1/openapi.json").json["paths"]
    assert "documents.mail_document" not in client.get("/api/v1/automation/kinds").text


def test_words_that_no_mail_can_carry_are_refused(client: Api, case: Case) -> None:
    for more in ({"text": "a\x00b"}, {"subject": "a\x00b"}, {"contact": "Ann"}, {"locale": "xx-yy-zz"}, {"to": "x@y.example"}):
        assert client.post(MAILS, asked(case.quote, "quote", **more)).status_code in (400, 422), more


def test_the_copy_of_the_issue_is_mailed_by_who_does_not_see_it(
    client: Api, case: Case, people: People, drain: type_drain, mail_server: MailServer
) -> None:
    invoice = case.invoice(client)
    drain()
    role = case.made("core.role", key="mailer", name="Mailer")
    for entity, verb in (
        ("orders.invoice", "read"),
        ("orders.invoice", "update"),
        ("orders.invoice_line", "read"),
        ("customers.contact", "read"),
    ):
        case.made("core.grant", role=role, permission=f"{entity}.{verb}", scope="parent" if entity.endswith("line") else "all")
    case.made("core.grant", role=role, permission="documents.document.read", scope="own")
    other = people.reps[1][0]
    case.work.records("core.user").update(other, {"roles": ["mailer"]})
    copies = len(case.work.records("documents.document").find(()))
    answer = client.as_user(other).post(MAILS, asked(invoice))
    assert answer.status_code < 300, answer.text
    drain()
    assert len(case.work.records("documents.document").find(())) == copies
    assert len(mail_server.messages) == 1
