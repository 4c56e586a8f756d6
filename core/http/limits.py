"""How often a token may ask: a bucket for each, in each process, that fills evenly over a minute."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sdk import TooMany, _

WINDOW = 60
"""Seconds in which an empty bucket is full again."""
_MOST_KNOWN = 10_000


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
    """The buckets of the tokens that asked this process last. One that was forgotten begins full: it had filled, or many are in use."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, token: str, now: datetime) -> Left | None:
        """One request of a token that has been let in before, by its digest; None for another.

        Asked before anything else, so that who floods us costs nothing; and made for live tokens alone, so that guesses cost no memory.
        """
        with self._lock:
            bucket = self._buckets.get(token)
            if bucket is None:
                return None
            self._buckets.move_to_end(token)
            bucket.fill(now.timestamp())
            if (wait := bucket.seconds(1)) > 0:
                return bucket.left(wait=wait)
            bucket.level -= 1
            return bucket.left()

    def let_in(self, token: str, now: datetime, limit: int, taken: Left | None) -> Left | None:
        """What a live token has left under its tenant's limit, which may have changed; `taken` is what `take` said. A limit of 0 is none."""
        if taken is not None and taken.limit == limit:
            return taken
        with self._lock:
            if not limit:
                self._buckets.pop(token, None)
                return None
            self._buckets[token] = bucket = _Bucket(limit, limit - 1, now.timestamp())
            while len(self._buckets) > _MOST_KNOWN:
                self._buckets.popitem(last=False)
            return bucket.left()


def refusal(left: Left) -> TooMany:
    """What a token hears that has to wait."""
    told = TooMany(_("at most {limit} requests per minute with this token; wait {seconds} s"), limit=left.limit, seconds=left.wait)
    told.retry_after = left.wait
    return told


def in_force(installation: int, tenant: int) -> int:
    """The limit of a tenant's tokens: its own, never above the installation's; 0 is none."""
    return min(installation, tenant) if installation and tenant else installation or tenant
