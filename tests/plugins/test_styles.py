"""How dates and numbers are written in a file: decided by whole columns, asked for where two ways are open; without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.import_export.as_read import AsRead
from plugins.import_export.files import Sheet
from plugins.import_export.styles import Said, Styles
from sdk import fields as f
from sdk.fields import DateField, DateTimeField, DecimalField, Field, IntegerField, Money, MoneyField
from sdk.fields.text import first_of
from sdk.text import Text

LABEL = Text("x")
DECIMAL, WHOLE, MONEY, DAY = DecimalField(label=LABEL), IntegerField(label=LABEL), MoneyField(label=LABEL), DateField(label=LABEL)
NBSP, THIN = "\u00a0", "\u202f"


def seen(field: Field, cells: Sequence[str], *, delimiter: str = ";", exact: bool = False, **said: str) -> Styles:
    """What is found out of one column."""
    sheet = Sheet("s", ("x",), exact, lambda: iter(()), delimiter)
    return Styles({"x": field}, {"x": 0}, sheet, Said(**said), "Asia/Shanghai", "CNY").see_all([[cell] for cell in cells])


def values(field: Field, cells: Sequence[str], **more: object) -> list[object]:
    """The column as it is imported: a value, or the code of what is wrong."""
    parsed = field.read(cells, seen(field, cells, **more).found()["x"])  # type: ignore[arg-type]
    wrong = {flaw.row: flaw.code for flaw in parsed.flaws}
    return [wrong.get(row, value) for row, value in enumerate(parsed.values)]


@given(st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=12), st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'"), (",", THIN), (".", "，")]),
       st.integers(0, 4))  # fmt: skip
def test_numbers_in_any_style_are_read_as_what_they_are_or_asked_for(numbers: list[int], style: tuple[str, str], places: int) -> None:
    decimal, group = style
    exact = [Decimal(number).scaleb(-places) for number in numbers]
    cells = [f"{number:,.{places}f}".translate({ord(","): group, ord("."): decimal}) for number in exact]
    styles = seen(DECIMAL, cells)
    if next(styles.questions(), None):
        cells_by_point = values(DECIMAL, cells, numbers="point" if decimal == "." else "comma")
        assert cells_by_point == [DECIMAL.check(number) for number in exact]
        assert set(values(DECIMAL, cells)) <= {"ambiguous_number", *(DECIMAL.check(number) for number in exact)}
    else:
        assert values(DECIMAL, cells) == [DECIMAL.check(number) for number in exact]
        read = AsRead(";", {0: (DECIMAL, styles.found()["x"])})
        for cell, number in zip(cells, exact, strict=True):  # alone in a file of failed rows it means the same
            for delimiter in (";", ","):
                assert values(DECIMAL, read.plainly([cell]), delimiter=delimiter) == [DECIMAL.check(number)], cell


def test_one_cell_of_a_column_decides_for_all_of_it() -> None:
    assert values(DECIMAL, ["1.234", "2.500,5"]) == [Decimal(1234), Decimal("2500.5")]
    assert values(DECIMAL, ["1.234", "2.5"]) == [Decimal("1.234"), Decimal("2.5")]
    assert values(WHOLE, ["1.234", "7"]) == [1234, 7]
    assert values(DECIMAL, ["1.234", "2.500"]) == ["ambiguous_number"] * 2
    assert values(DECIMAL, ["1.234", "2.500"], numbers="comma") == [Decimal(1234), Decimal(2500)]
    assert values(DECIMAL, ["1.234", "2,500"], delimiter=",") == [Decimal("1.234"), Decimal(2500)]
    assert values(DECIMAL, ["1.234"], exact=True) == [Decimal("1.234")]
    assert values(DECIMAL, ["1.234", "1,234", "2.5"], exact=True) == [Decimal("1.234"), Decimal(1234), Decimal("2.5")]
    # A text among the numbers of a workbook that has a comma before its fraction: others may be such texts, too.
    assert values(DECIMAL, ["1.234,50", "1.234", "2.5", "7"], exact=True) == [
        Decimal("1234.5"),
        "ambiguous_number",
        Decimal("2.5"),
        Decimal(7),
    ]
    (question,) = seen(DECIMAL, ["7", "1.234"]).questions()
    assert (question.name, question.asked, question.readings) == ("x", "numbers", {"point": "1.234", "comma": "1234"})
    assert question.message.format(**question.params) == "'1.234' may be 1.234 or 1234"


def test_signs_around_numbers_are_read_and_units_are_not() -> None:
    cells = [
        "$90,000 ",
        "(1,234.50)",
        "12-",
        "\u22125",
        f"1{NBSP}234.5",
        "１，２３４",
        "25 %",
        "+.5",
        "5 PCS",
        "~5",
        "5%%",
        "#5",
    ]
    numbers = [Decimal(90000), Decimal("-1234.5"), Decimal(-12), Decimal(-5), Decimal("1234.5"), Decimal(1234), Decimal(25), Decimal("0.5")]
    assert values(DECIMAL, cells, delimiter=",") == [*numbers, *["malformed"] * 4]
    assert values(DECIMAL, ["\u20135,00", "\u2013 1.234,50 €", "€ \u20115,5", "5,\u2013", "5\u201310", "5,00\u2013"]) == [
        Decimal(-5), Decimal("-1234.5"), Decimal("-5.5"), Decimal(5), "malformed", "malformed",
    ]  # fmt: skip
    assert values(WHOLE, ["１２"], delimiter=",") == [12]
    assert values(WHOLE, ["25%", "1,5", "1.0", "3 USD"], delimiter=",") == ["malformed", "malformed", 1, "malformed"]
    money = values(MONEY, ["¥5", "5 元", "EUR 5.50", "5,000.00 €", "$5", "5 QQQ", "US$ 5", "5"], delimiter=",")
    assert money == [
        Money(Decimal(5), "CNY"), Money(Decimal(5), "CNY"), Money(Decimal("5.5"), "EUR"), Money(Decimal(5000), "EUR"),
        "ambiguous_currency", "unknown_currency", Money(Decimal(5), "USD"), Money(Decimal(5), ""),
    ]  # fmt: skip
    assert values(MONEY, ["12,50 kr", "kr. 5", "1 234,50 Kč", "9,90 zł", "Fr. 20.\u2013", "5 k", "12 %"], delimiter=";") == [
        "ambiguous_currency", "ambiguous_currency", Money(Decimal("1234.5"), "CZK"), Money(Decimal("9.9"), "PLN"), Money(Decimal(20), "CHF"),
        Money(Decimal(5000), ""), "malformed",
    ]  # fmt: skip
    assert values(MONEY, ["¥9.9/件", "9,90 € / Stk.", "3/pcs", "100 €/Monat", "5/x"]) == [
        Money(Decimal("9.9"), "CNY"), Money(Decimal("9.9"), "EUR"), Money(Decimal(3), ""), "malformed", "malformed",
    ]  # fmt: skip


def test_chinese_units_and_exponents_are_part_of_a_number_unless_a_spreadsheet_has_shortened_it() -> None:
    assert values(MONEY, ["12万", "1.2亿", "12.5万元", "3千万 CNY", "6.0E7", "-1.5e3", "1e-2"]) == [
        Money(Decimal(120_000), ""), Money(Decimal(120_000_000), ""), Money(Decimal(125_000), "CNY"), Money(Decimal(30_000_000), "CNY"),
        Money(Decimal(60_000_000), ""), Money(Decimal(-1500), ""), Money(Decimal("0.01"), ""),
    ]  # fmt: skip
    assert values(MONEY, ["US$(12.00)", "€ (1,234.50)", "CHF 1'234.–", "50.- EUR", "INR 12,34,567.00", "1,00,000", "1,2,3"]) == [
        Money(Decimal(-12), "USD"), Money(Decimal("-1234.5"), "EUR"), Money(Decimal(1234), "CHF"), Money(Decimal(50), "EUR"),
        Money(Decimal(1234567), "INR"), Money(Decimal(100_000), ""), "malformed",
    ]  # fmt: skip
    assert values(WHOLE, ["6.0E7", "5万", "1.5e0"]) == [60_000_000, 50_000, "malformed"]
    assert values(DECIMAL, ["1,2万", "1,5"]) == [Decimal(12_000), Decimal("1.5")]
    shortened = ["1.38E+10", "1.23457E+11", "1.00E-05"]  # so writes a spreadsheet what does not fit its column
    assert [values(one, shortened) for one in (DECIMAL, MONEY, WHOLE)] == [["lost_digits"] * 3] * 3


def test_a_column_that_contradicts_itself_asks_of_each_cell_that_may_mean_two_things() -> None:
    cells = ["1.234", "1.234,50", "1,234.50", "2.5"]
    read = ["ambiguous_number", Decimal("1234.5"), Decimal("1234.5"), Decimal("2.5")]
    assert values(DECIMAL, cells) == values(DECIMAL, cells, delimiter=",") == read
    assert [one.examples for one in seen(DECIMAL, cells).questions()] == [("1.234",)]
    assert not [*seen(DECIMAL, cells[1:]).questions()]


@pytest.mark.parametrize("cell", ["31.12.2025", "31. 12. 2025", "31/12/2025", "2025年12月31日", "2025-12-31 00:00:00.000", "31 Dec 2025", "December 31, 2025",
                                  "20251231", "２０２５年１２月３１日", "2025/12/31", "2025-12-31T00:00:00"])  # fmt: skip
def test_a_date_is_read_however_it_is_written(cell: str) -> None:
    assert values(DAY, [cell]) == [date(2025, 12, 31)]


@pytest.mark.parametrize("cell", [
    "民国115年1月2日", "民國115年1月2日", "二〇二六年一月二日", "2026/1/2 星期五", "2026年1月2日（周五）", "Friday, January 2, 2026", "Fr., 2. Januar 2026", "2 janvier 2026",
    "2. Jän. 2026", "2 de enero de 2026", "46024", "46024.0", "115/1/2", "115.01.02",
])  # fmt: skip
def test_a_date_is_read_in_other_calendars_and_languages_and_as_the_number_that_a_spreadsheet_counts(cell: str) -> None:
    assert values(DAY, [cell]) == [date(2026, 1, 2)]


def test_what_is_no_number_in_chinese_is_no_date() -> None:
    cells = [
        "二〇二六年一二月三一日",
        "二〇二六年十二月三十一日",
        "二零二六年〇二月〇三日",
        "二〇二六年十十月一日",
        "二〇二六年十一二月一日",
        "二〇二六年二月三十日",
    ]
    assert values(DAY, cells) == [date(2026, 12, 31), date(2026, 12, 31), date(2026, 2, 3), "malformed", "malformed", "no_such_date"]


def test_the_months_of_other_languages_are_those_and_none_is_guessed() -> None:
    cells = [
        "1er juillet 2026",
        "1 juin 2026",
        "1. Mai 2026",
        "1 mars 2026",
        "3. Dez. 2026",
        "1 Smarch 2026",
        "99999",
        "4602",
        "146024",
        "215/1/2",
        "115/13/2",
    ]
    assert values(DAY, cells) == [
        date(2026, 7, 1),
        date(2026, 6, 1),
        date(2026, 5, 1),
        date(2026, 3, 1),
        date(2026, 12, 3),
        *["malformed"] * 5,
        "no_such_date",
    ]
    assert values(DateTimeField(label=LABEL), ["46024.5"]) == [datetime(2026, 1, 2, 4, tzinfo=UTC)], "noon in Shanghai"


@pytest.mark.parametrize("cell", ["0-0-0", "0/0/00", "31/02/24", "30.02.24"])
def test_a_day_that_does_not_exist_is_no_question(cell: str) -> None:
    assert [*seen(DAY, [cell, "13/02/24"]).questions()][:1] == [*seen(DAY, ["13/02/24"]).questions()]
    assert [*seen(DAY, [cell]).questions()] == []


def test_a_column_of_dates_that_allows_two_orders_is_asked_for_with_both_readings() -> None:
    (question,) = seen(DAY, ["2026-01-31", "03/04/2026", "05/06/2026"]).questions()
    assert (question.asked, question.examples) == ("dates", ("03/04/2026", "05/06/2026"))
    assert question.readings == {"dmy": "2026-04-03", "mdy": "2026-03-04"}
    assert values(DAY, ["2026-01-31", "03/04/2026"]) == [date(2026, 1, 31), "ambiguous_date"]
    assert values(DAY, ["03/04/2026", "31/01/2026"]) == [date(2026, 4, 3), date(2026, 1, 31)]
    assert values(DAY, ["31/01/2026", "01/31/2026"]) == ["ambiguous_date"] * 2


def test_a_month_is_its_first_day_where_dates_are_of_months_too_and_none_elsewhere() -> None:
    months = DateField(label=LABEL, months=True)
    cells = ["2024-03", "2024/3", "2024年3月", "2024.03", "Mar 2024", "2024-03-05"]
    assert values(months, cells) == [*[date(2024, 3, 1)] * 5, date(2024, 3, 5)]
    assert values(months, ["2024-13", "1-01", "2012年1-2月", "March"]) == ["no_such_date", "malformed", "malformed", "malformed"]
    assert values(DAY, cells) == [*["malformed"] * 5, date(2024, 3, 5)]


def test_the_century_of_short_years_is_asked_for() -> None:
    (question,) = seen(DAY, ["31/12/25", "31/12/70"]).questions()
    assert (question.asked, question.readings) == ("years", {"1900": "1925-12-31", "2000": "2025-12-31"})
    assert values(DAY, ["31/12/70"]) == ["ambiguous_year"]
    assert values(DAY, ["31/12/25", "31/12/70"], years="1970") == [date(2025, 12, 31), date(1970, 12, 31)]
    assert [one.asked for one in seen(DAY, ["01/02/03"]).questions()] == ["dates"]
    assert values(DAY, ["01/02/03"], dates="ymd", years="1950") == [date(2001, 2, 3)]
    assert [one.readings for one in seen(DAY, ["31-Dec-25", "5 Mar 70"]).questions()] == [{"1900": "1925-12-31", "2000": "2025-12-31"}]
    assert values(DAY, ["31-Dec-25", "5-Mar-2024", "Mar 5, 70"], years="1950") == [date(2025, 12, 31), date(2024, 3, 5), date(1970, 3, 5)]
    assert values(DAY, ["31-Dec-25"]) == ["ambiguous_year"]


def test_an_instant_without_an_offset_is_one_of_the_companys_zone() -> None:
    at = DateTimeField(label=LABEL)
    morning = datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
    assert (
        values(at, ["2026-01-31T09:30", "31.1.2026 9:30", "2026-01-31 09:30:00.000", "31/1/2026 9:30 am", "2026-01-31T01:30:00Z"])
        == [morning] * 5
    )
    assert values(at, ["2026-01-31 25:00", "2026-01-31 13:00 pm", "soon"]) == ["no_such_instant", "no_such_instant", "malformed"]


def test_an_instant_is_read_with_its_offset_and_half_of_the_day_however_they_are_written() -> None:
    at = DateTimeField(label=LABEL)
    cells = [
        "2026-01-31T01:30:00.000+0000", "01/31/2026 09:30:00+0800", "01/31/2026T09:30:00+0800", "2026-01-30 17:30:00 -0800", "2026-01-31 01:30 UTC",
        "2026-01-31 01:30:00 GMT", "2026/1/31 上午9:30", "2026年1月31日 9:30", "2026-01-31T09:30:00+08",
    ]  # fmt: skip
    assert values(at, cells) == [datetime(2026, 1, 31, 1, 30, tzinfo=UTC)] * len(cells)
    assert values(at, ["2026/1/31 下午2:30"]) == [datetime(2026, 1, 31, 6, 30, tzinfo=UTC)]
    assert values(at, ["2026-01-31 01:30 +9900", "2026-01-31 01:30 XYZ"]) == ["no_such_instant", "malformed"]
    assert values(DAY, ["2026-01-31T23:30:00Z", "2026/1/31 下午2:30"]) == ["malformed", date(2026, 1, 31)]


def test_numbers_and_addresses_are_read_without_what_programs_and_keyboards_put_around_them() -> None:
    phone, mail, web = (make(LABEL).field for make in (f.phone, f.email, f.url))
    assert values(phone, ["（010）１２３４－５６７８", "13912345678.0", "\u202a13912345678\u202c", "010–1234567转80", "１３９１２３４５６７８（微信同号）", "Tel.: +49 30 123456 (Office)", "手机：13912345678",
                          "13912345678（王经理）", "(+33) 1 23 45 67 90", "0221 / 123456 (Zentrale)"]) == [
        "(010)1234-5678", "13912345678", "13912345678", "010-1234567转80", "13912345678", "+49 30 123456", "13912345678", "malformed", "(+33) 1 23 45 67 90", "0221 / 123456",
    ]  # fmt: skip
    assert values(mail, ["Ann\u200b@example.com", "ann＠example.com", "mailto:ann@example.com", "zoë@example.com"]) == [
        "ann@example.com", "ann@example.com", "ann@example.com", "zoë@example.com",
    ]  # fmt: skip
    assert values(web, ["www.example.com", "example.com/a?b", "HTTPS://example.com", "http://a", "updated", "#CAJUN.HTM#", "a@example.com"]) == [
        "https://www.example.com", "https://example.com/a?b", "https://example.com", "http://a", "malformed", "malformed", "malformed",
    ]  # fmt: skip


def test_large_numbers_and_what_is_counted_are_read_with_their_words() -> None:
    cells = ["EUR 5k", "12,5 Mio. €", "3 Mrd. €", "US$1.2M", "2.5 million USD", "5 m", "5 Kg"]
    thousand, *others = values(MONEY, cells[:1]) + [one for cell in cells[1:] for one in values(MONEY, [cell])]
    assert (thousand, others[0], others[1]) == (
        Money(Decimal(5000), "EUR"),
        Money(Decimal(12_500_000), "EUR"),
        Money(Decimal(3 * 10**9), "EUR"),
    )
    assert others[2:] == [Money(Decimal(1_200_000), "USD"), Money(Decimal(2_500_000), "USD"), "malformed", "malformed"]
    assert values(WHOLE, ["500人", "2005年", "1,200 家", "5k", "5人6", "3年"]) == [
        500,
        2005,
        1200,
        "malformed",
        "malformed",
        "malformed",
    ]
    # What is no money may be counted in months, metres, kilograms.
    assert values(DECIMAL, ["12M", "5 M", "3k", "$3k", "3千", "2 million"]) == [
        *["malformed"] * 3,
        Decimal(3000),
        Decimal(3000),
        Decimal(2_000_000),
    ]
    assert values(WHOLE, ["12M", "5 K", "7"]) == ["malformed", "malformed", 7]


def test_addresses_are_read_without_names_and_of_several_in_a_cell_it_is_said_that_it_are_several() -> None:
    phone, mail = (make(LABEL).field for make in (f.phone, f.email))
    assert values(mail, ["Pat O'Neil <Pat@X.example>", "<a@x.example>", "mailto:b@x.example"]) == [
        "pat@x.example",
        "a@x.example",
        "b@x.example",
    ]
    assert values(mail, ["a@x.example; b@x.example", "a@x.example；b@x.example", "a; b"]) == ["several", "several", "malformed"]
    assert values(phone, ["tel:+49-30-12", "\u0660\u0665\u0660\u0661\u0662", "010-8888 分机 12", "+49 30 12 DW 3", "+49 301 ::: +49 302"]) == [
        "+49-30-12", "05012", "010-8888 分机 12", "+49 30 12 DW 3", "several",
    ]  # fmt: skip
    named = [
        "Ann <a@x.example>; Bob <b@x.example>",
        "Lee, Ann <a@x.example>, B <b@x.example>",
        "a@x.example, <b@x.example>",
        "Lee, Ann <a@x.example>",
    ]
    assert values(mail, named) == ["several", "several", "several", "a@x.example"]
    slashed = ["010-1234/5678", "13800138000/13900139000", "+49 711 123456/57", "0711/123456", "+49 (0)711/1234-56", "089/1234"]
    assert values(phone, slashed) == ["several"] * 3 + slashed[3:]
    parted = ["0475/12/34/56", "01/23/45/67/89", "1/617/555/1234", "+86 138/0013/8000", "0711 / 123456"]
    assert values(phone, parted) == parted, "one number each"
    assert [first_of(cell) for cell in slashed] == ["010-1234", "13800138000", "+49 711 123456", *slashed[3:]]
    assert [first_of(cell) for cell in named] == ["Ann <a@x.example>", "Lee, Ann <a@x.example>", "a@x.example", "Lee, Ann <a@x.example>"]
    assert [first_of(cell) for cell in ("a@x ; b@x", " +1 ::: +2", "a、b", "one", "")] == ["a@x", "+1", "a", "one", ""]
