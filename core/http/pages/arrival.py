"""Where somebody comes who types no more than the name of the server: to the pages, or, where there is no tenant yet, to making the first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.first_start import MORE, WORDS, words_of
from core.http.pages.answers import at_door, told
from core.http.pages.entrance import Ways, form_typed, on_to
from core.http.security import give_cookie
from core.tenancy import first_start
from sdk import Frame, NotFound, Refusal, _
from sdk.fields.money import CURRENCIES

if TYPE_CHECKING:
    from core.platform import Platform

SETUP = "/setup"
OUTSIDE = ("/", SETUP)
"""Pages that do not stand below the frame's prefix."""
NEXT = "/admin/start"
"""Where the first person goes on, below the frame's prefix."""


def mount_arrival(addresses: Addresses, platform: Platform, frame: Frame, ways: Ways) -> None:
    """`/`, and `/setup` while there is no tenant."""
    addresses.add(OUTSIDE[0], "GET", partial(_arrive, platform, frame))
    addresses.add(SETUP, "GET", partial(_show, platform, frame))
    addresses.add(SETUP, "POST", partial(_make, platform, frame, ways))


def _arrive(platform: Platform, frame: Frame) -> FlaskResponse:
    return on_to(frame, SETUP if first_start.needed(platform) else frame.prefix + frame.home)


def _show(platform: Platform, frame: Frame) -> FlaskResponse:
    if not first_start.needed(platform):
        return on_to(frame, frame.prefix + frame.home)
    return _page(platform, frame, {})


def _make(platform: Platform, frame: Frame, ways: Ways) -> FlaskResponse:
    """The first tenant; who has made it is signed in."""
    typed = {name: value.strip() if name != "password" else value for name, value in form_typed().items()}
    if not first_start.needed(platform):
        raise NotFound(_("there is nothing at this address"))
    try:
        given = {name: value for name, value in typed.items() if name in WORDS or (name in MORE and value)}
        ways.begin(words_of(given))
        cookie, _session = ways.sign_in({"email": given["email"], "password": given["password"]})
    except Refusal as refusal:
        return _page(platform, frame, typed, refusal)
    response = on_to(frame, frame.prefix + NEXT)
    give_cookie(response, platform.config, cookie)
    return response


def _page(platform: Platform, frame: Frame, typed: dict[str, str], refusal: Refusal | None = None) -> FlaskResponse:
    fields, said = [one.field for one in refusal.problems] if refusal is not None else [], told(platform, refusal)
    values = {
        "step": "setup",
        "typed": dict.fromkeys((*WORDS, *MORE), "") | typed,
        "problems": [] if fields else said,
        "wrong": dict(zip(fields, said, strict=False)),
        "currencies": sorted(CURRENCIES),
    }
    return at_door(platform, frame, values, status=200 if refusal is None else refusal.status)
