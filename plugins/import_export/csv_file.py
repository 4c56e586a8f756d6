"""CSV files as people save them: strict about the encoding, lenient about the delimiter."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sdk import Invalid, Problem, Text, _

DELIMITERS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE = 64 << 10
csv.field_size_limit(1 << 20)


@dataclass(frozen=True)
class CsvFile:
    """A file whose headings have been read; `rows` starts from the first data row each time."""

    source: BinaryIO
    encoding: str
    delimiter: str
    headings: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number (the first data row is 1) and cells of each row that is not blank; raises Invalid for broken text."""
        number = 0
        for number, cells in enumerate(self._cells(), 0):
            if number and any(cell.strip() for cell in cells):
                yield number, cells

    def _cells(self) -> Iterator[list[str]]:
        self.source.seek(0)
        text = io.TextIOWrapper(self.source, encoding=self.encoding, errors="strict", newline="")
        try:
            yield from csv.reader(text, delimiter=self.delimiter, strict=True)
        except UnicodeDecodeError as failure:
            raise _unreadable(
                _("is not {encoding} text (byte {position}); save it as UTF-8"), encoding=self.encoding, position=failure.start
            ) from failure
        except csv.Error as failure:
            raise _unreadable(_("is not a CSV file: {reason}"), reason=str(failure)) from failure
        finally:
            text.detach()


def open_csv(source: BinaryIO) -> CsvFile:
    """Read the headings; raises Invalid for an empty file, an encoding that is not Unicode, or headings twice."""
    source.seek(0)
    head = source.read(_SAMPLE)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")
    try:
        # The sample may end within a character: an incremental decoder waits for the rest.
        text = codecs.getincrementaldecoder(encoding)("strict").decode(head)
    except UnicodeDecodeError as failure:
        raise _unreadable(
            _("is not {encoding} text (byte {position}); save it as UTF-8"), encoding="UTF-8", position=failure.start
        ) from failure
    line = next((line for line in text.splitlines() if line.strip()), "")
    if not line:
        raise _unreadable(_("is empty: the first line is to hold the headings"))
    delimiter = max(DELIMITERS, key=line.count)
    file = CsvFile(source, encoding, delimiter, ())
    headings = tuple(cell.strip() for cell in next(iter(file._cells()), []))
    if twice := sorted({heading for heading in headings if heading and headings.count(heading) > 1}):
        raise _unreadable(_("has the heading {heading!r} twice; rename one"), heading=twice[0])
    return CsvFile(source, encoding, delimiter, headings)


def _unreadable(message: Text, **params: object) -> Invalid:
    problem = Problem("file", "unreadable", message, params)
    return Invalid(_("the file cannot be read"), problems=[problem])
