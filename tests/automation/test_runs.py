"""Exactly once, nothing half-written, in whose name, and what the log says."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

import tests.probe.plugin as probe
from core.context import Work
from core.events.tables import outbox
from core.platform import Platform
from core.policy.explain import explain
from core.tenancy import lifecycle
from core.testkit.engines import Engine, Scaled
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from core.worker.deliver import LEASE, MOST_DEPTH
from plugins.automation import running
from sdk import Channel, Draft, Refusal, Tenant, Trigger, where
from sdk.context import id_of
from tests.automation.conftest import Rules, entry
from tests.mail.conftest import MailServer, mail_server
from tests.plugins.process import Process

__all__ = ["mail_server"]
type_left = Callable[[], list[str]]
MAIL = {
    "action": "automation.send_mail",
    "parameters": {"to": "{{ name }}@customer.example", "subject": "Hello {{ name }}", "text": "You are in {{ city }}."},
}


def letters(work: Work) -> Counter[str]:
    """The letters that wait to be sent, or are held as no server is set up."""
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == "core.send_mail")
        return Counter(str(row.payload["recipient"]) for row in work.connection.execute(query))


@pytest.mark.feature("I3")
@pytest.mark.parametrize(("database_templates", "engine"), [("sqlite", "embedded"), ("postgresql", "scaled")], indirect=True)
def test_a_worker_that_is_killed_between_action_and_commit_sends_no_letter_twice_and_loses_none(
    platform: Platform,
    work: Work,
    rules: Rules,
    engine: Engine,
    clock: Clock,
    left: type_left,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each run is killed twice, after its actions and before its commit: 20 deaths on the drain, of which `DEALWRIGHT_TESTS=all` has 100; 10 on
    RQ, or 20."""
    whole = os.environ.get("DEALWRIGHT_TESTS") == "all"
    count = (10 if whole else 5) if isinstance(engine, Scaled) else 50 if whole else 10
    shots = tmp_path / "shots"
    shots.mkdir()

    def kill(text: str) -> None:
        shot = shots / text
        fired = len(shot.read_text()) if shot.exists() else 0
        if fired < 2:
            shot.write_text("x" * (fired + 1))
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(probe, "after_entry", kill)
    monkeypatch.setattr("plugins.automation.matching.PART", 1)
    rules("customers.account", "created", MAIL, entry("{{ name }}"))
    work.records("customers.account").write([Draft("create", {"name": f"n{n}", "city": "Wuhan"}) for n in range(count)])
    engine.run_apart()
    for _ in range(2 * count + 2):
        clock.move(seconds=LEASE.total_seconds())
        engine.run_apart()
        if len(left()) == count:
            break
    assert sum(len(shot.read_text()) for shot in shots.iterdir()) == 2 * count
    assert Counter(left()) == Counter({f"n{n}": 1 for n in range(count)})
    assert letters(work) == Counter({f"n{n}@customer.example": 1 for n in range(count)})
    assert Counter(run["state"] for run in rules.runs()) == {"done": count}


@pytest.mark.feature("I5")
def test_a_letter_reaches_a_real_server(
    platform: Platform, work: Work, rules: Rules, engine: Engine, people: People, account: UUID, mail_server: MailServer
) -> None:
    platform.config = replace(platform.config, mail_url=mail_server.url, mail_from="rules@acme.example")
    rules("customers.account", "updated", {"action": "automation.send_mail", "parameters": {
        "to": "office@customer.example", "owner": True, "subject": "{{ name }} has moved", "text": "To {{ city }}."}})  # fmt: skip
    work.records("customers.account").update(account, {"city": "武汉", "owner": people.rep})
    engine.run_until_idle()
    assert sorted(recipient for recipient, _letter in mail_server.messages) == ["office@customer.example", "rep00@acme.example"]
    assert {str(letter["Subject"]) for _recipient, letter in mail_server.messages} == {"Alder has moved"}
    assert all("To 武汉." in letter.get_content() for _recipient, letter in mail_server.messages)


@pytest.mark.feature("I5")
def test_records_are_changed_made_and_given_away(work: Work, rules: Rules, engine: Engine, people: People, account: UUID) -> None:
    rules(
        "customers.account", "updated",
        {"action": "automation.update_record", "parameters": {"values": {"website": "https://{{ city }}.example"}}},
        {"action": "automation.create_record", "parameters": {"entity": "customers.contact", "values": {"name": "Office {{ city }}", "account": "{{ id }}"}}},
        {"action": "automation.assign", "parameters": {"owner": "rep00"}},
        parameters={"fields": ["city"]},
    )  # fmt: skip
    work.records("customers.account").update(account, {"city": "wuhan"})
    engine.run_until_idle()
    (run,) = rules.runs()
    assert run["state"] == "done", run["error"]
    row = work.records("customers.account").values([account])[account]
    assert (row["website"], row["owner"]) == ("https://wuhan.example", people.rep)
    (contact,) = work.records("customers.contact").find(())
    assert (contact["name"], contact["account"]) == ("Office wuhan", account)
    assert [step["action"] for step in rules.steps()] == ["automation.update_record", "automation.create_record", "automation.assign"]


def test_what_a_rule_changes_is_audited_under_its_channel_in_the_name_of_its_owner(
    client: Api, work: Work, rules: Rules, engine: Engine, people: People, account: UUID
) -> None:
    work.records("customers.account").update(account, {"owner": people.rep})
    action = {"action": "automation.update_record", "parameters": {"values": {"website": "https://a.example"}}}
    rules("customers.account", "updated", action, parameters={"fields": ["city"]}, owner=people.manager)
    work.records("customers.account").update(account, {"city": "Wuhan"})
    engine.run_until_idle()
    entries = client.get(f"/api/v1/customers/accounts/{account}/history").json["data"]
    assert [(one["channel"], one["actor"]) for one in entries if "website" in one["changes"]] == [("rule", "manager0")]


@pytest.mark.feature("I16")
def test_a_rule_may_do_what_its_owner_may_and_no_more(work: Work, rules: Rules, engine: Engine, people: People, client: Api) -> None:
    theirs, others = (id_of(work.records("customers.account").create({"name": f"a{n}", "owner": people.reps[n][0]})) for n in range(2))
    action = {"action": "automation.update_record", "parameters": {"values": {"city": "Wuhan"}}}
    rules("customers.account", "updated", action, parameters={"fields": ["website"]}, owner=people.manager)
    for id in (theirs, others):
        work.records("customers.account").update(id, {"website": "https://a.example"})
    engine.run_until_idle()
    rows = work.records("customers.account").values([theirs, others])
    assert (rows[theirs]["city"], rows[others]["city"]) == ("Wuhan", None), "the manager does not see the other team's account"
    reps = rules("customers.account", "restored", action, owner=people.rep)
    elsewhere = id_of(work.records("customers.account").create({"name": "team", "owner": people.reps[0][1]}))
    work.records("customers.account").delete(elsewhere)
    work.records("customers.account").restore(elsewhere)
    engine.run_until_idle()
    (run,) = rules.runs(reps)
    assert run["state"] == "failed" and "permission" in run["error"], "a representative sees the team's accounts and changes the own ones"


@pytest.mark.feature("B8", "I16")
def test_nobody_lets_a_rule_or_a_webhook_act_with_rights_that_he_has_not_by_way_of_its_owner(
    client: Api, people: People, work: Work
) -> None:
    administrator = str(work.records("core.user").find(where(email="admin@acme.example"), 1)[0]["id"])
    work.records("core.user").update(UUID(administrator), {"team": people.teams[0]})  # so the manager reaches what belongs to him
    take_over = {"action": "automation.update_record", "parameters": {"values": {"roles": ["admin"]}}}
    manager, place = client.as_user(people.manager), "/api/v1/automation"
    bodies = {
        "rules": {"name": "x", "entity": "core.user", "trigger": "automation.manual", "actions": [take_over]},
        "webhooks": {"name": "x", "url": "https://spy.example/", "entity": "core.user"},
        "inlets": {"name": "x", "entity": "customers.account", "mapping": {"name": "{{ name }}"}},
    }
    for kind, body in bodies.items():
        made = manager.post(f"{place}/{kind}", {**body, "owner": administrator})
        assert (made.status_code, made.json["code"]) == (409, "beyond_own"), (kind, made.text)
        theirs = client.post(f"{place}/{kind}", body)
        assert theirs.status_code == 201, theirs.text
        there = f"{place}/{kind}/{theirs.json['id']}"
        assert manager.patch(there, {"name": "mine"}).json["code"] == "beyond_own", kind
        assert manager.patch(there, {"active": False}).status_code == 200, "who may write it may stop it"
        assert client.patch(there, {"active": True}).status_code == 200
    rule = client.get(f"{place}/rules").json["data"][0]["id"]
    draft = manager.post(f"{place}/rules/{rule}/drafts", {}).json["id"]
    assert manager.patch(f"{place}/rules/{draft}", {"name": "as the manager"}).status_code == 200
    assert manager.post(f"{place}/rules/{draft}/publications").json["code"] == "beyond_own", "nor by a draft of it"
    mine = manager.post(f"{place}/webhooks", {**bodies["webhooks"], "entity": "customers.account"})
    assert mine.status_code == 201, mine.text
    there = f"{place}/webhooks/{mine.json['id']}"
    assert manager.patch(there, {"owner": administrator}).json["code"] == "beyond_own"
    assert client.patch(there, {"name": "by who may do everything"}).status_code == 200
    narrow = client.as_user("admin@acme.example", allows=["automation.webhook", "core.owner.act_later"])
    assert narrow.patch(there, {"name": "narrow"}).json["code"] == "beyond_own"
    published = client.post(f"{place}/webhooks", {**bodies["webhooks"], "entity": "customers.account"}).json["id"]
    taken = manager.patch(f"{place}/webhooks/{published}", {"owner": str(people.manager), "url": "https://mine.example/"})
    assert (taken.status_code, taken.json["owner"]) == (200, str(people.manager)), "it acts for the manager from here on"


@pytest.mark.feature("B12")
def test_an_explanation_says_of_what_acts_for_its_owner_what_the_door_does(client: Api, people: People, work: Work) -> None:
    """Who may write it, who may take it over, and who may stop it are three questions."""
    users = work.records("core.user")
    administrator = id_of(users.find(where(email="admin@acme.example"), 1)[0])
    users.update(administrator, {"team": people.teams[0]})
    left = id_of(users.create({"name": "Left", "team": str(people.teams[0]), "roles": ["sales_rep"]}))
    bodies = {
        "rule": {"entity": "customers.account", "trigger": "automation.created", "actions": [entry("{{ name }}")]},
        "webhook": {"url": "https://hook.example/", "entity": "customers.account"},
        "inlet": {"entity": "customers.account", "mapping": {"name": "{{ name }}"}},
    }
    owners = (people.manager, people.rep, administrator, left, people.managers[1], None)
    made = {
        (kind, owner): id_of(work.records(f"automation.{kind}").create({"name": "x", "owner": owner and str(owner), **body}))
        for kind, body in bodies.items() for owner in owners
    }  # fmt: skip
    users.update(left, {"active": False})
    reasons = set()
    for reader in (people.manager, people.rep, administrator):
        ctx = client.platform.user(work.tenant.id, reader, Channel.API)
        for (kind, owner), id in made.items():
            for name, value in (("name", "y"), ("active", False), ("owner", str(reader))):
                said = explain(ctx, f"automation.{kind}.update", id, name)
                assert said.allowed == done(ctx, f"automation.{kind}", id, {name: value}), (kind, owner, name, said.reason)
                reasons.add((name, said.reason))
    theirs = {name for name, reason in reasons if reason == "acts_for_other"}
    assert theirs == {"name"}, "anybody who may write it may stop it, or let it act for himself"
    assert {name for name, reason in reasons if reason == "granted"} == {"name", "active", "owner"}


@pytest.mark.feature("I16")
def test_what_cannot_work_any_more_can_still_be_stopped(client: Api, people: People, work: Work) -> None:
    """Its plugin is off, its owner has left, or it runs as somebody who has more rights: to stop it takes none of that."""
    place, person = "/api/v1/automation", {"name": "Left", "team": str(people.teams[0]), "roles": ["sales_rep"]}
    left = id_of(work.records("core.user").create(person))
    bodies = {
        "rules": {"entity": "probe.thing", "trigger": "automation.created", "actions": [entry("{{ name }}")]},
        "webhooks": {"url": "https://hook.example/", "entity": "probe.thing"},
        "inlets": {"entity": "probe.thing", "mapping": {"name": "{{ name }}"}},
    }
    made = {kind: client.post(f"{place}/{kind}", {"name": kind, **body}).json["id"] for kind, body in bodies.items()}
    delegated = {**bodies["rules"], "name": "as the director", "entity": "customers.account", "runs_as": str(people.director)}
    theirs = client.post(f"{place}/rules", {**delegated, "owner": str(people.manager)}).json["id"]
    gone = {
        kind: client.post(f"{place}/{kind}", {"name": kind, **body, "entity": "customers.account", "owner": str(left)}).json["id"]
        for kind, body in bodies.items() if kind != "inlets"
    }  # fmt: skip
    assert client.patch("/api/v1/core/plugins/probe", {"enabled": False}).status_code == 200
    assert client.patch(f"/api/v1/core/users/{left}", {"active": False}).status_code == 200
    manager = client.as_user(people.manager)
    stopped = [(client, kind, id) for kind, id in made.items()] + [(manager, kind, id) for kind, id in gone.items()]
    for api, kind, id in (*stopped, (manager, "rules", theirs)):
        refused = api.patch(f"{place}/{kind}/{id}", {"active": False, "position": 7} if kind == "rules" else {"active": False, "name": "z"})
        assert refused.status_code in (409, 422), (kind, refused.text)
        answer = api.patch(f"{place}/{kind}/{id}", {"active": False})
        assert (answer.status_code, answer.json.get("active")) == (200, False), (kind, answer.text)
        assert api.patch(f"{place}/{kind}/{id}", {"active": True}).status_code == 422, kind


def done(ctx: Work, entity: str, id: UUID, values: dict[str, object]) -> bool:
    """Whether rights let the door write it, in a transaction that is taken back; that its owner has left is no want of a right."""
    try:
        with ctx.transaction(write=True):
            ctx.records(entity).update(id, values)
            raise Undone
    except Undone:
        return True
    except Refusal as refusal:
        return {problem.code for problem in refusal.problems} == {"unknown_user"}


class Undone(Exception):
    """Takes back what was tried."""


@pytest.mark.feature("B5", "B6")
def test_what_a_rule_and_a_webhook_have_seen_is_shown_to_whom_they_act_for(
    client: Api, people: People, work: Work, engine: Engine, account: UUID
) -> None:
    """Their owner may see more than who may read their logs."""
    secret, place = "13800138000", "/api/v1/automation"
    administrator = id_of(work.records("core.user").find(where(email="admin@acme.example"), 1)[0])
    work.records("core.user").update(administrator, {"team": people.teams[0]})
    (role,) = work.records("core.role").find(where(key="sales_manager"))
    values = {"role": id_of(role), "permission": "customers.account.read", "scope": "all", "only_fields": ["name", "website"]}
    work.records("core.grant").create(values)
    rule = {"name": "x", "entity": "customers.account", "trigger": "automation.updated", "actions": [entry("{{ city }}")]}
    hook = {"name": "x", "url": "https://hook.example/", "entity": "customers.account"}
    for body, kind in ((rule, "rules"), (hook, "webhooks")):
        made = client.post(f"{place}/{kind}", body)
        assert made.status_code == 201, made.text
        rule = made.json if kind == "rules" else rule
    client.patch(f"/api/v1/customers/accounts/{account}", {"city": secret})
    engine.run_until_idle()
    manager = client.as_user(people.manager)
    tried = {"record": str(account)}
    logs = ("rule", "run", "step", "webhook", "delivery")
    narrow = client.as_user("admin@acme.example", allows=[f"automation.{name}.read" for name in logs])
    for reader, sees in ((client, True), (manager, False), (narrow, False)):
        for kind in ("steps", "deliveries", "runs"):
            rows = reader.get(f"{place}/{kind}").json["data"]
            assert rows, (kind, "the log itself is read")
            assert (secret in str(rows)) == (sees and kind != "runs"), (kind, rows)
            for row in rows:
                assert secret not in reader.get(f"{place}/{kind}/{row['id']}/history").text or sees
    elsewhere = client.platform.user(work.tenant.id, people.manager, Channel.API).of_plugin("teamwork")
    assert secret not in str(elsewhere.records("automation.step").find(())), "nor where another plugin reads it for the manager"
    for reader, sees in ((client, True), (manager, False)):
        answer = reader.post(f"{place}/rules/{rule['id']}/trials", tried)
        assert (answer.status_code, secret in answer.text) == (200, sees), answer.text


@pytest.mark.feature("B5", "B6")
def test_a_rule_and_a_webhook_are_told_of_no_field_that_their_owner_does_not_see_on_that_record(
    work: Work, rules: Rules, engine: Engine, people: People
) -> None:
    """Own: all; team: the name and the city. Neither what was in another field, nor that it has changed."""
    (role,) = work.records("core.role").find(where(key="sales_manager"))
    for grant in ({"scope": "own"}, {"scope": "team", "only_fields": ["name", "city"]}):
        work.records("core.grant").create({"role": id_of(role), "permission": "customers.account.read", **grant})
    accounts, was, told = work.records("customers.account"), "https://was.example", entry("{{ name }}")
    mine, theirs = (
        id_of(accounts.create({"name": n, "owner": n_, "website": was})) for n, n_ in (("m", people.manager), ("t", people.rep))
    )
    changed = {"kind": "automation.changed", "parameters": {"field": "website", "was": was}}
    of_field = rules("customers.account", "updated", told, parameters={"fields": ["website"]}, owner=people.manager)
    by_condition = rules("customers.account", "updated", told, conditions=[changed], owner=people.manager)
    of_any, gone = (rules("customers.account", trigger, told, owner=people.manager) for trigger in ("updated", "deleted"))
    work.records("automation.webhook").create(
        {
            "name": "out",
            "url": "https://hook.example/",
            "entity": "customers.account",
            "owner": people.manager,
            "events": ["customers.account.updated"],
        }
    )
    engine.run_until_idle()
    for id in (mine, theirs):
        accounts.update(id, {"website": "https://new.example"})
    engine.run_until_idle()
    for rule in (of_field, by_condition, of_any):
        assert [run["subject"] for run in rules.runs(rule)] == [str(mine)], rule
    accounts.update(theirs, {"website": was, "city": "Wuhan"})
    engine.run_until_idle()
    for id in (mine, theirs):
        accounts.delete(id)
    engine.run_until_idle()
    (run,) = (run for run in rules.runs(of_any) if run["subject"] == str(theirs))
    assert run["moment"]["changed"] == ["city"]
    assert len(rules.runs(of_field)) == len(rules.runs(by_condition)) == 1
    before = {run["subject"]: run["moment"]["before"] for run in rules.runs(gone)}
    assert before.keys() == {str(mine), str(theirs)}
    assert was not in str(before[str(theirs)])
    said = [(row["subject"], row["payload"]["data"]["changed"]) for row in work.records("automation.delivery").find(())]
    assert said == [(str(mine), ["website"]), (str(theirs), ["city"])]


@pytest.mark.feature("I16")
def test_to_run_as_somebody_else_takes_a_right(
    client: Api, people: People, work: Work, rules: Rules, engine: Engine, left: type_left
) -> None:
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("{{ name }}")]}
    manager, rep, place = client.as_user(people.manager), client.as_user(people.rep), "/api/v1/automation/rules"
    assert rep.post(place, body).status_code == 403
    refused = manager.post(place, {**body, "runs_as": str(people.director)})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "runs_as")
    mine = manager.post(place, body)
    assert mine.status_code == 201, mine.text
    assert manager.patch(f"{place}/{mine.json['id']}", {"runs_as": str(people.director)}).status_code == 422
    service = client.post(place, {**body, "runs_as": str(people.director)})
    assert service.status_code == 201, service.text
    assert client.as_user(people.managers[1]).get(f"{place}/{mine.json['id']}").status_code == 404
    work.records("customers.account").create({"name": "far", "owner": people.reps[2][0]})
    engine.run_until_idle()
    assert left() == ["far"], "the director's alone"
    work.records("core.user").update(people.director, {"active": False})
    work.records("customers.account").create({"name": "later", "owner": people.reps[2][0]})
    engine.run_until_idle()
    assert left() == ["far"]
    last = rules.runs(UUID(service.json["id"]))[-1]
    assert last["state"] == "failed" and "is no longer active" in last["error"]


@pytest.mark.feature("D3")
def test_a_stage_that_asks_for_an_amount_asks_a_rule_too(
    work: Work, rules: Rules, engine: Engine, process: Process, left: type_left
) -> None:
    move = {"action": "automation.update_record", "parameters": {"values": {"stage": str(process.stages["proposal"])}}}
    rules("pipeline.deal", "updated", entry("before"), move, parameters={"fields": ["notes"]})
    deal = process.deal("deal")
    work.records("pipeline.deal").update(deal, {"notes": "go"})
    engine.run_until_idle()
    (run,) = rules.runs()
    assert run["state"] == "failed" and "amount" in run["error"]
    assert left() == [], "nothing of the run is left"
    assert [(step["state"], bool(step["error"])) for step in rules.steps()] == [("undone", False), ("failed", True)]


def test_why_a_run_failed_is_said_in_the_language_of_the_company(
    client: Api, work: Work, rules: Rules, engine: Engine, process: Process, platform: Platform, tenant: Tenant
) -> None:
    assert client.patch("/api/v1/core/tenant", {"locale": "zh_CN"}).status_code == 200
    move = {"action": "automation.update_record", "parameters": {"values": {"stage": str(process.stages["proposal"])}}}
    rules("pipeline.deal", "updated", move, parameters={"fields": ["notes"]})
    platform.system(tenant.id).records("pipeline.deal").update(process.deal("deal"), {"notes": "go"})
    engine.run_until_idle()
    (run,) = rules.runs()
    assert (run["state"], run["error"]) == ("failed", "部分值无效; amount: 在阶段 'Proposal' 中必填")


def turns(rules: Rules, on: str, other: str, name: str, **more: Any) -> UUID:
    """A rule that changes one field when another has changed."""
    values = {other: "https://{{ version }}.example" if other == "website" else "{{ version }}"}
    action = {"action": "automation.update_record", "parameters": {"values": values}}
    return rules("customers.account", "updated", action, name=name, parameters={"fields": [on]}, **more)


@pytest.mark.feature("I8")
def test_two_rules_that_begin_each_other_are_stopped_by_name(
    work: Work, rules: Rules, engine: Engine, account: UUID, client: Api, people: People
) -> None:
    work.records("customers.account").update(account, {"owner": people.rep})
    ping = turns(rules, "city", "website", "Ping", owner=people.manager)
    pong = turns(rules, "website", "city", "Pong", owner=people.director)
    work.records("customers.account").update(account, {"city": "0"})
    engine.run_until_idle()
    runs = rules.runs()
    assert Counter(run["state"] for run in runs) == {"done": MOST_DEPTH, "stopped": 1}
    (stopped,) = [run for run in runs if run["state"] == "stopped"]
    circle = f"Ping ({ping}) > Pong ({pong}) > Ping ({ping})"
    assert stopped["error"] == f"stopped after 8 runs: rules begin each other in a circle: {circle}"
    (dead,) = client.get("/api/v1/core/jobs", {"state": "dead"}).json["data"]
    assert "a chain of 8 runs; it loops" in dead["error"] and "Ping" in dead["error"] and "Pong" in dead["error"]
    for owner in (people.manager, people.director):
        (notice,) = work.records("teamwork.notification").find(where(owner=owner, kind="automation.stopped"))
        assert notice["body"] == circle
    version = work.records("customers.account").values([account])[account]["version"]
    engine.run_until_idle()
    assert (len(rules.runs()), work.records("customers.account").values([account])[account]["version"]) == (9, version)


@pytest.mark.feature("I8")
def test_a_rule_that_begins_itself_is_stopped_by_name_and_one_that_looks_on_is_not_called_a_loop(
    work: Work, rules: Rules, engine: Engine, account: UUID, people: People
) -> None:
    work.records("customers.account").update(account, {"owner": people.rep})
    rule = turns(rules, "city", "city", "Echo")
    tell = {"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ city }}"}}
    rules("customers.account", "updated", tell, name="Onlooker", owner=people.manager, parameters={"fields": ["city"]})
    work.records("customers.account").update(account, {"city": "x"})
    engine.run_until_idle()
    (notice,) = work.records("teamwork.notification").find(where(owner=people.manager, kind="automation.stopped"))
    assert notice["title"] == "Rule Onlooker was not started: too long a chain of rules led to it"
    assert Counter(run["state"] for run in rules.runs(rule)) == {"done": MOST_DEPTH, "stopped": 1}
    assert rules.runs(rule)[-1]["error"] == f"stopped after 8 runs: rules begin each other in a circle: Echo ({rule}) > Echo ({rule})"


@pytest.mark.feature("I8")
@pytest.mark.parametrize("links", [8, 9])
def test_a_chain_of_eight_rules_that_is_no_circle_goes_to_its_end(
    work: Work, rules: Rules, engine: Engine, client: Api, left: type_left, links: int
) -> None:
    """What the last one causes is carried out as well: a letter, and by the event of that an activity; webhooks are told of its change."""
    assert client.patch("/api/v1/core/tenant", {"locale": "zh_CN"}).status_code == 200
    work = rules.work = work.platform.system(work.tenant.id)
    hook = {"name": "erp", "url": "http://127.0.0.1:9/", "entity": "customers.account", "events": ["customers.account.updated"]}
    work.records("automation.webhook").create(hook)
    mail = {"action": "automation.send_mail", "parameters": {"to": "end@acme.example", "subject": "End", "text": "x"}}
    for n in range(links):
        step = {"action": "automation.update_record", "parameters": {"values": {"city": f"c{n + 1}"}}}
        here = {"kind": "automation.filter", "parameters": {"where": [f"city=c{n}"]}}
        last = [entry("end"), mail] if n == min(links, MOST_DEPTH) - 1 else []
        rules("customers.account", "updated", step, *last, name=f"step{n}", parameters={"fields": ["city"]}, conditions=[here])
    account = id_of(work.records("customers.account").create({"name": "a"}))
    work.records("customers.account").update(account, {"city": "c0"})
    engine.run_until_idle()
    runs = rules.runs()
    assert Counter(run["state"] for run in runs)["done"] == min(links, MOST_DEPTH), [run["error"] for run in runs]
    assert (left(), letters(work)) == (["end"], Counter({"end@acme.example": 1}))
    assert [row["subject"] for row in work.records("teamwork.activity").find(())] == ["End"]
    stopped = [str(run["error"]) for run in runs if run["state"] == "stopped"]
    assert [error[:29] for error in stopped] == ["运行 8 次后已停止：规则相互触发的链条过长：step0 "] * (links > MOST_DEPTH)
    told = [row["payload"]["data"]["record"]["city"] for row in work.records("automation.delivery").find(())]  # type: ignore[index, call-overload]
    assert f"c{min(links, MOST_DEPTH)}" in told
    assert len(client.get("/api/v1/core/jobs", {"state": "dead"}).json["data"]) == (links > MOST_DEPTH)


@pytest.mark.feature("I8")
def test_a_rule_that_makes_several_of_what_begins_it_is_turned_off_by_name_and_what_waits_of_it_ends(
    work: Work, rules: Rules, engine: Engine, clock: Clock, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.automation.running.PER_MINUTE", 4)
    monkeypatch.setattr("plugins.automation.matching.PART", 2)
    one = {"action": "automation.create_record", "parameters": {"entity": "customers.contact", "values": {"name": "{{ name }}x"}}}
    rule = rules("customers.contact", "created", one, one, one, name="Hydra", owner=people.manager)
    work.records("customers.contact").create({"name": "Anna", "owner": people.rep})
    for _minute in range(3):
        engine.run_until_idle()
        clock.move(minutes=1)
    row = work.records("automation.rule").values([rule])[rule]
    assert (row["active"], row["stopped_because"]) == (False, "it started itself over and over: more than 4 runs in a minute")
    assert Counter(run["state"] for run in rules.runs(rule)).keys() == {"done", "stopped"}
    assert work.records("customers.contact").aggregate(["count"]) == [
        {"count": 1 + 3 * Counter(run["state"] for run in rules.runs(rule))["done"]}
    ]
    (notice,) = work.records("teamwork.notification").find(where(owner=people.manager, kind="automation.stopped"))
    assert notice["title"] == "Rule Hydra was turned off: it started itself over and over"


@pytest.mark.feature("I8")
def test_a_wide_start_and_a_long_time_hide_no_multiplying_and_make_none(
    work: Work, rules: Rules, clock: Clock, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one chain: the first steps of either rule have gone on for longer than anybody waits."""
    monkeypatch.setattr(running, "PER_MINUTE", 0)
    note = entry("x")
    wide, stairs = (rules("customers.account", "created", note, name=name) for name in ("Wide", "Stairs"))

    def ran(rule: UUID, chain: str, *steps: tuple[int, str]) -> UUID:
        rows = [
            {"rule": rule, "chain": chain, "step": step, "state": state, "occurrence": f"{chain}{n}"}
            for n, (step, state) in enumerate(steps)
        ]
        drafts = [Draft("create", {**row, "subject": str(account)}, act="begin") for row in rows]
        return [one.id for one in work.records("automation.run").write_all(drafts) if one.id is not None][-1]

    early = ran(wide, "a", *[(0, "done")] * 9, (1, "done"), (2, "done"), *[(3, "waiting")] * 2)
    late = ran(stairs, "b", *[(1, "done")] * 2, *[(2, "done")] * 2, *[(3, "waiting")] * 2)
    ran(stairs, "c", (2, "done"), *[(3, "waiting")] * 9)  # another chain, that a run of this one is no sign of
    clock.move(hours=30)
    for first in (early, late):
        running.perform(work, {"runs": [str(first)]})
    on = work.records("automation.rule").values([wide, stairs])
    assert (on[wide]["active"], on[stairs]["active"]) == (False, True)


@pytest.mark.feature("I8")
def test_a_rule_that_goes_on_from_step_to_step_waits_for_its_minute_and_comes_to_its_end(
    work: Work, rules: Rules, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.automation.running.PER_MINUTE", 4)
    step = {"action": "automation.update_record", "parameters": {"values": {"city": "{{ city }}x"}}}
    here = {"kind": "automation.filter", "parameters": {"where": ["city[in]=c,cx,cxx,cxxx,cxxxx"]}}
    rule = rules("customers.account", "updated", step, name="Stairs", parameters={"fields": ["city"]}, conditions=[here])
    accounts = [id_of(work.records("customers.account").create({"name": name})) for name in ("a", "b", "d")]
    for account in accounts:
        work.records("customers.account").update(account, {"city": "c"})
    for _minute in range(6):
        engine.run_until_idle()
        clock.move(minutes=1)
    assert {row["city"] for row in work.records("customers.account").values(accounts).values()} == {"cxxxxx"}
    assert work.records("automation.rule").values([rule])[rule]["active"]


@pytest.mark.feature("I8")
def test_a_rule_runs_so_often_in_a_minute_and_what_is_beyond_waits(
    work: Work, rules: Rules, engine: Engine, clock: Clock, left: type_left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.automation.running.PER_MINUTE", 4)
    monkeypatch.setattr("plugins.automation.matching.PART", 2)
    rules("customers.account", "created", entry("{{ name }}"), name="often")
    rules("customers.contact", "created", entry("contact {{ name }}"), name="seldom")
    work.records("customers.account").write_all([Draft("create", {"name": f"n{n}"}) for n in range(10)])
    work.records("customers.contact").create({"name": "Anna"})
    engine.run_until_idle()
    assert (len([text for text in left() if text.startswith("n")]), "contact Anna" in left()) == (4, True)
    for done in (8, 10, 10):
        clock.move(minutes=1)
        engine.run_until_idle()
        assert len([text for text in left() if text.startswith("n")]) == done
    assert Counter(run["state"] for run in rules.runs()) == {"done": 11}


@pytest.mark.feature("I8")
def test_all_rules_are_switched_off_at_once_by_who_may(
    work: Work, rules: Rules, engine: Engine, client: Api, people: People, left: type_left, make_tenant: MakeTenant
) -> None:
    rules("customers.account", "created", entry("x"), owner=people.manager)
    rules("customers.contact", "created", entry("x"))
    elsewhere = Rules(work.platform.system(make_tenant("other").id))
    theirs = elsewhere("customers.account", "created", entry("x"))
    work.records("customers.account").create({"name": "waits", "owner": people.rep})
    place = "/api/v1/automation/rules/stops"
    assert [client.as_user(who).post(place).status_code for who in (people.rep, people.manager)] == [403, 403]
    stopped = client.post(place)
    assert (stopped.status_code, stopped.json) == (200, {"stopped": 2}), stopped.text
    work.records("customers.account").create({"name": "unheard", "owner": people.rep})
    engine.run_until_idle()
    assert left() == []
    assert {row["active"] for row in work.records("automation.rule").find(())} == {False}
    assert elsewhere.work.records("automation.rule").values([theirs])[theirs]["active"] is True
    assert client.post(place).json == {"stopped": 0}


@pytest.mark.feature("I8")
def test_a_rule_that_fails_five_times_in_a_row_is_switched_off(
    work: Work, rules: Rules, engine: Engine, account: UUID, left: type_left
) -> None:
    rule = rules("customers.account", "updated", entry("{{ city }}", fail="{{ website }}"), parameters={"fields": ["city"]})
    accounts = work.records("customers.account")

    def active() -> object:
        return work.records("automation.rule").values([rule])[rule]["active"]

    for n in range(4):
        accounts.update(account, {"city": f"{n}"})
    engine.run_until_idle()
    assert len(left()) == 4
    # The action's parameter comes from the record: now it refuses.
    rules.work.records("automation.rule").update(rule, {"actions": [entry("x", fail="refuse")]})
    for n in range(4):
        accounts.update(account, {"city": f"{n}b"})
        engine.run_until_idle()
    assert active() is True
    accounts.update(account, {"city": "last"})
    engine.run_until_idle()
    assert active() is False
    accounts.update(account, {"city": "more"})
    engine.run_until_idle()
    assert Counter(run["state"] for run in rules.runs(rule)) == {"done": 4, "failed": 5}


@pytest.mark.feature("I7")
def test_a_failed_run_is_tried_again_from_where_it_failed_and_does_nothing_twice(
    work: Work, rules: Rules, engine: Engine, account: UUID, left: type_left, client: Api
) -> None:
    rule = rules("customers.account", "updated", entry("first"), entry("second", fail="refuse"))
    work.records("customers.account").update(account, {"city": "Wuhan"})
    engine.run_until_idle()
    (run,) = rules.runs()
    assert (run["state"], left()) == ("failed", [])
    work.records("automation.rule").update(rule, {"actions": [entry("first"), entry("second")]})
    place = f"/api/v1/automation/runs/{run['id']}/retry"
    assert client.post(place).status_code == 200
    engine.run_until_idle()
    assert left() == ["first", "second"]
    assert client.post(place).status_code == 409
    assert [row["state"] for row in rules.runs()] == ["done"]


def test_what_nobody_foresaw_is_tried_five_times_and_then_fails(
    work: Work, rules: Rules, engine: Engine, account: UUID, clock: Clock, left: type_left
) -> None:
    rules("customers.account", "updated", entry("x", fail="explode"))
    work.records("customers.account").update(account, {"city": "Wuhan"})
    for _ in range(6):
        engine.run_until_idle()
        clock.move(minutes=10)
    (run,) = rules.runs()
    assert (run["state"], run["attempts"], left()) == ("failed", 5, [])
    assert "told to fail" in run["error"]


def test_a_plugin_that_fails_while_a_rule_writes_is_named_and_the_run_is_tried_again(
    work: Work, rules: Rules, engine: Engine, account: UUID, clock: Clock
) -> None:
    words = {"entity": "probe.thing", "values": {"name": "explode"}}
    rules("customers.account", "updated", {"action": "automation.create_record", "parameters": words})
    work.records("customers.account").update(account, {"city": "Wuhan"})
    for _ in range(2):
        engine.run_until_idle()
        clock.move(minutes=10)
    (run,) = rules.runs()
    assert (run["state"], run["attempts"]) == ("waiting", 2)
    assert "plugin 'probe' failed in prepare_changes" in run["error"]


def test_sensitive_values_are_masked_in_the_log_and_not_in_what_is_done(
    work: Work, rules: Rules, engine: Engine, left: type_left, client: Api
) -> None:
    rules("probe.thing", "created", entry("call {{ phone }}"),
          {"action": "automation.update_record", "parameters": {"values": {"phone": "+86 10 9999 9999", "note": "n"}}})  # fmt: skip
    work.records("probe.thing").create({"name": "x", "phone": "+86 10 1234 5678"})
    engine.run_until_idle()
    assert "call +86 10 1234 5678" in left()
    shown = client.get("/api/v1/automation/steps").text + client.get("/api/v1/automation/runs").text
    assert "1234 5678" not in shown and "9999 9999" not in shown and "•••" in shown


def test_the_log_is_seen_by_those_who_may_see_the_rule(work: Work, rules: Rules, engine: Engine, client: Api, people: People) -> None:
    rules("customers.account", "created", entry("x"), owner=people.manager)
    work.records("customers.account").create({"name": "x", "owner": people.rep})
    engine.run_until_idle()
    for name in ("runs", "steps"):
        place = f"/api/v1/automation/{name}"
        counts = [len(client.as_user(who).get(place).json.get("data", [])) for who in (people.manager, people.managers[1])]
        assert counts == [1, 0], name
        assert client.as_user(people.rep).get(place).status_code == 403
        assert client.post(place, {}).status_code == 405


def test_long_and_odd_texts_do_not_hold_up_a_rule(work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    """What was before may be as long as a field, and an error may hold what no text may."""
    long = {"kind": "automation.changed", "parameters": {"field": "note", "was": None}}
    rules("probe.thing", "updated", entry("{{ name }} 😀"), conditions=[long], parameters={"fields": ["note"]})
    thing = id_of(work.records("probe.thing").create({"name": "x", "note": "字" * 19_999}))
    work.records("probe.thing").update(thing, {"note": "short"})
    engine.run_until_idle()
    assert left() == ["x 😀"]
    assert rules.runs()[0]["moment"]["before"] == {"note": "字" * 19_999}


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_rule_whose_kind_has_changed_holds_up_no_write_and_no_other_rule(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules("customers.account", "created", entry("created"))
    rules("customers.account", "updated", entry("updated"))
    kinds = platform.catalog.specs[Trigger]
    now: Any = kinds["automation.created"]
    monkeypatch.setitem(kinds, "automation.created", replace(now, parameters=probe.Ping))
    id = id_of(platform.system(work.tenant.id).records("customers.account").create({"name": "x"}))
    work.records("customers.account").update(id, {"city": "Wuhan"})
    engine.run_until_idle()
    assert left() == ["updated"]


def test_an_action_whose_plugin_is_off_fails_by_name_and_goes_on_when_it_is_back(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left
) -> None:
    rules("customers.account", "created", entry("x"))
    lifecycle.switch(platform.system(work.tenant.id), "probe", False)
    platform.system(work.tenant.id).records("customers.account").create({"name": "a"})
    engine.run_until_idle()
    (run,) = rules.runs()
    assert run["state"] == "failed" and "probe.leave_entry" in run["error"]
    lifecycle.switch(platform.system(work.tenant.id), "probe", True)
    platform.system(work.tenant.id).records("customers.account").create({"name": "b"})
    engine.run_until_idle()
    assert left() == ["x"]
