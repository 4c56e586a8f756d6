"""JSON lines, as exports write them: one object a line, whose members are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from plugins.import_export.files.book import Book, Rows, Sheet, blank, from_start, unreadable
from plugins.import_export.formulas import literal
from plugins.import_export.nothing import NOTHING
from sdk import _

_LONGEST = 16 << 20
"""Bytes of a line."""
_MOST = 2_000
"""Columns."""
_MARK = b"\xef\xbb\xbf"
_AMOUNT, _REFERENCE = {"amount", "currency"}, {"entity", "id"}


def is_lines(source: BinaryIO) -> bool:
    """Whether its first line is an object."""
    first = from_start(source).readline(_LONGEST).removeprefix(_MARK)
    return first.startswith(b"{") and _object(first) is not None


def open_lines(source: BinaryIO) -> Book:
    """Read which members the objects have; raises Invalid for a line that is none."""
    names: dict[str, None] = {}
    for _number, members in _objects(source):
        names.update(dict.fromkeys(members))
        if len(names) > _MOST:
            raise unreadable(_("has more than {most} different columns"), most=_MOST)

    def rows() -> Rows:
        for number, members in _objects(source):
            cells = [_cell(members.get(name)) for name in names]
            if not blank(cells):
                yield number, _held(cells)

    return Book("jsonl", "UTF-8", "", (Sheet("", tuple(names), True, rows, data=True),))


def _held(cells: list[str]) -> list[str]:
    """As a spreadsheet would hold them: whoever reads cells takes the mark away again. Words for nothing are that here, too."""
    return [cell if cell.strip() in NOTHING else held for cell, held in zip(cells, literal(cells), strict=True)]


def _objects(source: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    lines, number = from_start(source), 0
    while line := lines.readline(_LONGEST):
        number += 1
        line = line.removeprefix(_MARK) if number == 1 else line
        if not line.strip():
            continue
        found = _object(line)
        if found is None:
            raise unreadable(_("is not valid JSON Lines: line {line} is not an object"), line=number)
        yield number, found


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        # Numbers stay as they are written: a float has not all the digits of an amount.
        found = json.loads(line.decode(), parse_float=str, parse_int=str)
        if b"\\u" in line:
            json.dumps(found, ensure_ascii=False).encode()  # half a sign is none that any answer or database could hold
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cell(value: object) -> str:
    """A member as fields read it in files."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and value.keys() == _AMOUNT:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, dict) and value.keys() == _REFERENCE:
        return f"{value['entity']}:{value['id']}"
    if isinstance(value, list):
        return ";".join(map(_cell, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
