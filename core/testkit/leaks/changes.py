"""Changes past the doors: of all that a user does not see, so that nothing may follow, or of what the user does see, so that something must."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.custom.cells import COLUMN
from core.entities.shape import Shape
from core.events.tables import audit
from core.testkit.leaks import cells
from core.testkit.leaks.oracle import ALWAYS, Oracle
from core.testkit.leaks.world import ADDED, BY_HAND, DELETED, SPARE, Maker, World, place_of, tried, type_row, type_rows
from sdk import Side
from sdk.fields import AnyRecordField, ChoiceField, CurrencyField, Field, KeysField, LinkField


@dataclass
class Changed:
    """How much was changed, and the names of fields that could not be: there is one value that fits."""

    cells: int = 0
    added: int = 0
    removed: int = 0
    told: int = 0
    entities: frozenset[str] = frozenset()


class Changer:
    """Changes one copy of a world, as one user sees it."""

    def __init__(self, world: World, oracle: Oracle, maker: Maker) -> None:
        self.world, self.oracle, self.maker = world, oracle, maker
        self.before = oracle.rows
        self.rows: type_rows = deepcopy(oracle.rows)
        self._sharing = {
            shape.entity.sharing.record.table().name for shape in world.shapes.values() if shape.entity.sharing is not None
        }  # fmt: skip
        self._entities = {place_of(shape.entity): name for name, shape in world.shapes.items()}
        self._sides: dict[tuple[str, str], dict[UUID, UUID]] = {}
        self._extended = {
            side.record.table().name: (name, plugin, side.link)
            for name, shape in world.shapes.items()
            for plugin, side in shape.sides.items()
        }  # fmt: skip

    def hide(self) -> Changed:
        """Change whatever the user does not see: cells, rows that are there, and what history tells of them."""
        self._propose(shown=False)
        self._settle()
        changed = Changed()
        with self.world.begin() as connection:
            changed.entities = self._write(connection, changed)
            self._remove(connection, changed)
            self._add(connection, changed)
            self.world.keep_keys(connection)
            self._tell(connection, changed)
        return changed

    def show(self) -> Changed:
        """Change whatever the user sees, but who owns it and what it belongs to."""
        self._propose(shown=True)
        changed = Changed()
        with self.world.begin() as connection:
            changed.entities = self._write(connection, changed)
            self.world.keep_keys(connection)
            told = [
                self.maker.entry(name, row, shown)
                for name, shape in self.world.shapes.items()
                for id, row in self.before.get(place_of(shape.entity), {}).items()
                if (shown := self.oracle.shown(name, id))
            ]  # fmt: skip
            connection.execute(audit.insert(), told)
        return changed

    # --- cells ---------------------------------------------------------------------------------------------------

    def _propose(self, *, shown: bool) -> None:
        """Other values in all cells that the user sees, or in all that the user does not see."""
        for name, shape in self.world.shapes.items():
            for id in list(self.rows.get(place_of(shape.entity), ())):
                if id not in self._fixed:
                    for field in self._changeable(shape):
                        if self._sees(name, id, field.name) is shown and not (shown and self._decides(shape, field)):
                            self._change(shape, field, id)

    def _sees(self, name: str, id: UUID, field: str) -> bool:
        """Whether the user sees a field of a record, be it as a field of what the record extends or is extended by."""
        if field in self.oracle.shown(name, id):
            return True
        shape = self.world.shapes[name]
        extended = self._extended.get(shape.table.name)
        if extended is not None:
            entity, plugin, link = extended
            row = self.before[place_of(shape.entity)][id]
            return row["deleted_at"] is None and f"{plugin}.{field}" in self.oracle.shown(entity, row[link])
        extension = shape.extension_of(field)
        if extension is None or not isinstance(extension.source, Side):
            return False
        table, beside = extension.source.record.table().name, self._beside(shape, extension.plugin, id)
        own = self._entities.get(table)
        return own is not None and beside is not None and field.partition(".")[2] in self.oracle.shown(own, beside)

    @cached_property
    def _fixed(self) -> set[UUID]:
        """Who asks, and what gives this person rights: to change these is to ask as somebody else."""
        cast = self.world.cast
        grants = {id for id, row in self.before["core_grants"].items() if row["role_id"] == cast.role}
        mine = {id for table in ("core_tokens", "core_shares") for id, row in self.before[table].items() if row["user_id"] == cast.me}
        added = (*self.before["core_custom_entities"], *self.before["core_custom_fields"])  # else another question would be asked
        return {cast.me, cast.role, *grants, *added, *mine}

    def _changeable(self, shape: Shape) -> Iterator[Field]:
        keys = [{column.name for column in index.columns} - {"tenant_id"} for index in shape.table.indexes if index.unique]
        for name, field in shape.fields.items():
            extension = shape.extension_of(name)
            stored = name not in shape.formulas and name not in shape.rolled and (extension is None or isinstance(extension.source, Side))
            few = isinstance(field, LinkField | ChoiceField | CurrencyField)  # few others would fit, or none
            unique = any(field.attribute in key and (few or len(key) > 1) for key in keys) and extension is None
            kept = name in ALWAYS or unique or (isinstance(field, KeysField) and bool(field.of))
            if stored and not kept and not shape.table.info.get("view"):
                yield field

    def _beside(self, shape: Shape, plugin: str, id: UUID) -> UUID | None:
        """The row that extends a record."""
        if (shape.table.name, plugin) not in self._sides:
            side = shape.sides[plugin]
            rows = self.before[side.record.table().name].items()
            self._sides[(shape.table.name, plugin)] = {row[side.link]: beside for beside, row in rows if row["deleted_at"] is None}
        return self._sides[(shape.table.name, plugin)].get(id)

    def _change(self, shape: Shape, field: Field, id: UUID) -> None:
        extension = shape.extension_of(field.name)
        if extension is None:
            row = self.rows[place_of(shape.entity)][id]
        else:
            beside = self._beside(shape, extension.plugin, id)
            if beside is None:
                return
            row = self.rows[shape.sides[extension.plugin].record.table().name][beside]
        old = tuple(row[column] for column in field.columns())
        row.update(zip(field.columns(), self._other(shape, field, old, id), strict=True))

    def _other(self, shape: Shape, field: Field, old: tuple[Any, ...], id: UUID) -> tuple[Any, ...]:
        serial = next(self.maker.serials)
        if isinstance(field, LinkField):
            return (self._other_target(shape, field, old[0], id),)
        if isinstance(field, AnyRecordField):
            ids = self.world.cast.ids.get(self._table_of(old[1]), ())
            return (ids[(ids.index(old[0]) + 1) % DELETED], old[1]) if old[0] in ids else old
        if old[0] is not None and serial % 5 == 0 and self._may_be_empty(shape, field):
            return field.split(None)
        return field.split(cells.another(field, field.join(old) if old[0] is not None else None, serial))

    def _may_be_empty(self, shape: Shape, field: Field) -> bool:
        if field.name in shape.custom:
            return True
        extension = shape.extension_of(field.name)
        table = shape.table if extension is None else shape.sides[extension.plugin].record.table()
        return all(table.c[column].nullable for column in field.columns())

    def _table_of(self, entity: object) -> str:
        shape = self.world.shapes.get(str(entity))
        return place_of(shape.entity) if shape is not None else ""

    def _other_target(self, shape: Shape, link: LinkField, old: object, id: UUID) -> object:
        target = shape.target(link)
        ids = self.world.cast.ids.get(place_of(target), ()) if target is not None else ()
        if link.tree or old not in ids:  # a tree stays one
            return old
        assert isinstance(old, UUID)
        new = ids[(ids.index(old) + 1) % min(len(ids), DELETED)]
        return old if new == id else new

    def _decides(self, shape: Shape, field: Field) -> bool:
        """Whether it may depend on the field who sees what."""
        entity, parent = shape.entity, shape.entity.parent
        people = entity.full_name in BY_HAND or shape.table.name in self._sharing
        return (
            field.name in ("owner", entity.territory, entity.audience)
            or (parent is not None and field.name == parent.name)
            or (people and isinstance(field, LinkField))
        )

    def _settle(self) -> None:
        """Take back what would have made the user see more or less: this is another question."""
        seen = self.oracle.everything()
        for narrow in (True, False):
            now = Oracle(self.world, self.oracle.given, self.rows).everything()
            differing = {key for key, shown in seen.items() if now[key] != shown}
            if not differing:
                return
            for name, shape in self.world.shapes.items():
                for id, row in self.rows.get(place_of(shape.entity), {}).items():
                    if not narrow or (name, id) in differing or name in BY_HAND or shape.table.name in self._sharing:
                        self._take_back(shape, row, self.before[place_of(shape.entity)][id])
        assert Oracle(self.world, self.oracle.given, self.rows).everything() == seen, "the kit itself changed who sees what"

    def _take_back(self, shape: Shape, row: type_row, before: type_row) -> None:
        for field in shape.entity.fields.values():
            if self._decides(shape, field):
                row.update({column: before[column] for column in field.columns()})

    def _write(self, connection: Connection, changed: Changed) -> frozenset[str]:
        touched = set[str]()
        for name, table in self.world.tables().items():
            groups: dict[tuple[str, ...], list[type_row]] = {}
            for id, row in self.rows[name].items():
                before = self.before[name][id]
                cells_ = {column: value for column, value in row.items() if value != before[column]}
                if cells_:
                    if not cells_.keys() <= set(table.c.keys()):  # the cells of added fields stand together in one
                        whole = self.world.gathered(name, row)
                        cells_ = {column: whole[column] for column in (cells_.keys() & set(table.c.keys())) | {COLUMN}}
                    groups.setdefault(tuple(sorted(cells_)), []).append({"b_id": id, **{f"b_{c}": v for c, v in cells_.items()}})
                    changed.cells += len(cells_)
                    touched.add(self._entities.get(name, name))
            for columns, rows in groups.items():
                mine = table.update().where(table.c.tenant_id == self.world.tenant, table.c.id == sa.bindparam("b_id"))
                connection.execute(mine.values({column: sa.bindparam(f"b_{column}") for column in columns}), rows)
        return frozenset(touched)

    # --- rows ----------------------------------------------------------------------------------------------------

    def _movable(self) -> Iterator[tuple[str, Shape]]:
        """The entities of which a row may come or go without a right that comes or goes with it."""
        for table in self.maker.in_order():
            if table in self._entities and table not in self._sharing and table not in self._extended:
                yield self._entities[table], self.world.shapes[self._entities[table]]

    def _remove(self, connection: Connection, changed: Changed) -> None:
        held = self._held()
        for table in reversed(self.maker.in_order()):
            ids, rows = self.world.cast.ids[table], self.before[table]
            id = ids[min(SPARE, len(ids) - 1)]
            if id in rows and id not in held and table not in self._sharing and not self._is_seen(table, rows[id]):
                its = self.world.tables()[table]
                changed.removed += tried(connection, its.delete().where(its.c.tenant_id == self.world.tenant, its.c.id == id))

    def _held(self) -> set[UUID]:
        """The records that something which the user sees is part of: it goes with them, which hides nothing."""
        parents = [(name, shape, shape.entity.parent) for name, shape in self.world.shapes.items()]
        return {
            row[field.attribute]
            for name, shape, field in parents
            if isinstance(field, LinkField)
            for id, row in self.before.get(place_of(shape.entity), {}).items()
            if self.oracle.shown(name, id)
        }

    def _is_seen(self, table: str, row: type_row) -> bool:
        own, extended = self._entities.get(table), self._extended.get(table)
        beyond = extended is not None and self.oracle.shown(extended[0], row[extended[2]])
        return bool(beyond or (own is not None and self.oracle.shown(own, row["id"])))

    def _add(self, connection: Connection, changed: Changed) -> None:
        for name, shape in self._movable():
            place = place_of(shape.entity)
            for number in (ADDED, DELETED):
                row = self.maker.row(place, number) | {"id": UUID(int=(7 << 76) | (2 << 62) | (1 << 40) | next(self.maker.serials))}
                if not self.oracle.would_show(name, row):
                    changed.added += tried(connection, shape.table.insert().values(self.world.gathered(place, row)))

    # --- history -------------------------------------------------------------------------------------------------

    def _tell(self, connection: Connection, changed: Changed) -> None:
        """Let the history of hidden fields be another: what is told of a new record, and a change of nothing else."""
        entries, others = list[type_row](), list[type_row]()
        mine = audit.c.tenant_id == self.world.tenant
        there = {(row.entity, row.record_id): row for row in connection.execute(sa.select(audit).where(mine, audit.c.action == "create"))}
        for name, shape in self.world.shapes.items():
            for id, row in self.before.get(place_of(shape.entity), {}).items():
                shown = self.oracle.shown(name, id)
                hidden = [field for field in shape.fields if field not in shown]
                if hidden:
                    entries.append(self.maker.entry(name, row, hidden))
                first = there.get((name, id))
                if hidden and first is not None:
                    told = {field: [None, "told"] if field in hidden else pair for field, pair in first.changes.items()}
                    others.append({"b_id": first.id, "b_changes": told})
        connection.execute(audit.insert(), entries)
        if others:
            statement = audit.update().where(mine, audit.c.id == sa.bindparam("b_id"))
            connection.execute(statement.values(changes=sa.bindparam("b_changes", type_=audit.c.changes.type)), others)
        changed.told = len(entries)
