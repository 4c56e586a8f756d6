"""Ids of version 7 (RFC 9562, section 5.7): they sort by the time of their making."""

from __future__ import annotations

import os
import struct
import threading
import time
from typing import Any
from uuid import UUID, SafeUUID

_lock = threading.Lock()
_last = 0
_VERSION = 0x7000_8000_0000_0000_0000
_TAIL = 0x3FFF_FFFF_FFFF_FFFF
_UUID: Any = UUID
_new, _set_number, _set_safety = object.__new__, _UUID.int.__set__, _UUID.is_safe.__set__


def new_ids(count: int) -> list[UUID]:
    """`count` ids, each greater than all that this process made before: 48 bits of milliseconds, a counter, 62 random bits."""
    global _last  # noqa: PLW0603 (the clock of the process)
    with _lock:
        # 12 bits below the millisecond count ids made within it (method 3 of section 6.2).
        first = max((time.time_ns() << 12) // 1_000_000, _last + 1)
        _last = first + count - 1
    noise = struct.unpack(f"{count}Q", os.urandom(8 * count))
    return [_made((tick >> 12) << 80 | (tick & 0xFFF) << 64 | word & _TAIL | _VERSION) for tick, word in enumerate(noise, first)]


def _made(number: int) -> UUID:
    """What UUID(int=number) makes, in a third of the time: it would look at every way to give the number first, and an import needs two a row."""
    id = _new(UUID)
    _set_number(id, number)
    _set_safety(id, SafeUUID.unknown)
    return id


def new_id() -> UUID:
    """One id."""
    return new_ids(1)[0]
