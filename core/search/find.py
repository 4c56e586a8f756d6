"""Finding records of all entities by some words: with the rights of who asks, best first, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.operators import custom_op

from core.entities.read import Reader
from core.entities.shape import Source
from core.search.index import places
from core.search.marks import marks
from core.search.tables import search_words
from core.search.words import BEGINNING, SOUND, WHOLE, WITHIN, Reading, asked, tokens
from sdk import BadRequest, Entity, Verb, _
from sdk.columns import key
from sdk.fields import TextField

if TYPE_CHECKING:
    from core.context import Work

FEW, MOST = 5, 50
"""Records of each entity: unless another number is asked for, and at most."""
LONGEST = 200
_END = "\U0010ffff"
_COMMON = 2_000
"""Tokens that begin with a word, from where on its records are not ranked."""
_OTHER = 2 * SOUND
"""By how much a field comes behind the title."""
_TENANT, _ME, _LIMIT = sa.bindparam("of", type_=key()), sa.bindparam("me", type_=key()), sa.bindparam("most", type_=sa.Integer())


@dataclass(frozen=True)
class Match:
    """A field in which words were found: its value, and which parts of it are meant, as pairs of first and last-plus-one character."""

    field: str
    label: str
    value: str
    marks: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Hit:
    """A record that was found."""

    id: UUID
    title: str
    matches: Sequence[Match]


@dataclass(frozen=True)
class Group:
    """Records of one entity, best first; `more`: there are others."""

    entity: Entity
    hits: Sequence[Hit]
    more: bool
    best: int = field(compare=False, default=0)


def find(work: Work, typed: str, entities: Iterable[str] | None = None, limit: int = FEW) -> list[Group]:
    """Records by entity, the best entity first. All words have to be found in fields that the actor sees on every record that he sees.

    `entities` narrows and never widens what is asked: those that the actor may not read, or the tenant has not, have nothing. Raises BadRequest.
    """
    if "\x00" in typed or len(typed) > LONGEST:
        raise BadRequest(_("q takes 1 to 200 characters of text"))
    if not 1 <= limit <= MOST:
        raise BadRequest(_("limit takes 1 to {most}"), most=MOST)
    readings = asked(typed)
    with work.transaction():
        readers = {one.entity.full_name: one for one in _readers(work, entities)} if readings else {}
        there = _there(work, readings, readers)
        found = [_group(work, readers[name], ways, limit) for name, ways in there.items()]
    return sorted((one for one in found if one.hits), key=lambda one: one.best)


def _readers(work: Work, entities: Iterable[str] | None) -> Iterable[Reader]:
    wanted = None if entities is None else {*entities}
    for entity in work.catalog.entities.values():
        if entity.plugin in work.enabled and (wanted is None or entity.full_name in wanted):
            reader = work.reader(entity)
            if reader.grants and searched(reader):
                yield reader


def searched(reader: Reader) -> dict[str, int]:
    """The fields in whose words the actor may look, with the numbers of their places."""
    known, bounds = places(reader.shape), reader.work.bounds
    if not known:
        return {}
    names: Iterable[str] = reader.searched(reader.visible())
    if bounds is not None:
        permission = f"{reader.entity.full_name}.{Verb.READ}"
        declared = bounds.fields(permission)
        names = [name for name in names if bounds.admits(permission) and (declared is None or name in declared)]
    return {name: known[name].id for name in names if name in known}


def _there(work: Work, readings: Sequence[Reading], readers: dict[str, Reader]) -> dict[str, list[Reading]]:
    """By entity the readings of whose longest word there is any token: one question for all entities, most of which have none."""
    owners = {place: name for name, reader in readers.items() for place in searched(reader).values()}
    found: dict[str, list[Reading]] = {}
    for reading in readings if owners else ():
        word = max(reading.words, key=len)
        given = {"of": work.tenant.id, "from_0": word, "to_0": word + _END, **_listed(work, list(owners))}
        for place in work.connection.execute(_probe(work.platform.database.is_sqlite), given).scalars():
            ways = found.setdefault(owners[place], [])
            if reading not in ways:
                ways.append(reading)
    return found


def _listed(work: Work, ids: Sequence[int]) -> dict[str, Any]:
    return {"places": orjson.dumps(ids).decode() if work.platform.database.is_sqlite else list(ids)}


@lru_cache(maxsize=2)
def _probe(sqlite: bool) -> sa.Select[Any]:
    place: sa.ColumnElement[Any]
    if sqlite:
        place = sa.func.json_each(sa.bindparam("places")).table_valued(sa.column("value", sa.BigInteger)).c.value
    else:
        place = sa.func.unnest(sa.bindparam("places", type_=ARRAY(sa.BigInteger))).column_valued("asked_place")
    return sa.select(place).where(_any(search_words.c.tenant_id == _TENANT, search_words.c.place == place, *_range(search_words, 0)))


def _any(*clauses: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether there is such a word; looked up for each row, where PostgreSQL would rather join, which means to read all that there are."""
    return sa.select(sa.literal(1)).where(*clauses).offset(0).exists()


def _range(words: Any, number: int) -> Sequence[sa.ColumnElement[bool]]:
    return words.c.word >= _word("from", number), words.c.word < _word("to", number)


def _word(side: str, number: int) -> sa.BindParameter[str]:
    return sa.bindparam(f"{side}_{number}", type_=search_words.c.word.type)


def _group(work: Work, reader: Reader, ways: Sequence[Reading], limit: int) -> Group:
    ranked: dict[UUID, int] = {}
    for reading in ways:
        for id, rank in _asked(work, reader, reading, limit + 1):
            ranked[id] = min(rank, ranked.get(id, rank))
    ids = sorted(ranked, key=ranked.__getitem__)  # stable: within a rank as the database has them
    hits = _hits(work, reader, ids[:limit], [word for reading in ways for word in reading.words])
    return Group(reader.entity, hits, len(ids) > limit, min(ranked.values(), default=0))


def _asked(work: Work, reader: Reader, reading: Reading, most: int) -> list[tuple[UUID, int]]:
    """Ids and ranks. Where even the rarest word is that of very many records, those so called and then the newest: ranked, all would have to be read."""
    given: dict[str, Any] = {**reader.scopes.parameters(), "of": work.tenant.id, "me": work.actor.user_id, "most": most}
    counted = {word: _count(work, reader, word) for word in reading.words}
    words = sorted(counted, key=lambda word: (counted[word], -len(word)))
    for number, word in enumerate(words):
        given |= {f"from_{number}": word, f"to_{number}": word + _END}
    if counted[words[0]] == 0:
        return []
    forms = ["ranked"] if counted[words[0]] < _COMMON else ["called", "newest"] if len(words) == 1 else ["newest"]
    found: list[tuple[UUID, int]] = []
    for form in forms:
        found += [(id, rank) for id, rank in work.connection.execute(_kept(reader, form, len(words)), given)]
    return found


def _count(work: Work, reader: Reader, word: str) -> int:
    """How many tokens begin with a word, counted up to where it is common."""

    def make() -> sa.Select[Any]:
        which = sorted(searched(reader).values())
        some = sa.select(sa.literal(1)).where(
            search_words.c.tenant_id == _TENANT, search_words.c.place.in_(which), *_range(search_words, 0)
        )
        return sa.select(sa.func.count()).select_from(some.limit(_COMMON).subquery())

    statement = reader.shape.kept(("search", reader.scopes.form, "count"), make)
    return int(work.connection.execute(statement, {"of": work.tenant.id, "from_0": word, "to_0": word + _END}).scalar_one())


def _kept(reader: Reader, form: str, count: int) -> sa.Select[Any]:
    makers = {"ranked": _ranked, "called": _called, "newest": _newest}
    return reader.shape.kept(("search", reader.scopes.form, form, count), lambda: makers[form](reader, count))


def _ranked(reader: Reader, count: int) -> sa.Select[Any]:
    """Ids and ranks of records that have all words: what is so called, then titles that begin so, have it, are read so; then other fields.

    A whole word comes before the beginning of one, one's own before others', new before old.
    """
    scopes = reader.scopes.bound()
    source, mine, first = Source(reader.shape, scopes), searched(reader), search_words.alias("word_0")
    clauses = [*reader.reach(source, (), scopes), *_first(first, mine), *_range(first, 0)]
    clauses += [_has(first.c.record_id, number, mine) for number in range(1, count)]
    equal, title = first.c.word == _word("from", 0), first.c.place == mine.get(reader.entity.title, 0)
    near = sa.case((first.c.near > BEGINNING, first.c.near), else_=BEGINNING) * 2 + sa.case((equal, 0), else_=1)
    exact = (sa.and_(first.c.near == WHOLE, equal), sa.case((title, 0), else_=1))
    rank = sa.func.min(sa.case(exact, (title, near), else_=near + _OTHER))
    return _best(reader, source, first, clauses, rank)


def _called(reader: Reader, _count: int) -> sa.Select[Any]:
    """Records with a field that is the one word and no more."""
    scopes = reader.scopes.bound()
    source, mine, first = Source(reader.shape, scopes), searched(reader), search_words.alias("word_0")
    exact = (first.c.word == _word("from", 0), first.c.near == WHOLE)
    rank = sa.func.min(sa.case((first.c.place == mine.get(reader.entity.title, 0), 0), else_=1))
    return _best(reader, source, first, [*reader.reach(source, (), scopes), *_first(first, mine), *exact], rank)


def _newest(reader: Reader, count: int) -> sa.Select[Any]:
    """Records that have all words, new before old: each that is seen is looked at until there are enough."""
    scopes = reader.scopes.bound()
    source, mine = Source(reader.shape, scopes), searched(reader)
    has = [_has(source.table.c.id, number, mine) for number in range(count)]
    rank = sa.literal(2 * WITHIN, sa.Integer())
    found = sa.select(source.table.c.id, rank).select_from(source.joined())
    return found.where(*reader.reach(source, (), scopes), *has).order_by(source.table.c.id.desc()).limit(_LIMIT)


def _best(
    reader: Reader, source: Source, first: Any, clauses: Sequence[sa.ColumnElement[bool]], rank: sa.ColumnElement[int]
) -> sa.Select[Any]:
    owner = source.table.c.owner_id
    record: sa.ColumnElement[Any] = first.c.record_id
    if reader.work.platform.database.is_sqlite:
        record = sa.UnaryExpression(
            record, operator=custom_op("+"), type_=key()
        )  # else it walks all records, or all words in order of records
    on = sa.and_(first.c.tenant_id == source.table.c.tenant_id, record == source.table.c.id)
    found = sa.select(record, rank).select_from(source.joined().join(first, on)).where(*clauses)
    own = [sa.case((owner == _ME, 0), else_=1)] if reader.everywhere("owner") else []  # the order tells, too
    return found.group_by(record, owner).order_by(rank, *own, record.desc()).limit(_LIMIT)


def _first(first: Any, mine: Mapping[str, int]) -> Sequence[sa.ColumnElement[bool]]:
    return first.c.tenant_id == _TENANT, first.c.place.in_(sorted(mine.values()))


def _has(record: sa.ColumnElement[Any], number: int, mine: Mapping[str, int]) -> sa.ColumnElement[bool]:
    """Whether a record has a word: looked up among its own few tokens, not among the many records' that have it."""
    other = search_words.alias(f"word_{number}")
    place: sa.ColumnElement[int] = sa.UnaryExpression(other.c.place, operator=custom_op("+"))  # else the index of words is taken
    same = (other.c.tenant_id == _TENANT, other.c.record_id == record, place.in_(sorted(mine.values())))
    return _any(*same, *_range(other, number))


def _hits(work: Work, reader: Reader, ids: Sequence[UUID], words: Sequence[str]) -> list[Hit]:
    """What is shown of the records. One that has the words no longer is left out: of a large set that was changed, what was there before stays
    among the words until the job has run, and is nobody's to find. So is one about a plugin that is off, as a rule may be."""
    names, visible, title = list(searched(reader)), reader.visible(), reader.entity.title
    shown = title in visible and title != "id"
    about = [name for name, field in visible.items() if isinstance(field, TextField) and field.names == "entity"]
    found = reader.many(ids, tuple(dict.fromkeys((*names, *about, *([title] if shown else []))))) if ids else []
    rows = {row["id"]: row for row in found if all(row[name] is None or work.offers(row[name]) for name in about)}
    known, order = places(reader.shape), sorted(names, key=lambda one: one != title)
    made = [(id, rows[id], _matches(work, reader, rows[id], order, words, known)) for id in ids if id in rows]
    return [Hit(id, str(row.get(title) or "") if shown else "", matches) for id, row, matches in made if matches]


def _matches(work: Work, reader: Reader, row: Any, names: Sequence[str], words: Sequence[str], known: Any) -> list[Match]:
    found: list[Match] = []
    for name in names:
        value = row.get(name)
        if not isinstance(value, str):
            continue
        made = [token for token, _near in tokens(value, number=known[name].number)]
        mine = [word for word in dict.fromkeys(words) if any(token.startswith(word) for token in made)]
        if mine:
            found.append(Match(name, work.say(reader.shape.fields[name].label), value, marks(value, mine)))
    return found
