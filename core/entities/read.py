"""The door out: one SQL statement for each read, with tenant, record scope and field rights in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.operators import custom_op

from core.entities.conditions import Conditions, Form, parameters, read_filter, shape_field
from core.entities.pages import MOST, page
from core.entities.rows import rows_of
from core.entities.shape import Shape, Source
from core.entities.straight import straight
from core.policy.grants import Grant, including
from core.policy.scopes import Scopes
from sdk import BadRequest, Condition, Entity, Filter, Forbidden, NotFound, Page, Query, Side, Verb, _
from sdk.columns import JsonData, Keys, among
from sdk.fields import BooleanField, ChoiceField, Field, LinkField

if TYPE_CHECKING:
    from core.context import Work

MOST_ROWS = 500
type_plan = tuple[Sequence[str], sa.Select[Any]]


class Reader:
    """Reads one entity for one actor."""

    def __init__(self, work: Work, shape: Shape) -> None:
        self.work, self.shape, self.entity = work, shape, shape.entity
        self.scopes: Scopes = work.scopes
        self.grants: tuple[Grant, ...] = self.scopes.grants_of(self.entity, Verb.READ)

    # --- what may be seen ----------------------------------------------------------------------------------------

    def visible(self) -> dict[str, Field]:
        """The fields that some grant includes."""
        return dict(self.shape.kept(("visible", self.scopes.form), self._visible))

    def _visible(self) -> dict[str, Field]:
        if any(grant.fields is None for grant in self.grants):
            found = dict(self.shape.fields)
        else:
            named = frozenset().union(*(grant.fields or () for grant in self.grants)) | {"id", "version"}
            found = {name: field for name, field in self.shape.fields.items() if name in named} if self.grants else {}
        for name, formula in self.shape.formulas.items():
            if name in found and not (self.including(name) and formula.seen(self.scopes)):
                del found[name]
        for name in self.shape.made_from:
            if name in found and not self.including(name):
                del found[name]
        return found

    def asked(self) -> dict[str, Field]:
        """Those by which records may be found, ordered and counted: what a veil takes out of some rows would be told by that."""
        hidden = self.veiled()
        return {name: field for name, field in self.visible().items() if name not in hidden} if hidden else self.visible()

    def veiled(self) -> frozenset[str]:
        """The fields that no history tells, and nothing is found by, since they are seen on some rows alone."""
        return frozenset() if self.work.grants.unlimited else frozenset(self.entity.veiled)

    def veils(self, id: UUID, name: str) -> Literal["", "in_part", "veiled"]:
        """What the veil does to a field of a record, whatever stands there: who is told that would know whether anything does."""
        if name not in self.veiled():
            return ""
        if self.entity.narrows is not None and name in self.entity.narrows(self.work.of_plugin(self.entity.plugin)):
            return "in_part"
        row: dict[str, Any] = {"id": id, name: {"": [None, None]} if isinstance(self.shape.fields[name].column_type(), JsonData) else "{}"}
        self._veil([row])
        return "veiled" if row.get(name) is None else ""

    def _veil(self, rows: list[dict[str, Any]]) -> None:
        if self.entity.veil is not None and not self.work.grants.unlimited:
            self.entity.veil(self.work.of_plugin(self.entity.plugin), rows)
        if self.entity.tells is not None:
            self.entity.tells(self.work.of_plugin(self.entity.plugin), rows)

    def require(self) -> None:
        """Raise Forbidden where the actor may not read the entity at all."""
        if not self.grants:
            raise Forbidden(_("you don’t have access to {entity}"), entity=self.entity.full_name)

    def uniform(self) -> bool:
        """Whether every visible field is visible on every visible row."""
        return len({grant.fields for grant in self.grants}) == 1

    def whole(self) -> bool:
        """Whether every field is visible on every visible row."""
        return self.uniform() and len(self.visible()) == len(self.shape.fields)

    def reach(
        self, source: Source, names: Iterable[str] = (), scopes: Scopes | None = None, *, deleted: bool = False
    ) -> list[sa.ColumnElement[bool]]:
        """The rows that the actor sees; with field names, those rows alone on which all of them are visible."""
        clauses = source.deleted() if deleted else source.live(self.grants)
        fields = [name for name in names if name not in ("id", "version")]
        sets = [tuple(self.grants)] if not fields or self.uniform() else [self.including(name) for name in fields]
        for grants in dict.fromkeys(sets):
            clause = (scopes or self.scopes).clause(self.entity, source.table, grants, Verb.READ)
            if clause is not None:
                clauses.append(clause)
        return clauses

    def including(self, name: str) -> tuple[Grant, ...]:
        """The grants that show a field; a formula is shown by those alone that show all that it is made from."""
        grants = including(self.grants, name)
        for needed in self.shape.needs(name) - {name}:
            grants = including(grants, needed)
        return grants

    def by_grants(self, names: Iterable[str]) -> dict[tuple[Grant, ...], list[str]]:
        """Fields by the grants that show them: one question answers for all that the same grants show."""
        found: dict[tuple[Grant, ...], list[str]] = {}
        for name in names:
            found.setdefault(self.including(name), []).append(name)
        return found

    def everywhere(self, name: str) -> bool:
        """Whether a field is visible on every visible row."""
        return bool(self.grants) and self.including(name) == self.grants

    # --- pages ---------------------------------------------------------------------------------------------------

    def page(self, query: Query, *, wire: bool = False) -> Page:
        """A page in JSON form; of one that goes over the `wire` ids, days and instants may be text already."""
        self.require()
        if not 1 <= query.limit <= MOST_ROWS:
            raise BadRequest(_("limit takes 1 to {most}"), most=MOST_ROWS)
        return page(self, query, wire=wire)

    def plain(self) -> bool:
        """Whether rows are shown as they are: all of them with the same fields, nothing veiled, nothing said in other words."""
        return self.uniform() and self.entity.tells is None and (self.entity.veil is None or self.work.grants.unlimited)

    def wanted(self, asked: Sequence[str], visible: Mapping[str, Field]) -> list[str]:
        """The fields to be shown; raises BadRequest for unknown ones."""
        for name in asked:
            shape_field(self.shape, name, visible)
        return list(dict.fromkeys(("id", *asked))) if asked else list(visible)

    def searched(self, visible: Mapping[str, Field]) -> list[str]:
        """The fields that `q` looks in: those that are visible on every visible row, which a veiled one is not."""
        hidden = self.veiled()
        return [name for name, field in visible.items() if field.search and name not in hidden and self.everywhere(name)]

    def selected(self, names: Sequence[str], source: Source) -> list[sa.ColumnElement[Any]]:
        """The columns of these fields."""
        return [column for name in names for column in source.columns(name)]

    def to_json(self, rows: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of the columns of these fields as JSON objects, each with what the actor may see of it."""
        data = self.shape.serializer(names)(rows)
        if not self.uniform():
            self._hide(data, names)
        self._veil(data)
        return data

    def _hide(self, data: list[dict[str, Any]], names: Sequence[str]) -> None:
        """Take out of each row the fields that no grant reaching this row includes ("own: amount" never leaks to team rows)."""
        for grants, some in self.by_grants(names).items() if data else ():
            if grants == self.grants:
                continue
            shown = self.reached_by(Verb.READ, [row["id"] for row in data], grants)
            for row in data:
                if row["id"] not in shown:
                    for name in some:
                        row.pop(name, None)

    def include(self, data: list[dict[str, Any]], include: Sequence[str], visible: Mapping[str, Field]) -> None:
        """Put the records that these links point to in place of their ids."""
        for name in dict.fromkeys(include):
            field = shape_field(self.shape, name, visible)
            if not isinstance(field, LinkField):
                raise BadRequest(_("{field!r} is not a link, so it can’t be included"), field=name)
            ids = {row[name] for row in data if row.get(name) is not None}
            target = self.shape.target(field)
            assert target is not None
            reader = self.work.reader(target)
            found = {row["id"]: row for row in reader.many(ids)} if reader.grants and ids else {}
            for row in data:
                if row.get(name) in found:
                    row[name] = found[row[name]]

    # --- records by id -------------------------------------------------------------------------------------------

    def many(self, ids: Iterable[UUID], fields: Sequence[str] = (), *, wire: bool = False) -> list[dict[str, Any]]:
        """Visible records by id, in JSON form, in no order; of such as go over the `wire` ids, days and instants may be text already."""
        wanted = list(ids)
        alone = len(wanted) == 1
        question = ("many", alone, self.scopes.form, tuple(fields))
        names, statement = self.shape.kept(question, lambda: self._many(fields, alone=alone))
        given = {**self.scopes.parameters(), **_given(wanted)}
        if wire and (there := straight(self, question, names, [statement])) is not None:
            return there.convert(there.legs[0].rows(self.work.connection, given))
        return self.to_json(self.work.connection.execute(statement, given).all(), names)

    def _many(self, fields: Sequence[str], *, alone: bool) -> type_plan:
        scopes = self.scopes.bound()
        source, names = Source(self.shape, scopes), self.wanted(fields, self.visible())
        columns, wanted = self.selected(names, source), _wanted(source, alone=alone)
        return names, sa.select(*columns).select_from(source.joined()).where(*self.reach(source, (), scopes), wanted)

    def one(self, id: UUID, fields: Sequence[str] = (), include: Sequence[str] = (), *, wire: bool = False) -> dict[str, Any]:
        """One record in JSON form; raises NotFound, also for what one may not see."""
        self.require()
        rows = self.many([id], (*fields, *include) if fields else (), wire=wire and not include)
        if not rows:
            raise NotFound(_("{entity} {id} does not exist"), entity=self.entity.full_name, id=str(id))
        self.include(rows, include, self.visible())
        return rows[0]

    def values(self, ids: Iterable[UUID], *, hold: bool = False) -> dict[UUID, dict[str, Any]]:
        """Visible records by id, as Python values; with `hold` nobody else changes them before the transaction ends."""
        wanted = sorted(ids) if hold else list(ids)  # in one order for everybody, so that nobody waits in a circle
        found: dict[UUID, dict[str, Any]] = {}
        for start in range(0, len(wanted), MOST_ROWS):
            condition = Condition("id", "in", tuple(wanted[start : start + MOST_ROWS]))
            found |= {row["id"]: row for row in self.find((condition,), MOST_ROWS, hold=hold)}
        return found

    def find(self, filter: Filter, limit: int = MOST_ROWS, *, deleted: bool = False, hold: bool = False) -> list[dict[str, Any]]:
        """Visible records as Python values, in order of creation; or what would be visible were it not in the recycle bin."""
        self.require()
        forms, given = read_filter(self, filter, self.asked())
        names, statement = self.shape.kept(("find", deleted, hold, self.scopes.form, *forms), lambda: self._find(forms, deleted, hold))
        rows = self.work.connection.execute(statement, {**given, **self.scopes.parameters(), "most": limit}).all()
        return self.to_values(rows, names)

    def to_values(self, rows: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of the columns of these fields as Python values, each with what the actor may see of it."""
        found = self.shape.valuer(names)(rows)
        if not self.uniform():
            self._hide(found, names)
        self._veil(found)
        return found

    def _find(self, forms: Sequence[Form], deleted: bool, hold: bool) -> type_plan:
        scopes = self.scopes.bound()
        source = Source(self.shape, scopes)
        conditions = Conditions(source, scopes, self.work.reader)
        clauses = self.reach(source, [form.field for form in forms], scopes, deleted=deleted)
        clauses += [conditions.made(form, parameters(place)) for place, form in enumerate(forms)]
        names = [name for name in self.visible() if not self.computed(name)]
        statement = sa.select(*self.selected(names, source)).select_from(source.joined()).where(*clauses)
        order: sa.ColumnElement[Any] = source.table.c.id
        if self.work.platform.database.is_sqlite and any(self._scattered(form) for form in forms):
            order = sa.UnaryExpression(order, operator=custom_op("+"))  # else SQLite walks the whole table in the order of its ids
        if hold:  # not so strongly that records which link to these could not be written meanwhile
            statement = statement.with_for_update(of=source.table, key_share=True)
        return names, statement.order_by(order).limit(MOST)

    def _scattered(self, form: Form) -> bool:
        """Whether a condition names some of very many values, which an index finds."""
        field = self.shape.fields.get(form.field)
        return form.operator == "in" and form.field != "id" and not isinstance(field, ChoiceField | BooleanField)

    def computed(self, name: str) -> bool:
        """Whether a field is worked out as it is read, and stored nowhere."""
        extension = self.shape.extension_of(name)
        return (
            name in self.shape.rolled or name in self.shape.formulas or (extension is not None and not isinstance(extension.source, Side))
        )

    def seen(self, ids: Sequence[UUID], *, pin: bool = False) -> set[UUID]:
        """Of the given records those that are there and visible; with `pin` they become part of no other before the transaction ends."""
        alone = len(ids) == 1
        statement = self.shape.kept(("seen", pin, alone, self.scopes.form), lambda: self._seen(pin=pin, alone=alone))
        return set(self.work.connection.execute(statement, {**self.scopes.parameters(), **_given(ids)}).scalars())

    def _seen(self, *, pin: bool, alone: bool) -> sa.Select[Any]:
        scopes = self.scopes.bound()
        source = Source(self.shape, scopes)
        query = sa.select(source.table.c.id).where(*self.reach(source, (), scopes), _wanted(source, alone=alone))
        if pin:  # the lock that a foreign key takes, too
            query = query.order_by(source.table.c.id).with_for_update(of=source.table, read=True, key_share=True)
        return query

    def reached_by(self, verb: Verb, ids: Sequence[UUID], grants: tuple[Grant, ...] | None = None) -> set[UUID]:
        """Of the given records those that the actor reaches with `verb`, or by some of the grants of it."""
        held = self.scopes.grants_of(self.entity, verb) if grants is None else grants
        if not ids or self.scopes.boundless(held):
            return set(ids)
        alone = len(ids) == 1
        scopes = frozenset(grant.scope for grant in held)
        statement = self.shape.kept(("reached", verb, alone, scopes, self.scopes.form), lambda: self._reached(verb, held, alone=alone))
        return set(self.work.connection.execute(statement, {**self.scopes.parameters(), **_given(ids)}).scalars())

    def _reached(self, verb: Verb, grants: Iterable[Grant], *, alone: bool) -> sa.Select[Any]:
        scopes = self.scopes.bound()
        source = Source(self.shape, scopes)
        clause = scopes.clause(self.entity, source.table, grants, verb)
        mine = (*rows_of(self.entity, source.table, scopes.tenant), _wanted(source, alone=alone))
        return sa.select(source.table.c.id).where(*mine, *([] if clause is None else [clause]))


def _wanted(source: Source, *, alone: bool) -> sa.ColumnElement[bool]:
    """The records of `_given`. One has a form of its own: PostgreSQL takes a list to be ten, and would plan the statement anew each time."""
    column = source.table.c.id
    return column == sa.bindparam("id", type_=sa.Uuid()) if alone else among(column, sa.bindparam("ids", type_=Keys()))


def _given(ids: Sequence[UUID]) -> dict[str, Any]:
    return {"id": ids[0]} if len(ids) == 1 else {"ids": list(ids)}


def title_column(target: Entity, table: Any) -> sa.ColumnElement[Any]:
    """The column that names a record of `target`."""
    column: sa.ColumnElement[Any] = table.c[target.record.__fields__[target.title].attribute]
    return column
