"""The ID token: a signed statement of the provider about who has signed in (OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515)."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

type_key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_PART = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
LONGEST, LEAST_BITS = 20_000, 2048
SLACK = 60
"""Seconds that the provider's clock may be wrong by."""
OLDEST = 600
"""Seconds since it was made: nobody takes longer between signing in there and coming back."""


class Untrue(Exception):
    """What is wrong with a token: the name of a claim, or "form", "algorithm", "key", "signature"."""


@dataclass(frozen=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str
    now: datetime


def key_id(token: str) -> str | None:
    """By which of its keys the provider says that it has signed; raises Untrue for what is no signed token."""
    kid = _header(token).get("kid")
    return kid if isinstance(kid, str) else None


def claims_of(token: str, keys: Sequence[Mapping[str, Any]], expected: Expected) -> Mapping[str, Any]:
    """What the token says, once its signature and all of its claims hold; raises Untrue with the first that does not."""
    header = _header(token)
    signed, _dot, signature = token.rpartition(".")
    # The key decides how to verify; a token that could choose would choose no signature, or one by what everybody knows.
    found = [key for key in keys if _fits(key, header)]
    if len(found) != 1:
        raise Untrue("key")
    _verify(_key(found[0]), str(header["alg"]), signed.encode(), _bytes(signature))
    claims = _object(token.split(".")[1])
    _check(claims, expected)
    return claims


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > LONGEST or token.count(".") != 2:
        raise Untrue("form")
    header = _object(token.partition(".")[0])
    if header.get("alg") not in ("RS256", "ES256"):
        raise Untrue("algorithm")
    if "crit" in header:  # an extension that must be understood, and is not
        raise Untrue("form")
    return header


def _fits(key: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    kind = {"RS256": "RSA", "ES256": "EC"}[header["alg"]]
    named = "kid" not in header or key.get("kid") == header["kid"]
    return named and key.get("kty") == kind and key.get("use", "sig") == "sig" and key.get("alg", header["alg"]) == header["alg"]


def _key(key: Mapping[str, Any]) -> type_key:
    try:
        if key["kty"] == "RSA":
            made = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
            if made.key_size < LEAST_BITS:
                raise Untrue("key")
            return made
        if key["crv"] != "P-256":
            raise Untrue("key")
        return ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1()).public_key()
    except (KeyError, ValueError) as failure:
        raise Untrue("key") from failure


def _verify(key: type_key, algorithm: str, signed: bytes, signature: bytes) -> None:
    try:
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), SHA256())
        elif algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64:
            both = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
            key.verify(both, signed, ec.ECDSA(SHA256()))
        else:
            raise Untrue("signature")
    except InvalidSignature as failure:
        raise Untrue("signature") from failure


def _check(claims: Mapping[str, Any], expected: Expected) -> None:
    now, audience = expected.now.timestamp(), claims.get("aud")
    nonce, subject, not_before = claims.get("nonce"), claims.get("sub"), claims.get("nbf", 0)
    held = {
        "iss": claims.get("iss") == expected.issuer,
        "aud": audience in (expected.client_id, [expected.client_id]),  # whom else it is meant for, we know nothing of
        "azp": claims.get("azp", expected.client_id) == expected.client_id,
        "exp": _instant(claims.get("exp")) and now < claims["exp"] + SLACK,
        "iat": _instant(claims.get("iat")) and now - OLDEST <= claims["iat"] <= now + SLACK,
        "nbf": _instant(not_before) and not_before <= now + SLACK,
        "nonce": isinstance(nonce, str) and nonce.isascii() and hmac.compare_digest(nonce.encode(), expected.nonce.encode()),
        "sub": isinstance(subject, str) and 0 < len(subject) <= 255 and subject.isascii(),
    }
    for name, holds in held.items():
        if not holds:
            raise Untrue(name)


def _instant(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part))
    except (ValueError, RecursionError) as failure:
        raise Untrue("form") from failure
    if not isinstance(found, dict):
        raise Untrue("form")
    return found


def _number(part: object) -> int:
    return int.from_bytes(_bytes(part))


def _bytes(part: object) -> bytes:
    if not isinstance(part, str) or not _PART.match(part) or len(part) % 4 == 1:
        raise Untrue("form")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
