"""The API's document: exactly what its reader may call, at once after a change, and readable as a page."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.http.openapi.document import _document
from core.http.openapi.sharing import parameters_of, share_parameters
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, People
from sdk import Channel, Tenant

THINGS = "/api/v1/probe/things"


def document(api: Api) -> dict[str, Any]:
    """The document as its reader gets it."""
    answer = api.get("/api/v1/openapi.json")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def references(part: object) -> set[str]:
    """All references in a part of a document."""
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(references(one) for one in part.values()))
    return set().union(*(references(one) for one in part)) if isinstance(part, list) else set()


@pytest.mark.feature("P14")
def test_every_reference_in_the_document_leads_somewhere(client: Api) -> None:
    found = document(client)
    for reference in references(found):
        part: Any = found
        for name in reference.removeprefix("#/").split("/"):
            assert name in part, reference
            part = part[name]


@pytest.mark.feature("P14")
def test_every_link_leads_to_an_operation_that_is_there(client: Api, people: People) -> None:
    for api in (client, client.as_user(people.rep)):
        operations = [one for item in document(api)["paths"].values() for one in item.values() if isinstance(one, dict)]
        ids = [one["operationId"] for one in operations]
        assert len(ids) == len(set(ids))
        links = [link for one in operations for answer in one["responses"].values() for link in answer.get("links", {}).values()]
        assert links
        assert {link["operationId"] for link in links} <= set(ids)


@pytest.mark.feature("P14")
def test_the_document_shows_each_user_what_this_user_may_call(client: Api, people: People) -> None:
    admins, reps = document(client)["paths"], document(client.as_user(people.rep))["paths"]
    assert "post" in admins["/api/v1/core/roles"]
    assert "post" not in reps["/api/v1/core/roles"]
    assert "/api/v1/core/plugins/{plugin}" not in reps


@pytest.mark.feature("P14")
def test_the_document_follows_a_change_of_rights_and_of_plugins(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    assert "post" not in document(rep)["paths"]["/api/v1/core/teams"]
    granted = client.post("/api/v1/core/grants", {"role": "sales_rep", "permission": "core.team.create", "scope": "all"})
    assert granted.status_code == 201, granted.text
    assert "post" in document(rep)["paths"]["/api/v1/core/teams"]
    for plugin in ("probe_more", "probe"):
        assert client.patch(f"/api/v1/core/plugins/{plugin}", {"enabled": False}).status_code == 200
    assert not [path for path in document(rep)["paths"] if path.startswith("/api/v1/probe/")]


@pytest.mark.feature("P14")
def test_a_narrowed_token_gets_a_narrowed_document(client: Api, people: People) -> None:
    narrow = client.as_user(people.rep, allows=["probe.thing.read"])
    assert set(document(narrow)["paths"][THINGS]) == {"get"}
    assert "/api/v1/customers/accounts" not in document(narrow)["paths"]


@pytest.mark.feature("P14")
def test_the_document_that_one_has_is_not_sent_again(client: Api) -> None:
    tag = client.get("/api/v1/openapi.json").headers["ETag"]
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": tag}).status_code == 304


def encoded(api: Api, accepts: str, **headers: str) -> TestResponse:
    return api.get("/api/v1/openapi.json", headers={"Accept-Encoding": accepts, **headers})


@pytest.mark.feature("P14")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_the_document_comes_compressed_to_who_takes_it_so_and_each_coding_has_its_tag(client: Api) -> None:
    plain = client.get("/api/v1/openapi.json")
    packed = encoded(client, "gzip, deflate, br")
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"], packed.mimetype) == ("gzip", "Accept-Encoding", "application/json")
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 8 < len(plain.data)
    for unwilling in ("identity", "gzip;q=0", "gzip;q=0.5, identity;q=1", ""):
        answer = encoded(client, unwilling)
        assert ("Content-Encoding" not in answer.headers, answer.data == plain.data) == (True, True), unwilling
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for tag in (packed.headers["ETag"], plain.headers["ETag"]):
        again = encoded(client, "gzip", **{"If-None-Match": tag})
        assert (again.status_code, again.headers["ETag"], again.data) == (304, packed.headers["ETag"], b"")


@pytest.mark.feature("P14")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_what_many_operations_take_is_described_once_and_says_the_same(platform: Platform, client: Api, people: People) -> None:
    for who in ("admin@acme.example", people.rep):
        work = platform.user(client.tenant.id, who, Channel.API)
        with work.transaction():
            before, after = _document(work), _document(work)
        share_parameters(after)
        assert list(after["paths"]) == list(before["paths"])
        for path, item in before["paths"].items():
            for method in item.keys() - {"parameters"}:
                assert parameters_of(after, path, method) == parameters_of(before, path, method)
                assert {**after["paths"][path][method], "parameters": 0} == {**item[method], "parameters": 0}
        inline = [json.dumps(one) for item in after["paths"].values() for part in item.values()
                  for one in (part if isinstance(part, list) else part.get("parameters", ())) if "$ref" not in one]  # fmt: skip
        assert len(inline) == len(set(inline))
        shared = after["components"]["parameters"]
        assert {ref.rpartition("/")[2] for ref in references(after["paths"]) if "/parameters/" in ref} == set(shared), "none without a use"
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in shared)
        assert len(json.dumps(after)) < 0.85 * len(json.dumps(before))


@pytest.mark.feature("P14")
def test_options_names_the_methods_that_the_document_has(client: Api, people: People) -> None:
    assert client.call("OPTIONS", "/api/v1/core/roles").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.as_user(people.rep).call("OPTIONS", "/api/v1/core/roles").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert client.anonymous().call("OPTIONS", "/api/v1/core/roles").status_code == 401


@pytest.mark.feature("P14")
def test_the_page_shows_every_operation_without_a_script(client: Api) -> None:
    answer = client.get("/api/docs", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    for path in document(client)["paths"]:
        assert f"<code>{path}</code>" in answer.text
    assert client.anonymous().get("/api/docs.css").status_code == 200


@pytest.mark.feature("P14")
def test_the_page_opens_with_a_session_and_tells_strangers_how_to_enter(client: Api, platform: Platform, tenant: Tenant) -> None:
    lifecycle.reset_password(platform, tenant.name, f"admin@{tenant.name}.example", "correct horse battery")
    browser = client.flask.application.test_client()
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    stranger = browser.get("/api/docs", headers=html)
    assert stranger.status_code == 401
    assert stranger.mimetype == "text/html"
    assert "POST /api/v1/session" in stranger.text
    signed_in = browser.post("/api/v1/session", json={"email": f"admin@{tenant.name}.example", "password": "correct horse battery"})
    assert signed_in.status_code == 201, signed_in.text
    assert browser.get("/api/docs", headers=html).status_code == 200


@pytest.mark.feature("P18")
def test_a_live_record_cannot_be_restored(client: Api) -> None:
    id = client.post(THINGS, {"name": "x"}).json["id"]
    refused = client.post(f"{THINGS}/{id}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "not_deleted")


@pytest.mark.feature("P15")
def test_a_cursor_of_another_order_is_refused_and_an_invented_one_leads_nowhere(client: Api) -> None:
    for name in "abc":
        client.post(THINGS, {"name": name})
    following = client.get(THINGS, {"limit": "1", "sort": "name"}).json["page"]["next"]
    assert client.get(THINGS, {"limit": "1", "sort": "name", "cursor": following}).json["data"][0]["name"] == "b"
    for cursor, status in ((following, 400), ("garbage", 400), (following[:-3] + "AAA", 404), ("", 200)):
        assert client.get(THINGS, {"cursor": cursor}).status_code == status, cursor


@pytest.mark.feature("P18")
def test_a_tenant_that_is_not_the_tokens_own_is_refused(client: Api, tenant: Tenant) -> None:
    assert client.get("/api/v1/meta", headers={"X-Tenant": tenant.name}).status_code == 200
    refused = client.get("/api/v1/meta", headers={"X-Tenant": "another"})
    assert (refused.status_code, refused.json["code"]) == (404, "choose_tenant")
