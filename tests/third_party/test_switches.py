"""Both plugins with another tenant looking, switched off, gone, and on again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.third_party.conftest import World
from tests.third_party.installation import Caller

ACCOUNTS, VISITS, REDEMPTIONS = "customers/accounts", "visits/visits", "loyalty/redemptions"
WITHOUT_LOYALTY = {"DEALWRIGHT_PLUGINS": "customers,import_export,reports,visits"}


@pytest.mark.feature("P9")
def test_a_tenant_without_the_plugins_has_neither_their_routes_nor_their_fields(world: World) -> None:
    world.acme.create(ACCOUNTS, name="Elsewhere", **{"loyalty.points": 8})
    there = world.plain.create(ACCOUNTS, name="Plain Ltd")
    assert {name.partition(".")[0] for name in there if "." in name} <= {"customers"}  # what customers adds to its own
    without_loyalty(world.plain, there["id"])
    assert world.plain.get(VISITS).status == 404
    assert world.plain.call("POST", VISITS, {}).status == 404
    assert world.plain.get(ACCOUNTS, **{"visits.last_visit[empty]": "true"}).status == 400
    assert "visits" not in json.dumps(world.plain.openapi())
    assert [row["name"] for row in world.plain.find(ACCOUNTS)] == ["Plain Ltd"]  # acme's are invisible
    assert world.house.run("report", "visits.visit", "--tenant", "plain", "--measure", "count").code == 2


def without_loyalty(caller: Caller, account: str) -> None:
    """Nothing of the plugin is to be seen, in any way."""
    assert caller.get(REDEMPTIONS).status == 404
    assert not [name for name in caller.get(f"{ACCOUNTS}/{account}").json if name.startswith("loyalty.")]
    for query in ({"loyalty.points": "1"}, {"sort": "-loyalty.points"}, {"fields": "name,loyalty.points"}, {"loyalty.redemptions": "0"}):
        refused = caller.get(ACCOUNTS, **query)
        assert (refused.status, refused.json["code"]) == (400, "unknown_field")
    unknown = caller.change(f"{ACCOUNTS}/{account}", {"loyalty.points": 1})
    assert (unknown.status, unknown.json["errors"][0]["code"]) == (422, "unknown_field")
    assert "loyalty" not in json.dumps(caller.openapi())
    assert "loyalty" not in json.dumps(caller.get("meta").json)


def test_the_records_of_another_tenant_are_out_of_reach(world: World) -> None:
    where = world.acme.create(ACCOUNTS, name="Behind the wall")["id"]
    visit = world.acme.create(VISITS, account=where, purpose="Talk", visited_on="2026-01-02")["id"]
    with switched_on(world.plain, "visits", "loyalty"):
        assert world.plain.get(f"{VISITS}/{visit}").status == 404
        assert world.plain.change(f"{VISITS}/{visit}", {"purpose": "Mine"}).status == 404
        stolen = world.plain.call("POST", VISITS, {"account": where, "purpose": "Talk", "visited_on": "2026-01-02"})
        assert (stolen.status, stolen.json["errors"][0]["code"]) == (422, "no_such_record")
        assert world.plain.find(VISITS) == []
        own = world.plain.create(ACCOUNTS, name="Own side", **{"loyalty.points": 3})["id"]
        world.plain.create(REDEMPTIONS, account=own, reward="Pen", points=1)
        assert [row["id"] for row in world.plain.find(ACCOUNTS, {"loyalty.redemptions": "1"})] == [own]


@contextmanager
def switched_on(caller: Caller, *plugins: str) -> Iterator[None]:
    for plugin in plugins:
        caller.switch(plugin, True)
    try:
        yield
    finally:
        for plugin in reversed(plugins):
            caller.switch(plugin, False)


@pytest.mark.feature("P9")
def test_switched_off_it_is_gone_and_on_again_its_data_are_intact(world: World) -> None:
    acme = world.acme
    account = acme.create(ACCOUNTS, name="Patient", **{"loyalty.points": 21, "loyalty.level": "gold"})
    one = f"{ACCOUNTS}/{account['id']}"
    redeemed = acme.create(REDEMPTIONS, account=account["id"], reward="Umbrella", points=4)
    world.house.do("plugin", "disable", "loyalty", "--tenant", "acme")
    try:
        without_loyalty(acme, account["id"])
        assert "visits.last_visit" in acme.get(one).json  # the other plugin's field stays
        assert acme.change(one, {"city": "Hull"}).json["version"] == 2
        refused = acme.call("PATCH", "core/plugins/customers", {"enabled": False})
        assert (refused.status, refused.json["code"]) == (409, "plugin_required")
    finally:
        world.house.do("plugin", "enable", "loyalty", "--tenant", "acme")
    shown = acme.get(one).json
    assert (shown["loyalty.points"], shown["loyalty.level"], shown["loyalty.redemptions"], shown["city"]) == (21, "gold", 1, "Hull")
    assert acme.get(f"{REDEMPTIONS}/{redeemed['id']}").json["version"] == 1


@pytest.mark.feature("P9")
def test_over_the_api_a_plugin_is_switched_with_respect_for_its_partners(world: World) -> None:
    acme = world.acme
    refused = acme.call("PATCH", "core/plugins/visits", {"enabled": False})
    assert (refused.status, refused.json["code"]) == (409, "plugin_required")  # loyalty needs it
    visit = acme.create(VISITS, account=acme.create(ACCOUNTS, name="Switched")["id"], purpose="Wait", visited_on="2026-01-03")
    acme.switch("loyalty", False)
    try:
        assert "loyalty.points_redeemed" not in acme.get(f"{VISITS}/{visit['id']}").json
        acme.switch("visits", False)
        try:
            assert acme.get(f"{VISITS}/{visit['id']}").status == 404
            assert acme.call("PATCH", "core/plugins/loyalty", {"enabled": True}).json["code"] == "plugin_requires"
        finally:
            acme.switch("visits", True)
    finally:
        acme.switch("loyalty", True)
    assert acme.get(f"{VISITS}/{visit['id']}").json["purpose"] == "Wait"
    states = {row["name"]: (row["state"], row["enabled"]) for row in acme.get("core/plugins").json["data"]}
    assert states["visits"] == states["loyalty"] == ("loaded", True)


@pytest.mark.feature("P3")
def test_without_the_package_only_its_fields_leave(world: World) -> None:
    """Its tables stay, and neither the other plugin's fields nor the accounts take harm."""
    world.acme.create(ACCOUNTS, name="Left behind", **{"loyalty.points": 6})
    world.acme.create(VISITS, account="Left behind", purpose="Stay", visited_on="2026-08-01")
    words = ("report", "customers.account", "--tenant", "acme", "--measure", "count", "--where", "name=Left behind", "--json")
    kept = world.house.do(*words, "--where", "visits.last_visit=2026-08-01", **WITHOUT_LOYALTY)
    assert json.loads(kept)["data"] == [{"count": 1}]
    gone = world.house.run(*words, "--where", "loyalty.points=6", **WITHOUT_LOYALTY)
    assert gone.code == 2
    assert "has no field 'loyalty.points'" in gone.err
    assert [row["name"] for row in world.acme.find(ACCOUNTS, {"loyalty.points": "6"})] == ["Left behind"]  # where it is, all is there


def test_a_purged_tenant_leaves_no_row_in_the_tables_of_a_package_that_is_gone(world: World) -> None:
    leaver = Caller(world.acme.port, world.house.furnish("leaver"))
    leaver.create(ACCOUNTS, name="Forgotten", **{"loyalty.points": 6})
    told = world.house.do("tenant", "purge", "leaver", "--yes", "leaver", **WITHOUT_LOYALTY).splitlines()
    assert {"loyalty_memberships: 1", "customers_accounts: 1", "core_tenants: 1"} <= set(told)


@pytest.mark.feature("P4")
def test_plugin_show_lists_everything_that_the_plugin_put_anywhere(world: World) -> None:
    shown = json.loads(world.house.do("plugin", "show", "loyalty", "--json"))
    assert shown["state"] == "loaded"
    assert shown["entities"] == ["loyalty.redemption"]
    assert {"customers.account.loyalty.points", "customers.account.loyalty.redemptions", "visits.visit.loyalty.points_redeemed"} <= set(
        shown["fields"]
    )
    assert "loyalty.redemption.read" in shown["permissions"]
    everything = {name for kind, names in shown.items() if isinstance(names, list) for name in names}
    assert all("loyalty" in name for name in everything)
