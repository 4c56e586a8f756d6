"""CSV files as people save them: encodings, delimiters, quotes, rows that do not fit; without a database."""

from __future__ import annotations

import codecs
import csv
import io
import json
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.import_export.files import Book, Reading, Sheet, open_book
from plugins.import_export.files.delimited import DELIMITERS
from plugins.import_export.footers import sums_up
from sdk import BadRequest, Invalid
from sdk.fields import DateField, date_orders
from sdk.fields.time import date_of
from sdk.text import Text
from tests.journeys.real_data import folder
from tests.plugins.imports import written

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), min_size=1, max_size=12)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a file."""
    if encoding == "utf-16-le-bom":
        return codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    if encoding == "utf-16-be-bom":
        return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    return text.encode(encoding)


def book(content: str | bytes, written_as: str = "utf-8", name: str = "a.csv", **said: Any) -> Book:
    """The file as the importer opens it."""
    source = io.BytesIO(encoded(content, written_as) if isinstance(content, str) else content)
    return open_book(source, name, Reading(**said))


def opened(content: str | bytes, written_as: str = "utf-8", **said: Any) -> Sheet:
    """Its only sheet."""
    (sheet,) = book(content, written_as, **said).sheets
    return sheet


def refusal(content: bytes, **said: Any) -> str:
    """Why the file is refused."""
    with pytest.raises(Invalid) as refused:
        list(opened(content, **said).rows())
    (problem,) = refused.value.problems
    return f"{problem.code}: {problem}"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_a_file_is_read_whatever_its_unicode_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    rows = [["Name", "城市", "Note"], ["Zoë", "上海", f"a{delimiter}b"], ["李伟", "", 'say "hi"']]
    found = book(written(rows, delimiter), encoding)
    (sheet,) = found.sheets
    assert (found.delimiter, sheet.headings) == (delimiter, ("Name", "城市", "Note"))
    assert list(sheet.rows()) == [(1, rows[1]), (2, rows[2])]


@given(st.lists(WORDS.map(str.strip).filter(lambda word: word and word[0] != "\ufeff"), min_size=2, max_size=4, unique=True), st.data())
def test_what_the_csv_module_writes_is_read_back_cell_for_cell(headings: list[str], data: st.DataObject) -> None:
    row = st.lists(CELLS, min_size=len(headings), max_size=len(headings)).filter(lambda cells: any(cell.strip() for cell in cells))
    rows = data.draw(st.lists(row, max_size=5))
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerows([headings, *rows])
    assert [cells for _number, cells in opened(sink.getvalue()).rows()] == rows


@given(st.data(), st.sampled_from(",;|\t:^"), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(),
       st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]), st.sampled_from("\"'"))  # fmt: skip
def test_what_is_written_in_any_dialect_is_read_back_when_the_dialect_is_named(
    data: st.DataObject, delimiter: str, end: str, doubled: bool, quoting: Literal[0, 1, 2], quote: str
) -> None:
    rows = data.draw(
        st.lists(st.lists(CELLS, min_size=2, max_size=2).filter(lambda cells: any(cell.strip() for cell in cells)), max_size=4)
    )
    if quoting == csv.QUOTE_MINIMAL:  # a lone \r is quoted by the csv module only where it ends lines
        rows = [[cell.replace("\r", "") or "-" for cell in cells] for cells in rows]
    rows = [[cells[0].lstrip("\ufeff") or "-", *cells[1:]] for cells in rows]  # which is no part of a row that begins with it
    sink = io.StringIO()
    escape = None if doubled else "\\"
    writer = csv.writer(
        sink, delimiter=delimiter, quotechar=quote, doublequote=doubled, escapechar=escape, quoting=quoting, lineterminator=end
    )
    writer.writerows([["First name", "Last name"], *rows])
    said = {"encoding": "utf-8", "delimiter": delimiter, "quote": quote, "escape": escape or "", "headings": 1}
    assert [cells for _number, cells in opened(sink.getvalue(), **said).rows()] == rows


def test_what_other_programs_write_is_found_out() -> None:
    for content, delimiter in (
        ("sep=;\r\nName;Note\r\nA,b;c\r\n", ";"), ('"sep=|"\nName|Note\nA,b|c\n', "|"), ("sep=\t\nName\tNote\nA,b\tc\n", "\t"),
        ("Name,Note\rA;b,c\r", ","), ("Name,Note\r\nA;b,c\nB,\rC,d\r\n", ","), ("Name~Note\nA,b~c\n", "~"),
    ):  # fmt: skip
        found = book(content)
        assert (found.delimiter, found.sheets[0].headings, next(found.sheets[0].rows())[1][1]) == (delimiter, ("Name", "Note"), "c")
    assert next(opened('Name,Note\nA,"say \\"hi\\" to, all"\nB,x\n').rows())[1] == ["A", 'say "hi" to, all']
    assert list(opened('Name, "Note"\nA, "b, c"\n').rows()) == [(1, ["A", "b, c"])]
    assert list(opened("'Name';'Note'\n'A;1';'it''s'\n").rows()) == [(1, ["A;1", "it's"])]
    assert book('Name\tNote\n"A\t5" pipe\n', name="a.tsv").format == "tsv"
    assert list(opened('Name\tNote\n"A\t5" pipe\n').rows()) == [(1, ['"A', '5" pipe'])]
    assert book("Name:Note\nA:b\n", delimiter=":").sheets[0].headings == ("Name", "Note")
    for wrong in ("ab", '"', "\n"):
        with pytest.raises(BadRequest, match="single character"):
            book("a,b\n", delimiter=wrong)


@given(
    st.lists(st.lists(st.text("a\u00e4\u534e0\"',;|\t", min_size=1, max_size=6), min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.booleans(),
)
def test_lines_that_stand_in_quotes_as_a_whole_are_rows_all_the_same(rows: list[list[str]], sign: str, heads_too: bool) -> None:
    lines = [line.removesuffix("\r\n") for row in rows for line in [written([row], sign)]]
    heads = sign.join(("Name", "City", "Notes"))
    found = book(
        written([[heads]] if heads_too else [heads.split(sign)], sign) + "".join('"' + line.replace('"', '""') + '"\n' for line in lines),
        delimiter=sign,
    )
    assert (found.sheets[0].headings, [note.code for note in found.notes]) == (("Name", "City", "Notes"), ["wrapped"])
    assert [cells for _number, cells in found.sheets[0].rows()] == rows


def test_a_cell_that_only_looks_like_a_row_is_a_cell() -> None:
    assert next(opened('Name;City;Notes\n"A;Ulm;""x; y"""\n"""B;C"";Bonn;5,6"\n').rows())[1] == ["A", "Ulm", "x; y"]
    for content in (
        'Name,City,Notes\n"A, B, and C"\n"D"\n',
        'Name\n"Berg, Anna"\n',
        'Name,Notes\n"Berg, Anna"\n',
        'Name,City,Notes\n"A,B,C"\nD,E\n',
    ):
        found = book(content)
        assert found.notes == ()
        assert len(next(found.sheets[0].rows())[1]) == 1


def test_lines_above_the_headings_are_found_told_and_left_out_or_named() -> None:
    for above in ("Report of contacts\n\n", "Report,,\nGenerated by:,A. Person,\n\n", "Export\n", "\n\nAll contacts; 2026\n"):
        found = book(f"{above}Name,Mail,Phone\nA,a@x.example,1\nB,,2\n")
        assert found.sheets[0].headings == ("Name", "Mail", "Phone"), above
        assert [note.code for note in found.notes] == ["preamble"]
        assert list(found.sheets[0].rows()) == [(1, ["A", "a@x.example", "1"]), (2, ["B", "", "2"])]
    datev = '"EXTF";700;16;"Debitoren/Kreditoren";5;20260130140440439;;"RE"\n"Konto";"Name (Adressattyp Unternehmen)";"EU-UStId"\n10000;"Alder";""\n'
    found = book(datev)
    assert (found.sheets[0].headings[0], [note.code for note in found.notes]) == ("Konto", ["preamble"])
    assert list(found.sheets[0].rows()) == [(1, ["10000", "Alder", ""])]
    assert opened("x,y\nName,Mail\nA,b\n", headings=2).headings == ("Name", "Mail")
    assert list(opened("Name\nSmith, John\nDoe, Jane\n").rows()) == [(1, ["Smith, John"]), (2, ["Doe, Jane"])]
    assert opened("Name,Mail\nA,b,c\nB,c,d\nC,d,e\n").headings == ("Name", "Mail")


@pytest.mark.parametrize(("lines", "width"), [(40, 3_000), (45, 20_000), (400, 200)], ids=["120 KB", "900 KB", "400 lines"])
def test_a_table_is_found_under_however_much_stands_above_it(lines: int, width: int) -> None:
    above = "".join(f"Terms {number} " + "x" * width + "\n" for number in range(lines))
    found = book((above + "\n" + "Name;City;Since\n" + "Alder;Ulm;2001\n" * 2_000).encode())
    assert (found.sheets[0].headings, found.delimiter) == (("Name", "City", "Since"), ";")
    assert [(note.code, note.params["row"]) for note in found.notes] == [("preamble", lines + 2)]
    assert sum(1 for _row in found.sheets[0].rows()) == 2_000


def test_of_two_rows_of_headings_the_one_that_names_every_column_counts() -> None:
    two = "客户信息,,,订单信息,,\n客户名称,电话,城市,订单号,金额,日期\n甲,139,北京,1,100,2024-01-01\n乙,138,上海,2,200,2024-01-02\n"
    found = book(two)
    assert (found.sheets[0].headings, next(found.sheets[0].rows())) == (
        ("客户名称", "电话", "城市", "订单号", "金额", "日期"), (1, ["甲", "139", "北京", "1", "100", "2024-01-01"]),
    )  # fmt: skip
    (note,) = found.notes
    assert str(note) == "the headings are in row 2; the lines above are skipped (1): 客户信息 | 订单信息"
    titled = book(f"订单表,,,,,\n,,,,,\n{two}")
    assert (titled.sheets[0].headings, titled.notes[0].params["row"]) == (found.sheets[0].headings, 4)
    words = "<table><tr><th colspan=2>客户<tr><th>名称<th>城市<tr><td>华为<td>深圳<tr><td>小米<td>北京</table>"
    for content in (words, "Company,\nName,City\nA,Ulm\nB,Bonn\n", "Contact,Company,\nName,Name,City\nAnn,A,Ulm\n",
                    "Stammdaten,,,Kontakt,,\nFirma,Ort,,Telefon,Web,\nA,Ulm,,0731 5,a.example,\n"):  # fmt: skip
        assert book(content).notes[0].code == "preamble", content  # columns of words, called as columns are
    for content in (
        ",Name,City\nx,Ann,Paris\ny,Bob,Rome\n",
        "Name,,Age\nAnn,Paris,5\nBob,Rome,6\n",
        "Name,,City\nAnn,x,Paris\nBob,y,Rome\n",
    ):
        assert not book(content).notes, content  # a column without a heading


def test_the_row_that_is_said_to_hold_the_headings_says_how_cells_are_parted() -> None:
    content = "Export; 2024\nName,City\nAnn,Paris\nBob,Rome\n"
    assert opened(content, headings=2).headings == ("Name", "City")
    assert opened("#comment\nName,City\nAnn,Paris\n", headings=2).headings == ("Name", "City")


def test_rows_are_as_long_as_they_are_and_cells_of_a_megabyte_are_read() -> None:
    long = "x" * (1 << 20)
    assert [cells for _number, cells in opened(f'A,B\n1\n1,2,3\n{long},"a\0b"\n').rows()] == [["1"], ["1", "2", "3"], [long, "a\0b"]]
    assert "longer than a million characters" in refusal(f'A,B\n"{long}x",2\n'.encode())
    assert "text after a closing quote" in refusal(b'A,B\n"a"b,2\n')


def test_two_readers_of_one_file_do_not_disturb_each_other() -> None:
    file = opened("A\n" + "".join(f"{number}\n" for number in range(30_000)))
    both = list(zip(file.rows(), file.rows(), strict=True))
    assert len(both) == 30_000
    assert all(one == other for one, other in both)


def test_a_cell_may_hold_lines_of_its_own_and_rows_are_counted_as_rows() -> None:
    file = opened('Name,Note\nA,"one\ntwo\r\nthree"\nB,\n')
    assert list(file.rows()) == [(1, ["A", "one\ntwo\r\nthree"]), (2, ["B", ""])]


def test_the_mark_of_a_files_beginning_is_no_part_of_a_row_where_files_were_put_one_behind_the_other() -> None:
    """In a cell it is part of what somebody has written."""
    sheet = opened('\ufeff\ufeffName,Note\nA,1\n\ufeffB,2\n\ufeff"C, D","x\n\ufeffy"\n\ufeff"Name",Note\nE,\ufeff\n')
    assert sheet.headings == ("Name", "Note")
    rows = [["A", "1"], ["B", "2"], ["C, D", "x\n\ufeffy"], ["Name", "Note"], ["E", "\ufeff"]]
    assert [cells for _number, cells in sheet.rows()] == rows
    assert opened("\ufeff\ufeff" + '"Name, of all"\tNote\n\ufeff"A\tB"\t1\n').headings == ("Name, of all", "Note")


def test_blank_rows_are_passed_over_and_counted() -> None:
    file = opened("\n \nName,Note\nA,1\n\n,,\nB,2\n")
    assert file.headings == ("Name", "Note")
    assert list(file.rows()) == [(1, ["A", "1"]), (4, ["B", "2"])]


def test_a_delimiter_inside_a_quoted_heading_is_no_delimiter() -> None:
    assert opened('"Name, full, of the ""person""";Mail\nA;b\n').headings == ('Name, full, of the "person"', "Mail")


def test_one_column_needs_no_delimiter() -> None:
    assert list(opened("Name\nA\nB\n").rows()) == [(1, ["A"]), (2, ["B"])]


def test_a_file_can_be_read_as_often_as_one_likes() -> None:
    file = opened("Name\nA\n")
    assert list(file.rows()) == list(file.rows())


@pytest.mark.parametrize("content", [b"", b"\n\n", b"   \n", b" \n,,\n", b"\n , ,\n\n", b'"",""\n', codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert refusal(content).startswith("unreadable: is empty")


def test_a_heading_that_comes_again_is_numbered_and_told_and_an_empty_one_bears_its_place() -> None:
    found = book("Mail,Name,Mail,Mail (2),,\n")
    assert found.sheets[0].headings == ("Mail", "Name", "Mail (3)", "Mail (2)", "#5", "#6")
    assert [str(note) for note in found.notes] == ["contains the heading 'Mail' more than once; one of them is now 'Mail (3)'"]


@given(st.integers(0, 150_000))
def test_broken_utf8_is_refused_with_its_position_wherever_it_is(position: int) -> None:
    content = bytearray(b"name\n" + "Müller, 李伟, Dvořák, Санкт, ".encode() + b"abcdefghi\n" * 15_000)
    content[position] = 0xFF
    assert refusal(bytes(content)) == f"unreadable: is not UTF-8 text (byte {position}); save it as UTF-8"


def test_a_byte_that_is_wrong_among_the_same_words_of_utf8_is_told_as_such() -> None:
    lines = "".join(f"{number},Grüße aus Köln\n" for number in range(12))
    assert "is not UTF-8 text" in refusal(f"Name,Notes\n{lines}".encode() + b"A,caf\xe9\n")


def test_broken_utf16_is_refused_with_its_position() -> None:
    whole = "name\n".encode("utf-16")
    assert refusal(whole + b"\x00\xdc" + b"a\x00") == f"unreadable: is not UTF-16 text (byte {len(whole)}); save it as UTF-8"


CHINESE = "Name,City\n李伟,北京\n王芳,上海\n张敏,深圳\n刘洋,广州\n陈静,成都\n"
TAIWANESE = "名稱,城市\n王小明,臺北\n陳美麗,高雄\n"
FRENCH = "Prénom,Ville\nHélène,Besançon\nLoïc Brûlé,à côté\n"
GERMAN = "Name,Ort\nMüller,Köln\nStraße,Zürich\n"


@pytest.mark.parametrize(
    ("text", "encoding", "codec"),
    [
        (CHINESE, "gbk", "gb18030"), (CHINESE, "gb18030", "gb18030"), (TAIWANESE, "big5", "big5"), (TAIWANESE, "gbk", "gb18030"),
        (FRENCH, "cp1252", "cp1252"), (GERMAN, "latin-1", "cp1252"), ("Preis,Notiz\n€ 5,„gut“ – Ärger\n", "cp1252", "cp1252"),
        ("namn,ort\nHåkan Sjöström,Örebro\n", "cp1252", "cp1252"), ("a,b\nPeña,Málaga\n", "cp1252", "cp1252"), ("a,b\n25 °C,“it’s” € 5\n", "cp1252", "cp1252"),
        ("a,b\n\u00a0x,José Núñez\n", "cp1252", "cp1252"), (CHINESE, "utf-16-le", "utf-16-le"), (GERMAN, "utf-16-be", "utf-16-be"),
        ("Nom\nTête\nFaçade\n", "cp1252", "cp1252"), ("Name\nDvořák\nPříliš žluťoučký\n", "cp1250", "cp1250"),  # one reading alone has words
        ("Имя\nМосква\n", "utf-8", "utf-8"), (GERMAN, "utf-32", "utf-32"),
    ],
)  # fmt: skip
def test_an_encoding_that_is_certain_is_found(text: str, encoding: str, codec: str) -> None:
    found = book(text.encode(encoding))
    assert (found.encoding, list(found.sheets[0].rows())[-1][1]) == (codec, text.splitlines()[-1].split(","))


def test_gbk_of_windows_has_the_euro_in_a_byte_of_its_own() -> None:
    table = "产品名称,单价\n德国轴承产品,€9.90\n中国密封圈,12 €\n".encode("cp936", "ignore")
    content = table.replace(b"9.90", b"\x809.90").replace(b"12 ", b"12 \x80")
    for said in ({}, {"encoding": "gbk"}):
        found = book(content, **said)
        assert (found.encoding, [cells[1] for _number, cells in found.sheets[0].rows()]) == ("gb18030_euro", ["€9.90", "12 €"])
    assert "is not GB18030 text" in refusal(content + b"\xff\xff", encoding="gbk")
    page = "<table><tr><th>产品名称<th>单价<tr><td>轴承产品公司<td>?9</table>".encode("gbk").replace(b"?", b"\x80")
    assert [cells for _number, cells in book(page).sheets[0].rows()] == [["轴承产品公司", "€9"]]
    long = "国" * 2_047 + "a丂"  # what is looked at of a line so long ends within the last sign, whose second byte is plain
    cut = content + f"{long},5\n".encode("gbk")
    assert [cells[0] for _number, cells in book(cut).sheets[0].rows()][-1] == long


@pytest.mark.parametrize(
    ("text", "encoding", "among"),
    [
        ("Name\n北京\n", "gbk", "gb18030"),  # two signs: Korean as well
        ("Name\nHélène\n", "cp1252", "cp1252, cp1250"),  # Hélčne is as good a name
        ("Name\nKraków\nPoznań\n", "cp1250", "cp1252, cp1250"), ("Name\nGyőr\nSzűcs\n", "cp1250", "cp1250"), ("Name\nCafé\n", "cp850", "cp850"),
        ("Name\nvoilà\n", "cp850", "cp850"), ("Имя\nОк\n", "cp1251", "cp1251"), ("Имя\nМосква\nРоссия\n", "cp1251", "cp1251"),
        ("名前\n東京\nさくら\n", "shift_jis", "shift_jis"), ("이름\n서울\n김철수\n", "euc_kr", "euc_kr"), ("Имя\nМосква\n", "koi8-r", "koi8-r"),
        ("Nom\nHélène à Besançon\n", "mac_roman", "mac_roman"), (GERMAN, "cp850", "cp850"), ("Name\nŞişli, İğdir\n", "cp1254", "cp1254"),
        ("회사명\n삼성전자\n현대자동차\n", "euc_kr", "euc_kr"), ("会社名\n株式会社トヨタ\nソニー\n", "euc_jp", "euc_jp"), ("会社名\nトヨタ\n", "iso2022_jp", "iso2022_jp"),
        ("Όνομα\nΑθήνα\n", "cp1253", "cp1253"), ("שם\nדוד\n", "cp1255", "cp1255"), ("ชื่อ\nบริษัท\n", "cp874", "cp874"), ("Город\nЛуч\n", "cp866", "cp866"),
        ("я", "cp1251", "cp1251"),
    ],
)  # fmt: skip
def test_an_encoding_that_is_not_certain_is_asked_for_with_candidates_and_never_guessed(text: str, encoding: str, among: str) -> None:
    with pytest.raises(Invalid) as refused:
        book(text.encode(encoding))
    (problem,) = refused.value.problems
    candidates = problem.params["candidates"]
    assert (problem.field, problem.code) == ("file", "undecided")
    assert isinstance(candidates, tuple)
    assert among in str(problem)
    assert set(among.split(", ")) <= set(candidates)
    assert opened(text.encode(encoding), encoding=encoding).headings == tuple(text.splitlines()[0].split(","))


def test_signs_of_chinese_that_are_letters_of_another_script_in_utf8_are_asked_for() -> None:
    content = "Name\n学一学\n".encode("gbk")
    assert content.decode("utf-8") == "Name\nѧһѧ\n"
    with pytest.raises(Invalid, match="utf-8, gb18030"):
        book(content)
    assert list(opened(content, encoding="gbk").rows()) == [(1, ["学一学"])]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_known_by_its_line_ends_whatever_signs_of_chinese_it_holds(codec: str) -> None:
    text = (
        "公司名称,城市\r\n北京一起科技有限公司,一\r\n中国第一公司,丁\r\n" + "上海最大贸易公司,世\r\n" * 40
    )  # 一 is 4E00, with a NUL of its own
    found = book(text.encode(codec))
    assert (found.encoding, found.sheets[0].headings, next(found.sheets[0].rows())[1]) == (
        codec,
        ("公司名称", "城市"),
        ["北京一起科技有限公司", "一"],
    )


def test_what_is_said_of_an_encoding_is_checked() -> None:
    assert "is not GB18030 text (byte 6)" in refusal(b"name\nA\xff,\n", encoding="GBK")
    for name in ("klingon", "hex", "utf-7", "unicode_escape", "a\0b"):
        with pytest.raises(BadRequest, match="unknown encoding"):
            book(b"name\n", encoding=name)


def test_what_is_no_text_is_no_csv() -> None:
    for content in (b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0", codecs.BOM_UTF16_BE + "name\nA\n".encode("utf-32-be")):
        assert "is neither text nor a spreadsheet" in refusal(content)


def test_a_quote_that_does_not_end_is_refused_with_its_line() -> None:
    assert refusal(b'name,note\nA,b\n"C,d\n').startswith("unreadable: is not a CSV file: row 3: a quote is opened but never closed")


@pytest.mark.real_data
def test_the_files_of_the_spectrum_give_exactly_their_expected_rows() -> None:
    files = sorted((folder("csv_spectrum") / "csvs").glob("*.csv"))
    assert len(files) == 12
    for path in files:
        expected = json.loads((path.parents[1] / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
        file = opened(path.read_bytes())
        found = [dict(zip(file.headings, cells, strict=True)) for _number, cells in file.rows()]
        if path.stem == "location_coordinates":  # its JSON names another telephone number than the file
            expected["Contact Phone Number"] = "2095257564"
        assert found == (expected if isinstance(expected, list) else [expected]), path.stem


@pytest.mark.real_data
def test_real_files_are_read_whole_whatever_wrote_them() -> None:
    salesforce = "sf_dataloader/src/main/resources/samples/data"
    bytes_ = "sf_dataloader/src/test/resources/testfiles/data"
    for name, encoding, width, count in (
        ("papaparse/utf-8-bom-sample.csv", "utf-8-sig", 3, 1), ("papaparse/verylong-sample.csv", "utf-8", 3, 2_000),
        ("jd_orders_gbk/订单数据.csv", "gb18030", 4, 9_458), ("jd_orders_gbk/sku数据.csv", "gb18030", 6, 30), ("jd_orders_gbk/耗材数据.csv", "utf-8", 5, 29),
        ("adventureworks/AdventureWorks_Customers.csv", "utf-8", 13, 9_315), ("adventureworks/AdventureWorks_Products.csv", "utf-8", 11, 293),
        ("superstore_us/Sample - Superstore.csv", "utf-8-sig", 21, 9_994), ("northwind/data/orders.csv", "utf-8", 14, 830),
        ("northwind/data/employees.csv", "utf-8", 18, 9), (f"{salesforce}/accountData.csv", "cp1252", 38, 423),
        (f"{salesforce}/opportunityData.csv", "utf-8", 31, 38), (f"{bytes_}/csvtext_BOM_UTF8.csv", "utf-8-sig", 3, 2),
        (f"{bytes_}/csvtext_BOM_UTF16LE.csv", "utf-16", 3, 2), (f"{bytes_}/csvtext_BOM_UTF16BE.csv", "utf-16", 3, 2),
    ):  # fmt: skip
        collection, _slash, rest = name.partition("/")
        with (folder(collection) / rest).open("rb") as source:
            found = open_book(source, rest)
            (sheet,) = found.sheets
            assert (found.encoding, len(sheet.headings)) == (encoding, width), name
            widths = [len(cells) for _number, cells in sheet.rows()]
            assert (len(widths), max(widths)) == (count, width), name
    for name in ("csvtext_BOM_UTF32LE.csv", "csvtext_BOM_UTF32BE.csv"):  # marked as UTF-16, and written as UTF-32
        assert "is neither text nor a spreadsheet" in refusal((folder("sf_dataloader") / bytes_.partition("/")[2] / name).read_bytes())


# --- dates --------------------------------------------------------------------------------------------------------------

ANY_DATE = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@given(st.lists(ANY_DATE, min_size=1, max_size=20), st.sampled_from(["mdy", "dmy"]), st.sampled_from("/-."))
def test_a_column_of_dates_allows_the_order_in_which_it_was_written(days: list[date], order: str, mark: str) -> None:
    written_ = [mark.join(map(str, (day.month, day.day, day.year) if order == "mdy" else (day.day, day.month, day.year))) for day in days]
    allowed = set.intersection(*(date_orders(cell) for cell in written_))
    assert order in allowed
    assert (len(allowed) == 1) == any(day.day > 12 for day in days)
    assert [date_of(cell, order) for cell in written_] == days


@given(ANY_DATE)
def test_a_date_is_read_back_as_it_is_written_to_a_file(day: date) -> None:
    field = DateField(label=Text("Day"))
    assert field.read([field.format(day), f"{day.year}年{day.month}月{day.day}日", f"{day.isoformat()} 00:00:00"]).values == [day] * 3


@given(st.text(max_size=12))
def test_any_text_is_a_date_or_refused_with_a_reason(cell: str) -> None:
    parsed = DateField(label=Text("Day")).read([cell], {"date_order": "mdy"})
    assert (parsed.values[0] is not None) + len(parsed.flaws) + (not cell.strip()) == 1


def test_a_heading_that_lists_choices_does_not_hide_the_delimiter() -> None:
    content = "Name *,Channel [Website|Fair|Mailing|Ad|Partner|Phone|Other],Cost\nSpring,Fair,5\n"
    assert opened(content).headings == ("Name *", "Channel [Website|Fair|Mailing|Ad|Partner|Phone|Other]", "Cost")


def test_columns_that_are_all_called_the_same_are_told_apart_at_once() -> None:
    headings = opened(",".join(["a"] * 2_000) + "\n1").headings
    assert headings[:3] == ("a", "a (2)", "a (3)")
    assert len({*headings}) == len(headings)


def test_headings_that_are_longer_than_what_is_looked_at_first_are_read_to_their_end() -> None:
    long = "h" * 70_000
    sheet = opened(f"Name,{long},City\nA,1,Ulm\n")
    assert (sheet.headings, list(sheet.rows())) == (("Name", long, "City"), [(1, ["A", "1", "Ulm"])])


def test_more_columns_or_longer_headings_than_one_can_map_are_refused_with_their_number() -> None:
    wide = ",".join(f"Custom field number {n}" for n in range(20_000))
    assert (
        refusal(f"{wide}\n1\n".encode())
        == "too_many_columns: has 20000 columns, but at most 2000 can be read; remove those that aren’t needed"
    )
    assert refusal(b"Name," + b"h" * 900_000 + b"\nA,1\n").startswith("too_many_columns: has headings of 900004 characters in total")
    far = opened("Name,City" + "," * 16_000 + "\nA,Ulm" + "," * 16_000 + "far away\n")
    assert (far.headings, len(next(iter(far.rows()))[1])) == (("Name", "City"), 16_002)


def test_a_heading_that_begins_as_an_archive_does_is_a_heading_and_a_list_in_json_is_told_as_such() -> None:
    assert opened("PK,City\nA,Ulm\n").headings == ("PK", "City")
    assert refusal(b'[{"name": "A", "city": "Ulm"}]').startswith("unreadable: is a JSON list")


@pytest.mark.parametrize(
    ("content", "codec", "kind"),
    [
        (
            "Tabelle: KNA1\nAngezeigte Felder: 2 von 2\n-----------\n|NAME1|ORT01|\n-----------\n|Müller|Köln|\n|Weiß|Fürth|\n-----------\n",
            "cp1252",
            "of SAP",
        ),
        ("| Name | City |\n|------|:---:|\n| Müller | Köln |\n| Weiß | Fürth |\n", "utf-8", "of a text"),
        ("Name | City\n:--- | ---:\nMüller | Köln\nWeiß | Fürth\n", "utf-8", "of a text without edges"),
        (
            "Kontoauszug\n账号:[a@b.example]\n--------交易记录明细列表--------\nNAME1,ORT01,\nMüller,Köln,\nWeiß,Fürth,\n--------------\n",
            "utf-8",
            "of a bank",
        ),
        ("# exported\n# by X\nNAME1,ORT01\nMüller,Köln\nWeiß,Fürth\n", "utf-8", "with remarks"),
        ("应收明细\n单位名称：甲公司,,期间：3月\n,NAME1,ORT01\n,Müller,Köln\n,Weiß,Fürth\n", "utf-8", "of a ledger"),
    ],
)
def test_lines_that_programs_draw_and_what_they_say_above_a_table_are_no_rows_of_it(content: str, codec: str, kind: str) -> None:
    sheet = opened(content.encode(codec))
    rows = [[cell.strip() for cell in cells if cell.strip()] for _number, cells in sheet.rows()]
    assert (len([one for one in sheet.headings if one[0] != "#"]), rows) == (2, [["Müller", "Köln"], ["Weiß", "Fürth"]]), kind


def test_a_file_in_two_encodings_is_told_as_that_and_what_is_no_table_by_its_name() -> None:
    for parts in (
        ("客户名称,城市\n".encode(), "深圳公司,深圳\n".encode("gbk") * 3),
        ("华为技术,深圳\n".encode(), "中兴通讯,深圳\n".encode("gbk")),
        ("Name,City\nMüller,Köln\n".encode(), "Groß,Würzburg\n".encode("cp1252")),
    ):
        assert refusal(b"".join(parts)).startswith("unreadable: mixes two encodings: some lines are UTF-8, others aren’t")
    chinese = "名称,城市\n华为技术有限公司,深圳\n阿里巴巴,杭州".encode("gb18030")
    for cut in ("Name,City\nAlder,Kölü".encode()[:-1], "名称,城市\n华为,深圳".encode()[:-2], chinese[:-1]):
        assert refusal(cut).startswith("unreadable: ends in the middle of a character")
    assert refusal(chinese.replace(b"\n", b"\xff\n", 1)).startswith("unreadable: is not GB18030 text (byte 9)")
    assert opened("Name,City\nAlder,Caf\xe9".encode("cp1252"), encoding="cp1252").headings == ("Name", "City")
    for misread in ("Name,City\nMÃ¼ller,KÃ¶ln\n", "\ufeffName,City\nO’Neill,itâ€™s\n"):
        (note,) = book(misread, "utf-8").notes
        assert (note.code, note.params["meant"]) in (("garbled", "Müller"), ("garbled", "it’s"))
    assert book("Name,City\nMüller,São Paulo\nZoë,Malmö – Øst\n€uro,½ Ãlvares\n", "utf-8").notes == ()
    assert refusal(b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n").startswith("unreadable: is actually MHTML")
    assert refusal(b'ID;PWXL;N;E\r\nC;Y1;X1;K"Name"\r\n').startswith("unreadable: is actually SYLK")
    assert refusal(b'{\n  "data": [{"name": "A"}]\n}\n').startswith("unreadable: is a JSON list")
    assert [cells for _number, cells in opened("Name,City\nA,Ulm\n\x1a").rows()] == [["A", "Ulm"]]


@pytest.mark.parametrize(
    "row",
    [
        ["本页小计", "2"],
        ["Page total:", "1"],
        ["累计", "3"],
        ["Total", "3,981"],
        ["合计：", "", "12"],
        ["Grand total", "1", "2.5"],
        ["2 rows exported"],
        ["Total geral", "", "R$ 1.234.580,39"],
        ["Total général", "12 EUR", "-"],
        ["合計", "5"],
        ["Итого:", "1 200,5"],
        ["共 17 行"],
        ["合计：2", "", ""],
        ["总计：2条"],
        ["合计 1"],
        ["总共3条记录", ""],
        ["总计：2条", "", "11"],
        ["Total: 24"],
        ["Total 24 records", ""],
        ["Count: 3"],
        ["记录数：1,204"],
    ],
)
def test_a_last_row_that_sums_up_the_others_is_known(row: list[str]) -> None:
    assert sums_up(row)


@pytest.mark.parametrize(
    "row",
    [
        ["Total", "Paris"],
        ["TotalEnergies", "1"],
        ["Total"],
        ["3 Suisses", "1"],
        ["A", "1"],
        ["", ""],
        ["Total 24"],
        ["Total 24", "1"],
        ["合计二公司"],
        ["Total: 24h Service"],
    ],
)
def test_a_last_row_that_only_looks_a_little_like_it_is_a_record(row: list[str]) -> None:
    assert not sums_up(row)


def test_a_heading_that_was_kept_from_being_a_formula_is_what_it_was() -> None:
    assert opened("'=1+1,'tis\n1,2").headings == ("=1+1", "'tis")


def test_a_row_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    assert refusal(b"a,b\n1,2\n" + b"," * (17 << 20)).startswith("unreadable: is not a CSV file: row 3")
    assert refusal(b"a,b\n1,2\n" + b'"\n",' * (4 << 20)).startswith("unreadable: is not a CSV file: row 3")


def test_half_a_sign_in_json_lines_is_refused() -> None:
    assert refusal(b'{"a": "1"}\n{"a": "\\ud83d"}\n') == "unreadable: is not valid JSON Lines: line 2 is not an object"
    assert next(opened(b'{"a": "\\ud83d\\ude00"}\n').rows())[1] == ["\U0001f600"]


PAGE = """<html><head><meta charset="gb2312"><style>td {color: red}</style></head><body>
<table><tr><td><b>导航</b></td><td><table>
<tr><th>客户名称</th><th>电话</th><th colspan=2>金额</th></tr>
<tr><td rowspan="2">甲&amp;乙
 公司</td><td>&nbsp;010-1&nbsp;</td><td>1.234,50</td><td>x</td></tr>
<tr><td>第一行<br>第二行</td><td>2
</table></td></tr></table></body></html>"""
BOOK = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="客户"><Table><Row><Cell><Data ss:Type="String">Name</Data></Cell><Cell><Data ss:Type="String">City</Data></Cell><Cell><Data>Note</Data></Cell></Row>
<Row ss:Index="3"><Cell ss:MergeDown="1"><Data ss:Type="String">A  B</Data></Cell>
 <Cell ss:Index="3">
  <Data ss:Type="Number">1.234</Data><Comment><ss:Data>no</ss:Data></Comment></Cell></Row>
<Row><Cell ss:Index="2"><Data ss:Type="String">Ulm</Data></Cell></Row></Table></Worksheet>
<Worksheet ss:Name="Empty"><Table></Table></Worksheet></Workbook>"""


def test_a_table_of_a_web_page_and_a_workbook_in_xml_are_read_whatever_they_are_called() -> None:
    page = book(PAGE.encode("gb2312"), name="客户.xls")
    (sheet,) = page.sheets
    assert (page.format, page.encoding, sheet.headings, sheet.exact) == ("html", "gb18030", ("客户名称", "电话", "金额", "#4"), False)
    assert list(sheet.rows()) == [(1, ["甲&乙 公司", "010-1", "1.234,50", "x"]), (2, ["甲&乙 公司", "第一行\n第二行", "2"])]
    assert book(PAGE.replace("gb2312", "utf-8").encode("gbk")).encoding == "gb18030"  # it says what it is not
    framed = "<table><tr><th>Name<th>City<tr><td>A<td><table><tr><td>Ulm</table></table>"
    assert list(opened(framed).rows()) == [(1, ["A", "Ulm"])]  # a frame around a text is no table of its own
    (sheet,) = book(BOOK, name="customers.xls").sheets
    assert (sheet.name, sheet.headings, sheet.exact) == ("客户", ("Name", "City", "Note"), True)
    assert list(sheet.rows()) == [(2, ["A  B", "", "1.234"]), (3, ["A  B", "Ulm"])]
    assert "without a table" in refusal(b"<html><body>404 not found</body></html>")
    assert "without a table" in refusal(b"<?xml version='1.0'?><a><b>1</b></a>")
    assert "more memory" in refusal(b"<table><tr>" + b"<td colspan=2000>x" * 2_100)
