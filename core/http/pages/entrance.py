"""Signing in and out on pages, and choosing among several companies. Nobody is in a tenant yet, so these belong to the platform."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from flask import Response as FlaskResponse
from flask import current_app, request

from core.http.addresses import Addresses
from core.http.asked import query_pairs, reading
from core.http.entry_pages import type_ask_reset
from core.http.first_start import type_first_start
from core.http.pages.answers import at_door, told
from core.http.pipeline import TENANT_COOKIE
from core.http.providers import LANDING, offered
from core.http.security import give_cookie, host_cookie
from core.http.session import check_words, leave, present, type_sign_in
from core.identity.entrance import FACTOR_REQUIRED, open_to
from core.identity.sessions import LIFETIME, Session
from core.tenancy.tables import tenants
from sdk import Forbidden, Frame, NotFound, Refusal, _

if TYPE_CHECKING:
    from core.platform import Platform

_WORDS = frozenset({"email", "password", "code"})


@dataclass(frozen=True)
class Ways:
    """How one comes in: with a password, by asking for another one, or as the first. They are the API's, with its limits."""

    sign_in: type_sign_in
    ask_reset: type_ask_reset
    begin: type_first_start


def mount_entrance(addresses: Addresses, platform: Platform, frame: Frame, ways: Ways) -> None:
    """`/sign-in`, `/sign-out`, `/forgotten` and `/companies` below the frame's prefix."""
    for path, show, take in (
        ("/sign-in", _show_sign_in, partial(_take_sign_in, ways.sign_in)),
        ("/companies", _show_companies, _take_company),
        ("/forgotten", _show_forgotten, partial(_take_forgotten, ways.ask_reset)),
    ):
        addresses.add(frame.prefix + path, "GET", partial(show, platform, frame))
        addresses.add(frame.prefix + path, "POST", partial(take, platform, frame))
    addresses.add(f"{frame.prefix}/sign-out", "POST", partial(_leave, platform, frame))


def _show_sign_in(platform: Platform, frame: Frame) -> FlaskResponse:
    if present(platform) is not None:
        return on_to(frame, _landing(frame))
    return _entrance(platform, frame)


def _take_sign_in(sign_in: type_sign_in, platform: Platform, frame: Frame) -> FlaskResponse:
    typed = form_typed()
    given = {name: value for name, value in typed.items() if name in _WORDS and value}
    try:
        cookie, session = sign_in({"email": "", "password": "", **check_words(given, "email", "password", optional=("code",))})
    except Refusal as refusal:
        asked = refusal.reason == FACTOR_REQUIRED
        return _entrance(platform, frame, None if asked else refusal, email=typed.get("email", ""), code=asked or bool(given.get("code")))
    there = open_to(platform, session)
    landing = _landing(frame)
    response = on_to(frame, f"{frame.prefix}/companies?next={quote(landing, safe='/')}" if len(there) > 1 else landing)
    give_cookie(response, platform.config, cookie)
    if len(there) == 1 < len(session.tenants):  # those that had the person before are nothing to choose from
        give_cookie(response, platform.config, there[0], TENANT_COOKIE, LIFETIME)
    return response


def _show_forgotten(platform: Platform, frame: Frame) -> FlaskResponse:
    return at_door(platform, frame, {"step": "forgotten", "mails": platform.config.mail is not None})


def _take_forgotten(ask_reset: type_ask_reset, platform: Platform, frame: Frame) -> FlaskResponse:
    """Whether there is such a person, nobody learns here."""
    typed = form_typed()
    try:
        ask_reset(check_words({"email": typed.get("email", "").strip()}, "email")["email"])
    except Refusal as refusal:
        values = {"step": "forgotten", "mails": True, "email": typed.get("email", ""), "problems": told(platform, refusal)}
        return at_door(platform, frame, values, status=refusal.status)
    return at_door(platform, frame, {"step": "sent", "mails": platform.config.mail is not None})


def _show_companies(platform: Platform, frame: Frame) -> FlaskResponse:
    session = present(platform)
    return on_to(frame, f"{frame.prefix}/sign-in") if session is None else _companies(platform, frame, session)


def _take_company(platform: Platform, frame: Frame) -> FlaskResponse:
    session, typed = of_form(platform), form_typed()
    there = open_to(platform, session)
    if (name := typed.get("choice", "")) not in there:
        raise NotFound(_("choose one of your companies: {names}"), names=", ".join(there))
    response = on_to(frame, _landing(frame))
    give_cookie(response, platform.config, name, TENANT_COOKIE, LIFETIME)
    return response


def _leave(platform: Platform, frame: Frame) -> FlaskResponse:
    return leave(platform, of_form(platform), on_to(frame, f"{frame.prefix}/sign-in"))


def of_form(platform: Platform) -> Session:
    """The session, whose own form this is; raises Forbidden."""
    session = present(platform)
    if session is None or not session.told(form_typed().get("csrf_token", "")):
        raise Forbidden(_("the form has expired; reload the page"), code="csrf")
    return session


def _entrance(platform: Platform, frame: Frame, refusal: Refusal | None = None, *, email: str = "", code: bool = False) -> FlaskResponse:
    status = 200 if refusal is None else refusal.status
    landing = _landing(frame)
    ways = [{**one, "address": f"{one['address']}&next={quote(landing, safe='/')}"} for one in offered(platform, _company(platform))]
    values = {"step": "sign_in", "email": email, "asks_code": code, "problems": told(platform, refusal), "landing": landing, "ways": ways}
    response = at_door(platform, frame, values, status=status)
    if refusal is not None and refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _companies(platform: Platform, frame: Frame, session: Session) -> FlaskResponse:
    values = {"step": "companies", "companies": open_to(platform, session), "landing": _landing(frame)}
    return at_door(platform, frame, values, csrf=session.csrf)


def form_typed() -> dict[str, str]:
    """The form; raises Forbidden for one that another site has sent (login CSRF)."""
    origin = request.headers.get("Origin", "")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") or (
        origin not in ("", "null") and urlsplit(origin).netloc != request.host
    ):
        raise Forbidden(_("the form was submitted from another site; open the page here and submit it again"), code="csrf")
    request.max_content_length = current_app.config["DEALWRIGHT_MAX_BODY"]  # nobody has come in yet
    with reading():
        return dict(request.form.items())


def _company(platform: Platform) -> str:
    """Whose providers are offered: of the company that the address names, that was chosen last, or that is the only one."""
    named = dict(query_pairs()).get("tenant", "") or request.cookies.get(host_cookie(platform.config, TENANT_COOKIE), "")
    if named:
        return named
    with platform.database.begin(write=False, tenant=None) as connection:
        names = connection.scalars(sa.select(tenants.c.name).limit(2)).all()
    return str(names[0]) if len(names) == 1 else ""


def _landing(frame: Frame) -> str:
    """Where to go then: a path of ours."""
    wanted = dict(query_pairs()).get("next", "") or (request.form.get("next", "") if request.method == "POST" else "")
    return wanted if LANDING.match(wanted) else frame.prefix + frame.home


def on_to(frame: Frame, path: str) -> FlaskResponse:
    """To another page."""
    return FlaskResponse(status=303, headers={"Location": path})
