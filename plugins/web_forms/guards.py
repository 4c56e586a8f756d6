"""Against abuse, without anybody outside: how often one may send, a signed moment of delivery, and a small question."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
import threading
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sdk import Context, _

LURE: Final = "topic_code"
"""A field that people do not see and programs fill in."""
LEAST, LONGEST = timedelta(seconds=3), timedelta(hours=12)
"""Between the delivery of a form and its coming back: nobody types faster; who takes longer gets another question."""
ALL, WINDOW = 20, 60
"""How many times what one address may send all of them may together, and in how many seconds."""
_MOST_KNOWN = 10_000
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


class Pace:
    """How often somebody has sent in the last minute, as far as this process knows. Who has waited longest is forgotten first."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, who: str, most: int, now: datetime) -> int:
        """Count one more, and the seconds until that is allowed; 0: it is."""
        at = now.timestamp()
        with self._lock:
            times = [one for one in self._sent.get(who, ()) if 0 <= at - one < WINDOW]
            if wait := math.ceil(WINDOW - (at - times[0])) if len(times) >= most else 0:
                self._sent[who] = times
                return max(wait, 1)
            self._sent[who] = [*times, at]
            self._sent.move_to_end(who)
            while len(self._sent) > _MOST_KNOWN:
                self._sent.popitem(last=False)
        return 0


PACE = Pace()


def seconds_to_wait(ctx: Context, form: UUID, address: str, most: int) -> int:
    """Until one address may send this form again, and all of them together."""
    now = ctx.now()
    return PACE.wait(f"{form} {network(address)}", most, now) or PACE.wait(str(form), most * ALL, now)


def network(address: str) -> str:
    """Whose address it is: of IPv6 the first half, as one household or machine has all of the rest."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)
