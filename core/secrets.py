"""Secrets that others give us, encrypted before they are stored (AES-256-GCM; NIST SP 800-38D)."""

from __future__ import annotations

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import master_key

FORM = "1"
"""Begins every sealed text, so that another form can come without a change of what is stored."""
_NONCE = 12


class Unreadable(Exception):
    """A sealed text that was made under another master key or for another purpose, or that is damaged."""


def seal(key: bytes, purpose: str, text: str) -> str:
    """`text` as printable characters that only `unseal` with the same master key and purpose can read; another one each time.

    `purpose` names the very place (tenant, plugin, name), so that a sealed text copied to another place cannot be read there.
    """
    nonce = secrets.token_bytes(_NONCE)
    hidden = AESGCM(_derived(key, purpose)).encrypt(nonce, text.encode(), None)
    return f"{FORM}.{base64.urlsafe_b64encode(nonce + hidden).decode()}"


def unseal(key: bytes, purpose: str, sealed: str) -> str:
    """What was sealed; raises Unreadable, which tells no part of it."""
    form, _dot, rest = sealed.partition(".")
    try:
        if form != FORM:
            raise ValueError
        raw = base64.b64decode(rest.encode(), altchars=b"-_", validate=True)
        return AESGCM(_derived(key, purpose)).decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()
    except (ValueError, InvalidTag):
        raise Unreadable(
            "a stored secret cannot be read: it belongs to another master key, or it is damaged; "
            "restore secret.key or DEALWRIGHT_SECRET_KEY, or enter the secret again"
        ) from None


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), master_key.LENGTH, salt=None, info=f"dealwright:{purpose}".encode()).derive(key)
