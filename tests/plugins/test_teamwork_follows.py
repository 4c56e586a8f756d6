"""Following: what others do to a record is told, of many changes one notice, and never more than one may see."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from uuid import UUID

import pytest

from core.context import Work
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, People
from sdk import where
from sdk.context import Row, id_of
from tests.plugins.process import Process
from tests.plugins.test_looked_up import asked

FOLLOWS, DEALS = "/api/v1/teamwork/follows", "/api/v1/pipeline/deals"


def told(work: Work, person: UUID, kind: str = "teamwork.follow") -> list[Row]:
    return work.records("teamwork.notification").find(where(owner=person, kind=kind))


def heard(work: Work, person: UUID) -> list[tuple[object, object]]:
    """What somebody was told of records that he follows by himself."""
    return [(row["title"], row["body"]) for row in told(work, person, "teamwork.auto_follow")]


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
    work.records("core.grant").create({"role": id_of(role), "permission": "teamwork.comment.read", "scope": "none"})
    said = client.post("/api/v1/teamwork/comments", {"about": f"pipeline.deal:{deal}", "body": "a secret"}).json["id"]
    drain()
    assert colleague.get(f"/api/v1/teamwork/comments/{said}").status_code == 404, (
        "by the comments on people, which he has, he has none on deals"
    )
    assert len(told(work, people.reps[0][1])) == 2, "nor hears that there was one"
    assert colleague.delete(f"{FOLLOWS}/{made['id']}").status_code == 204
    work.records("pipeline.deal").update(deal, {"name": "Pipe"})
    drain()
    assert len(told(work, people.reps[0][1])) == 2


@pytest.mark.feature("J3")
def test_who_owns_makes_is_given_or_talks_about_a_record_follows_it_by_himself(
    client: Api, work: Work, process: Process, people: People, drain: Callable[[], int], clock: Clock
) -> None:
    first, _second, third = people.reps[0]
    rep, manager, director = (client.as_user(one) for one in (first, people.manager, people.director))
    deal = process.deal("Pump", owner=first)
    drain()
    assert rep.patch(f"{DEALS}/{deal}", {"notes": "mine"}).status_code == 200
    process.work.records("pipeline.deal").update(deal, {"notes": "by the system"})
    drain()
    assert work.records("teamwork.follow").find(()) == [], "of what nobody else has touched there is no row"
    assert manager.patch(f"{DEALS}/{deal}", {"notes": "yours"}).status_code == 200
    drain()
    assert director.post("/api/v1/teamwork/comments", {"about": f"pipeline.deal:{deal}", "body": "They decide."}).status_code == 201
    made = manager.post(DEALS, {"name": "Valve", "owner": str(first)}).json["id"]
    task = manager.post("/api/v1/teamwork/tasks", {"subject": "Offer", "owner": str(first), "helpers": [str(third)]}).json["id"]
    drain()
    assert heard(work, first) == [("Update on Pump", "manager0 changed: Notes")]
    (row,) = rep.get(FOLLOWS).json["data"]
    assert (row["about"]["id"], row["automatic"]) == (str(deal), True)
    assert rep.patch(f"{DEALS}/{made}", {"notes": "seen"}).status_code == 200
    assert rep.patch(f"/api/v1/teamwork/tasks/{task}", {"priority": "high"}).status_code == 200
    assert rep.patch(f"{DEALS}/{deal}", {"notes": "answered"}).status_code == 200
    drain()
    assert sorted(map(str, heard(work, people.manager))) == [
        "('Update on Offer', 'rep00 changed: Priority')", "('Update on Valve', 'rep00 changed: Notes')",
    ]  # fmt: skip
    assert heard(work, third) == [("Update on Offer", "rep00 changed: Priority")], "who helps"
    assert heard(work, people.director) == [("Update on Pump", "rep00 changed: Notes")], "who has commented"
    assert len(heard(work, first)) == 1, "of the comment it counts in the same notice, of the own changes nothing is told"


@pytest.mark.feature("J3")
def test_what_was_ended_by_hand_does_not_begin_again_and_a_preference_keeps_all_of_it_away(
    client: Api, work: Work, process: Process, people: People, drain: Callable[[], int], clock: Clock, mailbox: list[EmailMessage]
) -> None:
    rep, manager = client.as_user(people.rep), client.as_user(people.manager)
    deal, mailed, other = (process.deal(name, owner=people.rep) for name in ("told", "mailed", "muted"))
    drain()

    def touched(deal: UUID) -> list[int]:
        """How often its owner has been told, by himself and as he has chosen, after another change of it."""
        clock.move(minutes=11)
        assert manager.patch(f"{DEALS}/{deal}", {"notes": str(clock.now)}).status_code == 200
        drain()
        return [len(told(work, people.rep, f"teamwork.{kind}")) for kind in ("auto_follow", "follow")]

    assert touched(deal) == [1, 0]
    (row,) = rep.get(FOLLOWS).json["data"]
    assert rep.delete(f"{FOLLOWS}/{row['id']}").status_code == 204
    assert rep.post("/api/v1/teamwork/comments", {"about": f"pipeline.deal:{deal}", "body": "x"}).status_code == 201
    assert touched(deal) == [1, 0]
    assert rep.get(FOLLOWS).json["data"] == []
    assert mailbox == [], "of what nobody has asked for there is no letter"
    assert rep.post(FOLLOWS, {"about": f"pipeline.deal:{deal}"}).status_code == 201
    assert touched(deal) == [1, 1]
    assert len(mailbox) == 1, "of what one has chosen to follow there is"
    for channel, muted in (("mail", False), ("in_app", True)):
        wish = {"kind": "teamwork.auto_follow", "channel": f"teamwork.{channel}", "muted": muted}
        assert rep.post("/api/v1/teamwork/preferences", wish).status_code == 201
        assert touched(other if muted else mailed) == [2, 1]
        assert len(mailbox) == 2, "by mail for who says so"
    assert len(work.records("teamwork.follow").find(())) == 2, "of what is muted there is not even a row"
    assert touched(deal) == [2, 2], "what was chosen is still told"


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_many_records_that_are_changed_at_a_time_are_told_of_by_as_many_questions_as_a_few(
    client: Api, work: Work, process: Process, people: People, drain: Callable[[], int], clock: Clock
) -> None:
    def told_of(deals: list[UUID]) -> int:
        items = [{"op": "update", "id": str(deal), "values": {"notes": f"{clock.now}"}} for deal in deals]
        assert client.post(f"{DEALS}/batch", {"items": items}).status_code == 200
        return len(asked(work, drain))

    few, many = ([process.deal(f"{of} {number}", owner=people.rep) for number in range(of)] for of in (2, 8))
    drain()
    assert told_of(few) >= told_of(many)
    clock.move(minutes=1)
    assert told_of(few) >= told_of(many), "where they are counted in the notices that there are"
    assert sorted(row["times"] for row in told(work, people.rep, "teamwork.auto_follow")) == [2] * 10
