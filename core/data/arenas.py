"""Where the memory of threads comes from."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's <malloc.h>."""


def share_one() -> None:
    """Threads take their memory where the process does. By itself glibc gives each thread a heap of its own: four threads that carry out large
    INSERTs in turn each keep what the largest has taken, and an import grew by 20 MB for that. Elsewhere than on glibc nothing is done.
    """
    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
