"""Packages of plugins: put into the running environment by pip, and taken out of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.metadata import distributions, entry_points
from pathlib import Path

from core.extension.discover import GROUP
from sdk import Conflict, Invalid, Unavailable, _

type_run = Callable[[Sequence[str]], None]


def pip(words: Sequence[str]) -> None:
    """Run pip in this environment; raises Unavailable with the errors that it told, or else what it said last."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (our own python)
    invalidate_caches()
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if line.strip()]
        errors = [line.strip() for line in said if line.strip().lower().startswith("error:")]  # it ends with a hint to look above
        raise Unavailable(_("pip failed: {reason}"), reason="; ".join(errors or said[-1:]) or f"exit code {done.returncode}")


def installed() -> dict[str, str]:
    """The packages of this environment by name, with their versions; of two of one name the one that is imported."""
    found: dict[str, str] = {}
    for distribution in distributions():
        found.setdefault(distribution.name, distribution.version)
    return found


@contextmanager
def added(source: str, run: type_run = pip) -> Iterator[list[str]]:
    """Install a package, with what it needs, for the length of the block; kept where the block ends well. Gives the new plugins' names.

    No package that is there changes its version, so that taking out what came in leaves the environment as it was. The name of a
    folder or file that is here means that one, where pip would fetch whatever has the name elsewhere.
    Raises Unavailable where pip fails, Invalid for a package without a plugin, Conflict where it is there already.
    """
    before = installed()
    points = {point.name: point for point in entry_points(group=GROUP)}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "constraints.txt"
        kept.write_text("".join(f"{name}=={version}\n" for name, version in before.items()), encoding="utf-8")
        run(["install", "--constraint", str(kept), "--", str(Path(source).resolve()) if Path(source).exists() else source])
    new = sorted(installed().keys() - before.keys())
    try:
        if not new:
            raise Conflict(_("{source} added nothing: it is already installed; see `dealwright plugin list`"), source=source)
        brought = {point.name: point.dist.name for point in entry_points(group=GROUP) if point.dist is not None and point.dist.name in new}
        for name in sorted(brought.keys() & points.keys()):
            there = points[name].dist
            text = _("{package} contains a plugin {name!r}, which already exists, from {other}")
            raise Conflict(text, package=brought[name], name=name, other=there.name if there is not None else points[name].value)
        names = sorted(brought)
        if not names:
            raise Invalid(_("{source} doesn’t contain a plugin: it has no entry point in the group {group}"), source=source, group=GROUP)
        yield names
    except BaseException:
        if new:
            run(["uninstall", "--yes", *new])
        raise


def sole(distribution: str, plugin: str) -> bool:
    """Whether a package holds this plugin and no other, so that it can go with it."""
    inside = {point.name for point in entry_points(group=GROUP) if point.dist is not None and point.dist.name == distribution}
    return inside == {plugin}


def take_out(distribution: str, run: type_run = pip) -> None:
    """Uninstall a package; raises Unavailable where pip fails."""
    run(["uninstall", "--yes", distribution])
