"""In which row of a table the headings are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from plugins.import_export.files.book import Note, Reading, blank
from plugins.import_export.footers import SAYS, VALUE
from plugins.import_export.mapping.words import FAMILY, GIVEN, SYNONYMS, plain
from sdk import BadRequest, _

SAMPLED = 50
_SHOWN = 200
_OTHERS = (
    "name id no region date type category product department manager sales count quantity "
    "名称 姓名 编号 序号 地区 区域 日期 类型 类别 产品 部门 经理 数量"
)
_KNOWN = frozenset(map(plain, (*_OTHERS.split(), *GIVEN, *FAMILY, *SYNONYMS, *(word for words in SYNONYMS.values() for word in words))))
"""What columns are called everywhere."""
_UNIT = re.compile(
    r"(?i:[(（]?(?:(?:金额|货币)?[单單]位|units?|currency|währung|einheit|(?:all )?amounts in|(?:alle )?(?:angaben|beträge) in)\s*[:：]?)"
    r"\s*(?P<unit>[^)）:：]+?)[)）]?\Z"
)
_STAMPS = frozenset({"EXTF", "DTVF"})
"""What DATEV begins a file with, in a line about all of it above the headings."""
_RULE = re.compile(r"\s*(?::?[-=]{3,}:?|[-=]{5,}[^-=]*[-=]{5,})\s*\Z")
RULES = frozenset({"---", "===", ":--", "", " --", " ==", " "})
"""What the first cell of such a line begins with."""


def headings_row(rows: list[list[str]], reading: Reading) -> int:
    """The place of the headings as said, or found; raises BadRequest for a row that there is not."""
    if reading.headings > len(rows):
        raise BadRequest(_("the headings should be in row {row}, but there are only {rows} rows"), row=reading.headings, rows=len(rows))
    return reading.headings - 1 if reading.headings else found_row(rows)


def note_above(rows: list[list[str]], place: int) -> list[Note]:
    """That rows above the headings are left out, where there are some."""
    above = [row for row in rows[:place] if not blank(row)]
    # Its words are shown, as they may say of what unit all amounts are.
    words = " | ".join(cell.strip() for row in above for cell in row if cell.strip())
    text = _("the headings are in row {row}; the lines above are skipped ({count}): {words}")
    return [Note("preamble", text, {"row": place + 1, "count": len(above), "words": words[:_SHOWN]})] if above else []


def unit_above(rows: list[list[str]], place: int) -> str:
    """The unit of all amounts, where a row above the headings says one: 单位：万元, Angaben in TEUR."""
    found = (_UNIT.match(cell.strip()) for row in rows[:place] for cell in row)
    return next((one["unit"] for one in found if one is not None), "")


def found_row(rows: list[list[str]]) -> int:
    """The first row that is not blank, unless it is a line above a table.

    Such lines are parted from the table by a blank row and narrower than it; or hold one cell, or what they say of the whole table (编制单位：…),
    above a table of three columns or more; or are marked as remarks.
    """
    widths = [_width(row) for row in rows]
    counts = Counter(filter(None, widths))
    typical = max(counts, key=lambda width: (counts[width] * width, width), default=0)
    first = next((place for place, width in enumerate(widths) if width and rows[place][0].strip() not in _STAMPS), 0)
    narrow = next((place for place in range(first, len(rows)) if widths[place] >= typical and not _says(rows[place])), first)
    for parted in (True, False):
        for place in range(first + 1, narrow + 1):
            above = rows[first:place]
            fits = not widths[place - 1] if parted else _above(above, typical)
            row = rows[at := _lower(rows, place)] if fits else []
            if _filled(row) > max(1, typical / 2) and name_columns(row) and not _says(row):
                return at
    return _lower(rows, first)


def _above(rows: list[list[str]], typical: int) -> bool:
    """Whether all these stand above a table of so many columns."""
    remarks = all(row[0].lstrip().startswith("#") for row in rows if _filled(row)) and any(map(_filled, rows))
    return (typical > 2 or remarks) and all(_filled(row) < 2 or _says(row) for row in rows)


def _says(row: list[str]) -> bool:
    """Whether each cell says something of the whole table, such as 单位：元."""
    words = [word for word in map(str.strip, row) if word]
    return bool(words) and all(map(SAYS.match, words))


def _lower(rows: list[list[str]], place: int) -> int:
    """This row, or the one below it where this one names groups of columns, and that one each column."""
    upper, lower, others = rows[place], rows[place + 1] if place + 1 < len(rows) else [], rows[place + 2 :]
    width = _width(lower)
    bare = sum(not any(at < len(row) and row[at].strip() for row in rows[place:]) for at in range(width))
    grouped = 0 < _filled(upper) < width - bare == _filled(lower) and _width(upper) <= width and bool(upper[0].strip())
    if not (grouped and name_columns(upper)):
        return place
    if called(lower):
        return place + 1
    # A record may be all words, too; it is none where such a column holds nothing but values below it.
    columns = ([cells[at].strip() for cells in others if at < len(cells) and cells[at].strip()] for at in range(width))
    return place + (name_columns(lower) and any(column and all(map(VALUE.search, column)) for column in columns))


def called(row: Sequence[str]) -> bool:
    """Whether most cells of a row are what columns are called, which no record is."""
    words = [word for word in map(plain, row) if word]
    return sum(word in _KNOWN for word in words) * 2 > max(1, len(words))


def _filled(row: list[str]) -> int:
    return sum(map(bool, map(str.strip, row)))


def _width(row: list[str]) -> int:
    return max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)


def name_columns(row: Sequence[str]) -> bool:
    """Whether a row may be headings: no word comes twice, and none is a value."""
    words = [word for word in map(str.strip, row) if word]
    return len(set(words)) == len(words) and not any(VALUE.search(word) for word in words)


def ruled(row: Sequence[str]) -> bool:
    """Whether a row is a line that programs draw for the eye, of dashes, and perhaps with a title between them."""
    if not row or row[0][:3] not in RULES:
        return False
    words = [word for word in map(str.strip, row) if word]
    return bool(words) and all(map(_RULE.match, words)) and (len(words) > 1 or len(words[0]) > 4 or len(row) > 1)
