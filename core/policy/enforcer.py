"""One small Casbin enforcer a tenant, and the grants compiled from it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import casbin
import sqlalchemy as sa
from casbin.persist import Adapter
from sqlalchemy.engine import Connection

from core.identity.tables import Grant as GrantRecord
from core.identity.tables import Role as RoleRecord
from core.policy.grants import Grant, Grants
from core.policy.hierarchy import place_of
from sdk import EVERYBODY, Scope
from sdk.permissions import IMPLIED

if TYPE_CHECKING:
    from core.extension.catalog import Catalog

EVERYTHING = "*"
_KEPT = 20_000
"""Compiled users kept in memory, least recently used go first."""
type_lines = frozenset[tuple[str, tuple[Grant, ...]]]
_NOBODY = "nobody"
_MODEL = str(Path(__file__).with_name("model.conf"))


@dataclass(frozen=True)
class Line:
    """One line of policy: the role `role` has `permission` within `scope` on `fields` ("*" or a list with commas)."""

    role: str
    permission: str
    scope: str
    fields: str


class _Lines(Adapter):  # type: ignore[misc]  # casbin has no types
    """Lines that are in memory already; a tenant's own are read with its connection, under its row-level security."""

    def __init__(self, tenant: str, lines: list[Line]) -> None:
        self._tenant, self._lines = tenant, lines

    def load_policy(self, model: casbin.Model) -> None:
        for line in self._lines:
            thing, _dot, verb = line.permission.rpartition(".")
            model.add_policy("p", "p", [line.role, self._tenant, thing or EVERYTHING, verb, line.scope, line.fields])


class Policy:
    """Decisions of all tenants; what was compiled is dropped when the tenant's access version grows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._enforcers: OrderedDict[UUID, tuple[int, casbin.Enforcer]] = OrderedDict()
        self._grants: OrderedDict[tuple[UUID, UUID], tuple[int, Grants]] = OrderedDict()
        self._lines: dict[type_lines, type_lines] = {}
        self._lock = threading.Lock()  # pycasbin is not safe for threads; a compilation takes milliseconds

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

        `settled=False`: this very transaction has changed it and may yet be undone, so that nothing is taken from memory or kept.
        """
        if not settled:
            with self._lock:
                return _grants(connection, self._compiled(connection, tenant, enabled), tenant, user, roles, version)
        found = self._grants.get((tenant, user))
        if found is not None and found[0] == version:
            return found[1]
        with self._lock:
            compiled = _grants(connection, self._enforcer(connection, tenant, version, enabled), tenant, user, roles, version)
            compiled.__dict__["lines"] = self._known(compiled.lines)
            self._grants[(tenant, user)] = (version, compiled)
            while len(self._grants) > _KEPT:
                self._grants.popitem(last=False)
            return compiled

    def of_role(self, connection: Connection, tenant: UUID, role: str, enabled: frozenset[str]) -> dict[str, tuple[Grant, ...]]:
        """What a role grants, by permission, whoever has it; not kept, as the transaction may have changed it and be undone."""
        with self._lock:
            return _table(self._compiled(connection, tenant, enabled), str(tenant), _NOBODY, (role,))

    def _known(self, lines: type_lines) -> type_lines:
        """The same object for equal rights, so that a look-up by them compares no lines."""
        if len(self._lines) > _KEPT:
            self._lines.clear()
        return self._lines.setdefault(lines, lines)

    def _enforcer(self, connection: Connection, tenant: UUID, version: int, enabled: frozenset[str]) -> casbin.Enforcer:
        known = self._enforcers.get(tenant)
        if known is None or known[0] != version:
            known = (version, self._compiled(connection, tenant, enabled))
            self._enforcers[tenant] = known
            while len(self._enforcers) > 1000:
                self._enforcers.popitem(last=False)
        return known[1]

    def _compiled(self, connection: Connection, tenant: UUID, enabled: frozenset[str]) -> casbin.Enforcer:
        stored = _stored(connection, tenant, self._catalog)
        replaced = {(line.role, line.permission) for line in stored}
        lines = stored + [line for line in self._contributed(enabled) if (line.role, line.permission) not in replaced]
        return casbin.Enforcer(_MODEL, _Lines(str(tenant), lines))

    def _contributed(self, enabled: frozenset[str]) -> list[Line]:
        everything = [Line(key, EVERYTHING, Scope.ALL, EVERYTHING) for key, (_o, role) in self._catalog.roles.items() if role.everything]
        return everything + [
            Line(role, name, scope, EVERYTHING)
            for name, (owner, permission) in self._catalog.permissions.items()
            if owner in enabled
            for role, scope in permission.default_for.items()
        ]


def _grants(connection: Connection, enforcer: casbin.Enforcer, tenant: UUID, user: UUID, roles: tuple[str, ...], version: int) -> Grants:
    place = place_of(connection, tenant, user)
    table = _table(enforcer, str(tenant), str(user), (*roles, *place.roles, EVERYBODY))
    return Grants(user, table, place.teams, place.territories, shared=place.shared, version=version)


def _table(enforcer: casbin.Enforcer, tenant: str, subject: str, given: tuple[str, ...]) -> dict[str, tuple[Grant, ...]]:
    """The grants of a subject with these roles; Casbin forgets afterwards who it was."""
    table, roles, settled = dict[str, list[Grant]](), dict.fromkeys(given), dict[str, set[str]]()
    for role in roles:
        enforcer.add_role_for_user_in_domain(subject, role, tenant)
    try:
        for role, _domain, thing, verb, scope, fields in enforcer.get_implicit_permissions_for_user(subject, tenant):
            name = EVERYTHING if thing == EVERYTHING else f"{thing}.{verb}"
            only = None if fields == EVERYTHING else frozenset(fields.split(","))
            if verb in IMPLIED:
                settled.setdefault(name, set()).add(role)
            if scope != Scope.NONE:  # it stands in the place of what a plugin grants the role, and grants nothing
                table.setdefault(name, []).append(Grant(Scope(scope), only, role))
    finally:
        for role in roles:
            enforcer.delete_roles_for_user_in_domain(subject, role, tenant)
    for name, said in settled.items():  # the roles that say nothing of a special right have it with its verb
        thing, _dot, word = name.rpartition(".")
        table.setdefault(name, []).extend(grant for grant in table.get(f"{thing}.{IMPLIED[word]}", ()) if grant.role not in said)
    return {name: tuple(dict.fromkeys(grants)) for name, grants in table.items()}


def _stored(connection: Connection, tenant: UUID, catalog: Catalog) -> list[Line]:
    """The tenant's own lines; for a permission that a role has stored grants of, those replace the contributed ones."""
    role, grant = RoleRecord.table(), GrantRecord.table()
    rows = connection.execute(
        sa.select(role.c.key, role.c.everything, grant.c.permission, grant.c.scope, grant.c.only_fields)
        .outerjoin(grant, (grant.c.tenant_id == role.c.tenant_id) & (grant.c.role_id == role.c.id) & grant.c.deleted_at.is_(None))
        .where(role.c.tenant_id == tenant, role.c.deleted_at.is_(None))
    ).all()
    lines = [Line(row.key, EVERYTHING, Scope.ALL, EVERYTHING) for row in rows if row.everything and row.key not in catalog.roles]
    for row in rows:
        if row.permission is not None:
            lines.append(Line(row.key, row.permission, row.scope, EVERYTHING if row.only_fields is None else ",".join(row.only_fields)))
    return list(dict.fromkeys(lines))
