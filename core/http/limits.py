"""How often a token may ask: a bucket for each, with those that were made with it, shared by the processes of one `serve`, that fills evenly
over a minute."""

from __future__ import annotations

import math
import mmap
import os
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final, NamedTuple

try:
    import fcntl
except ImportError:  # elsewhere than on Unix, where nothing is forked either
    fcntl = None  # type: ignore[assignment]

from core.recent import Recent
from sdk import TooMany, _

WINDOW = 60
"""Seconds in which an empty bucket is full again."""
_SETS: Final = 2_048
_WAYS: Final = 8
"""Places of a set: of many thousands of tokens that ask within a minute hardly one is forgotten."""
_PLACE: Final = struct.Struct("=16sIdd")
"""Half of a token's digest, limit, level, and when it was so."""


class Left(NamedTuple):
    """What a token has left: of `limit` requests so many, and all of them again in `reset` seconds."""

    limit: int
    remaining: int
    reset: int
    wait: int = 0
    """Seconds until the next request is taken; 0: this one was."""

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers had them up to its sixth version, which is what clients and gateways read."""
        return {"RateLimit-Limit": str(self.limit), "RateLimit-Remaining": str(self.remaining), "RateLimit-Reset": str(self.reset)}


@dataclass
class _Bucket:
    limit: int
    level: float
    at: float

    def fill(self, now: float) -> None:
        self.level = min(self.limit, self.level + max(0.0, now - self.at) * self.limit / WINDOW)
        self.at = now

    def seconds(self, wanted: float) -> int:
        """Until so much is there; 0 when it is. Rounded, as instants are floats: 20 seconds must not come to 20.0000001."""
        return math.ceil(round((wanted - self.level) * WINDOW / self.limit, 4))

    def left(self, *, wait: int = 0) -> Left:
        return Left(self.limit, int(self.level), self.seconds(self.limit), wait)


class Limits:
    """The buckets of the tokens that asked last, one place for all processes that were forked with it. One that was forgotten begins full: it had
    filled, or many are in use.

    They lie in memory that is shared, in sets of a few places each: a token's digest says which set, and in it whoever asked longest ago makes place.
    """

    def __init__(self) -> None:
        self._file = _unnamed()
        self._file.truncate(_SETS * _WAYS * _PLACE.size)
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self._lock = threading.Lock()
        self._with: Recent[str, str] = Recent(_SETS * _WAYS)

    def take(self, token: str, now: datetime) -> Left | None:
        """One request of a token that has been let in before, by its digest; None for another.

        Asked before anything else, so that who floods us costs nothing; and made for live tokens alone, so that guesses cost no memory.
        """
        token = self._with.get(token) or token
        with self._set_of(token) as (at, there):
            if not there:
                return None
            bucket = self._bucket(at)
            bucket.fill(now.timestamp())
            if (wait := bucket.seconds(1)) > 0:
                return bucket.left(wait=wait)
            bucket.level -= 1
            self._keep(at, token, bucket)
            return bucket.left()

    def let_in(self, token: str, now: datetime, limit: int, taken: Left | None, first: str | None = None) -> Left | None:
        """What a live token has left under its tenant's limit, which may have changed; `taken` is what `take` said. A limit of 0 is none.

        One that was made with tokens shares what the `first` of these has: else who has one would have as many requests as he likes.
        """
        if taken is not None and taken.limit == limit:
            return taken
        if first is not None:
            self._with.keep(token, first)
            token = first
        with self._set_of(token) as (at, there):
            if not limit:
                if there:
                    self._memory[at : at + _PLACE.size] = bytes(_PLACE.size)
                return None
            bucket = self._bucket(at) if there else _Bucket(limit, limit, now.timestamp())
            if bucket.limit != limit:
                bucket = _Bucket(limit, limit, now.timestamp())
            bucket.fill(now.timestamp())
            if (wait := bucket.seconds(1)) > 0:  # others have let it in meanwhile, or one that shares with it
                return bucket.left(wait=wait)
            bucket.level -= 1
            self._keep(at, token, bucket)
            return bucket.left()

    @contextmanager
    def _set_of(self, token: str) -> Iterator[tuple[int, bool]]:
        """Where the token's place is, and whether it is in it, with nobody else in its set."""
        set_, mine = int(token[:8], 16) % _SETS, _mark(token)
        places = range(set_ * _WAYS * _PLACE.size, (set_ + 1) * _WAYS * _PLACE.size, _PLACE.size)
        with self._lock:  # of this process; between processes the system's, which goes with who dies
            if fcntl is not None:
                fcntl.lockf(self._file, fcntl.LOCK_EX, 1, set_)
            try:
                at = self._memory.find(mine, places.start, places.stop)
                yield (at, True) if at in places else (min(places, key=lambda at: self._bucket(at).at), False)
            finally:
                if fcntl is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, set_)

    def _bucket(self, at: int) -> _Bucket:
        return _Bucket(*_PLACE.unpack_from(self._memory, at)[1:])

    def _keep(self, at: int, token: str, bucket: _Bucket) -> None:
        _PLACE.pack_into(self._memory, at, _mark(token), bucket.limit, bucket.level, bucket.at)


def _unnamed() -> IO[bytes]:
    """A file that is gone with its processes: in memory where the system has such files, which needs no folder and no room on a disk."""
    return os.fdopen(os.memfd_create("dealwright-limits"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _mark(token: str) -> bytes:
    return bytes.fromhex(token[:32])


def refusal(left: Left) -> TooMany:
    """What a token hears that has to wait."""
    told = TooMany(_("at most {limit} requests per minute with this token; wait {seconds} s"), limit=left.limit, seconds=left.wait)
    told.retry_after = left.wait
    return told


def in_force(installation: int, tenant: int) -> int:
    """The limit of a tenant's tokens: its own, never above the installation's; 0 is none."""
    return min(installation, tenant) if installation and tenant else installation or tenant
