"""Errors, formats and hidden rows of an XLSX, by its text: to take it apart as XML would take minutes."""

from __future__ import annotations

import html
import re
import zipfile

from plugins.import_export.formats.parts import Parts
from plugins.import_export.formats.shown import FROM_1904, PERCENT, Marks, Shown, shown, type_marks

CELLS = 16_000_000
"""The library keeps a sheet as a full table: so many cells take about half a gigabyte."""
SPARSE = 1_000_000
"""So many that hold something are read otherwise, slowly, where a stray one lies so far from the others that the table would be larger."""
_PART = 1 << 20
_OVERLAP = 4096
_CELL = (
    rb"<(?:\w+:)?c\s([^>]*\b(?:t=\"e\"|s=\"(?:%s)\")[^>]*)>(?:<(?:\w+:)?f[^>]*/>|<(?:\w+:)?f[^>]*>[^<]*</(?:\w+:)?f>)?<(?:\w+:)?v>([^<]*)</"
)
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})(\d{1,7})\"")
_STYLE = re.compile(rb"\bs=\"(\d+)\"")
_FAR = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{2,3})\d+\"[^>/]*>")
_UNCOUNTED = re.compile(
    rb"<(?:\w+:)?c\s([^>]*)><(?:\w+:)?f(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
"""A formula that no program has worked out: it has no value, and is not to pass for an empty cell."""
_HIDDEN = re.compile(rb"<(?:\w+:)?row\s(?=[^>]*\bhidden=\"(?:1|true)\")[^>]*\br=\"(\d+)\"[^>/]*>")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=\"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})\"")
_MOST_HIDDEN = 100_000
_FROM_1904 = re.compile(r"<(?:\w+:)?workbookPr\s[^>]*\bdate1904=[\"'](?:1|true)[\"']")
_NOWHERE = re.compile(rb"\br=\"(?:[A-Z]{4,}\d+|[A-Z]+\d{8,})\"")
"""A cell beyond the last one that there can be, for which the library would look until it is stopped."""


class Beyond(Exception):
    """A sheet has a cell beyond the last one that there can be (`broken`), or too many cells (`large`)."""


def marks(archive: zipfile.ZipFile) -> dict[int, Marks]:
    """By the place of a sheet what the library does not tell of it; raises Beyond, and what a broken archive raises."""
    styles, book = _styles(archive), archive.read("xl/workbook.xml").decode("utf-8", "replace")
    cell = re.compile(_CELL % (b"|".join(styles) or b"none"))
    since = _FROM_1904.search(book) is not None
    return {
        place: _sheet(archive, name, cell, styles)._replace(since=FROM_1904 if since else "")
        for place, name in enumerate(_sheet_files(archive, book))
        if name
    }


def _sheet_files(archive: zipfile.ZipFile, book: str) -> list[str]:
    """Where each sheet of the workbook is, in its order."""
    parts = Parts(archive, "xl/workbook.xml")
    references = (re.search(r"\b\w+:id=\"([^\"]*)\"", attributes) for attributes in re.findall(r"<(?:\w+:)?sheet\s([^>]*)>", book))
    return [parts.file(reference[1]) if reference else "" for reference in references]


def _styles(archive: zipfile.ZipFile) -> dict[bytes, Shown]:
    """The styles of cells that show more than their number."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = archive.read("xl/styles.xml")
    own = dict(re.findall(rb"<(?:\w+:)?numFmt\s[^>]*?numFmtId=\"(\d+)\"[^>]*?formatCode=\"([^\"]*)\"", styles))
    said = {b"9": PERCENT, b"10": PERCENT}
    said |= {id: found for id, code in own.items() if (found := shown(html.unescape(code.decode("utf-8", "replace"))))}
    formats = re.search(rb"<(?:\w+:)?cellXfs.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    used = re.findall(rb"<(?:\w+:)?xf\s[^>]*?numFmtId=\"(\d+)\"", formats[0]) if formats else []
    return {str(place).encode(): said[id] for place, id in enumerate(used) if id in said}


def _sheet(archive: zipfile.ZipFile, name: str, cell: re.Pattern[bytes], styles: dict[bytes, Shown]) -> Marks:
    found: type_marks = {}
    hidden, merged = set[bytes](), set[tuple[bytes, ...]]()
    rows, columns, kept, count = 0, 26, b"", 0
    with archive.open(name) as packed:
        while part := packed.read(_PART):
            text = kept + part
            count += part.count(b"<c ") + part.count(b":c ")
            rows = max(rows, _last_row(text))
            columns = max([columns, *(_column(letters) + 1 for letters in set(_FAR.findall(text)))])
            if _NOWHERE.search(text):
                raise Beyond("broken")
            for attributes, value in cell.findall(text):
                place = _PLACE.search(attributes)
                if place:
                    style = None if b't="e"' in attributes else _STYLE.search(attributes)
                    mark = styles[style[1]] if style is not None else value.decode("ascii", "replace")
                    found.setdefault(int(place[2]) - 1, {})[_column(place[1])] = mark
            for attributes in _UNCOUNTED.findall(text):
                if b't="str"' not in attributes and (place := _PLACE.search(attributes)):
                    found.setdefault(int(place[2]) - 1, {})[_column(place[1])] = "#CALC!"
            if b"hidden=" in text and len(hidden) < _MOST_HIDDEN:
                hidden.update(_HIDDEN.findall(text))
            if b"mergeCell " in text and len(merged) < _MOST_HIDDEN:
                merged.update(_MERGED.findall(text))
            kept = text[-_OVERLAP:]
            if rows * columns > CELLS and count > SPARSE:
                raise Beyond("large")
    ranges = [((int(top) - 1, _column(left)), (int(bottom) - 1, _column(right))) for left, top, right, bottom in merged]
    return Marks(found, len(hidden), sparse=columns if rows * columns > CELLS else 0, merged=sorted(ranges))


def _last_row(text: bytes) -> int:
    """The row of the last cell that holds something: rows that only have a colour are none to the library."""
    end = max(text.rfind(b"</v>"), text.rfind(b"</is>"), text.rfind(b":v>"))
    places = _PLACE.findall(text, max(0, end - _OVERLAP), end) if end > 0 else []
    return int(places[-1][1]) if places else 0


def _column(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1
