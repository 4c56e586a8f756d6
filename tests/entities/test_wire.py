"""What goes over the wire straight from the database's cells is what the records say."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.entities import wire
from core.entities.records import EntityRecords
from sdk import Condition, Draft, Query
from sdk.columns import SCALE
from sdk.fields.number import exact_text
from tests.entities.test_paging import a_thing

WANTED = (Query(), Query(sort=("-price",), limit=7), Query(sort=("moment", "name"), limit=3), Query(fields=("name", "day", "tags")),
          Query(q="alpha", limit=5), Query(filter=(Condition("tier", "eq", ("gold",)),), sort=("probe_more.bonus",), limit=4))  # fmt: skip


@pytest.fixture
def many(things: EntityRecords) -> None:
    """Things of which each field is empty here and there."""
    outcomes = things.write([Draft("create", a_thing(Random(number), number)) for number in range(40)])
    assert all(outcome.refusal is None for outcome in outcomes)


def json_of(data: object) -> bytes:
    """As answers are written."""
    return orjson.dumps(data, option=orjson.OPT_UTC_Z)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("query", WANTED)
def test_a_page_over_the_wire_is_the_page_of_its_records(system: Work, things: EntityRecords, query: Query) -> None:
    """Also where the next one begins."""
    with system.transaction():
        reader = system.reader(system.shape("probe.thing").entity)
        pages = [reader.page(query), reader.page(query, wire=True)]
    while True:
        plain, wired = pages
        assert json_of(plain.data) == json_of(wired.data)
        assert (plain.next is None) == (wired.next is None)
        if plain.next is None or wired.next is None:
            break
        with system.transaction():
            pages = [
                reader.page(Query(query.filter, query.sort, query.fields, query.include, query.q, query.limit, page.next), wire=over)
                for page, over in ((plain, False), (wired, True))
            ]  # fmt: skip


@pytest.mark.usefixtures("many")
def test_every_field_of_ours_goes_over_the_wire_straight(system: Work, things: EntityRecords) -> None:
    with system.transaction():
        reader = system.reader(system.shape("probe.thing").entity)
        names = reader.wanted((), reader.visible())
        asked = [name for name in names if not reader.computed(name)]
        page = reader.page(Query(fields=tuple(asked)), wire=True)
        ids = [row["id"] for row in page.data]
    assert all(isinstance(id, str) for id in ids)  # made of a cell's text: no id was an object on its way
    assert {UUID(id) for id in ids} == {row["id"] for row in things.find(())}


class TestCells:
    @given(st.decimals(-(10**12), 10**12, places=SCALE, allow_nan=False), st.sampled_from((0, 2)))
    def test_exact_numbers_are_written_as_ever(self, value: Decimal, least: int) -> None:
        assert wire._scaled_text(int(value.scaleb(SCALE)), least) == wire._told_text(f"{value:f}", least) == exact_text(value, least)

    @given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))
    def test_instants_are_written_as_ever(self, value: datetime) -> None:
        said = orjson.loads(json_of(value.replace(tzinfo=UTC)))
        stored = value.isoformat(" ", "microseconds")
        assert wire._stored_instant(stored) == wire._told_instant(f"{stored[:19]}{stored[19:].rstrip('0').rstrip('.')}+00") == said

    @given(st.uuids())
    def test_ids_are_written_as_ever(self, value: UUID) -> None:
        assert wire._key(value.hex) == str(value)
