"""Filters over links: a list holds what a report counts for the same words, as far as its reader sees the records beyond."""

from __future__ import annotations

import pytest

from core.context import Work
from core.tenancy.setup import set_up
from core.testkit.fixtures import Api, People
from sdk import Draft
from sdk.context import id_of

DEALS = "/api/v1/pipeline/deals"
WORDS = (
    "account.name=Huawei", "account.name[ne]=Huawei", "account.city[empty]=true", "account.city[empty]=false", "account.name[contains]=a",
    "account.employees[gte]=10", "account.owner.email[contains]=@", "owner.team[empty]=false", "account.parent.name=Group",
    "account.orders.standing[empty]=true", "account.forecast[ne]=1", "stage.key[in]=new,qualified",
)  # fmt: skip


@pytest.fixture
def deals(work: Work, people: People) -> Work:
    """Deals of the representative, of accounts that he sees and of one that he does not."""
    set_up(work)
    accounts = work.records("customers.account")
    group = id_of(accounts.create({"name": "Group", "owner": people.rep}))
    made = [
        id_of(accounts.create(values))
        for values in (
            {"name": "Huawei", "city": "Shenzhen", "employees": 20, "owner": people.rep, "parent": group},
            {"name": "Haier", "owner": people.rep},
            {"name": "Hidden", "city": "Nowhere", "employees": 50},
        )
    ]
    drafts = [{"name": f"D{number}", "account": made[number % 3], "owner": people.rep} for number in range(7)]
    work.records("pipeline.deal").write_all([Draft("create", values) for values in drafts])
    return work


def test_a_list_holds_what_a_report_counts_for_the_same_words_for_everybody(client: Api, people: People, deals: Work) -> None:
    seen = set()
    for asking in (client, client.as_user(people.rep)):
        for word in WORDS:
            name, _equals, value = word.partition("=")
            listed = asking.get(DEALS, [(name, value), ("count", "true")])
            counted = asking.get("/api/v1/reports/query", [("entity", "pipeline.deal"), ("where", word)])
            assert listed.status_code == counted.status_code, (word, listed.text, counted.text)
            if listed.status_code == 200:
                total = counted.json["data"][0]["count"]
                assert listed.json["page"]["total"] == len(listed.json["data"]) == total, word
                seen.add((asking is client, word, total))
    assert (True, "account.city[empty]=false", 5) in seen
    assert (False, "account.city[empty]=false", 3) in seen, "what is unseen is as if it were not there"
    assert (False, "account.city[empty]=true", 4) in seen
    assert (True, "account.parent.name=Group", 3) in seen
    assert not [word for _everything, word, _total in seen if word.startswith("account.forecast")]


def test_a_path_that_leads_nowhere_is_refused_and_says_why(client: Api, deals: Work) -> None:
    for word, said in (
        ("name.length", "not a link"), ("account.nothing", "no field"), ("account.parent.parent.parent.name", "more than 3 links"), ("nothing.name", "no field"),
    ):  # fmt: skip
        answer = client.get(DEALS, {word: "1"})
        assert answer.status_code == 400
        assert said in answer.text, answer.text
