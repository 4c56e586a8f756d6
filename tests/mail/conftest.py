"""A real mail server on this machine, that takes, refuses and asks for passwords as it is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.probe.fixtures import entry_points

__all__ = ["entry_points"]


@dataclass
class MailServer:
    """What came in, and what to answer: `answers["a@b.example"] = "550 no such user"`."""

    port: int
    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    verdict: str = "250 taken"
    told: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Its address, as a user who may send; STARTTLS is not spoken here."""
        return f"smtp://robot:right%40pass@127.0.0.1:{self.port}?starttls=0"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:
        answer = self.answers.get(address, "250 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.verdict.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            self.messages += [(recipient, message) for recipient in envelope.rcpt_tos]
            self.told()
        return self.verdict


def sign_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """One user, one password."""
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"robot", b"right@pass")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A server that has come up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        told = MailServer(free.getsockname()[1])
    controller = Controller(told, hostname="127.0.0.1", port=told.port, authenticator=sign_in, auth_require_tls=False, auth_required=True)
    controller.start()
    yield told
    controller.stop()
