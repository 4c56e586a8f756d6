"""The folder of a plugin that is being written: what its `pyproject.toml` says, whether or not it is installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from core.extension.discover import GROUP, discover, partners
from sdk.errors import DeclarationError


@dataclass(frozen=True)
class Project:
    """A folder and the plugins that it declares."""

    folder: Path
    points: tuple[EntryPoint, ...]

    @property
    def sources(self) -> Path:
        """Where its packages are: in `src`, or in the folder itself."""
        return self.folder / "src" if (self.folder / "src").is_dir() else self.folder

    def importable(self) -> None:
        """Let this process import its packages, before any of the same name that are installed."""
        if str(self.sources) not in sys.path:
            sys.path.insert(0, str(self.sources))


def project_in(folder: Path) -> Project | None:
    """The plugins that the folder's `pyproject.toml` declares; None where it declares none. Raises DeclarationError for one that is no TOML."""
    file = folder / "pyproject.toml"
    if not file.is_file():
        return None
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise DeclarationError(f"{file}: not a TOML file: {failure}; correct it") from failure
    declared: object = written
    for word in ("project", "entry-points", GROUP):
        declared = declared.get(word, {}) if isinstance(declared, dict) else None
    if not isinstance(declared, dict) or not all(isinstance(value, str) and EntryPoint.pattern.match(value) for value in declared.values()):
        raise DeclarationError(f'{file}: expected [project.entry-points."{GROUP}"] with lines such as name = "package.plugin"; correct it')
    points = tuple(EntryPoint(name, value, GROUP) for name, value in declared.items())
    return Project(folder, points) if points else None


def with_partners(points: Sequence[EntryPoint]) -> tuple[EntryPoint, ...]:
    """These plugins and, of those that are installed, the ones that they name in `requires` and `after`, and so on."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    found = {point.name: point for point in points}
    waiting = list(points)
    while waiting:
        (plugin,) = discover(None, [waiting.pop()])
        for name in sorted(partners(plugin) & installed.keys() - found.keys()):
            found[name] = installed[name]
            waiting.append(installed[name])
    return tuple(found.values())
