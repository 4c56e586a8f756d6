"""What stands around every page: the menu, the search, who one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from plugins.console.charts import MADE
from plugins.console.registry import PREFIX
from sdk import Condition, Context, MenuEntry, PageRequest, Slot, Text, _
from sdk.context import id_of
from sdk.pages import Drawn, offered

SECTIONS: Mapping[str, Text] = {
    "top": _("Today"),
    "sell": _("Sales"),
    "serve": _("Deliver"),
    "know": _("Insights"),
    "admin": _("Set up"),
}
PINNED, _WHOLE = "admin", "console.admin"
"""The section that is in sight always, and its entry that leads to all others of it."""
FORMATS = "company.formats"
"""Where people say how they have numbers and days written, where the tenant has the plugin that asks them."""
_MOST_PEOPLE = 100_000
_AT_THUMB = 4
"""Entries of the bar at the bottom of a phone."""


@dataclass(frozen=True)
class Item:
    """One word of the menu."""

    key: str
    label: str
    path: str
    icon: str
    here: bool
    at_hand: bool


@dataclass(frozen=True)
class Section:
    """Words that stand together; what is `pinned` is in sight however long the rest is."""

    label: str
    items: list[Item]
    pinned: bool = False


def values(ctx: Context, request: PageRequest) -> Mapping[str, object]:
    """The frame of a page; a part of a page that is shown already needs none."""
    if request.part and request.part != "page":
        return {"sections": [], "thumb": [], "tops": [], "charts": bool(MADE)}
    sections = menu(ctx, request.address)
    items = [item for section in sections for item in section.items]
    tops = drawn(ctx, Slot.TOP, {"request": request})
    return {"sections": sections, "thumb": [item for item in items if item.at_hand][:_AT_THUMB], "tops": tops, "charts": bool(MADE)}


def region(ctx: Context) -> str:
    """In which region's way the actor has numbers and days written, by its CLDR name; "" is as the language has them."""
    user = ctx.actor.user_id
    return "" if user is None else ctx.kept("console.regions", lambda: _regions(ctx.as_system())).get(user, "")


def _regions(system: Context) -> Mapping[UUID, str]:
    users = system.records("core.user")
    if FORMATS not in users.fields():
        return {}
    chosen = users.find((Condition(FORMATS, "empty", ("false",)),), _MOST_PEOPLE)
    return {id_of(row): str(row[FORMATS]).replace("-", "_") for row in chosen}


def page_of(ctx: Context, request: PageRequest) -> dict[str, object]:
    """What a part that a plugin brings may use of the page on which it stands."""
    return {
        "csrf": request.csrf,
        "address": request.address,
        "zone": ctx.zone,
        "now": ctx.now(),
        "locale": ctx.locale,
    }


def drawn(ctx: Context, slot: Slot, shared: Mapping[str, object]) -> list[Drawn]:
    """What plugins put into a slot that is about no record, in their order."""
    found = [ctx.draw(one, {}, shared) for one in offered(ctx, slot)]
    return [one for one in found if one.html or one.broken or one.refusal]


def entries(ctx: Context) -> list[MenuEntry]:
    """The entries that the actor may follow, those of the palette among them, in order."""
    found = [one for one in ctx.declared(MenuEntry) if _open(ctx, one)]
    return sorted(found, key=lambda one: (one.position, one.full_key))


def address(ctx: Context, entry: MenuEntry) -> str:
    """Where an entry leads."""
    if entry.entity:
        entity = ctx.entity(entry.entity)
        return f"{PREFIX}/{entity.plugin}/{entity.plural}{entry.path}"
    return PREFIX + entry.path


def menu(ctx: Context, here: str) -> list[Section]:
    """The menu by sections; empty ones are left out."""
    by_section: dict[str, list[Item]] = {}
    path = here.partition("?")[0]
    shown = [(entry, address(ctx, entry)) for entry in entries(ctx) if not entry.palette]
    around = [
        (target == path, len(root), target) for entry, target in shown if (root := _root(entry, target)) and _within(path, root, target)
    ]
    of_plugin = [target for entry, target in shown if _plugin_at(target) == _plugin_at(path)]
    alone = of_plugin[0] if len(of_plugin) == 1 else ""  # what a plugin has but one entry for belongs to it, wherever it stands
    nearest = max(around, default=(False, 0, alone))[2]  # a board is not its list, though its address begins so
    if any(entry.full_key == _WHOLE for entry, _target in shown):
        under = {target for entry, target in shown if entry.section == PINNED}
        nearest = f"{PREFIX}/admin" if nearest in under else nearest
        shown = [(entry, target) for entry, target in shown if entry.section != PINNED or entry.full_key == _WHOLE]
    for entry, target in shown:
        item = Item(entry.full_key, ctx.say(entry.label), target, entry.icon or "dot", target == nearest, entry.at_hand)
        by_section.setdefault(entry.section, []).append(item)
    order = [*(key for key in SECTIONS if key != PINNED), *(key for key in by_section if key not in SECTIONS), PINNED]
    return [
        Section(ctx.say(SECTIONS[key]) if key in SECTIONS else key, by_section[key], key == PINNED) for key in order if key in by_section
    ]


def _plugin_at(path: str) -> str:
    return f"{path.removeprefix(PREFIX)}/".split("/")[1]


def _root(entry: MenuEntry, target: str) -> str:
    """Where the pages begin that an entry stands for: with the list of its entity, whichever view of it the entry leads to."""
    return target.removesuffix(entry.path) if entry.entity else target


def _within(path: str, root: str, target: str) -> bool:
    return path in (root, target) or (root != f"{PREFIX}/" and path.startswith(f"{root}/"))


def _open(ctx: Context, entry: MenuEntry) -> bool:
    if entry.permission and not ctx.can(entry.permission):
        return False
    return not entry.entity or (ctx.offers(entry.entity) and ctx.can(f"{entry.entity}.read"))
