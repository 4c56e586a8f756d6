"""`db revision` writes exactly what a plugin declares and the database lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.config import Config
from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from core.data.revise import _missing, _type, missing, revise
from core.platform import boot
from sdk import Conflict, Record, columns, migrations
from tests.probe import plugin as probe
from tests.probe.fixtures import CUSTOMERS, POINTS, PROBE, PROBE_MORE
from tests.probe_more import plugin as _probe_more  # noqa: F401 (its tables are declared, whichever test comes first)

NAMES = ("core", "customers", "probe", "probe_more")


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
    kept = [
        line
        for line in lines
        if not any(word in line for word in ('"size"', '"probe_things", "day"', '"whole_id"', '"probe_things", "board_id"'))
    ]
    assert len(kept) == len(lines) - 7  # among them two links, one of a column that is there
    written.write_text("\n".join(kept) + "\n")
    migrate.upgrade(at_core, [branch])
    second = revise(at_core, branch, "a size", beside=NAMES)
    assert second is not None
    assert second.name == "0002_a_size.py"
    before = shape_of(at_core, "probe_things")
    migrate.upgrade(at_core, [branch])
    assert revise(at_core, branch, "again", beside=NAMES) is None
    migrate.downgrade(at_core, branch, "0001")
    assert shape_of(at_core, "probe_things") == before
    migrate.upgrade(at_core, [branch])
    assert shape_of(at_core, "probe_things") != before
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
def test_the_kept_migrations_are_those_of_the_declarations(database_url: str, tmp_path: Path, point: EntryPoint) -> None:
    booted = boot(Config(tmp_path, database_url), entry_points=POINTS, check_schema=False)
    branch = next(branch for branch in booted.branches() if branch.plugin == point.name)
    here = sorted(branch.directory.iterdir())
    try:
        made = revise(booted.database, branch, "missing", beside=NAMES)
        assert made is None, made.read_text()
    finally:
        for extra in set(branch.directory.glob("*_missing.py")) - set(here):
            extra.unlink()
        booted.close()


TEXTS = st.builds(sa.String, st.integers(1, 400)) | st.builds(sa.CHAR, st.integers(1, 9))
NUMBERS = (
    st.builds(sa.Numeric, st.integers(11, 30), st.integers(0, 10)) | st.builds(sa.Numeric, st.integers(1, 30))
    | st.builds(sa.Float, st.integers(1, 53)) | st.sampled_from((sa.Numeric(), sa.Float(), sa.Double(), sa.REAL()))
    | st.builds(columns.Exact, st.integers(0, 10))
)  # fmt: skip
OTHERS = st.sampled_from((
    sa.Text(), sa.Integer(), sa.BigInteger(), sa.SmallInteger(), sa.Boolean(), sa.Date(), sa.Time(), sa.DateTime(), sa.DateTime(timezone=True),
    sa.LargeBinary(), sa.JSON(), sa.Interval(), columns.UtcDateTime(), columns.json_data(), columns.key(),
))  # fmt: skip
CHANGES = [
    (sa.String(40), sa.String(60)), (sa.Text(), sa.String(60)), (sa.Numeric(12, 2), sa.Numeric(14, 2)), (sa.Numeric(12, 2), sa.Numeric(12, 4)),
    (sa.Numeric(10), sa.Numeric(10, 2)), (columns.Exact(), columns.Exact(6)), (columns.Exact(6), columns.Exact()),
    (columns.Exact(), sa.BigInteger()), (sa.Float(), sa.Numeric(10)), (sa.CHAR(3), sa.CHAR(4)), (sa.Integer(), sa.BigInteger()),
]  # fmt: skip


@contextmanager
def declared(database: Database, tmp_path: Path, kinds: Sequence[Any], there: Sequence[Any] | None = None) -> Iterator[Branch]:
    """A table with columns of these types, which the database has with those that are `there`."""
    for made in (kinds if there is None else there, kinds):
        if (before := Record.metadata.tables.get("typed_rows")) is not None:
            Record.metadata.remove(before)
        table = sa.Table("typed_rows", Record.metadata, sa.Column("id", sa.Integer(), primary_key=True), *(
            sa.Column(f"c{number}", kind) for number, kind in enumerate(made)
        ))  # fmt: skip
        if made is not kinds or there is None:
            with database.begin_as_owner() as connection:
                table.create(connection, checkfirst=True)
    try:
        yield Branch("typed", tmp_path / "typed")
    finally:
        Record.metadata.remove(table)
        with database.begin_as_owner() as connection:
            table.drop(connection)


@settings(max_examples=6, phases=[Phase.generate], deadline=None)
@given(kinds=st.lists(TEXTS | NUMBERS | OTHERS, min_size=12, max_size=16))
def test_whatever_types_columns_have_there_is_nothing_to_do_once_they_are_there(
    at_core: Database, tmp_path: Path, kinds: list[Any]
) -> None:
    with declared(at_core, tmp_path, kinds) as branch:
        assert missing(at_core, branch) == []
    names = {"sa": sa, "columns": columns}
    said = at_core.engine.dialect.type_compiler_instance.process
    for kind in kinds:
        written = eval(_type(kind), names)  # noqa: S307 (our own words)
        assert said(written) == said(kind), "and what is written of a type is all of it"


def test_another_length_or_scale_is_found(at_core: Database, tmp_path: Path) -> None:
    before, after = zip(*CHANGES, strict=True)
    with declared(at_core, tmp_path, after, before) as branch:
        found = missing(at_core, branch)
        assert [line.partition(", type_=")[0] for line in found] == [
            f'migrations.alter_column(op, "typed_rows", "c{number}"' for number in range(len(CHANGES))
        ]
        both = 'using={"sqlite": migrations.SAY_HERE, "postgresql": migrations.SAY_HERE})'
        assert found[5].endswith(f"type_=columns.Exact(6), {both}")
        down = _missing(at_core, branch, ())[2]
        assert any(f'"c5", type_=columns.Exact(), {both}' in line for line in down), "and what it goes back to"
        with at_core.begin_as_owner() as connection:
            op = Operations(MigrationContext.configure(connection))
            for line in found:  # each as it is written: it goes through, or says what is missing
                asks = "SAY_HERE" in line
                with pytest.raises(ValueError, match=r"in the place of migrations\.SAY_HERE") if asks else nullcontext():
                    eval(line, {"op": op, "migrations": migrations, "sa": sa, "columns": columns})  # noqa: S307 (our own words)


def test_an_amount_keeps_its_scale_whatever_else_is_altered(at_core: Database, tmp_path: Path) -> None:
    with declared(at_core, tmp_path, [columns.Exact(6)]) as branch:
        with at_core.begin_as_owner() as connection:
            op = Operations(MigrationContext.configure(connection))
            op.add_column("typed_rows", sa.Column("late", columns.Exact(2)))
            migrations.alter_column(op, "typed_rows", "c0", nullable=False)
            migrations.alter_column(op, "typed_rows", "c0", nullable=True)
        assert "late" in "".join(missing(at_core, branch))
        assert "c0" not in "".join(missing(at_core, branch))
        with at_core.begin_as_owner() as connection:
            op = Operations(MigrationContext.configure(connection))
            migrations.alter_column(op, "typed_rows", "c0", type_=columns.Exact(2), using={"sqlite": "c0 / 10000", "postgresql": "c0"})
        assert "columns.Exact(6)" in "".join(line for line in missing(at_core, branch) if "c0" in line)
