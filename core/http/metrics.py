"""`/metrics`: what a process counts and what the database holds, for Prometheus; nothing of any tenant."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import platform as machine
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Response as FlaskResponse
from flask import request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from core.data.engine import RELAY_ROLE
from core.events.states import DEAD, HELD, WAITING
from core.events.tables import outbox
from core.extension import failures
from core.extension.discover import DISTRIBUTION
from core.extension.vanished import as_now
from core.http.addresses import Addresses
from core.http.answers import raw
from core.http.security import address_of
from sdk import NotFound, Unauthenticated, _

if TYPE_CHECKING:
    from core.platform import Platform

log = logging.getLogger("dealwright.http")
PATH = "/metrics"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one server keep what they count, by the library's own name for it."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PART = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_STUCK = sa.text(f"state IN ('{DEAD}', '{HELD}')")
"""As the index has it: a database takes such an index only where the words are the same."""
disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter was first counted: nobody asks, and it doubles the answer
type_answered = Callable[[float], None]


def share(folder: str) -> None:
    """Count together with the other processes of one server, by files in `folder`; to be said before they are made."""
    os.environ[FOLDER] = folder
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # chosen when the library was imported, which is too early


class Metrics:
    """What one application counts. The registry is its own, so that several in one process do not meet."""

    def __init__(self, platform: Platform) -> None:
        counted = CollectorRegistry(auto_describe=False)
        where = ("method", "route")
        self._requests = Counter("dealwright_http_requests", "Requests answered.", (*where, "status"), registry=counted)
        self._durations = Histogram(
            "dealwright_http_request_duration_seconds", "Until the answer begins.", where, registry=counted, buckets=_BUCKETS
        )
        self._refusals = Counter("dealwright_http_refusals", "Requests refused, by the code of the problem.", ("code",), registry=counted)
        self._known: dict[tuple[str, str, int], type_answered] = {}
        self.registry = counted
        if folder := os.environ.get(FOLDER):
            self.registry = CollectorRegistry(auto_describe=False)
            MultiProcessCollector(self.registry, path=folder)  # type: ignore[no-untyped-call]
            self.registry.register(Processes(Path(folder)))
        else:
            ProcessCollector(registry=counted)
        self.registry.register(Installation(platform))

    def answered(self, method: str, rule: str, status: int, seconds: float) -> None:
        """A request at the rule of an address ("" for none) was answered."""
        note = self._known.get((method, rule, status))
        (note or self._noting(method, rule, status))(seconds)

    def refused(self, code: str) -> None:
        """A request was refused with this code."""
        self._refusals.labels(code).inc()

    def _noting(self, method: str, rule: str, status: int) -> type_answered:
        where = (method if method in _METHODS else "OTHER", _PART.sub(r"{\1}", rule) or "none")
        count, observe = self._requests.labels(*where, str(status)).inc, self._durations.labels(*where).observe

        def note(seconds: float) -> None:
            count()
            observe(seconds)

        if method in _METHODS:  # callers make up others without end
            self._known[method, rule, status] = note
        return note


class Processes(Collector):
    """Memory, processor and files of each process of one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """The library's own figures of one process, with its number as a label."""
        found: dict[str, Metric] = {}
        for pid in sorted(file.stem.rpartition("_")[2] for file in self._folder.glob("counter_*.db")):
            for one in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]  # mypy knows no defaults here
                family = found.setdefault(one.name, Metric(one.name, one.documentation, one.type))
                for sample in one.samples:
                    family.add_sample(sample.name, {**sample.labels, "pid": pid}, sample.value)
        return found.values()


class Installation(Collector):
    """What is asked when somebody looks: of the plugins, and of the database, by indexes that hold what waits and what is stuck alone."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def collect(self) -> Iterator[Metric]:
        """The state of the installation now; without its database, what is known without."""
        yield InfoMetricFamily("dealwright_build", "Versions.", {"version": version(DISTRIBUTION), "python": machine.python_version()})
        plugins = GaugeMetricFamily("dealwright_plugin_state", "The state that each plugin is in: 1.", labels=("plugin", "state"))
        for found in as_now(self._platform):
            plugins.add_metric((found.name, found.state.value), 1)
        yield plugins
        answers = GaugeMetricFamily("dealwright_database_up", "Whether the database answers.")
        try:
            families = [*self._outbox(), *self._trouble()]
        except SQLAlchemyError:
            log.warning("the database did not answer for /metrics", exc_info=True)
            families = []
        answers.add_metric((), bool(families))
        yield from (answers, *families)

    def _outbox(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("dealwright_outbox_rows", "Background work: due, due later, dead (given up) or held.", labels=("state",))
        stuck = GaugeMetricFamily("dealwright_outbox_stuck_rows", "Dead and held background work, by plugin.", labels=("plugin", "state"))
        oldest = GaugeMetricFamily("dealwright_outbox_oldest_due_seconds", "For how long the oldest work that is due has been due.")
        now, due = self._platform.clock(), outbox.c.due_at
        is_due = sa.func.count(sa.case((due <= now, 1)))
        waiting = sa.select(sa.func.count().label("all"), is_due.label("due"), sa.func.min(due).label("oldest")).where(
            outbox.c.state == WAITING
        )
        dead = sa.select(outbox.c.handler, outbox.c.state, sa.func.count()).where(_STUCK).group_by(outbox.c.handler, outbox.c.state)
        with self._platform.database.begin(write=False, tenant=None, role=RELAY_ROLE) as connection:
            there = connection.execute(waiting).one()
            counts = {WAITING: {}, DEAD: dict[str, int](), HELD: dict[str, int]()}
            for handler, state, count in connection.execute(dead):
                plugin = str(handler or "core").partition(".")[0]
                counts[state][plugin] = counts[state].get(plugin, 0) + count
        for state, count in (
            ("due", there.due),
            ("later", there.all - there.due),
            *((one, sum(counts[one].values())) for one in (DEAD, HELD)),
        ):
            rows.add_metric((state,), count)
        for state in (DEAD, HELD):
            for plugin, count in sorted(counts[state].items()):
                stuck.add_metric((plugin, state), count)
        oldest.add_metric((), _age(there.oldest, now))
        yield from (rows, stuck, oldest)

    def _trouble(self) -> Iterator[Metric]:
        raised = GaugeMetricFamily(
            "dealwright_plugin_hook_failures",
            "How often a plugin raised in a hook since yesterday, in any process.",
            labels=("plugin", "hook"),
        )
        slow = GaugeMetricFamily(
            "dealwright_plugin_hook_delays",
            "How often a hook of a plugin took longer than it may since yesterday, in any process.",
            labels=("plugin", "hook"),
        )
        held = GaugeMetricFamily("dealwright_plugin_held", "Plugins that wait for the approval of some tenant: 1.", labels=("plugin",))
        with self._platform.database.begin(write=False, tenant=None) as connection:
            for ill in failures.lately(connection, self._platform.clock()):
                raised.add_metric((ill.plugin, ill.hook), ill.times)
            for late in failures.slow(connection, self._platform.clock()):
                slow.add_metric((late.plugin, late.hook), late.times)
            for name in self._platform.gate.held(connection):
                held.add_metric((name,), 1)
        yield from (raised, slow, held)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def mount_metrics(addresses: Addresses, platform: Platform, metrics: Metrics) -> None:
    """`GET /metrics`, for whoever asks from this machine or sends the token of the configuration."""

    def show() -> FlaskResponse:
        _let_in(platform)
        encode, media = choose_encoder(request.headers.get("Accept", ""))
        response = raw(encode(metrics.registry), "text/plain", {})
        response.headers["Content-Type"] = media
        return response

    addresses.add(PATH, "GET", show)


def _let_in(platform: Platform) -> None:
    """Raises Unauthenticated where there is a token, and NotFound where there is none: then nobody else is told that there is anything."""
    wanted, (scheme, _space, sent) = platform.config.metrics_token, request.headers.get("Authorization", "").partition(" ")
    if wanted and scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), wanted.encode()):
        return
    if not _is_here(platform):
        raise (
            Unauthenticated(_("send the metrics_token of the configuration as a bearer token"))
            if wanted
            else NotFound(_("there is nothing at this address"))
        )


def _is_here(platform: Platform) -> bool:
    """Whether a process of this machine asks for itself: what a proxy passes on comes from here as well, and says for whom."""
    passed_on = {"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"}.intersection(request.headers.keys())
    try:
        return not passed_on and not platform.config.proxies and ipaddress.ip_address(address_of(platform.config)).is_loopback
    except ValueError:
        return False
