"""The menu of the console plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import js_lib_htmx

from plugins.console import (
    account,
    board,
    bulk,
    calendar,
    charts,
    filtering,
    finding,
    forms,
    frame,
    home,
    inline,
    kit,
    landing,
    listing,
    me,
    merging,
    moving,
    picking,
    record,
    rights,
    tables,
    ticking,
    tiles,
    views,
)
from plugins.console.admin import pages as admin
from plugins.console.registry import PREFIX
from plugins.console.settings import PagesOfCompany
from sdk import (
    EVERYBODY,
    Batch,
    Capabilities,
    Context,
    Entity,
    Frame,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Scope,
    Settings,
    Use,
    _,
    hookimpl,
)
from sdk.impact import naming

manifest = Manifest(
    name="console",
    version="0.1",
    title=_("Console"),
    summary=_("Web pages for everything your plugins define, in English and Chinese, on desktop and phone."),
    capabilities=Capabilities(data=("*:*",), api=("*",)),  # it shows and changes any record, in the name of who looks at it
)

NAMING: dict[str, Sequence[str]] = {"console.view": ("entity", "conditions", "ordered_by", "columns", "layout_field")}
"""Where names of other plugins may stand."""

STATIC = Path(__file__).parent / "static"
HTMX = Path(js_lib_htmx.__file__).parent / "static" / "htmx" / "htmx.min.js"


@hookimpl
def register_entities() -> Sequence[Entity]:
    mine = {EVERYBODY: Scope.OWN}
    return (
        Entity(tables.View, "view", "views", _("View"), _("Views"), access=mine, private=True, audience="shown_to", merges=False),
        Entity(
            tables.Start, "start", "starts", _("Default view"), _("Default views"), title="entity", access=mine, private=True, merges=False
        ),
    )


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity == views.NAME:
        views.check(ctx, batch)


@hookimpl
def register_settings() -> Sequence[Settings]:
    return (Settings(PagesOfCompany),)


@hookimpl
def register_frame() -> Sequence[Frame]:
    styles = tuple(sorted((STATIC / "css").glob("*.css")))
    scripts = (HTMX, *sorted((STATIC / "js").glob("*.js")))
    return (
        Frame(
            "console",
            prefix=PREFIX,
            values=frame.values,
            region=frame.region,
            error="kit/error.html",
            refused="kit/refused.html",
            entrance="kit/entrance.html",
            bundles={"console.css": styles, "console.js": scripts},
            made=charts.MADE,
        ),
    )


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (
        *home.PAGES,
        *finding.PAGES,
        *kit.PAGES,
        *me.PAGES,
        *picking.PAGES,
        *listing.PAGES,
        *filtering.PAGES,
        *views.PAGES,
        *bulk.PAGES,
        *inline.PAGES,
        *ticking.PAGES,
        *forms.PAGES,
        *record.PAGES,
        *rights.PAGES,
        *merging.PAGES,
        *board.PAGES,
        *moving.PAGES,
        *landing.PAGES,
        *admin.PAGES,
        *calendar.PAGES,
        *account.PAGES,
    )


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*admin.PANELS, *tiles.PANELS)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("home", label=_("Home"), section="top", path="/", icon="home", position=0, at_hand=True),
        MenuEntry(
            "admin", label=_("Administration"), section="admin", path="/admin", icon="gear", permission="core.tenant.update", position=10
        ),
    )


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)
