"""The rows that failed, as a file to mend and import again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from uuid import UUID

from sdk import Context, Download, Query, _, where
from sdk.context import Row, shown

PART = 500


def failed_file(ctx: Context, id: UUID) -> Download:
    """The file's own columns, then the reason of each row: a column that no field bears, so it is left out when the file comes back."""
    record = ctx.records("import_export.import").values([id])[id]
    headings = json.loads(str(shown(record, "headings") or "[]"))
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow([*headings, _free(ctx.say(_("Import error")), headings)])
    for row in _rows(ctx, id):
        cells = [*json.loads(str(row["cells"] or "[]")), *[""] * len(headings)][: len(headings)]
        column = f"{row['column']}: " if row["column"] else ""
        writer.writerow([*cells, f"{column}{row['reason']}"])
    # With a byte order mark, which spreadsheets need to see Chinese.
    name = str(shown(record, "file_name")).rpartition("/")[2].rpartition(".")[0] or "import"
    return Download(b"\xef\xbb\xbf" + sink.getvalue().encode(), "text/csv", f"{name}-failed.csv")


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
