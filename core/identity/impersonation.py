"""Somebody acts as another person, to see what that one sees: for an hour, in a session, and with both names in the audit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.engine import Connection

from core.audit import entries
from core.identity import sessions
from core.identity.sessions import Acting, Person, Session, Visitor
from core.identity.tables import ACTED, ACTED_AS, ACTED_NO_MORE
from core.policy.acting import short_of
from sdk import Conflict, Forbidden, NotFound, Permission, Unauthenticated, _, where
from sdk.context import id_of

if TYPE_CHECKING:
    from core.context import Work

PERSON = "core.user"
RIGHT = f"{PERSON}.impersonate"
PERMISSIONS = (Permission(RIGHT, _("Impersonate someone")),)
LASTS = timedelta(hours=1)
ACTING_OVER = "acting_over"
"""The code of what one is told who may act as somebody else no longer."""
BEGUN, ENDED = "act_as", "act_as_end"


def begin(work: Work, word: str, visitor: Visitor) -> Acting:
    """From here on the session of the request acts as the person of this id or mail address.

    Raises Forbidden for who has not the right, or comes with a token; NotFound for one who is not there; Conflict for oneself, for one who may do
    what the actor may not, and for who acts as somebody already.
    """
    if work.impersonator is not None:
        raise Conflict(_("you are already impersonating someone; end that first"), code="acting")
    user = _person(work, word)
    if not work.can(RIGHT):
        raise work.refused(RIGHT, user)
    if work.session is None:
        work.refused(RIGHT, user)  # that it was tried stays in the audit
        raise Forbidden(_("impersonation is only possible in a session, not with a token"), code="session_only")
    if user == work.actor.user_id:
        raise Conflict(_("this is you"), code="same_person")
    _actor, grants, _locale = work.platform.stand_in(work.connection, work.tenant.id, user, work.enabled, settled=True)
    if (beyond := short_of(work, grants)) is not None:
        work.refused(RIGHT, user)
        raise Conflict(
            _("this person has a permission you don’t have ({permission}): ask an administrator"), code="beyond_own", permission=beyond
        )
    acting = Acting(work.tenant.id, user, work.now() + LASTS)
    sessions.act(work.connection, work.session, acting)
    mine = Person(tenant=work.tenant.id, user=work.actor.user_id)
    sessions.note(work.connection, mine, ACTED, visitor, work.now())
    sessions.note(work.connection, Person(tenant=work.tenant.id, user=user), ACTED_AS, visitor, work.now())
    entries.note(work, PERSON, user, BEGUN, {"until": [None, acting.until.isoformat()]})
    return acting


def end(work: Work, session: Session, acting: Acting, visitor: Visitor) -> None:
    """The session is its owner's again; `work` is that one's."""
    sessions.act(work.connection, session.id, None)
    sessions.note(work.connection, Person(tenant=work.tenant.id, user=acting.user), ACTED_NO_MORE, visitor, work.now())
    entries.note(work, PERSON, acting.user, ENDED, {})


def entered(work: Work, connection: Connection, acting: Acting) -> Work:
    """The work of whom the session acts as. What it needed to begin is asked at each request: rights change meanwhile."""
    if acting.until <= work.now():
        raise Forbidden(_("the impersonation time is over; end it: DELETE /api/v1/session/impersonations"), code=ACTING_OVER)
    try:
        actor, grants, locale = work.platform.stand_in(connection, work.tenant.id, acting.user, work.enabled, settled=True)
    except NotFound as gone:
        text = _("the person you are impersonating is no longer active; end it: DELETE /api/v1/session/impersonations")
        raise Forbidden(text, code=ACTING_OVER) from gone
    if not work.can(RIGHT) or short_of(work, grants) is not None:
        raise Forbidden(
            _("you no longer have permission to impersonate this person; end it: DELETE /api/v1/session/impersonations"), code=ACTING_OVER
        )
    return work.impersonating(actor, grants, locale)


def forbid(work: Work, permission: str = "") -> None:
    """Keys and sessions of a person are not for who only acts as him: they would outlast the hour. That something (`permission`) was to be changed
    stays in the audit."""
    if work.impersonator is not None:
        if permission:
            work.refused(permission, work.actor.user_id)
        raise Forbidden(_("while impersonating, you can’t create that person’s tokens or see or end their sessions"), code="acting")


def _person(work: Work, word: str) -> UUID:
    try:
        named = where(id=UUID(word))
    except ValueError:
        named = where(email=word.strip().lower())
    rows = [row for row in work.records(PERSON).find(named, 1) if row.get("active")]
    if not rows:
        raise NotFound(_("no active user {user!r} in tenant {tenant!r}"), user=word[:80], tenant=work.tenant.name)
    return id_of(rows[0])


def own_work(session: Session, acting: Acting) -> UUID:
    """Whose session it is, in the tenant where it acts as somebody else; raises Unauthenticated for who may not enter it any more."""
    for tenant, user in session.tenants.values():
        if tenant == acting.tenant:
            return user
    raise Unauthenticated(_("the session has expired; sign in again"))
