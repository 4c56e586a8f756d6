"""Pages of a list. Questions of one form share their statements, which are built once; the values travel as parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.entities import conditions, cursor
from core.entities.conditions import ESCAPE, Conditions, Form, shape_field
from core.entities.cursor import SortKey
from core.entities.shape import Source
from core.entities.straight import straight
from sdk import BadRequest, Page, Query, _
from sdk.fields import Field

if TYPE_CHECKING:
    from core.entities.read import Reader

MOST = sa.bindparam("most", type_=sa.Integer())


@dataclass(frozen=True)
class Outline:
    """What is shown, and in what order."""

    visible: Mapping[str, Field]
    names: Sequence[str]
    keys: Sequence[SortKey]
    sort: str


@dataclass(frozen=True)
class Plan:
    """The statements of one form of question. The legs are asked one after the other until the page is full."""

    legs: Sequence[sa.Select[Any]]
    count: sa.Select[Any]
    width: int
    places: Sequence[int]
    """Where in a row the values are by which the next page is found."""


@dataclass(frozen=True)
class Part:
    """The rows of a page as the database gives them, the columns of `outline.names` in order."""

    outline: Outline
    rows: Sequence[Any]
    following: str | None
    plan: Plan
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question that is understood: its plan, the values of its parameters, and what tells it from questions of other forms."""

    outline: Outline
    plan: Plan
    given: dict[str, Any]
    form: tuple[object, ...]


type_ask = Callable[[int, Mapping[str, Any]], Sequence[Any]]


def page(reader: Reader, query: Query, *, wire: bool = False) -> Page:
    """A page in JSON form; of one that goes over the `wire` ids and instants may be text already."""
    if query.fields:
        query = replace(query, fields=(*query.fields, *query.include))  # who has a link shown means to see it
    asked = _understood(reader, query)
    there = straight(reader, asked.form, asked.outline.names, asked.plan.legs, asked.plan.places) if wire and not query.include else None
    if there is None:
        part = _answered(query, asked, _by_rows(reader, asked))
        data = reader.to_json(part.rows, part.outline.names)
        reader.include(data, query.include, part.outline.visible)
    else:
        connection = reader.work.connection
        part = _answered(query, asked, lambda leg, given: there.legs[leg].rows(connection, given), there.places)
        data = there.convert(part.rows)
    count = int(reader.work.connection.execute(part.plan.count, part.given).scalar_one()) if query.count else None
    return Page(data, part.following, count)


def read(reader: Reader, query: Query, *, bare: bool = False) -> Part:
    """The rows of a page; `bare` ones have their id only where it is asked for."""
    asked = _understood(reader, query, bare=bare)
    return _answered(query, asked, _by_rows(reader, asked))


def _understood(reader: Reader, query: Query, *, bare: bool = False) -> Asked:
    shape, rights = reader.shape, reader.scopes.form
    outline = shape.kept(("outline", bare, rights, query.fields, query.sort), lambda: _outline(reader, query, bare=bare))
    forms, given = conditions.read_filter(reader, query.filter, reader.asked())
    given |= reader.scopes.parameters()
    if query.q:
        given["q"] = sought(query.q)
    last = cursor.decode(query.cursor, outline.sort, outline.keys) if query.cursor else ()
    given |= {f"last_{number}": value for number, value in enumerate(last) if value is not None}
    beyond = tuple(value is not None for value in last)
    form = ("page", bare, rights, query.fields, query.sort, tuple(forms), bool(query.q), beyond, query.deleted)
    plan = shape.kept(form, lambda: _plan(reader, outline, forms, by_words=bool(query.q), beyond=beyond, deleted=query.deleted))
    return Asked(outline, plan, given, form)


def _by_rows(reader: Reader, asked: Asked) -> type_ask:
    connection, legs = reader.work.connection, asked.plan.legs
    return lambda leg, given: connection.execute(legs[leg], given).all()


def _answered(query: Query, asked: Asked, ask: type_ask, written: Sequence[Callable[[Any], Any]] = ()) -> Part:
    plan, rows = asked.plan, list[Any]()
    for leg in range(len(plan.legs)):
        rows += ask(leg, {**asked.given, "most": query.limit + 1 - len(rows)})
        if len(rows) > query.limit:
            break
    following = None
    if len(rows) > query.limit:
        del rows[query.limit :]
        last = [rows[-1][place] for place in plan.places]
        following = cursor.encode(asked.outline.sort, [write(cell) for write, cell in zip(written, last, strict=True)] if written else last)
    if rows and len(rows[0]) > plan.width:
        rows = [row[: plan.width] for row in rows]
    return Part(asked.outline, rows, following, plan, asked.given)


def sought(words: str) -> str:
    """The words of `q`, as they are looked for; raises BadRequest."""
    if "\x00" in words or len(words) > 200:
        raise BadRequest(_("q takes 1 to 200 characters of text"))
    return conditions.escaped(words)


def searching(reader: Reader, source: Source, visible: Mapping[str, Field], q: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether one of the fields that a search looks in has the words."""
    found = [source.columns(name)[0].icontains(q, escape=ESCAPE) for name in reader.searched(visible)]
    return sa.or_(*found) if found else sa.false()


def _outline(reader: Reader, query: Query, *, bare: bool) -> Outline:
    visible = reader.visible()
    names = reader.wanted(query.fields, visible)
    if bare and query.fields and "id" not in query.fields:
        names.remove("id")
    keys = _sort_keys(reader, query.sort, Source(reader.shape, reader.scopes.bound()), reader.asked())
    return Outline(visible, names, keys, ",".join(f"{'-' if key.descending else ''}{key.field.name}" for key in keys))


def _sort_keys(reader: Reader, sort: Sequence[str], source: Source, visible: Mapping[str, Field]) -> list[SortKey]:
    keys: list[SortKey] = []
    for word in sort:
        field = shape_field(reader.shape, word.removeprefix("-"), visible)
        if not field.sortable:
            raise BadRequest(_("can’t sort by {field!r}"), code="not_sortable", field=field.name)
        if field.name in [key.field.name for key in keys]:
            continue  # rows that are equal in a field are so in both directions
        column = source.columns(field.name)[0]
        if isinstance(column.type, sa.Float):  # a mean: what is shown of it is not all by which it is ordered
            column = sa.type_coerce(column, sa.Float())
        stored = "." not in field.name and field.name in ("id", "version", "created_at", "updated_at")
        nullable = not stored and (field.nullable() or "." in field.name)
        keys.append(SortKey(field, column, word.startswith("-"), nullable))
    if not any(key.field.name == "id" for key in keys):
        descending = keys[-1].descending if keys else True
        keys.append(SortKey(reader.shape.fields["id"], source.table.c.id, descending, False))
    return keys


def _plan(reader: Reader, outline: Outline, forms: Sequence[Form], *, by_words: bool, beyond: tuple[bool, ...], deleted: bool) -> Plan:
    scopes = reader.scopes.bound()
    source = Source(reader.shape, scopes)
    sort = [f"{'-' if key.descending else ''}{key.field.name}" for key in outline.keys]
    keys = _sort_keys(reader, sort, source, {**outline.visible, "id": reader.shape.fields["id"]})
    made = Conditions(source, scopes, reader.work.reader)
    clauses = reader.reach(source, [*(form.field for form in forms), *(key.field.name for key in keys)], scopes, deleted=deleted)
    clauses += [made.made(form, conditions.parameters(place)) for place, form in enumerate(forms)]
    if by_words:
        clauses.append(searching(reader, source, outline.visible, sa.bindparam("q", type_=sa.String())))
    columns, starts = list[sa.ColumnElement[Any]](), dict[str, int]()
    for name in outline.names:
        starts[name] = len(columns)
        columns += source.columns(name)
    width = len(columns)
    for key in keys:
        if key.field.name not in starts or isinstance(key.column.type, sa.Float):  # one may sort by what is not shown
            starts[key.field.name] = len(columns)
            # An id that is not shown is text, of which no object need be made: it is looked at in the last row alone.
            columns.append(sa.cast(key.column, sa.Text()) if key.field.kind == "id" else key.column)
    legs = [
        sa.select(*columns).select_from(source.joined()).where(*clauses, *more).order_by(*(key.order() for key in order)).limit(MOST)
        for more, order in _legs(keys, beyond)
    ]
    count = sa.select(sa.func.count()).select_from(source.joined()).where(*clauses)
    return Plan(legs, count, width, [starts[key.field.name] for key in keys])


type_leg = tuple[list[sa.ColumnElement[bool]], Sequence[SortKey]]


def _legs(keys: Sequence[SortKey], beyond: tuple[bool, ...]) -> list[type_leg]:
    """Where empty values of the first key come last, those rows are a leg of their own: no index has both orders."""
    last = [
        sa.bindparam(f"last_{n}", type_=key.column.type) if there else None
        for n, (key, there) in enumerate(zip(keys, beyond, strict=False))
    ]
    first, others = keys[0], keys[1:]
    if not first.nullable or "." in first.field.name:
        return [([cursor.beyond(keys, last)] if last else [], keys)]
    filled = [replace(first, nullable=False), *others]
    present = [first.column.is_not(None), *([cursor.beyond(filled, last)] if last else [])]
    empty = [first.column.is_(None), *([cursor.beyond(others, last[1:])] if last and last[0] is None else [])]
    if last and last[0] is None:
        return [(empty, others)]
    return [(present, filled), (empty, others)]
