"""The one place that knows which tenant has which plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.recent import Recent
from core.tenancy.tables import tenant_plugins, tenants
from sdk import Conflict, Manifest, NotFound, _
from sdk.names import RESERVED_PLUGINS

_KEPT = 20_000
"""Tenants whose plugins are kept in memory."""


class Gate:
    """Asked by the core at each door; plugins never ask."""

    def __init__(self, manifests: dict[str, Manifest]) -> None:
        self._manifests = manifests
        self._known: Recent[UUID, tuple[int, frozenset[str]]] = Recent(_KEPT)
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def enabled(self, connection: Connection, tenant: UUID, access_version: int) -> frozenset[str]:
        """The plugins that serve and that the tenant has switched on, core and what stands before the tenant's own entities included."""
        known = self._known.get(tenant)
        if known is None or known[0] != access_version:
            read = self._read(connection, tenant)
            # The same object for tenants with the same plugins: what is looked up by it compares no names.
            known = self._known.keep(tenant, (access_version, self._sets.setdefault(read, read)))
        return known[1]

    def _read(self, connection: Connection, tenant: UUID) -> frozenset[str]:
        return self._in_force(self._chosen(connection, tenant))

    def _chosen(self, connection: Connection, tenant: UUID) -> dict[str, bool]:
        """What somebody has switched for the tenant, on or off."""
        query = sa.select(tenant_plugins.c.plugin, tenant_plugins.c.enabled).where(tenant_plugins.c.tenant_id == tenant)
        return {row.plugin: row.enabled for row in connection.execute(query)}

    def _in_force(self, chosen: Mapping[str, bool]) -> frozenset[str]:
        """What is switched on and has all that it requires; a bridge is on until somebody switches it off."""
        found = {name for name, manifest in self._manifests.items() if chosen.get(name, manifest.bridge)}
        # A plugin without its requirement (lost since it was enabled) does not serve this tenant.
        while lame := {name for name in found if not self._required(name) <= found}:
            found -= lame
        return frozenset({*RESERVED_PLUGINS, *found})

    def _required(self, name: str) -> set[str]:
        return set(self._manifests[name].required) - {"core"}

    def switch(self, connection: Connection, tenant: UUID, name: str, on: bool) -> tuple[frozenset[str], frozenset[str]]:
        """Switch a plugin for a tenant; returns what it had and what it has now: bridges come and go with what they join.

        The caller sees to it that the tenant's access version grows. Raises NotFound, or Conflict naming the partners in the way.
        """
        if name not in self._manifests:
            raise NotFound(_("there is no plugin {name!r} in force; see `dealwright plugin list`"), name=name)
        chosen = self._chosen(connection, tenant)
        before, after = self._in_force(chosen), self._in_force({**chosen, name: on})
        if on:
            self._check_required(name, before)
        elif dependants := sorted(one for one in before - after - {name} if not self._manifests[one].bridge):
            raise Conflict(_("{name!r} is required by {dependants}; disable that first"),
                           code="plugin_required", name=name, dependants=", ".join(dependants))  # fmt: skip
        self.write(connection, tenant, (name,), on)
        return before, after

    def begin(self, connection: Connection, tenant: UUID, names: Sequence[str]) -> frozenset[str]:
        """Switch plugins on for a tenant that is new; returns what it has, the bridges between them and core included.

        Raises Conflict naming what they require beyond each other.
        """
        found = self._in_force(dict.fromkeys(names, True))
        for name in names:
            self._check_required(name, found | set(names))
        if names:
            connection.execute(tenant_plugins.insert(), [{"tenant_id": tenant, "plugin": name, "enabled": True} for name in names])
        return found

    def _check_required(self, name: str, have: frozenset[str]) -> None:
        if missing := sorted(self._required(name) - have):
            raise Conflict(
                _("{name!r} requires {missing}; enable that first"), code="plugin_requires", name=name, missing=", ".join(missing)
            )

    def write(self, connection: Connection, tenant: UUID, names: Iterable[str], on: bool) -> None:
        """Record the switches as they shall be."""
        for name in names:
            mine = (tenant_plugins.c.tenant_id == tenant, tenant_plugins.c.plugin == name)
            if not connection.execute(tenant_plugins.update().where(*mine).values(enabled=on)).rowcount:
                connection.execute(tenant_plugins.insert().values(tenant_id=tenant, plugin=name, enabled=on))

    def tenants_with(self, connection: Connection, name: str) -> list[str]:
        """The names of the tenants that have the plugin switched on."""
        if name in self._manifests and self._manifests[name].bridge:  # most have no row for it
            every = connection.execute(sa.select(tenants.c.id, tenants.c.name).order_by(tenants.c.name)).all()
            return [row.name for row in every if name in self._read(connection, row.id)]
        on = sa.and_(tenant_plugins.c.tenant_id == tenants.c.id, tenant_plugins.c.plugin == name, tenant_plugins.c.enabled)
        return list(connection.scalars(sa.select(tenants.c.name).join(tenant_plugins, on).order_by(tenants.c.name)))

    def forget(self, connection: Connection, name: str) -> None:
        """No tenant has ever had it."""
        connection.execute(tenant_plugins.delete().where(tenant_plugins.c.plugin == name))
