"""Market factors: what was known of them when, and whether knowing it made the forecasts better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from plugins.forecast.backtest import FEWEST_PERIODS, Errors, errors_of
from plugins.forecast.models import REGRESSION
from sdk import Regressor

HELPS, NO_HELP, TOO_SHORT = "helps", "no_help", "too_short"
KNOWN, LAST_VALUE, SEASONAL = "known", "last_value", "seasonal"
FEWEST_FOLDS, MOST_FOLDS = 8, 36
PLACEBOS = 19
IMPROVEMENT, MAJORITY, CHANCE = 0.02, 0.6, 0.025


@dataclass(frozen=True)
class Index:
    """A measured series; `values` by period, 0 being the first of the history, gaps carry the value before.

    `planned`: its values are known ahead (a budget, a price list). Others are known up to the period from which is forecast,
    and assumed from there on: a season ago, or the last value, whichever was nearer in its own past.
    """

    name: str
    values: Mapping[int, float]
    lag: int = 0
    planned: bool = False
    season: int = 1

    @property
    def begins(self) -> int:
        """The first period of the history for which it has a value."""
        return max(0, min(self.values) + self.lag) if self.values else 10**9

    def assumption(self, periods: int, horizon: int) -> str:
        """What is taken for its values ahead."""
        if self.lag >= horizon or (self.values and max(self.values) + self.lag >= periods + horizon - 1):
            return KNOWN
        return self._guess(periods)

    def _guess(self, periods: int) -> str:
        line = [self._carried(place, periods) for place in range(min(self.values), periods)]
        season, half = self.season, max(1, self.season // 2)
        if season == 1 or len(line) < 2 * season:
            return LAST_VALUE
        ago = sum(abs(line[place] - line[place - season]) for place in range(season, len(line)))
        last = sum(abs(line[place] - line[place - half]) for place in range(season, len(line)))
        return SEASONAL if ago < last else LAST_VALUE

    def _carried(self, place: int, end: int) -> float:
        """The value of a period, or the nearest one before it; `end`: periods from there on are not looked at."""
        place = max(min(place, end - 1), min(self.values))  # before its first value: that one
        while place not in self.values:
            place -= 1
        return self.values[place]

    def seen(self, count: int, horizon: int) -> Regressor:
        """As it was known at the end of period `count - 1`."""
        end = max(self.values) + 1 if self.planned else count
        guess = LAST_VALUE if self.planned else self._guess(count)

        def value(place: int) -> float:
            place -= self.lag
            while guess == SEASONAL and place >= end:
                place -= self.season
            return self._carried(place, end)

        return Regressor(self.name, [value(place) for place in range(count)], [value(count + step) for step in range(horizon)])

    def final(self, count: int, horizon: int) -> Regressor:
        """For the forecast itself: whatever is on record beyond the history counts as known."""
        last = max(self.values)
        if last < count:
            return self.seen(count, horizon)
        return Index(self.name, self.values, self.lag, True, self.season).seen(count, horizon)

    def placebo(self, share: float, periods: int) -> Index:
        """The same figures at other times: turned round by a share of their length."""
        places = sorted(self.values)
        by = int(share * len(places))
        turned = {place: self.values[places[(number + by) % len(places)]] for number, place in enumerate(places)}
        return Index(self.name, turned, self.lag, self.planned, self.season)

    def moved(self, by: int) -> Index:
        """The same, for a history that begins so many periods later."""
        return Index(self.name, {place - by: value for place, value in self.values.items()}, self.lag, self.planned, self.season)


@dataclass(frozen=True)
class Happenings:
    """Dated events of one kind: for each event the first period, and the share of every period that it covers.

    Those that are not planned (a competitor's move) are unknown until the period in which they begin.
    """

    name: str
    events: Sequence[tuple[int, Mapping[int, float], bool]]
    begins: int = 0

    def assumption(self, periods: int, horizon: int) -> str:
        """Dates are known; what nobody planned is assumed not to happen again."""
        return KNOWN

    def seen(self, count: int, horizon: int) -> Regressor:
        """As they were known at the end of period `count - 1`."""
        known = [shares for first, shares, planned in self.events if planned or first < count]
        line = [sum(shares.get(place, 0.0) for shares in known) for place in range(count + horizon)]
        return Regressor(self.name, line[:count], line[count:])

    def final(self, count: int, horizon: int) -> Regressor:
        """For the forecast itself: every event on record counts."""
        return Happenings(self.name, [(first, shares, True) for first, shares, _planned in self.events]).seen(count, horizon)

    def placebo(self, share: float, periods: int) -> Happenings:
        """The same events at other times: turned round by a share of the history."""
        by = int(share * periods)
        turned = [((first + by) % periods, {(place + by) % periods: part for place, part in shares.items()}, planned)
                  for first, shares, planned in self.events]  # fmt: skip
        return Happenings(self.name, turned)

    def moved(self, by: int) -> Happenings:
        """The same, for a history that begins so many periods later."""
        moved = [(first - by, {place - by: share for place, share in shares.items()}, planned) for first, shares, planned in self.events]
        return Happenings(self.name, moved)


Factor = Index | Happenings


@dataclass(frozen=True)
class Verdict:
    """Whether a factor helped: mean absolute errors without and with it, and how often and how surely it was better."""

    verdict: str
    assumption: str = KNOWN
    without: float | None = None
    with_it: float | None = None
    folds: int = 0
    better: int = 0
    chance: float | None = None


def judge(factor: Factor, values: Sequence[float], season: int, horizon: int) -> Verdict:
    """The same regression with and without the factor, from every origin of the last years.

    It helps where the error falls by 2 % at least, in three of five origins at least, surely (one-sided test of equal accuracy:
    F. Diebold, R. Mariano 1995, for small samples D. Harvey, S. Leybourne, P. Newbold 1997), and by more than with each of
    19 placebos, which are its own figures at other times: one in twenty factors without effect would be the best of twenty.
    """
    values, factor = values[factor.begins :], factor.moved(factor.begins)
    first = max(2 * season if season > 1 else 0, FEWEST_PERIODS, len(values) - MOST_FOLDS)
    starts = list(range(first, len(values)))
    if len(starts) < FEWEST_FOLDS:
        return Verdict(TOO_SHORT)
    positive, assumed = min(values) >= 0, factor.assumption(len(values), horizon)
    plain = errors_of(REGRESSION, values, season, horizon, starts, positive=positive)
    more = _with(factor, values, season, horizon, starts)
    if plain is None or more is None:
        return Verdict(TOO_SHORT, assumed)
    gains = _losses(plain) - _losses(more)
    without, with_it, better, chance = plain.mae, more.mae, int((gains > 0).sum()), _chance(gains, horizon)
    helps = with_it <= without * (1 - IMPROVEMENT) and better >= MAJORITY * len(starts) and chance <= CHANCE
    if helps:
        turned = (factor.placebo(number / (PLACEBOS + 1), len(values)) for number in range(1, PLACEBOS + 1))
        rivals = (_with(rival, values, season, horizon, starts) for rival in turned)
        helps = all(rival is None or rival.mae > with_it for rival in rivals)
    return Verdict(HELPS if helps else NO_HELP, assumed, without, with_it, len(starts), better, chance)


def _with(factor: Factor, values: Sequence[float], season: int, horizon: int, starts: Sequence[int]) -> Errors | None:
    def known(count: int, steps: int) -> Sequence[Regressor]:
        return (factor.seen(count, steps),)

    return errors_of(REGRESSION, values, season, horizon, starts, known, positive=min(values) >= 0)


def _losses(errors: Errors) -> np.ndarray:
    """The mean absolute error from each origin."""
    return np.asarray(np.nanmean(np.abs(errors.missed), axis=1))


def _chance(gains: np.ndarray, horizon: int) -> float:
    """The p-value of "no better": the mean gain beside its spread, neighbours counted as related up to the horizon."""
    from scipy.special import stdtr  # noqa: PLC0415 (only factors need it; `scipy.stats`, which says the same, takes a second longer to import)

    count, steps = len(gains), min(horizon, max(1, len(gains) // 3))
    centred = gains - gains.mean()
    variance = float(centred @ centred) / count
    for lag in range(1, steps):
        variance += 2 * (1 - lag / steps) * float(centred[lag:] @ centred[:-lag]) / count
    if variance <= 0:
        return 1.0
    small = sqrt(max(count + 1 - 2 * steps + steps * (steps - 1) / count, 1.0) / count)
    return float(stdtr(count - 1, -small * gains.mean() / sqrt(variance / count)))
