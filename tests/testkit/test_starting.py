"""What it takes until a first test begins: the platform's modules as they are installed, and a database that is there already."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from core import platform
from core.data import migrate
from core.data.migrate import Branch
from core.extension.discover import GROUP
from core.testkit import shelf
from core.testkit.shelf import Shelf
from core.testkit.templates import Templates

COMPANY: Sequence[EntryPoint] = (EntryPoint("company", "plugins.company.plugin", GROUP),)


@pytest.mark.feature("P24")
def test_the_platform_under_test_is_the_one_that_is_installed() -> None:
    """pytest compiles the modules of whoever has a plugin of it anew, with other asserts: 1 s of the 2.2 s before a first test."""
    assert type(platform.__loader__) is SourceFileLoader
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    """A plugin with a migration."""
    package = tmp_path / "fleet"
    for name in ("__init__.py", "tables.py", "migrations/0001_cars.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("made = 1\n", encoding="utf-8")
    return Branch("fleet", package / "migrations")


@pytest.fixture
def kept(tmp_path: Path, branch: Branch) -> Shelf:
    """Where the database of that plugin is kept."""
    (tmp_path / "shelf").mkdir()
    (tmp_path / "made").write_text("its tables", encoding="utf-8")
    there = Shelf(tmp_path / "shelf")
    there.put([branch], tmp_path / "made")
    return there


def test_a_kept_database_is_that_of_the_same_plugins_with_the_same_code(tmp_path: Path, branch: Branch, kept: Shelf) -> None:
    assert kept.take([branch], tmp_path / "copy")
    assert (tmp_path / "copy").read_text(encoding="utf-8") == "its tables"
    assert not kept.take([], tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", ["tables.py", "migrations/0001_cars.py", "migrations/0002_more.py"])
def test_a_module_that_a_migration_may_use_has_changed(tmp_path: Path, branch: Branch, kept: Shelf, name: str) -> None:
    module = branch.directory.parent / name
    there = module.stat().st_mtime_ns if module.exists() else 0
    module.write_text("made = 2\n", encoding="utf-8")
    os.utime(module, ns=(there + 1, there + 1))
    assert not kept.take([branch], tmp_path / "copy")


def test_only_the_databases_made_last_are_kept(tmp_path: Path, branch: Branch, kept: Shelf) -> None:
    for number in range(shelf.MOST):
        for file in (tmp_path / "shelf").iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
        kept.put([branch, Branch(f"more{number}", branch.directory)], tmp_path / "made")
    assert len(list((tmp_path / "shelf").iterdir())) == shelf.MOST
    assert not kept.take([branch], tmp_path / "copy")


def test_the_next_session_finds_the_database_of_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    (tmp_path / "shelf").mkdir()
    for session in ("first", "second"):
        (tmp_path / session).mkdir()
        templates = Templates(tmp_path / session, shelf=Shelf(tmp_path / "shelf"))
        with templates.copy(COMPANY) as url, closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            made.append(list(connection.iterdump()))
        monkeypatch.setattr(migrate, "upgrade", lambda *_all: pytest.fail("made anew"))
    assert made[0] == made[1]
    assert any("company_currencies" in line for line in made[0])


def test_who_wants_what_another_is_making_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, upgrade = list[str](), migrate.upgrade

    def counted(database: Any, branches: Any) -> Any:
        made.append(database.path)
        return upgrade(database, branches)

    monkeypatch.setattr(migrate, "upgrade", counted)

    def copied(worker: str) -> None:
        (tmp_path / worker).mkdir()
        with Templates(tmp_path / worker, shelf=Shelf(tmp_path / "shelf")).copy(COMPANY):
            pass

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(copied, ("one", "other")))
    assert len(made) == 1
