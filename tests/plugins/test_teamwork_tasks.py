"""Tasks: reminders that come once at a local time, repetition that keeps the day of the month, what is overdue where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.teamwork.calendar import overdue
from plugins.teamwork.workdays import after_workdays, following, holidays, step
from sdk import where
from sdk.context import Row, id_of

API = "/api/v1/teamwork"
DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1))


def reminders(work: Work, person: UUID) -> list[str]:
    return [str(row["title"]) for row in work.records("teamwork.notification").find(where(owner=person, kind="teamwork.reminder"))]


def open_tasks(work: Work) -> list[Row]:
    return work.records("teamwork.task").find(where(state="open"))


@pytest.mark.feature("J1")
def test_a_reminder_comes_once_at_its_local_time_to_all_who_do_the_task(work: Work, people: People, engine: Engine, clock: Clock) -> None:
    engine.run_until_idle()
    values = {"subject": "Call", "due_on": "2026-01-17", "owner": people.rep, "helpers": [str(people.manager)], "remind_days": 1}
    id = id_of(work.records("teamwork.task").create({**values, "remind_time": "09:30"}))
    task = work.records("teamwork.task").values([id])[id]
    assert task["remind_at"] == datetime(2026, 1, 16, 9, 30, tzinfo=UTC)
    clock.now = datetime(2026, 1, 16, 9, 29, tzinfo=UTC)
    engine.run_until_idle()
    assert reminders(work, people.rep) == []
    for minutes in (6, 5, 60):
        clock.move(minutes=minutes)
        engine.run_until_idle()
        assert reminders(work, people.rep) == reminders(work, people.manager) == ["Reminder: Call"]
    work.records("teamwork.task").update(id, {"due_on": "2026-01-20"})
    clock.now = datetime(2026, 1, 19, 10, tzinfo=UTC)
    engine.run_until_idle()
    assert len(reminders(work, people.rep)) == 2, "another day is another reminder"


@pytest.mark.feature("J1")
def test_no_reminder_comes_for_what_is_done_and_none_without_a_day(
    client: Api, work: Work, people: People, clock: Clock, drain: Callable[[], int]
) -> None:
    said = {"subject": "x", "due_on": "2026-01-16", "remind_time": "08:00", "owner": str(people.rep)}
    done = client.post(f"{API}/tasks", said).json
    assert (done["remind_days"], done["remind_at"]) == (0, "2026-01-16T08:00:00Z")
    assert client.patch(f"{API}/tasks/{done['id']}", {"state": "done"}).json["remind_at"] is None
    client.post(f"{API}/tasks", {**said, "due_on": "2026-01-10"})
    clock.move(days=2)
    drain()
    assert reminders(work, people.rep) == []
    assert client.post(f"{API}/tasks", {"subject": "x", "remind_days": 1}).status_code == 422
    assert client.post(f"{API}/tasks", {**said, "remind_time": "25:00"}).status_code == 422
    assert client.post(f"{API}/tasks", {**said, "due_on": "0001-01-01", "remind_days": 300}).status_code in (201, 422)


@pytest.mark.parametrize(("zone", "day", "expected"), [
    ("Asia/Shanghai", date(2026, 3, 31), datetime(2026, 3, 31, 0, 30, tzinfo=UTC)),
    ("Europe/Berlin", date(2026, 3, 27), datetime(2026, 3, 27, 7, 30, tzinfo=UTC)),
    ("Europe/Berlin", date(2026, 3, 30), datetime(2026, 3, 30, 6, 30, tzinfo=UTC)),
])  # fmt: skip
def test_a_reminder_keeps_its_local_time_over_the_change_of_clocks(
    platform: Platform, make_tenant: MakeTenant, zone: str, day: date, expected: datetime
) -> None:
    work = platform.system(make_tenant(timezone=zone).id)
    task = work.records("teamwork.task").create({"subject": "x", "due_on": day, "remind_time": "08:30"})
    assert task["remind_at"] == expected
    assert expected.astimezone(ZoneInfo(zone)).hour == 8


def test_who_moves_to_another_time_zone_is_reminded_by_its_clock_from_then_on(work: Work, people: People, drain: Callable[[], int]) -> None:
    tasks = work.records("teamwork.task")
    said = {"due_on": date(2026, 3, 31), "remind_days": 1, "remind_time": "08:30"}
    mine, others = (id_of(tasks.create({"subject": "x", "owner": who, **said})) for who in (people.rep, people.manager))
    work.records("core.user").update(people.rep, {"timezone": "Asia/Shanghai"})
    drain()
    moments = {id: row["remind_at"] for id, row in tasks.values([mine, others]).items()}
    assert moments == {mine: datetime(2026, 3, 30, 0, 30, tzinfo=UTC), others: datetime(2026, 3, 30, 8, 30, tzinfo=UTC)}


@pytest.mark.feature("J1")
def test_a_monthly_task_of_the_31st_comes_on_the_last_day_of_february_and_on_the_31st_again(
    client: Api, work: Work, people: People, drain: Callable[[], int]
) -> None:
    said = {
        "subject": "Report",
        "due_on": "2026-01-31",
        "repeats": "monthly",
        "owner": str(people.rep),
        "helpers": [str(people.manager)],
        "priority": "high",
    }
    client.post(f"{API}/tasks", said)
    seen = []
    for _month in range(4):
        (task,) = open_tasks(work)
        seen.append(str(task["due_on"]))
        assert (task["subject"], task["owner"], task["helpers"], task["priority"]) == ("Report", people.rep, [str(people.manager)], "high")
        place = f"{API}/tasks/{task['id']}"
        for state in ("done", "open", "done"):
            assert client.patch(place, {"state": state}).status_code == 200
        drain()
    assert seen == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


@pytest.mark.feature("J1")
def test_repetition_ends_when_it_should_and_skips_what_is_past(client: Api, work: Work, clock: Clock, drain: Callable[[], int]) -> None:
    client.post(
        f"{API}/tasks", {"subject": "Daily", "due_on": "2026-01-01", "repeats": "daily", "repeat_every": 2, "repeat_until": "2026-01-16"}
    )
    for expected in ("2026-01-15", None):
        (task,) = open_tasks(work)
        client.patch(f"{API}/tasks/{task['id']}", {"state": "done"})
        drain()
        assert [str(row["due_on"]) for row in open_tasks(work)] == ([expected] if expected else [])
    assert client.post(f"{API}/tasks", {"subject": "x", "repeats": "daily"}).status_code == 422


def test_a_task_whose_record_is_gone_is_done_and_its_owner_is_told_that_it_does_not_come_again(
    work: Work, people: People, drain: Callable[[], int]
) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder"}))
    said = {"subject": "Visit", "due_on": "2026-01-20", "repeats": "weekly", "about": f"customers.account:{account}", "owner": people.rep}
    task = id_of(work.records("teamwork.task").create(said))
    work.records("customers.account").delete(account)
    work.records("teamwork.task").update(task, {"state": "done"})
    drain()
    assert open_tasks(work) == []
    titles = [row["title"] for row in work.records("teamwork.notification").find(where(owner=people.rep))]
    assert "Not repeated: Visit" in titles


def test_a_task_is_done_in_time_until_its_day_is_over_where_the_tenant_is(
    make_tenant: MakeTenant, platform: Platform, clock: Clock
) -> None:
    clock.now = datetime(2026, 3, 31, 20, tzinfo=UTC)  # already the first of April in Shanghai
    found = {}
    for zone in ("UTC", "Asia/Shanghai"):
        tasks = platform.system(make_tenant(timezone=zone).id).records("teamwork.task")
        task = tasks.create({"subject": "x", "due_on": "2026-03-31", "state": "done"})
        assert tasks.update(id_of(task), {"due_on": "2026-04-01"})["timeliness"] == "on_time"
        found[zone] = task["timeliness"]
    assert found == {"UTC": "on_time", "Asia/Shanghai": "late"}


@pytest.mark.feature("J1")
def test_what_is_overdue_follows_the_clock_of_the_tenant(platform: Platform, make_tenant: MakeTenant, clock: Clock) -> None:
    work = platform.system(make_tenant(timezone="America/Los_Angeles").id)
    work.records("teamwork.task").create({"subject": "x", "due_on": "2026-01-15"})
    clock.now = datetime(2026, 1, 16, 7, 59, tzinfo=UTC)
    assert overdue(work) == []
    clock.move(minutes=1)
    assert [row["subject"] for row in overdue(work)] == ["x"]


def test_holidays_are_left_out_of_working_days_and_weekends_that_are_worked_on_count(client: Api, work: Work) -> None:
    friday = date(2026, 2, 13)
    assert after_workdays(friday, 1, holidays(work, friday)) == date(2026, 2, 16)
    days = [("2026-02-14", True), *((f"2026-02-{day}", False) for day in range(16, 21)), ("2026-02-23", False)]
    for on, works in days:
        assert client.post("/api/v1/company/holidays", {"on": on, "name": "春节", "works": works}).status_code == 201
    works = holidays(work, friday)
    assert after_workdays(friday, 0, works) == friday
    assert after_workdays(friday, 1, works) == date(2026, 2, 14), "a Saturday that makes up for a free day"
    assert after_workdays(friday, 2, works) == date(2026, 2, 24)
    assert after_workdays(date(2026, 2, 15), 0, works) == date(2026, 2, 24)
    twice = client.post("/api/v1/company/holidays", {"on": "2026-02-14", "name": "again"})
    assert twice.status_code in {409, 422}


@given(DATES, st.integers(0, 100))
def test_working_days_are_counted_one_by_one(day: date, days: int) -> None:
    expected = day
    while expected.isoweekday() > 5:
        expected += timedelta(days=1)
    for _day in range(days):
        expected += timedelta(days=1)
        while expected.isoweekday() > 5:
            expected += timedelta(days=1)
    assert after_workdays(day, days) == expected


@given(DATES, st.sampled_from(["daily", "weekly", "monthly", "yearly"]), st.integers(1, 99), st.integers(1, 31))
def test_a_rhythm_goes_on_and_keeps_its_day_of_the_month(day: date, rhythm: str, every: int, anchor: int) -> None:
    coming = step(day, rhythm, every, anchor)
    assert coming > day
    if rhythm in ("monthly", "yearly"):
        assert (coming.year * 12 + coming.month) - (day.year * 12 + day.month) == every * (12 if rhythm == "yearly" else 1)
        assert coming.day == anchor or (coming + timedelta(days=1)).day == 1
    assert following(date(9998, 12, 31), "yearly", 99, 31, date(9999, 1, 1)) is None
