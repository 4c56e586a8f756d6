"""Signing in and out, who is signed in, and another password: `/api/v1/session`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import request

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.asked import json_body, query_pairs
from core.http.security import cookie_name, give_cookie, take_cookie, visitor
from core.identity import entrance, passwords, sessions
from core.identity.attempts import Crowd
from core.identity.sessions import Session
from core.identity.tables import LEFT
from core.identity.tables import sessions as session_table
from core.policy.acting import ALONE
from sdk import Forbidden, Invalid, Problem, Response, TooMany, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

PATH = "/api/v1/session"
FACTOR = f"{PATH}/second_factor"
_LONGEST = {"email": 255, "password": passwords.MOST, "new_password": passwords.MOST, "code": 40, "user": 255, "tenant": 60, "name": 100, "locale": 20,
            "timezone": 60, "currency": 3}  # fmt: skip


type_sign_in = Callable[[Mapping[str, str]], tuple[str, Session]]
"""Takes email, password and maybe code; gives the cookie and the session. Raises Unauthenticated and TooMany."""


def mount_session(addresses: Addresses, platform: Platform) -> type_sign_in:
    """The routes of the session, which belong to no tenant; returns how one comes in, for pages."""
    crowd, config = Crowd(), platform.config

    def guarded_sign_in(words: Mapping[str, str]) -> tuple[str, Session]:
        guest = visitor(config)
        if wait := crowd.wait(guest.address, platform.clock()):
            raise TooMany(
                _("too many failed attempts from your address; try again in {seconds} {seconds:second|seconds}"),
                retry_after=wait,
                seconds=wait,
            )
        try:
            return entrance.sign_in(platform, words["email"], words["password"], words.get("code", ""), guest)
        except (Unauthenticated, TooMany) as refusal:
            if refusal.reason != entrance.FACTOR_REQUIRED:
                crowd.count(guest.address, platform.clock())
            raise

    def sign_in() -> FlaskResponse:
        query_pairs(frozenset())
        cookie, session = guarded_sign_in(_words("email", "password", optional=("code",)))
        response = answer(Response(_told(platform, session), 201))
        give_cookie(response, config, cookie)
        return response

    def sign_out() -> FlaskResponse:
        query_pairs(frozenset())
        session = present(platform)
        if session is None or not session.told(request.headers.get("X-CSRF-Token", "")):
            raise Unauthenticated(_("there is no session to end"))
        return leave(platform, session, answer(Response(None, 204)))

    def change_password() -> FlaskResponse:
        query_pairs(frozenset())
        session, words = in_person(platform), _words("password", "new_password")
        entrance.change_password(platform, session, words["password"], words["new_password"], visitor(config))
        return answer(Response(None, 204))

    addresses.add(PATH, "GET", partial(_show, platform))
    addresses.add(PATH, "POST", sign_in)
    addresses.add(PATH, "DELETE", sign_out)
    addresses.add(f"{PATH}/password", "PUT", change_password)
    _mount_factor(addresses, platform)
    return guarded_sign_in


def leave(platform: Platform, session: Session, response: FlaskResponse) -> FlaskResponse:
    """The session ends; returns the response, which has the browser forget its cookie."""
    with platform.database.begin(write=True, tenant=None) as connection:
        for person in sessions.end(connection, session_table.c.id == session.id):
            sessions.note(connection, person, LEFT, visitor(platform.config), platform.clock())
    take_cookie(response, platform.config)
    return response


def _show(platform: Platform) -> FlaskResponse:
    """Who has come in by another system gets the CSRF token here."""
    query_pairs(frozenset())
    return answer(Response(_told(platform, signed_in(platform))))


def _told(platform: Platform, session: Session) -> dict[str, object]:
    return {"csrf_token": session.csrf, "tenants": entrance.open_to(platform, session)}


def _mount_factor(addresses: Addresses, platform: Platform) -> None:
    config = platform.config

    def show() -> FlaskResponse:
        query_pairs(frozenset())
        there, left = entrance.factor_of(platform, signed_in(platform))
        return answer(Response({"enabled": there, "recovery_codes_left": left}))

    def offer() -> FlaskResponse:
        query_pairs(frozenset())
        seed, address = entrance.offer_factor(platform, in_person(platform))
        return answer(Response({"secret": seed, "uri": address}, 201))

    def confirm() -> FlaskResponse:
        query_pairs(frozenset())
        session, words = in_person(platform), _words("code", "password")
        codes = entrance.add_factor(platform, session, words["code"], words["password"], visitor(config))
        return answer(Response({"recovery_codes": codes}))

    def remove() -> FlaskResponse:
        query_pairs(frozenset())
        session, words = in_person(platform), _words("code")
        entrance.remove_factor(platform, session, words["code"], visitor(config))
        return answer(Response(None, 204))

    addresses.add(FACTOR, "GET", show)
    addresses.add(FACTOR, "POST", offer)
    addresses.add(FACTOR, "PUT", confirm)
    addresses.add(f"{FACTOR}/removals", "POST", remove)


def signed_in(platform: Platform) -> Session:
    """The session that asks; raises Unauthenticated, and, for a change, Forbidden without its CSRF token."""
    session = present(platform)
    if session is None:
        raise Unauthenticated(_("the session has expired; sign in again"))
    if request.method != "GET" and not session.told(request.headers.get("X-CSRF-Token", "")):
        raise Forbidden(_("send the session’s csrf_token as X-CSRF-Token"), code="csrf")
    return session


def in_person(platform: Platform) -> Session:
    """The same for what a person does about the own identity; raises Forbidden while the session acts as somebody else: whose is meant?"""
    session = signed_in(platform)
    if session.acting is not None:
        raise Forbidden(ALONE, code="acting")
    return session


def present(platform: Platform) -> Session | None:
    """The session of the request's cookie."""
    cookie = request.cookies.get(cookie_name(platform.config), "")
    if not cookie:
        return None
    with platform.database.begin(write=False, tenant=None) as connection:
        return sessions.find(connection, cookie, platform.clock())


def _words(*names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    return check_words(json_body(), *names, optional=optional)


def check_words(body: Mapping[str, object], *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """These words of a body, which has no others; raises Invalid."""
    names = (*names, *(name for name in optional if name in body))
    if found := wrong_words(body, *names):
        raise Invalid(_("some values are invalid"), problems=found)
    return {name: str(body[name]) for name in names}


def wrong_words(body: Mapping[str, object], *names: str) -> list[Problem]:
    """What is wrong with these words of a body, which has no others."""
    problems = [problem for name in names if (problem := _problem(name, body.get(name))) is not None]
    return [
        *problems,
        *(Problem(name[:80], "unknown_field", _("this field does not exist")) for name in sorted(set(body) - set(names))),
    ]


def _problem(name: str, word: object) -> Problem | None:
    most = _LONGEST[name]
    if not isinstance(word, str) or not word:
        return Problem(name, "required", _("is required"))
    if len(word) > most:
        return Problem(name, "too_long", _("at most {limit} characters, got {got}"), {"limit": most, "got": len(word)})
    if "\x00" in word:
        return Problem(name, "control_character", _("contains a control character; remove it"))
    return None
