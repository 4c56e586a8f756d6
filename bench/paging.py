"""A list page of many deals, beside the same list through the API: what drawing it costs."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from time import perf_counter, process_time
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from bench.data import Installation
from bench.table import Line, times
from core.app import create_app

BUDGET = "< 30 ms"
PEER = "16 ms + 40 ms RPC"
PAGE, API = "/console/pipeline/deals", "/api/v1/pipeline/deals"
COLUMNS = "name,account,stage,amount,close_date,owner,updated_at"
SHAPES: Mapping[str, tuple[str, bool]] = {
    "newest first": ("", False),
    "won, highest first": ("status=won&sort=-amount&", False),
    "open, as representative": ("status=open&sort=-close_date&", True),
}
ROUNDS = 40


def measure(installation: Installation) -> list[Line]:
    """A line for each shape: the median of rounds in which page and API take turns, in this process."""
    booted = installation.boot()
    statements = 0

    @event.listens_for(booted.database.engine, "before_cursor_execute")
    def note(*_given: Any) -> None:
        nonlocal statements
        statements += 1

    client: FlaskClient = create_app(booted).test_client()
    lines = []
    for name, (asked, as_rep) in SHAPES.items():
        token = installation.rep if as_rep else installation.admin
        page, api = f"{PAGE}?{asked}_columns={COLUMNS}", f"{API}?{asked}fields=id,version,{COLUMNS}"
        rounds = [(_timed(client, page, token), _timed(client, api, token)) for _round in range(ROUNDS)][ROUNDS // 4 :]
        statements = 0
        _timed(client, page, token)
        took, busy = (1000 * median(ours[place] for ours, _api in rounds) for place in (0, 1))
        ratio = median(ours[1] / api[1] for ours, api in rounds)
        said = f"{statements} statements, the API {1000 * median(api[1] for _ours, api in rounds):.1f} ms of processor"
        measured = f"{took:.1f} ms, {busy:.1f} ms of processor"
        lines.append(Line(f"page: {name}", installation.kind, measured, said, times(ratio), BUDGET, PEER, took / 1000))
    booted.close()
    return lines


def _timed(client: FlaskClient, path: str, token: str) -> tuple[float, float]:
    """Seconds until the answer, and seconds of processor in this process: what else the machine does is in the first alone."""
    began, busy = perf_counter(), process_time()
    answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
    took = perf_counter() - began, process_time() - busy
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {answer.text[:300]}")
    return took
