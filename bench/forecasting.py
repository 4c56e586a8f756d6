"""A thousand monthly series, forecast as a run does it: history, back-test of every model, choice, intervals, all of it written."""

from __future__ import annotations

import os
import time
from datetime import date
from decimal import Decimal
from random import Random
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from bench.data import Installation
from bench.table import Line, times
from core.context import Work
from core.data import bulk
from core.entities.ids import new_ids
from plugins.forecast import runs
from plugins.forecast.keeping import RESULT
from sdk import where
from sdk.context import id_of

SERIES, MONTHS, HORIZON = 1_000, 60, 12
BUDGET = "< 60 s on 2 cores"
_BY_HAND = 'SELECT market_series_id, "on", value FROM forecast_market_points WHERE tenant_id = :tenant ORDER BY market_series_id, "on"'


def measure(installation: Installation) -> list[Line]:
    """Beside it: the same figures read by hand and a seasonal naive forecast of all of them in numpy."""
    booted = installation.boot()
    work = booted.system(installation.tenant)
    _fill(work)
    values = {"name": "bench", "entity": "forecast.market_point", "measure": "sum:value", "date_field": "on", "split_by": "market_series",
              "horizon": HORIZON}  # fmt: skip
    series = id_of(work.records("forecast.series").create(values))
    started, worked = time.perf_counter(), time.process_time()
    run = id_of(runs.start(work, series))
    runs.carry_out(work, run)
    wall, processor = time.perf_counter() - started, time.process_time() - worked
    row = work.records(runs.RUN).values([run])[run]
    if (row["state"], row["done"]) != ("succeeded", SERIES):
        raise RuntimeError(f"the run ended as {row['state']} with {row['done']} of {SERIES}: {row['error']}")
    better = work.records(RESULT).aggregate(["count"], ["verdict"], where(run=run))
    raw = _by_hand(work, installation)
    booted.close()
    load = os.getloadavg()[0]
    figures = ", ".join(f"{one['verdict']} {one['count']}" for one in better)
    return [
        Line(f"forecast: {SERIES:,} monthly series of {MONTHS}", installation.kind,
             f"{wall:.1f} s ({processor:.1f} s of processor; load {load:.1f}); {figures}",
             f"{raw * 1000:.0f} ms seasonal naive in numpy", times(wall / raw), BUDGET, seconds=wall)
    ]  # fmt: skip


def _fill(work: Work) -> None:
    """Five years before this month, each series with a trend, a season and noise of its own."""
    random, catalog = Random(1), work.platform.catalog
    heads, figures = (catalog.entities[f"forecast.{name}"].record.table() for name in ("market_series", "market_point"))
    now, ids, today = work.now(), new_ids(SERIES), work.now().date()
    same = {"tenant_id": work.tenant.id, "owner_id": None, "version": 1, "created_at": now, "updated_at": now}
    first = today.year * 12 + today.month - 1 - MONTHS
    months = [date((first + n) // 12, (first + n) % 12 + 1, 1) for n in range(MONTHS)]
    names = [{"id": id, "name": f"series {n:04}", "source": None, "unit": None, "planned": False, **same} for n, id in enumerate(ids)]
    with work.transaction(write=True):
        bulk.insert(work.connection, heads, names)
        for id in ids:
            bulk.insert(work.connection, figures, [
                {"id": new, "market_series_id": id, "on": on, "value": value, **same}
                for new, on, value in zip(new_ids(MONTHS), months, _line(random), strict=True)
            ])  # fmt: skip


def _line(random: Random) -> list[Decimal]:
    level, slope, height, phase = random.uniform(200, 900), random.uniform(-0.003, 0.02), random.uniform(0.1, 0.4), random.randrange(12)
    waves = [height * float(np.sin(2 * np.pi * (n + phase) / 12)) for n in range(MONTHS)]
    return [Decimal(f"{max(0.0, level * (1 + slope * n + wave + random.gauss(0, 0.08))):.2f}") for n, wave in enumerate(waves)]


def _by_hand(work: Work, installation: Installation) -> float:
    """Seconds to read the rows and to say "as a year ago" for each series."""
    tenant: str | UUID = installation.tenant.hex if installation.kind == "SQLite" else installation.tenant
    started = time.perf_counter()
    with work.transaction():
        rows = work.connection.execute(sa.text(_BY_HAND), {"tenant": tenant}).all()
    table = np.array([float(row[2]) for row in rows]).reshape(SERIES, MONTHS)
    ahead = table[:, -12:][:, np.arange(HORIZON) % 12]
    if ahead.shape != (SERIES, HORIZON):
        raise RuntimeError("the hand-written forecast has another shape")
    return time.perf_counter() - started
