"""Packages come whole or not at all, and a schema moves for all new plugins or for none."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import builtin
from core.data import migrate
from core.extension import installer
from core.extension.upgrading import Place, upgrade_all, upgrade_or_none
from core.platform import Platform
from sdk import Conflict, Invalid, Unavailable
from tests.probe.fixtures import CUSTOMERS, PROBE, PROBE_MORE


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """Two plugins that come together."""
    return (CUSTOMERS, PROBE, PROBE_MORE)


class Pip:
    """What pip does, to an environment that is a dictionary."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, brings: dict[str, str]) -> None:
        self.packages, self.brings, self.said = {"dealwright": "0.1"}, brings, list[list[str]]()
        monkeypatch.setattr(installer, "installed", lambda: dict(self.packages))

    def __call__(self, words: Sequence[str]) -> None:
        self.said.append(list(words))
        if words[0] == "install":
            assert Path(words[2]).read_text(encoding="utf-8") == "dealwright==0.1\n"  # what is there stays as it is
            self.packages |= self.brings
        else:
            for name in words[2:]:
                del self.packages[name]


def test_a_package_without_a_plugin_goes_again_with_what_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(monkeypatch, {"something": "1.0", "what-it-needs": "2.0"})
    with pytest.raises(Invalid, match=r"no entry point in the group dealwright\.plugins"), installer.added("something", pip):
        pytest.fail("there is nothing to add")
    assert pip.packages == {"dealwright": "0.1"}


def test_a_package_that_is_there_already_is_not_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(monkeypatch, {})
    with pytest.raises(Conflict, match="already installed"), installer.added("dealwright", pip):
        pytest.fail("there is nothing to add")
    assert [words[0] for words in pip.said] == ["install"]


def test_the_name_of_a_folder_that_is_here_fetches_no_strangers_package_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fleet").mkdir()
    monkeypatch.chdir(tmp_path)
    pip = Pip(monkeypatch, {})
    with pytest.raises(Conflict), installer.added("fleet", pip):
        pytest.fail("there is nothing to add")
    assert pip.said[0][-2:] == ["--", str(tmp_path / "fleet")]


def test_a_source_cannot_be_an_option_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(monkeypatch, {})
    with pytest.raises(Conflict), installer.added("--target=/somewhere", pip):
        pytest.fail("there is nothing to add")
    assert pip.said[0][-2:] == ["--", "--target=/somewhere"]


PIP_SAID = """error: subprocess-exited-with-error

  x Preparing metadata (pyproject.toml) did not run successfully.
      error: invalid command 'bdist_wheel'

error: metadata-generation-failed

note: This is an issue with the package mentioned above, not pip.
hint: See above for details.
"""


def test_what_pip_fails_by_is_told_not_the_hint_that_it_ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat >&2 <<'SAID'\n{PIP_SAID}SAID\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(installer.sys, "executable", str(python))
    with pytest.raises(Unavailable, match=r"^pip failed: .*invalid command 'bdist_wheel'; error: metadata-generation-failed$"):
        installer.pip(["install", "fleet"])


def down(platform: Platform) -> list[migrate.Branch]:
    """The branches of the two probes, taken down and forgotten."""
    both = [branch for branch in platform.branches() if branch.plugin.startswith("probe")]
    for branch in reversed(both):
        migrate.downgrade(platform.database, branch, "base")
        migrate.forget(platform.database, branch)
    return both


@pytest.mark.feature("P7")
def test_where_the_second_refuses_the_first_goes_back(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    both = down(platform)
    asked: list[tuple[str | None, str]] = []

    def refuse(ctx: Place, before: str | None, after: str) -> None:
        asked.append((before, after))
        raise Unavailable("not on this machine")

    ours = platform.calls.implementers
    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [("probe_more", refuse)] if hook == "before_upgrade" else ours(hook))
    with pytest.raises(Unavailable, match="not on this machine"):
        upgrade_or_none(platform, both)
    assert asked == [(None, "0001")]
    assert not [name for name in sa.inspect(platform.database.engine).get_table_names() if "probe" in name]


@pytest.mark.feature("P7")
def test_who_is_up_to_date_is_not_asked(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(ctx: Place, before: str | None, after: str) -> None:
        pytest.fail("there is nothing to do")

    monkeypatch.setattr(platform.calls, "implementers", lambda hook: [("probe", refuse), ("core", refuse)])
    assert upgrade_all(platform, platform.branches()) == []


def test_data_of_a_newer_version_are_not_touched_by_older_code(platform: Platform) -> None:
    branch = next(branch for branch in platform.branches() if branch.plugin == "probe")
    with platform.database.begin_as_owner() as connection:
        connection.exec_driver_sql("UPDATE migrations_probe SET version_num = '0099'")
    with pytest.raises(Conflict, match=r"at revision 0099.*newer version"):
        upgrade_or_none(platform, [branch])
    assert "probe_things" in sa.inspect(platform.database.engine).get_table_names()


def test_an_sqlite_that_would_fail_half_way_is_refused() -> None:
    with pytest.raises(Unavailable, match=r"SQLite 3\.34 is too old: expected 3\.35"):
        builtin.before_upgrade(Place("sqlite", (3, 34)), None, "0001")
    builtin.before_upgrade(Place("sqlite", (3, 35)), None, "0001")
    builtin.before_upgrade(Place("postgresql", (14, 1)), None, "0001")
