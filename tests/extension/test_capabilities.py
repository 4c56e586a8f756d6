"""What a plugin touches beyond its own is declared, approved by each tenant, and refused where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from core.app import create_app
from core.audit import entries
from core.cli.plugin import plugin as plugin_commands
from core.cli.tenant import tenant as tenant_commands
from core.context import Work
from core.extension.consent import Approval, lacking
from core.extension.discover import State
from core.identity import tokens
from core.policy.bounds import Bounds
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.tenancy.tables import tenant_plugins
from core.testkit.fixtures import Api
from core.worker.drain import Drain
from sdk import Call, Capabilities, DeclarationError, Forbidden, Mail, Manifest, Record, Text, where
from sdk.context import id_of
from sdk.fields import Reference
from sdk.mail import MAIL_WRITTEN
from tests.extension.conftest import Installation
from tests.packages import Packages

type_install = Callable[..., Installation]
ACCOUNT = "customers.account"
SPY = """
import json
def look(ctx, request):
    rows = (ctx.as_system() if request.query["system"] else ctx).records("customers.account").find(where(name="Acme"))
    return {"data": [{word: str(row[word]) for word in request.query["words"].split(",")} for row in rows]}

from marshmallow import Schema, fields
class Words(Schema):
    words = fields.String(required=True)
    system = fields.Boolean(load_default=False)

HEARD = []
RUN = []

@hookimpl
def register_routes():
    return (Route(method="GET", path="/look", view=look, permission=SIGNED_IN, summary=_("Look"), query=Words, answer={"type": "object"}),)

@hookimpl
def validate_changes(ctx, batch):
    if batch.entity.startswith("customers."):
        HEARD.append((batch.entity, sorted(batch.changes[0].values)))
        if batch.entity == "customers.account" and batch.changes[0].after("address") == "Nowhere":
            batch.changes[0].forbid("nowhere", _("nobody lives there"))
        if batch.entity == "customers.account" and batch.changes[0].after("address") == "Far away":
            batch.changes[0].warn("far", _("that is far away"))
        if batch.entity == "customers.account" and batch.changes[0].after("address") == "Beside":
            batch.also_create("customers.contact", batch.changes[0], {"name": "Mine"})
        if batch.entity == "customers.account" and batch.changes[0].after("address") == "At last":
            batch.at_last(lambda made: made[0].values.update(phone="1"))
"""
MAY = ', capabilities=Capabilities(data=("customers.account.read:name,address",){more})'
JOB = """
def peep(ctx, arguments):
    RUN.append(ctx.as_system().records("customers.account").find((), 5)[0]["phone"])

@hookimpl
def register_jobs():
    return (Job("peep", peep),)
"""


def house(installed: Installation) -> tuple[Work, Api]:
    """A tenant with an account, and its administrator."""
    tenant = lifecycle.create(installed.platform, NewTenant("acme", shown=True))
    work = installed.platform.system(tenant.id)
    work.records(ACCOUNT).create({"name": "Acme", "address": "Main Road 1", "phone": "13800138000"})
    admin = lifecycle.add_person(work, "Admin", "admin@acme.example", ["admin"], None)
    flask = create_app(installed.platform).test_client()
    return work, Api(installed.platform, flask, tokens.issue(work, admin, "test")[1], tenant)


@pytest.mark.feature("B7")
@pytest.mark.feature("P29")
def test_a_plugin_that_declares_the_address_is_refused_the_telephone_number(install: type_install, packages: Packages) -> None:
    _work, api = house(install(packages.plugin("spy", SPY, more=MAY.format(more=""))))
    look = "/api/v1/spy/look"
    for system in ("false", "true"):
        answer = api.get(look, {"words": "name,address", "system": system})
        assert (answer.status_code, answer.json["data"][0]["address"]) == (200, "Main Road 1"), answer.text
        refused = api.get(look, {"words": "name,phone", "system": system})
        assert (refused.status_code, refused.json["code"]) == (403, "capability_missing")
        assert "customers.account.read:phone" in refused.json["detail"]
    assert api.get("/api/v1/customers/accounts").json["data"][0]["phone"] == "13800138000", "people are not narrowed by a plugin"


DOORS: dict[str, Callable[[Any], object]] = {
    "read:phone": lambda ctx: ctx.as_system().records(ACCOUNT).find(where(phone="13800138000")),
    "account.read:phone": lambda ctx: ctx.records(ACCOUNT).aggregate(["count"], ["phone"]),
    "account.create": lambda ctx: ctx.records(ACCOUNT).create({"name": "Mine"}),
    "account.delete": lambda ctx: ctx.as_system().records(ACCOUNT).delete(id_of(ctx.records(ACCOUNT).find(())[0])),
    "customers.account.read:phone": lambda ctx: ctx.records(ACCOUNT).find(())[0].get("phone"),
    "contact.read": lambda ctx: ctx.as_system().records("customers.contact").find(()),
    "core.user.read": lambda ctx: ctx.records("core.user").values([]),
    "customers.contact.read": lambda ctx: ctx.past("customers.contact", ctx.now()),
    "'customers.contact.read'": lambda ctx: ctx.past(ACCOUNT, ctx.now(), ["customers.contact.created"]),
    "'mail'": lambda ctx: ctx.past(ACCOUNT, ctx.now(), [MAIL_WRITTEN]),
    "elsewhere.example": lambda ctx: ctx.call(Call("https://elsewhere.example/", b"")),
    "mail": lambda ctx: ctx.mail(Mail(("a@b.example",), "s", "t")),
    "files": lambda ctx: ctx.files,
    "probe.remember": lambda ctx: ctx.enqueue("probe.remember", {"text": "x"}),
}


@pytest.mark.feature("P29")
def test_every_door_asks_whose_code_it_is(install: type_install, packages: Packages) -> None:
    work, _api = house(install(packages.plugin("spy", SPY, more=MAY.format(more=', network=("api.example.com",)'))))
    for word, touch in DOORS.items():
        with pytest.raises(Forbidden, match="hasn’t declared") as refused:
            touch(work.of_plugin("spy"))
        assert word in str(refused.value)


@pytest.mark.feature("P29")
def test_no_plugin_has_the_keys_or_what_is_kept_of_the_platform_or_of_another(install: type_install, packages: Packages) -> None:
    work, _api = house(install(packages.plugin("spy", SPY)))
    spy, hook = work.of_plugin("spy"), "automation.webhook:1"
    assert spy.secret("stamp") == spy.secret("spy.stamp") == work.secret("spy.stamp"), "its own, however it is called"
    for purpose in (entries.PURPOSE, hook, "stamp"):
        assert spy.secret(purpose) != work.secret(purpose), purpose
    assert work.of_plugin("automation").secret(hook) == work.secret(hook)
    for name in ("core.settings.automation", "pipeline.process"):
        work.common(name, lambda: "not yours")
        assert spy.kept(name, lambda: "mine") == "mine"


@pytest.mark.feature("P29")
@pytest.mark.parametrize("act", ["erase", "merge", "unmerge", "hand_over"])
def test_no_plugin_writes_in_the_name_of_an_act_of_the_platform(install: type_install, packages: Packages, act: str) -> None:
    may = ', capabilities=Capabilities(data=("customers.account.read:name", "customers.account.update:name"))'
    work, _api = house(install(packages.plugin("spy", more=may)))
    (account,) = work.records(ACCOUNT).find(())
    accounts = work.of_plugin("spy").records(ACCOUNT)
    accounts.update(id_of(account), {"name": "By itself"}, act="visit")
    with pytest.raises(Forbidden, match=f"act {act}"):
        accounts.update(id_of(account), {"name": "In disguise"}, act=act)


MEDDLER = """
class Row(Record):
    __tablename__ = "meddler_rows"
    name = f.text(_("Name"), required=True)

@hookimpl
def register_entities():
    return (Entity(Row, "row", "rows", _("Row"), _("Rows")),)

@hookimpl
def prepare_changes(ctx, batch):
    for change in batch.standing():
        batch.also_create("core.user", change, {"name": "Mole", "roles": ["admin"]})

@hookimpl
def validate_changes(ctx, batch):
    for change in batch.changes if batch.entity == "customers.account" else ():
        if change.after("name") == "Mine now":
            change.values["phone"] = "1"
"""


@pytest.mark.feature("P29")
def test_a_hook_writes_no_further_than_its_plugin_may(install: type_install, packages: Packages, forget_tables: None) -> None:
    """Neither by rows beside its own, which the platform writes, nor into what it is only asked to check."""
    may = ', capabilities=Capabilities(data=("customers.account.read:*",))'
    installed = install(packages.plugin("meddler", MEDDLER, more=may), check_schema=False)
    with installed.platform.database.begin_as_owner() as connection:
        Record.metadata.tables["meddler_rows"].create(connection)
    work, api = house(installed)
    refused = api.post("/api/v1/meddler/rows", {"name": "x"})
    assert (refused.status_code, refused.json["code"]) == (403, "capability_missing"), refused.text
    assert work.records("core.user").find(where(name="Mole")) == []
    refused = api.post("/api/v1/customers/accounts", {"name": "Mine now"})
    assert (refused.status_code, refused.json["code"]) == (503, "plugin_failed")
    assert api.post("/api/v1/customers/accounts", {"name": "Its own"}).status_code == 201


EAR = """
from sdk.events import Watch
HEARD = []

@hookimpl
def register_watches():
    hear = lambda ctx, events: HEARD.extend(event.name for event in events)
    return (Watch("ear", lambda ctx, event, changed: frozenset(), hear, hear),)
"""


@pytest.mark.feature("P29")
@pytest.mark.parametrize("may", ["", ", capabilities=Capabilities(mail=True)"])
def test_letters_are_heard_by_who_has_declared_mail(
    install: type_install, packages: Packages, monkeypatch: pytest.MonkeyPatch, may: str
) -> None:
    installed = install(packages.plugin("spy", EAR, more=may))
    work, _api = house(installed)
    (account,) = work.records(ACCOUNT).find(())
    spy, letter = installed.found("spy").module, Mail(("a@b.example",), "s", "private", about=Reference(ACCOUNT, id_of(account)))
    assert spy is not None
    with work.transaction(write=True):
        work.mail(letter)
    Drain(installed.platform).run_until_empty()
    assert spy.HEARD.count(MAIL_WRITTEN) == bool(may)
    with work.transaction(write=True):
        work.mail(letter)
    monkeypatch.setitem(installed.platform.bounds, "spy", Bounds("spy", Capabilities()))  # it declares so no more, and one waits
    Drain(installed.platform).run_until_empty()
    assert spy.HEARD.count(MAIL_WRITTEN) == bool(may), "asked again when it is delivered"


@pytest.mark.feature("P1", "P29")
def test_of_an_entity_of_the_tenants_own_nobody_hears_who_has_not_declared_it(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("spy", EAR))
    work, api = house(installed)
    assert api.post("/api/v1/core/custom_entities", {"key": "project", "label": "P", "plural_label": "Ps"}).status_code == 201
    assert api.post("/api/v1/custom/projects", {"name": "secret"}).status_code == 201
    Drain(installed.platform).run_until_empty()
    assert "custom.project.created" not in installed.found("spy").module.HEARD
    with pytest.raises(Forbidden):
        work.of_plugin("spy").records("custom.project").find(())


def test_its_own_and_the_fields_that_it_adds_are_free_and_nothing_else_is_without_a_declaration(install: type_install) -> None:
    platform = install().platform
    tenant = lifecycle.create(platform, NewTenant("acme", shown=True))
    probe = platform.system(tenant.id).of_plugin("probe")
    thing = probe.records("probe.thing").create({"name": "a", "phone": "1380013"})
    assert probe.records("probe.thing").find(where(phone="1380013"))[0]["id"] == thing["id"]
    part = probe.records("probe.part").create({"thing": thing["id"], "name": "p"})
    assert probe.records("probe.part").values([UUID(str(part["id"]))])
    with pytest.raises(Forbidden):
        probe.records("customers.contact").find(())
    assert not probe.can("customers.contact.read")
    assert probe.freely().can("customers.contact.read")


@pytest.mark.feature("P29")
def test_hooks_and_jobs_see_what_is_declared(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("spy", SPY + JOB, more=MAY.format(more=', jobs=("peep",)')))
    work, api = house(installed)
    spy = installed.found("spy").module
    assert spy is not None
    assert spy.HEARD == [(ACCOUNT, ["address", "name"])], "neither the telephone number nor other entities"
    refused = api.post("/api/v1/customers/accounts", {"name": "Lost", "address": "Nowhere", "phone": "13900139000"})
    assert (refused.status_code, refused.json["code"]) == (409, "nowhere"), "a veto holds, whatever it saw"
    warned = api.post("/api/v1/customers/accounts", {"name": "Off", "address": "Far away", "phone": "13900139001"})
    assert [one["code"] for one in warned.json["warnings"]] == ["far"]
    for address in ("At last", "Beside"):
        filled = api.post("/api/v1/customers/accounts", {"name": "Late", "address": address, "phone": "13900139002"})
        assert (filled.status_code, filled.json["code"]) == (503, "plugin_failed"), "who checks does not write behind the checks"
    api.post("/api/v1/customers/contacts", {"name": "Li Lei"})
    assert {entity for entity, _names in spy.HEARD} == {ACCOUNT}
    work.of_plugin("spy").enqueue("spy.peep", {})
    Drain(installed.platform).run_until_empty()
    (job,) = api.get("/api/v1/core/jobs", {"name": "spy.peep"}).json["data"]
    assert spy.RUN == []
    assert "customers.account.read:phone" in job["error"]


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        ("@hookimpl\ndef register_jobs():\n    return (Job('tick', print),)", "Capabilities(jobs=('tick', ...))"),
        (
            "@hookimpl\ndef register_subscriptions():\n    return (Subscription('customers.account.created', 'hear', print),)",
            "account.read:id",
        ),
        ("@hookimpl\ndef register_subscriptions():\n    return (Subscription('core.mail.written', 'hear', print),)", "mail=True"),
    ],
)
def test_what_runs_by_itself_or_hears_of_others_is_declared_or_out_of_force(
    install: type_install, packages: Packages, body: str, cure: str
) -> None:
    installed = install(packages.plugin("quiet", body))
    assert installed.found("quiet").state is State.FAILED
    assert cure in installed.found("quiet").reason


@pytest.mark.feature("P29")
def test_an_update_that_asks_for_more_is_held_until_it_is_approved(
    install: type_install, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = install(packages.plugin("spy", SPY + JOB, more=MAY.format(more=', jobs=("peep",)')))
    work, api = house(installed)
    work.of_plugin("spy").enqueue("spy.peep", {})

    def row(name: str = "spy") -> dict[str, Any]:
        return next(one for one in api.get("/api/v1/core/plugins").json["data"] if one["name"] == name)

    assert (row()["state"], row()["enabled"], row()["asks"]) == ("loaded", True, [])
    assert row()["approved"]["capabilities"] == row()["capabilities"] == ["data customers.account.read:name,address", "jobs peep"]
    assert row()["approved"]["by"] == "system"
    assert api.get("/api/v1/spy/look", {"words": "name"}).status_code == 200
    wider = ', capabilities=Capabilities(data=("customers.account.read:name,phone",), network=("api.example.com",), jobs=("peep",))'
    del sys.modules["made_up_spy.plugin"], sys.modules["made_up_spy"]
    with Packages(packages._folder / "newer") as newer:
        updated = install(newer.plugin("spy", SPY + JOB, more=wider))
        ran = updated.found("spy").module.RUN  # type: ignore[union-attr]
        other = Api(updated.platform, create_app(updated.platform).test_client(), api.token, api.tenant)
        asks = ["data customers.account.read:phone", "network api.example.com"]
        api = other
        assert (row()["state"], row()["enabled"], row()["asks"]) == ("held", False, asks)
        assert api.get("/api/v1/spy/look", {"words": "name"}).status_code == 404
        assert api.get("/health/ready").json["held"] == ["spy"]
        monkeypatch.setattr("core.cli.plugin.platform", lambda: updated.platform)
        told = CliRunner().invoke(plugin_commands, ["doctor"])
        assert told.exit_code == 1
        assert "spy is held for acme" in told.output
        Drain(updated.platform).run_until_empty()
        assert [job["state"] for job in api.get("/api/v1/core/jobs", {"name": "spy.peep"}).json["data"]] == ["waiting"], "no attempt"
        switch = "/api/v1/core/plugins/spy"
        for wish in ({"enabled": True}, {"enabled": True, "approves": asks[:1]}):
            refused = api.patch(switch, wish)
            assert (refused.status_code, refused.json["code"]) == (409, "plugin_held")
            assert "network api.example.com" in refused.json["detail"]
        strange = ["network api.example.org", "data customers.account.read:*", "dance", "data  customers.account.read:phone"]
        for words, code in [([*asks, word], "not_requested") for word in strange] + [([*asks, ""], "not_requested")]:
            refused = api.patch(switch, {"enabled": True, "approves": words})
            assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, code), words
            assert row()["state"] == "held", "nothing is approved by the way"
        refused = api.patch(switch, {"enabled": False, "approves": asks})
        assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "not_turned_on")
        for _again in range(2):  # what is approved already may be named once more
            assert api.patch(switch, {"enabled": True, "approves": asks}).status_code == 200
        assert api.patch(switch, {"enabled": True, "approves": ["mail"]}).status_code == 422
        assert (row()["state"], row()["enabled"], row()["asks"], row()["approved"]["by"]) == ("loaded", True, [], "Admin")
        assert api.get("/api/v1/spy/look", {"words": "name,phone"}).json["data"] == [{"name": "Acme", "phone": "13800138000"}]
        assert api.get("/health/ready").json["held"] == []
        later = updated.platform.clock() + timedelta(minutes=6)
        updated.platform.clock = lambda: later
        Drain(updated.platform).run_until_empty()
        assert ran == ["13800138000"]
        entry = api.get("/api/v1/core/audit", {"entity": "core.plugin", "sort": "-at"}).json["data"][0]
        assert "network api.example.com" in entry["changes"]["approved"][1]
        api.patch(switch, {"enabled": False})
        assert api.patch(switch, {"enabled": True}).status_code == 200, "what was approved once need not be named again"


@pytest.mark.feature("P29")
def test_in_a_new_company_what_a_stranger_asks_for_is_seen_by_somebody_first(
    install: type_install, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = install(packages.plugin("spy", SPY, more=MAY.format(more=", mail=True"))).platform
    platform.gate.ours = frozenset(platform.gate.manifests) - {"spy"}
    monkeypatch.setattr("core.cli.tenant.platform", lambda: platform)
    monkeypatch.setattr("core.cli.plugin.platform", lambda: platform)
    asks = ["data customers.account.read:name,address", "mail"]
    make = ["create", "acme", "--admin", "me@acme.example"]
    told = CliRunner().invoke(tenant_commands, make)
    assert told.exit_code == 0, told.output
    assert f"spy asks for: {'; '.join(asks)}" in told.output
    assert "dealwright plugin approve spy --tenant acme" in told.output
    assert {"customers", "probe"} <= platform.system("acme").enabled, "what comes with the platform serves at once"
    assert "spy" not in platform.system("acme").enabled
    assert CliRunner().invoke(tenant_commands, [*make[:1], "brisk", *make[2:], "--yes"]).exit_code == 0
    assert "spy" in platform.system("brisk").enabled
    tenant = lifecycle.create(platform, NewTenant("calm", plugins=["customers"]))
    admin = lifecycle.add_person(platform.system(tenant.id), "Admin", "admin@calm.example", ["admin"], None)
    api = Api(platform, create_app(platform).test_client(), tokens.issue(platform.system(tenant.id), admin, "test")[1], tenant)
    switch = "/api/v1/core/plugins/spy"
    refused = api.patch(switch, {"enabled": True})
    assert (refused.status_code, refused.json["code"]) == (409, "plugin_held"), "also when it is first switched on"
    assert "mail" in refused.json["detail"]
    assert api.patch(switch, {"enabled": True, "approves": asks}).status_code == 200
    assert api.patch("/api/v1/core/plugins/probe", {"enabled": True}).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "approved", "lacks"),
    [
        (["data a.b.read:x,y"], ["data a.b.read:x"], ["data a.b.read:y"]),
        (["data a.b.read:x"], ["data a.b:*"], []),
        (["data a.b.read:*"], ["data a.b.read:x,y"], ["data a.b.read:*"]),
        (["data a.b:x"], ["data a.b.read:x"], ["data a.b:x"]),
        (["data a.b.delete"], ["data a.b.read:*"], ["data a.b.delete"]),
        (["data a.b.delete"], ["data a.b:x"], []),
        (["data *.read:*"], ["data a.b:*"], ["data *.read:*"]),
        (["data a.b.read:id,version"], ["data *.read:x"], []),
        (["network h.example"], ["network any"], []),
        (["network any"], ["network h.example"], ["network any"]),
        (["mail", "files", "jobs j"], ["mail"], ["files", "jobs j"]),
        (["api core", "api reports"], ["api core"], ["api reports"]),
        (["api core"], ["api *"], []),
        (["api *"], ["api core"], ["api *"]),
    ],
)
def test_more_is_what_is_not_covered(wanted: list[str], approved: list[str], lacks: list[str]) -> None:
    assert lacking(wanted, approved) == lacks


@pytest.mark.feature("P5")
def test_a_declaration_names_fields_and_every_mistake_in_it_with_those_of_the_manifest() -> None:
    may = Capabilities(data=("customers.account", "a.b.read", "Wrong"), network=("https://x.example",), jobs=("a.b.c",))
    with pytest.raises(DeclarationError) as mistakes:
        Manifest("visits", "one", Text("T"), Text("S"), capabilities=may)
    text = str(mistakes.value)
    assert all(
        word in text for word in ("'customers.account:name'", "'a.b.read:*'", "'Wrong'", "https://x.example", "a.b.c", "version 'one'")
    )
    fine = Capabilities(
        data=("*.read:*", "*:*", "a.b.delete", "a.b.export", "a.b:x,loyalty.points"), network=("any", "x.example"), mail=True
    )
    assert list(fine.words())[-1] == "mail"


def test_what_was_on_before_there_were_approvals_is_approved_once_by_the_upgrade(install: type_install, packages: Packages) -> None:
    installed = install(packages.plugin("spy", SPY, more=MAY.format(more="")))
    work, _api = house(installed)

    gate = installed.platform.gate
    with installed.platform.database.begin(write=True, tenant=None) as connection:
        connection.execute(tenant_plugins.update().values(approved=None))
        assert "spy" in gate.held_for(connection)
        gate.adopt(connection, Approval("dealwright db upgrade", None, work.now()))
        assert gate.held_for(connection) == {}
