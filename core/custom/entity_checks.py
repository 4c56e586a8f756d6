"""Definitions of a tenant's own entities, checked when they are written: records that are there are never lost by a change of one."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Final
from uuid import UUID

import sqlalchemy as sa

from core.custom.definition import PREFIX
from core.custom.entity_tables import MOST_ENTITIES, CustomRecord
from sdk import Batch, Change, Condition, Entity, Verb, _
from sdk.names import ENTITY, RESERVED_FIELDS

if TYPE_CHECKING:
    from core.context import Work

NAME = "core.custom_entity"
PURGE: Final = "purge"
"""The act by which an entity goes with its records."""
RESERVED = RESERVED_FIELDS | {"batch", "duplicates", "restore", "history", "timeline", "openapi", "meta"}
"""Words that mean something else where the word of an entity stands."""
_LASTING = ("key", "plural", "parent", "owned")
"""What stays as it was made: addresses, permissions, events and records that are there say it."""


def fill_entities(batch: Batch) -> None:
    """What is left out: addresses with an s, and the label of one for that of several."""
    for change in batch.standing():
        if change.after("plural") is None:
            change.values["plural"] = f"{change.after('key')}s"[:40]
        if change.after("plural_label") is None:
            change.values["plural_label"] = change.after("label")


def check_entities(work: Work, batch: Batch) -> None:
    """Its words are free and legal, its parent can be one, and none that has records is deleted."""
    plurals = set[object]()
    for change in batch.changes:
        if change.verb == "update":
            for name in _LASTING:
                if change.changes(name):
                    change.refuse(name, "lasting", _("can’t be changed because URLs and permissions contain it; create another entity"))
        if change.verb == "create":
            _check_words(work, change, plurals)
            plurals.add(change.after("plural"))
            _check_parent(work, change)
        if change.verb == "delete":
            _check_parts(work, change)
            if change.act != PURGE:
                _check_empty(work, change)
        if change.verb == "restore" and change.before and change.before["purging"]:
            change.forbid("purging", _("is being permanently deleted and can’t be restored"))
    made = [change for change in batch.changes if change.verb in ("create", "restore") and change.stands]
    left = MOST_ENTITIES - len(work.as_system().records(NAME).find((), MOST_ENTITIES)) if made else 0
    for change in made[max(left, 0) :]:
        change.forbid("too_many", _("you already have {most} custom entities; delete one first"), most=MOST_ENTITIES)


def _check_words(work: Work, change: Change, plurals: Set[object]) -> None:
    for name in ("key", "plural"):
        word = str(change.after(name) or "")
        if not change.stands:  # a plural that is made of a wrong key is as wrong
            return
        if not ENTITY.match(word):
            change.refuse(name, "malformed", _("expected 2 to 40 characters: a lowercase letter, then letters, digits and underscores"))
        elif word in RESERVED:
            change.refuse(name, "reserved", _("the word {word!r} is reserved; choose another"), word=word)
    plural = Condition("plural", "eq", (change.after("plural"),))  # the door has looked at one that was given, not at one that was made
    if change.stands and (change.after("plural") in plurals or work.as_system().records(NAME).find((plural,), 1)):
        change.refuse("plural", "duplicate", _("{value!r} is already taken"), value=str(change.after("plural")))
    gone = work.as_system().records(NAME).find((Condition("key", "eq", (change.after("key"),)),), 1, deleted=True) if change.stands else ()
    if gone and gone[0]["purging"]:
        change.refuse("key", "purging", _("an entity with this key is being deleted with its records; try again when that has finished"))
    elif gone:
        text = _("an entity with this key is in the recycle bin; restore it, or delete it permanently with its records")
        change.refuse("key", "in_bin", text)


def _check_parent(work: Work, change: Change) -> None:
    name = change.after("parent")
    if name is None:
        return
    found = work.catalog.entities.get(str(name)) if work.offers(str(name)) else None
    if found is None or not can_be_parent(work, found):
        change.refuse("parent", "unknown_entity", _("entity {name!r} does not exist or can’t have parts"), name=str(name))


def can_be_parent(work: Work, entity: Entity) -> bool:
    """Whether records can be part of one of these: who sees it is settled, and it is no part of core's own order."""
    return work.catalog.is_rooted(entity) and entity.plugin != "core" and Verb.UPDATE in entity.verbs and not entity.private


def _check_parts(work: Work, change: Change) -> None:
    name = f"{PREFIX}.{change.after('key')}"
    if parts := work.as_system().records(NAME).find((Condition("parent", "eq", (name,)),), 1):
        text = _("{other} is part of {entity}; delete that first")
        change.forbid("has_parts", text, other=f"{PREFIX}.{parts[0]['key']}", entity=name)


def _check_empty(work: Work, change: Change) -> None:
    if (count := records_of(work, change.id)) > 0:
        text = _(
            "{entity} has {count} records, including those in the recycle bin; `POST …/purges` with its key deletes it with all of them"
        )
        change.forbid("has_records", text, entity=f"{PREFIX}.{change.after('key')}", count=count)


def records_of(work: Work, id: UUID) -> int:
    """How many records there are of an entity, those in the recycle bin among them."""
    table = CustomRecord.table()
    query = sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == work.tenant.id, table.c.kind_id == id)
    return int(work.connection.execute(query).scalar_one())
