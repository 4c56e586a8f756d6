"""Shares when they are written: whoever reaches a record by his own rights may let a person in, and no further than he may go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from core.identity.tables import Share
from core.policy.scopes import shareable
from sdk import Batch, Change, Verb, _
from sdk.fields import Reference

if TYPE_CHECKING:
    from core.context import Work


def check_shares(work: Work, batch: Batch) -> None:
    """The record is one that can be shared, the end is yet to come, and the actor reaches the record otherwise than by a share."""
    for change in batch.standing():
        record, ends = change.after("record"), change.after("expires_at")
        entity = work.catalog.entities.get(record.entity) if isinstance(record, Reference) else None
        if isinstance(record, Reference) and entity is not None and not shareable(entity):
            change.refuse("record", "not_shareable", _("{entity} records can’t be shared individually"), entity=record.entity)
        if change.changes("expires_at") and ends is not None and ends <= work.now():  # type: ignore[operator]
            change.refuse("expires_at", "past", _("must be in the future"))
    standing = [change for change in batch.changes if change.stands]
    if not work.grants.everything:
        _check_reach(work, standing)
    _tell_policy(work, [change for change in standing if change.stands])


def may_share(work: Work, record: Reference) -> bool:
    """Whether the actor reaches a record otherwise than by a share, to read it and to change it."""
    entity, own = work.catalog.entities.get(record.entity), work.unshared()
    return entity is None or all(own.reader(entity).reached_by(verb, [record.id]) for verb in (Verb.READ, Verb.UPDATE))


def _check_reach(work: Work, changes: Sequence[Change]) -> None:
    """Nobody hands on what was shared with him, nor prolongs it."""
    own, asked = work.unshared(), dict[tuple[str, Verb], list[tuple[UUID, Change]]]()
    for change in changes:
        before = (change.before or {}).get("record")
        for record in {before, change.after("record")} - {None}:
            assert isinstance(record, Reference)
            for verb in (Verb.READ, Verb.UPDATE):
                asked.setdefault((record.entity, verb), []).append((record.id, change))
    for (name, verb), records in asked.items():
        entity = work.catalog.entities.get(name)
        if entity is None:  # its plugin is not installed any more: nobody reaches anything by it
            continue
        reached = own.reader(entity).reached_by(verb, list({id for id, _change in records}))
        for id, change in records:
            if id not in reached:
                change.forbid("beyond_own", _("a record shared with you can only be shared further by the person who shared it"))


def _tell_policy(work: Work, changes: Sequence[Change]) -> None:
    """Rights say whether anything is shared with a person at all; who has a share already is found without compiling anything anew."""
    people = {person for change in changes if isinstance(person := change.after("user"), UUID)}
    if not people:
        return
    work.lock_all(f"core.share:{person}" for person in people)  # two who write about one person see each other's
    share = Share.table()
    there = sa.select(share.c.user_id).where(share.c.tenant_id == work.tenant.id, share.c.deleted_at.is_(None), share.c.user_id.in_(people))
    if people - set(work.connection.execute(there).scalars()):
        work.access_changed()
