"""`dealwright`: the commands of core, and those that plugins register."""

from __future__ import annotations

import gc

import click

gc.disable()  # what is imported stays: the collector need not walk it while it comes, nor ever again
from core.cli import (  # noqa: E402
    audit,
    db,
    demo,
    mail,
    person,
    plugin,
    plugin_life,
    plugin_packages,
    plugin_upgrade,
    registered,
    search,
    serve,
    tenant,
    token,
    user,
    worker,
)

gc.freeze()
gc.enable()


class Commands(click.Group):
    """Core's commands, then those of the plugins, which are booted only when one of theirs is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *registered.commands()})

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """A command that is not there may belong to a plugin that is not in force: say so."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            raise click.UsageError(unknown.message + registered.hint(), ctx) from unknown

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or registered.commands().get(cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="dealwright")
def main() -> None:
    """Dealwright, a sales platform made of plugins."""


for command in (plugin_life.new, plugin_life.check, plugin_packages.add, plugin_packages.remove, plugin_upgrade.upgrade):
    plugin.plugin.add_command(command)
for command in (audit.audit, db.db, demo.demo, mail.mail, person.person, plugin.plugin, search.search, serve.serve, serve.config, tenant.tenant,
                token.token, user.user, worker.worker, worker.relay):  # fmt: skip
    main.add_command(command)
