"""The process that reads a spreadsheet: it takes the memory that the library needs, and its end is nobody else's.

`python unpack.py KIND FILE` writes lines of JSON: an object with name, visibility and width before each sheet, then a list of text for
each of its rows. It is run by its path, and imports nothing of ours. On a file that it cannot read it ends with one word on stderr.
"""

from __future__ import annotations

import html
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeAlias

type_marks: TypeAlias = "dict[int, dict[int, str | Shown]]"

MEMORY = 2 << 30
UNPACKED = 1 << 30
WRITTEN = 2 << 30
"""Characters of text: a long one that stands once in the file may be that of a million cells."""
CELLS = 16_000_000
"""The library keeps a sheet as a full table: so many cells take about half a gigabyte."""
DIGITS = 10**15
"""From here on a number of a spreadsheet has digits that nobody typed: it keeps 15."""
LOST_DIGITS = "#DIGITS!"
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
_MOST_HIDDEN = 100_000
_NOWHERE = re.compile(rb"\br=\"(?:[A-Z]{4,}\d+|[A-Z]+\d{8,})\"")
"""A cell beyond the last one that there can be, for which the library would look until it is stopped."""
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError, KeyError)


_LAST_SIGNS = re.compile(r"_x(005F_x)?(FFFE|FFFF)_")
_LITERAL = r'(?:"[^"]*"|\\.)*'
_PADDED = re.compile(rf"({_LITERAL})(0{{2,}})({_LITERAL})\Z")
"""A format that shows leading zeros, and perhaps text around them."""
_IN_BRACKETS = re.compile(r"\[\$([^\]-]+)(?:-[0-9A-Fa-f]+)?\]")
_MONEY = re.compile(
    r"[A-Z]{0,2}[$€£¥￥₩₹₽₺₫₪฿₴₱₸₦]|元|RMB|CNY|USD|EUR|GBP|JPY|HKD|TWD|CHF|CAD|AUD|NZD|SGD|KRW|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|AED|THB|VND"
)


class Shown(NamedTuple):
    """What the format of a cell shows beside its number: signs before and behind, at least so many digits, a share of a hundred."""

    before: str = ""
    digits: int = 0
    behind: str = ""
    percent: bool = False


class Refused(Exception):
    """Why a file is not read: broken, password, large or bomb."""


_NO_MARKS: dict[int, str | Shown] = {}


def main(kind: str, path: str) -> None:
    """Write the rows of a spreadsheet to the standard output."""
    _limit_memory()
    written = 0
    try:
        for line in lines(kind, path):
            text = json.dumps(line, ensure_ascii=False) + "\n"
            written += len(text)
            if written > WRITTEN:
                raise Refused("bomb")
            sys.stdout.write(text)
    except Refused as refused:
        sys.exit(str(refused))
    except MemoryError:
        sys.exit("large")


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError):
        pass


def lines(kind: str, path: str) -> Iterator[object]:
    """What is written, line by line; raises Refused."""
    from python_calamine import CalamineError, PasswordError, SheetTypeEnum, SheetVisibleEnum, load_workbook  # noqa: PLC0415

    marks, hidden = _checked(kind, path)
    try:
        book = load_workbook(path)
        for place, about in enumerate(book.sheets_metadata):
            if about.typ != SheetTypeEnum.WorkSheet or about.visible == SheetVisibleEnum.VeryHidden:  # a program's own
                continue
            sheet = book.get_sheet_by_index(place)
            visible = about.visible == SheetVisibleEnum.Visible
            first = sheet.start[1] if sheet.start else 0
            yield {"name": about.name, "visible": visible, "width": sheet.width, "hidden": hidden.get(place, 0)}
            if visible:
                yield from _rows(sheet.iter_rows(), first, _covered(sheet.merged_cell_ranges), marks.get(place, {}))
    except PasswordError as failure:
        raise Refused("password") from failure
    except (CalamineError, OSError, ValueError, UnicodeError) as failure:
        raise Refused("broken") from failure


def _rows(rows: Iterator[Sequence[object]], first: int, covered: dict[tuple[int, int], int], marks: type_marks) -> Iterator[list[str]]:
    """Text as a person sees it; what a merged cell covers below its first row has its value."""
    above: dict[tuple[int, int], str] = {}
    for row, cells in enumerate(rows):
        texts = [_text(cell) for cell in cells]
        for column, mark in marks.get(row, _NO_MARKS).items():
            if 0 <= column - first < len(texts):
                texts[column - first] = _marked(mark, cells[column - first])
        if covered:
            for column in range(len(texts)):
                place = (row, first + column)
                if place in covered:
                    origin = (covered[place], first + column)
                    texts[column] = above.setdefault(origin, texts[column])
        while texts and not texts[-1].strip():
            texts.pop()
        yield texts


def _covered(ranges: list[tuple[tuple[int, int], tuple[int, int]]] | None) -> dict[tuple[int, int], int]:
    """Each cell of a merged range's first column, with the row in which its value stands."""
    return {
        (row, left): top
        for (top, left), (bottom, _right) in ranges or ()
        if bottom > top
        for row in range(top, min(bottom, top + 100_000) + 1)
    }


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return _LAST_SIGNS.sub(_last_sign, cell) if "_xFFF" in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return number(cell)
    if isinstance(cell, datetime):
        rounded = cell + timedelta(microseconds=500)
        rounded = rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)
        return rounded.isoformat(timespec="milliseconds" if rounded.microsecond else "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)


def _last_sign(found: re.Match[str]) -> str:
    """U+FFFE or U+FFFF as `_xFFFE_`, which the library leaves as it is; text that only looks so has the escape of an underscore before it."""
    return f"_x{found[2]}_" if found[1] else chr(int(found[2], 16))


def number(value: float) -> str:
    """A number with the 15 digits that a spreadsheet keeps, never with an exponent."""
    if value == int(value):
        return str(int(value)) if abs(value) < DIGITS else LOST_DIGITS
    return f"{Decimal(f'{value:.15g}'):f}"


def _marked(mark: str | Shown, cell: object) -> str:
    """The text of a cell that the library shows without its meaning; of an error its word."""
    if isinstance(mark, str):
        return mark
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return _text(cell)
    if mark.percent:
        return f"{number(float(Decimal(f'{cell:.15g}') * 100))}%"
    text = number(cell)
    if not mark.digits or text == LOST_DIGITS:
        return text if text == LOST_DIGITS else f"{mark.before}{text}"
    sign, digits = ("-" if cell < 0 else ""), text.lstrip("-")
    return f"{sign}{mark.before}{digits.zfill(mark.digits)}{mark.behind}" if digits.isdecimal() else text


# --- before the library sees it ------------------------------------------------------------------------------------------


def _checked(kind: str, path: str) -> tuple[dict[int, type_marks], dict[int, int]]:
    """By sheet: cells that the library shows as nothing (errors) or without their meaning (percentages, currencies, leading zeros), and how
    many of its rows are hidden.

    Raises Refused for what unpacks to more than is allowed, before the library is asked to.
    """
    if kind == "xls":
        return {}, {}
    try:
        with zipfile.ZipFile(path) as archive:
            _measure(archive)
            return _xlsx_marks(archive) if kind == "xlsx" else ({}, {})
    except _BROKEN as failure:
        raise Refused("broken") from failure


def _measure(archive: zipfile.ZipFile) -> None:
    """What it says of its sizes is checked against what comes out: reading stops there, and the check sum fails."""
    total = sum(entry.file_size for entry in archive.infolist())
    if total > UNPACKED or len(archive.infolist()) > 10_000:
        raise Refused("bomb")
    for entry in archive.infolist():
        if not entry.filename.lower().endswith((".xml", ".bin", ".rels")):
            continue
        with archive.open(entry) as packed:
            while packed.read(_PART):
                pass


def _xlsx_marks(archive: zipfile.ZipFile) -> tuple[dict[int, type_marks], dict[int, int]]:
    styles = _styles(archive)
    cell = re.compile(_CELL % (b"|".join(styles) or b"none"))
    found = {place: _sheet_marks(archive, name, cell, styles) for place, name in enumerate(_sheet_files(archive)) if name}
    return {place: marks for place, (marks, _hidden) in found.items()}, {place: hidden for place, (_marks, hidden) in found.items()}


def _sheet_files(archive: zipfile.ZipFile) -> list[str]:
    """Where each sheet of the workbook is, in its order."""
    targets: dict[str, str] = {}
    for attributes in re.findall(
        r"<(?:\w+:)?Relationship\s([^>]*)>", archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    ):
        named = dict(re.findall(r"\b(Id|Target)=\"([^\"]*)\"", attributes))
        targets[named.get("Id", "")] = named.get("Target", "")
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    names = set(archive.namelist())
    found = []
    for attributes in re.findall(r"<(?:\w+:)?sheet\s([^>]*)>", book):
        reference = re.search(r"\b\w+:id=\"([^\"]*)\"", attributes)
        target = targets.get(reference[1] if reference else "", "")
        file = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        found.append(file if file in names else "")
    return found


def _styles(archive: zipfile.ZipFile) -> dict[bytes, Shown]:
    """The styles of cells that show more than their number."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = archive.read("xl/styles.xml")
    own = dict(re.findall(rb"<(?:\w+:)?numFmt\s[^>]*?numFmtId=\"(\d+)\"[^>]*?formatCode=\"([^\"]*)\"", styles))
    shown = {b"9": Shown(percent=True), b"10": Shown(percent=True)}
    shown |= {id: found for id, code in own.items() if (found := _shown(html.unescape(code.decode("utf-8", "replace"))))}
    formats = re.search(rb"<(?:\w+:)?cellXfs.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    used = re.findall(rb"<(?:\w+:)?xf\s[^>]*?numFmtId=\"(\d+)\"", formats[0]) if formats else []
    return {str(place).encode(): shown[id] for place, id in enumerate(used) if id in shown}


def _shown(code: str) -> Shown | None:
    """What a format shows of a positive number beside it, if that is told by it."""
    first = re.match(r'(?:"[^"]*"|\\.|[^;])*', code)
    section = first[0] if first else ""
    if "%" in re.sub(r'"[^"]*"|\\.', "", section):
        return Shown(percent=True)
    if padded := _PADDED.match(section):
        return Shown(_said(padded[1]), len(padded[2]), _said(padded[3]))
    named = _IN_BRACKETS.search(section)
    sign = named[1].strip() if named else next(iter(_MONEY.findall(re.sub(r"_.", "", section))), "")
    if not _MONEY.fullmatch(sign) and not re.fullmatch(r"[A-Z]{3}", sign):
        return None
    return Shown(f"{sign} " if sign.isalpha() else sign)


def _said(literal: str) -> str:
    """Literal text of a format."""
    return re.sub(r'"([^"]*)"|\\(.)', lambda found: found[1] if found[1] is not None else found[2], literal)


def _sheet_marks(archive: zipfile.ZipFile, name: str, cell: re.Pattern[bytes], styles: dict[bytes, Shown]) -> tuple[type_marks, int]:
    found: type_marks = {}
    hidden = set[bytes]()
    rows, columns, kept = 0, 26, b""
    with archive.open(name) as packed:
        while part := packed.read(_PART):
            text = kept + part
            rows = max(rows, _last_row(text))
            columns = max([columns, *(_column(letters) + 1 for letters in set(_FAR.findall(text)))])
            if _NOWHERE.search(text):
                raise Refused("broken")
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
            kept = text[-_OVERLAP:]
            if rows * columns > CELLS:
                raise Refused("large")
    return found, len(hidden)


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


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
