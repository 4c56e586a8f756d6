"""A rule is tried on what has happened: what it says it would have done is what it did where it was active."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

import tests.probe.plugin as probe
from core.context import Work
from core.entities import past
from core.events.tables import audit, outbox
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.automation import rehearsal
from sdk import Draft, Trigger
from sdk.context import id_of
from tests.automation.conftest import Rules, entry
from tests.plugins.process import Process

SHANGHAI = ZoneInfo("Asia/Shanghai")
CROSSED = {"kind": "automation.crossed", "parameters": {"field": "amount", "value": "500 CNY"}}


def rehearsed(client: Api, rule: UUID | str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/automation/rules/{rule}/rehearsal", query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def by_day(rules: Rules, rule: UUID) -> dict[str, int]:
    """What the rule did while it was active, by the day of the tenant."""
    runs = [run for run in rules.runs(rule) if run["state"] == "done"]
    return dict(Counter(run["created_at"].astimezone(SHANGHAI).date().isoformat() for run in runs))


CONDITIONS: dict[str, list[Any]] = {
    "all": [],
    "crossed": [CROSSED],
    "any": [{"any": [CROSSED, {"kind": "automation.changed", "parameters": {"field": "notes", "was": "a"}}]}],
    "expression": [{"kind": "automation.expression", "parameters": {"expression": "amount.amount > old.amount.amount && notes == 'a'"}}],
    "hours": [{"not": {"kind": "automation.during", "parameters": {"since": "09:00", "until": "18:00"}}}],
    "filter": [{"kind": "automation.filter", "parameters": {"where": ["name[contains]=3"]}}, CROSSED],
}


@pytest.mark.feature("I9")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_what_would_have_been_equals_what_was(
    client: Api, work: Work, rules: Rules, engine: Engine, clock: Clock, process: Process
) -> None:
    """Two weeks of changes with active rules; a draft of each says the same, to the day, and does nothing."""
    random = Random(7)
    made = {name: rules("pipeline.deal", "updated", entry("x"), name=name, conditions=CONDITIONS[name]) for name in CONDITIONS}
    deals = [process.deal(f"deal {n}", amount={"amount": "100", "currency": "CNY"}, notes="a") for n in range(5)]
    for _ in range(30):
        clock.move(hours=random.randint(1, 20))
        values = {"amount": {"amount": str(random.choice((100, 400, 600, 900))), "currency": "CNY"}, "notes": random.choice("ab")}
        work.records("pipeline.deal").update(random.choice(deals), dict(random.sample(sorted(values.items()), random.randint(1, 2))))
        engine.run_until_idle()
    edge = (clock.now - timedelta(days=7)).astimezone(SHANGHAI).date().isoformat()
    for name, rule in made.items():
        did = by_day(rules, rule)
        draft = client.post(f"/api/v1/automation/rules/{rule}/drafts", {}).json["id"]
        said = rehearsed(client, draft)
        assert {one["day"]: one["fired"] for one in said["days"]} == did, name
        assert (said["fired"], said["complete"], said["unsure"]) == (sum(did.values()), True, 0), name
        assert sum(did.values()) > 0, name
        assert said["samples"][0]["title"].startswith("deal ") and len(said["samples"]) == min(said["fired"], 20), name
        week = rehearsed(client, draft, days=7)
        assert {one["day"]: one["fired"] for one in week["days"] if one["day"] > edge} == {
            day: n for day, n in did.items() if day > edge
        }, name


@pytest.mark.feature("I9")
def test_creations_events_of_the_domain_and_narrowed_fields_are_found(
    client: Api, work: Work, rules: Rules, engine: Engine, process: Process, clock: Clock
) -> None:
    made = rules("pipeline.deal", "created", entry("x"))
    won = rules("pipeline.deal", "event", entry("x"), parameters={"event": "pipeline.deal.won"})
    named = rules("pipeline.deal", "updated", entry("x"), parameters={"fields": ["name"]})
    first, second = process.deal("first"), process.deal("second")
    work.records("pipeline.deal").update(first, {"notes": "n"})
    work.records("pipeline.deal").update(first, {"name": "other"})
    work.records("pipeline.deal").update(
        second, {"stage": process.stages["won"], "amount": {"amount": "5", "currency": "CNY"}, "close_date": "2026-06-01"}
    )
    engine.run_until_idle()
    assert [rehearsed(client, rule)["fired"] for rule in (made, won, named)] == [2, 1, 1]
    assert [len(rules.runs(rule)) for rule in (made, won, named)] == [2, 1, 1]
    clock.move(days=31)
    assert [rehearsed(client, rule)["fired"] for rule in (made, won, named)] == [0, 0, 0]
    assert rehearsed(client, won, days=90)["samples"][0]["id"] == str(second)


@pytest.mark.feature("I9")
def test_what_rests_on_values_that_have_changed_since_is_counted(client: Api, work: Work, rules: Rules, account: UUID) -> None:
    condition = {"kind": "automation.filter", "parameters": {"where": ["city=Wuhan"]}}
    rule = rules("customers.account", "updated", entry("x"), parameters={"fields": ["website"]}, conditions=[condition], active=False)
    for city, number in (("Wuhan", 1), ("Xian", 2)):
        work.records("customers.account").update(account, {"city": city})
        work.records("customers.account").update(account, {"website": f"https://{number}.example"})
    found = rehearsed(client, rule)
    assert (found["looked_at"], found["fired"], found["unsure"]) == (2, 0, 1), "the first was in Wuhan, and may have been meant"
    related = {"kind": "automation.related", "parameters": {"entity": "customers.contact", "link": "account"}}
    other = rules("customers.account", "updated", entry("x"), conditions=[related], active=False)
    assert rehearsed(client, other)["unsure"] == rehearsed(client, other)["looked_at"] == 4


def test_a_rehearsal_writes_nothing(client: Api, work: Work, rules: Rules, account: UUID) -> None:
    rule = rules("customers.account", "updated", entry("x"), active=False)
    work.records("customers.account").update(account, {"city": "Wuhan"})

    def counts() -> list[int]:
        with work.transaction():
            return [work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (audit, outbox)]

    before = counts()
    assert rehearsed(client, rule)["fired"] == 1
    assert (counts(), rules.runs()) == (before, [])


@pytest.mark.feature("I9")
def test_a_rehearsal_counts_what_its_caller_may_see(client: Api, work: Work, rules: Rules, people: People, make_tenant: MakeTenant) -> None:
    rule = rules("customers.account", "created", entry("x"), owner=people.manager, active=False)
    for owner in (people.reps[0][0], people.reps[1][0]):
        work.records("customers.account").create({"name": str(owner), "owner": owner})
    other = work.platform.system(make_tenant("other").id)
    other.records("customers.account").create({"name": "elsewhere"})
    place = f"/api/v1/automation/rules/{rule}/rehearsal"
    assert [rehearsed(who, rule)["fired"] for who in (client, client.as_user(people.manager))] == [2, 1]
    assert [client.as_user(who).get(place).status_code for who in (people.rep, people.managers[1])] == [403, 404]


def test_a_trigger_without_a_past_and_a_span_that_is_none_are_refused(client: Api, rules: Rules) -> None:
    clock = rules("customers.account", "schedule", entry("x"), parameters={"every_minutes": 60}, active=False)
    refused = client.get(f"/api/v1/automation/rules/{clock}/rehearsal")
    assert (refused.status_code, refused.json["code"]) == (422, "no_past")
    rule = rules("customers.account", "created", entry("x"), active=False)
    for days in ("0", "91", "x"):
        assert client.get(f"/api/v1/automation/rules/{rule}/rehearsal", {"days": days}).status_code in (400, 422), days


def test_a_rule_that_cannot_stand_any_more_says_so(
    platform: Platform, client: Api, work: Work, rules: Rules, account: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rules("customers.account", "updated", entry("x"), parameters={"fields": ["city"]}, active=False)
    kinds = platform.catalog.specs[Trigger]
    now: Any = kinds["automation.updated"]
    monkeypatch.setitem(kinds, "automation.updated", replace(now, parameters=probe.Ping))
    refused = client.get(f"/api/v1/automation/rules/{rule}/rehearsal")
    assert (refused.status_code, refused.json["code"]) == (422, "rule_broken"), refused.text


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_long_past_is_looked_through_as_far_as_the_limits_say(
    client: Api, work: Work, rules: Rules, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rules("customers.account", "created", entry("x"), active=False)
    for day in range(4):
        clock.now = datetime(2026, 6, 1 + day, 4, tzinfo=UTC)
        work.records("customers.account").write_all([Draft("create", {"name": f"{day}.{n}"}) for n in range(5)])
    monkeypatch.setattr(rehearsal, "MOST_MOMENTS", 7)
    found = rehearsed(client, rule)
    assert (found["fired"], found["complete"], found["from"]) == (7, False, "2026-06-03T04:00:00Z")
    monkeypatch.setattr(rehearsal, "MOST_MOMENTS", 2_000)
    monkeypatch.setattr(past, "PAGE", 3)
    assert (rehearsed(client, rule)["fired"], rehearsed(client, rule)["complete"]) == (20, True)
    monkeypatch.setattr(past, "MOST_READ", 9)
    found = rehearsed(client, rule)
    assert (found["fired"], found["complete"]) == (9, False)
    assert id_of(work.records("customers.account").find(())[-1]) == UUID(found["samples"][0]["id"])
