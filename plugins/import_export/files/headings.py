"""In which row of a table the headings are."""

from __future__ import annotations

import re
from collections import Counter

from plugins.import_export.files.book import Note, Reading, blank
from sdk import BadRequest, _

SAMPLED = 50
_VALUE = re.compile(r"\A[\W_]*\d[\d\W_]*\Z|@")
"""What is a number, a date or an address, and no heading."""


def headings_row(rows: list[list[str]], reading: Reading) -> int:
    """The place of the headings as said, or found; raises BadRequest for a row that there is not."""
    if reading.headings > len(rows):
        raise BadRequest(_("the headings are to stand in row {row}, and there are {rows} rows"), row=reading.headings, rows=len(rows))
    return reading.headings - 1 if reading.headings else found_row(rows)


def note_above(rows: list[list[str]], place: int) -> list[Note]:
    """That rows above the headings are left out, where there are some."""
    above = sum(not blank(row) for row in rows[:place])
    text = _("the headings are in row {row}; {count} rows above them are left out")
    return [Note("preamble", text, {"row": place + 1, "count": above})] if above else []


def found_row(rows: list[list[str]]) -> int:
    """The first row that is not blank, unless it is a line above a table."""
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
