"""The chain of seals over the audit, and its proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from core.audit import days, entries, late
from core.audit.days import LOCK
from core.audit.tables import seals
from core.audit.ties import MARK, Lost, Ties
from core.events.tables import audit

if TYPE_CHECKING:
    from core.context import Work

PART = 1000
"""Entries of one seal."""
SETTLED = timedelta(minutes=5)
"""Younger entries are not sealed by the clock: transactions that began before them may still be at work."""
DIGESTED = datetime(2026, 11, 27, tzinfo=UTC)
"""From then on nothing writes entries without a digest; one that says to be younger, or is of a tenant that is, was made, or stripped of it, by hand."""
OVERDUE = timedelta(days=1)
"""A seal that is so much younger than its first entry was not made by the clock in its time."""
_NOTHING = UUID(int=0)


@dataclass(frozen=True)
class Broken:
    """The first link that does not hold: `what` is edited, inserted, deleted, seal_edited or seal_deleted; or days_edited, where all links hold and
    for how long entries are kept was set past the platform.

    Of a deleted entry `after` is the entry before the gap (None: it was the first of its seal); of one that was late, `entry` is that one; of
    one that no seal had covered yet, and of a seal that was the newest, `told_by` is an entry that follows it.
    """

    what: str
    seal: int | None
    entry: UUID | None = None
    after: UUID | None = None
    at: str = ""
    entity: str = ""
    record: UUID | None = None
    told_by: UUID | None = None


@dataclass(frozen=True)
class Erased:
    """Entries out of which one erasure took values, and who did that when; nobody knows once its own entry has had its time."""

    entries: int = 0
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a proof found: entries and seals that hold, how many seals have had their time, the hash of the last seal.

    `late` entries are real, and came into the database after those around them had been sealed. `overdue` seals were made long after their
    entries: nothing ran that seals, or there were others before that somebody has deleted, maybe with entries. `erased` says by id which
    erasures took values out of entries.
    """

    entries: int = 0
    seals: int = 0
    dropped: int = 0
    late: int = 0
    overdue: int = 0
    erased: Mapping[str, Erased] = field(default_factory=dict)
    head: str = ""
    broken: Broken | None = None


# --- sealing ---------------------------------------------------------------------------------------------------------


def seal(work: Work, *, settled: timedelta = SETTLED) -> int:
    """Seal what is not sealed yet, in parts, each in a transaction of its own; returns how many entries that were.

    Writers never wait for it: on PostgreSQL it meets nobody but another sealer of the tenant, and it changes no entry.
    """
    sealed = 0
    while True:
        with work.transaction(write=True):
            work.lock(LOCK)
            count = _seal_part(work, settled)
        sealed += count
        if count < PART:
            return sealed


def _seal_part(work: Work, settled: timedelta) -> int:
    before = _seal_after(work, last=True)
    adopting = _may_adopt(work, before)
    open_ = [*behind(work, before), audit.c.at <= work.now() - settled]
    rows = work.connection.execute(sa.select(audit).where(*open_).order_by(audit.c.id).limit(PART)).mappings().all()
    previous = before.hash if before is not None else ""
    if not rows:
        return 0
    secret, right, digests = work.key_for(entries.PURPOSE), entries.digester(work), list[str]()
    for row in rows:
        digest = row["digest"]
        adopting = adopting and _from_before(row)
        if adopting:  # from before entries had digests: taken as it is
            digest = right(row)
            mine = (audit.c.tenant_id == work.tenant.id, audit.c.id == row["id"])
            work.connection.execute(audit.update().where(*mine).values(digest=digest))
        digests.append(digest)
    made = {
        "tenant_id": work.tenant.id, "number": before.number + 1 if before is not None else 1, "last": rows[-1]["id"], "until": rows[-1]["at"],
        "count": len(rows), "marks": "".join(map(_mark, digests)), "content": mac(secret, digests),
        "adopted": adopting, "dropped": None, "sealed_at": work.now(),
    }  # fmt: skip
    made["hash"] = hash = _hash(secret, made, previous)
    work.connection.execute(seals.insert().values(**made))
    work.once_committed(partial(work.platform.tails.seal, work.tenant.id, previous, hash))
    return len(rows)


def _may_adopt(work: Work, before: Any) -> bool:
    """Whether entries without a digest may come next: nothing with one is sealed yet, and the tenant is from before there were any.

    Its id says so, which begins with the milliseconds of its making: it goes into every key that is not in the database, so that nobody can
    give a tenant an older one and keep a single digest true.
    """
    tenant = work.tenant.id
    made = datetime.fromtimestamp((tenant.int >> 80) / 1000, UTC) if tenant.version == 7 else None
    return (before is None or bool(before.adopted)) and made is not None and made < DIGESTED


def _from_before(row: sa.RowMapping) -> bool:
    """Whether it is from before entries had digests."""
    return not row["digest"] and bool(row["at"] < DIGESTED)


def behind(work: Work, before: Any) -> list[sa.ColumnElement[bool]]:
    return [audit.c.tenant_id == work.tenant.id, audit.c.id > (before.last if before is not None else _NOTHING)]


def _seal_after(work: Work, number: int = 0, *, last: bool = False) -> Any:
    order = seals.c.number.desc() if last else seals.c.number
    query = sa.select(seals).where(seals.c.tenant_id == work.tenant.id, seals.c.number > number).order_by(order).limit(1)
    return work.connection.execute(query).one_or_none()


def tell_of_late(work: Work) -> None:
    """Have an entry say of those that came late within a day that they are there; the next seal covers it."""
    with work.transaction(write=True):
        work.lock(LOCK)
        young = (seals.c.tenant_id == work.tenant.id, seals.c.sealed_at > work.now() - OVERDUE, seals.c.dropped.is_(None))
        parts = work.connection.execute(sa.select(seals).where(*young).order_by(seals.c.number)).all()
        if not parts:
            return
        older = sa.select(seals).where(seals.c.tenant_id == work.tenant.id, seals.c.number == parts[0].number - 1)
        before, strays = work.connection.execute(older).one_or_none(), list[UUID]()
        within = sa.select(sa.func.count()).select_from(audit).where(*behind(work, before), audit.c.id <= parts[-1].last)
        after: UUID = _NOTHING if before is None else before.last
        known = len([id for id in late.told(work) if id > after])
        if work.connection.execute(within).scalar_one() == known + sum(part._mapping["count"] for part in parts):
            return
        ties = Ties(work)
        for part in parts:
            check_seal(work, Verdict(), part, before, strays, ties)
            before = part
        late.tell(work, strays)


def _hash(secret: bytes, made: Any, before: str, *, timed: bool = True) -> str:
    """Not `timed`: as the first ones were made, which do not prove when that was."""
    said = made if isinstance(made, dict) else made._asdict()
    names = ("number", "last", "until", "count", "content", "adopted", *(("sealed_at",) if timed else ()))
    return mac(secret, [before, *(said[name] for name in names)])


def mac(secret: bytes, values: Sequence[object]) -> str:
    return hashlib.blake2b(orjson.dumps(values, default=str), key=secret, digest_size=32).hexdigest()


# --- proof -----------------------------------------------------------------------------------------------------------


def verify(work: Work, *, head: str = "") -> Verdict:
    """Follow the chain from its first seal, then the entries that are not sealed yet; stop at the first link that does not hold.

    `head` is the hash of the last seal as an earlier proof told it: a chain that was made anew from its root does not have it.
    When all of it holds, what is open is sealed, so that what is deleted from now on is missed. What has settled is sealed before: a seal
    makes nothing good, and no transaction has to look at more than a part.
    """
    seal(work)
    found, before, seen, strays, ties = Verdict(), None, not head, list[UUID](), Ties(work)
    while True:
        found, part = _check_next(work, found, before, strays, ties)
        if found.broken is not None:
            return found
        if part is None:
            break
        before, seen = part, seen or part.hash == head
    if not seen:
        return replace(found, broken=Broken("seal_deleted", None))
    with work.transaction(write=True):
        work.lock(LOCK)
        if (gone := _gone(work, _NOTHING)) is not None:
            return replace(found, broken=gone)
        late.tell(work, strays)
    seal(work, settled=timedelta())
    with work.transaction(write=True):
        work.lock(LOCK)  # nobody sets the days meanwhile
        if not days.in_force(work)[1]:
            return replace(found, broken=Broken("days_edited", None))
        newest = _seal_after(work, last=True)
        found = replace(found, erased=_by_whom(work, found)) if found.erased else found
    return found if newest is None else replace(found, head=newest.hash, seals=newest.number - found.dropped)


def broken_since(work: Work, entry: UUID) -> Broken | None:
    """The first link that does not hold from the seal on in which an entry is."""
    with work.transaction():
        earlier = sa.select(seals).where(seals.c.tenant_id == work.tenant.id, seals.c.last < entry).order_by(seals.c.number.desc()).limit(1)
        before = work.connection.execute(earlier).one_or_none()
    ties = Ties(work)
    found, part = _check_next(work, Verdict(), before, [], ties)
    while part is not None and found.broken is None:
        before = part
        found, part = _check_next(work, found, before, [], ties)
    with work.transaction(write=True):
        work.lock(LOCK)
        return found.broken or _gone(work, entry)


def _missed(work: Work, number: int | None, lost: Lost) -> Broken:
    """What is said of an entry, or a seal, that an entry follows and that is not there; an entry that came late is known by its id."""
    if lost.seal:
        return Broken("seal_deleted", None, told_by=lost.told_by)
    return _gone(work, _NOTHING) or Broken("deleted", number, told_by=lost.told_by)


def _gone(work: Work, after: UUID) -> Broken | None:
    """The first late entry behind another that is told of and not there, though it has not had its time."""
    mine = seals.c.tenant_id == work.tenant.id
    over = sa.select(sa.func.max(seals.c.number)).where(mine, seals.c.dropped.is_not(None))
    last = work.connection.execute(sa.select(seals.c.last).where(mine, seals.c.number == over.scalar_subquery())).scalar()
    if (lost := late.gone(work, max(after, last or _NOTHING))) is None:
        return None
    covering = sa.select(seals.c.number).where(mine, seals.c.last >= lost).order_by(seals.c.number).limit(1)
    return Broken("deleted", work.connection.execute(covering).scalar(), lost)


def _check_next(work: Work, found: Verdict, before: Any, strays: list[UUID], ties: Ties) -> tuple[Verdict, Any]:
    """What is found with the seal after one, and that seal; None, and with what is not sealed, behind the last."""
    with work.transaction(write=True):
        work.lock(LOCK)  # nothing is sealed or dropped while a part is looked at
        part = _seal_after(work, before.number if before is not None else 0)
        return (check_seal(work, found, part, before, strays, ties) if part is not None else _check_open(work, found, before, ties)), part


def check_seal(work: Work, found: Verdict, part: Any, before: Any, strays: list[UUID], ties: Ties) -> Verdict:
    """What is found with a seal and its entries, `before` being the seal before it; those that came late are added to `strays`."""
    secret, number = work.key_for(entries.PURPOSE), before.number + 1 if before is not None else 1
    if part.number != number:
        return replace(found, broken=Broken("seal_deleted", number))
    previous = before.hash if before is not None else ""
    timed = part.hash == _hash(secret, part, previous)
    if not timed and part.hash != _hash(secret, part, previous, timed=False):
        return replace(found, broken=Broken("seal_edited", number))
    ties.know(part.hash)
    if part.dropped is not None:
        honest = part.dropped == mac(secret, ["dropped", part.hash])
        return replace(found, dropped=found.dropped + 1) if honest else replace(found, broken=Broken("seal_edited", number))
    within = [*behind(work, before), audit.c.id <= part.last]
    rows = work.connection.execute(sa.select(audit).where(*within).order_by(audit.c.id)).mappings().all()
    right = entries.Erasing(work, _NOTHING)
    marks = [part.marks[start : start + MARK] for start in range(0, len(part.marks), MARK)]
    digests, last, came_late = list[str](), None, list[UUID]()
    for position, row in enumerate(rows, 1):
        mark, genuine = _mark(row["digest"]), right.holds(row)
        expected = marks[len(digests)] if len(digests) < len(marks) else ""
        if mark != expected and mark in marks[len(digests) + 1 :] and expected not in {_mark(one["digest"]) for one in rows[position:]}:
            return replace(found, broken=Broken("deleted", number, after=last))
        if not genuine:
            more = mark != expected and len(rows) > len(marks)
            return replace(found, broken=_at("inserted" if more or not row["digest"] else "edited", number, row))
        if mark == expected:
            digests.append(row["digest"])
        else:
            came_late.append(row["id"])
        last = row["id"]
    if len(digests) < len(marks):
        return replace(found, broken=Broken("deleted", number, after=last))
    if part.content != mac(secret, digests):
        return replace(found, broken=Broken("seal_edited", number))
    if (lost := ties.broken(rows)) is not None:
        return replace(found, broken=_missed(work, number, lost))
    strays += came_late
    overdue = timed and not part.adopted and bool(rows) and part.sealed_at - rows[0]["at"] > OVERDUE
    return replace(found, entries=found.entries + len(rows), seals=found.seals + 1, late=found.late + len(came_late),
                   overdue=found.overdue + overdue, erased=_erased(found, rows))  # fmt: skip


def _check_open(work: Work, found: Verdict, before: Any, ties: Ties) -> Verdict:
    """What is not sealed yet can be told to be edited or invented, and to be missing where an entry that is there follows it."""
    right, last = entries.Erasing(work, _NOTHING), before.last if before is not None else _NOTHING
    adopting = _may_adopt(work, before)
    while True:
        query = sa.select(audit).where(audit.c.tenant_id == work.tenant.id, audit.c.id > last).order_by(audit.c.id).limit(PART)
        rows = work.connection.execute(query).mappings().all()
        for row in rows:
            adopting = adopting and _from_before(row)
            if not adopting and not right.holds(row):
                return replace(found, broken=_at("edited" if row["digest"] else "inserted", None, row))
        if (lost := ties.broken(rows)) is not None:
            return replace(found, broken=_missed(work, None, lost))
        found = replace(found, entries=found.entries + len(rows), erased=_erased(found, rows))
        if len(rows) < PART:
            return found
        last = rows[-1]["id"]


def _erased(found: Verdict, rows: Iterable[sa.RowMapping]) -> dict[str, Erased]:
    counts = dict(found.erased)
    for erasure in (str(UUID(row["erased"][:32])) for row in rows if row["erased"] and row["digest"]):
        counts[erasure] = Erased(counts.get(erasure, Erased()).entries + 1)
    return counts


def _by_whom(work: Work, found: Verdict) -> dict[str, Erased]:
    query = sa.select(audit.c.id, audit.c.actor, audit.c.at).where(
        audit.c.tenant_id == work.tenant.id, audit.c.id.in_(map(UUID, found.erased))
    )
    known = {str(row.id): row for row in work.connection.execute(query)}
    return {id: replace(one, by=known[id].actor, at=known[id].at.isoformat()) if id in known else one for id, one in found.erased.items()}


def _mark(digest: str) -> str:
    return digest[:MARK].ljust(MARK, "-")


def _at(what: str, number: int | None, row: sa.RowMapping) -> Broken:
    return Broken(what, number, row["id"], at=row["at"].isoformat(), entity=row["entity"], record=row["record_id"])


def told(verdict: Verdict) -> dict[str, object]:
    """A verdict in JSON form."""
    found: dict[str, object] = orjson.loads(orjson.dumps(asdict(verdict)))
    return found
