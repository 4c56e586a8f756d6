"""What happened around a record: newest first, carried up by links, and no more of it than one may see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.testkit.fixtures import Api, MakeTenant, People
from sdk import Draft, Mail
from sdk.context import id_of
from sdk.fields import Reference
from tests.plugins.process import Process

type_work_as = Callable[..., Work]
type_case = dict[str, UUID]
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PLACES = {"account": "customers/accounts", "contact": "customers/contacts", "deal": "pipeline/deals", "order": "orders/orders"}


@pytest.fixture
def case(work: Work, process: Process, people: People) -> type_case:
    """An account with a contact, a deal and an order, all of the first representative."""
    own = {"owner": people.rep}
    account = id_of(work.records("customers.account").create({"name": "Alder", **own}))
    contact = id_of(work.records("customers.contact").create({"name": "Ann", "account": account, **own}))
    deal = id_of(work.records("pipeline.deal").create({"name": "Mill", "account": account, "contact": contact, **own}))
    order = id_of(work.records("orders.order").create({"name": "First", "account": account, "deal": deal, **own}))
    return {"account": account, "contact": contact, "deal": deal, "order": order}


def shown(api: Api, case: type_case, name: str, **query: object) -> list[dict[str, object]]:
    answer = api.get(f"/api/v1/{PLACES[name]}/{case[name]}/timeline", query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, object]] = answer.json["data"]
    return data


@pytest.mark.feature("E3")
def test_an_activity_on_an_order_shows_on_deal_contact_and_account(client: Api, work: Work, case: type_case) -> None:
    about = f"orders.order:{case['order']}"
    work.records("teamwork.activity").create(
        {"subject": "Delivery agreed", "kind": "call", "about": about, "starts_at": START, "notes": "Friday"}
    )
    for name in PLACES:
        (entry,) = [one for one in shown(client, case, name) if one["entity"] == "teamwork.activity"]
        assert (entry["title"], entry["body"], entry["kind"], entry["at"]) == ("Delivery agreed", "Friday", "call", "2026-01-05T09:00:00Z")


@pytest.mark.feature("E3")
def test_a_letter_about_an_order_shows_on_deal_contact_and_account_once(
    client: Api, work: Work, case: type_case, people: People, work_as: type_work_as, drain: Callable[[], int]
) -> None:
    about = Reference("orders.order", case["order"])
    work_as(people.rep).mail(Mail("ann@alder.example", "Your order", "It is on its way.\x07", about=about))
    work.mail(Mail("ann@alder.example", "A password", "It belongs to no record."))
    drain()
    drain()
    for name in PLACES:
        (entry,) = [one for one in shown(client, case, name) if one["entity"] == "teamwork.activity"]
        assert (entry["title"], entry["kind"], entry["at"]) == ("Your order", "mail", "2026-01-15T12:00:00Z")
        assert entry["body"] == "→ ann@alder.example\n\nIt is on its way."


def test_a_letter_of_the_system_belongs_to_the_owner_of_its_record_and_one_about_nothing_left_is_none(
    work: Work, case: type_case, people: People, drain: Callable[[], int]
) -> None:
    work.mail(Mail("ann@alder.example", "From a rule", "x", about=Reference("orders.order", case["order"])))
    work.mail(Mail("ann@alder.example", "Gone", "x", about=Reference("customers.contact", case["contact"])))
    work.records("customers.contact").delete(case["contact"])
    drain()
    assert [(row["subject"], row["owner"]) for row in work.records("teamwork.activity").find(())] == [("From a rule", people.rep)]


@pytest.mark.feature("E1")
def test_activities_comments_moves_and_done_tasks_are_one_list_newest_first(
    client: Api, work: Work, case: type_case, people: People
) -> None:
    about = f"pipeline.deal:{case['deal']}"
    work.records("teamwork.activity").create({"subject": "Visit", "kind": "visit", "about": about, "starts_at": START})
    work.records("teamwork.comment").create({"about": about, "body": "Good talk.", "owner": people.rep})
    work.records("teamwork.task").create({"subject": "Offer", "about": about, "state": "done"})
    work.records("teamwork.task").create({"subject": "Not yet", "about": about})
    work.records("teamwork.activity").create({"subject": "Elsewhere", "about": None, "starts_at": START})
    for name in ("deal", "account", "contact"):
        entries = shown(client, case, name)
        assert sorted((str(one["kind"]), str(one["title"])) for one in entries) == [
            ("comment", "Good talk."), ("stage_change", entries_title(entries)), ("task", "Offer"), ("visit", "Visit"),
        ]  # fmt: skip
        assert [one["at"] for one in entries] == sorted((one["at"] for one in entries), key=str, reverse=True)
    (said,) = [one for one in entries if one["kind"] == "comment"]
    assert said["actor"] == {"id": str(people.rep), "name": "rep00"}
    narrow = client.as_user(people.manager, allows=["pipeline.deal", "teamwork.comment"])
    assert [one["actor"] for one in shown(narrow, case, "deal")] == [{"id": str(people.rep), "name": None}], "who may not read people"
    assert client.as_user(people.rep).post(f"/api/v1/pipeline/deals/{case['deal']}/moves", {"stage": "needs-analysis"}).status_code == 201
    moves = [one["actor"] for one in shown(client, case, "account") if one["kind"] == "stage_change"]
    assert moves == [{"id": str(people.rep), "name": "rep00"}, None], "who moved it; the first came in by nobody"


def entries_title(entries: list[dict[str, object]]) -> str:
    (title,) = [str(one["title"]) for one in entries if one["kind"] == "stage_change"]
    assert title not in ("", "None")
    return title


@pytest.mark.feature("E3")
def test_pages_give_each_entry_once_also_where_many_happened_at_the_same_moment(client: Api, work: Work, case: type_case) -> None:
    drafts = [
        Draft("create", {"subject": f"{n}", "about": f"customers.account:{case['account']}", "starts_at": START + timedelta(hours=n // 4)})
        for n in range(23)
    ]
    assert all(outcome.refusal is None for outcome in work.records("teamwork.activity").write(drafts))
    place = f"/api/v1/customers/accounts/{case['account']}/timeline"
    seen, following = list[str](), ""
    while True:
        page = client.get(place, {"limit": "5", "cursor": following}).json
        seen += [entry["id"] for entry in page["data"]]
        following = page["page"]["next"]
        if following is None:
            break
    assert len(seen) == len(set(seen)) == 24  # the deal's first stage is one
    assert seen == [entry["id"] for entry in client.get(place).json["data"]]
    assert client.get(place, {"cursor": "nonsense"}).status_code == 400
    assert client.get(place, {"limit": "0"}).status_code == 400


@pytest.mark.feature("E3")
def test_nobody_reads_on_a_timeline_what_he_could_not_read_elsewhere(
    client: Api, work: Work, case: type_case, people: People, make_tenant: MakeTenant, work_as: type_work_as
) -> None:
    rep, stranger = people.rep, people.reps[1][0]
    theirs = id_of(work.records("pipeline.deal").create({"name": "Secret", "account": case["account"], "owner": stranger}))
    for about, owner in ((f"customers.account:{case['account']}", stranger), (f"pipeline.deal:{theirs}", stranger)):
        work.records("teamwork.activity").create({"subject": "Hidden", "about": about, "starts_at": START, "owner": owner})
    work.records("teamwork.comment").create({"about": f"pipeline.deal:{theirs}", "body": "Hidden too"})
    work.records("teamwork.comment").create({"about": f"customers.account:{case['account']}", "body": "Open"})
    titles = [entry["title"] for entry in shown(client.as_user(rep), case, "account") if entry["kind"] != "stage_change"]
    assert titles == ["Open"]
    assert len(shown(client, case, "account")) == 6
    assert client.as_user(stranger).get(f"/api/v1/customers/accounts/{case['account']}/timeline").status_code == 404
    plain = make_tenant("plain", plugins=["customers", "pipeline"])
    lone = id_of(work_as(of=plain).records("customers.account").create({"name": "B"}))
    assert client.get(f"/api/v1/customers/accounts/{lone}/timeline").status_code == 404


@pytest.mark.feature("E3")
def test_a_timeline_asks_as_many_questions_for_a_thousand_entries_as_for_one(client: Api, work: Work, case: type_case) -> None:
    def asked() -> int:
        count = 0

        def counted(*_args: object) -> None:
            nonlocal count
            count += 1

        engine = work.platform.database.engine
        sa.event.listen(engine, "before_cursor_execute", counted)
        try:
            shown(client, case, "account")
        finally:
            sa.event.remove(engine, "before_cursor_execute", counted)
        return count

    def held(number: int) -> None:
        drafts = [Draft("create", {"subject": "x", "about": f"pipeline.deal:{case['deal']}", "starts_at": START}) for _n in range(number)]
        work.records("teamwork.activity").write(drafts)

    asked()
    few = asked()  # who it is and may, the record, what is on it, of one source, named by stage and deal
    held(1)
    asked()
    assert asked() == few + 1, "one more source has something there"
    held(1000)
    assert asked() == few + 1
