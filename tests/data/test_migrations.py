"""Migrations: up, down and up again, whole or not at all, each plugin for itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.config import Config
from core.data import migrate
from core.data.engine import Database
from core.data.heads import declared_head
from core.data.migrate import Branch
from core.platform import HERE, boot
from core.testkit.rules.schema import SCHEMA as SCHEMA_OF_SQLITE
from core.testkit.templates import Templates
from tests.architecture.source import ROOT
from tests.probe.fixtures import CUSTOMERS, OURS, PROBE, PROBE_MORE

CORE = Branch("core", HERE / "migrations")
EVERYBODY = (*OURS, PROBE, PROBE_MORE)
SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade():
    {up}


def downgrade():
    {down_step}
"""


def write(folder: Path, revision: str, down: str | None, up: str, down_step: str = "pass") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = SCRIPT.format(revision=revision, down=repr(down), up=up, down_step=down_step)
    (folder / f"{revision}_step.py").write_text(text, encoding="utf-8")


def create(name: str) -> str:
    return f'op.create_table("{name}", sa.Column("id", sa.Integer(), primary_key=True))'


def tables(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names())


SCHEMA = {
    "sqlite": SCHEMA_OF_SQLITE,
    "postgresql": """
        SELECT c.relname, 'column', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT tablename, 'index', indexname, indexdef, NULL FROM pg_indexes WHERE schemaname = current_schema()""",
}
"""Every table with its columns and indexes in one statement."""


def schema(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every table with its columns and indexes, to compare."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with database.reading_as_owner() as connection:
        for table, *part in connection.exec_driver_sql(SCHEMA[connection.dialect.name]):
            if not table.startswith("migrations_"):
                found.setdefault(table, []).append(tuple(part))
    return {table: sorted(parts, key=repr) for table, parts in found.items()}


def branches(database_url: str, folder: Path) -> list[Branch]:
    booted = boot(Config(folder, database_url), entry_points=EVERYBODY, check_schema=False)
    booted.close()
    return booted.branches()


@pytest.mark.feature("P10")
def test_each_plugin_migrates_up_down_and_up_again(empty_database: Database, empty_database_url: str, tmp_path: Path) -> None:
    """The plugins that build on it go down before it, as `requires` says; each finds what it stood on, and comes back to the same schema."""
    chain, stood = branches(empty_database_url, tmp_path), list[dict[str, list[tuple[object, ...]]]]()
    migrate.upgrade(empty_database, chain)
    assert {branch.plugin for branch in chain} == {"core", *(point.name for point in EVERYBODY)}
    for branch in reversed(chain):
        stood.append(schema(empty_database))
        migrate.downgrade(empty_database, branch, "base")
        left = {table for table in tables(empty_database) if table.startswith(f"{branch.plugin}_")}
        assert not left - {f"{branch.plugin}_more_points"}, left
    assert not schema(empty_database)
    for branch in chain:
        migrate.upgrade(empty_database, [branch])
        assert schema(empty_database) == stood.pop(), branch.plugin
    assert migrate.behind(empty_database, chain) == {}


@pytest.mark.feature("P10")
def test_each_plugin_has_a_version_table_of_its_own(database_templates: Templates, tmp_path: Path) -> None:
    with database_templates.copy(EVERYBODY) as url:
        chain, database = branches(url, tmp_path), Database(url)
        assert {branch.version_table for branch in chain if branch.head()} <= tables(database)
        assert migrate.upgrade(database, chain) == []
        assert migrate.behind(database, chain) == {}
        database.close()


def test_the_head_that_files_declare_is_the_one_that_alembic_finds(empty_database_url: str, tmp_path: Path) -> None:
    for branch in branches(empty_database_url, tmp_path):
        assert declared_head(branch.directory) == branch.scripts().get_current_head(), branch.plugin


@pytest.mark.parametrize(
    ("second", "head"),
    [
        ("revision: str = '0002'  # the second\ndown_revision: str | None = '0001'\n", "0002"),
        ("revision = '000' + '2'\ndown_revision = '0001'\n", "0002"),
        ("revision, down_revision = '0002', '0001'\n", "0002"),
        ("revision = '0002'\ndown_revision = ('0001',)\n", "0002"),
        ('"""\nrevision = "0009"\n"""\n\nrevision = "0002"\ndown_revision = "0001"\n', "0002"),
    ],
)
def test_a_head_that_is_not_declared_plainly_is_found_by_running_the_files(tmp_path: Path, second: str, head: str) -> None:
    write(tmp_path / "odd", "0001", None, "pass")
    (tmp_path / "odd" / "0002_step.py").write_text(second, encoding="utf-8")
    assert Branch("odd", tmp_path / "odd").head() == head


@pytest.mark.feature("P10")
def test_a_migration_that_fails_half_way_leaves_nothing(empty_database: Database, tmp_path: Path) -> None:
    branch = Branch("shaky", tmp_path / "shaky")
    write(branch.directory, "0001", None, create("shaky_one") + "\n    raise RuntimeError('half-way')")
    with pytest.raises(RuntimeError, match="half-way"):
        migrate.upgrade(empty_database, [branch])
    assert not {table for table in tables(empty_database) if "shaky" in table}


@pytest.mark.feature("P10")
def test_a_chain_that_fails_at_its_second_step_leaves_the_plugin_as_it_was(empty_database: Database, tmp_path: Path) -> None:
    branch = Branch("shaky", tmp_path / "shaky")
    write(branch.directory, "0001", None, create("shaky_one"))
    migrate.upgrade(empty_database, [branch])
    write(branch.directory, "0002", "0001", create("shaky_two"))
    write(branch.directory, "0003", "0002", "op.execute('INSERT INTO shaky_one VALUES (1)')\n    op.execute('no SQL at all')")
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(empty_database, [branch])
    assert "shaky_two" not in tables(empty_database)
    with empty_database.reading_as_owner() as connection:
        assert migrate.current(connection, branch) == "0001"
        assert connection.exec_driver_sql("SELECT count(*) FROM shaky_one").scalar() == 0


@pytest.mark.feature("P10")
def test_what_came_before_a_failing_plugin_stays(empty_database: Database, tmp_path: Path) -> None:
    sound, shaky = Branch("sound", tmp_path / "sound"), Branch("shaky", tmp_path / "shaky")
    write(sound.directory, "0001", None, create("sound_one"))
    write(shaky.directory, "0001", None, create("shaky_one") + "\n    raise RuntimeError('no')")
    with pytest.raises(RuntimeError):
        migrate.upgrade(empty_database, [sound, shaky])
    assert {"sound_one", "migrations_sound"} <= tables(empty_database)
    assert "shaky_one" not in tables(empty_database)


def test_a_failing_way_down_leaves_the_plugin_as_it_was(empty_database: Database, tmp_path: Path) -> None:
    branch = Branch("shaky", tmp_path / "shaky")
    write(branch.directory, "0001", None, create("shaky_one"), "op.drop_table('shaky_one')\n    raise RuntimeError('no')")
    migrate.upgrade(empty_database, [branch])
    with pytest.raises(RuntimeError):
        migrate.downgrade(empty_database, branch, "base")
    assert "shaky_one" in tables(empty_database)
    assert migrate.behind(empty_database, [branch]) == {}


@pytest.mark.feature("P10")
def test_a_plugin_whose_code_is_gone_is_an_orphan_and_blocks_nobody(empty_database: Database, tmp_path: Path) -> None:
    gone, here = Branch("gone", tmp_path / "gone"), Branch("here", tmp_path / "here")
    write(gone.directory, "0001", None, create("gone_one"))
    migrate.upgrade(empty_database, [gone])
    write(here.directory, "0001", None, create("here_one"))
    assert migrate.upgrade(empty_database, [here]) == [("here", None, "0001")]
    assert migrate.orphans(empty_database, [here]) == ["gone"]


def test_processes_that_upgrade_at_once_do_it_once(empty_database_url: str, tmp_path: Path) -> None:
    """All succeed; what the one did the others find done. They are forks of one process, which has imported for all."""
    script = f"""
from multiprocessing import get_context
from pathlib import Path
from core.config import Config
from core.data import migrate
from core.platform import boot
forked = get_context("fork")
together, moved = forked.Barrier(3), forked.SimpleQueue()
def upgrade():
    booted = boot(Config(Path({str(tmp_path)!r}), {empty_database_url!r}, plugins=("customers",)), check_schema=False)
    together.wait(60)
    moved.put([name for name, _before, _after in migrate.upgrade(booted.database, booted.branches())])
running = [forked.Process(target=upgrade) for _each in range(3)]
for process in running:
    process.start()
for process in running:
    process.join()
assert [process.exitcode for process in running] == [0, 0, 0]
print(*(name for _each in running for name in moved.get()))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["core", "customers"], "whichever process came first to each"


def test_a_boot_against_an_older_schema_takes_out_the_plugin_alone(empty_database_url: str, tmp_path: Path) -> None:
    """See tests/extension for what serves then."""
    with_two = boot(Config(tmp_path, empty_database_url), entry_points=(CUSTOMERS, PROBE), check_schema=False)
    migrate.upgrade(with_two.database, [CORE, *(b for b in with_two.branches() if b.plugin == "customers")])
    booted = boot(Config(tmp_path, empty_database_url), entry_points=(CUSTOMERS, PROBE))
    assert {plugin.name: plugin.state.value for plugin in booted.plugins} == {"customers": "loaded", "probe": "behind"}
    booted.close()
    with_two.close()
