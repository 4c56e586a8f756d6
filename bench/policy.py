"""One decision: from memory, and when everything must be compiled anew."""

from __future__ import annotations

import time
from statistics import median
from timeit import Timer

from bench.data import Installation
from bench.table import Line
from core.platform import Platform
from core.policy.enforcer import Policy
from sdk import Channel

ROUNDS, DECISIONS = 20, 100_000


def measure(installation: Installation) -> list[Line]:
    """What a decision takes with the grants in hand, and what it takes for a user who was never seen."""
    booted = installation.boot()
    grants = booted.user(installation.tenant, installation.rep_id, Channel.API).grants
    cached = min(Timer(lambda: grants.of("pipeline.deal.read")).repeat(5, DECISIONS)) / DECISIONS
    cold, warm = _compiled(booted, installation)
    booted.close()
    return [
        Line("policy: decision, cached", installation.kind, f"{cached * 1e6:.2f} us", "", "", "< 1 us"),
        Line("policy: a tenant's first user", installation.kind, f"{cold * 1000:.1f} ms", "", "", "< 5 ms", seconds=cold),
        Line("policy: another user of the tenant", installation.kind, f"{warm * 1000:.1f} ms", "", "", "< 5 ms", seconds=warm),
    ]


def _compiled(booted: Platform, installation: Installation) -> tuple[float, float]:
    """Seconds for the first user of a tenant, and for the second."""
    found: list[tuple[float, float]] = []
    with booted.database.begin(write=False, tenant=installation.tenant) as connection:
        enabled = booted.gate.enabled(connection, installation.tenant, 1)
        for _round in range(ROUNDS):
            policy, times = Policy(booted.catalog), []
            for user in (installation.rep_id, installation.tenant):
                started = time.perf_counter()
                policy.grants(connection, installation.tenant, user, ("sales_rep",), 1, enabled)
                times.append(time.perf_counter() - started)
            found.append((times[0], times[1]))
    first, second = (median(each) for each in zip(*found, strict=True))
    return first, second
