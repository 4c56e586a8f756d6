"""Whether a file of lines breaks off in its last row, as one does of which a part was lost on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from plugins.import_export.files.book import Sheet, from_start
from sdk import Problem, _

CUT_OFF = Problem(
    "", "cut_off", _("is shorter than all other rows, and the file ends within it: send the whole file again, or complete this row")
)
_LINE_ENDS, _BEHIND, _LOOKED_AT, _FEWEST = (b"\n", b"\r"), b"\0 \t\x1a", 8, 2
"""What ends a line, what may stand behind it, bytes of a file that are looked at, and whole rows by which a short one is known."""


def is_open(source: BinaryIO) -> bool:
    """Whether no line end stands behind the last row."""
    tail = from_start(source, max(source.seek(0, 2) - _LOOKED_AT, 0)).read()
    return tail.rstrip(_BEHIND)[-1:] not in _LINE_ENDS


class Ending:
    """Is shown every row of a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._open, self._width, self._whole = sheet.open_end, len(sheet.headings), 0
        self._last: list[tuple[int, Sequence[str]]] = []

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Take account of rows; of a file whose last line ends of none."""
        if self._open and rows:
            before = [*self._last, *rows[:-1]]
            self._open = all(len(cells) >= self._width for _number, cells in before)
            self._whole, self._last = self._whole + len(before), [rows[-1]]

    def cut(self) -> int:
        """The number of the row in which the file breaks off; 0 where it does not."""
        short = [number for number, cells in self._last if len(cells) < self._width]
        return short[0] if short and self._open and self._whole >= _FEWEST else 0
