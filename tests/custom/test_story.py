"""An entity that an administrator makes is whole at once: one story over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from core.app import create_app
from core.platform import Platform, boot
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Tenant
from tests.automation.test_webhooks import Receiver
from tests.console.site import Site
from tests.custom.conftest import ENTITIES, FIELDS, PROJECTS, type_define

GRANTS, ROLES, MONEY = "/api/v1/core/grants", "/api/v1/core/roles", {"currency": "USD"}


@pytest.fixture
def second(platform: Platform, client: Api, clock: Clock, entry_points: Any) -> Any:
    """The same user at another process over the same database."""
    other = boot(platform.config, clock=clock, entry_points=entry_points, check_schema=False)
    yield Api(other, create_app(other).test_client(use_cookies=False), client.token, client.tenant)
    other.close()


def _fields(define: type_define) -> None:
    for key, kind, label, more in (
        ("budget", "money", "预算", {}), ("code", "text", "编号", {"unique": True}),
        ("phase", "choice", "阶段", {"options": [{"key": "plan", "label": "Plan", "label_zh": "规划"}, "build"], "default": "plan"}),
        ("account", "link", "客户", {"target": "customers.account"}), ("memo", "text", "备注", {"sensitive": True, "search": True}),
    ):  # fmt: skip
        define(FIELDS, entity="custom.project", key=key, kind=kind, label=key.capitalize(), label_zh=label, **more)


@pytest.mark.feature("P1")
def test_a_project_is_in_every_door_within_the_minute(
    client: Api, second: Api, define: type_define, receiver: Receiver, drain: Callable[[], int], people: People, make_tenant: MakeTenant,
    tenant: Tenant,
) -> None:  # fmt: skip
    assert second.get(PROJECTS).status_code == 404
    made = define()
    _fields(define)
    account = client.post("/api/v1/customers/accounts", {"name": "华为"}).json

    # CRUD, in a process that was running before there was such an entity
    new = second.post(
        PROJECTS, {"name": "大桥", "custom.code": "B-1", "custom.budget": {"amount": "100.00", **MONEY}, "custom.account": "华为"}
    )
    assert (new.status_code, new.headers["Location"]) == (201, f"{PROJECTS}/{new.json['id']}"), new.text
    bridge = f"{PROJECTS}/{new.json['id']}"
    assert new.json["custom.phase"] == "plan"
    assert client.patch(bridge, {"custom.phase": "build"}, headers={"If-Match": new.headers["ETag"]}).status_code == 200
    assert client.patch(bridge, {"name": "x"}, headers={"If-Match": new.headers["ETag"]}).status_code == 412
    twin = client.post(PROJECTS, {"name": "Tower", "custom.code": "B-1"})
    assert (twin.status_code, twin.json["errors"][0]["field"]) == (409, "custom.code")
    items = [{"op": "create", "values": {"name": f"P{n}", "custom.budget": {"amount": str(n), **MONEY}}} for n in range(4)]
    assert client.post(f"{PROJECTS}/batch", {"items": items}).status_code == 200
    first = second.get(PROJECTS, {"sort": "-custom.budget", "limit": "3", "count": "true", "fields": "name"}).json
    rest = client.get(PROJECTS, {"sort": "-custom.budget", "limit": "3", "fields": "name", "cursor": first["page"]["next"]}).json
    assert [row["name"] for row in first["data"] + rest["data"]] == ["大桥", "P3", "P2", "P1", "P0"]
    assert first["page"]["total"] == 5
    found = client.get(PROJECTS, {"q": "大桥", "custom.account": account["id"], "include": "custom.account", "custom.phase": "build"}).json
    assert [row["custom.account"]["name"] for row in found["data"]] == ["华为"]
    assert client.delete(bridge).status_code == 204
    assert client.get(bridge).status_code == 404
    assert client.post(f"{bridge}/restore").status_code == 200
    assert [entry["action"] for entry in client.get(f"{bridge}/history").json["data"]] == ["restore", "delete", "update", "create"]
    client.post("/api/v1/teamwork/comments", {"about": {"entity": "custom.project", "id": new.json["id"]}, "body": "gut"})
    upload = {"about": f"custom.project:{new.json['id']}", "file": (BytesIO(b"plan"), "plan.txt")}
    assert client.call("POST", "/api/v1/teamwork/uploads", data=upload, content_type="multipart/form-data").status_code == 201
    assert {entry["entity"] for entry in client.get(f"{bridge}/timeline").json["data"]} >= {"teamwork.comment"}

    # found from every page, as what the menu leads to
    console = Site(client)
    assert f"/console/custom/projects/{new.json['id']}" in console.get("/palette", {"q": "大桥"}).links().values()
    assert {"/console/custom/projects", "/console/custom/projects/new"} <= {*console.get("/palette", {"q": "proj"}).links().values()} | {
        *console.get("/palette", {"q": "new proj"}).links().values()
    }
    assert console.get("/find", {"q": "大桥"}).texts("//main//h2") == ["Projects"]

    # what the tenant has, and how it is described
    meta = {one["name"]: one for one in second.get("/api/v1/meta").json["entities"]}
    assert (meta["custom.project"]["path"], meta["custom.project"]["label"]) == (PROJECTS, "Project")
    document = client.get("/api/v1/openapi.json").json
    assert {"get", "post"} <= document["paths"][PROJECTS].keys()
    assert "custom.budget" in document["components"]["schemas"]["CustomProject"]["properties"]
    assert client.call("OPTIONS", PROJECTS).headers["Allow"] == "GET, HEAD, OPTIONS, POST"

    # import with its template, by a match key
    template = client.get("/api/v1/import_export/templates/custom.project")
    assert template.status_code == 200
    assert template.text.startswith("\ufeffName *,Owner,Budget,Code,Phase [Plan|build],Account,Memo")
    rows = "name,custom.code,custom.budget\n大桥,B-1,250.00 USD\nTunnel,T-1,7.00 USD\n,T-2,1\n".encode()
    wish = {"entity": "custom.project", "mode": "upsert", "match": "custom.code", "file": (BytesIO(rows), "p.csv")}
    begun = client.call("POST", "/api/v1/import_export/imports", data=wish, content_type="multipart/form-data")
    assert begun.status_code == 202, begun.text
    drain()
    done = client.get(f"/api/v1/import_export/imports/{begun.json['id']}").json
    assert (done["created"], done["updated"], done["failed"]) == (1, 1, 1), done

    # report
    asked = {"entity": "custom.project", "measure": "sum:custom.budget", "by": "custom.account", "where": "custom.phase=build"}
    assert client.get("/api/v1/reports/query", asked).json["data"] == [
        {"custom.account": "华为", "custom.account.id": account["id"], "sum:custom.budget": {"amount": "250.00", **MONEY}}
    ]

    # roles: nobody has it before it is given, and then as far as it is given
    rep = client.as_user(people.rep)
    assert rep.get(PROJECTS).status_code == 403
    assert "custom.project" not in {one["name"] for one in rep.get("/api/v1/meta").json["entities"]}
    (role,) = client.get(ROLES, {"key": "sales_rep"}).json["data"]
    for verb, more in (("read", {"scope": "own"}), ("read", {"scope": "all", "only_fields": ["name"]}), ("create", {"scope": "own"})):
        given = client.post(GRANTS, {"role": role["id"], "permission": f"custom.project.{verb}", **more})
        assert given.status_code == 201, given.text
    mine = rep.post(PROJECTS, {"name": "Mine", "custom.memo": "leise"}).json
    seen = {row["name"]: row for row in rep.get(PROJECTS).json["data"]}
    assert (seen["Mine"]["custom.memo"], "custom.budget" in seen["大桥"]) == ("leise", False)
    assert rep.patch(f"{PROJECTS}/{mine['id']}", {"name": "x"}).status_code == 403
    why = rep.get("/api/v1/core/explanations", {"action": "custom.project.read", "record": new.json["id"], "field": "custom.budget"}).json
    assert (why["allowed"], why["reason"]) == (False, "field_hidden")
    narrow = client.as_user("admin@acme.example", allows=["custom.project.read"])
    assert (narrow.get(PROJECTS).status_code, narrow.post(PROJECTS, {"name": "no"}).status_code) == (200, 403)

    # followed as anything else
    assert rep.post("/api/v1/teamwork/follows", {"about": f"custom.project:{mine['id']}"}).status_code == 201
    assert client.patch(f"{PROJECTS}/{mine['id']}", {"name": "Ours"}).status_code == 200
    drain()
    (notice,) = rep.get("/api/v1/teamwork/notifications").json["data"]
    assert (notice["title"], notice["body"].rpartition(": ")[2]) == ("Update on Ours", "Name")

    # webhook and rule
    hook = client.post("/api/v1/automation/webhooks", {"name": "erp", "url": receiver.url, "entity": "custom.project"})
    assert hook.status_code == 201, hook.text
    action = {"action": "automation.update_record", "parameters": {"values": {"custom.memo": "watched"}}}
    back = {"kind": "automation.expression", "parameters": {"expression": "custom.phase == 'plan' && old.custom.phase == 'build'"}}
    rule = {"name": "r", "entity": "custom.project", "trigger": "automation.updated", "conditions": [back], "actions": [action]}
    saved = client.post("/api/v1/automation/rules", rule)
    client.patch(bridge, {"custom.phase": "plan"})
    drain()
    told = [body for body in receiver.bodies if body["data"]["record"]["name"] == "大桥"]
    assert (told[0]["type"], told[0]["data"]["entity"], told[0]["data"]["changed"]) == (
        "custom.project.updated",
        "custom.project",
        ["custom.phase"],
    )
    assert saved.status_code == 201, saved.text
    assert client.get(bridge).json["custom.memo"] == "watched"

    # another tenant has none of it
    other = make_tenant("other")
    user = client.platform.system(other.id).records("core.user").create({"name": "A", "email": "a@o.example", "roles": ["admin"]})
    theirs = client.as_user(str(user["email"]), of=other)
    assert theirs.get(PROJECTS).status_code == 404
    assert not {word for word in ("custom.", "/custom/") if word in theirs.get("/api/v1/openapi.json").text}
    assert client.delete(f"{ENTITIES}/{made['id']}").json["code"] == "has_records"
