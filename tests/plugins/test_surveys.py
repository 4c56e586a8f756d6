"""Satisfaction: a won deal asks, the link works once, the score is with the customer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from core.worker.drain import Drain
from sdk import Draft, Query, links, where
from sdk.changes import HISTORY
from sdk.context import id_of
from sdk.fields import Reference
from tests.console.site import Site
from tests.plugins.process import Process

SURVEYS, INVITATIONS, ACCOUNTS = "/api/v1/customers/surveys", "/api/v1/customers/invitations", "/api/v1/customers/accounts"


@pytest.fixture
def survey(client: Api) -> str:
    """A question after each won deal; its id."""
    values = {"name": "After the sale", "question": "Would you recommend us?", "question_zh": "您会推荐我们吗？", "after_won": True}
    return str(client.post(SURVEYS, values).json["id"])


@pytest.fixture
def account(work: Work, people: People) -> UUID:
    """An account of a representative."""
    return id_of(work.records("customers.account").create({"name": "Alder Foods", "tier": "key", "owner": people.rep}))


@pytest.fixture
def contact(work: Work, account: UUID) -> UUID:
    """Somebody there with an address."""
    return id_of(work.records("customers.contact").create({"name": "Ann", "account": account, "email": "ann@alder.example"}))


def letters(platform: Platform, work: Work) -> list[dict[str, object]]:
    """The mails that wait to be sent."""
    with platform.database.begin(write=False, tenant=work.tenant.id) as connection:
        query = sa.select(outbox.c.payload).where(
            outbox.c.tenant_id == work.tenant.id, outbox.c.kind == "job", outbox.c.name.like("core.%mail%")
        )
        return [dict(row.payload) for row in connection.execute(query)]


def path_of(link: str) -> str:
    return link.partition("://")[2].partition("/")[2].join(("/", ""))


def answered(client: Api, path: str, score: object, comment: str = "") -> int:
    return client.anonymous().call("POST", path, data={"score": score, "comment": comment}).status_code


@pytest.mark.feature("E15")
def test_a_won_deal_sends_a_link_that_takes_one_answer_and_shows_it_with_the_customer(
    client: Api, process: Process, survey: str, account: UUID, contact: UUID, work: Work, platform: Platform, people: People
) -> None:

    deal = process.deal(account=account, contact=contact, owner=people.rep, stage="won")
    waiting = Drain(platform)
    while not (sent := letters(platform, work)):
        assert waiting.run_once(), "nothing was sent"
    (link,) = re.findall(r"http://127\.0\.0\.1:8000(/api/v1/customers/answers/\S+)", str(sent[0]))
    link = link.split("\\n")[0]
    page = client.anonymous().get(link)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "Would you recommend us?" in page.text
    assert answered(client, link, 9, "quick and <b>kind</b>") == 201
    assert [answered(client, link, 3), client.anonymous().get(link).status_code] == [404, 404]
    shown = client.as_user(people.rep).get(f"{ACCOUNTS}/{account}").json
    assert (shown["customers.last_score"], shown["customers.nps"], shown["customers.answers"]) == (9, "100", 1)
    for word, found in (("gte]=99.5", 1), ("lt]=99.5", 0), ("in]=100", 1)):
        operator, _end, value = word.partition("]=")
        assert len(client.get(ACCOUNTS, {f"customers.nps[{operator}]": value}).json["data"]) == found
    (line,) = client.get("/api/v1/reports/reports/customers.satisfaction_by_class").json["data"]
    assert (line["account.tier"], line["avg:score"], line["count"]) == ("key", "9", 1)
    entries = client.get(f"{ACCOUNTS}/{account}/timeline").json["data"]
    assert [(one["title"], one["body"]) for one in entries if one["kind"] == "invitation"] == [("After the sale", "quick and <b>kind</b>")]
    (kept,) = client.get(INVITATIONS).json["data"]
    assert (kept["about"], kept["owner"], kept["sent_to"]) == (
        {"entity": "pipeline.deal", "id": str(deal)}, str(people.rep), "ann@alder.example",
    )  # fmt: skip
    assert link.rpartition("/")[2] not in client.get(INVITATIONS).text


def test_a_deal_that_is_won_again_asks_nobody_again(
    client: Api, process: Process, survey: str, account: UUID, contact: UUID, drain: Callable[[], int]
) -> None:
    deal = process.deal(account=account, contact=contact, stage="won")
    drain()
    moves = f"/api/v1/pipeline/deals/{deal}/moves"
    assert client.post(moves, {"stage": "needs-analysis", "reopen": True}).json["status"] == "open"
    assert client.post(moves, {"stage": "won"}).json["status"] == "won"
    drain()
    assert len(client.get(INVITATIONS).json["data"]) == 1


@pytest.mark.parametrize("why", ["by hand", "no address", "nobody"])
def test_where_no_letter_can_go_out_nothing_is_kept_and_the_owner_asks(
    client: Api, process: Process, survey: str, account: UUID, contact: UUID, work: Work, people: People, why: str, drain: Callable[[], int]
) -> None:
    if why == "by hand":
        client.patch(f"{SURVEYS}/{survey}", {"by_mail": False})
    elif why == "no address":
        client.patch(f"/api/v1/customers/contacts/{contact}", {"email": None})
    deal = process.deal(account=account, contact=None if why == "nobody" else contact, owner=people.rep, stage="won")
    old = {"name": "of old", "pipeline": process.id, "account": account, "owner": people.rep, "stage": "won", "close_date": "2025-06-30"}
    stayed = {"stage_since": datetime(2025, 6, 30, tzinfo=UTC)}
    work.records("pipeline.deal").write_all([Draft("create", {**old, **stayed}, act=HISTORY)])
    drain()
    assert client.get(INVITATIONS).json["data"] == [], "its link nobody would ever have"
    (notice,) = [row for row in work.records("teamwork.notification").find(where(owner=people.rep)) if row["kind"] == "customers.to_ask"]
    assert (notice["title"], notice["about"]) == ("Ask the customer yourself: After the sale (deal)", Reference("pipeline.deal", deal))
    # With an address by now, the next deal is asked about, and so is this one when it is won again.
    client.patch(f"{SURVEYS}/{survey}", {"by_mail": True})
    client.patch(f"/api/v1/customers/contacts/{contact}", {"email": "ann@alder.example"})
    client.post(f"/api/v1/pipeline/deals/{deal}/moves", {"stage": "potential", "reopen": True})
    client.patch(f"/api/v1/pipeline/deals/{deal}", {"stage": "won", "contact": str(contact), "account": None})
    drain()
    (kept,) = client.get(INVITATIONS).json["data"]
    assert (kept["sent_to"], kept["account"], kept["about"]["id"]) == ("ann@alder.example", str(account), str(deal))


@pytest.mark.feature("E15")
def test_one_asks_by_hand_on_the_page_of_whom_one_sees(client: Api, survey: str, account: UUID, contact: UUID, people: People) -> None:
    rep, stranger = Site(client.as_user(people.rep)), Site(client.as_user(people.reps[1][0]))
    assert rep.get(f"/customers/accounts/{account}").links()["Send survey"] == f"/console/customers/ask/accounts/{account}"
    made = rep.sent(f"/customers/ask/accounts/{account}")
    (link,) = re.findall(r"http://127\.0\.0\.1:8000(/api/v1/customers/answers/[\w.-]+)", made.text)
    assert answered(client, link, 9) == 201
    client.patch(f"/api/v1/customers/contacts/{contact}", {"owner": str(people.rep)})
    sent = rep.sent(f"/customers/ask/contacts/{contact}")
    assert "ann@alder.example" in sent.text
    assert "/answers/" not in sent.text
    assert [row["account"] for row in client.get(INVITATIONS).json["data"]] == [str(account)] * 2
    refused = [rep.post(f"/customers/ask/contacts/{contact}", {"survey": word}) for word in (str(account), "", "x")]
    assert [one.status for one in refused] == [404] * 3
    assert [stranger.get(f"/customers/ask/{kind}/{account}").status for kind in ("accounts", "deals")] == [404] * 2


def test_what_of_a_contact_is_hidden_from_who_asks_counts_all_the_same_and_is_not_told(
    client: Api, work: Work, survey: str, account: UUID, contact: UUID, people: People
) -> None:
    role = id_of(work.records("core.role").create({"key": "caller", "name": "Caller"}))
    for permission, only in (("contact.read", ["name"]), ("survey.read", None), ("survey.send", None)):
        grant = {"role": role, "permission": f"customers.{permission}", "scope": "all", "only_fields": only}
        work.records("core.grant").create(grant)
    work.records("core.user").update(people.rep, {"roles": ["caller"]})
    caller = client.as_user(people.rep)
    made = caller.post(f"{SURVEYS}/{survey}/invitations", {"contact": str(contact)})
    assert (made.status_code, made.json["sent_to"]) == (201, None), made.text
    page = Site(caller).sent(f"/customers/ask/contacts/{contact}").text
    assert "The link is on its way by email." in page
    assert "ann@alder.example" not in page
    kept = client.get(INVITATIONS).json["data"]
    assert [(row["account"], row["sent_to"]) for row in kept] == [(str(account), "ann@alder.example")] * 2


def test_a_survey_that_does_not_want_to_asks_nobody(
    client: Api, process: Process, survey: str, account: UUID, drain: Callable[[], int]
) -> None:
    client.patch(f"{SURVEYS}/{survey}", {"after_won": False})
    process.deal(account=account, stage="won")
    drain()
    assert client.get(INVITATIONS).json["data"] == []


@pytest.fixture
def link(client: Api, survey: str, account: UUID, people: People) -> str:
    """The path of a link that a representative had made."""
    made = client.as_user(people.rep).post(f"{SURVEYS}/{survey}/invitations", {"account": str(account)})
    assert made.status_code == 201, made.text
    assert made.json["sent_to"] is None
    return path_of(made.json["link"])


def test_a_link_is_over_after_its_days(client: Api, link: str, clock: Clock) -> None:
    clock.move(days=29)
    assert client.anonymous().get(link).status_code == 200
    clock.move(days=1)
    assert [client.anonymous().get(link).status_code, answered(client, link, 5)] == [404, 404]


def test_a_link_of_a_survey_that_is_gone_works_no_longer_and_works_again_when_that_is_back(client: Api, link: str, survey: str) -> None:
    assert client.delete(f"{SURVEYS}/{survey}").status_code == 204
    assert [client.anonymous().get(link).status_code, answered(client, link, 5)] == [404, 404]
    assert client.post(f"{SURVEYS}/{survey}/restore").status_code == 200
    assert [client.anonymous().get(link).status_code, answered(client, link, 5)] == [200, 201]


def test_links_that_never_were_answer_like_links_that_are_used(client: Api, link: str, work: Work, platform: Platform) -> None:
    nobody = client.anonymous()
    assert answered(client, link, 5) == 201
    used, never = nobody.get(link), nobody.get(path_of(f"http://x/api/v1/customers/answers/{links.new_token(work)}"))
    assert (used.status_code, used.data) == (never.status_code, never.data)
    for token in ("x", link.rpartition("/")[2][:-1], "0" * 32 + "_" + "a" * 43):
        assert nobody.get(f"/api/v1/customers/answers/{token}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_only_looks_at_a_link_does_not_use_it_up(client: Api, link: str, method: str) -> None:
    """Mail scanners follow every link of a letter."""
    assert [client.anonymous().call(method, link).status_code for _n in range(3)] == [200] * 3
    assert answered(client, link, 9) == 201


def test_as_many_words_as_the_page_takes_arrive(client: Api, link: str) -> None:
    """A browser counts the end of a line as one sign and sends two."""
    assert answered(client, link, 5, "\r\n".join(["x" * 99] * 40)) == 201
    (kept,) = client.get(INVITATIONS).json["data"]
    assert kept["comment"] == "\n".join(["x" * 99] * 40)


@pytest.mark.parametrize("score", ["", "eleven", -1, 11])
def test_a_score_that_is_none_leaves_the_link_open(client: Api, link: str, score: object) -> None:
    assert answered(client, link, score) == 422
    assert answered(client, link, 0) == 201


def test_satisfaction_is_asked_from_one_to_five(client: Api, account: UUID) -> None:
    survey = client.post(SURVEYS, {"name": "S", "question": "Content?", "kind": "csat"}).json["id"]
    link = path_of(client.post(f"{SURVEYS}/{survey}/invitations", {"account": str(account)}).json["link"])
    assert [answered(client, link, 6), answered(client, link, 5)] == [409, 201]
    assert client.get(f"{ACCOUNTS}/{account}").json["customers.nps"] is None


def test_the_page_speaks_the_readers_language_and_takes_nothing_from_elsewhere(client: Api, link: str) -> None:
    page = client.anonymous().get(link, headers={"Accept-Language": "zh-CN"})
    assert "您会推荐我们吗？" in page.text
    assert 'lang="zh-CN"' in page.text
    assert "script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_link_is_worth_nothing_elsewhere_and_nothing_where_the_plugin_is_off(client: Api, link: str) -> None:
    token = link.rpartition("/")[2]
    assert client.anonymous().get(ACCOUNTS, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert client.anonymous().post(INVITATIONS, {}).status_code in (401, 405)
    for name in ("from_hubspot", "from_odoo", "from_salesforce", "web_forms", "leads", "orders", "pipeline", "customers"):
        client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False})
    assert client.anonymous().get(link).status_code == 404


def test_one_asks_whom_one_sees(
    client: Api, survey: str, account: UUID, people: People, platform: Platform, make_tenant: MakeTenant
) -> None:
    stranger = client.as_user(people.reps[1][0])
    assert stranger.post(f"{SURVEYS}/{survey}/invitations", {"account": str(account)}).status_code == 404
    assert stranger.get(INVITATIONS).json["data"] == []
    other = platform.system(make_tenant("other").id)
    assert other.records("customers.invitation").find(()) == []


def test_an_invitation_is_made_by_the_act_alone(client: Api, account: UUID) -> None:
    assert client.post(INVITATIONS, {"account": str(account)}).status_code in (404, 405)


def test_a_mean_goes_over_the_wire_straight_and_is_what_the_record_says(work: Work, survey: str) -> None:
    with work.transaction(write=True):
        for name, points in (("of three", (100, 100, 0)), ("of seven", (-100, 0, 0, 0, 0, 0, 0)), ("of none", ())):
            account = id_of(work.records("customers.account").create({"name": name}))
            values = {"survey": UUID(survey), "account": account, "score": 5, "state": "answered"}
            for each in points:
                work.records("customers.invitation").create({**values, "points": each}, act="answer")
    with work.transaction():
        reader = work.reader(work.shape("customers.account").entity)
        for query in (Query(), Query(sort=("-customers.nps",), limit=2)):
            plain, wired = (reader.page(query, wire=over) for over in (False, True))
            assert orjson.dumps(plain.data, option=orjson.OPT_UTC_Z) == orjson.dumps(wired.data)
            assert plain.next == wired.next
        assert [row["customers.nps"] for row in wired.data] == ["66.7", "-14.3"]
        (last,) = reader.page(Query(sort=("-customers.nps",), limit=2, cursor=str(wired.next))).data
        assert last["name"] == "of none"
        (first,) = reader.page(Query(sort=("-customers.nps",), limit=1), wire=True).data
        second = reader.page(
            Query(sort=("-customers.nps",), limit=1, cursor=str(reader.page(Query(sort=("-customers.nps",), limit=1)).next)), wire=True
        )
        assert (first["name"], second.data[0]["name"]) == ("of three", "of seven")
        assert all(
            isinstance(row["id"], str) for row in reader.page(Query(), wire=True).data
        )  # of a cell's text: none was an object on its way
