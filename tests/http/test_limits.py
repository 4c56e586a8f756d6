"""How often a token may ask, and when it did last."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from core.http.limits import _PLACE, _SETS, _WAYS, Limits
from core.identity import tokens
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People

THINGS = "/api/v1/probe/things"
TENANT = "/api/v1/core/tenant"
on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)


def told(answer: TestResponse) -> tuple[int, str | None, str | None, str | None]:
    limit, left, reset = (answer.headers.get(f"RateLimit-{name}") for name in ("Limit", "Remaining", "Reset"))
    return answer.status_code, limit, left, reset


@pytest.fixture
def limited(platform: Platform, client: Api) -> Api:
    """The administrator, with three requests a minute."""
    platform.config = replace(platform.config, rate_limit=3)
    return client


@pytest.mark.feature("P19")
@on_sqlite
def test_a_token_that_asks_too_often_is_told_how_long_to_wait(limited: Api, clock: Clock) -> None:
    assert [told(limited.get(THINGS)) for _time in range(3)] == [(200, "3", "2", "20"), (200, "3", "1", "40"), (200, "3", "0", "60")]
    refused = limited.get(THINGS)
    assert told(refused) == (429, "3", "0", "60")
    assert (refused.headers["Retry-After"], refused.json["code"]) == ("20", "too_many_requests")
    clock.move(seconds=19)
    assert limited.get(THINGS).headers["Retry-After"] == "1", "to be refused costs nothing"
    clock.move(seconds=1)
    assert told(limited.get(THINGS)) == (200, "3", "0", "60")
    clock.move(days=1)
    assert told(limited.get(THINGS)) == (200, "3", "2", "20"), "a bucket fills to its brim and no further"


@pytest.mark.feature("P19")
@on_sqlite
def test_each_token_has_a_bucket_of_its_own(limited: Api, people: People) -> None:
    assert [limited.get(THINGS).status_code for _time in range(4)] == [200, 200, 200, 429]
    assert limited.as_user(people.rep).get(THINGS).status_code == 200


@pytest.mark.feature("P19")
@on_sqlite
def test_tokens_that_were_made_with_a_token_share_its_requests(limited: Api, platform: Platform, clock: Clock) -> None:
    platform.config = replace(platform.config, rate_limit=5)

    def made(by: Api) -> Api:
        return Api(platform, limited.flask, by.post("/api/v1/core/tokens", {"name": "more"}).json["token"], limited.tenant)

    child = made(limited)
    grandchild, spare = made(child), made(child)
    assert [told(one.get(THINGS))[:3] for one in (grandchild, child)] == [(200, "5", "1"), (200, "5", "0")]
    assert [one.get(THINGS).status_code for one in (spare, limited, child, grandchild, spare)] == [429] * 5, "also what never asked before"
    platform.limits = Limits()  # as another process, which knows of no line yet
    assert [one.get(THINGS).status_code for one in (spare, grandchild, child, spare, spare, limited, grandchild)] == [200] * 5 + [429] * 2
    clock.move(minutes=1)
    assert told(spare.get(THINGS))[:3] == (200, "5", "4")


@on_sqlite
def test_what_is_refused_counts_and_guessed_tokens_cost_no_memory(limited: Api, platform: Platform) -> None:
    assert [limited.post(THINGS, {}).status_code for _time in range(4)] == [422, 422, 422, 429]
    guess = Api(platform, limited.flask, limited.token[:-4] + "AAAA", limited.tenant)
    assert [told(guess.get(THINGS)) for _time in range(5)] == [(401, None, None, None)] * 5
    assert sum(limit > 0 for _mark, limit, _level, _at in _PLACE.iter_unpack(platform.limits._memory)) == 1


@pytest.mark.feature("P19")
def test_processes_of_one_server_count_together(clock: Clock) -> None:
    limits, token = Limits(), "ab" * 32
    limits.let_in(token, clock(), 3, None)
    for left in (1, 0, 0):
        child = os.fork()
        if not child:
            found = limits.take(token, clock())
            os._exit(99 if found is None else found.remaining)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == left
    last = limits.take(token, clock())
    assert last is not None
    assert (last.remaining, last.wait) == (0, 20)
    crowd = [f"{number:08x}" + "0" * 56 for number in range(_WAYS * _SETS)]
    for one in crowd:
        limits.let_in(one, clock(), 3, None)
    assert sum(limits.take(one, clock()) is not None for one in crowd) == len(crowd)
    limits.let_in("00000000" + "f" * 56, clock(), 3, None)
    assert sum(limits.take(one, clock()) is None for one in crowd) == 1, "whoever asked longest ago makes place"


@pytest.mark.feature("P19")
@on_sqlite
def test_a_company_narrows_the_limit_of_its_tokens_and_cannot_widen_it(limited: Api, clock: Clock) -> None:
    changed = limited.patch(TENANT, {"rate_limit": 2})
    assert (changed.status_code, changed.json["rate_limit"]) == (200, 2)
    assert told(limited.get(THINGS))[:3] == (200, "2", "1")
    clock.move(minutes=1)
    assert limited.patch(TENANT, {"rate_limit": 50}).status_code == 200
    assert told(limited.get(THINGS))[:2] == (200, "3")
    clock.move(minutes=1)
    assert limited.patch(TENANT, {"rate_limit": 0}).json["rate_limit"] == 0
    assert limited.patch(TENANT, {"rate_limit": -1}).status_code == 422


@on_sqlite
def test_without_a_limit_there_is_nothing_to_tell(platform: Platform, client: Api) -> None:
    platform.config = replace(platform.config, rate_limit=0)
    assert told(client.get(THINGS)) == (200, None, None, None)


def test_the_last_use_of_a_token_is_written_once_a_minute_and_after_the_answer(client: Api, platform: Platform, clock: Clock) -> None:
    written: list[str] = []

    def note(*args: str) -> None:
        if args[2].startswith("UPDATE"):
            written.append(args[2])

    def used() -> str:
        (row,) = client.get("/api/v1/core/tokens").json["data"]
        return str(row["last_used_at"])

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    assert used() == "None", "a list writes nothing"
    tokens._noted.clear()
    for _time in range(3):
        client.get(THINGS).close()
    assert (used(), len(written)) == ("2026-01-15T12:00:00Z", 1)
    tokens._noted.clear()  # as another process
    clock.move(seconds=59)
    client.get(THINGS).close()
    assert used() == "2026-01-15T12:00:00Z"
    clock.move(seconds=1)
    client.post(THINGS, {}).close()
    assert used() == "2026-01-15T12:00:00Z", "this process has looked a second ago"
    clock.now += timedelta(seconds=59)
    client.post(THINGS, {}).close()
    assert used() == "2026-01-15T12:01:59Z", "also by a request that is refused"
