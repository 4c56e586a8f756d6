"""Which tenants somebody may enter, and how that ends."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity import sessions
from core.identity.tables import memberships, sign_ins
from sdk.columns import among
from sdk.entities import Record


def end(connection: Connection, tenant: UUID, user: UUID | None = None) -> int:
    """End the memberships of a user of the tenant, or of all; who may enter nowhere else keeps neither sign-in nor session.

    A person of several tenants stays signed in: the session opens this one no more, as it asks for the membership each time. Who was
    acting as somebody of a tenant that is gone acts as himself.
    Returns how many sign-ins are gone.
    """
    mine = [memberships.c.tenant_id == tenant, *([memberships.c.user_id == user] if user is not None else [])]
    people = list(connection.execute(sa.select(memberships.c.sign_in_id).where(*mine)).scalars())
    connection.execute(memberships.delete().where(*mine))
    if user is None:
        sessions.act_nowhere(connection, tenant)
    gone = 0
    for start in range(0, len(people), 500):
        part = people[start : start + 500]
        elsewhere = sa.select(memberships.c.sign_in_id).where(among(memberships.c.sign_in_id, part))
        lost = sorted(set(part) - set(connection.execute(elsewhere).scalars()))
        for table in reversed(Record.metadata.sorted_tables):  # all that hangs on a sign-in, whoever adds it
            if lost and "sign_in_id" in table.c:
                connection.execute(table.delete().where(among(table.c.sign_in_id, lost)))
        if lost:
            gone += connection.execute(sign_ins.delete().where(among(sign_ins.c.id, lost))).rowcount
    return gone
