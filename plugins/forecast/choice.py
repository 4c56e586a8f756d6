"""The model of one series: the one that was best in the back-test, if it was better than doing nothing clever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.forecast import interval
from plugins.forecast.backtest import FEWEST_ORIGINS, Errors, Known, errors_of, forecast, nothing_known, origins, scale_of
from plugins.forecast.models import NAIVE, SEASONAL_NAIVE
from sdk import ForecastModel

MARGIN = 0.01
"""By how much another model must be better than the naive one: less is chance."""
BEATS_NAIVE, NAIVE_BEST, THIN_DATA = "beats_naive", "naive_best", "thin_data"


@dataclass(frozen=True)
class Choice:
    """The forecast of a series. `tried` is empty and there are no intervals where the history is too short for a back-test."""

    model: ForecastModel
    verdict: str
    season: int
    mean: list[float]
    bands: list[tuple[list[float], list[float]]]
    parameters: dict[str, float]
    scale: float = 0.0
    coverage: float | None = None
    starts: list[int] = field(default_factory=list)
    benchmark: Errors | None = None
    tried: list[Errors] = field(default_factory=list)

    @property
    def errors(self) -> Errors | None:
        """Those of the model taken."""
        return next((errors for errors in self.tried if errors.model is self.model), None)


def season_in(periods: int, season: int, horizon: int) -> int:
    """The season if the history shows it: two of them and three origins to test from; else 1."""
    return season if len(origins(periods, season, horizon)) >= FEWEST_ORIGINS else 1


def choose(values: Sequence[float], season: int, horizon: int, models: Sequence[ForecastModel],
           known: Known = nothing_known) -> Choice:  # fmt: skip
    """Try all models, take the best, give its forecast with intervals. Values are finite; none below zero means none ahead either."""
    values = [float(value) for value in values]
    positive, seen = min(values) >= 0, season_in(len(values), season, horizon)
    starts = origins(len(values), seen, horizon)
    if len(starts) < FEWEST_ORIGINS:
        return _fallback(values, season, horizon, models, positive=positive)
    naive = _offered(models, SEASONAL_NAIVE if seen > 1 else NAIVE)
    everyone = [naive, *(model for model in models if model is not naive)]
    found = (errors_of(model, values, seen, horizon, starts, known, positive=positive) for model in everyone)
    tried = [errors for errors in found if errors is not None]
    benchmark, ranked = tried[0], sorted(tried, key=lambda errors: errors.mae)
    ahead = known(len(values), horizon)
    for errors in [*(one for one in ranked if one.mae < benchmark.mae * (1 - MARGIN)), benchmark]:
        mean = forecast(errors.model, values, ahead, seen, horizon, positive=positive)
        if mean is None:
            continue
        fitted = errors.model.fit(values, ahead, seen, horizon)
        bands = [_band(mean, width, positive=positive) for width in interval.widths(errors.missed)]
        return Choice(
            errors.model, NAIVE_BEST if errors is benchmark else BEATS_NAIVE, seen, mean.tolist(), bands,
            {name: float(value) for name, value in fitted.parameters.items() if np.isfinite(value)}, scale_of(values, seen),
            interval.coverage(errors.missed), starts, benchmark, tried,
        )  # fmt: skip
    raise AssertionError("the naive model forecasts every finite history")


def _band(mean: np.ndarray, width: np.ndarray, *, positive: bool) -> tuple[list[float], list[float]]:
    low = mean - width
    return (np.maximum(low, 0.0) if positive else low).tolist(), (mean + width).tolist()


def _offered(models: Sequence[ForecastModel], model: ForecastModel) -> ForecastModel:
    """The model as the catalogue holds it, under its owner's name."""
    return next((one for one in models if one.key == model.key and one.plugin in ("", "forecast")), model)


def _fallback(values: Sequence[float], season: int, horizon: int, models: Sequence[ForecastModel], *, positive: bool) -> Choice:
    """Too short for any test: last season again where there is a whole one, else the last value; no interval is claimed."""
    seasonal = len(values) >= season > 1
    model = _offered(models, SEASONAL_NAIVE if seasonal else NAIVE)
    mean = forecast(model, values, (), season, horizon, positive=positive)
    assert mean is not None
    return Choice(model, THIN_DATA, season if seasonal else 1, mean.tolist(), [], {})
