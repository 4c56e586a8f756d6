"""Schedules run once for each tenant, in its own time, however many processes look at the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import EntryPoint
from itertools import pairwise
from threading import Barrier, Thread
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.events.schedules import adopt, schedules
from core.events.tables import outbox
from core.events.timing import next_due
from core.platform import Platform
from core.tenancy import lifecycle, settings
from core.testkit.fixtures import Clock, MakeTenant
from core.worker.drain import Drain
from core.worker.schedule import run_due
from sdk import DeclarationError, Schedule
from tests.probe.fixtures import CUSTOMERS, PROBE, PROBE_CLOCK
from tests.probe_clock.plugin import troubles

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The probe with a clock."""
    return (CUSTOMERS, PROBE, PROBE_CLOCK)


@pytest.fixture(autouse=True)
def no_trouble() -> Iterator[None]:
    """Nothing fails unless a test says so."""
    troubles.clear()
    yield
    troubles.clear()


@pytest.fixture
def tick(platform: Platform) -> Callable[[], None]:
    """What the drain does when it wakes up."""
    return Drain(platform).run_until_empty  # type: ignore[return-value]


@pytest.fixture
def system(platform: Platform, make_tenant: MakeTenant, tick: Callable[[], None]) -> Work:
    """The system in a tenant in Shanghai (20:00 there on a Thursday), whose schedules have been planned."""
    made = make_tenant("acme", timezone="Asia/Shanghai")
    tick()
    return platform.system(made.id)


def texts(work: Work) -> list[str]:
    return [str(row["text"]) for row in work.records("probe.entry").find(())]


def words(work: Work) -> Counter[str]:
    return Counter(text.partition(" ")[0] for text in texts(work))


def due(work: Work, name: str) -> datetime:
    with work.transaction():
        query = sa.select(schedules.c.due_at).where(schedules.c.tenant_id == work.tenant.id, schedules.c.name == f"probe_clock.{name}")
        return work.connection.execute(query).scalar_one()


def run_rows(work: Work, name: str) -> list[Any]:
    with work.transaction():
        query = (
            sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == f"probe_clock.{name}").order_by(outbox.c.id)
        )
        return list(work.connection.execute(query))


def test_a_schedule_runs_at_the_tenants_own_time(system: Work, tick: Callable[[], None], clock: Clock) -> None:
    assert texts(system) == [], "nothing runs because it is new"
    clock.now = datetime(2026, 1, 16, 0, 59, tzinfo=UTC)
    tick()
    assert words(system)["daily"] == 0
    clock.move(minutes=1)
    tick()
    tick()
    assert words(system)["daily"] == 1, "nine in Shanghai is one o'clock UTC"
    clock.move(days=1)
    tick()
    assert words(system)["daily"] == 2
    assert words(system)["mondays"] == 0
    clock.now = datetime(2026, 1, 18, 23, 30, tzinfo=UTC)
    tick()
    assert words(system)["mondays"] == 1, "half past seven on Monday the 19th in Shanghai"
    assert due(system, "mondays") == datetime(2026, 1, 25, 23, 30, tzinfo=UTC)


def test_every_keeps_its_grid(system: Work, tick: Callable[[], None], clock: Clock) -> None:
    clock.move(minutes=75)
    tick()
    assert words(system) == {"hourly": 1}
    assert due(system, "hourly") == datetime(2026, 1, 15, 14, 0, tzinfo=UTC)


def test_what_was_missed_is_caught_up_once(system: Work, tick: Callable[[], None], clock: Clock) -> None:
    clock.move(days=10, minutes=10)
    tick()
    assert words(system) == {"daily": 1, "mondays": 1, "hourly": 1}


def test_runs_do_not_overlap_and_do_not_pile_up_while_no_worker_is_there(
    platform: Platform, system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    for _ in range(5):
        clock.move(hours=1)
        run_due(platform)
    assert [row.state for row in run_rows(system, "hourly")] == ["waiting"]
    tick()
    assert words(system)["hourly"] == 1


def test_a_failing_run_is_retried_like_a_job_and_the_next_one_comes_all_the_same(
    system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    troubles.append("the printer is on fire")
    clock.move(hours=1)
    tick()
    (row,) = run_rows(system, "hourly")
    assert (row.state, row.attempts) == ("waiting", 1)
    assert "printer" in row.error
    for _ in range(9):
        clock.move(minutes=6)
        tick()
    assert [(row.state, row.attempts) for row in run_rows(system, "hourly")] == [("dead", 8)]
    troubles.clear()
    clock.move(hours=1)
    tick()
    assert [row.state for row in run_rows(system, "hourly")] == ["dead", "done"]


def test_several_processes_with_one_clock_run_it_once(platform: Platform, system: Work, clock: Clock) -> None:
    clock.move(hours=1)
    together, fired = Barrier(4), []

    def look() -> None:
        together.wait()
        fired.append(run_due(platform))

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fired) == [0, 0, 0, 2], "the probe's, and the sealing of the audit"
    assert len(run_rows(system, "hourly")) == 1


def test_a_plugin_that_is_off_runs_nothing_and_catches_nothing_up(
    platform: Platform, system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    lifecycle.switch(platform.system(system.tenant.id), "probe_clock", False)
    clock.move(days=7)
    tick()
    assert texts(system) == []
    with system.transaction():
        asleep = sa.select(sa.func.count()).where(schedules.c.tenant_id == system.tenant.id, schedules.c.due_at.is_(None))
        assert system.connection.execute(asleep).scalar() == 3, "they cost nothing while it is off"
    lifecycle.switch(platform.system(system.tenant.id), "probe_clock", True)
    tick()
    assert texts(system) == []
    clock.move(hours=1)
    tick()
    assert words(system) == {"hourly": 1}


@pytest.mark.feature("A6")
def test_a_daily_time_moves_with_the_tenants_time_zone(platform: Platform, system: Work, tick: Callable[[], None], clock: Clock) -> None:
    hourly = due(system, "hourly")
    with system.transaction(write=True):
        settings.change(system, {"timezone": "Europe/Berlin"})
    tick()
    assert due(system, "daily") == datetime(2026, 1, 16, 8, 0, tzinfo=UTC)
    assert due(system, "hourly") == hourly
    clock.now = datetime(2026, 1, 16, 8, 0, tzinfo=UTC)
    tick()
    assert words(system)["daily"] == 1


def test_a_suspended_tenant_catches_up_once_when_it_is_back(
    platform: Platform, system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    lifecycle.set_state(platform, system.tenant.name, "suspended")
    clock.move(days=3)
    tick()
    clock.move(days=3)
    tick()
    lifecycle.set_state(platform, system.tenant.name, "active")
    clock.move(minutes=10)
    tick()
    assert words(system) == {"daily": 1, "hourly": 1, "mondays": 1}


def test_a_tenant_without_the_plugin_has_no_runs(
    platform: Platform, make_tenant: MakeTenant, tick: Callable[[], None], clock: Clock
) -> None:
    other = platform.system(make_tenant("other", plugins=["customers", "probe"]).id)
    tick()
    clock.move(days=2)
    tick()
    assert texts(other) == []


def test_a_schedule_that_is_new_or_changed_is_planned_for_tenants_that_are_there(
    platform: Platform, system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    hourly = platform.catalog.schedules["probe_clock.hourly"]
    changed = Schedule(hourly.name, hourly.run, every=timedelta(minutes=20), plugin=hourly.plugin)
    platform.catalog.schedules["probe_clock.hourly"] = changed
    platform.catalog.schedules["probe_clock.extra"] = Schedule("extra", hourly.run, every=timedelta(minutes=30), plugin="probe_clock")
    before = due(system, "daily")
    adopt(platform)
    tick()
    assert due(system, "hourly") == clock.now + timedelta(minutes=20)
    assert due(system, "extra") == clock.now + timedelta(minutes=30)
    assert due(system, "daily") == before


def test_tenants_with_nothing_due_cost_nothing(platform: Platform, system: Work, make_tenant: MakeTenant, tick: Callable[[], None]) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        sa.event.listen(platform.database.engine, "before_cursor_execute", note)
        assert run_due(platform) == 0
        sa.event.remove(platform.database.engine, "before_cursor_execute", note)
        return len([statement for statement in seen if "core_schedules" in statement])

    assert statements() == 1
    for _ in range(5):
        make_tenant()
    tick()
    assert statements() == 1


def test_what_ended_well_is_forgotten_after_a_month_and_what_is_dead_is_not(
    platform: Platform, system: Work, tick: Callable[[], None], clock: Clock
) -> None:
    troubles.append("no")
    clock.move(hours=1)
    tick()
    with system.transaction(write=True):
        mine = (outbox.c.tenant_id == system.tenant.id, outbox.c.handler == "probe_clock.hourly")
        system.connection.execute(outbox.update().where(*mine).values(state="dead"))
    troubles.clear()
    system.records("probe.thing").create({"name": "x"})
    tick()
    old = clock.now
    clock.move(days=32)
    tick()
    with system.transaction():
        query = sa.select(outbox.c.kind, outbox.c.state).where(outbox.c.tenant_id == system.tenant.id, outbox.c.created_at <= old)
        left = {(kind, state) for kind, state in system.connection.execute(query)}
    assert left == {("event", "done"), ("schedule", "dead")}


@pytest.mark.feature("A6")
@pytest.mark.parametrize(("zone", "at", "now", "expected"), [
    ("Asia/Shanghai", time(9), datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", time(2, 30), datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # left out: 03:30 summer time
    ("Europe/Berlin", time(2, 30), datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the first
    ("Europe/Berlin", time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),  # and not the second
    ("Europe/Berlin", time(9), datetime(2026, 3, 28, 8, tzinfo=UTC), datetime(2026, 3, 29, 7, tzinfo=UTC)),
    ("Pacific/Apia", time(9), datetime(2011, 12, 29, 19, tzinfo=UTC), datetime(2011, 12, 30, 19, tzinfo=UTC)),  # the 30th was left out there
])  # fmt: skip
def test_a_local_time_at_the_edges_of_summer_time(zone: str, at: time, now: datetime, expected: datetime) -> None:
    assert next_due(Schedule("x", lambda _ctx: None, at=at), ZoneInfo(zone), now, now) == expected


ZONES = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))


@pytest.mark.feature("A6")
@given(zone=ZONES, at=st.times(), now=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)))
def test_a_daily_time_comes_once_on_every_local_day(zone: str, at: time, now: datetime) -> None:
    """Over all zones: no day is left out, none has two, and it is that time wherever the day has it."""
    schedule, place, here = Schedule("x", lambda _ctx: None, at=at), ZoneInfo(zone), now.replace(tzinfo=UTC)
    moments = [here]
    for _ in range(4):
        moments.append(next_due(schedule, place, moments[-1], moments[-1]))
    days = [moment.astimezone(place).date() for moment in moments[1:]]
    assert days == sorted(set(days))
    for earlier, later in pairwise(days):
        between = [earlier + timedelta(days=1)] if later - earlier == timedelta(days=2) else []
        assert later - earlier <= timedelta(days=2)
        for day in between:  # only a day that the place itself left out
            noon = datetime.combine(day, time(12), tzinfo=place)
            assert noon.astimezone(UTC).astimezone(place).date() != day
    for moment in moments[1:]:
        local = moment.astimezone(place)
        there = datetime.combine(local.date(), at, tzinfo=place)
        assert local.time() == at or there.astimezone(UTC).astimezone(place).time() != at


@given(every=st.timedeltas(timedelta(seconds=10), timedelta(days=40)), late=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_every_comes_after_now_on_the_grid(every: timedelta, late: timedelta) -> None:
    due_at = datetime(2026, 1, 1, tzinfo=UTC)
    coming = next_due(Schedule("x", lambda _ctx: None, every=every), SHANGHAI, due_at, due_at + late)
    assert due_at + late < coming <= due_at + late + every
    assert (coming - due_at) % every == timedelta(0)


@pytest.mark.parametrize("wrong", [
    {}, {"every": timedelta(hours=1), "at": time(9)}, {"every": timedelta(seconds=1)}, {"at": time(9, tzinfo=UTC)},
    {"every": timedelta(hours=1), "weekdays": (1,)}, {"at": time(9), "weekdays": (0,)},
])  # fmt: skip
def test_a_schedule_that_cannot_stand_is_refused_at_boot(wrong: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="schedule 'x'"):
        Schedule("x", lambda _ctx: None, **wrong)
