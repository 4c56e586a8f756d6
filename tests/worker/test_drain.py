"""Nothing is lost, nothing happens twice: deliveries and jobs from the outbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.payload import items_of
from core.events.tables import outbox
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Clock, MakeTenant, People
from core.worker import deliver as delivery
from core.worker import drain as drains
from core.worker.deliver import LEASE, MOST_ATTEMPTS, MOST_DEPTH, deliver
from core.worker.deliverers import Deliverers
from core.worker.drain import BATCH, Drain, claim
from sdk import Draft, NotFound, Tenant
from sdk.context import id_of
from tests.probe.plugin import HandlerError


@pytest.fixture
def system(platform: Platform, tenant: Tenant) -> Work:
    """The system in `tenant`, with nothing waiting."""
    Drain(platform).run_until_empty()
    return platform.system(tenant.id)


@pytest.fixture
def drain(platform: Platform) -> Drain:
    """A drain that works when it is told to."""
    return Drain(platform)


def texts(work: Work) -> Counter[str]:
    """What hooks and handlers left, without ids."""
    return Counter(str(row["text"]).partition(" 0")[0] for row in work.records("probe.entry").find(()))


def rows(work: Work, handler: str) -> list[Any]:
    """The outbox rows of one handler, oldest first."""
    with work.transaction():
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler == handler).order_by(outbox.c.id)
        return list(work.connection.execute(query))


def make(work: Work, name: str = "x") -> UUID:
    return id_of(work.records("probe.thing").create({"name": name}))


def test_an_event_is_delivered_once(system: Work, drain: Drain) -> None:
    make(system)
    assert texts(system) == {}
    assert drain.run_until_empty() >= 1
    assert texts(system) == {"created": 1}
    assert drain.run_until_empty() == 0
    assert [row.state for row in rows(system, "probe.note_created")] == ["done"]


def test_a_domain_event_brings_its_payload(system: Work, drain: Drain) -> None:
    make(system, "announce this")
    drain.run_until_empty()
    assert texts(system)["named announce this"] == 1


def test_the_events_of_a_large_batch_are_each_delivered_once(system: Work, drain: Drain) -> None:
    system.records("probe.thing").write([Draft("create", {"name": "x"}) for _ in range(1001)])
    assert [len([*items_of(row.payload)]) for row in rows(system, "probe.note_created")] == [1000, 1]
    drain.run_until_empty()
    assert system.records("probe.entry").aggregate(["count"]) == [{"count": 1001}]


def test_nothing_is_delivered_of_what_was_rolled_back(system: Work, drain: Drain) -> None:
    def halfway() -> None:
        with system.transaction(write=True):
            make(system)
            system.enqueue("probe.remember", {"text": "never"})
            raise HandlerError

    with pytest.raises(HandlerError):
        halfway()
    assert drain.run_until_empty() == 0
    assert texts(system) == {}


def test_a_failing_handler_leaves_nothing_and_is_tried_again_later_and_later_until_it_is_dead(
    system: Work, drain: Drain, clock: Clock
) -> None:
    make(system, "fail")
    waits = []
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert drain.run_until_empty() == 1, attempt
        (row,) = rows(system, "probe.note_created")
        assert row.attempts == attempt
        assert "told to fail" in row.error
        assert texts(system) == {}, "its effect is rolled back"
        waits.append(row.due_at - clock.now)
        assert drain.run_until_empty() == 0, "not before it is due"
        if row.state == "waiting":
            clock.now = row.due_at
    (row,) = rows(system, "probe.note_created")
    assert row.state == "dead"
    for number, wait in enumerate(waits[:-1], 1):
        assert timedelta(seconds=2.0**number * 0.5) <= wait <= timedelta(seconds=2.0**number * 1.5)
    clock.move(days=30)
    drain.run_until_empty()
    assert rows(system, "probe.note_created") == [row]


def test_a_handler_that_failed_succeeds_when_its_cause_is_gone(system: Work, drain: Drain, clock: Clock) -> None:
    id = make(system, "fail")
    drain.run_until_empty()
    system.records("probe.thing").update(id, {"name": "mended"})
    clock.move(minutes=1)
    drain.run_until_empty()
    assert texts(system) == {"created": 1}
    assert [(row.state, row.error) for row in rows(system, "probe.note_created")] == [("done", None)]


def test_one_failing_delivery_holds_up_no_other(system: Work, drain: Drain) -> None:
    for name in ("a", "fail", "b"):
        make(system, name)
    drain.run_until_empty()
    assert sorted(row.state for row in rows(system, "probe.note_created")) == ["done", "done", "waiting"]
    assert texts(system) == {"created": 2}


def test_a_process_that_dies_in_a_handler_leaves_no_effect_and_the_row_is_taken_again(
    system: Work, drain: Drain, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The effect and the mark commit together, so that there is no moment between them."""
    make(system)
    with monkeypatch.context() as dying:
        dying.setattr(delivery, "_retry", lambda *_: (_ for _ in ()).throw(SystemExit("power cut")))
        real = Work.transaction

        def cut(self: Work, *, write: bool = False) -> Any:
            context = real(self, write=write)
            exit_ = type(context).__exit__

            class Cut:
                def __enter__(self) -> None:
                    context.__enter__()

                def __exit__(self, *_: object) -> None:
                    exit_(context, SystemExit, SystemExit("power cut"), None)
                    raise SystemExit("power cut")

            return Cut() if write and self._transaction.connection is None else context

        dying.setattr(Work, "transaction", cut)
        with pytest.raises(SystemExit):
            drain.run_once()
    assert texts(system) == {}
    assert drain.run_until_empty() == 0, "the claim holds until its lease is over"
    clock.move(seconds=LEASE.total_seconds())
    drain.run_until_empty()
    assert texts(system) == {"created": 1}


def test_what_a_killed_process_had_claimed_is_due_at_once_where_nobody_else_can_be_at_it(platform: Platform, system: Work) -> None:
    make(system)
    claim(platform, BATCH)
    living, late = Deliverers(platform.database.path), Drain(platform)
    living.join()
    living.share()
    late.join()
    assert late.run_once() == 0, "another one delivers from this file, and may be at it"
    late.stop()
    living.leave()
    again = Drain(platform)
    again.join()
    assert texts(system) == {}
    again.run_once()
    assert texts(system) == ({"created": 1} if platform.database.is_sqlite else {}), "elsewhere it may be another machine's"


def test_two_processes_with_the_same_claim_deliver_once(platform: Platform, system: Work, drain: Drain) -> None:
    make(system)
    (claimed,) = claim(platform, BATCH)
    for _ in range(2):
        deliver(platform, claimed)
    assert texts(system) == {"created": 1}


def test_a_row_that_one_process_claimed_is_invisible_to_the_next(platform: Platform, system: Work) -> None:
    make(system)
    first, second = claim(platform, BATCH), claim(platform, BATCH)
    assert (len(first), len(second)) == (1, 0)


@pytest.mark.feature("P9")
def test_what_waits_for_a_plugin_that_was_switched_off_is_recorded_as_skipped(system: Work, platform: Platform, drain: Drain) -> None:
    make(system)
    system.enqueue("probe.remember", {"text": "later"})
    for name in ("probe_more", "probe"):
        lifecycle.switch(platform.system(system.tenant.id), name, False)
    drain.run_until_empty()
    for handler in ("probe.note_created", "probe.remember"):
        assert [row.state for row in rows(system, handler)] == ["skipped"]
    for name in ("probe", "probe_more"):
        lifecycle.switch(platform.system(system.tenant.id), name, True)
    drain.run_until_empty()
    assert texts(platform.system(system.tenant.id)) == {}


def test_a_chain_of_deliveries_without_end_is_cut_and_named(system: Work, drain: Drain) -> None:
    system.records("probe.entry").create({"text": "loop"})
    drain.run_until_empty()
    states = Counter(row.state for row in rows(system, "probe.echo"))
    assert states == {"done": MOST_DEPTH, "dead": 1}
    (dead,) = [row for row in rows(system, "probe.echo") if row.state == "dead"]
    assert "probe.echo" in dead.error
    assert "loops" in dead.error


def test_a_job_runs_as_who_asked_for_it(system: Work, people: People, work_as: Callable[..., Work], drain: Drain) -> None:
    work_as(people.rep).enqueue("probe.remember", {"text": "hello"})
    system.enqueue("probe.remember", {"text": "hello"})
    drain.run_until_empty()
    assert texts(system) == {"hello by rep00": 1, "hello by system": 1}


def test_the_job_of_somebody_who_left_is_skipped(system: Work, people: People, work_as: Callable[..., Work], drain: Drain) -> None:
    work_as(people.rep).enqueue("probe.remember", {"text": "hello"})
    system.records("core.user").update(people.rep, {"active": False})
    drain.run_until_empty()
    assert [row.state for row in rows(system, "probe.remember")] == ["skipped"]


def test_a_failing_job_is_tried_again_and_leaves_no_half(system: Work, drain: Drain, clock: Clock) -> None:
    system.enqueue("probe.remember", {"text": "x", "fail": True})
    drain.run_until_empty()
    (row,) = rows(system, "probe.remember")
    assert (row.state, row.attempts, texts(system)) == ("waiting", 1, {})
    clock.move(minutes=1)
    drain.run_until_empty()
    assert rows(system, "probe.remember")[0].attempts == 2


def test_a_job_that_nobody_declared_cannot_be_asked_for(system: Work) -> None:
    with pytest.raises(NotFound):
        system.enqueue("probe.nothing", {})


def test_the_drain_serves_all_tenants_and_mixes_none(platform: Platform, system: Work, make_tenant: MakeTenant, drain: Drain) -> None:
    other = platform.system(make_tenant("other").id)
    make(system)
    make(other)
    make(other)
    drain.run_until_empty()
    assert (texts(system), texts(other)) == ({"created": 1}, {"created": 2})


def test_what_waits_for_a_suspended_tenant_is_delivered_when_it_is_back(
    platform: Platform, system: Work, drain: Drain, clock: Clock
) -> None:
    make(system)
    lifecycle.set_state(platform, system.tenant.name, "suspended")
    drain.run_until_empty()
    lifecycle.set_state(platform, system.tenant.name, "active")
    clock.move(hours=1)
    drain.run_until_empty()
    assert texts(system) == {"created": 1}


def test_a_started_drain_is_woken_by_a_commit(platform: Platform, system: Work) -> None:
    """It would pause for ten minutes otherwise; the test waits for the effect, not for a time."""
    working = Drain(platform, pause=600)
    working.start()
    try:
        done = working._stop  # only to say that it runs
        assert not done.is_set()
        make(system)
        while not texts(system):
            pass
    finally:
        working.stop()
    assert texts(system) == {"created": 1}


def test_a_drain_that_has_delivered_rests_so_that_what_comes_meanwhile_goes_together(
    platform: Platform, system: Work, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would rest for ten minutes here; stopping it does not wait for that."""
    monkeypatch.setattr(drains, "REST", 600)
    working = Drain(platform, pause=600)
    working.start()
    make(system)
    while not texts(system):
        pass
    make(system)
    make(system)
    assert texts(system) == {"created": 1}
    working.stop()
    assert texts(system) == {"created": 1}
    drain.run_until_empty()
    assert texts(system) == {"created": 3}


def test_where_much_is_going_on_the_drain_rests_for_longer_so_that_it_tells_many_at_once() -> None:
    assert [drains.rest(told, 0.01) for told in (1, 4, 20, 90)] == [0.05, 0.05, 0.2, 0.5]
    assert drains.rest(4, 0.1) == pytest.approx(0.3)
