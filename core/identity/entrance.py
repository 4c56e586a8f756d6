"""Coming in by a password, and changing it. The password is looked at between transactions: that takes tens of milliseconds,
in which on SQLite nobody else could write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from argon2.exceptions import VerificationError
from sqlalchemy.engine import Connection

from core.identity import attempts, factor, passwords, ranges, sessions
from core.identity.sessions import Person, Session, Visitor
from core.identity.tables import (
    ELSEWHERE,
    ENTERED,
    FACTOR_ADDED,
    FACTOR_REMOVED,
    LOCKED,
    NOT_ACTIVE,
    PASSWORD_CHANGED,
    WRONG,
    WRONG_CODE,
    User,
    memberships,
    sign_ins,
)
from core.identity.tables import sessions as session_table
from sdk import Conflict, Forbidden, NotFound, TooMany, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

FACTOR_REQUIRED = "second_factor_required"
_WRONG = _("the email or password is wrong")
_WRONG_CODE = _("the code is wrong, expired or already used")
_WRONG_NOW = _("the current password is wrong")
_NO_PASSWORD = _("you don’t have a password here: you sign in through another system")


def sign_in(platform: Platform, email: str, password: str, code: str, visitor: Visitor) -> tuple[str, Session]:
    """A new session and its cookie; raises Unauthenticated for a wrong e-mail, password or code of the second factor (`code` of the
    refusal: `second_factor_required` where it is missing), TooMany while it is locked, Forbidden where no tenant has the person as active,
    or lets the person in from there."""
    right = right_password(platform, sign_ins.c.email == email.strip().lower(), email.strip().lower(), password, visitor)
    if right is None:
        raise Unauthenticated(_WRONG, code="wrong_credentials")
    idle = not _is_active_anywhere(platform, right.id)
    with platform.database.begin(write=True, tenant=None) as connection:
        row = _unchanged(connection, right)
        if row is None:
            raise Unauthenticated(_WRONG, code="wrong_credentials")
        outcome, shut = WRONG_CODE, ""
        if factor.enabled(row) and not code:
            outcome = FACTOR_REQUIRED
            attempts.give_back(connection, row.email)
        elif not factor.enabled(row) or factor.takes(connection, platform.config.key(), row, code, platform.clock()):
            attempts.forget(connection, row.email)
            shut = sessions.outside(connection, Person(row.id), visitor)
            outcome = ELSEWHERE if shut else NOT_ACTIVE if idle else ENTERED
        if outcome != FACTOR_REQUIRED:
            sessions.note(connection, Person(row.id), outcome, visitor, platform.clock())
        if outcome == ENTERED:
            return sessions.begin(connection, Person(row.id), visitor, platform.clock())
    if outcome == ELSEWHERE:
        raise ranges.refusal(shut, visitor.address)
    if outcome == NOT_ACTIVE:
        raise Forbidden(_("your user is no longer active; ask an administrator"), code="not_active")
    if outcome == FACTOR_REQUIRED:
        raise Unauthenticated(_("send the code of your authenticator app, or a recovery code, as `code`"), code=FACTOR_REQUIRED)
    raise Unauthenticated(_WRONG_CODE, code="wrong_code")


def _is_active_anywhere(platform: Platform, sign_in: UUID) -> bool:
    """Whether some tenant still has the person as an active user; who is in no tenant at all is nobody's leaver."""
    with platform.database.begin(write=False, tenant=None) as connection:
        query = sa.select(memberships.c.tenant_id, memberships.c.user_id).where(memberships.c.sign_in_id == sign_in)
        users = connection.execute(query).all()
    return not users or any(is_active(platform, one.tenant_id, one.user_id) for one in users)


def open_to(platform: Platform, session: Session) -> list[str]:
    """The names of the tenants that have the person of a session as an active user."""
    return [name for name, (tenant, user) in session.tenants.items() if is_active(platform, tenant, user)]


def is_active(platform: Platform, tenant: UUID, user: UUID) -> bool:
    """Whether a tenant has this user as an active one."""
    person = User.table()
    mine = (person.c.tenant_id == tenant, person.c.id == user, person.c.active, person.c.deleted_at.is_(None))
    with platform.database.begin(write=False, tenant=tenant) as connection:
        return connection.execute(sa.select(person.c.id).where(*mine)).first() is not None


def offer_factor(platform: Platform, session: Session) -> tuple[str, str]:
    """A new seed for an authenticator application and its address; raises Conflict for who has a second factor."""
    with platform.database.begin(write=True, tenant=None) as connection:
        row = _owner(connection, session)
        if factor.enabled(row):
            raise Conflict(_("two-step verification is already on; turn it off first"), code="factor_there")
        return factor.offer(connection, platform.config.key(), row)


def add_factor(platform: Platform, session: Session, code: str, password: str, visitor: Visitor) -> list[str]:
    """Put the offered seed in force: the other sessions end. Returns the recovery codes. Who only has the session could shut its owner out by
    it, so the password is shown again.

    Raises Conflict where nothing was offered, Forbidden for another code or a wrong password, TooMany while it is locked.
    """
    with platform.database.begin(write=False, tenant=None) as connection:
        offered = _owner(connection, session).totp_offered
    if offered is None:
        raise Conflict(_("request a secret first: POST /api/v1/session/second_factor"), code="no_factor")
    shown = _shown_again(platform, session, password, visitor)
    with platform.database.begin(write=True, tenant=None) as connection:
        row = _unchanged(connection, shown)
        if row is None:
            raise Forbidden(_WRONG_NOW, code="wrong_credentials")
        forget_wrong(connection, row.email, counted=True)
        codes = factor.confirm(connection, platform.config.key(), row, code, platform.clock())
        if codes is not None:
            sessions.end(connection, session_table.c.sign_in_id == row.id, session_table.c.id != session.id)
            sessions.note(connection, Person(row.id), FACTOR_ADDED, visitor, platform.clock())
    if codes is None:
        raise Forbidden(_WRONG_CODE, code="wrong_code")
    return codes


def remove_factor(platform: Platform, session: Session, code: str, visitor: Visitor) -> None:
    """The password alone suffices again; raises Forbidden for a wrong code, TooMany while it is locked, Conflict where there is none."""
    with platform.database.begin(write=True, tenant=None) as connection:
        row = _owner(connection, session)
        if not factor.enabled(row):
            raise Conflict(_("two-step verification is not on"), code="no_factor")
        wait = attempts.count(connection, row.email, platform.clock())
        right = not wait and factor.takes(connection, platform.config.key(), row, code, platform.clock())
        if right:
            attempts.forget(connection, row.email)
            factor.remove(connection, row.id)
        sessions.note(connection, Person(row.id), FACTOR_REMOVED if right else WRONG_CODE, visitor, platform.clock())
    _check_wait(wait)
    if not right:
        raise Forbidden(_WRONG_CODE, code="wrong_code")


def forget_factor(platform: Platform, email: str) -> None:
    """The operator takes away a second factor that was lost; raises NotFound for who signs in nowhere."""
    with platform.database.begin(write=True, tenant=None) as connection:
        found = connection.execute(sa.select(sign_ins.c.id).where(sign_ins.c.email == email.strip().lower())).scalar()
        if found is None:
            raise NotFound(_("no one signs in with {email!r}"), email=email)
        factor.remove(connection, found)
        sessions.note(connection, Person(found), FACTOR_REMOVED, Visitor(), platform.clock())


def factor_of(platform: Platform, session: Session) -> tuple[bool, int]:
    """Whether who is signed in has a second factor, and how many recovery codes are left."""
    with platform.database.begin(write=False, tenant=None) as connection:
        row = _owner(connection, session)
        return factor.enabled(row), factor.codes_left(connection, row.id)


def _owner(connection: Connection, session: Session) -> sa.Row[Any]:
    """The sign-in behind a session, locked for who writes; raises Conflict for who comes in through another system."""
    if session.person.sign_in is None:
        raise Conflict(_NO_PASSWORD, code="no_password")
    return connection.execute(sa.select(sign_ins).where(sign_ins.c.id == session.person.sign_in).with_for_update()).one()


def _check_wait(wait: int) -> None:
    if wait:
        raise TooMany(
            _("too many attempts; try again in {minutes} {minutes:minute|minutes}"), code="locked", retry_after=wait, minutes=-(-wait // 60)
        )


def change_password(platform: Platform, session: Session, password: str, new: str, visitor: Visitor) -> None:
    """Another password for who is signed in; the person's other sessions end. Raises Forbidden for a wrong `password`, Invalid for
    a `new` one that does not fit, TooMany while it is locked, Conflict for who has none."""
    hash = passwords.hashed(new, _email(platform, session), field="new_password")
    row = _shown_again(platform, session, password, visitor)
    with platform.database.begin(write=True, tenant=None) as connection:
        if _unchanged(connection, row) is None:
            raise Forbidden(_WRONG_NOW, code="wrong_credentials")
        forget_wrong(connection, row.email, counted=True)
        set_password(connection, row.id, hash, session_table.c.id != session.id)
        sessions.note(connection, Person(row.id), PASSWORD_CHANGED, visitor, platform.clock())


def forget_wrong(connection: Connection, email: str, *, counted: bool) -> None:
    """The password was right, or is new: what was wrong before counts no more. Wrong codes of a second factor do: else who has the password,
    or the mailbox, could guess on and on. `counted`: this attempt itself is among them."""
    guarded = connection.execute(sa.select(sign_ins.c.id).where(sign_ins.c.email == email, sign_ins.c.totp.is_not(None))).first()
    if guarded is None:
        attempts.forget(connection, email)
    elif counted:
        attempts.give_back(connection, email)


def set_password(connection: Connection, sign_in: UUID, hash: str, *which: sa.ColumnElement[bool]) -> None:
    """Keep a password's hash; the person's sessions (`which`: some of them) end."""
    connection.execute(sign_ins.update().where(sign_ins.c.id == sign_in).values(password_hash=hash))
    sessions.end(connection, session_table.c.sign_in_id == sign_in, *which)


def right_password(platform: Platform, whose: sa.ColumnElement[bool], email: str, password: str, visitor: Visitor) -> sa.Row[Any] | None:
    """The row of who has this password; an attempt that is wrong stays counted. Raises TooMany while it is locked."""
    with platform.database.begin(write=True, tenant=None) as connection:
        row = connection.execute(sa.select(sign_ins).where(whose)).one_or_none()
        wait = attempts.count(connection, email, platform.clock())
        attempts.prune(connection, platform.clock())
        if wait and row is not None:
            sessions.note(connection, Person(row.id), LOCKED, visitor, platform.clock())
    _check_wait(wait)
    try:
        right = passwords.matches(password, row.password_hash if row is not None else None)
    except VerificationError:
        with platform.database.begin(write=True, tenant=None) as connection:
            attempts.give_back(connection, email)
        raise
    if right:
        return row
    if row is not None:
        with platform.database.begin(write=True, tenant=None) as connection:
            sessions.note(connection, Person(row.id), WRONG, visitor, platform.clock())
    return None


def _unchanged(connection: Connection, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """The row once more, locked, if the password that was right a moment ago still is: who changed it has ended all sessions."""
    same = (sign_ins.c.id == row.id, sign_ins.c.password_hash == row.password_hash)
    return connection.execute(sa.select(sign_ins).where(*same).with_for_update()).one_or_none()


def _shown_again(platform: Platform, session: Session, password: str, visitor: Visitor) -> sa.Row[Any]:
    """The sign-in behind a session, whose password was shown once more; raises Forbidden for a wrong one."""
    email = _email(platform, session)
    row = right_password(platform, sign_ins.c.id == session.person.sign_in, email, password, visitor)
    if row is None:
        raise Forbidden(_WRONG_NOW, code="wrong_credentials")
    return row


def _email(platform: Platform, session: Session) -> str:
    with platform.database.begin(write=False, tenant=None) as connection:
        return str(_owner(connection, session).email)
