"""Passwords, kept as Argon2id hashes (RFC 9106)."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sdk import Invalid, Problem, _

LEAST, MOST = 10, 200


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """The hash of a new password; raises Invalid for one that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        problem = Problem("password", "length", _("expected {least} to {most} characters"), {"least": LEAST, "most": MOST})
        raise Invalid(_("the password does not fit"), problems=[problem])
    return _hasher().hash(password)


def matches(password: str, hash: str | None) -> bool:
    """Whether it is the password. Without a hash the same work is done, so that the time tells nobody who has an account."""
    try:
        return _hasher().verify(hash or _nobody(), password[:MOST]) and hash is not None
    except (VerificationError, InvalidHashError):
        return False
