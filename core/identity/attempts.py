"""Attempts to sign in: five bad ones lock for a quarter of an hour, whoever they name and whichever process they meet.

An attempt is counted before the password is looked at, and forgotten when it was right: as many as come at the same
moment, no more than five are answered. People that there are not are counted like those that there are, so that a lock tells nothing.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity.tables import attempts
from sdk import links
from sdk.columns import UtcDateTime

MOST = 5
LOCK = timedelta(minutes=15)
"""How long a lock lasts, and how long a bad attempt is remembered."""
PRUNED = 500
"""Rows that are forgotten at once."""
_BEGIN = sa.text(
    "INSERT INTO core_sign_in_attempts (digest, failures, counted_at) VALUES (:digest, 0, :now) ON CONFLICT (digest)"
    " DO UPDATE SET failures = core_sign_in_attempts.failures"  # which locks the row, so that nobody forgets it before it is counted
).bindparams(sa.bindparam("now", type_=UtcDateTime()))

_ONCE = sa.text(
    "INSERT INTO core_sign_in_attempts (digest, failures, counted_at) VALUES (:digest, 1, :now) ON CONFLICT (digest) DO NOTHING"
).bindparams(sa.bindparam("now", type_=UtcDateTime()))


def count(connection: Connection, email: str, now: datetime) -> int:
    """Count an attempt as a bad one; returns 0, or the seconds for which the lock still holds, and then nothing is counted."""
    digest, forgotten = links.digest_of(email), now - LOCK
    connection.execute(_BEGIN, {"digest": digest, "now": now})
    begun_anew = sa.case((attempts.c.counted_at <= forgotten, 1), else_=attempts.c.failures + 1)
    free = sa.or_(attempts.c.failures < MOST, attempts.c.counted_at <= forgotten)
    change = attempts.update().where(attempts.c.digest == digest, free).values(failures=begun_anew, counted_at=now)
    if connection.execute(change).rowcount:
        return 0
    since: datetime = connection.execute(sa.select(attempts.c.counted_at).where(attempts.c.digest == digest)).scalar_one()
    return max(1, math.ceil((since + LOCK - now).total_seconds()))


def first(connection: Connection, word: str, now: datetime) -> bool:
    """Whether nobody has come with this within a quarter of an hour: what is good once is used up by asking."""
    row = {"digest": links.digest_of(word), "now": now}
    prune(connection, now)
    return bool(connection.execute(_ONCE, row).rowcount)


def give_back(connection: Connection, email: str) -> None:
    """The attempt was neither right nor wrong: it counts no more, those before it do."""
    mine = (attempts.c.digest == links.digest_of(email), attempts.c.failures > 0)
    connection.execute(attempts.update().where(*mine).values(failures=attempts.c.failures - 1))


def forget(connection: Connection, email: str) -> None:
    """The attempt was right: those before it count no more."""
    connection.execute(attempts.delete().where(attempts.c.digest == links.digest_of(email)))


def prune(connection: Connection, now: datetime) -> None:
    """Forget what is too old to count."""
    old = sa.select(attempts.c.digest).where(attempts.c.counted_at <= now - LOCK).limit(PRUNED).with_for_update(skip_locked=True)
    connection.execute(attempts.delete().where(attempts.c.digest.in_(old)))


class Crowd:
    """How often each address was wrong within a minute; the count is this process's own."""

    MOST = 30
    WINDOW = timedelta(minutes=1)
    _REMEMBERED = 10_000

    def __init__(self) -> None:
        self._counts: dict[str, tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    def wait(self, address: str, now: datetime) -> int:
        """The seconds until the address may try again; 0: it may now."""
        with self._lock:
            since, count = self._counts.get(_network(address), (now, 0))
        left = since + self.WINDOW - now
        return max(1, math.ceil(left.total_seconds())) if count >= self.MOST and left > timedelta() else 0

    def count(self, address: str, now: datetime) -> None:
        """The address was wrong once more."""
        with self._lock:
            if len(self._counts) >= self._REMEMBERED:
                self._counts = {name: one for name, one in self._counts.items() if one[0] + self.WINDOW > now}
            since, count = self._counts.get(_network(address), (now, 0))
            self._counts[_network(address)] = (now, 1) if since + self.WINDOW <= now else (since, count + 1)


def _network(address: str) -> str:
    """The address, or, as one customer has 2^64 of them, the network of an address of IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else address
