"""What begins a rule: one test for each kind of trigger, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Draft
from sdk.context import id_of
from tests.automation.conftest import Rules, entry
from tests.plugins.process import Process

type_left = Callable[[], list[str]]


@pytest.mark.feature("I17")
def test_created_begins_once_with_all_fields(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    rules("customers.account", "created", entry("{{ name }} {{ city }} {{ tier }}"))
    id = id_of(work.records("customers.account").create({"name": "Alder", "city": "Xi'an"}))
    work.records("customers.account").update(id, {"city": "Wuhan"})
    engine.run_until_idle()
    (text,) = left()
    assert text.startswith("Alder Wuhan"), "the record as it is when the rule runs"
    (run,) = rules.runs()
    assert (run["state"], run["about"].id, run["event"]) == ("done", id, "customers.account.created")
    assert {"name", "city", "tier"} <= set(run["moment"]["changed"])
    (step,) = rules.steps()
    assert step["went_in"] == {"text": text}
    assert set(step["came_out"]) == {"id"}


@pytest.mark.feature("I1")
def test_updated_begins_when_one_of_the_named_fields_has_changed(
    work: Work, rules: Rules, engine: Engine, left: type_left, account: UUID
) -> None:
    rules("customers.account", "updated", entry("city {{ city }}"), parameters={"fields": ["city", "phone"]})
    rules("customers.account", "updated", entry("any"), parameters={})
    accounts = work.records("customers.account")
    accounts.update(account, {"city": "Wuhan"})
    engine.run_until_idle()
    accounts.update(account, {"website": "https://alder.example"})
    accounts.update(account, {"website": "https://alder.example"})
    engine.run_until_idle()
    assert sorted(left()) == ["any", "any", "city Wuhan"]


@pytest.mark.feature("I1")
def test_deleted_and_restored_begin_a_rule(work: Work, rules: Rules, engine: Engine, left: type_left, account: UUID) -> None:
    gone, back = (
        rules("customers.account", "deleted", entry("{{ name }} in {{ city }} {{ owner.name }} is gone")),
        rules("customers.account", "restored", entry("{{ name }} is back")),
    )
    work.records("customers.account").delete(account)
    engine.run_until_idle()
    assert " ".join(left()[0].split()) == "Alder in is gone"
    work.records("customers.account").restore(account)
    engine.run_until_idle()
    assert left()[1:] == ["Alder is back"]
    assert [run["rule"] for run in rules.runs()] == [gone, back]


@pytest.mark.feature("I1")
def test_an_event_of_any_plugin_begins_a_rule(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    rules("probe.thing", "event", entry("{{ name }}"), parameters={"event": "probe.thing.named"})
    work.records("probe.thing").create({"name": "quiet"})
    work.records("probe.thing").create({"name": "announce"})
    engine.run_until_idle()
    assert [text for text in left() if not text.startswith(("named", "announced"))] == ["announce"]


@pytest.mark.feature("I1")
def test_a_won_deal_begins_a_rule(work: Work, rules: Rules, engine: Engine, left: type_left, process: Process, account: UUID) -> None:
    rules("pipeline.deal", "event", entry("{{ name }} of {{ account.name }}"), parameters={"event": "pipeline.deal.won"})
    deal = id_of(work.records("pipeline.deal").create({"name": "Renewal", "account": account, "amount": {"amount": "5"}}))
    engine.run_until_idle()
    assert left() == []
    work.records("pipeline.deal").update(deal, {"stage": process.stages["won"], "close_date": "2026-06-01"})
    engine.run_until_idle()
    assert left() == ["Renewal of Alder"]


@pytest.mark.feature("I1")
def test_a_schedule_begins_at_local_times_for_the_records_that_it_is_about(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock
) -> None:
    given = {"at": "09:00", "weekdays": [1], "where": ["city=Wuhan"]}
    rules("customers.account", "schedule", entry("{{ name }}"), parameters=given)
    for name, city in (("a", "Wuhan"), ("b", "Xi'an")):
        work.records("customers.account").create({"name": name, "city": city})
    clock.now = datetime(2026, 6, 8, 0, 59, tzinfo=UTC)  # 08:59 of a Monday
    engine.run_until_idle()
    assert left() == []
    clock.move(minutes=1)
    engine.run_until_idle()
    assert left() == ["a"]
    engine.run_until_idle()
    clock.now = datetime(2026, 6, 23, 0, 0, tzinfo=UTC)  # two Mondays missed: one run, not two
    engine.run_until_idle()
    assert left() == ["a", "a"]
    clock.now = datetime(2026, 6, 29, 1, 0, tzinfo=UTC)
    engine.run_until_idle()
    assert left() == ["a", "a", "a"]


@pytest.mark.feature("E6")
def test_who_has_bought_for_a_million_becomes_a_key_account_by_night_and_the_audit_says_by_what(
    work: Work, rules: Rules, engine: Engine, clock: Clock, client: Api
) -> None:
    make = {"action": "automation.update_record", "parameters": {"values": {"tier": "key"}}}
    given = {"at": "02:00", "where": ["orders.lifetime_value[gte]=1000000 CNY", "tier[ne]=key"]}
    rules("customers.account", "schedule", make, name="LTV over 1m = 重要客户", parameters=given)
    bought = {}
    for name, prices, state in (
        ("large", (600_000, 400_000), "confirmed"),
        ("small", (999_999,), "confirmed"),
        ("wish", (2_000_000,), "draft"),
    ):
        bought[name] = account = id_of(work.records("customers.account").create({"name": name}))
        for price in prices:
            order = id_of(work.records("orders.order").create({"name": "x", "account": account, "currency": "CNY"}))
            line = {"order": order, "description": "x", "quantity": 1, "unit_price": {"amount": str(price), "currency": "CNY"}}
            work.records("orders.order_line").create(line)
            if state == "confirmed":
                work.records("orders.order").update(order, {"state": state})
    engine.run_until_idle()
    assert {row["tier"] for row in work.records("customers.account").find(())} == {"normal"}
    for _night in range(2):
        clock.move(days=1)
        engine.run_until_idle()
    tiers = {name: work.records("customers.account").values([id])[id]["tier"] for name, id in bought.items()}
    assert tiers == {"large": "key", "small": "normal", "wish": "normal"}
    found = client.get(f"/api/v1/customers/accounts/{bought['large']}/history").json["data"]
    changes = [(one["channel"], one["changes"]["tier"]) for one in found if one["action"] == "update" and "tier" in one["changes"]]
    assert changes == [("rule", ["normal", "key"])], "once, and by a rule"


@pytest.mark.feature("I1")
def test_a_schedule_every_so_many_minutes_keeps_its_grid(
    rules: Rules, engine: Engine, left: type_left, clock: Clock, account: UUID
) -> None:
    rules("customers.account", "schedule", entry("x"), parameters={"every_minutes": 30})
    for minutes, count in ((29, 0), (1, 1), (20, 1), (10, 2), (95, 3), (25, 4)):
        clock.move(minutes=minutes)
        engine.run_until_idle()
        assert len(left()) == count, minutes


@pytest.mark.feature("I1")
def test_by_hand_begins_for_the_records_that_one_may_see(
    rules: Rules, engine: Engine, left: type_left, work: Work, client: Api, people: People
) -> None:
    rule = rules("customers.account", "manual", entry("{{ name }}"), owner=people.manager)
    ids = [id_of(work.records("customers.account").create({"name": f"a{n}", "owner": people.reps[n][0]})) for n in range(2)]
    place, body = f"/api/v1/automation/rules/{rule}/runs", {"records": [str(id) for id in ids]}
    manager, rep = client.as_user(people.manager), client.as_user(people.rep)
    assert rep.post(place, body).status_code == 403
    made = manager.post(place, body)
    assert (made.status_code, len(made.json["runs"])) == (202, 1), made.text
    engine.run_until_idle()
    assert left() == ["a0"]
    assert client.as_user(people.managers[1]).post(place, body).status_code == 404, "the rule of another team"
    assert manager.post(place, {"records": []}).status_code == 422
    other = rules("customers.account", "created", entry("x"))
    assert client.post(f"/api/v1/automation/rules/{other}/runs", body).status_code == 409


@pytest.mark.feature("I1")
def test_a_message_from_outside_makes_a_record_or_begins_a_rule(
    work: Work, rules: Rules, engine: Engine, left: type_left, client: Api, account: UUID
) -> None:
    inlets = "/api/v1/automation/inlets"
    made = client.post(
        inlets, {"name": "web form", "entity": "customers.account", "mapping": {"name": "{{ company.name }}", "city": "at {{ city }}"}}
    )
    assert made.status_code == 201, made.text
    address = client.post(f"{inlets}/{made.json['id']}/address").json["address"]
    outside = client.anonymous()
    taken = outside.post(address, {"company": {"name": "华宸"}, "city": "Wuhan", "more": [1]})
    assert (taken.status_code, taken.json["taken"]) == (200, True), taken.text
    row = client.get(f"/api/v1/customers/accounts/{taken.json['id']}").json
    assert (row["name"], row["city"]) == ("华宸", "at Wuhan")
    assert outside.post(address, {"company": {}}).status_code == 422, "a name is required"
    assert outside.post(address, data="[1]", content_type="application/json").status_code in (400, 415)
    assert outside.post(address[:-1] + ("a" if address[-1] != "a" else "b"), {}).status_code == 404
    shown = client.get(f"{inlets}/{made.json['id']}").text + client.get(f"{inlets}/{made.json['id']}/history").text
    assert address.rpartition("/")[2] not in shown
    again = client.post(f"{inlets}/{made.json['id']}/address").json["address"]
    assert outside.post(address, {"company": {"name": "x"}}).status_code == 404, "the former address is void"
    assert client.patch(f"{inlets}/{made.json['id']}", {"active": False}).status_code == 200
    assert outside.post(again, {"company": {"name": "x"}}).status_code == 404
    rule = rules("customers.account", "inlet", entry("{{ name }}"))
    other = client.post(inlets, {"name": "signal", "rule": str(rule), "mapping": {"id": "{{ id }}"}})
    assert other.status_code == 201, other.text
    address = client.post(f"{inlets}/{other.json['id']}/address").json["address"]
    assert outside.post(address, {"id": str(account)}).json == {"taken": True, "id": None}
    assert outside.post(address, {"id": "x"}).status_code == 422
    engine.run_until_idle()
    assert left() == ["Alder"]


def test_a_flood_from_outside_is_refused(client: Api, monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    monkeypatch.setattr("plugins.automation.inlets.MOST", 2)
    made = client.post("/api/v1/automation/inlets", {"name": "x", "entity": "customers.account", "mapping": {"name": "{{ n }}"}}).json
    address = client.post(f"/api/v1/automation/inlets/{made['id']}/address").json["address"]
    assert [client.anonymous().post(address, {"n": f"n{n}"}).status_code for n in range(3)] == [200, 200, 429]


def test_rules_that_are_off_or_deleted_do_nothing(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    off, gone = rules("customers.account", "created", entry("off")), rules("customers.account", "created", entry("gone"))
    late = rules("customers.account", "created", entry("late"))
    work.records("automation.rule").update(off, {"active": False})
    work.records("automation.rule").delete(gone)
    work.records("customers.account").create({"name": "x"})
    work.records("automation.rule").update(late, {"active": False})
    engine.run_until_idle()
    assert left() == []
    work.records("automation.rule").update(off, {"active": True})
    work.records("customers.account").create({"name": "y"})
    engine.run_until_idle()
    assert left() == ["off"]


def test_an_import_of_many_begins_a_rule_once_for_each(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    rules(
        "customers.account",
        "created",
        entry("{{ name }}"),
        conditions=[{"kind": "automation.filter", "parameters": {"where": ["city=Wuhan"]}}],
    )
    drafts = [Draft("create", {"name": f"n{n}", "city": "Wuhan" if n % 20 == 0 else None}) for n in range(1_040)]
    work.records("customers.account").write(drafts)
    engine.run_until_idle()
    assert sorted(left()) == sorted(f"n{n}" for n in range(0, 1_040, 20))


def test_no_rule_is_heard_where_the_plugin_is_off_or_in_another_tenant(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left, make_tenant: MakeTenant, client: Api
) -> None:
    rule = rules("customers.account", "created", entry("x"))
    other = platform.system(make_tenant("other").id)
    other.records("customers.account").create({"name": "there"})
    assert other.records("automation.rule").find(()) == []
    engine.run_until_idle()
    assert left() == []
    lifecycle.switch(platform.system(work.tenant.id), "automation", False)
    platform.system(work.tenant.id).records("customers.account").create({"name": "here"})
    engine.run_until_idle()
    assert left() == []
    assert client.get(f"/api/v1/automation/rules/{rule}").status_code == 404
    lifecycle.switch(platform.system(work.tenant.id), "automation", True)
    platform.system(work.tenant.id).records("customers.account").create({"name": "again"})
    engine.run_until_idle()
    assert left() == ["x"]


def outbox(work: Work) -> list[Any]:
    import sqlalchemy as sa

    from core.events.tables import outbox as table

    with work.transaction():
        return list(work.connection.execute(sa.select(table).where(table.c.tenant_id == work.tenant.id, table.c.kind == "delivery")))


def test_a_write_that_no_rule_asks_for_leaves_nothing_to_deliver(work: Work, rules: Rules, account: UUID) -> None:
    rules("customers.account", "updated", entry("x"), parameters={"fields": ["city"]})
    work.records("customers.contact").create({"name": "Li", "account": account})
    work.records("customers.account").update(account, {"website": "https://alder.example"})
    assert [row.handler for row in outbox(work) if row.handler == "automation.rules"] == []
    work.records("customers.account").update(account, {"city": "Wuhan"})
    assert [row.handler for row in outbox(work) if row.handler == "automation.rules"] == ["automation.rules"]
