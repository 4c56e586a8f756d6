"""CSV files as people save them: strict about the encoding, lenient about the delimiter."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import BinaryIO

from sdk import Invalid, Problem, Text, _

DELIMITERS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE, _ROWS = 64 << 10, 50
csv.field_size_limit(1 << 20)


@dataclass(frozen=True)
class CsvFile:
    """A file whose headings have been read; `rows` starts from the first data row each time."""

    source: BinaryIO
    encoding: str
    delimiter: str
    headings: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number (the first data row is 1) and cells of each row that is not blank; raises Invalid for what is no CSV."""
        for number, cells in enumerate(self._cells()):
            if number and not _blank(cells):
                yield number, cells

    def _cells(self) -> Iterator[list[str]]:
        self.source.seek(0)
        text = io.TextIOWrapper(self.source, encoding=self.encoding, errors="strict", newline="")
        reader = csv.reader(text, delimiter=self.delimiter, strict=True)
        try:
            yield from dropwhile(_blank, reader)
        except csv.Error as failure:
            raise _unreadable(_("is not a CSV file: line {line}: {reason}"), line=reader.line_num, reason=str(failure)) from failure
        finally:
            text.detach()


def open_csv(source: BinaryIO) -> CsvFile:
    """Read the headings; raises Invalid for an empty file, an encoding that is not Unicode, or headings twice."""
    source.seek(0)
    head = source.read(_SAMPLE)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
    _check_encoding(source, encoding)
    # The sample may end within a character: an incremental decoder waits for the rest.
    text = codecs.getincrementaldecoder(encoding)("strict").decode(head)
    if not text.strip():
        raise _unreadable(_("is empty: the first line is to hold the headings"))
    file = CsvFile(source, encoding, _delimiter(text), ())
    headings = tuple(cell.strip() for cell in next(file._cells(), []))
    if twice := sorted({heading for heading in headings if heading and headings.count(heading) > 1}):
        raise _unreadable(_("has the heading {heading!r} twice; rename one"), heading=twice[0])
    return CsvFile(source, encoding, file.delimiter, headings)


def _delimiter(sample: str) -> str:
    """The one by which most rows are as wide as the headings; of several such the one that makes them widest."""

    def fit(delimiter: str) -> tuple[bool, float, int]:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            rows = [row for row in islice(reader, _ROWS) if not _blank(row)]
        except csv.Error:  # said by name once the file is read with the delimiter that fits better
            return False, 0.0, 0
        if len(rows) > 2 and len(sample) >= _SAMPLE // 2:
            del rows[-1]  # the sample may end within it
        head, *others = [len(row) for row in rows] or [0]
        return head > 1, sum(width == head for width in others) / len(others) if others else 1.0, head

    return max(DELIMITERS, key=fit)


def _check_encoding(source: BinaryIO, encoding: str) -> None:
    """The whole file, before anything of it is imported."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    source.seek(0)
    read, block = 0, b"-"
    while block:
        block = source.read(_SAMPLE)
        read += len(block)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as failure:
            name = "UTF-16" if encoding == "utf-16" else "UTF-8"
            position = read - len(failure.object) + failure.start  # what was decoded ends where we have read to
            text = _("is not {encoding} text (byte {position}); save it as UTF-8")
            raise _unreadable(text, encoding=name, position=position) from failure


def _blank(cells: list[str]) -> bool:
    return not any(map(str.strip, cells))


def _unreadable(message: Text, **params: object) -> Invalid:
    problem = Problem("file", "unreadable", message, params)
    return Invalid(_("the file cannot be read"), problems=[problem])
