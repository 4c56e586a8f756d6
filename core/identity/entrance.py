"""Coming in by a password, and changing it. The password is looked at between transactions: that takes tens of milliseconds,
in which on SQLite nobody else could write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity import attempts, passwords, sessions
from core.identity.sessions import Person, Session, Visitor
from core.identity.tables import ENTERED, LOCKED, PASSWORD_CHANGED, WRONG, sign_ins
from core.identity.tables import sessions as session_table
from sdk import Conflict, Forbidden, TooMany, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

_WRONG = _("the e-mail or the password is wrong")


def sign_in(platform: Platform, email: str, password: str, visitor: Visitor) -> tuple[str, Session]:
    """A new session and its cookie; raises Unauthenticated for a wrong e-mail or password, TooMany while it is locked."""
    row = _right(platform, sign_ins.c.email == email.strip().lower(), email.strip().lower(), password, visitor)
    if row is None:
        raise Unauthenticated(_WRONG, code="wrong_credentials")
    with platform.database.begin(write=True, tenant=None) as connection:
        if not _unchanged(connection, row):
            raise Unauthenticated(_WRONG, code="wrong_credentials")
        attempts.forget(connection, row.email)
        sessions.note(connection, Person(row.id), ENTERED, visitor, platform.clock())
        return sessions.begin(connection, Person(row.id), visitor, platform.clock())


def change_password(platform: Platform, session: Session, password: str, new: str, visitor: Visitor) -> None:
    """Another password for who is signed in; the person's other sessions end. Raises Forbidden for a wrong `password`, Invalid for
    a `new` one that does not fit, TooMany while it is locked, Conflict for who has none."""
    if session.person.sign_in is None:
        raise Conflict(_("you have no password here: another system says who you are"), code="no_password")
    email = _email(platform, session.person.sign_in)
    hash = passwords.hashed(new, email, field="new_password")
    row = _right(platform, sign_ins.c.id == session.person.sign_in, email, password, visitor)
    if row is None:
        raise Forbidden(_("the present password is wrong"), code="wrong_credentials")
    with platform.database.begin(write=True, tenant=None) as connection:
        if not _unchanged(connection, row):
            raise Forbidden(_("the present password is wrong"), code="wrong_credentials")
        attempts.forget(connection, row.email)
        set_password(connection, row.id, hash, session_table.c.id != session.id)
        sessions.note(connection, Person(row.id), PASSWORD_CHANGED, visitor, platform.clock())


def set_password(connection: Connection, sign_in: UUID, hash: str, *which: sa.ColumnElement[bool]) -> None:
    """Keep a password's hash; the person's sessions (`which`: some of them) end."""
    connection.execute(sign_ins.update().where(sign_ins.c.id == sign_in).values(password_hash=hash))
    sessions.end(connection, session_table.c.sign_in_id == sign_in, *which)


def _right(platform: Platform, whose: sa.ColumnElement[bool], email: str, password: str, visitor: Visitor) -> sa.Row[Any] | None:
    """The row of who has this password; an attempt that is wrong stays counted. Raises TooMany while it is locked."""
    with platform.database.begin(write=True, tenant=None) as connection:
        row = connection.execute(sa.select(sign_ins).where(whose)).one_or_none()
        wait = attempts.count(connection, email, platform.clock())
        attempts.prune(connection, platform.clock())
        if wait and row is not None:
            sessions.note(connection, Person(row.id), LOCKED, visitor, platform.clock())
    if wait:
        raise TooMany(_("too many attempts; try again in {minutes} minutes"), code="locked", retry_after=wait, minutes=-(-wait // 60))
    if passwords.matches(password, row.password_hash if row is not None else None):
        return row
    if row is not None:
        with platform.database.begin(write=True, tenant=None) as connection:
            sessions.note(connection, Person(row.id), WRONG, visitor, platform.clock())
    return None


def _unchanged(connection: Connection, row: sa.Row[Any]) -> bool:
    """Whether the password that was right a moment ago still is: who changed it meanwhile has ended all sessions, this one too."""
    same = (sign_ins.c.id == row.id, sign_ins.c.password_hash == row.password_hash)
    return connection.execute(sa.select(sign_ins.c.id).where(*same).with_for_update()).first() is not None


def _email(platform: Platform, sign_in: UUID) -> str:
    with platform.database.begin(write=False, tenant=None) as connection:
        found: str = connection.execute(sa.select(sign_ins.c.email).where(sign_ins.c.id == sign_in)).scalar_one()
        return found
