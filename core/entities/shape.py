"""An entity as one tenant has it: declared fields, extensions of its plugins, links to what it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from core.custom import cells
from core.custom.conditional import Conditional, conditionals_of
from core.custom.formula import Formula, formulas_of
from core.custom.overlay import NOTHING, Overlay
from core.custom.roll_up import RollUp, roll_up
from core.entities.rows import deleted_of, live_of, mention
from core.entities.serialize import Convert, serializer, valuer
from core.policy.grants import Grant
from core.policy.scopes import Scopes, looked_at
from core.recent import Recent
from sdk import BadRequest, Entity, Extension, Record, Side, Verb
from sdk.fields import AnyRecordField, Field, KeysField, LinkField, sifted

if TYPE_CHECKING:
    from core.extension.catalog import Catalog


MOST_PLANS = 2_000
"""Statements and converters of all shapes together, some 30 kB each: callers choose the questions, and must not fill the memory."""
T = TypeVar("T")
type_plans = Recent[tuple[object, ...], Any]


@dataclass(frozen=True)
class Shape:
    """What the doors need to know; built once for each set of enabled plugins and, where there are any, of custom fields.

    `plans` is the memory that all shapes share.
    """

    entity: Entity
    catalog: Catalog
    enabled: frozenset[str]
    plans: type_plans
    overlay: Overlay = NOTHING
    near: int = 2
    """How far the tenant's fields may be made from other records: 2 for the entity that is asked for; for those beside it no roll-ups,
    and for those beside these no formulas either. So nothing goes round from entity to entity."""

    def kept(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` gives for such a question, made once: building a statement costs more than asking it."""
        mine = (self.mark, *key)
        found: T | None = self.plans.get(mine)
        return self.plans.keep(mine, make()) if found is None else found

    @cached_property
    def links(self) -> Sequence[LinkField]:
        """The links, those first by which others are narrowed."""
        return sorted((field for field in self.fields.values() if isinstance(field, LinkField)), key=lambda link: bool(link.within))

    @cached_property
    def references(self) -> Sequence[AnyRecordField]:
        """The links to records of any entity."""
        return [field for field in self.fields.values() if isinstance(field, AnyRecordField)]

    @cached_property
    def key_lists(self) -> Sequence[KeysField]:
        """The fields that hold ids of an entity."""
        return [field for field in self.fields.values() if isinstance(field, KeysField) and field.of]

    @cached_property
    def mark(self) -> object:
        """What tells this shape's plans from those of others, also of such as are no more."""
        return object()

    def serializer(self, names: Sequence[str]) -> Convert:
        """Rows of these fields to JSON objects."""
        return self._converter(serializer, tuple(names))

    def valuer(self, names: Sequence[str]) -> Convert:
        """Rows of these fields to Python values."""
        return self._converter(valuer, tuple(names))

    def _converter(self, make: Callable[[tuple[Field, ...]], Convert], names: tuple[str, ...]) -> Convert:
        return self.kept((make, *names), lambda: make(tuple(self.fields[name] for name in names)))

    @cached_property
    def table(self) -> sa.Table:
        """The entity's own table."""
        return self.entity.record.table()

    @cached_property
    def unique(self) -> tuple[tuple[Field, ...], ...]:
        """The fields that no two live records share: one each, or several together."""
        owned = {field.attribute: field for field in self.entity.fields.values()}  # that of the owner, too
        keys = [[column.name for column in index.columns if column.name != "tenant_id"] for index in self.table.indexes if index.unique]
        return tuple(tuple(owned[name] for name in names) for names in sorted(keys) if all(name in owned for name in names))

    @cached_property
    def extensions(self) -> tuple[Extension, ...]:
        """The extensions of enabled plugins, in order of their plugins' names."""
        found = self.catalog.extensions.get(self.entity.full_name, ())
        return tuple(sorted((x for x in found if x.plugin in self.enabled), key=lambda x: x.plugin))

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """All fields by name; links to entities that the tenant does not have are absent, and so is what means nothing without them."""
        return {**self.base, **{name: one.field for name, one in self.formulas.items()}}

    @cached_property
    def base(self) -> Mapping[str, Field]:
        """The fields that formulas can be made from: all but formulas."""
        own = dict(self.entity.fields)
        for extension in self.extensions:
            own |= extension.own_fields()
        own |= self.overlay.fields
        own |= {name: one.field for name, one in self.rolled.items()}
        return {name: field for name, field in own.items() if self._has_target(field)}

    @cached_property
    def rolled(self) -> Mapping[str, RollUp]:
        """The tenant's roll-ups by name; one that does not fit what the tenant has now is absent, as a link without its target is."""
        found: dict[str, RollUp] = {}
        for definition in self.overlay.roll_ups if self.near > 1 else ():
            with suppress(BadRequest):
                found[definition.name] = roll_up(definition, self)
        return found

    @cached_property
    def formulas(self) -> Mapping[str, Formula]:
        """The tenant's formulas by name; one that does not fit what the tenant has now is absent."""
        return formulas_of(self) if self.near > 0 else {}

    @cached_property
    def conditional(self) -> Mapping[str, Conditional]:
        """The conditions under which fields of the tenant's own are shown or required, by name."""
        return conditionals_of(self)

    def needs(self, name: str) -> frozenset[str]:
        """The fields that a reader has to see to see this one: itself, and what it is made from."""
        return self._needs.get(name) or frozenset((name,))

    @cached_property
    def _needs(self) -> Mapping[str, frozenset[str]]:
        return {**self.made_from, **{name: one.needs | {name} for name, one in self.formulas.items()}}

    @cached_property
    def made_from(self) -> Mapping[str, frozenset[str]]:
        """What computed fields of extensions say that they are made from, by name."""
        computed = {
            f"{one.plugin}.{name}": field.needs
            for one in self.extensions
            if not isinstance(one.source, Side)
            for name, field in one.source.items()
        }
        return {name: frozenset((name, *needs)) for name, needs in computed.items() if needs and name in self.base}

    def beside(self, entity: Entity) -> Shape:
        """Another entity of the same tenant, as this one sees it; see `near`."""
        return Shape(entity, self.catalog, self.enabled, self.plans, self.overlay.beside(entity.full_name), self.near - 1)

    @cached_property
    def custom(self) -> Mapping[str, Field]:
        """The fields that the tenant itself has added, by name; they stand in the column `custom`."""
        return {name: self.fields[name] for name in self.overlay.fields if name in self.fields}

    def _has_target(self, field: Field) -> bool:
        there = all(self._entity(name) is not None for name in field.beside)
        return there and (not isinstance(field, LinkField) or self.target(field) is not None)

    def target(self, link: LinkField) -> Entity | None:
        """The entity that a link points to, None where the tenant does not have it."""
        return self._entity(self.catalog.target(link, self.entity))

    def _entity(self, name: str) -> Entity | None:
        found = self.catalog.entities.get(name)
        return found if found is not None and found.plugin in self.enabled else None

    @cached_property
    def sides(self) -> Mapping[str, Side]:
        """Side tables by plugin name."""
        return {x.plugin: x.source for x in self.extensions if isinstance(x.source, Side)}

    @cached_property
    def _added(self) -> Mapping[str, Extension]:
        return {name: extension for extension in self.extensions for name in extension.own_fields()}

    def extension_of(self, name: str) -> Extension | None:
        """The extension that an added field `plugin.field` belongs to."""
        return self._added.get(name)

    def side_fields(self, plugin: str) -> tuple[Field, ...]:
        """The fields that the plugin's side table adds; its computed ones are not among them."""
        side = self.sides[plugin]
        return tuple(self.fields[name] for name, x in self._added.items() if x.source is side and name in self.fields)


def _named(entity: Entity, columns: Iterable[str]) -> set[str]:
    """The fields of which these are columns."""
    looked = {*columns}
    return {name for name, field in entity.fields.items() if not looked.isdisjoint(field.columns())} - {"id", "version"}


@dataclass(frozen=True)
class _Looked:
    """What computed fields may look at; see `sdk.fields.Reach`."""

    source: Source

    def __call__(self, record: type[Record], columns: Iterable[str], /) -> list[sa.ColumnElement[bool]]:
        return self.source.reach(record, columns)

    def beyond(self, link: str, columns: Iterable[str]) -> tuple[FromClause, list[sa.ColumnElement[bool]]] | None:
        return self.source.beyond(link, columns)


class Source:
    """The FROM of one statement over a shape: joins side tables when a field of theirs is used."""

    def __init__(self, shape: Shape, scopes: Scopes, table: FromClause | None = None) -> None:
        self.shape, self.scopes, self.tenant = shape, scopes, scopes.tenant
        self.table: FromClause = shape.table if table is None else table
        self._sides: dict[str, FromClause] = {}

    def columns(self, name: str) -> list[sa.ColumnElement[Any]]:
        """The columns of a field, the main one first. An added field with a default has it where there is no side row yet."""
        field, extension = self.shape.fields[name], self.shape.extension_of(name)
        if extension is None:
            if name in self.shape.rolled:
                return self.shape.rolled[name].columns(self.table, self.scopes)
            if name in self.shape.formulas:
                return self.shape.formulas[name].columns(self)
            if name in self.shape.custom:
                return cells.columns(self.table.c[cells.COLUMN], field)
            return [self.table.c[column] for column in field.columns()]
        if isinstance(extension.source, Side):
            side = self._side(extension.plugin, extension.source)
            columns: list[sa.ColumnElement[Any]] = [side.c[column] for column in field.columns()]
            if (otherwise := extension.source.otherwise.get(name.partition(".")[2])) is not None:
                columns[0] = sa.func.coalesce(columns[0], otherwise(self.table, _Looked(self)), type_=columns[0].type)
        else:
            columns = extension.source[name.partition(".")[2]].columns(self.table, _Looked(self))
        if field.default is not None:
            columns[0] = sa.func.coalesce(columns[0], sa.literal(field.default, field.column_type()))
        return columns

    def _side(self, plugin: str, side: Side) -> FromClause:
        if plugin not in self._sides:
            # Within a statement about another row the name would mean that row's side.
            self._sides[plugin] = side.record.table().alias(f"side_{plugin}" if self.table is self.shape.table else None)
        return self._sides[plugin]

    def reach(self, record: type[Record], columns: Iterable[str]) -> list[sa.ColumnElement[bool]]:
        """What a computed field may look at: the reader's rights hold for a count or a sum as for the rows."""
        table, entity = record.table(), self.shape.catalog.by_record.get(record)
        live = live_of(entity, table, self.tenant)
        columns = {*columns}
        if strange := columns - {*table.c.keys()}:  # a name of a field, say: its rights would not count
            raise ValueError(f"{table.name} has no columns {sorted(strange)}: name the columns that are looked at, such as account_id")
        seen = self._beside(record, columns) if entity is None else self._seen(entity, table, _named(entity, columns))
        whole = None if entity is None else self.scopes.whole(entity, table)
        seen = seen if whole is None else [*seen, whole]
        return [*live, sifted(*seen)] if seen else live

    def beyond(self, link: str, columns: Iterable[str]) -> tuple[FromClause, list[sa.ColumnElement[bool]]] | None:
        """The same for the one record that a link leads to, where the reader sees the link."""
        field = self.shape.fields.get(link)
        target = self.shape.target(field) if isinstance(field, LinkField) else None
        if field is None or target is None:
            return None
        there = mention(target.record.table(), looked_at(target, columns))
        mine = (there.c.id == self.table.c[field.attribute], *self._seen(self.shape.entity, self.table, {link}))
        return there, [*self.scopes.live(target, there), *mine, *self._seen(target, there, _named(target, columns))]

    def _seen(self, entity: Entity, table: FromClause, names: set[str]) -> list[sa.ColumnElement[bool]]:
        """The records on which the reader sees these fields."""
        grants = [grant for grant in self.scopes.grants_of(entity, Verb.READ) if grant.fields is None or names <= grant.fields]
        clause = self.scopes.clause(entity, table, grants, Verb.READ)
        return [] if clause is None else [clause]

    def _beside(self, record: type[Record], columns: Iterable[str]) -> list[sa.ColumnElement[bool]]:
        """The rows of a side table whose record shows the reader the fields that are looked at: they are part of what they extend."""
        catalog, table, looked = self.shape.catalog, record.table(), {*columns}
        for extension in (one for many in catalog.extensions.values() for one in many):
            side, entity = extension.source, catalog.entities.get(extension.entity)
            if not isinstance(side, Side) or side.record is not record or entity is None:
                continue
            used = {name for name, field in extension.own_fields().items() if not looked.isdisjoint(field.columns())}
            grants = [grant for grant in self.scopes.grants_of(entity, Verb.READ) if grant.fields is None or used <= grant.fields]
            extended = entity.record.table().alias()
            clause = self.scopes.clause(entity, extended, grants, Verb.READ)
            if clause is not None:
                mine = (*live_of(entity, extended, self.tenant), extended.c.id == table.c[side.link], sifted(clause))
                return [sa.exists(sa.select(sa.literal(1)).where(*mine))]
        return []

    def joins(self) -> Iterable[tuple[FromClause, sa.ColumnElement[bool]]]:
        """The side tables that were used, each with its condition."""
        for plugin, side in self._sides.items():
            link = self.shape.sides[plugin].link
            yield side, sa.and_(*live_of(None, side, self.tenant), side.c[link] == self.table.c.id)

    def joined(self) -> FromClause:
        """The table with the side tables that were used."""
        joined = self.table
        for side, on in self.joins():
            joined = joined.outerjoin(side, on)
        return joined

    def live(self, grants: Iterable[Grant] = ()) -> list[sa.ColumnElement[bool]]:
        """The tenant's records that are not in the recycle bin, nor part of one that is; see `Scopes.live` for `grants`."""
        return self.scopes.live(self.shape.entity, self.table, grants)

    def deleted(self) -> list[sa.ColumnElement[bool]]:
        """The tenant's records that are in the recycle bin."""
        return deleted_of(self.shape.entity, self.table, self.tenant)
