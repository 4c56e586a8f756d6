"""Values by which records are found, and which no two live records share: a JSON document has no index for them.

A row for each live record and each field that is unique or indexed; written with the record, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

from core.custom.cells import codec
from core.custom.definition import Definition
from core.data import bulk
from sdk import Problem, Record, _
from sdk.columns import key
from sdk.fields import Field

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.item import Item
    from core.entities.shape import Shape

_CHUNK = 500
LONGEST = 600
custom_keys = sa.Table(
    "core_custom_keys",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("field_id", key(), primary_key=True),
    sa.Column("value", sa.String(LONGEST), primary_key=True),
    sa.Column("record_id", key(), primary_key=True),
    sa.Column("exclusive", sa.Boolean(), nullable=False),
    sa.Index("ix_core_custom_keys_record_id", "tenant_id", "record_id"),
    sa.Index("uq_core_custom_keys_value", "tenant_id", "field_id", "value", unique=True,
             sqlite_where=sa.text("exclusive"), postgresql_where=sa.text("exclusive")),
)  # fmt: skip


class Word(TypeDecorator[Any]):
    """A value of a type as it is written among the keys."""

    impl = sa.String
    cache_ok = True

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _word(self.of, value)


def _word(type_: sa.types.TypeEngine[Any], value: Any) -> str:
    return str(codec(type_)[0](value))


def found(shape: Shape, name: str, tenant: Any, value: Any, *, several: bool) -> sa.Select[Any]:
    """The ids of the live records that have a value, or one of several, in a keyed field; `value` is a parameter or a Python value."""
    definition, word = shape.overlay.keyed[name], Word(shape.fields[name].column_type())
    if not isinstance(value, sa.ColumnElement):
        value = [sa.literal(one, word) for one in value] if several else sa.literal(value, word)
    has = custom_keys.c.value.in_(value) if several else custom_keys.c.value == value
    return sa.select(custom_keys.c.record_id).where(custom_keys.c.tenant_id == tenant, custom_keys.c.field_id == definition.id, has)


class id_word(GenericFunction[str]):
    """An id as it is written among the keys."""

    type = sa.String()
    inherit_cache = True
    name = "id_word"


@compiles(id_word, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"replace(CAST({compiler.process(element.clauses, **kw)} AS TEXT), '-', '')"


@compiles(id_word, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


def check_keys(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """No two live records have the same value of a unique field, neither of one that is in the recycle bin itself: it may come back."""
    for name, definition in shape.overlay.keyed.items():
        if not definition.unique:
            continue
        wanted: dict[str, Item] = {}
        for item in items:
            word = _after(shape, name, definition, item) if item.stands and _moves(name, item) else None
            if word is None:
                continue
            if word in wanted:
                item.problems.append(_taken(definition.name, word, wanted[word].id))
            else:
                wanted[word] = item
        words = list(wanted)
        for start in range(0, len(words), _CHUNK):
            mine = (custom_keys.c.tenant_id == work.tenant.id, custom_keys.c.field_id == definition.id)
            part = bulk.among(work.connection, custom_keys.c.value, words[start : start + _CHUNK])
            for word, id in work.connection.execute(sa.select(custom_keys.c.value, custom_keys.c.record_id).where(*mine, part)):
                if wanted[word].id != id:
                    wanted[word].problems.append(_taken(definition.name, word, id))


def _taken(name: str, word: str, of: UUID) -> Problem:
    return Problem(name, "duplicate", _("{value!r} is already taken"), {"value": word, "record": of})


def _moves(name: str, item: Item) -> bool:
    return item.draft.verb in ("create", "restore") or name in item.values


def _after(shape: Shape, name: str, definition: Definition, item: Item) -> str | None:
    """The word of what the record will have."""
    field: Field | None = shape.custom.get(name)
    if field is None:  # the field is in the recycle bin, its values are still there
        cell = (item.stored or {}).get(definition.slot) if item.draft.verb == "restore" else None
        return None if cell is None else str(cell)
    value = item.after(name)
    return None if value is None else _word(field.column_type(), value)


def keep_keys(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """Write down the keys of records that are or come back, and forget those of records that go."""
    rows, gone = list[dict[str, Any]](), dict[tuple[UUID, ...], list[UUID]]()
    for item in items:
        verb, moved = item.draft.verb, {name: of for name, of in shape.overlay.keyed.items() if _moves(name, item)}
        if verb != "create" and (verb == "delete" or moved):
            ids = tuple(of.id for of in (shape.overlay.keyed if verb == "delete" else moved).values())
            gone.setdefault(ids, []).append(item.id)
        for name, of in moved.items() if verb != "delete" else ():
            if (word := _after(shape, name, of, item)) is not None:
                rows.append({"tenant_id": work.tenant.id, "field_id": of.id, "value": word, "record_id": item.id, "exclusive": of.unique})
    for ids, records in gone.items():
        for start in range(0, len(records), _CHUNK):
            work.connection.execute(custom_keys.delete().where(
                custom_keys.c.tenant_id == work.tenant.id, custom_keys.c.field_id.in_(ids),
                bulk.among(work.connection, custom_keys.c.record_id, records[start : start + _CHUNK]),
            ))  # fmt: skip
    bulk.insert(work.connection, custom_keys, rows)
    work.grown(custom_keys.name, len(rows))
