"""Rows that are parted otherwise than their file: by another sign, or within a cell whose quote was closed too late."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plugins.import_export.files.delimited import DELIMITERS, parted
from sdk import Problem, _

OTHER_SIGN = _("is one cell, but has {sign!r} as often as the headings have {delimiter!r}; separate all rows by the same sign")
QUOTED = _("is a whole row inside one cell; remove the quotes around the line, and write each double quote inside it once")
_FEWEST = 2
"""Signs by which such a row is known: one alone stands in many a name."""


class Parting:
    """Looks for such rows in a table of so many columns; a spreadsheet, which has no `delimiter`, has none."""

    def __init__(self, delimiter: str, width: int) -> None:
        self.delimiter, self._width, self._signs = delimiter, width, width - 1 if delimiter else 0
        # In a sentence a space stands behind a comma; between cells it seldom does.
        self._between = {sign: re.compile(rf"{re.escape(sign)}(?! )") for sign in DELIMITERS}

    def problem(self, cells: Sequence[str]) -> Problem | None:
        """Why a row cannot be one of this table as it is parted."""
        if len(cells) > self._width and any(map(str.strip, cells[self._width :])):
            counts = {"got": len(cells), "expected": self._width}
            return Problem("", "too_many_cells", _("has {got} cells, but there are {expected} headings"), counts)
        if len(cells) != 1 or self._signs < _FEWEST:
            return None
        if len(parted(cells[0], self.delimiter)) == self._width:
            return Problem("", "quoted_row", QUOTED)
        others = (sign for sign in DELIMITERS if sign != self.delimiter and self._count(sign, cells[0]) == self._signs)
        if sign := next(others, ""):
            return Problem("", "other_delimiter", OTHER_SIGN, {"sign": sign, "delimiter": self.delimiter})
        return None

    def swallowed(self, cells: Sequence[str]) -> int:
        """How many lines within a cell have the delimiter as often as a row does."""
        if self._signs < _FEWEST or "\n" not in "".join(cells):
            return 0
        return sum(self._is_row(line) for cell in cells if "\n" in cell for line in cell.split("\n")[1:])

    def _is_row(self, line: str) -> bool:
        return self._count(self.delimiter, line) == self._signs

    def _count(self, sign: str, text: str) -> int:
        return len(self._between[sign].findall(text)) if sign in self._between else text.count(sign)
