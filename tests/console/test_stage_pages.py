"""Stages arranged on a page: order, names, what they ask for; deals of a stage that goes move on; and the bar on a deal's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, People
from plugins.pipeline.template import DIRECT
from sdk import Draft, where
from sdk.context import id_of
from tests.console.site import Look, Site

PAGE = "/pipeline/arrange"


class Process:
    """The ready-made pipeline with three deals in its second stage, and one that is won."""

    def __init__(self, work: Work, people: People) -> None:
        set_up(work)
        self.work = work
        (row,) = work.records("pipeline.pipeline").find(())
        self.id = id_of(row)
        drafts = [Draft("create", {"name": f"D{n}", "stage": self.stages()[1]["id"], "owner": people.rep}) for n in range(3)]
        self.deals = [one.id for one in work.records("pipeline.deal").write_all(drafts)]
        self.won = id_of(work.records("pipeline.deal").create({"name": "W", "stage": "won", "owner": people.rep}))

    def stages(self) -> list[Any]:
        """In their order."""
        rows = self.work.records("pipeline.stage").find(where(pipeline=self.id))
        return sorted(rows, key=lambda row: row["position"])

    def names(self) -> list[str]:
        return [row["name"] for row in self.stages()]

    def stage_of(self, deal: UUID | None) -> object:
        assert deal is not None
        return self.work.records("pipeline.deal").values([deal])[deal]["stage"]


@pytest.fixture
def process(work: Work, people: People) -> Process:
    return Process(work, people)


def sent(page: Look) -> dict[str, Any]:
    """What the form of stages would send, with all its rows."""
    (form,) = page.all("//form[@id='stages']")
    found: dict[str, Any] = {}
    for name, value in form.form_values():
        found.setdefault(name, []).append(value)
    return found


def post(site: Site, form: dict[str, Any], **more: Any) -> Look:
    return Look(site.api.call("POST", f"/console{PAGE}", data={**form, **more}))


def won_events(process: Process, since: datetime) -> int:
    """How often it was said that a deal was won."""
    past, _all = process.work.past("pipeline.deal", since, ("pipeline.deal.won",))
    return sum(one.event.name == "pipeline.deal.won" for one in past)


def test_stages_are_renamed_ordered_added_and_asked_of_in_one_go(site: Site, process: Process) -> None:
    page = site.get(PAGE)
    assert page.status == 200, page.text
    form, stages = sent(page), process.stages()
    second = str(stages[1]["id"])
    moved = post(site, form, act=f"up:{second}")
    assert sent(moved)["row"][0] == second
    assert moved.texts("//ol[@id='preview']/li")[0] == stages[1]["name"], "the bar that people see"
    added = post(site, sent(moved), act="add")
    more = sent(added)
    assert process.names()[0] == stages[0]["name"], "nothing is written before it is saved"
    (new,) = (key for key in more["row"] if key.startswith("new"))
    assert added.all("//*[@autofocus]/@name") == [f"name.{new}"], "it is typed next"
    two = {**more, f"name.{new}": ["A"]}
    two = sent(post(site, two, act="add"))
    one, other = (key for key in two["row"] if key.startswith("new"))
    left = sent(post(site, two, **{f"name.{other}": "B"}, act=f"drop:{one}"))
    third = sent(post(site, left, act="add"))
    assert len(third["row"]) == len({*third["row"]}) == len(more["row"]) + 1, "no two stages have one key"
    saved = post(site, more, **{f"name.{new}": "Trial", f"type.{new}": "open", f"probability.{new}": "70%", f"expected_days.{new}": "１０",
                                f"required_fields.{new}": ["amount", "close_date"], f"colour.{new}": "warm", f"name.{second}": "Called"})  # fmt: skip
    assert saved.status == 303, saved.text
    after = process.stages()
    trial = next(row for row in after if row["name"] == "Trial")
    known = [row["name"] for row in stages[2:]]
    closing = [row["name"] for row in stages if row["type"] != "open"]
    assert [row["name"] for row in after] == ["Called", stages[0]["name"], *known[: -len(closing)], "Trial", *closing]
    assert (trial["required_fields"], str(trial["probability"].normalize()), trial["expected_days"]) == (
        ["amount", "close_date"],
        "7E+1",
        10,
    )
    wrong = post(site, sent(site.get(PAGE)), **{f"name.{second}": "", f"probability.{second}": "much"})
    assert (wrong.status, len(wrong.all("//li[@data-stage]//*[@aria-invalid]"))) == (422, 2)
    again = post(site, form)
    assert (again.status, "Someone else has changed the stages" in again.text) == (412, True)


def test_the_deals_of_a_stage_that_is_taken_away_move_to_the_chosen_one_or_nothing_happens(site: Site, process: Process) -> None:
    stages = process.stages()
    gone, other = str(stages[1]["id"]), str(stages[2]["id"])
    dropped = post(site, sent(site.get(PAGE)), act=f"drop:{gone}")
    assert "Move its 3 deals to" in dropped.text
    refused = post(site, sent(dropped))
    assert (refused.status, "choose the stage they move to" in refused.text) == (422, True)
    asking = str(stages[3]["id"])
    kept = post(site, sent(dropped), **{f"to.{gone}": asking})
    assert (kept.status, "the deal D0 can’t be moved" in kept.text) == (409, True), "it asks for an amount"
    assert len(process.names()) == len(stages)
    assert {process.stage_of(deal) for deal in process.deals} == {stages[1]["id"]}
    taken = post(site, sent(dropped), **{f"to.{gone}": other})
    assert taken.status == 303, taken.text
    assert {process.stage_of(deal) for deal in process.deals} == {stages[2]["id"]}
    assert stages[1]["name"] not in process.names()
    moves = process.work.records("pipeline.stage_change").find(where(deal=process.deals[0]))
    assert len(moves) == 2, "it is in their history as any move is"


def test_won_deals_stay_won_when_their_stage_becomes_another_and_are_not_won_again(client: Api, process: Process) -> None:
    path = f"/api/v1/pipeline/pipelines/{process.id}/stages"
    ids = [{"id": str(row["id"])} for row in process.stages()]
    made = client.call("PUT", path, json={"stages": [*ids, {"name": "Signed", "type": "won"}]})
    assert made.status_code == 200, made.text
    signed, won = made.json["data"][-1]["id"], next(row for row in made.json["data"] if row["key"] == "won")["id"]
    rest = [{"id": one["id"]} for one in made.json["data"] if one["id"] != won]
    other_type = client.call("PUT", path, json={"stages": rest, "moves": [{"stage": won, "to": ids[0]["id"]}]})
    assert (other_type.status_code, other_type.json["errors"][0]["code"]) == (422, "other_type")
    since = process.work.now() - timedelta(days=1)
    before = won_events(process, since)
    assert before == 1
    done = client.call("PUT", path, json={"stages": rest, "moves": [{"stage": won, "to": signed}]})
    assert done.status_code == 200, done.text
    deal = client.get(f"/api/v1/pipeline/deals/{process.won}").json
    assert (deal["status"], deal["stage"]) == ("won", signed)
    assert won_events(process, since) == before
    asking = [
        {"id": one["id"], **({"required_fields": ["amount"]} if one["position"] == 3 else {})}
        for one in done.json["data"]
        if one["position"] != 2
    ]
    moved = {"stage": done.json["data"][1]["id"], "to": done.json["data"][2]["id"]}
    strict = client.call("PUT", path, json={"stages": asking, "moves": [moved]})
    assert (strict.status_code, strict.json["errors"][0]["code"]) == (409, "deals_stay"), "what it asks for from now on counts already"
    only_won = client.call("PUT", path, json={"stages": [{"id": signed}]})
    assert (only_won.status_code, only_won.json["code"]) == (409, "no_open_stage")
    twice = client.call("PUT", path, json={"stages": [ids[0], ids[0]]})
    assert twice.status_code == 422


def test_a_stage_that_becomes_one_of_won_deals_takes_no_open_ones(client: Api, process: Process) -> None:
    """The type that it has from now on counts: nobody wins deals by arranging stages."""
    path, stages = f"/api/v1/pipeline/pipelines/{process.id}/stages", process.stages()
    wanted = [{"id": str(row["id"]), **({"type": "won"} if n == 2 else {})} for n, row in enumerate(stages) if n != 1]
    moves = [{"stage": str(stages[1]["id"]), "to": str(stages[2]["id"])}]
    refused = client.call("PUT", path, json={"stages": wanted, "moves": moves})
    assert (refused.status_code, [one["code"] for one in refused.json.get("errors", ())]) == (422, ["other_type"])
    assert {process.stage_of(deal) for deal in process.deals} == {stages[1]["id"]}


def test_pipelines_are_begun_renamed_and_made_the_default_by_who_may(site: Site, client: Api, process: Process, people: People) -> None:
    begun = site.post(PAGE, {"act": "begin", "name": "Renewals", "template": "empty"})
    assert begun.status == 303, begun.text
    new = begun.answer.headers["Location"].rpartition("=")[2]
    page = site.get(PAGE, {"pipeline": new})
    assert [one.get("value") for one in page.all("//input[starts-with(@name, 'name.') and @value]")] == ["New", "Won", "Lost"]
    assert site.post(PAGE, {"act": "begin", "name": "Renewals", "template": "empty"}).status == 409
    assert site.post(PAGE, {"act": "default", "pipeline": new}).status == 303
    defaults = {row["name"] for row in process.work.records("pipeline.pipeline").find(where(is_default=True))}
    assert defaults == {"Renewals"}
    assert site.post(PAGE, {"act": "rename", "pipeline": new, "name": "Renewing"}).status == 303
    assert "Price" in page.text, "reasons for losing are near"
    rep = Site(client.as_user(people.rep))
    assert (rep.get(PAGE).status, rep.post(PAGE, {"act": "default", "pipeline": str(process.id)}).status) == (403, 403)
    assert site.get(PAGE, {"pipeline": "nonsense"}).status == 404


def test_a_stage_of_lost_deals_asks_for_the_reason_until_that_is_taken_out(site: Site, process: Process) -> None:
    assert site.post(PAGE, {"act": "begin", "name": "Renewals", "template": "empty"}).status == 303
    asked = {str(row["key"]): row["required_fields"] for row in process.work.records("pipeline.stage").find(()) if row["type"] == "lost"}
    assert asked == {"lost": ["lost_reason"]} and len(process.work.records("pipeline.stage").find(where(key="lost"))) == 2
    form = sent(post(site, sent(site.get(PAGE)), act="add"))
    (new,) = (key for key in form["row"] if key.startswith("new"))
    assert post(site, form, **{f"name.{new}": "Gone", f"type.{new}": "lost"}).status == 303
    (gone,) = process.work.records("pipeline.stage").find(where(name="Gone"))
    assert gone["required_fields"] == ["lost_reason"]
    assert post(site, sent(site.get(PAGE)), **{f"required_fields.{gone['id']}": []}).status == 303
    (gone,) = process.work.records("pipeline.stage").find(where(name="Gone"))
    assert not gone["required_fields"]


def test_the_bar_of_a_deal_leads_on_and_a_stage_shows_what_is_planned_in_it(client: Api, process: Process, people: People) -> None:
    site = Site(client.as_user(people.rep))
    page = site.get(f"/pipeline/deals/{process.deals[0]}")
    steps = [(one.get("class"), bool(one.xpath("./a[@data-send]"))) for one in page.all("//section[contains(@class, 'steps')]//li")]
    assert steps == [("done", True), ("here", False), ("next", True), ("ahead", True), ("ahead", True)]
    asks = page.all("//section[contains(@class, 'steps')]//li[4]/a/@title")[0]
    assert "Move to Proposal: requires Amount" in asks
    assert page.all("//section[contains(@class, 'steps')]//p[@data-said and @role='alert' and @hidden]"), "where a refusal is said"
    stage = process.stages()[0]["id"]
    client.post("/api/v1/teamwork/stage_plans", {"stage": str(stage), "subject": "Call them", "kind": "task"})
    beside = Site(client).get(f"/pipeline/stages/{stage}")
    assert "Call them" in " ".join(beside.texts("//section[@id='on-entry']"))
    assert beside.links()["Edit stages"].endswith(f"?pipeline={process.id}")
    closed = site.get(f"/pipeline/deals/{process.won}")
    assert not closed.all("//section[contains(@class, 'steps')]//a[@data-send]")


def test_who_reads_the_stages_in_another_language_renames_none_by_saving_them(site: Site, process: Process) -> None:
    lost = process.stages()[-1]
    process.work.records("pipeline.stage").update(id_of(lost), {"name": process.work.speaking("zh_CN").say(DIRECT.stages[-1].name)})
    assert "Lost" in site.get("/pick/pipeline/stages", {"q": "los"}).text
    assert site.get("/pick/pipeline/stages").texts("//li")[:1] == process.names()[:1], "in their order"
    form = sent(site.get(PAGE))
    assert form[f"name.{lost['id']}"] == ["Lost"], "its reader's word"
    assert post(site, form, act="save").status == 303
    assert process.names()[-1] == "输单"
