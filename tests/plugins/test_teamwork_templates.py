"""Task templates: a list of tasks put on any record, once a request, for those whom its lines name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.teamwork.task_templates import Wish, apply, tasks_of
from sdk import Conflict, where
from sdk.context import Row, id_of
from sdk.fields import Reference

API, ACCOUNT = "/api/v1/teamwork", "customers.account"
TEMPLATES = f"{API}/task_templates"


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of the first representative."""
    return id_of(work.records(ACCOUNT).create({"name": "Alder", "owner": people.rep}))


def template(work: Work, *lines: dict[str, object], **more: object) -> UUID:
    made = id_of(work.records("teamwork.task_template").create({"name": "Welcome", **more}))
    for place, line in enumerate(lines, 1):
        work.records("teamwork.template_task").create({"template": made, "position": place, **line})
    return made


def applied(api: Api, id: UUID, about: str, **more: object) -> dict[str, Any]:
    answer = api.post(f"{TEMPLATES}/{id}/applications", {"about": about, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def told(work: Work, person: UUID) -> list[tuple[object, object]]:
    return [(row["title"], row["body"]) for row in work.records("teamwork.notification").find(where(owner=person, kind="teamwork.task"))]


def tasks(work: Work) -> list[Row]:
    return work.records("teamwork.task").find(())


@pytest.mark.feature("J1")
def test_a_template_gives_its_tasks_to_owner_manager_applier_and_a_person_on_working_days(
    client: Api, work: Work, people: People, account: UUID, clock: Clock, engine: Engine
) -> None:
    clock.now = datetime(2026, 1, 16, 12, tzinfo=UTC)  # a Friday
    helper = people.reps[0][2]
    id = template(
        work, {"subject": "Call", "after_days": 0, "remind_time": "08:00", "helpers": [str(helper)]}, {"subject": "Plan", "priority": "high"},
        {"subject": "Look at it", "after_days": 3, "assignee": "manager"}, {"subject": "Report", "after_days": 5, "assignee": "applier"},
        {"subject": "Credit", "after_days": 6, "assignee": "person", "person": people.director},
        {"subject": "Stamp", "after_days": 6, "assignee": "person", "person": people.reps[1][0]},
    )  # fmt: skip
    colleague = people.reps[0][1]
    made = applied(client.as_user(colleague), id, f"{ACCOUNT}:{account}")
    assert [(row["subject"], row["due_on"], UUID(row["owner"])) for row in made["tasks"]] == [
        ("Call", "2026-01-16", people.rep), ("Plan", "2026-01-19", people.rep), ("Look at it", "2026-01-21", people.manager),
        ("Report", "2026-01-23", colleague), ("Credit", "2026-01-26", people.director), ("Stamp", "2026-01-26", people.reps[1][0]),
    ]  # fmt: skip
    rows = tasks(work)
    assert {(row["about"], row["application"]) for row in rows} == {((ACCOUNT, account), UUID(made["id"]))}
    assert (rows[0]["helpers"], rows[0]["remind_time"], rows[1]["priority"]) == ([str(helper)], "08:00", "high")
    engine.run_until_idle()
    assert told(work, people.rep) == [("Tasks: Welcome", "You have 2 new tasks for Alder.")], "one notice, not one for each task"
    assert told(work, people.reps[1][0]) == [("Tasks: Welcome", "You have 1 new task.")], (
        "who does not see the account is not told its name"
    )
    assert [len(told(work, person)) for person in (helper, people.manager, people.director, colleague)] == [1, 1, 1, 0]


@pytest.mark.feature("J1")
def test_the_same_request_makes_its_tasks_once(client: Api, work: Work, people: People, account: UUID, engine: Engine) -> None:
    id, other = template(work, {"subject": "Call"}), template(work, {"subject": "x"}, name="Other")
    rep, about = client.as_user(people.rep), f"{ACCOUNT}:{account}"
    once = applied(rep, id, about, request="r-1")
    assert applied(rep, id, about, request="r-1") == once
    assert len(tasks(work)) == 1
    refused = rep.post(f"{TEMPLATES}/{other}/applications", {"about": about, "request": "r-1"})
    assert (refused.status_code, refused.json["code"]) == (409, "request_used")
    applied(client.as_user(people.manager), id, about, request="r-1")
    applied(rep, id, about)
    applied(rep, id, about)
    assert len(tasks(work)) == 4, "another person's word is another, and without a word each request counts"


@pytest.mark.feature("J1")
def test_put_on_a_task_the_tasks_are_its_parts(client: Api, work: Work, people: People, account: UUID) -> None:
    id = template(work, {"subject": "Book a room", "after_days": 2}, {"subject": "Invite"})
    whole = id_of(work.records("teamwork.task").create({"subject": "Fair", "owner": people.rep, "about": f"{ACCOUNT}:{account}"}))
    applied(client.as_user(people.rep), id, f"teamwork.task:{whole}", starts_on="2026-03-06")
    parts = work.records("teamwork.task").find(where(parent_task=whole))
    assert [(row["subject"], str(row["due_on"]), row["owner"], row["about"]) for row in parts] == [
        ("Book a room", "2026-03-10", people.rep, (ACCOUNT, account)), ("Invite", "2026-03-09", people.rep, (ACCOUNT, account)),
    ]  # fmt: skip


@pytest.mark.feature("J1")
def test_a_rule_applies_a_template_once_for_each_record(client: Api, work: Work, people: People, engine: Engine) -> None:
    id, deals = (
        template(work, {"subject": "Call"}, {"subject": "Visit", "assignee": "manager"}),
        template(work, name="D", entity="pipeline.deal"),
    )
    rule = {"name": "New customer", "entity": ACCOUNT, "trigger": "automation.created"}

    def saved(template: UUID) -> Any:
        action = {"action": "teamwork.apply_task_template", "parameters": {"template": str(template)}}
        return client.post("/api/v1/automation/rules", {**rule, "actions": [action]})

    for wrong, code in ((uuid4(), "no_such_template"), (deals, "other_entity")):
        refused = saved(wrong)
        assert refused.status_code == 422, refused.text
        assert [(one["field"], one["code"]) for one in refused.json["errors"]] == [("actions.0.parameters.template", code)]
    assert saved(id).status_code == 201
    engine.run_until_idle()
    account = id_of(work.records(ACCOUNT).create({"name": "Birch", "owner": people.rep}))
    for _time in range(2):
        engine.run_until_idle()
    (run,) = work.records("automation.run").find(())
    assert (run["state"], run["error"]) == ("done", None)
    assert [(row["subject"], row["owner"], row["about"]) for row in tasks(work)] == [
        ("Call", people.rep, (ACCOUNT, account)), ("Visit", people.manager, (ACCOUNT, account)),
    ]  # fmt: skip


@pytest.mark.feature("J1")
def test_where_somebody_is_missing_the_next_one_does_it_and_nothing_is_half_made(
    client: Api, work: Work, people: People, account: UUID
) -> None:
    free = id_of(work.records(ACCOUNT).create({"name": "Nobody's"}))
    id = template(work, {"subject": "Call"}, {"subject": "Look", "assignee": "manager"})
    made = applied(client, id, f"{ACCOUNT}:{free}")
    (application,) = work.records("teamwork.application").find(())
    assert {row["owner"] for row in made["tasks"]} == {str(application["owner"])}, "without an owner it is for who applies it"
    work.records("core.user").update(people.manager, {"active": False})
    made = applied(client.as_user(people.rep), id, f"{ACCOUNT}:{account}")
    assert {row["owner"] for row in made["tasks"]} == {str(people.rep)}, "without a manager it is for the owner"
    gone = template(work, {"subject": "a"}, {"subject": "b", "assignee": "person", "person": people.reps[1][0]}, name="Gone")
    work.records("core.user").update(people.reps[1][0], {"active": False})
    refused = client.post(f"{TEMPLATES}/{gone}/applications", {"about": f"{ACCOUNT}:{account}"})
    assert (refused.status_code, refused.json["code"]) == (409, "person_left")
    assert len(tasks(work)) == 4
    assert len(work.records("teamwork.application").find(())) == 2


@pytest.mark.feature("J1")
def test_what_cannot_be_applied_says_why(client: Api, work: Work, people: People, account: UUID) -> None:
    about = {"about": f"{ACCOUNT}:{account}"}
    cases = ((template(work, {"subject": "x"}, entity="pipeline.deal"), 422), (template(work, name="empty"), 409),
             (template(work, {"subject": "x"}, name="off", active=False), 409), (uuid4(), 404))  # fmt: skip
    for id, status in cases:
        assert client.post(f"{TEMPLATES}/{id}/applications", about).status_code == status, status
    id = template(work, {"subject": "x"}, name="fits")
    theirs = id_of(work.records(ACCOUNT).create({"name": "Theirs", "owner": people.reps[1][0]}))
    rep = client.as_user(people.rep)
    for unseen in (f"{ACCOUNT}:{theirs}", f"{ACCOUNT}:{uuid4()}", f"nothing.there:{uuid4()}"):
        assert rep.post(f"{TEMPLATES}/{id}/applications", {"about": unseen}).status_code == 404
    for wrong in ({}, {"about": "Alder"}, {**about, "starts_on": "soon"}, {**about, "request": "x" * 101}):
        assert rep.post(f"{TEMPLATES}/{id}/applications", wrong).status_code == 422, wrong
    assert rep.patch(f"{TEMPLATES}/{id}", {"active": False}).status_code == 403, "templates are the managers'"
    assert client.as_user(people.manager).patch(f"{TEMPLATES}/{id}", {"notes": "x"}).status_code == 200
    assert tasks(work) == []


@pytest.mark.parametrize(("line", "field", "code"), [
    ({"assignee": "person"}, "person", "required"), ({"person": "rep00"}, "person", "other_assignee"),
    ({"after_days": -1}, "after_days", "out_of_range"), ({"helpers": ["nobody"]}, "helpers", "no_such_person"),
])  # fmt: skip
def test_a_line_that_means_nothing_is_refused_by_its_field(
    client: Api, work: Work, people: People, line: dict[str, object], field: str, code: str
) -> None:
    refused = client.post(f"{API}/template_tasks", {"template": str(template(work)), "subject": "x", **line})
    assert refused.status_code == 422, refused.text
    assert (field, code) in {(error["field"], error["code"]) for error in refused.json["errors"]}
    assert client.post(TEMPLATES, {"name": "y", "entity": "nothing.there"}).json["errors"][0]["code"] == "unknown_entity"


def test_a_template_holds_a_hundred_tasks_and_its_days_are_the_tenant_s(make_tenant: MakeTenant, platform: Platform, clock: Clock) -> None:
    clock.now = datetime(2026, 1, 18, 20, tzinfo=UTC)  # Monday in Shanghai
    work = platform.system(make_tenant(timezone="Asia/Shanghai").id)
    id = template(work, *({"subject": f"t{number}", "after_days": 0} for number in range(100)))
    with pytest.raises(Conflict):
        work.records("teamwork.template_task").create({"template": id, "subject": "one more"})
    account = id_of(work.records(ACCOUNT).create({"name": "Alder"}))
    made = tasks_of(work, apply(work, Wish(id, Reference(ACCOUNT, account))))
    assert (len(made), {str(row["due_on"]) for row in made}, {row["owner"] for row in made}) == (100, {"2026-01-19"}, {None})


def test_tasks_are_for_the_record_s_owner_whoever_may_see_that(work: Work, client: Api, people: People) -> None:
    role = id_of(work.records("core.role").create({"key": "blind", "name": "Blind"}))
    narrow = {"permission": "teamwork.task.read", "scope": "all", "only_fields": ["subject"]}
    create = {"permission": "teamwork.task.create", "scope": "all"}
    templates = {"permission": "teamwork.task_template.read", "scope": "all"}
    for grant in (narrow, create, templates):
        work.records("core.grant").create({"role": str(role), **grant})
    owner, applier = people.reps[0][1], people.rep
    work.records("core.user").update(applier, {"roles": ["blind"]})
    whole = id_of(work.records("teamwork.task").create({"subject": "whole", "owner": str(owner)}))
    id = template(work, {"subject": "part", "assignee": "owner"})
    answer = client.as_user(applier).post(
        f"/api/v1/teamwork/task_templates/{id}/applications", {"about": {"entity": "teamwork.task", "id": str(whole)}}
    )
    assert answer.status_code in (200, 201), answer.text
    (part,) = [row for row in tasks(work) if row["subject"] == "part"]
    assert (part["owner"], part["parent_task"]) == (owner, whole)
