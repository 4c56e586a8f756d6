"""Messages from outside: what a sender may do to others, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, People


def test_who_sends_to_an_inlet_slowly_holds_up_nobody(client: Api, platform: Platform, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    made = client.post("/api/v1/automation/inlets", {"name": "x", "entity": "customers.account", "mapping": {"name": "{{ n }}"}})
    address = client.post(f"/api/v1/automation/inlets/{made.json['id']}/address").json["address"]
    open_now, seen, begin = [], [], type(platform.database).begin

    @contextmanager
    def counted(*about: Any, **more: Any) -> Iterator[Any]:
        open_now.append(1)
        try:
            with begin(*about, **more) as connection:
                yield connection
        finally:
            open_now.pop()

    class Slow(BytesIO):
        def read(self, *size: Any) -> bytes:
            seen.append(len(open_now))
            return super().read(*size)

        def readinto(self, *where: Any) -> int:
            seen.append(len(open_now))
            return super().readinto(*where)

    monkeypatch.setattr(type(platform.database), "begin", counted)
    body = b'{"n": "slow"}'
    for place, status in ((address, 200), (address[:-43] + "A" * 43, 404)):
        sent = {"input_stream": Slow(body), "content_type": "application/json", "headers": {"Content-Length": str(len(body))}}
        assert client.anonymous().call("POST", place, **sent).status_code == status
    assert seen and not any(seen), "a body is read before a transaction begins"


def test_who_sends_for_somebody_who_has_left_finds_nothing(client: Api, work: Work, people: People) -> None:
    inlets = client.as_user(people.manager)
    made = inlets.post("/api/v1/automation/inlets", {"name": "x", "entity": "customers.account", "mapping": {"name": "{{ n }}"}})
    address = inlets.post(f"/api/v1/automation/inlets/{made.json['id']}/address").json["address"]
    work.records("core.user").update(people.manager, {"active": False})
    refused = client.anonymous().post(address, {"n": "x"})
    assert (refused.status_code, refused.json["detail"]) == (404, "there is nothing at this address")


def test_the_description_says_that_one_may_send_too_much(client: Api) -> None:
    answers = client.get("/api/v1/openapi.json").json["paths"]["/api/v1/automation/hooks/{token}"]["post"]["responses"]
    assert "429" in answers
