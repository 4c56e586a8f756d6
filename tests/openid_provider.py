"""A provider of OpenID Connect on this machine: it signs ID tokens as a real one does, and makes the mistakes that it is told to."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

type_key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CALLBACK = "http://127.0.0.1:8000/api/v1/session/providers/openid.connect/callback"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of this run; each name has its own."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key of this run; each name has its own."""
    return ec.generate_private_key(ec.SECP256R1())


def encoded(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public(key: type_key, **more: object) -> dict[str, object]:
    """The key as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": encoded(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)), "e": "AQAB", **more}
    point = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": encoded(point.x.to_bytes(32)), "y": encoded(point.y.to_bytes(32)), **more}


def signed(key: type_key, claims: Mapping[str, object], **header: object) -> str:
    """A token by RS256 or ES256, as the key is."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    text = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT", **header}, claims))
    if isinstance(key, rsa.RSAPrivateKey):
        return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
    return f"{text}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


@dataclass
class Provider:
    """A running provider; what is set here holds from the next request on."""

    clock: Callable[[], datetime]
    client_id: str = "dealwright"
    client_secret: str = "s3cret:/ä"
    person: dict[str, object] = field(
        default_factory=lambda: {"sub": "u-1", "email": "ann@acme.example", "email_verified": True, "name": "Ann"}
    )
    key: type_key = field(default_factory=lambda: rsa_key("one"))
    kid: str = "one"
    about: dict[str, object] = field(default_factory=dict)
    """What the discovery document says otherwise."""
    claims: dict[str, object] = field(default_factory=dict)
    """What the ID token says otherwise; None leaves a claim out."""
    answer: dict[str, str] = field(default_factory=dict)
    """What the browser brings back otherwise."""
    asked: list[str] = field(default_factory=list)
    away: bool = False
    port: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def document(self) -> dict[str, object]:
        """The discovery document."""
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize?hint=1", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "authorization_response_iss_parameter_supported": True, **self.about,
        }  # fmt: skip

    def comes_back(self, address: str) -> tuple[str, dict[str, str]]:
        """A browser goes to the provider, its person signs in there, and the browser is sent back: where to, and with what."""
        parts = urlsplit(address)
        line = http.client.HTTPConnection(parts.netloc, timeout=10)
        line.request("GET", f"{parts.path}?{parts.query}")
        reply = line.getresponse()
        assert reply.status == 302, reply.read()
        back = urlsplit(reply.headers["Location"])
        line.close()
        return back.path, dict(parse_qsl(back.query))

    def authorize(self, words: dict[str, str]) -> str:
        """Where a person who has signed in is sent."""
        assert (words["response_type"], words["client_id"], words["redirect_uri"]) == ("code", self.client_id, CALLBACK)
        assert words["code_challenge_method"] == "S256" and "openid" in words["scope"].split() and words["hint"] == "1"
        code = secrets.token_urlsafe(16)
        self.codes[code] = words
        back = {"code": code, "state": words["state"], "iss": self.issuer, "session_state": "x", **self.answer}
        return f"{words['redirect_uri']}?{urlencode({name: word for name, word in back.items() if word})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """The token endpoint: a code is good once, for the client that has the secret and the verifier."""
        if self.client_secret and authorization:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client, secret = map(unquote_plus, pair.split(":"))
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if (client, secret) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        words = self.codes.pop(form["code"], None)
        challenge = encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if words is None or words["code_challenge"] != challenge or words["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": words["nonce"],
            **self.person,
            **self.claims,
        }
        token = signed(self.key, {name: value for name, value in claims.items() if value is not None}, kid=self.kid)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}


@contextmanager
def running(clock: Callable[[], datetime]) -> Iterator[Provider]:
    """A provider that serves meanwhile."""
    provider = Provider(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _mark, query = self.path.partition("?")
            provider.asked.append(path)
            if path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(dict(parse_qsl(query))))
                self.end_headers()
            elif path == "/keys":
                self.reply(200, {"keys": [public(provider.key, kid=provider.kid, use="sig")]})
            elif path == "/.well-known/openid-configuration":
                self.reply(200, provider.document())
            else:
                self.reply(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.reply(*provider.exchange(form, self.headers.get("Authorization", "")))

        def reply(self, status: int, body: Mapping[str, Any]) -> None:
            sent = b"<html>busy" if provider.away else json.dumps({**body, "padding": "x" * 5_000}).encode()
            self.send_response(503 if provider.away else status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
