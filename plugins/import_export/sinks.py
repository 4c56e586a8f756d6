"""Files that rows are written into, block by block: CSV and JSON lines; workbooks are beside."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from typing import BinaryIO, Protocol

import orjson

from plugins.import_export.columns import LABELS, ExportColumn
from plugins.import_export.formulas import literal
from plugins.import_export.workbook import WorkbookSink
from sdk import Block, Context, _
from sdk.context import Column
from sdk.fields import ChoiceField, DecimalField, Field, LinkField, Money, NamedReference, Reference
from sdk.fields.money import money_wire

CSV, XLSX, JSONL = "csv", "xlsx", "jsonl"
FORMATS = {CSV: _("CSV"), XLSX: _("Excel workbook (XLSX)"), JSONL: _("JSON Lines")}
MEDIA = {
    CSV: "text/csv",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    JSONL: "application/jsonl",
}


class Sink(Protocol):
    """Takes blocks of rows; `close` ends the file and leaves the stream open."""

    def write(self, block: Block) -> None: ...

    def close(self) -> None: ...


class CsvSink:
    """Comma, quotes where needed, CR LF (RFC 4180), UTF-8; for people with a byte order mark, which spreadsheets need to see Chinese."""

    def __init__(self, stream: BinaryIO, columns: Sequence[ExportColumn], *, marked: bool) -> None:
        self._stream, self._columns = stream, columns
        self._stream.write(codecs.BOM_UTF8 if marked else b"")
        self._put([literal([column.heading]) for column in columns])

    def write(self, block: Block) -> None:
        if block.rows:
            self._put([column.safe(block.columns[column.field.name]) for column in self._columns])

    def _put(self, cells: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(zip(*cells, strict=True))
        self._stream.write(text.getvalue().encode())

    def close(self) -> None:
        self._stream.flush()


class LinesSink:
    """One JSON object a line, as the API writes values; links and references are what people call the record."""

    def __init__(self, stream: BinaryIO, columns: Sequence[ExportColumn]) -> None:
        self._stream, self._columns = stream, columns
        self._keys = [orjson.dumps(column.field.name) for column in columns]

    def write(self, block: Block) -> None:
        columns = [_values(column, block.columns[column.field.name]) for column in self._columns]
        names = [column.field.name for column in self._columns]
        lines = [
            orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
            for row in zip(*columns, strict=True)
        ]
        self._stream.write(b"".join(lines))

    def close(self) -> None:
        self._stream.flush()


def _values(column: ExportColumn, values: Column) -> Column:
    """Values as orjson takes them, the same as on the wire of the API. An empty list is empty, as it is in a cell."""
    field = column.field
    if isinstance(field, LinkField | DecimalField):
        return [field.format(value) if value is not None else None for value in values]
    return values if not values or isinstance(field, ChoiceField) else [_plain(field, value) for value in values]


def _plain(field: Field, value: object) -> object:
    if isinstance(value, Money):
        return money_wire(value.amount, value.currency)
    if isinstance(value, Reference):
        return {"entity": value.entity, "id": value.id}
    if isinstance(value, NamedReference):
        return str(value)
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return field.format(value)  # the options of a field, say: what a cell says of them is read again
    return None if value == [] else value


def open_sink(ctx: Context, stream: BinaryIO, format: str, columns: Sequence[ExportColumn], headings: str) -> Sink:
    """The sink of a format."""
    if format == XLSX:
        return WorkbookSink(ctx, stream, columns)
    return CsvSink(stream, columns, marked=headings == LABELS) if format == CSV else LinesSink(stream, columns)
