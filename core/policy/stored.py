"""Grants that a tenant stores: checked when they are written. One that does not fit would grant more, or less, than it says.

Nobody gives what he has not: roles, grants and tokens go no further than the rights of who gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.policy.enforcer import EVERYTHING
from core.policy.grants import Grant
from sdk import Batch, Change, Entity, Scope, Verb, _

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
        if change.stands:
            fields = change.after("only_fields")
            given = Grant(Scope(str(change.after("scope"))), frozenset(map(str, fields)) if isinstance(fields, list) else None)
            if not work.grants.covers(name, given):
                change.forbid("beyond_own", _("you may not grant {name}, as you have not so much of it yourself"), name=name)


def check_roles(work: Work, batch: Batch) -> None:
    """A role that may do everything is made by who may do everything."""
    for change in batch.standing():
        if change.after("everything") and not work.grants.unlimited and not work.grants.everything:
            change.forbid("beyond_own", _("you may not make a role that may do everything, as you may not yourself"))


def check_people(work: Work, batch: Batch) -> None:
    """Nobody gives a role that may do more than the giver."""
    for change in batch.standing():
        before = (change.before or {}).get("roles")
        there = set(before) if isinstance(before, list) and change.verb == "update" else set()
        roles = change.after("roles")
        for role in sorted(set(roles) - there) if isinstance(roles, list) and change.changes("roles") else ():
            if (beyond := _beyond(work, [role])) is not None:
                text = _("you may not give the role {role}: it may {permission}, and you may not so far")
                change.forbid("beyond_own", text, role=role, permission=beyond)
                break


def _beyond(work: Work, roles: Iterable[str]) -> str | None:
    """A permission that some roles give and the actor has not, or not so far."""
    if work.grants.everything or work.grants.unlimited:
        return None
    version = work.platform.tenant_row(work.connection, work.tenant.id).access_version
    table = work.platform.policy.of_roles(work.connection, work.tenant.id, roles, version, work.enabled)
    for name, grants in table.items():
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
