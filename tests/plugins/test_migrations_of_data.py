"""Migrations on data: what a step down and up again does to the rows of everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.cli import demo
from core.config import Config
from core.data import migrate
from core.identity import tokens
from core.platform import Platform, boot
from core.testkit.fixtures import Clock
from core.testkit.templates import Content, Templates
from sdk import where
from sdk.context import id_of
from tests.plugins.imports import import_file
from tests.probe.fixtures import OURS

MONTHS = 2
type_rows = dict[str, tuple[list[str], list[tuple[object, ...]]]]


def fill(platform: Platform) -> None:
    """The demo of two months, a line of tokens, and an import."""
    demo.fill(platform, months=MONTHS)
    work = platform.system(demo.NAME)
    admin = id_of(work.records("core.user").find(where(email=demo.ADMIN), 1)[0])
    for _each in range(4):
        work.token = tokens.issue(work, admin, "made with the one before")[0]
    import_file(platform.system(demo.NAME), "customers.account", "name\nImported\n,\n")
    import_file(platform.system(demo.NAME), "customers.account", "name,city\nImported,Ulm\nNew,Ulm\n", mode="upsert", match=["name"])


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """All of ours but the forecast, whose demo takes longer than all else here and whose schema has one revision."""
    return tuple(point for point in OURS if point.name != "forecast")


@pytest.fixture
def seeded(database_templates: Templates, entry_points: Sequence[EntryPoint] | None, clock: Clock, tmp_path: Path) -> Iterator[Platform]:
    """The demo, at the newest revision of all plugins."""
    with database_templates.copy(entry_points, Content(fill, clock.now)) as url:
        booted = boot(Config(tmp_path, url), clock=clock, entry_points=entry_points)
        yield booted
        booted.close()


def rows(platform: Platform) -> type_rows:
    """Every table's columns by name, and its rows in an order of their own."""
    found = type_rows()
    with platform.database.begin_as_owner() as connection:
        for (_schema, table), columns in sa.inspect(connection).get_multi_columns().items():
            if not platform.database.is_sqlite:  # the owner sees none behind the wall
                connection.exec_driver_sql(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            names = sorted(str(column["name"]) for column in columns)
            query = sa.select(*(sa.column(name) for name in names)).select_from(sa.table(table))
            found[table] = (names, sorted((tuple(row) for row in connection.execute(query)), key=repr))
        connection.get_transaction().rollback()  # type: ignore[union-attr]
    return found


def origins(found: type_rows) -> list[tuple[object, ...]]:
    """What is written down of where records came from, whenever it was."""
    names, origins_ = found["import_export_origins"]
    told = ("import_id", "part_id", "entity", "stem", "first", "last", "records")
    return sorted((tuple(row[names.index(name)] for name in told) for row in origins_), key=repr)


def kept(before: type_rows, after: type_rows, table: str) -> bool:
    """Whether the rows are the same in the columns that both have."""
    (old, was), (new, now) = before[table], after[table]
    common = [name for name in old if name in new]

    def part(names: list[str], some: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return sorted((tuple(row[names.index(name)] for name in common) for row in some), key=repr)

    return part(old, was) == part(new, now)


@pytest.mark.feature("P10", "P28")
def test_each_plugin_goes_a_step_down_and_up_on_seeded_data_and_touches_nobody_elses(seeded: Platform) -> None:
    tried, up = list[str](), type_rows()
    for branch in reversed(seeded.branches()):
        steps = list(branch.scripts().walk_revisions()) if branch.head() else []
        if len(steps) < 2:  # one step down is all of it: see tests/data, where what leans on it goes first
            continue
        before = up or rows(seeded)
        migrate.downgrade(seeded.database, branch, "-1")
        down = rows(seeded)
        migrate.upgrade(seeded.database, [branch])
        up = rows(seeded)
        mine = {name for name in before if name.startswith(f"{branch.plugin}_") or name == branch.version_table}
        others = before.keys() - mine - (_given_away(branch.plugin))
        assert {name for name in others if before[name] != down[name] or before[name] != up[name]} == set(), branch.plugin
        assert up.keys() == before.keys()
        stayed = [name for name in mine & down.keys() if name not in (branch.version_table, "core_outbox")]  # an upgrade asks the worker
        assert [name for name in stayed if not kept(down, up, name)] == [], branch.plugin
        assert sum(len(down[name][1]) for name in stayed) > 0 or branch.plugin == "core", branch.plugin
        assert {name: up[name][0] for name in mine} == {name: before[name][0] for name in mine}
        assert before["core_tenant_plugins"] == up["core_tenant_plugins"], "what the migration fills in is what the gate writes"
        if branch.plugin == "import_export":
            assert origins(up) == origins(before) and len(origins(up)) == 3, "what the journals hold is found again"
        if branch.plugin == "core":
            assert before["core_token_secrets"] == up["core_token_secrets"], "with which one a token shares is found again"
        tried.append(branch.plugin)
    assert {"core", "customers", "company", "orders", "teamwork", "automation"} <= set(tried)


def _given_away(plugin: str) -> set[str]:
    """What a plugin hands over to core with the help of `sdk.migrations`, and takes back."""
    return {"core_tenants"} if plugin == "company" else set()
