"""The wheel holds core, plugins and sdk with what they need, and serves in an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST = """
from functools import partial
from core.cli import demo, main
demo.fill = partial(demo.fill, months=2)
for words in ("plugin doctor", "demo --fill-only", "report pipeline.deal --tenant demo --by status"):
    assert not main.main(words.split(), standalone_mode=False), words
"""
"""What one does first, `dealwright demo` of two months: the more of the same takes a while, and is filled elsewhere."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of what git knows, so that nothing lying about gets in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(source)])
    (made,) = out.glob("*.whl")
    return made


def _run(command: list[str], **more: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_wheel_holds_the_three_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} - {f"{wheel.name.split('-py3')[0]}.dist-info"} == {"core", "plugins", "sdk"}
    wanted = {
        str(path.relative_to(ROOT))
        for folder in ("core", "plugins", "sdk")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - set(names) == set()


def test_the_wheel_installs_and_serves_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env")
    bin_ = tmp_path / "env" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(bin_ / "python"), "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-compile", str(wheel)])  # Python compiles the part of it that serves
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DATABASE_URL", "VIRTUAL_ENV")}
    environment = {**kept, "DEALWRIGHT_HOME": str(tmp_path / "home")}
    listed = _run([str(bin_ / "dealwright"), "plugin", "list"], cwd=tmp_path, env=environment)
    states = {line.split()[0]: line for line in listed.splitlines()}
    asked_for_apart = {"documents", "forecast"}  # what they need is heavy: they say so, and the rest serves
    assert {name for name, line in states.items() if line.split()[2] == "missing_extra"} == asked_for_apart
    assert {line.split()[2] for name, line in states.items() if name not in asked_for_apart} == {"loaded"}
    shown = _run([str(bin_ / "python"), "-c", FIRST], cwd=tmp_path, env=environment)
    doctor, address, more = shown.partition("\naddress ")
    assert address and "documents is missing_extra" in doctor, "and well"
    filled, of_pipelines, report = more.partition("status")
    assert "dw_" in filled and of_pipelines and "won" in report
