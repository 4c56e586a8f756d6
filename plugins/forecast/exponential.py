"""Exponential smoothing in all its forms: one pass over the history for all settings of a grid at once.

Sources: FPP3 chapter 8 (recursions, start values); the choice among settings by the corrected Akaike criterion (FPP3 8.6).
A grid and no optimiser: the same data give the same setting on every machine, and no start value decides.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sdk import Forecast

type_array = NDArray[np.float64]
LEVELS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
TRENDS = (0.0, 0.05, 0.2)
SEASONS = (0.0, 0.05, 0.15, 0.4)
DAMPINGS = (1.0, 0.9, 0.0)
"""1: the trend goes on; 0: there is none."""
_TINY = 1e-12


@lru_cache(maxsize=2)
def _grid(seasonal: bool) -> tuple[type_array, type_array, type_array, type_array, type_array]:
    """The settings of level, trend, season and damping, and how many numbers each of them learns."""
    kept = [
        (level, trend, season, damping)
        for level, trend, season, damping in product(LEVELS, TRENDS, SEASONS if seasonal else (0.0,), DAMPINGS)
        if damping > 0 or trend == 0
    ]
    level, trend, season, damping = (np.array(column) for column in zip(*kept, strict=True))
    learned = 2.0 + (damping > 0) + (trend > 0) + (damping == 0.9) + (season > 0)
    return level, trend, season, damping, learned


def start(values: type_array, season: int) -> tuple[float, float, type_array]:
    """Level before the first period, slope, and seasonal figures that sum to zero, from the first three seasons at the most."""
    if season == 1:
        few = values[: min(len(values), 10)]
        slope = float(np.polyfit(np.arange(len(few)), few, 1)[0]) if len(few) > 2 else 0.0
        return float(few.mean() - slope * (len(few) + 1) / 2), slope, np.zeros(1)
    seasons = min(3, len(values) // season)
    table = values[: seasons * season].reshape(seasons, season)
    means = table.mean(axis=1)
    slope = float(means[-1] - means[0]) / (season * (seasons - 1))
    level = float(means.mean() - slope * (seasons * season + 1) / 2)
    line = level + slope * np.arange(1, seasons * season + 1).reshape(seasons, season)
    figures = (table - line).mean(axis=0)
    return level, slope, figures - figures.mean()


class _Pass:
    """A history taken in with every setting of the grid, period by period; it goes on where a longer one begins with the same."""

    def __init__(self, beginning: tuple[float, float, type_array], season: int) -> None:
        self.season, self._beginning, self._taken = season, beginning, np.empty(0)
        self.alpha, self.beta, self.gamma, self.phi, self.learned = _grid(season > 1)
        count = len(self.alpha)
        self.level, self.trend = np.full(count, beginning[0]), np.full(count, beginning[1])
        self.seasonal = np.repeat(beginning[2][:, None], count, axis=1)
        self.squares = np.zeros(count)
        self._by_trend, self._by_season = self.alpha * self.beta, self.gamma * (1 - self.alpha)

    def leads_to(self, values: type_array, beginning: tuple[float, float, type_array], season: int) -> bool:
        """Whether what it has taken in is how these values begin."""
        same = (self.season, *self._beginning[:2]) == (season, *beginning[:2]) and np.array_equal(self._beginning[2], beginning[2])
        return same and np.array_equal(self._taken, values[: len(self._taken)])

    def go_on(self, values: type_array) -> None:
        """Take in those that are new."""
        for step in range(len(self._taken), len(values)):
            place = step % self.season
            drifted = self.phi * self.trend
            before = self.level + drifted
            error = values[step] - before - self.seasonal[place]
            self.squares += error * error
            self.level = before + self.alpha * error
            self.trend = drifted + self._by_trend * error
            if self.season > 1:
                self.seasonal[place] += self._by_season * error
        self._taken = values.copy()


_LAST = threading.local()
"""The last pass of each thread: a back-test asks for ever longer beginnings of one history, and each goes on from the one before."""


def _passed(values: type_array, season: int) -> _Pass:
    beginning = start(values, season)
    last: _Pass | None = getattr(_LAST, "made", None)
    _LAST.made = None  # what is broken off in the middle leads nowhere
    if last is None or not last.leads_to(values, beginning, season):
        last = _Pass(beginning, season)
    last.go_on(values)
    _LAST.made = last
    return last


def smoothed(history: Sequence[float], season: int, horizon: int) -> Forecast:
    """Additive smoothing; `season` 1 means none."""
    values = np.asarray(history, dtype=float)
    made = _passed(values, season)
    best = _best(made.squares, made.learned, len(values))
    ahead = _damped(float(made.phi[best]), horizon)
    mean = made.level[best] + ahead * made.trend[best]
    mean = mean + made.seasonal[(len(values) + np.arange(horizon)) % season, best]
    setting = {"level": made.alpha[best], "trend": made.beta[best], "season": made.gamma[best], "damping": made.phi[best]}
    return Forecast(mean.tolist(), {name: float(value) for name, value in setting.items()})


def _damped(phi: float, horizon: int) -> type_array:
    return np.cumsum(phi ** np.arange(1, horizon + 1)) if phi > 0 else np.zeros(horizon)


def _best(squares: type_array, learned: type_array, count: int) -> int:
    """The setting with the least corrected Akaike criterion; the first among equals."""
    spare = np.maximum(count - learned - 1, 1.0)
    scale = max(float(squares.max()), _TINY)
    criterion = count * np.log(squares / count + _TINY * scale) + 2 * learned * count / spare
    return int(np.argmin(criterion))


def smoothed_on_logarithms(history: Sequence[float], season: int, horizon: int) -> Forecast:
    """Additive smoothing of the logarithms. Raises ValueError where a value has none."""
    if min(history) <= 0:
        raise ValueError("a value is not positive and has no logarithm")
    made = smoothed(np.log(history).tolist(), season, horizon)
    return Forecast(np.exp(made.mean).tolist(), made.parameters)


def theta(history: Sequence[float], season: int, horizon: int) -> Forecast:
    """Simple smoothing of what is left without the season, with half the slope of its line as drift."""
    values = np.asarray(history, dtype=float)
    if season == 1 or len(values) < 2 * season:
        return _theta_line(values, horizon, 1.0, None)
    growing = bool(values.min() > 0)
    trend = _centred(values, season)
    inside = slice(season // 2, len(values) - season // 2)
    ratio = values[inside] / trend if growing else values[inside] - trend
    places = np.arange(len(values))[inside] % season
    figures = np.array([ratio[places == place].mean() for place in range(season)])
    figures = figures / figures.mean() if growing else figures - figures.mean()
    if growing and figures.min() <= 0:
        raise ValueError("the seasonal figures are not positive")
    return _theta_line(values, horizon, figures, growing)


def _centred(values: type_array, season: int) -> type_array:
    """The centred moving average over a season (FPP3 3.3)."""
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    return np.convolve(values, weights / weights.sum(), mode="valid")


def _theta_line(values: type_array, horizon: int, figures: type_array | float, growing: bool | None) -> Forecast:
    count, steps = len(values), np.arange(len(values))
    if growing is not None:
        assert isinstance(figures, np.ndarray)
        past = figures[steps % len(figures)]
        values = values / past if growing else values - past
    slope = float(np.polyfit(steps, values, 1)[0])
    alpha = np.array((0.05, *LEVELS[1:]))
    level, squares = np.full(len(alpha), values[0]), np.zeros(len(alpha))
    for value in values:
        error = value - level
        squares += error * error
        level = level + alpha * error
    best = int(np.argmin(squares))
    chosen = float(alpha[best])
    mean = level[best] + slope / 2 * (np.arange(horizon) + (1 - (1 - chosen) ** count) / chosen)
    if growing is not None:
        assert isinstance(figures, np.ndarray)
        ahead = figures[(count + np.arange(horizon)) % len(figures)]
        mean = mean * ahead if growing else mean + ahead
    return Forecast(mean.tolist(), {"level": chosen, "drift": slope / 2})
