"""A person's place: the teams whose records are his team's, and the roles that his team gives him."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity.tables import Share, Team, Territory, TerritoryMember, User
from sdk import EVERYBODY
from sdk.columns import key


@dataclass(frozen=True)
class Place:
    """`teams`: the person's own, those that the person manages, and all below these. `roles`: those of the own team and all above it.

    `territories`: those that the person is in, and all below these. `shared`: whether there is a share with the person, ended or not.
    """

    teams: frozenset[UUID]
    roles: tuple[str, ...]
    territories: frozenset[UUID]
    shared: bool


def place_of(connection: Connection, tenant: UUID, user: UUID) -> Place:
    """Where a user stands now; read when rights are compiled, so that a change of it is one of rights."""
    teams, (standing, territories) = _teams(connection, tenant), _statements()
    of = {"of": tenant, "who": user}
    row = connection.execute(standing, of).one_or_none()
    mine, shared = (row.team_id, bool(row.shared)) if row is not None else (None, False)
    reached = _down(teams, [id for id, row in teams.items() if row.manager_id == user or id == mine])
    return Place(
        reached, tuple(_roles(teams, mine)), _territories(connection, tenant, set(connection.execute(territories, of).scalars())), shared
    )


@cache
def _statements() -> tuple[sa.Select[Any], sa.Select[Any]]:
    """A person's team and whether there is a share with him, and his territories."""
    tenant, user = sa.bindparam("of", type_=key()), sa.bindparam("who", type_=key())
    person, share, member = User.table(), Share.table(), TerritoryMember.table()
    with_me = sa.exists().where(share.c.tenant_id == tenant, share.c.user_id == user, share.c.deleted_at.is_(None))
    return (
        sa.select(person.c.team_id, with_me.label("shared")).where(person.c.tenant_id == tenant, person.c.id == user),
        sa.select(member.c.territory_id).where(member.c.tenant_id == tenant, member.c.user_id == user, member.c.deleted_at.is_(None)),
    )


def _down(rows: Mapping[UUID, Any], first: list[UUID]) -> frozenset[UUID]:
    """Some nodes of a tree and all below them."""
    below: dict[UUID | None, list[UUID]] = {}
    for id, row in rows.items() if first else ():
        below.setdefault(row.parent_id, []).append(id)
    reached: set[UUID] = set()
    while first:
        here = first.pop()
        if here not in reached:
            reached.add(here)
            first += below.get(here, [])
    return frozenset(reached)


def _territories(connection: Connection, tenant: UUID, first: set[UUID]) -> frozenset[UUID]:
    if not first:  # the tree is read for those alone who are in one
        return frozenset()
    territory = Territory.table()
    live = sa.select(territory.c.id, territory.c.parent_id).where(territory.c.tenant_id == tenant, territory.c.deleted_at.is_(None))
    rows = {row.id: row for row in connection.execute(live).all()}
    return _down(rows, [id for id in first if id in rows])


def roles_of_team(connection: Connection, tenant: UUID, team: UUID | None) -> frozenset[str]:
    """The roles that the people of a team have by it."""
    return frozenset(_roles(_teams(connection, tenant), team)) if team is not None else frozenset()


def givers(connection: Connection, tenant: UUID, user: UUID) -> dict[str, tuple[str, ...]]:
    """Where a user's roles come from, by role: `user`, `baseline`, `team:` with a team's name; one role may come in several ways."""
    person, teams = User.table(), _teams(connection, tenant)
    row = connection.execute(sa.select(person.c.team_id, person.c.roles).where(person.c.tenant_id == tenant, person.c.id == user)).one()
    found: dict[str, tuple[str, ...]] = dict.fromkeys(row.roles or (), ("user",))
    for team in _line(teams, row.team_id):
        for role in team.roles or ():
            found[role] = (*found.get(role, ()), f"team:{team.name}")
    found[EVERYBODY] = (*found.get(EVERYBODY, ()), "baseline")
    return found


def _teams(connection: Connection, tenant: UUID) -> Mapping[UUID, Any]:
    return {row.id: row for row in connection.execute(_teams_statement(), {"of": tenant}).all()}


@cache
def _teams_statement() -> sa.Select[Any]:
    team = Team.table()
    return sa.select(team.c.id, team.c.name, team.c.parent_id, team.c.manager_id, team.c.roles).where(
        team.c.tenant_id == sa.bindparam("of"), team.c.deleted_at.is_(None)
    )


def _roles(teams: Mapping[UUID, Any], team: UUID | None) -> Iterator[str]:
    for row in _line(teams, team):
        yield from row.roles or ()


def _line(teams: Mapping[UUID, Any], team: UUID | None) -> Iterator[Any]:
    """A team and those above it; one in the recycle bin gives nothing, nor do those above it through it."""
    seen = set[UUID]()
    while team is not None and team in teams and team not in seen:
        seen.add(team)
        yield teams[team]
        team = teams[team].parent_id
