"""Grants that a tenant stores: checked when they are written. One that does not fit would grant more, or less, than it says.

Nobody gives what he has not: roles, grants and tokens go no further than the rights of who gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.policy.enforcer import EVERYTHING
from core.policy.grants import Grant
from sdk import Batch, Change, Condition, Entity, Scope, Verb, _

if TYPE_CHECKING:
    from core.context import Work


def check_grants(work: Work, batch: Batch) -> None:
    """The permission is one that a plugin of this installation has, its scope and its fields fit the entity."""
    for change in batch.standing():
        name, catalog = str(change.after("permission")), work.platform.catalog
        if name not in catalog.permissions:
            change.refuse("permission", "unknown_permission", _("there is no permission {name!r}"), name=name)
            continue
        entity = catalog.entities.get(name.rpartition(".")[0])
        if entity is not None and name.rpartition(".")[2] in set(Verb):
            _check_scope(change, entity)
            _check_fields(work, change, entity)
        elif change.after("only_fields") is not None:
            change.refuse("only_fields", "no_fields", _("{name!r} is no verb on records and has no fields"), name=name)
    if not work.grants.unlimited:
        for change in batch.changes:
            _check_giver(work, change)


def _check_giver(work: Work, change: Change) -> None:
    """A grant in the place of a plugin's gives it back when it goes: to delete one may give more than to write one."""
    name, fields = str(change.after("permission")), change.after("only_fields")
    given: Grant | None = Grant(Scope(str(change.after("scope"))), frozenset(map(str, fields)) if isinstance(fields, list) else None)
    if change.verb == "delete":
        role = work.as_system().records("core.role").find((Condition("id", "eq", (change.after("role"),)),), 1)
        known = work.platform.catalog.permissions.get(name)
        scope = known[1].default_for.get(str(role[0]["key"])) if role and known is not None else None
        given = None if scope is None else Grant(scope)
    if change.stands and given is not None and not work.grants.covers(name, given):
        change.forbid("beyond_own", _("you may not grant {name}, as you have not so much of it yourself"), name=name)


def check_roles(work: Work, batch: Batch) -> None:
    """A role that may do everything, or that takes a plugin's key and with it what the plugin grants, is made by who may do everything."""
    for change in batch.changes if not work.grants.unlimited else ():
        taken = change.after("key") in work.platform.catalog.roles and (change.verb == "restore" or change.changes("key"))
        if change.verb != "delete" and (change.after("everything") or taken):
            change.forbid("beyond_own", _("you may not make a role that may do everything, as you may not yourself"))


def check_people(work: Work, batch: Batch) -> None:
    """Nobody gives a role that may do more than the giver."""
    for change in batch.standing() if not work.grants.unlimited else ():
        before = (change.before or {}).get("roles")
        there = set(before) if isinstance(before, list) and change.verb == "update" else set()
        roles = change.after("roles")
        for role in sorted(set(roles) - there) if isinstance(roles, list) and change.changes("roles") else ():
            if (far := beyond(work, role)) is not None:
                text = _("you may not give the role {role}: it may {permission}, and you may not so far")
                change.forbid("beyond_own", text, role=role, permission=far)
                break


def beyond(work: Work, role: str) -> str | None:
    """A permission that a role gives and the actor has not, or not so far."""
    for name, grants in work.platform.policy.of_role(work.connection, work.tenant.id, role, work.enabled).items():
        if name == EVERYTHING or not all(work.grants.covers(name, grant) for grant in grants):
            return name
    return None


def _check_scope(change: Change, entity: Entity) -> None:
    scope = change.after("scope")
    if scope in (Scope.OWN, Scope.TEAM) and not entity.owned:
        change.refuse("scope", "bad_scope", _("{entity} belongs to nobody; take all, or parent"), entity=entity.full_name)
    if scope == Scope.PARENT and entity.parent is None:
        change.refuse("scope", "bad_scope", _("{entity} is part of no other record; take own, team or all"), entity=entity.full_name)


def _check_fields(work: Work, change: Change, entity: Entity) -> None:
    fields = change.after("only_fields")
    if fields is None:
        return
    if not isinstance(fields, list) or not fields:
        change.refuse("only_fields", "empty", _("name a field, or leave the list out for all of them"))
        return
    known = work.platform.shape(entity.full_name, work.enabled | {entity.plugin}).fields
    for name in fields:
        if name not in known:
            change.refuse("only_fields", "unknown_field", _("{entity} has no field {name!r}"), entity=entity.full_name, name=str(name)[:80])
