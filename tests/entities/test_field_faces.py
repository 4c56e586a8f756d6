"""One class holds all faces of a kind of value, and they agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from core.entities.serialize import serializer
from sdk import Record, _
from sdk import fields as f
from sdk.columns import LIMIT
from sdk.entities import system_fields
from sdk.fields import Field, Money, Reference
from sdk.fields.money import CURRENCIES, minor_units
from tests.probe.tables import Thing

FIELDS: dict[str, Field] = Thing.__fields__ | system_fields()
TEXT = st.text(max_size=30)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-2000, 2000)
NUMERIC = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14).map(str)
AMOUNTS = st.fixed_dictionaries(
    {},
    optional={
        "amount": NUMBERS | NUMERIC | TEXT | st.none(),
        "currency": st.sampled_from(["CNY", "USD", "XXX", "", "cny"]) | st.none(),
        "tax": TEXT,
    },
)
LIKELY = st.sampled_from(
    [
        "gold", "Gold", "a-key", "a key", "x@example.com", "X@Example.COM", "no mail", "+86 10 1234 5678", "123", "12.50", "1e3", "1,000", "https://example.com/x",
        "ftp://example.com", "2026-01-31", "2026-02-30", "20260131", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00+08:00", "2026-01-31T09:30:00", "true", "", "   ",
        " padded ", "nul\x00", "bell\x07", "0191e6a0-0000-7000-8000-000000000000", "x" * 300, "٣", "１２",
    ]
)  # fmt: skip
CELLS = st.none() | st.booleans() | NUMBERS | NUMERIC | TEXT | LIKELY | AMOUNTS | st.lists(TEXT | st.integers(), max_size=3)


@pytest.mark.parametrize("name", FIELDS)
@given(cells=st.lists(CELLS, max_size=10))
def test_a_column_is_checked_as_each_of_its_cells_is_by_the_marshmallow_face(name: str, cells: list[object]) -> None:
    field = FIELDS[name]
    parsed = field.parse(cells)
    flaws = {flaw.row: flaw.message.format(**flaw.params) for flaw in parsed.flaws}
    face = replace(field, required=False).input()  # whether a value is needed is no matter of the column
    face.allow_none = True
    assert len(parsed.values) == len(cells)
    for row, cell in enumerate(cells):
        if row in flaws:
            with pytest.raises(ValidationError) as refused:
                face.deserialize(cell)
            assert refused.value.messages == [flaws[row]]
            assert parsed.values[row] is None
        else:
            assert parsed.values[row] == face.deserialize(cell)


VALUES: dict[str, st.SearchStrategy[object]] = {
    "text": st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=255).map(str.strip).filter(bool),
    "long_text": st.text(st.characters(blacklist_categories=["Cc", "Cs"], whitelist_characters="\n\t"), min_size=1)
    .map(str.strip)
    .filter(bool),
    "email": st.from_regex(r"[a-z0-9.+-]{1,20}@[a-z0-9-]{1,20}\.example", fullmatch=True),
    "phone": st.from_regex(r"\+?\(?[0-9][0-9 ()./-]{2,20}[0-9]", fullmatch=True).filter(lambda number: "/" not in number[7:]),
    "url": st.from_regex(r"https?://[a-z0-9.-]{1,20}(/[a-z0-9_%-]{0,20})?", fullmatch=True),
    "keys": st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True), min_size=1, max_size=5, unique=True),
    "choice": st.sampled_from(["gold", "silver", "tin"]),
    "integer": st.integers(-1000, 1000),
    "decimal": st.decimals(0, 100, places=4),
    "money": st.sampled_from(sorted(CURRENCIES)).flatmap(
        lambda code: st.builds(Money, st.decimals(-(LIMIT - 1), LIMIT - 1, places=minor_units(code)), st.just(code))
    ),
    "boolean": st.booleans(),
    "date": st.dates(min_value=date(1000, 1, 1)),
    "datetime": st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)),
    "id": st.uuids(),
    "link": st.uuids(),
    "any_record": st.builds(
        Reference, st.from_regex(r"[a-z]{1,20}\.[a-z_]{1,20}", fullmatch=True).filter(lambda name: "._" not in name), st.uuids()
    ),
}
KEY = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,50}", fullmatch=True)


def values_of(name: str) -> st.SearchStrategy[object]:
    return KEY if name == "code" else VALUES[FIELDS[name].kind]


def test_every_field_type_that_there_is_is_tested_here() -> None:
    assert {field.kind for field in FIELDS.values()} == set(VALUES)


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_what_is_written_to_a_file_is_read_back_unchanged(name: str, data: st.DataObject) -> None:
    field = FIELDS[name]
    values = data.draw(st.lists(values_of(name) | st.none(), max_size=8))
    assert field.write(values) == [field.format(value) for value in values]
    read = field.read([field.format(value) for value in values])
    assert read.flaws == []
    assert read.values == values


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_what_goes_out_on_the_wire_may_come_in_again(name: str, data: st.DataObject) -> None:
    field = FIELDS[name]
    values = data.draw(st.lists(values_of(name), max_size=8))
    sent = [row[field.name] for row in serializer((field,))([field.split(value) for value in values])]
    received = orjson.loads(orjson.dumps(sent))
    parsed = field.parse(received)
    assert parsed.flaws == []
    assert parsed.values == values


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_a_value_is_split_into_its_columns_and_joined_again(name: str, data: st.DataObject) -> None:
    field = FIELDS[name]
    value = data.draw(values_of(name) | st.none())
    assert len(field.split(value)) == len(field.columns())
    assert field.join(field.split(value)) == value


@pytest.mark.parametrize("name", FIELDS)
@given(cells=st.lists(TEXT | LIKELY | NUMERIC, max_size=10))
def test_text_of_any_kind_is_read_or_refused_and_never_breaks_a_field(name: str, cells: list[str]) -> None:
    read = FIELDS[name].read(cells)
    assert len(read.values) == len(cells)
    for flaw in read.flaws:
        assert flaw.message.format(**flaw.params)


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("size", "1,234", None), ("size", "+7", 7), ("size", "7.0", 7), ("size", "999,999", 999_999),
        ("weight", "1,234.5", Decimal("1234.5")), ("share", "12.5%", Decimal("12.5")), ("share", "12.5 %", Decimal("12.5")),
        ("price", "1,234.50 CNY", Money(Decimal("1234.50"), "CNY")), ("price", "USD 3", Money(Decimal(3), "USD")),
        ("price", "12.5", Money(Decimal("12.5"), "")), ("done", "Yes", True), ("done", "否", False), ("tier", "GOLD", "gold"), ("tier", "Silver", "silver"),
        ("day", "2026/1/31", date(2026, 1, 31)), ("day", "2026年1月31日", date(2026, 1, 31)), ("day", "2026-01-31 00:00:00", date(2026, 1, 31)),
        ("tags", "a; b;a", ["a", "b"]), ("email", " Ann@Example.com ", "ann@example.com"),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_people_write_it(name: str, cell: str, value: object) -> None:
    read = FIELDS[name].read([cell])
    if name == "size" and value is None:
        value = 1234
    assert (read.values, read.flaws) == ([value], [])


@pytest.mark.parametrize(
    ("name", "cell", "code"),
    [
        ("size", "1,23", "malformed"), ("size", "1.5", "malformed"), ("weight", "1.23456", "too_precise"), ("price", "1.234 CNY", "too_precise"), ("price", "1.5 JPY", "too_precise"), ("price", "1,23 CNY", "malformed"), ("price", "5 XXX", "unknown_currency"),
        ("done", "maybe", "malformed"), ("tier", "bronze", "unknown_choice"), ("day", "01/02/2026", "ambiguous_date"), ("day", "2026-02-30", "no_such_date"),
        ("share", "101", "out_of_range"), ("share", "9" * 20, "out_of_range"), ("email", "nobody", "malformed"), ("email", "a@b.com.", "malformed"), ("name", "a\x07b", "control_character"), ("name", "x" * 256, "too_long"),
    ],
)  # fmt: skip
def test_a_cell_that_does_not_fit_says_why(name: str, cell: str, code: str) -> None:
    (flaw,) = FIELDS[name].read([cell]).flaws
    assert flaw.code == code


def test_a_cell_of_several_keys_is_read_however_a_file_separates_them() -> None:
    keys = FIELDS["tags"]
    for cell in ("vip; key-account", "VIP, Key-Account", "vip，key-account", "vip、key-account", "vip|key-account|vip", "vip\nkey-account"):
        assert keys.read([cell]).values == [["vip", "key-account"]], cell
    (flaw,) = keys.read(["big spender"]).flaws
    assert flaw.code == "malformed"


def test_the_order_of_a_dates_parts_is_that_of_its_column() -> None:
    day = FIELDS["day"]
    assert day.read(["01/02/2026"], {"date_order": "mdy"}).values == [date(2026, 1, 2)]
    assert day.read(["01/02/2026"], {"date_order": "dmy"}).values == [date(2026, 2, 1)]
    written = ["1.2.2026, 17:00", "01.02.2026 17:00 Uhr", "1/2/2026, 5:00:00\u202fPM"]
    assert day.read(written, {"date_order": "dmy"}).values == [date(2026, 2, 1)] * 3, "as pages and programs of Germany write moments"


def test_a_json_number_with_a_fraction_is_taken_by_its_text() -> None:
    assert FIELDS["weight"].parse([0.1, 2.675]).values == [Decimal("0.1"), Decimal("2.675")]


def test_the_system_fields_are_those_of_every_record() -> None:
    assert set(system_fields()) == {"id", "owner", "version", "created_at", "updated_at"}
    assert issubclass(Thing, Record)
    assert UUID(int=0) == FIELDS["id"].parse(["00000000-0000-0000-0000-000000000000"]).values[0]


def test_a_record_has_the_fields_of_a_class_beside_it_and_only_its_links_are_counted_over() -> None:
    class Placed:
        place = f.text(_("Place"), index=True)

    class Visit(Placed, Record):
        __tablename__ = "probe_visits"
        name = f.text(_("Name"))

    Record.metadata.remove(Visit.table())
    assert list(Visit.__fields__) == ["place", "name"]
    assert Visit.place is Visit.table().c.place
    with pytest.raises(TypeError, match="expects a link of a record"):
        f.over(Visit.table().alias().c.id, sa.func.count())
