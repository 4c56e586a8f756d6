"""What stands behind blank rows: remarks below a table, or another table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_MOST, _MOST_ALONE = 4, 50
"""Gaps of one file that are told: one with more is written so all through. And rows behind the last one that are."""


class Gaps:
    """Is shown every row of a sheet, and tells those of which one may ask whether they belong to it."""

    def __init__(self, headings: Sequence[str], left_out: Collection[int] = ()) -> None:
        self._wide, self._left_out = len(headings) > 1, left_out
        self._next, self._alone = 0, False
        self._first: list[int] = []
        """The first row behind each gap."""
        self._last: list[int] = []
        """The rows behind the last gap, as long as each of them holds one cell."""

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows; of such as follow each other without a gap, which most do, all at once."""
        if not rows:
            return
        first, last = rows[0][0], rows[-1][0]
        if not self._alone and self._next in (0, first) and last - first + 1 == len(rows):
            self._next = last + 1
            return
        for number, cells in rows:
            self._see(number, cells)

    def _see(self, number: int, cells: Sequence[str]) -> None:
        parted = number != self._next and any(one not in self._left_out for one in range(self._next, number))
        if parted and self._next and len(self._first) <= _MOST:
            self._first.append(number)
            self._last, self._alone = [], self._wide
        self._next = number + 1
        if self._alone:
            self._alone = sum(map(bool, map(str.strip, cells))) == 1
            self._last = [*self._last, number] if self._alone and len(self._last) < _MOST_ALONE else []

    def behind(self) -> frozenset[int]:
        """The rows to be told of."""
        return frozenset((*self._first, *self._last) if len(self._first) <= _MOST else ())
