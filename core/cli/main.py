"""`dealwright`: the commands of core, and those that plugins register."""

from __future__ import annotations

from typing import Any

import click

from core.cli.later import Later, imported

COMMANDS = {
    "audit": "audit:audit", "config": "serve:config", "db": "db:db", "demo": "demo:demo", "mail": "mail:mail", "person": "person:person",
    "plugin": "plugin:plugin", "relay": "worker:relay", "search": "search:search", "serve": "serve:serve", "tenant": "tenant:tenant",
    "token": "token:token", "user": "user:user", "worker": "worker:worker",
}  # fmt: skip


class Commands(Later):
    """Core's commands, then those of the plugins, which are booted only when one of theirs is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_registered().commands()})

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """A command that is not there may belong to a plugin that is not in force: say so."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            raise click.UsageError(unknown.message + _registered().hint(), ctx) from unknown

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _registered().commands().get(cmd_name)


def _registered() -> Any:
    return imported("core.cli.registered")


@click.group(cls=Commands, later=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="dealwright")
def main() -> None:
    """Dealwright, a sales platform made of plugins."""
