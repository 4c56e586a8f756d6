"""For how many days the audit is kept, by the tenant's own word, which must stand in the audit itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.events.tables import audit
from core.tenancy.tables import tenants

if TYPE_CHECKING:
    from core.context import Work

FOR_EVER = 36_500
"""Who sets nothing keeps everything."""
LOCK = "core.audit.seals"
"""Held by who seals, drops or proves, and by who sets the days: a row and an entry, which others must not see apart."""
DROPPED, _TENANT = "core.audit", "core.tenant"
"""What the entries are about that say it: a dropping, and a change of the setting."""
_PART = 20


@dataclass(frozen=True)
class Said:
    """The days, and which entry says so: without any they are kept for ever."""

    days: int = FOR_EVER
    entry: UUID = UUID(int=0)


def in_force(work: Work) -> tuple[Said, bool]:
    """What the audit says, and whether the tenant's row has the same; to be asked under the lock.

    Who sets the column in the database could else have us delete, and prove to be rightly deleted, what he likes to be gone.
    """
    found = said(work)
    return found, in_row(work) == found.days


def in_row(work: Work) -> int:
    """The days as the tenant's row has them."""
    days: int = work.connection.execute(sa.select(tenants.c.audit_days).where(tenants.c.id == work.tenant.id)).scalar_one()
    return days


def said(work: Work) -> Said:
    """What the newest entry of ours says that says something of it."""
    names = {DROPPED: "days", _TENANT: "audit_days"}
    mine = (
        audit.c.tenant_id == work.tenant.id,
        audit.c.record_id == work.tenant.id,
        sa.or_(*(sa.and_(audit.c.entity == entity, audit.c.changes[name].as_string().is_not(None)) for entity, name in names.items())),
    )
    query = sa.select(audit).where(*mine).order_by(audit.c.id.desc()).limit(_PART)
    right = entries.Erasing(work, work.tenant.id)
    rows = work.connection.execute(query).mappings().all()
    while rows:
        for row in rows:
            if right.holds(row):
                return Said(row["changes"][names[row["entity"]]][1], row["id"])
        rows = work.connection.execute(query.where(audit.c.id < rows[-1]["id"])).mappings().all()
    return Said()
