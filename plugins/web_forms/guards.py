"""Against abuse, without anybody outside: how often one may send, a signed moment of delivery, and a small question."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sdk import Context, _
from sdk.context import Pace

LURE: Final = "topic_code"
"""A field that people do not see and programs fill in."""
LEAST, LONGEST = timedelta(seconds=3), timedelta(hours=12)
"""Between the delivery of a form and its coming back: nobody types faster; who takes longer gets another question."""
ALL = 20
"""How many times what one address may send all of them may together, within the same minute."""
_NUMBERS = (
    _("zero"), _("one"), _("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine"), _("ten"), _("eleven"),
    _("twelve"), _("thirteen"), _("fourteen"), _("fifteen"), _("sixteen"), _("seventeen"), _("eighteen"),
)  # fmt: skip


@dataclass(frozen=True)
class Stamp:
    """When a form was delivered, and which one of all deliveries it was."""

    at: datetime
    nonce: str

    @property
    def digest(self) -> str:
        """What is kept of it, so that a form that is sent twice is taken once."""
        return hashlib.sha256(self.nonce.encode()).hexdigest()


def new_stamp(ctx: Context, form: UUID) -> str:
    """A signed moment, for a form that is delivered now."""
    return _signed(ctx, form, str(int(ctx.now().timestamp() * 1000)), secrets.token_urlsafe(12))


def read_stamp(ctx: Context, form: UUID, word: str) -> Stamp | None:
    """The moment that was signed for this form; None for anything else, and for one that is too old."""
    at, _dot, rest = word.partition(".")
    nonce = rest.partition(".")[0]
    if not (at.isascii() and at.isdigit() and len(at) <= 15) or not hmac.compare_digest(
        _signed(ctx, form, at, nonce).encode(), word.encode()
    ):
        return None
    moment = datetime.fromtimestamp(int(at) / 1000, UTC)
    return Stamp(moment, nonce) if timedelta(0) <= ctx.now() - moment <= LONGEST else None


def _signed(ctx: Context, form: UUID, at: str, nonce: str) -> str:
    mark = hmac.digest(ctx.secret("web_forms.stamp"), f"{form}.{at}.{nonce}".encode(), "sha256").hex()[:32]
    return f"{at}.{nonce}.{mark}"


def nonce_in(word: str) -> str:
    """The part of a stamp that is its own."""
    return word.split(".")[1] if word.count(".") == 2 else ""


# --- a question -------------------------------------------------------------------------------------------------------


def question(ctx: Context, word: str) -> str:
    """What is asked beside a stamp, in words that a screen reader reads like any other."""
    first, second = _two(ctx, nonce_in(word))
    return ctx.say(_("How much is {first} plus {second}?"), {"first": ctx.say(_NUMBERS[first]), "second": ctx.say(_NUMBERS[second])})


def is_answer(ctx: Context, stamp: Stamp, said: str) -> bool:
    """Whether it is the answer, in digits or in words of either language."""
    first, second = _two(ctx, stamp.nonce)
    sum_ = first + second
    right = {str(sum_), *(ctx.speaking(locale).say(_NUMBERS[sum_]).casefold() for locale in ("en", "zh_CN"))}
    return unicodedata.normalize("NFKC", said).strip().casefold() in right


def _two(ctx: Context, nonce: str) -> tuple[int, int]:
    digest = hmac.digest(ctx.secret("web_forms.question"), nonce.encode(), "sha256")
    return 1 + digest[0] % 9, 1 + digest[1] % 9


# --- how often --------------------------------------------------------------------------------------------------------


def seconds_to_wait(ctx: Context, form: UUID, address: str, most: int) -> int:
    """Count one more, and the seconds until one address may send this form again, and all of them together; 0: it may now."""
    return ctx.pace(Pace(f"{form} {network(address)}", most), Pace(str(form), most * ALL))


def network(address: str) -> str:
    """Whose address it is: of IPv6 the first half, as one household or machine has all of the rest."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)
