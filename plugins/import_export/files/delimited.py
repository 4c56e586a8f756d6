"""CSV and its kin: one row a line, cells parted by a sign; read as a stream, strict about quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

from plugins.import_export.files.book import BLOCK, Book, Note, Reading, Rows, Sheet, blank, from_start, named, unreadable
from plugins.import_export.files.encodings import decide
from sdk import BadRequest, Text, _

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f")
_SAMPLED = 50
_LONGEST = 1 << 20
csv.field_size_limit(_LONGEST)
_SAID = "sep="
"""What Excel takes as the first line, with the delimiter behind it."""
_VALUE = re.compile(r"\A[\W_]*\d[\d\W_]*\Z|@")
"""What is a number, a date or an address, and no heading."""


@dataclass(frozen=True)
class Dialect:
    """How cells are parted and quoted; `escape` "": a quote within a cell is written twice. `skip`: lines before the first row."""

    delimiter: str
    quote: str = '"'
    escape: str = ""
    skip: int = 0

    def reader(self, text: Iterator[str] | io.TextIOBase) -> Iterator[list[str]]:
        """The rows of `text`; raises csv.Error for quotes that do not fit."""
        return csv.reader(
            text,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            strict=True,
        )


def open_delimited(source: BinaryIO, file_name: str, reading: Reading) -> Book:
    """Settle encoding, dialect and headings."""
    encoding, notes = decide(source, reading.encoding)
    sample = _sample(source, encoding)
    if not sample.strip():
        raise unreadable(_("is empty: the first line is to hold the headings"))
    dialect = _dialect(sample, file_name, reading)
    rows, _sound = _parsed(dialect, sample)
    place = reading.headings - 1 if reading.headings else _headings(rows)
    if place >= len(rows):
        raise BadRequest(_("the headings are to stand in row {row}, and there are {rows} rows"), row=place + 1, rows=len(rows))
    headings, told = named(rows[place])
    above = sum(not blank(row) for row in rows[:place])
    if above:
        text = _("the headings are in row {row}; {count} rows above them are left out")
        told = [Note("preamble", text, {"row": place + 1, "count": above}), *told]

    def read() -> Rows:
        cells = _cells(source, encoding, dialect)
        for number, row in enumerate(islice(cells, place + 1, None), 1):
            if not blank(row):
                yield number, row

    kind = "tsv" if dialect.delimiter == "\t" else "csv"
    sheet = Sheet(file_name.rpartition(".")[0] or file_name, headings, exact=False, read=read)
    return Book(kind, encoding, dialect.delimiter, (sheet,), (*notes, *told))


def _cells(source: BinaryIO, encoding: str, dialect: Dialect) -> Iterator[list[str]]:
    text = io.TextIOWrapper(from_start(source), encoding=encoding, errors="strict", newline="")
    for _line in range(dialect.skip):
        text.readline()
    reader = dialect.reader(text)
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            yield row
    except csv.Error as failure:
        raise unreadable(_("is not a CSV file: row {row}: {reason}"), row=number + 1, reason=_reason(failure)) from failure


def _reason(failure: csv.Error) -> Text:
    said = str(failure)
    if said.startswith("unexpected end"):
        return _("a quote is opened and never closed")
    if said.startswith("field larger"):
        return _("a cell is longer than a million signs, so a quote may be missing")
    return _("there is something behind a closing quote")


def _sample(source: BinaryIO, encoding: str) -> str:
    # The sample may end within a character: an incremental decoder waits for the rest.
    return codecs.getincrementaldecoder(encoding)("strict").decode(from_start(source).read(BLOCK))


def _parsed(dialect: Dialect, sample: str) -> tuple[list[list[str]], bool]:
    """The first rows, and whether their quotes fit; the last row of a long sample is left out, since the sample may end within it."""
    text = io.StringIO(sample, newline="")
    for _line in range(dialect.skip):
        text.readline()
    rows: list[list[str]] = []
    cut, sound = len(sample) >= BLOCK // 4, True
    try:
        rows.extend(islice(dialect.reader(text), _SAMPLED + 1))
    except csv.Error as failure:  # said by name once the file is read to there
        sound = cut and str(failure).startswith("unexpected end")
    return (rows[:-1] if len(rows) > (1 if cut else _SAMPLED) else rows), sound


def _dialect(sample: str, file_name: str, reading: Reading) -> Dialect:
    """What is not said: the sign by which most rows are as wide as the headings; of several such the one that makes them widest."""
    first = sample.splitlines()[0].strip('"') if sample else ""
    skip = int(first[:4].lower() == _SAID and len(first) == len(_SAID) + 1)
    said = _one_sign(reading.delimiter) or (first[4] if skip else "")
    if not said and file_name.lower().endswith((".tsv", ".tab")) and "\t" in sample:
        said = "\t"
    signs = (said,) if said else DELIMITERS
    if reading.quote or reading.escape:
        return _fittest(sample, [Dialect(sign, reading.quote or '"', reading.escape, skip) for sign in signs])
    plain = _fittest(sample, [Dialect(sign, '"', "", skip) for sign in signs])
    rows, sound = _parsed(plain, sample)
    if not sound:
        others = [Dialect(sign, '"', "\\", skip) for sign in signs] + [Dialect(sign, "", "", skip) for sign in signs if sign == "\t"]
        other = _fittest(sample, others)
        return other if _fit(other, sample)[:2] == (True, True) else plain
    heads = rows[_headings(rows)] if rows else []
    if heads and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in heads):
        other = replace(plain, quote="'")
        return other if _parsed(other, sample)[1] else plain
    return plain


def _one_sign(word: str) -> str:
    sign = "\t" if word.lower() in ("tab", "\\t") else word
    if len(sign) > 1 or sign in ("\r", "\n", '"', "\0"):
        raise BadRequest(_("the delimiter is to be one sign such as ; or the word tab, not {word!r}"), word=word[:40])
    return sign


def _fittest(sample: str, dialects: Sequence[Dialect]) -> Dialect:
    return max(dialects, key=lambda one: _fit(one, sample))


def _fit(dialect: Dialect, sample: str) -> tuple[bool, bool, float, int]:
    """Whether it parts the headings, whether its quotes fit, the share of rows that are as wide as the headings, and how wide they are."""
    rows, sound = _parsed(dialect, sample)
    if not rows:
        return False, sound, 0.0, 0
    place = _headings(rows)
    head, others = len(rows[place]), [len(row) for row in rows[place + 1 :] if not blank(row)]
    return head > 1, sound, sum(width == head for width in others) / len(others) if others else 1.0, head


def _headings(rows: list[list[str]]) -> int:
    """Which row holds the headings: the first that is not blank, unless it is a line above a table."""
    filled = [sum(map(bool, map(str.strip, row))) for row in rows]
    first = next((place for place, count in enumerate(filled) if count), 0)
    counts = Counter(_width(row) for row in rows if not blank(row))
    typical = max(counts, key=lambda width: (counts[width], width), default=0)
    place = next((place for place, count in enumerate(filled) if count > 1 and count > typical / 2), first)
    above = filled[first:place]
    parted = not filled[place - 1] and all(count < typical / 2 or count == 1 for count in above)
    titled = typical > 2 and all(count == 1 for count in above if count)
    return place if place > first and (parted or titled) and _name_columns(rows[place]) else first


def _width(row: list[str]) -> int:
    return max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)


def _name_columns(row: list[str]) -> bool:
    words = [word for word in map(str.strip, row) if word]
    return len(set(words)) == len(words) and not any(_VALUE.search(word) for word in words)
