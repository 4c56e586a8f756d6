"""What a cell shows beside its number, by the code of its format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias


class Shown(NamedTuple):
    """What the format of a cell shows beside its number: signs before and behind, at least so many digits, a share of a hundred."""

    before: str = ""
    digits: int = 0
    behind: str = ""
    percent: bool = False


type_range: TypeAlias = "tuple[tuple[int, int], tuple[int, int]]"
"""Merged cells: the first and the last, each by row and column."""
type_marks: TypeAlias = "dict[int, dict[int, str | Shown]]"
"""By row and column: the word of an error, or what a format shows."""


class Marks(NamedTuple):
    """What the library does not tell of the cells of a sheet, how many of its rows are hidden, and from when its days are
    counted where that is not the usual day.

    `merged`: where the library does not tell it, or not of such a sheet, which cells are merged over several rows.
    `sparse`: its cells lie so far apart that the library, which keeps what lies between them too, cannot take it; by their last column.
    """

    cells: type_marks
    hidden: int = 0
    since: str = ""
    sparse: int = 0
    merged: Sequence[type_range] = ()


NO_MARKS: Marks = Marks({})
FROM_1904 = "1904-01-01"
"""Workbooks of the first Macs, and what was made of them, count days from then."""
PERCENT = Shown(percent=True)
BUILT_IN: Mapping[int, Shown] = {9: PERCENT, 10: PERCENT}
"""Formats that have a number and no code."""
ERRORS: Mapping[int, str] = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA",
}  # fmt: skip
"""The errors of binary files, by their number."""
UNKNOWN_ERROR = "#VALUE!"

_LITERAL = r'(?:"[^"]*"|\\.)*'
_PADDED = re.compile(rf"({_LITERAL})(0{{2,}})({_LITERAL})\Z")
"""A format that shows leading zeros, and perhaps text around them."""
_IN_BRACKETS = re.compile(r"\[\$([^\]-]+)(?:-[0-9A-Fa-f]+)?\]")
_MONEY = re.compile(
    r"[A-Z]{0,2}[$€£¥￥₩₹₽₺₫₪฿₴₱₸₦]|元|RMB|CNY|USD|EUR|GBP|JPY|HKD|TWD|CHF|CAD|AUD|NZD|SGD|KRW|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|AED|THB|VND"
)


def shown(code: str) -> Shown | None:
    """What a format shows of a positive number beside it, if that is told by it."""
    first = re.match(r'(?:"[^"]*"|\\.|[^;])*', code)
    section = first[0] if first else ""
    if "%" in re.sub(r'"[^"]*"|\\.', "", section):
        return PERCENT
    if padded := _PADDED.match(section):
        return Shown(_said(padded[1]), len(padded[2]), _said(padded[3]))
    named = _IN_BRACKETS.search(section)
    return in_money(named[1].strip() if named else next(iter(_MONEY.findall(re.sub(r"_.", "", section))), ""))


def in_money(sign: str) -> Shown | None:
    """An amount beside the sign, or the code, of a currency."""
    if not _MONEY.fullmatch(sign) and not re.fullmatch(r"[A-Z]{3}", sign):
        return None
    return Shown(f"{sign} " if sign.isalpha() else sign)


def money_in(text: str) -> Shown | None:
    """The currency that stands in a text."""
    found = _MONEY.search(text)
    return in_money(found[0]) if found else None


def _said(literal: str) -> str:
    """Literal text of a format."""
    return re.sub(r'"([^"]*)"|\\(.)', lambda found: found[1] if found[1] is not None else found[2], literal)
