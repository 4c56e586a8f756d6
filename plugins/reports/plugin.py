"""The menu of the reports plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.reports import commands, routes
from plugins.reports.query import PERMISSION
from sdk import Capabilities, Command, Manifest, Permission, Route, Scope, _, hookimpl

manifest = Manifest(
    name="reports",
    version="0.1",
    title=_("Reports"),
    summary=_("Any entity, counted, added up and averaged by any dimension."),
    capabilities=Capabilities(data=("*.read:*",)),
)


@hookimpl
def register_permissions() -> Sequence[Permission]:
    everybody = dict.fromkeys(("sales_rep", "sales_manager", "finance", "read_only"), Scope.ALL)
    return (Permission(PERMISSION, _("Run reports"), everybody),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_commands() -> Sequence[Command]:
    return commands.COMMANDS
