"""Following: what others do to a record is told, of many changes one notice, and never more than one may see."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from core.context import Work
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, People
from sdk import where
from sdk.context import Row, id_of
from tests.plugins.process import Process

FOLLOWS, DEALS = "/api/v1/teamwork/follows", "/api/v1/pipeline/deals"


def told(work: Work, person: UUID) -> list[Row]:
    return work.records("teamwork.notification").find(where(owner=person, kind="teamwork.follow"))


@pytest.mark.feature("J3")
def test_thirty_changes_in_a_minute_are_one_notice(
    client: Api, work: Work, process: Process, people: People, engine: Engine, clock: Clock
) -> None:
    deal = process.deal("Pump", owner=people.rep)
    engine.run_until_idle()
    manager, rep = client.as_user(people.manager), client.as_user(people.rep)
    assert manager.post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).status_code == 201
    assert manager.post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).status_code == 409
    assert rep.post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).status_code == 201
    for number in range(30):
        assert rep.patch(f"{DEALS}/{deal}", {"notes": f"note {number}"}).status_code == 200
        clock.move(seconds=2)
        if number % 10 == 0:
            engine.run_until_idle()
    engine.run_until_idle()
    (notice,) = told(work, people.manager)
    assert (notice["title"], notice["body"], notice["times"]) == ("Update on Pump", "rep00 changed: Notes", 30)
    assert told(work, people.rep) == [], "who does it knows"
    clock.move(minutes=10)
    rep.post("/api/v1/teamwork/comments", {"about": f"pipeline.deal:{deal}", "body": "They decide."})
    engine.run_until_idle()
    assert [(row["body"], row["times"]) for row in told(work, people.manager)] == [
        ("rep00 changed: Notes", 30),
        ("rep00 commented.", 1),
    ]


@pytest.mark.feature("J3")
def test_who_may_not_see_the_record_any_more_or_does_not_follow_hears_nothing(
    client: Api, work: Work, process: Process, people: People, drain: Callable[[], int], clock: Clock
) -> None:
    deal = process.deal(owner=people.rep)
    colleague = client.as_user(people.reps[0][1])
    made = colleague.post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).json
    assert client.as_user(people.reps[1][0]).post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).status_code == 422
    assert client.get(f"{FOLLOWS}/{made['id']}").status_code == 404
    work.records("core.user").update(people.reps[0][1], {"team": people.teams[1], "manager": None})
    work.records("pipeline.deal").update(deal, {"notes": "secret"})
    drain()
    assert told(work, people.reps[0][1]) == []
    work.records("core.user").update(people.reps[0][1], {"team": people.teams[0]})
    work.records("pipeline.deal").update(deal, {"notes": "open"})
    drain()
    assert [row["body"] for row in told(work, people.reps[0][1])] == ["The system changed: Notes"]
    (role,) = work.records("core.role").find(where(key="sales_rep"))
    for grant in ({"scope": "own"}, {"scope": "team", "only_fields": ["name", "owner"]}):
        work.records("core.grant").create({"role": id_of(role), "permission": "pipeline.deal.read", **grant})
    for values in ({"notes": "hidden on this deal"}, {"name": "Valve", "notes": "as before"}, {"notes": "hidden again"}):
        clock.move(minutes=11 if "name" in values else 0)
        work.records("pipeline.deal").update(deal, values)
    drain()
    bodies = [(row["body"], row["times"]) for row in told(work, people.reps[0][1])]
    assert bodies == [("The system changed: Notes", 1), ("The system changed: Name", 1)], (
        "of other records he sees the notes, not of this one"
    )
    assert colleague.delete(f"{FOLLOWS}/{made['id']}").status_code == 204
    work.records("pipeline.deal").update(deal, {"name": "Pipe"})
    drain()
    assert len(told(work, people.reps[0][1])) == 2
