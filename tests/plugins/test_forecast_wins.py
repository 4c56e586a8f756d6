"""Win probabilities: learned where that is better than the stage, said to be the stage's where it is not; never written into what people enter."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.entities.merge import merge
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.forecast import chances
from plugins.forecast.deals import Deals, Outcomes, Stay
from sdk import Draft, where
from sdk.context import id_of
from tests.plugins.process import Process

FORECAST, DEALS = "/api/v1/forecast", "/api/v1/pipeline/deals"


def moved(work: Work, ids: list[UUID], stages: list[object], **more: object) -> None:
    """Many deals at once, each to its stage."""
    drafts = [Draft("update", {"stage": stage, **more}, id, act="move") for id, stage in zip(ids, stages, strict=True)]
    for outcome in work.records("pipeline.deal").write(drafts):
        if outcome.refusal is not None:
            raise outcome.refusal


def closed(work: Work, process: Process, clock: Clock, count: int, *, signal: bool = True) -> list[bool]:
    """Deals that went from their first stage through the second to their end; those by referral are mostly won."""
    random, stages = Random(7), process.stages
    sources = [random.choice(("referral", "cold")) for _number in range(count)]
    wins = [random.random() < ((0.9 if source == "referral" else 0.15) if signal else 0.5) for source in sources]
    reason = work.records("pipeline.lost_reason").find(())
    reason_id = id_of(reason[0]) if reason else id_of(work.records("pipeline.lost_reason").create({"name": "Price", "key": "price"}))
    drafts = [Draft("create", {"name": f"d{n}", "pipeline": process.id, "source": source, "amount": {"amount": str(random.randint(1, 90) * 100)}})
              for n, source in enumerate(sources)]  # fmt: skip
    outcomes = work.records("pipeline.deal").write(drafts)
    ids = [outcome.id for outcome in outcomes if outcome.id is not None]
    assert len(ids) == count
    clock.move(days=4)
    moved(work, ids, [stages["needs-analysis"]] * count)
    clock.move(days=6)
    moved(work, [id for id, win in zip(ids, wins, strict=True) if win], [stages["won"]] * sum(wins))
    moved(work, [id for id, win in zip(ids, wins, strict=True) if not win], [stages["lost"]] * (count - sum(wins)), lost_reason=reason_id)
    return wins


def card_of(api: Api) -> dict[str, Any]:
    return dict(api.get(f"{FORECAST}/model_cards", {"sort": "-trained_at", "limit": 1}).json["data"][0])


@pytest.mark.feature("G6")
def test_with_few_closed_deals_it_is_the_stage_s_probability_and_says_so(client: Api, work: Work, process: Process, clock: Clock) -> None:
    closed(work, process, clock, 20)
    deal, written = process.deal(stage="needs-analysis"), process.deal(stage="needs-analysis", probability="77")
    chances.train(work)
    card = card_of(client)
    assert (card["basis"], card["reason"], card["deals"], card["needed"]) == ("stage", "too_few", 20, 50)
    stage = work.records("pipeline.stage").values([process.stages["needs-analysis"]])[process.stages["needs-analysis"]]
    for one in (deal, written):
        row = client.get(f"{DEALS}/{one}").json
        assert (row["forecast.win_basis"], Decimal(row["forecast.win_probability"])) == ("stage", stage["probability"])
    assert client.get(f"{DEALS}/{written}").json["probability"] == "77", "what a person wrote stays"
    told = client.get(f"{FORECAST}/deals/{deal}/win").json
    assert (told["basis"], told["basis_label"], told["reasons"]) == ("stage", "Probability of the stage", [])


@pytest.mark.feature("G6")
def test_a_new_deal_has_the_chance_of_its_stage_at_once_and_says_so(client: Api, work: Work, process: Process) -> None:
    """Read where it stands: nobody has to be told of the deal, and nothing is written for it."""

    def chance(deal: UUID) -> tuple[str, str | None]:
        told = client.get(f"{FORECAST}/deals/{deal}/win").json
        return told["basis"], told["probability"]

    def of_stage(key: str) -> str:
        return str(client.get(f"/api/v1/pipeline/stages/{process.stages[key]}").json["probability"])

    deal, known = process.deal(stage="needs-analysis"), process.deal(stage="needs-analysis")
    assert chance(deal) == ("stage", of_stage("needs-analysis"))
    assert work.records("forecast.win").find(()) == []
    learned = {"deal": known, "win_basis": "model", "win_probability": Decimal(71)}
    work.records("forecast.win").write_all([Draft("create", learned, act="score")])
    for one in (deal, known):
        client.post(f"{DEALS}/{one}/moves", {"stage": "first-contact"})
    assert chance(deal) == ("stage", of_stage("first-contact"))
    assert chance(known) == ("model", "71"), "what was learned of a deal stays until the next training"
    shown = {"fields": "name,forecast.win_basis,forecast.win_probability", "sort": "-forecast.win_probability"}
    rows = client.get(DEALS, {**shown, "forecast.win_probability[gte]": of_stage("first-contact")}).json["data"]
    assert [(row["id"], row["forecast.win_basis"]) for row in rows] == [(str(known), "model"), (str(deal), "stage")]
    asked = {"entity": "pipeline.deal", "measure": "count,avg:forecast.win_probability", "by": "forecast.win_basis"}
    parts = client.get("/api/v1/reports/query", asked).json["data"]
    said = {row["forecast.win_basis"]: Decimal(row["avg:forecast.win_probability"]) for row in parts}
    assert said == {"model": 71, "stage": Decimal(of_stage("first-contact"))}
    client.patch(f"/api/v1/pipeline/stages/{process.stages['first-contact']}", {"probability": "0"})
    assert chance(deal) == ("stage", "1"), "an open deal is never lost for certain"
    client.post(f"{DEALS}/{deal}/moves", {"stage": "won"})
    assert chance(deal) == (None, None), "what is closed has no chance"
    assert client.patch(f"{DEALS}/{known}", {"forecast.win_basis": "stage"}).status_code == 422


@pytest.mark.feature("G6")
def test_what_was_learned_is_used_where_it_is_better_with_reasons_and_scores(
    client: Api, work: Work, process: Process, clock: Clock
) -> None:
    wins = closed(work, process, clock, 160)
    warm = process.deal("warm", source="referral", stage="needs-analysis", probability="5")
    cold = process.deal("cold", source="cold", stage="needs-analysis")
    version = client.get(f"{DEALS}/{warm}").json["version"]
    clock.move(days=1)
    chances.train(work)
    card = card_of(client)
    assert (card["basis"], card["reason"], card["algorithm"]) == ("model", "better", "logistic_regression")
    assert (card["deals"], card["won"], card["rows"]) == (160, sum(wins), 320)
    assert Decimal(card["brier"]) < Decimal(card["brier_stage"])
    assert Decimal(card["log_loss"]) < Decimal(card["log_loss_stage"])
    assert "source" in json.loads(card["features"])
    assert card["closed_from"] == card["closed_to"] == "2026-01-25"
    bins = json.loads(card["calibration"])
    assert sum(one["weight"] for one in bins) == pytest.approx(160)
    assert all(abs(one["said"] - one["happened"]) < 0.2 for one in bins if one["weight"] > 20)
    told = {name: client.get(f"{FORECAST}/deals/{deal}/win").json for name, deal in (("warm", warm), ("cold", cold))}
    assert Decimal(told["warm"]["probability"]) > 75
    assert Decimal(told["cold"]["probability"]) < 40
    assert 1 <= len(told["warm"]["reasons"]) <= 3
    first = told["warm"]["reasons"][0]
    assert (first["feature"], first["value"], first["label"], first["raises"]) == ("source", "referral", "Source", True)
    assert told["cold"]["reasons"][0]["raises"] is False
    (role,) = work.records("core.role").find(where(key="read_only"))
    reader = work.records("core.user").create({"name": "Reader", "email": "reader@acme.example", "roles": ["read_only"]})
    seen = sorted(work.records("pipeline.deal").fields().keys() - {"source"})
    work.records("core.grant").create({"role": role["id"], "permission": "pipeline.deal.read", "scope": "all", "only_fields": seen})
    theirs = client.as_user(reader["id"])
    narrow = theirs.get(f"{FORECAST}/deals/{warm}/win").json
    assert narrow["probability"] == told["warm"]["probability"]
    assert "source" not in [one["feature"] for one in narrow["reasons"]]
    assert "referral" not in theirs.get(f"{DEALS}/{warm}").text + theirs.get(f"{FORECAST}/wins").text
    row = client.get(f"{DEALS}/{warm}").json
    assert (row["probability"], row["version"]) == ("5", version), "the deal itself is untouched"
    ranked = client.get(DEALS, {"status": "open", "sort": "-forecast.win_probability", "fields": "name"}).json["data"]
    assert [one["name"] for one in ranked] == ["warm", "cold"]


def imported(count: int, row: Callable[[Random, str, bool], str], seed: int = 5) -> tuple[str, int]:
    """A file of deals that were closed elsewhere, of two sources, and how many of them were won."""
    random, lines, won = Random(seed), ["name,stage,source,amount,opened_on,close_date,lost_reason"], 0
    for number in range(count):
        source = random.choice(("referral", "cold"))
        win = random.random() < (0.9 if source == "referral" else 0.15)
        won += win
        lines.append(f"d{number},{'Closed won' if win else 'Closed lost'},{row(random, source, win)},{'' if win else 'Price'}")
    return "\n".join(lines) + "\n", won


@pytest.mark.feature("G6")
def test_deals_that_were_imported_closed_teach_by_what_closing_does_not_change(
    client: Api, work: Work, process: Process, clock: Clock, taken: Callable[..., Any]
) -> None:
    """Of those that were lost the file says an amount of nothing and a long life: only after the end was that known."""
    ends = {str(row["key"]): str(row["name"]) for row in work.records("pipeline.stage").find(()) if row["type"] != "open"}
    file, won = imported(160, lambda random, source, win: (
        f"{source},{random.randint(1, 90) * 100 if win else 0},2025-{random.randint(1, 6):02}-01,2025-{random.randint(7, 8) if win else random.randint(9, 12):02}-28"
    ))  # fmt: skip
    file = file.replace("Closed won", ends["won"]).replace("Closed lost", ends["lost"])
    assert taken("pipeline.deal", file).counts["created"] == 160
    chances.train(work)
    card = card_of(client)
    assert (card["deals"], card["won"], card["rows"]) == (160, won, 160)
    assert (card["basis"], card["reason"]) == ("model", "better")
    weights = json.loads(card["coefficients"])
    assert weights["source=referral"] > 0
    assert [weights[name] for name in ("amount", "days_open", "days_in_stage", "activities")] == [0.0] * 4, "closing changes these"
    assert not [name for name in weights if name.startswith(("stage=", "tier="))]
    assert "160" in card["limits"]
    deals = {
        (source, key): process.deal(source=source, stage=key, amount={"amount": "10"})
        for source in ("referral", "cold") for key in ("needs-analysis", "proposal")
    }  # fmt: skip
    chances.train(work)
    told = {key: client.get(f"{FORECAST}/deals/{deal}/win").json for key, deal in deals.items()}
    chance = {key: Decimal(one["probability"]) for key, one in told.items()}
    shares = {str(row["key"]): row["probability"] for row in work.records("pipeline.stage").find(())}
    for key in ("needs-analysis", "proposal"):
        assert chance["cold", key] < shares[key] < chance["referral", key], "what was learned moves what the stage says"
    assert chance["referral", "needs-analysis"] < chance["referral", "proposal"], "a proposal is no first call"
    assert {reason["feature"] for one in told.values() for reason in one["reasons"]} == {"source"}


@pytest.mark.feature("G6")
def test_what_only_closing_made_known_of_imported_deals_is_no_lesson(
    client: Api, work: Work, process: Process, taken: Callable[..., Any]
) -> None:
    """Amounts of nothing and long lives give away who lost; of open deals nobody knows either."""
    ends = {str(row["key"]): str(row["name"]) for row in work.records("pipeline.stage").find(()) if row["type"] != "open"}
    file, _won = imported(200, lambda random, _source, win: (
        f"fair,{random.randint(1, 90) * 100 if win else 0},2025-01-01,{'2025-02-01' if win else '2025-11-01'}"
    ))  # fmt: skip
    assert taken("pipeline.deal", file.replace("Closed won", ends["won"]).replace("Closed lost", ends["lost"])).counts["created"] == 200
    chances.train(work)
    card = card_of(client)
    assert (card["deals"], card["basis"], card["reason"]) == (200, "stage", "no_better")


@pytest.mark.feature("G6")
def test_imported_deals_help_where_there_is_history_and_are_left_out_where_they_mislead(
    client: Api, work: Work, process: Process, clock: Clock, taken: Callable[..., Any]
) -> None:
    ends = {str(row["key"]): str(row["name"]) for row in work.records("pipeline.stage").find(()) if row["type"] != "open"}
    file, _won = imported(300, lambda _random, source, _win: f"{'cold' if source == 'referral' else 'referral'},1,2025-01-01,2025-03-01")
    assert taken("pipeline.deal", file.replace("Closed won", ends["won"]).replace("Closed lost", ends["lost"])).counts["created"] == 300
    closed(work, process, clock, 80)
    chances.train(work)
    card = card_of(client)
    assert (card["deals"], card["rows"], card["basis"]) == (80, 160, "model"), "another market: what was imported is proven wrong here"
    assert json.loads(card["coefficients"])["source=referral"] > 0
    assert any(name.startswith("stage=") for name in json.loads(card["coefficients"]))


@pytest.mark.feature("G6")
def test_what_cannot_be_learned_falls_back_to_the_stage(client: Api, work: Work, process: Process, clock: Clock) -> None:
    """Outcomes by chance; the stages' own probability, set to what happened, cannot be beaten."""
    closed(work, process, clock, 120, signal=False)
    for key in ("needs-analysis", *process.stages):
        stage = work.records("pipeline.stage").values([process.stages[key]])[process.stages[key]]
        if stage["type"] == "open":
            work.records("pipeline.stage").update(process.stages[key], {"probability": "50"})
    chances.train(work)
    card = card_of(client)
    assert (card["basis"], card["reason"]) == ("stage", "no_better")
    assert Decimal(card["brier"]) >= Decimal("0.2")


@pytest.mark.feature("G12")
def test_training_twice_on_the_same_deals_gives_the_same_coefficients(client: Api, work: Work, process: Process, clock: Clock) -> None:
    closed(work, process, clock, 80)
    deal = process.deal(source="referral")
    clock.move(days=1)
    chances.train(work)
    one, win = card_of(client), work.records("forecast.win").find(where(deal=deal))[0]
    chances.train(work)
    other = card_of(client)
    assert one["id"] != other["id"] or one == other
    assert json.loads(one["coefficients"])["source=referral"] > 0
    for name in ("coefficients", "calibration", "brier", "log_loss", "rows", "deals", "features"):
        assert one[name] == other[name], name
    assert work.records("forecast.win").find(where(deal=deal))[0]["version"] == win["version"], "nothing new, nothing written"
    fresh = work.records("pipeline.stage").create({"pipeline": process.id, "name": "Verbal yes", "type": "open", "probability": "90"})
    assert client.post(f"{DEALS}/{deal}/moves", {"stage": str(fresh["id"])}).status_code == 201
    chances.train(work)
    told = client.get(f"{FORECAST}/deals/{deal}/win").json
    assert (card_of(client)["basis"], told["basis"], told["probability"]) == ("model", "stage", "90"), (
        "no deal has ever ended that stood there"
    )


@pytest.mark.feature("G6")
def test_nothing_that_came_after_a_moment_is_learned_from(work: Work, process: Process, clock: Clock) -> None:
    """Closing sets probability, close date and stage; the later note of a win may not change what was known before."""
    closed(work, process, clock, 60)
    with work.transaction():
        stays = Deals(work).learned_from()
    assert {stay.choices["stage"] for stay in stays} == {"potential-customers", "needs-analysis"} or {
        stay.choices["stage"] for stay in stays
    }.isdisjoint({"won", "lost"})
    first = [stay for stay in stays if stay.choices["stage"] != "needs-analysis"]
    assert {round(float(np.expm1(stay.numbers["days_in_stage"])), 6) for stay in first} == {2.0}, "in the middle of four days"
    assert {round(float(np.expm1(stay.numbers["days_in_stage"])), 6) for stay in stays if stay not in first} == {3.0}
    assert {stay.numbers["owner_history"] for stay in stays} == {0.0}, "none of them was closed yet, so nobody had a history"
    assert {stay.stage_share for stay in stays if stay.won} == {stay.stage_share for stay in stays if not stay.won}


@pytest.mark.feature("G6")
def test_a_deal_that_others_have_become_part_of_has_gone_its_own_way(work: Work, process: Process, clock: Clock) -> None:
    kept, other = process.deal("kept"), process.deal("other")
    for key in ("first-contact", "needs-analysis"):
        clock.move(days=2)
        moved(work, [other], [process.stages[key]])
    clock.move(days=6)
    moved(work, [kept], [process.stages["won"]])
    clock.move(days=1)
    moved(work, [other], [process.stages["won"]])
    merge(work, work.platform.catalog.entities["pipeline.deal"], kept, [other], {})
    with work.transaction():
        (stay,) = Deals(work).learned_from()
    assert (stay.choices["stage"], round(float(np.expm1(stay.numbers["days_in_stage"])), 6)) == ("potential", 5.0), "the middle of ten days"


def test_an_owner_s_history_is_drawn_to_everybody_s_and_knows_only_the_past() -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 1, day)

    outcomes = Outcomes([("a", "x", at(2), True), ("a", "x", at(3), True), ("b", "y", at(4), False), ("b", "y", at(5), False)])
    assert outcomes.owner("a", at(1)) == outcomes.owner("b", at(2)) == 0.0
    assert outcomes.owner("a", at(2)) == 0.0, "the same moment is not before"
    assert 0 < outcomes.owner("a", at(9)) < 1, "two wins in two are no certainty"
    assert outcomes.owner("b", at(9)) < 0
    assert outcomes.account("x", at(3)) == pytest.approx(np.log(2))
    assert outcomes.account(None, at(9)) == 0.0


def stays(count: int, seed: int) -> list[Stay]:
    """Made-up stays: the source decides nearly all."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        source = str(random.choice(["good", "bad"]))
        numbers = {
            name: float(random.normal())
            for name in ("amount", "days_in_stage", "days_open", "owner_history", "account_history", "activities")
        }
        won = bool(random.random() < (0.98 if source == "good" else 0.02))
        made.append(Stay(UUID(int=number), won, 1.0, 0.5, {"source": source, "stage": "s"}, numbers))
    return made


@pytest.mark.feature("G6")
@given(st.integers(0, 50), st.floats(-1e6, 1e6))
def test_a_chance_is_between_1_and_99_per_cent_whatever_the_deal(seed: int, extreme: float) -> None:
    from plugins.forecast.learning import learn

    rows = stays(80, seed)
    learned = learn(rows)
    odd = Stay(UUID(int=1), False, 1.0, None, {}, dict.fromkeys(rows[0].numbers, extreme))
    shares = learned.shares([*rows, odd])
    assert ((shares >= 0.01) & (shares <= 0.99)).all()
    assert all(len(reasons) <= 3 for reasons in learned.reasons([*rows, odd]))


def test_reasons_of_the_regression_are_its_coefficients() -> None:
    from plugins.forecast.learning import learn

    rows = stays(120, 3)
    learned = learn(rows)
    good = next(stay for stay in rows if stay.choices["source"] == "good")
    by_name = {reason["feature"]: reason["effect"] for reason in learned.reasons([good])[0]}
    weights, share = learned.coefficients(), np.mean([stay.choices["source"] == "good" for stay in rows])
    expected = weights["source=good"] * (1 - share) + weights["source=bad"] * (0 - (1 - share))
    assert by_name["source"] == pytest.approx(expected, abs=0.002)


def test_boosted_trees_are_taken_where_they_are_better() -> None:
    """Won exactly where two signs agree: no line separates that."""
    from plugins.forecast.learning import learn

    random = np.random.default_rng(1)
    rows = []
    for number in range(700):
        one, other = random.normal(), random.normal()
        numbers = {"amount": one, "days_in_stage": other, "days_open": 0.0, "owner_history": 0.0, "account_history": 0.0, "activities": 0.0}
        rows.append(Stay(UUID(int=number), bool((one > 0) == (other > 0)), 1.0, 0.5, {"stage": "s"}, numbers))
    learned = learn(rows)
    assert (learned.algorithm, learned.better, learned.coefficients()) == ("boosted_trees", True, {})
    assert learned.reasons(rows[:2])[0]


@pytest.mark.parametrize("algorithm", ["logistic_regression", "boosted_trees"])
def test_training_and_asking_take_one_thread(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    from plugins.forecast import learning

    seen, trained = list[int](), learning._new(algorithm)

    class Watched:
        def fit(self, *asked: Any, **more: Any) -> Any:
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            trained.fit(*asked, **more)
            return self

        def predict_proba(self, matrix: Any) -> Any:
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            return trained.predict_proba(matrix)

    monkeypatch.setattr(learning, "_new", lambda _algorithm: Watched())
    with threadpool_limits(3):
        learning.learn(stays(60, 1))
        assert {pool["num_threads"] for pool in threadpool_info()} == {3}, "whoever else counts here has his threads"
    assert seen
    assert {*seen} == {1}


# --- rights, schedule, off ------------------------------------------------------------------------------------------


def test_one_sees_the_chances_of_the_deals_that_one_sees(client: Api, work: Work, process: Process, people: People) -> None:
    mine, other = process.deal(owner=str(people.reps[0][0])), process.deal(owner=str(people.reps[1][0]))
    learned = {"win_basis": "model", "win_probability": Decimal(71)}
    work.records("forecast.win").write_all([Draft("create", {"deal": deal, **learned}, act="score") for deal in (mine, other)])
    rep = client.as_user(people.rep)
    assert {row["deal"] for row in rep.get(f"{FORECAST}/wins").json["data"]} == {str(mine)}
    assert rep.get(f"{FORECAST}/deals/{mine}/win").status_code == 200
    assert rep.get(f"{FORECAST}/deals/{other}/win").status_code == 404
    assert rep.get(f"{FORECAST}/model_cards").status_code == 200
    assert rep.patch(f"{DEALS}/{mine}", {"forecast.win_probability": "99"}).status_code == 422


@pytest.mark.parametrize("hidden", [(), ("source",), ("product",)])
def test_a_model_card_tells_words_of_deals_to_who_sees_the_fields_that_they_stand_in(
    client: Api, work: Work, people: People, hidden: tuple[str, ...]
) -> None:
    """The weights of numbers are everybody's; what nobody can read is nobody's."""
    weights = {"source=referral": 1.5, "product=Quokka": -0.5, "unknown=word": 2.0, "days_open": 0.25}
    card = {"name": "Card", "trained_at": work.now().isoformat(), "basis": "model", "reason": "better"}
    made = {"told": json.dumps(weights), "broken": "no JSON"}
    ids = {name: id_of(work.records("forecast.model_card").create({**card, "coefficients": text})) for name, text in made.items()}
    fields = sorted(work.records("pipeline.deal").fields().keys() - {*hidden})
    role = work.records("core.role").create({"key": "analyst", "name": "Analyst"})
    for permission, only in (("forecast.model_card.read", None), ("pipeline.deal.read", fields)):
        grant = {"role": role["id"], "permission": permission, "scope": "all", "only_fields": only}
        work.records("core.grant").create({name: value for name, value in grant.items() if value is not None})
    work.records("core.user").update(people.rep, {"roles": ["analyst"]})
    rep, told = client.as_user(people.rep), dict[str, Any]()
    for name, id in ids.items():
        told[name] = rep.get(f"{FORECAST}/model_cards/{id}").json["coefficients"]
    expected = {
        name: one for name, one in weights.items() if "=" not in name or name.partition("=")[0] in {"source", "product"} - {*hidden}
    }
    assert json.loads(told["told"]) == expected
    assert told["broken"] is None
    assert json.loads(client.get(f"{FORECAST}/model_cards/{ids['told']}").json["coefficients"]) == weights, "who may do everything sees all"
    for word in ("Quokka", "referral"):
        assert rep.get(f"{FORECAST}/model_cards", {"coefficients[contains]": word}).status_code == 400


def test_training_is_asked_for_by_managers_and_comes_by_night(
    client: Api, work: Work, process: Process, people: People, clock: Clock, drain: Callable[[], int]
) -> None:
    assert client.as_user(people.rep).post(f"{FORECAST}/trainings").status_code == 403
    deal = process.deal(owner=str(people.reps[2][0]))
    drain()
    assert client.as_user(people.manager).post(f"{FORECAST}/trainings").status_code == 202
    drain()
    assert client.get(f"{DEALS}/{deal}").json["forecast.win_basis"] == "stage"
    before = len(work.records("forecast.model_card").find(()))
    clock.move(days=1)
    drain()
    assert len(work.records("forecast.model_card").find(())) == before + 1


def test_without_deals_there_are_no_chances(client: Api, make_tenant: MakeTenant) -> None:
    other = make_tenant("other", plugins=["customers", "forecast"])
    work = client.platform.system(other.id)
    chances.train(work)
    assert work.records("forecast.model_card").find(()) == []
    admin = id_of(work.records("core.user").create({"name": "A", "email": "a@other.example", "roles": ["admin"]}))
    api = client.as_user(admin, of=other)
    assert api.get(f"{FORECAST}/pipeline").status_code == 404
    assert api.post(f"{FORECAST}/trainings").status_code == 404
    assert api.get(f"{FORECAST}/wins").json["data"] == []


def test_without_a_catalogue_chances_are_learned_and_nobody_is_offered_a_split_by_product(
    client: Api, work: Work, process: Process, drain: Callable[[], int]
) -> None:
    process.deal(stage="won", close_date="2026-01-10")
    process.deal()
    assert "by=product" in client.get("/console/forecast/outlook").text
    for name in ("orders", "catalog"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False}).status_code == 200
    assert client.post(f"{FORECAST}/trainings").status_code == 202
    drain()
    (card,) = client.get(f"{FORECAST}/model_cards").json["data"]
    assert (card["basis"], card["reason"]) == ("stage", "too_few")
    assert "by=product" not in client.get("/console/forecast/outlook").text
