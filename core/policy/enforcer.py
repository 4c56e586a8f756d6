"""What roles grant, compiled by small Casbin enforcers: once for all tenants in which the same roles say the same."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import casbin
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.identity.tables import Grant as GrantRecord
from core.identity.tables import Role as RoleRecord
from core.policy.grants import Grant, Grants
from core.policy.hierarchy import place_of
from core.recent import Recent
from sdk import EVERYBODY, Scope
from sdk.permissions import IMPLIED

if TYPE_CHECKING:
    from core.extension.catalog import Catalog

EVERYTHING = "*"
_KEPT = 20_000
"""Compiled users kept in memory, and tenants with what they store."""
_MOST_TABLES = 2_000
_SHARED = "all"
"""The one domain of an enforcer, as it serves every tenant whose lines are the same."""
type_lines = frozenset[tuple[str, tuple[Grant, ...]]]
type_table = dict[str, tuple[Grant, ...]]
_SOMEBODY = "(somebody)"
"""To Casbin people and roles are words alike: this one is no key that a role can have."""
_MODEL = str(Path(__file__).with_name("model.conf"))


class Line(NamedTuple):
    """One line of policy: the role `role` has `permission` within `scope` on `fields` ("*" or a list with commas)."""

    role: str
    permission: str
    scope: str
    fields: str


type_said = tuple[frozenset[str], tuple[Line, ...]]
"""The plugins that a tenant has and the lines that it stores: tenants that agree in both share what is compiled."""


def _enforcer(lines: Iterable[Line]) -> casbin.Enforcer:
    """Lines that are in memory already: a tenant's own are read with its connection, under its row-level security."""
    made = casbin.Enforcer(casbin.Enforcer.new_model(_MODEL))
    # Casbin's own way of adding a line looks through all that are there: with 13,000 of them that takes 40 s. What an adapter loads is copied
    # and written as text for a log.
    made.model["p"]["p"].policy.extend(map(list, dict.fromkeys(map(_rule, lines))))
    return made


def _rule(line: Line) -> tuple[str, ...]:
    thing, _dot, verb = line.permission.rpartition(".")
    return (line.role, _SHARED, thing or EVERYTHING, verb, line.scope, line.fields)


class Policy:
    """Decisions of all tenants; what was compiled for a user is dropped when the tenant's access version grows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._said: Recent[UUID, tuple[int, type_said]] = Recent(_KEPT)
        self._tables: Recent[tuple[type_said, tuple[str, ...]], tuple[type_table, type_lines]] = Recent(_MOST_TABLES)
        self._grants: Recent[tuple[UUID, UUID], tuple[int, frozenset[str], Grants]] = Recent(_KEPT)
        self._lines: Recent[type_lines, type_lines] = Recent(_KEPT)

    def grants(
        self,
        connection: Connection,
        tenant: UUID,
        user: UUID,
        roles: tuple[str, ...],
        version: int,
        enabled: frozenset[str],
        *,
        settled: bool = True,
    ) -> Grants:
        """What a user with `roles`, and those of the own team, may do, from memory unless something changed since.

        `settled=False`: this very transaction has changed it and may yet be undone, so that nothing of it is taken from memory or kept.
        """
        found = self._grants.get((tenant, user)) if settled else None
        if found is not None and found[:2] == (version, enabled):
            return found[2]
        said = self._kept_said(connection, tenant, version, enabled) if settled else self._read_said(connection, tenant, enabled)
        place = place_of(connection, tenant, user)
        table, lines = self._table(said, (*roles, *place.roles, EVERYBODY))
        compiled = Grants(user, table, place.teams, place.territories, shared=place.shared, version=version)
        compiled.__dict__["lines"] = lines
        if settled:
            self._grants.keep((tenant, user), (version, enabled, compiled))
        return compiled

    def of_role(self, connection: Connection, tenant: UUID, role: str, enabled: frozenset[str]) -> type_table:
        """What a role grants, by permission, whoever has it, as the transaction has it by now."""
        return self._table(self._read_said(connection, tenant, enabled), (role,))[0]

    def _table(self, said: type_said, roles: tuple[str, ...]) -> tuple[type_table, type_lines]:
        """What these roles grant where this is said, and the same as a value that can be looked up by."""
        found = self._tables.get((said, roles))
        if found is None:
            table = _table(_enforcer(self._lines_of(said, {*roles})), roles)  # of this thread alone: pycasbin is not safe for several
            lines = frozenset(table.items())
            # The same object for equal rights, so that a look-up by them compares no lines.
            found = self._tables.keep((said, roles), (table, self._lines.get(lines) or self._lines.keep(lines, lines)))
        return found

    def _kept_said(self, connection: Connection, tenant: UUID, version: int, enabled: frozenset[str]) -> type_said:
        known = self._said.get(tenant)
        if known is None or known[0] != version or known[1][0] != enabled:
            known = self._said.keep(tenant, (version, self._read_said(connection, tenant, enabled)))
        return known[1]

    def _read_said(self, connection: Connection, tenant: UUID, enabled: frozenset[str]) -> type_said:
        return enabled, tuple(sorted(_stored(connection, tenant, self._catalog)))

    def _lines_of(self, said: type_said, roles: set[str]) -> list[Line]:
        enabled, stored = said
        mine = [line for line in stored if line.role in roles]
        replaced = {(line.role, line.permission) for line in mine}
        return mine + [line for line in self._contributed(enabled, roles) if (line.role, line.permission) not in replaced]

    def _contributed(self, enabled: frozenset[str], roles: set[str]) -> list[Line]:
        everything = [
            Line(key, EVERYTHING, Scope.ALL, EVERYTHING)
            for key, (_o, role) in self._catalog.roles.items()
            if role.everything and key in roles
        ]
        return everything + [
            Line(role, name, scope, EVERYTHING)
            for name, (owner, permission) in self._catalog.permissions.items()
            if owner in enabled
            for role, scope in permission.default_for.items()
            if role in roles
        ]


def _table(enforcer: casbin.Enforcer, given: tuple[str, ...]) -> type_table:
    """The grants of somebody with these roles."""
    table, roles, settled = dict[str, list[Grant]](), dict.fromkeys(given), dict[str, set[str]]()
    nothing = dict[str, list[Grant]]()
    for role in roles:
        enforcer.add_role_for_user_in_domain(_SOMEBODY, role, _SHARED)
    for role, _domain, thing, verb, scope, fields in enforcer.get_implicit_permissions_for_user(_SOMEBODY, _SHARED):
        name = EVERYTHING if thing == EVERYTHING else f"{thing}.{verb}"
        only = None if fields == EVERYTHING else frozenset(fields.split(","))
        if verb in IMPLIED:
            settled.setdefault(name, set()).add(role)
        # None stands in the place of what a plugin grants the role, and of what a part has by its parent, and grants nothing.
        (nothing if scope == Scope.NONE else table).setdefault(name, []).append(Grant(Scope(scope), only, role))
    for name, said in settled.items():  # the roles that say nothing of a special right have it with its verb
        thing, _dot, word = name.rpartition(".")
        table.setdefault(name, []).extend(grant for grant in table.get(f"{thing}.{IMPLIED[word]}", ()) if grant.role not in said)
    return {name: tuple(dict.fromkeys((*table.get(name, ()), *nothing.get(name, ())))) for name in dict.fromkeys((*nothing, *table))}


def _stored(connection: Connection, tenant: UUID, catalog: Catalog) -> list[Line]:
    """The tenant's own lines; for a permission that a role has stored grants of, those replace the contributed ones."""
    rows = connection.execute(_stored_statement(), {"of": tenant}).all()
    lines = [Line(row.key, EVERYTHING, Scope.ALL, EVERYTHING) for row in rows if row.everything and row.key not in catalog.roles]
    for row in rows:
        if row.permission is not None:
            lines.append(Line(row.key, row.permission, row.scope, EVERYTHING if row.only_fields is None else ",".join(row.only_fields)))
    return list(dict.fromkeys(lines))


@cache
def _stored_statement() -> sa.Select[Any]:
    role, grant = RoleRecord.table(), GrantRecord.table()
    return (
        sa.select(role.c.key, role.c.everything, grant.c.permission, grant.c.scope, grant.c.only_fields)
        .outerjoin(grant, (grant.c.tenant_id == role.c.tenant_id) & (grant.c.role_id == role.c.id) & grant.c.deleted_at.is_(None))
        .where(role.c.tenant_id == sa.bindparam("of"), role.c.deleted_at.is_(None))
    )
