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
from core.entities.rows import mention
from core.entities.shape import Source
from core.policy.scopes import looked_at
from sdk import Entity, TimelineSource
from sdk.columns import key
from sdk.fields import AnyRecordField, LinkField

if TYPE_CHECKING:
    from core.context import Work

USERS = "core.user"
_FURTHEST = 4
"""Links between a record and what its timeline shows: invoice, order, deal, account."""
_SORT = "timeline"
_OF, _LAST_ID, _MOST = sa.bindparam("of", type_=key()), sa.bindparam("last_id", type_=key()), sa.bindparam("most", type_=sa.Integer())
type_holders = Mapping[str, Sequence[sa.Select[Any]]]


def timeline(work: Work, entity: Entity, id: UUID, limit: int, after: str) -> tuple[list[dict[str, Any]], str | None]:
    """A page, newest first, and the cursor of the next. Raises NotFound where one may not see the record.

    One statement finds what is on it, in all sources; only those are read, and only those entities named, that have something there.
    """
    reader = work.reader(entity)
    reader.one(id, ("id",))
    given = _last(reader, after) if after else {}
    legs, statement = reader.shape.kept(("timeline", bool(after), reader.scopes.form), lambda: _asked(work, entity, after=bool(after)))
    given |= {**reader.scopes.parameters(), "of": id, "most": limit + 1}
    places = [] if statement is None else [_Place(*row) for row in work.connection.execute(statement, given)]
    following = None
    if len(places) > limit:
        del places[limit:]
        following = cursor.encode(_SORT, [places[-1].at, places[-1].id])
    return _read(work, legs, places), following


def _last(reader: Reader, after: str) -> dict[str, Any]:
    """Where the page before ended, as parameters."""
    fields, table = reader.shape.fields, reader.shape.table
    keys = [SortKey(fields[name], table.c[fields[name].attribute], True, False) for name in ("created_at", "id")]
    at, id = cursor.decode(after, _SORT, keys)
    return {"last_at": at, "last_id": id}


def _asked(work: Work, entity: Entity, *, after: bool) -> tuple[Sequence[_Leg], sa.Select[Any] | None]:
    """The sources that may have entries for somebody with such rights, and the question that they make together: it fits every record."""
    holders = _holders(work, entity)
    sources = [source for source in work.platform.catalog.timeline_sources if source.plugin in work.enabled]
    legs = [leg for source in sources if (leg := _leg(work, source, holders, after=after)) is not None]
    if not legs:
        return (), None
    parts = [sa.select(part.c.at, part.c.id, sa.literal(n).label("leg")) for n, part in enumerate(leg.query.subquery() for leg in legs)]
    all_ = sa.union_all(*parts).subquery()
    return legs, sa.select(all_.c.at, all_.c.id, all_.c.leg).order_by(all_.c.at.desc(), all_.c.id.desc()).limit(_MOST)


def _holders(work: Work, entity: Entity) -> type_holders:
    """For each entity the ids whose entries belong here: the record itself, and visible records that carry theirs up to it."""
    found: dict[str, list[sa.Select[Any]]] = {entity.full_name: [sa.select(_OF)]}
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
    scopes = work.scopes.bound()
    for other in work.catalog.entities.values():
        reader = work.reader(other) if other.plugin in work.enabled else None
        if reader is None or not reader.grants:
            continue
        visible = reader.visible()
        links = {name: f for name in other.fields if isinstance(f := visible.get(name), LinkField) and f.timeline}
        if not links:
            continue
        source = Source(reader.shape, scopes, mention(reader.shape.table, looked_at(other, [f.attribute for f in links.values()])))
        for name, field in links.items():
            if (aim := reader.shape.target(field)) is not None:
                ids = sa.select(source.table.c.id).where(*reader.reach(source, (name,), scopes))
                found.setdefault(aim.full_name, {}).setdefault(other.full_name, []).append(_Carrier(ids, source.columns(name)[0]))
    return found


class _Leg(NamedTuple):
    """What a source adds to the question: moments and ids of its newest entries; and what is read of those that are on the page."""

    source: TimelineSource
    shown: Sequence[str]
    query: sa.Select[Any]


class _Place(NamedTuple):
    """An entry of the page: when, which record, of which leg."""

    at: datetime
    id: UUID
    leg: int


def _leg(work: Work, source: TimelineSource, holders: type_holders, *, after: bool) -> _Leg | None:
    reader = work.reader(work.catalog.entities[source.entity])
    visible = reader.visible()
    if source.at not in visible or source.title not in visible:
        return None
    rows, names = Source(reader.shape, work.scopes.bound()), (source.at, source.title)
    belongs = _belonging(reader, rows, holders)
    if not belongs:
        return None
    # Made once for the timelines of all entities: which rows somebody sees is most of what a first question about one takes to build.
    seen = reader.shape.kept(("entries", *names, rows.scopes.form), lambda: reader.reach(rows, names, rows.scopes))
    shown = [name for name in dict.fromkeys(("id", source.at, source.title, source.body, source.kind, "owner")) if name in visible]
    at, id = rows.columns(source.at)[0], rows.table.c.id
    clauses = [*seen, at.is_not(None), sa.or_(*belongs)]
    if after:
        last = sa.bindparam("last_at", type_=at.type)
        clauses += [at <= last, sa.or_(at < last, sa.and_(at == last, id < _LAST_ID))]
    query = sa.select(at.label("at"), id.label("id")).select_from(rows.joined()).where(*clauses)
    return _Leg(source, shown, query.order_by(at.desc(), id.desc()).limit(_MOST))


def _read(work: Work, legs: Sequence[_Leg], places: Sequence[_Place]) -> list[dict[str, Any]]:
    rows = dict[tuple[int, UUID], dict[str, Any]]()  # one record may be on the page by two of its moments
    for number, leg in enumerate(legs):
        ids = [place.id for place in places if place.leg == number]
        reader = work.reader(work.catalog.entities[leg.source.entity])
        rows |= {(number, row["id"]): row for row in (reader.many(ids, leg.shown) if ids else ())}
    there = [(legs[place.leg], rows[place.leg, place.id]) for place in places if (place.leg, place.id) in rows]  # not deleted meanwhile
    titles = _titles(work, there)
    entries = [_entry(leg.source, {**row, **{name: titles.get(row.get(name)) for name in _named(work, leg)}}) for leg, row in there]
    _name_actors(work, entries)
    return entries


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
            shown = () if reader.everywhere(name) else reader.reach(rows, (name,), rows.scopes)
            found.append(sa.and_(rows.columns(name)[0].in_(_union(wanted)), *shown))
    return found


def _union(ids: Sequence[sa.Select[Any]]) -> Any:
    return ids[0] if len(ids) == 1 else sa.union_all(*ids)


def _named(work: Work, leg: _Leg) -> dict[str, Entity]:
    """The links that an entry shows by the titles of their targets."""
    shape, wanted = work.shape(leg.source.entity), [name for name in (leg.source.title, leg.source.body) if name in leg.shown]
    links = {name: field for name in wanted if isinstance(field := shape.fields[name], LinkField)}
    return {name: target for name, field in links.items() if (target := shape.target(field)) is not None}


def _titles(work: Work, there: Sequence[tuple[_Leg, Mapping[str, Any]]]) -> dict[object, object]:
    """By id what the records are called that entries name, for those who may see it; each entity is asked once."""
    wanted, found = dict[str, set[UUID]](), dict[object, object]()
    for leg, row in there:
        for name, target in _named(work, leg).items():
            if row.get(name) is not None:
                wanted.setdefault(target.full_name, set()).add(row[name])
    for full_name, ids in wanted.items():
        target = work.catalog.entities[full_name]
        reader = work.reader(target)
        targets = reader.many(ids, ("id", target.title)) if target.title in reader.visible() else []
        if work.retells:
            work.platform.seeded.retell(work, reader.shape, targets)
        found |= {row["id"]: row.get(target.title) for row in targets}
    return found


def _entry(source: TimelineSource, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": row[source.at], "kind": row.get(source.kind) or source.entity.partition(".")[2], "entity": source.entity, "id": row["id"],
        "title": row.get(source.title), "body": row.get(source.body), "actor": row.get("owner"),
    }  # fmt: skip


def _name_actors(work: Work, found: list[dict[str, Any]]) -> None:
    users = work.reader(work.catalog.entities[USERS])
    ids = {entry["actor"] for entry in found if entry["actor"] is not None}
    names = {row["id"]: row.get("name") for row in users.many(ids, ("id", "name"))} if "name" in users.visible() and ids else {}
    for entry in found:
        if entry["actor"] is not None:
            entry["actor"] = {"id": entry["actor"], "name": names.get(entry["actor"])}
