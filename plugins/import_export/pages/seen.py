"""Rows of which a page needs many fields: who does not see all of them is told which, and gets no half page."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.import_export.tally import COUNTS
from sdk.context import Row, shown

OF_IMPORTS = (
    "entity", "file_name", "state", "dry_run", "mode", "silent", *COUNTS, "undone", "conflicts", "done", "total", "rate", "seconds_left", "ignored", "emptied",
    "notes", "reason", "file", "sheet", "part_of", "wish", "created_at",
)  # fmt: skip
OF_EXPORTS = (
    "entity", "format", "headings", "file_name", "conditions", "words", "ordered_by", "columns", "state", "done", "total", "size", "reason", "created_at",
)  # fmt: skip


def whole(row: Row, names: Sequence[str]) -> Row:
    """The row; raises Forbidden where one of these fields is hidden from the actor."""
    for name in names:
        shown(row, name)
    return row
