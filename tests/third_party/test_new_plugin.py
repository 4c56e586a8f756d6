"""A package that `dealwright plugin new` made in an empty directory, in an environment that has Dealwright and nothing else of ours."""

from __future__ import annotations

import subprocess

import pytest

from tests.third_party.installation import House, environment, installed


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> House:
    """An environment of its own, since a plugin is put into it and taken out of it; its home is the package."""
    folder = tmp_path_factory.mktemp("new")
    python = environment(folder)
    house = House(python, folder, f"sqlite:///{folder / 'house.sqlite3'}")
    house.do("plugin", "new", "fleet", "--into", str(folder / "empty"))
    made = folder / "empty" / "fleet"
    (made / "dealwright.toml").write_text('plugins = ["customers", "fleet"]\n', encoding="utf-8")  # as small as an installation can be
    return House(python, made, house.database_url)


@pytest.mark.feature("P23", "P24")
def test_its_tests_pass_before_it_is_installed(fleet: House) -> None:
    """pytest has the fixtures by the entry point of Dealwright; the package imports the sdk alone."""
    done = subprocess.run(
        [fleet.python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        check=False, capture_output=True, text=True, cwd=fleet.home, env=fleet.environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


@pytest.mark.feature("P23")
def test_it_keeps_the_contract(fleet: House) -> None:
    said = fleet.run("plugin", "check")
    assert (said.code, said.out.partition("\n")[0]) == (0, "fleet"), said
    assert "broken" not in said.out


@pytest.mark.feature("P23")
def test_installed_it_serves(fleet: House) -> None:
    installed(fleet.python, fleet.home)
    fleet.do("db", "upgrade")
    lines = {line.split()[0]: line.split()[2] for line in fleet.do("plugin", "list").splitlines()}
    assert lines["fleet"] == "loaded"
    assert fleet.run("plugin", "check", "fleet").code == 0
    assert "there is a plugin 'fleet' already" in fleet.run("plugin", "new", "fleet").err
