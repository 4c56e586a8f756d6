"""The rights of all roles as a table: what is in force, whether a plugin gave it or the tenant has stored it, and what may be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdk import Entity, Scope, Verb
from sdk.permissions import BULK_EDIT, EXPORT, IMPLIED, UNOWNED

if TYPE_CHECKING:
    from core.context import Work

_ALL_OR_NONE = (Scope.NONE, Scope.ALL)


def rights(work: Work) -> list[dict[str, object]]:
    """Every grant that a role has by a line of its own: `grant` is the id of the stored record, None for what a plugin contributes.

    A permission that the tenant has stored for a role stands in the place of the contributed one; roles that may do everything have no lines.
    """
    keys = {row["id"]: str(row["key"]) for row in work.records("core.role").find((), 10_000)}
    found: list[dict[str, object]] = []
    replaced = set[tuple[str, str]]()
    for row in work.records("core.grant").find((), 10_000):
        role, permission = keys.get(row["role"]), str(row["permission"])
        if role is not None and permission in work.catalog.permissions:
            replaced.add((role, permission))
            found.append({"role": role, "permission": permission, "scope": row["scope"], "fields": row["only_fields"], "grant": row["id"]})
    for name, (owner, contributed) in work.platform.catalog.permissions.items():
        for role, scope in contributed.default_for.items():
            if owner in work.enabled and (role, name) not in replaced:
                found.append({"role": role, "permission": name, "scope": scope.value, "fields": None, "grant": None})
    return found


def permissions(work: Work) -> list[dict[str, object]]:
    """Every permission that there is to grant, with the scopes that fit it and what the role has of it from the start, by role."""
    return [
        {
            "name": name, "label": work.say(permission.label), "plugin": owner, "entity": thing if thing in work.catalog.entities else None,
            "word": word, "scopes": [scope.value for scope in _scopes(work.catalog.entities.get(thing), word)],
            "implied_by": IMPLIED[word].value if word in IMPLIED and thing in work.catalog.entities else None,
            "default_for": {role: scope.value for role, scope in permission.default_for.items()},
        }
        for name, (owner, permission) in work.catalog.permissions.items()
        if owner in work.enabled
        for thing, word in [(name.rpartition(".")[0], name.rpartition(".")[2])]
    ]  # fmt: skip


def _scopes(entity: Entity | None, word: str) -> list[Scope]:
    """Those that `check_grants` takes, from the least to the widest."""
    if entity is None or word in (EXPORT, BULK_EDIT) or word not in {*Verb, *IMPLIED}:
        return list(_ALL_OR_NONE)
    return [
        scope
        for scope in Scope
        if (scope in UNOWNED or entity.owned)
        and (scope is not Scope.TERRITORY or entity.territory)
        and (scope is not Scope.PARENT or entity.parent is not None)
    ]
