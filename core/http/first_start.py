"""`/api/v1/setup`: the first tenant of an installation, for who has the code from the terminal of `dealwright serve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.asked import json_body, query_pairs
from core.http.security import address_of
from core.http.session import wrong_words
from core.identity.attempts import Crowd
from core.tenancy import first_start
from core.tenancy.lifecycle import NewTenant
from sdk import Forbidden, Invalid, Response, Tenant, TooMany, _

if TYPE_CHECKING:
    from core.platform import Platform

PATH = "/api/v1/setup"


type_first_start = Callable[[Mapping[str, str]], Tenant]
"""Takes the words of a body (`WORDS`, those of `MORE` if they are there); raises Refusal."""
WORDS, MORE = ("code", "tenant", "email", "password"), ("name", "locale", "timezone", "currency")


def words_of(body: Mapping[str, object]) -> dict[str, str]:
    """The words of a body that makes the first tenant; raises Invalid, which tells at once of those that are missing and those that do not fit."""
    names = (*WORDS, *(name for name in MORE if name in body))
    problems = wrong_words(body, *names)
    told = {problem.field for problem in problems}
    given = {name: str(body[name]) for name in names if name not in told}
    problems += [problem for problem in first_start.wrong(*_wish(given)) if problem.field in given]
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return given


def _wish(words: Mapping[str, str]) -> tuple[NewTenant, str, str, str]:
    """A tenant, and its first person's name, mail address and password."""
    email = words.get("email", "")
    more: dict[str, Any] = {name: words[name] for name in ("locale", "timezone", "currency") if name in words}
    return NewTenant(words.get("tenant", ""), **more), words.get("name", email.partition("@")[0]), email, words.get("password", "")


def mount_first_start(addresses: Addresses, platform: Platform) -> type_first_start:
    """Whether a first tenant is wanted, and making it; returns how it is made, for pages."""
    crowd = Crowd()

    def guarded(words: Mapping[str, str]) -> Tenant:
        guest, now = address_of(platform.config), platform.clock()
        if wait := crowd.wait(guest, now):
            raise TooMany(
                _("too many failed attempts from your address; try again in {seconds} {seconds:second|seconds}"),
                retry_after=wait,
                seconds=wait,
            )
        try:
            return first_start.make(platform, words["code"], *_wish(words))
        except Forbidden:
            crowd.count(guest, now)
            raise

    def show() -> FlaskResponse:
        query_pairs(frozenset())
        return answer(Response({"needed": first_start.needed(platform)}))

    def make() -> FlaskResponse:
        query_pairs(frozenset())
        words = words_of(json_body())
        tenant = guarded(words)
        held = [{"name": name, "asks": list(asks)} for name, asks in first_start.held(platform, tenant).items()]
        return answer(Response({"tenant": tenant.name, "email": words["email"], "held": held}, 201))

    addresses.add(PATH, "GET", show)
    addresses.add(PATH, "POST", make)
    return guarded
