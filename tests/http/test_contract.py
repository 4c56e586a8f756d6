"""What every caller can count on: honest statuses, one shape of error, versions, and no way around."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import jsonschema_rs
import pytest
from flask import Flask

from core.app import create_app
from core.identity import tokens
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Draft, Refusal, Tenant, links

THINGS = "/api/v1/probe/things"
NOBODY = "01900000-0000-7000-8000-000000000000"
PROBLEM = {"type", "title", "status", "detail", "code", "errors", "trace_id"}


def problem(answer: object, status: int, code: str = "") -> dict[str, object]:
    """The body of a refusal, checked to be one."""
    assert answer.status_code == status, answer.text  # type: ignore[attr-defined]
    assert answer.mimetype == "application/problem+json"  # type: ignore[attr-defined]
    body: dict[str, object] = answer.json  # type: ignore[attr-defined]
    assert set(body) == PROBLEM
    assert body["status"] == status
    assert not code or body["code"] == code, body
    return body


def new(client: Api, **values: object) -> str:
    answer = client.post(THINGS, {"name": "x", **values})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


# --- errors ----------------------------------------------------------------------------------------------------------


def refusals(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every class of refusal."""
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in refusals(one))]


@pytest.mark.feature("P18")
@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_is_a_problem_with_its_status_code_and_trace(platform: Platform, kind: type[Refusal]) -> None:
    app: Flask = create_app(platform)

    def view() -> object:
        raise kind("no {what}", what="way")  # type: ignore[arg-type]

    app.view_functions["/health/live"] = view
    answer = app.test_client().get("/health/live", headers={"X-Trace-Id": "trace-4711"})
    body = problem(answer, kind.status, kind.code)
    assert (body["detail"], body["trace_id"], answer.headers["X-Trace-Id"]) == ("no way", "trace-4711", "trace-4711")
    assert kind.status >= 400


@pytest.mark.feature("P18")
def test_a_crash_is_a_500_without_its_text_and_with_a_trace(client: Api) -> None:
    body = problem(client.post(f"{THINGS}/{uuid4()}/pings", {"text": "boom"}), 500, "internal")
    assert "told to fail" not in json.dumps(body)
    assert client.get("/api/v1/probe/entries").json["data"] == [], "nothing is half-written"
    assert client.patch("/api/v1/core/tenant", {"locale": "zh_CN"}).status_code == 200
    body = problem(client.post(f"{THINGS}/{uuid4()}/pings", {"text": "boom"}), 500, "internal")
    assert (body["title"], body["detail"]) == ("内部错误", "这是我们的问题；请告知我们跟踪编号")


@pytest.mark.feature("P18")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/api/v1/nowhere", 404), ("PUT", THINGS, 405), ("GET", "/api/v1/probe/nothings", 404), ("GET", f"{THINGS}/no-id", 404), ("GET", f"{THINGS}/{NOBODY}", 404)],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_too(client: Api, method: str, path: str, status: int) -> None:
    problem(client.call(method, path), status)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"[]", b"7", b'"x"', b"null", b"\xff\xfe", b'{"name": NaN}', b'{"name": "\\ud800"}', b'{"a":' * 5000]
)
def test_a_body_that_is_no_json_object_is_a_400(client: Api, body: bytes) -> None:
    answer = client.call("POST", THINGS, data=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, "malformed_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_a_415(client: Api, kind: str) -> None:
    problem(client.call("POST", THINGS, data=b"{}", headers={"Content-Type": kind}), 415)


def test_a_body_that_is_too_large_is_a_413(platform: Platform, client: Api) -> None:
    body = json.dumps({"name": "x", "note": "y" * platform.config.max_body}).encode()
    problem(client.call("POST", THINGS, data=body, headers={"Content-Type": "application/json"}), 413)
    assert client.get(THINGS).json["data"] == []


@pytest.mark.parametrize(
    "query", [{"colour": "1"}, {"limit": "0"}, {"limit": "x"}, {"limit": "501"}, {"count": "yes"}, {"sort": ","}, {"fields": "colour"}, {"include": "name"}, {"size[like]": "1"}, {"size": "x"}, {"size[": "1"}, {"cursor": "x"}]
)  # fmt: skip
def test_a_query_that_is_not_understood_is_a_400_and_never_ignored(client: Api, query: dict[str, str]) -> None:
    problem(client.get(THINGS, query), 400)


def test_a_link_that_is_included_is_shown_whatever_fields_are_asked_for(client: Api) -> None:
    whole = new(client, name="whole")
    part = new(client, name="part", whole=whole)
    (row,) = client.get(THINGS, {"name": "part", "fields": "name", "include": "whole"}).json["data"]
    assert (set(row), row["whole"]["name"]) == ({"id", "name", "whole"}, "whole")
    assert client.get(f"{THINGS}/{part}", {"fields": "name", "include": "whole"}).json["whole"]["name"] == "whole"


def test_why_a_filter_does_not_fit_is_said_in_the_language_of_the_reader(client: Api) -> None:
    client.patch("/api/v1/core/tenant", {"locale": "zh_CN"})
    body = client.get(THINGS, {"tier": "brass"}).json
    assert body["detail"].endswith("不适用：应为以下之一：gold, silver, tin"), body


def test_a_route_without_parameters_refuses_any(client: Api) -> None:
    problem(client.get("/api/v1/core/plugins", {"plugin": "probe"}), 400, "unknown_parameter")


def test_the_fields_of_a_refused_body_are_named(client: Api) -> None:
    body = problem(client.post(THINGS, {"size": "x", "colour": 1}), 422, "invalid")
    assert {(error["field"], error["code"]) for error in body["errors"]} == {
        ("size", "type"),
        ("colour", "unknown_field"),
        ("name", "required"),
    }  # type: ignore[attr-defined]


def test_a_duplicate_is_a_409(client: Api) -> None:
    new(client, code="one")
    body = problem(client.post(THINGS, {"name": "y", "code": "one"}), 409, "duplicate")
    assert body["errors"][0]["field"] == "code"  # type: ignore[index]


def test_a_problem_is_told_in_the_readers_language(client: Api) -> None:
    answer = client.post(THINGS, {}, headers={"Accept-Language": "zh-CN"})
    problem(answer, 422, "invalid")


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer dw_x",
        "Basic YTpi",
        f"Bearer dw_{'0' * 32}_{'a' * 43}",
        f"bearer dw_{'0' * 32}_{'a' * 43}",
        "Bearer \u00e9",
    ],
)
def test_a_bad_token_is_a_401(client: Api, header: str) -> None:
    answer = client.anonymous().get(THINGS, headers={"Authorization": header} if header else {})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_leaves(
    client: Api, people: People, platform: Platform, clock: Clock, tenant: Tenant
) -> None:
    work = platform.system(tenant.id)
    _id, expiring = tokens.issue(work, people.rep, "short", expires_at=clock.now + timedelta(hours=1))
    revoked_id, revoked = tokens.issue(work, people.rep, "revoked")
    _id, leaving = tokens.issue(work, people.reps[0][1], "leaving")
    callers = [Api(platform, client.flask, token, tenant) for token in (expiring, revoked, leaving)]
    assert [caller.get(THINGS).status_code for caller in callers] == [200, 200, 200]
    clock.move(hours=1)
    work.records("core.token").delete(revoked_id)
    work.records("core.user").update(people.reps[0][1], {"active": False})
    assert [caller.get(THINGS).status_code for caller in callers] == [401, 401, 401]


def test_a_revoked_token_stays_revoked(client: Api) -> None:
    made = client.post("/api/v1/core/tokens", {"name": "short"}).json
    address = f"/api/v1/core/tokens/{made['id']}"
    assert client.delete(address).status_code == 204
    problem(client.post(f"{address}/restore"), 409, "revoked")


def test_only_the_hash_of_a_token_is_kept(client: Api, platform: Platform, tenant: Tenant) -> None:
    shown = client.get("/api/v1/core/tokens").text
    assert client.token not in shown
    assert links.digest_of(client.token) not in shown


def test_a_restricted_token_does_what_it_allows_and_no_more(client: Api) -> None:
    id = new(client)
    admin = "admin@acme.example"
    reader, whole = client.as_user(admin, allows=["probe.thing.read"]), client.as_user(admin, allows=["probe.thing"])
    assert reader.get(THINGS).status_code == 200
    problem(reader.post(THINGS, {"name": "y"}), 403)
    problem(reader.patch(f"{THINGS}/{id}", {"size": 1}), 403)
    problem(reader.get("/api/v1/probe/boards"), 403)
    assert whole.patch(f"{THINGS}/{id}", {"size": 1}).status_code == 200
    assert {name for name in reader.get("/api/v1/openapi.json").json["paths"] if name.startswith("/api/v1/probe")} <= {
        THINGS,
        f"{THINGS}/{{id}}",
        f"{THINGS}/{{id}}/history",
        f"{THINGS}/{{id}}/timeline",
        f"{THINGS}/{{id}}/merges",
    }
    assert [entity["name"] for entity in reader.get("/api/v1/meta").json["entities"]] == ["probe.thing"]


def test_a_token_made_with_a_restricted_token_allows_no_more(client: Api, platform: Platform, tenant: Tenant) -> None:
    reader = client.as_user("admin@acme.example", allows=["probe.thing.read"])
    for wish in (
        None,
        [],
        ["probe.thing.read", "probe.thing.delete"],
        ["probe.thing"],
        ["probe.board.read"],
    ):  # the last two have nothing in common
        made = reader.post("/api/v1/core/tokens", {"name": "more", "allows": wish})
        if made.status_code == 201:
            child = Api(platform, client.flask, made.json["token"], tenant)
            problem(child.post(THINGS, {"name": "y"}), 403)
            problem(child.get("/api/v1/probe/boards"), 403)


def test_a_token_made_with_a_token_ends_with_it_at_the_latest(client: Api, platform: Platform, tenant: Tenant, clock: Clock) -> None:
    soon = (clock.now + timedelta(minutes=5)).isoformat()
    short = client.post("/api/v1/core/tokens", {"name": "short", "expires_at": soon}).json["token"]
    made = Api(platform, client.flask, short, tenant).post("/api/v1/core/tokens", {"name": "for ever"}).json["token"]
    child = Api(platform, client.flask, made, tenant)
    assert child.get(THINGS).status_code == 200
    clock.move(minutes=6)
    problem(child.get(THINGS), 401)


def test_a_token_that_is_revoked_takes_along_those_that_were_made_with_it_and_with_these(
    client: Api, platform: Platform, tenant: Tenant
) -> None:
    def made(by: Api) -> tuple[str, Api]:
        issued = by.post("/api/v1/core/tokens", {"name": "robot"}).json
        return f"/api/v1/core/tokens/{issued['id']}", Api(platform, client.flask, issued["token"], tenant)

    (first, one), (_mine, other) = made(client), made(client)
    middle, child = made(one)
    _last, grandchild = made(child)
    beside, sibling = made(one)
    assert [each.get(THINGS).status_code for each in (one, child, grandchild, sibling)] == [200] * 4
    assert client.delete(middle).status_code == 204
    assert [each.get(THINGS).status_code for each in (one, child, grandchild, sibling)] == [200, 401, 401, 200]
    together = [Draft("delete", id=UUID(address.rpartition("/")[2])) for address in (beside, first)]
    platform.system(tenant.id).records("core.token").write_all(together)
    assert [each.get(THINGS).status_code for each in (one, sibling, other)] == [401, 401, 200]
    assert len(client.get("/api/v1/core/audit", {"entity": "core.token", "action": "delete"}).json["data"]) == 4


def test_a_token_that_would_be_dead_is_not_made(client: Api, clock: Clock) -> None:
    for ends in (clock.now, clock.now - timedelta(days=1)):
        answer = client.post("/api/v1/core/tokens", {"name": "late", "expires_at": ends.isoformat()})
        assert [(one["field"], one["code"]) for one in problem(answer, 422)["errors"]] == [("expires_at", "past")]


def test_an_address_that_is_no_utf_8_is_a_400(client: Api) -> None:
    problem(
        client.flask.get(THINGS, environ_overrides={"QUERY_STRING": "a=\xff"}, headers={"Authorization": f"Bearer {client.token}"}), 400
    )


def test_nobody_issues_a_token_for_somebody_else_without_the_right(client: Api, people: People) -> None:
    rep = client.as_user(people.rep)
    problem(rep.post("/api/v1/core/tokens", {"name": "x", "user": str(people.director)}), 403)
    assert rep.post("/api/v1/core/tokens", {"name": "x"}).status_code == 201
    assert client.post("/api/v1/core/tokens", {"name": "x", "user": str(people.rep)}).status_code == 201


# --- sessions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(platform: Platform, tenant: Tenant) -> Api:
    """A browser, with cookies, of somebody who can sign in."""
    lifecycle.add_person(platform.system(tenant.id), "Ann", "ann@acme.example", ["admin"], "correct horse battery")
    return Api(platform, create_app(platform).test_client(), "", tenant)


def sign_in(browser: Api) -> str:
    answer = browser.post("/api/v1/session", {"email": "ann@acme.example", "password": "correct horse battery"})
    assert answer.status_code == 201, answer.text
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    return str(answer.json["csrf_token"])


def test_a_session_reads_and_writes_with_its_csrf_token_alone(browser: Api) -> None:
    problem(browser.get(THINGS), 401)
    csrf = sign_in(browser)
    assert browser.get(THINGS).status_code == 200
    for headers in ({}, {"X-CSRF-Token": "x"}):
        problem(browser.post(THINGS, {"name": "x"}, headers=headers), 403, "csrf")
    assert browser.post(THINGS, {"name": "x"}, headers={"X-CSRF-Token": csrf}).status_code == 201
    problem(browser.delete("/api/v1/session"), 401)
    assert browser.delete("/api/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    problem(browser.get(THINGS), 401)


def test_a_session_ends_after_its_time(browser: Api, clock: Clock) -> None:
    sign_in(browser)
    clock.move(hours=12)
    problem(browser.get(THINGS), 401)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "ann@acme.example", "password": "wrong password"}, 401), ({"email": "nobody@acme.example", "password": "x"}, 401), ({"email": "ann@acme.example"}, 422),
        ({"email": 7, "password": "x"}, 422), ({"email": "a", "password": "b", "more": 1}, 422), ({}, 422),
    ],
)  # fmt: skip
def test_signing_in_wrongly_is_refused(browser: Api, body: dict[str, object], status: int) -> None:
    problem(browser.post("/api/v1/session", body), status)


def test_a_person_of_two_tenants_names_the_one_to_enter(browser: Api, platform: Platform, make_tenant: MakeTenant, tenant: Tenant) -> None:
    other = make_tenant("other")
    lifecycle.add_person(platform.system(other.id), "Ann", "ann@acme.example", ["admin"], "another password")
    platform.system(other.id).records("probe.thing").create({"name": "theirs"})
    sign_in(browser)
    problem(browser.get(THINGS), 404, "choose_tenant")
    problem(browser.get(THINGS, headers={"X-Tenant": "third"}), 404, "choose_tenant")
    assert browser.get(THINGS, headers={"X-Tenant": "acme"}).json["data"] == []
    assert [row["name"] for row in browser.get(THINGS, headers={"X-Tenant": "other"}).json["data"]] == ["theirs"]


def test_a_suspended_tenant_answers_nobody(client: Api, platform: Platform) -> None:
    lifecycle.set_state(platform, "acme", "suspended")
    problem(client.get(THINGS), 503, "tenant_suspended")
    lifecycle.set_state(platform, "acme", "active")
    assert client.get(THINGS).status_code == 200


# --- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.feature("P20")
def test_a_stale_if_match_is_a_412_and_changes_nothing(client: Api) -> None:
    id = new(client, size=1)
    tag = client.get(f"{THINGS}/{id}").headers["ETag"]
    changed = client.patch(f"{THINGS}/{id}", {"size": 2}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    for stale in (tag, '"v99"', '"nonsense"', "x"):
        problem(client.patch(f"{THINGS}/{id}", {"size": 3}, headers={"If-Match": stale}), 412, "stale")
        problem(client.delete(f"{THINGS}/{id}", headers={"If-Match": stale}), 412, "stale")
    assert client.get(f"{THINGS}/{id}").json["size"] == 2
    now = changed.headers["ETag"]
    for fresh in ("*", now, f"{tag}, {now}", f'"a,b",{now} , "v99"'):
        assert client.patch(f"{THINGS}/{id}", {"size": 2}, headers={"If-Match": fresh}).status_code == 200
    for none in (f'{tag}, "v99"', '"a", "b"', f"{tag},*"):
        problem(client.patch(f"{THINGS}/{id}", {"size": 3}, headers={"If-Match": none}), 412, "stale")
    assert client.delete(f"{THINGS}/{id}", headers={"If-Match": f"{tag}, {now}"}).status_code == 204


@pytest.mark.feature("P20")
def test_who_has_the_record_already_is_told_so_with_a_304(client: Api) -> None:
    id = new(client)
    first = client.get(f"{THINGS}/{id}")
    again = client.get(f"{THINGS}/{id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    client.patch(f"{THINGS}/{id}", {"size": 1})
    assert client.get(f"{THINGS}/{id}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.feature("P20")
def test_what_is_told_beside_a_record_is_another_answer_although_its_version_is_the_same(client: Api) -> None:
    thing = new(client)
    part = client.post("/api/v1/probe/parts", {"thing": thing, "name": "p"}).json["id"]
    address = f"/api/v1/probe/parts/{part}?include=thing"
    tag = client.get(address).headers["ETag"]
    client.patch(f"{THINGS}/{thing}", {"name": "renamed"})
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["ETag"] == tag) == (200, False)
    assert again.json["thing"]["name"] == "renamed"
    described = client.get("/api/v1/openapi.json").json["components"]["parameters"].values()
    examples = {one["example"] for one in described if one["name"] in ("If-Match", "If-None-Match")}
    assert {re.sub("[0-9a-f]", "0", one) for one in examples} == {re.sub("[0-9a-f]", "0", tag)}, "as the description has it"
    for still in (tag, again.headers["ETag"], '"v1"'):  # by its version alone, which has not changed
        assert client.patch(f"/api/v1/probe/parts/{part}", {"name": "p"}, headers={"If-Match": still}).status_code == 200


# --- records ---------------------------------------------------------------------------------------------------------


def test_the_life_of_a_record(client: Api) -> None:
    made = client.post(
        THINGS, {"name": "x", "price": {"amount": "10", "currency": "CNY"}, "day": "2026-01-31", "moment": "2026-01-31T09:30:00+08:00"}
    )
    assert made.status_code == 201
    where = made.headers["Location"]
    assert where == f"{THINGS}/{made.json['id']}"
    assert (made.json["price"], made.json["day"], made.json["moment"]) == (
        {"amount": "10.00", "currency": "CNY"},
        "2026-01-31",
        "2026-01-31T01:30:00Z",
    )
    assert client.get(where).json == made.json
    assert client.patch(where, {"name": "y"}).json["name"] == "y"
    assert client.delete(where).status_code == 204
    problem(client.get(where), 404)
    assert client.post(f"{where}/restore").json["name"] == "y"
    history = client.get(f"{where}/history").json["data"]
    assert [(entry["action"], entry["channel"]) for entry in history] == [
        ("restore", "api"),
        ("delete", "api"),
        ("update", "api"),
        ("create", "api"),
    ]
    assert history[2]["changes"] == {"name": ["x", "y"]}
    one = client.get(f"{where}/history", {"limit": 3}).json
    client.patch(where, {"name": "z"})
    rest = client.get(f"{where}/history", {"limit": 3, "cursor": one["page"]["next"]}).json
    assert (one["data"], rest) == (history[:3], {"data": history[3:], "page": {"next": None}}), "each once, whatever happens meanwhile"
    new(client)
    problem(client.get(f"{where}/history", {"cursor": client.get(THINGS, {"limit": 1}).json["page"]["next"]}), 400, "bad_cursor")


def test_a_batch_answers_for_each_item(client: Api) -> None:
    id = new(client)
    items = [
        {"op": "create", "values": {"name": "a"}}, {"op": "create", "values": {}}, {"op": "update", "id": id, "version": 9, "values": {"size": 1}},
        {"op": "delete", "id": str(uuid4())}, {"op": "create", "values": {"name": "b"}},
    ]  # fmt: skip
    answer = client.post(f"{THINGS}/batch", {"items": items})
    assert answer.status_code == 207
    assert [item["status"] for item in answer.json["data"]] == [201, 422, 412, 404, 201]
    assert set(answer.json["data"][1]["problem"]) == PROBLEM
    assert client.post(f"{THINGS}/batch", {"items": items[:1]}).status_code == 200
    assert client.get(THINGS, {"count": "true"}).json["page"]["total"] == 4


@pytest.mark.parametrize(
    "body",
    [{}, {"items": []}, {"items": {}}, {"items": [7]}, {"items": [{"op": "merge"}]}, {"items": [{"op": "create", "id": NOBODY}]}, {"items": [{"op": "update"}]}, {"items": [{"op": "create"}], "x": 1},
     {"items": [{"op": "delete", "id": "x"}]}, {"items": [{"op": "create", "values": []}]}, {"items": [{"op": "update", "id": NOBODY, "version": "1"}]}, {"items": [{"op": "create"}] * 1001}],
)  # fmt: skip
def test_a_batch_of_another_form_is_a_400(client: Api, body: dict[str, object]) -> None:
    problem(client.post(f"{THINGS}/batch", body), 400)


def test_a_route_validates_its_body_and_asks_for_its_permission(client: Api, people: People) -> None:
    path = f"{THINGS}/{new(client)}/pings"
    assert client.post(path, {"text": "x"}).json == {"text": "x", "times": 1}
    for sent, named in (({"times": "many", "text": "x"}, {"times"}), ({"more": 1}, {"text", "more"})):
        body = problem(client.post(path, sent), 422)
        assert {error["field"] for error in body["errors"]} == named  # type: ignore[attr-defined]
    problem(client.as_user(people.rep).post(path, {"text": "x"}), 403)
    assert client.as_user(people.manager).post(path, {"text": "x"}).status_code == 201


# --- the gate --------------------------------------------------------------------------------------------------------


def flat(document: dict[str, object]) -> str:
    return json.dumps(document)


@pytest.mark.feature("P9")
def test_a_plugin_that_is_off_is_404_and_absent_and_its_data_stay(client: Api) -> None:
    id = new(client, **{"probe_more.points": 5})
    assert client.patch("/api/v1/core/plugins/probe_more", {"enabled": False}).status_code == 200
    assert "probe_more" not in flat(client.get("/api/v1/openapi.json").json)
    assert "probe_more" not in flat(client.get("/api/v1/meta").json)
    assert "probe_more.points" not in client.get(f"{THINGS}/{id}").json
    problem(client.get(THINGS, {"probe_more.points": "5"}), 400, "unknown_field")
    problem(client.get("/api/v1/probe_more/points"), 404)
    problem(client.patch(f"{THINGS}/{id}", {"probe_more.points": 6}), 422)
    assert client.patch(f"{THINGS}/{id}", {"name": "veto"}).status_code == 200, "its veto is not asked"
    assert client.patch("/api/v1/core/plugins/probe", {"enabled": False}).status_code == 200
    for method, path in (
        ("GET", THINGS),
        ("POST", THINGS),
        ("GET", f"{THINGS}/{id}"),
        ("POST", f"{THINGS}/{id}/pings"),
        ("POST", f"{THINGS}/batch"),
    ):
        problem(client.call(method, path, json={} if method == "POST" else None), 404)
    assert "/api/v1/probe/" not in flat(client.get("/api/v1/openapi.json").json)
    for name in ("probe", "probe_more"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": True}).status_code == 200
    row = client.get(f"{THINGS}/{id}").json
    assert (row["name"], row["probe_more.points"]) == ("veto", 5)


@pytest.mark.feature("P9")
def test_a_plugin_is_on_for_one_tenant_and_off_for_another_in_the_same_process(
    client: Api, platform: Platform, make_tenant: MakeTenant
) -> None:
    other = make_tenant("other", plugins=["customers"])
    admin = lifecycle.add_person(platform.system(other.id), "Admin", "admin@other.example", ["admin"], None)
    api = client.as_user(admin, of=other)
    assert client.get(THINGS).status_code == 200
    problem(api.get(THINGS), 404)
    assert api.get("/api/v1/meta").json["plugins"] == ["customers"]
    problem(api.patch("/api/v1/core/plugins/probe_more", {"enabled": True}), 409, "plugin_requires")
    asks = next(one["asks"] for one in api.get("/api/v1/core/plugins").json["data"] if one["name"] == "probe")
    assert api.patch("/api/v1/core/plugins/probe", {"enabled": True, "approves": asks}).status_code == 200
    assert api.get(THINGS).status_code == 200


@pytest.mark.feature("P9")
def test_a_plugin_that_another_requires_cannot_be_switched_off(client: Api) -> None:
    problem(client.patch("/api/v1/core/plugins/probe", {"enabled": False}), 409, "plugin_required")
    problem(client.patch("/api/v1/core/plugins/nothing", {"enabled": True}), 404)


@pytest.mark.feature("P9")
def test_only_who_may_switches_plugins(client: Api, people: People) -> None:
    problem(client.as_user(people.director).patch("/api/v1/core/plugins/probe_more", {"enabled": False}), 403)


# --- the document ----------------------------------------------------------------------------------------------------


@pytest.mark.feature("P14")
def test_the_document_is_openapi_3_1_and_its_schemas_are_json_schema(client: Api, people: People) -> None:
    for api in (client, client.as_user(people.rep)):
        document = api.get("/api/v1/openapi.json").json
        assert document["openapi"].startswith("3.1")
        assert document["info"]["title"]
        names = [
            operation["operationId"]
            for path in document["paths"].values()
            for word, operation in path.items()
            if word in ("get", "post", "patch", "delete", "put")
        ]
        assert len(names) == len(set(names))
        known = document["components"]["schemas"]
        for schema in known.values():
            jsonschema_rs.meta.validate(schema)
        for reference in {part.partition('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}:
            there = document
            for step in reference.removeprefix("#/").split("/"):
                assert step in there, reference
                there = there[step]


@pytest.mark.feature("P14")
def test_a_record_is_as_the_document_describes_it(client: Api) -> None:
    new(client, size=1, price={"amount": "1"}, day="2026-01-01", moment="2026-01-01T00:00:00Z", tags=["a"], **{"probe_more.points": 3})
    document = client.get("/api/v1/openapi.json").json
    schema = {"$ref": "#/components/schemas/ProbeThing", "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema)
    for row in client.get(THINGS).json["data"]:
        validator.validate(row)


@pytest.mark.feature("P14")
def test_the_document_holds_what_its_reader_can_call(client: Api, people: People) -> None:
    admin, rep = (api.get("/api/v1/openapi.json").json["paths"] for api in (client, client.as_user(people.rep)))
    assert "/api/v1/probe/things/{id}/pings" in admin
    assert "/api/v1/probe/things/{id}/pings" not in rep
    assert "post" in admin["/api/v1/probe/boards"]
    assert "post" not in rep["/api/v1/probe/boards"]
    assert "/api/v1/core/grants" not in rep


def test_the_health_says_live_and_ready_without_a_token(client: Api) -> None:
    anonymous = client.anonymous()
    assert anonymous.get("/health/live").json == {"status": "ok"}
    assert anonymous.get("/health/ready").json["plugins"]["probe"] == "loaded"


def test_what_browsers_must_know_is_in_every_answer(client: Api) -> None:
    for answer in (client.get(THINGS), client.get("/nowhere"), client.anonymous().get(THINGS)):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
