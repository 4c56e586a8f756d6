"""Counted and measured values: whole numbers, exact decimals, percentages, yes or no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

import sqlalchemy as sa

from sdk.columns import SCALE, Exact, limit_of
from sdk.fields.base import Field, FlawError, Mapped, ReportRole, keep_whole, wrong_type
from sdk.text import Text, _

_ORDERED = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "empty")
_PLAIN = re.compile(r"-?\d{1,15}(\.\d{1,12})?\Z", re.ASCII)
_LONG = re.compile(r"[+-]?[0-9]{16,}(\.[0-9]*)?", re.ASCII)
"""A number, but too great for any field."""
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?\Z", re.ASCII)
_CURRENCY = r"[A-Z]{3}|RMB|[A-Z]{0,2}[$€£¥₩₹₽₺₫₪฿₴₱₸₦]|[元圆円]|[kK]r\.?|zł|Kč|S?Fr\."
_AROUND = re.compile(
    rf"(?P<open>\(?) ?(?P<sign>[-+]?) ?(?P<before>{_CURRENCY}|) ?(?P<inner>-?)(?P<number>[\d.,' ]*\d)(?:[.,][-\u2013\u2014]{{1,2}})?"
    rf" ?(?P<times>[kKM]|mn|bn|Mio\.?|Mrd\.?|[Mm]illions?|[Bb]illions?|[十百千]?[万亿萬億]?) ?(?P<after>{_CURRENCY}|%|)(?P<last>-?)(?P<close>\)?)\Z"
)
"""A number with what people write around it: a sign, brackets or a minus behind it, a dash for no cents, tens of thousands, a currency, a
percent sign."""
_BEFORE_BRACKETS = re.compile(rf"({_CURRENCY}) ?\((?=[\d.,' ]*\d\)\Z)")
"""A currency before what stands in brackets, as spreadsheets write amounts below nothing: it belongs into them."""
_MINUS = re.compile(r"[\u2010-\u2013\u2212](?=[^\d]*\d)")
"""What programs that set text make of a minus before a number; behind one it stands for no cents."""
_ZEROS = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8, "萬": 4, "億": 8}
_TIMES = {"k": 3, "m": 6, "mn": 6, "bn": 9, "mio": 6, "mrd": 9, "million": 6, "millions": 6, "billion": 9, "billions": 9}
_BARE = re.compile(r"[kKM][-)]*\Z")
"""Thousands or millions of money; of anything else they may be months, metres or kilograms."""
_COUNTED = re.compile(r"(?P<number>.*\d(?= ?[人名个家台件]\Z)|[12]\d{3}(?=年\Z))")
"""A number with what is counted behind it, or a year: 500人, 2005年; 3年 may be days elsewhere."""
_POWERS = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,2}|E(?:\d{1,2}|-\d))\Z", re.ASCII)
"""A number as programs write a long one, all its digits before the e."""
_MARKED = {
    decimal: re.compile(
        rf"(?P<whole>[1-9]\d{{0,2}}(?:(?P<mark>[{group}' ])\d{{3}})(?:(?P=mark)\d{{3}})*{lakhs}|\d+|)(?:\{decimal}(?P<fraction>\d+))?\Z",
        re.ASCII,
    )
    for decimal, group, lakhs in ((".", ",", r"|[1-9]\d?(?:,\d{2})+,\d{3}"), (",", ".", ""))
}
"""Digits by the sign before their fraction, with thousands marked by the other sign, an apostrophe or a space; in India by two above those."""
_NOISE = Decimal("1e-9")
# As spreadsheets write them in their languages; -1 is what old databases keep for yes.
_WORDS = dict.fromkeys(
    (
        "true",
        "yes",
        "y",
        "t",
        "on",
        "1",
        "是",
        "真",
        "对",
        "√",
        "✓",
        "✔",
        "ja",
        "oui",
        "si",
        "sí",
        "启用",
        "已启用",
        "有效",
        "-1",
        "wahr",
        "vrai",
        "verdadero",
        "vero",
    ),
    True,
) | dict.fromkeys(
    (
        "false",
        "no",
        "n",
        "f",
        "off",
        "0",
        "否",
        "假",
        "错",
        "×",
        "✗",
        "✘",
        "nein",
        "non",
        "停用",
        "已停用",
        "禁用",
        "无效",
        "falsch",
        "faux",
        "falso",
    ),
    False,
)


def exact(cell: object, places: int = SCALE) -> Decimal:
    """A JSON number or numeric text as a Decimal of at most 17 digits, `places` of them behind the point; raises FlawError.

    A float is taken by its text.
    """
    limit = limit_of(places)
    if isinstance(cell, bool) or not isinstance(cell, int | float | str | Decimal):
        raise wrong_type(_("a decimal number"), cell)
    if isinstance(cell, str) and not _PLAIN.match(cell):
        if _LONG.fullmatch(cell):
            raise FlawError("out_of_range", _("expected a number less than {limit}"), limit=f"{limit:f}")
        raise FlawError("malformed", _("expected a decimal number such as -12.50"))
    try:
        value = Decimal(str(cell)).quantize(Decimal(1).scaleb(-places))
    except InvalidOperation as failure:
        raise FlawError("out_of_range", _("expected a number less than {limit}"), limit=f"{limit:f}") from failure
    if abs(value) >= limit:
        raise FlawError("out_of_range", _("expected a number less than {limit}"), limit=f"{limit:f}")
    written = Decimal(str(cell))
    # A JSON number is a float to most of its writers: 0.30000000000000004 means 0.3.
    if value != written and not (isinstance(cell, float) and abs(value - written) <= _NOISE * abs(written)):
        raise FlawError("too_precise", _("at most {digits} digits after the decimal point"), digits=places)
    return value


def digits_of(places: int) -> str:
    """The pattern of an exact number's digits."""
    return rf"[0-9]{{1,{17 - places}}}(\.[0-9]{{1,{places}}})?"


def exact_schema(least: Decimal | None = None, most: Decimal | None = None, places: int = SCALE) -> dict[str, object]:
    """JSON Schema of what `exact` takes, within bounds: text, or a number where a program has nothing better."""
    bound = float(limit_of(places))
    number: dict[str, object] = {"type": "number", "exclusiveMinimum": -bound, "exclusiveMaximum": bound, "multipleOf": 10.0**-places}
    sign, digits = ("-?" if least is None or least < 0 else ""), digits_of(places)
    if least is not None:
        number = {**number, "minimum": float(least)}
    if most is not None:
        number = {**number, "maximum": float(most)}
    if most == 100 and least == 0:
        digits = r"(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)"
    return {"anyOf": [{"type": "string", "pattern": f"^{sign}{digits}$"}, number]}


def exact_text(value: Decimal, least: int = 0, places: int = SCALE) -> str:
    """A decimal without trailing zeros beyond `least` digits behind the point: the one form on the wire."""
    text = str(value)
    whole, _point, fraction = text.partition(".")
    if "E" in text or len(fraction) > places:  # seldom, and formatting costs thrice as much
        whole, _point, fraction = f"{value:.{places}f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def parts_of(cell: str) -> tuple[bool, str, str, int]:
    """A written number: whether it is negative, its digits with their marks, what stands before or behind it, and how many zeros it means more.

    Raises FlawError for what is no number, and for one that has lost digits.
    """
    keep_whole(cell)
    if _POWERS.match(cell):
        return cell[0] == "-", f"{Decimal(cell).copy_abs():f}", "", 0
    word = cell if cell.isascii() else _MINUS.sub("-", unicodedata.normalize("NFKC", cell)).replace("\u2019", "'")
    found = _AROUND.match(_BEFORE_BRACKETS.sub(r"(\1", " ".join(word.split())))
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["before"] and found["after"] not in ("", "%")):
        raise FlawError("malformed", _("expected a decimal number such as -12.50"))
    negative = bool(found["open"] or found["sign"] == "-" or found["inner"] or found["last"])
    return negative, found["number"], found["before"] or found["after"], _zeros(found["times"])


def _zeros(times: str) -> int:
    return _TIMES[times.lower().rstrip(".")] if times.isascii() and times else sum(_ZEROS[sign] for sign in times)


def readings(cell: str, *, whole: bool = False) -> dict[str, str]:
    """What a written number is by each sign that may stand before its fraction; `whole`: it has none. Empty for what is no number."""
    try:
        negative, digits, _around, zeros = parts_of(cell)
    except FlawError:
        return {}
    found = {decimal: text for decimal in _MARKED if (text := _read(digits, negative, decimal, zeros)) is not None}
    return {decimal: text for decimal, text in found.items() if not whole or not text.partition(".")[2].strip("0")}


def _read(digits: str, negative: bool, decimal: str, zeros: int) -> str | None:
    found = _MARKED[decimal].match(digits)
    if found is None or not (found["whole"] or found["fraction"]):
        return None
    whole = re.sub(r"\D", "", found["whole"]) or "0"
    text = f"{'-' if negative else ''}{whole}" + (f".{found['fraction']}" if found["fraction"] else "")
    return f"{Decimal(text).scaleb(zeros):f}" if zeros else text


def number_text(digits: str, negative: bool, style: Mapping[str, str], zeros: int = 0) -> str:
    """Digits with their marks as `exact` takes them; raises FlawError where the column leaves two readings (`decimal` is ?)."""
    decimal = style.get("decimal", ".")
    if decimal == "?":
        read = {_read(digits, negative, one, zeros) for one in _MARKED} - {None}
        if len(read) > 1:
            raise FlawError("ambiguous_number", _("ambiguous decimal or thousands separator; write 1234.50, or specify the separator"))
        text = next(iter(read), None)
    else:
        text = _read(digits, negative, decimal, zeros)
    if text is None:
        raise FlawError("malformed", _("expected a decimal number such as -12.50"))
    return text


def is_plain(cell: str, style: Mapping[str, str]) -> bool:
    """Whether a number is written as `exact` takes it, and means that in its column."""
    return _PLAIN.match(cell) is not None and ("." not in cell or style.get("decimal", ".") == ".")


def plainly(cell: str, style: Mapping[str, str], percent: bool = True) -> str:
    """A number as people write it, as `exact` takes it, the sign of a currency and of `percent` left off; raises FlawError."""
    if is_plain(cell, style):
        return cell
    negative, digits, around, zeros = parts_of(cell)
    # A word of three letters may be a currency or a unit, in which the number means another one.
    bare = not around and zeros and _BARE.search(unicodedata.normalize("NFKC", cell))
    if bare or (around.isalpha() and around.isascii()) or (around == "%" and not percent):
        raise FlawError("malformed", _("expected a decimal number such as -12.50"))
    return number_text(digits, negative, style, zeros)


@dataclass(frozen=True, kw_only=True)
class IntegerField(Field):
    least: int = -(2**31)
    most: int = 2**31 - 1

    kind: ClassVar[str] = "integer"
    operators: ClassVar[tuple[str, ...]] = _ORDERED
    role: ClassVar[ReportRole] = ReportRole.MEASURE
    widget: ClassVar[str] = "number"

    @property
    def is_year(self) -> bool:
        """Whether its numbers always have four digits, as years have, which are written without a mark among them."""
        return (self.least, self.most) == (1000, 9999)

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return sa.Integer()

    def check(self, cell: object) -> object:
        if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
            cell = int(cell)  # JSON knows only numbers: 2.0 is the whole number 2
        if isinstance(cell, bool) or not isinstance(cell, int):
            raise wrong_type(_("a whole number"), cell)
        if not self.least <= cell <= self.most:
            raise FlawError("out_of_range", _("expected {least} to {most}"), least=self.least, most=self.most)
        return cell

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        if cell.isdecimal() and cell.isascii():
            return self._read(cell, self)
        if not cell.isascii() and (counted := _COUNTED.match(cell)) is not None:
            cell = counted["number"]
        try:
            return self._read(plainly(cell, style, percent=False), self)
        except FlawError as flaw:
            raise FlawError("malformed", _("expected a whole number")) if flaw.code == "malformed" else flaw from flaw

    def _read(self, cell: str, within: Field) -> object:
        plain = cell.replace(",", "") if _GROUPED.match(cell) else cell
        if not re.fullmatch(r"[+-]?\d{1,19}(\.0+)?", plain, re.ASCII):
            raise FlawError("malformed", _("expected a whole number"))
        return within.check(int(plain.partition(".")[0]))

    def sought(self, cell: str) -> object:
        return self._read(cell, IntegerField(label=self.label))

    def json_schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def sought_schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}


@dataclass(frozen=True, kw_only=True)
class DecimalField(Field):
    """An exact decimal; text on the wire, since a JSON number would be read as a float."""

    least: Decimal | None = None
    most: Decimal | None = None
    places: int = SCALE
    percent: bool = False
    """A share of a hundred, which pages write with its sign."""

    kind: ClassVar[str] = "decimal"
    operators: ClassVar[tuple[str, ...]] = _ORDERED
    role: ClassVar[ReportRole] = ReportRole.MEASURE
    widget: ClassVar[str] = "decimal"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return Exact(self.places)

    def check(self, cell: object) -> object:
        value = exact(cell, self.places)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise self._out_of_range()
        return value

    def _out_of_range(self) -> FlawError:
        least, most = ("" if bound is None else f"{bound:f}" for bound in (self.least, self.most))
        if least and most:
            return FlawError("out_of_range", _("expected {least} to {most}"), least=least, most=most)
        return FlawError("out_of_range", _("expected at least {least}") if least else _("expected at most {most}"), least=least, most=most)

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        return self.check(plainly(cell, style))

    def sought(self, cell: str) -> object:
        return exact(_ungrouped(cell), self.places)

    def wire(self, *cells: str) -> str:
        places = "" if self.places == SCALE else f", 0, {self.places}"
        return f"(None if {cells[0]} is None else exact_text({cells[0]}{places}))"

    def format(self, value: object) -> str:
        return exact_text(value, 0, self.places) if isinstance(value, Decimal) else ""

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^-?{digits_of(self.places)}$"}

    def input_schema(self) -> dict[str, object]:
        return exact_schema(self.least, self.most, self.places)


def _ungrouped(cell: str) -> str:
    return (cell.replace(",", "") if _GROUPED.match(cell) else cell).removesuffix("%").strip()


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    kind: ClassVar[str] = "boolean"
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "empty")
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "checkbox"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return sa.Boolean()

    def check(self, cell: object) -> object:
        if not isinstance(cell, bool):
            raise wrong_type(_("true or false"), cell)
        return cell

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        if cell.lower() not in _WORDS:
            raise FlawError("malformed", _("expected true or false"))
        return _WORDS[cell.lower()]

    def format(self, value: object) -> str:
        return "" if value is None else "true" if value else "false"

    def json_schema(self) -> dict[str, object]:
        return {"type": "boolean"}


def integer(label: Text, *, least: int = -(2**31), most: int = 2**31 - 1, required: bool = False, track: bool = False,
            readonly: bool = False, default: int | None = None, index: bool = False) -> Mapped[Any]:  # fmt: skip
    """A whole number from `least` to `most`."""
    return Mapped(IntegerField(label=label, least=least, most=most, required=required, track=track, readonly=readonly,
                               default=default, index=index))  # fmt: skip


def decimal(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
            least: Decimal | None = None, most: Decimal | None = None, places: int = SCALE) -> Mapped[Any]:  # fmt: skip
    """An exact decimal with up to four digits behind the point, or `places` (17 digits in all)."""
    return Mapped(DecimalField(label=label, required=required, track=track, readonly=readonly, least=least, most=most, places=places))


def percent(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False) -> Mapped[Any]:
    """A share from 0 to 100, in per cent."""
    return Mapped(DecimalField(label=label, required=required, track=track, readonly=readonly,
                               least=Decimal(0), most=Decimal(100), percent=True))  # fmt: skip


def boolean(label: Text, *, default: bool = False, track: bool = False, readonly: bool = False) -> Mapped[Any]:
    """Yes or no; no is the default."""
    return Mapped(BooleanField(label=label, default=default, track=track, readonly=readonly))
