"""People and teams when they are written: nobody gives a role that may do more than the giver, nor himself a wider view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.policy.administrators import keep_one
from core.policy.enforcer import EVERYTHING
from core.policy.grants import with_implied
from core.policy.hierarchy import roles_of_team
from core.policy.parts import beyond_parts
from core.policy.scopes import subordinates
from sdk import Batch, Change, Scope, _, where

if TYPE_CHECKING:
    from uuid import UUID

    from core.context import Work

_BEYOND = _("you can’t assign the role {role}: it allows {permission}, which you don’t have yourself")
_WIDER = _("your teams, territories and reports decide what you can see; only someone who can do everything can widen that")
_MAILBOX = _(
    "you can’t change the email of someone with permissions you don’t have ({permission}), because it would let you sign in as them"
)


def check_people(work: Work, batch: Batch) -> None:
    """What a person comes to have by his roles and his team, and whether he comes to stand under who writes it."""
    giver = _Giver(work)
    for change in batch.changes if not work.grants.unlimited else ():
        if change.verb == "restore" or any(map(change.changes, ("roles", "team", "active"))):
            there = change.before if change.verb == "update" and change.before and change.before["active"] else {}
            giver.check_roles(change, "team", there)
        if change.verb == "update":
            giver.check_people_below(change)
            giver.check_mailbox(change)
    keep_one(work, batch)


def check_teams(work: Work, batch: Batch) -> None:
    """What the people of a team come to have by it and by those above it, and whether it comes to stand under who writes it."""
    giver = _Giver(work)
    for change in batch.changes if not work.grants.unlimited else ():
        if change.verb == "restore" or any(map(change.changes, ("roles", "parent"))):
            giver.check_roles(change, "parent", (change.before or {}) if change.verb == "update" else {})
        if change.verb == "restore" and work.as_system().records("core.user").find(where(id=work.grants.user, team=change.id), 1):
            change.forbid("beyond_own", _WIDER)
        if change.verb in ("update", "restore"):
            giver.check_teams_below(change)
    keep_one(work, batch)


def check_territories(work: Work, batch: Batch) -> None:
    """Nobody puts a territory below one that he is in himself."""
    mine, me = work.grants.territories, work.grants.user
    for change in batch.changes if not work.grants.unlimited else ():
        moved = change.verb == "restore" or (change.verb == "update" and change.changes("parent") and change.id not in mine)
        back = change.verb == "restore" and work.as_system().records("core.territory_member").find(where(territory=change.id, user=me), 1)
        if back or (moved and change.after("parent") in mine):
            change.forbid("beyond_own", _WIDER)


def check_territory_members(work: Work, batch: Batch) -> None:
    """Nobody enters a territory by himself."""
    for change in batch.changes if not work.grants.unlimited else ():
        if (
            change.verb != "delete"
            and change.after("user") == work.grants.user
            and change.after("territory") not in work.grants.territories
        ):
            change.forbid("beyond_own", _WIDER)


def beyond(work: Work, role: str) -> str | None:
    """A permission that a role gives and the actor has not, or not so far."""
    given = work.platform.policy.of_role(work.connection, work.tenant.id, role, work.enabled)
    short = (name for name, grants in with_implied(given) if not all(work.grants.covers(name, grant) for grant in grants))
    return EVERYTHING if EVERYTHING in given else next(short, None) or beyond_parts(work, given)


class _Giver:
    """Who writes, with what has been asked about him once in a batch."""

    def __init__(self, work: Work) -> None:
        self._work, self._mine = work, work.grants.user
        self._by_team: dict[object, frozenset[str]] = {None: frozenset()}
        self._too_much: dict[str, str | None] = {}
        self._subordinates: set[UUID] | None = None

    def check_roles(self, change: Change, team: str, there: Mapping[str, Any]) -> None:
        """The roles that come in beyond those that were there, of their own or by the team that the link `team` names."""
        if change.verb == "delete":
            return
        after = {"roles": change.after("roles"), team: change.after(team)}
        for role in sorted(self._roles(after, team) - self._roles(there, team)):
            if (far := self._beyond(role)) is not None:
                change.forbid("beyond_own", _BEYOND, role=role, permission=far)
                return

    def _roles(self, row: Mapping[str, Any], team: str) -> frozenset[str]:
        above = row.get(team)
        if above not in self._by_team:
            self._by_team[above] = roles_of_team(self._work.connection, self._work.tenant.id, above)
        return self._by_team[above].union(row.get("roles") or ())

    def _beyond(self, role: str) -> str | None:
        if role not in self._too_much:
            self._too_much[role] = beyond(self._work, role)
        return self._too_much[role]

    def check_mailbox(self, change: Change) -> None:
        """Whose mailbox it is comes in as this person, by a letter or by the word of another system."""
        if not change.changes("email") or change.id == self._mine:
            return
        for role in sorted(self._roles({"roles": change.after("roles"), "team": change.after("team")}, "team")):
            if (far := self._beyond(role)) is not None:
                change.forbid("beyond_own", _MAILBOX, permission=far)
                return

    def check_people_below(self, change: Change) -> None:
        """Somebody's records come into sight by his team or his manager; so does more for oneself by another team."""
        teams, team = self._work.grants.teams, change.after("team")
        if change.changes("team") and team is not None and self._has(Scope.TEAM):
            there = change.before is not None and change.before["team"] in teams
            if (team in teams and not there) or (team not in teams and change.id == self._mine):
                self._forbid(change)
        if change.changes("manager") and self._has(Scope.SUBORDINATES) and self._is_above(change.after("manager")):
            self._forbid(change)

    def check_teams_below(self, change: Change) -> None:
        """Its people's records come into sight by its manager or the team above it."""
        new = change.verb == "restore"
        if not self._has(Scope.TEAM) or (change.id in self._work.grants.teams and not new):
            return
        managed = (new or change.changes("manager")) and change.after("manager") == self._mine
        if managed or ((new or change.changes("parent")) and change.after("parent") in self._work.grants.teams):
            self._forbid(change)

    def _has(self, scope: Scope) -> bool:
        """Whether the giver's view depends on who stands where."""
        return any(grant.scope is scope for grants in self._work.grants.table.values() for grant in grants)

    def _is_above(self, manager: object) -> bool:
        if self._subordinates is None:
            work = self._work
            self._subordinates = set(work.connection.execute(subordinates(work.tenant.id, self._mine)).scalars())
        return manager in self._subordinates

    def _forbid(self, change: Change) -> None:
        change.forbid("beyond_own", _WIDER)
