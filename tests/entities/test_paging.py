"""Pages by keyset: each row once, empty values last, stable order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.entities.records import EntityRecords
from core.platform import Platform
from sdk import BadRequest, Condition, Draft, NotFound, Query, Tenant

type_make = Callable[..., UUID]
SORTABLE = ("name", "code", "email", "phone", "website", "tier", "size", "weight", "share", "price", "done", "day", "moment", "serial", "id", "version",
            "created_at", "updated_at", "probe_more.points", "probe_more.bonus", "probe_more.parts")  # fmt: skip


def a_thing(random: Random, number: int) -> dict[str, object]:
    """A thing with many gaps and many values that others have too."""
    maybe = {
        "code": f"c{number}", "email": f"{random.choice('abc')}@example.com", "phone": f"+1 555 010{random.randrange(5)}", "website": "https://example.com/x",
        "size": random.randrange(-3, 4), "weight": f"{random.randrange(-30, 30) / 10}", "share": f"{random.randrange(3) * 50}",
        "price": {"amount": f"{random.randrange(4)}", "currency": random.choice(("CNY", "USD"))}, "day": date(2026, 1, random.randrange(1, 5)).isoformat(),
        "moment": f"2026-01-0{random.randrange(1, 4)}T10:00:00Z", "probe_more.points": random.randrange(3),
        "probe_more.bonus": {"amount": f"{random.randrange(3)}"}, "note": random.choice(("one", "two")), "tags": ["a"],
    }  # fmt: skip
    kept = {name: value for name, value in maybe.items() if random.random() < 0.6}
    name = random.choice(("alpha", "Alpha", "beta", "华为", "中", "serial", "émile"))
    return {"name": name, "done": random.random() < 0.5, "tier": random.choice(("gold", "tin")), **kept}


@pytest.fixture
def many(things: EntityRecords) -> list[dict[str, Any]]:
    """Sixty things, as Python values."""
    random = Random(7)
    outcomes = things.write([Draft("create", a_thing(random, number)) for number in range(60)])
    assert all(outcome.refusal is None for outcome in outcomes)
    return [dict(row) for row in things.find(())]


def walk(
    things: EntityRecords, sort: Sequence[str] = (), limit: int = 7, between: Callable[[int], None] | None = None, **more: Any
) -> list[Any]:
    """All rows, page by page; `between` is called after each page."""
    found: list[Any] = []
    cursor, pages = "", 0
    while True:
        page = things.query(Query(sort=tuple(sort), limit=limit, cursor=cursor, **more))
        assert len(page.data) <= limit
        found += page.data
        pages += 1
        assert pages < 200
        if page.next is None:
            return found
        cursor = page.next
        if between is not None:
            between(pages)


@pytest.mark.feature("P15")
def test_the_pages_of_a_sort_hold_each_row_once_in_order_with_empty_values_last(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    for sort in (word for name in SORTABLE for word in (name, f"-{name}")):
        rows = walk(things, [sort])
        assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in many), sort
        name = sort.removeprefix("-")
        values = [row[name] for row in rows]
        if isinstance(next((v for v in values if v is not None), None), dict):
            values = [None if value is None else float(value["amount"]) for value in values]
        if name in ("weight", "share"):
            values = [None if value is None else float(value) for value in values]
        there = [value for value in values if value is not None]
        assert values == there + [None] * (len(values) - len(there)), f"{sort}: empty values come last"
        assert there == sorted(there, reverse=sort.startswith("-")), sort


@pytest.mark.feature("P15")
def test_rows_that_sort_alike_keep_one_order(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    whole = [row["id"] for row in things.query(Query(sort=("tier",), limit=100)).data]
    for limit in (1, 7, 59, 60):
        assert [row["id"] for row in walk(things, ["tier"], limit)] == whole


@pytest.mark.feature("P15")
@pytest.mark.parametrize("sort", [(), ("size",), ("-size", "name"), ("day", "-weight"), ("-created_at",)])
def test_walking_while_others_insert_and_delete_meets_each_row_that_stays_exactly_once(
    things: EntityRecords, many: list[dict[str, Any]], sort: tuple[str, ...]
) -> None:
    random, gone = Random(3), set[UUID]()

    def others(page: int) -> None:
        things.write([Draft("create", a_thing(random, 1000 + page * 10 + n)) for n in range(4)])
        victim = many[page]["id"]
        things.delete(victim)
        gone.add(victim)

    met = [row["id"] for row in walk(things, sort, 7, others)]
    assert len(met) == len(set(met)), "nobody is met twice"
    assert {row["id"] for row in many} - gone <= set(met), "nobody is missed"


@settings(max_examples=10)
@given(data=st.data())
def test_any_sort_by_several_fields_is_walked_in_the_order_of_one_large_page(
    platform: Platform, tenant: Tenant, many: list[dict[str, Any]], data: st.DataObject
) -> None:
    things = platform.system(tenant.id).records("probe.thing")
    names = data.draw(st.lists(st.sampled_from(SORTABLE), max_size=3, unique=True))
    sort = tuple(f"{data.draw(st.sampled_from(['', '-']))}{name}" for name in names)
    limit = data.draw(st.integers(3, 20))
    whole = [row["id"] for row in things.query(Query(sort=sort, limit=100)).data]
    assert [row["id"] for row in walk(things, sort, limit)] == whole


def test_a_page_can_be_walked_with_fewer_fields_than_it_sorts_by(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    rows = walk(things, ["-price", "moment"], 9, fields=("name",))
    assert len(rows) == 60
    assert set(rows[0]) == {"id", "name"}


def test_the_total_counts_what_the_filter_leaves_whatever_the_page(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    filter = (Condition("tier", "eq", ("gold",)),)
    gold = sum(row["tier"] == "gold" for row in many)
    page = things.query(Query(filter=filter, limit=5, count=True))
    assert (page.total, len(page.data)) == (gold, 5)
    following = things.query(Query(filter=filter, limit=5, count=True, cursor=page.next or ""))
    assert following.total == gold
    assert things.query(Query(limit=5)).total is None


def test_without_a_sort_the_newest_come_first(things: EntityRecords, make: type_make) -> None:
    ids = [make(f"n{n}") for n in range(5)]
    assert [row["id"] for row in things.query().data] == ids[::-1]


@pytest.mark.parametrize(
    "sort",
    [("tags",), ("note",), ("whole",), ("nothing",), ("partner",), ("",), ("--size",), ("tenant_id",), ("custom",)],
)
def test_a_sort_that_cannot_be_is_refused(things: EntityRecords, sort: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest):
        things.query(Query(sort=sort))


def test_a_cursor_belongs_to_its_sort(things: EntityRecords, many: list[dict[str, Any]]) -> None:
    cursor = things.query(Query(sort=("size",), limit=5)).next or ""
    for other in (("-size",), ("name",), ("size", "name"), ()):
        with pytest.raises(BadRequest) as caught:
            things.query(Query(sort=other, limit=5, cursor=cursor))
        assert caught.value.reason == "bad_cursor"


@given(cursor=st.text(min_size=1, max_size=60) | st.binary(min_size=1, max_size=60).map(lambda raw: raw.hex()))
def test_a_made_up_cursor_is_refused(platform: Platform, tenant: Tenant, cursor: str) -> None:
    with pytest.raises((BadRequest, NotFound)):
        platform.system(tenant.id).records("probe.thing").query(Query(sort=("size",), cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_holds_1_to_500_rows(things: EntityRecords, limit: int) -> None:
    with pytest.raises(BadRequest):
        things.query(Query(limit=limit))
