"""Ridge regression on a trend, harmonics of the season and regressors (FPP3 7.4), by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.linear_model import Ridge

from sdk import Forecast, Regressor

HARMONICS = 6
"""Pairs of sine and cosine at the most: enough for every month of a year."""
PENALTY = 0.5
"""On standardised columns; keeps a dozen seasonal figures in check where there are two dozen months."""


def _design(count: int, season: int) -> NDArray[np.float64]:
    steps = np.arange(count, dtype=float)
    columns = [steps]
    for number in range(1, min(season // 2, HARMONICS) + 1):
        turn = 2 * np.pi * number * steps / season
        columns += [np.cos(turn)] if 2 * number == season else [np.cos(turn), np.sin(turn)]
    return np.column_stack(columns)


def regression(history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int) -> Forecast:
    """The forecast with its coefficients in units of the series: for one standard deviation of each regressor."""
    values, count = np.asarray(history, dtype=float), len(history)
    design = _design(count + horizon, season)
    outside = [np.r_[regressor.past, regressor.ahead] for regressor in regressors]
    if outside:
        design = np.column_stack([design, *outside])
    middle, spread = design[:count].mean(axis=0), design[:count].std(axis=0)
    design = (design - middle) / np.where(spread > 0, spread, 1.0)
    with config_context(assume_finite=True, skip_parameter_validation=True):
        fitted = Ridge(alpha=PENALTY, solver="cholesky").fit(design[:count], values)
    mean = design[count:] @ fitted.coef_ + fitted.intercept_
    learned = {"trend": float(fitted.coef_[0] / (spread[0] or 1.0))}
    named = zip(regressors, fitted.coef_[len(fitted.coef_) - len(regressors) :], strict=True)
    return Forecast(mean.tolist(), learned | {regressor.name: float(value) for regressor, value in named})
