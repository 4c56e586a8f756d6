"""Rules as pages: the list and its switch, a rule as a sentence, the run log, trying a rule, and building one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.context import Work
from core.files import LocalFiles
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from sdk.context import id_of
from tests.console.site import Site

RULES = "/automation/rules"


def tell(title: str, to: str = "owner") -> dict[str, Any]:
    return {"action": "automation.notify", "parameters": {"to": to, "title": title}}


def rule(work: Work, name: str, *actions: dict[str, Any], **more: Any) -> UUID:
    values = {"name": name, "entity": "customers.account", "trigger": "automation.created", "actions": [*actions], **more}
    return id_of(work.records("automation.rule").create(values))


def test_a_rule_reads_as_a_sentence_and_is_switched_in_its_row(site: Site, work: Work) -> None:
    where = {"kind": "automation.filter", "parameters": {"where": ["name[contains]=Ltd"]}}
    id = rule(work, "Welcome", tell("New: {{ name }}"), conditions=[where], owner=None)
    page = site.get(RULES, {"q": "Welcome"})
    (row,) = page.rows()
    assert row[0].startswith("WelcomeWhen a new Account is created and if")
    assert "then tell its owner: “New: ‹Name›”" in row[0]
    switch = f"{RULES}/{id}/switch"
    form = {**page.form(), "active": "false"}
    assert site.post(switch, form).status == 303
    assert work.records("automation.rule").values([id])[id]["active"] is False
    stale = site.post(switch, {**form, "active": "true"})
    assert stale.status == 412
    assert stale.texts("//*[@role='alert']")
    assert site.get(RULES, {"state": "on", "q": "Welcome"}).rows() == []
    near = {"field": "ends_on", "days": 7}
    rule(work, "Reminder", tell("Look"), entity="orders.contract", trigger="automation.date", parameters=near)
    (reminder,) = site.get(RULES, {"entity": "orders.contract"}).rows()
    assert "Ends on of the Contract is 7 days away, at 09:00" in reminder[0]


def test_the_log_says_what_each_action_did_and_why_one_failed_and_tries_again(site: Site, work: Work, platform: Platform) -> None:
    id = rule(work, "Greeting", tell("Hello {{ name }}"), owner=None)
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": None}))
    Drain(platform).run_until_empty()
    log = site.get("/automation/runs", {"rule": str(id)})
    (row,) = log.rows()
    assert row[1:3] == ["Greeting", "Alder Account"]
    assert row[3] == "Failed the record belongs to nobody"
    assert site.get("/automation/runs", {"rule": str(id), "state": "done"}).rows() == []
    run = site.get(log.all("//tbody//a/@href")[0].removeprefix("/console"))
    assert "the record belongs to nobody" in run.texts("//main//ol")[0]
    assert "Hello Alder" in run.text
    assert "tell somebody" in run.text.lower()
    assert site.get(RULES, {"state": "failing"}).rows()[0][0].startswith("Greeting")
    me = work.records("core.user").find(())[0]["id"]
    work.records("customers.account").update(account, {"owner": me})
    assert site.post(f"/automation/runs/{run.answer.request.path.rpartition('/')[2]}", run.form(0)).status == 303
    Drain(platform).run_until_empty()
    here = site.get(f"/customers/accounts/{account}", {"tab": "automation.runs"})
    assert here.texts("//main//table//span[contains(@class, 'chip')]") == ["Done"]
    assert site.get(RULES, {"q": "Greeting"}).rows()[0][2:4] == ["1", "0"]


def test_who_may_not_read_rules_finds_no_trace_of_them(client: Api, work: Work, people: People) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": people.rep}))
    rep = Site(client.as_user(people.rep))
    assert "Rules" not in rep.get("/").links()
    assert rep.get(RULES).status == 403
    assert rep.get("/automation/runs").status == 403
    assert "Rules" not in rep.get(f"/customers/accounts/{account}").texts("//nav[contains(@class, 'tabs')]/a")


def test_a_rule_is_tried_on_a_record_and_nothing_of_it_stays(client: Api, site: Site, work: Work, platform: Platform) -> None:
    task = {"action": "teamwork.create_task", "parameters": {"subject": "Call {{ name }}"}}
    made = {"action": "documents.make_document", "parameters": {"template": "orders.quote"}}
    asked = {"kind": "automation.filter", "parameters": {"where": ["name[contains]=Ltd"]}}
    id = rule(work, "Follow up", task, tell("Look at {{ name }}"), conditions=[asked], owner=None, active=False)
    me = work.records("core.user").find(())[0]["id"]
    mine = id_of(work.records("customers.account").create({"name": "Alder Ltd", "owner": me}))
    lost = id_of(work.records("customers.account").create({"name": "Birch", "owner": None}))
    answer = client.post(f"/api/v1/automation/rules/{id}/trials", {"record": str(mine)})
    assert answer.status_code == 200, answer.text
    assert [one["problem"] for one in answer.json["steps"]] == ["", ""]
    assert answer.json["holds"] is True
    seen = site.post(f"{RULES}/{id}/trial", {"record": str(lost)})
    assert "not all conditions hold" in seen.text
    assert "the record belongs to nobody" in seen.text
    assert seen.text.count("Would work") == 1
    quoted = rule(work, "Quote it", made, entity="orders.quote", active=False)
    quote = id_of(work.records("orders.quote").create({"name": "Gateways", "account": mine, "currency": "CNY"}))
    (step,) = client.post(f"/api/v1/automation/rules/{quoted}/trials", {"record": str(quote)}).json["steps"]
    assert step["problem"] == ""
    assert step["came_out"]["name"].startswith("Quote")
    assert [*LocalFiles(platform.config.home, work.tenant.id).all_keys()] == []
    assert "Choose a record" in site.post(f"{RULES}/{id}/trial", {"record": ""}).text
    assert work.records("teamwork.task").find(()) == []
    assert work.records("teamwork.notification").find(()) == []
    assert work.records("automation.run").find(()) == []
