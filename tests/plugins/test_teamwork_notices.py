"""Notices: told once on both engines, by the channels that people want, private to who is told, cheap to ask for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.tenancy import lifecycle
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.teamwork.api import wanted
from plugins.teamwork.notices import newest
from sdk import Condition, Draft, Forbidden, Notice, Told, _, where
from sdk.context import Row, id_of
from sdk.fields import Reference

API = "/api/v1/teamwork"
NOTICES = "teamwork.notification"
type_work_as = Callable[..., Work]


def told(work: Work, person: UUID, kind: str = "") -> list[Row]:
    return work.records(NOTICES).find((*where(owner=person), *(where(kind=kind) if kind else ())), 1000)


def letters(work: Work) -> list[tuple[str, str]]:
    """Recipient and subject of the letters that wait, or were tried."""
    with work.transaction():
        query = sa.select(outbox.c.payload).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == "core.send_mail")
        return sorted((row["recipient"], row["subject"]) for row in work.connection.execute(query).scalars())


def say(work: Work, *people: UUID, kind: str = "teamwork.task", title: str = "Hello", about: Reference | None = None) -> None:
    with work.transaction(write=True):
        work.notify([Notice(person, kind, title, "Body", about=about) for person in people])


@pytest.mark.feature("J1")
def test_a_task_for_three_people_tells_each_of_them_once(work: Work, people: People, client: Api, engine: Engine) -> None:
    manager, helpers = client.as_user(people.manager), [str(rep) for rep in people.reps[0]]
    made = manager.post(f"{API}/tasks", {"subject": "Prepare the fair", "due_on": "2026-02-02", "helpers": helpers})
    assert (made.status_code, made.json["helpers"]) == (201, helpers), made.text
    engine.run_until_idle()
    for rep in people.reps[0]:
        (notice,) = told(work, rep)
        assert (notice["title"], notice["body"]) == ("Task: Prepare the fair", "manager0 assigned you a task, due Feb 2, 2026.")
        assert notice["about"] == ("teamwork.task", UUID(made.json["id"]))
    assert told(work, people.manager) == [], "who gave it to himself is not told"
    place = f"{API}/tasks/{made.json['id']}"
    assert manager.patch(place, {"helpers": [helpers[0], str(people.reps[1][0])], "subject": "Fair"}).status_code == 200
    engine.run_until_idle()
    kinds = [[row["kind"] for row in told(work, rep)] for rep in (*people.reps[0], people.reps[1][0])]
    assert kinds == [["teamwork.task", "teamwork.auto_follow"], *[["teamwork.task"]] * 3], "who helps as before follows it"
    client.patch(place, {"owner": str(people.reps[2][0])})
    engine.run_until_idle()
    assert len(told(work, people.reps[2][0])) == 1


@pytest.mark.feature("J1")
def test_a_helper_of_another_team_sees_and_does_the_task_as_long_as_it_is_shared(client: Api, people: People, work: Work) -> None:
    owner, helper, stranger = (client.as_user(one) for one in (people.rep, people.reps[1][0], people.reps[1][1]))
    made = owner.post(f"{API}/tasks", {"subject": "Offer", "helpers": ["rep10@acme.example"]})
    place = f"{API}/tasks/{made.json['id']}"
    assert (helper.get(place).status_code, stranger.get(place).status_code) == (200, 404)
    assert [row["id"] for row in helper.get(f"{API}/tasks").json["data"]] == [made.json["id"]]
    assert helper.delete(place).status_code == 403
    assert helper.patch(place, {"state": "done"}).status_code == 200
    assert stranger.patch(place, {"state": "open"}).status_code == 404
    assert owner.patch(place, {"helpers": None}).status_code == 200
    assert helper.get(place).status_code == 404
    assert work.records("teamwork.assignment").find(()) == []
    assert owner.patch(place, {"helpers": ["rep10"]}).status_code == 200
    assert helper.get(place).status_code == 200


@pytest.mark.feature("J1")
@pytest.mark.parametrize(
    ("helpers", "code"),
    [(["nobody"], "no_such_person"), ([""], "malformed"), (["x"] * 21, "too_many"), ("x", "type"), ([5], "type"), (["twin"], "ambiguous")],
)
def test_helpers_are_active_people_who_can_be_told_apart(client: Api, people: People, work: Work, helpers: object, code: str) -> None:
    for number in range(2):
        work.records("core.user").create({"name": "twin", "email": f"twin{number}@acme.example"})
    refused = client.post(f"{API}/tasks", {"subject": "x", "helpers": helpers})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, code)
    work.records("core.user").update(people.rep, {"active": False})
    assert client.post(f"{API}/tasks", {"subject": "x", "helpers": [str(people.rep)]}).json["errors"][0]["code"] == "no_such_person"


def test_a_notice_is_its_readers_alone_even_for_administrators(client: Api, people: People, work: Work, make_tenant: MakeTenant) -> None:
    say(work, people.rep, people.manager)
    mine = client.as_user(people.rep).get(f"{API}/notifications", {"read_at[empty]": "true", "count": "true"}).json
    assert (mine["page"]["total"], mine["data"][0]["title"]) == (1, "Hello")
    place = f"{API}/notifications/{mine['data'][0]['id']}"
    for other in (client, client.as_user(people.manager), client.as_user(people.director)):
        assert other.get(place).status_code == 404
        assert other.post(f"{place}/reads").status_code == 404
        assert other.delete(place).status_code == 404
        assert all(row["owner"] != str(people.rep) for row in other.get(f"{API}/notifications").json["data"])
    assert client.get(f"{API}/notifications", {"count": "true"}).json["page"]["total"] == 0
    elsewhere = make_tenant("other")
    boss = lifecycle.add_person(work.platform.system(elsewhere.id), "Boss", "boss@other.example", ["admin"], None)
    assert client.as_user(boss, of=elsewhere).get(place).status_code == 404
    assert client.post(f"{API}/notifications", {"title": "x"}).status_code == 405
    assert client.as_user(people.rep).patch(place, {"title": "x"}).status_code == 405
    with pytest.raises(Forbidden):
        work.as_user(people.rep).records(NOTICES).create({"kind": "x", "title": "x"})


def test_notices_are_marked_as_read_one_by_one_or_all(client: Api, people: People, work: Work, clock: Clock) -> None:
    say(work, people.rep, people.rep, people.rep, people.manager)
    rep = client.as_user(people.rep)
    ids = [row["id"] for row in rep.get(f"{API}/notifications").json["data"]]
    assert rep.post(f"{API}/notifications/{ids[0]}/reads").json == {"read": 1}
    assert rep.post(f"{API}/notifications/{ids[0]}/reads").json == {"read": 0}
    theirs = str(id_of(told(work, people.manager)[0]))
    assert rep.post(f"{API}/notifications/reads", {"ids": [ids[1], theirs]}).json == {"read": 1}
    assert rep.post(f"{API}/notifications/reads", {}).json == {"read": 1}
    assert {row["read_at"] for row in rep.get(f"{API}/notifications").json["data"]} == {"2026-01-15T12:00:00Z"}
    assert told(work, people.manager)[0]["read_at"] is None
    assert rep.delete(f"{API}/notifications/{ids[0]}").status_code == 204


def test_asking_again_costs_nothing_until_something_is_new(client: Api, people: People, work: Work, clock: Clock) -> None:
    say(work, people.rep)
    rep, place = client.as_user(people.rep), f"{API}/notifications_since"
    first = rep.get(place)
    assert (first.status_code, first.json["unread"], len(first.json["data"])) == (200, 1, 1)
    known = {"If-None-Match": first.headers["ETag"]}
    assert (rep.get(place, headers=known).status_code, rep.get(place, headers=known).data) == (304, b"")
    clock.move(minutes=5)
    say(work, people.rep, title="Second")
    assert rep.get(place, headers=known).status_code == 200
    clock.move(seconds=30)
    later = rep.get(place, {"since": first.json["since"]}).json
    assert [row["title"] for row in later["data"]] == ["Second", "Hello"], "what was made in the minute before may come again"
    clock.move(minutes=5)
    after = rep.get(place, {"since": rep.get(place).json["since"]}).json
    assert (after["data"], after["unread"]) == ([], 2)
    assert rep.get(place, {"since": "yesterday"}).status_code == 422
    assert rep.get(place, {"since": "0001-01-01T00:00:00+14:00"}).status_code == 422
    rep.post(f"{API}/notifications/reads", {})
    assert rep.get(place).json["unread"] == 0


def test_a_part_of_the_notices_is_full_and_the_next_begins_behind_it_though_some_tell_of_a_plugin_that_is_off(
    people: People, work: Work, clock: Clock
) -> None:
    lead = Reference("leads.lead", id_of(work.records("leads.lead").create({"name": "L"})))
    for number in range(9):
        say(work, people.rep, title=str(number), about=lead if number in (3, 4, 7) else None)
        clock.move(minutes=1)
    for name in ("web_forms", "leads"):
        lifecycle.switch(work, name, False)
    rep, seen, cursor = work.platform.system(work.tenant.id).as_user(people.rep), list[list[str]](), ""
    with rep.transaction():
        while True:
            rows, following = newest(rep, 2, cursor=cursor)
            seen.append([str(row["title"]) for row in rows])
            if following is None:
                break
            cursor = following
    assert seen == [["8", "6"], ["5", "2"], ["1", "0"]]


@pytest.mark.feature("I14")
def test_who_mutes_a_kind_gets_no_mail_of_it_but_is_told_in_the_application(client: Api, people: People, work: Work) -> None:
    rep, other = people.reps[0][:2]
    wish = {"kind": "teamwork.rule", "channel": "teamwork.mail", "muted": True}
    made = client.as_user(rep).post(f"{API}/preferences", wish)
    assert made.status_code == 201, made.text
    say(work, rep, other, kind="teamwork.rule", title="By rule")
    say(work, rep, kind="teamwork.task", title="By hand")
    assert letters(work) == [("rep00@acme.example", "By hand"), ("rep01@acme.example", "By rule")]
    assert [len(told(work, person)) for person in (rep, other)] == [2, 1]
    place = f"{API}/preferences/{made.json['id']}"
    assert client.get(place).status_code == 404, "another's preferences are nobody's business"
    assert client.as_user(rep).post(f"{API}/preferences", wish).status_code == 409
    assert client.as_user(other).post(f"{API}/preferences", wish).status_code == 201
    assert client.as_user(rep).patch(place, {"muted": False}).status_code == 200
    assert client.as_user(rep).post(f"{API}/preferences", {**wish, "channel": "pigeon"}).json["errors"][0]["code"] == "no_such_channel"
    assert {row["channel"] for row in client.get(f"{API}/channels").json["data"]} >= {"teamwork.mail", "teamwork.in_app"}


@pytest.mark.feature("I14")
def test_a_kind_that_is_named_counts_before_all_kinds(people: People, work: Work) -> None:
    rep = people.rep
    for kind, muted in (("all", True), ("teamwork.mention", False)):
        work.records("teamwork.preference").create({"kind": kind, "channel": "teamwork.in_app", "muted": muted, "owner": rep})
    said = [Told(rep, "", "en", kind, kind, "", None) for kind in ("teamwork.task", "teamwork.mention")]
    assert [one.kind for one in wanted(work, "teamwork.in_app", said)] == ["teamwork.mention"]
    assert len(wanted(work, "teamwork.mail", said)) == 2


def test_a_letter_speaks_its_readers_language_and_goes_to_nobody_without_an_address(people: People, work: Work) -> None:
    work.records("core.user").update(people.rep, {"locale": "zh_CN", "timezone": "Asia/Shanghai"})
    silent = id_of(work.records("core.user").create({"name": "No address"}))
    gone = id_of(work.records("core.user").create({"name": "Gone", "email": "gone@acme.example", "active": False}))
    with work.transaction(write=True):
        work.notify(
            [Notice(one, "teamwork.x", _("Task: {subject}"), "", {"subject": "a\nb"}) for one in (people.rep, people.manager, silent, gone)]
        )
    assert letters(work) == [("manager0@acme.example", "Task: a b"), ("rep00@acme.example", "任务：a b")]
    assert [len(told(work, one)) for one in (people.rep, silent, gone)] == [1, 1, 0]
    late = {"subject": datetime(2026, 1, 31, 20, 30, tzinfo=UTC)}
    with work.transaction(write=True):
        work.notify([Notice(one, "teamwork.y", _("Task: {subject}"), "", late) for one in (people.rep, people.director)])
    said = {one: told(work, one)[-1]["title"] for one in (people.rep, people.director)}
    assert said == {people.rep: "任务：2026年2月1日 04:30", people.director: "Task: Jan 31, 2026, 8:30 PM"}, (
        "a moment by the reader's clock"
    )


def test_a_notice_outlives_the_record_that_it_was_about(people: People, work: Work) -> None:
    account = id_of(work.records("customers.account").create({"name": "Alder"}))
    work.records("customers.account").delete(account)
    with work.transaction(write=True):
        work.notify([Notice(people.rep, "teamwork.x", "Gone", about=Reference("customers.account", account))])
    assert told(work, people.rep)[0]["about"] is None


def test_without_the_plugin_nothing_is_told_and_nothing_is_there(make_tenant: MakeTenant, work: Work, client: Api) -> None:
    bare = make_tenant("bare", plugins=["customers", "pipeline"])
    system = work.platform.system(bare.id)
    person = lifecycle.add_person(system, "Boss", "boss@bare.example", ["admin"], None)
    say(system, person)
    boss = client.as_user(person, of=bare)
    for path in ("notifications", "notifications_since", "channels", "attainment?period=2026", "calendar.ics", "stage_plans"):
        assert boss.get(f"{API}/{path}").status_code == 404, path
    assert letters(system) == []


def test_a_thousand_notices_are_written_in_sets(people: People, work: Work) -> None:
    statements = list[str]()
    engine = work.platform.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_rest: statements.append(statement))
    about = Reference("customers.account", id_of(work.records("customers.account").create({"name": "Alder"})))
    statements.clear()
    say(work, *[people.rep] * 20, about=about)
    few = len(statements)
    statements.clear()
    say(work, *[people.rep] * 400, about=about)
    assert len(statements) - few < 420, "a letter each, and the rest in sets"
    page = work.records(NOTICES).find((Condition("owner", "eq", (people.rep,)),), 1000)
    assert len(page) == 420
    assert work.records("teamwork.task").write([Draft("create", {"subject": "x"})])[0].refusal is None
