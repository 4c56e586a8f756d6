"""The process that reads the tables of a web page, or of a workbook in XML: what many programs write and call a spreadsheet.

`python unmark.py ENCODING FILE` writes what `unpack.py` does: an object with name, visibility and width before each table, then a list of text
for each of its rows. It is run by its path, and imports nothing of ours. On a file that it cannot read it ends with one word on stderr.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TextIO

MEMORY = 2 << 30
CELLS = 4_000_000
LONGEST = 1 << 20
MOST_SPAN, MOST_ROWS = 2_000, 1_048_576
_PART = 1 << 16
_ROWS, _CELLS = frozenset({"tr", "row"}), frozenset({"td", "th", "cell"})
_SILENT = frozenset({"script", "style", "title", "comment"})
_SPACES = re.compile(r"[ \t\r\n\f]+")


class Refused(Exception):
    """Why a file is not read: large or markup."""


@dataclass
class Cell:
    """A cell that is being read: its place where that is said, what it covers, and its text so far."""

    place: int
    across: int
    down: int
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def text(self, *, plain: bool) -> str:
        """Its text; white space of a web page means nothing but for the ends of lines that are marked."""
        whole = "".join(self.parts)
        return whole if plain else "\n".join(line.strip() for line in whole.split("\n")).strip()


@dataclass
class Table:
    """Rows of text, and what is open at the moment."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    cell: Cell | None = None
    in_row: bool = False
    layout: bool = False
    """Whether it holds other tables, and so no rows of its own."""
    at: int = 0
    over: dict[int, tuple[int, str]] = field(default_factory=dict)
    below: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By column how many rows a cell still covers, and its text: in this row, and in the next."""

    def begin_row(self, number: int) -> None:
        """The next row, or the one of this number."""
        self.end_row()
        for _between in range(len(self.rows), number - 1):
            self.rows.append([])
        self.rows.append([])
        self.at, self.in_row = 0, True
        self.over, self.below = self.below, {}

    def end_row(self) -> None:
        """What covers the row behind its last cell stands in it, too."""
        for place in sorted(self.over):
            self.at = place
            self._cover()
        self.in_row = False

    def add(self, text: str, place: int, across: int, down: int) -> None:
        """The next cell of the row, or that of this place; below its first column its text stands again."""
        said = max(place - 1, self.at)
        for covered in sorted(one for one in self.over if one < said):
            self.at = covered
            self._cover()
        self.at = max(said, self.at)
        self._cover()
        row = self.rows[-1]
        row += [""] * (self.at - len(row))
        row += [text, *[""] * (across - 1)]
        if down > 1:
            self.below[self.at] = (down - 1, text)
        self.at += across

    def _cover(self) -> None:
        row = self.rows[-1]
        while self.at in self.over:
            left, text = self.over.pop(self.at)
            row += [""] * (self.at - len(row))
            row.append(text)
            if left > 1:
                self.below[self.at] = (left - 1, text)
            self.at += 1


class Tables(HTMLParser):
    """The tables of a page, the innermost where they are nested; of a workbook in XML its sheets."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Table] = []
        self._open: list[Table] = []
        self._sheet, self._book, self._data, self._silent, self._cells = "", False, 0, 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag, said = tag.rpartition(":")[2], {name.rpartition(":")[2]: value or "" for name, value in attrs}
        table = self._open[-1] if self._open else None
        if tag == "worksheet":
            self._sheet, self._book = said.get("name", ""), True
        elif tag == "data":
            self._data += 1
        elif tag in _SILENT:
            self._silent += 1
        elif tag == "table":
            self._open.append(Table(self._sheet))
        elif table is not None and tag in _ROWS:
            self._end_cell(table)
            table.begin_row(_number(said.get("index", ""), MOST_ROWS))
        elif table is not None and table.in_row and tag in _CELLS:
            self._end_cell(table)
            across = _number(said.get("colspan", "")) or _number(said.get("mergeacross", "")) + 1
            down = _number(said.get("rowspan", "")) or _number(said.get("mergedown", "")) + 1
            table.cell = Cell(_number(said.get("index", "")), across, down)
        elif table is not None and table.cell is not None and tag == "br":
            table.cell.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        table = self._open[-1] if self._open else None
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag == "data":
            self._data = max(self._data - 1, 0)
        elif table is None:
            return
        elif tag in _CELLS:
            self._end_cell(table)
        elif tag in _ROWS:
            self._end_cell(table)
            table.end_row()
        elif tag == "table":
            self._end_table()

    def handle_data(self, data: str) -> None:
        cell = self._open[-1].cell if self._open else None
        if cell is not None and not self._silent and (self._data or not self._book):
            cell.size += len(data)
            if cell.size > LONGEST:
                raise Refused("large")
            cell.parts.append(data if self._book else _SPACES.sub(" ", data))

    def close(self) -> None:
        super().close()
        while self._open:
            self._end_table()

    def _end_cell(self, table: Table) -> None:
        if table.cell is not None:
            cell, table.cell = table.cell, None
            self._cells += cell.across
            if self._cells > CELLS:
                raise Refused("large")
            table.add(cell.text(plain=self._book), cell.place, cell.across, cell.down)

    def _end_table(self) -> None:
        table = self._open.pop()
        self._end_cell(table)
        table.end_row()
        outer = self._open[-1] if self._open else None
        if outer is not None and outer.cell is not None and sum(map(len, table.rows)) < 2 and not table.layout:  # a frame around a text
            outer.cell.parts += ["\n", *(text for row in table.rows for text in row)]
        elif table.rows and not table.layout:
            self.found.append(table)
        if outer is not None and (table.layout or sum(map(len, table.rows)) > 1):
            outer.layout = True


def _number(word: str, most: int = MOST_SPAN) -> int:
    return min(int(word[:9]), most) if word.isascii() and word.isdecimal() else 0


def main(encoding: str, path: str) -> None:
    """Write the rows of all tables to the standard output."""
    _limit_memory()
    tables = Tables()
    try:
        with _opened(path, encoding) as text:
            while part := text.read(_PART):
                tables.feed(part)
        tables.close()
        if not tables.found:
            raise Refused("markup")
        for number, table in enumerate(tables.found, 1):
            about = {"name": table.name or f"Table {number}", "visible": True, "width": max(map(len, table.rows))}
            for line in (about, *table.rows):
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    except Refused as refused:
        sys.exit(str(refused))
    except MemoryError:
        sys.exit("large")


def _opened(path: str, encoding: str) -> TextIO:
    """The text; GBK as Windows writes it has the euro in a byte of its own (see `euro.py`, which is not at hand here)."""
    gbk, euro, errors = encoding.removesuffix("_euro"), "\u20ac", "strict"
    if gbk != encoding:
        codecs.register_error(errors := encoding, lambda failure: (euro, failure.start + 1))  # type: ignore[attr-defined]  # nothing else was found wrong
    return open(path, encoding=gbk, errors=errors, newline="")


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError):
        pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
