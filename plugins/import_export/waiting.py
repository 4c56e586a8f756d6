"""Rows that wait for others of their file, by their numbers: a bit for each row, so that a million of them take little room."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable

_MARK = "z"
"""Before what is written down; without it, it is a list of numbers, as it once was."""


class Waiting:
    """A set of row numbers that is written down as text."""

    def __init__(self, text: str = "") -> None:
        self._bits = bytearray(zlib.decompress(b64decode(text.removeprefix(_MARK)))) if text.startswith(_MARK) else bytearray()
        self._count = sum(byte.bit_count() for byte in self._bits)
        if not text.startswith(_MARK):
            self.add(int(number) for number in text.split(",") if number)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & (1 << (number & 7)))

    def add(self, numbers: Iterable[int]) -> None:
        """These wait from now on."""
        for number in numbers:
            if number not in self:
                self._bits.extend(bytes(max((number >> 3) + 1 - len(self._bits), 0)))
                self._bits[number >> 3] |= 1 << (number & 7)
                self._count += 1

    def remove(self, numbers: Iterable[int]) -> None:
        """These wait no more."""
        for number in numbers:
            if number in self:
                self._bits[number >> 3] &= ~(1 << (number & 7))
                self._count -= 1

    def text(self) -> str | None:
        """To be read again by who goes on; None where nothing waits."""
        return _MARK + b64encode(zlib.compress(self._bits, 1)).decode() if self._count else None
