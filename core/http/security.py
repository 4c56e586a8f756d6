"""What keeps browsers safe: the headers of every answer, the session's cookie, and where a request comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response as FlaskResponse
from flask import request

from core.identity import sessions
from core.identity.sessions import Visitor

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from core.config import Config

ALWAYS: Mapping[str, str] = {
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
TOLD = "dealwright.told"
"""Where in the WSGI environment a request's own words to its sender are, which go along with what all are told."""
_AGENT, _ADDRESS = 200, 45


class Heads:
    """A WSGI application whose every answer says to browsers what they must know, unless it says otherwise.

    Behind the framework, where a header is a pair of words: there each is checked and copied twice, which for a dozen of them is a
    twentieth of a small request.
    """

    def __init__(self, application: WSGIApplication, config: Config) -> None:
        self._application, self.always = application, {**ALWAYS, **_HTTPS} if config.https else ALWAYS
        self._always = [(name.lower(), (name, value)) for name, value in self.always.items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], failure: Any = None) -> Any:
            said = {name.lower() for name, _value in headers}
            told = [pair for name, pair in self._always if name not in said]
            return start_response(status, [*headers, *environ.get(TOLD, ()), *told], failure)

        return self._application(environ, start)


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
    """Who sent the request, by address and program."""
    agent = "".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable())
    return Visitor(address_of(config), agent[:_AGENT])


def address_of(config: Config) -> str:
    """Where the request comes from; behind `config.proxies` proxies the address is the one that the outermost of ours has written down."""
    address = request.remote_addr or ""
    if config.proxies:
        forwarded = [word.strip() for word in ",".join(request.headers.getlist("X-Forwarded-For")).split(",") if word.strip()]
        if len(forwarded) >= config.proxies:
            address = forwarded[-config.proxies]
    return _latin(address)[:_ADDRESS]


def _latin(word: str) -> str:
    plain = word.isascii() and word.isprintable()
    return word if plain else "".join(letter for letter in word if letter.isascii() and letter.isprintable())
