"""Sessions of people in a browser: a random cookie, of which only the hash is kept, and a CSRF token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity import passwords
from core.identity.tables import memberships, sessions, sign_ins
from core.tenancy.tables import tenants
from sdk import links

COOKIE = "dealwright_session"
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """Who is signed in, and the tenants that this person may enter, by name."""

    sign_in: UUID
    csrf: str
    tenants: dict[str, tuple[UUID, UUID]]
    """Tenant id and user id by the tenant's name."""


def sign_in(connection: Connection, email: str, password: str, now: datetime) -> tuple[str, Session] | None:
    """A new session's cookie, or None when the e-mail or the password is wrong."""
    row = connection.execute(sa.select(sign_ins).where(sign_ins.c.email == email.strip().lower())).one_or_none()
    if not passwords.matches(password, row.password_hash if row is not None else None) or row is None:
        return None
    cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    values = {"hash": links.digest_of(cookie), "sign_in_id": row.id, "csrf": csrf, "created_at": now, "expires_at": now + LIFETIME}
    connection.execute(sessions.insert().values(**values))
    return cookie, Session(row.id, csrf, _tenants(connection, row.id))


def find(connection: Connection, cookie: str, now: datetime) -> Session | None:
    """The live session behind a cookie."""
    row = connection.execute(sa.select(sessions).where(sessions.c.hash == links.digest_of(cookie))).one_or_none()
    if row is None or row.expires_at <= now:
        return None
    return Session(row.sign_in_id, row.csrf, _tenants(connection, row.sign_in_id))


def end(connection: Connection, cookie: str) -> None:
    """Sign out."""
    connection.execute(sessions.delete().where(sessions.c.hash == links.digest_of(cookie)))


def _tenants(connection: Connection, sign_in: UUID) -> dict[str, tuple[UUID, UUID]]:
    query = (
        sa.select(tenants.c.name, tenants.c.id, memberships.c.user_id)
        .join(memberships, memberships.c.tenant_id == tenants.c.id)
        .where(memberships.c.sign_in_id == sign_in, tenants.c.state == "active")
        .order_by(tenants.c.name)
    )
    return {row.name: (row.id, row.user_id) for row in connection.execute(query)}
