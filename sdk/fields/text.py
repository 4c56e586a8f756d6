"""Words: names, notes, addresses of mail and telephone, keys, lists of keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import sqlalchemy as sa

from sdk.columns import json_data
from sdk.fields.base import Cells, Field, Flaw, FlawError, Mapped, Parsed, ReportRole, wrong_type
from sdk.likeness import LONGEST, Likeness
from sdk.text import Text, _

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb"
)
"""Signs that show nothing (Unicode's Default_Ignorable_Code_Point, and the blank of Braille): of a name of these alone nobody sees anything."""
_FAR_UNSEEN = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_NOTHING_SEEN = re.compile(rf"[\s{_UNSEEN}{_FAR_UNSEEN}]*\Z")
_ANY_UNSEEN = re.compile(rf"[{_UNSEEN}{_FAR_UNSEEN}]")
_EMAIL = re.compile(rf"[^@\s,;<>\"{_CONTROLS}]{{1,64}}@[^@\s,;<>\"{_CONTROLS}]{{1,255}}(?<!\.)\Z")
_DIGIT = r"(?:[ ().-]*[0-9])"
_WHOLE_NUMBER = (
    rf"((?!\+|\(?00)(?:{_DIGIT}{{7,}}?|{_DIGIT}{{2,6}}[ )]*/{_DIGIT}{{5,}}?)"
    rf"|\(?(?:\+|00)(?:{_DIGIT}{{9,}}?|{_DIGIT}{{2,8}}[ )]*/{_DIGIT}{{5,}}?))[ )-]*/"
)
"""What has more digits than an area (0711/123456) before a slash: what stands behind that is another number, or another end of this one. Not a
number whose every few digits are parted by slashes (0475/12/34/56)."""
_PHONE = re.compile(
    rf"(?!{_WHOLE_NUMBER})"
    r"(?:\+?\(?|\(\+)[0-9][0-9 ()./-]{1,29}[0-9)](?: ?(?:[xX#]|[eE]xt\.?|extension|[转轉]?分[机機]|[转轉]|DW|Durchw\.?|Durchwahl|poste) ?[0-9]{1,8})?\Z"
)
_NAMED = re.compile(r"[^<>@]*<\s*([^<>\s@]+@[^<>\s@]+)\s*>\Z")
"""An address with the name of its owner before it."""
_FIRST_NAMED = re.compile(r"[^<>@]*<[^<>\s@]+@[^<>\s@]+>")
_BRACKETED = re.compile(r"<([^<>\s@]+@[^<>\s@]+)>")
_SEVERAL = re.compile(r":::|[;；,，、|\n]| / ")
_BEFORE_ANOTHER = re.compile(_WHOLE_NUMBER)
_SEVERAL_NUMBERS = re.compile(rf"{_SEVERAL.pattern}|/")
_LONGEST_SEVERAL = 2_000
"""Signs of a cell that is looked at for several values."""

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:[:/?#]\S*)?\Z", re.IGNORECASE | re.ASCII)
_KIND = (
    r"(?:微信同号|同微信|微信|手机号?码?|移动电话|座机|固话|固定电话|办公室?|办公电话|工作|单位|公司|家|家庭|家里|住宅|本人|mobile?|cell|handy|office|work|home|private?|privat|"
    r"business|main|direct|dienstlich|geschäftlich|zentrale|empfang|bureau|domicile|portable|standard|总机|前台)"
)
_PHONE_REMARK = re.compile(rf"\s*[(（\[【]\s*{_KIND}\s*[)）\]】]\s*\Z", re.IGNORECASE)
_PHONE_CALLED = re.compile(
    r"\A\s*(?:tel|phone|telefon|fon|mobile?|cell|handy|电话|手机号?|座机|联系电话)\s*[.:：]+\s*(?=[+(（0-9０-９])", re.IGNORECASE
)
"""What kind of number it is, which says nothing that is lost; a name in brackets would be."""
_DIALLED = frozenset("+-0123456789 ()./")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_URL = re.compile(rf"https?://[^\s/?#{_CONTROLS}]+[^\s{_CONTROLS}]*\Z")
_BETWEEN = re.compile(r":::|[;,|\n；，、]")
"""How files separate keys, none of which has such a sign in it."""
_NO_KEYS = frozenset({"* myContacts"})
"""What an address book writes as a label of everybody in it."""
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]*\Z")
_OPERATORS = ("eq", "ne", "in", "contains", "empty", "gt", "gte", "lt", "lte")
Names: TypeAlias = Literal["", "entity", "measure", "date", "dimension", "conditions"]
ALIKE = "alike"
"""The suffix of the column of likeness keys."""
PLAIN = f"^[^{_CONTROLS}]*$"
"""JSON Schema pattern of text without control characters."""
SAID = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
"""The same with at least one character that is no white space."""
_SHOWN = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}{_UNSEEN}][^{_CONTROLS}]*$"
"""The same with at least one that shows something."""


@dataclass(frozen=True, kw_only=True)
class TextField(Field):
    """A line or a page of text; blank text is no text, nor is a required one of signs that show nothing. Surrounding white space is dropped."""

    length: int = 255
    lines: bool = False
    pattern: re.Pattern[str] | None = None
    expected: Text = _("text")
    alike: Likeness | None = None
    """What its writings have in common; kept in a column beside it, for the operator `alike` and for finding duplicates."""
    of: str = ""
    """An entity whose keys are mostly written here: pages offer its records and say their names. Any other text is taken, too."""
    names: Names = ""
    """Where it names an entity, or (beside a field `entity`) what is added up of its records, a day of theirs, what splits them, or, a line
    each, which of them are meant: pages offer these in words. Any other text is taken, too."""

    kind: ClassVar[str] = "text"
    role: ClassVar[ReportRole] = ReportRole.DIMENSION

    @property
    def operators(self) -> tuple[str, ...]:  # type: ignore[override]  # one field of text has a likeness, another has not
        return _OPERATORS if self.alike is None else (*_OPERATORS, "alike")

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return sa.Text() if self.lines else sa.String(self.length)

    def siblings(self) -> Mapping[str, sa.types.TypeEngine[Any]]:
        return {} if self.alike is None else {ALIKE: sa.String(LONGEST)}

    def split(self, value: object) -> tuple[object, ...]:
        if self.alike is None:
            return (value,)
        return (value, self.alike(value) if isinstance(value, str) else None)

    def check(self, cell: object) -> object:
        if not isinstance(cell, str):
            raise wrong_type(_("text"), cell)
        cell = plain_text(cell, self.length)
        if not cell or (self.required and not cell.isascii() and _NOTHING_SEEN.match(cell)):
            return None
        if self.pattern is not None and not self.pattern.match(cell):
            raise FlawError("malformed", _("expected {expected}"), expected=self.expected)
        return cell

    def parse(self, cells: Cells) -> Parsed:
        """The same as `check` cell by cell; plain short lines, which most cells are, take the short way, whole columns of them a shorter one."""
        if type(self).check not in (TextField.check, EmailField.check):
            return Field.parse(self, cells)
        plain = self._plain(cells)
        if plain is not None:
            return Parsed(list[object](plain), [])
        values: list[object] = []
        flaws: list[Flaw] = []
        add, most, folds = values.append, self.length, type(self).check is not TextField.check
        fits = self.pattern.match if self.pattern is not None else None
        for row, cell in enumerate(cells):
            if cell is None:
                add(None)
                continue
            if type(cell) is str and cell.isprintable() and len(cell) <= most:
                line = cell.strip()
                if not line:
                    add(None)
                    continue
                if (fits is None or fits(line)) and (line.isascii() or not (folds or (self.required and _ANY_UNSEEN.search(line)))):
                    add(line.lower() if folds else line)
                    continue
            try:
                add(self.check(cell))
            except FlawError as flaw:
                add(None)
                flaws.append(Flaw(row, flaw.code, flaw.message, flaw.params))
        return Parsed(values, flaws)

    def _plain(self, cells: Cells) -> list[str | None] | None:
        lines = plain_lines(cells, self.length)
        if lines is None or (self.pattern is not None and not all(map(self.pattern.match, filter(None, lines)))):
            return None
        if self.required and not (whole := "".join(filter(None, lines))).isascii() and _ANY_UNSEEN.search(whole):
            return None
        if type(self).check is TextField.check:
            return lines
        return [line and line.lower() for line in lines] if all(line is None or line.isascii() for line in lines) else None

    def write(self, values: Sequence[object]) -> list[str]:
        return ["" if value is None else value for value in values]  # type: ignore[misc]  # text is a cell as it is

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "maxLength": self.length}

    def input_schema(self) -> dict[str, object]:
        pattern = _SHOWN if self.required else PLAIN
        if self.pattern is not None:
            written = self.pattern.pattern.removesuffix("\\Z")
            pattern = f"^{written}$" if self.required else f"^({written})?$"
        return {**self.json_schema(), "pattern": pattern}

    def sought(self, cell: str) -> object:
        """Any text: a part of a number or an address compares as well as a whole one."""
        found = plain_text(cell, self.length)
        if not found:
            raise FlawError("malformed", _("expected a value; use [empty]=true for none"))
        return found

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string", "minLength": 1, "maxLength": self.length, "pattern": SAID}


@dataclass(frozen=True, kw_only=True)
class LongTextField(TextField):
    kind: ClassVar[str] = "long_text"
    operators: ClassVar[tuple[str, ...]] = ("contains", "empty")
    role: ClassVar[ReportRole] = ReportRole.NONE
    widget: ClassVar[str] = "textarea"
    sortable: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class EmailField(TextField):
    """A mail address, kept in lower case (RFC 5321 leaves the local part's case to the host; in practice none cares)."""

    personal: bool = True

    kind: ClassVar[str] = "email"
    widget: ClassVar[str] = "email"

    def read(self, cells: Sequence[str], style: Mapping[str, str] | None = None) -> Parsed:
        cells, whole = _typed(cells), "\n".join(cells)
        if "mailto:" in whole or "<" in whole:
            cells = [_address(cell) for cell in cells]
        return _several(super().read(cells, style), cells, self)

    def check(self, cell: object) -> object:
        checked = TextField.check(self, cell)
        return plain_text(checked.lower(), self.length) if isinstance(checked, str) else None  # İ is longer in lower case

    def sought(self, cell: str) -> object:
        return str(TextField.sought(self, cell)).lower()


@dataclass(frozen=True, kw_only=True)
class PhoneField(TextField):
    personal: bool = True

    kind: ClassVar[str] = "phone"
    widget: ClassVar[str] = "tel"

    def read(self, cells: Sequence[str], style: Mapping[str, str] | None = None) -> Parsed:
        """Some programs write a number of digits alone with a fraction of zero; people write what kind of number it is."""
        if not _DIALLED.issuperset("".join(cells)):
            cells = [_PHONE_CALLED.sub("", _PHONE_REMARK.sub("", cell)) if not _DIALLED.issuperset(cell) else cell for cell in cells]
        cells = _typed(cells, "转轉分机機")
        if "tel:" in "\n".join(cells):
            cells = [cell.strip().removeprefix("tel:") for cell in cells]
        if ".0" in "\n".join(cells):
            cells = [cell[:-2] if cell.endswith(".0") and cell[:-2].isdecimal() else cell for cell in cells]
        return _several(super().read(cells, style), cells, self)


@dataclass(frozen=True, kw_only=True)
class UrlField(TextField):
    kind: ClassVar[str] = "url"
    widget: ClassVar[str] = "url"

    def read(self, cells: Sequence[str], style: Mapping[str, str] | None = None) -> Parsed:
        """Most lists leave out what all addresses begin with."""
        return super().read([cell if not cell or cell.startswith("http") else _addressed(cell.strip()) for cell in _typed(cells)], style)


@dataclass(frozen=True, kw_only=True)
class KeysField(Field):
    """A list of natural keys (a person's roles), kept in one column; `of` names the entity whose keys they are."""

    of: str = ""
    options: tuple[str, ...] = field(default=())
    pattern: re.Pattern[str] = _KEY
    longest: int = 100
    """What a key looks like, and how many characters it has at most."""

    kind: ClassVar[str] = "keys"
    operators: ClassVar[tuple[str, ...]] = ("eq", "in", "empty")
    """`eq`: the key is among them; `in`: one of these is."""
    widget: ClassVar[str] = "keys"
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return json_data()

    def check(self, cell: object) -> object:
        if not isinstance(cell, list):
            raise wrong_type(_("a list of keys"), cell)
        if len(cell) > 200:
            raise FlawError("too_many", _("at most {limit} entries, got {got}"), limit=200, got=len(cell))
        for key in cell:
            if not isinstance(key, str) or (not self.options and (not self.pattern.match(key) or len(key) > self.longest)):
                raise FlawError("malformed", _("expected lowercase keys, got {got}"), got=str(key)[:100])
            if self.options and key not in self.options:
                raise FlawError("unknown_key", _("unknown key {got}"), got=key)
        return list(dict.fromkeys(cell))

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        parts = self.words(cell)
        strange = next((part for part in parts if self.of and not self.options and not self.pattern.match(part.lower())), None)
        if strange is not None:
            raise FlawError("no_such_record", _("nothing is called {got} here: add it first, or leave it out"), got=strange[:100])
        return self.check([part.lower() for part in parts])

    def words(self, cell: str) -> list[str]:
        """What stands in a cell of a file, each for a key."""
        return [word for part in _BETWEEN.split(cell) if (word := part.strip()) and word not in _NO_KEYS]

    def sought(self, cell: str) -> object:
        if cell not in self.options if self.options else not self.pattern.match(cell) or len(cell) > self.longest:
            raise FlawError("malformed", _("expected lowercase keys, got {got}"), got=cell[:100])
        return cell

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": self._schema_pattern, "maxLength": self.longest}

    @property
    def _schema_pattern(self) -> str:
        """As JSON Schema writes it."""
        return "^" + self.pattern.pattern.removesuffix(r"\Z") + "$"

    def format(self, value: object) -> str:
        return ";".join(str(key) for key in value) if isinstance(value, list) else ""

    def json_schema(self) -> dict[str, object]:
        item: dict[str, object] = {"type": "string", "pattern": self._schema_pattern, "maxLength": self.longest}
        if self.options:
            item = {"type": "string", "enum": list(self.options)}
        return {"type": "array", "items": item, "maxItems": 200}


def is_several(cell: str) -> bool:
    """Whether more stands behind a whole telephone number and a slash: another number, or another end of this one."""
    return _BEFORE_ANOTHER.match(cell.strip()) is not None


def first_of(cell: str) -> str:
    """The first of several values that stand in one cell; an address of mail with the name of its owner, who may be called `Lee, Ann`."""
    if (named := _FIRST_NAMED.match(cell)) is not None:
        return named[0].strip()
    if (number := _BEFORE_ANOTHER.match(cell.strip())) is not None:
        return number[1]
    return next(filter(None, map(str.strip, _SEVERAL.split(cell))), "")


def _address(cell: str) -> str:
    """An address of mail without what stands around it."""
    named = _NAMED.match(cell.strip())  # at the beginning alone: a search for it in a long cell takes too long
    return (cell.strip() if named is None else named[1]).removeprefix("mailto:")


def _several(parsed: Parsed, cells: Sequence[str], field: TextField) -> Parsed:
    """Says of cells that are wrong only as there is more than one value in them that it is this."""
    for place, flaw in enumerate(parsed.flaws):
        if flaw.code != "malformed" or field.pattern is None or len(cell := cells[flaw.row]) > _LONGEST_SEVERAL:
            continue
        ends = isinstance(field, PhoneField) and is_several(cell)  # what stands behind a slash may be one of two digits
        words = [_address(word) for word in (_SEVERAL_NUMBERS if ends else _SEVERAL).split(cell) if word.strip()]
        words = [words[0]] * len(words) if ends else words
        if not all(map(field.pattern.match, words)):  # names of people may have such signs in them
            words = _BRACKETED.findall(cell)
        if len(words) > 1 and all(map(field.pattern.match, words)):
            text = _("holds {count} values, but there is room for one: keep one of them, or take the first (transform “first”)")
            parsed.flaws[place] = Flaw(flaw.row, "several", text, {"count": len(words)})
    return parsed


def _typed(cells: Sequence[str], foreign: str = "") -> Sequence[str]:
    """Cells without invisible marks, and with plain signs in the place of wide ones, where nothing beyond ASCII but `foreign` is left then."""
    return cells if "".join(cells).isascii() else [cell if cell.isascii() else _plain_signs(cell, foreign) for cell in cells]


def _plain_signs(cell: str, foreign: str) -> str:
    seen = "".join(sign for sign in cell if unicodedata.category(sign) != "Cf")
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", seen))
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() and not sign.isascii() else sign for sign in plain)
    return plain if all(sign.isascii() or sign in foreign for sign in plain) else cell


def _addressed(cell: str) -> str:
    if _HOST.match(cell):
        return f"https://{cell}"
    scheme, found, rest = cell.partition("://")
    return f"{scheme.lower()}{found}{rest}"


def plain_text(cell: str, most: int) -> str:
    """Text without the white space around it; raises FlawError where it is longer than `most` or holds control characters."""
    if len(cell) > most:
        raise FlawError("too_long", _("at most {limit} characters, got {got}"), limit=most, got=len(cell))
    if _CONTROL.search(cell):
        raise FlawError("control_character", _("contains a control character; remove it"))
    return cell.strip()


def plain_lines(cells: Cells, most: int) -> list[str | None] | None:
    """Of a column that holds nothing but short printable lines and empty cells, looked at as a whole, its text; None for any other."""
    there = [cell for cell in cells if cell is not None]
    try:
        whole = "".join(there)  # type: ignore[arg-type]  # what is no text is told so
    except TypeError:
        return None
    if not whole.isprintable() or max(map(len, there), default=0) > most:  # type: ignore[arg-type]
        return None
    return [None if cell is None else cell.strip() or None for cell in cells]  # type: ignore[attr-defined]


def text(label: Text, *, length: int = 255, required: bool = False, unique: bool = False, search: bool = False,
         match: bool = False, track: bool = False, sensitive: bool = False, readonly: bool = False,
         index: bool = False, default: str | None = None, example: str = "",
         alike: Likeness | None = None, personal: bool = False, of: str = "",
         names: Names = "") -> Mapped[Any]:  # fmt: skip
    """A line of text of at most `length` characters; `example` fits where not any text does.

    `alike` (`sdk.likeness.company`, …) says what its writings have in common: see `Entity.alike`. `of="company.source"` names an entity
    whose keys are written here, for pages; `names="measure"` what is added up of the entity that a field beside it names. `personal=True`, here and in
    other fields: the value tells something of a person, and goes when that person is erased.
    """
    return Mapped(TextField(label=label, length=length, required=required, unique=unique, search=search, match=match, alike=alike,
                            track=track, sensitive=sensitive, readonly=readonly, index=index, default=default, example=example,
                            personal=personal, of=of, names=names))  # fmt: skip


def long_text(label: Text, *, length: int = 20_000, required: bool = False, track: bool = False,
              sensitive: bool = False, readonly: bool = False, personal: bool = False, names: Names = "") -> Mapped[Any]:  # fmt: skip
    """Text of several lines; `names="conditions"` where each of them is a condition (`stage=won`) on the records that a field beside it names."""
    return Mapped(LongTextField(label=label, length=length, lines=True, required=required, track=track,
                                sensitive=sensitive, readonly=readonly, personal=personal, names=names))  # fmt: skip


def key(label: Text, *, length: int = 60, required: bool = False, unique: bool = False, match: bool = True,
        readonly: bool = False) -> Mapped[Any]:  # fmt: skip
    """A short name for machines: lower-case letters, digits, dot, dash and underscore."""
    return Mapped(TextField(label=label, length=length, required=required, unique=unique, match=match, readonly=readonly,
                            pattern=_KEY, expected=_("a key of lowercase letters, digits, dots, dashes or underscores")))  # fmt: skip


def email(label: Text, *, required: bool = False, unique: bool = False, search: bool = True, match: bool = True,
          track: bool = False, sensitive: bool = False, personal: bool = True) -> Mapped[Any]:  # fmt: skip
    """A mail address; personal, unless it is said to be a company's."""
    return Mapped(EmailField(label=label, required=required, unique=unique, search=search, match=match, track=track, personal=personal,
                             sensitive=sensitive, pattern=_EMAIL, expected=_("an email address such as name@example.com")))  # fmt: skip


def phone(label: Text, *, required: bool = False, search: bool = True, sensitive: bool = False,
          alike: Likeness | None = None, personal: bool = True) -> Mapped[Any]:  # fmt: skip
    """A telephone number as people write it; personal, unless it is said to be a company's."""
    return Mapped(PhoneField(label=label, length=40, required=required, search=search, sensitive=sensitive, pattern=_PHONE, alike=alike,
                             personal=personal, expected=_("a phone number such as +86 10 1234 5678")))  # fmt: skip


def url(label: Text, *, required: bool = False, alike: Likeness | None = None, personal: bool = False) -> Mapped[Any]:
    """A web address with http or https."""
    return Mapped(UrlField(label=label, length=500, required=required, pattern=_URL, alike=alike, personal=personal,
                           expected=_("a web address such as https://example.com")))  # fmt: skip


def keys(label: Text, of: str = "", *, options: tuple[str, ...] = (), track: bool = False, pattern: re.Pattern[str] = _KEY,
         longest: int = 100) -> Mapped[Any]:  # fmt: skip
    """A list of the natural keys of another entity's records, or of words of another `pattern`."""
    return Mapped(KeysField(label=label, of=of, options=options, track=track, pattern=pattern, longest=longest))
