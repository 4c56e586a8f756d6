"""Plugins of the company: what each adds and asks for, switching it on and off, its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from plugins.console.admin.capabilities import wish
from plugins.console.admin.plugin_settings import change, inputs
from plugins.console.registry import PREFIX
from sdk import Context, NotFound, PageRequest, PageRoute, Redirect, Refusal, Rendering, Text, _
from sdk.pages import told
from sdk.text import in_order

ROOT = "/api/v1/core/plugins"
RIGHT = "core.plugin.update"
_PARTNER = re.compile(r"^[a-z][a-z0-9_]*")
STATES: dict[str, tuple[Text, str]] = {
    "on": (_("On"), "good"),
    "off": (_("Off"), "plain"),
    "held": (_("Needs approval"), "warm"),
    "incompatible": (_("Incompatible with this version"), "bad"),
    "failed": (_("Failing"), "bad"),
    "behind": (_("Its tables need an upgrade"), "bad"),
    "blocked": (_("A required plugin is missing"), "bad"),
    "missing_extra": (_("A library is missing"), "bad"),
    "vanished": (_("Its package is missing"), "bad"),
}
_ADDS: dict[str, Text] = {
    "entities": _("Records"), "fields": _("Fields"), "permissions": _("Permissions"), "roles": _("Roles"), "routes": _("API endpoints"),
    "events": _("Events"), "jobs": _("Background work"), "schedules": _("Schedules"), "settings": _("Settings"), "reports": _("Reports"),
    "pages": _("Pages"), "panels": _("Page components"), "navigation": _("Menu items"), "channels": _("Channels"),
    "document_templates": _("Document templates"), "actions": _("Rule actions"), "triggers": _("Rule triggers"),
    "conditions": _("Rule conditions"), "forecast_models": _("Forecasting methods"), "sign_in": _("Sign-in methods"),
    "commands": _("Commands"), "watches": _("Listens to"), "subscriptions": _("Event handlers"), "master_data": _("Starter data"),
    "rate_sources": _("Exchange rate sources"), "timeline_sources": _("Timeline sources"),
    "importers": _("Import sources"), "frame": _("Page layout"),
}  # fmt: skip


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """All plugins: what waits for somebody on top, then what is on."""
    titles = _titles(ctx)
    there = listed(ctx)
    rows = [{**_row(ctx, one), "requires": _required(one, titles), "required_by": _requiring(one, there)} for one in there]
    ill = ("held", "failed", "incompatible", "behind", "missing_extra", "vanished", "blocked")
    # Those that are on or off stand together: whoever turns one off finds it where it was.
    rows.sort(key=lambda one: (ill.index(one["status"]) if one["status"] in ill else len(ill), in_order(str(one["title"]))))
    switched = next((one for one in rows if one["name"] == request.asked("switched")), None)
    # What has vanished is not listed any more once nobody has it on; the address is not asked what it was called.
    gone = bool(request.asked("switched")) and switched is None
    return Rendering("console/admin_plugins.html", {"rows": rows, "switched": switched, "gone": gone})


def show(ctx: Context, request: PageRequest) -> Rendering:
    """One plugin."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Switch it on with what is shown to be asked for, approve what it asks for beyond, switch it off, or change its settings."""
    name, do = request.path["name"], request.typed("do")
    here = f"{PREFIX}/admin/plugins/{name}"
    try:
        if do == "on":
            ctx.api("PATCH", f"{ROOT}/{name}", {"enabled": True, "approves": request.chosen("approves")})
        elif do == "off":
            ctx.api("PATCH", f"{ROOT}/{name}", {"enabled": False})
            return Redirect(f"{PREFIX}/admin/plugins?switched={name}" if name != "console" else "/")
        elif do == "settings":
            change(ctx, name, request)
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(here if request.typed("back") != "all" else f"{PREFIX}/admin/plugins?switched={name}")


def ask_off(ctx: Context, request: PageRequest) -> Rendering:
    """What the company would miss without it, before it is switched off."""
    row = _named(ctx, request.path["name"])
    impact = cast("Mapping[str, Any]", ctx.api("GET", f"{ROOT}/{row['name']}/impact"))
    labels = _labels(ctx)
    rows = [(labels[table], count) for table, count in impact["rows"].items() if table in labels]
    if beside := sum(count for table, count in impact["rows"].items() if table not in labels):
        rows.append((ctx.say(_("Other data")), beside))
    links = [(_linked(ctx, link, labels), count) for link, count in impact["links"].items()]
    own = [(_own(ctx, str(one["name"]), str(one["way"]), str(one["label"])), one["records"]) for one in impact["own"]]
    uses = [(_many(ctx, str(use["entity"])), use["titles"]) for use in impact["uses"]]
    values = {"plugin": row, "impact": impact, "rows": rows, "links": links, "own": own, "uses": uses, "titles": _titles(ctx)}
    return Rendering("console/admin_plugin_off.html", values)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    row = _named(ctx, request.path["name"])
    about = cast("Mapping[str, Any]", ctx.api("GET", f"{ROOT}/{row['name']}"))
    form = inputs(ctx, str(row["name"]), request if request.typed("do") == "settings" else None, refusal) if about["has_settings"] else []
    titles = _titles(ctx)
    named = {"requires": _required(row, titles), "waits_for": [titles.get(one, one) for one in row["waits_for"]]}
    values = {
        "plugin": {**row, **named}, "about": about, "form": form, "problems": told(ctx, refusal), "titles": titles,
        "adds": [(ctx.say(_ADDS[kind]) if kind in _ADDS else kind, names) for kind, names in about["adds"].items()],
        "asks": [wish(ctx, str(row["name"]), word) for word in row["asks"]],
        "has": [wish(ctx, str(row["name"]), word) for word in row["capabilities"] if word not in row["asks"]],
    }  # fmt: skip
    return Rendering("console/admin_plugin.html", values, 200 if refusal is None else refusal.status)


def listed(ctx: Context) -> list[dict[str, Any]]:
    """All plugins, as the API lists them."""
    return cast("dict[str, list[dict[str, Any]]]", ctx.api("GET", ROOT))["data"]


def _named(ctx: Context, name: str) -> dict[str, Any]:
    found = next((one for one in listed(ctx) if one["name"] == name), None)
    if found is None:
        raise NotFound(_("there is nothing at this address"))
    return _row(ctx, found)


def _row(ctx: Context, one: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin with its state in words; one that serves is on or off."""
    state = ("on" if one["enabled"] else "off") if one["state"] == "loaded" else str(one["state"])
    label, tone = STATES[state]
    return {**one, "status": state, "said": ctx.say(label), "tone": tone, "href": f"{PREFIX}/admin/plugins/{one['name']}"}


def _many(ctx: Context, entity: str) -> str:
    """What the records of an entity are called, where it is there."""
    return ctx.say(ctx.entity(entity).plural_label) if ctx.offers(entity) else entity


def _linked(ctx: Context, link: str, labels: Mapping[str, str]) -> str:
    """Whose field points there, in words: `entity.field` (of a side table, `table.field`)."""
    holder, _dot, name = link.rpartition(".")
    if not ctx.offers(holder):
        return labels.get(holder) or next((ctx.called(name) for name in _titles(ctx) if holder.startswith(f"{name}_")), link)
    field = ctx.records(holder).fields().get(name)
    return f"{_many(ctx, holder)}: {ctx.say(field.label)}" if field is not None else _many(ctx, holder)


def _own(ctx: Context, name: str, way: str, label: str) -> str:
    """A field or an entity that the company has made, and how it leans on the plugin."""
    if way == "part_of":
        return ctx.say(_("Custom entity that belongs to it: {entity}"), {"entity": _many(ctx, name) if ctx.offers(name) else label})
    entity, _dot, key = name.rpartition(".custom.")
    field = ctx.records(entity).fields().get(f"custom.{key}") if ctx.offers(entity) else None
    told = f"{_many(ctx, entity)}: {label if field is None else ctx.say(field.label)}"
    return ctx.say(_("Custom field in it: {field}") if way == "field" else _("Custom field that uses it: {field}"), {"field": told})


def _required(one: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    """What a plugin requires by the names of its partners, with the versions that fit where it says them."""
    return [_PARTNER.sub(lambda found: titles.get(found[0], found[0]), str(word)) for word in one["requires"]]


def _requiring(one: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The plugins that are on and require this one."""
    requires = [(other, {found[0] for word in other["requires"] if (found := _PARTNER.match(str(word)))}) for other in listed]
    return sorted(str(other["title"]) for other, names in requires if other["enabled"] and one["name"] in names)


def _labels(ctx: Context) -> dict[str, str]:
    """What the records of each table are called."""
    entities = map(ctx.entity, ctx.entities())
    return {entity.record.table().name: ctx.say(entity.plural_label) for entity in entities}


def _titles(ctx: Context) -> dict[str, str]:
    return {str(one["name"]): str(one["title"]) for one in listed(ctx)}


PAGES = (
    PageRoute("plugins", path="/admin/plugins", title=_("Plugins"), permission=RIGHT, view=show_all),
    PageRoute("plugin", path="/admin/plugins/{name}", title=_("Plugin"), permission=RIGHT, view=show, submit=submit),
    PageRoute("plugin_off", path="/admin/plugins/{name}/off", title=_("Turn off"), permission=RIGHT, view=ask_off),
)
