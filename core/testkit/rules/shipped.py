"""What the wheel of a plugin leaves out: folders that are no packages, and data that its project does not name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.testkit.rules.package import Package, Rule

_DATA = ("locales", "templates", "static")
"""Folders of a package that the platform reads."""
_EVERY = frozenset({"*", ""})
"""What setuptools takes for the name of each package."""


def unpackaged(package: Package) -> Iterator[str]:
    """Migrations and data that a wheel would leave out."""
    folder = package.branch.directory
    if folder.is_dir() and not (folder / "__init__.py").exists():
        yield f"{folder.name}/__init__.py is not there"
    if "." in package.point.module and (project := _project(package.root)) is not None:
        yield from _unnamed(package, project)


def _project(root: Path) -> dict[str, Any] | None:
    """What the project that the package comes from says, where setuptools builds it from that alone; others take what is in a package."""
    file = next((folder / "pyproject.toml" for folder in (root, root.parent) if (folder / "pyproject.toml").is_file()), None)
    if file is None or (file.parent / "MANIFEST.in").exists():
        return None
    written: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    build = written.get("build-system", {})
    alone = not any(str(one).startswith(("setuptools-", "setuptools_")) for one in build.get("requires", ()))
    ours = "project" in written and str(build.get("build-backend", "setuptools")).startswith("setuptools")
    return written if ours and alone else None


def _unnamed(package: Package, project: Mapping[str, Any]) -> Iterator[str]:
    home = package.file.parent
    named: Mapping[str, list[str]] = project.get("tool", {}).get("setuptools", {}).get("package-data", {})
    shipped = set[Path]()
    for folder in (home, *(one for one in home.rglob("*") if one.is_dir())):
        address = ".".join(folder.relative_to(package.root).parts)
        patterns = [pattern for name, many in named.items() if name in _EVERY or name == address for pattern in many]
        shipped.update(file for pattern in patterns for file in folder.glob(pattern))
    for name in _DATA:
        for file in sorted((home / name).rglob("*")):
            if file.is_file() and file.suffix not in (".py", ".pyc") and file not in shipped:
                yield f"{file.relative_to(package.root).as_posix()} is under no [tool.setuptools.package-data]"


RULES = (
    Rule(
        "packaged", "what the wheel leaves out is missing wherever the plugin is installed from it",
        "add `__init__.py` to the folder, empty or with a docstring; name data in pyproject.toml, as `plugin new` does", unpackaged, loaded=False,
    ),
)  # fmt: skip
