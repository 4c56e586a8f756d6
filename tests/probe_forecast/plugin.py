"""The menu of a plugin whose model knows what the series of the tests will be."""

from __future__ import annotations

from collections.abc import Sequence

from sdk import Forecast, ForecastModel, Manifest, Regressor, _, hookimpl

manifest = Manifest(name="probe_forecast", version="1.0", title=_("Oracle"), summary=_("Knows powers of two."))


def doubled(history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int) -> Forecast:
    """Twice the last value, and so on."""
    return Forecast([history[-1] * 2.0**step for step in range(1, horizon + 1)], {"factor": 2.0})


@hookimpl
def register_forecast_models() -> Sequence[ForecastModel]:
    return (ForecastModel("doubled", _("Doubled"), doubled),)
