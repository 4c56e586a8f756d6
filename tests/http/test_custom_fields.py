"""A field that an administrator adds is there with the next request: in every process, for that tenant alone."""

from __future__ import annotations

from typing import Any

import pytest

from core.app import create_app
from core.config import Config
from core.http.openapi.sharing import parameters_of
from core.platform import Platform, boot
from core.testkit.fixtures import Api, Clock, MakeTenant

pytestmark = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
FIELDS, THINGS = "/api/v1/core/custom_fields", "/api/v1/probe/things"
SIZE = {"entity": "probe.thing", "key": "size", "kind": "choice", "label": "Size", "label_zh": "尺寸",
        "options": [{"key": "s", "label": "Small {S}", "label_zh": "小"}, "m"]}  # fmt: skip


@pytest.fixture
def second(platform: Platform, client: Api, clock: Clock, entry_points: Any) -> Any:
    """The same user at another process over the same database."""
    other = boot(platform.config, clock=clock, entry_points=entry_points, check_schema=False)
    assert isinstance(other.config, Config)
    yield Api(other, create_app(other).test_client(use_cookies=False), client.token, client.tenant)
    other.close()


@pytest.mark.feature("P2")
def test_it_is_at_once_in_the_api_of_every_process_and_gone_as_fast(client: Api, second: Api) -> None:
    assert second.get(THINGS, {"custom.size": "s"}).status_code == 400
    made = client.post(FIELDS, SIZE)
    assert made.status_code == 201, made.json
    thing = second.post(THINGS, {"name": "a", "custom.size": "m"})
    assert (thing.status_code, thing.json["custom.size"]) == (201, "m")
    assert client.get(THINGS, {"custom.size": "m", "fields": "custom.size"}).json["data"] == [{"id": thing.json["id"], "custom.size": "m"}]
    batch = second.post(f"{THINGS}/batch", {"items": [{"op": "update", "id": thing.json["id"], "values": {"custom.size": "x"}}]}).json
    assert [error["code"] for error in batch["data"][0]["problem"]["errors"]] == ["unknown_choice"]
    assert client.get(f"{THINGS}/{thing.json['id']}/history").json["data"][0]["changes"]["custom.size"] == [None, "m"]
    assert client.delete(f"{FIELDS}/{made.json['id']}").status_code == 204
    assert second.get(THINGS, {"custom.size": "m"}).json["code"] == "unknown_field"
    assert "custom.size" not in second.get(f"{THINGS}/{thing.json['id']}").json
    assert "custom.size" not in client.get(f"{THINGS}/{thing.json['id']}/history").json["data"][0]["changes"]
    assert client.post(f"{FIELDS}/{made.json['id']}/restore").status_code == 200
    assert second.get(f"{THINGS}/{thing.json['id']}").json["custom.size"] == "m", "what was there is there again"


def test_the_document_of_the_tenant_has_it_in_the_readers_language(client: Api, platform: Platform, make_tenant: MakeTenant) -> None:
    client.post(FIELDS, {**SIZE, "required": True})
    (admin,) = client.get("/api/v1/core/users", {"email": "admin@acme.example"}).json["data"]
    client.patch(f"/api/v1/core/users/{admin['id']}", {"locale": "zh_CN"})
    document = client.get("/api/v1/openapi.json").json
    schemas = document["components"]["schemas"]
    assert schemas["ProbeThing"]["properties"]["custom.size"]["title"] == "尺寸"
    assert schemas["NewProbeThing"]["properties"]["custom.size"]["enum"] == ["s", "m"]
    assert "custom.size" in schemas["NewProbeThing"]["required"]
    asked = [one["name"] for one in parameters_of(document, THINGS, "get")]
    assert {"custom.size", "custom.size[in]", "custom.size[empty]"} <= set(asked)
    other = make_tenant("other")
    user = platform.system(other.id).records("core.user").create({"name": "A", "email": "a@o.example", "roles": ["admin"]})
    assert "custom." not in client.as_user(str(user["email"]), of=other).get("/api/v1/openapi.json").text


def test_who_may_not_change_the_platform_adds_no_field(client: Api, people: Any) -> None:
    assert client.as_user(people.manager).post(FIELDS, SIZE).status_code == 403
    assert client.as_user(people.manager).get(FIELDS).status_code == 403
