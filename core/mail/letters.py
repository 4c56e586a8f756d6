"""From `ctx.mail` to the wire: what waits in the outbox, and the message that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Any, cast

from core.events.states import Held
from core.mail import smtp
from core.mail.smtp import Server
from sdk import Context, GiveUp, Job, Mail, NotFound, _

if TYPE_CHECKING:
    from core.context import Work

JOB = "send_mail"


def waiting(mail: Mail) -> list[dict[str, Any]]:
    """A job for each recipient: one who is refused holds up no other, and a second attempt writes to nobody twice."""
    letter = {
        "to": list(mail.recipients), "subject": mail.subject, "text": mail.text, "html": mail.html, "reply_to": mail.reply_to,
        "attachments": [{"key": one.key, "filename": one.filename, "media_type": one.media_type} for one in mail.attachments],
        "concerns": [str(one) for one in dict.fromkeys((mail.about, *mail.concerns)) if one is not None],
    }  # fmt: skip
    return [{"recipient": recipient, **letter} for recipient in mail.recipients]


def send_mail(ctx: Context, letter: Mapping[str, object]) -> None:
    """Send one letter to one recipient. At least once: a copy after a crash carries the same Message-ID, so that it can be told."""
    work = cast("Work", ctx)
    server = work.platform.config.mail
    if server is None:
        raise Held(_("no mail server is configured; set MAIL_URL, restart, and try it again"))
    smtp.send(server, message(work, server, cast("Mapping[str, Any]", letter)), str(letter["recipient"]))


def message(work: Work, server: Server, letter: Mapping[str, Any], key: str = "") -> EmailMessage:
    """The message of a waiting letter; its Message-ID is the same at each attempt, made of the job's key if no other is given."""
    made = EmailMessage(policy=SMTP)
    made["From"] = server.sender
    made["To"] = ", ".join(letter["to"])
    made["Subject"] = letter["subject"]
    made["Date"] = format_datetime(work.now())
    made["Message-ID"] = f"<{key or work.idempotency_key}@{parseaddr(server.sender)[1].rpartition('@')[2]}>"
    if letter["reply_to"]:
        made["Reply-To"] = letter["reply_to"]
    made["Auto-Submitted"] = "auto-generated"  # holiday answers keep quiet (RFC 3834)
    made.set_content(letter["text"])
    if letter["html"]:
        made.add_alternative(letter["html"], subtype="html")
    for part in letter["attachments"]:
        main, _slash, sub = part["media_type"].partition("/")
        try:
            with work.files.open(part["key"]) as file:
                made.add_attachment(file.read(), maintype=main, subtype=sub, filename=part["filename"])
        except NotFound as failure:
            raise GiveUp(_("the attachment {file} is gone: {reason}"), file=part["filename"], reason=str(failure)) from failure
    return made


JOBS: Sequence[Job] = (Job(JOB, send_mail, label=_("Send an email"), patience=timedelta(days=3)),)
