"""Rules: a wake-up of a date rule over a million contracts with none due, and what a write costs where no rule asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from bench.data import Installation, another_tenant, settle
from bench.table import Line, times
from core.context import Work
from core.data import bulk
from core.entities.ids import new_ids
from core.platform import Platform
from plugins.automation.matching import wake
from sdk import Watch
from sdk.context import id_of

CONTRACTS, CHUNK = 1_000_000, 5_000
BUDGET = "< 50 ms"
ROUNDS, WRITES = 7, 300
NOTIFY = {"action": "automation.notify", "parameters": {"to": "owner", "title": "{{ name }}"}}


def measure(installation: Installation) -> list[Line]:
    """A line for the wake-up, and one for writes."""
    booted = installation.boot()
    lines = [_swept(booted, installation), *_written(booted, installation)]
    booted.close()
    return lines


def _swept(booted: Platform, installation: Installation) -> Line:
    work = booted.system(another_tenant(booted, "many-contracts"))
    table = booted.catalog.entities["orders.contract"].record.table()
    account = id_of(work.records("customers.account").find((), 1)[0])
    rows = _contracts(work.tenant.id, account)
    with booted.database.begin(write=True, tenant=work.tenant.id) as connection:
        while part := [row for row, _n in zip(rows, range(CHUNK), strict=False)]:
            bulk.insert(connection, table, part)
    settle(booted)
    rule = id_of(
        work.records("automation.rule").create(
            {
                "name": "ends",
                "entity": "orders.contract",
                "trigger": "automation.date",
                "parameters": {"field": "ends_on", "days": 7},
                "actions": [NOTIFY],
            }
        )
    )
    found, day, real = list[float](), timedelta(days=1), booted.clock
    for turn in range(1, ROUNDS + 1):
        booted.clock = lambda turn=turn: datetime.now(UTC) + day * turn  # type: ignore[misc]
        started = time.perf_counter()
        wake(work, {"rule": str(rule)})
        found.append(time.perf_counter() - started)
    booted.clock = real
    (timer,) = work.records("automation.timer").find((), 1)
    reached = timer["reached_on"]
    if (
        work.records("automation.run").find((), 1)
        or not isinstance(reached, date)
        or reached < datetime.now(UTC).date() + day * (ROUNDS - 1)
    ):
        raise RuntimeError("the wake-ups have not looked at their days, or have found something")
    name = f"rules: wake-up over {CONTRACTS:,} contracts, none due"
    return Line(name, installation.kind, f"{median(found) * 1000:.1f} ms, slowest {max(found) * 1000:.1f} ms", "", "", BUDGET)


def _contracts(tenant: UUID, account: UUID) -> Iterator[dict[str, Any]]:
    """Contracts over forty years, none of which ends within the next two months."""
    now, today = datetime.now(UTC), datetime.now(UTC).date()
    for start in range(0, CONTRACTS, CHUNK):
        for place, id in enumerate(new_ids(CHUNK), start):
            far = 60 + place % 7_000
            yield {
                "tenant_id": tenant, "id": id, "number": f"C{place}", "name": f"Contract {place}", "account_id": account, "state": "active",
                "ends_on": today + timedelta(days=far if place % 2 else -far), "renewal": "none", "version": 1, "created_at": now,
                "updated_at": now, "owner_id": None, "contact_id": None, "deal_id": None, "order_id": None, "signed_on": None,
                "starts_on": None, "value": None, "value_currency": None, "terms": None,
            }  # fmt: skip


def _written(booted: Platform, installation: Installation) -> list[Line]:
    """Writes of accounts with the watches asked and answering no, beside writes without watches, in turns."""
    work = booted.system(installation.tenant)
    work.records("automation.rule").create(
        {"name": "other", "entity": "customers.contact", "trigger": "automation.created", "parameters": {}, "actions": [NOTIFY]}
    )
    work = booted.system(installation.tenant)
    watches = booted.catalog.specs[Watch]
    asked, without = list[float](), list[float]()
    for _round in range(ROUNDS * 3):
        asked.append(_timed(lambda: _write(work)))
        booted.catalog.specs[Watch] = {}
        without.append(_timed(lambda: _write(work)))
        booted.catalog.specs[Watch] = watches
    # The quickest turns: what else the machine does is no cost of rules.
    ratio = min(asked) / min(without)
    measured = f"{min(asked) / WRITES * 1e6:.0f} us a write"
    return [
        Line("rules: write that none asks for", installation.kind, measured, f"{min(without) / WRITES * 1e6:.0f} us", times(ratio), "~ 1x")
    ]


def _write(work: Work) -> None:
    with work.transaction(write=True):
        for number in range(WRITES):
            work.records("customers.account").create({"name": f"bench {number}"})


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
