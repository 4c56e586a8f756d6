"""Entries that came after those around them had been sealed: no seal covers them, so a later entry, which is sealed, says that they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.audit import days, entries
from core.events.tables import audit
from sdk.columns import among

if TYPE_CHECKING:
    from core.context import Work

ACTION = "late"
_PART = 100
"""Ids of one entry."""


def told(work: Work) -> set[UUID]:
    """The late entries of which entries of ours tell."""
    mine = (
        audit.c.tenant_id == work.tenant.id,
        audit.c.record_id == work.tenant.id,
        audit.c.entity == days.DROPPED,
        audit.c.action == ACTION,
    )
    right = entries.Erasing(work, work.tenant.id)
    rows = work.connection.execute(sa.select(audit).where(*mine)).mappings()
    return {UUID(id) for row in rows if right.holds(row) for id in row["changes"]["entries"][1]}


def tell(work: Work, ids: Iterable[UUID]) -> None:
    """Say of those of which nothing tells yet that they are there; to be called under the lock."""
    for part in _parts({*ids} - told(work)):
        entries.note(work, days.DROPPED, work.tenant.id, ACTION, {"entries": [None, [str(id) for id in part]]})


def gone(work: Work, after: UUID) -> UUID | None:
    """The first one behind `after` that an entry tells of and that is not there."""
    for part in _parts(id for id in told(work) if id > after):
        there = work.connection.execute(sa.select(audit.c.id).where(audit.c.tenant_id == work.tenant.id, among(audit.c.id, part)))
        if lost := {*part} - {*there.scalars()}:
            return min(lost)
    return None


def _parts(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    every = sorted(ids)
    yield from (every[start : start + _PART] for start in range(0, len(every), _PART))
