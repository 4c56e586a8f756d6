"""Whole answers in blocks of columns: the rows and cells of the same question asked page by page, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.entities.journal import plain
from core.testkit.fixtures import People
from sdk import BadRequest, Draft, Forbidden, Query, parse_filter
from sdk.context import id_of
from sdk.fields import NaturalKey

ACCOUNT = "customers.account"
FIELDS = ("id", "name", "tier", "employees", "revenue", "tags", "parent", "owner", "version", "orders.orders", "founded", "notes")
SORTS = ("name", "-name", "employees", "-employees", "revenue", "founded", "-id", "id", "orders.orders")


@pytest.fixture
def asking(work_as: Callable[..., Work], people: People) -> dict[str, Work]:
    """Accounts of several owners, and four who ask: the system, a representative, one who sees more of the own ones, one who sees names alone."""
    work = work_as()
    reps = [people.reps[0][0], people.reps[0][1], people.reps[1][0]]
    values: list[dict[str, Any]] = [
        {"name": f"A{n % 7}", "employees": n % 3 or None, "owner": reps[n % 3],
         "revenue": {"amount": str(n % 4), "currency": "EUR"} if n % 5 else None, "founded": 1990 + n % 4 if n % 3 else None}
        for n in range(11)
    ]  # fmt: skip
    made = [id_of(work.records(ACCOUNT).create(one)) for one in values]
    work.records(ACCOUNT).write_all([Draft("update", {"parent": made[0]}, id) for id in made[3:6]])
    for key, grants in (("mixed", [("own", None), ("all", ["name", "parent"])]), ("names", [("all", ["name"])])):
        role = id_of(work.records("core.role").create({"key": key, "name": key}))
        for scope, only in grants:
            work.records("core.grant").create({"role": role, "permission": f"{ACCOUNT}.read", "scope": scope, "only_fields": only})
    work.records("core.user").update(reps[1], {"roles": ["mixed"]})
    work.records("core.user").update(reps[2], {"roles": ["names"]})
    return {"system": work, **{name: work_as(one) for name, one in zip(("rep", "mixed", "names"), reps, strict=True)}}


def by_pages(work: Work, query: Query) -> list[dict[str, Any]]:
    """The rows of all pages, three at a time."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = work.records(ACCOUNT).query(Query(query.filter, query.sort, query.fields, limit=3, cursor=cursor))
        rows, cursor = [*rows, *map(dict, page.data)], page.next
    return rows


def by_blocks(work: Work, query: Query, size: int) -> list[dict[str, Any]]:
    """The same from blocks."""
    rows: list[dict[str, Any]] = []
    for block in work.records(ACCOUNT).blocks(query, size):
        assert {len(column) for column in block.columns.values()} <= {block.rows}
        rows += [{name: column[n] for name, column in block.columns.items()} for n in range(block.rows)]
    return rows


def test_blocks_have_the_rows_and_cells_of_pages_for_whoever_asks(asking: dict[str, Work]) -> None:
    system = asking["system"]
    called = {id_of(row): row for row in system.records(ACCOUNT).find(())}
    people = {row["email"]: id_of(row) for row in system.records("core.user").find(())}

    def same(name: str, cell: object, shown: object) -> bool:
        if isinstance(cell, NaturalKey) and name == "owner":
            return people[cell.text] == shown
        if isinstance(cell, NaturalKey):
            return [id for id, row in called.items() if row["name"] == cell.text] == [shown]
        return plain(cell) == plain(shown)

    @given(st.sampled_from([*asking]), st.lists(st.sampled_from(FIELDS), max_size=5), st.lists(st.sampled_from(SORTS), max_size=2),
           st.integers(1, 12), st.sampled_from(("", "employees[empty]=true", "name=A1", "name=nobody")))  # fmt: skip
    def check(who: str, fields: list[str], sort: list[str], size: int, where: str) -> None:
        work = asking[who]
        query = Query(parse_filter([tuple(where.split("="))] if where else []), tuple(sort) or ("id",), tuple(fields))  # type: ignore[list-item]
        try:
            expected = by_pages(work, query)
        except (BadRequest, Forbidden) as refusal:
            with pytest.raises(type(refusal)):
                by_blocks(work, query, size)
            return
        found = by_blocks(work, query, size)
        assert len(found) == len(expected)
        wanted = [*dict.fromkeys(fields)] or [*work.records(ACCOUNT).fields()]
        for row, shown in zip(found, expected, strict=True):
            assert {*row} == {*wanted}
            assert all(same(name, row[name], shown.get(name)) for name in wanted), (who, row, shown)

    check()


def test_links_are_words_where_one_record_has_them(asking: dict[str, Work]) -> None:
    (block,) = asking["system"].records(ACCOUNT).blocks(Query(fields=("parent", "owner")))
    parents = [one for one in block.columns["parent"] if one is not None]
    assert len(parents) == 3
    assert not any(isinstance(one, NaturalKey) for one in parents), (
        "two accounts have the name of the parent, so that only the id says which"
    )
    assert {type(one) for one in block.columns["owner"]} == {NaturalKey}
