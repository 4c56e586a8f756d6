"""For how many days the audit is kept, by the tenant's own word, which must stand in the audit itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.audit import entries
from core.events.tables import audit
from core.tenancy.tables import tenants

if TYPE_CHECKING:
    from core.context import Work

FOR_EVER = 36_500
"""Who sets nothing keeps everything."""
DROPPED, _TENANT = "core.audit", "core.tenant"
"""What the entries are about that say it: a dropping, and a change of the setting."""
_LOOKED_AT = 500


def in_force(work: Work) -> tuple[int, bool]:
    """The days as the tenant's row has them, and whether that is what the audit says.

    Who sets the column in the database could else have us delete, and prove to be rightly deleted, what he likes to be gone.
    """
    days: int = work.connection.execute(sa.select(tenants.c.audit_days).where(tenants.c.id == work.tenant.id)).scalar_one()
    return days, said(work) == days


def said(work: Work) -> object:
    """What the newest entry of ours says that says something of it."""
    mine = (audit.c.tenant_id == work.tenant.id, audit.c.record_id == work.tenant.id, audit.c.entity.in_((DROPPED, _TENANT)))
    rows = work.connection.execute(sa.select(audit).where(*mine).order_by(audit.c.id.desc()).limit(_LOOKED_AT)).mappings()
    right = entries.Erasing(work, work.tenant.id)
    for row in rows:
        name = "days" if row["entity"] == DROPPED else "audit_days"
        if name in row["changes"] and right.holds(row):
            return row["changes"][name][1]
    return FOR_EVER
