"""Versions of rules, drafts of the next one, and runs that end by the version that they began with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.data import migrate
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.automation import running
from sdk import Draft
from tests.automation.conftest import Rules, entry

RULES, REVISIONS = "/api/v1/automation/rules", "/api/v1/automation/revisions"
type_left = Callable[[], list[str]]


def texts(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Number and text of the first action of each version."""
    return [(row["number"], row["actions"][0]["parameters"]["text"]) for row in rows]


@pytest.mark.feature("I7")
def test_each_change_of_what_a_rule_does_is_a_version_and_says_whose(client: Api, people: People) -> None:
    manager = client.as_user(people.manager)
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("a")]}
    rule = manager.post(RULES, body).json
    place = f"{RULES}/{rule['id']}"
    assert rule["revision"] == 1
    assert manager.patch(place, {"actions": [entry("b")]}).json["revision"] == 2
    assert manager.patch(place, {"name": "y", "active": False, "actions": [entry("b")]}).json["revision"] == 2, "it does what it did"
    assert manager.patch(place, {"actions": []}).status_code == 422
    assert client.patch(place, {"conditions": [{"kind": "automation.during", "parameters": {}}]}).json["revision"] == 3
    assert manager.patch(place, {"revision": 1}).status_code == 422
    rows = manager.get(REVISIONS, {"rule": rule["id"], "sort": "number"}).json["data"]
    assert texts(rows) == [(1, "a"), (2, "b"), (3, "b")]
    assert [row["by"] for row in rows][:2] == [str(people.manager)] * 2 and rows[2]["by"] != str(people.manager)
    assert [bool(row["conditions"]) for row in rows] == [False, False, True]
    assert client.as_user(people.managers[1]).get(f"{REVISIONS}/{rows[0]['id']}").status_code == 404
    assert client.patch(f"{REVISIONS}/{rows[0]['id']}", {"number": 9}).status_code == 405


@pytest.mark.feature("I7")
def test_what_has_begun_ends_by_the_version_that_it_began_with(
    work: Work, rules: Rules, engine: Engine, clock: Clock, left: type_left, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rules("customers.account", "created", entry("old {{ name }}"))
    monkeypatch.setattr(running, "PER_MINUTE", 0)
    work.records("customers.account").create({"name": "a"})
    engine.run_until_idle()
    assert ([run["state"] for run in rules.runs()], left()) == (["waiting"], [])
    work.records("automation.rule").update(rule, {"actions": [entry("new {{ name }}"), entry("and more")]})
    work.records("customers.account").create({"name": "b"})
    monkeypatch.setattr(running, "PER_MINUTE", 1000)
    clock.move(minutes=1)
    engine.run_until_idle()
    assert sorted(left()) == ["and more", "new b", "old a"]
    assert [(run["state"], run["revision"]) for run in rules.runs()] == [("done", 1), ("done", 2)]
    assert [
        (step["number"], step["went_in"], step["came_out"] is not None) for step in rules.steps() if step["run"] == rules.runs()[0]["id"]
    ] == [(1, {"text": "old a"}, True)]


@pytest.mark.feature("I7")
def test_what_fails_for_a_while_keeps_its_version_and_a_retry_by_hand_takes_the_one_in_force(
    work: Work, rules: Rules, engine: Engine, clock: Clock, left: type_left, client: Api, account: UUID
) -> None:
    rule = rules("customers.account", "updated", entry("first"), entry("second", fail="explode"))
    work.records("customers.account").update(account, {"city": "Wuhan"})
    engine.run_until_idle()
    work.records("automation.rule").update(rule, {"actions": [entry("mended")]})
    for _ in range(6):
        clock.move(minutes=10)
        engine.run_until_idle()
    (run,) = rules.runs()
    assert (run["state"], run["attempts"], run["revision"], left()) == ("failed", 5, 1, [])
    assert [(step["action"], step["state"]) for step in rules.steps()] == [("probe.leave_entry", "undone"), ("probe.leave_entry", "failed")]
    assert client.post(f"/api/v1/automation/runs/{run['id']}/retry").status_code == 200
    engine.run_until_idle()
    (run,) = rules.runs()
    assert (run["state"], run["revision"], left()) == ("done", 2, ["mended"])


def test_a_run_is_not_tried_again_by_a_rule_that_is_about_other_records_now(
    work: Work, rules: Rules, engine: Engine, client: Api, account: UUID
) -> None:
    rule = rules("customers.account", "updated", entry("x", fail="refuse"))
    work.records("customers.account").update(account, {"city": "Wuhan"})
    engine.run_until_idle()
    work.records("automation.rule").update(rule, {"entity": "customers.contact", "actions": [entry("x")]})
    refused = client.post(f"/api/v1/automation/runs/{rules.runs()[0]['id']}/retry")
    assert (refused.status_code, refused.json["code"]) == (409, "rule_of_other_records")


@pytest.mark.feature("I7")
def test_a_draft_does_nothing_until_it_is_published(client: Api, work: Work, rules: Rules, engine: Engine, left: type_left) -> None:
    rule = rules("customers.account", "created", entry("now"))
    made = client.post(f"{RULES}/{rule}/drafts", {})
    assert (made.status_code, made.json["active"], made.json["draft_of"]) == (201, False, str(rule)), made.text
    draft = f"{RULES}/{made.json['id']}"
    assert made.headers["Location"].endswith(draft)
    assert client.patch(draft, {"actions": [entry("later")], "name": "better"}).status_code == 200
    refused = client.patch(draft, {"active": True})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "draft")
    work.records("customers.account").create({"name": "a"})
    engine.run_until_idle()
    assert left() == ["now"]
    published = client.post(f"{draft}/publications")
    assert (published.status_code, published.json["id"], published.json["name"], published.json["revision"]) == (
        200,
        str(rule),
        "better",
        2,
    )
    work.records("customers.account").create({"name": "b"})
    engine.run_until_idle()
    assert left() == ["now", "later"]
    assert client.get(draft).status_code == 404
    assert client.post(f"{draft}/publications").status_code == 404
    assert client.post(f"{RULES}/{rule}/publications").json["code"] == "no_draft"


@pytest.mark.feature("I7")
def test_an_old_version_comes_back_by_a_draft(client: Api, rules: Rules, work: Work) -> None:
    rule = rules("customers.account", "created", entry("a"))
    work.records("automation.rule").update(rule, {"actions": [entry("b")]})
    made = client.post(f"{RULES}/{rule}/drafts", {"revision": 1}).json
    assert made["actions"] == [entry("a")]
    assert client.post(f"{RULES}/{rule}/drafts", {}).status_code in (409, 422), "a rule has one draft"
    assert client.post(f"{RULES}/{made['id']}/publications").json["revision"] == 3
    assert client.post(f"{RULES}/{rule}/drafts", {"revision": 9}).status_code == 404
    assert client.post(f"{RULES}/{rule}/drafts", {"revision": 0}).status_code == 422
    assert texts([dict(row) for row in work.records("automation.revision").find(())]) == [(1, "a"), (2, "b"), (3, "a")]


@pytest.mark.feature("I7")
def test_a_draft_of_a_rule_that_has_moved_on_is_made_again(client: Api, rules: Rules, work: Work) -> None:
    rule = rules("customers.account", "created", entry("a"))
    draft = client.post(f"{RULES}/{rule}/drafts", {}).json["id"]
    work.records("automation.rule").update(rule, {"actions": [entry("b")]})
    refused = client.post(f"{RULES}/{draft}/publications")
    assert (refused.status_code, refused.json["code"]) == (409, "rule_moved_on")
    assert client.delete(f"{RULES}/{draft}").status_code == 204
    assert client.post(f"{RULES}/{rule}/drafts", {}).json["actions"] == [entry("b")]


def test_drafts_are_of_rules_that_one_may_change(client: Api, people: People, rules: Rules, make_tenant: MakeTenant, work: Work) -> None:
    rule = rules("customers.account", "created", entry("a"), owner=people.manager)
    manager, other, rep = (client.as_user(one) for one in (people.manager, people.managers[1], people.rep))
    draft = manager.post(f"{RULES}/{rule}/drafts", {}).json["id"]
    assert [who.post(f"{RULES}/{rule}/drafts", {}).status_code for who in (other, rep)] == [404, 403]
    assert [who.post(f"{RULES}/{draft}/publications").status_code for who in (other, rep)] == [404, 403]
    theirs = Rules(work.platform.system(make_tenant("other").id))("customers.account", "created", entry("x"))
    body = {"name": "x", "entity": "customers.account", "trigger": "automation.created", "actions": [entry("x")]}
    for target in (theirs, draft):
        refused = client.post(RULES, {**body, "draft_of": str(target)})
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "draft_of"), refused.text
    assert client.patch(f"{RULES}/{draft}", {"draft_of": None}).json["errors"][0]["code"] == "fixed"
    assert manager.post(f"{RULES}/{draft}/publications").status_code == 200


@pytest.mark.parametrize(("database_templates", "engine"), [("sqlite", "embedded"), ("postgresql", "scaled")], indirect=True)
def test_rules_from_before_have_their_first_version_and_runs_their_steps(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left
) -> None:
    rule = rules("customers.account", "created", entry("x {{ name }}"))
    for causes in ([], ["其他 (x)", f"A 规则 ({rule})", f"A 规则 ({rule})"]):
        values = {"rule": rule, "occurrence": f"before{len(causes)}", "subject": str(rule), "causes": causes, "state": "done"}
        work.records("automation.run").write_all([Draft("create", values, act="begin")])
    branch = next(one for one in platform.branches() if one.plugin == "automation")
    migrate.downgrade(platform.database, branch, "0001")
    migrate.upgrade(platform.database, platform.branches())
    assert sorted((row["occurrence"], row["step"]) for row in rules.runs()) == [("before0", 0), ("before3", 2)]
    work.records("customers.account").create({"name": "a"})
    engine.run_until_idle()
    assert left() == ["x a"]
    assert texts([dict(row) for row in work.records("automation.revision").find(())]) == [(1, "x {{ name }}")]
