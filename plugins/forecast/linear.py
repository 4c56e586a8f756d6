"""Ridge regression on a trend, harmonics of the season and regressors (FPP3 7.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sdk import Forecast, Regressor

HARMONICS = 6
"""Pairs of sine and cosine at the most: enough for every month of a year."""
PENALTY = 0.5
"""On standardised columns; keeps a dozen seasonal figures in check where there are two dozen months."""
_ROUNDING = 1e-12
"""By what share of itself a column has to vary that is more than rounded."""


def _design(count: int, season: int) -> NDArray[np.float64]:
    steps = np.arange(count, dtype=float)
    columns = [steps]
    for number in range(1, min(season // 2, HARMONICS) + 1):
        turn = 2 * np.pi * number * steps / season
        columns += [np.cos(turn)] if 2 * number == season else [np.cos(turn), np.sin(turn)]
    return np.column_stack(columns)


def regression(history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int) -> Forecast:
    """The forecast with its coefficients in units of the series: for one standard deviation of each regressor.

    The normal equations (Hoerl and Kennard, 1970) are solved in place: a library's estimator takes ten times as long to be prepared for each of the
    hundred short histories that a choice of models is tried on.
    """
    values, count = np.asarray(history, dtype=float), len(history)
    design = _design(count + horizon, season)
    outside = [np.r_[regressor.past, regressor.ahead] for regressor in regressors]
    if outside:
        design = np.column_stack([design, *outside])
    known, middle = design[:count], design[:count].mean(axis=0)
    # Of 24 times 0.1 the deviation is 1e-17: divided by that, what the regressor does next is anything.
    varies = np.ptp(known, axis=0) > _ROUNDING * np.abs(known).max(axis=0)
    spread = np.where(varies, known.std(axis=0), 1.0)
    design = (design - middle) / spread
    known, level = design[:count], values.mean()  # columns have a mean of 0 there, so the level is that of the values
    learnt = np.linalg.solve(known.T @ known + PENALTY * np.eye(known.shape[1]), known.T @ (values - level))
    mean = design[count:] @ learnt + level
    learned = {"trend": float(learnt[0] / spread[0])}
    named = zip(regressors, learnt[len(learnt) - len(regressors) :], strict=True)
    return Forecast(mean.tolist(), learned | {regressor.name: float(value) for regressor, value in named})
