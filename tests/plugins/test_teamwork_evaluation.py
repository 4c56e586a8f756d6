"""Evaluations: scores equal a computation by hand, a closed period stays as it was, and opening it again leaves its reason."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.testkit.fixtures import Api, Clock, People
from plugins.teamwork.scoring import places, points
from sdk import Draft, where
from sdk.context import id_of
from tests.plugins.imports import import_file
from tests.plugins.process import Process

API = "/api/v1/teamwork"


@pytest.fixture
def scheme(work: Work, people: People) -> UUID:
    """60 % revenue, 20 % new customers, 20 % tasks done in time, for the first team."""
    id = id_of(work.records("teamwork.scheme").create({"name": "Sales", "team": people.teams[0]}))
    for measure, weight, more in (
        ("won_amount", 60, {"cap": 150}),
        ("new_customers", 20, {"goal": "4"}),
        ("on_time_tasks", 20, {"goal": "90"}),
    ):
        work.records("teamwork.kpi").create({"scheme": id, "measure": measure, "weight": weight, **more})
    return id


@pytest.fixture
def quarter(work: Work, people: People, process: Process, scheme: UUID, clock: Clock) -> str:
    """The address of the evaluation of the first quarter, in which three people have worked."""
    clock.move(days=80)
    first, second, _third = people.reps[0]
    for month, amount in (("01", "30000"), ("02", "30000"), ("03", "40000")):
        work.records("teamwork.target").create(
            {"measure": "won_amount", "period_start": f"2026-{month}-01", "person": first, "amount": {"amount": amount}}
        )
    quarterly = {
        "measure": "won_amount",
        "period": "quarter",
        "period_start": "2026-01-01",
        "person": second,
        "amount": {"amount": "50000"},
    }
    work.records("teamwork.target").create(quarterly)
    accounts = [id_of(work.records("customers.account").create({"name": f"a{number}"})) for number in range(4)]
    for owner, account, amount, day in (
        (first, accounts[0], "70000.50", "2026-01-20"), (first, accounts[1], "12000", "2026-03-31"), (first, accounts[0], "5000", "2026-02-02"),
        (first, accounts[3], "99999", "2025-12-31"), (first, accounts[3], "1000", "2026-01-02"), (first, None, "7", "2026-04-01"),
        (second, accounts[2], "90000", "2026-02-10"),
    ):  # fmt: skip
        process.deal(owner=owner, account=account, amount={"amount": amount}, stage="won", close_date=day)
    for owner, due, done in (
        (first, "2026-01-16", "2026-01-16T23:59:00Z"), (first, "2026-02-16", "2026-02-16T10:00:00Z"), (first, "2026-03-01", "2026-03-02T00:00:00Z"),
        (first, "2026-04-04", None), (first, "2026-03-20", None), (second, "2026-01-20", "2026-01-19T10:00:00Z"),
    ):  # fmt: skip
        now = clock.now
        task = id_of(work.records("teamwork.task").create({"subject": "x", "due_on": due, "owner": owner}))
        if done is not None:
            clock.now = now.fromisoformat(done)
            work.records("teamwork.task").update(task, {"state": "done"})
            clock.now = now
    made = work.records("teamwork.evaluation").create({"name": "Q1", "scheme": scheme, "period_start": "2026-01-01"})
    return f"{API}/evaluations/{made['id']}"


def ranking(api: Api, evaluation: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get(f"{evaluation}/ranking").json["data"]
    return rows


@pytest.mark.feature("J6")
def test_the_score_equals_a_computation_by_hand(client: Api, quarter: str, people: People) -> None:
    computed = client.post(f"{quarter}/scores")
    assert (computed.status_code, computed.json["state"]) == (201, "open"), computed.text
    by_person = {row["name"]: row for row in ranking(client, quarter)}
    first = {line["measure"]: line for line in by_person["rep00"]["lines"]}
    # 70,000.50 + 12,000 + 5,000 + 1,000 of a goal of 30,000 + 30,000 + 40,000: 88.0005 %; 60 × 0.880005 = 52.8003
    assert (first["won_amount"]["goal"], first["won_amount"]["actual"], first["won_amount"]["attainment"]) == (
        "100000",
        "88000.5",
        "88.0005",
    )
    assert first["won_amount"]["points"] == "52.8003"
    # accounts 0 and 1 are new, account 3 bought in December: 2 of 4, 50 %; 20 × 0.5 = 10
    assert (first["new_customers"]["actual"], first["new_customers"]["attainment"], first["new_customers"]["points"]) == ("2", "50", "10")
    # due by now in the quarter: four, of them in time two: 50 % of a goal of 90: 55.5556; 20 × 0.555556 = 11.1111
    assert (first["on_time_tasks"]["actual"], first["on_time_tasks"]["attainment"], first["on_time_tasks"]["points"]) == (
        "50",
        "55.5556",
        "11.1111",
    )
    assert Decimal(by_person["rep00"]["total"]) == Decimal("52.8003") + 10 + Decimal("11.1111")
    # second: 180 %, counted up to 150 → 90; 1 of 4 → 5; all in time: 111.1111 % → 22.2222
    assert by_person["rep01"]["total"] == "117.2222"
    # third: no target → 0; no customer → 0; nothing was due, nobody was late → 111.1111 % → 22.2222
    assert by_person["rep02"]["total"] == "22.2222"
    assert [(row["place"], row["name"]) for row in ranking(client, quarter)] == [(1, "rep01"), (2, "rep00"), (3, "rep02")]
    query = {"entity": "teamwork.score_line", "measure": "count", "by": "score", "where": "measure=won_amount"}
    lines = client.get("/api/v1/reports/query", query).json["data"]
    assert [(line["score"], line["count"]) for line in lines] == [("22.2222", 1), ("73.9114", 1), ("117.2222", 1)]


@pytest.mark.feature("J6")
def test_who_is_in_no_team_is_evaluated_by_a_target_of_the_own(client: Api, work: Work, people: People) -> None:
    scheme = id_of(work.records("teamwork.scheme").create({"name": "All"}))
    work.records("teamwork.kpi").create({"scheme": scheme, "measure": "won_count", "weight": 100})
    alone, _idle = (id_of(work.records("core.user").create({"name": name})) for name in ("Alone", "Idle"))
    target = {"measure": "won_count", "period": "month", "period_start": "2026-02-01", "person": alone, "number": "2"}
    work.records("teamwork.target").create(target)
    evaluation = {"name": "Q1", "scheme": str(scheme), "period": "quarter", "period_start": "2026-01-01"}
    made = client.post(f"{API}/evaluations", evaluation).json["id"]
    assert client.post(f"{API}/evaluations/{made}/scores").status_code == 201
    scored = {row["name"] for row in ranking(client, f"{API}/evaluations/{made}")}
    assert ("Alone" in scored, "Idle" in scored, len(scored)) == (True, False, len(people.all_reps) + 1)


@pytest.mark.feature("J6")
def test_a_closed_period_stays_and_is_opened_again_for_a_reason_that_is_logged(
    client: Api, quarter: str, people: People, process: Process, work: Work, drain: Callable[[], int]
) -> None:
    manager, rep = client.as_user(people.manager), client.as_user(people.rep)
    client.post(f"{quarter}/scores")
    score = f"{API}/scores/{next(row['score'] for row in ranking(client, quarter) if row['name'] == 'rep00')}"
    assert manager.patch(score, {"note": "Well done."}).status_code == 200
    assert manager.patch(score, {"total": "100"}).status_code == 422
    assert manager.post(f"{quarter}/closings").json["state"] == "closed"
    closed = ranking(client, quarter)
    process.deal(owner=people.rep, amount={"amount": "1000"}, stage="won", close_date="2026-02-02")
    process.work.records("core.user").update(people.reps[0][2], {"active": False})
    assert ranking(client, quarter) == closed, "what came in later does not change it"
    refused = [
        manager.patch(score, {"note": "Well, well."}), manager.post(f"{quarter}/scores"), manager.post(f"{quarter}/closings"),
        manager.patch(quarter, {"name": "Q2"}), manager.delete(quarter),
        manager.post(f"{API}/targets", {"measure": "won_count", "number": "1", "period_start": "2026-02-01", "person": str(people.rep)}),
        manager.patch(f"{API}/targets/{id_of(work.records('teamwork.target').find(())[0])}", {"amount": {"amount": "1"}}),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(409, "period_closed")] * 7
    file = "measure,number,period_start,person\nwon_count,1,2026-02-01,rep00\n"
    assert [row["code"] for row in import_file(work, "teamwork.target", file).rows] == ["period_closed"]
    target = id_of(work.records("teamwork.target").find(())[0])
    for verb in ("update", "delete"):  # as a rule or another plugin would
        (outcome,) = work.records("teamwork.target").write([Draft(verb, {"amount": {"amount": "1"}} if verb == "update" else {}, target)])
        assert outcome.refusal is not None and outcome.refusal.reason == "period_closed", verb
    assert manager.post(f"{quarter}/reopenings", {}).status_code == 422
    assert manager.post(f"{quarter}/reopenings", {"reason": " "}).status_code == 422
    assert rep.post(f"{quarter}/reopenings", {"reason": "mine"}).status_code == 403
    opened = manager.post(f"{quarter}/reopenings", {"reason": "A deal came in late."})
    assert (opened.json["state"], opened.json["round"]) == ("open", 2)
    assert manager.post(f"{quarter}/reopenings", {"reason": "again"}).status_code == 409
    id = quarter.rpartition("/")[2]
    steps = client.get(f"{API}/evaluation_steps", {"evaluation": id, "sort": "at"}).json["data"]
    assert [(row["step"], row["round"], row["reason"], row["by"]) for row in steps] == [
        ("closed", 1, None, str(people.manager)), ("reopened", 1, "A deal came in late.", str(people.manager)),
    ]  # fmt: skip
    states = [entry["changes"].get("state") for entry in client.get(f"{quarter}/history").json["data"]]
    assert ["closed", "open"] in states
    assert ranking(client, quarter) == closed, "until it is computed anew"
    assert manager.post(f"{quarter}/closings").status_code == 201
    again = {row["name"]: row for row in ranking(client, quarter)}
    assert set(again) == {"rep00", "rep01"}
    assert again["rep00"]["note"] == "Well done."
    assert Decimal(again["rep00"]["total"]) == Decimal("73.9114") + Decimal("0.6")
    assert client.get(score).json["total"] == "73.9114", "the first round is history"
    assert manager.patch(score, {"note": "x"}).status_code == 409
    drain()
    told = [row["body"] for row in work.records("teamwork.notification").find(where(owner=people.rep, kind="teamwork.evaluation"))]
    assert told == ["Your score is 73.9114, rank 2.", "Your score is 74.5114, rank 2."]


@pytest.mark.feature("J6")
def test_a_scheme_by_which_somebody_is_evaluated_stays(client: Api, quarter: str, scheme: UUID) -> None:
    place = f"{API}/schemes/{scheme}"
    refused = client.delete(place)
    assert (refused.status_code, refused.json["code"]) == (409, "in_use")
    assert client.post(f"{quarter}/scores").status_code == 201
    assert client.delete(quarter).status_code == 204
    assert client.delete(place).status_code == 204
    back = client.post(f"{quarter}/restore")
    assert (back.status_code, back.json["code"]) == (409, "scheme_gone"), "nor does an evaluation come back without its scheme"
    assert client.post(f"{place}/restore").status_code == 200
    assert client.post(f"{quarter}/restore").status_code == 200
    assert client.post(f"{quarter}/scores").status_code == 201


@pytest.mark.feature("J6")
def test_each_round_has_its_ranking_and_each_note_its_history(client: Api, quarter: str, people: People, process: Process) -> None:
    manager = client.as_user(people.manager)
    client.post(f"{quarter}/scores")
    (score,) = [row["score"] for row in ranking(client, quarter) if row["name"] == "rep00"]
    for note in ("Well done.", "Well done, with two customers more."):
        assert manager.patch(f"{API}/scores/{score}", {"note": note}).status_code == 200
    notes = [entry for entry in client.get(f"{API}/scores/{score}/history").json["data"] if "note" in entry["changes"]]
    assert [entry["changes"]["note"][1] for entry in notes][::-1] == ["Well done.", "Well done, with two customers more."]
    assert {entry["actor"] for entry in notes} == {"manager0"}
    manager.post(f"{quarter}/closings")
    first = ranking(client, quarter)
    manager.post(f"{quarter}/reopenings", {"reason": "late"})
    process.deal(owner=people.rep, amount={"amount": "11000"}, stage="won", close_date="2026-02-02")
    manager.post(f"{quarter}/scores")
    assert ranking(client, quarter) != first
    rounds = [client.get(f"{quarter}/ranking", {"round": str(number)}).json["data"] for number in (1, 2, 3)]
    assert rounds == [first, ranking(client, quarter), []]
    assert client.get(f"{quarter}/ranking", {"round": "0"}).status_code == 422


@pytest.mark.feature("J6")
def test_a_fiscal_quarter_is_scored_by_its_own_months(
    client: Api, work: Work, people: People, process: Process, scheme: UUID, clock: Clock
) -> None:
    """February to April: 60 % of 5,000 of 3 × 5,000, with nothing new and nothing due."""
    assert client.patch("/api/v1/core/tenant", {"fiscal_year_start": 2}).status_code == 200
    clock.move(days=110)
    amount = {"measure": "won_amount", "person": people.rep, "amount": {"amount": "5000"}}
    for month in ("01", "02", "03", "04"):
        work.records("teamwork.target").create({**amount, "period_start": f"2026-{month}-01"})
    for day in ("2026-01-31", "2026-02-01", "2026-05-01"):
        process.deal(owner=people.rep, amount={"amount": "5000"}, stage="won", close_date=day)
    said = {"name": "FY", "scheme": str(scheme), "period": "fiscal_quarter"}
    assert client.post(f"{API}/evaluations", {**said, "period_start": "2026-01-01"}).json["errors"][0]["code"] == "not_a_start"
    made = client.post(f"{API}/evaluations", {**said, "period_start": "2026-02-01"})
    assert client.post(f"{API}/evaluations/{made.json['id']}/closings").status_code == 201
    (row,) = [row for row in ranking(client, f"{API}/evaluations/{made.json['id']}") if row["name"] == "rep00"]
    points = {line["measure"]: (line["goal"], line["actual"], line["points"]) for line in row["lines"]}
    assert points["won_amount"] == ("15000", "5000", "20"), "60 × 33.3333 %"
    assert Decimal(row["total"]) == sum(Decimal(part[2]) for part in points.values())
    locked = client.post(
        f"{API}/targets",
        {**amount, "person": str(people.rep), "measure": "won_count", "amount": None, "number": "1", "period_start": "2026-04-01"},
    )
    assert locked.json["code"] == "period_closed"


@pytest.mark.feature("J6")
def test_weights_are_100(client: Api, work: Work, people: People) -> None:
    scheme = id_of(work.records("teamwork.scheme").create({"name": "Half"}))
    kpi = {"scheme": str(scheme), "measure": "won_count", "weight": "60"}
    first = client.post(f"{API}/kpis", kpi)
    over = client.post(f"{API}/kpis", {**kpi, "weight": "40.0001"})
    assert (first.status_code, over.status_code, over.json["errors"][0]["code"]) == (201, 422, "over_100")
    batch = {"items": [{"op": "create", "values": {**kpi, "weight": "20"}} for _time in range(3)]}
    assert [item["status"] for item in client.post(f"{API}/kpis/batch", batch).json["data"]] == [201, 201, 422]
    made = client.post(f"{API}/evaluations", {"name": "x", "scheme": str(scheme), "period": "month", "period_start": "2026-01-01"}).json
    assert client.post(f"{API}/evaluations/{made['id']}/scores").status_code == 201
    client.delete(f"{API}/kpis/{first.json['id']}")
    short = client.post(f"{API}/evaluations/{made['id']}/closings")
    assert (short.status_code, short.json["code"]) == (409, "weights")
    assert client.post(f"{API}/evaluations", {"name": "x", "scheme": str(scheme), "period_start": "2026-02-01"}).status_code == 422
    again = {"name": "y", "scheme": str(scheme), "period": "month", "period_start": "2026-01-01"}
    assert client.post(f"{API}/evaluations", again).status_code == 409


@pytest.mark.feature("J6")
def test_who_sees_whose_score(client: Api, quarter: str, people: People) -> None:
    client.post(f"{quarter}/scores")
    seen = {
        person: [row["name"] for row in ranking(client.as_user(person), quarter)]
        for person in (people.rep, people.manager, people.managers[1])
    }
    assert seen == {people.rep: ["rep00"], people.manager: ["rep01", "rep00", "rep02"], people.managers[1]: []}
    (mine,) = ranking(client.as_user(people.rep), quarter)
    assert len(mine["lines"]) == 3
    assert len(client.as_user(people.rep).get(f"{API}/score_lines").json["data"]) == 3
    assert client.as_user(people.rep).post(f"{quarter}/scores").status_code == 403
    assert client.get(f"{API}/evaluations/{people.rep}/ranking").status_code == 404
    assert client.post(f"{API}/evaluations/{people.rep}/scores").status_code == 404


@given(st.lists(st.decimals(0, 100, places=4), min_size=1, max_size=20))
def test_equal_scores_share_a_place(scores: list[Decimal]) -> None:
    found = places({UUID(int=number): score for number, score in enumerate(scores)})
    for number, score in enumerate(scores):
        assert found[UUID(int=number)] == 1 + sum(other > score for other in scores)


@given(st.decimals(0, 100, places=4), st.decimals(0, 1000, places=4))
def test_points_are_exact_to_half_a_ten_thousandth(weight: Decimal, attainment: Decimal) -> None:
    assert abs(points(weight, attainment) * 100 - weight * attainment) <= Decimal("0.005")
    assert points(weight, None) == 0
