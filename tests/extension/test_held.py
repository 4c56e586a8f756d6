"""A plugin that asks a company for more waits there, and what leans on it with it: nothing is lost, and every way out is open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from core.app import create_app
from core.audit.tables import Entry
from core.cli.plugin import plugin as plugin_commands
from core.cli.plugin_upgrade import upgrade as upgrade_command
from core.context import Work
from core.events import schedules
from core.events.states import DONE, WAITING
from core.events.tables import outbox
from core.extension.consent import Approval
from core.extension.gate import _APPROVALS
from core.extension.plan import plan
from core.extension.upgrading import upgrade_all
from core.identity import tokens
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from core.worker.schedule import run_due
from sdk import Conflict
from tests.extension.conftest import Installation
from tests.packages import Packages

type_install = Callable[..., Installation]
type_newer = Callable[..., Installation]
BODY = """
from datetime import timedelta
RUN, TOLD = [], []
def peep(ctx, arguments):
    RUN.append("peep")
def tick(ctx):
    RUN.append("tick")
@hookimpl
def register_jobs():
    return (Job("peep", peep),)
@hookimpl
def register_schedules():
    return (Schedule("tick", tick, every=timedelta(minutes=10)),)
@hookimpl
def after_upgrade(ctx, before, after):
    TOLD.append(f"{before} -> {after}")
@hookimpl
def tenant_disabled(ctx):
    TOLD.append("disabled")
"""
NAME, PHONE = '"customers.account.read:name"', '"customers.account.read:name,phone"'
ASKS = ["data customers.account.read:phone"]


def manifest(name: str, version: str, data: str = "", **more: str) -> str:
    words = "".join(f", {word}={value}" for word, value in more.items())
    able = f"Capabilities(data=({data}{',' if data else ''}), jobs=('peep', 'tick'))"
    return f'manifest = Manifest(name="{name}", version="{version}", title=_("T"), summary=_("S"), capabilities={able}{words})\n'


def spy(packages: Packages, version: str = "1.0", data: str = NAME) -> EntryPoint:
    return packages.plugin("spy", BODY, manifest=manifest("spy", version, data))


def dep(packages: Packages) -> EntryPoint:
    return packages.plugin("dep", BODY, manifest=manifest("dep", "1.0", requires="('spy',)"))


@pytest.fixture
def newer(install: type_install, packages: Packages) -> Iterator[type_newer]:
    """Installs what makes plugins write, in a folder of its own, over what was there; once the schema is upgraded."""
    with ExitStack() as stack:

        def update(*makers: Callable[[Packages], EntryPoint]) -> Installation:
            for name in [name for name in sys.modules if name.startswith("made_up_")]:
                del sys.modules[name]
            folder = packages._folder / f"newer{len(list(packages._folder.glob('newer*')))}"
            made = stack.enter_context(Packages(folder))
            installed = install(*(make(made) for make in makers))
            upgrade_all(installed.platform, installed.platform.branches())
            return installed

        yield update


def wider(made: Packages) -> EntryPoint:
    return spy(made, "2.0", PHONE)


def begin(installed: Installation, *plugins: str) -> Work:
    upgrade_all(installed.platform, installed.platform.branches())
    lifecycle.create(installed.platform, NewTenant("acme", plugins=plugins or None, shown=True))
    return installed.platform.system("acme")


def told(monkeypatch: pytest.MonkeyPatch, platform: Platform, *arguments: str) -> Result:
    monkeypatch.setattr("core.cli.plugin.platform", lambda: platform)
    return CliRunner().invoke(plugin_commands, [*arguments, "--tenant", "acme"])


def jobs(platform: Platform) -> dict[str, str]:
    with platform.database.begin(write=False, tenant=platform.system("acme").tenant.id) as connection:
        return {row.handler: row.state for row in connection.execute(sa.select(outbox).where(outbox.c.kind == "job"))}


def audited(platform: Platform) -> list[Any]:
    work, table = platform.system("acme"), Entry.table()
    with work.transaction():
        mine = (table.c.tenant_id == work.tenant.id, table.c.entity == "core.plugin")
        return list(work.connection.scalars(sa.select(table.c.changes).where(*mine)))


def later(platform: Platform) -> None:
    then = platform.clock() + timedelta(minutes=6)
    platform.clock = lambda: then
    Drain(platform).run_until_empty()


def seen(platform: Platform) -> dict[str, Any]:
    work = platform.system("acme")
    people = work.as_system().records("core.user").find((), 1)
    admin = people[0]["id"] if people else lifecycle.add_person(work, "Admin", "admin@acme.example", ["admin"], None)
    api = Api(platform, create_app(platform).test_client(), tokens.issue(work, admin, "test")[1], work.tenant)
    rows = {row["name"]: row for row in api.get("/api/v1/core/plugins").json["data"]}
    return {**rows, "ready": api.get("/health/ready").json["held"]}


@pytest.mark.feature("P29")
def test_what_leans_on_a_held_plugin_waits_with_it_and_nothing_is_lost(
    install: type_install, packages: Packages, newer: type_newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = begin(install(spy(packages), dep(packages)))
    for name in ("spy", "dep"):
        work.of_plugin(name).enqueue(f"{name}.peep", {})
    updated = newer(wider, dep)
    platform = updated.platform
    assert create_app(platform).test_client().get("/health/ready").json["held"] == ["spy"], "before anybody has asked for anything"
    Drain(platform).run_until_empty()
    assert jobs(platform) == {"spy.peep": WAITING, "dep.peep": WAITING, "core.after_upgrade": WAITING}
    rows = seen(platform)
    assert {name: (rows[name]["state"], rows[name]["asks"], rows[name]["waits_for"]) for name in ("spy", "dep")} == {
        "spy": ("held", ASKS, []), "dep": ("held", [], ["spy"]),
    }  # fmt: skip
    assert rows["ready"] == ["spy"]
    assert "waits for spy to be approved" in told(monkeypatch, platform, "list").output
    lifecycle.switch(platform.system("acme"), "spy", True, ASKS)
    later(platform)
    assert set(jobs(platform).values()) == {DONE}
    spied, leaning = updated.found("spy").module, updated.found("dep").module
    assert spied is not None
    assert leaning is not None
    assert (spied.RUN.count("peep"), leaning.RUN.count("peep"), spied.TOLD) == (1, 1, ["1.0 -> 2.0"])


@pytest.mark.feature("P29", "P9")
def test_who_switches_off_what_is_held_is_refused_as_for_any_other_and_it_is_told_and_in_the_audit(
    install: type_install, packages: Packages, newer: type_newer
) -> None:
    begin(install(spy(packages), dep(packages)))
    updated = newer(wider, dep)
    platform = updated.platform
    with pytest.raises(Conflict, match="'spy' is required by dep"):
        lifecycle.switch(platform.system("acme"), "spy", False)
    for name in ("dep", "spy"):
        lifecycle.switch(platform.system("acme"), name, False)
        module = updated.found(name).module
        assert module is not None
        assert "disabled" in module.TOLD
        assert {name: [True, False]} in audited(platform)


@pytest.mark.feature("P9")
def test_who_switches_off_what_has_lost_its_requirement_is_in_the_audit(
    install: type_install, packages: Packages, newer: type_newer
) -> None:
    begin(install(spy(packages)), "customers", "spy")
    needy = manifest("spy", "2.0", NAME, requires="('probe',)")
    platform = newer(lambda made: made.plugin("spy", BODY, manifest=needy)).platform
    assert "spy" not in platform.system("acme").enabled
    lifecycle.switch(platform.system("acme"), "spy", False)
    assert {"spy": [True, False]} in audited(platform)


@pytest.mark.feature("P29")
def test_what_was_switched_off_and_asks_for_more_is_approved_on_the_command_line(
    install: type_install, packages: Packages, newer: type_newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = begin(install(spy(packages)))
    lifecycle.switch(work, "spy", False)
    platform = newer(wider).platform
    refused = told(monkeypatch, platform, "enable", "spy")
    assert (refused.exit_code, "dealwright plugin approve" in refused.output) == (2, True)
    approved = told(monkeypatch, platform, "approve", "spy", "--yes")
    assert (approved.exit_code, approved.output) == (0, f"{ASKS[0]}\nspy is on for acme\n")
    assert "spy" in platform.system("acme").enabled


@pytest.mark.feature("P29")
def test_a_bridge_that_begins_to_ask_for_more_is_held_where_both_its_sides_are(
    install: type_install, packages: Packages, newer: type_newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = {"requires": "('customers', 'probe')", "bridge": "True"}
    begin(install(packages.plugin("joint", BODY, manifest=manifest("joint", "1.0", NAME, **bridge))), "customers", "probe")
    asking = manifest("joint", "2.0", f'{PHONE}, "core.user.read:email"', **bridge)
    platform = newer(lambda made: made.plugin("joint", BODY, manifest=asking)).platform
    lifecycle.create(platform, NewTenant("other", plugins=["customers"], shown=True))
    asks = ["data core.user.read:email"]
    rows = seen(platform)
    assert (rows["joint"]["state"], rows["joint"]["enabled"], rows["joint"]["asks"], rows["ready"]) == ("held", False, asks, ["joint"])
    with platform.database.begin(write=False, tenant=None) as connection:
        assert platform.gate.held_for(connection) == {"joint": [("acme", tuple(asks))]}
    assert "held" in next(line for line in told(monkeypatch, platform, "list").output.splitlines() if line.startswith("joint"))
    assert told(monkeypatch, platform, "approve", "joint", "--yes").output == f"{asks[0]}\njoint is on for acme\n"
    assert "joint" in platform.system("acme").enabled
    with platform.database.begin(write=False, tenant=None) as connection:
        assert platform.gate.held_for(connection) == {}


@pytest.mark.feature("P29")
def test_the_schedule_of_what_was_held_goes_on_where_it_serves_again_without_a_switch(
    install: type_install, packages: Packages, newer: type_newer
) -> None:
    begin(install(spy(packages)))
    held = newer(wider).platform
    schedules.adopt(held)
    assert run_due(held, held.clock() + timedelta(hours=1)) == 0
    again = newer(spy)
    assert "spy" in again.platform.system("acme").enabled
    for hours in (2, 3):
        run_due(again.platform, again.platform.clock() + timedelta(hours=hours))
    with again.platform.database.begin(write=False, tenant=again.platform.system("acme").tenant.id) as connection:
        assert connection.scalars(sa.select(outbox.c.handler).where(outbox.c.kind == "schedule", outbox.c.handler == "spy.tick")).all()


@pytest.mark.feature("P29")
def test_the_upgrade_approves_only_what_somebody_has_switched_on(install: type_install, packages: Packages) -> None:
    installed = install(spy(packages))
    work = begin(installed, "customers")
    gate = installed.platform.gate
    with installed.platform.database.begin(write=True, tenant=None) as connection:
        gate.write(connection, work.tenant.id, ["spy"], False)
        gate.adopt(connection, Approval("dealwright db upgrade", None, work.now()))
        assert gate.consents(connection, work.tenant.id)["spy"].approved is None


@pytest.mark.feature("P29")
@pytest.mark.parametrize("words", [["data *:*", "network any"], ["data customers.account.read:*"], ["data *", "data customers.*"]])
def test_nobody_approves_with_words_that_were_not_asked_for(
    install: type_install, packages: Packages, newer: type_newer, words: list[str]
) -> None:
    begin(install(spy(packages)))
    work = newer(wider).platform.system("acme")
    with pytest.raises(Conflict, match="requests more than was approved: data customers"):
        lifecycle.switch(work, "spy", True, words)


@pytest.mark.feature("P25", "P29")
def test_the_plan_of_an_upgrade_says_what_more_is_asked_for_and_where_it_will_be_held(
    install: type_install, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(install(spy(packages)))
    for name in [name for name in sys.modules if name.startswith("made_up_")]:
        del sys.modules[name]
    with Packages(packages._folder / "newer") as made:
        platform = install(wider(made)).platform
        (step,) = plan(platform, platform.branches()).steps
        assert [(one.act, one.what) for one in step.differences if one.kind == "capabilities"] == [
            ("changed", "data customers.account.read (name) -> data customers.account.read (name,phone)")
        ]
        assert [(one.tenant, one.asks) for one in step.held] == [("acme", tuple(ASKS))]
        monkeypatch.setattr("core.cli.plugin_upgrade.platform", lambda **_more: platform)
        said = CliRunner().invoke(upgrade_command, ["--plan"]).output
        assert f"held for acme until it approves: {ASKS[0]}" in said


@pytest.mark.feature("P29")
def test_who_is_held_is_found_by_the_few_ways_in_which_it_was_approved_not_by_all_who_approved(
    install: type_install, packages: Packages, newer: type_newer
) -> None:
    begin(install(spy(packages)))
    updated = newer(wider).platform
    lifecycle.create(updated, NewTenant("other", shown=True))
    lifecycle.create(updated, NewTenant("third", plugins=["customers"], shown=True))
    with updated.database.begin(write=False, tenant=None) as connection:
        assert updated.gate.held(connection) == ["spy"]
        ways = [str(word).partition(" ")[0] for word in connection.scalars(_APPROVALS)]
        assert sorted(ways) == ["customers", "probe", "spy", "spy"]
        found = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {_APPROVALS.compile(connection.engine)}"))
        steps = [row.detail for row in found if "core_tenant_plugins" in row.detail]
        assert steps
        assert all("USING COVERING INDEX ix_core_tenant_plugins_approval (enabled=?" in step for step in steps), steps
    lifecycle.switch(updated.system("acme"), "spy", False)
    with updated.database.begin(write=False, tenant=None) as connection:
        assert updated.gate.held(connection) == []
