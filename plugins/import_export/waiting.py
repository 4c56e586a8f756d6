"""Rows that wait for others of their file, by their numbers: a bit for each row, so that a million of them take little room.

For each a place is kept, its record's id and moment: records stand in the order of the file, whenever they are written. It follows from
that of the first row of its piece.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sdk.ids import behind

_MARK = "z"
"""Before what is written down; without it, it is a list of numbers, as it once was."""


_EPOCH, _STEP = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Place(NamedTuple):
    """Where the record of a row stands among others: by its id, and by when it counts as made."""

    id: UUID | None = None
    at: datetime | None = None

    def text(self) -> str:
        """To be written down."""
        return f"{self.id.hex}:{(self.at - _EPOCH) // _STEP}" if self.id and self.at else ""

    @classmethod
    def of(cls, text: str) -> Place:
        """The contrary."""
        id, _sign, moment = text.partition(":")
        return cls(UUID(id), _EPOCH + int(moment) * _STEP)


ANYWHERE = Place()


class Waiting:
    """A set of row numbers that is written down as text."""

    def __init__(self, text: str = "") -> None:
        written, *places = text.split(" ")
        self._bits = bytearray(zlib.decompress(b64decode(written.removeprefix(_MARK)))) if text.startswith(_MARK) else bytearray()
        self._places = {int(number): Place.of(place) for number, _sign, place in (one.partition(":") for one in places)}
        self._count = sum(byte.bit_count() for byte in self._bits)
        if not text.startswith(_MARK):
            self.add(int(number) for number in text.split(",") if number)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & (1 << (number & 7)))

    def places(self, numbers: Iterable[int]) -> dict[int, Place]:
        """The places that are kept for these; an earlier version has kept none."""
        firsts, found = sorted(self._places), dict[int, Place]()
        for number in numbers:
            if (piece := bisect_right(firsts, number)) > 0:
                first = firsts[piece - 1]
                id, at = self._places[first]
                found[number] = Place(id and behind(id, number - first), at)
        return found

    def keep(self, places: Mapping[int, Place]) -> None:
        """Of pieces in which rows were put off the number of the first row, and its place."""
        self._places |= places

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
        if not self._count:
            return None
        places = (f"{number}:{place.text()}" for number, place in self._places.items())
        return " ".join([_MARK + b64encode(zlib.compress(self._bits, 1)).decode(), *places])
