"""Records that are likely one: found by the likeness of their fields, the same for API, batch, page, import and rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.data.bulk import Words
from core.data.direct import Direct, direct
from core.entities.item import Item
from core.entities.rows import live_of
from core.entities.shape import Shape
from core.tenancy.duplicates import BLOCK, verdicts
from sdk import Alike, Candidates, Conflict, Forbidden, Invalid, Problem, _
from sdk.context import LIKELY_DUPLICATE, Values
from sdk.fields import TextField
from sdk.fields.text import ALIKE
from sdk.permissions import FORCE

if TYPE_CHECKING:
    from core.context import Work

_CHUNK = 5000
_MOST_NAMED, _MOST_FOUND = 20, 30
"""Records that are named as likely the same, and those that are looked at for one key of one draft: of thousands of doubles nobody needs all."""
_MOST_LOCKED = 50
"""Keys of one write that are locked. PostgreSQL promises room for 64 locks a transaction; an import would take all there is."""


@dataclass
class _Found:
    """What one draft is like: by record the fields in which they agree."""

    fields: dict[UUID, list[str]] = field(default_factory=dict)

    def add(self, id: UUID, name: str) -> None:
        self.fields.setdefault(id, []).append(name)

    def forget_refused(self, batch: Mapping[UUID, Item]) -> None:
        """What is refused itself will not be there."""
        self.fields = {id: names for id, names in self.fields.items() if id not in batch or batch[id].refusal is None}

    @property
    def names(self) -> set[str]:
        """All fields in which it agrees with any of them."""
        return {name for names in self.fields.values() for name in names}


@dataclass(frozen=True)
class _Sought:
    """The keys of a field and whose they are, and which records of the batch change it."""

    keys: Sequence[tuple[str, UUID]]
    moved: Set[UUID] = frozenset()


def check_alike(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Refuse what is likely there already, in the database or before it in the batch, unless it is forced by who may.

    Where a draft agrees with others only in fields of which the tenant wants to be told, it stands and says so (`Item.likely`).
    """
    if not shape.entity.alike:
        return
    asked = _asked(work, items)
    _forbid_forcing(work, shape, items)
    rules = verdicts(work, shape.entity.full_name)
    sought = _keys([item for item in asked if item.stands], _fields(shape, rules))
    if not sought:
        return
    _lock(work, shape, sought)
    found = _match(work, shape, sought)
    if not found:
        return
    before = {item.id: item for item in items}
    known = _seen(work, shape, found, before)
    for item in asked:
        if item.id not in found:
            continue
        if found[item.id].names.isdisjoint(name for name, verdict in rules.items() if verdict == BLOCK):
            found[item.id].forget_refused(before)
            item.likely = _told(found[item.id], known)
        else:
            item.refusal = _refusal(_told(found[item.id], known))


def candidates(work: Work, shape: Shape, values: Values, but: UUID | None = None) -> Candidates:
    """See `sdk.Records.candidates`."""
    work.reader(shape.entity).require()
    mine, rules = but or UUID(int=0), verdicts(work, shape.entity.full_name)
    sought: dict[str, _Sought] = {}
    problems = []
    for one in _fields(shape, shape.entity.alike):
        if one.name not in values:
            continue
        parsed = one.parse([values[one.name]])
        problems += [Problem(one.name, flaw.code, flaw.message, flaw.params) for flaw in parsed.flaws]
        if one.name in rules and (key := _key(one, parsed.values[0])) is not None:
            sought[one.name] = _Sought([(key, mine)])
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    found = _match(work, shape, sought)
    return _told(found[mine], _seen(work, shape, found, {})) if found else Candidates()


def _asked(work: Work, items: Sequence[Item]) -> list[Item]:
    """The system writes what plugins decide; people, and who wants it, are told."""
    told = frozenset(Alike) - {Alike.FORCE} if not work.grants.everything else {Alike.REFUSE}
    return [item for item in items if item.draft.alike in told and item.draft.verb != "delete"]


def _forbid_forcing(work: Work, shape: Shape, items: Iterable[Item]) -> None:
    if work.can(f"{shape.entity.full_name}.{FORCE}"):
        return
    for item in items:
        if item.draft.alike is Alike.FORCE:
            text = _("you don’t have permission to save a likely duplicate of a {entity}; ask someone who does, or use the existing one")
            item.refusal = Forbidden(text, code="force_forbidden", entity=shape.entity.full_name)


def _fields(shape: Shape, names: Iterable[str]) -> list[TextField]:
    declared = shape.entity.record.__fields__
    return [one for name in names if isinstance(one := declared[name], TextField)]


def _key(field: TextField, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return value if field.alike is None else field.alike(value)


def _keys(items: Sequence[Item], fields: Sequence[TextField]) -> dict[str, _Sought]:
    """By field what to look for: everything in a new or restored record, what changes in another."""
    found: dict[str, _Sought] = {}
    for one in fields:
        name, alike, keys, moved = one.name, one.alike, list[tuple[str, UUID]](), set[UUID]()
        for item in items:
            value, before = item.values.get(name), item.before
            if before is not None:
                old = before.get(name)
                value = value if name in item.values else old
                if item.draft.verb == "update":
                    if value == old:
                        continue
                    moved.add(item.id)
            if value is not None and (key := value if alike is None else alike(value)) is not None:
                keys.append((key, item.id))
        if keys:
            found[name] = _Sought(keys, moved)
    return found


def _lock(work: Work, shape: Shape, sought: Mapping[str, _Sought]) -> None:
    """Two who write likely doubles at the same moment wait for each other: the second looks when the first has committed."""
    distinct = {name: {key for key, _id in one.keys} for name, one in sought.items()}
    if sum(map(len, distinct.values())) <= _MOST_LOCKED:
        work.lock_all({f"{shape.entity.full_name}.{name}:{key}" for name, keys in distinct.items() for key in keys}, later=True)


def _match(work: Work, shape: Shape, sought: Mapping[str, _Sought]) -> dict[UUID, _Found]:
    """By draft what it is like: an earlier draft, or a live record; one query a field and five thousand keys."""
    found: dict[UUID, _Found] = {}
    for name, one in sought.items():
        first: dict[str, UUID] = {}
        later: dict[str, list[UUID]] = {}  # hardly ever any
        for key, id in one.keys:
            if (other := first.setdefault(key, id)) is not id:
                found.setdefault(id, _Found()).add(other, name)
                later.setdefault(key, []).append(id)
        wanted = list(first)
        for start in range(0, len(wanted), _CHUNK):
            rows = _looked(work, shape, name, wanted[start : start + _CHUNK])
            counts = Counter[str]()
            for key, other in sorted(rows, key=itemgetter(1)):
                # A record of the batch itself is judged by what it will be, above.
                if other in one.moved or counts[key] >= _MOST_FOUND:
                    continue
                counts[key] += 1
                for id in (first[key], *later.get(key, ())):
                    if other != id:
                        found.setdefault(id, _Found()).add(other, name)
    return found


def _looked(work: Work, shape: Shape, name: str, keys: Sequence[str]) -> list[tuple[str, UUID]]:
    """The live records that have one of the keys, by key. One key is a statement of its own: PostgreSQL takes a list to be ten."""
    sqlite, alone = work.platform.database.is_sqlite, len(keys) == 1

    def make() -> tuple[sa.Select[Any], Direct | None]:
        table, one = shape.table, shape.entity.record.__fields__[name]
        column = table.c[one.attribute if not one.siblings() else f"{one.attribute}_{ALIKE}"]
        # One parameter for all of them: a statement with a thousand costs more to write than to answer.
        if alone:
            among = column == sa.bindparam("keys", type_=sa.String())
        elif sqlite:
            among = column.in_(sa.select(sa.func.json_each(sa.bindparam("keys")).table_valued("value").c.value))
        else:
            among = column == sa.any_(sa.bindparam("keys", type_=Words()))
        mine = live_of(shape.entity, table, sa.bindparam("of", type_=sa.Uuid()))
        # Sorted by the caller: asked for it here, SQLite walks the tenant's whole table in the order of its ids.
        statement = sa.select(column, table.c.id).where(*mine, among)
        return statement, direct(statement, work.connection.dialect)

    statement, straight = shape.kept(("alike", name, alone), make)
    given = {"of": work.tenant.id, "keys": keys[0] if alone else json.dumps(keys) if sqlite else list(keys)}
    if straight is None:
        return [(key, id) for key, id in work.connection.execute(statement, given)]
    return [(key, UUID(id)) for key, id in straight.rows(work.connection, given)]


@dataclass(frozen=True)
class _Seen:
    """What the actor may know of a record that is like a draft: what it is called, and of which fields."""

    title: str
    fields: Set[str]


def _seen(work: Work, shape: Shape, found: Mapping[UUID, _Found], batch: Mapping[UUID, Item]) -> dict[UUID, _Seen]:
    """The records that the actor may see; those of the batch are the actor's own words."""
    title, names = shape.entity.title, frozenset(shape.entity.alike)
    ids = {id for one in found.values() for id in one.fields}
    seen = {id: _Seen(str(batch[id].after(title)), names) for id in ids if id in batch}
    reader = work.reader(shape.entity)
    visible = reader.visible()
    if title in visible:
        asked = tuple(dict.fromkeys((title, *(name for name in shape.entity.alike if name in visible))))
        rest = [id for id in ids if id not in seen]
        for start in range(0, len(rest), 500):
            for row in reader.many(rest[start : start + 500], asked):
                if title in row:
                    seen[row["id"]] = _Seen(str(row[title]), names & row.keys())
    return seen


def _told(found: _Found, known: Mapping[UUID, _Seen]) -> Candidates:
    """A field that the actor does not see of a record gives nothing away: the record counts as hidden where no other is alike."""
    seen = []
    for id, fields in found.fields.items():
        if id in known and (shown := [name for name in fields if name in known[id].fields]):
            seen.append({"id": id, "title": known[id].title, "fields": shown})
    return Candidates(tuple(seen[:_MOST_NAMED]), len(found.fields) - len(seen))


def _refusal(told: Candidates) -> Conflict:
    if told.seen:
        text = _("this is likely a duplicate of: {names}; use the existing record, or save it anyway if you may (API: force=true)")
    else:
        text = _(
            "this is likely a duplicate of a record you don’t have access to; ask your manager, or save it anyway if you may (API: force=true)"
        )
    refusal = Conflict(text, code=LIKELY_DUPLICATE, names=told.names)
    refusal.members = members_of(told)
    return refusal


def members_of(told: Candidates) -> dict[str, object]:
    """Candidates as members of an answer."""
    return {"candidates": [{**one, "id": str(one["id"])} for one in told.seen], "hidden": told.hidden}
