"""Letters of notices keep quiet hours and are gathered, once on both engines, whatever the clock and the worker do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.tenancy import lifecycle
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from core.testkit.templates import Content
from plugins.teamwork import mailing
from plugins.teamwork.mailing import Times, next_digest, quiet_until
from sdk import Mail, Notice, Tenant, _, where
from sdk.context import Row, id_of
from tests.conftest import Furnishing

API = "/api/v1/teamwork"
TIMES, HELD, PREFERENCE = "teamwork.letter_times", "teamwork.held_letter", "teamwork.preference"
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"quiet_from": "22:00", "quiet_until": "07:00"}


@pytest.fixture
def clock() -> Clock:
    """Eleven o'clock in the evening in Berlin."""
    return Clock(datetime(2026, 1, 15, 22, 0, tzinfo=UTC))


@pytest.fixture
def beginning(request: pytest.FixtureRequest, clock: Clock) -> Content:
    """A tenant in Berlin."""
    return Content(Furnishing("people" in request.fixturenames, "Europe/Berlin"), clock.now)


def letters(work: Work) -> list[tuple[str, str, str]]:
    """Recipient, subject and text of the letters that were asked for, oldest first."""
    with work.transaction():
        query = sa.select(outbox.c.payload).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == "core.send_mail")
        rows = work.connection.execute(query.order_by(outbox.c.id)).scalars()
        return [(row["recipient"], row["subject"], row["text"]) for row in rows]


def subjects(work: Work) -> list[str]:
    return [subject for _to, subject, _text in letters(work)]


def told(work: Work, person: UUID) -> list[str]:
    return [str(row["title"]) for row in work.records("teamwork.notification").find(where(owner=person), 1000)]


def say(work: Work, *people: UUID, title: str = "Hello", body: str = "Body", kind: str = "teamwork.task") -> None:
    with work.transaction(write=True):
        work.notify([Notice(person, kind, title, body) for person in people])


def keeps(work: Work, person: UUID, **times: object) -> Row:
    return work.records(TIMES).create({**times, "owner": person})


def gathers(work: Work, person: UUID, kind: str = "all") -> Row:
    return work.records(PREFERENCE).create({"kind": kind, "channel": "teamwork.mail", "muted": False, "digest": True, "owner": person})


def state(work: Work) -> list[str]:
    return [str(row["state"]) for row in work.records(HELD).find((), 1000)]


def local(month: int, day: int, hour: int, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.feature("I14")
def test_a_letter_of_the_quiet_hours_goes_out_at_their_end_and_in_the_application_at_once(
    client: Api, people: People, work: Work, clock: Clock, engine: Engine
) -> None:
    rep, other = people.reps[0][:2]
    made = client.as_user(rep).post(f"{API}/letter_times", NIGHT)
    assert (made.status_code, made.json["digest_at"]) == (201, "08:00"), made.text
    say(work, rep, other)
    engine.run_until_idle()
    assert letters(work) == [("rep01@acme.example", "Hello", "Body")]
    assert (told(work, rep), told(work, other)) == (["Hello"], ["Hello"])
    (waits,) = client.as_user(rep).get(f"{API}/held_letters").json["data"]
    assert (waits["state"], waits["due_at"]) == ("waiting", "2026-01-16T06:00:00Z")
    clock.now = local(1, 16, 6, 59)
    engine.run_until_idle()
    assert len(letters(work)) == 1
    clock.move(minutes=1)
    for _again in range(3):
        engine.run_until_idle()
        clock.move(hours=1)
    assert letters(work) == [("rep01@acme.example", "Hello", "Body"), ("rep00@acme.example", "Hello", "Body")]
    assert client.as_user(rep).get(f"{API}/held_letters/{waits['id']}").json["sent_at"] == "2026-01-16T06:00:00Z"
    say(work, rep, title="By day")
    assert subjects(work)[-1] == "By day"


@pytest.mark.feature("I14")
def test_the_hours_are_those_of_the_readers_own_time_zone(people: People, work: Work, clock: Clock) -> None:
    keeps(work, people.rep, **NIGHT, timezone="America/New_York")
    say(work, people.rep)
    assert len(letters(work)) == 1, "it is five in the afternoon there"
    clock.now = datetime(2026, 1, 16, 5, 0, tzinfo=UTC)
    say(work, people.rep)
    (waits,) = work.records(HELD).find(())
    assert waits["due_at"] == datetime(2026, 1, 16, 12, 0, tzinfo=UTC)


@pytest.mark.feature("I14")
def test_letters_of_a_kind_are_gathered_into_one_a_day(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    rep = people.rep
    work.records("core.user").update(rep, {"locale": "zh_CN"})
    gathers(work, rep, "teamwork.task")
    keeps(work, rep, digest_at="09:30")
    say(work, rep, title="First")
    clock.now = local(1, 16, 9)
    say(work, rep, title="Second", body="")
    say(work, rep, title="Mention", kind="teamwork.mention")
    engine.run_until_idle()
    assert subjects(work) == ["Mention"], "what is not gathered goes at once"
    assert told(work, rep) == ["First", "Second", "Mention"]
    clock.now = local(1, 16, 9, 30)
    engine.run_until_idle()
    assert letters(work)[1:] == [
        ("rep00@acme.example", "您的通知：2 条", "2026-01-15 23:00  First\nBody\n\n2026-01-16 09:00  Second"),
    ]  # fmt: skip
    say(work, rep, title="Third")
    for _day in range(3):
        clock.move(days=1)
        engine.run_until_idle()
    assert subjects(work) == ["Mention", "您的通知：2 条", "您的通知：1 条"]
    assert state(work) == ["sent"] * 3


def test_a_long_day_makes_letters_that_can_be_read(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    gathers(work, people.rep)
    with work.transaction(write=True):
        work.notify([Notice(people.rep, "teamwork.task", f"n{n}", "x" * 20_000) for n in range(201)])
    clock.now = local(1, 16, 8)
    engine.run_until_idle()
    assert subjects(work) == ["Your notifications: 200", "Your notifications: 1"]
    assert all(len(text) < 250_000 for _to, _subject, text in letters(work))
    assert sum(text.count("…") for _to, _subject, text in letters(work)) == 201


@pytest.mark.feature("I14")
def test_a_gathered_letter_keeps_the_quiet_hours_too(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    gathers(work, people.rep)
    keeps(work, people.rep, quiet_from="20:00", quiet_until="10:00", digest_at="08:00")
    say(work, people.rep)
    clock.now = local(1, 16, 9, 59)
    engine.run_until_idle()
    assert letters(work) == []
    clock.move(minutes=1)
    engine.run_until_idle()
    assert subjects(work) == ["Your notifications: 1"]


@pytest.mark.feature("I14")
@pytest.mark.parametrize(
    ("back", "sent"),
    [(local(1, 18, 12), local(1, 18, 12)), (local(1, 18, 23), local(1, 19, 7))],
    ids=["by day: at once", "at night: in the morning"],
)
def test_what_a_worker_missed_goes_once_when_it_is_back(
    people: People, work: Work, clock: Clock, engine: Engine, back: datetime, sent: datetime
) -> None:
    keeps(work, people.rep, **NIGHT)
    say(work, people.rep)
    clock.now = back
    engine.run_until_idle()
    assert len(letters(work)) == (1 if back == sent else 0)
    for now in (sent, sent + timedelta(days=1)):
        clock.now = now
        engine.run_until_idle()
    assert len(letters(work)) == 1
    (letter,) = work.records(HELD).find(())
    assert letter["sent_at"] == sent


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_failure_between_sending_and_the_mark_sends_nothing_twice(
    people: People, work: Work, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps(work, people.rep, **NIGHT)
    say(work, people.rep, people.rep)
    mark, failures = mailing._mark, [1]

    def fail_once(ctx: Work, rows: Sequence[Row], values: dict[str, object]) -> None:
        if failures and failures.pop():
            raise OSError("the disk is full")
        mark(ctx, rows, values)

    monkeypatch.setattr(mailing, "_mark", fail_once)
    clock.now = local(1, 16, 7)
    engine.run_until_idle()
    assert (letters(work), failures) == ([], []), "what was asked for was taken back with the rest"
    clock.move(minutes=5)
    engine.run_until_idle()
    work.enqueue(mailing.POST, {"person": str(people.rep)})
    engine.run_until_idle()
    assert len(letters(work)) == 2


def test_letters_that_are_no_notices_are_never_held(people: People, work: Work, engine: Engine) -> None:
    """An invitation, a password, what a rule writes to an address: nobody chose to hear of these kinds or not."""
    keeps(work, people.rep, quiet_from="00:00", quiet_until="23:59")
    gathers(work, people.rep)
    with work.transaction(write=True):
        work.mail(Mail("rep00@acme.example", "Your invitation", "Text"))
    assert subjects(work) == ["Your invitation"]


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (local(1, 15, 21, 59), None),
        (local(1, 15, 22), local(1, 16, 2, 30)),
        (local(1, 16, 2, 29), local(1, 16, 2, 30)),
        (local(1, 16, 2, 30), None),
        (local(3, 29, 1, 59), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # half past two is left out: half past three of summer time
        (local(3, 29, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (local(3, 29, 3, 30), None),
        (local(10, 25, 2, 29), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # half past two comes twice: the first counts
        (local(10, 25, 2, 31), None),
        (local(10, 25, 2, 29, fold=1), None),
    ],
)
def test_quiet_hours_end_once_whatever_the_clock_does(now: datetime, end: datetime | None) -> None:
    assert quiet_until(Times(BERLIN, (time(22), time(2, 30))), now) == end


def test_hours_of_one_day_begin_and_end_on_it() -> None:
    lunch = Times(BERLIN, (time(12), time(13)))
    found = [quiet_until(lunch, local(1, 15, *at)) for at in ((11, 59), (12, 0), (12, 59), (13, 0), (23, 0))]
    assert found == [None, local(1, 15, 13), local(1, 15, 13), None, None]


@pytest.mark.parametrize(
    ("now", "digest"),
    [
        (local(3, 28, 8), datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        (local(3, 29, 7, 59), datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        (local(3, 29, 8), datetime(2026, 3, 30, 6, 0, tzinfo=UTC)),
        (local(10, 24, 8), datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),
        (local(10, 25, 8), datetime(2026, 10, 26, 7, 0, tzinfo=UTC)),
    ],
)
def test_the_gathered_letter_comes_at_its_local_time_on_both_sides_of_summer_time(now: datetime, digest: datetime) -> None:
    assert next_digest(Times(BERLIN), now) == digest


def test_a_gathered_letter_of_a_time_that_comes_twice_comes_once(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    gathers(work, people.rep)
    keeps(work, people.rep, digest_at="02:30")
    clock.now = local(10, 25, 0)
    say(work, people.rep)
    for now in (local(10, 25, 2, 30), local(10, 25, 2, 30, fold=1), local(10, 26, 2, 30)):
        clock.now = now
        engine.run_until_idle()
        if now.hour == 0:
            say(work, people.rep, title="In between")
    assert subjects(work) == ["Your notifications: 1", "Your notifications: 1"]


MEANINGLESS: tuple[tuple[dict[str, str], str], ...] = (
    ({"quiet_from": "22:00"}, "quiet_until"), ({"quiet_until": "07:00"}, "quiet_from"), ({"quiet_from": "7", "quiet_until": "08:00"}, "quiet_from"),
    ({"quiet_from": "24:00", "quiet_until": "08:00"}, "quiet_from"), ({"quiet_from": "07:00", "quiet_until": "07:00"}, "quiet_until"),
    ({"timezone": "Europe/Atlantis"}, "timezone"), ({"timezone": "../etc/passwd"}, "timezone"), ({"digest_at": "8:00"}, "digest_at"),
)  # fmt: skip


def test_times_that_mean_nothing_are_refused(client: Api, people: People, work: Work) -> None:
    rep = client.as_user(people.rep)
    for body, field in MEANINGLESS:
        refused = rep.post(f"{API}/letter_times", body)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field), (body, refused.text)
    assert work.records(TIMES).find(()) == []


def test_only_letters_that_are_wanted_are_gathered(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    for body in ({"channel": "teamwork.in_app", "muted": False}, {"channel": "teamwork.mail"}, {"channel": "teamwork.mail", "muted": True}):
        refused = rep.post(f"{API}/preferences", {"kind": "all", "digest": True, **body})
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "digest"), body
    assert rep.post(f"{API}/preferences", {"kind": "all", "digest": True, "channel": "teamwork.mail", "muted": False}).status_code == 201


def test_the_times_are_their_owners_alone_and_there_is_one_record_of_them(
    client: Api, people: People, work: Work, make_tenant: MakeTenant
) -> None:
    rep = client.as_user(people.rep)
    place = f"{API}/letter_times/{rep.post(f'{API}/letter_times', NIGHT).json['id']}"
    assert rep.post(f"{API}/letter_times", NIGHT).status_code == 409
    say(work, people.rep)
    held = f"{API}/held_letters/{id_of(work.records(HELD).find(())[0])}"
    elsewhere = make_tenant("other")
    boss = lifecycle.add_person(work.platform.system(elsewhere.id), "Boss", "boss@other.example", ["admin"], None)
    for other in (client, client.as_user(people.manager), client.as_user(boss, of=elsewhere)):
        assert [other.get(one).status_code for one in (place, held)] == [404, 404]
        assert other.patch(place, {"quiet_until": "08:00"}).status_code == 404
    assert rep.delete(held).status_code == 405
    assert rep.patch(place, {"quiet_from": None, "quiet_until": None}).status_code == 200
    assert rep.delete(place).status_code == 204
    assert rep.post(f"{API}/letter_times", NIGHT).status_code == 201


def test_who_mutes_a_kind_or_leaves_before_the_letter_goes_gets_none(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    first, second, third = people.reps[0][0], people.reps[0][1], people.manager
    for person in (first, second, third):
        keeps(work, person, **NIGHT)
    say(work, first, second, third)
    say(work, first, kind="teamwork.mention", title="Mention")
    work.records(PREFERENCE).create({"kind": "teamwork.task", "channel": "teamwork.mail", "muted": True, "owner": first})
    work.records("core.user").update(second, {"active": False})
    work.records("core.user").update(third, {"email": "new@acme.example"})
    clock.now = local(1, 16, 7)
    engine.run_until_idle()
    assert sorted((to, subject) for to, subject, _text in letters(work)) == [
        ("new@acme.example", "Hello"),
        ("rep00@acme.example", "Mention"),
    ]
    assert sorted(state(work)) == ["left_out", "left_out", "sent", "sent"]


def test_hours_that_have_become_longer_hold_what_waits(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    times = keeps(work, people.rep, **NIGHT)
    say(work, people.rep)
    work.records(TIMES).update(id_of(times), {"quiet_until": "09:00"})
    clock.now = local(1, 16, 7)
    engine.run_until_idle()
    assert letters(work) == []
    clock.now = local(1, 16, 9)
    engine.run_until_idle()
    assert len(letters(work)) == 1


def test_what_waits_while_the_plugin_is_off_goes_within_the_hour_when_it_is_back(
    people: People, work: Work, clock: Clock, engine: Engine, tenant: Tenant
) -> None:
    keeps(work, people.rep, **NIGHT)
    say(work, people.rep)
    lifecycle.switch(work.platform.system(tenant.id), "teamwork", False)
    clock.now = local(1, 16, 7)
    engine.run_until_idle()
    assert letters(work) == []
    lifecycle.switch(work.platform.system(tenant.id), "teamwork", True)
    engine.run_until_idle()
    clock.move(hours=1)
    engine.run_until_idle()
    assert len(letters(work)) == 1


def test_a_letter_outlives_who_caused_it(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    keeps(work, people.rep, **NIGHT)
    say(work.as_user(people.manager), people.rep)
    work.records("core.user").update(people.manager, {"active": False})
    for now in (local(1, 16, 7), local(1, 16, 8), local(1, 16, 9)):
        clock.now = now
        engine.run_until_idle()
    assert len(letters(work)) == 1


def test_a_translated_notice_waits_in_its_readers_language(people: People, work: Work, clock: Clock, engine: Engine) -> None:
    work.records("core.user").update(people.rep, {"locale": "zh_CN"})
    keeps(work, people.rep, **NIGHT)
    with work.transaction(write=True):
        work.notify([Notice(people.rep, "teamwork.task", _("Task: {subject}"), "", {"subject": "a"})])
    clock.now = local(1, 16, 7)
    engine.run_until_idle()
    assert letters(work) == [("rep00@acme.example", "任务：a", "任务：a")]
