"""Fifty of many deals, filtered and sorted, with policy, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median
from typing import Any
from unittest.mock import patch
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import event

from bench import load, servers
from bench.data import Installation
from bench.table import Line, rate, times
from core.app import create_app
from core.entities import pages

BUDGET = "<= 1.6x by hand"
PEER = "Odoo 18: 143/s, bare 6,650/s"
DEALS = "/api/v1/pipeline/deals"
SHOWN = (
    "id,name,account,contact,product,pipeline,stage,status,amount,probability,opened_on,close_date,competitor,notes,owner,version,"
    "created_at,updated_at"
)
"""What both routes show: the hand-written one knows no field that plugins add later."""
SHAPES: Mapping[str, tuple[str, bool]] = {
    "newest first": (f"{DEALS}?limit=50&fields={SHOWN}", False),
    "won, highest first": (f"{DEALS}?status=won&sort=-amount&limit=50&fields={SHOWN}", False),
    "team's open, as representative": (f"{DEALS}?status=open&sort=-close_date&limit=50&fields={SHOWN}", True),
    "search q": (f"{DEALS}?q=renewal%209&limit=50&fields={SHOWN}", False),
}
ROUNDS, SECONDS = 15, 0.6


def measure(installation: Installation) -> list[Line]:
    """A line for each shape: median of rounds in which the three take turns."""
    lines = []
    with captured(installation) as statements:
        lists = {str(number): statements(path, as_rep) for number, (path, as_rep) in enumerate(SHAPES.values())}
    plan = {"url": installation.url, "tenant": str(installation.tenant), "lists": lists}
    with servers.serving(installation) as port, servers.by_hand(installation, plan) as raw_port:
        for number, (name, (path, as_rep)) in enumerate(SHAPES.items()):
            token = installation.rep if as_rep else installation.admin
            _same(_get(port, path, token), _get(raw_port, f"/deals/{number}", ""), name)
            ours = load.request(port, path, token)
            by_hand = load.request(raw_port, f"/deals/{number}")
            bare = load.request(raw_port, "/bare")
            lines.append(_line(f"list: {name}", installation, [(port, ours), (raw_port, by_hand), (raw_port, bare)]))
    return lines


def _line(work: str, installation: Installation, targets: list[tuple[int, bytes]]) -> Line:
    rounds = interleaved(targets)
    ours, by_hand, bare = (median(each) for each in zip(*rounds, strict=True))
    ratio = median(one[1] / one[0] for one in rounds)
    share = f"{rate(by_hand)} by hand, {rate(bare)} bare"
    return Line(work, installation.kind, f"{rate(ours)}, {100 * ours / bare:.0f} % of bare", share, times(ratio), BUDGET, PEER)


def interleaved(targets: list[tuple[int, bytes]], rounds: int = ROUNDS, seconds: float = SECONDS) -> list[list[float]]:
    """Rates of the targets in turns, so that what else the machine does falls on all of them; the first turn warms up."""
    found = []
    for _round in range(rounds + 1):
        turn = [load.drive(port, sent, seconds) for port, sent in targets]
        for done in turn:
            if done.failed:
                raise RuntimeError(f"{done.failed} answers were no success, the first: {done.first_failure}")
        found.append([done.rate for done in turn])
    return found[1:]


type_capture = Callable[[str, bool], tuple[str, Any]]


@contextmanager
def captured(installation: Installation) -> Iterator[type_capture]:
    """A function from an address to the statement that its answer is made of, with its parameters as the driver gets them.

    It is asked for by way of SQLAlchemy, whose marks of parameters the hand-written route can give to its driver.
    """
    booted = installation.boot()
    seen: list[tuple[str, Any]] = []

    @event.listens_for(booted.database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "FROM pipeline_deals" in statement:
            seen.append((statement, parameters))

    client: FlaskClient = create_app(booted).test_client()

    def capture(path: str, as_rep: bool) -> tuple[str, Any]:
        seen.clear()
        token = installation.rep if as_rep else installation.admin
        with patch.object(pages, "straight", lambda *_asked: None):
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200 or len(seen) != 1:
            raise RuntimeError(f"{path} answered {answer.status} with {len(seen)} statements")
        text, parameters = seen[0]
        return text, _plain(parameters)

    yield capture
    booted.close()


def _plain(parameters: Any) -> Any:
    if isinstance(parameters, Mapping):
        return {name: _tagged(value) for name, value in parameters.items()}
    return [_tagged(value) for value in parameters]


def _tagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_tagged(one) for one in value]
    return {"uuid": str(value)} if isinstance(value, UUID) else value


def _get(port: int, path: str, token: str) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return body


def _same(ours: Any, by_hand: Any, name: str) -> None:
    """Both must have done the same work."""
    if ours.get("data") != by_hand["data"] or not ours["data"]:
        raise RuntimeError(f"{name}: the platform and the hand-written route answer differently: {ours!s:.1500} / {by_hand!s:.1500}")
