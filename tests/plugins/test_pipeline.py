"""The sales process: one gate for every move, what follows from a move, pipelines and their stages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform, boot
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.pipeline.tables import Stage
from plugins.pipeline.template import TEMPLATES, apply
from sdk import Conflict, Draft, Invalid, NotFound, Query, where
from sdk.changes import HISTORY
from sdk.context import id_of
from tests.plugins.imports import Done, import_file
from tests.plugins.process import Process

DEALS, STAGES, PIPELINES = "/api/v1/pipeline/deals", "/api/v1/pipeline/stages", "/api/v1/pipeline/pipelines"
SEED = ["潜在客户", "初步接触", "需求分析", "方案制定", "合同签署"]


@pytest.fixture
def renewal(work: Work, process: Process) -> Process:
    """A second pipeline: it shares the key `needs-analysis` with the first and has names of its own for the rest."""
    pipeline = id_of(work.records("pipeline.pipeline").create({"name": "Renewal"}))
    for name, key, type_ in (
        ("Due", "due", "open"), ("Check needs", "needs-analysis", "open"), ("Renewed", "renewed", "won"), ("Churned", "churned", "lost"),
    ):  # fmt: skip
        work.records("pipeline.stage").create({"pipeline": pipeline, "name": name, "key": key, "type": type_})
    return Process(work, pipeline)


# --- one gate ------------------------------------------------------------------------------------------------------


class Gate:
    """The same move through each channel; answers the code of the refusal, or "" where the deal has moved."""

    def __init__(self, client: Api, work: Work, process: Process) -> None:
        self.client, self.work, self.process = client, work, process

    def by_patch(self, deal: UUID, stage: UUID) -> str:
        return _code(self.client.patch(f"{DEALS}/{deal}", {"stage": str(stage)}).json)

    def by_move(self, deal: UUID, stage: UUID) -> str:
        return _code(self.client.post(f"{DEALS}/{deal}/moves", {"stage": str(stage)}).json)

    def by_batch(self, deal: UUID, stage: UUID) -> str:
        items = [{"op": "update", "id": str(deal), "values": {"stage": str(stage)}}]
        (item,) = self.client.post(f"{DEALS}/batch", {"items": items}).json["data"]
        return _code(item.get("problem", {}))

    def by_import(self, deal: UUID, stage: UUID) -> str:
        name = self.process.read(deal)["name"]
        done = import_file(self.work, "pipeline.deal", f"name,stage\n{name},{stage}\n", mode="update", match=["name"])
        return str(done.rows[0]["code"]) if done.rows else ""

    def by_plugin(self, deal: UUID, stage: UUID) -> str:
        try:
            self.work.records("pipeline.deal").update(deal, {"stage": stage})
        except (Conflict, Invalid) as refusal:
            return refusal.problems[0].code if refusal.problems else refusal.reason
        return ""


def _code(body: dict) -> str:
    return body["errors"][0]["code"] if body.get("errors") else body.get("code", "")


CHANNELS = ("by_patch", "by_move", "by_batch", "by_import", "by_plugin")


@pytest.fixture
def gate(client: Api, work: Work, process: Process) -> Gate:
    """The five ways to move a deal."""
    return Gate(client, work, process)


@pytest.mark.feature("D2")
def test_every_channel_moves_a_deal_and_refuses_the_same_moves(gate: Gate, process: Process, renewal: Process) -> None:
    for channel in CHANNELS:
        move: Callable[[UUID, UUID], str] = getattr(gate, channel)
        deal = process.deal(f"deal {channel}", lost_reason="price", amount={"amount": "5", "currency": "USD"})
        assert move(deal, renewal.stages["due"]) == "wrong_pipeline", channel
        assert process.key_of(deal) == "potential", channel
        assert move(deal, process.stages["first-contact"]) == "", channel
        assert process.key_of(deal) == "first-contact", channel
        assert move(deal, process.stages["lost"]) == "", channel
        assert move(deal, process.stages["first-contact"]) == "deal_closed", channel
        assert process.read(deal)["status"] == "lost", channel


def test_a_lost_deal_moves_again_once_it_is_reopened(client: Api, process: Process) -> None:
    deal = process.deal(stage="lost", lost_reason="price")
    moved = client.post(f"{DEALS}/{deal}/moves", {"stage": "first-contact", "reopen": True})
    assert moved.status_code == 201
    assert moved.json["status"] == "open"
    assert moved.json["probability"] == "25"


def test_a_closed_deal_keeps_its_stage_while_its_other_fields_change(client: Api, process: Process) -> None:
    deal = process.deal(stage="won")
    assert client.patch(f"{DEALS}/{deal}", {"notes": "signed on paper", "stage": "won"}).status_code == 200


def test_a_move_says_its_refusal_in_the_language_of_its_reader(client: Api, process: Process, work: Work) -> None:
    work.records("core.user").update(work.records("core.user").find(where(email="admin@acme.example"))[0]["id"], {"locale": "zh_CN"})
    deal = process.deal(stage="lost")
    refused = client.post(f"{DEALS}/{deal}/moves", {"stage": "first-contact"})
    assert refused.status_code == 409
    assert "重新打开" in refused.json["detail"]


def test_a_move_to_a_stage_that_is_not_there_names_the_nearest(client: Api, process: Process) -> None:
    refused = client.post(f"{DEALS}/{process.deal()}/moves", {"stage": "Propsal"})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["nearest"] == "Proposal"


def test_a_stale_move_is_refused(client: Api, process: Process) -> None:
    deal = process.deal()
    client.patch(f"{DEALS}/{deal}", {"notes": "changed"})
    assert client.post(f"{DEALS}/{deal}/moves", {"stage": "first-contact", "version": 1}).status_code == 412
    assert process.key_of(deal) == "potential"


# --- what follows from a move ----------------------------------------------------------------------------------------


def test_a_new_deal_stands_in_the_first_open_stage_of_the_default_pipeline(work: Work, process: Process) -> None:
    row = work.records("pipeline.deal").create({"name": "deal"})
    assert (row["pipeline"], row["stage"]) == (process.id, process.stages["potential"])
    assert (row["status"], row["probability"]) == ("open", Decimal(10))
    assert (row["opened_on"], row["close_date"]) == (date(2026, 1, 15), None)


def test_a_key_that_stages_of_several_pipelines_have_means_that_of_the_default_one_where_none_is_named(
    client: Api, taken: Callable[..., Done], process: Process, renewal: Process
) -> None:
    for pipeline, meant in ((None, process), ("Renewal", renewal)):
        made = client.post(DEALS, {"name": "x", "stage": "needs-analysis", **({"pipeline": pipeline} if pipeline else {})})
        assert made.json.get("stage") == str(meant.stages["needs-analysis"]), made.text
    assert taken("pipeline.deal", "name,stage\nof a file,needs-analysis\n").rows == []
    deal = renewal.deal()
    assert client.patch(f"{DEALS}/{deal}", {"stage": "needs-analysis"}).json["stage"] == str(renewal.stages["needs-analysis"])
    client.patch(f"{PIPELINES}/{process.id}", {"is_default": False})
    refused = client.post(DEALS, {"name": "x", "stage": "needs-analysis"})
    assert [error["code"] for error in refused.json["errors"]] == ["ambiguous"]


def test_a_stage_without_a_pipeline_brings_its_own(work: Work, process: Process, renewal: Process) -> None:
    row = work.records("pipeline.deal").create({"name": "deal", "stage": renewal.stages["due"]})
    assert row["pipeline"] == renewal.id


def test_winning_a_deal_sets_status_probability_and_close_date(process: Process, work: Work) -> None:
    deal = process.deal()
    row = work.records("pipeline.deal").update(deal, {"stage": "won"})
    assert (row["status"], row["probability"], row["close_date"]) == ("won", Decimal(100), date(2026, 1, 15))


def test_a_deal_that_was_expected_later_closes_on_the_day_it_is_won(process: Process, work: Work) -> None:
    deal = process.deal(close_date="2026-06-30")
    assert work.records("pipeline.deal").update(deal, {"stage": "won"})["close_date"] == date(2026, 1, 15)


def test_a_deal_of_the_past_keeps_the_dates_it_comes_with(process: Process) -> None:
    row = process.read(process.deal(stage="won", opened_on="2016-10-20", close_date="2017-03-01"))
    assert (row["opened_on"], row["close_date"], row["status"]) == (date(2016, 10, 20), date(2017, 3, 1), "won")
    undated = process.read(process.deal("undated", stage="lost", close_date="2017-03-01"))
    assert undated["opened_on"] == date(2017, 3, 1)


def test_the_day_of_a_move_is_that_of_the_tenants_zone(make_tenant: MakeTenant, platform: Platform, clock: Clock) -> None:
    clock.move(hours=6)  # 18:00 in UTC, the next morning in Shanghai
    work = platform.system(make_tenant("shanghai", timezone="Asia/Shanghai").id)
    process = Process(work, apply(work, "direct_sales"))
    assert process.read(process.deal(stage="won"))["close_date"] == date(2026, 1, 16)


def test_a_probability_of_ones_own_stays_until_the_next_move(process: Process, work: Work) -> None:
    deal = process.deal(probability="33.5")
    assert process.read(deal)["probability"] == Decimal("33.5")
    assert work.records("pipeline.deal").update(deal, {"stage": "first-contact"})["probability"] == Decimal(25)


def test_a_deal_closes_on_a_day_of_business(client: Api, process: Process) -> None:
    answers = [
        client.patch(f"{DEALS}/{process.deal()}", {"close_date": day}).status_code for day in ("0001-01-01", "2201-01-01", "2200-12-31")
    ]
    assert answers == [422, 422, 200]


def test_nobody_writes_the_status_of_a_deal(client: Api, process: Process) -> None:
    refused = client.patch(f"{DEALS}/{process.deal()}", {"status": "won"})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["code"] == "read_only"


@pytest.mark.feature("D2")
def test_each_move_leaves_one_entry_in_the_history(client: Api, process: Process) -> None:
    deal, stages = process.deal(), process.stages
    client.post(f"{DEALS}/{deal}/moves", {"stage": "first-contact"})
    client.post(f"{DEALS}/{deal}/moves", {"stage": "first-contact"})  # it stands there already
    client.patch(f"{DEALS}/{deal}", {"stage": "won", "notes": "yes"})
    expected = [(None, stages["potential"]), (stages["potential"], stages["first-contact"]), (stages["first-contact"], stages["won"])]
    assert process.history(deal) == expected
    read = client.get("/api/v1/pipeline/stage_changes", {"deal": str(deal), "sort": "moved_at"}).json["data"]
    assert len(read) == 3


def test_history_says_how_long_a_deal_has_stood_in_its_stage_and_nobody_else_does(
    client: Api, process: Process, work: Work, clock: Clock
) -> None:
    past, deals = clock.now - timedelta(days=40), work.records("pipeline.deal")
    values = {"name": "Old", "stage": "first-contact", "stage_since": past}
    (there,) = deals.write_all([Draft("create", values, act=HISTORY)])
    assert there.id is not None
    assert deals.get(there.id)["stage_since"] == past
    assert deals.get(there.id)["opened_on"] == past.date(), "it was not opened after it came into its stage"
    (entry,) = work.records("pipeline.stage_change").find(where(deal=there.id))
    assert entry["moved_at"] == past
    client.post(f"{DEALS}/{there.id}/moves", {"stage": "won"})
    moved = work.records("pipeline.stage_change").find(where(deal=there.id))[-1]
    assert (moved["moved_at"], moved["seconds"]) == (clock.now, 40 * 24 * 3600)
    future = {**values, "stage_since": clock.now + timedelta(days=1)}
    (ahead,) = deals.write_all([Draft("create", future, act=HISTORY)])
    assert work.records("pipeline.stage_change").find(where(deal=ahead.id))[0]["moved_at"] == clock.now
    assert client.post(DEALS, {**values, "stage_since": past.isoformat()}).json["errors"][0]["code"] == "read_only"


def test_nobody_writes_the_history(client: Api, process: Process) -> None:
    values = {"deal": str(process.deal()), "to_stage": str(process.stages["won"]), "moved_at": "2026-01-01T00:00:00Z"}
    assert client.post("/api/v1/pipeline/stage_changes", values).status_code == 405


def test_who_does_not_see_a_deal_does_not_see_its_history(client: Api, process: Process, people) -> None:
    process.deal(owner=people.reps[1][0])
    assert client.as_user(people.rep).get("/api/v1/pipeline/stage_changes").json["data"] == []
    assert len(client.as_user(people.reps[1][1]).get("/api/v1/pipeline/stage_changes").json["data"]) == 1


# --- several pipelines -----------------------------------------------------------------------------------------------


@pytest.mark.feature("D2")
def test_a_deal_that_changes_its_pipeline_stands_in_the_stage_of_the_same_key(client: Api, process: Process, renewal: Process) -> None:
    deal = process.deal(stage="needs-analysis")
    moved = client.patch(f"{DEALS}/{deal}", {"pipeline": "Renewal"})
    assert moved.status_code == 200
    assert moved.json["stage"] == str(renewal.stages["needs-analysis"])
    assert process.history(deal)[-1] == (process.stages["needs-analysis"], renewal.stages["needs-analysis"])


@pytest.mark.feature("D2")
def test_without_a_stage_of_its_key_it_stands_in_the_first_of_its_type(client: Api, process: Process, renewal: Process) -> None:
    deal = process.deal(stage="first-contact")
    assert client.patch(f"{DEALS}/{deal}", {"pipeline": "Renewal"}).json["stage"] == str(renewal.stages["due"])
    back = client.patch(f"{DEALS}/{deal}", {"pipeline": str(process.id), "stage": "needs-analysis"})
    assert back.json["stage"] == str(process.stages["needs-analysis"])


@pytest.mark.feature("D2")
def test_reports_and_lists_filter_by_pipeline(client: Api, process: Process, renewal: Process) -> None:
    for _number in range(3):
        process.deal(amount={"amount": "100"})
    renewal.deal(amount={"amount": "70"})
    query = {"entity": "pipeline.deal", "measure": "count,sum:amount", "by": "pipeline", "where": "pipeline=Renewal"}
    (row,) = client.get("/api/v1/reports/query", query).json["data"]
    assert (row["pipeline"], row["count"], row["sum:amount"]["amount"]) == ("Renewal", 1, "70.00")
    assert len(client.get(DEALS, {"pipeline": str(process.id)}).json["data"]) == 3


def test_a_deal_does_not_change_into_a_pipeline_without_a_place_for_it(client: Api, work: Work, process: Process) -> None:
    work.records("pipeline.pipeline").create({"name": "Empty"})
    refused = client.patch(f"{DEALS}/{process.deal()}", {"pipeline": "Empty"})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "stage"
    refused = client.patch(f"{DEALS}/{process.deal(stage='won')}", {"pipeline": "Empty"})
    assert (refused.status_code, refused.json["code"]) == (409, "deal_closed")


def test_without_a_default_the_only_pipeline_takes_new_deals_and_of_two_neither(work: Work) -> None:
    deals, pipelines, stages = (work.records(f"pipeline.{name}") for name in ("deal", "pipeline", "stage"))
    with pytest.raises(Invalid, match="there is no default pipeline"):
        deals.create({"name": "too early"})
    first = id_of(pipelines.create({"name": "First"}))
    stages.create({"name": "Start", "pipeline": first})
    assert deals.create({"name": "deal"})["pipeline"] == first
    second = id_of(pipelines.create({"name": "Second"}))
    with pytest.raises(Invalid, match="there is no default pipeline"):
        deals.create({"name": "which?"})
    pipelines.update(second, {"is_default": True})
    stages.create({"name": "Start"})
    assert deals.create({"name": "deal"})["pipeline"] == second


def test_there_is_one_default_and_a_batch_hands_it_over(work: Work, process: Process, renewal: Process) -> None:
    pipelines = work.records("pipeline.pipeline")
    with pytest.raises(Invalid, match="another pipeline is the default"):
        pipelines.update(renewal.id, {"is_default": True})
    handed = [Draft("update", {"is_default": True}, renewal.id), Draft("update", {"is_default": False}, process.id)]
    assert [outcome.refusal for outcome in pipelines.write(handed)] == [None, None]
    both = pipelines.write([Draft("create", {"name": name, "is_default": True}) for name in ("A", "B")])
    assert [outcome.refusal is None for outcome in both] == [False, False]


# --- stages ----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("D1")
def test_the_template_makes_the_stages_in_chinese_and_they_can_be_put_in_another_order(client: Api, work: Work) -> None:
    user = work.records("core.user").find(where(email="admin@acme.example"))[0]["id"]
    work.records("core.user").update(user, {"locale": "zh_CN"})
    (template,) = client.get("/api/v1/pipeline/templates").json["data"]
    assert template["stages"] == [*SEED, "赢单", "输单"]
    made = client.post(f"/api/v1/pipeline/templates/{template['key']}/pipelines", {})
    assert made.status_code == 201
    query = {"pipeline": made.json["id"], "sort": "position", "type": "open"}
    stages = client.get(STAGES, query).json["data"]
    assert [stage["name"] for stage in stages] == SEED
    assert [stage["probability"] for stage in stages] == ["10", "25", "45", "65", "85"]
    items = [{"op": "update", "id": stage["id"], "values": {"position": 5 - index}} for index, stage in enumerate(stages)]
    assert client.post(f"{STAGES}/batch", {"items": items}).status_code == 200
    assert [stage["name"] for stage in client.get(STAGES, query).json["data"]] == SEED[::-1]


@pytest.mark.feature("D2")
def test_a_pipeline_takes_its_stages_along_into_the_recycle_bin_and_out_of_it(client: Api, process: Process, clock: Clock) -> None:
    second = client.post("/api/v1/pipeline/templates/direct_sales/pipelines", {"name": "Second"}).json["id"]
    stages = {row["key"]: row["id"] for row in client.get(STAGES, {"pipeline": second}).json["data"]}
    assert client.delete(f"{STAGES}/{stages['proposal']}").status_code == 204
    clock.move(hours=1)
    pipeline = f"/api/v1/pipeline/pipelines/{second}"
    assert client.delete(pipeline).status_code == 204
    assert client.get(STAGES, {"pipeline": second}).json["data"] == []
    refused = client.post(DEALS, {"name": "x", "stage": stages["won"]})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "no_such_record")
    assert client.post(DEALS, {"name": "x", "stage": "won"}).status_code == 201, "the name means one stage again"
    assert client.post(f"{pipeline}/restore").status_code == 200
    back = {row["id"] for row in client.get(STAGES, {"pipeline": second}).json["data"]}
    assert back == set(stages.values()) - {stages["proposal"]}, "what was taken away before stays away"
    assert client.post(DEALS, {"name": "y", "stage": stages["won"]}).status_code == 201


@pytest.mark.feature("D1")
def test_new_deals_follow_the_new_order_of_the_stages(client: Api, process: Process) -> None:
    client.patch(f"{STAGES}/{process.stages['first-contact']}", {"position": 0})
    assert process.key_of(process.deal()) == "first-contact"


@pytest.mark.feature("D1")
def test_a_stage_has_a_type_a_probability_a_colour_and_expected_days(client: Api, process: Process) -> None:
    values = {"pipeline": str(process.id), "name": "Pilot", "type": "open", "probability": "70", "colour": "#2a9d8f", "expected_days": 30}
    made = client.post(STAGES, values).json
    assert {name: made[name] for name in values} == values
    assert (made["key"], made["position"]) == ("pilot", 8)


def test_the_templates_are_in_the_language_of_who_asks(platform: Platform, make_tenant: MakeTenant) -> None:
    for locale, expected in (("en", "Prospect"), ("zh_CN", "潜在客户")):
        work = platform.system(make_tenant(f"in-{locale.lower().replace('_', '-')}", locale=locale).id)
        apply(work, "direct_sales")
        first = work.records("pipeline.stage").find(where(key="potential"))
        assert first[0]["name"] == expected


def test_a_second_use_of_the_template_leaves_the_default_alone(work: Work, process: Process) -> None:
    again = apply(work, "direct_sales", "Partners")
    row = work.records("pipeline.pipeline").values([again])[again]
    assert (row["name"], row["is_default"]) == ("Partners", False)


def test_an_unknown_template_is_not_found_and_those_that_exist_are_named(work: Work) -> None:
    with pytest.raises(NotFound, match="direct_sales"):
        apply(work, "nothing")
    assert list(TEMPLATES) == ["direct_sales"]


def test_two_stages_of_a_pipeline_never_share_a_key_and_of_two_pipelines_may(work: Work, process: Process, renewal: Process) -> None:
    stages = work.records("pipeline.stage")
    with pytest.raises(Conflict, match="'proposal' is already taken"):
        stages.create({"pipeline": process.id, "name": "Proposal"})
    assert stages.create({"pipeline": renewal.id, "name": "Proposal"})["key"] == "proposal"
    twice = stages.write([Draft("create", {"pipeline": process.id, "name": "Twin"}) for _number in range(2)])
    assert [outcome.refusal is None for outcome in twice] == [True, False]


def test_a_stage_with_a_chinese_name_gets_a_key_from_its_place(work: Work, process: Process) -> None:
    assert work.records("pipeline.stage").create({"pipeline": process.id, "name": "商务谈判"})["key"] == "stage-8"


@pytest.mark.parametrize(("type_", "probability"), [("won", Decimal(100)), ("lost", Decimal(0)), ("open", None)])
def test_a_stage_has_the_probability_of_its_type(work: Work, process: Process, type_: str, probability: Decimal | None) -> None:
    row = work.records("pipeline.stage").create({"pipeline": process.id, "name": "One more", "type": type_})
    assert row["probability"] == probability


def test_a_stage_in_which_deals_stand_stays_as_it_is(client: Api, process: Process, renewal: Process) -> None:
    deal = process.deal(stage="won")
    stage = process.stages["won"]
    said = client.delete(f"{STAGES}/{stage}").json["detail"]
    assert not any(sign.isdigit() for sign in said), "how many there are is for who sees them all"
    for change in ({"type": "open"}, {"pipeline": str(renewal.id)}):
        refused = client.patch(f"{STAGES}/{stage}", change)
        assert (refused.status_code, refused.json["code"]) == (409, "in_use")
    assert client.delete(f"{STAGES}/{stage}").json["code"] == "in_use"
    assert client.delete(f"{PIPELINES}/{process.id}").json["code"] == "in_use"
    assert client.patch(f"{STAGES}/{stage}", {"name": "Signed"}).status_code == 200
    assert client.delete(f"{DEALS}/{deal}").status_code == 204
    assert client.delete(f"{STAGES}/{stage}").status_code == 204


def test_stages_are_imported_within_the_pipeline_of_their_row(taken: Callable[..., Done], work: Work) -> None:
    assert taken("pipeline.pipeline", "name\nA\nB\n").created == 2
    done = taken("pipeline.stage", "Pipeline,Name,Type,Probability\nA,Start,open,10\nB,Start,open,20\nA,Done,won,\nC,Start,open,5\n")
    assert done.counts == {"created": 3, "failed": 1}
    assert done.reasons == [(4, "Pipeline", "no_such_record")]
    assert taken("pipeline.deal", "name,pipeline,stage\nx,A,Start\ny,B,Start\nz,,Start\n").counts == {"created": 2, "failed": 1}


# --- rights, events, partners ------------------------------------------------------------------------------------------


def test_a_representative_moves_own_deals_and_not_those_of_the_team(client: Api, process: Process, people) -> None:
    mine, theirs = process.deal("mine", owner=people.rep), process.deal("theirs", owner=people.reps[0][1])
    rep = client.as_user(people.rep)
    assert rep.post(f"{DEALS}/{mine}/moves", {"stage": "first-contact"}).status_code == 201
    assert rep.post(f"{DEALS}/{theirs}/moves", {"stage": "first-contact"}).status_code == 403
    assert client.as_user(people.reps[1][0]).post(f"{DEALS}/{mine}/moves", {"stage": "won"}).status_code == 404
    assert client.as_user(people.manager).post(f"{DEALS}/{theirs}/moves", {"stage": "first-contact"}).status_code == 201


def test_a_representative_does_not_make_pipelines(client: Api, people) -> None:
    assert client.as_user(people.rep).post("/api/v1/pipeline/templates/direct_sales/pipelines", {}).status_code == 403


def test_an_account_counts_its_open_deals(client: Api, process: Process, work: Work) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder"}))
    for stage in ("potential", "first-contact", "won"):
        process.deal(stage, account=account, stage=stage)
    shown = client.get(f"/api/v1/customers/accounts/{account}").json
    assert shown["pipeline.open_deals"] == 2


def test_a_tenant_without_the_plugin_has_nothing_of_it(make_tenant: MakeTenant, platform: Platform) -> None:
    work = platform.system(make_tenant("plain", plugins=["customers"]).id)
    assert "pipeline.open_deals" not in work.records("customers.account").fields()
    with pytest.raises(NotFound):
        work.records("pipeline.deal")


def test_another_tenant_does_not_see_the_process(make_tenant: MakeTenant, platform: Platform, process: Process) -> None:
    deal = process.deal()
    other = platform.system(make_tenant("other").id)
    assert other.records("pipeline.deal").values([deal]) == {}
    with pytest.raises(Invalid):
        other.records("pipeline.deal").create({"name": "deal", "pipeline": process.id})


@pytest.mark.feature("B6")
@pytest.mark.parametrize("read", ["get", "list", "filter", "aggregate"])
def test_an_account_counts_the_open_deals_that_its_reader_sees(
    work: Work, process: Process, people: People, work_as: Callable[..., Work], read: str
) -> None:
    mine, other = people.reps[0][0], people.reps[2][0]
    account = id_of(work.records("customers.account").create({"name": "Alder Foods", "owner": mine}))
    for owner in (mine, other, other):
        work.records("pipeline.deal").create({"name": "Deal", "account": account, "owner": owner})

    def counted(user: UUID) -> object:
        accounts = work_as(user).records("customers.account")
        if read == "get":
            return accounts.get(account)["pipeline.open_deals"]
        if read == "list":
            return accounts.query(Query(fields=("name", "pipeline.open_deals"))).data[0]["pipeline.open_deals"]
        if read == "filter":
            return next(n for n in range(5) if accounts.query(Query(filter=where(**{"pipeline.open_deals": n}))).data)
        return accounts.aggregate(["sum:pipeline.open_deals"])[0]["sum:pipeline.open_deals"]

    assert (counted(mine), counted(people.director)) == (1, 3)


# --- what a stage asks for -----------------------------------------------------------------------------------------------


@pytest.mark.feature("D3")
@pytest.mark.parametrize("channel", ["patch", "move", "batch", "import", "create"])
def test_a_stage_refuses_a_deal_without_what_it_asks_for_and_names_the_fields_in_every_channel(
    client: Api, work: Work, process: Process, channel: str
) -> None:
    deal, stage = process.deal("the deal", close_date="2026-03-01"), process.stages["contract-signing"]
    answers: dict[str, Callable[[], object]] = {
        "patch": lambda: client.patch(f"{DEALS}/{deal}", {"stage": str(stage)}).json,
        "move": lambda: client.post(f"{DEALS}/{deal}/moves", {"stage": str(stage)}).json,
        "batch": lambda: client.post(
            f"{DEALS}/batch", {"items": [{"op": "update", "id": str(deal), "values": {"stage": str(stage)}}]}
        ).json["data"][0]["problem"],
        "create": lambda: client.post(DEALS, {"name": "another", "pipeline": str(process.id), "stage": "contract-signing"}).json,
    }
    if channel == "import":
        done = import_file(work, "pipeline.deal", f"name,stage\nthe deal,{stage}\n", mode="update", match=["name"])
        assert [(column, code) for _number, column, code in done.reasons] == [("amount", "required_in_stage")]
    else:
        errors = answers[channel]()["errors"]  # type: ignore[index]
        assert {error["code"] for error in errors} == {"required_in_stage"}
        assert {error["field"] for error in errors} == ({"amount", "close_date"} if channel == "create" else {"amount"})
    assert process.key_of(deal) == "potential"


@pytest.mark.feature("D3")
def test_what_a_stage_asks_for_cannot_be_taken_away_while_the_deal_stands_there(client: Api, process: Process) -> None:
    deal = process.deal(stage="proposal", amount={"amount": "5", "currency": "USD"})
    refused = client.patch(f"{DEALS}/{deal}", {"amount": None})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["amount"]
    client.patch(f"{STAGES}/{process.stages['proposal']}", {"required_fields": ["amount", "close_date"]})
    assert client.patch(f"{DEALS}/{deal}", {"notes": "asked for later"}).status_code == 200, "who does not touch it is not asked for it"
    assert client.patch(f"{DEALS}/{deal}", {"amount": None, "stage": "first-contact"}).status_code == 200


@pytest.mark.feature("D3")
def test_a_stage_asks_for_fields_that_deals_have(client: Api, process: Process) -> None:
    stage = process.stages["first-contact"]
    refused = client.patch(f"{STAGES}/{stage}", {"required_fields": ["amount", "shoe_size"]})
    assert refused.status_code == 422
    assert "shoe_size" in refused.text
    for name in ("base_amount", "rate", "stage_since", "forecast.win_probability", "teamwork.next_step"):
        refused = client.patch(f"{STAGES}/{stage}", {"required_fields": [name]})
        assert [error["code"] for error in refused.json["errors"]] == ["read_only"], f"{name}: nobody could ever bring it"
    assert client.patch(f"{STAGES}/{stage}", {"required_fields": ["contact", "leads.campaign"]}).status_code == 200
    refused = client.post(f"{DEALS}/{process.deal()}/moves", {"stage": "first-contact"})
    assert [error["field"] for error in refused.json["errors"]] == ["contact", "leads.campaign"]
    given = {"contact": client.post("/api/v1/customers/contacts", {"name": "Ann"}).json["id"],
             "leads.campaign": client.post("/api/v1/leads/campaigns", {"name": "Fair"}).json["id"]}  # fmt: skip
    assert client.patch(f"{DEALS}/{process.deal()}", {"stage": "first-contact", **given}).status_code == 200


@pytest.mark.feature("D10")
def test_a_deal_is_lost_for_a_reason_and_the_report_counts_the_reasons(client: Api, work: Work, process: Process) -> None:
    deal = process.deal()
    refused = client.post(f"{DEALS}/{deal}/moves", {"stage": "lost"})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["lost_reason"]
    assert client.post(f"{DEALS}/{deal}/moves", {"stage": "lost", "lost_reason": "no such reason"}).status_code == 422
    moved = client.post(f"{DEALS}/{deal}/moves", {"stage": "lost", "lost_reason": "Competitor"})
    assert moved.status_code == 201
    process.deal(stage="lost", competitor="Rival Ltd")
    lines = client.get("/api/v1/reports/query", {"entity": "pipeline.deal", "by": "lost_reason,competitor"}).json["data"]
    assert {(line["lost_reason"], line["competitor"]): line["count"] for line in lines} == {
        ("Competitor", None): 1,
        ("Price", "Rival Ltd"): 1,
    }


@pytest.mark.feature("D10")
def test_a_deal_is_won_with_or_without_a_reason_and_the_report_counts_the_reasons(client: Api, work: Work, process: Process) -> None:
    one, bare, other = (process.deal(name, amount={"amount": "50"}) for name in "abc")
    assert client.post(f"{DEALS}/{one}/moves", {"stage": "won", "won_reason": "no such reason"}).status_code == 422
    assert process.read(one)["status"] == "open", "nothing of it is done"
    assert client.post(f"{DEALS}/{one}/moves", {"stage": "won", "won_reason": "Product"}).status_code == 201
    assert client.patch(f"{DEALS}/{bare}", {"stage": "won"}).status_code == 200, "nobody has to say"
    work.records("pipeline.stage").update(process.stages["won"], {"required_fields": ["won_reason"]})
    refused = client.post(f"{DEALS}/{other}/moves", {"stage": "won"})
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [("won_reason", "required_in_stage")]
    assert client.post(f"{DEALS}/{other}/moves", {"stage": "won", "won_reason": "service"}).status_code == 201
    process.deal("lost", stage="lost")
    lines = client.get("/api/v1/reports/reports/pipeline.won_by_reason").json["data"]
    assert {line["won_reason"]: (line["count"], line["sum:base_amount"]["amount"]) for line in lines} == dict.fromkeys(
        ("Product", "Service", None), (1, "50.00")
    )


@pytest.mark.feature("D10")
def test_where_a_stage_asks_for_the_reason_no_deal_is_lost_without_it_through_any_channel_and_elsewhere_through_every(
    gate: Gate, work: Work, renewal: Process
) -> None:
    lost = renewal.stages["churned"]
    for asked in (None, ["lost_reason"]):
        work.records("pipeline.stage").update(lost, {"required_fields": asked})
        for channel in CHANNELS:
            move: Callable[[UUID, UUID], str] = getattr(gate, channel)
            assert move(renewal.deal(f"{channel} {asked}"), lost) == ("required_in_stage" if asked else ""), (channel, asked)
        file = f"name,pipeline,stage\nof then {asked},{renewal.id},churned\n"
        assert [row["code"] for row in import_file(work, "pipeline.deal", file).rows] == (["required_in_stage"] if asked else [])
        made = gate.client.post(DEALS, {"name": f"made {asked}", "pipeline": str(renewal.id), "stage": "churned"})
        assert made.status_code == (422 if asked else 201)


def test_a_deal_comes_out_of_the_recycle_bin_to_where_it_stood_or_it_is_said_what_to_do(
    client: Api, work: Work, process: Process, renewal: Process, platform: Platform
) -> None:
    deal, won = renewal.deal(stage="renewed"), renewal.stages["renewed"]
    client.delete(f"{DEALS}/{deal}")

    def refused() -> tuple[int, str, str]:
        answer = client.post(f"{DEALS}/{deal}/restore")
        return answer.status_code, answer.json["code"], answer.json["detail"]

    assert client.delete(f"{STAGES}/{won}").status_code == 204
    assert refused()[:2] == (409, "stage_gone")
    assert "restore it, or add a stage of that type" in refused()[2]
    client.post(f"{STAGES}/{won}/restore")
    client.patch(f"{STAGES}/{won}", {"type": "open"})
    assert refused()[:2] == (409, "stage_gone")
    assert "'Renewed' is of type “Open” now" in refused()[2]
    client.delete(f"{PIPELINES}/{renewal.id}")
    assert refused()[:2] == (409, "stage_gone")
    assert "restore that pipeline first" in refused()[2]
    client.post(f"{PIPELINES}/{renewal.id}/restore")
    client.patch(f"{STAGES}/{won}", {"type": "won"})
    assert client.post(f"{DEALS}/{deal}/restore").status_code == 200
    # What an earlier version let come back stays won, in a stage that means the same.
    other = id_of(work.records("pipeline.stage").create({"pipeline": renewal.id, "name": "Won", "key": "won", "type": "won"}))
    with platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        stages = Stage.table()
        connection.execute(
            stages.update().where(stages.c.tenant_id == work.tenant.id, stages.c.id == won).values(deleted_at=platform.clock())
        )
    platform.kept.clear()
    before = len(renewal.history(deal))
    assert client.patch(f"{DEALS}/{deal}", {"stage": "due"}).json["code"] == "deal_closed"
    assert client.patch(f"{DEALS}/{deal}", {"notes": "x"}).status_code == 200
    assert (renewal.read(deal)["stage"], renewal.read(deal)["status"], len(renewal.history(deal))) == (other, "won", before + 1)


def test_a_deal_whose_stage_is_gone_comes_out_of_the_recycle_bin_to_another_of_its_type(client: Api, process: Process) -> None:
    deals = [process.deal(stage=stage, close_date="2026-01-02") for stage in ("needs-analysis", "won")]
    for deal in deals:
        client.delete(f"{DEALS}/{deal}")
    made = client.post(STAGES, {"pipeline": str(process.id), "name": "Signed", "type": "won"}).json["id"]
    client.delete(f"{STAGES}/{process.stages['needs-analysis']}")
    client.patch(f"{STAGES}/{process.stages['won']}", {"type": "open"})
    assert [client.post(f"{DEALS}/{deal}/restore").status_code for deal in deals] == [200] * 2
    now = [process.read(deal) for deal in deals]
    assert [(row["stage"], row["status"], row["probability"], str(row["close_date"])) for row in now] == [
        (process.stages["potential"], "open", Decimal(10), "2026-01-02"),
        (UUID(made), "won", Decimal(100), "2026-01-02"),
    ]
    assert [process.history(deal)[-1] for deal in deals] == [(None, process.stages["potential"]), (process.stages["won"], UUID(made))]


@pytest.mark.feature("D9")
def test_a_deal_that_goes_back_and_forth_reports_two_visits_and_how_long_each_took(
    client: Api, work: Work, process: Process, clock: Clock
) -> None:
    deal, days = process.deal(), []
    for stage, stayed in (("first-contact", 3), ("potential", 1), ("first-contact", 2), ("needs-analysis", 4)):
        clock.move(days=stayed)
        days.append(stayed)
        assert client.post(f"{DEALS}/{deal}/moves", {"stage": stage}).status_code == 201
    rows = work.records("pipeline.stage_change").find(where(deal=deal))
    assert [row["seconds"] for row in rows] == [None, *(stayed * 86_400 for stayed in days)]
    asked = {"entity": "pipeline.stage_change", "measure": "count,sum:seconds", "by": "from_stage"}
    lines = {line["from_stage"]: (line["count"], line["sum:seconds"]) for line in client.get("/api/v1/reports/query", asked).json["data"]}
    assert (lines["Prospect"], lines["First contact"]) == ((2, 5 * 86_400), (2, 5 * 86_400))
    stale = {"stage_since[lt]": (clock.now + timedelta(seconds=1)).isoformat(), "status": "open"}
    assert [row["id"] for row in client.get(DEALS, stale).json["data"]] == [str(deal)]


@pytest.mark.feature("D2")
def test_a_deal_moves_to_another_pipeline_with_its_history_and_reports_tell_them_apart(
    client: Api, work: Work, process: Process, renewal: Process
) -> None:
    deal = process.deal(stage="needs-analysis")
    assert client.patch(f"{DEALS}/{deal}", {"pipeline": str(renewal.id)}).status_code == 200
    assert process.read(deal)["stage"] == renewal.stages["needs-analysis"]
    work.records("pipeline.stage").create({"pipeline": renewal.id, "name": "Over", "key": "proposal", "type": "lost"})
    assert client.patch(f"{DEALS}/{process.deal(stage='proposal')}", {"pipeline": str(renewal.id)}).json["stage"] == str(
        renewal.stages["due"]
    )
    assert process.history(deal) == [
        (None, process.stages["needs-analysis"]),
        (process.stages["needs-analysis"], renewal.stages["needs-analysis"]),
    ]
    process.deal()
    lines = client.get("/api/v1/reports/query", {"entity": "pipeline.deal", "by": "pipeline"}).json["data"]
    assert {line["pipeline"]: line["count"] for line in lines} == {"Direct sales": 1, "Renewal": 2}


def test_what_a_stage_asks_for_is_known_to_every_process_at_the_next_write(
    platform: Platform, work: Work, process: Process, database_url: str
) -> None:
    """Each process keeps the stages until one of them changes, whoever changed it."""
    other = boot(platform.config, clock=platform.clock, check_schema=False)
    try:
        there = other.system(work.tenant.id)
        deal = id_of(there.records("pipeline.deal").create({"name": "Kept"}))
        stage = process.stages["needs-analysis"]
        work.records("pipeline.stage").update(stage, {"required_fields": ["competitor"]})
        again = other.system(work.tenant.id)
        with pytest.raises(Invalid) as refused:
            again.records("pipeline.deal").update(deal, {"stage": stage})
        assert [problem.code for problem in refused.value.problems] == ["required_in_stage"]
        work.records("pipeline.stage").update(stage, {"required_fields": []})
        other.system(work.tenant.id).records("pipeline.deal").update(deal, {"stage": stage})
    finally:
        other.close()


def test_work_that_goes_on_for_long_puts_a_deal_into_a_stage_that_was_made_meanwhile(
    platform: Platform, work: Work, process: Process
) -> None:
    """A job of many transactions knows at each what the stages are now, and never takes another than the one that was named."""
    job = platform.system(work.tenant.id)
    job.records("pipeline.deal").create({"name": "before", "pipeline": process.id})
    made = id_of(work.records("pipeline.stage").create({"pipeline": process.id, "name": "Zed", "type": "open", "probability": 90}))
    deal = job.records("pipeline.deal").create({"name": "after", "pipeline": process.id, "stage": made})
    assert (deal["stage"], deal["probability"]) == (made, 90)
    work.records("pipeline.stage").update(made, {"probability": 70})
    assert job.records("pipeline.deal").create({"name": "later", "stage": made})["probability"] == 70


def test_a_stage_that_is_made_while_a_write_is_on_its_way_is_read_then(platform: Platform, work: Work, process: Process) -> None:
    job = platform.system(work.tenant.id)
    with job.transaction(write=True):
        job.records("pipeline.deal").create({"name": "before", "pipeline": process.id})
        made = id_of(job.records("pipeline.stage").create({"pipeline": process.id, "name": "Zed", "type": "open"}))
        job.platform.kept.clear()
        job._transaction.kept["pipeline.process"] = ({}, {})  # as it was before: nothing of it known
        assert job.records("pipeline.deal").create({"name": "after", "pipeline": process.id, "stage": made})["stage"] == made
