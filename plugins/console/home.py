"""The first page, and the way to everything that has no word in the menu."""

from __future__ import annotations

from plugins.console.frame import drawn, page_of
from plugins.console.registry import Kind, called, kind_of, stands_alone
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Rendering, Slot, _


def show(ctx: Context, request: PageRequest) -> Rendering:
    """What plugins put there, in their order."""
    panels = drawn(ctx, Slot.HOME, {"zone": ctx.zone, "page": page_of(ctx, request)})
    return Rendering("console/home.html", {"panels": panels})


def everything(ctx: Context, request: PageRequest) -> Rendering:
    """All entities that the actor may read, by plugin."""
    by_plugin: dict[str, list[Kind]] = {}
    for name in ctx.entities():
        kind = kind_of(ctx, name)
        if stands_alone(kind.entity):
            by_plugin.setdefault(called(ctx, kind.entity.plugin), []).append(kind)
    return Rendering("console/all.html", {"groups": by_plugin})


PAGES = (
    PageRoute("home", path="/", title=_("Home"), permission=SIGNED_IN, view=show),
    PageRoute("all", path="/all", title=_("All records"), permission=SIGNED_IN, view=everything),
)
