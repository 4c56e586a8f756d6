"""Acting with the rights of somebody else: what one has to have oneself, lest it widens one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from core.policy.grants import Grant, Grants, with_implied
from core.policy.parts import beyond_parts
from sdk import EVERYBODY, Batch, Conflict, Entity, Forbidden, NotFound, Scope, Verb, _

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.item import Item

DELEGATE = "delegate"
"""The special right, where an entity has one, to let its records act as anybody."""
STOPS = frozenset({"active"})
"""What may be changed of somebody else's: it goes on, or stops, as its owner has made it."""
OUTLASTS = _(
    "while impersonating, you can’t create or change anything that keeps acting for that person ({entity}), because it would outlast the hour"
)
ALONE = _("while impersonating, you can’t do this: a person’s way in, tokens and email are for that person alone")
_WAYS_IN, _PERSON, _WHO = frozenset({"core.token", "core.identity"}), "core.user", frozenset({"email", "active"})
_BEYOND = _(
    "this acts later with the permissions of {owner}, who has one you don’t have ({permission}): make yourself the "
    "owner, or ask an administrator"
)

_GONE = _("this acts later for its owner, who is not active: make yourself the owner, or ask an administrator")


def short_of(work: Work, grants: Grants) -> str | None:
    """A permission that somebody has and the actor has not on all records: acting as him would show more than the actor's own view.

    What everybody has of the own, and what is private to each, comes with acting as that person.
    """
    if work.grants.unlimited:
        return None
    if grants.unlimited:
        return "*"
    catalog = work.platform.catalog
    for name, held in with_implied(grants.table):
        entity = catalog.entities.get(name.rpartition(".")[0])
        for grant in held:
            own = grant.role == EVERYBODY or (entity is not None and entity.private)
            if not own and grant.scope is not Scope.NONE and not work.grants.covers(name, Grant(Scope.ALL, grant.fields)):
                return name
    return beyond_parts(work, grants.table)


def is_for_the_person_alone(work: Work, entity: str, verb: str, record: UUID | None, names: Iterable[str]) -> bool:
    """Whether the actor is only acted as, and this would change how people come in, or who the person is: it would outlast the hour, and shut out
    whose it is. `names`: the fields of an update."""
    if work.impersonator is None or work.grants.everything or verb == Verb.READ:
        return False
    return entity in _WAYS_IN or (
        entity == _PERSON and record == work.actor.user_id and (verb == Verb.DELETE or not _WHO.isdisjoint(names))
    )


def keep_in_person(work: Work, batch: Batch) -> None:
    """For `prepare_changes`: raises Forbidden where something of it is for the person alone; that it was tried stays in the audit."""
    for change in batch.changes:
        require_in_person(work, batch.entity, change.verb, change.id, filter(change.changes, change.values))


def require_in_person(work: Work, entity: str, verb: str, record: UUID, names: Iterable[str] = ()) -> None:
    """The same for one act."""
    if is_for_the_person_alone(work, entity, verb, record, names):
        work.refused(f"{entity}.{verb}", record)
        raise Forbidden(ALONE, code="acting")


def may_act_for(work: Work, entity: Entity, owner: object) -> bool:
    """Whether the actor may write what goes on acting for `owner`."""
    return not isinstance(owner, UUID) or owner == work.actor.user_id or _for_anybody(work, entity) or _refusal(work, owner) is None


def _for_anybody(work: Work, entity: Entity) -> bool:
    special = f"{entity.full_name}.{DELEGATE}"
    return work.grants.unlimited or (special in work.catalog.permissions and work.can(special))


def check_acting(work: Work, entity: Entity, items: Sequence[Item]) -> None:
    """What acts later for its owner is written by the owner, by who may do all that the owner may, or by who may let it act as anybody."""
    if _for_anybody(work, entity):
        return
    found = dict[UUID, Conflict | None]()
    for item in items:
        owner = item.after("owner")
        if not isinstance(owner, UUID) or owner == work.actor.user_id or item.draft.verb not in ("create", "update"):
            continue
        if item.draft.verb == "update" and all(
            name in STOPS or value == (item.before or {}).get(name) for name, value in item.values.items()
        ):
            continue
        if owner not in found:
            found[owner] = _refusal(work, owner)
        item.refusal = item.refusal or found[owner]


def _refusal(work: Work, owner: UUID) -> Conflict | None:
    try:
        other = work.standing_in(owner)
    except NotFound:
        return Conflict(_GONE, code="beyond_own")  # may come back, and with what rights nobody knows
    beyond = short_of(work, other.grants)
    return None if beyond is None else Conflict(_BEYOND, code="beyond_own", owner=other.actor.name, permission=beyond)
