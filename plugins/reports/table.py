"""A report's rows as a table for people, CSV and XLSX."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from plugins.reports.chart import Labels
from plugins.reports.formats import Formats, typed_cell
from sdk import Unavailable, _
from sdk.context import Row

PLAIN, NAMES = Formats(), Labels("", {}, {})
_NO_TITLE = re.compile(r"[\\*?:/\[\]\x00-\x1f]+")
"""What the name of a sheet must not have."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def columns(rows: Sequence[Row]) -> list[str]:
    """The words that were asked for; the ids of links are for programs."""
    return [name for name in (rows[0] if rows else ()) if not name.endswith(".id")]


def text(value: object, formats: Formats = PLAIN, word: str = "") -> str:
    """A value for people: amounts with their currency, several currencies side by side."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " + ".join(text(one, formats) for one in value)
    if isinstance(value, Mapping):
        return f"{formats.number(Decimal(str(value['amount'])), 2)} {value['currency']}"
    return formats.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(formats.cell(word, value))


def as_table(rows: Sequence[Row], empty: str, formats: Formats = PLAIN) -> str:
    """Aligned columns; Chinese characters are two wide."""
    names = columns(rows)
    if not names:
        return empty
    cells = [names, *([text(row[name], formats, name) for name in names] for row in rows)]
    right = [all(isinstance(row[name], int | Mapping | list | None) for row in rows) for name in names]
    widths = [max(_width(line[index]) for line in cells) for index in range(len(names))]
    lines = ["  ".join(_pad(cell, widths[i], right[i]) for i, cell in enumerate(line)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _width(word: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in word)


def _pad(word: str, width: int, right: bool) -> str:
    space = " " * (width - _width(word))
    return space + word if right else word + space


def _plain(word: str, value: object) -> list[object]:
    """A cell for files: an amount becomes number and currency, a day a day, text that a spreadsheet would run is quoted."""
    value = typed_cell(word, value)
    if isinstance(value, Mapping):
        return [Decimal(str(value["amount"])), value["currency"]]
    if isinstance(value, str) and value.startswith(_FORMULA):
        return ["'" + value]
    return [value]


def flat(rows: Sequence[Row]) -> list[list[object]]:
    """Headings and cells; a column of amounts becomes two, and a row with several currencies one row for each."""
    names = columns(rows)
    money = {name for name in names if any(isinstance(row[name], Mapping | list) for row in rows)}
    lines: list[list[object]] = [[head for name in names for head in ([name, f"{name} currency"] if name in money else [name])]]
    for row in rows:
        depth = max([len(value) for name in money if isinstance(value := row[name], list)], default=1)
        for index in range(depth):
            line: list[object] = []
            for name in names:
                value = row[name]
                one = (
                    value[index]
                    if isinstance(value, list) and index < len(value)
                    else (None if isinstance(value, list) or index else value)
                )
                line += (_plain(name, one) if one is not None else [None, None]) if name in money else _plain(name, value)
            lines.append(line)
    return lines


def as_csv(rows: Sequence[Row], formats: Formats = PLAIN, labels: Labels = NAMES) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets need to see Chinese; numbers and days as the reader's spreadsheet takes them."""
    sink = io.StringIO()
    heads, *lines = flat(labels.said(rows))
    cells = [[formats.cell(str(head), cell) for head, cell in zip(heads, line, strict=True)] for line in lines]
    writer = csv.writer(sink, delimiter=formats.delimiter)
    writer.writerows(["" if cell is None else cell for cell in line] for line in (labels.heads(heads), *cells))
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def as_xlsx(rows: Sequence[Row], title: str, formats: Formats = PLAIN, labels: Labels = NAMES) -> bytes:
    """A workbook with real numbers, days and instants; raises Unavailable where the extra is not installed."""
    try:
        from openpyxl import Workbook  # noqa: PLC0415 (an extra: the rest of the plugin works without it)
        from openpyxl.styles import Font  # noqa: PLC0415
        from openpyxl.utils import get_column_letter  # noqa: PLC0415
    except ModuleNotFoundError as failure:
        raise Unavailable(_("XLSX requires an extra: pip install 'dealwright[reports]'"), code="missing_extra") from failure
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = _NO_TITLE.sub(" ", title)[:31].strip(" '") or "-"
    words, *lines = flat(labels.said(rows))
    heads = labels.heads(words)
    sheet.append(heads)
    for line in lines:  # numbers and days as such: each spreadsheet shows them in its own way
        sheet.append([formats.local(cell) if isinstance(cell, datetime) else cell for cell in line])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for index, name in enumerate(heads, 1):
        widest = max(_width(str(sheet.cell(line, index).value or "")) for line in range(1, sheet.max_row + 1))
        sheet.column_dimensions[get_column_letter(index)].width = min(60, max(len(str(name)), widest) + 2)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()
