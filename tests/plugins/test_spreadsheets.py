"""Spreadsheets as people save them: what is shown is what is read, and what breaks is refused; without a database."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell import Cell
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from plugins.import_export.files import Book, Reading, open_book, spreadsheets, unpack
from plugins.import_export.formats import xlsx
from sdk import BadRequest, Conflict, Invalid
from sdk.fields import DateField, DateTimeField, DecimalField, spoilt
from sdk.text import Text
from tests.journeys.real_data import folder


def workbook(fill: Callable[[Worksheet], object], *more: tuple[str, Iterable[Sequence[object]]]) -> bytes:
    """An XLSX whose first sheet is filled by `fill`, followed by others."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Contacts"
    fill(sheet)
    for name, rows in more:
        other = made.create_sheet(name)
        for row in rows:
            other.append(row)
    sink = io.BytesIO()
    made.save(sink)
    return sink.getvalue()


def opened(content: bytes, name: str = "a.xlsx", **said: Any) -> Book:
    """The file as the importer opens it."""
    return open_book(io.BytesIO(content), name, Reading(**said))


def rows_of(found: Book, sheet: int = 0) -> list[tuple[int, list[str]]]:
    """All rows of one sheet."""
    return list(found.sheets[sheet].rows())


def refusal(content: bytes) -> str:
    """Why the file is refused."""
    with pytest.raises(Invalid) as refused:
        opened(content)
    (problem,) = refused.value.problems
    return str(problem)


def ods(rows: str, before: str = "") -> bytes:
    """An OpenDocument file with one table."""
    names = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "calcext"))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content{names} office:version="1.2"><office:body><office:spreadsheet>{before}<table:table table:name="People">'
            f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return sink.getvalue()


DAY, INSTANT = DateField(label=Text("Day")), DateTimeField(label=Text("At"))
type_binary_cell = str | float | tuple[float, int] | Exception
"""A text, a number, one with the place of its format among `FORMATS`, or an error by its number."""
FORMATS = (0, 10, 164, 165, 14)
CODES = {164: '"\u20ac"\\ #,##0.00', 165: "00000"}


def xlsb(rows: Sequence[Sequence[type_binary_cell]], *, from_1904: bool = False, merged: tuple[int, ...] = ()) -> bytes:
    """A binary workbook (MS-XLSB) with one sheet, whose last row is hidden."""

    def record(number: int, body: bytes = b"") -> bytes:
        head = bytes([number]) if number < 128 else bytes([(number & 0x7F) | 0x80, number >> 7])
        return head + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(column: int, value: type_binary_cell) -> bytes:
        number, style = value if isinstance(value, tuple) else (value, 0)
        at = struct.pack("<II", column, style)
        if isinstance(number, str):
            return record(6, at + wide(number))
        return record(3, at + bytes(number.args)) if isinstance(number, Exception) else record(5, at + struct.pack("<d", number))

    cells = [
        record(0, struct.pack("<II", place, 0) + bytes(3) + bytes([0x10 * (place == len(rows) - 1)]) + bytes(13))
        + b"".join(cell(*one) for one in enumerate(row))
        for place, row in enumerate(rows)
    ]
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1)
    sheet = record(0x81) + record(0x94, size) + record(0x91) + b"".join(cells) + record(0x92)
    sheet += (record(177, struct.pack("<I", 1)) + record(176, struct.pack("<IIII", *merged)) + record(178) if merged else b"") + record(
        0x82
    )
    named = record(0x9C, struct.pack("<II", 0, 1) + wide("rId1") + wide("People"))
    lead = '<Relationships><Relationship Id="rId1" Type="t" Target="{}"/></Relationships>'.format
    styles = record(615, struct.pack("<I", len(CODES))) + b"".join(
        record(44, struct.pack("<H", number) + wide(code)) for number, code in CODES.items()
    )
    styles += (
        record(616)
        + record(617, struct.pack("<I", len(FORMATS)))
        + b"".join(record(47, struct.pack("<HH", 0, number) + bytes(12)) for number in FORMATS)
        + record(618)
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>", "_rels/.rels": lead("xl/workbook.bin"), "xl/_rels/workbook.bin.rels": lead("worksheets/sheet1.bin"),
        "xl/workbook.bin": record(0x83) + record(0x99, struct.pack("<III", from_1904, 0, 0)) + record(0x8F) + named + record(0x90) + record(0x84), "xl/worksheets/sheet1.bin": sheet,
        "xl/styles.bin": record(0x116) + styles + record(0x117),
    }  # fmt: skip
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


def xls(rows: Sequence[Sequence[type_binary_cell]], *, from_1904: bool = False) -> bytes:
    """A workbook of before 2007 (MS-XLS in MS-CFB) with one sheet, whose last row is hidden."""

    def record(number: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", number, len(body)) + body

    def wide(text: str, length: str) -> bytes:
        return struct.pack(f"<{length}B", len(text), 1) + text.encode("utf-16-le")

    def cell(row: int, column: int, value: type_binary_cell) -> bytes:
        number, style = value if isinstance(value, tuple) else (value, 0)
        at = struct.pack("<HHH", row, column, style)
        if isinstance(number, str):
            return record(0x204, at + wide(number, "H"))
        return (
            record(0x205, at + bytes([*number.args, 1])) if isinstance(number, Exception) else record(0x203, at + struct.pack("<d", number))
        )

    begin = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)
    styles = b"".join(record(0x41E, struct.pack("<H", number) + wide(code, "H")) for number, code in CODES.items())
    styles += b"".join(record(0xE0, struct.pack("<HHH", 0, number, 0) + bytes(14)) for number in FORMATS)
    named = wide("People", "B")
    globals_ = record(0x809, begin) + record(0x42, struct.pack("<H", 1200)) + record(0x22, struct.pack("<H", from_1904)) + styles
    globals_ += record(0x85, struct.pack("<IBB", len(globals_) + 10 + len(named) + 4, 0, 0) + named) + record(0x0A)
    last = struct.pack("<HHHHHHHH", len(rows) - 1, 0, 9, 255, 0, 0, 0x20, 0)
    sheet = (
        record(0x809, begin[:2] + b"\x10" + begin[3:])
        + record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
        + record(0x208, last)
    )
    sheet += b"".join(cell(place, *one) for place, row in enumerate(rows) for one in enumerate(row)) + record(0x0A)
    stream = (globals_ + sheet).ljust(4096, b"\0")
    count = -(-len(stream) // 512)
    table = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE) + b"".join(
        struct.pack("<I", at + 3 if at < count - 1 else 0xFFFFFFFE) for at in range(count)
    )

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        written = f"{name}\0".encode("utf-16-le")
        tree = struct.pack("<HBBIII", len(written), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return written.ljust(64, b"\0") + tree + bytes(36) + struct.pack("<II", start, size) + bytes(4)

    folder_ = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream)) + bytes(256)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0) + b"\xff" * 432
    return head + table.ljust(512, b"\xff") + folder_ + stream.ljust(count * 512, b"\0")


def test_cells_are_read_as_they_are_shown_and_never_shortened() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["name", "number", "day", "instant", "time", "length", "yes", "share", "id"])
        sheet.append(
            [
                "李伟",
                13800138000,
                date(2026, 1, 31),
                datetime(2026, 1, 31, 9, 30, 15),
                time(9, 30),
                timedelta(hours=30),
                True,
                0.255,
                "00123",
            ]
        )
        sheet.append([0.1 + 0.2, -12.5, None, None, None, None, False, 1, 1e13])
        for row in (2, 3):
            sheet.cell(row, 8).number_format = "0.0%"

    found = opened(workbook(fill))
    assert (found.format, found.encoding, found.delimiter, found.sheets[0].name, found.sheets[0].exact) == (
        "xlsx",
        "",
        "",
        "Contacts",
        True,
    )
    assert rows_of(found) == [
        (1, ["李伟", "13800138000", "2026-01-31", "2026-01-31T09:30:15", "09:30:00", "30:00:00", "true", "25.5%", "00123"]),
        (2, ["0.3", "-12.5", "", "", "", "", "false", "100%", "10000000000000"]),
    ]
    assert rows_of(found) == rows_of(found)


def test_errors_and_numbers_that_have_lost_digits_are_flaws_of_their_cells() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["a", "b"])
        sheet.append(["#N/A", 110101199003074514])
        cell = sheet["A2"]
        assert isinstance(cell, Cell)
        cell.data_type = "e"
        sheet.append(["fine", "110101199003074514"])

    cells = [cells for _number, cells in rows_of(opened(workbook(fill)))]
    first, second = (spoilt([row[place] for row in cells]) for place in (0, 1))
    assert [(flaw.row, flaw.code) for flaw in (*first, *second)] == [(0, "error_value"), (0, "lost_digits")]
    assert cells[1] == ["fine", "110101199003074514"]


def test_leading_rows_titles_merged_cells_and_hidden_sheets_are_told() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in ([], ["Report of contacts"], [], ["Region", "Name", None], ["North", "A", "x"], [None, "B"], ["South", "C"]):
            sheet.append(row)
        sheet.merge_cells("A2:C2")
        sheet.merge_cells("A5:A6")

    content = workbook(fill, ("Secret", [["x"], ["1"]]), ("Empty", []), ("Deals", [["Deal"], ["Big one"]]))
    made = openpyxl.load_workbook(io.BytesIO(content))
    made["Secret"].sheet_state = "hidden"
    made["Contacts"].row_dimensions[6].hidden = True
    sink = io.BytesIO()
    made.save(sink)
    found = opened(sink.getvalue())
    assert [(sheet.name, sheet.headings) for sheet in found.sheets] == [("Contacts", ("Region", "Name", "#3")), ("Deals", ("Deal",))]
    assert rows_of(found) == [(1, ["North", "A", "x"]), (2, ["North", "B"]), (3, ["South", "C"])]
    assert rows_of(found, 1) == [(1, ["Big one"])]
    assert [note.code for note in found.notes] == ["rows_hidden", "preamble", "sheet_hidden"]
    assert str(found.notes[0]).startswith("hidden rows of the sheet 'Contacts' (1)")
    assert opened(sink.getvalue(), headings=5).sheets[0].headings == ("North", "A", "x")
    with pytest.raises(BadRequest, match="row 99"):
        opened(sink.getvalue(), headings=99)


def test_opendocument_sheets_are_read() -> None:
    cell = '<table:table-cell office:value-type="{kind}" {more}><text:p>{text}</text:p></table:table-cell>'.format
    head = "".join(cell(kind="string", more="", text=word) for word in ("Name", "Since", "Sum"))
    row = (
        cell(kind="string", more="", text="李伟")
        + cell(kind="date", more='office:date-value="2026-01-31"', text="31.01.2026")
        + cell(kind="float", more='office:value="1234.5"', text="1.234,50")
    )
    found = opened(ods(f"<table:table-row>{head}</table:table-row><table:table-row>{row}</table:table-row>"), "a.ods")
    assert (found.format, found.sheets[0].headings) == ("ods", ("Name", "Since", "Sum"))
    assert rows_of(found) == [(1, ["李伟", "2026-01-31", "1234.5"])]


def test_what_a_merged_cell_covers_has_its_value_in_every_kind_of_spreadsheet() -> None:
    cell = '<table:table-cell office:value-type="string" {}><text:p>{}</text:p></table:table-cell>'.format
    lines = (cell("", "Region") + cell("", "Name"), cell('table:number-rows-spanned="2"', "North") + cell("", "A"),
             "<table:covered-table-cell/>" + cell("", "B"), cell("", "South") + cell("", "C"))  # fmt: skip
    table = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    rows: list[list[type_binary_cell]] = [["Region", "Name"], ["North", "A"], ["", "B"], ["South", "C"]]
    for content in (ods(table), xlsb(rows, merged=(1, 2, 0, 0))):
        assert rows_of(opened(content)) == [(1, ["North", "A"]), (2, ["North", "B"]), (3, ["South", "C"])]


def test_errors_and_formats_count_in_every_kind_of_spreadsheet() -> None:
    rows: list[list[type_binary_cell]] = [
        ["Name", "Share", "Sum", "Code", "Day", "Plain"],
        ["李伟", (0.255, 1), (1234.5, 2), (123.0, 3), (46053.0, 4), 13800138000.0],
        ["王芳", Exception(0x2A), Exception(0x07), "00124", Exception(0x17), 0.5],
    ]
    cell = '<table:table-cell office:value-type="{}" {}>{}</table:table-cell>'.format
    shown = "<text:p>{}</text:p>".format
    lines = [
        "".join(cell("string", "", shown(word)) for word in rows[0]),
        cell("string", "", "<office:annotation><text:p>a note</text:p></office:annotation>" + shown("李伟"))
        + cell("percentage", 'office:value="0.255"', shown("25.5%"))
        + cell("currency", 'office:value="1234.5" office:currency="EUR"', shown("1.234,50 €"))
        + cell("float", 'office:value="123"', shown("00123"))
        + cell("date", 'office:date-value="2026-01-31"', shown("31.01.26"))
        + cell("float", 'office:value="13800138000"', shown("1,38E+10")),
        cell("string", "", shown("王芳"))
        + "".join(cell("string", 'office:string-value="" calcext:value-type="error"', shown(word)) for word in ("#N/A", "#DIV/0!"))
        + cell("string", "", shown("00124"))
        + cell("float", 'office:value="0" calcext:value-type="error"', shown("Err:524"))
        + cell("float", 'office:value="0.5"', shown("0,5")),
    ]
    hidden = ["", "", ' table:visibility="filter"']
    table = "".join(f"<table:table-row{more}>{line}</table:table-row>" for line, more in zip(lines, hidden, strict=True))
    for content, kind, euro, broken in ((xlsb(rows), "xlsb", "€1234.5", "#REF!"), (xls(rows), "xls", "€1234.5", "#REF!"),
                                        (ods(table), "ods", "EUR 1234.5", "#VALUE!")):  # fmt: skip
        found = opened(content, "a.xls")
        assert (found.format, found.sheets[0].name, found.sheets[0].headings) == (kind, "People", tuple(rows[0])), kind
        assert rows_of(found) == [
            (1, ["李伟", "25.5%", euro, "00123", "2026-01-31", "13800138000"]),
            (2, ["王芳", "#N/A", "#DIV/0!", "00124", broken, "0.5"]),
        ], kind
        assert [(note.code, note.params["count"]) for note in found.notes] == [("rows_hidden", 1)], kind
    assert "damaged" in refusal(xls(rows)[:700]) and "damaged" in refusal(ods("<table:table-row>"))


def test_days_of_a_workbook_that_counts_them_from_another_one_are_those_that_it_shows() -> None:
    made = openpyxl.Workbook()
    made.epoch = CALENDAR_MAC_1904
    for row in (["Name", "Day", "At", "Plain"], ["A", date(2026, 1, 31), datetime(2026, 1, 31, 9, 30), 44591]):
        made.active.append(row)
    sink = io.BytesIO()
    made.save(sink)
    rows: list[list[type_binary_cell]] = [["Name", "Day", "Plain"], ["A", (44591.0, 4), 44591.0]]
    cells = '<table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'.format
    heads = "".join(cells("string", "", word) for word in ("Name", "Day", "Plain"))
    line = (
        cells("string", "", "A")
        + cells("date", 'office:date-value="2026-01-31"', "31.01.26")
        + cells("float", 'office:value="44591"', "44591")
    )
    table = "".join(f"<table:table-row>{one}</table:table-row>" for one in (heads, line))
    early = '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>'
    assert rows_of(opened(sink.getvalue())) == [(1, ["A", "2026-01-31", "2026-01-31T09:30:00", "44591"])]
    for content in (xlsb(rows, from_1904=True), xls(rows, from_1904=True), ods(table, early)):
        assert rows_of(opened(content)) == [(1, ["A", "2026-01-31", "44591"])]
    single = io.BytesIO()
    with zipfile.ZipFile(sink) as old, zipfile.ZipFile(single, "w") as new:  # as other writers of XML quote it
        for entry in old.infolist():
            new.writestr(entry, old.read(entry).replace(b'date1904="1"', b"date1904='true'"))
    for content in (sink.getvalue(), single.getvalue(), xlsb(rows, from_1904=True), xls(rows, from_1904=True), ods(table, early)):
        style = {"since": opened(content).sheets[0].since, "zone": "UTC"}
        assert [field.read(["44591"], style).values for field in (DAY, INSTANT)] == [
            [date(2026, 1, 31)],
            [datetime(2026, 1, 31, tzinfo=UTC)],
        ]
    assert opened(xls(rows)).sheets[0].since == ""
    for first, since in (("1900-01-01", "1900-01-01"), ("1899-12-30", ""), ("1904-02-31", "")):
        assert opened(ods(table, early.replace("1904-01-01", first))).sheets[0].since == since


def test_what_is_broken_protected_or_no_spreadsheet_is_refused_with_what_to_do() -> None:
    whole = workbook(lambda sheet: sheet.append(["a"]))
    assert "damaged archive" in refusal(whole[:200])
    assert "damaged" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)
    assert "is empty" in refusal(workbook(lambda sheet: None))
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1_016 + "Root Entry\0EncryptedPackage\0".encode("utf-16-le") + b"\0" * 2_000
    parts = io.BytesIO()
    with zipfile.ZipFile(parts, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", bytes(range(256)))
        archive.writestr(
            "META-INF/manifest.xml", '<manifest><file-entry full-path="content.xml"><encryption-data/></file-entry></manifest>'
        )
    for content in (locked, parts.getvalue()):
        assert "is password-protected; save it without a password" in refusal(content)
    for markup in (b"<html><table><p>a", b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>'):
        assert "save it as XLSX" in refusal(markup)
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("contacts.csv", "Name\nA\n")
    assert "an archive without a spreadsheet" in refusal(plain.getvalue())
    damaged = bytearray(whole)
    at = whole.index(b"xl/worksheets/sheet1.xml") + 40
    damaged[at : at + 60] = bytes(60)
    assert "damaged" in refusal(bytes(damaged))


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def with_sheet(content: bytes, rows: str, behind: str = "") -> bytes:
    """A workbook with these rows in its sheet instead, and what stands behind them."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        for entry in old.infolist():
            new.writestr(
                entry.filename,
                f"<worksheet {MAIN}><sheetData>{rows}</sheetData>{behind}</worksheet>" if "sheet1" in entry.filename else old.read(entry),
            )
    return sink.getvalue()


def test_a_file_that_unpacks_to_very_much_is_refused_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(lambda sheet: sheet.append(["a"])))) as old,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in old.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                bomb.writestr(entry, old.read(entry))
        far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1100"><c r="XFD1100"><v>1</v></c></row>'
        sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{far}</sheetData></worksheet>'
        bomb.writestr("xl/worksheets/sheet1.xml", sheet)
    assert rows_of(opened(sink.getvalue())) == [(1_099, [*[""] * 16_383, "1"])], "a stray cell alone is little"
    numbers = "".join(f'<row r="{row}"><c r="A{row}"><v>{row}</v></c><c r="B{row}"><v>1</v></c></row>' for row in (2, 3))
    over = with_sheet(
        sink.getvalue(), far.replace("</row>", f"</row>{numbers}", 1), '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'
    )
    assert rows_of(opened(over))[:2] == [(1, ["2", "1"]), (2, ["2", "1"])]
    monkeypatch.setattr(xlsx, "SPARSE", 1)
    with zipfile.ZipFile(sink) as archive, pytest.raises(xlsx.Beyond, match="large"):
        xlsx.marks(archive)
    assert "is damaged" in refusal(with_sheet(sink.getvalue(), '<row r="1"><c r="ZZZZ99999999"><v>1</v></c></row>'))
    swollen = bytearray(sink.getvalue())
    at = swollen.rindex(b"xl/worksheets/sheet1.xml") - 46  # its line in the directory of the archive: the size stands at 24
    swollen[at + 24 : at + 28] = (2 << 30).to_bytes(4, "little")
    assert "unpacks to more" in refusal(bytes(swollen))


def test_what_the_format_of_a_cell_shows_is_part_of_it() -> None:
    shown = [
        (1234, "00000", "01234"), (7, '"K-"0000', "K-0007"), (-7, "000", "-007"), (1.5, "000", "1.5"), (1234.5, '[$€-407]#,##0.00', "€1234.5"),
        (-12, '_("$"* #,##0.00_);_("$"* (#,##0.00)', "$-12"), (12, "_ ¥* #,##0.00_ ", "¥12"), (12, "[$USD] #,##0", "USD 12"), (12, '#,##0 "EUR"', "EUR 12"),
        (12, '#,##0 "PCS"', "12"), (12, "0", "12"), (12, "[$kr-41D] 0", "12"), (45356, "[$-409]d\\-mmm\\-yy", "2024-03-05"), (12, "@", "12"),
        ("007", "00000", "007"), (True, "00000", "true"), (0.5, '0.0"$"%', "50%"),
    ]  # fmt: skip

    def fill(sheet: Worksheet) -> None:
        sheet.append([f"h{place}" for place in range(len(shown))])
        sheet.append([value for value, _format, _text in shown])
        for place, (_value, code, _text) in enumerate(shown, 1):
            sheet.cell(2, place).number_format = code

    assert rows_of(opened(workbook(fill))) == [(1, [text for _value, _format, text in shown])]


def test_a_percentage_of_a_spreadsheet_is_a_percentage_of_a_field() -> None:
    assert DecimalField(label=Text("x")).read(["25.5%"]).values == [DecimalField(label=Text("x")).check("25.5")]


@pytest.mark.real_data
def test_templates_of_another_system_are_read_as_xlsx_and_as_xls() -> None:
    for path in sorted(folder("odoo_templates").glob("*.xls*")):
        found = opened(path.read_bytes(), path.name)
        assert found.format == path.suffix[1:]
        assert all(sheet.headings[0] and list(sheet.rows()) for sheet in found.sheets[:1]), path.name


def test_a_file_that_is_looked_at_again_is_not_unpacked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(lambda sheet: [sheet.append([f"A{number}", number]) for number in range(5_000)])
    first = opened(content)

    def never(source: object, kind: str, encoding: str) -> None:
        raise AssertionError(kind)

    monkeypatch.setattr(spreadsheets, "unpacked", never)
    again = opened(content)
    with ThreadPoolExecutor(4) as threads:
        read = list(threads.map(lambda found: list(found.sheets[0].rows()), [first, again, first, again]))
    assert all(rows == read[0] for rows in read)
    assert len(read[0]) == 4_999
    with pytest.raises(AssertionError, match="xlsx"):
        opened(workbook(lambda sheet: sheet.append(["another"])))


def test_a_formula_that_was_never_worked_out_is_no_empty_cell() -> None:
    found = opened(workbook(lambda sheet: [sheet.append(row) for row in (["Name", "Sum"], ["A", "=1+1"], ["B", 2])]))
    assert rows_of(found) == [(1, ["A", "#CALC!"]), (2, ["B", "2"])]


def test_a_text_that_many_cells_share_is_written_out_only_so_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(unpack, "_limit_memory", lambda: None)
    monkeypatch.setattr(unpack, "WRITTEN", 20_000)
    (tmp_path / "a.xlsx").write_bytes(workbook(lambda sheet: [sheet.append(["x" * 1_000]) for _row in range(100)]))
    with pytest.raises(SystemExit, match="bomb"):
        unpack.main("xlsx", str(tmp_path / "a.xlsx"))
    assert len(capsys.readouterr().out) < 20_000


def test_so_many_are_read_at_once_and_others_are_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "_SECONDS", 0.01)
    content = workbook(lambda sheet: sheet.append(["Name of this very test"]))
    with spreadsheets._ROOM, spreadsheets._ROOM, pytest.raises(Conflict, match="in a minute"):
        open_book(io.BytesIO(content), "a.xlsx")
    monkeypatch.undo()
    assert open_book(io.BytesIO(content), "a.xlsx").sheets[0].headings == ("Name of this very test",)
