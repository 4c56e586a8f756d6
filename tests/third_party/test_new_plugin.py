"""A package that `dealwright plugin new` made in an empty directory, in an environment that has Dealwright and nothing else of ours."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.third_party.installation import House, environment

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1"}
"""What pip is told here; it reads this "0" as \"without isolation\"."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> House:
    """An environment of its own, since a plugin is put into it and taken out of it; its home is the package."""
    folder = tmp_path_factory.mktemp("new")
    python = environment(folder)
    house = House(python, folder, f"sqlite:///{folder / 'house.sqlite3'}")
    house.do("plugin", "new", "fleet", "--into", str(folder / "empty"))
    made = folder / "empty" / "fleet"
    (made / "dealwright.toml").write_text(
        'plugins = ["console", "customers", "fleet", "flying"]\n', encoding="utf-8"
    )  # as small as an installation can be
    return House(python, made, house.database_url)


@pytest.mark.feature("P23", "P24")
def test_its_tests_pass_before_it_is_installed(fleet: House) -> None:
    """pytest has the fixtures by the entry point of Dealwright; the package imports the sdk alone."""
    done = subprocess.run(
        [fleet.python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        check=False, capture_output=True, text=True, cwd=fleet.home, env=fleet.environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


@pytest.mark.feature("P23")
def test_it_keeps_the_contract(fleet: House) -> None:
    said = fleet.run("plugin", "check")
    assert (said.code, said.out.partition("\n")[0]) == (0, "fleet"), said
    assert "broken" not in said.out


ITEM = """
from core.config import load
from core.platform import boot
boot(load()).system("acme").records("fleet.item").create({"name": "Kept"})
"""


def items(house: House) -> list[tuple[object, ...]]:
    """All items, as the database has them."""
    with closing(sqlite3.connect(database(house))) as connection:
        return connection.execute("SELECT * FROM fleet_items").fetchall()


def database(house: House) -> Path:
    """The file of a house on SQLite."""
    return Path(house.database_url.removeprefix("sqlite:///"))


@pytest.mark.feature("P8", "P23")
def test_it_is_added_used_archived_found_again_and_purged(fleet: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    with fleet.kept() as house:
        added = house.do("plugin", "add", str(fleet.home), "--yes")
        assert "entities: fleet.item" in added
        assert "fleet: nothing -> 0001" in added
        never = house.run("plugin", "remove", "flying", "--archive")
        assert (never.code, "neither plugin 'flying' nor data of it" in never.err) == (2, True), "though `plugins` names it"
        house.do("tenant", "create", "acme", "--admin", "admin@acme.example")
        subprocess.run([fleet.python, "-P", "-c", ITEM], check=True, cwd=fleet.home, env=fleet.environment())
        before = items(fleet)
        held = house.run("plugin", "remove", "fleet")
        assert (held.code, "'fleet' is on for acme" in held.err) == (2, True), held
        house.do("plugin", "disable", "fleet", "--tenant", "acme")
        assert json.loads(house.do("plugin", "remove", "fleet", "--plan", "--json"))["done"] == ""
        assert "fleet is archived" in house.do("plugin", "remove", "fleet"), "which keeps its data, unless something else is said"
        (line,) = [line for line in house.do("plugin", "list").splitlines() if line.startswith("fleet")]
        assert "archived" in line
        assert "1 rows kept" in line
        assert "take it out of `plugins`" in line
        again = house.run("plugin", "remove", "fleet", "--archive")
        assert (again.code, "already gone, and its data is kept" in again.err) == (2, True), again
        assert "again: 1 rows" in house.do("plugin", "add", str(fleet.home), "--yes")
        house.do("plugin", "enable", "fleet", "--tenant", "acme")
        assert (len(before), items(fleet)) == (1, before)
        house.do("plugin", "disable", "fleet", "--tenant", "acme")
        assert house.run("plugin", "remove", "fleet", "--purge", "--yes", "flee").code == 2
        purged = json.loads(house.do("plugin", "remove", "fleet", "--purge", "--yes", "fleet", "--json"))
        assert (purged["done"], purged["rows"]) == ("purged", 1)
        assert house.do("db", "orphans") == ""


@pytest.mark.feature("P7")
def test_a_plugin_that_refuses_its_installation_leaves_everything_as_it_was(fleet: House) -> None:
    menu = fleet.home / "src" / "dealwright_fleet" / "plugin.py"
    sound = menu.read_text(encoding="utf-8")
    refusal = '\n\n@hookimpl\ndef before_upgrade(ctx, before, after):\n    raise OSError(f"no {ctx.dialect} here, {before} to {after}")\n'
    fleet.do("db", "upgrade")  # what the platform itself has to make is no part of it
    menu.write_text(sound + refusal, encoding="utf-8")
    dump, there = state(fleet), packages(fleet)
    said = fleet.run("plugin", "add", str(fleet.home), "--yes", **OFFLINE)
    assert (said.code, "no sqlite here, None to 0001" in said.err, "'fleet' failed in before_upgrade" in said.err) == (2, True, True), said
    assert (state(fleet), packages(fleet)) == (dump, there)
    menu.write_text(sound, encoding="utf-8")


def state(house: House) -> list[str]:
    """Schema and data."""
    with closing(sqlite3.connect(database(house))) as connection:
        return list(connection.iterdump())


def packages(house: House) -> list[Path]:
    """The files that pip has put into the environment."""
    site = house.python.parents[1] / "lib"
    return sorted(path.relative_to(site) for path in site.rglob("*") if "__pycache__" not in path.parts)
