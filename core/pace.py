"""How often something may be done within a while, whichever process is asked: for doors at which anybody may knock."""

from __future__ import annotations

import hmac
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.entities.ids import new_id
from sdk.columns import UtcDateTime, key
from sdk.context import Pace
from sdk.entities import Record

if TYPE_CHECKING:
    from core.context import Work

PRUNED = 500
"""Rows that are forgotten at once."""
_MOST_KNOWN = 10_000

paces = sa.Table(
    "core_paces",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("id", key(), primary_key=True),
    # Under the installation's key: whose address it was cannot be found out by trying all that there are.
    sa.Column("digest", sa.String(64), nullable=False, info={"secret": True}),
    sa.Column("until", UtcDateTime(), nullable=False),  # it counts no more from then on
    sa.Index("ix_core_paces_digest", "tenant_id", "digest", "until"),
    sa.Index("ix_core_paces_until", "tenant_id", "until"),
)


class Shield:
    """Who has been told to wait, and until when: asked again, this process says so from memory. Who has waited longest is forgotten first."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def until(self, digest: str) -> datetime | None:
        """The instant before which nothing is asked; None where nobody knows one."""
        with self._lock:
            return self._until.get(digest)

    def keep(self, digest: str, until: datetime) -> None:
        """Nothing of this before that instant, in whatever process."""
        with self._lock:
            self._until[digest] = until
            self._until.move_to_end(digest)
            while len(self._until) > _MOST_KNOWN:
                self._until.popitem(last=False)


def seconds_to_wait(work: Work, asked: tuple[Pace, ...]) -> int:
    """Count one of each and return 0, or the seconds until all of them allow one; see `Context.pace`.

    Who is refused costs at most a look: no transaction that writes is begun for a flood.
    """
    known = {_digest(work, pace): pace for pace in asked}
    shield, now = work.platform.shield, work.now()
    seen = [left for digest, pace in known.items() if 0 < (left := _left(shield.until(digest), now)) <= pace.seconds]
    if seen:
        return max(seen)
    with work.transaction():
        wait = _wait(work, known)
    if wait:
        return wait
    with work.transaction(write=True):
        work.lock_all(f"core.pace:{digest}" for digest in known)
        if wait := _wait(work, known):  # others have come between
            return wait
        prune(work)
        rows = [
            {"tenant_id": work.tenant.id, "id": new_id(), "digest": digest, "until": now + timedelta(seconds=pace.seconds)}
            for digest, pace in known.items()
        ]
        work.connection.execute(paces.insert(), rows)
    return 0


def _digest(work: Work, pace: Pace) -> str:
    plugin = work.bounds.plugin if work.bounds is not None else "core"
    return hmac.digest(work.key_for("core.pace"), f"{plugin}\0{pace.seconds}\0{pace.name}".encode(), "sha256").hex()


def _wait(work: Work, known: Mapping[str, Pace]) -> int:
    """The longest of all waits: until the oldest of the last so many counts no more."""
    longest = 0
    for digest, pace in known.items():
        mine = (paces.c.tenant_id == work.tenant.id, paces.c.digest == digest, paces.c.until > work.now())
        oldest = sa.select(paces.c.until).where(*mine).order_by(paces.c.until.desc()).offset(pace.most - 1).limit(1)
        until = work.connection.execute(oldest).scalar()
        if until is not None:
            work.platform.shield.keep(digest, until)
            longest = max(longest, _left(until, work.now()))
    return longest


def _left(until: datetime | None, now: datetime) -> int:
    return math.ceil((until - now).total_seconds()) if until is not None else 0


def prune(work: Work) -> int:
    """Forget some of what counts no more, and say how much."""
    past = (paces.c.tenant_id == work.tenant.id, paces.c.until <= work.now())
    some = sa.select(paces.c.id).where(*past).limit(PRUNED).with_for_update(skip_locked=True)
    return work.connection.execute(paces.delete().where(*past, paces.c.id.in_(some))).rowcount


def forget(work: Work) -> None:
    """All that counts no more: what nobody has come behind to forget."""
    count = PRUNED
    while count == PRUNED:
        with work.transaction(write=True):
            count = prune(work)
