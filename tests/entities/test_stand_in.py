"""A plugin looks through another person's eyes, and tells people something in their own language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from uuid import UUID

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import People
from sdk import Context, NotFound, Notice, NoticeChannel, Tenant, Told, _, where
from sdk.context import id_of
from sdk.fields import Reference

type_work_as = Callable[..., Work]


@pytest.fixture
def heard(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """What came through a channel of the probe."""
    told: list[Told] = []

    def deliver(_ctx: Context, notices: Sequence[Told]) -> None:
        told.extend(notices)

    channel = NoticeChannel("ear", _("Ear"), deliver, plugin="probe")
    monkeypatch.setitem(platform.catalog.specs, NoticeChannel, {channel.full_key: channel})
    return told


def test_a_stand_in_sees_what_the_person_sees_in_the_same_transaction(people: People, work_as: type_work_as) -> None:
    system = work_as()
    with system.transaction(write=True):
        mine = id_of(system.records("probe.thing").create({"name": "mine", "owner": people.rep}))
        theirs = id_of(system.records("probe.thing").create({"name": "theirs", "owner": people.reps[1][0]}))
        seen = system.as_user(people.rep).records("probe.thing").values([mine, theirs])
    assert list(seen) == [mine], "what is not committed yet is seen, what belongs to another team is not"
    assert system.as_user(people.rep).actor.name == "rep00"


def test_nobody_stands_in_for_who_has_left(people: People, work_as: type_work_as) -> None:
    system = work_as()
    system.records("core.user").update(people.rep, {"active": False})
    with pytest.raises(NotFound):
        system.as_user(people.rep)


def test_a_notice_comes_in_its_readers_language_and_people_who_have_left_hear_nothing(
    people: People, work_as: type_work_as, heard: list[Told]
) -> None:
    system = work_as()
    chinese, english, gone = people.reps[0]
    system.records("core.user").update(chinese, {"locale": "zh_CN"})
    system.records("core.user").update(gone, {"active": False})
    thing = Reference("probe.thing", id_of(system.records("probe.thing").create({"name": "x"})))
    system.notify(
        [Notice(user, "probe.said", _("file {key} does not exist"), "{own words}", {"key": "a"}, thing) for user in people.reps[0]]
    )
    assert [(one.user_id, one.title, one.body, one.about) for one in heard] == [
        (chinese, "文件 a 不存在", "{own words}", thing),
        (english, "file a does not exist", "{own words}", thing),
    ]
    assert heard[0].email.startswith("rep00@")


def test_a_channel_of_a_plugin_that_is_off_carries_nothing(
    people: People, platform: Platform, tenant: Tenant, heard: list[Told], entry_points: Sequence[EntryPoint] | None
) -> None:
    work = platform.system(tenant.id)
    work.enabled = work.enabled - {"probe"}
    work.notify([Notice(people.rep, "core.said", "x")])
    assert heard == []


def test_a_channel_that_fails_undoes_what_it_tells_of(
    people: People, work_as: type_work_as, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_ctx: Context, _notices: Sequence[Told]) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setitem(platform.catalog.specs, NoticeChannel, {"probe.ear": NoticeChannel("ear", _("Ear"), fail, plugin="probe")})
    system = work_as()

    def make_and_tell() -> None:
        with system.transaction(write=True):
            system.records("probe.thing").create({"name": "told"})
            system.notify([Notice(people.rep, "probe.said", "x")])

    with pytest.raises(RuntimeError):
        make_and_tell()
    assert system.records("probe.thing").find(where(name="told")) == []


def test_a_notice_to_nobody_known_is_no_error(work_as: type_work_as, people: People, heard: list[Told]) -> None:
    work_as().notify([Notice(UUID(int=7), "probe.said", "x")])
    assert heard == []
