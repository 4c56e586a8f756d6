"""The first page of the administration: every place with a line on what it is for, and a search."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.console import frame
from plugins.console.admin import audit, start
from plugins.console.admin.glance import glance
from plugins.console.happened import ACTIONS
from plugins.console.registry import PREFIX
from sdk import SIGNED_IN, Context, MenuEntry, PageRequest, PageRoute, Rendering, Text, _


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
    "more": _("What plugins bring"),
}
PLACES = (
    Place("company", "building", _("Company"), _("Language, time zone, currency, the fiscal year, from where people come in."),
          "/admin/company", "core.tenant.update"),
    Place("company", "check", _("First steps"), _("What a new company does before its people can work."), "/admin/start", "core.tenant.update"),
    Place("plugins", "plug", _("Plugins"), _("Switch plugins on and off, approve what they ask for, change their settings."),
          "/admin/plugins", "core.plugin.update"),
    Place("people", "shield", _("Roles and rights"), _("Who may read, create, change and delete what, down to the field."),
          "/admin/roles", "core.grant.read"),
    Place("people", "user", _("People"), _("Invite people, give them roles, teams and managers."), entity="core.user"),
    Place("people", "users", _("Teams"), _("Who works with whom, and for whom. Teams give roles, too."), "/admin/teams",
          "core.team.update"),
    Place("people", "flag", _("Territories"), _("Parts of the market, and who works each."), "/admin/territories",
          "core.territory.update"),
    Place("people", "link", _("Shares"), _("Single records that somebody may see beyond the own roles."), "/admin/shares", "core.share.read"),
    Place("people", "trash", _("Erase a person"), _("Personal data of a contact, a lead or somebody who has left, wherever they stand."),
          "/admin/erasure", "core.tenant.update"),
    Place("people", "clock", _("Sign-ins"), _("Who came and went, and who was refused."), entity="core.sign_in"),
    Place("plugins", "columns", _("Custom fields"), _("Fields of the company's own for any kind of record."), "/admin/fields",
          "core.custom_field.update"),
    Place("plugins", "grid", _("Custom entities"), _("Kinds of records of the company's own."), "/admin/entities",
          "core.custom_entity.update"),
    Place("running", "check", _("Health"), _("What is not well, and what to do about it; failed work, and trying it again."),
          "/admin/health", "core.plugin.update"),
    Place("running", "history", _("Audit"), _("Who changed what, when, and through which channel."), "/admin/audit", "core.audit.read"),
    Place("running", "bolt", _("Jobs and schedules"), _("What waits, was done and has failed in the background, and what runs by the clock."),
          "/admin/jobs", "core.job.read"),
    Place("running", "sliders", _("Tokens"), _("Keys of programs: what they may do, and when they were last used."), "/admin/tokens",
          "core.token.read"),
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
    for entry in more(ctx):
        one = Shown(entry.icon or "dot", ctx.say(entry.label), "", frame.address(ctx, entry))
        if all(word in one.label.lower() for word in q.lower().split()):
            groups.setdefault(ctx.say(GROUPS["more"]), []).append(one)
    order = [ctx.say(label) for label in GROUPS.values()]
    steps = start.undone(ctx) if not q and ctx.can(start.RIGHT) else []
    ordered = sorted(groups.items(), key=lambda pair: order.index(pair[0]))
    away = ctx.can("core.plugin.update")
    values = {
        "groups": ordered, "q": q, "steps": steps, "here": start.HERE, "away": away, "glance": None if q else glance(ctx),
        "actions": {key: ctx.say(label) for key, label in ACTIONS.items()}, "audit": audit.HERE,
    }  # fmt: skip
    return Rendering("console/admin_places.html", values)


def more(ctx: Context) -> list[MenuEntry]:
    """What plugins have set up here: their entries of the section `admin`, those of the palette among them."""
    return [one for one in frame.entries(ctx) if one.section == "admin" and one.plugin != "console"]


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
