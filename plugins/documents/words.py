"""Amounts in words, as they stand on contracts and cheques: 大写金额 and English."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel.numbers import get_currency_name

from sdk.fields import Money
from sdk.fields.money import minor_units

DIGITS = "零壹贰叁肆伍陆柒捌玖"
SMALL = ("仟", "佰", "拾", "")
MYRIAD, HUNDRED_MILLION = 10**4, 10**8
PARTS = ("角", "分", "厘")
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
THOUSANDS = ((10**15, "quadrillion"), (10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
YUAN = {"CNY": "人民币"}
"""Babel calls it 人民币 as well; named here since a bank looks for this very word."""


def in_words(money: Money, locale: str) -> str:
    """The amount in words in Chinese for Chinese locales, in English for all others; rounded half up to the currency's minor units."""
    return chinese(money) if locale.partition("_")[0] == "zh" else english(money)


@cache
def _name(currency: str, locale: str, count: int | None = None) -> str:
    """Asked anew, Babel reads the locale's names each time: a millisecond for each amount."""
    return str(get_currency_name(currency, count=count, locale=locale))


def _parts(money: Money) -> tuple[bool, int, str]:
    """Whether it is negative, the whole units, and the digits behind the point."""
    places = minor_units(money.currency)
    amount = money.amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    whole, _point, cents = f"{abs(amount):f}".partition(".")
    return amount < 0, int(whole), cents


# --- Chinese -----------------------------------------------------------------------------------------------------------


def chinese(money: Money) -> str:
    """人民币壹仟零伍拾元零叁分: by the rules for bills and settlements of the People's Bank of China (《正确填写票据和结算凭证的基本规定》).

    整 ends an amount without 分; one 零 stands for zeros between digits, and for 角 where only 分 follow; other currencies are named first.
    """
    negative, whole, cents = _parts(money)
    name = YUAN.get(money.currency) or _name(money.currency, "zh_CN")
    text = f"{_integer(whole)}元" if whole or not cents.strip("0") else ""
    for place, digit in enumerate(cents):
        if digit != "0":
            skipped = place > 0 and cents[place - 1] == "0"
            text += ("零" if skipped and text else "") + DIGITS[int(digit)] + PARTS[place]
    exact = len(cents) < 2 or not cents[1:].strip("0")
    return f"{name}{'负' if negative else ''}{text}{'整' if exact else ''}"


def _integer(number: int) -> str:
    if number == 0:
        return DIGITS[0]
    return _large(number).strip("零")


def _large(number: int) -> str:
    """A number in groups of 亿 and 万; a leading 零 says that its highest place is empty."""
    if number >= HUNDRED_MILLION:
        high, low = divmod(number, HUNDRED_MILLION)
        return f"{_large(high)}亿{_joined(low, HUNDRED_MILLION)}"
    if number >= MYRIAD:
        high, low = divmod(number, MYRIAD)
        return f"{_group(high)}万{_joined(low, MYRIAD)}"
    return _group(number)


def _joined(low: int, base: int) -> str:
    """What follows a group: nothing for zeros, with 零 where the next place is empty."""
    if low == 0:
        return ""
    return _large(low) if low >= base // 10 else f"零{_large(low).lstrip('零')}"


def _group(number: int) -> str:
    text = ""
    for digit, unit in zip(f"{number:04}", SMALL, strict=True):
        if digit != "0":
            text += DIGITS[int(digit)] + unit
        elif not text.endswith("零"):
            text += "零"
    return text.strip("零")


# --- English -----------------------------------------------------------------------------------------------------------


def english(money: Money) -> str:
    """One thousand fifty and 03/100 US dollars: cheque style, the minor units as a fraction, which is the same for every currency."""
    negative, whole, cents = _parts(money)
    name = _name(money.currency, "en", 2)
    fraction = f" and {cents}/{10 ** len(cents)}" if cents else ""
    text = f"{'minus ' if negative else ''}{_english(whole)}{fraction} {name}"
    return text[0].upper() + text[1:]


def _english(number: int) -> str:
    if number < len(UNITS):
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{UNITS[number // 100]} hundred" + (f" {_english(number % 100)}" if number % 100 else "")
    for size, name in THOUSANDS:
        if number >= size:
            rest = f" {_english(number % size)}" if number % size else ""
            return f"{_english(number // size)} {name}{rest}"
    raise AssertionError(number)
