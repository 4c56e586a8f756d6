"""One-time passwords by the clock (RFC 6238 on RFC 4226): six digits each half minute, as every authenticator application makes them."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

PERIOD, DIGITS = 30, 6
_SLACK = 1
"""Steps that a clock may be wrong by, before and after."""


def new_seed() -> str:
    """160 random bits in Base32, as people type them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_of(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a step of the clock."""
    digest = hmac.digest(seed, step.to_bytes(8), "sha1")
    place = digest[-1] & 0x0F
    return str((int.from_bytes(digest[place : place + 4]) & 0x7FFF_FFFF) % 10**digits).zfill(digits)


def step_of(seed: str, code: str, now: datetime, used: int) -> int | None:
    """The step whose code it is, near now and after the one that was `used` last; None: it is wrong, too old, or used already."""
    raw, present = base64.b32decode(seed), int(now.timestamp()) // PERIOD
    found = None
    for step in range(present - _SLACK, present + _SLACK + 1):
        if hmac.compare_digest(code_of(raw, step).encode(), code.encode()) and step > used:
            found = step
    return found


def address_of(seed: str, account: str, issuer: str) -> str:
    """What an authenticator application reads as a QR code."""
    words = urlencode({"secret": seed, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": PERIOD}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='')}?{words}"
