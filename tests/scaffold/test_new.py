"""`dealwright plugin new`: what it writes, and what it refuses to write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner

from core.cli.main import main
from core.extension.project import project_in
from core.platform import Platform
from core.scaffold.generate import generate
from core.testkit.rules import Package
from core.testkit.rules.shipped import unpackaged
from sdk import BadRequest, Conflict, DeclarationError, Invalid
from tests.architecture.source import ROOT


@pytest.mark.feature("P23")
def test_a_new_plugin_has_all_that_a_plugin_has(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["plugin", "new", "fleet", "--into", str(tmp_path)])
    assert said.exit_code == 0, said.output
    files = {path.relative_to(tmp_path / "fleet").as_posix() for path in (tmp_path / "fleet").rglob("*") if path.is_file()}
    package = "src/dealwright_fleet"
    assert files == {
        "README.md", "pyproject.toml", ".gitignore", ".github/workflows/test.yml", "tests/test_fleet.py",
        *(f"{package}/{name}.py" for name in ("__init__", "plugin", "tables", "finishing", "workflow", "routes", "pages")), f"{package}/templates/fleet/due.html",
        f"{package}/migrations/__init__.py", f"{package}/migrations/0001_items.py", f"{package}/locales/zh_CN.po",
    }  # fmt: skip
    project = project_in(tmp_path / "fleet")
    assert project is not None
    assert [(point.name, point.value) for point in project.points] == [("fleet", "dealwright_fleet.plugin")]


@pytest.mark.feature("P23")
def test_data_that_the_wheel_would_leave_out_are_told(tmp_path: Path) -> None:
    made = generate("fleet", tmp_path)
    (point,) = project_in(made).points  # type: ignore[union-attr]
    package = Package(point, made / "src" / "dealwright_fleet" / "plugin.py", cast("Platform", None))
    assert list(unpackaged(package)) == []
    project = made / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(', "templates/**/*.html"', ""), encoding="utf-8")
    (line,) = unpackaged(package)
    assert line == "dealwright_fleet/templates/fleet/due.html is under no [tool.setuptools.package-data]"
    project.write_text(text.replace('"*" = ["locales/*.po", "templates/**/*.html"]', ""), encoding="utf-8")
    assert len(list(unpackaged(package))) == 2
    project.write_text(text.replace("setuptools.build_meta", "hatchling.build").partition("[tool.setuptools")[0], encoding="utf-8")
    assert list(unpackaged(package)) == [], "another builder takes what is in a package"


@pytest.mark.parametrize("name", ["my-fleet", "Fleet", "f", "2fleet", "", "../fleet", "fleet" * 7])
def test_a_name_that_no_plugin_can_have_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="lowercase"):
        generate(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["core", "sdk", "custom", "customers"])
def test_a_name_that_is_taken_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Conflict, match="already"):
        generate(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict, match="--into"):
        generate("fleet", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["fleet", "notes"]
    with pytest.raises(BadRequest, match=r"can’t write to .*notes/sub.*choose a writable folder"):
        generate("fleet", tmp_path / "fleet" / "notes" / "sub")


def test_a_plugin_named_as_its_items_are_says_each_text_once(tmp_path: Path) -> None:
    made = generate("item", tmp_path)
    catalogue = (made / "src" / "dealwright_item" / "locales" / "zh_CN.po").read_text(encoding="utf-8")
    assert catalogue.count('msgid "Item"\n') == 1
    assert 'msgstr "条目"' in catalogue


@pytest.mark.parametrize(
    "text",
    [
        "not = = toml",
        '[project]\nentry-points = "x"',
        '[project.entry-points]\n"dealwright.plugins" = 3',
        '[project.entry-points."dealwright.plugins"]\nx = "no module"',
    ],
)
def test_a_project_file_that_does_not_fit_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"pyproject\.toml.*correct it"):
        project_in(tmp_path)


def test_a_folder_without_a_plugin_is_no_project(tmp_path: Path) -> None:
    assert project_in(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert project_in(tmp_path) is None


@pytest.mark.feature("P24")
def test_the_plugin_of_pytest_loads_nothing_heavy_before_a_fixture_is_asked_for() -> None:
    """It is loaded in every run of pytest on the machine. In a process of its own, since here everything is loaded already."""
    script = "import sys, pytest; before = set(sys.modules); import core.testkit.pytest_plugin; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert loaded == ["core", "core.testkit", "core.testkit.pytest_plugin"]
