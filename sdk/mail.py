"""Letters that a plugin sends: `ctx.mail(Mail("a@b.example", _("Hello"), "..."))`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sdk.errors import Invalid, Problem
from sdk.fields.any_record import Reference
from sdk.text import Text, _

MAIL_WRITTEN = "core.mail.written"
"""The event of a letter about a record: its id, and `entity`, `to`, `subject`, `text`, `at`, `by` (None: the system).
Committed with the wish to send it."""

# The address of one mailbox without a display name; no spaces, quotes, brackets or control characters, so that no header can be made of it.
_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f<>()\[\],;:\\\"@]{1,64}@[^\s\x00-\x1f\x7f<>()\[\],;:\\\"@]{1,255}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}\Z")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A kept file (`ctx.files.save` gave its `key`) under the name that the reader sees."""

    key: str
    filename: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter to one address or several; all of them are named in it, and each gets a copy with a fate of its own.

    `text` is what everybody can read, `html` the same with formatting, where there is one. `about` is the record that it is
    part of the communication of: it will stand on that record's timeline; `concerns` are records that it tells somebody else of, so that
    what it says can be erased with them. Raises Invalid, naming the
    field, for addresses that are none and for line breaks in what becomes a header.
    """

    to: str | Sequence[str]
    subject: str
    text: str
    html: str = ""
    attachments: Sequence[Attachment] = ()
    reply_to: str = ""
    about: Reference | None = None
    concerns: Sequence[Reference] = ()

    def __post_init__(self) -> None:
        problems = [_no_address("to", address) for address in self.recipients if not _ADDRESS.match(address)]
        if not self.recipients:
            problems.append(Problem("to", "required", _("expected at least one address")))
        if self.reply_to and not _ADDRESS.match(self.reply_to):
            problems.append(_no_address("reply_to", self.reply_to))
        headers = [("subject", self.subject), *(("attachments", one.filename) for one in self.attachments)]
        problems += [
            Problem(name, "control_character", _("expected one line without control characters, got {value!r}"), {"value": line[:80]})
            for name, line in headers if _CONTROL.search(line)
        ]  # fmt: skip
        problems += [
            Problem("attachments", "malformed", _("expected a media type such as application/pdf, got {value!r}"), {"value": one.media_type[:80]})
            for one in self.attachments if not _MEDIA_TYPE.match(one.media_type)
        ]  # fmt: skip
        if problems:
            raise Invalid(_("the email can’t be sent"), problems=problems)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses, each once."""
        return (self.to,) if isinstance(self.to, str) else tuple(dict.fromkeys(self.to))


def _no_address(field: str, value: str) -> Problem:
    text: Text = _("expected an address such as name@company.example, got {value!r}")
    return Problem(field, "malformed", text, {"value": value[:80]})
