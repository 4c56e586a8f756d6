"""XLSX as it is written: real numbers, dates and truth values, a styled head that stays, column widths; a part at a time.

Written by hand (ECMA-376, part 1, section 18): decision 50 has what libraries took for the same.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, BinaryIO
from zoneinfo import ZoneInfo

from plugins.import_export.columns import ExportColumn
from plugins.import_export.formulas import literal
from plugins.import_export.mapping.words import currency_of, zoned
from sdk import Block, Context, Invalid, Problem, _
from sdk.context import Column
from sdk.fields import BooleanField, DateField, DateTimeField, DecimalField, IntegerField, Money, MoneyField

MOST_ROWS = 1_048_575
"""Rows of a sheet, the headings not counted."""
MOST_CHARACTERS = 32_767
"""Characters of a cell."""
_DIGITS = 15
"""Digits of a number that a spreadsheet keeps: longer ones are text, which an import reads as well."""
_FIRST_DAY, _ZERO = date(1900, 3, 1), date(1899, 12, 30).toordinal()
"""Before March 1900 spreadsheets count a day that there was not: such dates are text."""
_PLAIN, _HEAD, _DAY, _AMOUNT, _INSTANT = range(5)
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")
_NAMED = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
_NARROW, _WIDE = 9, 60
_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATED = f"{_PACKAGE}/relationships"
_FONT = '<sz val="11"/><name val="Calibri"/>'
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_RELATED}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_RELATED}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet {_NS}><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
        f'<numFmt numFmtId="165" formatCode="#,##0.00##"/><numFmt numFmtId="166" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
        f'<fonts count="2"><font>{_FONT}</font><font><b/>{_FONT}</font></fonts>'
        f'<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
        f'<fill><patternFill patternType="solid"><fgColor rgb="FFE8EEF4"/><bgColor indexed="64"/></patternFill></fill></fills>'
        f'<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        f'<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">'
        f'<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        f'<xf numFmtId="0" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1"/>'
        f'<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        f'<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        f'<xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        f'<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
    "xl/workbook.xml": f'<workbook {_NS} xmlns:r="{_OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
}
_STAMP = (1980, 1, 1, 0, 0, 0)
"""Of the parts of the file: the same records give the same bytes."""


class WorkbookSink:
    """One sheet. An amount of money is a number, and its currency stands in the column behind it."""

    def __init__(self, ctx: Context, stream: BinaryIO, columns: Sequence[ExportColumn]) -> None:
        self._columns, self._zone = columns, ZoneInfo(ctx.zone)
        self._headings = [word for column in columns for word in headings_of(ctx, column)]
        self._letters = [_letters(index) for index in range(len(self._headings))]
        self._file = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, content in _PARTS.items():
            self._file.writestr(_part(name), _HEADER + content)
        self._sheet: IO[bytes] | None = None
        self._row = 1

    def write(self, block: Block) -> None:
        if self._row + block.rows > MOST_ROWS + 1:
            raise Invalid(_("a sheet can have at most {most} rows; export as CSV, or export less at a time"), most=MOST_ROWS)
        first = self._row + 1
        numbers = range(first, first + block.rows)
        parts: list[Sequence[str]] = []
        for column in self._columns:
            values = block.columns[column.field.name]
            letters = self._letters[len(parts) :]
            parts += _cells(column, values, letters, numbers, self._zone)
        if self._sheet is None:
            self._sheet = self._begun([max([0, *(len(_TAGS.sub("", cell)) for cell in cells[:200])]) for cells in parts])
        rows = "".join(
            [f'<row r="{number}">{"".join(cells)}</row>' for number, cells in zip(numbers, zip(*parts, strict=True), strict=True)]
        )
        self._sheet.write(rows.encode())
        self._row += block.rows

    def _begun(self, lengths: Iterable[int]) -> IO[bytes]:
        sheet = self._file.open(_part("xl/worksheets/sheet1.xml"), "w", force_zip64=True)
        widths = [min(max(_NARROW, length, _width(heading)) + 2, _WIDE) for length, heading in zip(lengths, self._headings, strict=True)]
        columns = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, 1))
        head = "".join(
            f'<c r="{letters}1" s="{_HEAD}" t="inlineStr"><is><t xml:space="preserve">{_escaped(heading)}</t></is></c>'
            for letters, heading in zip(self._letters, literal(self._headings), strict=True)
        )
        frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
        sheet.write(
            f'{_HEADER}<worksheet {_NS}><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
            f'<cols>{columns}</cols><sheetData><row r="1">{head}</row>'.encode()
        )
        return sheet

    def close(self) -> None:
        if self._sheet is None:
            self._sheet = self._begun([0] * len(self._headings))
        last = f"{self._letters[-1]}{self._row}"
        self._sheet.write(f'</sheetData><autoFilter ref="A1:{last}"/></worksheet>'.encode())
        self._sheet.close()
        self._file.close()


def headings_of(ctx: Context, column: ExportColumn) -> list[str]:
    """The headings of a field in a workbook."""
    if isinstance(column.field, DateTimeField):
        return [zoned(column.heading, ctx.zone)]
    beside = [currency_of(ctx, column.field, column.heading)] if isinstance(column.field, MoneyField) else []
    return [column.heading, *beside]


def _cells(column: ExportColumn, values: Column, letters: Sequence[str], numbers: range, zone: ZoneInfo) -> list[Sequence[str]]:
    """The cells of a field as XML, one list for each of its columns."""
    field, at = column.field, letters[0]
    if isinstance(field, MoneyField):
        amounts = [value.amount if isinstance(value, Money) else None for value in values]
        currencies = [value.currency if isinstance(value, Money) else "" for value in values]
        return [_numbers(amounts, at, numbers, _AMOUNT), _texts(currencies, letters[1], numbers, column.heading)]
    if isinstance(field, BooleanField):
        return [["" if one is None else f'<c r="{at}{n}" t="b"><v>{one:d}</v></c>' for n, one in zip(numbers, values, strict=True)]]
    if isinstance(field, DecimalField) or type(field) is IntegerField:
        return [_numbers(values, at, numbers, _PLAIN)]
    if isinstance(field, DateField):
        return [_days(values, at, numbers)]
    if isinstance(field, DateTimeField):
        return [_instants(values, at, numbers, zone)]
    return [_texts(column.safe(values), at, numbers, column.heading)]


def _numbers(values: Column, at: str, numbers: range, style: int) -> list[str]:
    return ["" if one is None else _number(one, f"{at}{n}", style) for n, one in zip(numbers, values, strict=True)]


def _number(value: object, at: str, style: int) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.strip("-0.").replace(".", "")) > _DIGITS:
        return _text(text, at)
    return f'<c r="{at}" s="{style}"><v>{text}</v></c>'


def _days(values: Column, at: str, numbers: range) -> list[str]:
    cells: list[str] = []
    for n, day in zip(numbers, values, strict=True):
        if not isinstance(day, date):
            cells.append("")
        elif day < _FIRST_DAY:
            cells.append(_text(day.isoformat(), f"{at}{n}"))
        else:
            cells.append(f'<c r="{at}{n}" s="{_DAY}"><v>{day.toordinal() - _ZERO}</v></c>')
    return cells


def _instants(values: Column, at: str, numbers: range, zone: ZoneInfo) -> list[str]:
    """In the time of a zone; what that does not say to the letter (parts of a second, an hour that comes twice) is text."""
    cells: list[str] = []
    for n, instant in zip(numbers, values, strict=True):
        if not isinstance(instant, datetime):
            cells.append("")
            continue
        local = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        if instant.microsecond or local.date() < _FIRST_DAY or local.replace(tzinfo=zone).astimezone(UTC) != instant:
            cells.append(_text(instant.isoformat().replace("+00:00", "Z"), f"{at}{n}"))
            continue
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        cells.append(f'<c r="{at}{n}" s="{_INSTANT}"><v>{local.toordinal() - _ZERO + seconds / 86_400!r}</v></c>')
    return cells


def _texts(cells: Sequence[str], at: str, numbers: range, heading: str) -> list[str]:
    for n, cell in zip(numbers, cells, strict=True):
        if len(cell) > MOST_CHARACTERS:
            text = _("row {row} has {got} characters, but a workbook cell can hold at most {most}; export as CSV")
            problem = Problem(heading, "too_long", text, {"row": n - 1, "got": len(cell), "most": MOST_CHARACTERS})
            raise Invalid(_("the text is too long for a workbook"), problems=[problem])
    if _SPECIAL.search("\n".join(cells)):
        cells = [_escaped(cell) for cell in cells]
    start, end = ' t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    return [f'<c r="{at}{n}"{start}{cell}{end}' if cell else "" for n, cell in zip(numbers, cells, strict=True)]


def _text(text: str, at: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


def _escaped(text: str) -> str:
    """Text for XML: what that takes for something else is named, what it does not take at all is written as Excel writes it (`_x000D_`)."""
    text = _UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    text = text.replace("_x005F_xFFF", "_x005F_x005F_xFFF")  # readers leave the last two signs of all as they are written
    for sign, name in _NAMED:
        text = text.replace(sign, name)
    return text


_TAGS = re.compile("<[^>]*>")


def _width(heading: str) -> int:
    """Wide characters take the place of two."""
    return sum(2 if sign > "\u2e80" else 1 for sign in heading)


def _letters(index: int) -> str:
    """A, B, …, Z, AA, …"""
    found, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(65 + rest) + found
    return found


def _part(name: str) -> zipfile.ZipInfo:
    part = zipfile.ZipInfo(name, _STAMP)
    part.compress_type = zipfile.ZIP_DEFLATED
    part._compresslevel = 1  # type: ignore[attr-defined]
    return part
