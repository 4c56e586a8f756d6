"""The day of a team, its targets and evaluations on pages: a manager sees the own people, a representative oneself, and each number its records."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from core.context import Work
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, People
from sdk import Draft
from sdk.context import id_of
from sdk.fields import Reference
from tests.console.site import Look, Site

TEAM, PERFORMANCE = "/teamwork/team", "/teamwork/performance"


class Office:
    """A representative with three open deals, of which one has a next step, two won ones, tasks, a call, and targets."""

    def __init__(self, work: Work, people: People) -> None:
        set_up(work)
        self.work, self.people = work, people
        self.today = work.now().date()
        self.month = f"{self.today:%Y-%m}"
        money = {"amount": "100.00", "currency": work.tenant.currency}
        rep = {"owner": people.rep}
        deals = [{"name": f"D{n}", **rep} for n in range(3)] + [
            {"name": f"W{n}", "stage": "won", "amount": money, "close_date": self.today, **rep} for n in range(2)
        ]
        self.deals = self.made("pipeline.deal", deals)
        about = Reference("pipeline.deal", self.deals[0])
        self.made(
            "teamwork.task",
            [
                {"subject": "Call", "about": about, "due_on": self.today - timedelta(days=2), **rep},
                {"subject": "Write", "due_on": self.today, **rep},
            ],
        )
        self.made("teamwork.activity", [{"subject": "Visit them", "kind": "visit", "starts_at": work.now(), "state": "done", **rep}])
        first = self.today.replace(day=1)
        target = {
            "period": "month",
            "period_start": first,
            "measure": "won_amount",
            "amount": {"amount": "400.00", "currency": work.tenant.currency},
        }
        self.made("teamwork.target", [{**target, "person": people.rep}, {**target, "person": people.all_reps[-1]}, target])

    def made(self, entity: str, rows: list[dict[str, Any]]) -> list[UUID]:
        return [one.id for one in self.work.records(entity).write_all([Draft("create", row) for row in rows]) if one.id is not None]


@pytest.fixture
def office(work: Work, people: People) -> Office:
    return Office(work, people)


def counted(site: Site, look: Look, path: str) -> int:
    """How many records the list holds to which a number leads."""
    parts = urlsplit(look.all(path)[0].removeprefix("/console"))
    answer = site.api.get(f"/api/v1{parts.path}", parse_qsl(parts.query))
    assert answer.status_code == 200, answer.text
    return len(answer.json["data"])


def test_a_manager_sees_the_day_of_the_own_people_and_a_representative_oneself(client: Api, office: Office, people: People) -> None:
    mine, rep = Site(client.as_user(people.manager)), Site(client.as_user(people.rep))
    page = mine.get(TEAM)
    assert page.status == 200, page.text
    names = page.texts("//tbody/tr/td[1]")
    assert len(names) > 1
    assert len(names) < len(people.all_reps) + 1, "people of other teams are none of theirs"
    alone = rep.get(TEAM)
    (row,) = alone.rows()
    assert row[1:7] == ["2", "1", "1", "1", "3", "2"], "open, due today, overdue, done this week, open deals, without a next step"
    assert "Visit them" in row[7]
    assert counted(rep, alone, "//tbody/tr/td[4]/a/@href") == 1
    assert counted(rep, alone, "//tbody/tr/td[7]/a/@href") == 2, "each number leads to the list that it counts"
    assert {*alone.texts("//section[@id='unplanned']//li/a")} == {"D1", "D2"}
    assert "Call" in " ".join(alone.texts("//section[@id='due']//li/a"))
    assert mine.get(TEAM, {"person": str(people.rep)}).texts("//section[@id='unplanned']//li/a") != []
    stranger = next(id for id in people.all_reps if str(id) not in "".join(page.all("//tbody/tr/td[1]/a/@href")))
    assert (mine.get(TEAM, {"person": str(stranger)}).status, rep.get(TEAM, {"person": "x"}).status) == (404, 404)


def test_targets_stand_against_what_is_reached_and_each_figure_leads_to_its_records(client: Api, office: Office, people: People) -> None:
    office_wide, rep = Site(client), Site(client.as_user(people.rep))
    page = office_wide.get(PERFORMANCE)
    assert page.status == 200, page.text
    assert page.texts("//section[.//table[contains(@class, 'reach')]]//h2") == ["Company", "People"]
    assert page.texts("//table[contains(@class, 'reach')]//th[1]") == ["Company", "Person"]
    mine = rep.get(PERFORMANCE, {"period": office.month})
    (row,) = mine.all("//table[contains(@class, 'reach')]/tbody/tr")
    assert row.xpath("string(td[5]//b)") == "50%"
    assert counted(rep, mine, "//table[contains(@class, 'reach')]//td[3]/a/@href") == 2
    assert "1" in mine.texts("//section[@aria-labelledby='h-doings']//tbody/tr/td")
    quarter = rep.get(PERFORMANCE, {"period": f"{office.today.year}-Q{(office.today.month + 2) // 3}"})
    assert "50%" in quarter.texts("//section[@aria-labelledby='h-months']//tbody/tr/td")
    empty = rep.get(PERFORMANCE, {"period": "2031-Q1"})
    assert "No targets for this period" in empty.text
    assert rep.get(PERFORMANCE, {"period": "soon"}).status == 422


@pytest.mark.feature("J6")
def test_a_round_is_ranked_closed_and_opened_again_for_a_reason_and_says_how_each_score_comes_about(
    client: Api, office: Office, people: People
) -> None:
    work, site, rep = office.work, Site(client), Site(client.as_user(people.rep))
    scheme = id_of(work.records("teamwork.scheme").create({"name": "Sales"}))
    kpis = [("won_amount", 60, None), ("won_count", 20, "4"), ("on_time_tasks", 20, "80")]
    work.records("teamwork.kpi").write_all([Draft("create", {"scheme": scheme, "measure": m, "weight": w, "goal": g}) for m, w, g in kpis])
    first = office.today.replace(day=1)
    id = id_of(work.records("teamwork.evaluation").create({"name": "Month", "scheme": scheme, "period": "month", "period_start": first}))
    at = f"/teamwork/evaluations/{id}"
    assert site.post(f"{at}/ranking", {"act": "compute"}).status == 303
    page = site.get(at, {"tab": "teamwork.ranking"})
    scored = next(one for one in page.all("//ol[contains(@class, 'ranks')]/li") if "200" in one.xpath("string(.//td[2])"))
    points = [Decimal(one.xpath("string(td[6])")) for one in scored.xpath(".//tbody/tr")]
    by_hand = Decimal(60) * 50 / 100 + Decimal(20) * 50 / 100  # 200 of 400 won, 2 of 4 deals; the one task that was due is not done
    assert points == [30, 10, 0]
    assert Decimal(scored.xpath("string(.//*[@class='total'])")) == by_hand
    note = {"act": "note", "score": scored.xpath(".//input[@name='score']/@value")[0], "note": "Well begun"}
    assert rep.post(f"{at}/ranking", note).status in (403, 404)
    assert site.post(f"{at}/ranking", note).status == 303
    assert site.post(f"{at}/ranking", {"act": "close"}).status == 303
    own = rep.get(at, {"tab": "teamwork.ranking"})
    assert (len(own.all("//ol[contains(@class, 'ranks')]/li")), "Well begun" in own.text) == (1, True)
    assert not own.all("//button[@value='reopen']")
    assert rep.post(f"{at}/ranking", {"act": "reopen", "reason": "I want more"}).status == 403
    assert site.post(f"{at}/ranking", {"act": "reopen", "reason": " "}).status == 422
    assert site.post(f"{at}/ranking", {"act": "reopen", "reason": "A deal was late"}).status == 303
    assert "A deal was late" in site.get(at, {"tab": "teamwork.ranking"}).text
    assert site.get(f"{at}/ranking", {"round": "1"}).status == 200
    assert site.get(f"{at}/ranking", {"round": "9" * 5000}).status == 400
    assert (site.get(f"{at}/ranking", {"round": "x"}).status, site.post(f"{at}/ranking", {"act": "dance"}).status) == (400, 400)


def test_the_first_page_has_what_is_due_what_is_silent_and_how_far_ones_targets_are(
    client: Api, office: Office, people: People, clock: Any
) -> None:
    work, rep = office.work, Site(client.as_user(people.rep))
    work.records("pipeline.deal").update(office.deals[1], {"close_date": office.today + timedelta(days=3)})
    account = id_of(work.records("customers.account").create({"name": "Alder", "owner": people.rep}))
    ends = office.today + timedelta(days=30)
    contract = {"name": "Service", "account": account, "owner": people.rep, "state": "active", "starts_on": office.today, "ends_on": ends}
    work.records("orders.contract").create(contract)
    order = id_of(work.records("orders.order").create({"name": "Gateways", "account": account, "owner": people.rep}))
    work.records("orders.order_line").create({"order": order, "description": "Gateway", "quantity": 1, "unit_price": {"amount": "10.00"}})
    work.records("orders.order").update(order, {"state": "confirmed"})
    work.records("orders.instalment").create({"order": order, "due_on": office.today, "share": 100})
    page = rep.get("/")
    parts = {one.get("aria-labelledby"): " ".join(one.text_content().split()) for one in page.all("//main//section")}
    assert "50%" in parts["h-my-targets"]
    assert "D1" in parts["h-closing"]
    assert "Gateways" in parts["h-payments-due"]
    assert "Service" in parts["h-contracts-ending"]
    assert "h-silent-deals" not in parts, "what has just been made is not silent"
    clock.move(days=20)
    later = rep.get("/")
    silent = [one for one in later.all("//section") if one.get("aria-labelledby") == "h-silent-deals"]
    assert "D2" in silent[0].text_content()
    assert "D0" in silent[0].text_content()
    other = {one.get("aria-labelledby") for one in Site(client.as_user(people.all_reps[-1])).get("/").all("//main//section")}
    assert not other & {"h-closing", "h-payments-due", "h-contracts-ending"}
