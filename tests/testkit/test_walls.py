"""The watch over the first wall finds each statement that forgets its tenant."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.data.engine import Database
from core.testkit import walls
from sdk.entities import Record

TABLES = frozenset({"things", "parts"})


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        ("SELECT things.id FROM things WHERE things.tenant_id = ?", ()),
        ("SELECT things.id FROM things WHERE things.name = ?", ("things",)),
        ('SELECT t.id FROM "things" AS t WHERE t.tenant_id IN (?)', ()),
        ("SELECT t.tenant_id FROM things AS t WHERE t.id = ?", ("t",)),
        ("SELECT 1 FROM things JOIN parts ON parts.tenant_id = things.tenant_id WHERE things.id = ?", ()),
        ("SELECT 1 FROM things JOIN parts ON parts.thing_id = things.id WHERE things.tenant_id = ?", ("parts",)),
        ("SELECT 1 FROM things, parts AS p WHERE things.tenant_id = ?", ("p",)),
        ("SELECT 1 FROM things WHERE things.tenant_id = ? AND EXISTS (SELECT 1 FROM parts AS p WHERE p.thing_id = things.id)", ("p",)),
        ("SELECT things.id, parts.id FROM elsewhere", ()),
        ("SELECT 1 FROM things WHERE 0 = 1", ()),
        ("UPDATE things SET name = ? WHERE things.id = ?", ("things",)),
        ("DELETE FROM parts WHERE parts.tenant_id = ?", ()),
        ("INSERT INTO things (id, tenant_id) VALUES (?, ?)", ()),
        ("INSERT INTO things (id) VALUES (?)", ("things",)),
    ],
)
def test_each_table_of_tenants_in_a_statement_asks_for_the_tenant(statement: str, without: tuple[str, ...]) -> None:
    assert walls.unguarded(statement, TABLES) == without


@pytest.mark.parametrize(
    ("statement", "without"),
    [
        ("SELECT r.id FROM records AS r WHERE r.tenant_id = ? AND r.kind_id = ?", ()),
        ("SELECT r.id FROM records AS r WHERE r.tenant_id = ?", ("r",)),
        ("SELECT 1 FROM records JOIN records AS p ON p.id = records.parent_id WHERE records.kind_id = ?", ("p",)),
        ("WITH f AS (VALUES (1)) SELECT 1 FROM f WHERE EXISTS (SELECT 1 FROM records AS r WHERE r.id = f.id)", ("r",)),
        ("UPDATE records SET name = ? WHERE id = ?", ()),
        ("SELECT things.id FROM things WHERE things.tenant_id = ?", ()),
    ],
)
def test_who_reads_a_table_that_entities_share_asks_for_their_kind(statement: str, without: tuple[str, ...]) -> None:
    assert walls.of_any_kind(statement, frozenset({"records"})) == without


CARELESS = """
def count(connection, statement):
    connection.execute(statement)
"""


@pytest.mark.feature("B14")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_code_that_forgets_its_tenant_inside_a_tenants_transaction_is_found_and_a_test_that_looks_around_is_not(database_url: str) -> None:
    database, plugin = Database(database_url), {"__name__": "plugins.careless"}
    exec(CARELESS, plugin)  # noqa: S102 (a module that is none of the tests')
    found, people = walls.watch(database.engine, Record.metadata.tables.values()), sa.text("SELECT count(*) FROM core_users")
    with database.reading_as_owner() as connection:
        plugin["count"](connection, people)  # type: ignore[operator]
    with database.begin(write=False, tenant=uuid4()) as connection:
        connection.execute(people)
        assert found == []
        plugin["count"](connection, people)  # type: ignore[operator]
    database.close()
    assert [said.partition(" without")[0] for said in found] == ["names core_users"]
