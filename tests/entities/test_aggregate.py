"""Counts, sums and averages against plain Python, on both databases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.entities.records import EntityRecords
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant
from sdk import BadRequest, Draft, Tenant, parse_where
from sdk.fields import Money, exact_text
from sdk.fields.money import money_wire
from tests.entities.oracle import bucket, totals
from tests.entities.test_paging import a_thing

type_make = Callable[..., UUID]
DIMENSIONS = (
    "tier",
    "done",
    "name",
    "email",
    "day",
    "day:year",
    "day:month",
    "day:quarter",
    "day:week",
    "day:day",
    "day:fiscal_year",
    "day:fiscal_quarter",
    "moment",
    "moment:month",
    "moment:day",
    "moment:year",
)
MEASURES = (
    "count",
    "sum:size",
    "avg:size",
    "sum:weight",
    "avg:weight",
    "sum:price",
    "avg:price",
    "sum:probe_more.points",
    "sum:probe_more.bonus",
)


@pytest.fixture
def many(things: EntityRecords) -> list[dict[str, Any]]:
    """Fifty things."""
    random = Random(5)
    assert all(o.refusal is None for o in things.write([Draft("create", a_thing(random, n)) for n in range(50)]))
    return [dict(row) for row in things.find(())]


def key(row: dict[str, Any], word: str, zone: str) -> Any:
    name, _colon, grain = word.partition(":")
    value = row[name]
    if name == "moment":
        return bucket(value, grain or "day", zone)
    if name == "day" and grain:
        return bucket(value, grain, zone)
    return value


def measured(rows: list[dict[str, Any]], word: str) -> Any:
    function, _colon, name = word.partition(":")
    if function == "count":
        return len(rows)
    found = totals(rows, name)
    if not found:
        return None
    values = {
        c: (total / n).quantize(Decimal("0.0001"), ROUND_HALF_EVEN) if function == "avg" else total for c, (total, n) in found.items()
    }
    if name in ("price", "probe_more.bonus"):
        amounts = [money_wire(amount, currency) for currency, amount in sorted(values.items())]
        return amounts[0] if len(amounts) == 1 else amounts
    return int(values[""]) if function == "sum" and name != "weight" else exact_text(values[""])


def expected(rows: list[dict[str, Any]], measures: list[str], by: list[str], zone: str = "UTC") -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(key(row, word, zone) for word in by)].append(row)
    if not by:
        groups.setdefault((), [])
    return [dict(zip(by, cells, strict=True)) | {word: measured(part, word) for word in measures} for cells, part in groups.items()]


def unordered(rows: list[Any]) -> list[str]:
    return sorted(repr(sorted((name, str(value)) for name, value in row.items())) for row in rows)


@pytest.mark.feature("P15")
@settings(max_examples=20)
@given(
    measures=st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique=True),
    by=st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True),
)
def test_the_sums_of_any_groups_are_those_of_plain_python(
    platform: Platform, tenant: Tenant, many: list[dict[str, Any]], measures: list[str], by: list[str]
) -> None:
    found = platform.system(tenant.id).records("probe.thing").aggregate(measures, by)
    assert unordered(found) == unordered(expected(many, measures, by))


def test_the_groups_come_in_the_order_of_their_dimensions_with_empty_ones_last(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    rows = things.aggregate(["count"], ["email", "day"])
    keys = [(row["email"] is None, row["email"] or "", row["day"] is None, str(row["day"] or "")) for row in rows]
    assert keys == sorted(keys)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Apia", "Europe/Berlin", "Australia/Lord_Howe"])
def test_an_instant_falls_into_the_month_of_the_tenants_zone_over_the_change_of_the_clocks(
    platform: Platform, make_tenant: MakeTenant, zone: str
) -> None:
    things = platform.system(make_tenant(timezone=zone).id).records("probe.thing")
    hours = [
        f"2026-{month:02}-{day:02}T{hour:02}:30:00Z"
        for month, day in ((3, 31), (4, 1), (10, 31), (11, 1), (12, 31))
        for hour in (0, 3, 4, 5, 10, 11, 13, 14, 15, 16, 22, 23)
    ]
    assert all(o.refusal is None for o in things.write([Draft("create", {"name": "x", "moment": at}) for at in hours]))
    rows = [dict(row) for row in things.find(())]
    for grain in ("day", "week", "month", "quarter", "year", "fiscal_year", "fiscal_quarter"):
        found = things.aggregate(["count"], [f"moment:{grain}"])
        assert unordered(found) == unordered(expected(rows, ["count"], [f"moment:{grain}"], zone)), grain


@pytest.mark.feature("A7")
@pytest.mark.parametrize(("fiscal_year_start", "week_start"), [(1, 1), (4, 7), (7, 6), (10, 2), (12, 5)])
def test_fiscal_years_and_weeks_begin_when_the_tenant_says(
    platform: Platform, tenant: Tenant, make: type_make, client: Api, fiscal_year_start: int, week_start: int
) -> None:
    days = [date(2023, 12, 20) + timedelta(days=3 * n) for n in range(300)] + [date(2024, 2, 29), date(2026, 8, 31), date(1999, 12, 31)]
    platform.system(tenant.id).records("probe.thing").write_all([Draft("create", {"name": "x", "day": day}) for day in days])
    said = {"fiscal_year_start": fiscal_year_start, "week_start": week_start}
    assert client.patch("/api/v1/core/tenant", said).status_code == 200
    assert client.get("/api/v1/meta").json["tenant"].items() >= said.items()
    things = platform.system(tenant.id).records("probe.thing")
    make(day=None)
    for grain in ("week", "fiscal_year", "fiscal_quarter"):
        counted = Counter(bucket(day, grain, "UTC", **said) for day in [*days, None])
        assert {row[f"day:{grain}"]: row["count"] for row in things.aggregate(["count"], [f"day:{grain}"])} == counted


def test_a_fiscal_year_has_the_number_of_the_year_in_which_it_ends(
    platform: Platform, tenant: Tenant, make: type_make, client: Api
) -> None:
    client.patch("/api/v1/core/tenant", {"fiscal_year_start": 4})
    for day in ("2026-03-31", "2026-04-01", "2026-12-31"):
        make(day=day)
    rows = platform.system(tenant.id).records("probe.thing").aggregate(["count"], ["day:fiscal_quarter"])
    assert [(row["day:fiscal_quarter"], row["count"]) for row in rows] == [("FY2026-Q4", 1), ("FY2027-Q1", 1), ("FY2027-Q3", 1)]


@pytest.mark.parametrize(("name", "value"), [
    ("fiscal_year_start", 13), ("fiscal_year_start", 0), ("week_start", 8), ("week_start", "1"),
    *((name, None) for name in ("week_start", "timezone", "duplicates", "allowed_addresses")),
])  # fmt: skip
def test_there_is_no_thirteenth_month_and_no_eighth_day_and_no_empty_setting(client: Api, name: str, value: object) -> None:
    refused = client.patch("/api/v1/core/tenant", {name: value})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [name]


def test_a_date_is_in_the_same_month_in_every_zone(platform: Platform, make_tenant: MakeTenant) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        things = platform.system(make_tenant(timezone=zone).id).records("probe.thing")
        things.create({"name": "x", "day": "2026-03-01"})
        assert things.aggregate(["count"], ["day:month"]) == [{"day:month": "2026-03", "count": 1}]


def test_amounts_of_two_currencies_are_never_added(things: EntityRecords, make: type_make) -> None:
    for amount, currency in (("1.10", "CNY"), ("2.20", "USD"), ("3.30", "CNY")):
        make("x", price={"amount": amount, "currency": currency})
    (row,) = things.aggregate(["sum:price", "avg:price", "count"])
    assert row["sum:price"] == [{"amount": "4.40", "currency": "CNY"}, {"amount": "2.20", "currency": "USD"}]
    assert row["avg:price"] == [{"amount": "2.20", "currency": "CNY"}, {"amount": "2.20", "currency": "USD"}]
    assert row["count"] == 3


def test_two_amounts_of_one_query_keep_their_own_currencies(things: EntityRecords, make: type_make) -> None:
    make("x", price={"amount": "1", "currency": "CNY"}, **{"probe_more.bonus": {"amount": "2", "currency": "USD"}})
    make("x", price={"amount": "3", "currency": "CNY"}, **{"probe_more.bonus": {"amount": "4", "currency": "EUR"}})
    (row,) = things.aggregate(["sum:price", "sum:probe_more.bonus"])
    assert row["sum:price"] == {"amount": "4.00", "currency": "CNY"}
    assert row["sum:probe_more.bonus"] == [{"amount": "4.00", "currency": "EUR"}, {"amount": "2.00", "currency": "USD"}]


def test_a_thousand_small_amounts_add_up_exactly(things: EntityRecords) -> None:
    things.write([Draft("create", {"name": "x", "price": {"amount": "0.1", "currency": "CNY"}, "weight": "0.0001"}) for _ in range(1000)])
    (row,) = things.aggregate(["sum:price", "sum:weight", "avg:price"])
    assert (row["sum:price"], row["sum:weight"]) == ({"amount": "100.00", "currency": "CNY"}, "0.1")
    assert row["avg:price"] == {"amount": "0.10", "currency": "CNY"}


def test_grouping_by_a_link_shows_the_title_and_the_id(things: EntityRecords, make: type_make) -> None:
    one, twin = make("same"), make("same")
    for whole in (one, one, twin):
        make("part", whole=str(whole))
    rows = things.aggregate(["count"], ["whole"], parse_where(["whole[empty]=false"]))
    assert sorted((row["whole"], str(row["whole.id"]), row["count"]) for row in rows) == sorted(
        [("same", str(one), 2), ("same", str(twin), 1)]
    )


@pytest.mark.feature("B6")
def test_what_lies_in_the_recycle_bin_is_not_read_beyond_a_link(things: EntityRecords, make: type_make) -> None:
    """Neither its fields nor its title; the id that links to it is the record's own and stays."""
    gone, there = make("gone", tier="gold"), make("there", tier="silver")
    for whole in (gone, there):
        make("part", whole=str(whole))
    things.delete(gone)
    parts = parse_where(["name=part"])
    assert things.aggregate(["count"], ["whole.tier"], parts) == [{"whole.tier": "silver", "count": 1}, {"whole.tier": None, "count": 1}]
    titles = {row["whole.id"]: row["whole"] for row in things.aggregate(["count"], ["whole"], parts)}
    assert titles == {gone: None, there: "there"}
    assert things.aggregate(["count"], [], (*parts, *parse_where(["whole.tier=gold"]))) == [{"count": 0}]


def test_nothing_is_one_row_of_nothing_without_groups_and_no_row_with_them(things: EntityRecords) -> None:
    assert things.aggregate(["count", "sum:size", "sum:price"]) == [{"count": 0, "sum:size": None, "sum:price": None}]
    assert things.aggregate(["count"], ["tier"]) == []


@pytest.mark.parametrize(
    ("measures", "by"),
    [
        ([], ["tier"]), (["count:size"], []), (["sum"], []), (["median:size"], []), (["sum:name"], []), (["sum:colour"], []), (["count"], ["size"]), (["count"], ["colour"]),
        (["count"], ["note"]), (["count"], ["tier:month"]), (["count"], ["day:decade"]), (["count"], ["tags"]), (["count"], ["partner"]), (["sum:tenant_id"], []),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(things: EntityRecords, measures: list[str], by: list[str]) -> None:
    with pytest.raises(BadRequest):
        things.aggregate(measures, by)


def test_money_is_money() -> None:
    assert money_wire(*Money(Decimal("1.5"), "CNY")) == {"amount": "1.50", "currency": "CNY"}
