"""The door out: one SQL statement for each read, with tenant, record scope and field rights in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.entities import cursor as cursors
from core.entities.conditions import Conditions, shape_field
from core.entities.cursor import SortKey
from core.entities.shape import Shape, Source
from core.policy.grants import Grant
from core.policy.scopes import Scopes
from sdk import BadRequest, Condition, Entity, Filter, Forbidden, NotFound, Page, Query, Side, Verb, _
from sdk.fields import Field, LinkField

if TYPE_CHECKING:
    from core.context import Work

MOST_ROWS = 500


class Reader:
    """Reads one entity for one actor."""

    def __init__(self, work: Work, shape: Shape) -> None:
        self.work, self.shape, self.entity = work, shape, shape.entity
        self.scopes: Scopes = work.scopes
        self.grants: tuple[Grant, ...] = self.scopes.grants_of(self.entity, Verb.READ)

    # --- what may be seen ----------------------------------------------------------------------------------------

    def visible(self) -> dict[str, Field]:
        """The fields that some grant includes."""
        if any(grant.fields is None for grant in self.grants):
            return dict(self.shape.fields)
        named = frozenset().union(*(grant.fields or () for grant in self.grants)) | {"id", "version"}
        return {name: field for name, field in self.shape.fields.items() if name in named} if self.grants else {}

    def require(self) -> None:
        """Raise Forbidden where the actor may not read the entity at all."""
        if not self.grants:
            raise Forbidden(_("you may not read {entity}"), entity=self.entity.full_name)

    def uniform(self) -> bool:
        """Whether every visible field is visible on every visible row."""
        return len({grant.fields for grant in self.grants}) == 1

    def reach(self, source: Source, names: Iterable[str] = ()) -> list[sa.ColumnElement[bool]]:
        """The rows that the actor sees; with field names, those rows alone on which all of them are visible."""
        clauses = source.live()
        fields = [name for name in names if name not in ("id", "version")]
        sets = [tuple(self.grants)] if not fields or self.uniform() else [self._including(name) for name in fields]
        for grants in dict.fromkeys(sets):
            clause = self.scopes.clause(self.entity, source.table, grants, Verb.READ)
            if clause is not None:
                clauses.append(clause)
        return clauses

    def _including(self, name: str) -> tuple[Grant, ...]:
        return tuple(grant for grant in self.grants if grant.fields is None or name in grant.fields)

    # --- pages ---------------------------------------------------------------------------------------------------

    def page(self, query: Query) -> Page:
        """A page in JSON form."""
        self.require()
        if not 1 <= query.limit <= MOST_ROWS:
            raise BadRequest(_("limit takes 1 to {most}"), most=MOST_ROWS)
        visible = self.visible()
        names = self._wanted(query.fields, visible)
        source = Source(self.shape, self.work.tenant.id)
        keys = self._sort_keys(query.sort, source, visible)
        clauses = self._clauses(query, source, visible, [key.field.name for key in keys])
        columns = self._selected(names, source)
        # Values to page by travel at the end of each row, so that a field left out can still be sorted by.
        statement = sa.select(*columns, *(key.column for key in keys))
        spec = ",".join(f"{'-' if key.descending else ''}{key.field.name}" for key in keys)
        paged = [*clauses, cursors.beyond(keys, cursors.decode(query.cursor, spec, keys))] if query.cursor else clauses
        statement = statement.select_from(source.joined()).where(*paged)
        statement = statement.order_by(*(key.order() for key in keys)).limit(query.limit + 1)
        rows = self.work.connection.execute(statement).all()
        page_rows, width = rows[: query.limit], len(keys)
        data = self._to_json([row[:-width] for row in page_rows], source, names)
        self._include(data, query.include, visible)
        following = cursors.encode(spec, page_rows[-1][-width:]) if len(rows) > query.limit else None
        return Page(data, following, self._count(source, clauses) if query.count else None)

    def _count(self, source: Source, clauses: Sequence[sa.ColumnElement[bool]]) -> int:
        statement = sa.select(sa.func.count()).select_from(source.joined()).where(*clauses)
        return int(self.work.connection.execute(statement).scalar_one())

    def _wanted(self, asked: Sequence[str], visible: dict[str, Field]) -> list[str]:
        for name in asked:
            shape_field(self.shape, name, visible)
        return list(dict.fromkeys(("id", *asked))) if asked else list(visible)

    def _sort_keys(self, sort: Sequence[str], source: Source, visible: dict[str, Field]) -> list[SortKey]:
        keys: list[SortKey] = []
        for word in sort:
            field = shape_field(self.shape, word.removeprefix("-"), visible)
            if not field.sortable:
                raise BadRequest(_("cannot sort by {field!r}"), code="not_sortable", field=field.name)
            if field.name in [key.field.name for key in keys]:
                continue  # rows that are equal in a field are so in both directions
            column = source.columns(field.name)[0]
            stored = "." not in field.name and field.name in ("id", "version", "created_at", "updated_at")
            nullable = not stored and (field.nullable() or "." in field.name)
            keys.append(SortKey(field, column, word.startswith("-"), nullable))
        if not any(key.field.name == "id" for key in keys):
            descending = keys[-1].descending if keys else True
            keys.append(SortKey(self.shape.fields["id"], source.table.c.id, descending, False))
        return keys

    def _clauses(self, query: Query, source: Source, visible: dict[str, Field], sorted_by: Sequence[str]) -> list[sa.ColumnElement[bool]]:
        conditions = Conditions(source, self.scopes)
        made = []
        for condition in query.filter:
            shape_field(self.shape, condition.field, visible)
            made.append(conditions.clause(condition))
        if query.q:
            made.append(self._search(query.q, source, visible))
        return [*self.reach(source, [*(c.field for c in query.filter), *sorted_by]), *made]

    def _search(self, words: str, source: Source, visible: dict[str, Field]) -> sa.ColumnElement[bool]:
        if "\x00" in words or len(words) > 200:
            raise BadRequest(_("q takes 1 to 200 characters of text"))
        searched = [name for name, field in visible.items() if field.search and self._including(name) == self.grants]
        found = [source.columns(name)[0].icontains(words, autoescape=True) for name in searched]
        return sa.or_(*found) if found else sa.false()

    def _selected(self, names: Sequence[str], source: Source) -> list[sa.ColumnElement[Any]]:
        return [column for name in names for column in source.columns(name)]

    def _to_json(self, rows: Sequence[Any], source: Source, names: Sequence[str]) -> list[dict[str, Any]]:
        data = self.shape.serializer(names)(rows)
        if not self.uniform():
            self._hide(data, source, names)
        return data

    def _hide(self, data: list[dict[str, Any]], source: Source, names: Sequence[str]) -> None:
        """Take out of each row the fields that no grant reaching this row includes ("own: amount" never leaks to team rows)."""
        ids = [row["id"] for row in data]
        for name in names:
            grants = self._including(name)
            if name in ("id", "version") or grants == self.grants or not ids:
                continue
            clause = self.scopes.clause(self.entity, source.table, grants, Verb.READ)
            if clause is None:
                continue
            query = sa.select(source.table.c.id).where(source.table.c.tenant_id == self.work.tenant.id, source.table.c.id.in_(ids), clause)
            shown = set(self.work.connection.execute(query).scalars())
            for row in data:
                if row["id"] not in shown:
                    row.pop(name, None)

    def _include(self, data: list[dict[str, Any]], include: Sequence[str], visible: dict[str, Field]) -> None:
        for name in dict.fromkeys(include):
            field = shape_field(self.shape, name, visible)
            if not isinstance(field, LinkField):
                raise BadRequest(_("{field!r} is not a link and cannot be included"), field=name)
            ids = {row[name] for row in data if row.get(name) is not None}
            target = self.shape.target(field)
            assert target is not None
            reader = self.work.reader(target)
            found = {row["id"]: row for row in reader.many(ids)} if reader.grants and ids else {}
            for row in data:
                if row.get(name) in found:
                    row[name] = found[row[name]]

    # --- records by id -------------------------------------------------------------------------------------------

    def many(self, ids: Iterable[UUID], fields: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Visible records by id, in JSON form, in no order."""
        source = Source(self.shape, self.work.tenant.id)
        names = self._wanted(fields, self.visible())
        columns = self._selected(names, source)
        statement = sa.select(*columns).select_from(source.joined()).where(*self.reach(source), source.table.c.id.in_(list(ids)))
        return self._to_json(self.work.connection.execute(statement).all(), source, names)

    def one(self, id: UUID, fields: Sequence[str] = (), include: Sequence[str] = ()) -> dict[str, Any]:
        """One record in JSON form; raises NotFound, also for what one may not see."""
        self.require()
        rows = self.many([id], fields)
        if not rows:
            raise NotFound(_("there is no {entity} {id}"), entity=self.entity.full_name, id=str(id))
        self._include(rows, include, self.visible())
        return rows[0]

    def values(self, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
        """Visible records by id, as Python values."""
        wanted = list(ids)
        found: dict[UUID, dict[str, Any]] = {}
        for start in range(0, len(wanted), MOST_ROWS):
            condition = Condition("id", "in", tuple(wanted[start : start + MOST_ROWS]))
            found |= {row["id"]: row for row in self.find((condition,), MOST_ROWS)}
        return found

    def find(self, filter: Filter, limit: int = MOST_ROWS) -> list[dict[str, Any]]:
        """Visible records as Python values, in order of creation."""
        source, visible = Source(self.shape, self.work.tenant.id), self.visible()
        clauses = self._clauses(Query(filter=filter), source, visible, ())
        names = [name for name in visible if not self._computed(name)]
        columns = self._selected(names, source)
        statement = sa.select(*columns).select_from(source.joined()).where(*clauses).order_by(source.table.c.id).limit(limit)
        found = self.shape.valuer(names)(self.work.connection.execute(statement).all())
        if not self.uniform():
            self._hide(found, source, names)
        return found

    def _computed(self, name: str) -> bool:
        extension = self.shape.extension_of(name)
        return extension is not None and not isinstance(extension.source, Side)

    def reached_by(self, verb: Verb, ids: Sequence[UUID]) -> set[UUID]:
        """Of the given records those that the actor reaches with `verb`."""
        source = Source(self.shape, self.work.tenant.id)
        clause = self.scopes.clause(self.entity, source.table, self.scopes.grants_of(self.entity, verb), verb)
        if clause is None:
            return set(ids)
        query = sa.select(source.table.c.id).where(
            source.table.c.tenant_id == self.work.tenant.id, source.table.c.id.in_(list(ids)), clause
        )
        return set(self.work.connection.execute(query).scalars())


def title_column(target: Entity, table: Any) -> sa.ColumnElement[Any]:
    """The column that names a record of `target`."""
    column: sa.ColumnElement[Any] = table.c[target.record.__fields__[target.title].attribute]
    return column
