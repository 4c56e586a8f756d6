"""Plugins that join others, and what plugins do as they come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from core.audit.tables import Entry
from core.context import Work
from core.extension.impact import impact
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import MakeTenant
from sdk import Capabilities, Conflict, DeclarationError, Manifest, NotFound, Tenant, Text, Unavailable, _
from sdk.context import id_of
from sdk.names import RESERVED_PLUGINS
from tests.probe.fixtures import CUSTOMERS, PROBE, PROBE_MORE
from tests.probe_more import plugin as probe_more

type_listen = Callable[..., list[tuple[str, str, bool]]]


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Sequence[EntryPoint] | None:
    """The second probe joins the first with customers."""
    monkeypatch.setattr(probe_more, "manifest", replace(probe_more.manifest, requires=("customers", "probe"), bridge=True))
    return (CUSTOMERS, PROBE, PROBE_MORE)


@pytest.fixture
def database_templates(request: pytest.FixtureRequest) -> object:
    """Both databases where a test says so; else the quicker one."""
    return request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_templates")


BOTH = pytest.mark.parametrize("database_templates", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def listen(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> type_listen:
    """Lets plugins tell when they come and go, and whether they see their own records then."""

    def begin(*names: str) -> list[tuple[str, str, bool]]:
        told: list[tuple[str, str, bool]] = []

        def hook_of(name: str, word: str) -> Callable[[Work], None]:
            entity = {"probe": "probe.thing", "probe_more": "probe_more.point", "customers": "customers.account"}[name]
            return lambda ctx: told.append((word, name, ctx.offers(entity)))

        ours = platform.calls.implementers

        def implementers(hook: str) -> list[tuple[str, object]]:
            if not hook.startswith("tenant_"):
                return ours(hook)
            return [(name, hook_of(name, hook.removeprefix("tenant_"))) for name in platform.calls.serving() if name in names]

        monkeypatch.setattr(platform.calls, "implementers", implementers)
        return told

    return begin


def switch(platform: Platform, tenant: Tenant, **plugins: bool) -> frozenset[str]:
    for name, on in plugins.items():
        lifecycle.switch(platform.system(tenant.id), name, on, platform.gate.asking([name]).get(name) if on else None)
    return platform.system(tenant.id).enabled - RESERVED_PLUGINS


@pytest.mark.feature("P6", "P9")
@BOTH
def test_a_bridge_is_there_while_what_it_joins_is_and_its_data_stay(
    platform: Platform, make_tenant: MakeTenant, listen: type_listen
) -> None:
    tenant = make_tenant("joined", plugins=["customers"])
    assert platform.system(tenant.id).enabled == {*RESERVED_PLUGINS, "customers"}
    told = listen("customers", "probe", "probe_more")
    assert switch(platform, tenant, probe=True) == {"customers", "probe", "probe_more"}
    work = platform.system(tenant.id)
    thing = id_of(work.records("probe.thing").create({"name": "One", "probe_more.points": 7}))
    assert switch(platform, tenant, customers=False) == {"probe"}
    with pytest.raises(NotFound):
        platform.system(tenant.id).records("probe_more.point")
    assert "probe_more.points" not in platform.system(tenant.id).records("probe.thing").get(thing)
    assert switch(platform, tenant, customers=True) == {"customers", "probe", "probe_more"}
    assert platform.system(tenant.id).records("probe.thing").get(thing)["probe_more.points"] == 7
    assert told == [
        ("enabled", "probe", True), ("enabled", "probe_more", True),
        ("disabled", "probe_more", True), ("disabled", "customers", True),  # who leans on others goes first
        ("enabled", "customers", True), ("enabled", "probe_more", True),
    ]  # fmt: skip


@pytest.mark.feature("P6")
def test_a_bridge_that_somebody_switched_off_does_not_come_back_by_itself(platform: Platform, tenant: Tenant) -> None:
    assert "probe_more" in platform.system(tenant.id).enabled, "a new tenant has the bridges between what it has"
    assert switch(platform, tenant, probe_more=False) == {"customers", "probe"}
    assert switch(platform, tenant, probe=False, customers=False) == frozenset()
    assert switch(platform, tenant, probe=True, customers=True) == {"customers", "probe"}
    assert switch(platform, tenant, probe_more=True) == {"customers", "probe", "probe_more"}
    switch(platform, tenant, probe=False)
    with pytest.raises(Conflict, match="requires probe"):
        switch(platform, tenant, probe_more=True)


@pytest.mark.feature("P6")
def test_who_asks_what_leaves_with_a_plugin_is_told_of_its_bridges(platform: Platform, tenant: Tenant) -> None:
    report = impact(platform, "probe")
    assert (report.required_by, report.taken_along) == ([], ["probe_more"])
    assert impact(platform, "probe_more").enabled_for == ["acme"]
    switch(platform, tenant, customers=False)
    assert impact(platform, "probe_more").enabled_for == []


def test_the_audit_names_what_went_along(platform: Platform, tenant: Tenant) -> None:
    switch(platform, tenant, probe=False)
    work, table = platform.system(tenant.id), Entry.table()
    with work.transaction():
        rows = work.connection.execute(table.select().where(table.c.tenant_id == tenant.id, table.c.entity == "core.plugin")).all()
    assert [row.changes for row in rows] == [{"probe": [True, False], "probe_more": [True, False]}]


@pytest.mark.feature("P5", "P6")
def test_a_bridge_joins_two_at_least() -> None:
    with pytest.raises(DeclarationError, match="bridge: expected two plugins or more"):
        Manifest("lonely", "1.0", Text("T"), Text("S"), requires=("customers", "core>=0"), bridge=True)


# --- moments ---------------------------------------------------------------------------------------------------------


def raising(platform: Platform, monkeypatch: pytest.MonkeyPatch, hook: str, function: Callable[[Work], None]) -> None:
    ours = platform.calls.implementers
    monkeypatch.setattr(platform.calls, "implementers", lambda name: [("probe", function)] if name == hook else ours(name))


@pytest.mark.feature("P9", "P11")
@BOTH
def test_a_plugin_that_fails_as_it_goes_is_off_all_the_same_and_what_it_did_is_undone(
    platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(ctx: Work) -> None:
        ctx.records("probe.entry").create({"text": "half"})
        raise OSError("no")

    raising(platform, monkeypatch, "tenant_disabled", explode)
    assert switch(platform, tenant, probe=False) == {"customers"}
    monkeypatch.undo()
    switch(platform, tenant, probe=True)
    assert platform.system(tenant.id).records("probe.entry").find((), 10) == []


@pytest.mark.feature("P9", "P11")
def test_a_plugin_that_fails_or_refuses_as_it_comes_stays_off(
    platform: Platform, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant("plain", plugins=["customers"])
    answers: list[Exception] = [OSError("no"), Conflict(_("a profile is needed first"), code="no_profile")]

    def explode(ctx: Work) -> None:
        ctx.records("probe.entry").create({"text": "half"})
        raise answers.pop(0)

    raising(platform, monkeypatch, "tenant_enabled", explode)
    with pytest.raises(Unavailable, match="plugin 'probe' failed in tenant_enabled"):
        switch(platform, tenant, probe=True)
    with pytest.raises(Conflict, match="a profile is needed first"):
        switch(platform, tenant, probe=True)
    assert platform.system(tenant.id).enabled == {*RESERVED_PLUGINS, "customers"}


@pytest.mark.feature("P6", "P29")
@BOTH
def test_a_bridge_that_asks_for_more_than_it_joins_waits_for_approval(
    platform: Platform, make_tenant: MakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = platform.gate.manifests["probe_more"]
    assert manifest.bridge
    monkeypatch.setitem(platform.gate.manifests, "probe_more", replace(manifest, capabilities=Capabilities(network=("api.example.com",))))
    tenant = make_tenant("asked", plugins=["customers"])
    assert switch(platform, tenant, probe=True) == {"customers", "probe"}
    assert switch(platform, tenant, probe_more=True) == {"customers", "probe", "probe_more"}
    assert switch(platform, tenant, probe=False) == {"customers"}
    assert switch(platform, tenant, probe=True) == {"customers", "probe", "probe_more"}
