"""Rows are made to point to another record: by the write door, and where a plugin's lock stands before it, past that lock.

A lock keeps what a record says. Of whom it speaks is the same after as before: two records of one customer have become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core.audit import entries
from core.custom import cells
from core.custom.keys import custom_keys
from core.entities import journal
from core.entities.pointers import TWICE, Turn
from core.entities.rows import rows_of
from core.identity.tables import Share
from core.policy.allowed import ACT_LATER, ACTS_LATER
from core.search import index
from sdk import Conflict, Draft, Entity, Forbidden, Record
from sdk.columns import among

if TYPE_CHECKING:
    from core.context import Work

CHUNK = 500


def admit(work: Work, entities: Iterable[Entity | None]) -> None:
    """Raise Forbidden where some of these act later as their owner, and the actor's token may leave nothing like that behind."""
    if work.grants.admits(ACT_LATER):
        return
    for entity in entities:
        if entity is not None and entity.acts_later:
            raise Forbidden(ACTS_LATER, entity=entity.full_name, permission=ACT_LATER)


def turn(work: Work, turns: Iterable[Turn], act: str) -> None:
    """Make each row point to where its turn says; audit and events say so."""
    by_record: dict[type[Record], dict[UUID, list[Turn]]] = {}
    for one in turns:
        by_record.setdefault(one.pointer.record, {}).setdefault(one.id, []).append(one)
    for rows in by_record.values():
        entity = next(iter(rows.values()))[0].pointer.entity
        left = rows
        if entity is not None and work.offers(entity.full_name):
            left = _through_the_door(work, entity, rows, act)
        if left:
            _past_the_door(work, entity, left, act)


def _through_the_door(work: Work, entity: Entity, rows: Mapping[UUID, list[Turn]], act: str) -> dict[UUID, list[Turn]]:
    """Returns the rows that the door did not take."""
    doors, fields = work.as_system().records(entity.full_name), work.shape(entity.full_name).fields
    asked = {id: turns for id, turns in rows.items() if all(one.live and one.pointer.shown(fields) for one in turns)}
    left = {id: turns for id, turns in rows.items() if id not in asked}
    drafts = [Draft("update", {one.pointer.field.name: one.value(one.to) for one in turns}, id, act=act) for id, turns in asked.items()]
    for start in range(0, len(drafts), CHUNK):
        outcomes = doors.write(drafts[start : start + CHUNK])
        left |= {outcome.id: rows[outcome.id] for outcome in outcomes if outcome.refusal is not None and outcome.id is not None}
    return left


def _past_the_door(work: Work, entity: Entity | None, rows: Mapping[UUID, list[Turn]], act: str) -> None:
    told, record = list[tuple[UUID, Mapping[str, object]]](), next(iter(rows.values()))[0].pointer.record
    try:
        for id, turns in rows.items():
            _set(work, id, turns)
            if entity is None:
                continue
            changes = {one.pointer.field.name: [journal.plain(one.value(which)) for which in (one.was, one.to)] for one in turns}
            entries.note(work, entity.full_name, id, act, changes)
            if all(one.live for one in turns):
                told.append((id, {"fields": sorted(changes)}))
    except IntegrityError as failure:
        raise _collision(work, entity, record) from failure
    if entity is not None and told and work.offers(entity.full_name):
        journal.tell(work, f"{entity.full_name}.updated", told, work.shape(entity.full_name))
    if entity is not None and (entity.guards_access or entity.record is Share):
        work.access_changed()


def _set(work: Work, id: UUID, turns: Sequence[Turn]) -> None:
    table = turns[0].pointer.record.table()
    mine = (*rows_of(turns[0].pointer.entity, table, work.tenant.id), table.c.id == id)
    values: dict[str, Any] = {one.pointer.field.attribute: one.to for one in turns if one.pointer.definition is None}
    if len(values) < len(turns):
        document = dict(work.connection.execute(sa.select(table.c[cells.COLUMN]).where(*mine)).scalar_one() or {})
        for one in turns:
            if one.pointer.definition is not None:
                document[one.pointer.definition.slot] = one.to.hex
                _set_key(work, one)
        values[cells.COLUMN] = document
    work.connection.execute(table.update().where(*mine).values(**values, version=table.c.version + 1, updated_at=work.now()))


def _set_key(work: Work, one: Turn) -> None:
    assert one.pointer.definition is not None
    work.connection.execute(
        custom_keys.update()
        .where(
            custom_keys.c.tenant_id == work.tenant.id, custom_keys.c.field_id == one.pointer.definition.id,
            custom_keys.c.record_id == one.id, custom_keys.c.value == one.was.hex,
        )
        .values(value=one.to.hex)
    )  # fmt: skip


# --- rows that give way ----------------------------------------------------------------------------------------------


def put_away(work: Work, record: type[Record], entity: Entity | None, ids: Sequence[UUID], act: str) -> None:
    """Into the recycle bin: the one that is left has the same."""
    left = list(ids)
    if entity is not None and work.offers(entity.full_name):
        outcomes = work.as_system().records(entity.full_name).write([Draft("delete", {}, id, act=act) for id in left])
        left = [outcome.id for outcome in outcomes if outcome.refusal is not None and outcome.id is not None]
    _switch(work, record, entity, left, work.now(), act)
    if left:
        work.connection.execute(custom_keys.delete().where(custom_keys.c.tenant_id == work.tenant.id, among(custom_keys.c.record_id, left)))
        index.forget(work, left)


def bring_back(work: Work, record: type[Record], entity: Entity | None, ids: Sequence[UUID], act: str) -> set[UUID]:
    """Out of the recycle bin, as far as they are still there and nothing has taken their place. Returns those that are back."""
    table = record.table()
    gone = (*rows_of(entity, table, work.tenant.id), among(table.c.id, list(ids)), table.c.deleted_at.is_not(None))
    there = sorted(work.connection.execute(sa.select(table.c.id).where(*gone)).scalars())
    if entity is not None and work.offers(entity.full_name):
        outcomes = work.as_system().records(entity.full_name).write([Draft("restore", {}, id, act=act) for id in there])
        return {outcome.id for outcome in outcomes if outcome.refusal is None and outcome.id is not None}
    _switch(work, record, entity, there, None, act)
    if entity is not None and there:
        index.later(work, entity.full_name, there)
    return set(there)


def _switch(work: Work, record: type[Record], entity: Entity | None, ids: Sequence[UUID], gone: datetime | None, act: str) -> None:
    """Past the door: of a plugin that is off, of a side table, or what a plugin does not let go."""
    if not ids:
        return
    table = record.table()
    mine = (*rows_of(entity, table, work.tenant.id), among(table.c.id, list(ids)))
    values = {"deleted_at": gone, "version": table.c.version + 1, "updated_at": work.now()}
    try:
        work.connection.execute(table.update().where(*mine).values(**values))
    except IntegrityError as failure:
        raise _collision(work, entity, record) from failure
    for id in ids if entity is not None else ():
        assert entity is not None
        entries.note(work, entity.full_name, id, act, {})


def _collision(work: Work, entity: Entity | None, record: type[Record]) -> Conflict:
    """The transaction is gone with it."""
    work.doom()
    return Conflict(TWICE, code="merge_collision", entity=entity.full_name if entity is not None else record.table().name)
