"""A column becomes another: `sdk.migrations.alter_column`, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from core.data import migrate
from core.data.engine import Database
from core.data.revise import revise
from sdk import columns, migrations
from sdk.columns import UtcDateTime
from tests.data.test_revision import NAMES, folders

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
T, ID = uuid4(), uuid4()


@contextmanager
def changing(database: Database) -> Iterator[Operations]:
    """A migration's `op`, and a transaction that is undone by an exception."""
    with database.begin_as_owner() as connection:
        yield Operations(MigrationContext.configure(connection))


def facts(database: Database) -> tuple[Any, ...]:
    """All that is known of both tables but the columns of the first."""
    inspector = sa.inspect(database.engine)
    return (
        sorted(
            (str(i["name"]), str(i["column_names"]), bool(i["unique"]), sorted(str(one) for one in i["dialect_options"].values()))
            for i in inspector.get_indexes("shop_goods")
        ),
        sorted(str(one["name"]) for one in inspector.get_check_constraints("shop_goods")),
        inspector.get_pk_constraint("shop_goods")["constrained_columns"],
        [(one["referred_table"], one["constrained_columns"], one["options"]) for one in inspector.get_foreign_keys("shop_lines")],
        [(one["referred_table"], one["constrained_columns"]) for one in inspector.get_foreign_keys("shop_goods")],
    )


@pytest.fixture
def shop(at_core: Database) -> Database:
    """Goods, among them one, and a line that goes when they go."""
    with changing(at_core) as op:
        migrations.create_table(
            op, "shop_goods",
            sa.Column("size", sa.Integer(), nullable=False),
            sa.Column("note", sa.String(20), nullable=True, server_default="a, (b)"),
            sa.Column("order", sa.Text(), nullable=True),
            sa.Column("above_id", columns.key(), nullable=True),
            sa.CheckConstraint("note <> 'NOT NULL'", name="ck_shop_goods_note"),
            migrations.foreign_key("shop_goods", "above_id", "shop_goods"),
        )  # fmt: skip
        migrations.create_index(op, "shop_goods", "size")
        migrations.create_unique(op, "shop_goods", "note")
        gone = sa.ForeignKeyConstraint(
            ["tenant_id", "good_id"], ["shop_goods.tenant_id", "shop_goods.id"], ondelete="CASCADE", name="fk_gone"
        )
        migrations.create_table(op, "shop_lines", sa.Column("good_id", columns.key(), nullable=False), gone)
        with migrations.all_rows(op, "shop_goods"), migrations.all_rows(op, "shop_lines"):
            for name, more in (("shop_goods", {"size": 5, "note": "nn", "above_id": ID}), ("shop_lines", {"good_id": ID})):
                times = {one: sa.literal(NOW, UtcDateTime()) for one in ("created_at", "updated_at")}
                keys = {"tenant_id": sa.literal(T, columns.key()), "id": sa.literal(ID, columns.key())}
                more = {key: sa.literal(value, columns.key()) if key.endswith("_id") else value for key, value in more.items()}
                table = sa.table(name, *(sa.column(one) for one in (*keys, "version", *times, *more)))
                op.get_bind().execute(table.insert().values(version=1, **keys, **times, **more))
    return at_core


def rows(database: Database, query: str) -> list[Any]:
    with database.begin_as_owner() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("ALTER TABLE shop_goods NO FORCE ROW LEVEL SECURITY")
            connection.exec_driver_sql("ALTER TABLE shop_lines NO FORCE ROW LEVEL SECURITY")
        found = list(connection.exec_driver_sql(query).scalars())
        connection.rollback()
        return found


def column(database: Database, name: str) -> tuple[str, bool]:
    found = next(one for one in sa.inspect(database.engine).get_columns("shop_goods") if one["name"] == name)
    return str(found["type"]), bool(found["nullable"])


def test_a_column_becomes_another_and_all_around_it_stays(shop: Database) -> None:
    before = facts(shop)
    with changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "size", type_=sa.String(30), nullable=True)
        migrations.alter_column(op, "shop_goods", "note", type_=sa.String(40), nullable=False)
        migrations.alter_column(op, "shop_goods", "order", nullable=True)
        migrations.alter_column(op, "shop_goods", "above_id", nullable=False)
    assert [column(shop, name) for name in ("size", "note", "order")] == [("VARCHAR(30)", True), ("VARCHAR(40)", False), ("TEXT", True)]
    assert not column(shop, "above_id")[1]
    assert facts(shop) == before
    assert rows(shop, "SELECT size FROM shop_goods WHERE size = '5' AND note = 'nn'") == ["5"]
    assert rows(shop, "SELECT count(*) FROM shop_lines") == [1], "what points to a row stays"
    with changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "size", type_=sa.Integer(), nullable=False, using="CAST(size AS INTEGER)")
        migrations.alter_column(op, "shop_goods", "note", type_=sa.String(20), nullable=True)
        migrations.alter_column(op, "shop_goods", "above_id", nullable=True)
    assert [column(shop, name) for name in ("size", "note")] == [("INTEGER", False), ("VARCHAR(20)", True)]
    assert facts(shop) == before
    assert rows(shop, "SELECT size FROM shop_goods WHERE size = 5") == [5]
    for refused in ("UPDATE shop_goods SET size = NULL", "UPDATE shop_goods SET note = 'NOT NULL'"):
        with pytest.raises(sa.exc.IntegrityError):
            rows(shop, refused)
    if shop.is_sqlite:
        with shop.reading_as_owner() as connection:
            for check in ("integrity_check", "foreign_key_check"):
                assert connection.exec_driver_sql(f"PRAGMA {check}").scalars().all() in (["ok"], [])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"column": "size", "type_": columns.Exact()}, "using="),
        ({"column": "order", "nullable": False}, "empty in some rows"),
        ({"column": "note", "type_": sa.String(1)}, "longer than 1"),
        ({"column": "sizes", "nullable": False}, "no column 'sizes'"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(shop: Database, change: dict[str, Any], told: str) -> None:
    before = facts(shop), column(shop, "size"), column(shop, "order")
    with pytest.raises(ValueError, match=told), changing(shop) as op:
        migrations.alter_column(op, "shop_goods", **change)
    assert (facts(shop), column(shop, "size"), column(shop, "order")) == before


def test_an_amount_asks_for_each_database_what_its_values_become(shop: Database) -> None:
    """To SQLite an amount is a whole number, whatever its places: the same one would be another amount, and the same SQL another value."""
    with changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "size", type_=columns.Exact(), using={"sqlite": "size * 10000", "postgresql": "size"})
    for type_ in (columns.Exact(6), sa.BigInteger()):
        for using in ("", "size"):
            with pytest.raises(ValueError, match="say for both"), changing(shop) as op:
                migrations.alter_column(op, "shop_goods", "size", type_=type_, using=using)
    with pytest.raises(ValueError, match="on postgres, sqlite; expected"), changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "note", type_=sa.Text(), using={"sqlite": "note", "postgres": "note"})

    def amount(kind: columns.Exact) -> object:
        query = sa.select(sa.literal_column("size", kind)).select_from(sa.table("shop_goods"))
        with shop.begin_as_owner() as connection, migrations.all_rows(Operations(MigrationContext.configure(connection)), "shop_goods"):
            return connection.scalar(query)

    assert amount(columns.Exact()) == 5
    with changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "size", type_=columns.Exact(6), using={"sqlite": "size * 100", "postgresql": "size"})
        migrations.alter_column(op, "shop_goods", "updated_at", type_=UtcDateTime(), nullable=True)  # a type that it has already
    assert amount(columns.Exact(6)) == 5


def test_a_link_to_what_is_not_there_is_refused_and_a_link_that_holds_is_kept(shop: Database) -> None:
    with changing(shop) as op:
        migrations.drop_link(op, "shop_goods", "above_id")
    with pytest.raises((ValueError, sa.exc.ProgrammingError), match="fk_shop_goods_above_id"), changing(shop) as op:
        migrations.drop_link(op, "shop_goods", "above_id")
    assert sa.inspect(shop.engine).get_foreign_keys("shop_goods") == []
    with changing(shop) as op:
        migrations.create_link(op, "shop_goods", "above_id", "shop_goods")
        migrations.drop_link(op, "shop_goods", "above_id")
        with migrations.all_rows(op, "shop_goods"):
            op.get_bind().execute(sa.update(sa.table("shop_goods", sa.column("above_id"))).values(above_id=sa.literal(T, columns.key())))
    with pytest.raises((ValueError, sa.exc.IntegrityError), match="above_id"), changing(shop) as op:
        migrations.create_link(op, "shop_goods", "above_id", "shop_goods")
    assert sa.inspect(shop.engine).get_foreign_keys("shop_goods") == []


def test_a_failure_afterwards_leaves_the_table_as_it_was(shop: Database) -> None:
    before = facts(shop), column(shop, "size")
    with pytest.raises(RuntimeError, match="later"), changing(shop) as op:  # noqa: PT012 (the change is part of what fails)
        migrations.alter_column(op, "shop_goods", "size", type_=sa.Text(), nullable=True)
        raise RuntimeError("later")
    assert (facts(shop), column(shop, "size")) == before
    assert rows(shop, "SELECT size FROM shop_goods") == [5]


def test_a_value_that_using_does_not_turn_into_the_type_is_named(shop: Database) -> None:
    if not shop.is_sqlite:
        pytest.skip("PostgreSQL takes no value of another type")
    with pytest.raises(ValueError, match=r"'no number' is no INTEGER"), changing(shop) as op:
        migrations.alter_column(op, "shop_goods", "note", type_=sa.Integer(), using="'no number'")


def test_a_revision_of_another_type_and_nullability_goes_up_and_down(at_core: Database, tmp_path: Path) -> None:
    branch, _second = folders(tmp_path)
    first = revise(at_core, branch, "tables", beside=NAMES)
    assert first is not None
    first.write_text(first.read_text().replace('"name", sa.String(255), nullable=False', '"name", sa.String(20), nullable=True', 1))
    migrate.upgrade(at_core, [branch])
    second = revise(at_core, branch, "a longer name", beside=NAMES)
    assert second is not None
    assert 'migrations.alter_column(op, "probe_boards", "name", type_=sa.String(255), nullable=False)' in second.read_text()
    migrate.upgrade(at_core, [branch])
    assert revise(at_core, branch, "again", beside=NAMES) is None
    migrate.downgrade(at_core, branch, "0001")
    there = next(one for one in sa.inspect(at_core.engine).get_columns("probe_boards") if one["name"] == "name")
    assert (str(there["type"]), there["nullable"]) == ("VARCHAR(20)", True)
