"""The same promises on both engines: nothing is lost, nothing happens twice, whoever dies in between."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

import tests.probe.plugin as probe
from core.context import Work
from core.events.tables import outbox
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Embedded, Engine, Scaled
from core.testkit.fixtures import Api, Clock, MakeTenant
from core.worker.deliver import LEASE, MOST_ATTEMPTS, MOST_DEATHS, MOST_DEPTH
from core.worker.relay import Relay
from core.worker.rq_worker import enqueue, queue_on, worker_state
from sdk import Context, Draft, Event, Tenant
from sdk.context import id_of
from tests.servers import Valkey


@pytest.fixture
def system(platform: Platform, tenant: Tenant, engine: Engine) -> Work:
    """The system in `tenant`, with nothing waiting."""
    engine.run_until_idle()
    return platform.system(tenant.id)


@pytest.fixture
def scaled(platform: Platform, valkey: Valkey) -> Scaled:
    """The engine of many processes."""
    return Scaled(platform, valkey.url)


@pytest.fixture
def busy(platform: Platform, tenant: Tenant, scaled: Scaled) -> Work:
    """The system in `tenant` on the scaled engine, with nothing waiting."""
    scaled.run_until_idle()
    return platform.system(tenant.id)


def texts(work: Work) -> Counter[str]:
    return Counter(str(row["text"]).partition(" 0")[0] for row in work.records("probe.entry").find(()))


def rows(work: Work, handler: str) -> list[Any]:
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == handler).order_by(outbox.c.id)
        return list(work.connection.execute(query))


def make(work: Work, name: str = "x") -> UUID:
    return id_of(work.records("probe.thing").create({"name": name}))


class Killer:
    """Kills the process that calls it, as often as there are bullets; they are counted in a file, as processes die."""

    def __init__(self, folder: Path, bullets: int = 1) -> None:
        self._file = folder / "bullets"
        self._file.write_text("x" * bullets)

    def __call__(self) -> None:
        left = self._file.read_text()
        if left:
            self._file.write_text(left[1:])
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def left(self) -> int:
        return len(self._file.read_text())


def replace_handler(platform: Platform, monkeypatch: pytest.MonkeyPatch, before: Any, after: Any = lambda: None) -> None:
    """Let the delivery of `probe.thing.created` call `before` and `after` around its effect."""
    real = probe.note_created

    def handler(ctx: Context, events: Sequence[Event]) -> None:
        before()
        real(ctx, events)
        after()

    there = platform.catalog.subscriptions["probe.thing.created"]
    index = next(n for n, one in enumerate(there) if one.name == "note_created")
    changed = [*there]
    changed[index] = type(there[index])(there[index].event, there[index].name, handler, there[index].plugin)
    monkeypatch.setitem(platform.catalog.subscriptions, "probe.thing.created", changed)


@pytest.mark.feature("I3")
@pytest.mark.parametrize("moment", ["before the effect", "between effect and commit", "after the commit"])
def test_the_effect_of_a_delivery_happens_exactly_once_whenever_its_process_is_killed(
    moment: str, platform: Platform, system: Work, engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = Killer(tmp_path)
    if moment == "after the commit":
        monkeypatch.setattr(platform, "awaken", kill)  # the first thing that happens once it has committed
    else:
        replace_handler(platform, monkeypatch, *((kill,) if moment == "before the effect" else (lambda: None, kill)))
    with monkeypatch.context() as calm:
        calm.setattr(platform, "awaken", lambda: None)
        make(system)
    engine.run_apart()
    assert kill.left == 0, "the process was killed"
    for _ in range(3):
        clock.move(seconds=LEASE.total_seconds())
        engine.run_apart()
    assert texts(system) == {"created": 1}
    assert [row.state for row in rows(system, "probe.note_created")] == ["done"]


@pytest.mark.feature("I3")
@pytest.mark.parametrize(("database_templates", "engine"), [("sqlite", "embedded"), ("postgresql", "scaled")], indirect=True)
def test_many_deliveries_with_many_deaths_each_take_effect_once(
    platform: Platform, system: Work, engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each delivery is killed twice between its effect and its commit; `DEALWRIGHT_TESTS=all` has 50 of them on the drain."""
    count = 50 if isinstance(engine, Embedded) and os.environ.get("DEALWRIGHT_TESTS") == "all" else 10
    real, shots = probe.note_created, tmp_path / "shots"
    shots.mkdir()

    def killed_twice(ctx: Context, events: Sequence[Event]) -> None:
        real(ctx, events)
        shot = shots / str(events[0].record_id)
        fired = len(shot.read_text()) if shot.exists() else 0
        if fired < 2:
            shot.write_text("x" * (fired + 1))
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(probe, "note_created", killed_twice)
    replace_handler(platform, monkeypatch, lambda: None)
    system.records("probe.thing").write([Draft("create", {"name": f"n{n}"}) for n in range(count)])
    for _ in range(2 * count + 1):
        engine.run_apart()
        clock.move(seconds=LEASE.total_seconds())
    assert sum(len(shot.read_text()) for shot in shots.iterdir()) == 2 * count
    assert texts(system) == {"created": count}
    assert {row.state for row in rows(system, "probe.note_created")} == {"done"}


def test_what_one_handler_hears_of_one_event_is_told_in_one_transaction(
    platform: Platform, system: Work, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, ids = list[list[UUID]](), [make(system, f"n{n}") for n in range(5)]
    real = probe.note_created

    def heard(ctx: Context, events: Sequence[Event]) -> None:
        calls.append([event.record_id for event in events])
        real(ctx, events)

    monkeypatch.setattr(probe, "note_created", heard)
    replace_handler(platform, monkeypatch, lambda: None)
    engine.run_until_idle()
    assert calls == [ids]
    assert texts(system) == {"created": 5}
    assert {(row.state, row.attempts) for row in rows(system, "probe.note_created")} == {("done", 1)}


def test_one_delivery_that_fails_takes_none_of_its_neighbours_along(system: Work, engine: Engine) -> None:
    for name in ("a", "fail", "b"):
        make(system, name)
    engine.run_until_idle()
    told = [(row.state, row.attempts, "told to fail" in (row.error or "")) for row in rows(system, "probe.note_created")]
    assert told == [("done", 1, False), ("waiting", 1, True), ("done", 1, False)]
    assert texts(system) == {"created": 2}


def test_one_delivery_that_kills_its_process_takes_none_of_its_neighbours_along(
    platform: Platform, system: Work, engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill, real = Killer(tmp_path, bullets=100), probe.note_created
    bad = [make(system, name) for name in ("a", "bad", "b")][1]

    def deadly(ctx: Context, events: Sequence[Event]) -> None:
        real(ctx, events)
        if bad in {event.record_id for event in events}:
            kill()

    monkeypatch.setattr(probe, "note_created", deadly)
    replace_handler(platform, monkeypatch, lambda: None)
    for _ in range(MOST_ATTEMPTS + 1):
        engine.run_apart()
        clock.move(seconds=LEASE.total_seconds())
    assert [row.state for row in rows(system, "probe.note_created")] == ["done", "dead", "done"]
    assert texts(system) == {"created": 2}
    assert kill.left == 100 - MOST_ATTEMPTS


def test_who_kills_every_process_is_dead_and_says_so(
    platform: Platform, system: Work, engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = Killer(tmp_path, bullets=100)
    replace_handler(platform, monkeypatch, kill)
    make(system)
    for _ in range(MOST_ATTEMPTS + 1):
        engine.run_apart()
        clock.move(seconds=LEASE.total_seconds())
    (row,) = rows(system, "probe.note_created")
    assert (row.state, kill.left) == ("dead", 100 - MOST_ATTEMPTS)
    assert f"ended {MOST_ATTEMPTS} times" in row.error


def test_a_job_with_patience_that_kills_every_process_is_dead_and_says_so(
    platform: Platform, system: Work, engine: Engine, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience is for what fails and may come right: what kills its process takes others' work along each time."""
    kill, job = Killer(tmp_path, bullets=100), platform.catalog.jobs["probe.remember"]

    def deadly(_ctx: Context, _arguments: Mapping[str, object]) -> None:
        kill()

    monkeypatch.setitem(platform.catalog.jobs, "probe.remember", replace(job, run=deadly, patience=timedelta(days=3)))
    system.enqueue("probe.remember", {"text": "x"})
    for _ in range(MOST_DEATHS + 2):
        engine.run_apart()
        clock.move(seconds=LEASE.total_seconds())
    (row,) = rows(system, "probe.remember")
    assert (row.state, kill.left) == ("dead", 100 - MOST_DEATHS)
    assert f"ended {MOST_DEATHS} times" in row.error


def test_failures_of_a_job_with_patience_are_no_deaths(
    platform: Platform, system: Work, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_ctx: Context, _arguments: Mapping[str, object]) -> None:
        raise RuntimeError("the server is away")

    job = platform.catalog.jobs["probe.remember"]
    monkeypatch.setitem(platform.catalog.jobs, "probe.remember", replace(job, run=fails, patience=timedelta(days=3)))
    system.enqueue("probe.remember", {"text": "x"})
    for _ in range(MOST_DEATHS + 2):
        engine.run_until_idle()
        clock.move(hours=1)
    (row,) = rows(system, "probe.remember")
    assert (row.state, row.deaths, row.attempts > MOST_DEATHS) == ("waiting", 0, True)


def test_a_failure_is_tried_again_later_and_later_then_it_is_dead_and_can_be_retried(
    system: Work, engine: Engine, clock: Clock, client: Api
) -> None:
    thing = make(system, "fail")
    for attempt in range(1, MOST_ATTEMPTS + 1):
        engine.run_until_idle()
        (row,) = rows(system, "probe.note_created")
        assert row.attempts == attempt
        if row.state == "waiting":
            assert timedelta(seconds=2.0**attempt * 0.5) <= row.due_at - clock.now <= timedelta(seconds=2.0**attempt * 1.5)
            clock.now = row.due_at
    assert row.state == "dead" and "told to fail" in row.error
    system.records("probe.thing").update(thing, {"name": "mended"})
    assert client.post(f"/api/v1/core/jobs/{row.id}/retry").status_code == 200
    engine.run_until_idle()
    assert texts(system) == {"created": 1}


def test_a_job_runs_as_who_asked_with_what_was_asked(system: Work, engine: Engine) -> None:
    system.enqueue("probe.remember", {"text": "hello"})
    engine.run_until_idle()
    assert texts(system) == {"hello by system": 1}


def test_what_waits_for_a_plugin_that_was_switched_off_is_skipped(platform: Platform, system: Work, engine: Engine) -> None:
    make(system)
    system.enqueue("probe.remember", {"text": "later"})
    for name in ("probe_more", "probe"):
        lifecycle.switch(platform.system(system.tenant.id), name, False)
    engine.run_until_idle()
    assert [row.state for name in ("note_created", "remember") for row in rows(system, f"probe.{name}")] == ["skipped", "skipped"]


def test_a_chain_without_end_stops_at_its_depth_by_name(system: Work, engine: Engine) -> None:
    system.records("probe.entry").create({"text": "loop"})
    engine.run_until_idle()
    assert Counter(row.state for row in rows(system, "probe.echo")) == {"done": MOST_DEPTH, "dead": 1}
    (dead,) = [row for row in rows(system, "probe.echo") if row.state == "dead"]
    assert "probe.echo" in dead.error and "loops" in dead.error


def test_all_tenants_are_served_and_none_is_mixed(platform: Platform, system: Work, make_tenant: MakeTenant, engine: Engine) -> None:
    other = platform.system(make_tenant("other").id)
    for work in (system, other, other):
        make(work)
    engine.run_until_idle()
    assert (texts(system), texts(other)) == ({"created": 1}, {"created": 2})


# --- the scaled engine alone ------------------------------------------------------------------------------------------


def test_losing_the_queue_loses_nothing(busy: Work, scaled: Scaled, valkey: Valkey, clock: Clock) -> None:
    make(busy)
    busy.enqueue("probe.remember", {"text": "hello"})
    assert scaled.relay.run_once() == 2
    valkey.stop()
    valkey.start()
    scaled.run_until_idle()
    assert texts(busy) == {}, "their lease still holds"
    clock.move(seconds=LEASE.total_seconds())
    scaled.run_until_idle()
    assert texts(busy) == {"created": 1, "hello by system": 1}
    assert [row.attempts for row in rows(busy, "probe.note_created")] == [1], "waiting in a queue is no attempt"


def test_two_relays_pass_on_each_row_once(platform: Platform, busy: Work, scaled: Scaled) -> None:
    other = Relay(platform, scaled.connection)
    for _ in range(5):
        busy.enqueue("probe.remember", {"text": "x"})
    assert sorted([scaled.relay.run_once(), other.run_once()]) == [0, 5]
    assert queue_on(scaled.connection).count == 5


def test_a_row_that_is_in_the_queue_twice_runs_once(busy: Work, scaled: Scaled, clock: Clock) -> None:
    make(busy)
    assert scaled.relay.run_once() == 1
    clock.move(seconds=LEASE.total_seconds())
    assert scaled.relay.run_once() == 1
    enqueue(queue_on(scaled.connection), rows(busy, "probe.note_created"))
    scaled.work()
    assert texts(busy) == {"created": 1}


def test_a_full_queue_is_not_filled_further(busy: Work, scaled: Scaled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.worker.relay.MOST_QUEUED", 3)
    for _ in range(5):
        busy.enqueue("probe.remember", {"text": "x"})
    assert [scaled.relay.run_once(), scaled.relay.run_once()] == [3, 0]
    scaled.run_until_idle()
    assert texts(busy) == {"x by system": 5}


def test_a_queue_can_ask_for_two_functions_and_no_others(busy: Work, scaled: Scaled, tmp_path: Path) -> None:
    """Who can write to Redis cannot run what they like."""
    queue, file = queue_on(scaled.connection), tmp_path / "made"
    job = queue.enqueue_call("pathlib.Path.touch", (str(file),), timeout=-1)
    for name in ("core.worker.rq_worker.deliver", "core.worker.rq_worker.run_job"):
        queue.enqueue_call(name, (str(busy.tenant.id), [str(uuid4())], 0), timeout=-1)
    make(busy)
    scaled.run_until_idle()
    assert not file.exists()
    assert job.get_status(refresh=True) == "failed"
    assert texts(busy) == {"created": 1}


def test_a_delivery_that_never_ends_is_ended_and_says_so(
    platform: Platform, busy: Work, scaled: Scaled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.worker.rq_worker.LIMIT", 1)
    replace_handler(platform, monkeypatch, threading.Event().wait)
    make(busy)
    scaled.relay.run_once()
    scaled.work()
    (row,) = rows(busy, "probe.note_created")
    assert (row.state, row.attempts, texts(busy)) == ("waiting", 1, {})
    assert "exceeded maximum timeout value (1 seconds)" in row.error


def test_what_travels_is_names_and_json(busy: Work, scaled: Scaled) -> None:
    make(busy)
    scaled.relay.run_once()
    (row,) = rows(busy, "probe.note_created")
    (job,) = queue_on(scaled.connection).jobs
    import json
    import zlib

    data = scaled.connection.hget(job.key, "data")
    assert isinstance(data, bytes)
    raw = zlib.decompress(data) if data[:1] == b"x" else data
    assert json.loads(raw) == ["core.worker.rq_worker.deliver", None, [str(busy.tenant.id), [str(row.id)], 0], {}]


@pytest.mark.feature("A16")
def test_health_says_when_no_worker_has_been_seen_for_two_minutes(platform: Platform, client: Api, scaled: Scaled, valkey: Valkey) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from core.worker.rq_worker import RowWorker

    platform.config = replace(platform.config, redis_url=valkey.url)
    nobody = client.get("/health/ready")
    assert (nobody.status_code, nobody.json["status"]) == (200, "degraded")
    assert "no worker has been seen for 2 minutes" in nobody.json["background"]
    worker = RowWorker(platform, scaled.connection)
    worker.register_birth()
    assert client.get("/health/ready").json["background"] == "ok"
    assert worker_state(valkey.url, datetime.now(UTC) + timedelta(minutes=3)).startswith("no worker")
    worker.register_death()
    platform.config = replace(platform.config, redis_url="redis://127.0.0.1:1/0")
    assert "redis does not answer" in client.get("/health/ready").json["background"]
