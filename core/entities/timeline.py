"""The timeline of a record: entries of all sources that belong to it, directly or through what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from core.entities import cursor
from core.entities.cursor import SortKey
from core.entities.read import Reader
from core.entities.shape import Source
from sdk import Entity, TimelineSource
from sdk.columns import key
from sdk.fields import AnyRecordField, LinkField

if TYPE_CHECKING:
    from core.context import Work

USERS = "core.user"
_FURTHEST = 4
"""Links between a record and what its timeline shows: invoice, order, deal, account."""
_SORT = "timeline"
type_holders = Mapping[str, Sequence[sa.Select[Any]]]


def timeline(work: Work, entity: Entity, id: UUID, limit: int, after: str) -> tuple[list[dict[str, Any]], str | None]:
    """A page, newest first, and the cursor of the next; one statement for each source. Raises NotFound where one may not see the record."""
    work.reader(entity).one(id, ("id",))
    last = _last(work.reader(entity), after) if after else None
    holders = _holders(work, entity, id)
    found: list[dict[str, Any]] = []
    for source in work.platform.catalog.timeline_sources:
        if source.plugin in work.enabled:
            found += _entries(work, source, holders, limit + 1, last)
    found.sort(key=lambda entry: (entry["at"], entry["id"]), reverse=True)
    following = None
    if len(found) > limit:
        del found[limit:]
        following = cursor.encode(_SORT, [found[-1]["at"], found[-1]["id"]])
    _name_actors(work, found)
    return found, following


def _last(reader: Reader, after: str) -> tuple[datetime, UUID]:
    fields, table = reader.shape.fields, reader.shape.table
    keys = [SortKey(fields[name], table.c[fields[name].attribute], True, False) for name in ("created_at", "id")]
    at, id = cursor.decode(after, _SORT, keys)
    return at, id


def _holders(work: Work, entity: Entity, id: UUID) -> type_holders:
    """For each entity the ids whose entries belong here: the record itself, and visible records that carry theirs up to it."""
    found: dict[str, list[sa.Select[Any]]] = {entity.full_name: [sa.select(sa.literal(id, key()))]}
    paths: list[tuple[tuple[str, ...], sa.Select[Any]]] = [((entity.full_name,), found[entity.full_name][0])]
    carriers = _carriers(work)
    for _length in range(_FURTHEST):
        longer = []
        for path, ids in paths:
            for name, belows in carriers.get(path[-1], {}).items():
                for below in belows if name not in path else ():
                    longer.append(((*path, name), narrowed := below.ids.where(below.link.in_(ids))))
                    found.setdefault(name, []).append(narrowed)
        paths = longer
    return found


class _Carrier(NamedTuple):
    """The visible records of an entity that carry their entries up by a link: their ids, and the column of the link."""

    ids: sa.Select[Any]
    link: sa.ColumnElement[Any]


def _carriers(work: Work) -> dict[str, dict[str, list[_Carrier]]]:
    """By entity those whose records carry their entries up to it: made once, not for each path. A path has no entity twice."""
    found: dict[str, dict[str, list[_Carrier]]] = {}
    for other in work.catalog.entities.values():
        reader = work.reader(other) if other.plugin in work.enabled else None
        if reader is None or not reader.grants:
            continue
        source: Source | None = None
        for name, field in reader.visible().items():
            aim = reader.shape.target(field) if isinstance(field, LinkField) and field.timeline else None
            if aim is not None:
                source = source or Source(reader.shape, work.scopes, reader.shape.table.alias())
                ids = sa.select(source.table.c.id).where(*reader.reach(source, (name,)))
                found.setdefault(aim.full_name, {}).setdefault(other.full_name, []).append(_Carrier(ids, source.columns(name)[0]))
    return found


def _entries(
    work: Work, source: TimelineSource, holders: type_holders, most: int, last: tuple[datetime, UUID] | None
) -> list[dict[str, Any]]:
    reader = work.reader(work.catalog.entities[source.entity])
    visible = reader.visible()
    if source.at not in visible or source.title not in visible:
        return []
    rows = Source(reader.shape, work.scopes)
    belongs = _belonging(reader, rows, holders)
    if not belongs:
        return []
    shown = [name for name in dict.fromkeys(("id", source.at, source.title, source.body, source.kind, "owner")) if name in visible]
    at, id = rows.columns(source.at)[0], rows.table.c.id
    clauses = [*reader.reach(rows, (source.at, source.title)), at.is_not(None), sa.or_(*belongs)]
    if last is not None:
        clauses += [at <= last[0], sa.or_(at < last[0], sa.and_(at == last[0], id < last[1]))]
    query = sa.select(*reader.selected(shown, rows)).select_from(rows.joined()).where(*clauses)
    found = reader.to_json(work.connection.execute(query.order_by(at.desc(), id.desc()).limit(most)).all(), shown)
    for name in filter(None, (source.title, source.body)):
        found = _titled(work, reader, name, found) if name in visible else found
    return [_entry(source, row) for row in found]


def _belonging(reader: Reader, rows: Source, holders: type_holders) -> list[sa.ColumnElement[bool]]:
    """How records of a source belong to one of the holders. Ids alone are compared: an id is one record's, and an index finds it."""
    found, everything = list[sa.ColumnElement[bool]](), [ids for many in holders.values() for ids in many]
    for name, field in reader.visible().items():
        if "." in name:
            continue
        if isinstance(field, AnyRecordField):
            wanted = everything
        elif isinstance(field, LinkField) and field.timeline and (target := reader.shape.target(field)) is not None:
            wanted = [*holders.get(target.full_name, ())]
        else:
            continue
        if wanted:  # a link that is hidden on a row leads nobody to it
            shown = () if reader.everywhere(name) else reader.reach(rows, (name,))
            found.append(sa.and_(rows.columns(name)[0].in_(_union(wanted)), *shown))
    return found


def _union(ids: Sequence[sa.Select[Any]]) -> Any:
    return ids[0] if len(ids) == 1 else sa.union_all(*ids)


def _titled(work: Work, reader: Reader, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where a field is a link, the title of its target, for those who may see it."""
    field = reader.shape.fields[name]
    target = reader.shape.target(field) if isinstance(field, LinkField) else None
    if target is None or not rows:
        return rows
    ids = {row[name] for row in rows if row.get(name) is not None}
    there = work.reader(target)
    targets = there.many(ids) if there.grants and ids else []
    if work.retells:
        work.platform.seeded.retell(work, there.shape, targets)
    names = {row["id"]: row.get(target.title) for row in targets}
    return [{**row, name: names.get(row.get(name))} for row in rows]


def _entry(source: TimelineSource, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": row[source.at], "kind": row.get(source.kind) or source.entity.partition(".")[2], "entity": source.entity, "id": row["id"],
        "title": row.get(source.title), "body": row.get(source.body), "actor": row.get("owner"),
    }  # fmt: skip


def _name_actors(work: Work, found: list[dict[str, Any]]) -> None:
    users = work.reader(work.catalog.entities[USERS])
    ids = {entry["actor"] for entry in found if entry["actor"] is not None}
    names = {row["id"]: row.get("name") for row in users.many(ids)} if users.grants and ids else {}
    for entry in found:
        if entry["actor"] is not None:
            entry["actor"] = {"id": entry["actor"], "name": names.get(entry["actor"])}
