"""Forecasting models: what a plugin offers to be tried on each series, in plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sdk.specs import Spec
from sdk.text import Text


@dataclass(frozen=True, slots=True)
class Regressor:
    """Something outside that may move a series: `past` is as long as its history, `ahead` as the horizon; both without gaps."""

    name: str
    past: Sequence[float]
    ahead: Sequence[float]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a model expects: `mean` for each period of the horizon, and the numbers that it learned, for the model card.

    Models give no intervals: those come from the errors that each of them made in the back-test, built alike for all.
    """

    mean: Sequence[float]
    parameters: Mapping[str, float] = field(default_factory=dict)


Fit: TypeAlias = "Callable[[Sequence[float], Sequence[Regressor], int, int], Forecast]"
"""From history (oldest first), regressors, length of the season in periods (1: none) and horizon to a forecast."""


@dataclass(frozen=True)
class ForecastModel(Spec):
    """A way to forecast a series; it takes part in the choice wherever the history is long enough.

    `fit` is called again for every origin of the back-test with what was known then. The same arguments must give the same
    answer. A model that raises ArithmeticError or ValueError, or answers with anything but `horizon` finite numbers, is left
    out for that series. `least` is the number of periods that it needs, `seasons` the number of whole seasons.
    """

    label: Text
    fit: Fit
    least: int = 2
    seasons: int = 0

    def bears(self, periods: int, season: int) -> bool:
        """Whether a history of so many periods is long enough; a seasonal model needs a season."""
        return periods >= max(self.least, self.seasons * season) and (self.seasons == 0 or season > 1)
