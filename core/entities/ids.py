"""Ids of version 7 (RFC 9562, section 5.7): they sort by the time of their making."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import repeat
from operator import or_
from typing import Any
from uuid import UUID, SafeUUID

_lock = threading.Lock()
_last = 0
_VERSION, _FIELDS = 0x7000, (1 << 16) - (1 << 12)
"""Four bits of version stand between the milliseconds and the count: what is above them moves up by so much each."""
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))
_UUID: Any = UUID
_new, _set_number, _set_safety = object.__new__, _UUID.int.__set__, _UUID.is_safe.__set__


def new_ids(count: int) -> list[UUID]:
    """`count` ids, each greater than all that this process made before: 48 bits of milliseconds, a counter, 62 random bits."""
    return ids_at(range(count))


def ids_at(places: Sequence[int]) -> list[UUID]:
    """Of a row of new ids those at these places, which ascend from 0: between them there is room for others (`sdk.ids.behind`)."""
    global _last  # noqa: PLW0603 (the clock of the process)
    if not places:
        return []
    count = len(places)
    with _lock:
        # 12 bits below the millisecond count ids made within it (method 3 of section 6.2).
        first = max((time.time_ns() << 12) // 1_000_000, _last + 1)
        _last = first + places[-1]
    noise = bytearray(os.urandom(8 * count))
    noise[::8] = noise[::8].translate(_VARIANT)
    halves = [(tick := first + place) + (tick >> 12) * _FIELDS + _VERSION << 64 for place in places]
    # What UUID(int=number) makes, in less time: it would look at every way to give the number first, and an import needs two a row.
    ids: list[UUID] = list(map(_new, repeat(UUID, count)))
    deque(map(_set_number, ids, map(or_, halves, struct.unpack(f">{count}Q", noise))), 0)
    deque(map(_set_safety, ids, repeat(SafeUUID.unknown)), 0)
    return ids


def new_id() -> UUID:
    """One id."""
    return new_ids(1)[0]
