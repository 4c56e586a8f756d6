"""The client of the API, against a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message

import pytest
from werkzeug.serving import make_server

from core.platform import Platform
from core.testkit.fixtures import Api, Clock
from sdk.client import ApiError, Client

on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
THINGS = "probe/things"


@pytest.fixture
def pauses() -> list[float]:
    """How long the client has waited, each time."""
    return []


@pytest.fixture
def caller(platform: Platform, client: Api, clock: Clock, pauses: list[float]) -> Iterator[Client]:
    """The administrator's program; while it waits, the platform's clock goes on."""

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.move(seconds=seconds)

    server = make_server("127.0.0.1", 0, client.flask.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Client(f"http://127.0.0.1:{server.server_port}", client.token, sleep=sleep)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.feature("P19")
@on_sqlite
def test_a_program_that_asks_too_often_waits_as_long_as_it_is_told_and_goes_on(
    platform: Platform, caller: Client, pauses: list[float]
) -> None:
    platform.config = replace(platform.config, rate_limit=3)
    made = [caller.post(THINGS, {"name": f"T{number}"})["name"] for number in range(5)]
    assert made == ["T0", "T1", "T2", "T3", "T4"]
    assert pauses == [20, 20]
    impatient = Client(f"http://127.0.0.1:{caller._connection.port}", caller._token, patience=5, sleep=pauses.append)
    with pytest.raises(ApiError, match="429 too_many_requests"):
        impatient.get(THINGS)
    assert pauses == [20, 20], "it does not wait longer than it may"


@on_sqlite
def test_a_list_is_read_page_by_page_and_a_refusal_names_its_fields(caller: Client) -> None:
    ids = [caller.post(THINGS, {"name": f"T{number}"})["id"] for number in range(5)]
    assert [one["name"] for one in caller.all(THINGS, limit=2, sort="name")] == ["T0", "T1", "T2", "T3", "T4"]
    assert [one["name"] for one in caller.all(THINGS, **{"name[in]": "T1,T9"})] == ["T1"]
    changed = caller.patch(f"{THINGS}/{ids[0]}", {"name": "Other"}, version=1)
    assert changed["name"] == "Other"
    with pytest.raises(ApiError) as stale:
        caller.patch(f"{THINGS}/{ids[0]}", {"name": "Third"}, version=1)
    assert stale.value.status == 412
    caller.delete(f"{THINGS}/{ids[0]}")
    with pytest.raises(ApiError) as gone:
        caller.get(f"{THINGS}/{ids[0]}")
    assert (gone.value.status, gone.value.code) == (404, "not_found")
    with pytest.raises(ApiError, match=r"422 invalid: .* \(name: "):
        caller.post(THINGS, {})


@on_sqlite
def test_a_post_whose_answer_was_lost_is_sent_again_and_done_once(
    caller: Client, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, lost = caller._ask, [OSError("the line broke")]

    def once_lost(*request: object) -> object:
        answer = ask(*request)  # type: ignore[arg-type]
        if lost:
            raise lost.pop()
        return answer

    monkeypatch.setattr(caller, "_ask", once_lost)
    caller.post(THINGS, {"name": "Once"})
    assert pauses == [1]
    assert len(list(caller.all(THINGS, name="Once"))) == 1


@on_sqlite
def test_what_is_still_at_work_is_asked_again_and_an_address_that_leads_elsewhere_is_no_answer(
    caller: Client, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line broke, and the first request is not done yet when it is sent again; a server in front sends http to https."""
    busy, moved = Message(), Message()
    busy["Retry-After"], moved["Location"] = "1", "https://crm.example/"
    ask, first = caller._ask, [(409, b'{"code": "idempotency_key_in_use"}', busy)]
    monkeypatch.setattr(caller, "_ask", lambda *request: first.pop() if first else ask(*request))
    caller.post(THINGS, {"name": "Once"})
    assert pauses == [1]
    first[:] = [(301, b"<html>", moved)]
    with pytest.raises(ApiError, match=r"https://crm\.example/"):
        caller.post(THINGS, {"name": "Nowhere"})
    assert not list(caller.all(THINGS, name="Nowhere"))


def test_where_nobody_answers_it_is_said_after_some_tries(pauses: list[float]) -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        Client("http://127.0.0.1:9", "dw_x", sleep=pauses.append).get(THINGS)
    assert pauses == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="expected an address"):
        Client("crm.example", "dw_x")
