"""Errors and formats of a binary workbook (MS-XLSB)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from struct import unpack_from

from plugins.import_export.formats.parts import Parts
from plugins.import_export.formats.shown import BUILT_IN, ERRORS, FROM_1904, UNKNOWN_ERROR, Marks, Shown, shown, type_marks, type_range

_ROW, _RK, _ERROR, _REAL, _FORMULA_REAL, _FORMULA_ERROR = 0, 2, 3, 5, 9, 11
_FORMAT, _STYLE, _BOOK, _SHEET, _STYLES_BEGIN, _STYLES_END = 44, 47, 153, 156, 617, 618
_MERGED = 176
_HIDDEN = 0x10


def marks(archive: zipfile.ZipFile) -> dict[int, Marks]:
    """By the place of a sheet what the library does not tell of it; raises what a broken archive raises, and IndexError or struct.error."""
    styles, book = _styles(archive), archive.read("xl/workbook.bin")
    since = any(kind == _BOOK and bool(book[at] & 1) for kind, at, _end in _records(book))
    return {
        place: _sheet(archive.read(name), styles)._replace(since=FROM_1904 if since else "")
        for place, name in enumerate(_sheet_files(archive, book))
        if name
    }


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """The kind of each record, and where its content begins and ends."""
    at, end = 0, len(stream)
    while at < end:
        kind, at = stream[at], at + 1
        if kind & 0x80:
            kind, at = kind & 0x7F | (stream[at] & 0x7F) << 7, at + 1
        size = shift = 0
        while True:
            byte, at = stream[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift == 28:
                break
        yield kind, at, at + size
        at += size


def _text(stream: bytes, at: int) -> tuple[str, int]:
    (count,) = unpack_from("<I", stream, at)
    return stream[at + 4 : at + 4 + 2 * count].decode("utf-16-le", "replace"), at + 4 + 2 * count


def _sheet_files(archive: zipfile.ZipFile, book: bytes) -> list[str]:
    """Where each sheet of the workbook is, in its order."""
    parts = Parts(archive, "xl/workbook.bin")
    return [parts.file(_text(book, at + 8)[0]) for kind, at, _end in _records(book) if kind == _SHEET]


def _styles(archive: zipfile.ZipFile) -> dict[int, Shown]:
    """The styles of cells that show more than their number."""
    if "xl/styles.bin" not in archive.namelist():
        return {}
    stream, said, used, inside = archive.read("xl/styles.bin"), dict(BUILT_IN), list[int](), False
    for kind, at, _end in _records(stream):
        if kind == _FORMAT and (found := shown(_text(stream, at + 2)[0])):
            said[unpack_from("<H", stream, at)[0]] = found
        elif kind in (_STYLES_BEGIN, _STYLES_END):
            inside = kind == _STYLES_BEGIN
        elif kind == _STYLE and inside:
            used.append(unpack_from("<H", stream, at + 2)[0])
    return {place: said[number] for place, number in enumerate(used) if number in said}


def _sheet(stream: bytes, styles: dict[int, Shown]) -> Marks:
    found: type_marks = {}
    merged = list[type_range]()
    row = hidden = 0
    for kind, at, _end in _records(stream):
        if kind == _MERGED:
            top, bottom, left, right = unpack_from("<IIII", stream, at)
            merged.append(((top, left), (bottom, right)))
        elif kind == _ROW:
            (row,) = unpack_from("<I", stream, at)
            hidden += bool(stream[at + 11] & _HIDDEN)
        elif kind in (_ERROR, _FORMULA_ERROR):
            found.setdefault(row, {})[unpack_from("<I", stream, at)[0]] = ERRORS.get(stream[at + 8], UNKNOWN_ERROR)
        elif styles and kind in (_RK, _REAL, _FORMULA_REAL):
            column, style = unpack_from("<II", stream, at)
            if (mark := styles.get(style & 0xFFFFFF)) is not None:
                found.setdefault(row, {})[column] = mark
    return Marks(found, hidden, merged=merged)
