"""Targets: what is reached equals an independent count, and who is told of it is told once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.data import migrate
from core.platform import Platform
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.teamwork.periods import MONTHS, PATTERN, Period, read, starting
from sdk import Conflict, Draft, Invalid, where
from sdk.context import Row, id_of
from tests.plugins.process import Process

API = "/api/v1/teamwork"
TARGET = "teamwork.target"


def told(work: Work, person: UUID) -> list[str]:
    return [str(row["title"]) for row in work.records("teamwork.notification").find(where(owner=person, kind="teamwork.target"))]


def target(work: Work, **values: object) -> UUID:
    return id_of(work.records(TARGET).create({"period": "quarter", "period_start": "2026-01-01", **values}))


def shown(api: Api, period: str = "2026-Q1", **more: str) -> dict[str, dict[str, Any]]:
    answer = api.get(f"{API}/attainment", {"period": period, **more})
    assert answer.status_code == 200, answer.text
    return {str(row["target"]): row for row in answer.json["data"]}


@pytest.fixture
def sold(work: Work, process: Process, people: People) -> None:
    """Some hundred deals of nine people, in two currencies, of three products and sources, around the first quarter."""
    random, stages = Random(7), process.stages
    work.records("company.rate").create({"currency": "EUR", "on": "2026-01-10", "rate": "1.1"})
    products = [id_of(work.records("catalog.product").create({"name": name})) for name in ("Pump", "Valve")]
    accounts = [id_of(work.records("customers.account").create({"name": f"a{number}"})) for number in range(40)]
    drafts = [
        Draft("create", {
            "name": f"deal {number}", "pipeline": process.id, "stage": stages[random.choice(("won", "won", "lost", "needs-analysis"))],
            "owner": random.choice([*people.all_reps, None]), "account": random.choice([*accounts, None]), "product": random.choice([*products, None]),
            "source": random.choice(("fair", "website", None)), "lost_reason": "price",
            "amount": random.choice(({"amount": str(random.randint(1, 900)), "currency": random.choice(("USD", "EUR"))}, None)),
            "close_date": date(2025, 11, 1).toordinal() + random.randint(0, 180),
        }) for number in range(400)
    ]  # fmt: skip
    for draft in drafts:
        assert isinstance(draft.values, dict)
        draft.values["close_date"] = date.fromordinal(draft.values["close_date"])
    for outcome in work.records("pipeline.deal").write(drafts):
        assert outcome.refusal is None, outcome.refusal


def rows(work: Work, statement: str, **values: object) -> list[Any]:
    with work.transaction():
        return list(work.connection.execute(sa.text(statement), values))


@pytest.mark.feature("G4")
def test_what_is_reached_equals_an_independent_count(client: Api, work: Work, people: People, process: Process, sold: None) -> None:
    deals = work.records("pipeline.deal").find(where(status="won"), 10_000)
    users = {id_of(row): row for row in work.records("core.user").find(())}
    (product,) = [id_of(row) for row in work.records("catalog.product").find(where(name="Pump"))]
    top = users[people.rep]["team"]

    def in_quarter(row: Row) -> bool:
        return isinstance(row["close_date"], date) and date(2026, 1, 1) <= row["close_date"] < date(2026, 4, 1)

    def amount(rows: list[Row]) -> Decimal:
        return sum((row["base_amount"].amount for row in rows if row["base_amount"]), Decimal(0))  # type: ignore[attr-defined, misc]

    won = [row for row in deals if in_quarter(row)]
    mine = [row for row in won if row["owner"] == people.rep]
    ours = [row for row in won if row["owner"] in users and users[row["owner"]]["team"] == top]  # type: ignore[index]
    ids = {
        "rep": target(work, measure="won_amount", person=people.rep, amount={"amount": "1000"}),
        "team": target(work, measure="won_amount", team=top, amount={"amount": "1000"}),
        "all": target(work, measure="won_amount", amount={"amount": "1000"}),
        "product": target(work, measure="won_amount", person=people.rep, product=product, channel="fair", amount={"amount": "1000"}),
        "count": target(work, measure="won_count", person=people.rep, number="3"),
        "new": target(work, measure="new_customers", number="10"),
    }  # fmt: skip
    found = shown(client)
    reached = {name: found[str(id)]["reached"] for name, id in ids.items()}
    narrow = [row for row in mine if row["product"] == product and row["source"] == "fair"]
    for name, some in (("rep", mine), ("team", ours), ("all", won), ("product", narrow)):
        assert Decimal(reached[name]["amount"]) == amount(some), name
        assert reached[name]["currency"] == "USD"
        unpriced = sum(1 for row in some if row["amount"] and not row["base_amount"])
        assert found[str(ids[name])]["not_priced"] == unpriced, name
    assert found[str(ids["all"])]["not_priced"] > 0, "the case is in the data"
    assert Decimal(reached["count"]) == len(mine)
    earlier = {row["account"] for row in deals if isinstance(row["close_date"], date) and row["close_date"] < date(2026, 1, 1)}
    assert Decimal(reached["new"]) == len({row["account"] for row in won} - earlier - {None}) > 0
    percent = (amount(mine) / 10).quantize(Decimal("0.01"))
    assert Decimal(found[str(ids["rep"])]["percent"]) == percent
    assert set(shown(client, person=str(people.rep))) == {str(ids[name]) for name in ("rep", "product", "count")}


@pytest.mark.feature("G4")
def test_the_same_in_sql(client: Api, work: Work, people: People, process: Process, sold: None) -> None:
    id = target(work, measure="won_amount", amount={"amount": "1000"})
    scale = 10_000 if work.platform.database.is_sqlite else 1
    statement = (
        "SELECT sum(base_amount), count(*) FROM pipeline_deals WHERE status = 'won' AND deleted_at IS NULL "
        "AND close_date >= '2026-01-01' AND close_date < '2026-04-01' AND base_amount IS NOT NULL"
    )
    ((total, count),) = rows(work, statement)
    assert count > 50
    assert Decimal(shown(client)[str(id)]["reached"]["amount"]) == Decimal(total) / scale


@pytest.mark.feature("G4")
def test_targets_of_a_line_campaign_region_and_account_equal_sql(client: Api, work: Work, people: People, process: Process) -> None:
    """Each won deal counts for what its product, its first campaign and its account are; the rest is another target's."""
    random = Random(11)
    region, other = (id_of(work.records("company.region").create({"key": key, "name": key})) for key in ("east", "west"))
    products = [
        id_of(work.records("catalog.product").create({"name": f"{line}{n}", "series": line}))
        for line in ("Pumps", "Valves")
        for n in (1, 2)
    ]
    campaigns = [id_of(work.records("leads.campaign").create({"name": name})) for name in ("Fair", "Mailing")]
    accounts = [
        id_of(work.records("customers.account").create({"name": f"a{n}", "region": random.choice((region, other, None))}))
        for n in range(12)
    ]
    drafts = [
        Draft("create", {
            "name": f"deal {number}", "pipeline": process.id, "stage": process.stages[random.choice(("won", "won", "lost"))], "lost_reason": "price",
            "owner": random.choice(people.all_reps), "account": random.choice([*accounts, None]), "product": random.choice([*products, None]),
            "leads.campaign": random.choice([*campaigns, None]), "amount": {"amount": str(random.randint(1, 900))},
            "close_date": date.fromordinal(date(2025, 12, 1).toordinal() + random.randint(0, 140)),
        }) for number in range(300)
    ]  # fmt: skip
    for outcome in work.records("pipeline.deal").write(drafts):
        assert outcome.refusal is None, outcome.refusal
    parts: dict[str, tuple[object, str]] = {
        "product_line": ("Pumps", "p.series = 'Pumps'"), "campaign": (campaigns[0], "o.campaign_id = :campaign"),
        "region": (region, "a.region_id = :region"), "account": (accounts[3], "d.account_id = :account"),
    }  # fmt: skip
    goals = {"won_amount": {"amount": {"amount": "1000"}}, "won_count": {"number": "10"}}
    ids = {
        (measure, part, whose): target(work, measure=measure, person=whose, **{part: value}, **goal)
        for measure, goal in goals.items() for part, (value, _where) in parts.items() for whose in (None, people.rep)
    }  # fmt: skip
    found = shown(client)
    assert len(found) == 16
    sqlite = work.platform.database.is_sqlite
    keys = {"campaign": campaigns[0], "region": region, "account": accounts[3], "owner": people.rep}
    for (measure, part, whose), id in ids.items():
        clause = parts[part][1] + (" AND d.owner_id = :owner" if whose else "")
        wanted = {name: (key.hex if sqlite else key) for name, key in keys.items() if f":{name}" in clause}
        ((amount, count),) = rows(work, (
            "SELECT coalesce(sum(d.base_amount), 0), count(*) FROM pipeline_deals d LEFT JOIN customers_accounts a ON a.id = d.account_id "
            "LEFT JOIN catalog_products p ON p.id = d.product_id LEFT JOIN leads_origins o ON o.deal_id = d.id "
            f"WHERE d.status = 'won' AND d.close_date >= '2026-01-01' AND d.close_date < '2026-04-01' AND {clause}"
        ), **wanted)  # fmt: skip
        reached = found[str(id)]["reached"]
        told = Decimal(reached["amount"]) * (10_000 if sqlite else 1) if measure == "won_amount" else Decimal(reached)
        assert told == (amount if measure == "won_amount" else count), (measure, part, whose)
        assert whose or count > 3
    assert found[str(ids["won_count", "region", None])]["region"] == str(region)
    both = target(work, measure="won_count", product_line="Pumps", region=region, number="9")
    assert 0 < Decimal(shown(client)[str(both)]["reached"]) < Decimal(found[str(ids["won_count", "region", None])]["reached"])


@pytest.mark.feature("G4")
def test_at_90_per_cent_of_a_region_s_target_its_manager_is_told_of_the_region_once(
    work: Work, people: People, process: Process, engine: Engine, clock: Clock
) -> None:
    region = id_of(work.records("company.region").create({"key": "east", "name": "East China"}))
    account = id_of(work.records("customers.account").create({"name": "Alder", "region": region}))
    target(work, measure="won_count", team=people.teams[0], region=region, number="10")
    engine.run_until_idle()
    for number in range(10):
        process.deal(owner=people.rep, stage="won", account=account if number else None)
        engine.run_until_idle()
        clock.move(hours=1)
        engine.run_until_idle()
    assert told(work, people.manager) == ["Team 0, East China: 90% of target, Won deals Q1 2026"]


@pytest.mark.feature("G4")
def test_quarters_and_years_of_targets_are_also_those_of_the_fiscal_year(
    client: Api, work: Work, people: People, process: Process, engine: Engine
) -> None:
    assert client.patch("/api/v1/core/tenant", {"fiscal_year_start": 2}).status_code == 200
    values = {"measure": "won_count", "period": "fiscal_quarter", "number": "1"}
    refused = client.post(f"{API}/targets", {**values, "period_start": "2026-01-01"})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "not_a_start")
    assert "2025-11-01" in refused.json["errors"][0]["message"]
    made = client.post(f"{API}/targets", {**values, "period_start": "2025-11-01", "person": str(people.rep)})
    assert made.status_code == 201, made.text
    engine.run_until_idle()
    for day in ("2025-10-31", "2025-11-01", "2026-01-31", "2026-02-01"):
        process.deal(owner=people.rep, stage="won", close_date=day)
    engine.run_until_idle()
    (row,) = client.get(f"{API}/attainment", {"period": "FY2026-Q4"}).json["data"]
    assert (row["target"], row["period"], row["reached"]) == (made.json["id"], "FY2026-Q4", "2")
    assert told(work, people.rep) == ["rep00: target reached, Won deals Q4 FY2026"]
    assert client.patch("/api/v1/core/tenant", {"fiscal_year_start": 4}).status_code == 200
    moved = client.patch(f"{API}/targets/{made.json['id']}", {"number": "3"})
    assert moved.status_code == 200, "a goal of the fiscal year as it was is changed as ever"
    once = {**values, "period_start": "2026-04-01"}
    assert client.post(f"{API}/targets", {**once, "period": "quarter"}).status_code == 201
    again = client.post(f"{API}/targets", once)
    assert (again.status_code, again.json["code"]) == (409, "second_target"), "the same three months by another name"
    names = [client.get(f"{API}/attainment", {"period": period}).json["data"][0]["period"] for period in ("2026-Q2", "FY2027-Q1")]
    assert names == ["2026-Q2", "2026-Q2"]


@pytest.mark.feature("G4")
def test_what_is_nearly_reached_is_not_told_as_a_hundred_per_cent(client: Api, work: Work, people: People, process: Process) -> None:
    id = target(work, measure="won_amount", person=people.rep, amount={"amount": "1000"})
    for amount, percent in (("999.99", "99.99"), ("0.01", "100.00")):
        process.deal(owner=people.rep, stage="won", amount={"amount": amount})
        assert shown(client)[str(id)]["percent"] == percent


@pytest.mark.feature("G4")
def test_at_90_and_at_100_per_cent_owner_and_manager_are_told_once(
    work: Work, people: People, process: Process, engine: Engine, clock: Clock
) -> None:
    engine.run_until_idle()
    target(work, measure="won_amount", person=people.rep, amount={"amount": "1000"})

    def win(amount: str) -> None:
        process.deal(owner=people.rep, stage="won", amount={"amount": amount})
        for _time in range(2):
            engine.run_until_idle()
            clock.move(hours=1)

    win("899.99")
    assert told(work, people.rep) == []
    win("0.01")
    assert told(work, people.rep) == told(work, people.manager) == ["rep00: 90% of target, Won amount Q1 2026"]
    win("50")
    assert len(told(work, people.rep)) == 1
    win("50")
    win("500")
    assert told(work, people.rep) == told(work, people.manager) == [
        "rep00: 90% of target, Won amount Q1 2026", "rep00: target reached, Won amount Q1 2026",
    ]  # fmt: skip
    assert told(work, people.reps[0][1]) == told(work, people.director) == []


@pytest.mark.feature("G4")
def test_targets_of_activities_count_those_of_the_kind_by_the_local_day(
    client: Api, work: Work, people: People, drain: Callable[[], int], clock: Clock
) -> None:
    for start, kind, state in (
        ("2025-12-31T23:59:59Z", "visit", "done"), ("2026-01-01T00:00:00Z", "visit", "done"), ("2026-03-31T23:59:59Z", "visit", "done"),
        ("2026-02-01T00:00:00Z", "call", "done"), ("2026-02-01T00:00:00Z", "visit", "planned"),
    ):  # fmt: skip
        work.records("teamwork.activity").create({"subject": "x", "kind": kind, "state": state, "starts_at": start, "owner": people.rep})
    id = target(work, measure="activities", activity_kind="visit", person=people.rep, number="2")
    every = target(work, measure="activities", person=people.rep, number="4")
    found = shown(client)
    assert (found[str(id)]["reached"], found[str(id)]["percent"], found[str(every)]["reached"]) == ("2", "100.00", "3")
    drain()
    clock.move(hours=2)
    drain()
    assert told(work, people.rep) == ["rep00: target reached, Activities done Q1 2026"]


@pytest.mark.feature("G4")
@pytest.mark.parametrize(("values", "field", "code"), [
    ({"measure": "won_amount", "number": "5"}, "amount", "required"),
    ({"measure": "won_amount", "amount": {"amount": "5", "currency": "EUR"}}, "amount", "own_currency"),
    ({"measure": "won_count", "number": "5", "amount": {"amount": "5"}}, "amount", "other_measure"),
    ({"measure": "won_count", "number": "5", "period_start": "2026-02-01", "period": "quarter"}, "period_start", "not_a_start"),
    ({"measure": "won_count", "number": "5", "person": "rep00", "team": "Team 0"}, "team", "two_subjects"),
    ({"measure": "activities", "number": "5", "channel": "fair"}, "channel", "no_such_part"),
    ({"measure": "on_time_tasks", "number": "5", "product_line": "Pumps"}, "product_line", "no_such_part"),
    ({"measure": "won_count", "number": "5", "activity_kind": "call"}, "activity_kind", "no_such_part"),
    ({"measure": "won_count", "number": "-1"}, "number", "out_of_range"),
])  # fmt: skip
def test_a_target_that_means_nothing_is_refused_by_its_field(
    client: Api, people: People, values: dict[str, object], field: str, code: str
) -> None:
    refused = client.post(f"{API}/targets", {"period": "month", "period_start": "2026-01-01", **values})
    assert refused.status_code == 422, refused.text
    assert (field, code) in {(error["field"], error["code"]) for error in refused.json["errors"]}


@pytest.mark.feature("G4")
def test_there_is_one_target_for_a_subject_measure_and_period(client: Api, work: Work, people: People) -> None:
    amount = {"amount": {"amount": "100"}}
    first = target(work, person=people.rep, **amount)
    others = ({"person": people.all_reps[1]}, {"team": people.teams[0]}, {}, {"person": people.rep, "channel": "fair"},
              {"person": people.rep, "period_start": "2026-04-01"})  # fmt: skip
    made = [target(work, **other, **amount) for other in others]
    again = {"person": str(people.rep), "period": "quarter", "period_start": "2026-01-01", **amount}
    refused = client.post("/api/v1/teamwork/targets", again)
    assert (refused.status_code, refused.json["code"]) == (409, "second_target")
    both = [{"op": "create", "values": {**again, "period_start": "2026-07-01"}}] * 2
    assert [one["status"] for one in client.post("/api/v1/teamwork/targets/batch", {"items": both}).json["data"]] == [201, 409]
    assert client.patch(f"/api/v1/teamwork/targets/{made[3]}", {"channel": None}).status_code == 409
    assert client.patch(f"/api/v1/teamwork/targets/{first}", {"amount": {"amount": "200"}}).status_code == 200
    assert client.delete(f"/api/v1/teamwork/targets/{first}").status_code == 204
    assert client.patch(f"/api/v1/teamwork/targets/{made[3]}", {"channel": None}).status_code == 200
    assert client.post(f"/api/v1/teamwork/targets/{first}/restore").status_code == 409
    mover = [{"op": "update", "id": str(made[0]), "values": {"person": None, "team": str(people.teams[0])}},
             {"op": "create", "values": {**again, "person": str(people.all_reps[1])}}]  # fmt: skip
    answers = client.post("/api/v1/teamwork/targets/batch", {"items": mover}).json["data"]
    assert [one["status"] for one in answers] == [409, 409], "who is refused keeps the place"


def test_targets_need_no_products(make_tenant: MakeTenant, platform: Platform) -> None:
    work = platform.system(make_tenant("bare", plugins=["teamwork"]).id)
    for number in range(2):
        target(work, measure="activities", number=str(5 + number), activity_kind=("call", "visit")[number])
    with pytest.raises(Conflict):
        target(work, measure="activities", number="9", activity_kind="call")


@pytest.mark.feature("G4")
def test_where_a_plugin_is_not_there_is_nothing_of_it_to_aim_at(make_tenant: MakeTenant, platform: Platform) -> None:
    parts = {"product", "product_line", "channel", "campaign", "region", "account"}

    def offered(*plugins: str) -> set[str]:
        return parts & set(platform.system(make_tenant(plugins=list(plugins)).id).records(TARGET).fields())

    assert offered("teamwork", "catalog", "company") == set(), "without deals none of it is counted"
    assert offered("teamwork", "customers", "pipeline") == {"channel", "account"}
    assert offered("teamwork", "customers", "pipeline", "catalog", "company", "leads") == parts
    work = platform.system(make_tenant("bare", plugins=["teamwork"]).id)
    with pytest.raises(Invalid) as refused:
        target(work, measure="won_count", number="5")
    assert refused.value.problems[0].code == "not_offered"


@pytest.mark.feature("G4")
def test_a_target_of_products_sleeps_while_the_catalogue_is_off(
    client: Api, work: Work, people: People, process: Process, engine: Engine
) -> None:
    def switch(on: bool) -> None:
        for plugin in ("catalog", "orders") if on else ("orders", "catalog"):
            assert client.patch(f"/api/v1/core/plugins/{plugin}", {"enabled": on}).status_code == 200

    engine.run_until_idle()
    work.records("catalog.product").create({"name": "Pump"})
    narrow = target(work, measure="won_count", person=people.rep, product="Pump", channel="fair", number="1")
    switch(False)
    process.deal(owner=people.rep, stage="won", source="fair", close_date="2026-02-01")
    engine.run_until_idle()
    assert shown(client) == {}, "nobody knows the product: all deals would count"
    assert told(work, people.rep) == []
    whole = target(work, measure="won_count", person=people.rep, channel="fair", number="5")
    assert set(shown(client)) == {str(whole)}
    work.records(TARGET).update(narrow, {"channel": "web"})
    switch(True)
    found = shown(client)
    assert (found[str(narrow)]["reached"], found[str(whole)]["reached"]) == ("0", "1"), "it is back with its product"


def test_targets_from_before_know_what_they_are_narrowed_to(platform: Platform, work: Work) -> None:
    work.records("catalog.product").create({"name": "Pump"})
    for part in ({}, {"product": "Pump"}, {"channel": "fair"}, {"product": "Pump", "channel": "fair"}):
        target(work, measure="won_count", number="1", **part)
    branch = next(one for one in platform.branches() if one.plugin == "teamwork")
    migrate.downgrade(platform.database, branch, "0002")
    migrate.upgrade(platform.database, platform.branches())
    assert [row["parts"] for row in work.records(TARGET).find(())] == [None, "product", "channel", "product,channel"]


@pytest.mark.feature("G4")
def test_who_sees_which_target(client: Api, work: Work, people: People) -> None:
    ids = [str(target(work, measure="won_count", number="5", person=rep)) for rep in (people.rep, people.reps[0][1], people.reps[1][0])]
    team = str(target(work, measure="won_count", number="5", team=people.teams[0]))
    assert set(shown(client.as_user(people.rep))) == {ids[0]}
    assert set(shown(client.as_user(people.manager))) == {*ids[:2], team}
    assert set(shown(client)) == {*ids, team}
    assert (
        client.as_user(people.rep).post(f"{API}/targets", {"measure": "won_count", "number": "1", "period_start": "2026-01-01"}).status_code
        == 403
    )
    assert client.as_user(people.manager).get(f"{API}/targets/{ids[2]}").status_code == 404
    assert client.get(f"{API}/attainment", {"period": "2026-13"}).status_code == 422
    assert client.get(f"{API}/attainment").status_code == 422


def test_a_manager_sets_goals_for_the_own_people_alone(client: Api, work: Work, people: People) -> None:
    """What others are scored by is not written, nor handed to them, from another team; the director leads them all."""
    values = {"measure": "won_count", "period": "month", "period_start": "2026-01-01", "number": "1"}
    manager, theirs = client.as_user(people.manager), {"person": str(people.reps[1][0])}
    mine = manager.post(f"{API}/targets", {**values, "person": str(people.rep)})
    assert mine.status_code == 201
    answers = [
        manager.post(f"{API}/targets", {**values, **theirs}),
        manager.post(f"{API}/targets", {**values, "team": str(people.teams[1])}),
        manager.patch(f"{API}/targets/{mine.json['id']}", theirs),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert [row["person"] for row in work.records(TARGET).find(())] == [people.rep]
    assert client.as_user(people.director).post(f"{API}/targets", {**values, **theirs}).status_code == 201


def test_the_currency_of_a_company_with_targets_stays(client: Api, work: Work) -> None:
    target(work, measure="won_amount", amount={"amount": "1000"})
    assert client.patch("/api/v1/core/tenant", {"currency": "EUR"}).status_code == 409


def test_a_hundred_targets_cost_as_many_statements_as_one(work: Work, people: People, process: Process, client: Api) -> None:
    statements = list[str]()
    sa.event.listen(
        work.platform.database.engine, "before_cursor_execute", lambda _c, _cur, statement, *_rest: statements.append(statement)
    )
    target(work, measure="won_amount", person=people.rep, amount={"amount": "1"})
    target(work, measure="won_amount", person=people.rep, channel="fair", amount={"amount": "1"})
    shown(client)
    statements.clear()
    shown(client)
    one = len(statements)
    drafts = [Draft("create", {"measure": "won_amount", "period": "quarter", "period_start": "2026-01-01", "person": rep, "channel": f"fair {number}",
                               "amount": {"amount": "1"}}) for rep in people.all_reps for number in range(11)]  # fmt: skip
    assert all(outcome.refusal is None for outcome in work.records(TARGET).write(drafts))
    statements.clear()
    assert len(shown(client)) == 101
    assert len(statements) == one


@given(st.dates(date(1902, 1, 1), date(2097, 12, 31)), st.sampled_from(list(MONTHS)), st.integers(1, 12))
def test_a_period_holds_its_day_and_is_read_as_it_is_written(day: date, kind: str, begins: int) -> None:
    period = starting(kind, day, begins)
    assert period.start <= day < period.end
    assert read(period.name, begins) == period
    assert re.fullmatch(PATTERN, period.name)
    assert starting(kind, period.end, begins).start == period.end
    assert [month.kind for month in period.months] == ["month"] * {"month": 1, "quarter": 3, "year": 12}[kind.removeprefix("fiscal_")]
    assert period.months[-1].end == period.end
    assert not kind.startswith("fiscal_") or (period.start.month - begins) % MONTHS[kind] == 0


def test_a_fiscal_year_is_named_by_the_year_in_which_it_ends(work: Work) -> None:
    assert [starting("fiscal_quarter", date(2026, month, 9), 4).name for month in (3, 4, 12)] == ["FY2026-Q4", "FY2027-Q1", "FY2027-Q3"]
    said = [
        work.speaking(locale).period(starting(kind, date(2026, 4, 9), 4).name)
        for kind in ("fiscal_quarter", "fiscal_year", "quarter", "year")
        for locale in ("en", "zh_CN")
    ]
    assert said == ["Q1 FY2027", "2027财年第1季度", "FY2027", "2027财年", "Q2 2026", "2026年第2季度", "2026", "2026年"]
    assert [*map(work.period, ("2026-13", "2026-00", "0000", "soon"))] == ["2026-13", "2026-00", "0000", "soon"]
    assert (starting("fiscal_year", date(2026, 3, 31), 4).name, read("FY2027", 4).start) == ("FY2026", date(2026, 4, 1))
    assert Period("fiscal_quarter", date(2026, 4, 1), 2).name == "2026-04/2026-06", "one of a fiscal year that began in another month"
    with pytest.raises(Invalid):
        read("FY2026-04")


@given(st.text(max_size=12))
def test_no_word_breaks_the_reading_of_periods(word: str) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(read(word), Period)
