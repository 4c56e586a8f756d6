"""Questions past SQLAlchemy's execution: the same rows, the same errors, and whoever listens hears of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from core.data import bulk, cursors
from core.data.direct import Direct, direct
from core.data.engine import Database
from core.tenancy.tables import tenants
from sdk.columns import Keys, among

MADE = {
    "state": "active",
    "locale": "en",
    "timezone": "UTC",
    "currency": "USD",
    "access_version": 1,
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
}
BY_NAME = sa.select(tenants.c.id, tenants.c.name).where(tenants.c.name == sa.bindparam("of", type_=sa.String()))


@pytest.fixture
def entry_points() -> Sequence[EntryPoint]:
    """Core alone."""
    return ()


@pytest.fixture
def database(database_url: str) -> Any:
    """A fresh database."""
    made = Database(database_url)
    yield made
    made.close()


def compiled(database: Database, statement: sa.Select[Any]) -> Direct:
    """The statement as this database has it."""
    found = direct(statement, database.engine.dialect)
    assert found is not None
    return found


def test_rows_are_those_of_sqlalchemy_with_cells_as_text(database: Database) -> None:
    first, second = uuid4(), uuid4()
    with database.begin_as_owner() as connection:
        for id, name in ((first, "one"), (second, "two")):
            connection.execute(tenants.insert().values(id=id, name=name, **MADE))
        ((told, name),) = compiled(database, BY_NAME).rows(connection, {"of": "two"})
        assert (told.replace("-", ""), name) == (second.hex, "two")
        several = sa.select(tenants.c.name).where(among(tenants.c.id, sa.bindparam("ids", type_=Keys()))).order_by(tenants.c.name)
        assert compiled(database, several).rows(connection, {"ids": [first, second, None]}) == [("one",), ("two",)]


def test_a_statement_that_is_another_for_other_values_is_left_to_sqlalchemy(database: Database) -> None:
    assert direct(BY_NAME.where(tenants.c.locale.in_(["en", "zh_CN"])), database.engine.dialect) is None


def test_errors_are_those_of_sqlalchemy(database: Database) -> None:
    lost = sa.select(sa.column("id")).select_from(sa.table("of_nobody"))
    raised: list[type[BaseException]] = []
    for ask in (lambda connection: connection.execute(lost), lambda connection: compiled(database, lost).rows(connection, {})):
        with pytest.raises(DBAPIError) as failure, database.begin_as_owner() as connection:
            ask(connection)
        raised.append(failure.type)
    assert raised[0] is raised[1]
    with database.begin_as_owner() as connection:  # nothing of it stays behind
        assert compiled(database, BY_NAME).rows(connection, {"of": "nobody"}) == []


def test_a_connection_takes_any_number_of_statements(database: Database) -> None:
    with database.begin_as_owner() as connection:
        for number in range(250):
            assert compiled(database, BY_NAME.limit(sa.literal_column(str(number + 1)))).rows(connection, {"of": "nobody"}) == []
        if connection.dialect.name == "postgresql":
            held = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'dealwright_direct_%%'"
            ).scalar_one()
            assert held <= 100


def test_who_listens_hears_of_it(database: Database) -> None:
    said: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *asked: said.append(asked[2]))
    with database.begin_as_owner() as connection:
        compiled(database, BY_NAME).rows(connection, {"of": "nobody"})
    assert [text for text in said if "core_tenants" in text and "WHERE" in text]


def test_what_is_undone_takes_no_question_along(database: Database) -> None:
    """The driver gives up all prepared statements when something is undone, or a table dropped."""
    ask = compiled(database, BY_NAME)
    for _time in range(2):
        with database.begin_as_owner() as connection:
            for undo in ("savepoint", "drop", "savepoint"):
                assert ask.rows(connection, {"of": "nobody"}) == []
                for _again in range(8):  # so often that the driver prepares it
                    connection.execute(sa.select(tenants.c.id))
                if undo == "savepoint":
                    connection.begin_nested().rollback()
                else:
                    connection.exec_driver_sql("CREATE TABLE of_a_moment (id int)")
                    connection.exec_driver_sql("DROP TABLE of_a_moment")
                assert ask.rows(connection, {"of": "nobody"}) == []
        with pytest.raises(ZeroDivisionError), database.begin_as_owner() as connection:
            ask.rows(connection, {"of": "nobody"}).append(1 / 0)
    with database.begin_as_owner() as connection:
        assert ask.rows(connection, {"of": "nobody"}) == []


def test_a_connection_that_is_given_back_in_peace_asks_the_server_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, looks = compiled(database, BY_NAME), list[object]()
    with database.begin_as_owner():  # at the first one SQLAlchemy gets to know the server, which it undoes
        pass
    monkeypatch.setattr(cursors, "_look", looks.append)
    with database.begin_as_owner() as connection:
        ask.rows(connection, {"of": "nobody"})
    assert looks == []


def test_a_question_makes_no_room_for_what_goes_with_it(database: Database) -> None:
    """Of the statements that a connection knows the oldest is given up for a new one, but not the one that is being asked."""
    ask = compiled(database, BY_NAME)
    with database.begin_as_owner() as connection:
        ask.rows(connection, {"of": "nobody"})
        for number in range(99):
            compiled(database, BY_NAME.limit(sa.literal_column(str(number + 1)))).rows(connection, {"of": "nobody"})
        bulk.insert(connection, tenants, [{"id": uuid4(), "name": "held", **MADE}], later=True)
        assert [name for _id, name in ask.rows(connection, {"of": "held"})] == ["held"]
