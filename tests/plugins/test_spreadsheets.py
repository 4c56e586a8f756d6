"""Spreadsheets as people save them: what is shown is what is read, and what breaks is refused; without a database."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from plugins.import_export.bare import Bare
from plugins.import_export.files import Book, Reading, open_book, spreadsheets, unpack
from sdk import BadRequest, Conflict, Invalid
from sdk.fields import DecimalField, MoneyField, TextField, spoilt
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


def ods(rows: str) -> bytes:
    """An OpenDocument file with one table."""
    names = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content{names} office:version="1.2"><office:body><office:spreadsheet><table:table table:name="People">'
            f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return sink.getvalue()


def xlsb(rows: Sequence[Sequence[str | float]]) -> bytes:
    """A binary workbook (MS-XLSB) with one sheet."""

    def record(number: int, body: bytes = b"") -> bytes:
        head = bytes([number]) if number < 128 else bytes([(number & 0x7F) | 0x80, number >> 7])
        return head + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(column: int, value: str | float) -> bytes:
        at = struct.pack("<II", column, 0)
        return record(6, at + wide(value)) if isinstance(value, str) else record(5, at + struct.pack("<d", value))

    cells = [
        record(0, struct.pack("<II", place, 0) + bytes(17)) + b"".join(cell(*one) for one in enumerate(row))
        for place, row in enumerate(rows)
    ]
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1)
    sheet = record(0x81) + record(0x94, size) + record(0x91) + b"".join(cells) + record(0x92) + record(0x82)
    named = record(0x9C, struct.pack("<II", 0, 1) + wide("rId1") + wide("People"))
    lead = '<Relationships><Relationship Id="rId1" Type="t" Target="{}"/></Relationships>'.format
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>", "_rels/.rels": lead("xl/workbook.bin"), "xl/_rels/workbook.bin.rels": lead("worksheets/sheet1.bin"),
        "xl/workbook.bin": record(0x83) + record(0x8F) + named + record(0x90) + record(0x84), "xl/worksheets/sheet1.bin": sheet,
    }  # fmt: skip
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


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
    assert str(found.notes[0]).startswith("1 rows of the sheet 'Contacts' are hidden")
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


def test_binary_workbooks_are_read_and_it_is_told_what_they_do_not_tell() -> None:
    found = opened(xlsb([["Name", "Sum"], ["李伟", 1234.5], ["王芳", 13800138000.0]]), "a.xls")
    assert (found.format, found.sheets[0].name, found.sheets[0].headings) == ("xlsb", "People", ("Name", "Sum"))
    assert rows_of(found) == [(1, ["李伟", "1234.5"]), (2, ["王芳", "13800138000"])]
    assert [note.code for note in found.notes] == ["format_tells_less"]


def test_of_a_file_that_does_not_tell_its_formats_each_column_is_told_in_which_they_may_matter() -> None:
    """A share of a hundred, zeros before a number, a currency; columns of text with their zeros, and plain numbers, are told of nothing."""
    label = Text("x")
    fields = {"code": TextField(label=label, length=9), "share": DecimalField(label=label, percent=True), "sum": MoneyField(label=label),
              "count": DecimalField(label=label)}  # fmt: skip

    def told(content: bytes, currencies: Mapping[str, int] = {}) -> list[tuple[int, str, str]]:
        sheet = opened(content).sheets[0]
        bare = Bare(fields, {name: place for place, name in enumerate(fields)}, currencies, sheet, "CNY")
        for number, cells in sheet.rows():
            bare.see(number, cells)
        return [(number, one.field, one.code) for number, problems in bare.told().items() for one in problems]

    rows: list[list[str | float]] = [
        ["Code", "Share", "Sum", "Count"],
        ["x", 19.0, 0.0, 1.0],
        ["y", 0.19, 5.0, 1.0],
        [123.0, 0.2, 6.0, 2.0],
    ]
    assert told(xlsb(rows)) == [(2, "share", "percent_unknown"), (2, "sum", "currency_unknown"), (3, "code", "zeros_unknown")]
    assert told(xlsb([*rows, ["00124", 7.0, 7.0, 7.0]]), {"sum": 3}) == [(2, "share", "percent_unknown")]
    assert told(workbook(lambda sheet: [sheet.append(row) for row in rows])) == []


def test_what_is_broken_protected_or_no_spreadsheet_is_refused_with_what_to_do() -> None:
    whole = workbook(lambda sheet: sheet.append(["a"]))
    assert "damaged archive" in refusal(whole[:200])
    assert "damaged" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)
    assert "is empty" in refusal(workbook(lambda sheet: None))
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


def with_sheet(content: bytes, rows: str) -> bytes:
    """A workbook with these rows in its sheet instead."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(sink, "w") as new:
        for entry in old.infolist():
            new.writestr(
                entry.filename, f"<worksheet><sheetData>{rows}</sheetData></worksheet>" if "sheet1" in entry.filename else old.read(entry)
            )
    return sink.getvalue()


def test_a_file_that_unpacks_to_very_much_is_refused_before_it_does() -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(lambda sheet: sheet.append(["a"])))) as old,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in old.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                bomb.writestr(entry, old.read(entry))
        far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{far}</sheetData></worksheet>'
        bomb.writestr("xl/worksheets/sheet1.xml", sheet)
    assert "needs more memory" in refusal(sink.getvalue())
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
