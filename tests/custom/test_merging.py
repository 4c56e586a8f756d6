"""Records of an entity that a tenant has made become one, and come apart again, as those of plugins do."""

from __future__ import annotations

import pytest

from core.testkit.fixtures import Api
from tests.custom.conftest import ENTITIES, FIELDS, PROJECTS, type_define

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
