"""What is left of the audit when entries have had their time."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit import chain, days, entries
from core.audit.tables import seals
from core.audit.ties import Ties
from core.events.tables import audit

if TYPE_CHECKING:
    from core.context import Work

log = logging.getLogger("dealwright.audit")


def drop(work: Work) -> None:
    """Delete the entries that are older than the tenant keeps them, by whole seals.

    Their seals stay, without which the next one could not be proven, and say that nobody else deleted them. Nothing is dropped where the audit
    does not hold since the tenant has said for how long, lest what it has said last was taken away.
    """
    with work.transaction(write=True):
        work.lock(days.LOCK)
        said, rightly = days.in_force(work)
        due = _due(work, said) is not None
    if not rightly:
        return _refuse(work, "its audit_days were set past the platform")
    if not due:
        return None
    if (broken := chain.broken_since(work, said.entry)) is not None:
        return _refuse(work, f"it does not hold ({broken.what}) since it was said for how long it is kept")
    lost, ties = 0, Ties(work)
    while (more := _drop_part(work, said.entry, lost, ties)) is not None:
        lost = more
    if lost:
        with work.transaction(write=True):
            work.lock(days.LOCK)
            _note(work, lost, days.said(work))
    return None


def _refuse(work: Work, why: str) -> None:
    log.error("nothing more is dropped from the audit of tenant %s: %s; see `dealwright audit verify`", work.tenant.name, why)


def _due(work: Work, said: days.Said) -> Any:
    """The first seal that has its entries, where they have had their time; else None."""
    mine = (seals.c.tenant_id == work.tenant.id, seals.c.dropped.is_(None))
    part = work.connection.execute(sa.select(seals).where(*mine).order_by(seals.c.number).limit(1)).one_or_none()
    over = part is not None and said.days < days.FOR_EVER and part.until < work.now() - timedelta(days=said.days)
    return part if over else None


def _drop_part(work: Work, vouched: UUID, lost: int, ties: Ties) -> int | None:
    """How many are gone by now of which no entry tells yet; None where nothing more is to be dropped.

    What is in force is read anew, as it may have been changed since; `vouched` is the entry that said so when the chain was found to hold.
    """
    with work.transaction(write=True):
        work.lock(days.LOCK)
        said, rightly = days.in_force(work)
        part = _due(work, said)
        if part is None or not rightly or said.entry < vouched:  # else the next night tells what is wrong
            return None
        query = sa.select(seals).where(seals.c.tenant_id == work.tenant.id, seals.c.number == part.number - 1)
        before = work.connection.execute(query).one_or_none()
        if (broken := chain.check_seal(work, chain.Verdict(), part, before, [], ties).broken) is not None:
            _refuse(work, f"seal {part.number} does not hold ({broken.what}), and would be vouched for")
            return None
        lost += work.connection.execute(audit.delete().where(*chain.behind(work, before), audit.c.id <= part.last)).rowcount
        marked = {"marks": "", "dropped": chain.mac(work.key_for(entries.PURPOSE), ["dropped", part.hash])}
        work.connection.execute(seals.update().where(seals.c.tenant_id == work.tenant.id, seals.c.number == part.number).values(**marked))
        if said.entry > part.last:
            return lost
        _note(work, lost, said)  # what said for how long they are kept is gone itself
        return 0


def _note(work: Work, lost: int, said: days.Said) -> None:
    entries.note(work, days.DROPPED, work.tenant.id, "dropped", {"entries": [lost, 0], "days": [None, said.days]})
