"""The first page of the administration: every place with a line on what it is for, and a search."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.console import frame
from plugins.console.admin import audit, start
from plugins.console.admin.glance import glance
from plugins.console.registry import PREFIX
from plugins.console.words import ACTIONS
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
    "plugins": _("Plugins and data"),
    "people": _("People and permissions"),
    "company": _("Company"),
    "running": _("System status"),
    "more": _("Plugin settings"),
}
PLACES = (
    Place("company", "building", _("Company"), _("Language, time zone, currency, fiscal year, allowed networks."),
          "/admin/company", "core.tenant.update"),
    Place("company", "check", _("Get started"), _("The first things to do for a new company."), "/admin/start", "core.tenant.update"),
    Place("plugins", "plug", _("Plugins"), _("Turn plugins on and off, approve their permissions, change their settings."),
          "/admin/plugins", "core.plugin.update"),
    Place("people", "shield", _("Roles and permissions"), _("Who can read, create, edit and delete what, down to individual fields."),
          "/admin/roles", "core.grant.read"),
    Place("people", "user", _("People"), _("Invite people and assign roles, teams and managers."), entity="core.user"),
    Place("people", "users", _("Teams"), _("Who works with whom, and who reports to whom. Teams can also grant roles."), "/admin/teams",
          "core.team.update"),
    Place("people", "flag", _("Territories"), _("Market territories, and who is assigned to each."), "/admin/territories",
          "core.territory.update"),
    Place("people", "link", _("Shares"), _(
        "Individual records shared with someone beyond their role."
    ), "/admin/shares", "core.share.read"),
    Place("people", "trash", _("Erase a person"), _("Personal data of a contact, lead or former colleague, wherever it is stored."),
          "/admin/erasure", "core.tenant.update"),
    Place("people", "clock", _("Sign-ins"), _("Sign-ins, sign-outs and failed attempts."), entity="core.sign_in"),
    Place("plugins", "columns", _("Custom fields"), _("Add your own fields to any kind of record."), "/admin/fields",
          "core.custom_field.update"),
    Place("plugins", "grid", _("Custom entities"), _("Create your own kinds of records."), "/admin/entities",
          "core.custom_entity.update"),
    Place("running", "check", _("Health"), _("What needs attention and how to fix it; failed jobs, and retrying them."),
          "/admin/health", "core.plugin.update"),
    Place("running", "history", _("Audit"), _("Who changed what, when, and how."), "/admin/audit", "core.audit.read"),
    Place("running", "bolt", _("Jobs and schedules"), _("Pending, completed and failed background jobs, and schedules."),
          "/admin/jobs", "core.job.read"),
    Place("running", "sliders", _("Tokens"), _("API keys, what they can do, and when they were last used."), "/admin/tokens",
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
