"""The rolling back-test: every model forecasts from many points of the past with what was known there, and its errors are counted.

Source of the procedure and of the measures: FPP3 5.8 and 5.10; MASE: R. Hyndman, A. Koehler 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk import ForecastModel, Regressor

type_array = NDArray[np.float64]
Known = Callable[[int, int], Sequence[Regressor]]
"""From the length of a history and a horizon to the regressors as they were known there."""
MOST_ORIGINS, FEWEST_ORIGINS = 12, 3
FEWEST_PERIODS = 8


def nothing_known(count: int, horizon: int) -> Sequence[Regressor]:
    """No regressors."""
    return ()


def origins(periods: int, season: int, horizon: int) -> list[int]:
    """The lengths of history from which is forecast: at least two seasons each, spread over the last two horizons, at most twelve."""
    first = max(2 * season if season > 1 else 0, FEWEST_PERIODS, periods - 2 * horizon)
    count = min(MOST_ORIGINS, periods - first)
    return sorted({int(place) for place in np.linspace(first, periods - 1, count).round()}) if count > 0 else []


@dataclass(frozen=True)
class Errors:
    """What a model missed by: a row for each origin, a column for each step ahead, NaN beyond the end of the history."""

    model: ForecastModel
    missed: type_array
    actual: type_array
    made: type_array

    @property
    def mae(self) -> float:
        """The mean absolute error over all origins and steps."""
        return float(np.nanmean(np.abs(self.missed)))

    def figures(self, scale: float) -> dict[str, float | None]:
        """MAE, RMSE, MASE, MAPE and sMAPE in per cent; None where one does not exist (a zero to divide by)."""
        return _figures(self.missed, self.actual, self.made, scale)

    def by_step(self, scale: float) -> list[dict[str, float | None]]:
        """The same for each step ahead, all at once."""
        there = ~np.isnan(self.missed)
        missed, actual, made = (np.where(there, np.abs(part), 0.0) for part in (self.missed, self.actual, self.made))
        counts, both = there.sum(axis=0), actual + made
        number = np.maximum(counts, 1)
        mae, rmse = missed.sum(axis=0) / number, np.sqrt((missed**2).sum(axis=0) / number)
        shares = np.divide(missed, actual, out=np.zeros_like(missed), where=actual > 0).sum(axis=0) / number * 100
        smape = np.divide(200 * missed, both, out=np.zeros_like(both), where=both > 0).sum(axis=0) / number
        divisible = (actual > 0).sum(axis=0) == counts
        return [
            {
                "mae": float(mae[step]), "rmse": float(rmse[step]), "mase": float(mae[step]) / scale if scale > 0 else None,
                "mape": float(shares[step]) if divisible[step] else None, "smape": float(smape[step]),
            } if counts[step] else dict.fromkeys(("mae", "rmse", "mase", "mape", "smape"))
            for step in range(self.missed.shape[1])
        ]  # fmt: skip


def _figures(missed: type_array, actual: type_array, made: type_array, scale: float) -> dict[str, float | None]:
    there = ~np.isnan(missed)
    missed, actual, made = np.abs(missed[there]), np.abs(actual[there]), np.abs(made[there])
    if not len(missed):
        return dict.fromkeys(("mae", "rmse", "mase", "mape", "smape"))
    both, some = actual + made, actual > 0
    mae = float(missed.mean())
    return {
        "mae": mae,
        "rmse": float(np.sqrt((missed**2).mean())),
        "mase": mae / scale if scale > 0 else None,
        "mape": float((missed[some] / actual[some]).mean() * 100) if some.all() else None,
        "smape": float(np.divide(200 * missed, both, out=np.zeros_like(both), where=both > 0).mean()),
    }


def scale_of(values: Sequence[float], season: int) -> float:
    """What MASE divides by: the mean absolute difference to the season before."""
    there = np.asarray(values, dtype=float)
    return float(np.abs(there[season:] - there[:-season]).mean()) if len(there) > season else 0.0


def errors_of(model: ForecastModel, values: Sequence[float], season: int, horizon: int, starts: Sequence[int],
              known: Known = nothing_known, *, positive: bool = False) -> Errors | None:  # fmt: skip
    """Forecast from each start; None where the model could not once."""
    rows = np.full((3, len(starts), horizon), np.nan)
    for row, start in enumerate(starts):
        steps = min(horizon, len(values) - start)
        mean = forecast(model, values[:start], known(start, steps), season, steps, positive=positive)
        if mean is None:
            return None
        actual = np.asarray(values[start : start + steps], dtype=float)
        rows[0, row, :steps], rows[1, row, :steps], rows[2, row, :steps] = actual - mean, actual, mean
    return Errors(model, rows[0], rows[1], rows[2])


def forecast(model: ForecastModel, history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int,
             *, positive: bool = False) -> type_array | None:  # fmt: skip
    """What a model expects; None where it is not long enough for it, or its answer is none. `positive`: nothing below zero."""
    if not model.bears(len(history), season):
        return None
    try:
        with np.errstate(all="ignore"):
            mean = np.asarray(model.fit(history, regressors, season, horizon).mean, dtype=float)
    except (ArithmeticError, ValueError):  # what a model may raise that does not fit this series
        return None
    if mean.shape != (horizon,) or not np.isfinite(mean).all():
        return None
    return np.maximum(mean, 0.0) if positive else mean
