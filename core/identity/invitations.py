"""Links in letters by which people choose their password: an invitation into a tenant, or a new password. Each is good once.

The link goes to the mailbox alone, and to the operator's terminal. Whoever else saw it could choose the password of an address that is not his, and
would be let in wherever that address is let in later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.entities.ids import new_id
from core.identity import attempts, entrance, passwords, sessions
from core.identity.memberships import end as end_memberships
from core.identity.sessions import Person, Visitor
from core.identity.tables import PASSWORD_CHANGED, User, entry_links, memberships, sign_in_events, sign_ins
from core.tenancy.tables import tenants
from sdk import Conflict, Forbidden, Invalid, NotFound, Problem, Text, TooMany, _, links
from sdk.columns import UtcDateTime, key
from sdk.mail import Mail

if TYPE_CHECKING:
    from core.context import Work
    from core.platform import Platform

INVITATION, RESET = "invitation", "reset"
LASTS = {INVITATION: timedelta(days=7), RESET: timedelta(hours=1)}
_NEW = sa.text(
    "INSERT INTO core_sign_ins (id, email, password_hash, created_at) VALUES (:id, :email, :hash, :now) ON CONFLICT (email) DO NOTHING"
).bindparams(sa.bindparam("id", type_=key()), sa.bindparam("now", type_=UtcDateTime()))
PATHS = {INVITATION: "/api/v1/invitations", RESET: "/api/v1/password_resets"}


@dataclass(frozen=True)
class Sent:
    """What was sent: to whom, until when it is good, and the address that it leads to."""

    email: str
    expires_at: datetime
    address: str


@dataclass(frozen=True)
class Entry:
    """What stands behind a link: who may come in where, and whether this e-mail has a password already."""

    kind: str
    tenant: UUID
    tenant_name: str
    user: UUID
    name: str
    email: str
    locale: str
    sign_in: UUID | None


def invite(work: Work, user: UUID) -> Sent:
    """Send a person of the tenant the link by which to choose a password. Raises Invalid for who has no e-mail or is not active,
    Conflict for who can sign in by this e-mail already."""
    with work.transaction(write=True):
        row = work.as_system().records("core.user").get(user)
        if not row["email"] or not row["active"]:
            text = _("the person has no email or is not active; change that first")
            raise Invalid(_("some values are invalid"), problems=[Problem("email", "required", text)])
        by_it = sa.select(sign_ins.c.id).where(sign_ins.c.email == str(row["email"]).lower())
        mine = (memberships.c.tenant_id == work.tenant.id, memberships.c.user_id == user, memberships.c.sign_in_id.in_(by_it))
        if work.connection.execute(sa.select(memberships.c.user_id).where(*mine)).first():
            raise Conflict(_("the person can already sign in, and can reset a forgotten password themselves"), code="member_already")
        told = work.speaking(str(row["locale"] or work.tenant.locale))
        subject = told.say(_("Your invitation to {tenant}"), {"tenant": work.tenant.name})
        text = _("You’ve been invited to {tenant}. Set a password within seven days:\n\n{address}\n")
        return _send(told, INVITATION, user, str(row["email"]).lower(), subject, text)


def ask_reset(platform: Platform, email: str) -> Sent | None:
    """Send a person the link by which to choose another password. None: nobody with this e-mail may enter anywhere, and nothing was sent.

    Raises TooMany for who asks again and again, for known and unknown people alike."""
    with platform.database.begin(write=True, tenant=None) as connection:
        wait = attempts.count(connection, f"reset:{email.strip().lower()}", platform.clock())
    if wait:
        raise TooMany(
            _("too many attempts; try again in {minutes} {minutes:minute|minutes}"), code="locked", retry_after=wait, minutes=-(-wait // 60)
        )
    return reset(platform, email)


def reset(platform: Platform, email: str) -> Sent | None:
    """The same for the operator, whom nobody else's asking keeps from it."""
    email = email.strip().lower()
    with platform.database.begin(write=False, tenant=None) as connection:
        query = (
            sa.select(memberships.c.tenant_id, memberships.c.user_id)
            .join(sign_ins, sign_ins.c.id == memberships.c.sign_in_id)
            .join(tenants, tenants.c.id == memberships.c.tenant_id)
            .where(sign_ins.c.email == email, tenants.c.state == "active")
            .order_by(tenants.c.name)
        )
        found = connection.execute(query).all()
    for member in found:
        work = platform.system(member.tenant_id)
        with work.transaction(write=True):
            sent = _tell(work, member.user_id, email)
        if sent is not None:
            return sent
    _as_if_known(platform)
    return None


def _tell(work: Work, user: UUID, email: str) -> Sent | None:
    """The letter to a person whose address this still is."""
    row = _user(work.connection, work.tenant.id, user)
    if row is None or str(row.email).lower() != email:  # has left, or has another mailbox: who reads the old one is somebody else
        return None
    return _letter(work, user, email, row.locale)


def _letter(work: Work, user: UUID, email: str, locale: str | None) -> Sent:
    told = work.speaking(locale or work.tenant.locale)
    text = _("Set a new password within one hour. If you didn’t request this, ignore this email:\n\n{address}\n")
    return _send(told, RESET, user, email, told.say(_("Reset your password")), text)


def _as_if_known(platform: Platform) -> None:
    """The same for anybody who is known, taken back at once: how long an answer takes tells nobody whether there is such a person."""
    with platform.database.begin(write=False, tenant=None) as connection:
        somebody = connection.execute(
            sa.select(memberships.c.tenant_id, memberships.c.user_id, sign_ins.c.email)
            .join(sign_ins, sign_ins.c.id == memberships.c.sign_in_id)
            .join(tenants, tenants.c.id == memberships.c.tenant_id)
            .where(tenants.c.state == "active")
            .limit(1)
        ).first()
    if somebody is None:
        return
    work = platform.system(somebody.tenant_id)
    with work.transaction(write=True), work.undone():
        row = _user(work.connection, somebody.tenant_id, somebody.user_id)
        _letter(work, somebody.user_id, somebody.email, None if row is None else row.locale)  # also where just this one has left
        work.write_traces()


def behind(platform: Platform, kind: str, token: str) -> Entry:
    """What a link is for; raises one and the same NotFound for any that is unknown, used or too old."""
    tenant = links.tenant_in(token)
    if tenant is None:
        raise _nothing()
    with platform.database.begin(write=False, tenant=tenant) as connection:
        return _entry(connection, platform, kind, tenant, token)


def take(platform: Platform, kind: str, token: str, password: str, visitor: Visitor) -> Entry:
    """Choose the password behind a link, which is used up. Who has one already shows it to take an invitation: it is not changed.

    Raises NotFound as `behind` does, Invalid for a password that does not fit, Forbidden for a wrong one, TooMany while it is locked.
    """
    entry = behind(platform, kind, token)
    hash, shows = "", kind == INVITATION and entry.sign_in is not None
    if shows:
        if entrance.right_password(platform, sign_ins.c.id == entry.sign_in, entry.email, password, visitor) is None:
            raise Forbidden(_("you already have a different password here"), code="wrong_credentials")
    else:
        hash = passwords.hashed(password, entry.email, entry.name)
    with platform.database.begin(write=True, tenant=entry.tenant) as connection:
        again = _entry(connection, platform, kind, entry.tenant, token, uses=True)
        if again.sign_in != entry.sign_in:  # came in by another link meanwhile
            raise _nothing()
        entrance.forget_wrong(connection, entry.email, counted=shows)
        if kind == RESET:
            assert entry.sign_in is not None
            entrance.set_password(connection, entry.sign_in, hash)
            sessions.note(connection, Person(entry.sign_in), PASSWORD_CHANGED, visitor, platform.clock())
            return entry
        known = entry.sign_in or new_id()
        if entry.sign_in is None:
            row = {"id": known, "email": entry.email, "hash": hash, "now": platform.clock()}
            if not connection.execute(_NEW, row).rowcount:  # by the link of another tenant at this very moment
                raise _nothing()
        mine = (memberships.c.sign_in_id == known, memberships.c.tenant_id == entry.tenant)
        before = connection.execute(sa.select(memberships.c.user_id).where(*mine)).scalar()
        if before is not None and _user(connection, entry.tenant, before) is not None:
            raise _nothing()
        end_memberships(connection, entry.tenant, entry.user)  # by the e-mail that the person had before
        if before is None:
            connection.execute(memberships.insert().values(sign_in_id=known, tenant_id=entry.tenant, user_id=entry.user))
        else:  # who was that person here has been deleted or let go
            connection.execute(memberships.update().where(*mine).values(user_id=entry.user))
    return entry


def _send(work: Work, kind: str, user: UUID, email: str, subject: str, text: Text) -> Sent:
    token, until, mine = links.new_token(work), work.now() + LASTS[kind], entry_links.c.tenant_id == work.tenant.id
    before = sa.or_(sa.and_(entry_links.c.kind == kind, entry_links.c.user_id == user), entry_links.c.expires_at <= work.now())
    work.connection.execute(entry_links.delete().where(mine, before))  # the newest letter is the one that counts
    row = {"tenant_id": work.tenant.id, "hash": links.digest_of(token), "kind": kind, "user_id": user, "email": email, "expires_at": until}
    work.connection.execute(entry_links.insert().values(**row))
    address = work.address(f"{PATHS[kind]}/{token}")
    work.mail(Mail(email, subject, work.say(text, {"tenant": work.tenant.name, "address": address})))
    return Sent(email, until, address)


def _entry(connection: Connection, platform: Platform, kind: str, tenant: UUID, token: str, *, uses: bool = False) -> Entry:
    mine = (entry_links.c.tenant_id == tenant, entry_links.c.hash == links.digest_of(token), entry_links.c.kind == kind)
    link = connection.execute(sa.select(entry_links).where(*mine)).one_or_none()
    if link is None or link.expires_at <= platform.clock() or (uses and not connection.execute(entry_links.delete().where(*mine)).rowcount):
        raise _nothing()
    where = platform.tenant_row(connection, tenant)
    person = _user(connection, tenant, link.user_id)
    sign_in = connection.execute(sa.select(sign_ins.c.id).where(sign_ins.c.email == link.email)).scalar()
    moved = person is None or str(person.email).lower() != link.email  # the letter has gone to somebody else
    void = kind == RESET and (sign_in is None or _has_changed(connection, sign_in, link))
    if where.state != "active" or person is None or moved or void:
        raise _nothing()
    return Entry(kind, tenant, where.name, person.id, person.name, link.email, person.locale or where.locale, sign_in)


def _has_changed(connection: Connection, sign_in: UUID, link: sa.Row[Any]) -> bool:
    """Whether the password was changed since the letter was sent: whoever reads it now is not to take that back."""
    sent = link.expires_at - LASTS[RESET]
    mine = (sign_in_events.c.sign_in_id == sign_in, sign_in_events.c.outcome == PASSWORD_CHANGED, sign_in_events.c.created_at > sent)
    return connection.execute(sa.select(sign_in_events.c.id).where(*mine).limit(1)).first() is not None


def _user(connection: Connection, tenant: UUID, user: UUID) -> sa.Row[Any] | None:
    person = User.table()
    mine = (person.c.tenant_id == tenant, person.c.id == user, person.c.active, person.c.deleted_at.is_(None))
    return connection.execute(sa.select(person).where(*mine)).one_or_none()


def _nothing() -> NotFound:
    return NotFound(_("there is nothing at this address"))
