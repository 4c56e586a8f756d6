"""What was used lately: a memory of bounded size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, at most `most` of them: the least recently used goes first, as far as it matters. For all threads.

    What was used when is noted once half of the places are taken: before that nothing goes soon.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, which counts as used; None where there is none, or none any more."""
        found = self._values.get(key)
        if found is not None and 2 * len(self._values) > self._most:
            with self._lock:
                if key in self._values:  # nobody has taken its place meanwhile
                    self._values.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> V:
        """Keep a value, in the place of what was there; gives it back."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
