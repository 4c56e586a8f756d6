"""Acting as somebody else: `/api/v1/session/impersonations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response as FlaskResponse

from core.http.addresses import Addresses
from core.http.answers import answer
from core.http.asked import json_body, query_pairs
from core.http.pipeline import entered
from core.http.security import visitor
from core.http.session import PATH, check_words, present, signed_in
from core.identity import impersonation
from core.identity.sessions import Session
from sdk import Channel, NotFound, Response, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

IMPERSONATIONS = f"{PATH}/impersonations"


def mount_impersonations(addresses: Addresses, platform: Platform) -> None:
    """Begin it, look at it, end it."""

    def begin() -> FlaskResponse:
        query_pairs(frozenset())
        with entered(platform, write=True) as work:
            acting = impersonation.begin(work, check_words(json_body(), "user")["user"], visitor(platform.config))
            told = {"user": acting.user, "tenant": work.tenant.name, "until": acting.until}
        return answer(Response(told, 201))

    def show() -> FlaskResponse:
        query_pairs(frozenset())
        session = present(platform)
        if session is None:
            raise Unauthenticated(_("the session has expired; sign in again"))
        acting = session.acting
        return answer(Response({"user": acting.user if acting else None, "until": acting.until if acting else None}))

    def end() -> FlaskResponse:
        query_pairs(frozenset())
        end_acting(platform, signed_in(platform))
        return answer(Response(None, 204))

    addresses.add(IMPERSONATIONS, "POST", begin)
    addresses.add(IMPERSONATIONS, "GET", show)
    addresses.add(IMPERSONATIONS, "DELETE", end)


def end_acting(platform: Platform, session: Session) -> None:
    """The session is its owner's again; raises NotFound where it acts as nobody else."""
    if session.acting is None:
        raise NotFound(_("you are not impersonating anyone"))
    own = platform.user(session.acting.tenant, impersonation.own_work(session, session.acting), Channel.PAGE)
    with own.transaction(write=True):
        impersonation.end(own, session, session.acting, visitor(platform.config))
