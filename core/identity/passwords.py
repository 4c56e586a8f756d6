"""Passwords, kept as Argon2id hashes (RFC 9106)."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from sdk import Invalid, Problem, Text, _

LEAST, MOST = 10, 200
LEAST_DIFFERENT = 5
"""Characters that differ: `aaaaaaaaaaaa` is long and no secret."""
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEAST_NAME = 4
"""Letters of a name or an e-mail that a password must not be made of; shorter ones are in half of all words."""


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password has, and that takes as long as any to look at: not made by hashing, which the first stranger would wait for."""
    made = PasswordHasher()
    return f"$argon2id$v=19$m={made.memory_cost},t={made.time_cost},p={made.parallelism}${'A' * 22}${'A' * 43}"


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def hashed(password: str, *about: str, field: str = "password") -> str:
    """The hash of a new password; raises Invalid for one that is too short or too long, that many people have, or that
    says what is known of the person (`about`: e-mail and name)."""
    if (problem := flaw(password, about, field)) is not None:
        raise Invalid(_("the password is wrong"), problems=[problem])
    return _hasher().hash(password)


def flaw(password: str, about: tuple[str, ...], field: str) -> Problem | None:
    """What is wrong with a new password; None for one that `hashed` takes."""
    if not LEAST <= len(password) <= MOST:
        return Problem(field, "length", _("expected {least} to {most} characters"), {"least": LEAST, "most": MOST})
    plain = password.casefold()
    texts: dict[str, Text] = {
        "control_character": _("contains a control character; remove it"),
        "too_simple": _("has too few different characters; choose another"),
        "common_password": _("is too common; choose another"),
        "says_who_you_are": _("contains your name or email; choose another"),
    }
    code = ""
    if "\x00" in password:
        code = "control_character"
    elif len(set(plain)) < LEAST_DIFFERENT:
        code = "too_simple"
    elif plain in _common() or _ENDS.sub("", plain) in _common():
        code = "common_password"
    elif any(word in plain for word in _words(about)):
        code = "says_who_you_are"
    return Problem(field, code, texts[code]) if code else None


def _words(about: tuple[str, ...]) -> set[str]:
    """What is known of a person: the e-mail's name and its parts, the parts of the person's name."""
    parts = [part for one in about for part in re.split(r"[\W\d_]+", one.casefold().partition("@")[0])]
    whole = [one.casefold().partition("@")[0] for one in about]
    return {word for word in (*parts, *whole) if len(word) >= _LEAST_NAME}


def matches(password: str, hash: str | None) -> bool:
    """Whether it is the password. Without a hash the same work is done, so that the time tells nobody who has an account. Raises
    argon2's VerificationError where it could not be found out, for want of memory or threads: that is no wrong password."""
    try:
        return _hasher().verify(hash or _nobody(), password[:MOST]) and hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False
