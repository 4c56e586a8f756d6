"""What stands behind blank rows: remarks below a table, or another table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from plugins.import_export.files.headings import called, name_columns
from plugins.import_export.footers import VALUE
from plugins.import_export.nothing import NOTHING

_MOST, _MOST_ALONE = 4, 50
"""Gaps of one file that are told: one with more is written so all through. And rows behind the last one that are."""
_SAMPLED, _TITLES = 20, 3
"""Rows of a part between two gaps that are looked at, and lines that may stand above a table."""
_TITLE = 1
"""Cells of such a line."""
OTHER_TABLE = "other_table"
"""The code of what is told of another table."""


class Gaps:
    """Is shown every row of a sheet, and tells those of which one may ask whether they belong to it."""

    def __init__(self, headings: Sequence[str], left_out: Collection[int] = ()) -> None:
        self._wide, self._left_out, self._headings = len(headings) > 1, left_out, {"", *headings}
        self._next, self._alone = 0, False
        self._first: list[int] = []
        """The first row behind each gap."""
        self._last: list[int] = []
        """The rows behind the last gap, as long as each of them holds one cell."""
        self._part: list[tuple[int, Sequence[str]]] = []
        """The first rows behind the last gap."""
        self._kinds = list[frozenset[str]]()
        """What stands in each column of the table."""
        self._title, self._other = 0, 0

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows; of such as follow each other without a gap, which most do, all at once."""
        if not rows:
            return
        first, last = rows[0][0], rows[-1][0]
        if not self._alone and self._next in (0, first) and last - first + 1 == len(rows):
            self._next = last + 1
            self._keep(rows)
            return
        for number, cells in rows:
            self._see(number, cells)

    def _see(self, number: int, cells: Sequence[str]) -> None:
        parted = number != self._next and any(one not in self._left_out for one in range(self._next, number))
        if parted and self._next:
            self._end_part()
            if len(self._first) <= _MOST:
                self._first.append(number)
                self._last, self._alone = [], self._wide
        self._next = number + 1
        self._keep([(number, cells)])
        if self._alone:
            self._alone = _filled(cells) == 1
            self._last = [*self._last, number] if self._alone and len(self._last) < _MOST_ALONE else []

    def _keep(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        if len(self._part) < _SAMPLED and not self._other:
            self._part += rows[: _SAMPLED - len(self._part)]

    def _end_part(self) -> None:
        """A gap comes, or the end: whether what stood before it is another table."""
        part, self._part = self._part, []
        rows = [cells for _number, cells in part]
        if not self._kinds:
            self._kinds = [_kinds(rows, place) for place in range(max(map(len, rows), default=0))]
        elif part and self._wide and not self._other:
            begins, titles = self._title or part[0][0], len(part) <= _TITLES and all(_filled(cells) <= _TITLE for cells in rows)
            self._title, self._other = begins if titles else 0, begins if not titles and self._is_other(rows) else 0

    def _is_other(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether rows are other headings, or such over columns of another kind: words where numbers stand in the table, or numbers where words do."""
        at = next((place for place, cells in enumerate(rows) if _filled(cells) > _TITLE), 0)
        heads, below = rows[at], rows[at + 1 :]
        if at > _TITLES or not below or _filled(heads) <= _TITLE or not name_columns(heads):
            return False
        if called(heads) and not self._headings >= {*map(str.strip, heads)}:  # its own once more are told as such
            return True
        columns = [place for place in range(len(self._kinds)) if _kinds([heads], place) == {"a"}]
        both = ((self._kinds[place], _kinds(below, place)) for place in columns)
        return any(len(here) == len(there) == 1 and here != there and "1" not in here | there for here, there in both)

    def other(self) -> int:
        """The first row of another table behind a gap; 0 where there is none."""
        self._end_part()
        return self._other

    def behind(self) -> frozenset[int]:
        """The rows to be told of."""
        found = (*self._first, *self._last) if len(self._first) <= _MOST else ()
        return frozenset(number for number in found if not self._other or number < self._other)


def _filled(cells: Sequence[str]) -> int:
    return sum(map(bool, map(str.strip, cells)))


def _kinds(rows: Sequence[Sequence[str]], place: int) -> frozenset[str]:
    """What kinds of cells a column has: addresses, numbers and dates, words, and words with digits, which say nothing: a postal code may be
    either, here 70173 and there SW1A 1AA."""
    cells = (cells[place].strip() for cells in rows if place < len(cells))
    return frozenset(_kind(cell) for cell in cells if cell and cell not in NOTHING)


def _kind(cell: str) -> str:
    return "@" if "@" in cell else "0" if VALUE.search(cell) else "1" if any(map(str.isdigit, cell)) else "a"
