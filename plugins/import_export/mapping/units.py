"""What a heading says of all numbers below it: 金额（万元）, Amount (USD), Revenue (k€), Umsatz in TEUR."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sdk.fields import Field, FlawError, IntegerField, MoneyField
from sdk.fields.money import CURRENCIES
from sdk.fields.number import parts_of

_BRACKETED = re.compile(r"(?P<word>.*\S)\s*[(（\[【](?:单位[:：])?(?P<unit>[^()（）\[\]【】]+)[)）\]】]\s*\*?\s*\Z")
_BEHIND = re.compile(r"(?P<word>.*\S)(?:\s+in\s+|\s*[/／]\s*|\s+(?=[A-Z]{3}\Z)|(?=[十百千]?[万亿]元\Z|千元\Z))(?P<unit>\S.*)\Z")
_CHINESE = re.compile(r"(?P<times>[十百千]?[万亿]?)(?P<money>元人民币|人民币|元|美元|美金|欧元|日元|港元|港币|英镑|新台币|韩元|)\Z")
MONEYS = {
    "元人民币": "CNY", "人民币": "CNY", "美元": "USD", "美金": "USD", "欧元": "EUR", "日元": "JPY", "港元": "HKD", "港币": "HKD", "英镑": "GBP",
    "新台币": "TWD", "韩元": "KRW",
}  # fmt: skip
_WORDS = {
    "'000": "千",
    "000s": "千",
    "thousand": "千",
    "thousands": "千",
    "tsd": "千",
    "million": "百万",
    "millions": "百万",
    "mio": "百万",
}
_LETTERS = {"k": "千", "t": "千", "m": "百万", "mn": "百万", "bn": "十亿"}
"""They count beside a currency alone: m may be metres, too."""
_MONEY = r"(?P<money>[A-Z]{3}|[A-Z]{0,2}[$€£¥￥₩₹₽₺₫₪฿₴₱₸₦])"
_TIMES = rf"(?P<times>{'|'.join(map(re.escape, (*_WORDS, *_LETTERS)))})"
_OTHERS = tuple(re.compile(one) for one in (rf"(?i:{_TIMES}\.?)\s*(?:of\s+)?{_MONEY}?\Z", rf"{_MONEY}\s*(?i:{_TIMES}\.?)?\Z"))


@dataclass(frozen=True)
class Unit:
    """`times` as it stands behind a number (万), and the currency by its code or sign; "" is none."""

    times: str = ""
    currency: str = ""

    def given(self, cells: Sequence[str], *, money: bool) -> list[str]:
        """Cells with what they do not say themselves; `money`: they are amounts, which have a currency."""
        return [self._given(cell, self.currency if money else "") for cell in cells]

    def _given(self, cell: str, currency: str) -> str:
        try:
            negative, digits, around, zeros = parts_of(cell.strip())
        except FlawError:  # it is empty, or no number, which is told when it is read
            return cell
        if zeros or around == "%":
            return cell if around else f"{cell} {currency}".strip()
        return f"{'-' if negative else ''}{digits}{self.times} {around or currency}".strip()


def counts(field: Field, unit: Unit) -> bool:
    """Whether it changes what stands below: amounts always, numbers of things where it is no money; a measure is kept in the unit it came in."""
    return isinstance(field, MoneyField) or (isinstance(field, IntegerField) and bool(unit.times) and not unit.currency)


def unit_of(heading: str) -> tuple[str, Unit | None]:
    """A heading without its unit, and that; None where it names none that we know."""
    found = _BRACKETED.match(heading) or _BEHIND.match(heading)
    unit = _unit(found["unit"].strip().removeprefix("in ")) if found is not None else None
    return (found["word"], unit) if found is not None and unit is not None else (heading, None)


def _unit(word: str) -> Unit | None:
    chinese = _CHINESE.match(word)
    if chinese is not None and word:
        return Unit(chinese["times"], MONEYS.get(chinese["money"], chinese["money"]))
    for pattern in _OTHERS:
        found = pattern.match(word)
        if found is None:
            continue
        money, times = found["money"] or "", (found["times"] or "").lower()
        known = not money or money == "RMB" or money in CURRENCIES or not money.isalpha()
        if known and (times in _WORDS or money):
            return Unit(_WORDS.get(times) or _LETTERS.get(times, ""), money)
    return None
