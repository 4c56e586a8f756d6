"""The commands that plugins register, as commands of click."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import Any

import click

from core.cli.base import platform, refusals_told, settle
from core.cli.later import staying
from core.cli.stopping import stoppable
from core.platform import Platform
from sdk import Channel, Command, Parameter

EXIT_OFF = 4


@lru_cache(maxsize=1)
def _booted() -> Platform:
    with staying():
        return platform()


def hint() -> str:
    """Which plugins are not in force, and what their last word was."""
    ill = [
        f"{found.name} is {found.state.value}: {found.reason.strip().splitlines()[-1]}" for found in _booted().plugins if not found.serves
    ]
    return "".join(f"\nPlugin {line}" for line in ill)


@lru_cache(maxsize=1)
def commands() -> dict[str, click.Command]:
    """All registered commands by name."""
    booted = _booted()
    return {name: _as_click(booted, command) for name, command in booted.catalog.commands.items()}


def _as_click(booted: Platform, command: Command) -> click.Command:
    @refusals_told
    def run(tenant: str, user: str | None, **options: Any) -> None:
        work = booted.user(tenant, user, Channel.CLI) if user else booted.system(tenant, Channel.CLI)
        if command.plugin not in work.enabled:
            click.echo(f"dealwright: tenant {tenant!r} has plugin {command.plugin!r} switched off", err=True)
            raise SystemExit(EXIT_OFF)
        settle(batches=True)
        with stoppable():
            code = command.run(work.of_plugin(command.plugin), Screen(), {_key(name, command): value for name, value in options.items()})
        if code:
            raise SystemExit(code)

    parameters: list[click.Parameter] = [_parameter(parameter) for parameter in command.parameters]
    parameters.append(click.Option(["--tenant"], required=True, help="The tenant's name."))
    parameters.append(click.Option(["--user"], metavar="EMAIL", help="Act as this user; without it, as the system."))
    return click.Command(command.name, params=parameters, callback=run, help=str(command.help))


def _key(name: str, command: Command) -> str:
    """Options are handed over under their declared name without dashes."""
    wanted = {parameter.name.lstrip("-").replace("-", "_").lower(): parameter.name.lstrip("-") for parameter in command.parameters}
    return wanted.get(name, name)


def _parameter(parameter: Parameter) -> click.Parameter:
    kind = click.Choice(parameter.choices) if parameter.choices else None
    if not parameter.is_option:
        return click.Argument([parameter.name.lower()], type=kind, nargs=-1 if parameter.many else 1)
    if parameter.flag:
        return click.Option([parameter.name], is_flag=True, help=str(parameter.help))
    return click.Option([parameter.name], type=kind, multiple=parameter.many, default=None if parameter.many else parameter.default,
                        metavar=parameter.metavar, help=str(parameter.help), show_default=parameter.default is not None)  # fmt: skip


class Screen:
    """See `sdk.Terminal`."""

    def print(self, text: str) -> None:
        click.echo(text)

    def note(self, text: str) -> None:
        click.echo(text, err=True)

    def bytes(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        done, told, began = 0, 0, monotonic()

        def pace(steps: int) -> str:
            return f"{steps / max(monotonic() - began, 0.001):,.0f}/s"

        if sys.stderr.isatty():
            bar: Any = click.progressbar(
                length=total or 0, label=label, file=sys.stderr, show_pos=True, show_percent=True,
                item_show_func=lambda _item: pace(bar.pos),
            )  # fmt: skip
            with bar:
                yield bar.update
            return

        def step(count: int) -> None:
            nonlocal done, told
            done += count
            if done - told >= 10_000:
                told = done
                click.echo(f"{label}: {done}{f' of {total}' if total else ''}, {pace(done)}", err=True)

        yield step
