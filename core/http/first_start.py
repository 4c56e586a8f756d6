"""`/api/v1/setup`: the first tenant of an installation, for who has the code from the terminal of `dealwright serve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.asked import json_body, query_pairs
from core.http.security import address_of
from core.http.session import check_words
from core.identity.attempts import Crowd
from core.tenancy import first_start
from core.tenancy.lifecycle import NewTenant
from sdk import Forbidden, Response, Tenant, TooMany, _

if TYPE_CHECKING:
    from core.platform import Platform

PATH = "/api/v1/setup"


type_first_start = Callable[[Mapping[str, str]], Tenant]
"""Takes the words of a body (`WORDS`, those of `MORE` if they are there); raises Refusal."""
WORDS, MORE = ("code", "tenant", "email", "password"), ("name", "locale", "timezone", "currency")


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
        given: dict[str, Any] = {name: words[name] for name in ("locale", "timezone", "currency") if name in words}
        person = words.get("name", words["email"].partition("@")[0])
        try:
            return first_start.make(platform, words["code"], NewTenant(words["tenant"], **given), person, words["email"], words["password"])
        except Forbidden:
            crowd.count(guest, now)
            raise

    def show() -> FlaskResponse:
        query_pairs(frozenset())
        return answer(Response({"needed": first_start.needed(platform)}))

    def make() -> FlaskResponse:
        query_pairs(frozenset())
        words = check_words(json_body(), *WORDS, optional=MORE)
        tenant = guarded(words)
        held = [{"name": name, "asks": list(asks)} for name, asks in first_start.held(platform, tenant).items()]
        return answer(Response({"tenant": tenant.name, "email": words["email"], "held": held}, 201))

    addresses.add(PATH, "GET", show)
    addresses.add(PATH, "POST", make)
    return guarded
