"""Search in a full table, beside the question that it replaced: each of an entity's texts looked through for the words."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from bench.data import HEADS, Installation, settle
from bench.table import Line, rate, times
from core.app import create_app
from core.platform import Platform
from core.search.anew import make_all
from core.search.index import entities

BUDGET = "< 30 ms"
ENTITY = "pipeline.deal"
ROUNDS = 30


def measure(installation: Installation) -> list[Line]:
    """How fast the words of what is there are made, then a line for each kind of question: the median of rounds in which both take turns."""
    booted = installation.boot()
    system = booted.system(installation.tenant)
    began = perf_counter()
    for name in entities(system):
        make_all(system, {"entity": name})
    made = Line("search: words of what is there", installation.kind, f"{rate(installation.rows / (perf_counter() - began))} records")
    settle(booted)
    client: FlaskClient = create_app(booted).test_client()
    number = installation.rows // 2
    questions: Mapping[str, tuple[str, str]] = {
        "one record": (str(number), installation.admin),
        "a common word": (HEADS[0], installation.admin),
        "a common word, as representative": (HEADS[0], installation.rep),
        "nothing": ("zzzz", installation.admin),
    }
    lines = [made]
    for name, (words, token) in questions.items():
        rounds = [(_ours(client, words, token), _by_hand(booted, installation, words)) for _round in range(ROUNDS)][ROUNDS // 4 :]
        ours, raw = (1000 * median(one[place] for one in rounds) for place in (0, 1))
        lines.append(Line(f"search: {name}", installation.kind, f"{ours:.1f} ms", f"{raw:.1f} ms by LIKE", times(ours / raw), BUDGET))
    booted.close()
    return lines


def _ours(client: FlaskClient, words: str, token: str) -> float:
    began = perf_counter()
    answer = client.get("/api/v1/search", query_string={"q": words}, headers={"Authorization": f"Bearer {token}"})
    took = perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"the search answered {answer.status}: {answer.text[:300]}")
    return took


def _by_hand(booted: Platform, installation: Installation, words: str) -> float:
    """Of deals alone, without rights and the way through the web; of all entities that was one such question each."""
    table: Any = booted.catalog.entities[ENTITY].record.table()
    query = (
        sa.select(table.c.id, table.c.name)
        .where(table.c.tenant_id == installation.tenant, table.c.deleted_at.is_(None), table.c.name.icontains(words))
        .order_by(table.c.id.desc())
        .limit(6)
    )
    with booted.database.begin(write=False, tenant=installation.tenant) as connection:
        began = perf_counter()
        connection.execute(query).all()
        return perf_counter() - began
