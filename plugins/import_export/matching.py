"""Which records the rows of a file are: by one or several fields, telephone numbers in their normal form, links by their natural key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from plugins.import_export import origins
from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import ExternalIds
from plugins.import_export.persons import USER, meant
from plugins.import_export.plan import OWN, Plan
from sdk import Condition, Context
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, Field, LinkField, NaturalKey, Reference, TextField
from sdk.fields.text import PhoneField

MOST = 100_000
_PART = 500
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Signs of no width, which come with what is copied from pages and chats."""
type_key = tuple[object, ...]
type_values = dict[str, object]


class Matching:
    """Finds the records that rows mean, with the eyes of who imports."""

    def __init__(self, ctx: Context, entity: str, plan: Plan, external: ExternalIds) -> None:
        self.ctx, self.entity, self.names = ctx, entity, plan.match
        self.records, self.external = ctx.records(entity), external
        self._by_external = EXTERNAL in self.names and EXTERNAL not in plan.fields
        self._by_id = OWN in self.names and OWN not in plan.fields
        self._forms: list[tuple[str, Callable[[object], object]]] = [
            (name, form_of(plan.fields[name]) if name in plan.fields else _same) for name in self.names
        ]
        self._links = [name for name in self.names if isinstance(plan.fields.get(name), LinkField)]
        self._pointing = [
            name
            for name in (*plan.columns, *plan.made)
            if isinstance(plan.fields[name], LinkField | AnyRecordField) and name not in plan.links
        ]
        self._persons = [name for name in self._pointing if isinstance(plan.fields[name], LinkField) and ctx.target(entity, name) == USER]
        self._known_persons: dict[str, UUID | None] = {}
        """Who was asked for already: None for those whom the write door is to find, or to miss."""
        self._first = next((name for name in self.names if name not in self._links), self.names[0] if self.names else "")
        self._words = [name for name, form in self._forms if form is _same and isinstance(plan.fields.get(name), TextField)]
        self._alike = self._first in plan.fields and _by_likeness(plan.fields[self._first])

    def key(self, values: Mapping[str, object]) -> type_key:
        """What names the record; two rows with the same key mean the same one. A key with None names nothing."""
        return tuple(form(values.get(name)) for name, form in self._forms)

    def settle_words(self, rows: Sequence[type_values]) -> None:
        """Words with signs that nobody sees mean the records that are called so without them, unless one is called just so."""
        for name in self._words:
            words = {value for values in rows if isinstance(value := values.get(name), str) and _unseen(value)}
            both = tuple({*words, *filter(None, map(_seen, words))})  # some are nothing else
            there = {row[name] for row in self.records.find((Condition(name, "in", both),), MOST)} if words else set()
            for values in rows if there else ():
                if (word := values.get(name)) in words and word not in there and _seen(str(word)) in there:
                    values[name] = _seen(str(word))
        for name in self._pointing:
            keys = {one.text for values in rows if isinstance(one := values.get(name), NaturalKey) and _unseen(one.text)}
            found = named(self.ctx, self.ctx.target(self.entity, name), {*keys, *filter(None, map(_seen, keys))}) if keys else {}
            for values in rows if found else ():
                one = values.get(name)
                if isinstance(one, NaturalKey) and one.text in keys and one.text not in found and _seen(one.text) in found:
                    values[name] = NaturalKey(_seen(one.text))

    def settle_links(self, rows: Sequence[type_values]) -> None:
        """Put ids in the place of the natural keys by which one matches; one that names no record, or several, stays for the write door to tell.
        Users are meant, too, where they are written otherwise than here."""
        for name in self._persons:
            words = {one.text for values in rows if isinstance(one := values.get(name), NaturalKey)} - self._known_persons.keys()
            if words:
                others = words - named(self.ctx, USER, words).keys()
                self._known_persons |= dict.fromkeys(words) | meant(self.ctx, others)
            for values in rows:
                one = values.get(name)
                if isinstance(one, NaturalKey) and (id := self._known_persons.get(one.text)) is not None:
                    values[name] = id
        for name in self._links:
            words = {value.text for values in rows if isinstance(value := values.get(name), NaturalKey)}
            ids = named(self.ctx, self.ctx.target(self.entity, name), words) if words else {}
            for values in rows:
                value = values.get(name)
                if isinstance(value, NaturalKey) and len(found := ids.get(value.text, [])) == 1:
                    values[name] = found[0]

    def settle_ids(self, rows: Sequence[type_values]) -> None:
        """In the place of an id under which nothing is here the record that has come from there: exports have ids where a name says too little."""
        for name in self._pointing:
            pointed = {value: one for values in rows if (one := self._pointed(name, value := values.get(name))) is not None}
            found = dict[tuple[str, UUID], UUID]()
            for entity in {one.entity for one in pointed.values() if self.ctx.offers(one.entity)}:
                ids = {one.id for one in pointed.values() if one.entity == entity}
                unknown = [str(id) for id in ids - self.ctx.records(entity).values(ids).keys()]
                found |= {(entity, UUID(word)): id_of(row) for word, row in self.external.find(entity, unknown).items()}
            for values in rows if found else ():
                one = pointed.get(values.get(name))
                if one is not None and (id := found.get((one.entity, one.id))) is not None:
                    values[name] = id if isinstance(values[name], UUID) else Reference(one.entity, id)

    def _pointed(self, name: str, value: object) -> Reference | None:
        return (
            Reference(self.ctx.target(self.entity, name), value)
            if isinstance(value, UUID)
            else value
            if isinstance(value, Reference)
            else None
        )

    def existing(self, rows: Sequence[type_values]) -> dict[type_key, list[Row]]:
        """By key the records that are there; one query for each 500 values of the first field."""
        wanted = list(dict.fromkeys(value for values in rows if (value := values.get(self._first)) is not None))
        found: dict[type_key, list[Row]] = {}
        if self._by_id:
            ids = {id for values in rows if isinstance(id := values.get(OWN), UUID)}
            return {self.key(row): [row] for row in (self.records.values(ids).values() if ids else ())}
        if self._by_external:
            named_ = self.external.find(self.entity, [str(word) for values in rows if (word := values.get(EXTERNAL)) is not None])
            for word, row in named_.items():
                found.setdefault(self.key({**row, EXTERNAL: word}), []).append(row)
            return found
        for start in range(0, len(wanted), _PART):
            part = tuple(wanted[start : start + _PART])
            for row in self.records.find((Condition(self._first, "alike" if self._alike else "in", part),), MOST):
                found.setdefault(self.key(row), []).append(row)
        return found


def named(ctx: Context, entity: str, words: set[str]) -> dict[str, list[UUID]]:
    """By word the records that bear it in one of the fields by which people name them."""
    records, found, asked = ctx.records(entity), dict[str, list[UUID]](), sorted(words)
    fields = records.fields()
    for name in ctx.entity(entity).match_fields:
        if not isinstance(fields.get(name), TextField):
            continue
        for start in range(0, len(asked), _PART):
            for row in records.find((Condition(name, "in", tuple(asked[start : start + _PART])),), MOST):
                ids = found.setdefault(str(row[name]), [])
                if id_of(row) not in ids:
                    ids.append(id_of(row))
    return found


def _unseen(word: str) -> bool:
    return not word.isascii() and not word.isprintable() and _UNSEEN.search(word) is not None


def _seen(word: str) -> str:
    return _UNSEEN.sub("", word).strip()


def form_of(field: Field) -> Callable[[object], object]:
    """The form in which values are compared: of a telephone number its digits, of anything else the value itself."""
    return partial(_normal, field) if _by_likeness(field) else _same


def _by_likeness(field: Field) -> bool:
    return isinstance(field, PhoneField) and field.alike is not None


def _normal(field: Field, value: object) -> object:
    assert isinstance(field, TextField) and field.alike is not None
    return None if value is None else field.alike(str(value)) or str(value)


def _same(value: object) -> object:
    return value


class SameFile:
    """Rows of one file that mean the same: the second is told the number of the first."""

    def __init__(self, ctx: Context, told: Context | None, id: UUID, entity: str) -> None:
        self.told, self.id, self.entity, self.records = told, id, entity, ctx.records(entity)
        """`told` reads the journal of what was written before; None: nothing is in it before the end, which is near."""
        self._written: dict[UUID, int] = {}
        self._asked: dict[UUID, int | None] = {}
        """What the journal has said within this transaction: thousands of rows may be like the same record."""

    def wrote(self, number: int, id: UUID) -> None:
        """A row has written a record."""
        self._written.setdefault(id, number)

    def forget(self) -> None:
        """What was written is in the journal by now."""
        self._asked = {}
        if self.told is not None:
            self._written = {}

    def made(self, id: UUID) -> bool:
        """Whether a row of this file made a record, and did not find it here."""
        return id.int >> 80 >= self.id.int >> 80 and self.number_of(id) is not None

    def number_of(self, id: UUID) -> int | None:
        """The row of this file that made or changed a record; one that is older than the import was not made by it."""
        if id in self._written:
            return self._written[id]
        if self.told is None or id.int >> 80 < self.id.int >> 80:  # the time of their making
            return None
        if id not in self._asked:
            self._asked[id] = origins.number_of(self.told, self.entity, self.id, id)
        return self._asked[id]
