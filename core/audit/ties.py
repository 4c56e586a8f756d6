"""Entries say which came before them, so that one is missed before any seal covers it: each that of the same batch, the first of a batch those
that its process wrote last in other transactions. Nobody waits for anybody: processes know nothing of each other, and entries that were written
at one moment are followed by the same next one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit.tables import seals
from core.events.tables import audit
from core.recent import Recent

if TYPE_CHECKING:
    from core.context import Work

MARK = 8
"""Signs of a digest that tell which entry is meant."""
MOST = 8
"""Entries that one follows at most: as many transactions of a tenant end in a process between two others."""
NEAR = timedelta(hours=2)
"""What is older has long been sealed, and is not followed."""
_TENANTS, _KNOWN = 20_000, 100_000
_SINCE = 80
"""Bits of an id below its milliseconds."""


class Tails:
    """The last entries that this process has written in each tenant, as marks with the milliseconds of their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Recent[UUID, tuple[tuple[str, int], ...]] = Recent(_TENANTS)

    def tie(self, tenant: UUID, rows: Sequence[dict[str, Any]], digest: Callable[[Mapping[str, Any]], str]) -> Callable[[], None]:
        """Give entries that are about to be written what they follow, and their digests; to be called is what this returns, once they are
        committed: what is undone is followed by nothing."""
        before = self._last.get(tenant) or ()
        since = _milliseconds(rows[0]["id"]) - NEAR // timedelta(milliseconds=1)
        follows = " ".join(mark for mark, at in before if at > since)
        for row in rows:
            row["follows"] = follows or None
            row["digest"] = digest(row)
            follows = row["digest"][:MARK]
        return partial(self._move, tenant, before, (follows, _milliseconds(rows[-1]["id"])))

    def _move(self, tenant: UUID, before: Iterable[tuple[str, int]], last: tuple[str, int]) -> None:
        gone = {*before}
        with self._lock:
            left = [one for one in self._last.get(tenant) or () if one not in gone]
            self._last.keep(tenant, (*left, last)[-MOST:])


class Ties:
    """Whether those are there that entries follow, as these are walked through in the order of their ids."""

    def __init__(self, work: Work) -> None:
        self._work, self._known = work, OrderedDict[str, None]()

    def broken(self, rows: Sequence[sa.RowMapping]) -> UUID | None:
        """The first of these entries that follows one which is nowhere; None where all hold."""
        self._known.update((row["digest"][:MARK], None) for row in rows)
        open_ = {row["id"]: lost for row in rows if row["follows"] and (lost := {*row["follows"].split()} - self._known.keys())}
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        # Committed before what follows them, they are there by now, also where they were not when their part was walked.
        return next((id for id, lost in open_.items() if not lost <= self._near(id, lost)), None)

    def _near(self, id: UUID, marks: set[str]) -> set[str]:
        """Of these marks those of entries around one; all where the entries before it have had their time."""
        tenant, width = self._work.tenant.id, NEAR // timedelta(milliseconds=1)
        first, end = (UUID(int=max(0, _milliseconds(id) + far) << _SINCE) for far in (-width - 1, width))
        over = sa.select(sa.func.max(seals.c.number)).where(seals.c.tenant_id == tenant, seals.c.dropped.is_not(None)).scalar_subquery()
        last = self._work.connection.execute(sa.select(seals.c.last).where(seals.c.tenant_id == tenant, seals.c.number == over)).scalar()
        if last is not None and last >= first:
            return marks
        mark = sa.func.substr(audit.c.digest, 1, MARK)
        query = sa.select(mark).where(audit.c.tenant_id == tenant, audit.c.id > first, audit.c.id < end, mark.in_(sorted(marks)))
        return {*self._work.connection.execute(query).scalars()}


def _milliseconds(id: UUID) -> int:
    return id.int >> _SINCE
