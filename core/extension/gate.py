"""The one place that knows which tenant has which plugin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.extension.consent import Approval, Consent, asked, beyond, lacking, settled
from core.recent import Recent
from core.tenancy.tables import tenant_plugins, tenants
from sdk import Conflict, Invalid, Manifest, NotFound, Problem, _
from sdk.names import RESERVED_PLUGINS

SWITCHES = tenant_plugins.name
"""The table of what tenants have switched, and approved."""
_KEPT = 20_000
"""Tenants whose plugins are kept in memory."""
_SWITCHED = tenant_plugins.c
_READ: sa.Select[Any] = sa.select(
    _SWITCHED.plugin, _SWITCHED.enabled, _SWITCHED.approved, _SWITCHED.approved_by, _SWITCHED.approved_at
)  # fmt: skip
"""What a consent is read from: no column more, as it is read before an upgrade, too."""


@dataclass(frozen=True)
class Switched:
    """What served a tenant before a switch and what serves after it, core included; `gone`: what was on and is not, what was held included."""

    before: frozenset[str]
    after: frozenset[str]
    gone: frozenset[str]


class Gate:
    """Asked by the core at each door; plugins never ask."""

    def __init__(self, manifests: dict[str, Manifest], ours: frozenset[str]) -> None:
        self.manifests, self.ours = manifests, ours
        """What serves, and the names of what comes with the platform: who has this has approved that."""
        self._known: Recent[UUID, tuple[int, frozenset[str]]] = Recent(_KEPT)
        self._held: dict[UUID, Mapping[str, frozenset[str]]] = {}
        self._lacks: Recent[tuple[str, tuple[str, ...]], tuple[str, ...]] = Recent(_KEPT)
        self._short: Recent[str, bool] = Recent(_KEPT)
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
        there = self.consents(connection, tenant)
        if waiting := self.waiting(there):
            self._held[tenant] = waiting
        else:
            self._held.pop(tenant, None)
        return self._in_force(there)

    def _in_force(self, there: Mapping[str, Consent]) -> frozenset[str]:
        """What is switched on, approved, and has all that it requires."""
        there = self._with_bridges(there)
        return frozenset({*RESERVED_PLUGINS, *self._standing({name for name, one in there.items() if one.enabled and not one.held})})

    def _on(self, there: Mapping[str, Consent]) -> frozenset[str]:
        """What is switched on, and has all that it requires switched on; held or not."""
        return self._standing({name for name, one in self._with_bridges(there).items() if one.enabled})

    def _standing(self, names: set[str]) -> frozenset[str]:
        found = names & self.manifests.keys()
        # A plugin without its requirement (lost since it was enabled, or held) does not serve this tenant.
        while lame := {name for name in found if not self._required(name) <= found}:
            found -= lame
        return frozenset(found)

    def _with_bridges(self, there: Mapping[str, Consent]) -> dict[str, Consent]:
        """A bridge is on until somebody switches it off; one that asks for more than it joins is held, as that is to be approved."""
        bridges = {name: manifest for name, manifest in self.manifests.items() if manifest.bridge and name not in there}
        return {**{name: Consent(True, lacks=tuple(beyond(manifest))) for name, manifest in bridges.items()}, **there}

    def waiting(self, there: Mapping[str, Consent]) -> dict[str, frozenset[str]]:
        """What is switched on and does not serve until something is approved: its own wishes, or those of what it requires. By name whose wishes."""
        there, on = self._with_bridges(there), self._on(there)
        return {name: frozenset(one for one in self._leans_on(name) if there[one].held) for name in sorted(on - self._in_force(there))}

    def _leans_on(self, name: str) -> set[str]:
        """A plugin, and all that it requires, directly or not."""
        return {name}.union(*(self._leans_on(one) for one in self._required(name)))

    def consents(self, connection: Connection, tenant: UUID) -> dict[str, Consent]:
        """What a tenant has of each plugin that it has ever had, and of the bridges between those that are on."""
        return self._consents(connection.execute(_READ.where(tenant_plugins.c.tenant_id == tenant)))

    def _consents(self, rows: Iterable[sa.Row[tuple[object, ...]]]) -> dict[str, Consent]:
        stored = {str(row.plugin): self._consent(row) for row in rows}
        on = self._on(stored)
        return {name: one for name, one in self._with_bridges(stored).items() if name in stored or name in on}

    def held_for(self, connection: Connection) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
        """By plugin the tenants for which it is held, and what it asks them for."""
        query = _READ.add_columns(tenants.c.name).join(tenants, tenants.c.id == tenant_plugins.c.tenant_id)
        found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for tenant, rows in groupby(connection.execute(query.order_by(tenants.c.name)), key=lambda row: str(row.name)):
            for name, consent in self._consents(rows).items():
                if name in self.manifests and consent.held:
                    found.setdefault(name, []).append((tenant, consent.lacks))
        return dict(sorted(found.items()))

    def _consent(self, row: sa.Row[tuple[object, ...]]) -> Consent:
        approved = None if row.approved is None else tuple(row.approved)
        key = (str(row.plugin), approved or ())
        lacks = self._lacks.get(key)
        if lacks is None:
            lacks = self._lacks.keep(key, tuple(lacking(asked(self.manifests.get(key[0])), key[1])))
        return Consent(row.enabled, approved, row.approved_by, row.approved_at, lacks)

    def held(self, connection: Connection) -> list[str]:
        """Plugins that wait for the approval of some tenant, by name.

        Each plugin has been approved in a few ways, however many did it: the index is asked for those alone, from one to the next. Only a
        bridge that asks for more than it joins costs a look at who has both its sides: nobody has a row for it before it is approved.
        """
        ways = connection.scalars(_APPROVALS).all()
        found = {approval.partition(" ")[0] for approval in ways if self._falls_short(connection, approval)}
        asking = [manifest for manifest in self.manifests.values() if manifest.bridge and beyond(manifest)]
        return sorted(found.union(one.name for one in asking if one.name not in found and _unasked(connection, one)))

    def _falls_short(self, connection: Connection, approval: str) -> bool:
        """Whether who has approved this has not approved all that the plugin asks for now."""
        name = approval.partition(" ")[0]
        if name not in self.manifests:
            return False
        short = self._short.get(approval)
        if short is None:
            row = connection.execute(_READ.where(tenant_plugins.c.enabled, tenant_plugins.c.approval == approval).limit(1)).first()
            short = row is not None and self._short.keep(approval, bool(self._consent(row).lacks))
        return short

    def holds(self, tenant: UUID, name: str) -> bool:
        """Whether a plugin waits for the tenant's approval, of it or of what it requires, as this process has last read it."""
        return name in self._held.get(tenant, ())

    def _required(self, name: str) -> set[str]:
        return set(self.manifests[name].required) - {"core"}

    def switch(self, connection: Connection, tenant: UUID, name: str, on: bool, approval: Approval) -> Switched:
        """Switch a plugin for a tenant; bridges come and go with what they join.

        The caller sees to it that the tenant's access version grows. Raises NotFound, or Conflict naming the partners in the way, or what is
        not approved yet; Invalid where more is approved than is asked for.
        """
        there = self.consents(connection, tenant)
        if approval.words and not on:
            text = _("only what is turned on is approved: leave it out, or send enabled: true")
            raise Invalid(_("some values are invalid"), problems=[Problem("approves", "not_turned_on", text)])
        if name not in self.manifests:
            if on or name not in there:
                raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=name)
            self.write(connection, tenant, (name,), False)  # it does not serve, so nothing else changes
            return Switched(self._in_force(there), self._in_force(there), frozenset({name} if there[name].enabled else ()))
        then = {**there, name: Consent(on)}
        mine = frozenset({name} if not on and name in there and there[name].enabled else ())  # what it requires may be lost
        done = Switched(self._in_force(there), self._in_force(then), mine | (self._on(there) - self._on(then)))
        if on:
            self._check_required(name, done.before)
        elif dependants := sorted(one for one in done.gone - {name} if not self.manifests[one].bridge):
            raise Conflict(_("{name!r} is required by {dependants}; disable that first"),
                           code="plugin_required", name=name, dependants=", ".join(dependants))  # fmt: skip
        words = (
            settled(self.manifests[name], there[name].approved if name in there else None, approval, ours=name in self.ours) if on else None
        )
        self.write(connection, tenant, (name,), on)
        if words is not None:
            row = (tenant_plugins.c.tenant_id == tenant, tenant_plugins.c.plugin == name)
            connection.execute(tenant_plugins.update().where(*row).values(**_approved(name, words, approval)))
        return done

    def begin(self, connection: Connection, tenant: UUID, names: Sequence[str], approval: Approval, *, shown: bool) -> frozenset[str]:
        """Switch plugins on for a tenant that is new; returns what it has, the bridges between them and core included.

        A stranger's that asks for anything is held until somebody approves it, unless all was `shown` to who makes the tenant. Raises Conflict
        naming what they require beyond each other.
        """
        there = self._in_force(dict.fromkeys(names, Consent(True)))
        for name in names:
            self._check_required(name, there | set(names))
        given = {name: asked(self.manifests[name]) if shown or name in self.ours else [] for name in names}
        rows = [{"tenant_id": tenant, "plugin": name, "enabled": True, **_approved(name, given[name], approval)} for name in names]
        if rows:
            connection.execute(tenant_plugins.insert(), rows)
        return self._in_force(self.consents(connection, tenant))

    def asking(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Of these plugins the strangers' that ask for something, and for what."""
        return {name: words for name in names if name not in self.ours and (words := asked(self.manifests.get(name)))}

    def adopt(self, connection: Connection, approval: Approval) -> None:
        """What was switched on before there were approvals is approved as it is now, once."""
        for name, manifest in self.manifests.items():
            old = (tenant_plugins.c.plugin == name, tenant_plugins.c.approved.is_(None), tenant_plugins.c.enabled)
            connection.execute(tenant_plugins.update().where(*old).values(**_approved(name, asked(manifest), approval)))

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
                connection.execute(tenant_plugins.insert().values(tenant_id=tenant, plugin=name, enabled=on, approval=name))

    def tenants_with(self, connection: Connection, name: str) -> list[str]:
        """The names of the tenants that have the plugin switched on."""
        if name in self.manifests and self.manifests[name].bridge:  # most have no row for it
            every = connection.execute(sa.select(tenants.c.id, tenants.c.name).order_by(tenants.c.name)).all()
            return [row.name for row in every if name in self._read(connection, row.id)]
        on = sa.and_(tenant_plugins.c.tenant_id == tenants.c.id, tenant_plugins.c.plugin == name, tenant_plugins.c.enabled)
        return list(connection.scalars(sa.select(tenants.c.name).join(tenant_plugins, on).order_by(tenants.c.name)))

    def forget(self, connection: Connection, name: str) -> None:
        """No tenant has ever had it."""
        connection.execute(tenant_plugins.delete().where(tenant_plugins.c.plugin == name))


def _approved(name: str, words: Sequence[str], approval: Approval) -> dict[str, object]:
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()[:40]
    return {
        "approved": list(words), "approved_by": approval.by[:100], "approved_by_id": approval.by_id, "approved_at": approval.at,
        "approval": f"{name} {digest}",
    }  # fmt: skip


def _approvals() -> sa.Select[str]:
    """Each approval of what is on, once: the least of them, then the least above that, and so on, which no database does of itself."""
    on, approval = tenant_plugins.c.enabled, tenant_plugins.c.approval
    least = sa.select(sa.func.min(approval).label("approval")).where(on)
    known = least.cte("known", recursive=True)
    above = sa.select(sa.func.min(approval)).where(on, approval > known.c.approval).scalar_subquery()
    known = known.union_all(sa.select(above).where(known.c.approval.is_not(None)))
    return sa.select(known.c.approval).where(known.c.approval.is_not(None))


_APPROVALS = _approvals()


def switched_on(connection: Connection) -> set[str]:
    """Names of the plugins that some tenant has switched on, also of those that are not here."""
    return {approval.partition(" ")[0] for approval in connection.scalars(_APPROVALS)}


def is_known(connection: Connection, plugin: str) -> bool:
    """Whether some tenant has ever switched a plugin, or been asked about it, be it here or not."""
    there = sa.select(sa.literal(1)).where(tenant_plugins.c.plugin == plugin).limit(1)
    return connection.execute(there).first() is not None


def _unasked(connection: Connection, bridge: Manifest) -> bool:
    """Whether some tenant has all that a bridge joins and has never been asked about the bridge, which asks for more."""
    sides = [tenant_plugins.alias() for _name in bridge.required]
    first = sides[0].c.tenant_id
    joined = [
        part
        for side, name in zip(sides, bridge.required, strict=True)
        for part in (side.c.tenant_id == first, side.c.plugin == name, side.c.enabled)
    ]
    asked_for = sa.exists().where(tenant_plugins.c.tenant_id == first, tenant_plugins.c.plugin == bridge.name)
    return connection.execute(sa.select(sa.literal(1)).where(*joined, ~asked_for).limit(1)).first() is not None
