"""Somebody leaves: what the person had passes to a successor, and nothing opens the door any more."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.identity import leaving
from core.identity.tables import memberships, sessions, sign_ins, token_secrets
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.orders.invoices import issue
from plugins.teamwork.people import ids
from sdk import Condition, Invalid, where
from sdk.context import Row, id_of

RULE = {
    "name": "Tell", "entity": "customers.account", "trigger": "automation.created",
    "actions": [{"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ name }}"}}],
}  # fmt: skip


def owned(work: Work, entity: str, person: UUID) -> list[Row]:
    return work.records(entity).find(where(owner=person))


@pytest.fixture
def busy(work: Work, people: People) -> UUID:
    """The first representative with an account, tasks, a rule, and a task that the person helps with."""
    rep, successor = people.rep, people.reps[0][1]
    account = work.records("customers.account").create({"name": "Northwind", "owner": rep})
    tasks = work.records("teamwork.task")
    tasks.create({"subject": "Call", "owner": rep, "about": f"customers.account:{account['id']}"})
    tasks.create({"subject": "Help", "owner": people.manager, "helpers": [str(rep)]})
    tasks.create({"subject": "Both", "owner": people.manager, "helpers": [str(rep), str(successor)]})
    to = {"action": "automation.notify", "parameters": {"to": f"user:{rep}", "title": "{{ name }}"}}
    make = {"action": "automation.assign", "parameters": {"owner": str(rep)}}
    only = [{"kind": "automation.filter", "parameters": {"where": [f"owner={rep}"]}}]
    rule = {**RULE, "owner": rep, "runs_as": rep, "actions": [*RULE["actions"], to, make], "conditions": only}
    work.records("automation.rule").create(rule)
    work.records("automation.rule").create({**rule, "owner": people.director, "runs_as": people.director, "name": "Of the director"})
    work.records("teamwork.comment").create({"about": f"customers.account:{account['id']}", "body": "Said by the rep", "owner": rep})
    for name, shown_to in (("Ours", "team"), ("Mine", "nobody")):
        work.records("console.view").create({"name": name, "entity": "customers.account", "shown_to": shown_to, "owner": rep})
    return rep


@pytest.mark.feature("B13")
def test_who_leaves_leaves_no_open_task_no_token_and_no_session(
    client: Api, platform: Platform, work: Work, people: People, busy: UUID
) -> None:
    successor = people.reps[0][1]
    lifecycle.reset_password(platform, work.tenant.name, f"rep00@{work.tenant.name}.example", "a long password")
    signed = client.flask.post("/api/v1/session", json={"email": f"rep00@{work.tenant.name}.example", "password": "a long password"})
    assert signed.status_code == 201
    theirs = client.as_user(busy)
    assert theirs.get("/api/v1/teamwork/tasks").status_code == 200
    path = f"/api/v1/core/users/{busy}/departures"
    counted = client.post(path, {"successor": str(successor), "dry_run": True}).json
    assert owned(work, "customers.account", busy), "a dry run changes nothing"
    done = client.post(path, {"successor": str(successor)})
    assert done.status_code == 200, done.text
    moved = {row["entity"]: row["records"] for row in done.json["moved"]}
    assert moved == {"customers.account": 1, "teamwork.task": 1, "teamwork.assignment": 2, "automation.rule": 2, "console.view": 1}
    assert [(row["name"], row["owner"] == successor) for row in work.records("console.view").find(())] == [
        ("Ours", True),
        ("Mine", False),
    ], "what others are shown is theirs to look after, what one has for oneself is not"
    assert {row["entity"]: row["records"] for row in counted["moved"]} == moved
    assert (done.json["kept"], done.json["kept_count"], done.json["off"], counted["tokens"], done.json["tokens"]) == ([], 0, [], 1, 1)
    tasks = work.records("teamwork.task").find(where(state="open"))
    assert {(row["subject"], row["owner"], tuple(ids(row["helpers"]))) for row in tasks} == {
        ("Call", successor, ()), ("Help", people.manager, (successor,)), ("Both", people.manager, (successor,)),
    }  # fmt: skip
    (rule,) = work.records("automation.rule").find(where(owner=successor))
    assert rule["runs_as"] == successor
    (directors,) = work.records("automation.rule").find(where(owner=people.director))
    for one in (rule, directors):
        said = str([one["actions"], one["conditions"]])
        assert str(busy) not in said, "no rule gives work to who has left"
        assert said.count(str(successor)) == 3
    assert [row["body"] for row in owned(work, "teamwork.comment", busy)] == ["Said by the rep"], "who said it stays who said it"
    assert theirs.get("/api/v1/teamwork/tasks").status_code == 401
    with platform.database.begin(write=False, tenant=work.tenant.id) as connection:
        for table in (sessions, memberships, sign_ins):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0, table.name
        assert connection.execute(sa.select(sa.func.count()).select_from(token_secrets)).scalar() == 1  # the administrator's
    again = client.post(path, {"successor": str(successor)}).json
    assert (again["moved"], again["tokens"], again["kept"]) == ([], 0, [])
    history = client.get(f"/api/v1/core/users/{busy}/history").json["data"]
    assert "leave" in {entry["action"] for entry in history}


def test_what_a_plugin_holds_is_told_by_record_and_stays(work: Work, people: People) -> None:
    rep, successor = people.rep, people.reps[0][1]
    account = id_of(work.records("customers.account").create({"name": "Northwind"}))
    invoices = work.records("orders.invoice")
    for state in ("draft", "issued"):
        invoice = id_of(invoices.create({"name": state, "account": account, "owner": rep}))
        if state == "issued":
            work.records("orders.invoice_line").create(
                {"invoice": invoice, "description": "Day", "quantity": "1", "unit_price": {"amount": "10", "currency": "USD"}}
            )
            issue(work, invoice)
    done = leaving.leave(work, rep, successor)
    assert done.moved["orders.invoice"] == 1
    (kept,) = done.kept
    assert (kept["entity"], kept["id"], kept["fields"], kept["code"]) == ("orders.invoice", invoice, ["owner"], "invoice_issued")
    assert "is issued" in str(kept["reason"])


def test_a_successor_from_below_takes_the_place_in_the_tree(work: Work, people: People) -> None:
    manager, rep = people.manager, people.rep
    leaving.leave(work, manager, rep)
    users = work.records("core.user").values([rep, *people.reps[0][1:]])
    assert users[rep]["manager"] == people.director
    assert {users[one]["manager"] for one in people.reps[0][1:]} == {rep}
    assert work.records("core.team").values([people.teams[0]])[people.teams[0]]["manager"] == rep


def test_records_of_a_plugin_that_is_off_are_counted_and_not_forgotten(work: Work, platform: Platform, people: People, busy: UUID) -> None:
    lifecycle.switch(work, "automation", False)
    there = platform.system(work.tenant.id)
    done = leaving.leave(there, busy, people.manager)
    assert done.off == {"automation.rule": 2}
    lifecycle.switch(there, "automation", True)
    assert leaving.leave(platform.system(work.tenant.id), busy, people.manager).moved == {"automation.rule": 2}


def test_work_goes_to_somebody_active_alone(client: Api, work: Work, people: People) -> None:
    for nobody in (people.rep, UUID(int=7)):
        with pytest.raises(Invalid):
            leaving.leave(work, people.rep, nobody)
    work.records("core.user").update(people.manager, {"active": False})
    with pytest.raises(Invalid):
        leaving.leave(work, people.rep, people.manager)
    assert work.records("core.user").values([people.rep])[people.rep]["active"]
    accounts = "/api/v1/customers/accounts"
    refused = client.post(accounts, {"name": "Northwind", "owner": str(people.manager)})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "owner"), refused.text
    made = client.post(accounts, {"name": "Northwind", "owner": str(people.rep)}).json
    assert client.patch(f"{accounts}/{made['id']}", {"owner": str(people.manager)}).status_code == 422


def test_a_link_that_the_tenant_has_added_is_told_and_stays(client: Api, work: Work, people: People) -> None:
    field = {"entity": "customers.account", "key": "sponsor", "kind": "link", "target": "core.user", "label": "Sponsor"}
    assert client.post("/api/v1/core/custom_fields", field).status_code == 201
    account = client.post("/api/v1/customers/accounts", {"name": "Northwind", "custom.sponsor": str(people.rep)}).json["id"]
    path, body = f"/api/v1/core/users/{people.rep}/departures", {"successor": str(people.manager)}
    for dry_run in (True, False):
        (kept,) = client.post(path, {**body, "dry_run": dry_run}).json["kept"]
        assert (kept["entity"], kept["id"], kept["fields"]) == ("customers.account", account, ["custom.sponsor"])


def test_the_right_is_its_own_and_reaches_no_further_than_its_holders_rights(client: Api, work: Work, people: People) -> None:
    rep, successor, admin = people.rep, people.reps[0][1], work.records("core.user").find((Condition("name", "eq", ("Admin",)),))[0]
    clerk = client.as_user(people.manager)
    body = {"successor": str(successor)}
    assert clerk.post(f"/api/v1/core/users/{rep}/departures", body).status_code == 403
    role = work.records("core.role").find(where(key="sales_manager"))[0]
    work.records("core.grant").create({"role": role["id"], "permission": leaving.RIGHT, "scope": "all"})
    refused = clerk.post(f"/api/v1/core/users/{rep}/departures", {"successor": str(admin["id"])})
    assert (refused.status_code, refused.json["code"]) == (409, "beyond_own")
    refused = clerk.post(f"/api/v1/core/users/{admin['id']}/departures", body)
    assert (refused.status_code, refused.json["code"]) == (409, "beyond_own")
    assert client.post(f"/api/v1/core/users/{rep}/departures", {}).status_code == 422


def test_who_works_for_another_company_too_goes_on_there(platform: Platform, work: Work, people: People, make_tenant: MakeTenant) -> None:
    there, email = platform.system(make_tenant("elsewhere").id), f"rep00@{work.tenant.name}.example"
    lifecycle.add_person(there, "Rep", email, ["sales_rep"], "a long password")
    lifecycle.reset_password(platform, work.tenant.name, email, "a long password")
    leaving.leave(work, people.rep, people.manager)
    with platform.database.begin(write=False, tenant=None) as connection:
        assert connection.execute(sa.select(memberships.c.tenant_id)).scalars().all() == [there.tenant.id]
        assert connection.execute(sa.select(sign_ins.c.email)).scalars().all() == [email]


def test_a_person_is_found_by_id_address_or_a_name_that_one_alone_bears(work: Work, people: People) -> None:
    assert leaving.find_person(work, str(people.rep)) == people.rep
    assert leaving.find_person(work, f"REP00@{work.tenant.name}.example") == people.rep
    assert leaving.find_person(work, "rep00") == people.rep
    work.records("core.user").create({"name": "rep00"})
    with pytest.raises(leaving.NotFound):
        leaving.find_person(work, "rep00")
