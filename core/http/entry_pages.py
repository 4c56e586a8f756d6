"""What people meet who follow the link of an invitation or of a new password: `/api/v1/invitations/…`, `/api/v1/password_resets/…`."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse
from flask import g, request

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.asked import json_body, query_pairs
from core.http.errors import locale_wanted
from core.http.pages.answers import at_door, told
from core.http.security import visitor
from core.http.session import check_words
from core.identity import invitations
from core.identity.attempts import Crowd
from core.identity.invitations import INVITATION, PATHS, RESET
from sdk import Refusal, Response, TooMany, WebPage, _

if TYPE_CHECKING:
    from core.platform import Platform

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}"
    "input,button{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.5rem 0}.wrong{color:#b00020}"
)
_FORM = "application/x-www-form-urlencoded"
_ASKED = "asked"


type_ask_reset = Callable[[str], None]
"""Takes an e-mail; raises TooMany."""


def mount_entry(addresses: Addresses, platform: Platform) -> type_ask_reset:
    """The pages of both links, and the request for a new password; returns how that is asked for, for pages."""
    for kind, path in PATHS.items():
        show, take = _views(platform, kind)
        addresses.add(f"{path}/<token>", "GET", show)
        addresses.add(f"{path}/<token>", "POST", take)
    crowd = Crowd()

    def guarded(email: str) -> None:
        guest, now = visitor(platform.config), platform.clock()
        if wait := crowd.wait(guest.address, now):
            raise TooMany(
                _("too many failed attempts from your address; try again in {seconds} {seconds:second|seconds}"),
                retry_after=wait,
                seconds=wait,
            )
        crowd.count(guest.address, now)
        invitations.ask_reset(platform, email)

    def ask() -> FlaskResponse:
        query_pairs(frozenset())
        guarded(check_words(json_body(), "email")["email"])
        return answer(Response({"state": _ASKED}, 202))

    addresses.add(PATHS[RESET], "POST", ask)
    return guarded


def _views(platform: Platform, kind: str) -> tuple[Callable[..., FlaskResponse], Callable[..., FlaskResponse]]:
    def show(token: str) -> FlaskResponse:
        query_pairs(frozenset())
        return _page(platform, kind, token)

    def take(token: str) -> FlaskResponse:
        query_pairs(frozenset())
        typed = request.mimetype == _FORM
        words = check_words(dict(request.form) if typed else json_body(), "password")
        try:
            g.locale = invitations.take(platform, kind, token, words["password"], visitor(platform.config)).locale
        except Refusal as refusal:
            if not typed or refusal.status == 404:
                raise
            return _page(platform, kind, token, refusal)
        return answer(_done(platform) if typed else Response(None, 204))

    return show, take


def _page(platform: Platform, kind: str, token: str, refusal: Refusal | None = None) -> FlaskResponse:
    entry = invitations.behind(platform, kind, token)
    g.locale = entry.locale

    def say(text: str, **params: object) -> str:
        return escape(platform.translator.say(text, locale_wanted(), params))

    heading = say(_("Welcome to {tenant}"), tenant=entry.tenant_name) if kind == INVITATION else say(_("New password"))
    wish = _("Your password") if kind == INVITATION and entry.sign_in else _("Set a password of at least ten characters")
    if platform.frame is not None:
        values = {"step": "password", "email": entry.email, "problems": told(platform, refusal), "tenant": entry.tenant_name,
                  "invited": kind == INVITATION, "known": kind == INVITATION and entry.sign_in is not None}  # fmt: skip
        return at_door(platform, platform.frame, values, status=200 if refusal is None else refusal.status)
    wrong = ""
    if refusal is not None:
        wrong = f'<p class="wrong" role="alert">{escape("; ".join(told(platform, refusal)))}</p>'
    form = (
        f'<main><h1>{heading}</h1><p>{escape(entry.email)}</p>{wrong}<form method="post"><label>{say(wish)}<input type="password" '
        f'name="password" required maxlength="200" autocomplete="{"current" if kind == INVITATION and entry.sign_in else "new"}-password"></label>'
        f"<button>{say(_('Continue'))}</button></form></main>"
    )
    return answer(Response(page_of(heading, form), 200 if refusal is None else refusal.status))


def _done(platform: Platform) -> FlaskResponse | Response:
    if platform.frame is not None:
        return at_door(platform, platform.frame, {"step": "done"})
    text = escape(platform.translator.say(_("Done. You can sign in now."), locale_wanted(), {}))
    return Response(page_of(text, f"<main><p>{text}</p></main>"))


def page_of(title: str, body: str) -> WebPage:
    """A page for who is not signed in; both texts are HTML already."""
    return WebPage(
        f'<!doctype html><html lang="{locale_wanted().replace("_", "-")}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>',
        STYLE,
    )
