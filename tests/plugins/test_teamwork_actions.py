"""What rules can do with tasks, activities, notices and comments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from marshmallow import ValidationError

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Clock, MakeTenant, People
from sdk import Action, GiveUp, Invalid, Step, where
from sdk.context import id_of

ACCOUNT = "customers.account"


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of the first representative."""
    return id_of(work.records(ACCOUNT).create({"name": "Alder", "owner": people.rep}))


def run(work: Work, name: str, record: UUID, **said: object) -> dict[str, Any]:
    """Load the parameters as a rule does, and act."""
    (action,) = [one for one in work.declared(Action) if one.full_key == f"teamwork.{name}"]
    parameters = action.parameters().load(said)
    with work.transaction(write=True):
        return dict(action.run(work, Step(ACCOUNT, record, parameters)))


@pytest.mark.feature("I5")
def test_a_rule_creates_a_task_for_the_owner_on_a_working_day(work: Work, people: People, account: UUID, clock: Clock) -> None:
    clock.now = datetime(2026, 1, 16, 12, tzinfo=UTC)  # a Friday
    made = run(work, "create_task", account, subject="Call Alder", due_in_days=1, priority="high")
    task = work.records("teamwork.task").values([UUID(made["id"])])[UUID(made["id"])]
    assert (task["owner"], str(task["due_on"]), task["priority"], task["about"]) == (people.rep, "2026-01-19", "high", (ACCOUNT, account))
    other = run(work, "create_task", account, subject="x", due_in_days=1, working_days=False, owner=str(people.manager))
    task = work.records("teamwork.task").values([UUID(other["id"])])[UUID(other["id"])]
    assert (task["owner"], str(task["due_on"])) == (people.manager, "2026-01-17")


def test_a_rule_plans_an_activity_at_a_local_time(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant(timezone="Asia/Shanghai").id)
    account = id_of(work.records(ACCOUNT).create({"name": "Alder"}))
    made = UUID(run(work, "create_activity", account, subject="Visit", kind="visit", due_in_days=2, at="09:30", minutes=90)["id"])
    row = work.records("teamwork.activity").values([made])[made]
    assert (str(row["starts_at"]), str(row["ends_at"])) == ("2026-01-19 01:30:00+00:00", "2026-01-19 03:00:00+00:00")


def test_a_rule_comments_and_its_mentions_tell_people(work: Work, people: People, account: UUID, drain: Callable[[], int]) -> None:
    run(work, "add_comment", account, body="Big order, @[rep01]")
    drain()
    assert len(work.records("teamwork.notification").find(where(owner=people.reps[0][1], kind="teamwork.mention"))) == 1
    with pytest.raises(Invalid):
        run(work, "add_comment", account, body="Big order, @[rep10]")


def test_what_cannot_be_done_ends_the_run_with_its_reason(work: Work, people: People, account: UUID) -> None:
    with pytest.raises(GiveUp):
        run(work, "create_task", people.rep, subject="x")
    for name, said in (
        ("create_task", {}), ("create_task", {"subject": ""}), ("create_task", {"subject": "x", "priority": "urgent"}),
        ("create_task", {"subject": "x", "due_in_days": -1}), ("create_activity", {"subject": "x", "at": "25:00"}),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            run(work, name, account, **said)
    long = run(work, "create_task", account, subject="x" * 255)
    assert long["entity"] == "teamwork.task"
