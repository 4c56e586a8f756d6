"""Letters leave once, carry a name of their own, and say why when they cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import config as configs
from core.context import Work
from core.events.tables import outbox
from core.mail import smtp
from core.platform import Platform
from core.testkit.fixtures import Api, Clock
from core.worker.drain import Drain
from sdk import Attachment, DeclarationError, Invalid, Mail, Tenant, Unavailable
from sdk.context import id_of
from sdk.fields import Reference
from sdk.mail import MAIL_WRITTEN
from tests.mail.conftest import MailServer
from tests.probe.plugin import HandlerError

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def configured(platform: Platform, url: str, sender: str = "Sales <sales@acme.example>") -> None:
    platform.config = replace(platform.config, mail_url=url, mail_from=sender)


@pytest.fixture
def work(platform: Platform, tenant: Tenant, mail_server: MailServer) -> Work:
    """The system in a tenant whose mail goes to `mail_server`, with nothing waiting."""
    configured(platform, mail_server.url)
    Drain(platform).run_until_empty()
    return platform.system(tenant.id)


def rows(work: Work) -> list[Any]:
    """The letters in the outbox, oldest first."""
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.name == "core.send_mail").order_by(outbox.c.id)
        return list(work.connection.execute(query))


def drained(platform: Platform) -> None:
    Drain(platform).run_until_empty()


def test_a_test_letter_goes_to_who_asks_for_it_at_once_and_a_refusal_is_told_as_the_server_says_it(
    client: Api, work: Work, mail_server: MailServer
) -> None:
    letters = "/api/v1/core/mail/test_letters"
    sent = client.post(letters).json
    ((recipient, message),) = mail_server.messages
    assert (sent["state"], sent["to"], sent["server"]) == ("ok", recipient, f"127.0.0.1:{mail_server.port}")
    assert (message["To"], len(message["Message-ID"])) == (recipient, 36 + len("<@acme.example>"))
    assert rows(work) == [], "it does not wait in the outbox"
    first, again = (client.post(letters, headers={"Idempotency-Key": "k-1"}) for _time in range(2))
    assert (first.json, again.headers["Idempotent-Replayed"]) == (again.json, "true")
    assert len(mail_server.messages) == 2, "what is sent again is not done again"
    mail_server.answers[recipient] = "550 no such user here"
    refused = client.post(letters).json
    assert refused["state"] == "mail_refused"
    assert "550 no such user here" in refused["error"]


@pytest.mark.feature("P17")
def test_who_asks_again_while_the_mail_server_thinks_is_told_to_come_back_and_no_second_letter_leaves(
    client: Api, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()

    def ask(key: str = "k-1") -> Any:
        return client.post("/api/v1/core/mail/test_letters", headers={"Idempotency-Key": key})

    def slow(*_letter: object) -> None:
        told.append(str(ask().json["code"]))

    def broken(*_letter: object) -> None:
        raise KeyError

    monkeypatch.setattr(smtp, "send", slow)
    assert (ask().json["state"], told) == ("ok", ["idempotency_key_in_use"])
    assert (ask().headers["Idempotent-Replayed"], len(told)) == ("true", 1)
    for send, status in ((broken, 500), (lambda *_letter: None, 200)):  # who has failed holds the key no longer
        monkeypatch.setattr(smtp, "send", send)
        assert ask("k-2").status_code == status


def test_a_letter_arrives_with_text_html_attachment_and_chinese(platform: Platform, work: Work, mail_server: MailServer) -> None:
    key = work.files.save(BytesIO(b"%PDF-1"))
    work.mail(
        Mail(
            "li@customer.example",
            "报价单 42",
            "您好",
            "<p>您好</p>",
            (Attachment(key, "报价单.pdf", "application/pdf"),),
            "rep@acme.example",
        )
    )
    drained(platform)
    ((recipient, message),) = mail_server.messages
    (row,) = rows(work)
    assert recipient == "li@customer.example"
    assert (message["From"], message["To"], message["Subject"]) == ("Sales <sales@acme.example>", "li@customer.example", "报价单 42")
    assert (message["Reply-To"], message["Message-ID"]) == ("rep@acme.example", f"<{row.id}@acme.example>")
    assert message["Date"].datetime == work.now()
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and text.get_content().strip() == "您好"
    assert html is not None and html.get_content().strip() == "<p>您好</p>"
    (attachment,) = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type(), attachment.get_content()) == (
        "报价单.pdf",
        "application/pdf",
        b"%PDF-1",
    )
    assert (row.state, row.error) == ("done", None)


def test_a_letter_of_a_change_that_was_rolled_back_is_never_sent(platform: Platform, work: Work, mail_server: MailServer) -> None:
    def halfway() -> None:
        with work.transaction(write=True):
            work.mail(Mail("a@b.example", "x", "y"))
            raise HandlerError

    with pytest.raises(HandlerError):
        halfway()
    drained(platform)
    assert mail_server.messages == []


def test_each_recipient_has_a_fate_of_their_own_and_nobody_gets_it_twice(
    platform: Platform, work: Work, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.answers = {"gone@b.example": "550 no such user", "full@b.example": "452 mailbox full"}
    work.mail(Mail(["gone@b.example", "ok@b.example", "full@b.example", "ok@b.example"], "x", "y"))
    drained(platform)
    assert [recipient for recipient, _message in mail_server.messages] == ["ok@b.example"]
    assert mail_server.messages[0][1]["To"] == "gone@b.example, ok@b.example, full@b.example"
    assert [(row.payload["recipient"], row.state, row.attempts) for row in rows(work)] == [
        ("gone@b.example", "dead", 1), ("ok@b.example", "done", 1), ("full@b.example", "waiting", 1),
    ]  # fmt: skip
    mail_server.answers = {}
    clock.move(minutes=5)
    drained(platform)
    assert [recipient for recipient, _message in mail_server.messages] == ["ok@b.example", "full@b.example"]


def test_a_permanent_refusal_is_dead_at_once_with_the_servers_reason(platform: Platform, work: Work, mail_server: MailServer) -> None:
    mail_server.verdict = "554 we think this is spam"
    work.mail(Mail("a@b.example", "x", "y"))
    drained(platform)
    (row,) = rows(work)
    assert (row.state, row.attempts) == ("dead", 1)
    assert "554 we think this is spam" in row.error


def test_a_temporary_refusal_is_tried_again_under_the_same_message_id(
    platform: Platform, work: Work, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.verdict = "451 try later"
    work.mail(Mail("a@b.example", "x", "y"))
    drained(platform)
    (row,) = rows(work)
    assert row.state == "waiting" and "451 try later" in row.error and row.due_at > clock.now
    mail_server.verdict = "250 ok"
    clock.now = row.due_at
    drained(platform)
    ((_recipient, message),) = mail_server.messages
    assert message["Message-ID"] == f"<{row.id}@acme.example>"
    assert rows(work)[0].state == "done"


def test_a_mail_server_that_is_away_for_a_night_loses_no_letter_and_one_that_never_comes_back_ends_it(
    platform: Platform, work: Work, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.verdict = "451 try later"
    began = clock.now
    work.mail(Mail("a@b.example", "x", "y"))
    for _attempt in range(25):
        drained(platform)
        (row,) = rows(work)
        assert row.state == "waiting"
        assert row.due_at - clock.now <= timedelta(minutes=30), "back within half an hour of the server"
        clock.now = row.due_at
    assert clock.now - began > timedelta(hours=2)
    mail_server.verdict = "250 ok"
    drained(platform)
    assert len(mail_server.messages) == 1
    mail_server.verdict = "451 try later"
    work.mail(Mail("c@b.example", "x", "y"))
    for hours in (0, 1, 1, 1, 1, 1, 1, 1, 64, 1):
        assert rows(work)[-1].state == "waiting"
        clock.move(hours=hours)
        drained(platform)
    assert (rows(work)[-1].state, rows(work)[-1].attempts) == ("dead", 10)


@pytest.mark.feature("A15")
def test_a_wrong_password_is_a_named_error_and_not_a_stuck_job(platform: Platform, work: Work, mail_server: MailServer) -> None:
    configured(platform, mail_server.url.replace("right", "wrong"))
    work.mail(Mail("a@b.example", "x", "y"))
    drained(platform)
    (row,) = rows(work)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "rejects user 'robot': 535" in row.error and "MAIL_URL" in row.error and "wrong" not in row.error
    server = platform.config.mail
    assert server is not None
    with pytest.raises(Unavailable) as told:
        smtp.check(server)
    assert told.value.reason == "mail_wrong_password"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        yield deaf.getsockname()[1]


def test_a_server_that_is_silent_or_absent_is_named(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert smtp.SECONDS < 10
    monkeypatch.setattr(smtp, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    for port in (silent_port, free):
        server = smtp.parse(f"smtp://127.0.0.1:{port}", "a@b.example")
        assert server is not None
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} isn’t responding") as told:
            smtp.check(server)
        assert told.value.reason == "mail_unreachable"


def test_a_password_is_not_sent_to_a_server_without_encryption(mail_server: MailServer) -> None:
    server = smtp.parse(mail_server.url.replace("?starttls=0", ""), "a@b.example")
    assert server is not None and server.tls == "starttls"
    with pytest.raises(Unavailable) as told:
        smtp.check(server)
    assert told.value.reason == "mail_no_encryption"


def test_without_a_server_letters_are_held_and_say_so(platform: Platform, work: Work, mail_server: MailServer) -> None:
    configured(platform, "", "")
    work.mail(Mail("a@b.example", "x", "y"))
    drained(platform)
    (row,) = rows(work)
    assert row.state == "held"
    assert "MAIL_URL" in row.error


@pytest.mark.parametrize("broken", [
    {"to": "a@b.example\r\nBcc: evil@b.example"}, {"to": "no address"}, {"to": []}, {"to": ["a@b.example", "x, y@b.example"]}, {"subject": "a\nBcc: e@b.example"},
    {"subject": "a\rb"}, {"subject": "a\u2028b"}, {"reply_to": "x\n@y.example"}, {"attachments": [Attachment("k", 'a"\r\nX: y', "text/plain")]},
    {"attachments": [Attachment("k", "a", "text/plain\r\nX: y")]},
])  # fmt: skip
def test_what_would_make_a_header_of_its_own_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as told:
        Mail(**({"to": "a@b.example", "subject": "s", "text": "t"} | broken))
    assert {problem.field for problem in told.value.problems} == set(broken)


def test_an_attachment_that_is_gone_is_no_reason_to_try_again(platform: Platform, work: Work, mail_server: MailServer) -> None:
    work.mail(Mail("a@b.example", "x", "y", attachments=[Attachment("0" * 32, "offer.pdf", "application/pdf")]))
    drained(platform)
    (row,) = rows(work)
    assert row.state == "dead" and "offer.pdf" in row.error
    assert mail_server.messages == []


@pytest.mark.parametrize(("word", "drains"), [("on", True), ("Off", False), ("maybe", None)])
def test_a_switch_is_on_or_off_and_nothing_else(word: str, drains: bool | None, tmp_path: Path) -> None:
    if drains is None:
        with pytest.raises(DeclarationError, match="drain: expected true or false, got 'maybe'"):
            configs.load({"DEALWRIGHT_DRAIN": word}, tmp_path)
    else:
        assert configs.load({"DEALWRIGHT_DRAIN": word}, tmp_path).drain is drains


@pytest.mark.parametrize(("url", "sender", "said"), [
    ("http://host", "a@b.example", "mail_url"), ("smtp://", "a@b.example", "mail_url"), ("smtp://h:port", "a@b.example", "mail_url"),
    ("smtp://h?startls=1", "a@b.example", "mail_url"), ("smtp://h", "", "mail_from"), ("smtp://h", "a@b.example\nX: y", "mail_from"),
])  # fmt: skip
def test_an_address_that_does_not_fit_is_refused_at_the_start(url: str, sender: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=said):
        configs.load({"MAIL_URL": url, "MAIL_FROM": sender}, tmp_path)


def test_the_password_is_masked_where_the_configuration_is_shown(tmp_path: Path) -> None:
    config = configs.load({"MAIL_URL": "smtps://me%40b.example:geheim@mail.b.example"}, tmp_path)
    server = config.mail
    assert server is not None
    assert (server.user, server.password, server.port, server.tls, server.sender) == (
        "me@b.example",
        "geheim",
        465,
        "always",
        "me@b.example",
    )
    assert "geheim" not in repr(server) + str(configs.shown(config))
    assert any(value == "smtps://…@mail.b.example" for _name, value, _origin in configs.shown(config))


def test_a_letter_about_a_record_is_told_of_with_it_and_another_is_not(work: Work) -> None:
    about = Reference("customers.account", id_of(work.records("customers.account").create({"name": "Alder"})))
    work.mail(Mail("a@acme.example", "Offer", "Here it is.", about=about))
    work.mail(Mail("a@acme.example", "Your password", "..."))
    with work.transaction():
        query = sa.select(outbox.c.payload).where(outbox.c.tenant_id == work.tenant.id, outbox.c.name == MAIL_WRITTEN)
        (told,) = work.connection.execute(query).scalars()
    item = {"id": str(about.id), "entity": about.entity, "to": ["a@acme.example"], "subject": "Offer", "text": "Here it is.",
            "at": "2026-01-15T12:00:00Z", "by": None}  # fmt: skip
    assert told == {"items": [item]}
