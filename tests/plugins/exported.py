"""Exports as tests make them: in this process, into memory."""

from __future__ import annotations

import csv
import io
from typing import Any

from core.context import Work
from plugins.import_export import exports
from plugins.import_export.exports import Selection


def exported(work: Work, entity: str, format: str = "csv", **more: Any) -> bytes:
    """The file of an export in the name of `work`'s actor."""
    record = exports.begin(work, Selection(entity, format, **more))
    stream = io.BytesIO()
    assert exports.carry_out(work, record, stream) is not None
    assert exports.finish(work, record, {}) is not None
    return stream.getvalue()


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by heading."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
