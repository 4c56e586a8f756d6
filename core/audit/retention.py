"""What is left of the audit when entries have had their time."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.audit import days, entries
from core.audit.chain import LOCK, behind, mac
from core.audit.tables import seals
from core.events.tables import audit

if TYPE_CHECKING:
    from core.context import Work

log = logging.getLogger("dealwright.audit")


def drop(work: Work) -> None:
    """Delete the entries that are older than the tenant keeps them, by whole seals.

    Their seals stay, without which the next one could not be proven, and say that nobody else deleted them.
    """
    with work.transaction():
        kept, rightly = days.in_force(work)
    if not rightly:
        log.error("nothing is dropped from the audit of tenant %s: its audit_days were set past the platform", work.tenant.name)
    if kept >= days.FOR_EVER or not rightly:
        return
    lost = 0
    while (more := _drop_part(work, kept, lost)) is not None:
        lost = more
    if lost:
        with work.transaction(write=True):
            _note(work, lost, kept)


def _drop_part(work: Work, kept: int, lost: int) -> int | None:
    """How many are gone by now of which no entry tells yet; None where nothing more has had its time."""
    with work.transaction(write=True):
        work.lock(LOCK)
        mine = (seals.c.tenant_id == work.tenant.id, seals.c.dropped.is_(None))
        part = work.connection.execute(sa.select(seals).where(*mine).order_by(seals.c.number).limit(1)).one_or_none()
        if part is None or part.until >= work.now() - timedelta(days=kept):
            return None
        before = sa.select(seals).where(seals.c.tenant_id == work.tenant.id, seals.c.number == part.number - 1)
        within = [*behind(work, work.connection.execute(before).one_or_none()), audit.c.id <= part.last]
        lost += work.connection.execute(audit.delete().where(*within)).rowcount
        said = {"marks": "", "dropped": mac(work.secret(entries.PURPOSE), ["dropped", part.hash])}
        work.connection.execute(seals.update().where(mine[0], seals.c.number == part.number).values(**said))
        if days.said(work) == kept:
            return lost
        _note(work, lost, kept)  # what said for how long they are kept is gone itself
        return 0


def _note(work: Work, lost: int, kept: int) -> None:
    entries.note(work, days.DROPPED, work.tenant.id, "dropped", {"entries": [lost, 0], "days": [None, kept]})
