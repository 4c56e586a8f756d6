"""Keys of likeness: equal where people would say "the same", different where they would not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import likeness


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("北京华为技术有限公司", "华为技术(北京)有限公司"), ("华为技术（北京）有限公司", "北京市华为技术股份有限公司"), ("ＡＢＣ科技有限公司", "abc科技"),
        ("Alder Foods Ltd.", "ALDER FOODS LIMITED"), ("Müller GmbH & Co. KG", "müller gmbh"), ("Foods, Alder", "Alder Foods Inc."),
        ("Siemens A.G.", "Siemens AG"), ("Straße GmbH", "STRASSE"),
    ],
)  # fmt: skip
def test_names_of_one_company_have_one_key(one: str, other: str) -> None:
    assert likeness.company(one) == likeness.company(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("北京华为技术有限公司", "上海华为技术有限公司"), ("华为技术有限公司", "华为终端有限公司"), ("Alder Foods", "Alder Tools"), ("北京银行", "上海银行"),
        ("有限公司", "公司"), ("Co", "Inc"),
    ],
)  # fmt: skip
def test_names_of_two_companies_have_two(one: str, other: str) -> None:
    assert likeness.company(one) != likeness.company(other)


def test_numbers_of_two_cities_are_two_and_what_is_too_short_says_nothing() -> None:
    assert likeness.telephone("010-62345678") != likeness.telephone("021-62345678")
    assert likeness.telephone("12345") is None
    assert likeness.telephone("+49 40 123456 ext. 12") == likeness.telephone("040/123456")


@given(st.text())
def test_a_key_fits_its_column_and_is_found_again_from_another_case(text: str) -> None:
    for make in (likeness.company, likeness.telephone, likeness.host, likeness.code):
        key = make(text)
        assert key is None or 0 < len(key) <= likeness.LONGEST
    assert likeness.code(text) == likeness.code(likeness.folded(text))


@given(st.lists(st.sampled_from(["alder", "foods", "north", "tools"]), min_size=1), st.randoms())
def test_the_order_of_latin_words_does_not_matter(words: list[str], random: object) -> None:
    turned = list(words)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert likeness.company(" ".join(words)) == likeness.company(" ".join(turned))
