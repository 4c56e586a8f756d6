"""Record scopes as SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from core.entities.rows import live_of, mention
from core.identity.tables import WRITE, Share, Team, User
from core.policy.grants import Grant, Grants
from sdk import Audience, Entity, Scope, Verb
from sdk.columns import Keys, UtcDateTime, among, key
from sdk.fields import AnyRecordField, LinkField
from sdk.permissions import IMPLIED

if TYPE_CHECKING:
    from core.extension.catalog import Catalog
    from core.policy.bounds import Bounds

T = TypeVar("T")
_ON_PARENT = {Verb.READ: (Verb.READ,), Verb.CREATE: (Verb.UPDATE,), Verb.UPDATE: (Verb.UPDATE,), Verb.DELETE: (Verb.UPDATE,)}
_SHARED = frozenset({Verb.READ, Verb.UPDATE})
"""What one may do with a record that is shared with one; to create its parts is to change it."""
TERRITORY = "core.territory"
TENANT, ZONE, TODAY = sa.bindparam("tenant", type_=key()), sa.bindparam("zone", type_=sa.String()), sa.bindparam("today", type_=sa.Date())


class Scopes:
    """The WHERE clauses of one actor in one tenant."""

    def __init__(self, catalog_of: Callable[[], Catalog], tenant: UUID, grants: Grants, enabled: frozenset[str],
                 clock: Callable[[], datetime], zone: str = "UTC", bounds: Bounds | None = None) -> None:  # fmt: skip
        self._catalog_of, self.grants, self._enabled, self._clock, self._bounds = catalog_of, grants, enabled, clock, bounds
        self._tenant: Any = tenant
        self._user: Any = grants.user
        self._teams: Any = sorted(grants.teams)
        self._territories: Any = sorted(grants.territories)
        self._now: Any = None
        self._zone, self._bound = zone, False
        self._made: dict[tuple[object, ...], Any] = {}
        self._fitting: Scopes | None = None

    @property
    def _catalog(self) -> Catalog:
        """What the tenant has by now: work may be long, and entities are made meanwhile."""
        return self._catalog_of()

    @property
    def tenant(self) -> Any:
        """The tenant's id, or the parameter that stands for it."""
        return self._tenant

    @property
    def form(self) -> tuple[object, ...]:
        """Equal for who is answered by the same SQL: users with the same rights, through code with the same bounds."""
        return self.grants.form if self._bounds is None else (*self.grants.form, self._bounds)

    @property
    def zone(self) -> sa.ColumnElement[str]:
        """The tenant's time zone in a statement."""
        return ZONE if self._bound else sa.literal(self._zone, sa.String())

    @property
    def today(self) -> sa.ColumnElement[date]:
        """The day that it is there."""
        return TODAY if self._bound else sa.literal(self._day(), sa.Date())

    def _day(self) -> date:
        return self._clock().astimezone(ZoneInfo(self._zone)).date()

    def bound(self) -> Scopes:
        """The same clauses with parameters in place of tenant, user and teams: they fit everybody with such grants."""
        if self._fitting is None:
            made = self._fitting = Scopes(self._catalog_of, self._tenant, self.grants, self._enabled, self._clock, self._zone, self._bounds)
            made._tenant, made._user = TENANT, sa.bindparam("actor", type_=key())
            made._territories = sa.bindparam("territories", type_=Keys())
            made._teams, made._now = sa.bindparam("teams", type_=Keys()), sa.bindparam("shared_at", type_=UtcDateTime())
            made._bound = True
        return self._fitting

    def holding(self, table: Mapping[str, tuple[Grant, ...]]) -> Scopes:
        """Those of somebody with these grants, by permission."""
        return Scopes(self._catalog_of, self._tenant, Grants(None, table), self._enabled, self._clock, self._zone)

    def parameters(self) -> dict[str, Any]:
        """The values of these parameters."""
        given = {"tenant": self._tenant, "actor": self._user, "teams": self._teams, "territories": self._territories,
                 "zone": self._zone, "today": self._day()}  # fmt: skip
        return given | {"shared_at": self._clock()} if self.grants.shared else given

    def grants_of(self, entity: Entity, verb: Verb) -> tuple[Grant, ...]:
        """The actor's grants of a verb, as far as the code that runs may use them."""
        held = self._held(entity, verb)
        return held if self._bounds is None else self._bounds.limited(f"{entity.full_name}.{verb}", held)

    def _held(self, entity: Entity, verb: Verb) -> tuple[Grant, ...]:
        """The actor's grants of a verb, whatever the code knows of what it is part of: those that roles give, and, by each role that says nothing
        of a child record, that it follows its parent. A role more never takes away what another gives."""
        name = f"{entity.full_name}.{verb}"
        own, said = self.grants.of(name), name in self.grants.table
        if entity.private and own and not self.grants.everything:
            return tuple(dict.fromkeys(replace(grant, scope=Scope.OWN) for grant in own))
        if entity.parent is None or (own and not said) or any(grant.scope is Scope.ALL and grant.fields is None for grant in own):
            return own
        if not self.grants.admits(name) or not any(self._held(*one) for one in self._above(entity, verb)):
            return own
        if said and not self._following(entity, verb):
            return own
        return (*own, *self.grants.limited(name, (Grant(Scope.PARENT),)))

    def _following(self, entity: Entity, verb: Verb) -> set[str]:
        """The roles by which a part follows its parents: those that give the verb there, and say of the part neither what they give nor that they
        give none."""
        return set().union(*(self._through(entity, verb, *one) for one in self._above(entity, verb)))

    def _through(self, entity: Entity, verb: Verb, parent: Entity, above: Verb) -> set[str]:
        """The same, by what they give of one entity that its parents may be of."""
        found = {grant.role for grant in self.grants.of(f"{parent.full_name}.{above}")}
        found |= set() if parent.parent is None else self._following(parent, above)
        return found - {grant.role for grant in self.grants.table.get(f"{entity.full_name}.{verb}", ())}

    def special(self, entity: Entity, word: str) -> tuple[Grant, ...]:
        """The actor's grants of a special right; of a child record, too, by the roles that say nothing of either: with the verb that it comes with."""
        name = f"{entity.full_name}.{word}"
        held, said = self.grants.of(name), self.grants.table.get(name)
        if entity.parent is not None and said is None:
            held = (*held, *self._held(entity, IMPLIED[word]))
        elif entity.parent is not None and self._following(entity, IMPLIED[word]) - {grant.role for grant in said or ()}:
            held = (*held, *self.grants.limited(name, (Grant(Scope.PARENT),)))
        held = tuple(dict.fromkeys(held))
        return held if self._bounds is None else self._bounds.limited(name, held)

    def _above(self, entity: Entity, verb: Verb) -> Iterator[tuple[Entity, Verb]]:
        return ((parent, above) for parent in self.parents(entity) for above in on_parent(entity, verb))

    def parents(self, entity: Entity) -> Iterator[Entity]:
        """The entities whose records its parent link may point to."""
        if isinstance(entity.parent, AnyRecordField):
            for target in self._catalog.entities.values():
                if target.plugin in self._enabled and self._catalog.is_rooted(target):
                    yield target
        elif entity.parent is not None:
            found = self._catalog.entities.get(self._catalog.target(entity.parent, entity))
            if found is not None:
                yield found

    def live(self, entity: Entity, table: FromClause, grants: Iterable[Grant] = ()) -> list[sa.ColumnElement[bool]]:
        """The records that are not in the recycle bin; what is part of one that is there counts as there, too.

        Where all `grants` follow the parent, as what they reach does anyway, it is not said again.
        """
        mine = live_of(entity, table, self._tenant)
        follows = {grant.scope for grant in grants} == {Scope.PARENT} and not self.grants.shared
        whole = None if follows else self.whole(entity, table)
        return mine if whole is None else [*mine, whole]

    def whole(self, entity: Entity, table: FromClause) -> sa.ColumnElement[bool] | None:
        """The records that are part of no record in the recycle bin; None where all are."""
        field = entity.parent
        target = next(self.parents(entity), None) if isinstance(field, LinkField) else None
        if field is None or target is None or target.plugin not in self._enabled:
            return None
        above = _mentioned(target)
        there = sa.exists(sa.select(sa.literal(1)).where(*self.live(target, above), above.c.id == table.c[field.attribute]))
        return there if field.required else sa.or_(table.c[field.attribute].is_(None), there)

    def boundless(self, grants: Iterable[Grant]) -> bool:
        """Whether one of `grants` reaches all records, wherever they go: what `clause` says by None."""
        return any(grant.scope is Scope.ALL for grant in grants)

    def clause(
        self, entity: Entity, table: FromClause, grants: Iterable[Grant], verb: Verb, *, about: frozenset[str] | None = None
    ) -> sa.ColumnElement[bool] | None:
        """The records that any of `grants` reaches; None means all of them. `about`: of records that may hang on any, where it is known of which
        entities those in question are; each of them that there might be is a question of its own."""
        scopes = {grant.scope for grant in grants} - {Scope.NONE}
        if Scope.ALL in scopes:
            return None
        # What belongs to nobody is in nobody's scope.
        own = sorted(scope for scope in scopes - {Scope.SHARED} if entity.owned or scope is Scope.PARENT)
        parts = [self._one(entity, table, scope, verb, about) for scope in own]
        if scopes and self.grants.shared and verb in _SHARED and shareable(entity):
            parts.append(self._shared(entity, table, verb))
        return sa.or_(*parts) if parts else sa.false()

    def _one(self, entity: Entity, table: FromClause, scope: Scope, verb: Verb, about: frozenset[str] | None) -> sa.ColumnElement[bool]:
        if scope is Scope.PARENT:
            return self._parent(entity, table, verb, about)
        mine = self._owned(table, scope)
        if scope is Scope.TERRITORY:
            mine = sa.or_(mine, self._in_territory(entity, table))
        if entity.audience and verb is Verb.READ:
            mine = sa.or_(mine, self._opened(entity, table))
        if entity.sharing is None or verb not in _SHARED:
            return mine
        shared = mention(entity.sharing.record.table(), (entity.sharing.person, entity.sharing.link))
        theirs = (*live_of(None, shared, self._tenant), shared.c[entity.sharing.person] == self._user)
        return sa.or_(mine, table.c.id.in_(sa.select(shared.c[entity.sharing.link]).where(*theirs)))

    def _once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """A part of clauses that does not depend on the row, made once: what may belong to records of many kinds asks for each of them."""
        key = (self._catalog, *key)
        found: T | None = self._made.get(key)
        if found is None:
            found = self._made[key] = make()
        return found

    def _opened(self, entity: Entity, table: FromClause) -> sa.ColumnElement[bool]:
        """What its owner shows to the own team and those below it, or to everybody."""
        to = table.c[entity.record.__fields__[entity.audience].attribute]
        above = colleagues_above(self._tenant, self._user)
        return sa.or_(to == Audience.EVERYBODY, sa.and_(to == Audience.TEAM, table.c.owner_id.in_(above)))

    def _owned(self, table: FromClause, scope: Scope) -> sa.ColumnElement[bool]:
        if scope in (Scope.OWN, Scope.TERRITORY):
            mine: sa.ColumnElement[bool] = table.c.owner_id == self._user
            return mine
        return table.c.owner_id.in_(self._once((scope,), lambda: self.people(scope)))

    def people(self, scope: Scope) -> sa.Select[Any]:
        """The ids of those whose records the scope team, or subordinates, reaches."""
        return subordinates(self._tenant, self._user) if scope is Scope.SUBORDINATES else self._team_members()

    def _in_territory(self, entity: Entity, table: FromClause) -> sa.ColumnElement[bool]:
        """Its own link, or that of the record which gives it its territory; what is in the recycle bin gives none."""
        field = entity.record.__fields__.get(entity.territory)
        name = self._catalog.target(field, entity) if isinstance(field, LinkField) else ""
        if field is None or name == TERRITORY:
            return sa.false() if field is None else among(table.c[field.attribute], self._territories)
        target = self._catalog.entities.get(name)
        if target is None or target.plugin not in self._enabled:
            return sa.false()
        there = _mentioned(target)
        live = (*live_of(target, there, self._tenant), self._in_territory(target, there))
        return table.c[field.attribute].in_(sa.select(there.c.id).where(*live))

    def _shared(self, entity: Entity, table: FromClause, verb: Verb) -> sa.ColumnElement[bool]:
        """What somebody has shared with the actor, until it ends; asked for by the actor alone, so that an index finds the few."""
        return table.c.id.in_(self._once(("shared", entity.full_name, verb), lambda: self._shares(entity, verb)))

    def shared_records(self) -> sa.Select[Any]:
        """The ids of the records of all kinds that are shared with the actor now."""
        return self._shares(None, Verb.READ)

    def _shares(self, entity: Entity | None, verb: Verb) -> sa.Select[Any]:
        share = mention(Share.table(), ("user_id", "record", "record_entity", "access", "expires_at"))
        # What was made once is asked more than once: the time is that of the question.
        now = sa.bindparam(None, callable_=self._clock, type_=UtcDateTime()) if self._now is None else self._now
        mine = [share.c.tenant_id == self._tenant, share.c.user_id == self._user, share.c.deleted_at.is_(None)]
        lasts = sa.or_(share.c.expires_at.is_(None), share.c.expires_at > now)
        if verb is not Verb.READ:
            mine.append(share.c.access == WRITE)
        if entity is not None:
            mine.append(share.c.record_entity == entity.full_name)
        return sa.select(share.c.record).where(*mine, lasts)

    def _team_members(self) -> sa.Select[Any]:
        """The actor among them: with `owner = … OR owner IN (…)` no index on owners could be used."""
        person = mention(User.table(), ("team_id",))
        mine = sa.or_(person.c.id == self._user, among(person.c.team_id, self._teams))
        return sa.select(person.c.id).where(person.c.tenant_id == self._tenant, mine)

    def _parent(self, entity: Entity, table: FromClause, verb: Verb, about: frozenset[str] | None) -> sa.ColumnElement[bool]:
        field, reached = entity.parent, list[sa.ColumnElement[bool]]()
        said = self.grants.table.get(f"{entity.full_name}.{verb}", ())
        # What one role has none of in one place it has not by what another has of another: of comments on deals by those on people.
        kept = bool(said) and all(grant.scope is not Scope.PARENT for grant in said)
        for target, above in self._above(entity, verb):
            grants = self._held(target, above) if about is None or target.full_name in about else ()
            if field is None or not grants or (kept and not self._through(entity, verb, target, above)):
                continue
            there = self._exists(target, table.c[field.attribute], grants, above)
            if above is Verb.READ and verb is not Verb.READ:  # nobody speaks in another's name, nor takes back what another said
                there = sa.and_(table.c.owner_id == self._user, there)
            if isinstance(field, AnyRecordField):
                there = sa.and_(table.c[field.entity_attribute] == target.full_name, there)
            reached.append(there)
        return sa.or_(*reached) if reached else sa.false()

    def _exists(self, target: Entity, id: Any, grants: Iterable[Grant], verb: Verb) -> sa.ColumnElement[bool]:
        held = tuple(grants)
        parent, reached = self._once((target.full_name, held, verb), lambda: self._reached(target, held, verb))
        return sa.exists(reached.where(parent.c.id == id))

    def _reached(self, target: Entity, grants: Iterable[Grant], verb: Verb) -> tuple[FromClause, sa.Select[Any]]:
        parent = _mentioned(target)
        reach = self.clause(target, parent, grants, verb)
        query = sa.select(sa.literal(1)).where(*live_of(target, parent, self._tenant))
        return parent, query if reach is None else query.where(reach)


def on_parent(entity: Entity, verb: Verb) -> tuple[Verb, ...]:
    """What one must be able to do with the parent to do something with the child: one of these; reading it is enough for own remarks on it alone."""
    remarks = entity.remark and verb is not Verb.READ
    return (Verb.READ, *_ON_PARENT[verb]) if remarks else _ON_PARENT[verb]


def subordinates(tenant: Any, user: Any) -> sa.Select[Any]:
    """The ids of a user and of who reports to him, from level to level; people who have left stay in the chain, as their records stay."""
    person, below = mention(User.table(), ()), mention(User.table(), ("manager_id",))
    reached = sa.select(person.c.id).where(person.c.tenant_id == tenant, person.c.id == user).cte(recursive=True)
    next_ = sa.select(below.c.id).where(below.c.tenant_id == tenant, below.c.manager_id == reached.c.id)
    return sa.select(reached.union(next_).c.id)  # not UNION ALL: it ends even where a circle came in past the door


def _mentioned(entity: Entity) -> FromClause:
    """Another entity's table within a clause."""
    return mention(entity.record.table(), looked_at(entity))


def looked_at(entity: Entity, columns: Iterable[str] = ()) -> list[str]:
    """These columns, and all that the entity's own clause may look at."""
    looked = [*columns, *([entity.record.__fields__[entity.territory].attribute] if entity.territory else [])]
    if entity.parent is not None:
        looked.append(entity.parent.attribute)
    if isinstance(entity.parent, AnyRecordField):
        looked.append(entity.parent.entity_attribute)
    if entity.audience:
        looked.append(entity.record.__fields__[entity.audience].attribute)
    return looked


def colleagues_above(tenant: Any, user: Any) -> sa.Select[Any]:
    """The ids of who is in a team that a user is in or manages, or in one above it, and of who manages one of these.

    A team in the recycle bin ends the line.
    """
    person, team, higher, them = User.table().alias(), Team.table().alias(), Team.table().alias(), User.table().alias()
    first = sa.select(team.c.id, team.c.parent_id, team.c.manager_id).where(
        *live_of(None, team, tenant),
        sa.or_(team.c.id == person.c.team_id, team.c.manager_id == user),
        person.c.tenant_id == tenant,
        person.c.id == user,
    )
    line = first.cte(recursive=True)
    line = line.union(
        sa.select(higher.c.id, higher.c.parent_id, higher.c.manager_id).where(
            *live_of(None, higher, tenant), higher.c.id == line.c.parent_id
        )
    )
    managers = sa.select(line.c.manager_id).where(line.c.manager_id.is_not(None))
    there = sa.or_(them.c.team_id.in_(sa.select(line.c.id)), them.c.id.in_(managers))
    return sa.select(them.c.id).where(them.c.tenant_id == tenant, there)


def moving(entity: Entity) -> tuple[str, ...]:
    """The fields by which a record gets another owner, parent or territory, each of which may let others reach it."""
    parent = entity.parent
    return ("owner", *([] if parent is None else [parent.name]), *([entity.territory] if entity.territory else []))


def shareable(entity: Entity) -> bool:
    """Whether single records can be shared: all but what is private, and core's own, which decide about rights."""
    return not entity.private and entity.plugin != "core"
