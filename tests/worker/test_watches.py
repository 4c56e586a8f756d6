"""Subscribers that know from a tenant's data what they want, what is kept of that data, and jobs that wait for the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import outbox
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.fixtures import Clock
from core.worker.deliver import MOST_ROWS
from core.worker.drain import Drain
from sdk import Context, Event, Tenant, Watch
from sdk.context import id_of

heard: list[Event] = []
wanted: dict[str, frozenset[str]] = {}
looped: list[Event] = []


def hear(ctx: Context, events: Sequence[Event]) -> None:
    """Remember what was heard."""
    heard.extend(events)


@pytest.fixture
def work(platform: Platform, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Work:
    """The system in a tenant with a watch of the probe."""
    for part in (heard, wanted, looped):
        part.clear()
    watch = Watch("ears", lambda _ctx, event, _changed: wanted.get(event), hear, lambda _ctx, events: looped.extend(events), plugin="probe")
    Drain(platform).run_until_empty()
    monkeypatch.setitem(platform.catalog.specs, Watch, {"probe.ears": watch})
    return platform.system(tenant.id)


def rows(work: Work, *handlers: str) -> list[Any]:
    with work.transaction():
        wanted = handlers or ("probe.ears", "probe.remember")
        query = sa.select(outbox).where(outbox.c.tenant_id == work.tenant.id, outbox.c.handler.in_(wanted))
        return list(work.connection.execute(query))


def make(work: Work, **values: object) -> UUID:
    return id_of(work.records("probe.thing").create({"name": "x", **values}))


def test_what_a_watch_does_not_want_leaves_nothing(platform: Platform, work: Work) -> None:
    make(work)
    Drain(platform).run_until_empty()
    assert (rows(work), heard) == ([], [])


def test_a_watch_hears_what_it_wants_with_the_values_from_before_that_it_asks_for(platform: Platform, work: Work) -> None:
    wanted["probe.thing.updated"] = frozenset({"size", "note", "phone", "price"})
    wanted["probe.thing.deleted"] = frozenset({"size", "phone"})
    wanted["probe.thing.created"] = frozenset()
    id = make(work, size=1, note="n", phone="+86 10 1234 5678", price={"amount": "5"})
    work.records("probe.thing").update(
        id, {"size": 2, "phone": "+86 10 1234 5679", "name": "y", "price": {"amount": "6", "currency": "USD"}}
    )
    work.records("probe.thing").delete(id)
    Drain(platform).run_until_empty()
    assert [(event.name.rpartition(".")[2], event.payload.get("before")) for event in heard] == [
        ("created", None), ("updated", {"size": 1, "price": {"amount": "5.00", "currency": "USD"}}), ("deleted", {"size": 2}),
    ]  # fmt: skip


def test_a_watch_of_a_plugin_that_is_off_is_not_asked_and_what_waited_is_skipped(platform: Platform, work: Work) -> None:
    wanted["customers.account.created"] = frozenset()
    work.records("customers.account").create({"name": "waits"})
    for name in ("probe_more", "probe"):
        lifecycle.switch(platform.system(work.tenant.id), name, False)
    later = platform.system(work.tenant.id)
    later.records("customers.account").create({"name": "unheard"})
    Drain(platform).run_until_empty()
    assert ([row.state for row in rows(later)], heard) == (["skipped"], [])


def test_what_led_here_travels_with_the_events_and_names_a_loop(platform: Platform, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted["probe.entry.created"] = frozenset()

    def again(ctx: Context, events: Sequence[Event]) -> None:
        ctx.because(*events[0].causes, f"r{len(events[0].causes)}").records("probe.entry").create({"text": "quiet"})

    watch = platform.catalog.specs[Watch]["probe.ears"]
    assert isinstance(watch, Watch)
    monkeypatch.setitem(platform.catalog.specs[Watch], "probe.ears", Watch("ears", watch.wants, again, watch.looped, plugin="probe"))
    work.records("probe.entry").create({"text": "quiet"})
    Drain(platform).run_until_empty()
    chain = tuple(f"r{n}" for n in range(8))
    assert [event.causes for event in looped] == [chain]
    (dead,) = [row for row in rows(work) if row.state == "dead"]
    assert dead.error.endswith(" > ".join(chain))


def test_a_loop_of_subscriptions_behind_a_named_run_ends_as_well(platform: Platform, work: Work) -> None:
    """Its deliveries bear the run's name, but nothing is named anew: it is not the number of names that stops it."""
    work.because("r0").records("probe.entry").create({"text": "loop"})
    Drain(platform).run_until_empty()
    (dead,) = [row for row in rows(work, "probe.echo") if row.state == "dead"]
    assert (dead.depth, dead.error.endswith(f"a chain of {MOST_ROWS} deliveries and jobs; it loops: r0")) == (MOST_ROWS, True), dead.error


def test_what_is_kept_holds_until_rights_change_and_never_holds_what_was_undone(platform: Platform, work: Work) -> None:
    def kept(by: Work, value: str) -> str:
        return by.kept("word", lambda: value)

    assert kept(work, "a") == "a"
    assert kept(platform.system(work.tenant.id), "b") == "a", "by the whole process"

    def fail_half_way() -> None:
        with work.transaction(write=True):
            work.records("core.team").create({"name": "Team"})
            assert kept(work, "c") == "c", "what this transaction has changed it sees"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert kept(work, "d") == kept(platform.system(work.tenant.id), "d") == "a"
    work.records("core.team").create({"name": "Team"})
    assert kept(work, "e") == kept(platform.system(work.tenant.id), "f") == "e"


def test_a_job_that_waits_for_the_clock_begins_a_chain_of_its_own(platform: Platform, work: Work, clock: Clock) -> None:
    work.depth = 7
    work.enqueue("probe.remember", {"text": "later"}, at=clock.now + timedelta(hours=1))
    work.enqueue("probe.remember", {"text": "now"}, at=clock.now)
    Drain(platform).run_until_empty()
    assert sorted((row.payload["text"], row.state, row.depth) for row in rows(work)) == [("later", "waiting", 0), ("now", "done", 7)]
    clock.move(hours=1)
    Drain(platform).run_until_empty()
    assert {row.state for row in rows(work)} == {"done"}
