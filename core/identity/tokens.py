"""Tokens of programs: `dw_<tenant>_<secret>`; the tenant inside lets the look-up run under its row-level security."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from core.data.engine import Database, asked
from core.identity.allowing import checked
from core.identity.tables import Token, User, token_secrets
from core.tenancy.tables import tenants
from sdk import Batch, Unauthenticated, _, links
from sdk.columns import among

if TYPE_CHECKING:
    from core.context import Work

log = logging.getLogger("dealwright.identity")
PREFIX = "dw_"
UNKNOWN = _("the token is unknown, expired or revoked; create another")
_MAKING = "tokens are made by tokens"
NOTED = timedelta(minutes=1)
"""How exact `last_used_at` is."""


def issue(work: Work, user: UUID, name: str, allows: list[str] | None = None, expires_at: datetime | None = None) -> tuple[UUID, str]:
    """A new token; returned once, only its hash is kept. Raises Invalid for words in `allows` that mean nothing, see `allowing`."""
    if allows is not None:
        allows = checked(work if user == work.actor.user_id else work.standing_in(user), allows)
    secret = PREFIX + links.new_token(work)
    with work.transaction(write=True):
        first = _hold(work, work.token)
        values = {"name": name, "user": user, "allows": allows, "expires_at": expires_at, "owner": user}
        row = work.as_system().records("core.token").create(values)
        id = row["id"]
        assert isinstance(id, UUID)
        row = {"tenant_id": work.tenant.id, "hash": links.digest_of(secret), "token_id": id, "made_with": work.token, "first": first}
        work.connection.execute(token_secrets.insert().values(**row))
    return id, secret


def _hold(work: Work, token: UUID | None) -> str | None:
    """A token that makes another is not revoked meanwhile; raises Unauthenticated where it just was. Returns the digest of the first in its line."""
    if token is None:
        return None
    work.lock(_MAKING)
    table, secret = Token.table(), token_secrets
    mine = (table.c.tenant_id == work.tenant.id, table.c.id == token, table.c.deleted_at.is_(None))
    here = (secret.c.tenant_id == table.c.tenant_id, secret.c.token_id == table.c.id)
    query = sa.select(sa.func.coalesce(secret.c.first, secret.c.hash)).join_from(table, secret, sa.and_(*here))
    first: str | None = work.connection.execute(query.where(*mine)).scalar()
    if first is None:
        raise Unauthenticated(UNKNOWN)
    return first


def take_along(work: Work, batch: Batch) -> None:
    """For `prepare_changes` of tokens: with one that is revoked go those that were made with it, and in their turn those made with these."""
    gone = {change.id: change for change in batch.changes if change.verb == "delete" and change.stands}
    if not gone:
        return
    work.lock(_MAKING)
    table, secret = Token.table(), token_secrets
    here = (table.c.tenant_id == secret.c.tenant_id, table.c.id == secret.c.token_id, table.c.deleted_at.is_(None))
    query = sa.select(secret.c.token_id, secret.c.made_with).join(table, sa.and_(*here)).where(secret.c.tenant_id == work.tenant.id)
    for made in work.connection.execute(query.where(among(secret.c.made_with, gone))).all():
        if made.token_id not in gone:
            batch.also_delete("core.token", gone[made.made_with], made.token_id)


def tenant_in(secret: str) -> UUID | None:
    """The tenant that a token names, if it has the form of one."""
    return links.tenant_in(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else None


def bearer(connection: Connection, tenant: UUID, hash: str, now: datetime) -> sa.Row[tuple[object, ...]] | None:
    """Tenant, user and allow-list behind a token's digest in one query; None when there is no such live token."""
    known = _known.setdefault(connection.engine, {})
    # Every write to users and tokens gives their tenant another access version: if its row is as it was, so is what was read.
    there, (before, row) = asked(connection), known.get((tenant, hash), (None, None))
    if row is None or there is None or there != before:
        row = connection.execute(_BEARER, {"b_tenant": tenant, "b_hash": hash}).one_or_none()
        if row is None:
            return None
        if len(known) > _MOST_KNOWN:
            known.clear()
        known[(tenant, hash)] = there, row
    return None if row.token_expires_at is not None and row.token_expires_at <= now else row


def first_use_of_a_while(engine: Engine, token: UUID, now: datetime) -> bool:
    """Whether this process has not noted for a minute that a token is in use."""
    noted = _noted.setdefault(engine, {})
    last = noted.get(token)
    if last is not None and timedelta() <= now - last < NOTED:
        return False
    if len(noted) > _MOST_KNOWN:
        noted.clear()
    noted[token] = now
    return True


def note_use(database: Database, tenant: UUID, token: UUID, now: datetime) -> None:
    """Write down when a token was last used, at most once a minute however many processes it asks.

    Neither version nor audit nor rights move with it: it is no change that anybody made.
    """
    table = Token.table()
    mine = (table.c.tenant_id == tenant, table.c.id == token, sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at <= now - NOTED))
    try:
        with database.begin(write=True, tenant=tenant) as connection:
            connection.execute(table.update().where(*mine).values(last_used_at=now))
    except sa.exc.OperationalError:  # the request is answered; the next one in a minute tries again
        log.warning("the use of token %s could not be noted", token, exc_info=True)


def _bearer_statement() -> sa.Select[tuple[object, ...]]:
    token, person = Token.table(), User.table()
    return (
        sa.select(
            tenants, token.c.id.label("token_id"), token.c.allows.label("token_allows"), token.c.expires_at.label("token_expires_at"),
            token_secrets.c.first.label("token_first"),
            person.c.id.label("user_id"), person.c.name.label("user_name"), person.c.roles.label("user_roles"),
            person.c.locale.label("user_locale"), person.c.timezone.label("user_timezone"),
        )
        .select_from(token_secrets)
        .join(tenants, tenants.c.id == token_secrets.c.tenant_id)
        .join(token, sa.and_(token.c.tenant_id == token_secrets.c.tenant_id, token.c.id == token_secrets.c.token_id))
        .join(person, sa.and_(person.c.tenant_id == token.c.tenant_id, person.c.id == token.c.user_id))
        .where(
            token_secrets.c.tenant_id == sa.bindparam("b_tenant"), token_secrets.c.hash == sa.bindparam("b_hash"),
            token.c.deleted_at.is_(None), person.c.deleted_at.is_(None), person.c.active,
        )
    )  # fmt: skip


_BEARER = _bearer_statement()
QUESTION = f"SELECT {', '.join(column.name for column in tenants.c)} FROM {tenants.name} WHERE id = $1"  # noqa: S608 (constants)
"""What `bearer` needs to know first, to be asked while the transaction begins."""
_MOST_KNOWN = 10_000
type_known = dict[tuple[UUID, str], tuple[tuple[object, ...] | None, sa.Row[tuple[object, ...]]]]
_known: WeakKeyDictionary[Engine, type_known] = WeakKeyDictionary()
"""Per database, who was behind which token, and the tenant's row at that time. The join of four tables is the dearest part of a small request."""
_noted: WeakKeyDictionary[Engine, dict[UUID, datetime]] = WeakKeyDictionary()
"""Per database, when this process last noted the use of a token."""
