"""Where the data of a person are: the record, what is about it, and what plugins know besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.custom import cells
from core.custom.entity_tables import CustomEntity
from core.custom.kinds import field_of
from core.custom.overlay import overlay_of
from core.custom.own_entity import Making, entity_of
from core.entities.journal import MASK
from core.entities.merged import joined
from core.entities.rows import rows_of
from core.entities.write import Writer
from core.events.tables import NO_RECORD, audit
from core.policy.grants import Grant
from sdk import BadRequest, Entity, Forbidden, NotFound, Person, Refusal, Side, Text, Trace, Verb, _
from sdk.columns import among
from sdk.fields import AnyRecordField, Field, LinkField, Reference, TextField
from sdk.fields.text import EmailField, LongTextField, PhoneField

if TYPE_CHECKING:
    from core.context import Work

USER = "core.user"
CHUNK = 500
_SHORTEST = 5
"""Characters of a word that stands for one person alone."""
type_ids = dict[str, set[UUID]]


@dataclass
class Kept:
    """A record that stays as it is, and why."""

    entity: str
    id: UUID
    code: str
    reason: Text | str
    params: Mapping[str, object] = field(default_factory=dict)
    field: str = ""


@dataclass
class Found:
    """What there is of a person."""

    person: Person
    kept: list[Kept] = field(default_factory=list)
    files: dict[tuple[str, UUID], str] = field(default_factory=dict)
    """Keys of files by the record that they go with."""
    shown: dict[tuple[str, UUID], Mapping[str, object]] = field(default_factory=dict)
    """What is given out of fields that hold something of others as well."""
    off: dict[str, int] = field(default_factory=dict)
    """Records of plugins, and of entities of the tenant's own, that are off for the tenant: no door reaches them."""

    def stays(self) -> set[tuple[str, UUID]]:
        """What is not to be touched."""
        return {(one.entity, one.id) for one in self.kept}


def permitted(work: Work, record: Reference, word: str) -> Entity:
    """The entity of a person that the actor sees and has a special right to; raises NotFound, Forbidden, BadRequest."""
    entity = work.catalog.entities.get(record.entity) if work.offers(record.entity) else None
    if entity is None:
        raise NotFound(_("entity {entity!r} does not exist here"), entity=record.entity[:80])
    if not entity.person:
        raise BadRequest(_("{entity} is not a kind of person; available: {known}"), code="no_person", entity=entity.full_name,
                         known=", ".join(name for name, one in work.catalog.entities.items() if one.person and work.offers(name)))  # fmt: skip
    right = f"{entity.full_name}.{word}"
    if not work.can(right):
        raise work.refused(right, record.id if _there(work, entity, record.id) else NO_RECORD)
    if not _there(work, entity, record.id):
        raise NotFound(_("{entity} {id} does not exist"), entity=entity.full_name, id=str(record.id))
    if record.id not in work.reader(entity).reached_by(Verb.UPDATE, [record.id], _held(work, right)):
        raise Forbidden(_("you need the permission {permission}"), permission=right)
    return entity


def _held(work: Work, right: str) -> tuple[Grant, ...]:
    return work.grants.of(right)


def _there(work: Work, entity: Entity, id: UUID) -> bool:
    """Whether it is among the records, or in the recycle bin, as far as the actor sees."""
    table = entity.record.table()
    query = sa.select(table.c.id).where(*rows_of(entity, table, work.tenant.id), table.c.id == id)
    known = work.connection.execute(query).first() is not None
    return known and id in work.reader(entity).reached_by(Verb.READ, [id])


def find(work: Work, record: Reference) -> Found:
    """Everything that there is of a person, as the system knows it; inside a write transaction, as the values are held."""
    system = work.as_system()
    records = spread(system, {record.entity: {record.id}})
    words, names = _said(system, records)
    person = Person(record, _listed(records), _linked(system, records), words, names)
    found = Found(person)
    more: type_ids = {}
    for trace in _told(system, person):
        if trace.keep is not None:
            found.kept += [Kept(trace.entity, id, "kept_by_plugin", trace.keep) for id in trace.ids]
        else:
            more.setdefault(trace.entity, set()).update(trace.ids)
        found.files |= {(trace.entity, id): key for id, key in trace.files.items()}
        found.shown |= {(trace.entity, id): values for id, values in trace.shown.items()}
    for trace in _told_by_others(system, person):
        more.setdefault(trace.entity, set()).update(trace.ids)
    known = spread(system, _merged(records, more))
    found.person = Person(record, _listed({name: ids for name, ids in known.items() if system.offers(name)}), person.linked, words, names)
    entities = _entities(system)
    found.off = {name: len(ids) for name, ids in known.items() if not system.offers(name) and _personal(system, entities[name])}
    found.off |= _off_sides(system, known)
    return found


def _told(system: Work, person: Person) -> Iterable[Trace]:
    for answer in system.platform.calls.asked("traces_of", system.enabled, ctx=system, person=person):
        if isinstance(answer.value, Exception):  # what a plugin cannot tell must not be taken for nothing
            raise answer.value
        yield from answer.value


def _told_by_others(system: Work, person: Person) -> Iterable[Trace]:
    """What plugins that are off have of a person, to be counted. One that raises is no hindrance: it may be off for that."""
    serving = frozenset(system.platform.calls.serving())
    there = system.having(serving | system.enabled)
    for answer in system.platform.calls.asked("traces_of", serving - system.enabled, ctx=there, person=person):
        yield from (trace for trace in ([] if isinstance(answer.value, Exception) else answer.value) if trace.keep is None)


def _merged(records: type_ids, more: type_ids) -> type_ids:
    return {name: records.get(name, set()) | more.get(name, set()) for name in {**records, **more}}


def _listed(records: type_ids) -> dict[str, Sequence[UUID]]:
    return {name: sorted(ids) for name, ids in records.items()}


def _personal(system: Work, entity: Entity) -> bool:
    added = overlay_of(system, entity.full_name).definitions
    return any(one.personal for one in (*entity.record.__fields__.values(), *map(field_of, added)))


def _off_sides(system: Work, known: type_ids) -> dict[str, int]:
    """Rows that plugins which are off have beside records of the person."""
    off: dict[str, int] = {}
    for name, ids in known.items():
        for extension in system.platform.catalog.extensions.get(name, ()):
            source = extension.source
            if extension.plugin in system.enabled or not isinstance(source, Side):
                continue
            if any(one.personal for one in source.record.__fields__.values()):
                table = source.record.table()
                mine = (table.c.tenant_id == system.tenant.id, among(table.c[source.link], sorted(ids)))
                count = system.connection.execute(sa.select(sa.func.count()).select_from(table).where(*mine)).scalar_one()
                off |= {f"{name} ({extension.plugin})": int(count)} if count else {}
    return off


# --- links -----------------------------------------------------------------------------------------------------------


def spread(work: Work, start: type_ids) -> type_ids:
    """These records and all that are about them, those in the recycle bin and of plugins that are off among them."""
    found: type_ids = {}
    entities = _entities(work)
    fresh = {name: set(ids) for name, ids in start.items() if ids}
    while fresh:
        for name, ids in fresh.items():
            found.setdefault(name, set()).update(ids)
        more: type_ids = {}
        for entity in entities.values():
            clauses = _about(work, entities, entity, fresh)
            if clauses:
                table = entity.record.table()
                query = sa.select(table.c.id).where(*rows_of(entity, table, work.tenant.id), sa.or_(*clauses))
                more[entity.full_name] = set(work.connection.execute(query).scalars())
        for name, ids in _same(work, entities, fresh):
            more.setdefault(name, set()).update(ids)
        fresh = {name: ids - found.get(name, set()) for name, ids in more.items() if ids - found.get(name, set())}
    return found


def _entities(work: Work) -> dict[str, Entity]:
    """All that have rows, by name; those of the tenant's own that are switched off or in the recycle bin, too."""
    found = {name: one for name, one in work.catalog.entities.items() if not one.record.table().info.get("view")}
    table = CustomEntity.table()
    asleep = sa.or_(table.c.active.is_(False), table.c.deleted_at.is_not(None))
    for row in work.connection.execute(sa.select(table).where(table.c.tenant_id == work.tenant.id, asleep).order_by(table.c.id)).mappings():
        entity = entity_of(Making.of({str(name): cell for name, cell in row.items()}))
        found.setdefault(entity.full_name, entity)
    return found


def _added(work: Work, entity: Entity) -> Iterable[LinkField | AnyRecordField]:
    """The links and references that the tenant has added."""
    for definition in overlay_of(work, entity.full_name).definitions:
        if isinstance(field := field_of(definition), LinkField | AnyRecordField):
            yield field


def _tells(entities: Mapping[str, Entity], entity: Entity, link: LinkField | AnyRecordField) -> bool:
    """Whether a record is about the person that an added link of it names: it is personal, and the record is no person itself."""
    if not link.personal or entity.person:
        return False
    target = entities.get(link.target) if isinstance(link, LinkField) and isinstance(link.target, str) else None
    return isinstance(link, AnyRecordField) or (target is not None and target.person)


def _naming(entity: Entity, link: LinkField | AnyRecordField, people: type_ids) -> list[sa.ColumnElement[bool]]:
    """The rows whose added link names one of these. A whole document has no index: those alone are asked that have any."""
    document = entity.record.table().c[cells.COLUMN]
    columns = cells.columns(document, link)
    if isinstance(link, AnyRecordField):
        named = [sa.and_(columns[0].in_(sorted(ids)), columns[1] == name) for name, ids in people.items() if ids]
    else:
        named = [columns[0].in_(sorted(ids))] if (ids := people.get(str(link.target), set())) else []
    return [sa.and_(document.is_not(None), one) for one in named]


def _about(work: Work, entities: Mapping[str, Entity], entity: Entity, fresh: type_ids) -> list[sa.ColumnElement[bool]]:
    table, catalog, clauses = entity.record.table(), work.catalog, list[sa.ColumnElement[bool]]()
    people = {name: ids for name, ids in fresh.items() if entities[name].person}
    for added in _added(work, entity) if people else ():
        clauses += _naming(entity, added, people) if _tells(entities, entity, added) else []
    for one in entity.record.__fields__.values():
        column = table.c[one.attribute]
        if isinstance(one, AnyRecordField):
            clauses += [sa.and_(among(column, sorted(ids)), table.c[one.entity_attribute] == name) for name, ids in fresh.items()]
        elif isinstance(one, LinkField) and (one.subject or one.parent) and (ids := fresh.get(catalog.target(one, entity), set())):
            clauses.append(among(column, sorted(ids)))
    if entity.private and (users := fresh.get(USER)):
        clauses.append(among(table.c.owner_id, sorted(users)))
    return clauses


def _same(work: Work, entities: Mapping[str, Entity], fresh: type_ids) -> Iterable[tuple[str, set[UUID]]]:
    """Whom a person is known to be besides: the contact that a lead has become; and what records were made one with."""
    catalog = work.catalog
    for name, ids in fresh.items():
        entity = entities[name]
        if entity.mergeable:
            yield name, joined(work, name, ids)
        for one in entity.record.__fields__.values() if entity.person else ():
            if isinstance(one, LinkField) and one.subject and (target := catalog.entities.get(catalog.target(one, entity))) is not None:
                table = entity.record.table()
                query = sa.select(table.c[one.attribute]).where(*rows_of(entity, table, work.tenant.id), among(table.c.id, sorted(ids)))
                if target.person:
                    yield target.full_name, {id for id in work.connection.execute(query).scalars() if id is not None}


def _linked(work: Work, records: type_ids) -> dict[str, Sequence[UUID]]:
    """The records that name the person and are about something else: deals, orders, invoices. Who owns what is no matter here."""
    catalog, entities, found = work.catalog, _entities(work), dict[str, Sequence[UUID]]()
    people = {name: ids for name, ids in records.items() if entities[name].person and name != USER}
    for entity in entities.values() if people else ():
        table = entity.record.table()
        clauses: list[sa.ColumnElement[bool]] = [
            among(table.c[one.attribute], sorted(people[target])) for one in entity.record.__fields__.values()
            if isinstance(one, LinkField) and not one.subject and (target := catalog.target(one, entity)) in people
        ]  # fmt: skip
        for added in _added(work, entity):
            clauses += _naming(entity, added, people) if not _tells(entities, entity, added) else []
        if clauses:
            query = sa.select(table.c.id).where(*rows_of(entity, table, work.tenant.id), sa.or_(*clauses)).order_by(table.c.id)
            if ids := [id for id in work.connection.execute(query).scalars() if id not in records.get(entity.full_name, ())]:
                found[entity.full_name] = ids
    return found


# --- values ----------------------------------------------------------------------------------------------------------


def stored(work: Work, entity: str, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The values of records by id, those in the recycle bin among them."""
    return Writer(work, work.shape(entity)).before(set(ids)) if ids else {}


def personal_fields(work: Work, entity: str) -> list[Field]:
    """The fields of an entity that tell something of a person, as the tenant has them; a link to the person stands."""
    shape, entities = work.shape(entity), work.catalog.entities
    return [
        one for one in shape.fields.values()
        if one.personal and not (isinstance(one, LinkField | AnyRecordField) and one.name in shape.custom and _tells(entities, shape.entity, one))
    ]  # fmt: skip


def neutral(work: Work) -> str:
    """What stands where a text is needed and the person's is gone, in the tenant's language."""
    return work.speaking(work.tenant.locale).say(_("(erased)"))


def _said(work: Work, records: type_ids) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that stand for the person, and the names that it has or had."""
    words, names, blank = set[str](), set[str](), {MASK, neutral(work)}
    for name, ids in records.items():
        if not work.offers(name) or not (entity := work.catalog.entities[name]).person:
            continue
        fields = {one.name: one for one in personal_fields(work, name) if isinstance(one, TextField) and not isinstance(one, LongTextField)}
        strong = {key for key, one in fields.items() if isinstance(one, EmailField | PhoneField) or one.sensitive}
        named = {key for key, one in fields.items() if key == entity.title or one.match} - strong
        for values in [*stored(work, name, sorted(ids)).values(), *_earlier(work, name, sorted(ids))]:
            words |= {value for key in strong if isinstance(value := values.get(key), str) and len(value) >= _SHORTEST}
            names |= {value for key in named if isinstance(value := values.get(key), str) and len(value) > 1}
    return tuple(sorted(words - blank)), tuple(sorted(name for name in names - words - blank if not name.startswith(neutral(work))))


def _earlier(work: Work, entity: str, ids: Sequence[UUID]) -> Iterable[Mapping[str, object]]:
    """What the audit knows of before."""
    mine = (audit.c.tenant_id == work.tenant.id, audit.c.entity == entity, among(audit.c.record_id, ids))
    for changes in work.connection.execute(sa.select(audit.c.changes).where(*mine)).scalars():
        for side in (0, 1):
            yield {name: pair[side] for name, pair in changes.items() if isinstance(pair, list) and len(pair) > side}


def refused(entity: str, id: UUID, refusal: Refusal) -> Kept:
    """What a plugin did not let go."""
    said = refusal.problems[0] if refusal.problems else refusal
    return Kept(entity, id, said.reason if isinstance(said, Refusal) else said.code, said.message, said.params)
