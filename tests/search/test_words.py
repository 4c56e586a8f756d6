"""What a text is found by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.marks import marks
from core.search.words import LONGEST, asked, tokens


def finds(typed: str, value: str, *, number: bool = False) -> bool:
    """Whether what was typed finds the value."""
    words = [word for word, _near in tokens(value, number=number)]
    return any(all(any(word.startswith(part) for word in words) for part in reading.words) for reading in asked(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "华为",
        "为",
        "技术有限",
        "北京华为技术有限公司",
        "hw",
        "HWJS",
        "huawei",
        "huaw",
        "bjhw",
        "beijing",
        "华为 北京",
        "华为 有限公司",
        "jsyxgs",
    ],
)
def test_a_chinese_name_is_found_by_any_piece_of_it_by_its_sound_and_by_initials(typed: str) -> None:
    assert finds(typed, "北京华为技术有限公司")


@pytest.mark.parametrize(("typed", "value"), [
    ("chongqing", "重庆长安"), ("cqca", "重庆长安"), ("zhongqing", "重庆长安"), ("xiamen", "厦门航空"), ("zeng", "曾国藩"), ("lv", "吕布"),
    ("zhang wei", "张伟"), ("creme", "Crème brûlée"), ("CRÈME", "creme"), ("ａｃｍｅ", "Acme Ltd"), ("ltd acme", "Acme Ltd"), ("0001", "QU2026-0001"),
    ("2026", "QU2026-0001"), ("qu2026-0001", "QU2026-0001"), ("wei@huawei", "zhang.wei@huawei.com"), ("zhang.wei@huawei.com", "zhang.wei@huawei.com"),
    ("mate60", "华为Mate60手机"), ("手机", "华为Mate60手机"), ("有限公司", "有限公司"), ("ソニー", "ソニー株式会社"), ("강남", "서울강남"),
])  # fmt: skip
def test_other_names_numbers_and_addresses_are_found_as_people_type_them(typed: str, value: str) -> None:
    assert finds(typed, value)


@pytest.mark.parametrize("typed", ["13812345678", "138 1234", "+86 138 1234 5678", "138-1234-5678", "5678", "12345678"])
def test_a_telephone_number_is_found_by_its_digits_however_it_is_written(typed: str) -> None:
    assert finds(typed, "+86 (0)138-1234-5678", number=True)


@pytest.mark.parametrize(
    ("typed", "value"),
    [("%", "100 %"), ("", "Acme"), ("cme", "Acme"), ("华技", "华为技术"), ("com", "a@b.com"), ("公司", "华为有限公司"), ("acme x", "Acme")],
)
def test_what_begins_no_word_finds_nothing(typed: str, value: str) -> None:
    assert not finds(typed, value)


@given(st.text(max_size=60))
def test_any_text_is_found_by_itself_and_its_tokens_fit_the_table(text: str) -> None:
    made = tokens(text)
    assert all(0 < len(word) <= LONGEST and "\x00" not in word for word, _near in made)
    assert len({word for word, _near in made}) == len(made)
    assert all(reading.words for reading in asked(text))
    for start, end in marks(text, [word for reading in asked(text) for word in reading.words]):
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(("text", "word", "meant"), [
    ("北京华为公司", "华为", ["华为"]), ("北京华为公司", "huaw", ["华为"]), ("北京华为公司", "hwgs", ["华为公司"]), ("Ｃrème brûlée", "creme", ["Ｃrème"]),
    ("Banana ana", "ana", ["ana"]), ("重庆银行", "chongq", ["重庆"]),
])  # fmt: skip
def test_what_is_meant_is_marked(text: str, word: str, meant: list[str]) -> None:
    assert [text[start:end] for start, end in marks(text, [word])] == meant
