"""Commands that a plugin adds to `dealwright`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sdk.context import Context
from sdk.text import Text


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument (`ENTITY`) or an option (`--mode`) of a command; `choices` limits it, `many` lets it be repeated."""

    name: str
    help: Text
    choices: tuple[str, ...] = ()
    many: bool = False
    flag: bool = False
    default: str | None = None
    metavar: str | None = None

    @property
    def is_option(self) -> bool:
        """Options start with two dashes."""
        return self.name.startswith("--")


class Terminal(Protocol):
    """Where a command writes: results to standard output, talk and progress to standard error."""

    def print(self, text: str) -> None:
        """A line of result."""

    def note(self, text: str) -> None:
        """A line of talk."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """A progress bar on a terminal, plain lines otherwise; call it with the number of steps done since."""

    def bytes(self, data: bytes) -> None:
        """Raw result, for formats that are no text."""


@dataclass(frozen=True, slots=True)
class Command:
    """`dealwright <name>`: runs as `--user`, or as the system, in `--tenant`; returns the exit code."""

    name: str
    help: Text
    run: Callable[[Context, Terminal, Mapping[str, object]], int]
    parameters: tuple[Parameter, ...] = ()
    plugin: str = ""
