"""What one actor may do, compiled: a look-up a decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from core.policy.allowed import Table, admitted, table_of
from sdk import Scope
from sdk.permissions import IMPLIED


@dataclass(frozen=True, slots=True)
class Grant:
    """A scope with the fields it holds for (None: all), and the role that gave it."""

    scope: Scope
    fields: frozenset[str] | None = None
    role: str = ""


_ALL = (Grant(Scope.ALL),)
_AS_FAR = {
    Scope.SHARED: frozenset(Scope) - {Scope.NONE},
    Scope.OWN: frozenset({Scope.OWN, Scope.SUBORDINATES, Scope.TEAM, Scope.TERRITORY, Scope.ALL}),
    Scope.SUBORDINATES: frozenset({Scope.SUBORDINATES, Scope.ALL}),
    Scope.TEAM: frozenset({Scope.TEAM, Scope.ALL}),
    Scope.TERRITORY: frozenset({Scope.TERRITORY, Scope.ALL}),
    Scope.PARENT: frozenset({Scope.PARENT, Scope.ALL}),
    Scope.ALL: frozenset({Scope.ALL}),
}
"""The scopes that reach as far as each."""


def including(grants: Iterable[Grant], name: str) -> tuple[Grant, ...]:
    """Those of some grants that hold for a field."""
    return tuple(grant for grant in grants if grant.fields is None or name in grant.fields or name in ("id", "version"))


def covered(held: Iterable[Grant], grant: Grant) -> bool:
    """Whether one of some grants reaches as far as another of the same permission, and shows as much."""
    return grant.scope is Scope.NONE or any(
        mine.scope in _AS_FAR[grant.scope] and (mine.fields is None or (grant.fields is not None and grant.fields <= mine.fields))
        for mine in held
    )


def within(table: Table, permission: str, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Some grants of a permission with no more fields than an allow-list names for it; none where it does not name the permission."""
    listed = admitted(table, permission)
    if None in listed:
        return grants
    fields = frozenset[str]().union(*filter(None, listed))
    narrow = (replace(grant, fields=fields if grant.fields is None else fields & grant.fields) for grant in grants if listed)
    return tuple(dict.fromkeys(narrow))


def with_implied(table: Mapping[str, tuple[Grant, ...]]) -> Iterator[tuple[str, tuple[Grant, ...]]]:
    """All that some grants give: with each verb its special rights, but for those that have an entry of their own."""
    for name, grants in table.items():
        yield name, grants
        thing, _dot, verb = name.rpartition(".")
        yield from ((special, grants) for word, base in IMPLIED.items() if base == verb and (special := f"{thing}.{word}") not in table)


def _some(grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Grants of one permission without those, behind them, of roles that say that they give none of it."""
    if not grants or grants[-1].scope is not Scope.NONE:
        return grants
    return tuple(grant for grant in grants if grant.scope is not Scope.NONE)


@dataclass(frozen=True)
class Grants:
    """The grants of one user, or of the system (`everything`). `allows` narrows them to the words of a token (see `core.policy.allowed`);
    None means no narrowing."""

    user: UUID | None
    table: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    """By permission; those that say that they grant none of it stand behind, with the scope none."""
    teams: frozenset[UUID] = frozenset()
    territories: frozenset[UUID] = frozenset()
    everything: bool = False
    shared: bool = False
    """Whether anything is shared with the user: only then do statements look."""
    allows: frozenset[str] | None = None
    version: int = 0
    """The tenant's access version that it was compiled from."""

    @cached_property
    def lines(self) -> frozenset[tuple[str, tuple[Grant, ...]]]:
        """The table as a value that can be looked up by."""
        return frozenset(self.table.items())

    @property
    def form(self) -> tuple[object, ...]:
        """Equal for users with the same rights, whoever they are: such users are answered by the same SQL."""
        return (self.everything, self.shared, self.allows, self.lines)

    def of(self, permission: str) -> tuple[Grant, ...]:
        """The grants that hold for `<plugin>.<entity>.<verb>`; none: forbidden."""
        if not self.admits(permission):
            return ()
        return self.limited(permission, self._held(permission))

    def _held(self, permission: str) -> tuple[Grant, ...]:
        if self.everything or "*" in self.table:
            return _ALL
        found = self.table.get(permission)
        if found is None:
            return self._implied(permission)
        return _some(found)

    def _implied(self, permission: str) -> tuple[Grant, ...]:
        """A special right that no role has a grant of its own of comes with its verb."""
        thing, _dot, word = permission.rpartition(".")
        return _some(self.table.get(f"{thing}.{IMPLIED[word]}", ())) if word in IMPLIED else ()

    def admits(self, permission: str) -> bool:
        """Whether the token's allow-list, if there is one, has the permission; `pipeline.deal` there stands for all its verbs.

        What a verb implies is in it with the verb.
        """
        return self.allows is None or bool(admitted(table_of(self.allows), permission))

    def limited(self, permission: str, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
        """Some grants of a permission with no more fields than the token's allow-list names for it."""
        return grants if self.allows is None else within(table_of(self.allows), permission, grants)

    @property
    def unlimited(self) -> bool:
        """Whether every permission is granted, and no token narrows them."""
        return self.allows is None and (self.everything or "*" in self.table)

    def covers(self, permission: str, grant: Grant) -> bool:
        """Whether one of these grants reaches as far as another of the same permission, and shows as much."""
        return covered(self.of(permission), grant)

    def narrowed(self, allows: Iterable[str]) -> Grants:
        """These grants within an allow-list of permissions."""
        return self._with(allows=frozenset(allows))

    def unshared(self) -> Grants:
        """These grants without what others have shared with the user."""
        return self._with(shared=False) if self.shared else self

    def _with(self, **changed: Any) -> Grants:
        made = replace(self, **changed)
        made.__dict__["lines"] = self.lines  # the same table: not to be compared line by line
        return made


SYSTEM = Grants(None, everything=True)
