"""What keeps browsers safe: the headers of every answer, the session's cookie, and where a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import request

from core.identity import sessions
from core.identity.sessions import Visitor

if TYPE_CHECKING:
    from core.config import Config

_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Unless an answer says otherwise: a page names what it needs."""
_HTTPS: Mapping[str, str] = {"Strict-Transport-Security": "max-age=31536000"}
_AGENT, _ADDRESS = 200, 45


def headers_of(config: Config) -> Mapping[str, str]:
    """What every answer says to browsers."""
    return {**_ALWAYS, **_HTTPS} if config.https else _ALWAYS


def cookie_name(config: Config) -> str:
    """The name of the session's cookie."""
    return host_cookie(config, sessions.COOKIE)


def host_cookie(config: Config, name: str) -> str:
    """A cookie's name: behind https one that no neighbouring host can set (`__Host-`, RFC 6265bis)."""
    return f"__Host-{name}" if config.https else name


def give_cookie(
    response: FlaskResponse, config: Config, cookie: str, name: str = sessions.COOKIE, lasts: timedelta = sessions.LIFETIME
) -> None:
    """Lax, not strict: who follows a link from a letter or comes back from a sign-in elsewhere is to be known."""
    response.set_cookie(
        host_cookie(config, name), cookie, max_age=int(lasts.total_seconds()), httponly=True, samesite="Lax",
        secure=config.https or request.is_secure, path="/",
    )  # fmt: skip


def take_cookie(response: FlaskResponse, config: Config, name: str = sessions.COOKIE) -> None:
    """The browser forgets the session, or another cookie of ours."""
    response.delete_cookie(host_cookie(config, name), path="/", secure=config.https or request.is_secure, httponly=True, samesite="Lax")


def visitor(config: Config) -> Visitor:
    """Where the request comes from; behind `config.proxies` proxies the address is the one that the outermost of ours has written down."""
    address = request.remote_addr or ""
    if config.proxies:
        forwarded = [word.strip() for word in ",".join(request.headers.getlist("X-Forwarded-For")).split(",") if word.strip()]
        if len(forwarded) >= config.proxies:
            address = forwarded[-config.proxies]
    agent = "".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable())
    return Visitor(_latin(address)[:_ADDRESS], agent[:_AGENT])


def _latin(word: str) -> str:
    return "".join(letter for letter in word if letter.isascii() and letter.isprintable())
