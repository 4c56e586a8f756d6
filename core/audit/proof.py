"""The proof of the audit as people ask for it: also of an entry that somebody has made into something no entry can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.audit import chain
from core.audit.chain import PART, Broken, Verdict
from core.audit.tables import seals
from core.events.tables import audit

if TYPE_CHECKING:
    from core.context import Work

_NOTHING = UUID(int=0)


def prove(work: Work, *, head: str = "") -> Verdict:
    """`chain.verify`; SQLite keeps any text in any column, so an entry that cannot be read any more is looked for, and named as edited."""
    try:
        return chain.verify(work, head=head)
    except ValueError:
        if (found := _unreadable(work)) is None:
            raise
        return Verdict(broken=found)


def _unreadable(work: Work) -> Broken | None:
    """The first entry that does not load; without its id, if that is what was spoilt."""
    last = _NOTHING
    with work.transaction():
        while True:
            within = (audit.c.tenant_id == work.tenant.id, audit.c.id > last)
            try:
                ids = work.connection.execute(sa.select(audit.c.id).where(*within).order_by(audit.c.id).limit(PART)).scalars().all()
            except ValueError:
                return Broken("edited", None)
            for id in ids:
                try:
                    work.connection.execute(sa.select(audit).where(audit.c.tenant_id == work.tenant.id, audit.c.id == id)).all()
                except ValueError:
                    covering = sa.select(sa.func.min(seals.c.number)).where(seals.c.tenant_id == work.tenant.id, seals.c.last >= id)
                    return Broken("edited", work.connection.execute(covering).scalar(), id)
            if len(ids) < PART:
                return None
            last = ids[-1]
