"""Grants that a tenant stores: checked when they are written. One that does not fit would grant more, or less, than it says.

Nobody gives what he has not: roles, grants and tokens go no further than the rights of who gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from core.custom.overlay import overlay_of
from core.policy.administrators import keep_one
from core.policy.grants import Grant, with_implied
from core.policy.parts import beyond_parts
from sdk import Batch, Change, Condition, Entity, Scope, Verb, _
from sdk.permissions import BULK_EDIT, EXPORT, IMPLIED, UNOWNED

if TYPE_CHECKING:
    from core.context import Work


_BEYOND = _("you can’t grant {name}, because you don’t have that much of it yourself")


def check_grants(work: Work, batch: Batch) -> None:
    """The permission is one that a plugin of this installation has, its scope and its fields fit the entity."""
    for change in batch.standing():
        name, catalog = str(change.after("permission")), work.catalog
        if name not in catalog.permissions:
            change.refuse("permission", "unknown_permission", _("permission {name!r} does not exist"), name=name)
            continue
        entity = catalog.entities.get(name.rpartition(".")[0])
        if entity is not None and name.rpartition(".")[2] in set(Verb):
            _check_scope(change, entity)
            _check_fields(work, change, entity)
        elif name.rpartition(".")[2] in (EXPORT, BULK_EDIT) and change.after("scope") not in (Scope.ALL, Scope.NONE):
            text = _("{name!r} applies wherever a record is read or edited; use all, or none")
            change.refuse("scope", "bad_scope", text, name=name)
        elif change.after("only_fields") is not None:
            change.refuse("only_fields", "no_fields", _("{name!r} is not a record permission and has no fields"), name=name)
    if not work.grants.unlimited:
        for change in batch.changes:
            _check_giver(work, change)


def _check_giver(work: Work, change: Change) -> None:
    for name, given in _given(work, change):
        if change.stands and (far := _too_far(work, change, name, given)) is not None:
            change.forbid("beyond_own", _BEYOND, name=far)
    if change.stands and _leaves(change) and (far := _too_far_again(work, change)) is not None:
        change.forbid("beyond_own", _BEYOND, name=far)


def _leaves(change: Change) -> bool:
    """Whether nothing stands any more where this grant stood."""
    return change.verb == "delete" or (change.verb == "update" and (change.changes("permission") or change.changes("role")))


def _too_far(work: Work, change: Change, name: str, given: Grant) -> str | None:
    """What of a grant the giver has not so far himself: the permission, or one of what is part of that and comes with it."""
    if not work.grants.covers(name, given):
        return name
    thing, _dot, word = name.rpartition(".")
    if given.scope is Scope.NONE or thing not in work.catalog.entities or word not in set(Verb):
        return None
    key = _key_of(work, change.after("role"))
    return beyond_parts(work, {**_held_by(work, key), name: (replace(given, role=key),)}, thing)


def _too_far_again(work: Work, change: Change) -> str | None:
    """What follows its parent again without a grant, and goes further than the giver's own."""
    assert change.before is not None
    name, role, catalog = str(change.before["permission"]), change.before["role"], work.catalog
    same = work.as_system().records("core.grant").find((Condition("role", "eq", (role,)), Condition("permission", "eq", (name,))))
    if any(row["id"] != change.id for row in same) or name not in catalog.permissions:
        return None
    key = _key_of(work, role)
    scope = catalog.permissions[name][1].default_for.get(key)
    left = {each: grants for each, grants in _held_by(work, key).items() if each != name}
    return beyond_parts(work, left if scope is None else {**left, name: (Grant(scope, role=key),)}, name.rpartition(".")[0])


def _held_by(work: Work, key: str) -> dict[str, tuple[Grant, ...]]:
    """What a role gives as it is stored by now."""
    return work.platform.policy.of_role(work.connection, work.tenant.id, key, work.enabled)


def _key_of(work: Work, role: object) -> str:
    found = work.as_system().records("core.role").find((Condition("id", "eq", (role,)),), 1)
    return str(found[0]["key"]) if found else ""


def _given(work: Work, change: Change) -> Iterator[tuple[str, Grant]]:
    """The grant as it will be, with what it implies; and what the role has again, once nothing stands in the place of it."""
    if change.verb != "delete":
        name, grant = str(change.after("permission")), _grant(change.after("scope"), change.after("only_fields"))
        there = {**_stored_table(work, change.after("role")), name: (grant,)}
        thing = name.rpartition(".")[0]
        yield from ((each, one) for each, grants in with_implied(there) for one in grants if each.startswith(f"{thing}.") and one is grant)
    if _leaves(change) and change.before is not None:
        name = str(change.before["permission"])
        thing, _dot, word = name.rpartition(".")
        key, catalog = _key_of(work, change.before["role"]), work.catalog
        if word in IMPLIED:
            yield from ((name, grant) for grant in _held_by(work, key).get(f"{thing}.{IMPLIED[word]}", ()))
        elif name in catalog.permissions and (scope := catalog.permissions[name][1].default_for.get(key)) is not None:
            yield name, Grant(scope)
            stored = _stored_table(work, change.before["role"])  # with the verb come back those special rights of it that are not settled
            yield from ((other, Grant(scope)) for special, verb in IMPLIED.items()
                        if verb == word and (other := f"{thing}.{special}") not in stored)  # fmt: skip


def _grant(scope: object, fields: object) -> Grant:
    return Grant(Scope(str(scope)), frozenset(map(str, fields)) if isinstance(fields, list) else None)


def _stored_table(work: Work, role: object) -> dict[str, tuple[Grant, ...]]:
    """What is stored for a role, by permission."""
    table: dict[str, tuple[Grant, ...]] = {}
    for row in work.as_system().records("core.grant").find((Condition("role", "eq", (role,)),)):
        name = str(row["permission"])
        table[name] = (*table.get(name, ()), _grant(row["scope"], row["only_fields"]))
    return table


def check_roles(work: Work, batch: Batch) -> None:
    """A role that may do everything, or that takes or leaves a plugin's key and with it what the plugin grants, is for who may do everything."""
    ours = work.platform.catalog.roles
    for change in batch.changes if not work.grants.unlimited else ():
        before = (change.before or {}).get("key")
        leaves = before in ours and (change.verb == "delete" or change.changes("key"))
        taken = change.after("key") in ours and (change.verb == "restore" or change.changes("key"))
        if leaves or (change.verb != "delete" and (change.after("everything") or taken)):
            change.forbid("beyond_own", _("you can’t create a role that can do everything, because you can’t yourself"))
        elif change.verb == "restore" or (change.verb == "update" and change.changes("key")):
            _check_holders(work, change)
    keep_one(work, batch)


def _check_holders(work: Work, change: Change) -> None:
    """Whoever has the new key in his list comes to have what the role grants."""
    stored = _stored_table(work, change.id)
    for name, grants in with_implied(stored):
        if not all(work.grants.covers(name, grant) for grant in grants):
            change.forbid("beyond_own", _BEYOND, name=name)
    if change.stands and (far := beyond_parts(work, stored)) is not None:
        change.forbid("beyond_own", _BEYOND, name=far)


def _check_scope(change: Change, entity: Entity) -> None:
    scope = change.after("scope")
    if scope not in UNOWNED and not entity.owned:
        change.refuse("scope", "bad_scope", _("{entity} has no owner; use all, or parent"), entity=entity.full_name)
    if scope == Scope.TERRITORY and not entity.territory:
        change.refuse("scope", "bad_scope", _("{entity} has no territory; use own, team or all"), entity=entity.full_name)
    if scope == Scope.PARENT and entity.parent is None:
        change.refuse("scope", "bad_scope", _("{entity} is not part of another record; use own, team or all"), entity=entity.full_name)


def _check_fields(work: Work, change: Change, entity: Entity) -> None:
    fields = change.after("only_fields")
    if fields is None:
        return
    if not isinstance(fields, list) or not fields:
        change.refuse("only_fields", "empty", _("enter a field, or leave the list out for all of them"))
        return
    known = work.platform.shape(entity.full_name, work.enabled | {entity.plugin}, overlay_of(work, entity.full_name), work.catalog).fields
    for name in fields:
        if name not in known:
            change.refuse("only_fields", "unknown_field", _("{entity} has no field {name!r}"), entity=entity.full_name, name=str(name)[:80])
