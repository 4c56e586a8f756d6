"""Cards of people as telephones and mail programs write them; without a database."""

from __future__ import annotations

import io
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.import_export.files import Book, Reading, open_book
from sdk import Invalid
from sdk.fields import UNDECODABLE, spoilt
from tests.journeys.real_data import folder

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60).map(str.strip).filter(bool)


def opened(content: str | bytes, **said: str) -> Book:
    """The file as the importer opens it."""
    return open_book(io.BytesIO(content.encode() if isinstance(content, str) else content), "people.vcf", Reading(**said))


def cards(content: str | bytes, **said: str) -> list[dict[str, str]]:
    """Each card by the headings that it fills."""
    (sheet,) = opened(content, **said).sheets
    return [{heading: cell for heading, cell in zip(sheet.headings, cells, strict=True) if cell} for _number, cells in sheet.rows()]


def card(*lines: str, version: str = "3.0") -> str:
    """One card."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def test_a_card_is_a_row_with_a_column_for_what_people_keep_of_others() -> None:
    content = (
        card(
            "FN:李伟",
            "N:李;伟;;;",
            "ORG:华为;销售部",
            "TEL;TYPE=CELL:1",
            "TEL;TYPE=WORK,FAX:2",
            "TEL;TYPE=PREF:3",
            "BDAY:20000131",
            "X-ICQ:7",
            "EMAIL:a@x.example",
            "item1.EMAIL;TYPE=PREF:b@x.example",
            "ADR:;;Road 1;Ulm;BW;89073;Germany",
            "NOTE:one\\nand\\, two\\;",
            "BEGIN:VCARD",
            "FN:Agent",
            "END:VCARD",
        )
        + card("N:Müller;Eva", "BDAY:--0203", version="4.0")
        + card("EMAIL:mailto:c@x.example")
    )
    content += card("FN:Ann", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-05-06")  # fmt: skip
    found = opened(content)
    assert (found.format, found.encoding, [note.params["names"] for note in found.notes]) == ("vcard", "utf-8", ["X-ICQ"])
    assert cards(content) == [
        {
            "Name": "李伟", "Family name": "李", "Given name": "伟", "Organisation": "华为", "Department": "销售部", "Email": "b@x.example",
            "Email 2": "a@x.example", "Phone": "3", "Phone 2": "1", "Fax": "2", "Street": "Road 1", "City": "Ulm", "Region": "BW",
            "Postal code": "89073", "Country": "Germany", "Birthday": "2000-01-31", "Note": "one\nand, two;",
        },
        {"Name": "Eva Müller", "Family name": "Müller", "Given name": "Eva", "Birthday without year": "--0203"},
        {"Name": "c@x.example", "Email": "c@x.example"}, {"Name": "Ann", "Birthday without year": "--05-06"},
    ]  # fmt: skip


@given(TEXTS, st.integers(1, 30))
def test_folded_escaped_and_quoted_printable_texts_are_read_as_they_were(text: str, width: int) -> None:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    line = f"FN:{escaped}"
    folded = "\r\n ".join(line[at : at + width] for at in range(0, len(line), width))
    quoted = quopri.encodestring(text.replace(";", "\\;").encode(), quotetabs=True).decode().replace("=\n", "=\r\n").strip("\n")
    content = card(folded) + card(f"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:{quoted}", version="2.1")
    assert [one["Name"] for one in cards(content)] == [text, text]


def test_a_text_that_is_not_in_the_encoding_that_it_names_is_a_flaw_of_its_card() -> None:
    content = card("FN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C0=EE=CE=B0", version="2.1") + card(
        "FN;QUOTED-PRINTABLE:=FF=FE", version="2.1"
    )
    (sheet,) = opened(content).sheets
    names = [cells[0] for _number, cells in sheet.rows()]
    assert (names[0], [(flaw.row, flaw.code) for flaw in spoilt(names)]) == ("李伟", [(1, "undecodable")])
    assert cards(card("FN:李伟 王芳").encode("gbk"))[0]["Name"] == "李伟 王芳"
    with pytest.raises(Invalid, match="cp1252, cp1250"):
        cards(card("FN:Hélène").encode("cp1252"))
    assert cards(card("FN:Hélène").encode("cp1252"), encoding="cp1252") == [{"Name": "Hélène"}]


def test_what_breaks_off_or_holds_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="ends in the middle of card 2"):
        opened(card("FN:A") + "BEGIN:VCARD\r\nFN:B\r\n")
    with pytest.raises(Invalid, match="contains no cards"):
        opened("BEGIN:VCARD\r\nEND:VCARD\r\n")
    grouped = opened(
        card("FN:A") + card("KIND:group", "FN:Friends", "MEMBER:urn:uuid:1") + card("X-ADDRESSBOOKSERVER-KIND:group", "FN:Foes")
    )
    assert [cells for _number, cells in grouped.sheets[0].rows()] == [["A"]]
    assert [(note.code, note.params) for note in grouped.notes] == [("groups", {"count": 2})]


@pytest.mark.real_data
def test_cards_of_telephones_and_of_the_standards_are_read() -> None:
    found = {path.stem: cards(path.read_bytes()) for path in folder("vcard_samples").glob("*.vcf")}
    assert [one["Name"] for one in found["rfc2426-example"]] == ["Frank Dawson", "Tim Howes"]
    (simon,) = found["rfc6350-example"]
    assert (simon["Phone"], simon["City"], simon["Suffix"]) == ("+1-418-656-9254 ext. 102", "Quebec", "ing. jr,M.Sc.")
    assert found["gmail-single"][0]["Note"].endswith("CustomField: CustomField")
    android = found["John_Doe_ANDROID"]
    assert (len(android), android[0], android[2]["Name"]) == (
        6,
        {"Name": "john.doe@company.com", "Email": "john.doe@company.com", "Categories": "My Contacts"},
        "Ñ Ñ Ñ Ñ Ñ",
    )


@pytest.mark.parametrize("name", ["\0", "rot13", "undefined", "no-such"])
def test_an_encoding_that_is_none_of_text_fails_its_field_alone(name: str) -> None:
    (found,) = cards(card(f"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET={name}:=E4", "FN:A", version="2.1"))
    assert found["Name"] == "A"
    assert found["Note"] == UNDECODABLE


def test_a_value_of_very_many_lines_is_read_in_one_go() -> None:
    (found,) = cards(card("NOTE;ENCODING=QUOTED-PRINTABLE:x=", *["y="] * 300_000, "z", "FN:A", version="2.1"))
    assert (found["Name"], found["Note"][:3], len(found["Note"])) == ("A", "xyy", 300_002)
