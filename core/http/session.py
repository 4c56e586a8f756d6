"""Signing in and out: `POST /api/v1/session`, `DELETE /api/v1/session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import request

from core.http.addresses import Addresses
from core.http.pipeline import answer, json_body, query_pairs
from core.identity import passwords, sessions
from sdk import Invalid, Problem, Response, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

PATH = "/api/v1/session"


def mount_session(addresses: Addresses, platform: Platform) -> None:
    """The routes of the session; they belong to no tenant."""

    def sign_in() -> FlaskResponse:
        query_pairs(frozenset())
        body = json_body()
        words = {name: body.get(name) for name in ("email", "password")}
        problems = [Problem(name, "required", _("is required")) for name, word in words.items() if not isinstance(word, str) or not word]
        problems += [
            Problem(name, "too_long", _("at most {limit} characters, got {got}"), {"limit": most, "got": len(word)})
            for (name, word), most in zip(words.items(), (255, passwords.MOST), strict=True)
            if isinstance(word, str) and len(word) > most
        ]
        problems += [
            Problem(name, "control_character", _("contains a control character; remove it"))
            for name, word in words.items()
            if isinstance(word, str) and "\x00" in word
        ]
        problems += [Problem(name[:80], "unknown_field", _("there is no such field")) for name in sorted(set(body) - set(words))]
        if problems:
            raise Invalid(_("some values are not valid"), problems=problems)
        with platform.database.begin(write=True, tenant=None) as connection:
            found = sessions.sign_in(connection, str(words["email"]), str(words["password"]), platform.clock())
        if found is None:
            raise Unauthenticated(_("the e-mail or the password is wrong"), code="wrong_credentials")
        cookie, session = found
        response = answer(Response({"csrf_token": session.csrf, "tenants": list(session.tenants)}, 201))
        response.set_cookie(
            sessions.COOKIE, cookie, max_age=int(sessions.LIFETIME.total_seconds()), httponly=True, samesite="Lax",
            secure=request.is_secure, path="/",
        )  # fmt: skip
        return response

    def sign_out() -> FlaskResponse:
        query_pairs(frozenset())
        cookie = request.cookies.get(sessions.COOKIE, "")
        with platform.database.begin(write=True, tenant=None) as connection:
            session = sessions.find(connection, cookie, platform.clock()) if cookie else None
            if session is None or request.headers.get("X-CSRF-Token") != session.csrf:
                raise Unauthenticated(_("there is no session to end"))
            sessions.end(connection, cookie)
        response = answer(Response(None, 204))
        response.delete_cookie(sessions.COOKIE, path="/")
        return response

    addresses.add(PATH, "POST", sign_in)
    addresses.add(PATH, "DELETE", sign_out)
