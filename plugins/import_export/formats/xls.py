"""Errors and formats of a workbook of before 2007 (MS-XLS): records in a stream of a compound file (MS-CFB)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from struct import unpack_from

from plugins.import_export.formats.shown import BUILT_IN, ERRORS, FROM_1904, UNKNOWN_ERROR, Marks, Shown, shown, type_marks

_BEGIN, _END, _SHEET, _FORMAT, _STYLE, _ROW, _FROM_1904 = 0x809, 0x0A, 0x85, 0x41E, 0xE0, 0x208, 0x22
_FORMULA, _NUMBER, _RK, _SEVERAL, _BOOLEAN_OR_ERROR = 0x06, 0x203, 0x27E, 0xBD, 0x205
_NO_SECTOR = 0xFFFFFFFA
"""From here on a number names no sector."""
_HIDDEN = 0x20
_BIFF8 = 0x600


def marks(path: str) -> dict[int, Marks]:
    """By the place of a sheet what the library does not tell of it; raises ValueError, IndexError or struct.error for what is broken."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        book = _Compound(whole).stream("Workbook", "Book")
    starts, styles, since = _globals(book)
    return {place: _sheet(book, start, styles)._replace(since=FROM_1904 if since else "") for place, start in enumerate(starts)}


class _Compound:
    """A file of files."""

    def __init__(self, whole: mmap.mmap) -> None:
        self.whole = whole
        self.size, self.small = 1 << unpack_from("<H", whole, 30)[0], 1 << unpack_from("<H", whole, 32)[0]
        tables = [one for one in unpack_from("<109I", whole, 76) if one < _NO_SECTOR]
        more, count = unpack_from("<II", whole, 68)
        for _time in range(count):
            if more >= _NO_SECTOR:
                break
            *listed, more = unpack_from(f"<{self.size // 4}I", self._sector(more))
            tables += [one for one in listed if one < _NO_SECTOR]
        self.follows = self._numbers(b"".join(map(self._sector, tables)))
        self.entries = self._chain(unpack_from("<I", whole, 48)[0])

    def _sector(self, number: int) -> bytes:
        return self.whole[(number + 1) * self.size : (number + 2) * self.size]

    @staticmethod
    def _numbers(block: bytes) -> Sequence[int]:
        return unpack_from(f"<{len(block) // 4}I", block)

    @staticmethod
    def _places(first: int, follows: Sequence[int]) -> Iterator[int]:
        for _time in range(len(follows) + 1):
            if first >= _NO_SECTOR:
                return
            yield first
            first = follows[first]
        raise ValueError("sectors that follow each other in a circle")

    def _chain(self, first: int) -> bytes:
        return b"".join(map(self._sector, self._places(first, self.follows)))

    def stream(self, *names: str) -> bytes:
        """The content of the first of these files that is there; raises ValueError."""
        found: dict[str, tuple[int, int]] = {}
        for at in range(0, len(self.entries) - 127, 128):
            (length,) = unpack_from("<H", self.entries, at + 64)
            name = self.entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace")
            found.setdefault("" if self.entries[at + 66] == 5 else name, unpack_from("<II", self.entries, at + 116))
        for name in names:
            if name in found:
                first, size = found[name]
                return (self._chain(first) if size >= unpack_from("<I", self.whole, 56)[0] else self._small(first, found[""][0]))[:size]
        raise ValueError("no workbook in it")

    def _small(self, first: int, root: int) -> bytes:
        """What is small shares sectors."""
        shared, follows = self._chain(root), self._numbers(self._chain(unpack_from("<I", self.whole, 60)[0]))
        return b"".join(shared[place * self.small : (place + 1) * self.small] for place in self._places(first, follows))


def _records(book: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The kind of each record up to the end of this part of the book, and where its content begins and ends."""
    depth = 0
    while at + 4 <= len(book):
        kind, size = unpack_from("<HH", book, at)
        depth += (kind == _BEGIN) - (kind == _END)
        yield kind, at + 4, at + 4 + size
        if kind == _END and depth <= 0:
            return
        at += 4 + size


def _globals(book: bytes) -> tuple[list[int], dict[int, Shown], bool]:
    """Where each sheet begins, the styles of cells that show more than their number, and whether days are counted from 1904."""
    starts, said, used, version, since = list[int](), dict(BUILT_IN), list[int](), 0, False
    for kind, at, end in _records(book, 0):
        if kind == _BEGIN and not version:
            (version,) = unpack_from("<H", book, at)
        elif kind == _SHEET:
            starts.append(unpack_from("<I", book, at)[0])
        elif kind == _FORMAT and (found := shown(_code(book, at + 2, end, version))):
            said[unpack_from("<H", book, at)[0]] = found
        elif kind == _STYLE:
            used.append(unpack_from("<H", book, at + 2)[0])
        elif kind == _FROM_1904:
            since = unpack_from("<H", book, at)[0] == 1
    return starts, {place: said[number] for place, number in enumerate(used) if number in said}, since


def _code(book: bytes, at: int, end: int, version: int) -> str:
    if version < _BIFF8:
        return book[at + 1 : end].decode("cp1252", "replace")
    return book[at + 3 : end].decode("utf-16-le" if book[at + 2] & 1 else "latin-1", "replace")


def _sheet(book: bytes, start: int, styles: dict[int, Shown]) -> Marks:
    found: type_marks = {}
    hidden = 0
    for kind, at, end in _records(book, start):
        if kind == _ROW:
            hidden += bool(book[at + 12] & _HIDDEN)
            continue
        if kind not in (_FORMULA, _NUMBER, _RK, _SEVERAL, _BOOLEAN_OR_ERROR):
            continue
        row, column, style = unpack_from("<HHH", book, at)
        if kind == _SEVERAL:
            for place, number in enumerate(range(at + 4, end - 2, 6)):
                if (mark := styles.get(unpack_from("<H", book, number)[0])) is not None:
                    found.setdefault(row, {})[column + place] = mark
        elif kind == _BOOLEAN_OR_ERROR and book[at + 7]:
            found.setdefault(row, {})[column] = ERRORS.get(book[at + 6], UNKNOWN_ERROR)
        elif kind == _FORMULA and book[at + 12 : at + 14] == b"\xff\xff":  # no number: a text, a boolean or an error
            if book[at + 6] == 2:
                found.setdefault(row, {})[column] = ERRORS.get(book[at + 8], UNKNOWN_ERROR)
        elif kind != _BOOLEAN_OR_ERROR and (mark := styles.get(style)) is not None:
            found.setdefault(row, {})[column] = mark
    return Marks(found, hidden)
