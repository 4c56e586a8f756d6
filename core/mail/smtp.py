"""The installation's mail server, from `MAIL_URL` and `MAIL_FROM`, and what it says."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from sdk import DeclarationError, GiveUp, Unavailable, _

SECONDS = 8.0
"""How long the server may be silent at any step; a check is over within ten seconds."""
FORM = "smtp://user:password@host:587?starttls=1 or smtps://user:password@host:465, with %40 for an @ in the user or password"


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and in whose name; `tls` is "always" (smtps), "starttls" or ""."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: str
    sender: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse(url: str, sender: str) -> Server | None:
    """The server of `MAIL_URL`; None for "". A password never travels unencrypted unless `starttls=0` says so.

    Raises DeclarationError naming what does not fit, never with the password in it.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, port, query = parts.hostname, parts.port, parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise DeclarationError(f"mail_url: this is no address; write {FORM}") from None
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/"):
        raise DeclarationError(f"mail_url: expected {FORM}")
    wish = query.pop("starttls", ["1" if parts.username else "0"])[-1]
    if query or wish not in ("0", "1"):
        raise DeclarationError(f"mail_url: after the ? only starttls=1 or starttls=0 can stand; write {FORM}")
    tls = "always" if parts.scheme == "smtps" else "starttls" if wish == "1" else ""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(host, port or {"always": 465, "starttls": 587}.get(tls, 25), user, password, tls, _sender(sender or user))


def _sender(written: str) -> str:
    _name, address = parseaddr(written)
    if "@" not in address or any(ord(letter) < 32 or ord(letter) == 127 for letter in written):
        raise DeclarationError(f"mail_from: expected an address such as 'Sales <sales@company.example>', got {written!r}; set MAIL_FROM")
    return written


def send(server: Server, message: EmailMessage, recipient: str) -> None:
    """Hand a message over for one recipient. Raises GiveUp where the server refuses it for good, Unavailable otherwise."""
    with _connected(server) as smtp:
        try:
            smtp.send_message(message, parseaddr(server.sender)[1], [recipient])
        except smtplib.SMTPRecipientsRefused as refusal:
            raise _refused(server, *refusal.recipients[recipient]) from refusal
        except smtplib.SMTPResponseException as refusal:
            raise _refused(server, refusal.smtp_code, refusal.smtp_error) from refusal
        except smtplib.SMTPNotSupportedError as refusal:
            text = _("the mail server {server} rejected the address {recipient}: {answer}")
            raise GiveUp(text, server=str(server), recipient=recipient, answer=str(refusal)) from refusal
        except (OSError, smtplib.SMTPException) as failure:
            raise _unreachable(server, failure) from failure


def check(server: Server) -> None:
    """Connect and sign in without sending; raises Unavailable with a code that names what is wrong."""
    with _connected(server):
        pass


@contextmanager
def _connected(server: Server) -> Iterator[smtplib.SMTP]:
    try:
        smtp = _open(server)
    except smtplib.SMTPAuthenticationError as refusal:
        raise Unavailable(
            _("the mail server {server} rejects user {user!r}: {answer}; correct the user or password in MAIL_URL"),
            code="mail_wrong_password", server=str(server), user=server.user, answer=_said(refusal.smtp_code, refusal.smtp_error),
        ) from refusal  # fmt: skip
    except (smtplib.SMTPNotSupportedError, ssl.SSLError) as failure:
        raise Unavailable(
            _("could not encrypt the connection to the mail server {server}: {answer}; see smtps:// and starttls in MAIL_URL"),
            code="mail_no_encryption", server=str(server), answer=str(failure),
        ) from failure  # fmt: skip
    except (OSError, smtplib.SMTPException) as failure:
        raise _unreachable(server, failure) from failure
    try:
        yield smtp
    finally:
        with suppress(OSError, smtplib.SMTPException):  # what was taken stays taken, even when the good-bye fails
            smtp.quit()
        smtp.close()


def _open(server: Server) -> smtplib.SMTP:
    if server.tls == "always":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=ssl.create_default_context())
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _refused(server: Server, code: int, answer: bytes | str) -> Exception:
    if code >= 500:
        return GiveUp(_("the mail server {server} permanently rejected it: {answer}"), server=str(server), answer=_said(code, answer))
    return Unavailable(
        _("the mail server {server} doesn’t accept it right now: {answer}"),
        code="mail_later",
        server=str(server),
        answer=_said(code, answer),
    )


def _unreachable(server: Server, failure: Exception) -> Unavailable:
    return Unavailable(
        _("the mail server {server} isn’t responding: {answer}; check host and port in MAIL_URL"),
        code="mail_unreachable", server=str(server), answer=str(failure) or type(failure).__name__,
    )  # fmt: skip


def _said(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"[:500]
