"""The rows that failed, as a file to mend and import again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from uuid import UUID

from plugins.import_export.as_read import AsRead
from plugins.import_export.formulas import neutral, unquoted
from plugins.import_export.journal import read_cells
from plugins.import_export.mapping.saved import REASON
from plugins.import_export.sight import check_seen
from sdk import Context, Download, Query, where
from sdk.context import Row, shown

PART = 500
MEDIA_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no XML holds."""


FORMATS = ("csv", "xlsx")
SPREADSHEETS = ("xlsx", "xls", "xlsb", "ods")


def failed_file(ctx: Context, id: UUID, format: str = "") -> Download:
    """The file's own columns, then the reason of each row: a column that no field bears, so it is left out when the file comes back.

    What was read right says so without the rest of its file (`AsRead`); what was not stands as it stood there. Cells beyond the headings stand
    behind the reason, where they are still too many: nobody would miss them if they were left out.
    As CSV, or as XLSX, which is what came of a spreadsheet unless the other is asked for.
    """
    record = ctx.records("import_export.import").get(id)
    check_seen(ctx, record)
    headings = json.loads(str(shown(record, "headings") or "[]"))
    stem, _dot, suffix = str(shown(record, "file_name")).rpartition("/")[2].rpartition(".")
    made = format or ("xlsx" if suffix.lower() in SPREADSHEETS else "csv")
    read = AsRead.of(ctx, record)
    lines = _lines(ctx, id, headings, read)
    content = _workbook(lines) if made == "xlsx" else _csv(lines, read.delimiter)
    return Download(content, MEDIA_TYPES[made], f"{stem or 'import'}-failed.{made}")


def _lines(ctx: Context, id: UUID, headings: list[str], read: AsRead) -> Iterator[list[str]]:
    yield [*neutral(headings), _free(ctx.say(REASON), headings)]
    for row in _rows(ctx, id):
        stood = read_cells(row["cells"])[0] or []
        written = read.plainly([*stood, *[""] * len(headings)][: len(headings)])
        cells = [unquoted(cell) for cell in written]
        column = f"{row['column']}: " if row["column"] else ""
        # One that is marked already is read back as it was the first time: a second apostrophe would be one too many.
        safe = [cell if cell.startswith("'") else marked for cell, marked in zip(cells, neutral(cells), strict=True)]
        yield [*safe, *neutral([f"{column}{row['reason']}", *stood[len(headings) :]])]


def _csv(lines: Iterator[list[str]], delimiter: str) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter).writerows(lines)
    return b"\xef\xbb\xbf" + sink.getvalue().encode()  # with a byte order mark, which spreadsheets need to see Chinese


def _workbook(lines: Iterator[list[str]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 (a tenth of a second, for who needs it)

    book, sink = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    for line in lines:
        sheet.append([ILLEGAL.sub("\ufffd", cell) for cell in line])
    book.save(sink)
    return sink.getvalue()


def _rows(ctx: Context, id: UUID) -> Iterator[Row]:
    cursor: str | None = ""
    while cursor is not None:
        wanted = where(**{"import": id}) + where(outcome="failed")
        page = ctx.records("import_export.row").query(
            Query(wanted, sort=("number",), fields=("column", "reason", "cells"), limit=PART, cursor=cursor)
        )
        yield from page.data
        cursor = page.next


def _free(word: str, taken: list[str]) -> str:
    """A heading that the file does not have yet."""
    while word in taken:
        word += "+"
    return word
