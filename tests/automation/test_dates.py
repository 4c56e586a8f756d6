"""Reminders before and after a date: exactly once, right when the date moves, the worker was away, or the clock changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.platform import Platform
from core.tenancy import lifecycle, settings, setup
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.automation.timing import reached
from sdk import Draft, NoticeChannel, Told, where
from sdk.context import id_of
from sdk.days import instant
from tests.automation.conftest import Rules, entry

type_left = Callable[[], list[str]]
WEEK = {"field": "ends_on", "days": 7, "direction": "before", "at": "09:00"}
SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture
def contract(work: Work, account: UUID) -> Callable[..., UUID]:
    """Makes a contract: `contract("2026-06-30")`."""

    def make(ends_on: str | None, **more: object) -> UUID:
        return id_of(work.records("orders.contract").create({"name": "Care", "account": account, "ends_on": ends_on, **more}))

    return make


@pytest.mark.feature("I2")
def test_one_week_before_the_contract_ends_exactly_once_wherever_the_date_moves(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    id = contract("2026-06-30")
    for day in (1, 2, 9, 20, 21, 22):
        clock.now = local(6, day, 23)
        engine.run_until_idle()
    clock.now = local(6, 23, 8, 59)
    engine.run_until_idle()
    assert left() == []
    clock.now = local(6, 23)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-30"]
    work.records("orders.contract").update(id, {"ends_on": "2026-07-10"})
    for day in (23, 24, 30):
        clock.now = local(6, day, 10)
        engine.run_until_idle()
    clock.now = local(7, 3, 8, 59)
    engine.run_until_idle()
    assert len(left()) == 1
    clock.now = local(7, 3)
    engine.run_until_idle()
    assert left()[1:] == ["ends 2026-07-10"]


@pytest.mark.feature("I2")
def test_a_date_that_moves_into_the_past_window_is_told_at_once_and_not_again(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    id, contracts = contract("2026-07-10"), work.records("orders.contract")
    clock.now = local(6, 20, 14)
    engine.run_until_idle()
    contracts.update(id, {"ends_on": "2026-06-25"})
    engine.run_until_idle()
    assert left() == ["ends 2026-06-25"]
    contracts.update(id, {"name": "Care plus"})
    contracts.update(id, {"ends_on": "2026-07-10"})
    contracts.update(id, {"ends_on": "2026-06-25"})
    for day in range(20, 28):
        clock.now = local(6, day, 15)
        engine.run_until_idle()
    assert left() == ["ends 2026-06-25"]
    contract("2026-06-29")  # made too late for its week
    contract("2026-06-20")  # over
    engine.run_until_idle()
    assert left() == ["ends 2026-06-25", "ends 2026-06-29"]


@pytest.mark.feature("I2")
def test_after_two_days_without_a_worker_it_is_sent_once(
    rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID], work: Work
) -> None:
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    id = contract("2026-06-30")
    moved = contract("2026-07-20")
    engine.run_until_idle()
    clock.now = local(6, 22, 12)
    engine.run_until_idle()
    clock.now = local(6, 24, 12)
    work.records("orders.contract").update(moved, {"ends_on": "2026-06-30"})  # while nothing runs
    clock.now = local(6, 25, 9, 30)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-30", "ends 2026-06-30"]
    assert {run["subject"] for run in rules.runs()} == {str(id), str(moved)}
    for day in (26, 29, 30):
        clock.now = local(6, day, 10)
        engine.run_until_idle()
    assert len(left()) == 2


@pytest.mark.feature("I2")
def test_a_rule_that_is_switched_on_looks_ahead(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    """Not for what is past by then; off and on again, nothing is told twice and nothing of the time between is caught up."""
    contract("2026-06-03")
    contract("2026-06-08")  # its week begins today at 09:00, and it is noon
    contract("2026-06-09")
    rule = rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    engine.run_until_idle()
    assert left() == []
    clock.now = local(6, 2)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-09"]
    contract("2026-06-11")
    work.records("automation.rule").update(rule, {"active": False})
    clock.now = local(6, 5)
    engine.run_until_idle()
    work.records("automation.rule").update(rule, {"active": True})
    contract("2026-06-13")
    engine.run_until_idle()
    clock.now = local(6, 6)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-09", "ends 2026-06-13"]


@pytest.mark.feature("I2")
@pytest.mark.parametrize(("change", "told"), [
    ({"actions": [entry("mind {{ ends_on }}")]}, ["30"]),
    ({"conditions": [{"kind": "automation.filter", "parameters": {"where": ["state=draft"]}}]}, ["30"]),
    ({"parameters": {**WEEK, "at": "10:00"}}, ["30"]),
    ({"parameters": {**WEEK, "days": 5}}, ["30"]),
    ({"parameters": {**WEEK, "days": 10}}, ["30", "03"]),
    ({"parameters": {**WEEK, "field": "starts_on"}}, []),
    ({"active": False}, []),
], ids=["actions", "conditions", "time", "fewer days", "more days", "another date", "off"])  # fmt: skip
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_rule_that_is_changed_while_the_worker_is_away_forgets_nobody(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID], change: Any, told: list[str]
) -> None:
    """The contract of the 30th is to be told of on the 23rd; that of 3 July comes ten days before, and no sooner."""
    rule = rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    contract("2026-06-30")
    contract("2026-07-03")
    contract("2026-06-28")
    clock.now = local(6, 22, 12)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-28"]
    clock.now = local(6, 24, 12)
    work.records("automation.rule").update(rule, change)
    engine.run_until_idle()
    clock.now = local(6, 25, 12)
    engine.run_until_idle()
    assert [text[-2:] for text in left()[1:]] == told


@pytest.mark.feature("I2")
def test_a_contract_that_comes_into_effect_after_its_day_is_told_of_at_once_and_a_closed_one_never(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    active = [{"kind": "automation.filter", "parameters": {"where": ["state=active"]}}]
    old, contracts = contract("2026-06-05", state="active"), work.records("orders.contract")
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK, conditions=active)
    late, closed = contract("2026-06-30"), contract("2026-06-29", state="active")
    for state in ("ended", "active"):  # its day was past when the rule was made: an edit of an old table is no flood
        contracts.update(old, {"state": state})
    clock.now = local(6, 21, 12)
    contracts.update(closed, {"state": "ended"})
    engine.run_until_idle()
    clock.now = local(6, 24, 12)
    engine.run_until_idle()
    assert left() == []
    for state in ("active", "ended", "active"):
        contracts.update(late, {"state": state})
        engine.run_until_idle()
    clock.now = local(6, 25, 12)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-30"]


@pytest.mark.feature("I2")
def test_days_after_a_date_and_an_import_of_old_ones(
    work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, account: UUID
) -> None:
    rules("orders.contract", "date", entry("{{ name }}"), parameters={"field": "ends_on", "days": 3, "direction": "after", "at": "08:30"})
    drafts = [
        Draft("create", {"name": f"{day}", "account": account, "ends_on": day})
        for day in ("2019-01-01", "2026-05-21", "2026-05-28", "2026-06-01")
    ]
    work.records("orders.contract").write(drafts)
    engine.run_until_idle()
    assert left() == ["2026-05-28"], "three days after that was yesterday; long-gone ones are not dug out"
    clock.now = local(6, 4, 8, 30)
    engine.run_until_idle()
    assert left() == ["2026-05-28", "2026-06-01"]


@pytest.mark.feature("I2")
def test_an_instant_counts_by_its_local_day(work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock) -> None:
    rules("teamwork.activity", "date", entry("{{ subject }}"), parameters={"field": "starts_at", "days": 1, "at": "18:00"})
    for name, at in (("late", "2026-06-03T15:59:00Z"), ("next", "2026-06-03T16:00:00Z")):  # 23:59 of the 3rd, midnight of the 4th
        work.records("teamwork.activity").create({"subject": name, "starts_at": at})
    clock.now = local(6, 2, 18)
    engine.run_until_idle()
    assert left() == ["late"]
    clock.now = local(6, 3, 18)
    engine.run_until_idle()
    assert left() == ["late", "next"]


@pytest.mark.feature("I2")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)  # sixty looks at the clock: RQ would start a process for each job
def test_another_time_zone_of_the_tenant_misses_and_doubles_nothing(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    for day in range(8, 28):
        contract(f"2026-06-{day:02}")
    engine.run_until_idle()
    clock.now = local(6, 5, 12)
    engine.run_until_idle()
    for zone in ("America/Los_Angeles", "Pacific/Auckland", "Asia/Shanghai"):
        system = platform.system(work.tenant.id)
        with system.transaction(write=True):
            settings.change(system, {"timezone": zone})
        for _look in range(20):
            clock.move(hours=3)
            engine.run_until_idle()
    told = left()
    assert len(told) == len(set(told)), told
    reached_now = clock.now.astimezone(SHANGHAI).date() - timedelta(days=clock.now.astimezone(SHANGHAI).hour < 9)
    expected = [f"ends 2026-06-{day:02}" for day in range(8, 28) if date(2026, 6, day) - timedelta(days=7) <= reached_now]
    assert sorted(told) == expected


ZONES = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"}))


@given(zone=ZONES, at=st.times(), now=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)))
def test_the_day_that_is_reached_is_the_last_one_whose_time_has_come(zone: str, at: time, now: datetime) -> None:
    place, here = ZoneInfo(zone), now.replace(tzinfo=UTC)
    day = reached(here, at, place)
    assert instant(day, place, at) <= here < instant(day + timedelta(days=1), place, at) or instant(day, place, at) == instant(
        day + timedelta(days=1), place, at
    )


@given(zone=ZONES, at=st.times(), start=st.dates(date(1990, 1, 1), date(2036, 1, 1)))
def test_days_follow_each_other_whatever_the_clocks_do(zone: str, at: time, start: date) -> None:
    place = ZoneInfo(zone)
    moments = [instant(start + timedelta(days=n), place, at) for n in range(5)]
    assert moments == sorted(moments)


@pytest.mark.feature("I2")
def test_the_ready_made_reminder_is_made_once_and_tells_the_owner(
    platform: Platform, work: Work, engine: Engine, clock: Clock, people: People, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Told] = []
    channel = NoticeChannel("memory", "Memory", lambda _ctx, some: told.extend(some), plugin="automation")  # type: ignore[arg-type]
    monkeypatch.setitem(platform.catalog.specs, NoticeChannel, {"automation.memory": channel})
    for _ in range(2):
        setup.set_up(work)
    (rule,) = work.records("automation.rule").find(())
    assert rule["key"] == "contract-ends"
    work.records("orders.contract").create({"name": "Care", "account": account, "ends_on": "2026-06-30", "owner": people.rep})
    engine.run_until_idle()
    clock.now = local(6, 23)
    if type(engine).__name__ == "Embedded":  # an RQ worker's process has a memory of its own
        engine.run_until_idle()
        assert [(one.user_id, one.body) for one in told] == [(people.rep, "Care: Alder")]
        assert "ends on Jun 30, 2026" in told[0].title
    engine.run_until_idle()
    (run,) = work.records("automation.run").find(())
    assert run["state"] == "done"


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_wake_up_reads_a_range_of_the_dates_index(platform: Platform, work: Work, rules: Rules, engine: Engine, clock: Clock) -> None:
    rules("orders.contract", "date", entry("x"), parameters=WEEK)
    engine.run_until_idle()
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "FROM orders_contracts" in statement:
            seen.append((statement, parameters))

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    clock.move(days=1)
    engine.run_until_idle()
    sa.event.remove(platform.database.engine, "before_cursor_execute", note)
    assert seen
    for statement, parameters in seen:
        with work.transaction():
            plan = " ".join(str(row[-1]) for row in work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
        assert "ix_orders_contracts_ends_on" in plan and "SCAN" not in plan, plan


def test_without_orders_there_is_no_reminder_of_contracts(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant(plugins=["company", "customers", "automation"]).id)
    assert all(done["entity"] != "automation.rule" for done in setup.set_up(work))


@pytest.mark.feature("I2")
def test_what_slept_while_the_plugin_was_off_wakes_up_again(
    platform: Platform, work: Work, rules: Rules, engine: Engine, left: type_left, clock: Clock, contract: Callable[..., UUID]
) -> None:
    rules("orders.contract", "date", entry("ends {{ ends_on }}"), parameters=WEEK)
    contract("2026-06-30")
    engine.run_until_idle()
    lifecycle.switch(platform.system(work.tenant.id), "automation", False)
    clock.now = local(6, 10)
    engine.run_until_idle()
    lifecycle.switch(platform.system(work.tenant.id), "automation", True)
    engine.run_until_idle()
    clock.move(hours=1)
    engine.run_until_idle()
    clock.now = local(6, 23)
    engine.run_until_idle()
    assert left() == ["ends 2026-06-30"]


@pytest.mark.parametrize(("parameters", "field"), [
    ({"field": "ends_at", "days": 7}, "parameters.field"),
    ({"field": "name", "days": 7}, "parameters.field"),
    ({"field": "ends_on", "days": -1}, "parameters.days"),
    ({"field": "ends_on", "days": 99_999}, "parameters.days"),
    ({"field": "ends_on", "days": 7, "at": "25:00"}, "parameters.at"),
    ({"field": "ends_on", "days": 7, "direction": "sideways"}, "parameters.direction"),
    ({"field": "ends_on"}, "parameters.days"),
    ({"field": "ends_on", "days": 7, "more": 1}, "parameters.more"),
])  # fmt: skip
def test_an_impossible_date_trigger_is_refused_with_the_name_of_what_is_wrong(
    client: Api, parameters: dict[str, object], field: str
) -> None:
    body = {"name": "x", "entity": "orders.contract", "trigger": "automation.date", "parameters": parameters, "actions": [entry("x")]}
    refused = client.post("/api/v1/automation/rules", body)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json["errors"]] == [field]


def test_a_rule_whose_person_has_left_says_why_it_is_off_and_its_owner_is_told(
    client: Api, work: Work, rules: Rules, engine: Engine, clock: Clock, contract: Callable[..., UUID], people: People
) -> None:
    rule = rules("orders.contract", "date", entry("ends"), parameters=WEEK, runs_as=people.rep, owner=people.manager, name="Renewal")
    contract("2026-06-30")
    work.records("core.user").update(people.rep, {"active": False})
    work.records("core.user").update(people.manager, {"locale": "zh_CN"})
    clock.now = local(6, 23)
    engine.run_until_idle()
    place = f"/api/v1/automation/rules/{rule}"
    row = client.get(place).json
    why = row["stopped_because"]
    assert (row["active"], "no longer active" in why) == (False, True)
    (notice,) = work.records("teamwork.notification").find(where(owner=people.manager, kind="automation.stopped"))
    assert str(notice["title"]).startswith("规则“Renewal”已停用"), "the owner's language, not the company's"
    assert "该用户已停用" in str(notice["body"])
    refused = client.patch(place, {"active": True})
    assert [error["code"] for error in refused.json["errors"]] == ["unknown_user"]
    on = client.patch(place, {"active": True, "runs_as": str(people.manager)})
    assert (on.status_code, on.json["stopped_because"]) == (200, None), on.text
