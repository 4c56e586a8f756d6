"""Coming in through another system: `/api/v1/session/providers`. What the browser is to bring back is sealed in a cookie of its own."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

import orjson
from flask import Response as FlaskResponse
from flask import after_this_request, g, request

from core import secrets as sealing
from core.http.addresses import Addresses, type_view
from core.http.answers import answer
from core.http.asked import query_pairs
from core.http.entry_pages import page_of
from core.http.errors import locale_wanted
from core.http.pages.answers import no_entry
from core.http.security import address_of, give_cookie, host_cookie, take_cookie, visitor
from core.http.session import PATH as SESSION
from core.identity import attempts, identities, sessions
from core.identity.attempts import Crowd
from core.identity.sessions import Person
from core.identity.tables import NOT_ADMITTED, NOT_VOUCHED, UNANSWERED
from sdk import BadRequest, Channel, Forbidden, NotFound, Refusal, Response, SignInProvider, TooMany, Unauthenticated, Unavailable, _

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform

log = logging.getLogger("dealwright.identity")
PATH = f"{SESSION}/providers"
COOKIE = "dealwright_referral"
PURPOSE = "referral"
LASTS = timedelta(minutes=10)
"""How long somebody may take to come back; less than what `attempts.first` remembers."""
_STATES = frozenset({"wrong_state", "expired_state", "used_state"})
_OUTCOMES: Mapping[type[Refusal], str] = {Unavailable: UNANSWERED, Unauthenticated: NOT_VOUCHED, Forbidden: NOT_ADMITTED}
LANDING = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}\Z", re.ASCII)
"""A path of ours: nobody is sent elsewhere by a link to the sign-in (two slashes, or one and a backslash, begin another host)."""


@dataclass(frozen=True)
class _Referred:
    """What the cookie holds."""

    tenant: str
    provider: str
    state: str
    until: float
    landing: str
    memory: dict[str, str]


def mount_providers(addresses: Addresses, platform: Platform) -> None:
    """What a tenant offers, the way there, and the way back."""
    crowd = Crowd()
    for path, view in ((PATH, _list), (f"{PATH}/<provider>", _begin), (f"{PATH}/<provider>/callback", _finish)):
        addresses.add(path, "GET", _for_people(platform, crowd, partial(view, platform)))


def _list(platform: Platform) -> FlaskResponse:
    """The ways into a tenant; of one that is not there, none."""
    return answer(Response({"data": offered(platform, _query(frozenset({"tenant"})).get("tenant", ""))}))


def offered(platform: Platform, tenant: str) -> list[dict[str, str]]:
    """The ways into the tenant of that name, each with what its button says and its address; none where there is no such tenant."""
    try:
        work = _work(platform, tenant)
    except (NotFound, Unavailable):
        return []
    labels = [(spec, _label(work, spec)) for spec in work.declared(SignInProvider)]
    return [
        {"provider": spec.full_key, "label": label, "address": f"{PATH}/{spec.full_key}?tenant={quote(work.tenant.name, safe='')}"}
        for spec, label in labels
        if label
    ]


def _begin(platform: Platform, provider: str) -> FlaskResponse:
    """Send the browser to the provider."""
    query = _query(frozenset({"tenant", "next"}))
    landing = query.get("next", "/")
    if not LANDING.match(landing):
        raise BadRequest(_("expected a path of this server in `next`, such as /"), code="bad_landing")
    work = _work(platform, query.get("tenant", ""))
    spec, state = _spec(work, provider), secrets.token_urlsafe(32)
    with _logged(platform, work.tenant.id):
        referral = spec.begin(work, work.address(f"{PATH}/{provider}/callback"), state)
    until = (platform.clock() + LASTS).timestamp()
    told = _Referred(str(work.tenant.id), provider, state, until, landing, dict(referral.memory))
    response = FlaskResponse(status=303, headers={"Location": referral.address})
    sealed = sealing.seal(platform.config.key(), PURPOSE, orjson.dumps(told).decode())
    give_cookie(response, platform.config, sealed, COOKIE, LASTS)
    return response


def _finish(platform: Platform, provider: str) -> FlaskResponse:
    """Take what the browser brings back from the provider: once, from the browser that was sent, and in time."""
    brought, told = _query(None), _remembered(platform)
    with _logged(platform, None if told is None else UUID(told.tenant)):
        return _let_in(platform, provider, brought, told)


def _let_in(platform: Platform, provider: str, brought: dict[str, str], told: _Referred | None) -> FlaskResponse:
    """A session for whom the provider vouches for."""
    if told is None or not hmac.compare_digest(brought.pop("state", "").encode(), told.state.encode()) or told.provider != provider:
        raise Forbidden(_("this sign-in was started in another browser; start again"), code="wrong_state")
    after_this_request(partial(_forgotten, platform))
    if datetime.fromtimestamp(told.until, UTC) <= platform.clock():
        raise Forbidden(_("this sign-in took too long; start again"), code="expired_state")
    with platform.database.begin(write=True, tenant=None) as connection:
        if not attempts.first(connection, f"state:{told.state}", platform.clock()):
            raise Forbidden(_("this sign-in has already finished; start again"), code="used_state")
    work = _speaking(platform.system(UUID(told.tenant), Channel.PAGE))
    identity = _spec(work, provider).finish(work, work.address(f"{PATH}/{provider}/callback"), told.memory, brought)
    cookie, _session = identities.come_in(work, identity, visitor(platform.config))
    response = FlaskResponse(status=303, headers={"Location": told.landing})
    give_cookie(response, platform.config, cookie)
    return response


@contextmanager
def _logged(platform: Platform, tenant: UUID | None) -> Iterator[None]:
    """A refusal stands in the tenant's log of sign-ins, also where nobody knows who it was; which claim was wrong the server's log says."""
    try:
        yield
    except Refusal as refusal:
        outcome = NOT_VOUCHED if refusal.reason in _STATES else _OUTCOMES.get(type(refusal))
        if tenant is not None and outcome is not None and refusal.reason not in identities.LOGGED:
            with platform.database.begin(write=True, tenant=None) as connection:
                sessions.note(connection, Person(tenant=tenant), outcome, visitor(platform.config), platform.clock())
        raise


def _for_people(platform: Platform, crowd: Crowd, view: type_view) -> type_view:
    """Who is refused again and again waits; a browser is told on a page."""

    def shown(**path: str) -> FlaskResponse:
        guest, now = address_of(platform.config), platform.clock()
        try:
            if wait := crowd.wait(guest, now):
                raise TooMany(
                    _("too many failed attempts from your address; try again in {seconds} {seconds:second|seconds}"),
                    retry_after=wait,
                    seconds=wait,
                )
            return view(**path)
        except Refusal as refusal:
            if not isinstance(refusal, TooMany):
                crowd.count(guest, now)
            if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
                raise
            return _page(platform, refusal)

    return shown


def _page(platform: Platform, refusal: Refusal) -> FlaskResponse:
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
    if platform.frame is not None:
        title = platform.translator.say(_("You could not be signed in"), locale_wanted(), {})
        page = no_entry(platform, platform.frame, refusal, title, signing_in=True)
        page.headers.update(headers)
        return page

    def say(one: Refusal) -> str:
        told = [(problem.message, problem.params) for problem in one.problems] or [(one.message, one.params)]
        return escape("; ".join(platform.translator.say(text, locale_wanted(), params) for text, params in told))

    heading = escape(platform.translator.say(_("You could not be signed in"), locale_wanted(), {}))
    body = f'<main><h1>{heading}</h1><p class="wrong" role="alert">{say(refusal)}</p></main>'
    return answer(Response(page_of(heading, body), refusal.status, headers))


def _label(work: Work, spec: SignInProvider) -> str:
    """What its button says; "" where there is none, as for one that is broken: who has a password comes in all the same."""
    try:
        return str(spec.offered(work))
    except Exception:
        log.exception("the sign-in provider %r in tenant %s", spec.full_key, work.tenant.name)
        return ""


def _query(known: frozenset[str] | None) -> dict[str, str]:
    """The parameters, each once: of two states or codes it would be anybody's guess which one counts."""
    pairs = query_pairs(known)
    query = dict(pairs)
    if len(query) != len(pairs):
        raise BadRequest(_("a parameter appears twice; send it once"))
    return query


def _work(platform: Platform, tenant: str) -> Work:
    """The system in the tenant of that name; raises NotFound."""
    try:
        return _speaking(platform.system(tenant[:100], Channel.PAGE))
    except NotFound:
        raise NotFound(_("there is nothing at this address")) from None


def _speaking(work: Work) -> Work:
    """Nobody is signed in yet: the browser says in which language."""
    locale = request.accept_languages.best_match(["en", "zh", "zh-CN"]) or work.tenant.locale
    g.locale = "zh_CN" if locale.startswith("zh") else "en"
    return work.speaking(g.locale)


def _spec(work: Work, provider: str) -> SignInProvider:
    """The provider, where the tenant has it and has set it up; raises NotFound."""
    found = next((spec for spec in work.declared(SignInProvider) if spec.full_key == provider), None)
    if found is None or not found.offered(work):
        raise NotFound(_("there is nothing at this address"))
    return found


def _remembered(platform: Platform) -> _Referred | None:
    """What this browser was sent away with."""
    sealed = request.cookies.get(host_cookie(platform.config, COOKIE), "")
    try:
        return _Referred(**orjson.loads(sealing.unseal(platform.config.key(), PURPOSE, sealed))) if sealed else None
    except sealing.Unreadable:
        return None


def _forgotten(platform: Platform, response: FlaskResponse) -> FlaskResponse:
    take_cookie(response, platform.config, COOKIE)
    return response
