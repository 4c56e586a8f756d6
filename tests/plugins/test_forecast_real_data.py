"""Forecasts of real files, where the folder of them is there."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from plugins.forecast.choice import choose
from plugins.forecast.factors import HELPS, Index, judge
from plugins.forecast.models import MODELS
from tests.journeys.real_data import folder

pytestmark = pytest.mark.real_data


def columns(path: Path) -> dict[str, list[float]]:
    """The columns of a file without what is no number."""
    with path.open(encoding="utf-8") as file:
        heads, *rows = csv.reader(file)
    figures = {head: [row[n] for row in rows if n < len(row) and row[n] not in ("", "NA")] for n, head in enumerate(heads)}
    return {head: [float(cell) for cell in cells] for head, cells in figures.items() if head not in ("date", "Month")}


@pytest.mark.feature("G5")
def test_tourism_is_forecast_better_than_by_last_year_and_the_interval_holds() -> None:
    """Every eighth of the 366 monthly series, or with `DEALWRIGHT_TESTS=all` every second, the first of the two years that were kept back; three rows of the file are no figures."""
    known, kept = (columns(folder("tourism") / f"monthly_{part}.csv") for part in ("in", "oos"))
    ours, naive, inside = list[float](), list[float](), list[float]()
    for name in list(known)[:: 2 if os.environ.get("DEALWRIGHT_TESTS") == "all" else 8]:
        past, ahead = np.array(known[name][3:]), np.array(kept[name][3:15])
        made = choose(past.tolist(), 12, 12, MODELS)
        scale = np.abs(past[12:] - past[:-12]).mean()
        ours.append(float(np.abs(ahead - made.mean).mean() / scale))
        naive.append(float(np.abs(ahead - past[-12:]).mean() / scale))
        low, high = made.bands[0]
        inside.append(float(np.mean((ahead >= low) & (ahead <= high))))
    assert np.mean(ours) < np.mean(naive), (np.mean(ours), np.mean(naive))
    assert 0.75 <= np.mean(inside) <= 0.85, np.mean(inside)


def test_champagne_and_cars_stay_near_their_forecast_and_a_foreign_economy_is_no_help() -> None:
    sales = folder("small_monthly_sales")
    economy = columns(folder("fred_md") / "us_monthly_macro_small.csv")["UNRATE"]
    helped = 0
    for name in ("monthly_champagne_sales.csv", "monthly-car-sales.csv"):
        values = columns(sales / name)["Sales"]
        made = choose(values[:-12], 12, 12, MODELS)
        ahead = np.array(values[-12:])
        assert np.abs(ahead - made.mean).mean() < 0.15 * ahead.mean(), name
        low, high = made.bands[1]
        assert np.mean((ahead >= low) & (ahead <= high)) >= 0.75, name
        # Unemployment of half a century later: whatever it does, these sales do not know of it.
        index = Index("later", dict(enumerate(economy[500 : 500 + len(values)])), season=12)
        helped += judge(index, values, 12, 12).verdict == HELPS
    assert helped == 0
