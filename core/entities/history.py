"""The history of a record: who changed what, when and through what, as far as its reader may see it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit.entries import REFUSED
from core.entities import cursor
from core.entities.cursor import SortKey
from core.entities.merged import absorbed
from core.entities.read import Reader
from core.events.tables import audit
from sdk import Entity, Verb, _
from sdk.changes import MERGES
from sdk.columns import among
from sdk.fields.identity import IdField

if TYPE_CHECKING:
    from core.context import Work

_ORDER, _KEY = "history", SortKey(IdField(label=_("ID")), audit.c.id, True, False)
_SHOWN = (
    audit.c.id,
    audit.c.record_id,
    audit.c.at,
    audit.c.actor_id,
    audit.c.actor,
    audit.c.impersonator_id,
    audit.c.channel,
    audit.c.action,
    audit.c.changes,
)
_TOGETHER = 500
"""Records that are asked for in one question."""
_OF_VERSIONS = tuple(sorted({"create", "update", "delete", "restore", *MERGES}))
"""What makes a new version of a record; what else is noted of it, such as that it was disclosed, does not."""


def history(work: Work, entity: Entity, id: UUID, limit: int, after: str = "") -> tuple[list[dict[str, Any]], str | None]:
    """At most `limit` entries, newest first, and the cursor of the next page; fields that one may not see are left out. Raises NotFound.

    What happened to records that have become part of it is among it, as far as one may see those; `record_id` says to which.
    """
    row = work.records(entity.full_name).get(id)
    shown = {id: set(row) - work.reader(entity).veiled()}
    if entity.mergeable and (parts := absorbed(work, id)):
        shown |= _shown_on(work.reader(entity), parts, row)
    last: UUID | None = cursor.decode(after, _ORDER, [_KEY])[0] if after else None
    told = (
        (found["id"], _entry(found, shown[found["record_id"]])) for found in _audited(work, entity.full_name, list(shown), limit + 1, last)
    )
    page = list(islice(((id, entry) for id, entry in told if entry is not None), limit + 1))
    following = cursor.encode(_ORDER, [page[limit - 1][0]]) if len(page) > limit else None
    return [entry for _id, entry in page[:limit]], following


def versions(work: Work, entity: Entity, most: Mapping[UUID, int]) -> dict[UUID, list[dict[str, Any]]]:
    """What made the last versions of records, so many of each, newest first, as far as one may see it: of each alone, not of what is part of it.

    Who sees everything is told of each version, also of one by which nothing was changed but fields that are gone by now; and of what this
    transaction has done itself.
    """
    work.write_traces()
    veiled, all_ = work.reader(entity).veiled(), work.grants.unlimited
    shown = {id: set(row) - veiled for id, row in work.records(entity.full_name).values(most).items()}
    told: dict[UUID, list[dict[str, Any]]] = {id: [] for id in shown}
    ids = sorted(shown, key=most.__getitem__)  # those of as many together
    for start in range(0, len(ids), _TOGETHER):
        part = ids[start : start + _TOGETHER]
        for found in _last(work, entity.full_name, part, most[part[-1]]):
            id, entry = found["record_id"], _entry(found, shown[found["record_id"]])
            if entry is None and all_:
                entry = {str(name): value for name, value in found.items() if name not in ("id", "place")} | {"changes": {}}
            if entry is not None and found["place"] <= most[id]:
                entry.pop("place", None)
                told[id].append(entry)
    return told


def _last(work: Work, entity: str, ids: Sequence[UUID], most: int) -> Sequence[sa.RowMapping]:
    """The entries of the last versions of some records, with the place that each has among those of its own, newest first."""
    place = sa.func.row_number().over(partition_by=audit.c.record_id, order_by=audit.c.id.desc()).label("place")
    mine = (audit.c.tenant_id == work.tenant.id, among(audit.c.record_id, ids), audit.c.entity == entity, audit.c.action.in_(_OF_VERSIONS))
    placed = sa.select(*_SHOWN, place).where(*mine).subquery()
    return work.connection.execute(sa.select(placed).where(placed.c.place <= most).order_by(placed.c.id.desc())).mappings().all()


def _shown_on(reader: Reader, parts: Sequence[UUID], names: Iterable[str]) -> dict[UUID, set[str]]:
    """Of records that are part of another now, those that one may see and which of these fields."""
    found = {id: set[str]() for id in reader.reached_by(Verb.READ, parts)}
    for grants, held in reader.by_grants(names).items():
        for id in reader.reached_by(Verb.READ, parts, grants) & found.keys():
            found[id].update(held)
    return found


def _audited(work: Work, entity: str, ids: Sequence[UUID], size: int, last: UUID | None) -> Iterator[sa.RowMapping]:
    """The audit of a record, newest first, what comes before `last`, read in parts."""
    query = (
        sa.select(*_SHOWN)
        .where(
            audit.c.tenant_id == work.tenant.id, among(audit.c.record_id, list(ids)), audit.c.entity == entity, audit.c.action != REFUSED
        )
        .order_by(audit.c.id.desc())
        .limit(size)
    )
    part = work.connection.execute(query if last is None else query.where(audit.c.id < last)).mappings().all()
    while part:
        yield from part
        part = work.connection.execute(query.where(audit.c.id < part[-1]["id"])).mappings().all() if len(part) == size else []


def _entry(found: sa.RowMapping, shown: Container[str]) -> dict[str, Any] | None:
    """An entry as who sees these fields may see it; a change of nothing but what is hidden is hidden."""
    changes = {name: pair for name, pair in found["changes"].items() if name in shown}
    if found["action"] == "update" and not changes:
        return None
    return {str(name): value for name, value in found.items() if name != "id"} | {"changes": changes}
