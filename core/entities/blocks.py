"""All that a question finds, in blocks of columns: for files, which take a hundred thousand rows a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.entities import links
from core.entities.pages import read
from core.entities.read import Reader
from sdk import Block, Entity, Query
from sdk.context import Column
from sdk.fields import AnyRecordField, Field, LinkField, NamedReference, NaturalKey, Reference

if TYPE_CHECKING:
    from core.context import Work

_MOST_KNOWN = 50_000
"""Records whose words are kept between blocks: owners and stages come in each of them."""


type_word = NaturalKey | None


class Blocks:
    """The blocks of one question; what records are called is kept from one to the next."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._words: dict[tuple[str, str], dict[links.type_narrowed, type_word]] = {}

    def block(self, reader: Reader, cursor: str, size: int) -> tuple[Block, str | None]:
        """The rows from a cursor on, and the cursor of the next block."""
        reader.require()
        query = Query(self._query.filter, self._query.sort or ("id",), self._query.fields, q=self._query.q, limit=size, cursor=cursor)
        part = read(reader, query, bare=_is_bare(reader))
        names = part.outline.names
        columns = _columns(reader, part.rows, names)
        shown = {name: columns[name] for name in names if name != "id" or "id" in query.fields or not query.fields}
        for name in shown:
            field = reader.shape.fields[name]
            if isinstance(field, LinkField):
                shown[name] = self._link(reader, field, columns)
            elif isinstance(field, AnyRecordField):
                shown[name] = self._references(reader.work, columns[name])
            elif field.lists and (listed := reader.work.catalog.entities.get(field.lists)) is not None:
                shown[name] = self._listed(reader.work, listed, columns[name])
        return Block(len(part.rows), shown), part.following

    def _link(self, reader: Reader, field: LinkField, columns: Mapping[str, Column]) -> Column:
        target = reader.shape.target(field)
        assert target is not None
        ids: Sequence[Any] = columns[field.name]
        if not field.within or field.within not in columns:
            found = self._called(reader.work, target, "", {(id, None) for id in {*ids} if id is not None})
            words: dict[Any, Any] = {id: word or id for (id, _none), word in found.items()}
            return [*map(words.get, ids)]
        pairs: list[links.type_narrowed] = list(zip(ids, columns[field.within], strict=True))  # type: ignore[arg-type]
        found = self._called(reader.work, target, field.within, {pair for pair in pairs if pair[0] is not None})
        return [id if id is None else found[id, narrow] or id for id, narrow in pairs]

    def _references(self, work: Work, column: Column) -> Column:
        by_entity: dict[str, set[links.type_narrowed]] = {}
        for value in column:
            if isinstance(value, Reference):
                by_entity.setdefault(value.entity, set()).add((value.id, None))
        found: dict[Reference, NamedReference] = {}
        for name, pairs in by_entity.items():
            target = work.catalog.entities.get(name) if work.offers(name) else None
            called = self._called(work, target, "", pairs) if target is not None else {}
            found |= {Reference(name, id): NamedReference(name, word.text) for (id, _none), word in called.items() if word is not None}
        return [found.get(value, value) if isinstance(value, Reference) else value for value in column]

    def _listed(self, work: Work, target: Entity, column: Column) -> Column:
        """Lists of ids as lists of words; an id stays where no word leads back to it, or one that files part such lists by."""
        ids = {str(one) for value in column if isinstance(value, list) for one in value}
        called = self._called(work, target, "", {(UUID(id), None) for id in ids}) if ids and work.offers(target.full_name) else {}
        words = {str(id): word.text for (id, _none), word in called.items() if word is not None and ";" not in word.text}
        return [[words.get(str(one), str(one)) for one in value] if isinstance(value, list) else value for value in column]

    def _called(self, work: Work, target: Entity, within: str, pairs: Set[links.type_narrowed]) -> Mapping[links.type_narrowed, type_word]:
        """What these records are called, None for those that no word leads to."""
        known = self._words.setdefault((target.full_name, within), {})
        missing = [pair for pair in pairs if pair not in known]
        if len(known) + len(missing) > _MOST_KNOWN:
            known.clear()
            missing = list(pairs)
        if missing:
            words = links.spoken(work, target, within, missing)
            known |= {pair: NaturalKey(words[pair]) if pair in words else None for pair in missing}
        return {pair: known[pair] for pair in pairs}


def _is_bare(reader: Reader) -> bool:
    """Whether rows are as they are stored: nothing takes anything out of some, or says it in other words."""
    return reader.uniform() and reader.entity.veil is None and reader.entity.tells is None


def _columns(reader: Reader, rows: Sequence[Any], names: Sequence[str]) -> dict[str, Column]:
    """Rows as columns of Python values, with what the actor may see of each row."""
    fields = [reader.shape.fields[name] for name in names]
    if _is_bare(reader):
        return _taken_apart(rows, fields)
    shown = reader.to_values(rows, names)
    return {name: [row.get(name) for row in shown] for name in names}


def _taken_apart(rows: Sequence[Any], fields: Sequence[Field]) -> dict[str, Column]:
    cells: list[Sequence[Any]] = [*zip(*rows, strict=True)] if rows else [() for field in fields for _column in field.columns()]
    found, at = dict[str, Column](), 0
    for field in fields:
        width = len(field.columns())
        mine = cells[at : at + width]
        found[field.name] = mine[0] if width == 1 else [field.join(parts) for parts in zip(*mine, strict=True)]
        at += width
    return found
