"""A plugin's package as the rules see it: its files, and where it can be booted, its place in a platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from jinja2 import TemplateSyntaxError

from core.data.migrate import Branch
from core.extension.discover import Found
from core.platform import Platform
from core.testkit.rules.source import Source, files_in, read
from sdk import DeclarationError, Manifest


@dataclass(frozen=True)
class Package:
    """One plugin: the module of its entry point, and the platform that was booted with it, its schema upgraded."""

    point: EntryPoint
    file: Path
    platform: Platform

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.point.name

    @property
    def address(self) -> str:
        """The package in an import; a plugin of a single module is its own."""
        return self.point.module.rpartition(".")[0] or self.point.module

    @property
    def root(self) -> Path:
        """The folder from which it is imported."""
        return self.file.parents[self.point.module.count(".")]

    @property
    def found(self) -> Found:
        """Its state."""
        return next(found for found in self.platform.plugins if found.name == self.name)

    @property
    def manifest(self) -> Manifest | None:
        """What it says of itself, if it can."""
        return self.found.manifest

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Its Python files, migrations left out; raises SyntaxError."""
        return tuple(read(file, self.root) for file in self.files)

    @property
    def files(self) -> list[Path]:
        """Where they are."""
        return files_in(self.file.parent, self.root) if "." in self.point.module else [self.file]

    @property
    def branch(self) -> Branch:
        """Its migrations."""
        return Branch(self.name, self.file.parent / "migrations")

    @property
    def catalogue(self) -> Path:
        """Its Chinese."""
        return self.file.parent / "locales" / "zh_CN.po"


@dataclass(frozen=True)
class Rule:
    """One clause of the contract: `broken` yields where a package breaks it. `loaded`: it can be asked only of a plugin that is in force."""

    key: str
    reason: str
    cure: str
    broken: Callable[[Package], Iterator[str]]
    loaded: bool = True


@dataclass(frozen=True)
class Verdict:
    """What came of one rule: where it is broken, nothing where it holds; None where it could not be asked."""

    rule: Rule
    broken: tuple[str, ...] | None


def package_of(point: EntryPoint, platform: Platform) -> Package:
    """The package of an entry point; raises DeclarationError where there is no such module."""
    try:
        spec = find_spec(point.module)
    except Exception as failure:  # the package around it may raise anything
        raise DeclarationError(f"{point.module} cannot be imported: {type(failure).__name__}: {failure}; mend that first") from failure
    if spec is None or spec.origin is None:
        raise DeclarationError(f"{point.module}: there is no such module; correct the entry point {point.name!r}")
    return Package(point, Path(spec.origin), platform)


def judged(package: Package, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """Ask each rule."""
    for rule in rules:
        if rule.loaded and not package.found.serves:
            yield Verdict(rule, None)
            continue
        try:
            yield Verdict(rule, tuple(rule.broken(package)))
        except (SyntaxError, TemplateSyntaxError, UnicodeDecodeError):  # a file that cannot be read, of which `readable` tells
            yield Verdict(rule, None)
