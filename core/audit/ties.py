"""Entries say which came before them, so that one is missed before any seal covers it: each that of the same transaction, the first of a batch
also those that its process wrote last in other transactions, and the seal that it made last. Nobody waits for anybody: processes know nothing of
each other, and entries that were written at one moment are followed by the same next one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from core.audit.tables import seals
from core.events.tables import audit
from core.recent import Recent

if TYPE_CHECKING:
    from core.context import Work

MARK = 8
"""Signs of a digest that tell which entry is meant."""
_SEAL = "#"
"""The first sign of the mark of a seal; the others are of its hash."""
MOST = 8
"""Entries that one follows at most: as many transactions of a tenant end in a process between two others."""
NEAR = timedelta(hours=2)
"""What is further from an entry than that is not followed: it has long been sealed."""
_WIDTH = NEAR // timedelta(milliseconds=1)
_TENANTS, _KNOWN = 20_000, 100_000
_SINCE = 80
"""Bits of an id below its milliseconds."""
type_end: TypeAlias = "tuple[str, int]"
"""The mark of an entry with the milliseconds of its id."""


class Tails:
    """The last entries that this process has written in each tenant, as marks with the milliseconds of their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Recent[UUID, tuple[type_end, ...]] = Recent(_TENANTS)

    def tie(
        self, tenant: UUID, rows: Sequence[dict[str, Any]], digest: Callable[[Mapping[str, Any]], str], after: Sequence[object] = ()
    ) -> Tied:
        """Give entries that are about to be written what they follow, and their digests; to be called is what this returns, once they are
        committed: what is undone is followed by nothing that stays. `after` has what this returned before in the same transaction."""
        mine = next((one.last for one in reversed(after) if isinstance(one, Tied)), None)
        known = self._last.get(tenant) or ()
        before = tail = known if mine is None else (*known, mine)[-MOST:]
        for row in rows:
            at = _milliseconds(row["id"])
            # Far apart are those of long transactions, and of a computer that has slept: they are not looked for there.
            row["follows"] = " ".join(mark for mark, then in tail if _is_seal(mark) or abs(at - then) < _WIDTH) or None
            row["digest"] = digest(row)
            tail = ((row["digest"][:MARK], at),)
        return Tied(self, tenant, before, tail[0])

    def seal(self, tenant: UUID, before: str, hash: str) -> None:
        """What comes next follows a seal that was made upon the one `before`: by their hashes. One that is gone by then is followed all the same."""
        self.move(tenant, [(_mark_of(before), 0)] if before else (), (_mark_of(hash), 0))

    def move(self, tenant: UUID, before: Iterable[type_end], last: type_end) -> None:
        """What comes next follows this one instead of those before it."""
        gone = {*before}
        with self._lock:
            left = [one for one in self._last.get(tenant) or () if one not in gone]
            self._last.keep(tenant, (*left, last)[-MOST:])


@dataclass(frozen=True, eq=False)
class Tied:
    """A batch of entries that has what it follows; to be called once it is committed."""

    tails: Tails
    tenant: UUID
    before: tuple[type_end, ...]
    last: type_end

    def __call__(self) -> None:
        self.tails.move(self.tenant, self.before, self.last)


class Lost(NamedTuple):
    """An entry that follows another, or a seal, that is nowhere."""

    told_by: UUID
    seal: bool


class Ties:
    """Whether those are there that entries follow, as these are walked through in the order of their ids."""

    def __init__(self, work: Work) -> None:
        self._work, self._known = work, OrderedDict[str, None]()

    def know(self, seal: str) -> None:
        """A seal that is there, by its hash."""
        self._known[_mark_of(seal)] = None

    def broken(self, rows: Sequence[sa.RowMapping]) -> Lost | None:
        """The first of these entries that follows what is nowhere; None where all hold."""
        self._known.update((row["digest"][:MARK], None) for row in rows)
        open_ = {row["id"]: lost for row in rows if row["follows"] and (lost := {*row["follows"].split()} - self._known.keys())}
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        # Committed before what follows them, they are there by now, also where they were not when their part was walked.
        away = ((id, lost - self._near(id, lost)) for id, lost in open_.items())
        return next((Lost(id, all(map(_is_seal, lost))) for id, lost in away if lost), None)

    def _near(self, id: UUID, marks: set[str]) -> set[str]:
        """Of these marks those of entries around one; all where the entries before it have had their time."""
        tenant = self._work.tenant.id
        first, end = (UUID(int=max(0, _milliseconds(id) + far) << _SINCE) for far in (-_WIDTH - 1, _WIDTH))
        over = sa.select(sa.func.max(seals.c.number)).where(seals.c.tenant_id == tenant, seals.c.dropped.is_not(None)).scalar_subquery()
        last = self._work.connection.execute(sa.select(seals.c.last).where(seals.c.tenant_id == tenant, seals.c.number == over)).scalar()
        if last is not None and last >= first:
            return marks
        mark = sa.func.substr(audit.c.digest, 1, MARK)
        query = sa.select(mark).where(audit.c.tenant_id == tenant, audit.c.id > first, audit.c.id < end, mark.in_(sorted(marks)))
        sealed = _SEAL + sa.func.substr(seals.c.hash, 1, MARK - 1)
        parts = sa.select(sealed).where(seals.c.tenant_id == tenant, sealed.in_(sorted(filter(_is_seal, marks))))
        return {*self._work.connection.execute(query).scalars(), *self._work.connection.execute(parts).scalars()}


def _mark_of(hash: str) -> str:
    return _SEAL + hash[: MARK - 1]


def _is_seal(mark: str) -> bool:
    return mark.startswith(_SEAL)


def _milliseconds(id: UUID) -> int:
    return id.int >> _SINCE
