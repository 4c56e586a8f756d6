"""A write that is sent again under its key is not done again."""

from __future__ import annotations

import io
import threading
from uuid import uuid4

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from core.events import upkeep
from core.http import idempotency
from core.http.idempotency import Answer, Once, answers
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People, type_work_as
from sdk import Download
from tests.probe.fixtures import OURS

THINGS = "/api/v1/probe/things"


def send(api: Api, body: object, key: str, path: str = THINGS, method: str = "POST", **headers: str) -> TestResponse:
    return api.call(method, path, json=body, headers={"Idempotency-Key": key, **headers})


def names(api: Api) -> list[str]:
    return sorted(row["name"] for row in api.get(THINGS).json["data"])


def kept(platform: Platform, api: Api) -> int:
    assert api.tenant is not None
    with platform.database.begin(write=False, tenant=api.tenant.id) as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(answers)).scalar_one())


@pytest.mark.feature("P17")
def test_a_key_sent_twice_makes_one_record_with_one_answer(client: Api) -> None:
    first, again = (send(client, {"name": "one"}, f'"{key}"') for key in ["k-1"] * 2)
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    for header in ("Location", "ETag", "Content-Type"):
        assert again.headers[header] == first.headers[header]
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert first.headers["X-Trace-Id"] != again.headers["X-Trace-Id"], "each request has its own line in the log"
    assert send(client, {"name": "one"}, "k-1").data == first.data, "quoted (RFC 8941) or bare, it is one key"
    assert names(client) == ["one"]


@pytest.mark.feature("P17")
def test_a_key_with_another_request_is_refused(client: Api) -> None:
    made = send(client, {"name": "one"}, "k-1").json
    for refused in (
        send(client, {"name": "two"}, "k-1"),
        send(client, {"name": "one"}, "k-1", f"{THINGS}/{made['id']}", "PATCH"),
        send(client, {"name": "one"}, "k-1", f"{THINGS}?x=1"),
    ):
        assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert names(client) == ["one"]


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_changes_and_deletions_are_repeated_as_they_were(client: Api) -> None:
    address = f"{THINGS}/{send(client, {'name': 'one'}, 'k-1').json['id']}"
    for method, body, headers in (("PATCH", {"name": "two"}, {"If-Match": '"v1"'}), ("DELETE", None, {}), ("POST", None, {})):
        where = f"{address}/restore" if method == "POST" else address
        first, again = (send(client, body, f"k-{method}", where, method, **headers) for _time in range(2))
        assert first.status_code in (200, 204), first.text
        assert (again.status_code, again.data, again.headers.get("ETag")) == (first.status_code, first.data, first.headers.get("ETag"))
    assert len(client.get(f"{address}/history").json["data"]) == 4


@pytest.mark.feature("P17")
def test_what_failed_leaves_neither_effect_nor_key(platform: Platform, client: Api) -> None:
    thing = client.post(THINGS, {"name": "one"}).json["id"]
    assert send(client, {"text": "boom"}, "k-1", f"{THINGS}/{thing}/pings").status_code == 500
    assert send(client, {"name": "refuse"}, "k-1").status_code == 422
    assert (kept(platform, client), client.get("/api/v1/probe/entries").json["data"]) == (0, [])
    assert send(client, {"name": "two"}, "k-1").status_code == 201, "nothing was done under the key, so it is free"


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_key_is_its_callers_own(client: Api, people: People, platform: Platform) -> None:
    rep, narrow = client.as_user(people.rep), client.as_user(people.rep, allows=["probe.thing.create"])
    made = [send(api, {"name": "mine"}, "k-1") for api in (client, rep, narrow)]
    assert [answer.status_code for answer in made] == [201] * 3
    assert len({answer.json["id"] for answer in made}) == 3
    assert set(made[2].json) == {"id"}, "who may not read is not told what another token of the same person was"


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_an_answer_with_a_secret_is_kept_sealed(platform: Platform, client: Api) -> None:
    first, again = (send(client, {"name": "robot"}, "k-1", "/api/v1/core/tokens") for _time in range(2))
    assert (first.status_code, again.json) == (201, first.json)
    with platform.database.begin(write=False, tenant=client.tenant.id) as connection:  # type: ignore[union-attr]
        (row,) = connection.execute(sa.select(answers)).mappings()
    assert first.json["token"] not in str(dict(row))


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_key_lives_for_a_day(platform: Platform, client: Api, clock: Clock, work_as: type_work_as) -> None:
    first = send(client, {"name": "one"}, "k-1").json["id"]
    clock.move(hours=23, minutes=59)
    upkeep.forget_finished(work_as())
    assert send(client, {"name": "one"}, "k-1").json["id"] == first
    clock.move(minutes=1)
    assert send(client, {"name": "other"}, "k-1").status_code == 201, "a day later it is a new key, pruned or not"
    clock.move(days=1)
    upkeep.forget_finished(work_as())
    assert kept(platform, client) == 0


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
@pytest.mark.parametrize("key", ["", '" "' + "x" * 300, "tab\there", "k\u00e9y"])
def test_a_key_that_is_none_is_refused(client: Api, key: str) -> None:
    refused = send(client, {"name": "one"}, key)
    assert (refused.status_code, refused.json["code"]) == (400, "malformed_idempotency_key")
    assert names(client) == []


@pytest.mark.feature("P17")
def test_twins_at_the_same_moment_make_one_record(client: Api) -> None:
    sent: list[TestResponse] = []
    start = threading.Barrier(4)

    def one() -> None:
        start.wait()
        sent.append(
            send(Api(client.platform, client.flask.application.test_client(use_cookies=False), client.token), {"name": "one"}, "k-1")
        )

    twins = [threading.Thread(target=one) for _number in range(4)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert {answer.status_code for answer in sent} <= {201, 409}
    assert len({answer.data for answer in sent if answer.status_code == 201}) == 1
    assert {answer.json["code"] for answer in sent if answer.status_code == 409} <= {"idempotency_key_in_use"}
    assert names(client) == ["one"]


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_who_comes_while_the_first_is_at_work_is_told_to_come_again(client: Api, work_as: type_work_as) -> None:
    work = work_as()
    with work.transaction(write=True):
        assert Once(work, client.token, "k-1", "").earlier() is None
        refused = send(client, {"name": "one"}, "k-1")
        assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (409, "idempotency_key_in_use", "1")
    assert send(client, {"name": "one"}, "k-1").status_code == 201


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_a_browser_waits_for_its_first_click_and_gets_that_answer(work_as: type_work_as, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the answer to the second click alone."""
    begun, wanted = threading.Event(), threading.Event()

    def first() -> None:
        work = work_as()
        with work.transaction(write=True):
            once = Once(work, "user 1", "page x", "form", waits=True)
            assert once.earlier() is None
            begun.set()
            wanted.wait(10)
            once.keep(Answer(303, [("Location", "/made")], b""))

    click = threading.Thread(target=first)
    click.start()
    begun.wait(10)

    def look_again(_seconds: float) -> None:
        wanted.set()
        click.join()

    monkeypatch.setattr(idempotency, "sleep", look_again)
    work = work_as()
    with work.transaction(write=True):
        answer = Once(work, "user 1", "page x", "form", waits=True).earlier()
    assert answer is not None
    assert (answer.status, answer.headers) == (303, [("Location", "/made")])


@pytest.mark.parametrize("entry_points", [OURS])
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_file_sent_again_is_known_by_its_content(client: Api) -> None:
    def upload(content: bytes) -> TestResponse:
        form = {"file": (io.BytesIO(content), "accounts.csv"), "entity": "customers.account"}
        return client.call("POST", "/api/v1/import_export/imports", data=form, headers={"Idempotency-Key": "k-1"})

    first, again, other = upload(b"name\nAcme\n"), upload(b"name\nAcme\n"), upload(b"name\nOther\n")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422), first.text
    assert again.json == first.json
    assert len(client.get("/api/v1/import_export/imports").json["data"]) == 1


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_an_answer_that_is_sent_part_by_part_is_kept_and_given_again(client: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = client.flask.application.extensions["dealwright.addresses"].at(THINGS, "POST")
    monkeypatch.setattr(taken, "handler", lambda _work, _path: Download(b"", "text/plain", "x.txt", io.BytesIO(b"whole")))
    first, again = (send(client, {}, "k-1") for _time in range(2))
    assert (first.status_code, first.data, again.data) == (200, b"whole", b"whole"), first.text
    assert again.headers["Content-Disposition"] == first.headers["Content-Disposition"]


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_every_write_of_the_document_takes_a_key(client: Api) -> None:
    paths = client.get("/api/v1/openapi.json").json["paths"]
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    without = [
        (method, path)
        for path, item in paths.items()
        for method, operation in item.items()
        if method in ("post", "put", "patch", "delete") and key not in operation.get("parameters", ())
    ]
    # Of no tenant: to come in and to go, which nobody does by a key.
    assert {path.split("/")[3] for _method, path in without} == {"session", "setup", "password_resets", "invitations"}
    assert "Idempotency-Key" in client.get("/api/docs").text


@pytest.mark.parametrize("database_templates", ["postgresql"], indirect=True)
def test_without_a_key_a_write_costs_nothing_more(platform: Platform, client: Api) -> None:
    said: list[str] = []
    sa.event.listen(platform.database.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    assert client.post(THINGS, {"name": str(uuid4())}).status_code == 201
    assert not [statement for statement in said if "core_idempotency" in statement]
    assert send(client, {"name": str(uuid4())}, "k-1").status_code == 201
    assert len([statement for statement in said if "core_idempotency" in statement]) == 2
