"""Signing in and out on pages, and choosing among several companies. Nobody is in a tenant yet, so these belong to the platform."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Response as FlaskResponse
from flask import request

from core.http.addresses import Addresses
from core.http.errors import locale_wanted
from core.http.pages.answers import as_page, facts_of, told
from core.http.pipeline import TENANT_COOKIE, query_pairs, reading
from core.http.providers import LANDING
from core.http.security import give_cookie
from core.http.session import check_words, leave, present, type_sign_in
from core.identity.entrance import FACTOR_REQUIRED
from core.identity.sessions import LIFETIME, Session
from sdk import Forbidden, Frame, NotFound, PageRequest, Refusal, _

if TYPE_CHECKING:
    from core.platform import Platform

_WORDS = frozenset({"email", "password", "code"})


def mount_entrance(addresses: Addresses, platform: Platform, frame: Frame, sign_in: type_sign_in) -> None:
    """`/sign-in`, `/sign-out` and `/companies` below the frame's prefix."""
    for path, show, take in (
        ("/sign-in", _show_sign_in, partial(_take_sign_in, sign_in)),
        ("/companies", _show_companies, _take_company),
    ):
        addresses.add(frame.prefix + path, "GET", partial(show, platform, frame))
        addresses.add(frame.prefix + path, "POST", partial(take, platform, frame))
    addresses.add(f"{frame.prefix}/sign-out", "POST", partial(_leave, platform, frame))


def _show_sign_in(platform: Platform, frame: Frame) -> FlaskResponse:
    if present(platform) is not None:
        return _on(frame, _landing(frame))
    return _entrance(platform, frame)


def _take_sign_in(sign_in: type_sign_in, platform: Platform, frame: Frame) -> FlaskResponse:
    typed = _typed()
    given = {name: value for name, value in typed.items() if name in _WORDS and value}
    try:
        cookie, session = sign_in({"email": "", "password": "", **check_words(given, "email", "password", optional=("code",))})
    except Refusal as refusal:
        asked = refusal.reason == FACTOR_REQUIRED
        return _entrance(platform, frame, None if asked else refusal, email=typed.get("email", ""), code=asked or bool(given.get("code")))
    many = len(session.tenants) > 1
    landing = _landing(frame)
    response = _on(frame, f"{frame.prefix}/companies?next={quote(landing, safe='/')}" if many else landing)
    give_cookie(response, platform.config, cookie)
    return response


def _show_companies(platform: Platform, frame: Frame) -> FlaskResponse:
    session = present(platform)
    return _on(frame, f"{frame.prefix}/sign-in") if session is None else _companies(platform, frame, session)


def _take_company(platform: Platform, frame: Frame) -> FlaskResponse:
    session, typed = _of_form(platform), _typed()
    if (name := typed.get("choice", "")) not in session.tenants:
        raise NotFound(_("choose one of your companies: {names}"), names=", ".join(session.tenants))
    response = _on(frame, _landing(frame))
    give_cookie(response, platform.config, name, TENANT_COOKIE, LIFETIME)
    return response


def _leave(platform: Platform, frame: Frame) -> FlaskResponse:
    return leave(platform, _of_form(platform), _on(frame, f"{frame.prefix}/sign-in"))


def _of_form(platform: Platform) -> Session:
    """The session, whose own form this is; raises Forbidden."""
    session = present(platform)
    if session is None or not session.told(_typed().get("csrf_token", "")):
        raise Forbidden(_("the form is no longer valid; load the page again"), code="csrf")
    return session


def _entrance(platform: Platform, frame: Frame, refusal: Refusal | None = None, *, email: str = "", code: bool = False) -> FlaskResponse:
    status = 200 if refusal is None else refusal.status
    values = {"step": "sign_in", "email": email, "asks_code": code, "problems": told(platform, refusal), "landing": _landing(frame)}
    response = _drawn(platform, frame, values, "", status)
    if refusal is not None and refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _companies(platform: Platform, frame: Frame, session: Session) -> FlaskResponse:
    values = {"step": "companies", "companies": list(session.tenants), "landing": _landing(frame)}
    return _drawn(platform, frame, values, session.csrf, 200)


def _drawn(platform: Platform, frame: Frame, values: Mapping[str, object], csrf: str, status: int) -> FlaskResponse:
    facts = facts_of(None, frame, PageRequest(address=request.path), csrf=csrf)
    nothing = {"email": "", "asks_code": False, "problems": [], "companies": []}
    return as_page(platform.templates.draw(locale_wanted(), frame.entrance, {"page": facts, **nothing, **values}), status)


def _typed() -> dict[str, str]:
    """The form; raises Forbidden for one that another site has sent (login CSRF)."""
    origin = request.headers.get("Origin", "")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") or (
        origin not in ("", "null") and urlsplit(origin).netloc != request.host
    ):
        raise Forbidden(_("the form was sent by another site; open the page here and send it again"), code="csrf")
    with reading():
        return dict(request.form.items())


def _landing(frame: Frame) -> str:
    """Where to go then: a path of ours."""
    wanted = dict(query_pairs()).get("next", "") or (request.form.get("next", "") if request.method == "POST" else "")
    return wanted if LANDING.match(wanted) else frame.prefix + frame.home


def _on(frame: Frame, path: str) -> FlaskResponse:
    return FlaskResponse(status=303, headers={"Location": path})
