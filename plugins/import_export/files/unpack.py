"""The process that reads a spreadsheet: it takes the memory that the library needs, and its end is nobody else's.

`python unpack.py KIND FILE` writes lines of JSON: an object with name, visibility and width before each sheet, then a list of text for each of
its rows; how many blank ones there are before the next stands as a number. It is run by its path, and of ours imports what reads formats alone.
On a file that it cannot read it ends with one word on stderr.
"""

from __future__ import annotations

import json
import mmap
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from struct import error as Unreadable

from plugins.import_export.formats import ods, xls, xlsb, xlsx
from plugins.import_export.formats.shown import NO_MARKS, Marks, Shown, type_range

MEMORY = 2 << 30
UNPACKED = 1 << 30
WRITTEN = 2 << 30
"""Characters of text: a long one that stands once in the file may be that of a million cells."""
DIGITS = 10**15
"""From here on a number of a spreadsheet has digits that nobody typed: it keeps 15."""
LOST_DIGITS = "#DIGITS!"
_PART = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    Unreadable,
)
_LAST_SIGNS = re.compile(r"_x(005F_x)?(FFFE|FFFF)_")


_LOCKED = "EncryptedPackage".encode("utf-16-le")
"""What a workbook with a password is called within the file that holds it, in XLSX and XLSB."""
_MANIFEST = "META-INF/manifest.xml"
"""Where OpenDocument says so of its parts."""


class Refused(Exception):
    """Why a file is not read: broken, password, large or bomb."""


def main(kind: str, path: str) -> None:
    """Write the rows of a spreadsheet to the standard output."""
    _limit_memory()
    written = blank = 0
    try:
        for line in lines(kind, path):
            if not line:
                blank += 1
                continue
            text = json.dumps(line, ensure_ascii=False) + "\n"
            if blank and isinstance(line, list):  # a million of them may lie between two rows
                text = f"{blank}\n{text}"
            blank = 0
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

    told = {} if kind == "xls" else _told(kind, path)
    try:
        book = load_workbook(path)
        if kind == "xls":  # only the library knows of one with a password
            told = _told(kind, path)
        for place, about in enumerate(book.sheets_metadata):
            if about.typ != SheetTypeEnum.WorkSheet or about.visible == SheetVisibleEnum.VeryHidden:  # a program's own
                continue
            marks, visible = told.get(place, NO_MARKS), about.visible == SheetVisibleEnum.Visible
            if marks.sparse:
                yield {"name": about.name, "visible": visible, "width": marks.sparse, "hidden": marks.hidden, "since": marks.since}
                yield from _rows(_sparse(path, about.name), 0, _covered(marks.merged), marks) if visible else ()
                continue
            sheet = book.get_sheet_by_index(place)
            first = sheet.start[1] if sheet.start else 0
            yield {"name": about.name, "visible": visible, "width": sheet.width, "hidden": marks.hidden, "since": marks.since}
            if visible:
                yield from _rows(sheet.iter_rows(), first, _covered(marks.merged or sheet.merged_cell_ranges), marks)
    except PasswordError as failure:
        raise Refused("password") from failure
    except (CalamineError, OSError, ValueError, UnicodeError) as failure:
        raise Refused(_why_not(path)) from failure


def _why_not(path: str) -> str:
    """Why a file cannot be read: it is broken, or it is locked by a password, which makes another file of a workbook."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        locked = whole.find(_LOCKED) >= 0
    with suppress(*_BROKEN), zipfile.ZipFile(path) as archive:
        locked = b"encryption-data" in archive.open(_MANIFEST).read(_PART)
    return "password" if locked else "broken"


def _sparse(path: str, name: str) -> Iterator[Sequence[object]]:
    """The rows of a sheet of an XLSX up to the last cell of each: for one with a stray cell far from its others."""
    from openpyxl import load_workbook  # noqa: PLC0415 (a second library, which few files need)

    sheet = load_workbook(path, read_only=True, data_only=True)[name]
    sheet.reset_dimensions()
    for row in sheet.iter_rows(values_only=True):
        yield [cell.date() if isinstance(cell, datetime) and cell.time() == time() else "" if cell is None else cell for cell in row]


def _rows(rows: Iterator[Sequence[object]], first: int, covered: dict[tuple[int, int], int], marks: Marks) -> Iterator[list[str]]:
    """Text as a person sees it; what a merged cell covers below its first row has its value."""
    above: dict[tuple[int, int], str] = {}
    for row, cells in enumerate(rows):
        texts = [_text(cell) for cell in cells]
        for column, mark in marks.cells.get(row, {}).items():
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


def _covered(ranges: Sequence[type_range] | None) -> dict[tuple[int, int], int]:
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


def _told(kind: str, path: str) -> dict[int, Marks]:
    """By the place of a sheet: cells that the library shows as nothing (errors) or without their meaning (percentages, currencies, leading
    zeros), and how many of its rows are hidden.

    Raises Refused for what unpacks to more than is allowed, before the library is asked to.
    """
    try:
        if kind == "xls":
            return xls.marks(path)
        with zipfile.ZipFile(path) as archive:
            _measure(archive)
            return xlsx.marks(archive) if kind == "xlsx" else xlsb.marks(archive) if kind == "xlsb" else ods.marks(archive)
    except xlsx.Beyond as failure:
        raise Refused(str(failure)) from failure
    except _BROKEN as failure:
        raise Refused(_why_not(path)) from failure


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


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
