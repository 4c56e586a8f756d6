"""A hook that raises, a hook that is slow, two hooks at one place."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from core.app import create_app
from core.cli.plugin import doctor
from core.extension import calls, failures
from core.identity import tokens
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit.fixtures import Api, Clock
from sdk import Conflict, Invalid, Unavailable
from tests.extension.conftest import Installation
from tests.packages import Packages

type_install = Callable[..., Installation]
HEARS = ', capabilities=Capabilities(data=("probe.thing.read:*",)){more}'
VETO = """
@hookimpl
def validate_changes(ctx, batch):
    for change in batch.changes if batch.entity == "probe.thing" else ():
        if str(change.after("name")) == "{word}":
            {act}
"""


def things(installed: Installation, name: str = "serving") -> object:
    tenant = lifecycle.create(installed.platform, NewTenant(name, shown=True))
    return installed.platform.system(tenant.id).records("probe.thing")


@pytest.mark.feature("P11")
def test_a_veto_that_raises_fails_the_write_with_its_name_and_the_rest_serves(
    install: type_install, packages: Packages, caplog: pytest.LogCaptureFixture
) -> None:
    installed = install(
        packages.plugin("brittle", VETO.format(word="bad", act="raise KeyError(change.after('name'))"), more=HEARS.format(more=""))
    )
    platform = installed.platform
    records = things(installed, "other")
    for _time in range(2):
        with pytest.raises(Unavailable, match="plugin 'brittle' failed in validate_changes") as caught:
            records.create({"name": "bad"})  # type: ignore[attr-defined]
    assert (caught.value.status, caught.value.reason, caught.value.retry_after) == (503, "plugin_failed", 0)
    assert isinstance(caught.value.__cause__, KeyError)
    assert records.find(()) == []  # type: ignore[attr-defined]
    assert "hook validate_changes of plugin 'brittle' failed" in caplog.text
    with platform.database.begin(write=False, tenant=None) as connection:
        (ill,) = failures.lately(connection, platform.clock())
    assert (ill.plugin, ill.hook, ill.times) == ("brittle", "validate_changes", 2)
    assert ill.error.startswith("KeyError in plugin.py, line ")
    assert "bad" not in ill.error, "what a customer wrote is not in it"
    ready = create_app(platform).test_client().get("/health/ready")
    assert (ready.status_code, ready.json["status"], ready.json["failing"]) == (200, "degraded", {"brittle": ["validate_changes"]})
    assert ready.json["plugins"]["brittle"] == "loaded"
    assert installed.serves()


BRITTLE = """
def boom(ctx, request):
    raise KeyError("what a customer wrote")

def refuse(ctx, request):
    raise Conflict(_("not today"))

def early(ctx, request):
    raise RuntimeError("of what was sent")

@hookimpl
def register_routes():
    return (
        *(Route(method="GET", path=f"/{view.__name__}", view=view, permission=SIGNED_IN, summary=_("B"), answer={"type": "object"})
          for view in (boom, refuse)),
        Route(method="POST", path="/early", view=refuse, prepare=early, permission=SIGNED_IN, summary=_("B"), answer={"type": "object"}),
    )

@hookimpl
def uses_of(ctx, plugin):
    return [][0]
"""


@pytest.mark.feature("P11")
def test_what_a_plugin_raises_in_an_address_of_its_own_or_as_it_is_asked_is_told_with_its_name(
    install: type_install, packages: Packages
) -> None:
    platform = install(packages.plugin("brittle", BRITTLE)).platform
    tenant = lifecycle.create(platform, NewTenant("other", shown=True))
    admin = lifecycle.add_person(platform.system(tenant.id), "Admin", "admin@other.example", ["admin"], None)
    api = Api(platform, create_app(platform).test_client(), tokens.issue(platform.system(tenant.id), admin, "test")[1], tenant)
    assert [api.get(f"/api/v1/brittle/{path}").status_code for path in ("boom", "boom", "refuse")] == [500, 500, 409]
    assert api.post("/api/v1/brittle/early", {}).status_code == 500
    assert "brittle: IndexError" in api.get("/api/v1/core/plugins/probe/impact").json["unanswered"][0]
    told = api.get("/api/v1/core/plugins/brittle").json["failing"]
    assert [(one["hook"], one["times"], one["error"].partition(",")[0]) for one in told] == [
        ("GET /boom", 2, "KeyError in plugin.py"), ("POST /early", 1, "RuntimeError in plugin.py"), ("uses_of", 1, "IndexError in plugin.py"),
    ]  # fmt: skip
    assert api.get("/health/ready").json["failing"] == {"brittle": ["GET /boom", "POST /early", "uses_of"]}


HERALD = """
@hookimpl
def register_events():
    return (EventType("herald.came", _("Came")),)

@hookimpl
def validate_changes(ctx, batch):
    for change in batch.changes if batch.entity == "probe.thing" else ():
        batch.emit(str(change.after("name")), change, {})
"""


def test_a_plugin_says_of_its_own_events_alone_that_they_happened(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("herald", HERALD, more=HEARS.format(more="")))
    records = things(installed, "other")
    records.create({"name": "herald.came"})  # type: ignore[attr-defined]
    for of_others in ("probe.thing.named", "herald.went", "core.mail.written"):
        with pytest.raises(Unavailable, match="plugin 'herald' failed") as caught:
            records.create({"name": of_others})  # type: ignore[attr-defined]
        assert "does not declare the event" in str(caught.value.__cause__)
    assert len(records.find(())) == 1  # type: ignore[attr-defined]


@pytest.mark.feature("P11")
def test_after_a_day_without_a_failure_or_delay_a_plugin_is_well(clock: Clock, platform: Platform) -> None:
    for days, times in ((0, 1), (0, 2), (2, 1)):
        clock.move(days=days)
        platform.calls.failures.note("probe", "prepare_changes", raised())
        platform.calls.failures.note_slow("probe", "prepare_changes", 1, seconds := 4.0 - times)
        platform.calls.failures.keep(platform.database, clock())
        with platform.database.begin(write=False, tenant=None) as connection:
            assert [ill.times for ill in failures.lately(connection, clock())] == [times]
            assert [(late.times, late.seconds) for late in failures.slow(connection, clock())] == [(times, max(seconds, 3.0))]
    clock.move(days=1, seconds=1)
    with platform.database.begin(write=False, tenant=None) as connection:
        assert (failures.lately(connection, clock()), failures.slow(connection, clock())) == ([], [])


def raised() -> Exception:
    try:
        raise OSError("x")
    except OSError as failure:
        return failure


@pytest.mark.feature("P11")
def test_what_a_hook_refuses_is_no_failure(install: type_install, packages: Packages) -> None:
    installed = install(
        packages.plugin("strict", VETO.format(word="bad", act="raise Conflict(_('not today'))"), more=HEARS.format(more=""))
    )
    with pytest.raises(Conflict, match="not today"):
        things(installed).create({"name": "bad"})  # type: ignore[attr-defined]
    with installed.platform.database.begin(write=False, tenant=None) as connection:
        assert failures.lately(connection, installed.platform.clock()) == []


@pytest.mark.feature("P11")
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_plugins_on_one_hook_the_declared_order_holds_not_that_of_their_installation(
    install: type_install, packages: Packages, turned: bool
) -> None:
    points = [
        packages.plugin(
            "alpha", VETO.format(word="both", act="change.refuse('name', 'alpha', _('no'))"), more=HEARS.format(more=', after=("omega",)')
        ),
        packages.plugin("omega", VETO.format(word="both", act="change.refuse('name', 'omega', _('no'))"), more=HEARS.format(more="")),
    ]
    with pytest.raises(Invalid) as caught:
        things(install(*(reversed(points) if turned else points))).create({"name": "both"})  # type: ignore[attr-defined]
    assert [problem.code for problem in caught.value.problems] == ["omega", "alpha"]


@pytest.mark.feature("P11")
def test_a_hook_that_takes_longer_than_it_may_is_named_in_the_log_and_to_who_asks_how_the_installation_is(
    install: type_install, packages: Packages, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = install(packages.plugin("slow", VETO.format(word="slow", act="pass"), more=HEARS.format(more=""))).platform
    tenant = lifecycle.create(platform, NewTenant("other", shown=True))
    system, fair = platform.system(tenant.id), calls.SLOW
    monkeypatch.setattr(calls, "SLOW", -1.0)
    monkeypatch.setattr(calls, "EACH", 100.0)
    system.records("probe.thing").create({"name": "each change has its time"})
    assert "took" not in caplog.text
    monkeypatch.setattr(calls, "EACH", 0.0)
    with caplog.at_level(logging.WARNING, "dealwright.hooks"):
        system.records("probe.thing").create({"name": "any"})
    assert "hook validate_changes of plugin 'slow' took 0.0 s" in caplog.text
    monkeypatch.setattr(calls, "SLOW", fair)
    admin = lifecycle.add_person(system, "Admin", "admin@other.example", ["admin"], None)
    api = Api(platform, create_app(platform).test_client(), tokens.issue(system, admin, "test")[1], tenant)
    (told,) = api.get("/api/v1/core/plugins/slow").json["slow"]
    assert (told["plugin"], told["hook"], told["times"], 0 < told["seconds"] < fair) == ("slow", "validate_changes", 1, True)
    assert told in api.get("/api/v1/core/health").json["slow"]
    ready = api.get("/health/ready").json
    assert (ready["slow"]["slow"], ready["failing"]) == (["validate_changes"], {})
    monkeypatch.setattr("core.cli.plugin.platform", lambda: platform)
    assert "slow took too long in validate_changes 1 times since yesterday, 0.0 s at most" in CliRunner().invoke(doctor).output
