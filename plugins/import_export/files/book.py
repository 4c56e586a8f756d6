"""What is read of a file: a book of sheets, each with headings and rows of text."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, TypeAlias

from plugins.import_export.formulas import restored
from sdk import Invalid, Problem, Text, _
from sdk.errors import NO_PARAMS, Params

Rows: TypeAlias = "Iterator[tuple[int, list[str]]]"
BLOCK = 64 << 10
_PART = 500


@dataclass(frozen=True)
class Reading:
    """What a person has said about a file, where it leaves something open; "" and 0: find it out."""

    encoding: str = ""
    """The name of an encoding, such as gb18030."""
    delimiter: str = ""
    """One sign, such as ; or a tab."""
    quote: str = ""
    """The sign around cells that hold delimiters or line ends."""
    escape: str = ""
    """The sign before a quote within a cell, where quotes are not doubled there."""
    headings: int = 0
    """Which row holds the headings, counted from 1 with the blank ones."""


@dataclass(frozen=True)
class Note:
    """What was found out about a file and is to be told, such as lines above its headings; `params` fill the braces."""

    code: str
    message: Text
    params: Params = field(default_factory=lambda: NO_PARAMS)

    def __str__(self) -> str:
        return self.message.format(**self.params)


@dataclass(frozen=True)
class Sheet:
    """A table whose headings have been read.

    `exact`: numbers and dates come typed from the file and stand in canonical form, with a decimal point and as ISO dates.
    `unit`: that of all amounts, where it is said above the headings.
    `since`: the first of the days that its numbers count, where that is not the usual one.
    `open_end`: no line end stands behind its last row.
    `data`: a program has written records and nothing else, so nothing is left out of it unless that is asked for.
    """

    name: str
    headings: tuple[str, ...]
    exact: bool
    read: Callable[[], Rows]
    delimiter: str = ""
    left_out: Collection[int] = ()
    """The numbers of rows that somebody has left out."""
    data: bool = False
    since: str = ""
    unit: str = ""
    open_end: bool = False

    def rows(self) -> Rows:
        """Number (the first data row is 1) and cells of each row that is not blank, from the first each time.

        The number counts blank rows too, as people count. Raises Invalid where the file breaks off.
        """
        return self.read()

    def parts(self) -> Iterator[list[tuple[int, list[str]]]]:
        """The same, some rows at a time."""
        rows = self.rows()
        while part := list(islice(rows, _PART)):
            yield part


@dataclass(frozen=True)
class Book:
    """A file: csv, tsv, xlsx, xls, xlsb, ods or vcard; `encoding` and `delimiter` are "" where the format has none."""

    format: str
    encoding: str
    delimiter: str
    sheets: tuple[Sheet, ...]
    notes: tuple[Note, ...] = ()


class FromStart(io.RawIOBase):
    """A file read from its first byte with a place of its own, so that several readers do not disturb one another.

    Readers in several threads share a lock.
    """

    def __init__(self, source: IO[bytes], place: int, lock: AbstractContextManager[object]) -> None:
        self._source, self._place, self._lock = source, place, lock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base says Buffer, which Python 3.11 lacks
        with self._lock:
            self._source.seek(self._place)
            block = self._source.read(len(buffer))
        buffer[: len(block)] = block
        self._place += len(block)
        return len(block)


_NO_LOCK = nullcontext()


def from_start(source: IO[bytes], place: int = 0, lock: AbstractContextManager[object] = _NO_LOCK) -> io.BufferedReader:
    """`source` from its first byte, or from another place; closing it leaves `source` open."""
    return io.BufferedReader(FromStart(source, place, lock), BLOCK)


def blank(cells: list[str]) -> bool:
    """Whether a row holds nothing."""
    return not any(map(str.strip, cells))


def unreadable(message: Text, code: str = "unreadable", **params: object) -> Invalid:
    """The refusal of a file as such, with its reason."""
    return Invalid(_("the file can’t be read"), problems=[Problem("file", code, message, params)])


MOST_COLUMNS, MOST_IN_HEADINGS = 2_000, 100_000
"""Columns that somebody can still map, and bytes of their headings as they are kept with each import."""


def bounded(headings: list[str]) -> list[str]:
    """Headings that can be shown and mapped; raises Invalid for more. Columns without a heading behind the last one count for nothing."""
    if len(headings) > MOST_COLUMNS:
        headings = headings[: max((place for place, heading in enumerate(headings, 1) if heading.strip()), default=0)]
    if len(headings) > MOST_COLUMNS:
        text = _("has {got} columns, but at most {most} can be read; remove those that aren’t needed")
        raise unreadable(text, "too_many_columns", got=len(headings), most=MOST_COLUMNS)
    if len(json.dumps(headings)) > MOST_IN_HEADINGS:
        text = _("has headings of {got} characters in total, but at most {most} can be read; shorten them")
        raise unreadable(text, "too_many_columns", got=sum(map(len, headings)), most=MOST_IN_HEADINGS)
    return headings


def named(headings: list[str]) -> tuple[tuple[str, ...], list[Note]]:
    """Headings by which columns can be told apart: one that comes again is numbered, one that is empty bears its place."""
    names: dict[str, None] = {}
    notes: list[Note] = []
    words = [heading.strip() for heading in restored(headings)]
    taken, used = {*words}, dict[str, int]()  # a file may have tens of thousands of columns, and all of them called the same
    for place, word in enumerate(words, 1):
        plain = word or f"#{place}"
        name, number = plain, used.get(plain, 1)
        while name in names or (name != word and name in taken):
            number += 1
            name = f"{plain} ({number})"
        used[plain] = number
        if word and name != word:
            notes.append(
                Note(
                    "heading_twice",
                    _("contains the heading {heading!r} more than once; one of them is now {name!r}"),
                    {"heading": word, "name": name},
                )
            )
        names[name] = None
    return tuple(names), notes
