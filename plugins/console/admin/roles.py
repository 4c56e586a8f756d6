"""Roles: the table of all of them, one role with its rights to change, the fields that a right holds for, and what a person may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from plugins.console.admin.rights import SCOPES, VERBS, Rights, field_lines, kind_or_none
from plugins.console.beginning import with_key
from plugins.console.registry import PREFIX, kind_of, query_of
from sdk import Context, NotFound, PageRequest, PageRoute, Redirect, Refusal, Rendering, Verb, _, where
from sdk.context import Row, id_of
from sdk.pages import told

HERE = f"{PREFIX}/admin/roles"
_FIRST = "customers"
_WAS = "was"
_MOST_UNDONE = 30
"""So many changes an address holds."""
_FIELDED = (Verb.READ.value, Verb.CREATE.value, Verb.UPDATE.value)


@dataclass(frozen=True)
class Change:
    """A right of a role that was given or taken just now."""

    permission: str
    label: str
    scope: str
    before: str
    now: str


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """What every role may do in one plugin, side by side."""
    return _table(ctx, request)


def create(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A new role, without rights."""
    try:
        values = {"key": request.typed("key").strip(), "name": request.typed("name").strip()}
        row = ctx.records("core.role").create(with_key(kind_of(ctx, "core.role"), dict(values)))
    except Refusal as refusal:
        return _table(ctx, request, refusal)
    return Redirect(f"{HERE}/{row['key']}")


def _table(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    rights = Rights.of(ctx)
    plugin = _plugin(request, rights)
    roles = sorted(ctx.records("core.role").find((), 100), key=lambda role: bool(role["everything"]))  # nothing to change there
    by_role = {str(role["key"]): rights.lines(str(role["key"]), plugin) for role in roles}
    lines = next(iter(by_role.values()), [])
    values = {
        "roles": roles, "lines": [(line, [by_role[str(role["key"])][number] for role in roles]) for number, line in enumerate(lines)],
        "plugin": plugin, "plugins": rights.kinds(), **_finding(request, rights), "here": HERE, "problems": told(ctx, refusal),
        "verbs": {verb: ctx.say(label) for verb, label in VERBS.items()},
        "typed": {name: request.typed(name) for name in ("key", "name")}, "may_add": ctx.can("core.role.create"),
    }  # fmt: skip
    return Rendering("console/admin_roles.html", values, 200 if refusal is None else refusal.status)


def show(ctx: Context, request: PageRequest) -> Rendering:
    """One role: its rights in one plugin, each to be changed in its place, and who has it."""
    return _role(ctx, request)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take all changed cells, or none."""
    role, rights = _named(ctx, request), Rights.of(ctx)
    was: list[tuple[str, str]] = []
    try:
        for name, scope in request.form:
            if name in rights.permissions:
                before = rights.cell(str(role["key"]), name).scope
                if rights.set_scope(id_of(role), str(role["key"]), name, scope):
                    was.append((_WAS, f"{name}:{before}"))
    except Refusal as refusal:
        return _role(ctx, request, refusal)
    undone = [("undone", "1")] if request.typed("undo") else was[:_MOST_UNDONE]
    more = [("more", str(len(was) - _MOST_UNDONE))] if not request.typed("undo") and len(was) > _MOST_UNDONE else []
    return Redirect(f"{HERE}/{role['key']}" + query_of([("plugin", _plugin(request, rights)), *undone, *more]))


def _changes(request: PageRequest, rights: Rights, key: str) -> list[Change]:
    """What was stored just now, as the address tells it: each cell with what it was and is."""
    found = []
    for word in (value for name, value in request.query if name == _WAS):
        name, _colon, before = word.partition(":")
        if name in rights.permissions and before in SCOPES:
            cell, entity = rights.cell(key, name), rights.permissions[name]["entity"]
            said = rights.ctx.say
            records = said(rights.ctx.entity(entity).plural_label) if entity and rights.ctx.offers(entity) else ""
            found.append(Change(name, f"{records} · {cell.label}" if records else cell.label, before, said(SCOPES[before]), cell.said))
    return found


def _role(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    role, rights = _named(ctx, request), Rights.of(ctx)
    plugin = _plugin(request, rights)
    lines = rights.lines(str(role["key"]), plugin)
    people = ctx.records("core.user").find(where(active=True), 1000)
    holders = [one for one in people if role["key"] in cast("list[str]", one["roles"] or [])]
    values = {
        "role": role, "lines": lines, "plugin": plugin, "plugins": rights.kinds(), **_finding(request, rights), "here": f"{HERE}/{role['key']}",
        "scopes": rights.scopes(lines), "changes": [] if refusal else _changes(request, rights, str(role["key"])), "undone": bool(request.asked("undone")),
        "more": request.asked("more"), "fields_kept": request.asked("fields"),
        "problems": told(ctx, refusal), "holders": holders, "verbs": {verb: ctx.say(label) for verb, label in VERBS.items()},
        "typed": {name: value for name, value in request.form if name in rights.permissions},
        "may": ctx.can("core.grant.update") and ctx.can("core.grant.create"), "users": f"{PREFIX}/core/users",
    }  # fmt: skip
    return Rendering("console/admin_role.html", values, 200 if refusal is None else refusal.status)


def show_fields(ctx: Context, request: PageRequest) -> Rendering:
    """For which fields of an entity the role's rights hold."""
    return _fields(ctx, request)


def change_fields(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """All fields of a verb, also those to come; or those that are ticked."""
    role, rights, entity = _named(ctx, request), Rights.of(ctx), request.path["entity"]
    try:
        for verb in _FIELDED:
            if f"{entity}.{verb}" in rights.permissions and request.typed(f"{verb}__there"):
                fields = None if request.typed(f"{verb}__all") else request.chosen(verb)
                rights.set_fields(id_of(role), str(role["key"]), f"{entity}.{verb}", fields)
    except Refusal as refusal:
        return _fields(ctx, request, refusal)
    return Redirect(f"{HERE}/{role['key']}?plugin={entity.partition('.')[0]}&fields=1")


def _fields(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    role, rights, name = _named(ctx, request), Rights.of(ctx), request.path["entity"]
    kind = kind_or_none(ctx, name)
    if kind is None:
        raise NotFound(_("there is nothing at this address"))
    cells = {verb: rights.cell(str(role["key"]), f"{name}.{verb}") for verb in _FIELDED if f"{name}.{verb}" in rights.permissions}
    values = {
        "role": role, "kind": kind, "cells": cells, "lines": field_lines(kind, cells), "problems": told(ctx, refusal),
        "back": f"{HERE}/{role['key']}?plugin={kind.entity.plugin}", "may": ctx.can("core.grant.update") and not role["everything"],
    }  # fmt: skip
    return Rendering("console/admin_role_fields.html", values, 200 if refusal is None else refusal.status)


def explain(ctx: Context, request: PageRequest) -> Rendering:
    """What one person may do in a plugin, and from which role and team it comes."""
    id, rights = request.id(), Rights.of(ctx)
    person = ctx.records("core.user").get(id)
    plugin = _plugin(request, rights)
    names = {str(row["key"]): str(row["name"]) for row in ctx.records("core.role").find((), 1000)}
    rows = []
    for line in rights.lines("", plugin):
        answers = {verb: (cell, _why(ctx, id, cell.permission, names)) for verb, cell in line.verbs.items()}
        rows.append((line, answers, [(cell, _why(ctx, id, cell.permission, names)) for cell in line.special]))
    values = {
        "person": person, "rows": rows, "plugin": plugin, "plugins": rights.kinds(), **_finding(request, rights), "here": f"{PREFIX}/admin/people/{id}",
        "verbs": {verb: ctx.say(label) for verb, label in VERBS.items()},
    }  # fmt: skip
    return Rendering("console/admin_person.html", values)


def _why(ctx: Context, id: UUID, permission: str, names: Mapping[str, str]) -> dict[str, Any]:
    answer = cast("dict[str, Any]", ctx.api("GET", f"/api/v1/core/explanations?user={id}&action={permission}"))
    grants = [{**rule, "name": names.get(rule["role"], rule["role"])} for rule in answer["rules"]]
    return {**answer, "grants": grants if answer["allowed"] else []}


def _named(ctx: Context, request: PageRequest) -> Row:
    found = ctx.records("core.role").find(where(key=request.path["key"]), 1)
    if not found:
        raise NotFound(_("there is nothing at this address"))
    return found[0]


def _plugin(request: PageRequest, rights: Rights) -> str:
    """Which plugin is looked at: that of the records which somebody looks for, or the one that is chosen."""
    sought = next((str(one["plugin"]) for one in rights.permissions.values() if one["entity"] and one["entity"] == request.asked("of")), "")
    wanted = request.typed("plugin") or sought or request.asked("plugin") or _FIRST
    return wanted if wanted in rights.plugins else rights.plugins[0]


def _finding(request: PageRequest, rights: Rights) -> dict[str, object]:
    return {"records": rights.records(), "sought": request.asked("of")}


PAGES = (
    PageRoute("roles", path="/admin/roles", title=_("Roles and permissions"), permission="core.grant.read", view=show_all, submit=create),
    PageRoute("role", path="/admin/roles/{key}", title=_("Role"), permission="core.grant.read", view=show, submit=change),
    PageRoute("role_fields", path="/admin/roles/{key}/{entity}", title=_("Fields"), permission="core.grant.read",
              view=show_fields, submit=change_fields),
    PageRoute("person", path="/admin/people/{id}", title=_("What can they do?"), permission="core.grant.read", view=explain),
)  # fmt: skip
