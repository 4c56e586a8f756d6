"""CSV and its kin: one row a line, cells parted by a sign; read as a stream, strict about quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import BinaryIO, NamedTuple

from plugins.import_export.files.book import BLOCK, Book, Note, Reading, Rows, Sheet, blank, bounded, from_start, named, unreadable
from plugins.import_export.files.encodings import decide
from plugins.import_export.files.ending import is_open
from plugins.import_export.files.headings import RULES, SAMPLED, found_row, headings_row, note_above, ruled, unit_above
from sdk import BadRequest, Text, _

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f")
_LONGEST, _LONGEST_ROW = 1 << 20, 16 << 20
_MANY, _MOST_SAMPLED = 1_000, 1 << 20
"""Rows that are looked at where the first ones are of one cell each, and signs of a file that are looked at in all."""
_QUOTED = re.compile(r' +"')
_FEWEST_WRAPPED = 3
"""Columns: a name and a first name in one cell have a comma, too."""
_END = "\x1a"
_AT_END = ("\n" + _END, "\r" + _END)
"""What old programs write behind the last line."""
_MARK = "\ufeff"
"""What begins a file stands at the beginning of a line where files were put one behind the other, and says nothing there."""
_MARKED = re.compile(f"^{_MARK}+", re.MULTILINE)
_SAID = "sep="
"""What Excel takes as the first line, with the delimiter behind it."""


@dataclass(frozen=True)
class Dialect:
    """How cells are parted and quoted; `escape` "": a quote within a cell is written twice. `skip`: lines before the first row."""

    delimiter: str
    quote: str = '"'
    escape: str = ""
    skip: int = 0
    spaced: bool = False
    """Whether a space stands behind each delimiter, before quotes too."""
    wrapped: bool = False
    """Whether whole lines stand in quotes, as where a file was opened as one column and saved."""

    def reader(self, text: Iterator[str] | io.TextIOBase) -> Iterator[list[str]]:
        """The rows of `text`; raises csv.Error for quotes that do not fit."""
        csv.field_size_limit(_LONGEST)  # one for the whole process, which any library may have set anew
        rows = csv.reader(
            text,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            skipinitialspace=self.spaced,
            strict=True,
        )
        return map(self._unwrapped, rows) if self.wrapped else rows

    def _unwrapped(self, row: list[str]) -> list[str]:
        return (parted(row[0], self.delimiter) if len(row) == 1 else []) or row


def parted(cell: str, delimiter: str) -> list[str]:
    """The cells of a row that stands within a cell as a whole; none where it is none, or a sentence, with spaces behind its commas."""
    try:
        rows = list(islice(csv.reader(io.StringIO(cell, newline=""), delimiter=delimiter, strict=True), 2))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 and not any(cell.startswith(" ") for cell in rows[0]) else []


_NOTHING_BUT = " \t\r\n\ufeff\u3000,;|^~\"'"
"""What parts cells that hold nothing."""


class _Sample(NamedTuple):
    """The beginning of a file, of which so many rows are looked at."""

    text: str
    rows: int


def open_delimited(source: BinaryIO, file_name: str, reading: Reading) -> Book:
    """Settle encoding, dialect and headings."""
    encoding, notes = decide(source, reading.encoding)
    for most in (SAMPLED, _MANY):
        sample = _sample(source, encoding, most)
        dialect = _dialect(sample, file_name, reading)
        rows, _sound = _parsed(dialect, sample)
        if reading.headings or any(len(row) > 1 for row in rows):
            break  # else there is one column, or no end of what stands above a table
    if all(map(blank, rows)) or not sample.text.strip(_NOTHING_BUT):
        raise unreadable(_("is empty: the first line must contain the headings"))
    place = headings_row(rows, reading)
    # The sample may end within the row of the headings.
    rows[place] = next(islice(_cells(source, encoding, dialect), place, None), rows[place])
    headings, told = named(bounded(rows[place]))

    def read() -> Rows:
        cells = _cells(source, encoding, dialect)
        for number, row in enumerate(islice(cells, place + 1, None), 1):
            if (row and row[0].strip()) or not blank(row):
                yield number, row

    kind = "tsv" if dialect.delimiter == "\t" else "csv"
    sheet = Sheet(
        file_name.rpartition(".")[0] or file_name,
        headings,
        exact=False,
        read=read,
        delimiter=dialect.delimiter,
        unit=unit_above(rows, place),
        open_end=is_open(source),
    )
    unwrapped = [Note("wrapped", _("whole lines are in quotes; their cells were separated all the same"))] if dialect.wrapped else []
    return Book(kind, encoding, dialect.delimiter, (sheet,), (*notes, *unwrapped, *note_above(rows, place), *told))


def _cells(source: BinaryIO, encoding: str, dialect: Dialect) -> Iterator[list[str]]:
    text = io.TextIOWrapper(from_start(source), encoding=encoding, errors="strict", newline="")
    for _line in range(dialect.skip):
        text.readline()
    size = number = 0

    def blocks() -> Iterator[str]:
        """Whole lines, as many as a block holds, then the one that goes on behind it: to ask for each takes as long as to part its cells."""
        nonlocal size
        while block := text.read(BLOCK):
            cut = max(block.rfind("\n"), block.rfind("\r", 0, -1)) + 1  # \r may be half of a line end
            for whole in (block[:cut], block[cut:] + text.readline(_LONGEST_ROW)):
                size += len(whole)
                # Else a file without line ends is one row, and all of it in memory. Of the first block what is behind other rows is not counted.
                if size >= _LONGEST_ROW - BLOCK:
                    raise unreadable(_("is not a CSV file: row {row} is longer than {most} million signs"), row=number + 1, most=16)
                yield whole.removesuffix(_END) if whole == _END or whole.endswith(_AT_END) else whole

    def unmarked(block: str) -> Iterator[str]:
        """Without the mark where a row begins; within a cell of several lines it is part of what somebody has written."""
        before = -1
        for line in io.StringIO(block, newline=""):
            begins, before = number != before, number
            yield line.lstrip(_MARK) if begins else line

    lines = chain.from_iterable(unmarked(block) if _MARK in block else io.StringIO(block, newline="") for block in blocks())
    try:
        for number, row in enumerate(dialect.reader(lines), 1):
            size = 0
            yield [] if row and row[0][:3] in RULES and ruled(row) else row  # asked of every row
    except csv.Error as failure:
        raise unreadable(_("is not a CSV file: row {row}: {reason}"), row=number + 1, reason=_reason(failure)) from failure


def _reason(failure: csv.Error) -> Text:
    said = str(failure)
    if said.startswith("unexpected end"):
        return _("a quote is opened but never closed")
    if said.startswith("field larger"):
        return _("a cell is longer than a million characters, so a quote may be missing")
    return _("there is text after a closing quote")


def _sample(source: BinaryIO, encoding: str, rows: int) -> _Sample:
    """The beginning of a file: a block, or as many as it takes to hold so many lines, if they are not of books."""
    # The sample may end within a character: an incremental decoder waits for the rest.
    stream, decoder = from_start(source), codecs.getincrementaldecoder(encoding)("strict")
    text = decoder.decode(stream.read(BLOCK))
    while len(text) < _MOST_SAMPLED and max(text.count("\n"), text.count("\r")) <= rows and (more := stream.read(BLOCK)):
        text += decoder.decode(more)
    return _Sample(_MARKED.sub("", text), rows)


def _parsed(dialect: Dialect, sample: _Sample) -> tuple[list[list[str]], bool]:
    """The first rows, and whether their quotes fit; the last row of a long sample is left out, since the sample may end within it."""
    text = io.StringIO(sample.text, newline="")
    for _line in range(dialect.skip):
        text.readline()
    rows: list[list[str]] = []
    cut, sound = len(sample.text) >= BLOCK // 4, True
    try:
        rows.extend([] if ruled(row) else row for row in islice(dialect.reader(text), sample.rows + 1))
    except csv.Error as failure:  # said by name once the file is read to there
        sound = cut and str(failure).startswith("unexpected end")
    return (rows[:-1] if len(rows) > (1 if cut else sample.rows) else rows), sound


def _dialect(sample: _Sample, file_name: str, reading: Reading) -> Dialect:
    """What is not said: the sign by which most rows are as wide as the headings; of several such the one that makes them widest."""
    first = sample.text.splitlines()[0].strip('"') if sample.text else ""
    skip = int(first[:4].lower() == _SAID and len(first) == len(_SAID) + 1)
    said = _one_sign(reading.delimiter) or (first[4] if skip else "")
    if not said and file_name.lower().endswith((".tsv", ".tab")) and "\t" in sample.text:
        said = "\t"
    signs = (said,) if said else DELIMITERS
    if reading.quote or reading.escape:
        return _fittest(sample, [Dialect(sign, reading.quote or '"', reading.escape, skip) for sign in signs], reading)
    plain = _fittest(sample, [Dialect(sign, '"', "", skip) for sign in signs], reading)
    rows, sound = _parsed(plain, sample)
    if not sound:
        others = [Dialect(sign, '"', "\\", skip) for sign in signs if '\\"' in sample.text]
        others += [Dialect(sign, "", "", skip) for sign in signs if sign == "\t"]
        if not others:
            return plain
        other = _fittest(sample, others, reading)
        return other if _fit(other, sample, reading)[:2] == (True, True) else plain
    if any(_QUOTED.match(cell) for row in rows for cell in row[1:]):
        other = replace(plain, spaced=True)
        return other if _parsed(other, sample)[1] else plain
    heads = rows[_place(rows, reading)] if rows else []
    if heads and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in heads):
        other = replace(plain, quote="'")
        return other if _parsed(other, sample)[1] else plain
    return _unwrapping(sample, signs, plain, reading) or plain


def _unwrapping(sample: _Sample, signs: Sequence[str], plain: Dialect, reading: Reading) -> Dialect | None:
    """If there are rows of one cell, and each of them is a whole row once more: the dialect that reads it."""
    parts, _sound, share, _width = _fit(plain, sample, reading)
    if parts and share == 1.0:
        return None
    other = _fittest(sample, [replace(plain, delimiter=sign, wrapped=True) for sign in signs], reading)
    parts, _sound, share, width = _fit(other, sample, reading)
    return other if parts and share == 1.0 and width >= _FEWEST_WRAPPED else None


def _one_sign(word: str) -> str:
    sign = "\t" if word.lower() in ("tab", "\\t") else word
    if len(sign) > 1 or sign in ("\r", "\n", '"', "\0"):
        raise BadRequest(_("the delimiter must be a single character such as ; or the word tab, not {word!r}"), word=word[:40])
    return sign


def _fittest(sample: _Sample, dialects: Sequence[Dialect], reading: Reading) -> Dialect:
    return max(dialects, key=lambda one: _fit(one, sample, reading))


def _fit(dialect: Dialect, sample: _Sample, reading: Reading) -> tuple[bool, bool, float, int]:
    """Whether it parts the headings, whether its quotes fit, the share of rows that are as wide as the headings, and how wide they are."""
    rows, sound = _parsed(dialect, sample)
    if not rows:
        return False, sound, 0.0, 0
    place = _place(rows, reading)
    head, others = len(rows[place]), [len(row) for row in rows[place + 1 :] if not blank(row)]
    return head > 1, sound, sum(width == head for width in others) / len(others) if others else 1.0, head


def _place(rows: list[list[str]], reading: Reading) -> int:
    """Where the headings are by this dialect, as said if there is such a row."""
    return reading.headings - 1 if 0 < reading.headings <= len(rows) else found_row(rows)
