"""Somebody who may do everything stays in a tenant, whoever writes: else nobody could let anybody in again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.identity.tables import Role, Team, User
from sdk import Batch, Change, _

if TYPE_CHECKING:
    from core.context import Work

_LAST = _("no one else can do everything: make someone an administrator first")
_KEEPING = "who may do everything"
_PERSON, _TEAM = "core.user", "core.team"
_DECIDES = {_PERSON: ("roles", "team", "active"), _TEAM: ("roles", "parent"), "core.role": ("key", "everything")}


@dataclass(frozen=True)
class _Rights:
    """By which roles one may do everything, and how people come to roles by their team."""

    ours: Set[str]
    """Keys of roles that plugins contribute: these do so whatever is stored of them."""
    roles: Mapping[UUID, str]
    teams: Mapping[UUID, tuple[UUID | None, Sequence[str]]]
    """The team above, and the roles."""

    def has(self, person: Mapping[str, Any]) -> bool:
        """Whether an active person may do everything."""
        found, team, seen = set(person["roles"] or ()), person["team"], set[UUID]()
        while team in self.teams and team not in seen:
            seen.add(team)
            team, roles = self.teams[team]
            found.update(roles)
        return bool(person["active"]) and not found.isdisjoint({*self.ours, *self.roles.values()})

    def after(self, entity: str, changes: Sequence[Change]) -> _Rights:
        """The same once these are written; what people come to have by them elsewhere is not looked at."""
        roles, teams = dict(self.roles), dict(self.teams)
        for change in changes:
            if entity == _TEAM:
                teams[change.id] = (change.after("parent"), change.after("roles") or ())  # type: ignore[assignment]
            elif change.id in roles:
                roles[change.id] = str(change.after("key"))
            if change.verb == "delete" or (entity != _TEAM and not change.after("everything")):
                (teams if entity == _TEAM else roles).pop(change.id, None)
        return replace(self, roles=roles, teams=teams)


def keep_one(work: Work, batch: Batch) -> None:
    """For `validate_changes` of people, teams and roles: refuse what would leave nobody who may do everything."""
    names = _DECIDES[batch.entity]
    moved = [
        change for change in batch.changes
        if change.stands and change.before and (change.verb == "delete" or (change.verb == "update" and any(map(change.changes, names))))
    ]  # fmt: skip
    if not moved:
        return
    if work.writes:
        work.lock(_KEEPING)  # two who each take it from the other would both leave one, and nobody
    now, gone = _stored(work), set[UUID]()
    then = now if batch.entity == _PERSON else now.after(batch.entity, moved)
    if batch.entity == _PERSON:
        moved = [one for one in moved if now.has(one.before or {}) and (one.verb == "delete" or not now.has(_person(one)))]
        gone = {change.id for change in moved}
    if moved and not any(then.has(row) for id, row in _people(work) if id not in gone) and any(now.has(row) for _id, row in _people(work)):
        for change in moved:
            change.forbid("last_administrator", _LAST)


def _person(change: Change) -> dict[str, object]:
    return {name: change.after(name) for name in _DECIDES[_PERSON]}


def _stored(work: Work) -> _Rights:
    role, team, mine = Role.table(), Team.table(), work.tenant.id
    everything = (role.c.tenant_id == mine, role.c.deleted_at.is_(None), role.c.everything)
    roles = work.connection.execute(sa.select(role.c.id, role.c.key).where(*everything)).all()
    teams = work.connection.execute(
        sa.select(team.c.id, team.c.parent_id, team.c.roles).where(team.c.tenant_id == mine, team.c.deleted_at.is_(None))
    ).all()
    ours = {key for key, (_plugin, one) in work.platform.catalog.roles.items() if one.everything}
    return _Rights(ours, {row.id: row.key for row in roles}, {row.id: (row.parent_id, row.roles or ()) for row in teams})


def _people(work: Work) -> list[tuple[UUID, Mapping[str, Any]]]:
    person = User.table()
    query = sa.select(person.c.id, person.c.roles, person.c.team_id.label("team"), person.c.active)
    query = query.where(person.c.tenant_id == work.tenant.id, person.c.deleted_at.is_(None), person.c.active)
    return [(row["id"], dict(row)) for row in work.connection.execute(query).mappings()]
