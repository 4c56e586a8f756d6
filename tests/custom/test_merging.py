"""Records of an entity that a tenant has made become one, and come apart again, as those of plugins do."""

from __future__ import annotations

import pytest

from core.testkit.fixtures import Api, People
from tests.custom.conftest import ENTITIES, FIELDS, PROJECTS, type_define

ACCOUNTS = "/api/v1/customers/accounts"
STEPS = "/api/v1/custom/steps"


@pytest.mark.feature("E10")
def test_projects_are_merged_with_all_that_points_to_them_and_come_apart(client: Api, define: type_define) -> None:
    define()
    define(ENTITIES, key="step", plural="steps", label="Step", plural_label="Steps", parent="custom.project")
    define(ENTITIES, key="visit", plural="visits", label="Visit", plural_label="Visits")
    define(FIELDS, entity="custom.project", key="code", kind="text", label="Code", unique=True)
    define(FIELDS, entity="custom.project", key="after", kind="link", label="After", target="custom.project")
    define(FIELDS, entity="custom.visit", key="project", kind="link", label="Project", target="custom.project", indexed=True)
    one = client.post(PROJECTS, {"name": "Bridge"}).json["id"]
    two = client.post(PROJECTS, {"name": "The bridge", "custom.code": "B-1", "custom.after": one}).json["id"]
    other = client.post(PROJECTS, {"name": "Tower", "custom.after": two}).json["id"]
    step = client.post(STEPS, {"name": "Dig", "parent": two}).json["id"]
    visit = client.post("/api/v1/custom/visits", {"name": "First", "custom.project": two}).json["id"]

    done = client.post(f"{PROJECTS}/{one}/merges", {"losers": [two]})
    assert done.status_code == 201, done.text
    assert {entry["entity"] for entry in done.json["moved"]} == {"custom.project", "custom.step", "custom.visit"}

    def points() -> list[object]:
        return [
            client.get(f"{STEPS}/{step}").json["parent"],
            client.get(f"/api/v1/custom/visits/{visit}").json["custom.project"],
            client.get(f"{PROJECTS}/{other}").json["custom.after"],
        ]

    assert points() == [one, one, one]
    assert client.get(f"{PROJECTS}/{one}").json["custom.code"] == "B-1"
    assert client.get("/api/v1/custom/visits", {"custom.project": one}).json["data"][0]["id"] == visit
    led = client.get(f"{PROJECTS}/{two}")
    assert (led.status_code, led.headers["Location"]) == (308, f"{PROJECTS}/{one}")
    (listed,) = client.get(f"{PROJECTS}/{one}/merges").json["data"]
    back = client.post(f"{PROJECTS}/{one}/merges/{listed['id']}/undo")
    assert (back.status_code, back.json["conflicts"]) == (200, [])
    assert points() == [two, two, two]
    assert [client.get(f"{PROJECTS}/{id}").json["custom.code"] for id in (one, two)] == [None, "B-1"]
    assert client.get(f"{STEPS}/{step}/merges").status_code == 404  # parts of others are not merged


def test_records_of_an_entity_that_is_off_follow_a_merge_and_its_undoing_and_count_when_their_owner_leaves(
    client: Api, define: type_define, people: People
) -> None:
    made = define()
    define(FIELDS, entity="custom.project", key="account", kind="link", label="Account", target="customers.account", indexed=True)
    one, two = (client.post(ACCOUNTS, {"name": name}).json["id"] for name in ("One", "Two"))
    project = client.post(PROJECTS, {"name": "Bridge", "custom.account": two, "owner": str(people.rep)}).json["id"]

    def switch(there: bool) -> None:
        answer = client.patch(f"{ENTITIES}/{made['id']}", {"active": there})
        assert answer.status_code == 200, answer.text

    switch(False)
    done = client.post(f"{ACCOUNTS}/{one}/merges", {"losers": [two]})
    assert (done.status_code, done.json["moved"]) == (201, []), done.text
    left = client.post(f"/api/v1/core/users/{people.rep}/departures", {"successor": str(people.reps[1][0]), "dry_run": True})
    assert {"entity": "custom.project", "records": 1} in left.json["off"], left.text
    switch(True)
    assert client.get(f"{PROJECTS}/{project}").json["custom.account"] == one
    switch(False)
    back = client.post(f"{ACCOUNTS}/{one}/merges/{done.json['id']}/undo")
    assert (back.status_code, back.json["conflicts"]) == (200, []), back.text
    switch(True)
    assert client.get(f"{PROJECTS}/{project}").json["custom.account"] == two
    assert client.get(PROJECTS, {"custom.account": two}).json["data"][0]["id"] == project


def test_a_link_in_the_recycle_bin_follows_a_merge_though_another_has_its_name_meanwhile(client: Api, define: type_define) -> None:
    define()
    wish = {"entity": "custom.project", "key": "account", "kind": "link", "label": "Account", "target": "customers.account"}
    old = define(FIELDS, **wish)
    one, two, other = (client.post(ACCOUNTS, {"name": name}).json["id"] for name in ("One", "Two", "Other"))
    project = client.post(PROJECTS, {"name": "Bridge", "custom.account": two}).json["id"]
    assert client.delete(f"{FIELDS}/{old['id']}").status_code == 204
    new = define(FIELDS, **wish)
    assert client.patch(f"{PROJECTS}/{project}", {"custom.account": other}).status_code == 200
    assert client.post(f"{ACCOUNTS}/{one}/merges", {"losers": [two]}).status_code == 201
    assert client.get(f"{PROJECTS}/{project}").json["custom.account"] == other
    assert client.delete(f"{FIELDS}/{new['id']}").status_code == 204
    restored = client.post(f"{FIELDS}/{old['id']}/restore")
    assert restored.status_code == 200, restored.text
    assert client.get(f"{PROJECTS}/{project}").json["custom.account"] == one
