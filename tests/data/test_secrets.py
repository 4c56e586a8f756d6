"""Secrets that others give us are stored encrypted, each bound to its place."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import secrets

KEY = b"k" * 32


@given(st.text())
def test_what_is_sealed_is_read_again(text: str) -> None:
    assert secrets.unseal(KEY, "here", secrets.seal(KEY, "here", text)) == text


def test_the_same_secret_looks_different_each_time() -> None:
    assert secrets.seal(KEY, "here", "same") != secrets.seal(KEY, "here", "same")


@pytest.mark.parametrize(("key", "purpose"), [(b"l" * 32, "here"), (KEY, "there")])
def test_a_sealed_text_is_not_read_with_another_key_or_in_another_place(key: bytes, purpose: str) -> None:
    with pytest.raises(secrets.Unreadable, match=r"restore secret\.key"):
        secrets.unseal(key, purpose, secrets.seal(KEY, "here", "word"))


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_sealed_text_that_was_changed_anywhere_is_refused(place: int, change: int) -> None:
    form, _dot, rest = secrets.seal(KEY, "here", "a word").partition(".")
    raw = bytearray(base64.urlsafe_b64decode(rest))
    raw[place % len(raw)] ^= change
    with pytest.raises(secrets.Unreadable):
        secrets.unseal(KEY, "here", f"{form}.{base64.urlsafe_b64encode(raw).decode()}")


@pytest.mark.parametrize("damaged", ["", "1.", "1.AAAA", "word", "2.AAAA", "1.é", "1.A A"])
def test_what_was_never_sealed_is_refused(damaged: str) -> None:
    with pytest.raises(secrets.Unreadable):
        secrets.unseal(KEY, "here", damaged)
