"""`db revision` writes exactly what a plugin declares and the database lacks."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.config import Config
from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.data.revise import revise
from core.platform import HERE, boot
from sdk import Conflict, Record
from tests.probe import plugin as probe
from tests.probe.fixtures import CUSTOMERS, PROBE, PROBE_MORE
from tests.probe_more import plugin as _probe_more  # noqa: F401 (its tables are declared, whichever test comes first)

NAMES = ("core", "customers", "probe", "probe_more")
CORE = Branch("core", HERE / "migrations")


def folders(tmp_path: Path) -> tuple[Branch, Branch]:
    """The two probes with no migration yet."""
    return Branch("probe", tmp_path / "probe"), Branch("probe_more", tmp_path / "probe_more")


def shape_of(database: Database, prefix: str) -> dict[str, object]:
    """Columns, keys, links and indexes of a plugin's tables."""
    inspector = sa.inspect(database.engine)
    found: dict[str, object] = {}
    for table in inspector.get_table_names():
        if table.startswith(prefix):
            found[table] = (
                sorted((c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)),
                inspector.get_pk_constraint(table)["constrained_columns"],
                sorted((k["constrained_columns"], k["referred_table"], k["referred_columns"]) for k in inspector.get_foreign_keys(table)),
                sorted((i["name"], i["column_names"], bool(i["unique"])) for i in inspector.get_indexes(table)),
            )
    return found


@pytest.fixture
def at_core(empty_database: Database) -> Database:
    """A database with core's tables alone."""
    migrate.upgrade(empty_database, [CORE])
    return empty_database


def test_the_first_revision_makes_the_declared_tables_and_a_second_has_nothing_to_do(at_core: Database, tmp_path: Path) -> None:
    first, second = folders(tmp_path)
    for branch in (first, second):
        written = revise(at_core, branch, "the first tables", beside=NAMES)
        assert written is not None
        assert written.name == "0001_the_first_tables.py"
        migrate.upgrade(at_core, [branch])
        assert revise(at_core, branch, "again", beside=NAMES) is None, "the database is as declared"


def test_the_written_schema_is_that_of_the_declared_classes(at_core: Database, tmp_path: Path) -> None:
    """SQLAlchemy's own CREATE TABLE of the classes is the oracle."""
    first, second = folders(tmp_path)
    for branch in (first, second):
        revise(at_core, branch, "tables", beside=NAMES)
        migrate.upgrade(at_core, [branch])
    written = shape_of(at_core, "probe")
    for branch in (second, first):
        migrate.downgrade(at_core, branch, "base")
    assert shape_of(at_core, "probe") == {}
    ours = [table for table in Record.metadata.sorted_tables if table.name.startswith("probe")]
    Record.metadata.create_all(at_core.engine, tables=ours)
    assert written == shape_of(at_core, "probe")


def test_the_same_declaration_gives_the_same_file(at_core: Database, tmp_path: Path) -> None:
    one = revise(at_core, Branch("probe", tmp_path / "one"), "tables", beside=NAMES)
    other = revise(at_core, Branch("probe", tmp_path / "other"), "tables", beside=NAMES)
    assert one is not None
    assert other is not None
    assert (
        one.read_text()
        == other.read_text()
        == (Path(probe.__file__).parent / "migrations" / "0001_everything_once.py").read_text().replace("Everything once", "Tables")
    )


def test_a_new_field_becomes_a_column_in_the_next_revision(at_core: Database, tmp_path: Path) -> None:
    branch, _second = folders(tmp_path)
    written = revise(at_core, branch, "tables", beside=NAMES)
    assert written is not None
    lines = written.read_text().splitlines()
    kept = [line for line in lines if '"size"' not in line and '"probe_things", "day"' not in line]
    assert len(kept) == len(lines) - 2
    written.write_text("\n".join(kept) + "\n")
    migrate.upgrade(at_core, [branch])
    second = revise(at_core, branch, "a size", beside=NAMES)
    assert second is not None
    assert second.name == "0002_a_size.py"
    migrate.upgrade(at_core, [branch])
    assert revise(at_core, branch, "again", beside=NAMES) is None
    migrate.downgrade(at_core, branch, "0001")
    assert "size" not in {c["name"] for c in sa.inspect(at_core.engine).get_columns("probe_things")}


def test_a_plugin_keeps_its_hands_off_tables_of_a_plugin_whose_name_begins_like_its_own(at_core: Database, tmp_path: Path) -> None:
    first, second = folders(tmp_path)
    written = revise(at_core, first, "tables", beside=[second.plugin])
    assert written is not None
    assert "probe_more" not in written.read_text()


def test_a_revision_needs_the_schema_to_be_at_the_newest_one(at_core: Database, tmp_path: Path) -> None:
    branch, _second = folders(tmp_path)
    assert revise(at_core, branch, "tables", beside=NAMES) is not None
    with pytest.raises(Conflict, match="upgrade"):
        revise(at_core, branch, "once more", beside=NAMES)


def test_the_tables_that_a_revision_makes_are_behind_the_wall(at_core: Database, tmp_path: Path) -> None:
    if at_core.is_sqlite:
        pytest.skip("SQLite has no row-level security")
    branch, _second = folders(tmp_path)
    revise(at_core, branch, "tables", beside=NAMES)
    migrate.upgrade(at_core, [branch])
    with at_core.reading_as_owner() as connection:
        query = (
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'probe%%' AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        assert connection.exec_driver_sql(query).scalars().all() == []


@pytest.mark.parametrize("point", [CUSTOMERS, PROBE, PROBE_MORE], ids=lambda point: point.name)
def test_the_kept_migrations_are_those_of_the_declarations(empty_database_url: str, tmp_path: Path, point: EntryPoint) -> None:
    booted = boot(Config(tmp_path, empty_database_url), entry_points=(CUSTOMERS, PROBE, PROBE_MORE), check_schema=False)
    migrate.upgrade(booted.database, booted.branches())
    branch = next(branch for branch in booted.branches() if branch.plugin == point.name)
    here = sorted(branch.directory.iterdir())
    try:
        made = revise(booted.database, branch, "missing", beside=NAMES)
        assert made is None, made.read_text()
    finally:
        for extra in set(branch.directory.glob("*_missing.py")) - set(here):
            extra.unlink()
        booted.close()
