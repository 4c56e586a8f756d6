"""Who may see what, in plain Python over rights and rows: another way to say what the doors say in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any
from uuid import UUID

from core.entities.shape import Shape
from core.identity.tables import READ, WRITE
from core.policy.allowed import ACT_LATER
from core.policy.grants import Grant
from core.policy.scopes import TERRITORY
from core.testkit.leaks.custom import FORMULAS, Made
from core.testkit.leaks.world import NOW, World, place_of, type_row, type_rows
from sdk import EVERYBODY, Audience, Entity, Scope, Verb
from sdk.fields import AnyRecordField, LinkField

ALWAYS = frozenset({"id", "version"})
NOTHING: frozenset[str] = frozenset()


class Oracle:
    """What one user sees of the rows of one world."""

    def __init__(self, world: World, rights: Mapping[str, Sequence[Grant]], rows: type_rows) -> None:
        self.world, self.given, self.rows, self.me = world, rights, rows, world.cast.me
        self._catalog, self._rights = world.system.catalog, dict(rights)
        for name, (owner, permission) in self._catalog.permissions.items():
            if EVERYBODY in permission.default_for and owner in world.system.enabled:
                self._rights[name] = (*self._rights.get(name, ()), Grant(permission.default_for[EVERYBODY], role=EVERYBODY))
        self._said = {name: {right.role for right in held} for name, held in self._rights.items()}
        self._words: dict[str, list[str]] = {}
        for word in world.allows or ():
            self._words.setdefault(word.partition(":")[0], []).append(word.partition(":")[2])
        self._rights = {name: self._allowed(name, held) for name, held in self._rights.items()}
        self._team, self._below, self._territories = self._teams(), self._subordinates(), self._parts_of_the_market()
        self._mine = {
            (share["record_entity"], share["record"], share["access"])
            for share in rows["core_shares"].values()
            if share["user_id"] == self.me and share["deleted_at"] is None and (share["expires_at"] is None or share["expires_at"] > NOW)
        }
        self._known: dict[tuple[str, UUID], frozenset[str]] = {}

    def shown(self, entity: str, id: UUID) -> frozenset[str]:
        """The fields of a record that the user sees; none: there is no such record to the user."""
        key = (entity, id)
        if key not in self._known:
            shape = self.world.shapes[entity]
            self._known[key] = self._shown(shape, self.rows.get(place_of(shape.entity), {}).get(id))
        return self._known[key]

    def may(self, entity: str, row: type_row, verb: Verb, field: str | None = None) -> bool:
        """Whether the user has a verb for a record as it is, or would be, and for one field of it."""
        held = self.rights(self.world.shapes[entity].entity, verb)
        given = [right for right in held if field is None or right.fields is None or field in right.fields]
        return any(self._reaches(right, self.world.shapes[entity].entity, row, verb) for right in given)

    def named(self, entity: str) -> frozenset[str]:
        """The fields of an entity that the user may see on some record, were there one."""
        shape = self.world.shapes[entity]
        held = self.rights(shape.entity, Verb.READ)
        found = [self._given(shape, right) for right in held]
        return NOTHING.union(*found, ALWAYS) if held else NOTHING

    def everything(self) -> Mapping[tuple[str, UUID], frozenset[str]]:
        """The same of all records, with the verbs that the user has for them."""
        found = {}
        for name, shape in self.world.shapes.items():
            rights = {verb: self.rights(shape.entity, verb) for verb in shape.entity.verbs - {Verb.READ}}
            for id, row in self.rows.get(place_of(shape.entity), {}).items():
                verbs = {
                    f"{verb} {n}"
                    for verb, held in rights.items()
                    for n, one in enumerate(held)
                    if self._reaches(one, shape.entity, row, verb)
                }
                found[(name, id)] = self.shown(name, id) | verbs
        return found

    def would_show(self, entity: str, row: type_row) -> frozenset[str]:
        """The fields that the user would see of a record, were there this one as well."""
        return self._shown(self.world.shapes[entity], row)

    def _shown(self, shape: Shape, row: type_row | None) -> frozenset[str]:
        return NOTHING if row is None or not self.lives(shape.entity, row) else self._reached(shape, row)

    def reached(self, entity: str) -> Mapping[UUID, frozenset[str]]:
        """All records, each with the fields that the user sees, or would see were it not in the recycle bin."""
        shape = self.world.shapes[entity]
        return {id: self._reached(shape, row) for id, row in self.rows.get(place_of(shape.entity), {}).items()}

    def _reached(self, shape: Shape, row: type_row) -> frozenset[str]:
        found = NOTHING
        for right in self.rights(shape.entity, Verb.READ):
            if self._reaches(right, shape.entity, row, Verb.READ):
                found |= self._given(shape, right) | ALWAYS
        return found

    def lives(self, entity: Entity, row: type_row) -> bool:
        """Whether neither a record nor what it is part of is in the recycle bin."""
        if row["deleted_at"] is not None:
            return False
        found = self._parent_of(entity, row) if isinstance(entity.parent, LinkField) else None
        return found is None or self.lives(*found)

    def _given(self, shape: Shape, right: Grant) -> frozenset[str]:
        """The fields that a right shows: a formula with all that it is made from in the same right, and, beyond a link, in any."""
        given = frozenset(shape.fields) if right.fields is None else right.fields & shape.fields.keys()
        made = FORMULAS.get(shape.entity.full_name, {})
        return given - {name for name in made.keys() & given if not self._has_sources(made[name], given)}

    def _has_sources(self, made: Made, given: frozenset[str]) -> bool:
        return {*made.own} <= given and (made.beyond is None or made.beyond[1] in self.named(made.beyond[0]))

    def rights(self, entity: Entity, verb: Verb) -> tuple[Grant, ...]:
        """The rights of a verb, and, by each role that says nothing of what is part of something, that it follows it."""
        name = f"{entity.full_name}.{verb}"
        if entity.acts_later and verb in (Verb.CREATE, Verb.UPDATE) and not self._rights.get(ACT_LATER):
            return ()
        own = tuple(right for right in self._rights.get(name, ()) if right.scope is not Scope.NONE)
        if entity.private:
            return tuple(replace(right, scope=Scope.OWN) for right in own)
        if not self._following(entity, verb):
            return own
        follows = any(self.rights(parent, above) for parent in self._parents(entity) for above in self._enough(entity, verb))
        return own + tuple(self._allowed(name, [Grant(Scope.PARENT)]) if follows else ())

    def _enough(self, entity: Entity, verb: Verb) -> tuple[Verb, ...]:
        """By what one can do with a record one does this to what is part of it, or, reading it, to what one said about it oneself."""
        if verb is Verb.READ:
            return (Verb.READ,)
        remark = isinstance(entity.parent, AnyRecordField) and entity.parent.remark
        return (Verb.UPDATE, Verb.READ) if remark else (Verb.UPDATE,)

    def _following(self, entity: Entity, verb: Verb) -> set[str]:
        """The roles that have a verb for what something is part of, or follow there, and say nothing of the part; one may say that it has none."""
        if entity.parent is None:
            return set()
        ways = product(self._parents(entity), self._enough(entity, verb))
        return set().union(*(self._through(entity, verb, parent, above) for parent, above in ways))

    def _through(self, entity: Entity, verb: Verb, parent: Entity, above: Verb) -> set[str]:
        """The same, of what it may be part of this one alone."""
        held = self._rights.get(f"{parent.full_name}.{above}", ())
        found = {right.role for right in held if right.scope is not Scope.NONE} | self._following(parent, above)
        return found - self._said.get(f"{entity.full_name}.{verb}", set())

    def _allowed(self, permission: str, held: Sequence[Grant]) -> tuple[Grant, ...]:
        """Rights as the allow-list of the token leaves them: of what it does not name nothing, and the fields that it names, where it names any."""
        if self.world.allows is None:
            return tuple(held)
        listed = [fields for name in (permission, permission.rpartition(".")[0]) for fields in self._words.get(name, ())]
        if "" in listed:
            return tuple(held)
        names = frozenset(",".join(listed).split(","))
        return tuple(replace(one, fields=names if one.fields is None else names & one.fields) for one in held) if listed else ()

    def _reaches(self, right: Grant, entity: Entity, row: type_row, verb: Verb) -> bool:
        reach = _SCOPES[right.scope]
        return reach(self, entity, row, verb) or self._shared_with_me(entity, row, verb) or self._shown_to_me(right, entity, row, verb)

    def _shown_to_me(self, right: Grant, entity: Entity, row: type_row, verb: Verb) -> bool:
        """Whether the owner shows the record to everybody, or to a team in whose line upwards the user stands."""
        if not entity.audience or verb is not Verb.READ or right.scope in (Scope.NONE, Scope.SHARED, Scope.PARENT):
            return False
        shown_to = row[entity.record.__fields__[entity.audience].attribute]
        return shown_to == Audience.EVERYBODY or (shown_to == Audience.TEAM and row["owner_id"] in self._above())

    def _above(self) -> frozenset[Any]:
        """Who is in a team that the user is in or manages, or in one above it, and who manages one of these."""
        teams, users = self.rows["core_teams"], self.rows["core_users"]
        ahead = [users[self.me]["team_id"], *(id for id, team in teams.items() if team["manager_id"] == self.me)]
        line = list[Any]()
        while ahead:
            here = ahead.pop()
            if here in teams and teams[here]["deleted_at"] is None and here not in line:
                line.append(here)
                ahead.append(teams[here]["parent_id"])
        managers = {teams[id]["manager_id"] for id in line}
        return frozenset(id for id, user in users.items() if user["team_id"] in line or id in managers)

    def _all(self, _entity: Entity, _row: type_row, _verb: Verb) -> bool:
        return True

    def _own(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        return entity.owned and (row["owner_id"] == self.me or self._shared(entity, row, verb))

    def _of_team(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        return entity.owned and (row["owner_id"] in self._team or self._shared(entity, row, verb))

    def _of_subordinates(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        return entity.owned and (row["owner_id"] in self._below or self._shared(entity, row, verb))

    def _in_territory(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        return self._own(entity, row, verb) or (entity.owned and self._territory_of(entity, row) in self._territories)

    def _territory_of(self, entity: Entity, row: type_row) -> Any:
        """A record's own territory, or that of the record which gives it one; what is in the recycle bin gives none."""
        field = entity.record.__fields__.get(entity.territory)
        if not isinstance(field, LinkField):
            return None
        target = self._catalog.target(field, entity)
        if target == TERRITORY:
            return row[field.attribute]
        shape = self.world.shapes.get(target)
        above = shape and self.rows[place_of(shape.entity)].get(row[field.attribute])
        return self._territory_of(shape.entity, above) if shape and above and above["deleted_at"] is None else None

    def _only_shared(self, _entity: Entity, _row: type_row, _verb: Verb) -> bool:
        return False

    def _shared_with_me(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        """Whether somebody has shared the record with the user, to read it or to change it, and that has not ended."""
        if verb not in (Verb.READ, Verb.UPDATE) or entity.private or entity.plugin == "core":
            return False
        enough = (READ, WRITE) if verb is Verb.READ else (WRITE,)
        return any((entity.full_name, row["id"], access) in self._mine for access in enough)

    def _as_parent(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        found = self._parent_of(entity, row)
        if found is None:
            return False
        parent, above = found
        if above["deleted_at"] is not None:
            return False
        enough = [one for one in self._enough(entity, verb) if one is not Verb.READ or verb is Verb.READ or row["owner_id"] == self.me]
        said = self._rights.get(f"{entity.full_name}.{verb}", ())
        if said and all(right.scope is not Scope.PARENT for right in said):
            enough = [one for one in enough if self._through(entity, verb, parent, one)]
        return any(self._reaches(right, parent, above, wanted) for wanted in enough for right in self.rights(parent, wanted))

    def _parent_of(self, entity: Entity, row: type_row) -> tuple[Entity, type_row] | None:
        field = entity.parent
        assert field is not None
        name = row[field.entity_attribute] if isinstance(field, AnyRecordField) else self._catalog.target(field, entity)
        parent = next((one for one in self._parents(entity) if one.full_name == name), None) if row[field.attribute] is not None else None
        above = self.rows.get(place_of(parent), {}).get(row[field.attribute]) if parent is not None else None
        return None if parent is None or above is None else (parent, above)

    def _parents(self, entity: Entity) -> Sequence[Entity]:
        if isinstance(entity.parent, LinkField):
            above = self.world.shapes.get(self._catalog.target(entity.parent, entity))
            return () if above is None else (above.entity,)
        return self._rooted if entity.parent is not None else ()

    @cached_property
    def _rooted(self) -> Sequence[Entity]:
        return [shape.entity for shape in self.world.shapes.values() if self._catalog.is_rooted(shape.entity)]

    def _shared(self, entity: Entity, row: type_row, verb: Verb) -> bool:
        sharing = entity.sharing
        if sharing is None or verb is Verb.DELETE:
            return False
        links = self.rows[sharing.record.table().name].values()
        return any(one["deleted_at"] is None and one[sharing.link] == row["id"] and one[sharing.person] == self.me for one in links)

    def _teams(self) -> frozenset[Any]:
        """Who is in the user's team, in one that the user manages, or in one below these; the user as well."""
        teams, users = self.rows["core_teams"], self.rows["core_users"]
        reached = {users[self.me]["team_id"]} | {id for id, team in teams.items() if team["manager_id"] == self.me}
        live = {id: team for id, team in teams.items() if team["deleted_at"] is None}
        while True:
            below = {id for id, team in live.items() if id in reached or team["parent_id"] in reached}
            if below <= reached:
                break
            reached |= below
        reached &= live.keys()
        return frozenset(id for id, user in users.items() if id == self.me or user["team_id"] in reached)

    def _subordinates(self) -> frozenset[Any]:
        """The user, and who reports to the user directly or through others, those who have left as well."""
        reached, users = {self.me}, self.rows["core_users"]
        while below := {id for id, user in users.items() if user["manager_id"] in reached} - reached:
            reached |= below
        return frozenset(reached)

    def _parts_of_the_market(self) -> frozenset[Any]:
        """The territories that the user works, and those below."""
        live = {id: one for id, one in self.rows["core_territories"].items() if one["deleted_at"] is None}
        members = self.rows["core_territory_members"].values()
        reached = {one["territory_id"] for one in members if one["user_id"] == self.me and one["deleted_at"] is None} & live.keys()
        while below := {id for id, one in live.items() if one["parent_id"] in reached} - reached:
            reached |= below
        return frozenset(reached)


type_reach = Callable[[Oracle, Entity, type_row, Verb], bool]
_SCOPES: Mapping[Scope, type_reach] = {
    Scope.ALL: Oracle._all, Scope.OWN: Oracle._own, Scope.SUBORDINATES: Oracle._of_subordinates, Scope.TEAM: Oracle._of_team,
    Scope.TERRITORY: Oracle._in_territory, Scope.PARENT: Oracle._as_parent, Scope.SHARED: Oracle._only_shared,
}  # fmt: skip
SCOPES = tuple(_SCOPES)
"""The scopes that the kit gives and judges."""
