"""A tenant with rows of every entity, written past the doors: no plugin has to help, and none can refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zlib import crc32

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from core.app import create_app
from core.context import Work
from core.custom.cells import COLUMN, codec, types_of
from core.custom.keys import custom_keys
from core.custom.own_entity import kind_of
from core.entities.ids import new_id, new_ids
from core.entities.rows import borne_by, rows_of
from core.entities.shape import Shape
from core.events.tables import audit
from core.identity.tables import READ, WRITE, Share
from core.platform import Platform
from core.policy.grants import Grant
from core.policy.scopes import shareable
from core.tenancy.tables import tenants
from core.testkit.leaks import cells
from core.testkit.leaks.found import keep_words
from sdk import Entity, Record
from sdk.fields import AnyRecordField, Field, LinkField, Reference

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
ROLE = "leaks"
LIVE, DELETED, SPARE, ADDED = 8, 8, 9, 10
"""Rows of an entity by number: eight that live, one in the recycle bin, one that may be removed, one that may be added."""
NAMES = ("leaks-a", "leaks-b")
BY_HAND = frozenset({
    "core.user", "core.team", "core.role", "core.grant", "core.token", "core.share", "core.territory", "core.territory_member",
    "core.custom_field", "core.custom_entity",
})  # fmt: skip
"""What says who sees what, and what there is to see: a made-up row of these would change the rules of the game."""
PEOPLE = (
    "core_roles", "core_teams", "core_users", "core_grants", "core_tokens", "core_territories", "core_territory_members", "core_shares",
    "core_custom_entities", "core_custom_fields",
)  # fmt: skip
"""The tables of these, in the order in which they can be filled."""
TOKEN = UUID("01900000-0000-7000-8000-000000000001")
type_row = dict[str, Any]
type_rows = dict[str, dict[UUID, type_row]]
"""Rows by place (see `place_of`) and id; the cells of added fields stand among those of columns, under their slots."""


def place_of(entity: Entity) -> str:
    """Where the rows of an entity are: its table, and which of those there, where entities share one."""
    table = entity.record.table().name
    return table if kind_of(entity) is None else f"{table} {entity.full_name}"


@dataclass
class Cast:
    """Who and what is there before any row is made; the same, with the same ids, in both tenants."""

    tenants: list[UUID] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    people: Sequence[UUID] = ()
    """Who asks, a colleague of a team below, somebody of another team, and two of that team: one reports to who asks, and one to that one."""
    role: UUID = UUID(int=0)
    territories: Sequence[UUID] = ()
    """One that is worked by who asks, a part of it, and another."""
    ids: dict[str, list[UUID]] = field(default_factory=dict)
    """The made-up rows of each table, by their number."""

    @property
    def me(self) -> UUID:
        """Who asks."""
        return self.people[0]


class World:
    """One of the two tenants, as one user sees it over HTTP. They share a database, so that statements are compiled once for both."""

    def __init__(self, platform: Platform, cast: Cast, number: int, app: FlaskClient | None = None) -> None:
        self.platform, self.cast = platform, cast
        self.tenant = cast.tenants[number]
        self.token = cast.tokens[number] if cast.tokens else ""
        self.app: FlaskClient = app or create_app(platform).test_client(use_cookies=False)
        self.allows: list[str] | None = None
        """The allow-list of the user's token."""
        self.system: Work = platform.system(self.tenant)
        with self.system.transaction():
            self.shapes: Mapping[str, Shape] = {
                name: self.system.shape(name) for name in self.system.catalog.entities if self.system.offers(name)
            }
        self.places = {place_of(shape.entity): shape for shape in self.shapes.values()}

    def neutral(self, answer: bytes) -> bytes:
        """An answer as it would be in either tenant."""
        return answer.replace(str(self.tenant).encode(), b"(tenant)").replace(self.system.tenant.name.encode(), b"(tenant)")

    def user(self) -> Work:
        """The context of who asks."""
        return self.platform.user(self.tenant, self.cast.me, self.system.channel).within(self.allows)

    def begin(self) -> Any:
        """A transaction past the doors."""
        return self.platform.database.begin(write=True, tenant=self.tenant)

    def tables(self) -> dict[str, sa.Table]:
        """The tables of all entities and of what extends them; views are written by nobody."""
        found = {place: shape.table for place, shape in self.places.items()}
        sides = [side.record.table() for shape in self.shapes.values() for side in shape.sides.values()]
        found |= {table.name: table for table in sides if table.name not in found}
        return {place: table for place, table in found.items() if not table.info.get("view")}

    def rows(self) -> type_rows:
        """All rows as they are."""
        with self.begin() as connection:
            return self.rows_in(connection)

    def rows_in(self, connection: Connection) -> type_rows:
        """All rows as a transaction has them."""
        found: type_rows = {}
        for place, table in self.tables().items():
            shape = self.places.get(place)
            mine = rows_of(shape.entity if shape is not None else None, table, self.tenant)
            rows = connection.execute(sa.select(table).where(*mine)).mappings()
            found[place] = {row["id"]: self._spread(place, dict(row)) for row in rows}
        return found

    def added(self, place: str) -> list[Field]:
        """The fields of rows there that stand in the JSON column."""
        return list(self.places[place].custom.values()) if place in self.places else []

    def _spread(self, place: str, row: type_row) -> type_row:
        stored = (row.pop(COLUMN) or {}) if (fields := self.added(place)) else {}
        for field_ in fields:
            for slot, type_ in zip(field_.columns(), types_of(field_), strict=True):
                row[slot] = None if stored.get(slot) is None else codec(type_)[1](stored[slot])
        return row

    def gathered(self, place: str, row: type_row) -> type_row:
        """A row as its table has it."""
        fields = self.added(place)
        if not fields:
            return row
        slots = {slot: type_ for field_ in fields for slot, type_ in zip(field_.columns(), types_of(field_), strict=True)}
        stored = {slot: codec(type_)[0](row[slot]) for slot, type_ in slots.items() if row.get(slot) is not None}
        return {name: cell for name, cell in row.items() if name not in slots} | {COLUMN: stored or None}

    def keep_keys(self, connection: Connection) -> None:
        """Write down anew by which values of added fields records are found."""
        made, rows = list[type_row](), self.rows_in(connection)
        for place, shape in self.places.items():
            for name, definition in shape.overlay.keyed.items():
                field_, word = shape.custom[name], codec(shape.custom[name].column_type())[0]
                made += [
                    {"tenant_id": self.tenant, "field_id": definition.id, "value": str(word(row[field_.attribute])), "record_id": id,
                     "exclusive": definition.unique}
                    for id, row in rows.get(place, {}).items() if row["deleted_at"] is None and row[field_.attribute] is not None
                ]  # fmt: skip
        connection.execute(custom_keys.delete().where(custom_keys.c.tenant_id == self.tenant))
        if made:
            connection.execute(custom_keys.insert(), made)
        keep_words(connection, self.tenant, self.places, rows)

    def give(self, rights: Mapping[str, Sequence[Grant]], allows: Sequence[str] | None = None) -> None:
        """Let who asks have these rights and no others, by a token with this allow-list; written past the doors, with the same ids in each copy."""
        self.allows = None if allows is None else [*allows]
        grants, mine = self.shapes["core.grant"].table, self.shapes["core.token"].table
        given = [(permission, right) for permission in sorted(rights) for right in rights[permission]]
        with self.begin() as connection:
            connection.execute(grants.delete().where(grants.c.tenant_id == self.tenant, grants.c.role_id == self.cast.role))
            rows = [
                {"tenant_id": self.tenant, "id": UUID(int=(7 << 76) | (2 << 62) | number), "role_id": self.cast.role, "version": 1,
                 "permission": permission, "scope": right.scope.value, "created_at": NOW, "updated_at": NOW,
                 "only_fields": None if right.fields is None else sorted(right.fields)}
                for number, (permission, right) in enumerate(given, 1)
            ]  # fmt: skip
            for start in range(0, len(rows), 500):
                connection.execute(grants.insert(), rows[start : start + 500])
            connection.execute(mine.update().where(mine.c.tenant_id == self.tenant, mine.c.id == TOKEN).values(allows=self.allows))
            connection.execute(tenants.update().where(tenants.c.id == self.tenant).values(access_version=tenants.c.access_version + 1))
        self.system = self.platform.system(self.tenant)


class Maker:
    """Makes rows: every field has a value, every link a target; what is linked has a number, so that it is known whose it is."""

    def __init__(self, world: World, first: int = 1) -> None:
        self.world, self.cast = world, world.cast
        self.serials = count(first)
        self.records: dict[str, type[Record]] = {}
        self.fields: dict[str, dict[str, Field]] = {}
        for name, shape in world.shapes.items():
            if name not in BY_HAND:
                self._take(place_of(shape.entity), shape.entity.record, shape, shape.custom)
            for side in shape.sides.values():
                self._take(side.record.table().name, side.record, shape, {})
        rooted = [entity for entity in world.system.catalog.entities.values() if self._can_be_parent(entity)]
        self._roots = sorted(rooted, key=lambda entity: (not entity.owned, entity.full_name))

    def _take(self, place: str, record: type[Record], shape: Shape, added: Mapping[str, Field]) -> None:
        if not record.table().info.get("view"):
            self.records[place] = record
            own = {**record.__fields__, **added}
            beyond = {name for name, field_ in own.items() if isinstance(field_, LinkField) and self._target(field_, shape) is None}
            self.fields[place] = {name: field_ for name, field_ in own.items() if name not in beyond}

    def _can_be_parent(self, entity: Entity) -> bool:
        catalog = self.world.system.catalog
        return place_of(entity) in self.records and entity.full_name in self.world.shapes and catalog.is_rooted(entity)

    def _target(self, link: LinkField, shape: Shape) -> str | None:
        """Where the records are that a link points to, None where the tenant does not have them."""
        if not isinstance(link.target, str):
            return link.target.table().name
        if link.target == "self":
            return place_of(shape.entity)
        there = self.world.shapes.get(link.target)
        return place_of(there.entity) if there is not None else None

    def fill(self, connection: Connection) -> None:
        """All rows of all tables, and what their history tells."""
        self.cast.ids = {"core_users": list(self.cast.people), "core_territories": list(self.cast.territories)}
        for name in self.in_order():
            self.cast.ids[name] = new_ids(self._most(name))
        made = {name: [self.row(name, number) for number in range(len(self.cast.ids[name]))] for name in self.records}
        self.insert(connection, made)
        entries = [
            self.entry(entity, row)
            for entity, shape in self.world.shapes.items()
            for row in made.get(place_of(shape.entity), ())
        ]  # fmt: skip
        connection.execute(audit.insert(), entries)
        connection.execute(Share.table().insert(), [*self._shares()])
        self.world.keep_keys(connection)

    def _shares(self) -> Iterator[type_row]:
        """Of every other entity a record that who asks may read, one to change, and some which that one no longer sees, or never did."""
        me, stranger = self.cast.people[0], self.cast.people[2]
        for number, (name, shape) in enumerate(self.world.shapes.items()):
            ids = self.cast.ids.get(place_of(shape.entity), [])
            if number % 2 or not shareable(shape.entity) or len(ids) <= SPARE or shape.table.info.get("view"):
                continue
            for place, user, more in (
                (2, me, {}), (5, me, {"access": WRITE, "expires_at": NOW + timedelta(days=7)}), (3, me, {"expires_at": NOW - timedelta(days=1)}),
                (4, me, {"deleted_at": NOW}), (DELETED, me, {}), (7, stranger, {}),
            ):  # fmt: skip
                yield {
                    "tenant_id": self.world.tenant, "id": new_id(), "version": 1, "created_at": NOW, "updated_at": NOW, "deleted_at": None,
                    "custom": None, "owner_id": stranger, "record_entity": name, "record": ids[place], "user_id": user, "access": READ,
                    "expires_at": None, **more,
                }  # fmt: skip

    def _most(self, name: str) -> int:
        """How many rows of a table there are: of what there is one for each person there are as many as people."""
        single = [self._of(name, field_) for field_ in self.fields[name].values() if isinstance(field_, LinkField) and field_.unique]
        return min([ADDED, *(len(self.cast.ids[target]) for target in single if target in self.cast.ids)])

    def insert(self, connection: Connection, made: Mapping[str, Sequence[type_row]]) -> None:
        """First without the links that may be empty, as they go in circles."""
        for name in self.in_order():
            table, later = self.world.tables()[name], self._later(name)
            rows = [self.world.gathered(name, {**row, **dict.fromkeys(later)}) for row in made[name]]
            try:
                with connection.begin_nested():
                    connection.execute(table.insert(), rows)
            except IntegrityError:  # of two links together, say, no two records have the same: the spare ones come last
                taken = sum(tried(connection, table.insert().values(row)) for row in rows)
                assert taken >= len(self.cast.people), f"{name}: only {taken} of {len(rows)} made-up rows fit; see core.testkit.leaks.world"
        for name, all_rows in made.items():
            if all_rows and (later := self._later(name)):
                table = self.world.tables()[name]
                statement = table.update().where(table.c.tenant_id == all_rows[0]["tenant_id"], table.c.id == sa.bindparam("b_id"))
                statement = statement.values({column: sa.bindparam(f"b_{column}") for column in later})
                connection.execute(statement, [{"b_id": row["id"], **{f"b_{c}": row[c] for c in later}} for row in all_rows])

    def _later(self, name: str) -> list[str]:
        added = {field_.name for field_ in self.world.added(name)}  # nothing in the database holds these
        return [
            field_.attribute for field_ in self.fields[name].values()
            if isinstance(field_, LinkField) and field_.nullable() and field_.name not in added
        ]  # fmt: skip

    def in_order(self) -> list[str]:
        """The tables, what a required link points to first."""
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done or name not in self.records:
                return
            for field_ in self.fields[name].values():
                if isinstance(field_, LinkField) and not field_.nullable():
                    target = self._of(name, field_)
                    if target != name:
                        visit(target)
            done[name] = None

        for name in sorted(self.records):
            visit(name)
        return list(done)

    def _of(self, name: str, link: LinkField) -> str:
        if not isinstance(link.target, str):
            return link.target.table().name
        return name if link.target == "self" else place_of(self.world.shapes[link.target].entity)

    def row(self, name: str, number: int) -> type_row:
        """The row of a table with this number, as its columns."""
        ids = self.cast.ids[name]
        owners = [*self.cast.people, None]
        row: type_row = {
            "tenant_id": self.world.tenant, "id": ids[number] if number < len(ids) else new_id(), "version": 1, "created_at": NOW,
            "updated_at": NOW, "deleted_at": NOW if number == DELETED else None, "custom": None,
            "owner_id": owners[2] if number > DELETED else owners[number % len(owners)],
        }  # fmt: skip
        for column in self.records[name].table().c:
            row.setdefault(column.name, None)
        if name in self.world.places:
            row |= borne_by(self.world.places[name].entity)
        for field_ in self.fields[name].values():
            row |= zip(field_.columns(), field_.split(self._cell(name, field_, number)), strict=True)
        return row

    def _cell(self, name: str, field_: Field, number: int) -> object:
        if isinstance(field_, LinkField):
            return self._linked(name, field_, number)
        if isinstance(field_, AnyRecordField):
            return self._about(name, field_, number)
        serial = next(self.serials)
        if number % 4 == 3 and field_.nullable() and serial % 2:
            return None
        return cells.value(field_, serial)

    def _linked(self, name: str, link: LinkField, number: int) -> UUID | None:
        there = self.cast.ids.get(self._of(name, link))
        if not there:
            return None
        if self._of(name, link) == name:  # a chain, as nothing may stand above itself
            above = number - 1 if number < LIVE else None if link.unique else 0
            return None if above is None or above < 0 else there[above]
        place = self._place(link, number)
        return there[place] if place < len(there) else there[place % len(there)]

    def _place(self, link: LinkField, number: int) -> int:
        """The number of the row that a link points to: a parent has the number of its child, but for one, others are anywhere."""
        if number == DELETED:
            return 0  # in the recycle bin, of something that lives
        if number > DELETED:  # of somebody else, yet linked to what may be seen
            return SPARE if link.unique else 2 if link.parent else 0
        if link.parent:
            return DELETED if number == LIVE - 1 else number  # one is part of what is in the recycle bin
        if number == 4 and not link.unique:
            return DELETED
        return (number + crc32(link.name.encode())) % LIVE

    def _about(self, name: str, reference: AnyRecordField, number: int) -> Reference | None:
        if not self._roots:
            return None
        root = self._roots[(crc32(name.encode()) + number // 4) % min(len(self._roots), 4)]
        place = 0 if number == DELETED else 2 if number > DELETED else number
        return Reference(root.full_name, self.cast.ids[place_of(root)][place])

    def entry(self, entity: str, row: Mapping[str, Any], names: Iterable[str] | None = None) -> type_row:
        """What the history of a record tells: all its values, as of a new one, or a change of `names`."""
        shape = self.world.shapes[entity]
        own = {name: field_ for name, field_ in shape.fields.items() if shape.extension_of(name) is None and name not in ("id", "version")}
        told = own if names is None else names
        changes = {name: [None if names is None else f"was {next(self.serials)}", _told(own.get(name), row)] for name in told}
        return {
            "tenant_id": self.world.tenant, "id": new_id(), "at": NOW, "actor_id": self.cast.people[2], "actor": "stranger", "channel": "api",
            "entity": entity, "record_id": row["id"], "action": "create" if names is None else "update", "changes": changes,
        }  # fmt: skip


def _told(field_: Field | None, row: Mapping[str, Any]) -> str:
    return "other" if field_ is None else str(row.get(field_.attribute))


def tried(connection: Connection, statement: Any) -> int:
    """One row written, or none where something hangs on it, or there is such a one already."""
    try:
        with connection.begin_nested():
            return abs(connection.execute(statement).rowcount)  # psycopg does not count what is inserted: -1
    except IntegrityError:
        return 0
