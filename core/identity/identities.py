"""Who comes in through another system: whom of the tenant's people an identity belongs to, and the session of that one.

The session is of that tenant's user alone, whatever password the person has elsewhere: a tenant's own provider vouches for nothing beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from core.identity import ranges, sessions
from core.identity.sessions import Person, Session, Visitor
from core.identity.tables import ELSEWHERE, ENTERED, NOT_ACTIVE
from sdk import Forbidden, Identity, Unauthenticated, _, where
from sdk.context import Row, id_of

if TYPE_CHECKING:
    from core.context import Work

NAME, PERSON = "core.identity", "core.user"
LONGEST = 255
LOGGED = frozenset({"not_active", "address_not_allowed"})
"""Refusals that stand in the log of sign-ins as `come_in` raises them."""


def come_in(work: Work, identity: Identity, visitor: Visitor) -> tuple[str, Session]:
    """A new session and its cookie. Raises Forbidden for who has no account here and is given none, is not active, or comes from where the tenant
    lets nobody in, and for an e-mail that nobody vouches for or that belongs to another identity; Unauthenticated for an unusable name."""
    if not all(map(_usable, (identity.issuer, identity.subject))):
        raise Unauthenticated(_("the other system doesn’t provide a usable name for you; ask an administrator"), code="bad_identity")
    with work.transaction(write=True):
        allowed = ranges.admits(work.platform.tenant_row(work.connection, work.tenant.id).allowed_addresses, visitor.address)
        user = _linked(work, identity)
        if user is None and allowed:
            work.lock(NAME)  # of two who come in for the first time at the same moment, one finds the other's link
            user = _linked(work, identity) or _by_email(work, identity)
        if user is not None or not allowed:
            person = Person(None, work.tenant.id, None if user is None else id_of(user))
            outcome = ELSEWHERE if user is None or not allowed else ENTERED if user["active"] else NOT_ACTIVE
            sessions.note(work.connection, person, outcome, visitor, work.now())
            if outcome == ENTERED:
                return sessions.begin(work.connection, person, visitor, work.now())
    if not allowed:
        raise ranges.refusal(work.tenant.name, visitor.address)
    raise Forbidden(_("your user is no longer active; ask an administrator"), code="not_active")


def _usable(word: str) -> bool:
    """What names somebody must come back from the database as it went in."""
    return 0 < len(word) <= LONGEST and word.isascii() and word.isprintable() and word == word.strip()


def _linked(work: Work, identity: Identity) -> Row | None:
    """The person whom the identity has belonged to since the first time, also one who is not active; None for a stranger."""
    links = work.as_system().records(NAME).find(where(issuer=identity.issuer, subject=identity.subject), 1)
    ids = [one["user"] for one in links]
    return next(iter(work.as_system().records(PERSON).values([id for id in ids if isinstance(id, UUID)]).values()), None)


def _by_email(work: Work, identity: Identity) -> Row:
    """The person whose e-mail it is, or a new one; the identity belongs to that one from now on."""
    links, people = work.as_system().records(NAME), work.as_system().records(PERSON)
    word = identity.email.strip()
    email = word.lower() if word.isascii() else word  # some letters of other scripts become ASCII in lower case: that is another mailbox
    if not email or not email.isprintable() or len(email) > LONGEST or not identity.email_verified:
        raise Forbidden(
            _("the other system hasn’t verified your email, which is needed for the first sign-in; ask an administrator"),
            code="email_not_verified",
        )
    mine = where(issuer=identity.issuer, subject=identity.subject)
    before = links.find(mine, 1)
    found = people.find(where(email=email), 1)
    if found and links.find(where(issuer=identity.issuer, user=id_of(found[0])), 1):
        raise Forbidden(
            _("the account with your email belongs to someone else in the other system; ask an administrator"), code="identity_taken"
        )
    if not found:
        gone = bool(before) or bool(people.find(where(email=email), 1, deleted=True))
        if identity.roles is None or gone:  # who was deleted here has not been forgotten there
            raise Forbidden(_("you don’t have an account here; ask an administrator"), code="no_account")
        name = "".join(letter for letter in identity.name if letter.isprintable()).strip()[:100] or email.partition("@")[0]
        found = [people.create({"name": name, "email": email, "roles": list(identity.roles)})]
    if not found[0]["active"]:
        return found[0]  # refused: nothing is kept of what could be somebody else's wish
    if before:
        links.delete(id_of(before[0]))
    links.create({"issuer": identity.issuer, "subject": identity.subject, "user": id_of(found[0])})
    return found[0]
