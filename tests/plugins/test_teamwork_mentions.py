"""Mentions in comments: who may see the record is told once; who may not is never told, and the comment is refused."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import Work
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, People
from plugins.teamwork.mentions import mentioned
from sdk import Draft, NotFound, where
from sdk.context import Row, id_of
from tests.plugins.process import Process

COMMENTS = "/api/v1/teamwork/comments"


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of the first representative."""
    return id_of(work.records("customers.account").create({"name": "Alder", "owner": people.rep}))


def told(work: Work, person: UUID) -> list[Row]:
    return work.records("teamwork.notification").find(where(owner=person, kind="teamwork.mention"))


@pytest.mark.feature("J2")
def test_who_is_mentioned_is_told_once_with_a_readable_text(client: Api, work: Work, people: People, account: UUID, engine: Engine) -> None:
    rep, about = client.as_user(people.rep), f"customers.account:{account}"
    body = f"@[manager0] and @[{people.reps[0][1]}]: please look, @[rep00]. Write to a@b.example."
    made = rep.post(COMMENTS, {"about": about, "body": body, "mentions": ["rep02@acme.example", str(people.manager)]})
    assert made.status_code == 201, made.text
    assert set(made.json["mentions"]) == {str(one) for one in (people.manager, *people.reps[0])}
    engine.run_until_idle()
    for person in (people.manager, people.reps[0][1], people.reps[0][2]):
        (notice,) = told(work, person)
        assert (notice["title"], notice["about"]) == ("rep00 mentioned you", ("customers.account", account))
        assert notice["body"] == "@manager0 and @rep01: please look, @rep00. Write to a@b.example."
    assert told(work, people.rep) == [], "nobody is told of mentioning himself"
    place = f"{COMMENTS}/{made.json['id']}"
    assert rep.patch(place, {"body": f"{body} @[Director]"}).json["errors"][0]["code"] == "no_such_person", "names are as they are written"
    assert rep.patch(place, {"body": f"{body} @[director]"}).status_code == 200
    engine.run_until_idle()
    assert [len(told(work, one)) for one in (people.manager, people.reps[0][1], people.director)] == [1, 1, 1]


@pytest.mark.feature("J2")
def test_a_comment_that_mentions_somebody_without_access_is_refused_and_nobody_hears_of_it(
    client: Api, work: Work, people: People, account: UUID, drain: Callable[[], int]
) -> None:
    stranger, rep = people.reps[1][0], client.as_user(people.rep)
    said = {"about": f"customers.account:{account}", "body": "The price is secret, @[rep10] and @[manager0]"}
    refused = rep.post(COMMENTS, said)
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "no_access")
    assert "rep10 can’t see this record" in refused.json["errors"][0]["message"]
    assert rep.post(COMMENTS, {**said, "body": "x", "mentions": [str(stranger)]}).status_code == 422
    made = rep.post(COMMENTS, {**said, "body": "x"}).json
    assert rep.patch(f"{COMMENTS}/{made['id']}", said).status_code in (409, 422)
    assert rep.patch(f"{COMMENTS}/{made['id']}", {"body": said["body"]}).status_code == 422
    batch = rep.post(
        f"{COMMENTS}/batch", {"items": [{"op": "create", "values": said}, {"op": "create", "values": {**said, "body": "fine"}}]}
    )
    assert [item["status"] for item in batch.json["data"]] == [422, 201]
    drain()
    assert told(work, stranger) == told(work, people.manager) == []


@pytest.mark.feature("J2")
def test_who_loses_access_to_the_record_or_to_its_comments_before_being_told_is_not_told(
    work: Work, people: People, account: UUID, drain: Callable[[], int]
) -> None:
    drain()
    author = work.as_user(people.rep)
    author.records("teamwork.comment").create({"about": f"customers.account:{account}", "body": "@[rep01] @[manager0]"})
    work.records("core.user").update(people.reps[0][1], {"team": str(people.teams[1]), "manager": None})
    drain()
    assert [len(told(work, person)) for person in (people.reps[0][1], people.manager)] == [0, 1]
    said = author.records("teamwork.comment").create({"about": f"customers.account:{account}", "body": "@[rep02] @[director]"})
    (role,) = work.records("core.role").find(where(key="sales_rep"))
    work.records("core.grant").create({"role": id_of(role), "permission": "teamwork.comment.read", "scope": "none"})
    third = work.as_user(people.reps[0][2])
    assert third.records("customers.account").get(account)["name"] == "Alder"
    with pytest.raises(NotFound):
        third.records("teamwork.comment").get(id_of(said))
    drain()
    assert [len(told(work, person)) for person in (people.reps[0][2], people.director)] == [0, 1], (
        "he sees the record, not what is said of it"
    )


@pytest.mark.feature("J2")
@pytest.mark.parametrize("entity", ["orders.quote", "leads.lead", "pipeline.deal", "catalog.product"])
def test_any_record_of_any_plugin_can_be_talked_about(
    client: Api, work: Work, people: People, process: Process, account: UUID, entity: str, drain: Callable[[], int]
) -> None:
    values: dict[str, dict[str, object]] = {
        "orders.quote": {"name": "Quote", "account": account}, "leads.lead": {"name": "Lead"}, "pipeline.deal": {"name": "Deal", "account": account},
        "catalog.product": {"name": "Pump"},
    }  # fmt: skip
    owned = {} if entity == "catalog.product" else {"owner": people.rep}
    record = id_of(work.records(entity).create({**values[entity], **owned}))
    made = client.post(COMMENTS, {"about": f"{entity}:{record}", "body": "See @[rep00]"})
    assert made.status_code == 201, made.text
    drain()
    assert [row["about"] for row in told(work, people.rep)] == [(entity, record)]


def test_a_mention_in_a_comment_of_the_system_and_one_of_somebody_who_has_left(
    work: Work, people: People, account: UUID, drain: Callable[[], int]
) -> None:
    made = work.records("teamwork.comment").create({"about": f"customers.account:{account}", "body": "@[rep00]"})
    drain()
    assert [row["title"] for row in told(work, people.rep)] == ["The system mentioned you"]
    work.records("core.user").update(people.rep, {"active": False})
    refused = work.records("teamwork.comment").write([_again(made)])[0].refusal
    assert refused is not None
    assert refused.problems[0].code == "no_such_person"


def _again(comment: Row) -> Draft:
    return Draft("create", {"about": comment["about"], "body": "@[rep00] again"})


@given(
    st.lists(
        st.text(st.characters(exclude_characters="[]\r\n", exclude_categories=["Cs"]), min_size=1, max_size=50).filter(str.strip),
        max_size=5,
    )
)
def test_what_stands_in_brackets_after_an_at_is_a_mention(words: list[str]) -> None:
    assert mentioned(" text ".join(f"@[{word}]" for word in words)) == list(dict.fromkeys(word.strip() for word in words))


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser_and_a_bare_at_is_nobody(text: str) -> None:
    assert mentioned(text.replace("[", "")) == []
    assert mentioned("\\@[rep00] @ [rep00] @[] @[ ] @[two\nlines]") == []
    assert all(word.strip() == word for word in mentioned(text))
