"""The one place that knows which tenant has which plugin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        rows = connection.execute(sa.select(tenant_plugins.c.plugin).where(tenant_plugins.c.tenant_id == tenant, tenant_plugins.c.enabled))
        chosen = {row.plugin for row in rows} & self._manifests.keys()
        # A plugin without its requirement (lost since it was enabled) does not serve this tenant.
        while lame := {name for name in chosen if not self._required(name) <= chosen}:
            chosen -= lame
        return frozenset({*RESERVED_PLUGINS, *chosen})

    def _required(self, name: str) -> set[str]:
        return set(self._manifests[name].required) - {"core"}

    def switch(self, connection: Connection, tenant: UUID, name: str, on: bool) -> None:
        """Switch a plugin for a tenant; raises NotFound, or Conflict naming the partners in the way."""
        if name not in self._manifests:
            raise NotFound(_("there is no plugin {name!r} in force; see `dealwright plugin list`"), name=name)
        have = self._read(connection, tenant)
        if on:
            self._check_required(name, have)
        if not on and (dependants := sorted(p for p in have - RESERVED_PLUGINS if name in self._required(p))):
            raise Conflict(_("{name!r} is required by {dependants}; disable that first"),
                           code="plugin_required", name=name, dependants=", ".join(dependants))  # fmt: skip
        self.write(connection, tenant, (name,), on)
        connection.execute(tenants.update().where(tenants.c.id == tenant).values(access_version=tenants.c.access_version + 1))

    def begin(self, connection: Connection, tenant: UUID, names: Sequence[str]) -> None:
        """Switch plugins on for a tenant that is new; raises Conflict naming what they require beyond each other."""
        for name in names:
            self._check_required(name, frozenset(names))
        if names:
            connection.execute(tenant_plugins.insert(), [{"tenant_id": tenant, "plugin": name, "enabled": True} for name in names])

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
        on = sa.and_(tenant_plugins.c.tenant_id == tenants.c.id, tenant_plugins.c.plugin == name, tenant_plugins.c.enabled)
        return list(connection.scalars(sa.select(tenants.c.name).join(tenant_plugins, on).order_by(tenants.c.name)))

    def forget(self, connection: Connection, name: str) -> None:
        """No tenant has ever had it."""
        connection.execute(tenant_plugins.delete().where(tenant_plugins.c.plugin == name))
