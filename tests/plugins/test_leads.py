"""Leads: once converted, whoever asks how often; what came of a campaign."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.leads.conversion import Wish, convert, undo
from plugins.leads.tables import Lead
from sdk import Alike, Invalid, Tenant
from sdk.context import id_of
from sdk.fields import Money
from tests.plugins.exported import exported
from tests.plugins.imports import Done
from tests.plugins.process import Process

LEADS = "/api/v1/leads/leads"
MADE = ("customers.account", "customers.contact", "pipeline.deal")


def counts(work: Work) -> list[int]:
    return [work.records(entity).aggregate(["count"])[0]["count"] for entity in MADE]  # type: ignore[misc]


@pytest.fixture
def lead(work: Work, process: Process, people: People) -> UUID:
    """A representative's lead with a company and a value."""
    campaign = work.records("leads.campaign").create({"name": "Fair", "channel": "fair", "cost": {"amount": "500"}})
    values = {"name": "Ann Archer", "company": "Alder Foods", "email": "ann@alder.example", "value": {"amount": "1200"},
              "campaign": campaign["id"], "owner": people.rep, "source": "fair"}  # fmt: skip
    return id_of(work.records("leads.lead").create(values))


@pytest.mark.feature("D11")
def test_a_lead_becomes_account_contact_and_deal_and_says_which(client: Api, work: Work, lead: UUID, people: People) -> None:
    rep = client.as_user(people.rep)
    made = rep.post(f"{LEADS}/{lead}/conversions", {"deal": {"close_date": "2026-03-31"}})
    assert made.status_code == 201, made.text
    shown = rep.get(f"{LEADS}/{lead}").json
    assert (shown["state"], shown["account"], shown["contact"], shown["deal"]) == (
        "converted", made.json["account"], made.json["contact"], made.json["deal"],
    )  # fmt: skip
    deal = rep.get(f"/api/v1/pipeline/deals/{made.json['deal']}", {"include": "account,contact"}).json
    assert (deal["account"]["name"], deal["contact"]["name"], deal["contact"]["email"]) == (
        "Alder Foods",
        "Ann Archer",
        "ann@alder.example",
    )
    assert (deal["amount"], deal["close_date"], deal["owner"]) == ({"amount": "1200.00", "currency": "USD"}, "2026-03-31", str(people.rep))
    assert (deal["leads.lead"], deal["source"]) == (str(lead), "fair")


@pytest.mark.feature("D11")
def test_a_conversion_is_undone_and_what_others_came_to_stays(client: Api, work: Work, lead: UUID, people: People) -> None:
    rep = client.as_user(people.rep)
    assert rep.post(f"{LEADS}/{lead}/conversions/undo", {}).json["code"] == "lead_not_converted"
    made = rep.post(f"{LEADS}/{lead}/conversions", {}).json
    undone = rep.post(f"{LEADS}/{lead}/conversions/undo", {})
    assert (undone.status_code, undone.json["removed"]) == (200, ["deal", "contact", "account"]), undone.text
    assert counts(work) == [0, 0, 0]
    shown = rep.get(f"{LEADS}/{lead}").json
    assert [shown[name] for name in ("state", "account", "contact", "deal", "converted_at")] == ["qualified", None, None, None, None]
    again = rep.post(f"{LEADS}/{lead}/conversions", {}).json
    assert made.keys() == again.keys() and not {*made.values()} & {*again.values()} - {str(lead)}
    work.records("customers.contact").create({"name": "Bea", "account": again["account"]})
    assert rep.post(f"{LEADS}/{lead}/conversions/undo", {}).json["removed"] == ["deal", "contact"], "Bea is at the account"
    third = rep.post(f"{LEADS}/{lead}/conversions", {}).json
    assert third["account"] == again["account"]
    assert rep.post(f"{LEADS}/{lead}/conversions/undo", {}).json["removed"] == ["deal", "contact"], "the account was there before"


@pytest.mark.feature("D11")
def test_to_undo_a_conversion_takes_no_account_or_contact_that_anybody_has_put_something_on(work: Work, people: People) -> None:
    survey = id_of(work.records("customers.survey").create({"name": "S", "question": "Q?"}))
    about = {
        "teamwork.activity": {"subject": "Call", "starts_at": "2026-02-01T10:00:00Z"},
        "teamwork.comment": {"body": "hello"},
        "teamwork.task": {"subject": "t"},
    }
    noted: list[tuple[str, str, dict[str, object]]] = [
        ("account", "customers.address", {"address": "1 Road"}),
        ("account", "customers.invitation", {"survey": survey}),
        ("contact", "leads.touch", {"source": "fair"}),
        *(("account", name, values) for name, values in about.items()),
        ("contact", "teamwork.comment", {"body": "hello"}),
    ]  # fmt: skip
    for number, (link, entity, values) in enumerate(noted):
        lead = id_of(work.records("leads.lead").create({"name": f"Zed {number}", "company": f"Company {number}", "owner": people.rep}))
        made = convert(work, lead, Wish())
        named = {link: made[link]} if entity.partition(".")[0] != "teamwork" else {"about": f"customers.{link}:{made[link]}"}
        work.records(entity).create({**values, **named}, act="test")
        assert undo(work, lead) == (["contact"] if link == "account" else []), entity
        assert made[link] in work.records(f"customers.{link}").values([made[link]])


@pytest.mark.feature("D11")
def test_to_undo_a_conversion_takes_nothing_that_was_merged_changed_or_shared_since(
    client: Api, work: Work, lead: UUID, people: People
) -> None:
    accounts, contacts = work.records("customers.account"), work.records("customers.contact")
    old = id_of(accounts.create({"name": "An old customer"}))
    made = client.post(f"{LEADS}/{lead}/conversions", {}).json
    merged = client.post(f"/api/v1/customers/accounts/{old}/merges", {"losers": [made["account"]]})
    assert merged.status_code < 300, merged.text
    contacts.update(UUID(made["contact"]), {"title": "Buyer"})
    colleague = client.as_user(people.rep)
    assert client.post(f"{LEADS}/{lead}/conversions/undo", {}).json["removed"] == ["deal"], "both are somebody's by now"
    assert {*accounts.values([old])} == {old} and {*contacts.values([UUID(made["contact"])])}
    twin = id_of(
        work.records("leads.lead").create({"name": "Ann Archer", "company": "Beech", "email": "ann@beech.example", "owner": people.rep})
    )
    second = id_of(
        work.records("leads.lead").create(
            {"name": "Ann A.", "company": "Beech", "email": "ann@beech.example", "owner": people.rep}, alike=Alike.FORCE
        )
    )
    first = colleague.post(f"{LEADS}/{twin}/conversions", {"deal": None}).json
    assert colleague.post(f"{LEADS}/{second}/conversions", {"deal": None}).json["contact"] == first["contact"]
    assert colleague.post(f"{LEADS}/{twin}/conversions/undo", {}).json["removed"] == [], "the other lead became them, too"


@pytest.mark.feature("D11")
def test_what_an_earlier_version_made_is_left_alone(client: Api, work: Work, lead: UUID) -> None:
    made = client.post(f"{LEADS}/{lead}/conversions", {}).json
    leads = Lead.table()
    with work.platform.database.begin(write=True, tenant=work.tenant.id) as connection:
        connection.execute(leads.update().where(leads.c.id == lead).values(made=None))
    refused = client.post(f"{LEADS}/{lead}/conversions/undo", {})
    assert (refused.status_code, refused.json["code"]) == (409, "not_noted")
    work.records("pipeline.deal").delete(UUID(made["deal"]))
    assert client.post(f"{LEADS}/{lead}/conversions/undo", {}).json["removed"] == []
    shown = client.get(f"{LEADS}/{lead}").json
    assert (shown["state"], shown["account"], shown["deal"]) == ("qualified", made["account"], None)
    assert counts(work) == [1, 1, 0]


@pytest.mark.feature("D11")
def test_a_lead_whose_deal_is_closed_stays_converted(client: Api, work: Work, lead: UUID, process: Process) -> None:
    made = client.post(f"{LEADS}/{lead}/conversions", {}).json
    work.records("pipeline.deal").update(UUID(made["deal"]), {"stage": process.stages["won"]})
    refused = client.post(f"{LEADS}/{lead}/conversions/undo", {})
    assert (refused.status_code, refused.json["code"]) == (409, "deal_closed")
    assert counts(work) == [1, 1, 1]


@pytest.mark.feature("D11")
def test_converting_again_answers_the_same_and_makes_nothing(client: Api, work: Work, lead: UUID) -> None:
    first, second = (client.post(f"{LEADS}/{lead}/conversions", {}).json for _time in range(2))
    assert first == second
    assert counts(work) == [1, 1, 1]


@pytest.mark.feature("D11")
def test_two_who_convert_at_the_same_time_get_one_account_one_contact_and_one_deal(
    platform: Platform, tenant: Tenant, work: Work, lead: UUID
) -> None:
    together, answers = threading.Barrier(4), list[Any]()

    def ask() -> None:
        mine = platform.system(tenant.id)
        together.wait()
        try:
            answers.append(convert(mine, lead, Wish(deal={}))["deal"])
        except Exception as failure:
            answers.append(failure)

    threads = [threading.Thread(target=ask) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1, answers
    assert isinstance(answers[0], UUID)
    assert counts(work) == [1, 1, 1]


@pytest.mark.feature("D11")
def test_what_stands_in_the_way_of_the_deal_leaves_the_lead_as_it_was(client: Api, work: Work, lead: UUID) -> None:
    refused = client.post(f"{LEADS}/{lead}/conversions", {"deal": {"stage": "contract-signing"}})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["close_date"]
    assert counts(work) == [0, 0, 0]
    assert client.get(f"{LEADS}/{lead}").json["state"] == "new"


def test_the_account_of_the_same_name_is_used_and_another_one_on_demand(client: Api, work: Work, lead: UUID) -> None:
    there = work.records("customers.account").create({"name": "Alder Foods"})
    assert client.post(f"{LEADS}/{lead}/conversions", {"deal": None}).json["account"] == str(there["id"])
    assert counts(work) == [1, 1, 0]
    other = work.records("customers.account").create({"name": "Birchwood"})
    second = id_of(work.records("leads.lead").create({"name": "Ben", "company": "Alder Foods"}))
    assert client.post(f"{LEADS}/{second}/conversions", {"account": "Birchwood", "deal": None}).json["account"] == str(other["id"])
    third = id_of(work.records("leads.lead").create({"name": "Cora"}))
    assert client.post(f"{LEADS}/{third}/conversions", {"account": "Nobody"}).status_code == 404
    person = client.post(f"{LEADS}/{third}/conversions", {"deal": None}).json
    assert (person["account"], person["deal"]) == (None, None)


def test_a_converted_lead_stays_as_it_was_and_none_is_converted_by_hand(
    client: Api, work: Work, lead: UUID, taken: Callable[..., Done]
) -> None:
    assert client.patch(f"{LEADS}/{lead}", {"state": "converted"}).json["errors"][0]["code"] == "not_converted"
    assert client.patch(f"{LEADS}/{lead}", {"deal": str(lead)}).json["errors"][0]["code"] == "read_only"
    done = taken("leads.lead", "name,state\nDora,converted\n")
    assert [row["code"] for row in done.rows] == ["not_converted"]
    late = taken("leads.lead", "name,state\nDora,converted\n", history=True)
    assert late.reasons == [(1, "converted_at", "required")]
    client.post(f"{LEADS}/{lead}/conversions", {})
    assert client.patch(f"{LEADS}/{lead}", {"state": "new"}).json["code"] == "lead_converted"
    assert client.patch(f"{LEADS}/{lead}", {"notes": "met at the fair"}).status_code == 200
    leads, file = (
        work.records("leads.lead"),
        exported(work, "leads.lead", fields=("state", "name", "email", "account", "contact", "deal", "converted_at")),
    )
    leads.delete(lead)
    back = taken("leads.lead", file, history=True)
    assert (back.counts, back.reasons, back.ignored) == ({"created": 1}, [], None), "it comes back as history"
    assert exported(work, "leads.lead", fields=("state", "name", "email", "account", "contact", "deal", "converted_at")) == file
    (again,), (deal,) = leads.find(()), work.records("pipeline.deal").find(())
    assert again["deal"] == deal["id"]
    assert client.patch(f"{LEADS}/{again['id']}", {"state": "new"}).json["code"] == "lead_converted"


def test_a_disqualified_lead_is_not_converted(client: Api, lead: UUID) -> None:
    client.patch(f"{LEADS}/{lead}", {"state": "disqualified"})
    assert client.post(f"{LEADS}/{lead}/conversions", {}).json["code"] == "lead_disqualified"


def test_who_does_not_see_a_lead_cannot_convert_it_and_who_may_only_read_is_told_so(
    client: Api, work: Work, lead: UUID, people: People
) -> None:
    stranger, colleague = people.reps[2][0], people.reps[0][1]
    assert client.as_user(stranger).post(f"{LEADS}/{lead}/conversions", {}).status_code == 404
    assert client.as_user(colleague).post(f"{LEADS}/{lead}/conversions", {}).status_code == 403
    assert counts(work) == [0, 0, 0]


@pytest.mark.feature("H3")
def test_deals_and_their_value_are_reported_by_the_campaign_that_came_first(client: Api, work: Work, lead: UUID) -> None:
    client.post(f"{LEADS}/{lead}/conversions", {})
    work.records("pipeline.deal").create({"name": "without origin", "amount": Money(Decimal(7), "USD")})
    asked = {"entity": "pipeline.deal", "measure": "count,sum:base_amount", "by": "leads.campaign"}
    lines = client.get("/api/v1/reports/query", asked).json["data"]
    assert {line["leads.campaign"]: line["sum:base_amount"]["amount"] for line in lines} == {"Fair": "1200.00", None: "7.00"}
    (campaign,) = client.get("/api/v1/leads/campaigns").json["data"]
    assert (campaign["leads.leads"], campaign["leads.converted"], campaign["cost"]["amount"]) == (1, 1, "500.00")


def test_without_leads_a_deal_has_no_origin(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("plain", plugins=["customers", "pipeline"]).id)
    assert not [name for name in work.records("pipeline.deal").fields() if name.startswith("leads.")]


def test_a_campaign_does_not_end_before_it_starts(work: Work) -> None:
    with pytest.raises(Invalid, match="ends before it starts"):
        work.records("leads.campaign").create({"name": "x", "starts_on": "2026-02-01", "ends_on": "2026-01-01"})


# --- touches ---------------------------------------------------------------------------------------------------------


@pytest.mark.feature("H3")
def test_first_and_last_touch_split_what_was_won_differently_and_each_wholly(
    client: Api, work: Work, process: Process, drain: Callable[[], int]
) -> None:
    fair, mailing = (
        work.records("leads.campaign").create({"name": name, "channel": name, "cost": {"amount": "100"}})["id"] for name in ("fair", "mail")
    )
    accounts = [id_of(work.records("customers.account").create({"name": f"A{n}"})) for n in range(3)]

    def touch(account: UUID, at: str, campaign: object, source: str) -> None:
        made = client.post("/api/v1/leads/touches", {"account": str(account), "at": at, "campaign": str(campaign), "source": source})
        assert made.status_code == 201, made.text

    touch(accounts[0], "2025-11-01T09:00:00Z", fair, "fair")
    touch(accounts[0], "2025-12-01T09:00:00Z", mailing, "mail")
    touch(accounts[1], "2025-12-01T09:00:00Z", mailing, "mail")
    for account, amount in zip(accounts, ("100", "30", "7"), strict=True):
        process.deal(account=account, amount={"amount": amount}, stage="won")
    drain()
    touch(accounts[1], "2026-02-01T09:00:00Z", fair, "fair")  # after it was closed: nothing follows from it

    def split(report: str, by: str) -> dict[object, str]:
        return {row[by]: row["sum:base_amount"]["amount"] for row in client.get(f"/api/v1/reports/reports/leads.{report}").json["data"]}

    drain()
    both = process.work.records("pipeline.stage_change").aggregate(["count"], ["deal.leads.campaign", "deal.leads.last_campaign"])
    assert {row["deal.leads.last_campaign"] for row in both} == {"mail", None}, "two links beside a record that a link leads to"
    first, last = split("deals_by_campaign", "leads.campaign"), split("deals_by_last_campaign", "leads.last_campaign")
    assert (first, last) == ({"fair": "100.00", "mail": "30.00", None: "7.00"}, {"mail": "130.00", None: "7.00"})
    assert sum(map(Decimal, first.values())) == sum(map(Decimal, last.values())) == 137
    assert split("won_by_first_source", "leads.first_source") != split("won_by_last_source", "leads.last_source")
    assert split("won_by_channel", "leads.campaign.channel") == first
    lines = {row["name"]: row for row in client.get("/api/v1/reports/reports/leads.campaigns").json["data"]}
    assert [lines[name][word] and lines[name][word]["amount"] for name in ("fair", "mail") for word in ("sum:cost", "sum:leads.won", "sum:leads.won_last")] == [
        "100.00", "100.00", None, "100.00", "30.00", "130.00",
    ]  # fmt: skip


def test_a_leads_campaign_touches_the_customer_that_it_becomes(client: Api, lead: UUID, drain: Callable[[], int]) -> None:
    made = client.post(f"{LEADS}/{lead}/conversions", {}).json
    (touch,) = client.get("/api/v1/leads/touches").json["data"]
    assert (touch["lead"], touch["account"], touch["contact"], touch["source"]) == (str(lead), made["account"], made["contact"], "fair")
    drain()
    deal = client.get(f"/api/v1/pipeline/deals/{made['deal']}").json
    assert (deal["leads.campaign"], deal["leads.last_campaign"], deal["leads.first_source"]) == (
        touch["campaign"],
        touch["campaign"],
        "fair",
    )
    entries = client.get(f"/api/v1/customers/accounts/{made['account']}/timeline").json["data"]
    assert ("touch", "Fair", "fair") in [(one["kind"], one["title"], one["body"]) for one in entries]
    client.delete(f"/api/v1/leads/touches/{touch['id']}")
    drain()
    deal = client.get(f"/api/v1/pipeline/deals/{made['deal']}").json
    assert (deal["leads.last_campaign"], deal["leads.first_source"]) == (None, None)


def test_a_touch_says_of_whom_it_is_and_through_what_it_came(client: Api, lead: UUID) -> None:
    refused = client.post("/api/v1/leads/touches", {})
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [("account", "required"), ("campaign", "required")]


def test_a_deal_that_nobodys_touch_led_to_keeps_the_campaign_that_it_was_given(
    client: Api, work: Work, process: Process, drain: Callable[[], int]
) -> None:
    campaign = work.records("leads.campaign").create({"name": "Fair"})["id"]
    deal = process.deal(**{"leads.campaign": campaign})
    drain()
    shown = client.get(f"/api/v1/pipeline/deals/{deal}").json
    assert (shown["leads.campaign"], shown["leads.last_campaign"]) == (str(campaign), None)


def test_an_account_whose_name_is_as_long_as_an_id_is_found_by_it(client: Api) -> None:
    name = "Alder Foods International Trading AG"
    assert len(name) == 36
    there = client.post("/api/v1/customers/accounts", {"name": name}).json["id"]
    lead = client.post(LEADS, {"name": "Ann", "company": "Alder"}).json["id"]
    made = client.post(f"{LEADS}/{lead}/conversions", {"account": name, "deal": None})
    assert made.status_code == 201, made.text
    assert made.json["account"] == there
