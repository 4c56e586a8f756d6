"""The audit as people read it, and what stands in it beside records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from core.app import create_app
from core.context import Work
from core.http.pipeline import Endpoint
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, People, type_work_as
from sdk import Channel, Forbidden, where

THINGS, AUDIT = "/api/v1/probe/things", "/api/v1/core/audit"
on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)


def listed(api: Api, **query: str) -> list[dict[str, Any]]:
    answer = api.get(AUDIT, query)
    assert answer.status_code == 200, answer.text
    return list(answer.json["data"])


@pytest.mark.feature("B10")
def test_the_audit_is_listed_and_filtered(client: Api, work_as: type_work_as) -> None:
    thing = client.post(THINGS, {"name": "one", "phone": "+86 10 1234 5678"}).json
    client.patch(f"{THINGS}/{thing['id']}", {"name": "two"})
    work_as(channel=Channel.RULE).records("probe.thing").update(UUID(thing["id"]), {"name": "three"})
    found = listed(client, record=f"probe.thing:{thing['id']}", sort="-at")
    assert [(row["channel"], row["action"], row["actor"]) for row in found] == [
        ("rule", "update", "system"), ("api", "update", "Admin"), ("api", "create", "Admin"),
    ]  # fmt: skip
    assert found[0]["changes"] == {"name": ["two", "three"]}
    assert found[2]["changes"]["phone"] == [None, "•••"]
    assert found[0]["record"] == {"entity": "probe.thing", "id": thing["id"]}
    assert listed(client, channel="rule", entity="probe.thing") == found[:1]
    assert listed(client, user=found[1]["user"], action="update", entity="probe.thing") == found[1:2]
    assert client.get(AUDIT, {"changes": "x"}).status_code == 400
    assert client.get(AUDIT, {"sort": "changes"}).status_code == 400
    assert client.post(AUDIT, {}).status_code == 405
    assert client.get(f"{AUDIT}/{found[0]['id']}").json["changes"] == {"name": ["two", "three"]}
    assert client.get(AUDIT, {"fields": "changes", "record": f"probe.thing:{thing['id']}"}).json["data"][0].keys() == {"id", "changes"}


@pytest.fixture
def clerk(client: Api, people: People, work_as: type_work_as) -> Api:
    """Sees the audit, and of things the name of all and the size of own ones."""
    work = work_as()
    role = work.records("core.role").create({"key": "clerk", "name": "Clerk"})["id"]
    for permission, scope, fields in (
        ("core.audit.read", "all", None), ("probe.thing.read", "all", ["name"]), ("probe.thing.read", "own", ["name", "size"]),
    ):  # fmt: skip
        work.records("core.grant").create({"role": role, "permission": permission, "scope": scope, "only_fields": fields})
    work.records("core.user").update(people.rep, {"roles": ["clerk"]})
    return client.as_user(people.rep)


@pytest.mark.feature("B10")
def test_who_reads_the_audit_sees_no_field_that_is_hidden_elsewhere(client: Api, clerk: Api, people: People) -> None:
    assert client.as_user(people.manager).get(AUDIT).status_code == 403, "the audit has a right of its own"
    theirs = client.post(THINGS, {"name": "theirs", "size": 3}).json["id"]
    own = client.post(THINGS, {"name": "own", "size": 4, "owner": str(people.rep)}).json["id"]
    gone = client.post(THINGS, {"name": "gone", "size": 5, "owner": str(people.rep)}).json["id"]
    board = client.post("/api/v1/probe/boards", {"name": "secret"}).json["id"]
    client.delete(f"{THINGS}/{gone}")

    def shown(entity: str, id: object) -> set[str]:
        return set().union(*(row["changes"] for row in listed(clerk, record=f"{entity}:{id}")))

    assert shown("probe.thing", own) == {"name", "size"}
    assert shown("probe.thing", theirs) == {"name"}
    assert shown("probe.thing", gone) == {"name"}, "of what is gone, what is seen on all"
    assert shown("probe.board", board) == set()
    assert shown("core.tenant", client.tenant.id) == {"name", "plugins"}  # type: ignore[union-attr]
    work = clerk.platform.user(client.tenant.id, people.rep, Channel.API)  # type: ignore[union-attr]
    entries = [row for row in work.records("core.audit").find(()) if row["action"] != "refused"]
    assert {name for row in entries for name in row["changes"] or {}} & {"permission", "only_fields"} == set()


@on_sqlite
@pytest.mark.feature("B10")
def test_switches_settings_and_the_life_of_the_tenant_are_in_the_audit(client: Api, platform: Platform) -> None:
    assert client.patch("/api/v1/core/plugins/probe_more", {"enabled": False}).status_code == 200
    client.patch("/api/v1/core/plugins/probe_more", {"enabled": False})
    client.patch("/api/v1/core/tenant", {"locale": "zh_CN"})
    lifecycle.set_state(platform, "acme", "suspended")
    lifecycle.set_state(platform, "acme", "suspended")
    lifecycle.set_state(platform, "acme", "active")
    told = [
        (row["entity"], row["action"], row["channel"], row["changes"])
        for row in listed(client, sort="at")
        if row["record"]["id"] == str(client.tenant.id)
    ]  # type: ignore[union-attr]
    assert told[0][:3] == ("core.tenant", "create", "cli")
    assert told[1:] == [
        ("core.plugin", "update", "api", {"probe_more": [True, False]}),
        ("core.tenant", "update", "api", {"locale": ["en", "zh_CN"]}),
        ("core.tenant", "update", "cli", {"state": ["active", "suspended"]}),
        ("core.tenant", "update", "cli", {"state": ["suspended", "active"]}),
    ]


@pytest.mark.feature("B8")
def test_an_attempt_without_a_special_right_is_undone_and_stands_in_the_audit(client: Api, platform: Platform) -> None:
    thing = UUID(client.post(THINGS, {"name": "one"}).json["id"])

    def attempt(work: Work, _path: Mapping[str, str]) -> object:
        work.records("probe.thing").update(thing, {"name": "half-way"})
        raise work.refused("probe.thing.export", thing)

    app = create_app(platform)
    app.view_functions["/api/v1/core/roles"] = Endpoint(platform, "core", attempt)
    refused = Api(platform, app.test_client(), client.token, client.tenant).post("/api/v1/core/roles")
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert client.get(f"{THINGS}/{thing}").json["name"] == "one"
    (entry,) = listed(client, action="refused")
    assert (entry["action"], entry["actor"], entry["channel"]) == ("refused", "Admin", "api")
    assert (entry["entity"], entry["record"]["id"], entry["changes"]) == (
        "probe.thing",
        str(thing),
        {"permission": [None, "probe.thing.export"]},
    )
    assert [row["action"] for row in client.get(f"{THINGS}/{thing}/history").json["data"]] == ["create"]


def test_an_attempt_at_no_record_in_particular_names_none(client: Api, people: People, work_as: type_work_as) -> None:
    rep = work_as(people.rep)
    with pytest.raises(Forbidden), rep.transaction(write=True):
        rep.require("core.mail.check")
    (entry,) = listed(client, action="refused")
    assert (entry["entity"], entry["record"]) == ("core.mail", None)
    (row,) = work_as().records("core.audit").find(where(action="refused"))
    assert row["record"] is None


@pytest.mark.feature("B8")
def test_attempts_that_come_again_are_counted_and_not_each_an_entry(
    client: Api, people: People, work_as: type_work_as, clock: Clock
) -> None:
    rep = client.as_user(people.rep)

    def told() -> list[tuple[str, object]]:
        entries = [(row["entity"], row["changes"].get("times", [None, 1])[1]) for row in listed(client, action="refused")]
        return sorted(entries, key=str)

    for _n in range(25):
        assert rep.get("/api/v1/core/audit").status_code == 403
    assert told() == [("core.audit", 1), ("core.audit", 10)], "one at once, and the next ten together"
    with pytest.raises(Forbidden), (work := work_as(people.manager)).transaction(write=True):
        work.require("core.audit.read")
    assert ("core.audit", 1) in told()
    assert len(told()) == 3, "another's attempt is another's"
    clock.move(hours=1)
    assert rep.get("/api/v1/core/audit").status_code == 403
    assert ("core.audit", 15) in told(), "what was left over, and the new one"
    for number in range(30):
        with pytest.raises(Forbidden), (work := work_as(people.rep)).transaction(write=True):
            raise work.refused("probe.thing.export", UUID(int=number + 1))
    assert [times for entity, times in told() if entity == "probe.thing"] == [1] * 20 + [10], (
        "whoever tries all records does not look like one who tried one"
    )


@on_sqlite
@pytest.mark.feature("B10")
def test_what_a_person_does_with_a_session_comes_through_the_page(client: Api, platform: Platform, clock: Clock) -> None:
    lifecycle.add_person(platform.system(client.tenant.id), "Ann", "ann@acme.example", ["admin"], "correct horse battery")  # type: ignore[union-attr]
    browser = Api(platform, client.flask.application.test_client(), "", client.tenant)
    csrf = browser.post("/api/v1/session", {"email": "ann@acme.example", "password": "correct horse battery"}).json["csrf_token"]
    made = browser.post(THINGS, {"name": "one"}, headers={"X-CSRF-Token": csrf}).json["id"]
    assert [row["channel"] for row in listed(client, record=f"probe.thing:{made}")] == ["page"]
