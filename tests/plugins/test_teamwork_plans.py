"""What stages ask for, and records that nobody has touched for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.tenancy.setup import set_up
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.pipeline.template import apply
from sdk import Conflict, Draft, where
from sdk.context import Row, id_of
from sdk.fields import Reference
from tests.plugins.process import Process

PLAN, TASK, ACTIVITY, DEAL = "teamwork.stage_plan", "teamwork.task", "teamwork.activity", "pipeline.deal"
HOLIDAY = "company.holiday"
DEALS = "/api/v1/pipeline/deals"


def plan(process: Process, subject: str, days: int, **more: object) -> UUID:
    values = {"stage": process.stages["needs-analysis"], "subject": subject, "after_days": days, **more}
    return id_of(process.work.records(PLAN).create(values))


def planned(work: Work, deal: UUID, entity: str = TASK) -> list[Row]:
    rows = work.records(entity).find(where(about=Reference(DEAL, deal)))
    return sorted(rows, key=lambda row: str(row["subject"]))


def move(process: Process, deal: UUID, stage: str, **more: object) -> None:
    process.work.records(DEAL).update(deal, {"stage": process.stages[stage], **more}, act="move")


@pytest.mark.feature("D6")
def test_entering_needs_analysis_creates_three_dated_tasks_for_the_owner_on_days_on_which_the_company_works(
    process: Process, people: People, engine: Engine, clock: Clock
) -> None:
    for subject, days in (("a", 0), ("b", 1), ("c", 3)):
        plan(process, subject, days)
    plan(process, "off", 1, active=False)
    process.work.records(HOLIDAY).create({"on": "2026-01-20", "name": "The founder's birthday"})
    engine.run_until_idle()
    deal = process.deal(owner=people.rep)
    engine.run_until_idle()
    assert planned(process.work, deal) == []
    clock.now = datetime(2026, 1, 16, 12, tzinfo=UTC)  # a Friday
    move(process, deal, "needs-analysis")
    engine.run_until_idle()
    assert [(row["subject"], str(row["due_on"]), row["owner"]) for row in planned(process.work, deal)] == [
        ("a", "2026-01-16", people.rep), ("b", "2026-01-19", people.rep), ("c", "2026-01-22", people.rep),
    ]  # fmt: skip
    move(process, deal, "proposal", amount={"amount": "10"})
    (first, *_rest) = planned(process.work, deal)
    process.work.records(TASK).update(id_of(first), {"state": "done"})
    move(process, deal, "needs-analysis")
    engine.run_until_idle()
    engine.run_until_idle()
    assert [(row["subject"], row["state"]) for row in planned(process.work, deal)] == [
        ("a", "done"),
        ("a", "open"),
        ("b", "open"),
        ("c", "open"),
    ]


@pytest.mark.feature("D6")
def test_a_deal_leaves_a_stage_in_no_way_before_what_it_needs_is_done(
    process: Process, people: People, client: Api, drain: Callable[[], int], taken: Callable[..., object]
) -> None:
    plan(process, "Interview", 1, mandatory=True, kind="visit")
    plan(process, "Summary", 2, mandatory=True)
    plan(process, "Nice to have", 2)
    deal = process.deal("Pump", owner=people.rep, stage="needs-analysis")
    drain()
    (visit,) = planned(process.work, deal, ACTIVITY)
    assert (visit["kind"], str(visit["starts_at"])) == ("visit", "2026-01-16 10:00:00+00:00")
    rep, stage = client.as_user(people.rep), str(process.stages["proposal"])
    leave = {"stage": stage, "amount": {"amount": "10"}}
    answers = [
        rep.patch(f"{DEALS}/{deal}", leave),
        rep.post(f"{DEALS}/{deal}/moves", {"stage": stage}),
        client.patch(f"{DEALS}/{deal}", {"stage": "won"}),
    ]
    for answer in answers[::2]:
        assert (answer.status_code, answer.json["code"]) == (409, "open_activities"), answer.text
        assert "Interview, Summary" in answer.json["detail"]
    assert rep.patch(f"{DEALS}/{deal}", {"amount": {"amount": "20"}}).status_code == 200, "a deal that stays is changed as ever"
    assert rep.post(f"{DEALS}/{deal}/moves", {"stage": stage}).status_code == 409
    batch = rep.post(f"{DEALS}/batch", {"items": [{"op": "update", "id": str(deal), "values": leave}]})
    assert batch.json["data"][0]["status"] == 409
    done = taken(DEAL, "name,stage,amount\nPump,proposal,20\n", mode="update", match=["name"])
    assert done.counts["failed"] == 1  # type: ignore[attr-defined]
    with pytest.raises(Conflict):
        process.work.records(DEAL).update(deal, leave)
    tasks = {str(row["subject"]): row for row in planned(process.work, deal)}
    place = f"/api/v1/teamwork/tasks/{tasks['Summary']['id']}"
    assert rep.patch(place, {"state": "cancelled"}).json["code"] == "mandatory", "nor by the back door"
    assert rep.patch(place, {"about": None}).status_code == 409
    assert rep.delete(place).status_code == 409
    assert client.patch(place, {"owner": str(people.reps[1][0])}).status_code == 200
    assert (said := rep.patch(f"{DEALS}/{deal}", leave).json["detail"]).endswith(": Interview"), (
        f"what one does not see is not named: {said}"
    )
    assert client.as_user(people.manager).patch(f"/api/v1/teamwork/activities/{visit['id']}", {"state": "cancelled"}).status_code == 200
    refused = rep.patch(f"{DEALS}/{deal}", leave).json
    assert (refused["code"], "Summary" in refused["detail"]) == ("open_activities", False)
    assert client.patch(place, {"owner": str(people.rep)}).status_code == 200
    assert rep.patch(place, {"state": "done"}).status_code == 200
    assert rep.patch(f"{DEALS}/{deal}", leave).status_code == 200


@pytest.mark.feature("D6")
def test_a_deal_does_not_slip_out_before_the_worker_has_planned_what_its_stage_needs(
    process: Process, people: People, client: Api, clock: Clock, drain: Callable[[], int]
) -> None:
    plan(process, "Interview", 1, mandatory=True)
    plan(process, "Nice to have", 2)
    clock.move(minutes=1)
    rep, stage = client.as_user(people.rep), str(process.stages["proposal"])
    slipping, lost, waiting = (process.deal(name, owner=people.rep, stage="needs-analysis") for name in ("Pump", "Valve", "Pipe"))
    leave = {"stage": stage, "amount": {"amount": "10"}}
    refused = rep.patch(f"{DEALS}/{slipping}", leave)
    assert (refused.status_code, refused.json["code"]) == (409, "open_activities")
    assert refused.json["detail"].endswith(": Interview")
    assert client.patch(f"{DEALS}/{lost}", {"stage": "lost", "lost_reason": "price"}).status_code == 200
    clock.move(minutes=10)
    assert rep.patch(f"{DEALS}/{waiting}", leave).status_code == 200, "a worker that is away holds nobody up for long"
    drain()
    assert rep.patch(f"{DEALS}/{slipping}", leave).status_code == 409
    (task,) = [row for row in planned(process.work, slipping) if row["subject"] == "Interview"]
    assert rep.patch(f"/api/v1/teamwork/tasks/{task['id']}", {"state": "done"}).status_code == 200
    assert rep.patch(f"{DEALS}/{slipping}", leave).status_code == 200
    clock.move(minutes=1)
    move(process, slipping, "needs-analysis")
    assert rep.patch(f"{DEALS}/{slipping}", leave).status_code == 409, "each stay in the stage has its own"


@pytest.mark.feature("D6")
def test_what_was_planned_and_deleted_by_whoever_may_keeps_no_deal(
    process: Process, people: People, client: Api, clock: Clock, drain: Callable[[], int]
) -> None:
    """It is in the recycle bin, which is not the same as not being planned yet."""
    plan(process, "Interview", 1, mandatory=True, kind="visit")
    plan(process, "Summary", 1, mandatory=True)
    clock.move(minutes=1)
    deal = process.deal("Pump", owner=people.rep, stage="needs-analysis")
    drain()
    rep, leave = client.as_user(people.rep), {"stage": str(process.stages["proposal"]), "amount": {"amount": "10"}}
    (visit,), (task,) = planned(process.work, deal, ACTIVITY), planned(process.work, deal)
    places = [f"/api/v1/teamwork/activities/{visit['id']}", f"/api/v1/teamwork/tasks/{task['id']}"]
    assert [rep.delete(place).status_code for place in places] == [409, 409]
    assert client.delete(places[0]).status_code == 204
    assert rep.patch(f"{DEALS}/{deal}", leave).json["detail"].endswith(": Summary")
    assert rep.patch(places[1], {"state": "done"}).status_code == 200
    assert rep.delete(places[1]).status_code == 204, "what is done may go"
    assert client.post(f"{places[0]}/restore").status_code == 200
    assert rep.patch(f"{DEALS}/{deal}", leave).json["detail"].endswith(": Interview"), "and what comes back counts again"
    assert client.delete(places[0]).status_code == 204
    assert rep.patch(f"{DEALS}/{deal}", leave).status_code == 200
    clock.move(minutes=1)
    move(process, deal, "needs-analysis")
    assert rep.patch(f"{DEALS}/{deal}", leave).status_code == 409, "what was deleted in an earlier stay is planned again"
    drain()
    assert [len(planned(process.work, deal, entity)) for entity in (ACTIVITY, TASK)] == [1, 1]


def test_what_is_left_over_from_an_earlier_stay_and_done_in_this_one_counts(
    process: Process, people: People, client: Api, clock: Clock, drain: Callable[[], int]
) -> None:
    interview = plan(process, "Interview", 1)
    deal = process.deal("Pump", owner=people.rep, stage="needs-analysis")
    drain()
    move(process, deal, "proposal", amount={"amount": "10"})
    process.work.records(PLAN).update(interview, {"mandatory": True})
    clock.move(minutes=1)
    move(process, deal, "needs-analysis")
    (task,) = planned(process.work, deal)
    rep, leave = client.as_user(people.rep), {"stage": str(process.stages["proposal"])}
    assert rep.patch(f"{DEALS}/{deal}", leave).status_code == 409
    assert rep.patch(f"/api/v1/teamwork/tasks/{task['id']}", {"state": "done"}).status_code == 200
    assert rep.patch(f"{DEALS}/{deal}", leave).status_code == 200


def test_a_plan_that_is_made_later_keeps_no_deal_that_is_there_already(process: Process, people: People, client: Api, clock: Clock) -> None:
    deal = process.deal("Pump", owner=people.rep, stage="needs-analysis")
    clock.move(minutes=1)
    plan(process, "Interview", 1, mandatory=True)
    leave = {"stage": str(process.stages["proposal"]), "amount": {"amount": "10"}}
    assert client.as_user(people.rep).patch(f"{DEALS}/{deal}", leave).status_code == 200


@pytest.mark.feature("D6")
def test_a_lost_deal_may_leave_and_loses_what_was_planned(process: Process, drain: Callable[[], int]) -> None:
    plan(process, "Interview", 1, mandatory=True)
    deal = process.deal(stage="needs-analysis")
    drain()
    move(process, deal, "lost", lost_reason="price")
    drain()
    assert [row["state"] for row in planned(process.work, deal)] == ["cancelled"]


@pytest.mark.feature("D6")
def test_closed_deals_that_are_imported_and_those_that_have_moved_on_get_nothing(process: Process, drain: Callable[[], int]) -> None:
    for key in ("needs-analysis", "won", "first-contact"):
        process.work.records(PLAN).create({"stage": process.stages[key], "subject": key, "mandatory": key != "needs-analysis"})
    closed = process.deal(stage="won", close_date="2025-01-01")
    passed = process.deal(stage="needs-analysis")
    move(process, passed, "proposal", amount={"amount": "10"})
    drain()
    assert planned(process.work, closed) == planned(process.work, passed) == []


@pytest.mark.feature("D6")
def test_a_plan_that_is_switched_off_keeps_no_deal(process: Process, drain: Callable[[], int]) -> None:
    id = plan(process, "Interview", 1, mandatory=True)
    deal = process.deal(stage="needs-analysis")
    drain()
    process.work.records(PLAN).update(id, {"active": False})
    move(process, deal, "first-contact")
    assert process.key_of(deal) == "first-contact"


def test_days_of_a_plan_are_those_of_the_tenant(
    make_tenant: MakeTenant, platform: Platform, clock: Clock, drain: Callable[[], int]
) -> None:
    clock.now = datetime(2026, 1, 16, 20, tzinfo=UTC)  # Saturday in Shanghai
    work = platform.system(make_tenant(timezone="Asia/Shanghai").id)
    process = Process(work, apply(work, "direct_sales"))
    plan(process, "a", 1)
    plan(process, "b", 0, kind="call")
    deal = process.deal(stage="needs-analysis")
    drain()
    assert str(planned(work, deal)[0]["due_on"]) == "2026-01-20"
    assert str(planned(work, deal, ACTIVITY)[0]["starts_at"]) == "2026-01-19 02:00:00+00:00"


def test_set_up_plans_for_the_ready_made_process_and_for_no_other(work: Work, process: Process) -> None:
    set_up(work)
    assert work.records(PLAN).find(()) == [], "the company has a process of its own"


def test_set_up_can_be_repeated_and_brings_three_plans(work: Work) -> None:
    for _time in range(2):
        set_up(work)
    rows = work.records(PLAN).find(())
    assert [(row["after_days"], row["mandatory"]) for row in rows] == [(2, True), (5, False), (7, False)]
    assert [row["active"] for row in work.records("teamwork.stale_rule").find(())] == [False]


def test_representatives_read_plans_and_do_not_write_them(client: Api, people: People, process: Process) -> None:
    id = plan(process, "a", 1)
    place = f"/api/v1/teamwork/stage_plans/{id}"
    rep = client.as_user(people.rep)
    assert (rep.get(place).status_code, rep.patch(place, {"mandatory": False}).status_code) == (200, 403)
    assert client.as_user(people.manager).patch(place, {"mandatory": True}).status_code == 200


def test_a_hundred_deals_are_planned_in_sets(process: Process, people: People, drain: Callable[[], int]) -> None:
    plan(process, "a", 1)
    plan(process, "b", 1, kind="call")
    drain()
    drafts = [Draft("create", {"name": f"d{n}", "stage": process.stages["needs-analysis"], "owner": people.rep}) for n in range(100)]
    assert all(outcome.refusal is None for outcome in process.work.records(DEAL).write(drafts))
    drain()
    assert len(process.work.records(TASK).find(())) == len(process.work.records(ACTIVITY).find(())) == 100


# --- stale records ---------------------------------------------------------------------------------------------------


@pytest.mark.feature("I15")
def test_fourteen_days_without_activity_make_one_task_and_an_activity_begins_a_new_silence(
    process: Process, people: People, engine: Engine, clock: Clock
) -> None:
    work = process.work
    work.records("teamwork.stale_rule").create({"key": "silent", "days": 14, "subject": "Take it up", "due_in_days": 2})
    work.records(HOLIDAY).create({"on": "2026-02-02", "name": "A day off"})
    engine.run_until_idle()
    quiet, busy, won = process.deal("quiet", owner=people.rep), process.deal("busy"), process.deal("won", stage="won")

    def days_later(days: int) -> list[int]:
        clock.move(days=days)
        engine.run_until_idle()
        return [len(planned(work, deal)) for deal in (quiet, busy, won)]

    assert days_later(10) == [0, 0, 0]
    work.records(ACTIVITY).create({"subject": "Call", "about": f"{DEAL}:{busy}", "starts_at": clock.now})
    assert days_later(5) == [1, 0, 0]
    (task,) = planned(work, quiet)
    assert (task["subject"], task["owner"], str(task["due_on"])) == ("Take it up", people.rep, "2026-02-04")
    assert (days_later(1)[0], days_later(2)[0]) == (1, 1), "one, however often the clock comes round"
    work.records(TASK).update(id_of(task), {"state": "done"})
    assert days_later(20)[0] == 1, "one for each silence"
    work.records(ACTIVITY).create({"subject": "Call", "about": f"{DEAL}:{quiet}", "starts_at": clock.now})
    assert days_later(13)[0] == 1
    assert days_later(2)[0] == 2


@pytest.mark.feature("I15")
def test_what_is_planned_ahead_and_a_move_count_as_activity_and_a_rule_that_is_off_does_nothing(
    process: Process, clock: Clock, drain: Callable[[], int]
) -> None:
    work = process.work
    rule = id_of(work.records("teamwork.stale_rule").create({"key": "silent", "days": 14, "subject": "x"}))
    drain()
    ahead, moved, cancelled = process.deal("ahead"), process.deal("moved"), process.deal("cancelled")
    work.records(ACTIVITY).create({"subject": "Visit", "about": f"{DEAL}:{ahead}", "starts_at": "2026-03-01T09:00:00Z"})
    clock.move(days=10)
    work.records(ACTIVITY).create({"subject": "Visit", "about": f"{DEAL}:{cancelled}", "starts_at": clock.now, "state": "cancelled"})
    move(process, moved, "first-contact")
    clock.move(days=6)
    drain()
    assert [len(planned(work, deal)) for deal in (ahead, moved, cancelled)] == [0, 0, 1]
    work.records("teamwork.stale_rule").update(rule, {"active": False})
    clock.move(days=60)
    drain()
    assert [len(planned(work, deal)) for deal in (ahead, moved, cancelled)] == [0, 0, 1]


@pytest.mark.feature("I15")
def test_the_last_activity_of_a_deal_is_shown_as_far_as_one_may_see_it(client: Api, people: People, process: Process) -> None:
    deal = process.deal(owner=people.rep)
    process.work.records(ACTIVITY).create(
        {"subject": "x", "about": f"{DEAL}:{deal}", "starts_at": "2026-01-10T09:00:00Z", "owner": people.rep}
    )
    process.work.records(ACTIVITY).create(
        {"subject": "x", "about": f"{DEAL}:{deal}", "starts_at": "2026-01-12T09:00:00Z", "owner": people.reps[1][0]}
    )
    name = "teamwork.last_activity_at"
    assert client.get(f"{DEALS}/{deal}").json[name] == "2026-01-12T09:00:00Z"
    assert client.as_user(people.rep).get(f"{DEALS}/{deal}").json[name] == "2026-01-10T09:00:00Z"
    assert len(client.get(DEALS, {f"{name}[lt]": "2026-01-13T00:00:00Z"}).json["data"]) == 1
    assert client.get(DEALS, {f"{name}[lt]": "2026-01-11T00:00:00Z"}).json["data"] == []
