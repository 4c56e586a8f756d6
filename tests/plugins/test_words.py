"""Amounts in words say the amount: read back by a small reader of its own."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.documents.words import chinese, english
from sdk.fields import Money

DIGITS = {word: n for n, word in enumerate("零壹贰叁肆伍陆柒捌玖")}
SMALL = {"拾": 10, "佰": 100, "仟": 1000}
ONES = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
} | {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
SIZES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
AMOUNTS = st.decimals(Decimal("-999999999999.99"), Decimal("999999999999.99"), places=2) | st.decimals(0, 200, places=2)


def read_chinese(text: str) -> Decimal:
    """The amount that a text in 大写 says, read from the right of each group as a clerk would."""
    text = text.removeprefix("人民币")
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    whole, _yuan, rest = text.rpartition("元") if "元" in text else ("", "", text)
    cents = sum(DIGITS[digit] * {"角": 10, "分": 1}[unit] for digit, unit in re.findall(r"([壹贰叁肆伍陆柒捌玖])([角分])", rest))
    return sign * (Decimal(_whole(whole)) + Decimal(cents) / 100)


def _whole(text: str) -> int:
    total, group, digit = 0, 0, 0
    for sign in text:
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in SMALL:
            group, digit = group + digit * SMALL[sign], 0
        elif sign == "万":
            total, group, digit = total + (group + digit) * 10**4, 0, 0
        else:
            total, group, digit = (total + group + digit) * 10**8, 0, 0
    return total + group + digit


def read_english(text: str) -> Decimal:
    """The amount that a text in English says."""
    words, _and, rest = text.removesuffix(" US dollars").lower().partition(" and ")
    sign, words = (-1, words.removeprefix("minus ")) if words.startswith("minus ") else (1, words)
    total = group = 0
    for word in re.split(r"[ -]", words):
        if word == "hundred":
            group *= 100
        elif word in SIZES:
            total, group = total + group * SIZES[word], 0
        else:
            group += ONES[word]
    return sign * (Decimal(total + group) + Decimal(rest.partition("/")[0]) / 100)


@pytest.mark.feature("I11")
@given(AMOUNTS)
def test_an_amount_in_chinese_words_says_the_amount_and_keeps_the_rules_of_banks(amount: Decimal) -> None:
    text = chinese(Money(amount, "CNY"))
    assert read_chinese(text) == amount, text
    assert "零零" not in text
    assert text.endswith("整") == (amount * 10 % 1 == 0), text
    assert not re.search(r"零[元万亿拾佰仟整角分]", text.replace("币零元", "")), text


@pytest.mark.feature("I11")
@given(AMOUNTS)
def test_an_amount_in_english_words_says_the_amount(amount: Decimal) -> None:
    text = english(Money(amount, "USD"))
    assert read_english(text) == amount, text
    assert text[0].isupper()


@pytest.mark.feature("I11")
@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("0", "CNY", "人民币零元整"), ("0.05", "CNY", "人民币伍分"), ("0.50", "CNY", "人民币伍角整"), ("1.05", "CNY", "人民币壹元零伍分"),
        ("1680.32", "CNY", "人民币壹仟陆佰捌拾元叁角贰分"), ("16409.02", "CNY", "人民币壹万陆仟肆佰零玖元零贰分"), ("325.04", "CNY", "人民币叁佰贰拾伍元零肆分"),
        ("107000.53", "CNY", "人民币壹拾万柒仟元伍角叁分"), ("100000001", "CNY", "人民币壹亿零壹元整"), ("1000000000000", "CNY", "人民币壹万亿元整"),
        ("-12.30", "CNY", "人民币负壹拾贰元叁角整"), ("1234.5", "USD", "美元壹仟贰佰叁拾肆元伍角整"), ("5", "JPY", "日元伍元整"),
        ("12.345", "KWD", "科威特第纳尔壹拾贰元叁角肆分伍厘"), ("1.005", "CNY", "人民币壹元零壹分"),
    ],
)  # fmt: skip
def test_known_amounts_in_chinese(amount: str, currency: str, words: str) -> None:
    assert chinese(Money(Decimal(amount), currency)) == words


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("0", "USD", "Zero and 00/100 US dollars"), ("-21.05", "EUR", "Minus twenty-one and 05/100 euros"), ("1000000", "JPY", "One million Japanese yen"),
        ("115.5", "CNY", "One hundred fifteen and 50/100 Chinese yuan"), ("1.005", "KWD", "One and 005/1000 Kuwaiti dinars"),
    ],
)  # fmt: skip
def test_known_amounts_in_english(amount: str, currency: str, words: str) -> None:
    assert english(Money(Decimal(amount), currency)) == words
