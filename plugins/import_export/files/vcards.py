"""vCard 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350): one card a row, one column for what people keep of others."""

from __future__ import annotations

import io
import quopri
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from plugins.import_export.files.book import Book, Note, Reading, Rows, Sheet, from_start, unreadable
from plugins.import_export.files.encodings import decide
from sdk import _
from sdk.fields import UNDECODABLE

_HEADINGS = (
    "Name", "Family name", "Given name", "Additional names", "Prefix", "Suffix", "Nickname", "Organisation", "Department", "Title", "Role",
    "Email", "Phone", "Fax", "Street", "City", "Region", "Postal code", "Country", "Address", "Website", "Birthday", "Birthday without year",
    "Categories", "Note",
)  # fmt: skip
"""In this order, and those only that some card fills; a second telephone number is `Phone 2`."""
_KINDS = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
_NAMES = ("Family name", "Given name", "Additional names", "Prefix", "Suffix")
_ADDRESS = ("City", "Region", "Postal code", "Country")
_TAKEN = frozenset("FN N NICKNAME ORG TITLE ROLE EMAIL TEL ADR URL BDAY CATEGORIES NOTE".split())
_TECHNICAL = frozenset(
    "BEGIN END VERSION PRODID REV UID CLIENTPIDMAP SORT-STRING MAILER KIND LANG TZ X-ABLABEL SOURCE PROFILE NAME".split()
)
_HEAD = re.compile(r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<words>(?:;(?:[^:;\"]|\"[^\"]*\")*)*):", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DATE = re.compile(r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)(?:[T ].*)?\Z", re.ASCII)
_LONGEST, _LONGEST_HEAD = 1 << 20, 4_096


@dataclass
class Card:
    """One card: texts by heading, and the names of properties for which there is no column."""

    number: int
    cells: dict[str, list[str]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    is_group: bool = False
    """A list of other cards, and nobody's."""

    def add(self, heading: str, text: str, *, first: bool = False) -> None:
        """Keep a text that is not blank; `first`: before those that are there."""
        if text := text.strip():
            self.cells.setdefault(heading, []).insert(0 if first else len(self.cells.get(heading, ())), text)


@dataclass(frozen=True)
class Property:
    """A line of a card, unfolded."""

    name: str
    words: dict[str, list[str]]
    """Its parameters; a bare word of version 2.1 is a type."""
    value: str

    def has(self, word: str) -> bool:
        """Whether a type is among its words."""
        return word in self.words.get("TYPE", ())


def open_vcards(source: BinaryIO, file_name: str, reading: Reading) -> Book:
    """Read all cards once for their columns; raises Invalid for what breaks off, and code `undecided` as a CSV file does."""
    encoding, notes = decide(source, reading.encoding)
    most: Counter[str] = Counter()
    left_out: set[str] = set()
    groups = 0
    for card in _cards(source, encoding):
        groups += card.is_group
        if card.is_group:
            continue
        left_out |= card.left_out
        for heading, texts in card.cells.items():
            most[heading] = max(most[heading], len(texts))
    if not most:
        raise unreadable(_("contains no cards"))
    columns = [(heading, place) for heading in _HEADINGS for place in range(most[heading])]
    if left_out:
        text = _("not imported from the cards, as there is no column for them: {names}")
        notes = [*notes, Note("properties", text, {"names": ", ".join(sorted(left_out))[:500]})]

    if groups:
        notes = [*notes, Note("groups", _("groups of cards are skipped ({count}), as they aren’t contacts"), {"count": groups})]

    def read() -> Rows:
        for card in _cards(source, encoding):
            if card.is_group:
                continue
            cells = [texts[place] if place < len(texts := card.cells.get(heading, [])) else "" for heading, place in columns]
            if any(cells):
                yield card.number, cells

    headings = tuple(heading if not place else f"{heading} {place + 1}" for heading, place in columns)
    sheet = Sheet(file_name.rpartition(".")[0] or file_name, headings, exact=True, read=read)
    return Book("vcard", encoding, "", (sheet,), tuple(notes))


def _cards(source: BinaryIO, encoding: str) -> Iterator[Card]:
    number, depth, version, card = 0, 0, "", Card(0)
    for line in _properties(io.TextIOWrapper(from_start(source), encoding=encoding, errors="strict", newline="")):
        word = line.value.strip().upper()
        if line.name == "BEGIN" and word == "VCARD":
            depth += 1
            if depth == 1:
                number += 1
                card, version = Card(number), ""
        elif line.name == "END" and word == "VCARD" and depth:
            depth -= 1
            if not depth:
                yield _named(card)
        elif depth == 1:  # a card within a card (an agent's) is somebody else's
            version = word if line.name == "VERSION" else version
            _take(card, line, version)
    if depth:
        raise unreadable(_("ends in the middle of card {number}; send it again"), number=number)


def _properties(text: io.TextIOWrapper) -> Iterator[Property]:
    """Lines as they were before they were folded, quoted-printable ones decoded."""
    for line in _unfolded(text):
        head = _HEAD.match(line)
        if head is None:
            continue
        words: dict[str, list[str]] = {}
        for word in re.findall(r";((?:[^;\"]|\"[^\"]*\")*)", head["words"]):
            name, equals, value = word.partition("=")
            key = name.strip().upper() if equals else "ENCODING" if word.upper() in ("QUOTED-PRINTABLE", "BASE64", "8BIT", "B") else "TYPE"
            listed = (value if equals else word).replace('"', "").upper().split(",")
            words.setdefault(key, []).extend(part.strip() for part in listed)
        value = line[head.end() :]
        if "QUOTED-PRINTABLE" in words.get("ENCODING", ()):
            value = _decoded(value, words.get("CHARSET", ["UTF-8"])[0])
        yield Property(head["name"].upper(), words, value)


def _unfolded(text: io.TextIOWrapper) -> Iterator[str]:
    """Whole lines: a line that begins with white space goes on with the one before, as does one behind a soft break."""
    parts, size, head, soft = list[str](), 0, "", False
    for raw in text:
        line = raw.rstrip("\r\n")
        if soft:
            line = line.lstrip(" \t") if line[:1] in (" ", "\t") and line.strip() else line
        elif line[:1] in (" ", "\t") and size:
            line = line[1:]
        else:
            if size:
                yield "".join(parts)
            parts, size, head = [], 0, ""
        if ":" not in head and len(head) < _LONGEST_HEAD:
            head += line
        soft = line.endswith("=") and "QUOTED-PRINTABLE" in head.partition(":")[0].upper()
        if size < _LONGEST:  # a photograph, which nobody reads
            parts.append(line[:-1] if soft else line)
            size += len(line)
    if size:
        yield "".join(parts)


def _decoded(value: str, charset: str) -> str:
    try:
        return quopri.decodestring(value.encode("utf-8")).decode(charset)
    except (LookupError, ValueError):  # no such encoding, none of text, or other bytes: said of its row once the column is imported
        return UNDECODABLE


def _take(card: Card, line: Property, version: str) -> None:
    """Keep a property in its columns."""
    card.is_group = card.is_group or (line.name in _KINDS and line.value.strip().upper() == "GROUP")
    if line.name not in _TAKEN or {"BASE64", "B"} & set(line.words.get("ENCODING", ())):
        card.left_out |= {line.name} - _TECHNICAL
        return
    parts = [_plain(part, version) for part in _split(line.value)]
    whole = _plain(line.value, version)
    preferred = line.has("PREF") or line.words.get("PREF", [""])[0] == "1"
    match line.name:
        case "FN":
            card.add("Name", whole)
        case "N":
            for heading, part in zip(_NAMES, parts, strict=False):
                card.add(heading, part)
        case "ORG":
            card.add("Organisation", parts[0])
            card.add("Department", ", ".join(filter(None, map(str.strip, parts[1:]))))
        case "TEL":
            number = whole.removeprefix("tel:").replace(";ext=", " ext. ")
            card.add("Fax" if line.has("FAX") else "Phone", number, first=preferred)
        case "EMAIL":
            card.add("Email", whole.removeprefix("mailto:"), first=preferred)
        case "ADR":
            _take_address(card, parts)
        case "BDAY":
            day = _DATE.match(whole.strip())
            if day and day["year"] in line.words.get("X-APPLE-OMIT-YEAR", ()):  # it stands there for none
                whole = f"--{day['month']}-{day['day']}"
                day = None
            card.add("Birthday" if day else "Birthday without year", "-".join(day.group("year", "month", "day")) if day else whole)
        case "CATEGORIES":
            card.add("Categories", ", ".join(part.strip() for part in whole.split(",")))
        case other:
            card.add({"URL": "Website"}.get(other, other.capitalize()), whole)


def _take_address(card: Card, parts: Sequence[str]) -> None:
    """The first address in its parts, further ones whole."""
    padded = [part.strip() for part in (*parts, *[""] * 7)][:7]
    if not any(padded):
        return
    if card.cells.keys() & {"Street", *_ADDRESS}:
        card.add("Address", ", ".join(filter(None, padded)))
        return
    card.add("Street", ", ".join(filter(None, padded[:3])))
    for heading, part in zip(_ADDRESS, padded[3:], strict=True):
        card.add(heading, part)


def _named(card: Card) -> Card:
    """A card without a whole name is called by its parts, its organisation or its address."""
    if "Name" not in card.cells:
        family, given = ("".join(card.cells.get(heading, [])[:1]) for heading in _NAMES[:2])
        chinese = any("\u4e00" <= sign <= "\u9fff" for sign in family + given)
        otherwise = next((card.cells[heading][0] for heading in ("Organisation", "Nickname", "Email") if heading in card.cells), "")
        card.add("Name", (f"{family}{given}" if chinese else f"{given} {family}").strip() or otherwise)
    for heading in ("Note", "Categories", "Nickname"):
        if len(texts := card.cells.get(heading, [])) > 1:
            card.cells[heading] = ["\n".join(texts)]
    return card


def _split(value: str) -> list[str]:
    """A structured value by semicolons that are not escaped."""
    parts, start, place = [], 0, 0
    while place < len(value):
        if value[place] == "\\":
            place += 1
        elif value[place] == ";":
            parts.append(value[start:place])
            start = place + 1
        place += 1
    return [*parts, value[start:]]


def _plain(value: str, version: str) -> str:
    """Without escapes; version 2.1 has them for semicolons only."""
    if version == "2.1":
        return value.replace("\\;", ";")
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
