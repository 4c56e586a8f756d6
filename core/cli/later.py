"""Commands whose modules are imported when one of them is asked for: `dealwright import` needs neither a web server nor migrations."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click


class Later(click.Group):
    """A group whose commands are said as `module:name` below `core.cli`."""

    def __init__(self, *given: Any, later: Mapping[str, str], **options: Any) -> None:
        super().__init__(*given, **options)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (place := self._later.get(cmd_name)) is None:
            return super().get_command(ctx, cmd_name)
        module, _colon, name = place.partition(":")
        found: click.Command = getattr(imported(f"core.cli.{module}"), name)
        return found


def imported(module: str) -> Any:
    """A module with what it needs."""
    with staying():
        return import_module(module)


@contextmanager
def staying() -> Iterator[None]:
    """What is made here stays: the collector need not walk it while it comes, nor ever again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
