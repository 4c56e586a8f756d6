"""Who finds what, in which order, and why."""

from __future__ import annotations

from uuid import UUID

import pytest

import core.search.find
from core.context import Work
from core.entities.records import EntityRecords
from core.testkit.fixtures import Api, People
from sdk.context import id_of

SEARCH = "/api/v1/search"


def names(api: Api, q: str, **more: object) -> list[str]:
    answer = api.get(SEARCH, {"q": q, **more})
    assert answer.status_code == 200, answer.text
    return [row["title"] for group in answer.json["data"] for row in group["records"]]


def test_what_is_so_called_comes_first_then_what_begins_so_then_what_has_it_then_other_fields(client: Api, things: EntityRecords) -> None:
    for name, email in (("has ann in it", None), ("other", "ann@x.example"), ("annual", None), ("Ann", None), ("ann lee", None)):
        things.create({"name": name, "email": email})
    assert names(client, "ANN", limit=50) == ["Ann", "ann lee", "annual", "has ann in it", "other"]


def test_ones_own_come_before_others_and_new_ones_before_old(client: Api, things: EntityRecords, people: People) -> None:
    for name, owner in (("hua 1", people.rep), ("hua 2", None), ("hua 3", None)):
        things.create({"name": name, "owner": owner})
    assert names(client, "hua") == ["hua 3", "hua 2", "hua 1"]
    assert names(client.as_user(people.rep), "hua") == ["hua 1"]


def test_of_very_many_those_so_called_come_first_and_then_the_newest_that_one_may_see(
    client: Api, things: EntityRecords, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.search.find, "_COMMON", 3)
    for number in range(6):
        things.create({"name": f"box {number} blue" if number % 2 else f"box {number}", "owner": people.rep if number < 2 else None})
    things.create({"name": "BOX", "owner": people.rep})
    things.create({"name": "box 6"})
    assert names(client, "box", limit=4) == ["BOX", "box 6", "box 5 blue", "box 4"]
    assert names(client, "box blue") == ["box 5 blue", "box 3 blue", "box 1 blue"]
    assert names(client.as_user(people.rep), "box") == ["BOX", "box 1 blue", "box 0"]
    assert names(client, "box 6 blue") == []


def test_the_answer_says_by_entity_which_field_has_the_words_and_where_they_stand_in_it(
    client: Api, things: EntityRecords, system: Work
) -> None:
    thing = id_of(things.create({"name": "北京华为公司", "email": "li@huawei.com"}))
    system.records("probe.part").create({"thing": thing, "name": "Huawei box"})
    for number in range(6):
        system.records("probe.part").create({"thing": thing, "name": f"part {number}"})
    found = {group["entity"]: group for group in client.get(SEARCH, {"q": "huawei"}).json["data"]}
    assert set(found) == {"probe.thing", "probe.part"}
    (record,) = found["probe.thing"]["records"]
    assert [(one["field"], one["value"], one["marks"]) for one in record["matches"]] == [
        ("name", "北京华为公司", [[2, 4]]), ("email", "li@huawei.com", [[3, 9]]),
    ]  # fmt: skip
    assert (found["probe.part"]["path"], found["probe.part"]["plural_label"]) == ("/api/v1/probe/parts", "Parts")
    (parts,) = client.get(SEARCH, {"q": "part", "limit": 3, "entities": "probe.part,no.such"}).json["data"]
    assert (len(parts["records"]), parts["more"]) == (3, True)
    assert client.get(SEARCH, {"q": "huawei", "entities": "no.such"}).json == {"data": []}


@pytest.mark.feature("B6")
def test_neither_another_ones_record_nor_a_hidden_field_is_found(client: Api, things: EntityRecords, people: People, clerk: UUID) -> None:
    things.create({"name": "mine", "email": "hidden4711@x.example", "owner": people.rep})
    things.create({"name": "mine of another", "owner": None})
    rep, narrow = client.as_user(people.rep), client.as_user(clerk)
    assert (names(rep, "mine"), names(rep, "hidden4711")) == (["mine"], ["mine"])
    assert sorted(names(narrow, "mine")) == ["mine", "mine of another"]
    assert names(narrow, "hidden4711") == names(narrow, "mine hidden4711") == []
    token = client.as_user(people.rep, allows=["probe.part.read"])
    assert names(token, "mine") == []


@pytest.mark.parametrize(
    "query",
    [{}, {"q": ""}, {"q": "a\x00"}, {"q": "x" * 201}, {"q": "a", "limit": "0"}, {"q": "a", "limit": "51"}, {"q": "a", "other": "1"}],
)
def test_what_cannot_be_asked_is_refused_and_no_failure(client: Api, query: dict[str, str]) -> None:
    assert client.get(SEARCH, query).status_code in (400, 422)


def test_signs_find_nothing_and_do_not_fail(client: Api, things: EntityRecords) -> None:
    things.create({"name": "100 %"})
    assert [names(client, q) for q in ("%", "_", "\\", "'; --", "𝟙", "\ud7ff")] == [[], [], [], [], ["100 %"], []]
    assert client.anonymous().get(SEARCH, {"q": "a"}).status_code == 401
