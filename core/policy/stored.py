"""Grants that a tenant stores: checked when they are written, as one that does not fit would grant more, or less, than it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
