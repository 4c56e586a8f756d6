"""The menu of the reports plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from plugins.reports import commands, dashboards, demo, own, pages, routes, tables, tiles
from plugins.reports.query import PERMISSION
from sdk import (
    EVERYBODY,
    Access,
    Batch,
    Capabilities,
    Command,
    Context,
    Entity,
    Manifest,
    MenuEntry,
    PageRoute,
    Permission,
    Route,
    Scope,
    Use,
    _,
    hookimpl,
)
from sdk.impact import naming

manifest = Manifest(
    name="reports",
    version="0.2",
    title=_("Reports"),
    summary=_("Counts, sums and averages of any entity by any dimension."),
    capabilities=Capabilities(data=("*.read:*",)),
)

NAMING: dict[str, Sequence[str]] = {"reports.own_report": ("question",), "reports.tile": ("source",)}
"""Where names of other plugins may stand."""

PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    own.NAME: own.prepare, tiles.NAME: tiles.prepare, dashboards.NAME: dashboards.prepare,
}  # fmt: skip
MINE: dict[str, Access] = {EVERYBODY: Scope.OWN}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(tables.OwnReport, "own_report", "own_reports", _("Custom report"), _("Custom reports"), access=MINE, merges=False),
        Entity(tables.Dashboard, "dashboard", "dashboards", _("Dashboard"), _("Dashboards"), access=MINE, merges=False),
        Entity(tables.Tile, "tile", "tiles", _("Tile"), _("Tiles"), title="source", owned=False),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    everybody = dict.fromkeys(("sales_rep", "sales_manager", "finance", "read_only"), Scope.ALL)
    return (
        Permission(PERMISSION, _("Run reports"), everybody),
        Permission(dashboards.SHARE, _("Share dashboards with roles and teams"), {"sales_manager": Scope.ALL}),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*pages.PAGES, *dashboards.PAGES)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("dashboard", label=_("Dashboard"), section="know", path=dashboards.AT, permission=PERMISSION, icon="grid", position=10),
        MenuEntry("reports", label=_("Reports"), section="know", path="/reports/reports", permission=PERMISSION, icon="chart", position=20),
        MenuEntry("builder", label=_("New report"), path="/reports/query", permission=PERMISSION, icon="plus", position=30, palette=True),
    )


@hookimpl
def register_commands() -> Sequence[Command]:
    return commands.COMMANDS


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING, {"reports.tile": "dashboard"})


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx)
