"""What goes in comes out: exact decimals, instants in UTC, documents, rows in sets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import MAX_PREC, Decimal, localcontext
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from core.data import bulk
from core.events.tables import outbox
from core.platform import Platform
from sdk import Tenant
from sdk.columns import LIMIT, Keys, among
from sdk.fields import exact_text
from tests.probe.tables import Thing

things = Thing.table()
DECIMALS = st.decimals(min_value=-(LIMIT - 1), max_value=LIMIT - 1, places=4, allow_nan=False)
INSTANTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones())
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=40)
JSON = st.none() | WORDS | st.just("null") | st.lists(WORDS, max_size=3) | st.sampled_from([[1], [True], [1.0]])
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = st.fixed_dictionaries(
    {
        "name": WORDS, "note": st.none() | WORDS, "tags": JSON, "size": st.none() | st.integers(-(2**31), 2**31 - 1), "weight": st.none() | DECIMALS,
        "price": st.none() | DECIMALS, "done": st.booleans(), "day": st.none() | st.dates(), "moment": st.none() | INSTANTS,
        "friend_id": st.none() | st.uuids(),
    }
)  # fmt: skip


def complete(tenant: Tenant, values: dict[str, Any]) -> dict[str, Any]:
    return {"tenant_id": tenant.id, "id": uuid4(), "tier": "tin", "version": 1, "created_at": NOW, "updated_at": NOW, **values}


def stored(connection: Connection, ids: list[UUID]) -> list[dict[str, Any]]:
    rows = connection.execute(sa.select(things).where(things.c.id.in_(ids)).order_by(things.c.id)).mappings()
    return [dict(row) for row in rows]


@given(value=DECIMALS)
def test_a_decimal_comes_back_exactly(platform: Platform, tenant: Tenant, value: Decimal) -> None:
    row = complete(tenant, {"name": "x", "done": False, "weight": value})
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        connection.execute(things.insert().values(**row))
        (back,) = stored(connection, [row["id"]])
    assert back["weight"] == value
    assert type(back["weight"]) is Decimal


@given(values=st.lists(DECIMALS, min_size=1, max_size=8))
def test_a_sum_of_decimals_is_exact(platform: Platform, tenant: Tenant, values: list[Decimal]) -> None:
    rows = [complete(tenant, {"name": "x", "done": False, "weight": value}) for value in values]
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        connection.execute(things.insert(), rows)
        query = sa.select(sa.func.sum(things.c.weight, type_=things.c.weight.type)).where(things.c.id.in_([row["id"] for row in rows]))
        assert connection.execute(query).scalar() == sum(values)


@given(value=INSTANTS)
def test_an_instant_comes_back_the_same_and_in_utc(platform: Platform, tenant: Tenant, value: datetime) -> None:
    row = complete(tenant, {"name": "x", "done": False, "moment": value})
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        connection.execute(things.insert().values(**row))
        (back,) = stored(connection, [row["id"]])
    assert back["moment"] == value.astimezone(UTC)
    assert back["moment"].utcoffset() == timedelta(0)


@pytest.mark.parametrize("count", [1, 10, bulk.FEW])
def test_an_instant_without_a_zone_is_refused(platform: Platform, tenant: Tenant, count: int) -> None:
    rows = [complete(tenant, {"name": "x", "done": False, "moment": datetime(2026, 1, 1)}) for _ in range(count)]
    with (
        pytest.raises((sa.exc.StatementError, ValueError), match="time zone"),
        platform.database.begin(write=True, tenant=tenant.id) as connection,
    ):
        bulk.insert(connection, things, rows)


def test_instants_sort_by_time_whatever_zone_they_were_given_in(platform: Platform, tenant: Tenant) -> None:
    early = datetime(2026, 1, 1, 23, 30, tzinfo=timezone(timedelta(hours=14)))
    late = datetime(2026, 1, 1, 0, 0, tzinfo=timezone(-timedelta(hours=12)))
    rows = [complete(tenant, {"name": name, "done": False, "moment": at}) for name, at in (("late", late), ("early", early))]
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        connection.execute(things.insert(), rows)
        assert list(connection.execute(sa.select(things.c.name).order_by(things.c.moment)).scalars()) == ["early", "late"]


@pytest.mark.parametrize("few", [1, bulk.FEW])
@given(rows=st.lists(ROWS, min_size=1, max_size=12))
def test_rows_written_in_sets_are_those_written_one_by_one(
    platform: Platform, tenant: Tenant, few: int, rows: list[dict[str, Any]]
) -> None:
    many = [complete(tenant, row) for row in rows]
    single, changed = ([{**row, "id": uuid4()} for row in many] for _copy in range(2))
    names = sorted(many[0].keys() - {"id", "tenant_id"})
    changes = [
        {"b_tenant": tenant.id, "b_id": row["id"], "b_version": row["version"], **{f"v_{name}": row[name] for name in names}}
        for row in changed
    ]
    with platform.database.begin(write=True, tenant=tenant.id) as connection, patch.object(bulk, "FEW", few):
        bulk.insert(connection, things, many)
        bulk.insert(connection, things, [complete(tenant, {"id": row["id"], "name": "x", "done": False}) for row in changed])
        assert bulk.update(connection, things, names, changes) == len(changed)
        for row in single:
            connection.execute(things.insert().values(**row))
        by_set, by_change, by_one = (
            {row["id"]: {**row, "id": None} for row in stored(connection, [row["id"] for row in written])}
            for written in (many, changed, single)
        )
        assert [by_set[row["id"]] for row in many] == [by_one[row["id"]] for row in single]
        assert [by_change[row["id"]] for row in changed] == [by_one[row["id"]] for row in single]
        nulls = sa.select(sa.func.count()).where(things.c.id.in_([row["id"] for row in many]), things.c.tags.is_(None))
        assert connection.execute(nulls).scalar() == sum(row["tags"] is None for row in many)


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_text_that_is_too_long_is_refused_of_many_rows_as_of_one(platform: Platform, tenant: Tenant) -> None:
    rows = [complete(tenant, {"name": "x" * (256 if n == 7 else 3), "done": False}) for n in range(bulk.FEW)]
    with platform.database.begin(write=True, tenant=tenant.id) as connection, pytest.raises(sa.exc.DataError, match="too long"):
        bulk.insert(connection, things, rows)
    short = [complete(tenant, {"name": "x", "done": False}) for _row in rows]
    changes = [
        {"b_tenant": tenant.id, "b_id": one["id"], "b_version": 1, "v_name": row["name"]} for one, row in zip(short, rows, strict=True)
    ]
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, short)
    with platform.database.begin(write=True, tenant=tenant.id) as connection, pytest.raises(sa.exc.DataError, match="too long"):
        bulk.update(connection, things, ["name"], changes)


def test_a_date_does_not_shift(platform: Platform, tenant: Tenant) -> None:
    row = complete(tenant, {"name": "x", "done": False, "day": date(2026, 3, 29)})
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        connection.execute(things.insert().values(**row))
        (back,) = stored(connection, [row["id"]])
    assert back["day"] == date(2026, 3, 29)


@pytest.mark.parametrize("count", [5, bulk.FEW])
def test_a_set_of_changes_counts_the_rows_that_still_had_their_version(platform: Platform, tenant: Tenant, count: int) -> None:
    rows = [complete(tenant, {"name": f"n{n}", "done": False}) for n in range(count)]
    changes = [{"b_tenant": tenant.id, "b_id": row["id"], "b_version": 1 + (n == 0), "v_name": "changed"} for n, row in enumerate(rows)]
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, rows)
        assert bulk.update(connection, things, ["name"], changes) == count - 1
        names = sorted(row["name"] for row in stored(connection, [row["id"] for row in rows]))
    assert names == ["changed"] * (count - 1) + ["n0"]


@given(value=DECIMALS | st.decimals(-(10**40), 10**40, allow_nan=False), least=st.integers(0, 4), places=st.sampled_from([4, 10]))
def test_a_decimal_has_one_form_on_the_wire(value: Decimal, least: int, places: int) -> None:
    text = exact_text(value, least, places)
    with localcontext(prec=MAX_PREC):
        assert Decimal(text) == value.quantize(Decimal(1).scaleb(-places))
    whole, _point, fraction = text.partition(".")
    assert whole.lstrip("-").isdigit()
    assert least <= len(fraction) <= places
    assert len(fraction) == least or not fraction.endswith("0")


@pytest.mark.parametrize("count", [0, 1, 5, 40_000])
def test_ids_are_found_among_any_number_in_one_statement(platform: Platform, tenant: Tenant, count: int) -> None:
    rows = [complete(tenant, {"name": "x", "done": False, "friend_id": uuid4() if n else None}) for n in range(3)]
    ids = [row["id"] for row in rows[:2]]
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        bulk.insert(connection, things, rows)
        wanted = [*ids, *(uuid4() for _ in range(count))][:count]
        mine = things.c.tenant_id == tenant.id
        given_now = sa.select(things.c.id).where(mine, among(things.c.id, wanted))
        given_later = sa.select(things.c.id).where(mine, among(things.c.id, sa.bindparam("ids", type_=Keys())))
        assert set(connection.execute(given_now).scalars()) == set(wanted) & set(ids)
        assert set(connection.execute(given_later, {"ids": wanted}).scalars()) == set(wanted) & set(ids)
        others = sa.select(things.c.id).where(mine, among(things.c.friend_id, [rows[1]["friend_id"], rows[2]["friend_id"], None]))
        assert set(connection.execute(others).scalars()) == {rows[1]["id"], rows[2]["id"]}


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
@given(words=st.lists(WORDS | st.sampled_from(["", "null", '"', "\\", "a,b", "{a}", ' a"\\"b ', "\n"]), max_size=8))
def test_words_of_any_kind_travel_as_one_parameter(platform: Platform, words: list[str]) -> None:
    with platform.database.begin(write=False, tenant=None) as connection:
        assert connection.execute(sa.select(sa.bindparam("words", type_=bulk.Words())), {"words": words}).scalar_one() == words


def test_records_are_found_by_their_ids_by_an_index(platform: Platform, tenant: Tenant) -> None:
    """A tenant's other rows are not read."""
    if not platform.database.is_sqlite:
        pytest.skip("the plan is SQLite's")
    mine = sa.select(things.c.id).where(things.c.tenant_id == tenant.id, among(things.c.id, [uuid4()]))
    claimed = outbox.update().where(outbox.c.tenant_id.in_([tenant.id]), outbox.c.id.in_([uuid4()])).values(attempts=1)
    with platform.database.begin(write=True, tenant=tenant.id) as connection:
        for statement in (mine, claimed):
            made = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
            plan = " ".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}"))
            assert "tenant_id=? AND id=?" in plan, plan
