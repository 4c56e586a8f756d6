"""Boards: columns with counts and totals, cards, and moves that obey the same door as the API."""

from __future__ import annotations

import pytest

from core.context import Work
from core.testkit.fixtures import Api, People
from plugins.pipeline.template import apply
from sdk import Draft
from tests.console.site import Look, Site
from tests.plugins.process import Process

BOARD = "/pipeline/deals/board"


@pytest.fixture
def process(work: Work) -> Process:
    """The ready-made process."""
    return Process(work, apply(work, "direct_sales"))


def columns(page: Look) -> dict[str, list[str]]:
    """The names of the cards by the name of their column."""
    lanes = page.all("//*[@data-lane]")
    return {lane.get("data-name"): [a.text_content().strip() for a in lane.xpath(".//li[@data-card]/a[1]")] for lane in lanes}


def tops(page: Look) -> dict[str, str]:
    """What stands on top of each column, by its name."""
    return {lane.get("data-name"): " ".join(lane.xpath("string(./header)").split()) for lane in page.all("//*[@data-lane]")}


def drop(site: Site, deal: object, to: object, query: str = "?_by=stage", **typed: str) -> Look:
    """What the script of a board sends when a card is dropped."""
    headers = {"HX-Request": "true", "HX-Target": "board"}
    sent = {"_to": str(to), **typed}
    return Look(site.api.call("POST", f"/console/pipeline/deals/{deal}/move{query}", data=sent, headers=headers))


def test_a_board_has_the_stages_in_their_order_with_counts_and_totals_that_are_never_of_two_currencies(
    site: Site, work: Work, process: Process
) -> None:
    process.deal("Yuan", stage="proposal", amount={"amount": "10", "currency": "CNY"})
    process.deal("Dollar", stage="proposal", amount={"amount": "5", "currency": "USD"})
    process.deal("Bare")
    page = site.get(BOARD)
    names = {str(row["id"]): str(row["name"]) for row in work.records("pipeline.stage").find(())}
    assert page.all("//*[@data-lane]/@data-lane") == [str(id) for id in process.stages.values()]
    first, proposal = names[str(next(iter(process.stages.values())))], names[str(process.stages["proposal"])]
    assert columns(page)[first] == ["Bare"]
    assert set(columns(page)[proposal]) == {"Yuan", "Dollar"}
    assert tops(page)[proposal] == f"{proposal}2 $5.00+ 1 not converted"
    assert site.get(BOARD, {"q": "Doll"}).texts("//li[@data-card]/a[1]") == ["Dollar"]
    assert tops(site.get(BOARD, {"q": "Doll"}))[proposal].startswith(f"{proposal}1 ")
    assert columns(site.get(BOARD, {"amount[gte]": "7"}))[proposal] == ["Yuan"]
    held = site.get(BOARD, {"amount[gte]": "99"})
    assert held.texts("//p[@class='filtered']") == ["Hidden by the filters. Show all"] * 2, (
        "no column is called empty that the filters empty"
    )
    assert f"/console/pipeline/deals?stage={process.stages['proposal']}" in held.all("//p[@class='filtered']/a/@href")
    assert page.texts("//p[@class='filtered']") == []
    assert site.get(BOARD, {"_by": "name"}).status == 400
    assert site.get(BOARD, {"pipeline": "nobody's"}).status == 400


def test_a_board_and_a_calendar_open_as_the_list_does_and_what_is_asked_for_stays_on_the_way_between_them(
    site: Site, process: Process
) -> None:
    for name, more in (("Open", {}), ("Won", {"stage": "won"})):
        process.deal(name, close_date="2026-03-10", amount={"amount": "1", "currency": "USD"}, **more)
    deals, calendar, card = "/pipeline/deals", "/pipeline/deals/calendar", "//li[@data-card]/a[1]"

    def both(path: str, **query: str) -> tuple[list[str], list[str]]:
        page = site.get(path, query or None)
        return page.texts(card), page.texts("//span[contains(@class, 'filter')]")

    march = {"_day": "2026-03-01", "_on": "close_date"}
    for found in (both(BOARD), both(BOARD, _by="status"), both(calendar, **march), both(BOARD, _view="open")):
        assert found == (["Open"], ["Status is Open"])
    for found in (both(BOARD, _view="all"), both(calendar, **march, _view="all")):
        assert (sorted(found[0]), found[1]) == (["Open", "Won"], [])
    assert both(BOARD, _view="nobody's")[0] == [] and site.get(BOARD, {"_view": "nobody's"}).status == 404
    off = site.get(calendar, march).all("//a[@class='off']/@href")[0]
    assert sorted(both(off.removeprefix("/console"))[0]) == ["Open", "Won"], "without its filter it is the same page of the calendar"
    assert "_by=status" in site.get(BOARD, {"_by": "status"}).all("//a[@class='off']/@href")[0]
    assert site.get(BOARD).links()["List"] == f"/console{deals}?_view=open"
    won = site.get(deals, {"status": "won"}).links()
    for layout in ("Board", "Calendar"):
        page = site.get(won[layout].removeprefix("/console") + ("&_day=2026-03-01" if layout == "Calendar" else ""))
        assert (page.texts(card), page.links()["List"]) == (["Won"], f"/console{deals}?status=won")
    kept = site.post(f"{deals}/views", {"act": "new", "state": "status=won&_columns=name,stage", "name": "Mine"}).answer.headers["Location"]
    assert site.get(site.get(kept.removeprefix("/console")).links()["Board"].removeprefix("/console")).links()["List"] == kept
    site.post(f"{deals}/views", {"act": "start", "state": kept.partition("?")[2]})
    assert both(BOARD)[0] == ["Won"], "who has chosen another begins with that"


def test_any_choice_makes_a_board_and_any_list_leads_to_its_views(site: Site, work: Work) -> None:
    work.records("customers.account").create({"name": "Huawei", "tier": "key"})
    links = site.get("/customers/accounts").links()
    assert links["Board"] == "/console/customers/accounts/board"
    page = site.get("/customers/accounts/board", {"_by": "tier"})
    assert columns(page)["Key account"] == ["Huawei"]
    assert len({*page.all("//@id")}) == len(page.all("//@id"))
    for one in site.api.get("/api/v1/meta").json["entities"]:
        path = one["path"].removeprefix("/api/v1")
        views = site.get(path).links()
        for view in ("Board", "Calendar"):
            if view in views:
                assert site.get(views[view].removeprefix("/console")).status == 200, (path, view)


def test_a_column_is_shown_part_by_part_and_each_card_once(site: Site, work: Work) -> None:
    work.records("customers.account").write_all([Draft("create", {"name": f"A{number:02}", "tier": "key"}) for number in range(30)])
    page = site.get("/customers/accounts/board", {"_by": "tier", "sort": "name"})
    more = page.all("//*[@hx-get and contains(@id, 'more')]/@hx-get | //li[@class='more']//@hx-get")
    rest = site.get(more[0].removeprefix("/console"), part="more-key")
    seen = columns(page)["Key account"] + rest.texts("//li[@data-card]/a[1]")
    assert seen == [f"A{number:02}" for number in range(30)]
    assert not rest.all("//main")


@pytest.mark.feature("D17")
def test_a_drag_obeys_the_rules_of_the_process_as_the_api_does(site: Site, process: Process) -> None:
    deal, twin = process.deal("Big"), process.deal("Twin")
    stages = process.stages
    refused = drop(site, deal, stages["proposal"])
    api = site.api.post(f"/api/v1/pipeline/deals/{twin}/moves", {"stage": str(stages["proposal"])})
    assert refused.status == api.status_code == 422
    assert not refused.texts("//*[@class='problem']"), "what is asked for the first time is nobody's mistake"
    form = refused.form()
    unheeded = drop(site, deal, form["_to"], **{**form, "amount__amount": ""})
    assert [one["message"] for one in api.json["errors"]] == unheeded.texts("//*[@class='problem']")
    assert process.key_of(deal) != "proposal"
    assert {"amount__amount", "_to", "version"} <= {*form}
    assert "close_date" not in form
    taken = drop(site, deal, form["_to"], **{**form, "amount__amount": "100"})
    assert taken.status == 200, taken.text
    assert process.key_of(deal) == "proposal"
    assert taken.texts("//li[@data-card]/a[1]") == ["Big"]
    assert "$100.00" in " ".join(taken.texts(f"//*[@id='head-{stages['proposal']}']"))
    lost = drop(site, deal, stages["lost"])
    assert lost.status == 422
    assert "lost_reason" in lost.form()
    assert drop(site, deal, stages["won"], "?_by=stage&status=open", close_date="2026-03-01").texts("//li[@data-card]") == []
    assert process.key_of(deal) == "won"
    back = drop(site, deal, stages["proposal"])
    again = site.api.post(f"/api/v1/pipeline/deals/{deal}/moves", {"stage": str(stages["proposal"])})
    assert back.status == again.status_code == 409
    assert again.json["detail"] in back.text
    assert not back.all("//form[@data-asks]")
    assert process.key_of(deal) == "won"


def test_a_card_that_is_taken_up_learns_which_columns_would_refuse_it_and_why_and_nothing_is_written(
    client: Api, people: People, process: Process, work: Work
) -> None:
    site, deal = Site(client), process.deal("Big")
    stages, before = process.stages, process.read(deal)

    def landing(id: object, of: Site = site) -> dict[str, dict[str, object]]:
        answer = of.api.call("POST", f"/console/pipeline/deals/{id}/landing?_by=stage")
        assert answer.status_code == 200, answer.text
        return answer.json["lanes"]

    told = landing(deal)
    assert str(process.stages["won"]) not in told
    assert told[str(stages["proposal"])] == {"needs": True, "text": "Needs: Amount"}
    assert told[str(stages["lost"])] == {"needs": True, "text": "Needs: Lost reason"}
    assert process.read(deal) == before
    assert site.api.get(f"/api/v1/pipeline/deals/{deal}/history").json["data"][0]["action"] == "create"
    assert drop(site, deal, stages["won"]).status == 200
    closed = landing(deal)
    assert {one["needs"] for one in closed.values()} == {False}
    assert "reopen" in str(closed[str(stages["proposal"])]["text"])
    rep = Site(client.as_user(people.rep))
    work.records("core.user").update(people.rep, {"roles": ["read_only"]})
    assert landing(process.deal("Other"), rep) == {}, "who moves nothing need not be told"


def test_amounts_of_very_many_records_follow_when_the_columns_are_shown(
    site: Site, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        process.deal(f"D{number}", stage="proposal", amount={"amount": "10", "currency": "USD"})
    whole = tops(site.get(BOARD))
    monkeypatch.setattr("plugins.console.board.AT_ONCE", 2)
    page = site.get(BOARD)
    assert "$" not in " ".join(tops(page).values())
    (later,) = page.all("//*[@id='board-sums']/@hx-get")
    part = site.get(later.removeprefix("/console"), part="board-sums")
    assert {f"sum-{process.stages['proposal']}": "$30.00"}.items() <= {
        one.get("id"): " ".join(one.text_content().split()) for one in part.all("//p[@hx-swap-oob]")
    }.items()
    assert "$30.00" in " ".join(whole.values())


def test_a_day_that_has_passed_is_marked_on_a_card_as_long_as_the_record_is_not_at_its_end(site: Site, process: Process) -> None:
    for name, day in (("Late", "2020-01-01"), ("Soon", "2099-01-01"), ("Over", "2020-01-01")):
        process.deal(name, close_date=day, amount={"amount": "1", "currency": "USD"}, **({"stage": "won"} if name == "Over" else {}))
    for query in ({"_view": "all"}, {"_view": "all", "_by": "status"}):
        assert site.get(BOARD, query).texts("//li[@data-card][.//*[@class='overdue']]/a[1]") == ["Late"]


def test_a_move_is_refused_who_may_not_make_it_and_who_comes_too_late(client: Api, people: People, process: Process) -> None:
    theirs, mine = process.deal("Theirs"), process.deal("Mine", owner=people.rep)
    rep = Site(client.as_user(people.rep))
    second = list(process.stages.values())[1]
    assert drop(rep, theirs, second).status in (403, 404)
    assert drop(rep, mine, second, version="1").status == 200
    stale = drop(rep, mine, next(iter(process.stages.values())), version="1")
    assert stale.status == 412
    assert stale.texts("//*[@role='alert']")
    assert process.read(mine)["stage"] == second


def test_without_a_script_a_card_is_moved_by_a_form(site: Site, process: Process) -> None:
    deal = process.deal("Big")
    second = str(list(process.stages.values())[1])
    page = site.get(f"/pipeline/deals/{deal}/move?_by=stage")
    assert "Move Big" in page.heading
    assert page.form()["_to"] == str(process.read(deal)["stage"]), "it begins where the deal is"
    assert "It is in “Prospect” now" in page.text
    assert page.links()["Open"] == f"/console/pipeline/deals/{deal}"
    answer = site.post(f"/pipeline/deals/{deal}/move?_by=stage", {**page.form(), "_to": second})
    assert (answer.status, answer.answer.headers["Location"]) == (303, "/console/pipeline/deals/board?_by=stage")
    assert str(process.read(deal)["stage"]) == second


def test_the_page_of_a_deal_has_the_steps_of_its_process_and_a_closed_one_is_reopened_there(site: Site, process: Process) -> None:
    deal = process.deal("Big")
    page = site.get(f"/pipeline/deals/{deal}")
    assert "<" not in page.texts("//title")[0]
    (bar,) = page.all("//section[contains(@class, 'steps')]")
    links = {" ".join(one.text_content().split()): one for one in bar.xpath(".//a[@data-send]")}
    assert len(bar.xpath(".//li[@aria-current='step']")) == 1
    assert links["Proposal* requires Amount"].get("title") == "Move to Proposal: requires Amount"
    assert {"Won", "Lost"} <= {*links}
    step = links["Won"].get("href").removeprefix("/console")
    form = site.get(step).form()
    assert form["_to"] == str(process.stages["won"])
    answer = site.post(step, {**form})
    assert (answer.status, answer.answer.headers["Location"]) == (303, f"/console/pipeline/deals/{deal}")
    page = site.get(f"/pipeline/deals/{deal}")
    assert not page.all("//section[contains(@class, 'steps')]//a[@data-send]")
    reopen = page.links()["Reopen"].removeprefix("/console")
    first = next(iter(process.stages))
    assert site.get(reopen).form()["stage"] == str(process.stages[first])  # whence it was closed
    refused = site.sent(reopen, stage=str(process.stages["proposal"]))
    assert refused.status == 422
    assert refused.texts("//*[@role='alert']")
    assert site.sent(reopen).status == 303
    assert process.key_of(deal) == first


def test_who_may_not_change_deals_sees_the_steps_and_cannot_take_them(client: Api, people: People, process: Process, work: Work) -> None:
    mine, deal = process.deal("Small", owner=people.rep), process.deal("Big", owner=people.all_reps[-1])
    site = Site(client.as_user(people.rep))
    (role,) = client.get("/api/v1/core/roles", {"key": "sales_rep"}).json["data"]
    given = {"role": role["id"], "permission": "pipeline.deal.read", "scope": "all"}
    assert client.post("/api/v1/core/grants", given).status_code == 201
    board = site.get(BOARD)
    assert (len(board.all("//li[@data-card]")), board.all("//li[@tabindex=0]/@id")) == (2, [f"card-{mine}"])
    work.records("core.user").update(people.rep, {"roles": ["read_only"]})
    page = site.get(f"/pipeline/deals/{deal}")
    assert page.all("//section[contains(@class, 'steps')]//li[@aria-current='step']")
    assert not page.all("//*[@data-send]")
    board = site.get(BOARD)
    assert board.all("//li[@data-card]")
    assert not board.all("//li[@data-moves] | //*[@data-send]")
    assert drop(site, deal, process.stages["won"]).status == 403
    assert site.get(f"/pipeline/deals/{deal}/reopen").status == 403
