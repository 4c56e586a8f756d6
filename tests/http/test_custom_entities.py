"""An entity that an administrator makes."""

from __future__ import annotations

from core.testkit.fixtures import Api

ENTITIES, FIELDS, PROJECTS = "/api/v1/core/custom_entities", "/api/v1/core/custom_fields", "/api/v1/custom/projects"
PROJECT = {"key": "project", "label": "Project", "label_zh": "项目", "plural_label": "Projects"}


def test_slice(client: Api) -> None:
    assert client.get(PROJECTS).status_code == 404
    made = client.post(ENTITIES, PROJECT)
    assert made.status_code == 201, made.json
    assert made.json["plural"] == "projects"
    field = client.post(FIELDS, {"entity": "custom.project", "key": "budget", "kind": "money", "label": "Budget"})
    assert field.status_code == 201, field.json
    one = client.post(PROJECTS, {"name": "Bridge", "custom.budget": {"amount": "10.00", "currency": "CNY"}})
    assert one.status_code == 201, one.json
    got = client.get(PROJECTS, {"custom.budget[gte]": "5", "sort": "-name", "q": "brid", "count": "true"})
    assert got.status_code == 200, got.json
    assert got.json["page"]["total"] == 1
    document = client.get("/api/v1/openapi.json").json
    assert PROJECTS in document["paths"]
    assert client.call("OPTIONS", PROJECTS).status_code == 204
    assert client.delete(f"{ENTITIES}/{made.json['id']}").json["code"] == "has_records"
