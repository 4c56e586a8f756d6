"""Links of the write door: ids must exist and be visible, natural keys are looked up, a column at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.data import bulk
from core.entities.item import Item
from core.entities.merged import follow
from core.entities.nearest import Nearest
from core.entities.rows import live_of
from core.entities.shape import Shape
from core.policy.grants import Grant, including
from sdk import Entity, Problem, Verb, _
from sdk.columns import among
from sdk.fields import AnyRecordField, KeysField, LinkField, NamedReference, NaturalKey, Reference, TextField
from sdk.fields.link import LONGEST, key_of

if TYPE_CHECKING:
    from core.context import Work

_CHUNK = 500
_MANY = 5000


def resolve(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Replace natural keys by ids; what is not there becomes a problem that names the nearest match."""
    for field in shape.links:
        holders = [item for item in items if item.values.get(field.name) is not None]
        if holders:
            _resolve_field(work, shape, field, holders)
    for reference in shape.references:
        _check_references(work, reference, [item for item in items if item.values.get(reference.name) is not None])
    for keys in shape.key_lists:
        _check_keys(work, keys, [item for item in items if item.values.get(keys.name)])


def _resolve_field(work: Work, shape: Shape, field: LinkField, holders: Sequence[Item]) -> None:
    target = shape.target(field)
    assert target is not None
    given = [item.values[field.name] for item in holders]
    words = {value.text for value in given if isinstance(value, NaturalKey)}
    ids = {value for value in given if not isinstance(value, NaturalKey)}
    # A value that did not change was checked when it was written; whether one still sees its target is no matter.
    kept = {item.before[field.name] for item in holders if item.before and item.before.get(field.name) in ids}
    known = kept | _visible(work, target, ids - kept, pin=target.mergeable)
    instead = _merged(work, target, ids - known)
    named = _named(work, target, field.within, words) if words else {}
    several = field.usual and any(len(found) > 1 for found in named.values())
    usual, nameless = _usual(work, shape, field) if several else None, list[tuple[Item, str]]()
    for item in holders:
        value = item.values[field.name]
        if isinstance(value, NaturalKey):
            if not _chosen(target, field, item, value.text, named, usual):
                nameless.append((item, value.text))
        elif value in instead:
            item.values[field.name] = instead[value]
        elif value not in known:
            item.problems.append(_missing(target, field, str(value), None))
    near = Nearest(work, target).to(word for _item, word in nameless) if nameless else {}
    for item, word in nameless:
        item.problems.append(_missing(target, field, word, near.get(word)))


def _check_references(work: Work, field: AnyRecordField, holders: Sequence[Item]) -> None:
    """They point to visible records of entities that the tenant has; one that did not change may stay."""
    catalog, known, instead = work.catalog, set[Reference](), dict[Reference, Reference]()
    _find_references(work, field, [item for item in holders if isinstance(item.values[field.name], NamedReference)])
    holders = [item for item in holders if item.values[field.name] is not None]
    moved = [item for item in holders if item.before is None or item.before.get(field.name) != item.values[field.name]]
    for name in sorted({item.values[field.name].entity for item in moved}):
        target = catalog.entities.get(name) if work.offers(name) else None
        if target is not None and work.scopes.grants_of(target, Verb.READ) and (not field.parent or catalog.is_rooted(target)):
            ids = {item.values[field.name].id for item in moved if item.values[field.name].entity == name}
            seen = _visible(work, target, ids, pin=target.mergeable)
            known |= {Reference(name, id) for id in seen}
            instead |= {Reference(name, id): Reference(name, new) for id, new in _merged(work, target, ids - seen).items()}
    for item in moved:
        value = item.values[field.name]
        if value in instead:
            item.values[field.name] = instead[value]
        elif value not in known:
            text, params = _("no {target} matches {value!r}"), {"target": value.entity, "value": str(value.id)}
            item.problems.append(Problem(field.name, "no_such_record", text, params))


def _find_references(work: Work, field: AnyRecordField, holders: Sequence[Item]) -> None:
    """Put ids in the place of what people call the records; what names none, or several, becomes a problem and is let go."""
    by_entity: dict[str, set[str]] = {}
    for item in holders:
        by_entity.setdefault(item.values[field.name].entity, set()).add(item.values[field.name].word)
    found: dict[str, dict[str, list[tuple[UUID, Any]]]] = {}
    for name, words in by_entity.items():
        target = work.catalog.entities.get(name) if work.offers(name) else None
        found[name] = _named(work, target, "", words) if target is not None else {}
    for item in holders:
        value = item.values[field.name]
        named = found[value.entity].get(value.word, [])
        item.values[field.name] = Reference(value.entity, named[0][0]) if len(named) == 1 else None
        params: dict[str, object] = {"target": value.entity, "value": value.word}
        if not named:
            item.problems.append(Problem(field.name, "no_such_record", _("no {target} matches {value!r}"), params))
        elif len(named) > 1:
            text = _("{count} {target} records match {value!r}; give the ID")
            item.problems.append(Problem(field.name, "ambiguous", text, {**params, "count": len(named)}))


def _usual(work: Work, shape: Shape, field: LinkField) -> UUID | None:
    """The one record that narrows names where nothing is said: the one that is marked so."""
    sibling = shape.fields[field.within]
    assert isinstance(sibling, LinkField)
    if (target := shape.target(sibling)) is None:
        return None
    table = target.record.table()
    marked = table.c[target.record.__fields__[field.usual].attribute]
    ids = work.connection.execute(sa.select(table.c.id).where(*live_of(target, table, work.tenant.id), marked).limit(2)).scalars().all()
    return ids[0] if len(ids) == 1 else None


def _chosen(
    target: Entity, field: LinkField, item: Item, word: str, named: Mapping[str, list[tuple[UUID, Any]]], usual: UUID | None
) -> bool:
    """Whether somebody bears the name; put into its place is the one who does, and several are a problem."""
    found, narrow = named.get(word, []), item.after(field.within) if field.within else None
    if narrow is not None and not isinstance(narrow, NaturalKey):
        found = [pair for pair in found if pair[1] == narrow]
    elif narrow is None and usual is not None and len(found) > 1:
        found = [pair for pair in found if pair[1] == usual] or found
    if len(found) == 1:
        item.values[field.name] = found[0][0]
    elif found:
        text = _("{count} {target} records match {value!r}; give the ID")
        params = {"count": len(found), "target": target.full_name, "value": word}
        item.problems.append(Problem(field.name, "ambiguous", text, params))
    return bool(found)


def _missing(target: Entity, field: LinkField, value: str, near: str | None) -> Problem:
    if near is None:
        return Problem(field.name, "no_such_record", _("no {target} matches {value!r}"), {"target": target.full_name, "value": value})
    text = _("no {target} matches {value!r}; the closest is {nearest!r}")
    return Problem(field.name, "no_such_record", text, {"target": target.full_name, "value": value, "nearest": near})


def _reach(work: Work, target: Entity, table: Any, grants: tuple[Grant, ...]) -> list[sa.ColumnElement[bool]]:
    clauses = work.scopes.live(target, table)
    clause = work.scopes.clause(target, table, grants, Verb.READ)
    return clauses if clause is None else [*clauses, clause]


def _showing(work: Work, target: Entity, names: Iterable[str]) -> dict[tuple[Grant, ...], list[str]]:
    """Fields by the grants that show them: mostly the same for all. What nobody shows the actor is left out, and so is what is no text:
    people call nothing by an amount or a day."""
    found: dict[tuple[Grant, ...], list[str]] = {}
    held = work.scopes.grants_of(target, Verb.READ)
    for name in names:
        if isinstance(target.record.__fields__[name], TextField) and (grants := including(held, name)):
            found.setdefault(grants, []).append(name)
    return found


def _visible(work: Work, target: Entity, ids: Collection[Any], *, pin: bool) -> set[UUID]:
    found = work.known(target.full_name, ids)
    wanted, reader = sorted(id for id in ids if id not in found), work.reader(target)
    for start in range(0, len(wanted), _CHUNK):
        found |= reader.seen(wanted[start : start + _CHUNK], pin=pin)
    return found


def _merged(work: Work, target: Entity, missing: Collection[Any]) -> dict[UUID, UUID]:
    """For those that have become part of others the record that is left, where the actor sees it: an old id goes on meaning the same."""
    found = follow(work, target.full_name, missing) if missing and target.mergeable else {}
    seen = _visible(work, target, set(found.values()), pin=True) if found else set()
    return {id: left for id, left in found.items() if left in seen}


def _named(work: Work, target: Entity, within_: str, words: Iterable[str]) -> dict[str, list[tuple[UUID, Any]]]:
    """For each word the records that it names in a field that the actor sees there, with the value of the narrowing link."""
    table, found, wanted = target.record.table(), dict[str, dict[UUID, Any]](), sorted(words)
    within = _narrowing(target, within_)
    for grants, shown in _showing(work, target, target.match_fields).items() if wanted else ():
        matches = [table.c[target.record.__fields__[name].attribute] for name in shown]
        for start in range(0, len(wanted), _MANY):
            part = wanted[start : start + _MANY]
            asked = set(part)
            query = sa.select(table.c.id, within, *matches).where(
                *_reach(work, target, table, grants), sa.or_(*(bulk.among(work.connection, column, part) for column in matches))
            )
            for id, narrow, *names in work.connection.execute(query).all():
                for name in asked.intersection(names):
                    found.setdefault(name, {})[id] = narrow
    return {name: list(records.items()) for name, records in found.items()}


def _narrowing(target: Entity, within: str) -> sa.ColumnElement[Any]:
    """The column of the link that narrows what a natural key may mean."""
    field = target.record.__fields__.get(within)
    return sa.null() if field is None else target.record.table().c[field.attribute]


type_narrowed = tuple[UUID, UUID | None]
"""A record's id, with the value of the narrowing link beside it; None where that is not said."""


def spoken(work: Work, target: Entity, within: str, records: Collection[type_narrowed]) -> dict[type_narrowed, str]:
    """The contrary of looking up: for records the words by which the actor finds each of them and no other; what has none is left out.

    Of its natural keys the first that does, those that no two records share before the others; not one that looks like an id, or that is
    longer than a cell may be.
    """
    keys: dict[UUID, list[str]] = {}
    ids, table = sorted({id for id, _narrow in records}), target.record.table()
    unique_first = sorted(target.match_fields, key=lambda name: not target.record.__fields__[name].unique)
    for grants, shown in _showing(work, target, unique_first).items():
        columns = [table.c[target.record.__fields__[name].attribute] for name in shown]
        for start in range(0, len(ids), _MANY):
            query = sa.select(table.c.id, *columns).where(
                *_reach(work, target, table, grants), among(table.c.id, ids[start : start + _MANY])
            )
            for id, *words in work.connection.execute(query):
                keys.setdefault(id, []).extend(str(word) for word in words if word is not None)
    named = _named(work, target, within, {word for words in keys.values() for word in words})
    found: dict[type_narrowed, str] = {}
    for id, narrow in records:
        for word in keys.get(id, ()):
            meant = [one for one, beside in named.get(word, ()) if narrow is None or beside == narrow]
            if meant == [id] and isinstance(key_of(word), NaturalKey) and len(word) <= LONGEST:
                found[id, narrow] = word
                break
    return found


def _check_keys(work: Work, field: KeysField, holders: Sequence[Item]) -> None:
    target = work.catalog.entities.get(field.of)
    if target is None or not holders:
        return
    unknown = unknown_keys(work, target, {key for item in holders for key in item.values[field.name]})
    for item in holders:
        item.problems += [no_such_key(field.name, field.of, key) for key in item.values[field.name] if key in unknown]


def unknown_keys(work: Work, target: Entity, keys: Set[str]) -> Set[str]:
    """Which of these natural keys no record of the entity has, whoever asks."""
    table = target.record.table()
    column = table.c[target.record.__fields__[target.match_fields[0]].attribute]
    query = sa.select(column).where(*live_of(target, table, work.tenant.id), column.in_(sorted(keys)))
    return keys - set(work.connection.execute(query).scalars())


def no_such_key(field: str, of: str, key: str) -> Problem:
    """What is wrong with the value of a field that names a record which is not there."""
    return Problem(field, "no_such_record", _("no {target} matches {value!r}"), {"target": of, "value": key})
