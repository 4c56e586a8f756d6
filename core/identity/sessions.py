"""Sessions of people in a browser: a random cookie, of which only the hash is kept, and a CSRF token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.entities.ids import new_id
from core.identity import ranges
from core.identity.tables import memberships, sessions, sign_in_events
from core.tenancy.tables import tenants
from sdk import links

COOKIE = "dealwright_session"
LIFETIME = timedelta(hours=12)
LOG_KEPT = timedelta(days=90)
PRUNED = 500
"""Rows that are forgotten at once."""


@dataclass(frozen=True)
class Visitor:
    """Where a request comes from: the network address, and what the browser says that it is."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Person:
    """Who signs in: somebody with a password, or a user of one tenant whom somebody else vouches for."""

    sign_in: UUID | None = None
    tenant: UUID | None = None
    user: UUID | None = None

    @property
    def columns(self) -> dict[str, UUID | None]:
        """As the tables name them."""
        return {"sign_in_id": self.sign_in, "tenant_id": self.tenant, "user_id": self.user}


@dataclass(frozen=True)
class Acting:
    """Somebody acts as another user of one tenant, until a moment."""

    tenant: UUID
    user: UUID
    until: datetime


@dataclass(frozen=True)
class Session:
    """Who is signed in, and the tenants that this person may enter, by name."""

    id: UUID
    person: Person
    csrf: str
    tenants: dict[str, tuple[UUID, UUID]]
    """Tenant id and user id by the tenant's name."""
    acting: Acting | None = None

    def told(self, csrf: str) -> bool:
        """Whether it is the session's own CSRF token; the comparison takes the same time wherever they differ."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())


def begin(connection: Connection, person: Person, visitor: Visitor, now: datetime) -> tuple[str, Session]:
    """A new session and its cookie."""
    cookie, csrf, id = secrets.token_urlsafe(32), secrets.token_urlsafe(32), new_id()
    connection.execute(
        sessions.insert().values(
            hash=links.digest_of(cookie), id=id, csrf=csrf, address=visitor.address, agent=visitor.agent, created_at=now,
            expires_at=now + LIFETIME, **person.columns,
        )
    )  # fmt: skip
    _prune(connection, now)
    return cookie, Session(id, person, csrf, _tenants(connection, person))


def find(connection: Connection, cookie: str, now: datetime) -> Session | None:
    """The live session behind a cookie."""
    row = connection.execute(sa.select(sessions).where(sessions.c.hash == links.digest_of(cookie))).one_or_none()
    if row is None or row.expires_at <= now:
        return None
    person = Person(row.sign_in_id, row.tenant_id, row.user_id)
    acting = Acting(row.acts_in, row.acts_as, row.acts_until) if row.acts_as is not None else None
    return Session(row.id, person, row.csrf, _tenants(connection, person), acting)


def act(connection: Connection, session: UUID, acting: Acting | None) -> None:
    """From here on the session acts as somebody else; None: as who has signed in."""
    values = {"acts_in": None, "acts_as": None, "acts_until": None}
    if acting is not None:
        values = {"acts_in": acting.tenant, "acts_as": acting.user, "acts_until": acting.until}  # type: ignore[dict-item]
    connection.execute(sessions.update().where(sessions.c.id == session).values(**values))


def act_nowhere(connection: Connection, tenant: UUID) -> None:
    """Nobody acts as somebody of a tenant any more."""
    connection.execute(sessions.update().where(sessions.c.acts_in == tenant).values(acts_in=None, acts_as=None, acts_until=None))


def of_user(tenant: UUID, user: UUID) -> sa.ColumnElement[bool]:
    """The condition of the sessions in which a user of a tenant may be signed in."""
    mine = sa.select(memberships.c.sign_in_id).where(memberships.c.tenant_id == tenant, memberships.c.user_id == user)
    return sa.or_(sessions.c.sign_in_id.in_(mine), sa.and_(sessions.c.tenant_id == tenant, sessions.c.user_id == user))


def of_tenant(tenant: UUID) -> sa.ColumnElement[bool]:
    """The condition of the sessions of all who may enter a tenant."""
    members = sa.select(memberships.c.sign_in_id).where(memberships.c.tenant_id == tenant)
    return sa.or_(sessions.c.sign_in_id.in_(members), sessions.c.tenant_id == tenant)


def live(connection: Connection, whose: sa.ColumnElement[bool], now: datetime) -> Sequence[sa.Row[Any]]:
    """The sessions that have not ended, the newest first."""
    query = sa.select(sessions).where(whose, sessions.c.expires_at > now).order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    return connection.execute(query).all()


def end(connection: Connection, *which: sa.ColumnElement[bool]) -> list[Person]:
    """End sessions: their next request is a 401. Returns whose they were."""
    gone = connection.execute(sessions.delete().where(*which).returning(sessions.c.sign_in_id, sessions.c.tenant_id, sessions.c.user_id))
    return [Person(row.sign_in_id, row.tenant_id, row.user_id) for row in gone]


def outside(connection: Connection, person: Person, visitor: Visitor) -> str:
    """The name of a tenant that does not let the person in from the visitor's address, where none does; else ""."""
    names = list(_tenants(connection, person))
    query = sa.select(tenants.c.name, tenants.c.allowed_addresses).where(tenants.c.name.in_(names)).order_by(tenants.c.name)
    found = connection.execute(query).all()
    shut = [row.name for row in found if not ranges.admits(row.allowed_addresses, visitor.address)]
    return shut[0] if shut and len(shut) == len(found) else ""


def note(connection: Connection, person: Person, outcome: str, visitor: Visitor, now: datetime) -> None:
    """Keep what became of somebody's coming or going."""
    values = {"id": new_id(), "outcome": outcome, "address": visitor.address, "agent": visitor.agent, "created_at": now}
    connection.execute(sign_in_events.insert().values(**values, **person.columns))


def _prune(connection: Connection, now: datetime) -> None:
    """Who comes in sweeps a little of what has ended: there is no tenant, and so no schedule, that it belongs to."""
    ended = sa.select(sessions.c.hash).where(sessions.c.expires_at <= now).limit(PRUNED).with_for_update(skip_locked=True)
    connection.execute(sessions.delete().where(sessions.c.hash.in_(ended)))
    old = sa.select(sign_in_events.c.id).where(sign_in_events.c.created_at <= now - LOG_KEPT).limit(PRUNED)
    connection.execute(sign_in_events.delete().where(sign_in_events.c.id.in_(old.with_for_update(skip_locked=True))))


def _tenants(connection: Connection, person: Person) -> dict[str, tuple[UUID, UUID]]:
    query = sa.select(tenants.c.name, tenants.c.id).where(tenants.c.state == "active").order_by(tenants.c.name)
    if person.sign_in is None:
        assert person.user is not None
        return {row.name: (row.id, person.user) for row in connection.execute(query.where(tenants.c.id == person.tenant))}
    query = query.add_columns(memberships.c.user_id).join(memberships, memberships.c.tenant_id == tenants.c.id)
    return {row.name: (row.id, row.user_id) for row in connection.execute(query.where(memberships.c.sign_in_id == person.sign_in))}
