"""Plugins that know nothing of each other work together: rules act through teamwork and documents, forecasts read targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.tenancy.setup import set_up
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, People
from sdk import Tenant, where
from sdk.context import id_of

type_case = dict[str, UUID]


@pytest.fixture
def work(platform: Platform, tenant: Tenant) -> Work:
    """The system in a tenant that is set up."""
    made = platform.system(tenant.id)
    with made.transaction(write=True):
        set_up(made)
    return made


@pytest.fixture
def contract(work: Work, people: People) -> Callable[..., UUID]:
    """Makes contracts of the first representative."""
    own = {"owner": people.rep}
    account = id_of(work.records("customers.account").create({"name": "Alder Foods", **own}))

    def make(**values: object) -> UUID:
        fields = {"name": "Service", "account": account, "starts_on": "2026-01-01", "ends_on": "2026-12-31", "value": {"amount": "1200"}}
        return id_of(work.records("orders.contract").create({**fields, **own, **values}))

    return make


def rule(work: Work, *actions: dict[str, Any], **more: Any) -> UUID:
    """A rule for new contracts."""
    values = {"name": "New contract", "entity": "orders.contract", "trigger": "automation.created", "actions": list(actions)}
    return id_of(work.records("automation.rule").create({**values, **more}))


@pytest.mark.feature("I5")
def test_a_rule_makes_task_comment_and_document_of_other_plugins_in_one_run(
    work: Work, people: People, contract: Callable[..., UUID], engine: Engine
) -> None:
    rule(
        work,
        {"action": "teamwork.create_task", "parameters": {"subject": "Send {{ name }} to {{ account.name }}", "due_in_days": 2}},
        {"action": "teamwork.add_comment", "parameters": {"body": "@[rep01] please look at {{ number }}"}},
        {"action": "documents.make_document", "parameters": {"template": "orders.contract", "format": "pdf", "locale": "zh_CN"}},
    )
    engine.run_until_idle()
    about = f"orders.contract:{contract()}"
    engine.run_until_idle()
    (run,) = work.records("automation.run").find(())
    assert (run["state"], run["error"]) == ("done", None)
    (task,) = work.records("teamwork.task").find(where(about=about))
    assert (task["subject"], task["owner"]) == ("Send Service to Alder Foods", people.rep)
    (comment,) = work.records("teamwork.comment").find(where(about=about))
    assert "CON-2026-" in str(comment["body"])
    (told,) = work.records("teamwork.notification").find(where(owner=people.reps[0][1]))
    assert told["kind"] == "teamwork.mention"
    (document,) = work.records("documents.document").find(where(about=about))
    assert (document["format"], document["locale"]) == ("pdf", "zh_CN")


@pytest.mark.parametrize("template", ["orders.nothing", "orders.quote", "00000000-0000-0000-0000-000000000007"])
def test_a_rule_is_not_saved_for_a_document_that_cannot_be_made_of_its_records(client: Api, template: str) -> None:
    values = {"name": "x", "entity": "orders.contract", "trigger": "automation.created"}
    action = {"action": "documents.make_document", "parameters": {"template": template}}
    refused = client.post("/api/v1/automation/rules", {**values, "actions": [action]})
    assert refused.status_code == 422, refused.text
    assert refused.json["errors"][0]["field"] == "actions.0.parameters.template"


@pytest.mark.feature("I14")
def test_who_mutes_a_rules_mail_still_hears_of_it_in_the_application(
    work: Work, people: People, contract: Callable[..., UUID], engine: Engine, client: Api
) -> None:
    rule(work, {"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ name }} was made"}})
    engine.run_until_idle()

    def letters() -> int:
        return len(work.records("core.job").find(where(name="core.send_mail")))

    contract()
    engine.run_until_idle()
    assert letters() == 1
    rep = client.as_user(people.rep)
    muted = {"kind": "automation.rule", "channel": "teamwork.mail", "muted": True}
    assert rep.post("/api/v1/teamwork/preferences", muted).status_code == 201
    contract()
    engine.run_until_idle()
    assert letters() == 1
    notices = rep.get("/api/v1/teamwork/notifications", {"kind": "automation.rule"}).json["data"]
    assert [notice["title"] for notice in notices] == ["Service was made", "Service was made"]


@pytest.mark.feature("G4")
def test_the_weighted_pipeline_stands_beside_the_targets_of_teamwork(work: Work, people: People, client: Api) -> None:
    deals = work.records("pipeline.deal")
    values = {"owner": people.rep, "amount": {"amount": "100"}}
    deals.create({"name": "won", **values, "stage": "won", "close_date": "2026-01-10"})
    deals.create({"name": "open", **values, "stage": "proposal", "close_date": "2026-01-20"})
    target = {
        "measure": "won_amount",
        "period": "month",
        "period_start": "2026-01-01",
        "amount": {"amount": "400"},
        "owner": people.manager,
    }
    work.records("teamwork.target").create({**target, "person": people.rep})
    work.records("teamwork.target").create({**target, "team": people.teams[0], "amount": {"amount": "800"}})
    query = {"from": "2026-01-01", "to": "2026-01-31"}
    (group,) = client.get("/api/v1/forecast/pipeline", {**query, "by": "person"}).json["groups"]
    (month,) = group["periods"]
    assert group["key"] == "rep00"
    assert [month[name]["amount"] for name in ("won", "weighted", "target")] == ["100.00", "65.00", "400.00"]
    assert month["attained"] == "25.00"
    (team,) = client.get("/api/v1/forecast/pipeline", {**query, "by": "team"}).json["groups"]
    assert [team["periods"][0][name]["amount"] for name in ("won", "target")] == ["100.00", "800.00"]


@pytest.mark.feature("G4")
def test_a_target_of_one_product_or_channel_is_no_second_goal_for_all_deals(work: Work, people: People, client: Api) -> None:
    work.records("catalog.product").create({"name": "Pump"})
    whole = {"measure": "won_amount", "period": "month", "period_start": "2026-01-01", "person": people.rep, "amount": {"amount": "1000"}}
    for part in ({}, {"product": "Pump", "amount": {"amount": "300"}}, {"channel": "web", "amount": {"amount": "200"}}):
        work.records("teamwork.target").create({**whole, **part})
    for api in (client, client.as_user(people.rep)):
        answer = api.get("/api/v1/forecast/pipeline", {"from": "2026-01-01", "to": "2026-01-31", "by": "person"}).json
        assert [cell["target"]["amount"] for cell in (answer["periods"][0], answer["groups"][0]["periods"][0])] == ["1000.00", "1000.00"]
