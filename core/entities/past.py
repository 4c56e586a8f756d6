"""What has happened to the records of an entity, read backwards from the audit and the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.entities.journal import MASK, PAST
from core.events.payload import items_of
from core.events.tables import audit, outbox
from sdk import Event, Past, Verb
from sdk.changes import MERGES

if TYPE_CHECKING:
    from core.context import Work

PAGE = 2_000
MOST_READ = 50_000
"""Rows of the tenant, of whatever entity: there is no index by entity, and a walk along the keys costs no write anything."""


def past(work: Work, entity: str, since: datetime, names: Iterable[str] = ()) -> tuple[list[Past], bool]:
    """What has happened since then, newest first, and whether that is all; as far as the actor reaches the records and sees the fields."""
    with work.transaction():
        seen = work.reader(work.shape(entity).entity).asked().keys()
        changes, whole = _walk(work, audit, _audited(entity), since, audit.c.at)
        told: list[tuple[UUID, Past]] = [
            (row.id, _change(entity, row, seen))
            for row in changes
            if row.entity == entity and (row.action in PAST or (row.action in MERGES and row.changes))
        ]
        if wanted := [name for name in names if name.rpartition(".")[2] not in PAST.values()]:
            emitted, all_of_them = _walk(work, outbox, _emitted(wanted), since, outbox.c.created_at)
            told += [(row.id, one) for row in emitted if row.payload is not None for one in _events(row)]
            whole = whole and all_of_them
        told.sort(key=lambda one: one[0], reverse=True)
        ids = list({one.event.record_id for _id, one in told})
        reached = set[UUID]().union(*(work.records(entity).reached(ids[at : at + 500]) for at in range(0, len(ids), 500)))
        hidden = _hidden(work, entity, sorted(reached))
        shown = [_veiled(one, hidden) for _id, one in told if one.event.record_id in reached]
        return [one for one in shown if _tells(one, entity)], whole


def _tells(one: Past, entity: str) -> bool:
    """Whether anything is left of it: a change of nothing but what is hidden is hidden, as in the history."""
    return one.event.name != f"{entity}.{PAST['update']}" or bool(one.event.payload.get("fields"))


def _hidden(work: Work, entity: str, ids: Sequence[UUID]) -> dict[str, set[UUID]]:
    """By field, the records on which the actor does not see it, though he does on others."""
    reader, found = work.reader(work.shape(entity).entity), dict[str, set[UUID]]()
    for grants, names in reader.by_grants(name for name in reader.visible() if not reader.everywhere(name)).items():
        shown = (reader.reached_by(Verb.READ, ids[at : at + 500], grants) for at in range(0, len(ids), 500))
        found |= dict.fromkeys(names, set(ids).difference(*shown))
    return found


def _veiled(one: Past, hidden: Mapping[str, set[UUID]]) -> Past:
    gone = {name for name, ids in hidden.items() if one.event.record_id in ids}
    fields, before = one.event.payload.get("fields"), one.event.payload.get("before")
    if not gone or not isinstance(fields, list) or not isinstance(before, dict):
        return one
    payload = {"fields": [name for name in fields if name not in gone], "before": {n: old for n, old in before.items() if n not in gone}}
    return Past(one.at, Event(one.event.name, one.event.record_id, payload))


def _audited(entity: str) -> list[Any]:
    mine = sa.case((audit.c.entity == entity, audit.c.changes), else_=sa.null())
    return [
        audit.c.id,
        audit.c.at,
        audit.c.entity,
        audit.c.record_id,
        audit.c.action,
        sa.type_coerce(mine, audit.c.changes.type).label("changes"),
    ]


def _emitted(names: list[str]) -> list[Any]:
    mine = sa.case(((outbox.c.kind == "event") & outbox.c.name.in_(names), outbox.c.payload), else_=sa.null())
    return [outbox.c.id, outbox.c.created_at.label("at"), outbox.c.name, sa.type_coerce(mine, outbox.c.payload.type).label("payload")]


def _walk(work: Work, table: sa.Table, columns: list[Any], since: datetime, at: sa.Column[Any]) -> tuple[list[Any], bool]:
    """The tenant's rows backwards along their keys, down to an instant; False where there were too many of them."""
    found, last = list[Any](), None
    while len(found) < MOST_READ:
        below = sa.true() if last is None else table.c.id < last
        query = sa.select(*columns).where(table.c.tenant_id == work.tenant.id, below).order_by(table.c.id.desc()).limit(PAGE)
        rows = work.connection.execute(query).all()
        fresh = [row for row in rows if row.at >= since]
        found += fresh
        if len(fresh) < PAGE:
            return found, True
        last = rows[-1].id
    return found, False


def _change(entity: str, row: Any, seen: Iterable[str]) -> Past:
    changes = {name: pair for name, pair in (row.changes or {}).items() if name in set(seen)}
    before = {name: old for name, (old, new) in changes.items() if MASK not in (old, new)}
    verb = "update" if row.action in MERGES else row.action
    payload = {"fields": sorted(changes), "before": before if verb == "update" else {}}
    return Past(row.at, Event(f"{entity}.{PAST[verb]}", row.record_id, payload))


def _events(row: Any) -> Iterator[Past]:
    for item in items_of(row.payload):
        yield Past(row.at, Event(row.name, UUID(item["id"]), {name: value for name, value in item.items() if name != "id"}))
