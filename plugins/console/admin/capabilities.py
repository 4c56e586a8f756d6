"""What a plugin asks for, in words: `data customers.account.read:name` is "Read Accounts: Name"."""

from __future__ import annotations

from dataclasses import dataclass

from sdk import ANY_HOST, Context, Text, Verb, _
from sdk.context import Records

_DO: dict[str, Text] = {
    Verb.READ: _("Read {things}: {fields}"),
    Verb.CREATE: _("Create {things}: {fields}"),
    Verb.UPDATE: _("Change {things}: {fields}"),
    Verb.DELETE: _("Delete {things}"),
    "": _("Read, create, change and delete {things}: {fields}"),
}
_ICONS = {"data": "list", "network": "globe", "jobs": "clock", "api": "link", "mail": "mail", "files": "clip"}


@dataclass(frozen=True)
class Wish:
    """One capability: the word that is approved, and what it means."""

    word: str
    icon: str
    text: str


def wish(ctx: Context, plugin: str, word: str) -> Wish:
    """A capability of a plugin as people read it."""
    kind, _space, what = word.partition(" ")
    return Wish(word, _ICONS.get(kind, "dot"), _said(ctx, plugin, kind, what))


def _said(ctx: Context, plugin: str, kind: str, what: str) -> str:
    if kind == "data":
        return _data(ctx, what)
    if kind == "network":
        return ctx.say(_("Connect to any host entered by users")) if what == ANY_HOST else ctx.say(_("Connect to {host}"), {"host": what})
    if kind == "jobs":
        name = what if "." in what else f"{plugin}.{what}"
        return ctx.say(_("Background jobs: {job}"), {"job": what if (called := ctx.called(name)) == name else called})
    if kind == "api":
        asked = ctx.say(_("every plugin")) if what == "*" else what
        return ctx.say(_("Call {plugin} endpoints on behalf of the person viewing its pages"), {"plugin": asked})
    return ctx.say(_("Send email")) if kind == "mail" else ctx.say(_("Store files and open stored ones"))


def _data(ctx: Context, what: str) -> str:
    name, _colon, listed = what.partition(":")
    entity, verb = name, ""
    if name.count(".") == 2 or name.startswith("*."):
        entity, _dot, verb = name.rpartition(".")
    records = ctx.records(entity) if ctx.offers(entity) else None
    things = ctx.say(_("all records of all plugins")) if entity == "*" else ctx.say(ctx.entity(entity).plural_label) if records else entity
    fields = ctx.say(_("all fields, including future ones")) if listed in ("*", "") else _labels(ctx, records, listed)
    return ctx.say(_DO.get(verb, _DO[""]), {"things": things, "fields": fields})


def _labels(ctx: Context, records: Records | None, listed: str) -> str:
    known = records.fields() if records is not None else {}
    return ctx.say(_(", ")).join(ctx.say(known[name].label) if name in known else name for name in listed.split(","))
