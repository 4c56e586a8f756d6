"""Passwords travel encrypted, to a server whose certificate is checked."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from core.mail import smtp
from core.mail.smtp import Server
from sdk import Unavailable
from tests.mail.conftest import MailServer, sign_in


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody trusts by itself, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH to make a certificate with")
    key, made, both = tmp_path / "key.pem", tmp_path / "made.pem", tmp_path / "both.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made], check=True, capture_output=True)  # fmt: skip
    both.write_text(key.read_text() + made.read_text())
    return both


@pytest.fixture
def starttls(certificate: Path) -> Iterator[Callable[[str], Server]]:
    """A server that takes passwords only after STARTTLS: `starttls("right")`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(MailServer(port), hostname="127.0.0.1", port=port, authenticator=sign_in, tls_context=context,
                            require_starttls=True, auth_required=True)  # fmt: skip
    controller.start()

    def server(password: str) -> Server:
        made = smtp.parse(f"smtp://robot:{password}%40pass@127.0.0.1:{port}", "a@b.example")
        assert made is not None
        return made

    yield server
    controller.stop()


def test_starttls_is_the_default_with_a_password(
    starttls: Callable[[str], Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    smtp.check(starttls("right"))
    with pytest.raises(Unavailable, match="535") as told:
        smtp.check(starttls("wrong"))
    assert told.value.reason == "mail_wrong_password"


def test_a_certificate_that_nobody_vouches_for_is_refused(starttls: Callable[[str], Server]) -> None:
    with pytest.raises(Unavailable, match="certificate") as told:
        smtp.check(starttls("right"))
    assert told.value.reason == "mail_no_encryption"
