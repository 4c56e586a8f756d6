"""Errors and formats of an OpenDocument sheet, which says what each cell shows."""

from __future__ import annotations

import re
import zipfile
from typing import IO
from xml.parsers import expat

from plugins.import_export.formats.shown import PERCENT, UNKNOWN_ERROR, Marks, Shown, in_money, money_in, type_marks, type_range

MOST = 16_000_000
"""Cells of which something is remembered: more than that the library could not take either."""
_ERROR = re.compile(r"#[A-Z/0]+[!?]?\Z")
_CELLS = frozenset({"table:table-cell", "table:covered-table-cell"})
_OTHER_DAYS = frozenset({"1900-01-01", "1904-01-01"})
"""From when a document may count days instead of the usual day."""
_HIDDEN = frozenset({"collapse", "filter"})


def marks(archive: zipfile.ZipFile) -> dict[int, Marks]:
    """By the place of a sheet what the library does not tell of it; raises ValueError for what is no XML, MemoryError for very much."""
    reader = _Reader()
    with archive.open("content.xml") as content:
        reader.read(content)
    return reader.sheets


class _Reader:
    def __init__(self) -> None:
        self.sheets: dict[int, Marks] = {}
        self._cells: type_marks = {}
        self._row = self._column = self._rows = self._across = self._hidden = self._count = 0
        self._depth = self._aside = 0
        """Tables within tables, and notes beside cells, are no cells."""
        self._merged = list[type_range]()
        self._mine: dict[int, str | Shown] = {}
        self._said: dict[str, str] = {}
        self._since = ""
        self._text: list[str] = []

    def read(self, content: IO[bytes]) -> None:
        """The whole document."""
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = self._begin, self._end, self._more
        try:
            parser.ParseFile(content)
        except expat.ExpatError as failure:
            raise ValueError(str(failure)) from failure

    def _begin(self, name: str, said: dict[str, str]) -> None:
        if name == "table:table":
            self._depth += 1
            if self._depth == 1:
                self._cells, self._merged, self._row, self._hidden = {}, [], 0, 0
        elif name == "table:null-date":
            day = said.get("table:date-value", "")
            self._since = day if day in _OTHER_DAYS else ""
        elif name == "office:annotation":
            self._aside += 1
        elif self._depth == 1 and name == "table:table-row":
            self._column, self._mine, self._rows = 0, {}, int(said.get("table:number-rows-repeated", "1"))
            if said.get("table:visibility") in _HIDDEN:
                self._hidden += self._rows
        elif self._depth == 1 and name in _CELLS:
            self._across, self._said, self._text = int(said.get("table:number-columns-repeated", "1")), said, []
            if (down := int(said.get("table:number-rows-spanned", "1"))) > 1:
                self._merged.append(((self._row, self._column), (self._row + down - 1, self._column)))

    def _more(self, text: str) -> None:
        if self._depth == 1 and not self._aside:
            self._text.append(text)

    def _end(self, name: str) -> None:
        if name == "table:table":
            if self._depth == 1:
                self.sheets[len(self.sheets)] = Marks(self._cells, self._hidden, self._since, merged=self._merged)
            self._depth -= 1
        elif name == "office:annotation":
            self._aside -= 1
        elif self._depth == 1 and name in _CELLS:
            if self._said and (mark := _mark(self._said, "".join(self._text).strip())) is not None:
                self._mine |= dict.fromkeys(range(self._column, self._column + self._across), mark)
            self._column += self._across
        elif self._depth == 1 and name == "table:table-row":
            if self._mine:
                self._count += len(self._mine) * self._rows
                if self._count > MOST:
                    raise MemoryError
                self._cells |= dict.fromkeys(range(self._row, self._row + self._rows), self._mine)
            self._row += self._rows


def _mark(said: dict[str, str], text: str) -> str | Shown | None:
    if said.get("calcext:value-type") == "error":
        return text if _ERROR.match(text) else UNKNOWN_ERROR
    kind = said.get("office:value-type")
    if kind == "percentage":
        return PERCENT
    if kind == "currency":
        return in_money(said.get("office:currency", "")) or money_in(text)
    if kind == "float" and text.isdecimal() and text[0] == "0" and len(text) > 1 and float(text) == float(said.get("office:value", "nan")):
        return text
    return None
