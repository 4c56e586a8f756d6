"""The first page, and the way to everything that has no word in the menu."""

from __future__ import annotations

from plugins.console.registry import Kind, kind_of
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Panel, Rendering, Slot, _


def show(ctx: Context, request: PageRequest) -> Rendering:
    """What plugins put there, in their order."""
    there = [one for one in ctx.declared(Panel) if one.slot is Slot.HOME and (one.permission == SIGNED_IN or ctx.can(one.permission))]
    panels = [ctx.draw(one, {}, {}) for one in sorted(there, key=lambda one: (one.position, one.full_key))]
    return Rendering("console/home.html", {"panels": [one for one in panels if one.html or one.broken], "hour": ctx.now()})


def everything(ctx: Context, request: PageRequest) -> Rendering:
    """All entities that the actor may read, by plugin."""
    by_plugin: dict[str, list[Kind]] = {}
    for name in ctx.entities():
        kind = kind_of(ctx, name)
        if kind.entity.parent is None and not kind.entity.private:
            by_plugin.setdefault(kind.entity.plugin, []).append(kind)
    return Rendering("console/all.html", {"groups": by_plugin})


PAGES = (
    PageRoute("home", path="/", title=_("Home"), permission=SIGNED_IN, view=show),
    PageRoute("all", path="/all", title=_("All records"), permission=SIGNED_IN, view=everything),
)
