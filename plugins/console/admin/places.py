"""The first page of the administration: every place with a line on what it is for, and a search."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.console.registry import PREFIX
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Rendering, Text, _


@dataclass(frozen=True)
class Place:
    """A page of the administration, or the list of an entity (`entity`), for who has `permission`."""

    group: str
    icon: str
    label: Text
    does: Text
    path: str = ""
    permission: str = ""
    entity: str = ""


GROUPS: dict[str, Text] = {
    "company": _("The company"),
    "people": _("People and rights"),
    "plugins": _("Plugins and data"),
    "running": _("How it runs"),
}
PLACES = (
    Place("plugins", "plug", _("Plugins"), _("Switch plugins on and off, approve what they ask for, change their settings."),
          "/admin/plugins", "core.plugin.update"),
    Place("people", "shield", _("Roles and rights"), _("Who may read, create, change and delete what, down to the field."),
          "/admin/roles", "core.grant.read"),
    Place("people", "user", _("People"), _("Invite people, give them roles, teams and managers."), entity="core.user"),
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A place as its reader sees it."""

    icon: str
    label: str
    does: str
    href: str


def show(ctx: Context, request: PageRequest) -> Rendering:
    """What the actor may set up, by groups; `q` looks for words in it."""
    q = request.asked("q").strip()
    groups: dict[str, list[Shown]] = {}
    for place in PLACES:
        if not open_to(ctx, place):
            continue
        one = Shown(place.icon, ctx.say(place.label), ctx.say(place.does), address(ctx, place))
        if all(word in f"{one.label} {one.does}".lower() for word in q.lower().split()):
            groups.setdefault(ctx.say(GROUPS[place.group]), []).append(one)
    order = [ctx.say(label) for label in GROUPS.values()]
    return Rendering("console/admin_places.html", {"groups": sorted(groups.items(), key=lambda pair: order.index(pair[0])), "q": q})


def open_to(ctx: Context, place: Place) -> bool:
    """Whether the actor may go there."""
    if place.entity:
        return ctx.offers(place.entity) and ctx.can(f"{place.entity}.read") and (not place.permission or ctx.can(place.permission))
    return not place.permission or ctx.can(place.permission)


def address(ctx: Context, place: Place) -> str:
    """Where it is."""
    if not place.entity:
        return PREFIX + place.path
    entity = ctx.entity(place.entity)
    return f"{PREFIX}/{entity.plugin}/{entity.plural}"


PAGES = (PageRoute("admin", path="/admin", title=_("Administration"), permission=SIGNED_IN, view=show),)
