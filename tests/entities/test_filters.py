"""Each operator on each field against a plain Python reading of the same rows, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.entities.records import EntityRecords
from core.platform import Platform
from sdk import BadRequest, Condition, Draft, Query, Tenant, parse_filter, parse_where
from sdk.fields import Money
from tests.entities.oracle import holds
from tests.entities.test_paging import a_thing
from tests.probe.tables import Thing

FILTERED = sorted(
    {*Thing.__fields__, "id", "version", "created_at", "updated_at", "probe_more.points", "probe_more.bonus", "probe_more.parts"}
    - {"partner"}
)
LINKS = {"whole", "friend", "board", "lane"}


@pytest.fixture
def many(things: EntityRecords) -> list[dict[str, Any]]:
    """Fifty things, ten of them part of another."""
    random = Random(11)
    first = things.write([Draft("create", a_thing(random, n)) for n in range(40)])
    wholes = [outcome.id for outcome in first[:5]]
    parts = [a_thing(random, 100 + n) | {"whole": str(random.choice(wholes))} for n in range(10)]
    assert all(outcome.refusal is None for outcome in [*first, *things.write([Draft("create", part) for part in parts])])
    computed = {row["id"]: row["probe_more.parts"] for row in things.query(Query(limit=100, fields=("probe_more.parts",))).data}
    return [{**row, "probe_more.parts": computed[row["id"]]} for row in things.find(())]


def matched(things: EntityRecords, *conditions: Condition) -> set[UUID]:
    return {row["id"] for row in things.query(Query(filter=conditions, limit=500)).data}


def written(things: EntityRecords, name: str, value: object) -> str:
    """A value as it stands in an address."""
    return value if isinstance(value, str) and name == "" else things.fields()[name].format(value).strip()


@pytest.mark.feature("P15")
def test_a_filter_gives_the_rows_for_which_it_holds(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    for name in FILTERED:
        check_filters(things, many, name)


def check_filters(things: EntityRecords, many: list[dict[str, Any]], name: str) -> None:
    """By each operator of a field, with values that rows have."""
    field = things.fields()[name]
    values = list({repr(row[name]): row[name] for row in many if row[name] is not None}.values())[:6]
    if name in LINKS:
        values += [uuid4()]
    for operator in field.operators:
        asked: list[Sequence[Any]] = [[value] for value in values]
        if operator == "empty":
            asked = [["true"], ["false"]]
        elif operator == "in":
            asked = [values[:3], values[-1:]] if values else []
        elif operator == "contains":
            asked = [["a"], ["A"], ["%"], ["_"], ["华"], ["ph"], ["\\"]]
        for one in asked:
            words = tuple(value if operator in ("empty", "contains") else written(things, name, value) for value in one)
            found = matched(things, Condition(name, operator, words))
            expected = {row["id"] for row in many if holds(row, name, operator, one)}
            assert found == expected, f"{name}[{operator}]={words}"


def test_an_amount_is_compared_in_any_currency_or_in_one(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    for word, operator in product(("2", "2 CNY", "2 USD", "CNY 0"), ("eq", "ne", "gt", "gte", "lt", "lte")):
        amount = things.fields()["price"].read([word]).values[0]
        assert isinstance(amount, Money)
        expected = {row["id"] for row in many if holds(row, "price", operator, [amount])}
        assert matched(things, Condition("price", operator, (word,))) == expected, (word, operator)


CONDITIONS = st.sampled_from(
    ["size[gte]=0", "size[lt]=2", "size=1", "size[ne]=1", "size[empty]=true", "tier=gold", "tier[ne]=gold", "done=true", "name=alpha", "name[contains]=al", "name[gt]=b",
     "weight[gte]=0", "price[gt]=1", "price[lte]=2 CNY", "day[gte]=2026-01-02", "day[empty]=false", "moment[lt]=2026-01-02T10:00:00Z", "code[in]=c1,c2,c3,c100", "whole[empty]=false",
     "probe_more.points[gte]=1", "probe_more.points[empty]=true", "probe_more.parts[gte]=1", "share[in]=0,50"]
)  # fmt: skip


@settings(max_examples=20)
@given(clauses=st.lists(CONDITIONS, max_size=5))
def test_all_conditions_of_a_filter_hold_at_once(
    platform: Platform, tenant: Tenant, many: list[dict[str, Any]], clauses: list[str]
) -> None:
    things = platform.system(tenant.id).records("probe.thing")
    filter = parse_where(clauses)
    fields = things.fields()

    def value(condition: Condition) -> list[Any]:
        if condition.operator in ("empty", "contains"):
            return list(condition.values)
        return fields[condition.field].read([str(word) for word in condition.values]).values

    expected = {row["id"] for row in many if all(holds(row, c.field, c.operator, value(c)) for c in filter)}
    assert matched(things, *filter) == expected
    assert things.aggregate(["count"], (), filter) == [{"count": len(expected)}]
    assert {row["id"] for row in things.find(filter)} == expected


def test_letters_beyond_ascii_are_found_in_either_case(things: EntityRecords) -> None:
    things.write([Draft("create", {"name": name}) for name in ("Ärger", "ärger", "ÉCOLE", "école", "other")])
    assert {row["name"] for row in things.query(Query(filter=parse_where(["name[contains]=ÄRG"]))).data} == {"Ärger", "ärger"}
    assert {row["name"] for row in things.query(Query(q="école")).data} == {"ÉCOLE", "école"}


def test_a_search_looks_into_the_fields_made_for_it(things: EntityRecords) -> None:
    things.write(
        [
            Draft("create", {"name": "needle"}),
            Draft("create", {"name": "x", "email": "needle@example.com"}),
            Draft("create", {"name": "y", "note": "needle"}),
        ]
    )
    assert {row["name"] for row in things.query(Query(q="NEEDLE")).data} == {"needle", "x"}
    for word in ("%", "_", "ne%le", "\\"):
        assert things.query(Query(q=word)).data == []


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("colour=1", "unknown_field"), ("tenant_id=1", "unknown_field"), ("custom=1", "unknown_field"), ("deleted_at=1", "unknown_field"), ("partner=x", "unknown_field"),
        ("size[contains]=1", "unknown_operator"), ("name[like]=x", "unknown_operator"), ("done[gt]=true", "unknown_operator"), ("tags[gt]=a", "unknown_operator"), ("note=a", "unknown_operator"),
        ("size=x", "bad_value"), ("size=", "bad_value"), ("day=yesterday", "bad_value"), ("moment=2026-01-01", "bad_value"), ("id=7", "bad_value"),
        ("done=perhaps", "bad_value"), ("price=many", "bad_value"), ("size[in]=1,x", "bad_value"), ("size[empty]=maybe", "bad_request"), ("name[contains]=", "bad_request"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_refused(things: EntityRecords, clause: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        things.query(Query(filter=parse_where([clause])))
    assert caught.value.reason == code


@pytest.mark.parametrize("name", ["name[", "name]", "[eq]", "Name", "name[eq][in]", "a..c", "name eq", ""])
def test_a_name_that_is_no_filter_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        parse_filter([(name, "x")])


def test_at_most_500_values_are_in_a_filter(things: EntityRecords) -> None:
    assert matched(things, Condition("size", "in", tuple(str(n) for n in range(500)))) == set()
    with pytest.raises(BadRequest):
        matched(things, Condition("size", "in", tuple(str(n) for n in range(501))))
