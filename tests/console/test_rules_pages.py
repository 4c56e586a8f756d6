"""Rules as pages: the list and its switch, a rule as a sentence, the run log, trying a rule, and building one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.files import LocalFiles
from core.platform import Platform
from core.testkit.fixtures import Api, People
from core.worker.drain import Drain
from sdk import where
from sdk.clauses import title_of
from sdk.context import id_of
from tests.console.site import Look, Site

RULES = "/automation/rules"


def tell(title: str, to: str = "owner") -> dict[str, Any]:
    return {"action": "automation.notify", "parameters": {"to": to, "title": title}}


def rule(work: Work, name: str, *actions: dict[str, Any], **more: Any) -> UUID:
    values = {"name": name, "entity": "customers.account", "trigger": "automation.created", "actions": [*actions], **more}
    return id_of(work.records("automation.rule").create(values))


def whole(look: Look) -> dict[str, list[str]]:
    """What the page's form would send, every ticked box of it."""
    found: dict[str, list[str]] = {}
    for name, value in look.all("//form[@id='builder']")[0].form_values():
        found.setdefault(name, []).append(value)
    return found


def test_a_rule_reads_as_a_sentence_and_is_switched_in_its_row(site: Site, work: Work) -> None:
    where = {"kind": "automation.filter", "parameters": {"where": ["name[contains]=Ltd"]}}
    id = rule(work, "Welcome", tell("New: {{ name }}"), conditions=[where], owner=None)
    page = site.get(RULES, {"q": "Welcome"})
    (row,) = page.rows()
    assert row[0].startswith("WelcomeWhen a new account is created and if")
    assert "then notify its owner: “New: ‹Name›”" in row[0]
    switch = f"{RULES}/{id}/switch"
    form = {**page.form(), "active": "false"}
    assert site.post(switch, form).status == 303
    assert work.records("automation.rule").values([id])[id]["active"] is False
    stale = site.post(switch, {**form, "active": "true"})
    assert stale.status == 412
    assert stale.texts("//*[@role='alert']")
    assert site.get(RULES, {"state": "on", "q": "Welcome"}).rows() == []
    near = {"field": "ends_on", "days": 7}
    call = {"action": "teamwork.create_task", "parameters": {"subject": "Call about {{ number }}"}}
    late = [{"kind": "automation.filter", "parameters": {"where": ["ends_on[gte]=2026-12-31", "value[gte]=CNY 1000.5"]}}]
    rule(work, "Company", tell("Hi", "role:sales_rep"), owner=None)
    assert "notify everyone with the role Sales representative: “Hi”" in site.get(RULES, {"q": "Company"}).rows()[0][0]
    rule(work, "Reminder", call, conditions=late, entity="orders.contract", trigger="automation.date", parameters=near)
    me = site.api.get("/api/v1/meta").json["user"]["id"]
    for region, at, day, total in ((None, "9:00 AM", "Dec 31, 2026", "CN¥1,000.50"), ("de-DE", "09:00", "31.12.2026", "1.000,50 CN¥")):
        site.api.patch(f"/api/v1/core/users/{me}", {"company.formats": region})
        (reminder,) = site.get(RULES, {"entity": "orders.contract"}).rows()
        assert f"it is 7 days before “Ends on” of the contract, at {at} and if Ends on from {day} and Value at least {total}" in reminder[0]
    assert "then create a task: Call about ‹Number›" in reminder[0]


def test_the_log_says_what_each_action_did_and_why_one_failed_and_tries_again(site: Site, work: Work, platform: Platform) -> None:
    steps = id_of(work.records("teamwork.task_template").create({"name": "Welcome"}))
    for place, subject in enumerate(("Call", "Visit"), 1):
        work.records("teamwork.template_task").create({"template": steps, "position": place, "subject": subject})
    plan = {"action": "teamwork.apply_task_template", "parameters": {"template": str(steps)}}
    id = rule(work, "Greeting", tell("Hello {{ name }}"), plan, owner=None)
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": None}))
    Drain(platform).run_until_empty()
    log = site.get("/automation/runs", {"rule": str(id)})
    (row,) = log.rows()
    assert row[1:3] == ["Greeting", "Alder Account"]
    assert row[3] == "Failed the record has no owner"
    assert site.get("/automation/runs", {"rule": str(id), "state": "done"}).rows() == []
    run = site.get(log.all("//tbody//a/@href")[0].removeprefix("/console"))
    assert "the record has no owner" in run.texts("//main//ol")[0]
    assert "Hello Alder" in run.text
    assert run.texts("//main//ol//dt") == ["Recipients", "Message"]
    assert run.texts("//main//ol//dd") == ["Its owner", "Hello Alder"]
    assert site.get(RULES, {"state": "failing"}).rows()[0][0].startswith("Greeting")
    me = work.records("core.user").find(())[0]["id"]
    work.records("customers.account").update(account, {"owner": me})
    assert site.post(f"/automation/runs/{run.answer.request.path.rpartition('/')[2]}", run.form(0)).status == 303
    Drain(platform).run_until_empty()
    name = work.records("core.user").titles([id_of({"id": me})])
    done = site.get(run.answer.request.path.removeprefix("/console"))
    assert done.texts("//details//dd")[0] in name.values(), "whom it has told"
    began, acted = (site.get("/admin/audit", {"entity": f"automation.{name}"}) for name in ("run", "step"))
    title = "//td[contains(@class, 'title')]/a[1]"
    assert {*acted.texts(title)} == {"Notify someone", "Apply a task template"}
    assert {*acted.texts("//dt[.='Run']/following-sibling::dd")} == {*began.texts(title)} == {" ".join(work.written(work.now()).split())}
    assert began.texts("//dt[.='Event']/following-sibling::dd[1]") == ["Accounts · Created"]
    assert "Rule" in began.texts("//td/dl//dt")
    assert not {"Occurrence", "Record ID"} & {*began.texts("//td/dl//dt")}, "what is for programs stands behind what people read"
    made = dict(zip(done.texts("//details//dt"), done.texts("//details//dd"), strict=True))
    assert made["Tasks"] == "Call, Visit"
    assert str(account) not in done.text
    here = site.get(f"/customers/accounts/{account}", {"tab": "automation.runs"})
    assert here.texts("//main//table//span[contains(@class, 'chip')]") == ["Done"]
    assert site.get(RULES, {"q": "Greeting"}).rows()[0][2:4] == ["1", "0"]
    itself = f"customers.account:{account}"
    work.records("customers.account").update(account, {"name": itself})
    assert title_of(work, "customers.account", str(account)) == itself, "what people type leads nowhere"


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
    assert "not all conditions are met" in seen.text
    assert "the record has no owner" in seen.text
    assert seen.text.count("Would succeed") == 1
    quoted = rule(work, "Quote it", made, entity="orders.quote", active=False)
    quote = id_of(work.records("orders.quote").create({"name": "Gateways", "account": mine, "currency": "CNY"}))
    (step,) = client.post(f"/api/v1/automation/rules/{quoted}/trials", {"record": str(quote)}).json["steps"]
    assert step["problem"] == ""
    assert step["came_out"]["name"].startswith("Quote")
    assert [*LocalFiles(platform.config.home, work.tenant.id).all_keys()] == []
    for bad in ("x" * 36, "y"):
        assert site.post(f"{RULES}/{id}/trial", {"record": bad}).status == 404
    assert "Choose a record" in site.post(f"{RULES}/{id}/trial", {"record": ""}).text
    real = site.get(f"{RULES}/{rule(work, 'By hand', tell('Look'), trigger='automation.manual', owner=None)}")
    assert real.texts("//section[.//button[@value='start']]//h2") == ["Start now"], (
        "what really runs stands apart from what changes nothing"
    )
    assert work.records("teamwork.task").find(()) == []
    assert work.records("teamwork.notification").find(()) == []
    assert work.records("automation.run").find(()) == []


@pytest.mark.feature("I1")
def test_who_has_never_seen_it_makes_a_reminder_a_week_before_a_contract_ends(site: Site, work: Work) -> None:
    assert site.get(RULES).links()["New rule"] == "/console/automation/rules/new"
    page = site.get(f"{RULES}/new")
    path = page.links()["Remind the owner one week before a contract ends"]
    form = site.get(path.removeprefix("/console"))
    values = whole(form)
    assert [values[f"t.{name}"] for name in ("field", "days", "direction", "at")] == [["ends_on"], ["7"], ["before"], ["09:00"]]
    made = site.post(f"{RULES}/new", {**values, "do": "save"})
    assert made.status == 303, made.text
    id = UUID(made.answer.headers["Location"].rpartition("/")[2])
    row = work.records("automation.rule").values([id])[id]
    assert row["parameters"] == {"field": "ends_on", "days": 7, "direction": "before", "at": "09:00"}
    assert row["conditions"] == [{"kind": "automation.filter", "parameters": {"where": ["state[in]=draft,active"]}}]
    assert row["actions"][0]["parameters"]["title"] == "Contract {{ number }} ends on {{ ends_on }}"
    assert "it is 7 days before “Ends on” of the contract" in site.get(f"{RULES}/{id}").text


def test_a_rule_is_built_by_buttons_alone_and_what_is_wrong_is_told_at_its_field(site: Site, work: Work) -> None:
    new = f"{RULES}/new"

    def pressed(form: Look, do: str, **typed: str) -> Look:
        found = site.post(new, {**whole(form), "do": do, **typed})
        assert found.status == 200, found.text
        return found

    form = pressed(site.get(new, {"empty": "1"}), "redraw", name="Big ones", entity="pipeline.deal")
    assert whole(form)["a0.action"] == ["automation.notify"]
    form = pressed(form, "redraw", trigger="automation.updated")
    form = pressed(form, "add:c")
    form = pressed(form, "redraw", **{"c0.where.0.field": "amount"})
    form = pressed(form, "redraw", **{"c0.where.0.op": "gte", "c0.where.0.value__amount": "1000", "c0.where.0.value__currency": "EUR"})
    form = pressed(form, "add:c")
    form = pressed(form, "redraw", **{"c1.kind": "automation.during", "match": "any"})
    form = pressed(form, "redraw", **{"a0.action": "automation.update_record"})
    form = pressed(form, "more:a0.values:values")
    form = pressed(form, "redraw", **{"a0.values.0.field": "name"})
    form = pressed(form, "add:a", **{"a0.values.0.value": "Big: {{ name }}"})
    refused = site.post(new, {**whole(form), "do": "save"})
    assert refused.status == 422
    assert refused.all("//*[@name='a1.title'][@aria-invalid='true']")
    assert "at least €1,000.00 or it is between" in refused.text, refused.texts("//p[@class='rule-said']")
    form = pressed(refused, "up:a:1", **{"a1.title": "Look", "a1.to": "manager"})
    made = site.post(new, {**whole(form), "do": "save", "active": "false"})
    assert made.status == 303, made.text
    (row,) = work.records("automation.rule").find(where(name="Big ones"))
    assert row["active"] is False
    assert row["conditions"] == [{"any": [
        {"kind": "automation.filter", "parameters": {"where": ["amount[gte]=EUR 1000"]}},
        {"kind": "automation.during", "parameters": {"since": "09:00", "until": "18:00", "weekdays": [1, 2, 3, 4, 5]}},
    ]}]  # fmt: skip
    assert [one["action"] for one in row["actions"]] == ["automation.notify", "automation.update_record"]
    assert row["actions"][1]["parameters"] == {"values": {"name": "Big: {{ name }}"}}
    edit = f"{RULES}/{row['id']}/edit"
    form = site.get(edit)
    work.records("automation.rule").update(id_of(row), {"name": "Bigger ones"})
    stale = site.post(edit, {**whole(form), "do": "save", "name": "Mine"})
    assert stale.status == 412
    assert "Someone else has changed the rule meanwhile" in stale.text
    assert site.post(edit, {**whole(stale), "do": "save"}).status == 303
    assert work.records("automation.rule").values([id_of(row)])[id_of(row)]["name"] == "Mine"


def test_a_record_that_is_typed_and_not_chosen_is_the_one_that_is_called_so_or_refused_at_its_field(site: Site, work: Work) -> None:
    new, alder = f"{RULES}/new", id_of(work.records("customers.account").create({"name": "Alder"}))
    form = whole(site.get(new, {"empty": "1"})) | {
        "do": "redraw",
        "name": "x",
        "entity": "pipeline.deal",
        "trigger": "automation.updated",
        "a0.action": "automation.update_record",
    }
    form = whole(site.post(new, {**whole(site.post(new, form)), "do": "add:c"}))
    form = whole(site.post(new, {**form, "do": "more:a0.values:values"}))
    form = whole(site.post(new, {**form, "do": "redraw", "c0.where.0.field": "account", "a0.values.0.field": "account"}))
    refused = site.post(new, {**form, "do": "save", "c0.where.0.value__typed": "Nobody", "a0.values.0.value__typed": "alder"})
    assert refused.status == 422
    assert refused.all("//*[@name='c0.where.0.value__typed']/@value") == ["Nobody"], "what was typed is still there"
    made = site.post(new, {**whole(refused), "do": "save", "c0.where.0.value": "", "c0.where.0.value__typed": "ALDER", "active": "false"})
    assert made.status == 303, made.texts("//*[@class='problem']")
    (row,) = work.records("automation.rule").find(where(name="x"))
    assert str(row["conditions"]).count(str(alder)) == 1
    assert row["actions"][0]["parameters"] == {"values": {"account": str(alder)}}
    other = site.post(new, {**form, "do": "save", "c0.where.0.value": str(alder), "a0.values.0.value__typed": "Nobody"})
    assert (other.status, "Nobody" in other.text) == (422, True)


def test_what_stands_in_the_form_is_tried_and_an_earlier_version_is_put_in_force_again(site: Site, work: Work) -> None:
    id = rule(work, "Greeting", tell("Hello {{ name }}"))
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": None}))
    edit = f"{RULES}/{id}/edit"
    tried = site.post(edit, {**whole(site.get(edit)), "do": "try", "record": str(account), "a0.title": "Bye {{ name }}"})
    assert tried.status == 200
    assert "the record has no owner" in tried.text
    assert "Bye Alder" in tried.text
    assert site.post(edit, {**whole(site.get(edit)), "do": "save", "a0.title": "Bye"}).status == 303
    page = site.get(f"{RULES}/{id}")
    assert page.texts("//ol[contains(@class, 'timeline')]/li/strong") == ["Version 2", "Version 1"]
    version = work.records("automation.rule").values([id])[id]["version"]
    assert site.post(f"{RULES}/{id}", {"csrf_token": "", "do": "version", "number": "1", "version": str(version)}).status == 303
    assert work.records("automation.rule").values([id])[id]["actions"][0]["parameters"]["title"] == "Hello {{ name }}"
    copy = site.get(f"{RULES}/new", {"like": str(id)})
    assert whole(copy)["name"] == ["Greeting (copy)"]
    drafted = site.post(f"{RULES}/{id}", {"do": "draft"})
    draft = drafted.answer.headers["Location"].removeprefix("/console").removesuffix("/edit")
    assert site.post(f"{draft}/edit", {**whole(site.get(f"{draft}/edit")), "do": "save", "a0.title": "Third"}).status == 303
    assert site.post(draft, {"do": "publish"}).status == 303
    assert work.records("automation.rule").values([id])[id]["actions"][0]["parameters"]["title"] == "Third"


def test_a_trial_tells_who_asks_no_more_than_he_sees(client: Api, work: Work, platform: Platform, people: People) -> None:
    """The rule runs with the administrator's rights; the clerk who tries it may not see what an account is worth."""
    for permission, fields in (("customers.account.read", ["name", "owner", "created_at"]), ("automation.rule.read", None)):
        work.records("core.grant").create({"role": "sales_rep", "permission": permission, "scope": "all", "only_fields": fields})
    me = work.records("core.user").find(where(roles="admin"), 1)[0]["id"]
    letter = {
        "action": "automation.send_mail",
        "parameters": {"to": "{{ city }}@alder.example", "subject": "{{ name }}", "text": "In {{ city }}"},
    }
    asks = [{"kind": "automation.filter", "parameters": {"where": ["city=Wuhan"]}}]
    id = rule(work, "Worth", letter, conditions=asks, owner=me)
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": people.rep, "city": "Wuhan"}))
    path = f"/api/v1/automation/rules/{id}/trials"
    mine, told = (client.post(path, {"record": str(account)}), client.as_user(people.rep).post(path, {"record": str(account)}))
    assert mine.json["holds"] is True
    assert "In Wuhan" in mine.text
    assert told.status_code == 200, told.text
    assert "Wuhan" not in told.text.replace(told.json["conditions"][0]["text"], "")
    assert told.json["steps"][0]["went_in"] == {}
    assert told.json["holds"] is False
    assert "don’t have access to" in told.json["conditions"][0]["problem"]


@pytest.mark.parametrize(
    "typed",
    [
        {"position": "--5"}, {"c0.kind": "automation.changed", "c0.field": "tier", "c0.was": "zzz"},
        {"c0.kind": "automation.related", "c0.entity": "customers.account", "c0.link": "name", "c0.least": "--1"},
        {"c0.kind": "automation.during", "c0.weekdays__there": "1", "c0.weekdays": "²"}, {"c0.raw": '{"all": 5}'}, {"c0.raw": '"\\ud800"'},
        {"c0.raw": '{"kind": "automation.filter", "parameters": {"where": 5}}'}, {"c0.raw": "5"},
        {"trigger": "automation.date", "t.days": "99999999999", "t.at": "x"}, {"trigger": "never"},
    ],
)  # fmt: skip
def test_whatever_is_typed_into_the_builder_is_drawn_again_tried_or_refused_but_never_fails(
    site: Site, work: Work, typed: dict[str, str]
) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder"}))
    there = rule(work, "There", tell("Hi"), owner=None)
    assert site.post(f"{RULES}/{there}", {"do": "version", "number": "9" * 5000}).status == 404
    values = whole(site.get(f"{RULES}/new", {"entity": "customers.account", "empty": "1"}))
    values |= {"name": ["X"], "trigger": ["automation.created"], "a0.title": ["Hi"], "record": [str(account)]}
    for do in ("add:c", "try", "save"):
        assert site.post(f"{RULES}/new", {**values, **typed, "do": do}).status < 500, do
