"""The models that the plugin offers; sources: R. Hyndman, G. Athanasopoulos, Forecasting: Principles and Practice, 3rd edition (FPP3).

Those that need numpy import it where they work, so that starting the platform does not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sdk import Forecast, ForecastModel, Regressor, _

type_regressors = Sequence[Regressor]


def naive(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """The last value again (FPP3 5.2)."""
    return Forecast([history[-1]] * horizon)


def seasonal_naive(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """The value of the same period a season ago (FPP3 5.2)."""
    last = history[-season:]
    return Forecast([last[step % season] for step in range(horizon)])


def drift(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """On along the line from the first value to the last (FPP3 5.2)."""
    slope = (history[-1] - history[0]) / (len(history) - 1)
    return Forecast([history[-1] + slope * step for step in range(1, horizon + 1)], {"slope": slope})


def moving_average(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """The mean of the last season, or of the last three periods where there is no season."""
    window = history[-season:] if season > 1 else history[-3:]
    return Forecast([sum(window) / len(window)] * horizon)


def smoothing(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """Level and damped trend by exponential smoothing (FPP3 8.1 and 8.2)."""
    from plugins.forecast import exponential  # noqa: PLC0415

    return exponential.smoothed(history, 1, horizon)


def holt_winters(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """Level, damped trend and season that adds (FPP3 8.3)."""
    from plugins.forecast import exponential  # noqa: PLC0415

    return exponential.smoothed(history, season, horizon)


def holt_winters_growing(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """The same on logarithms: season and noise grow with the level. Raises ValueError for values that have none."""
    from plugins.forecast import exponential  # noqa: PLC0415

    return exponential.smoothed_on_logarithms(history, season, horizon)


def theta(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """The Theta method (V. Assimakopoulos, K. Nikolopoulos 2000), as smoothing with half the drift (Hyndman, Billah 2003)."""
    from plugins.forecast import exponential  # noqa: PLC0415

    return exponential.theta(history, season, horizon)


def regression(history: Sequence[float], regressors: type_regressors, season: int, horizon: int) -> Forecast:
    """Ridge regression on trend, season and what moves the series from outside (FPP3 7.4)."""
    from plugins.forecast import linear  # noqa: PLC0415

    return linear.regression(history, regressors, season, horizon)


NAIVE = ForecastModel("naive", _("Last value"), naive, least=1)
SEASONAL_NAIVE = ForecastModel("seasonal_naive", _("Seasonal naive"), seasonal_naive, seasons=1)
REGRESSION = ForecastModel("regression", _("Regression on trend, season and factors"), regression, least=8)
MODELS = (
    NAIVE,
    SEASONAL_NAIVE,
    ForecastModel("drift", _("Line through first and last value"), drift),
    ForecastModel("moving_average", _("Moving average"), moving_average, least=3),
    ForecastModel("smoothing", _("Exponential smoothing with trend"), smoothing, least=6),
    ForecastModel("holt_winters", _("Holt-Winters"), holt_winters, seasons=2),
    ForecastModel("holt_winters_growing", _("Holt-Winters, multiplicative season"), holt_winters_growing, seasons=2),
    ForecastModel("theta", _("Theta method"), theta, least=6),
    REGRESSION,
)
