"""The numbers of forecasting: models, back-test, choice, intervals, factors. No database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.forecast import exponential, interval, linear, models
from plugins.forecast.backtest import errors_of, origins, scale_of
from plugins.forecast.choice import BEATS_NAIVE, NAIVE_BEST, THIN_DATA, Choice, choose
from plugins.forecast.factors import HELPS, KNOWN, NO_HELP, TOO_SHORT, Happenings, Index, judge
from plugins.forecast.models import MODELS, SEASONAL_NAIVE
from sdk import Forecast, ForecastModel, Regressor, _

Values = list[float]


def sales(seed: int, months: int) -> np.ndarray:
    """Trend, two harmonics of a year, noise: as of many companies."""
    random, steps = np.random.default_rng(seed), np.arange(months)
    level = random.uniform(50, 500)
    slope, height, phase, noise = random.uniform(-0.005, 0.03), random.uniform(0.1, 0.4), random.uniform(0, 6), random.uniform(0.03, 0.12)
    year = height * np.sin(2 * np.pi * steps / 12 + phase) + height / 3 * np.sin(4 * np.pi * steps / 12 + 2 * phase)
    return np.asarray(level * (1 + slope * steps + year + random.normal(0, noise, months)))


# --- G5 ------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("G5")
def test_36_months_of_season_and_trend_beat_the_naive_forecast_and_the_interval_holds_what_it_says() -> None:
    """Over 100 series, on the 12 months after each that nothing has seen, and in the back-test itself."""
    inside, within, ours, naive = list[float](), list[float](), list[float](), list[float]()
    for seed in range(100):
        whole = sales(seed, 48)
        past, ahead = whole[:36], whole[36:]
        made = choose(past.tolist(), 12, 12, MODELS)
        low, high = made.bands[0]
        inside.append(float(np.mean((ahead >= low) & (ahead <= high))))
        within.append(made.coverage or 0.0)
        ours.append(float(np.mean(np.abs(ahead - made.mean) / np.abs(ahead))))
        naive.append(float(np.mean(np.abs(ahead - past[-12:]) / np.abs(ahead))))
    assert np.mean(ours) < 0.7 * np.mean(naive)
    assert 0.75 <= np.mean(inside) <= 0.85
    assert 0.75 <= np.mean(within) <= 0.85


@pytest.mark.feature("G5")
def test_the_intervals_of_a_long_history_hold_both_levels() -> None:
    inside: list[list[float]] = [[], []]
    for seed in range(60):
        whole = sales(1000 + seed, 84)
        made = choose(whole[:72].tolist(), 12, 12, MODELS)
        for level, (low, high) in enumerate(made.bands):
            inside[level].append(float(np.mean((whole[72:] >= low) & (whole[72:] <= high))))
    assert 0.75 <= np.mean(inside[0]) <= 0.87
    assert 0.91 <= np.mean(inside[1]) <= 0.99


@pytest.mark.feature("G5")
def test_the_intervals_of_three_origins_are_as_wide_as_so_little_knows() -> None:
    """27 months, 12 ahead: three origins, which test the first three steps alone."""
    inside: list[list[float]] = [[], []]
    for seed in range(40):
        whole = sales(3000 + seed, 39)
        made = choose(whole[:27].tolist(), 12, 12, MODELS)
        assert len(made.starts) == 3
        for level, (low, high) in enumerate(made.bands):
            inside[level].append(float(np.mean((whole[27:] >= low) & (whole[27:] <= high))))
    assert 0.70 <= np.mean(inside[0]) <= 0.92
    assert np.mean(inside[1]) >= 0.82


def test_a_random_walk_is_not_forecast_better_than_by_its_last_value_and_it_says_so() -> None:
    verdicts = [choose(np.cumsum(np.random.default_rng(seed).normal(0, 1, 60)).tolist(), 1, 6, MODELS) for seed in range(20)]
    assert sum(made.verdict == NAIVE_BEST for made in verdicts) >= 5
    assert all(made.model.key == "naive" for made in verdicts if made.verdict == NAIVE_BEST)


# --- models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "most"), [("holt_winters", 2), ("regression", 12), ("theta", 25)])  # theta halves the slope on purpose
def test_a_model_of_season_goes_on_with_a_line_and_its_season(key: str, most: float) -> None:
    steps = np.arange(60)
    whole = 100 + 3 * steps + 20 * np.sin(2 * np.pi * steps / 12)
    model = next(model for model in MODELS if model.key == key)
    made = model.fit(whole[:48].tolist(), (), 12, 12)
    assert np.abs(np.array(made.mean) - whole[48:]).max() < most, made.mean


def test_simple_smoothing_equals_its_recursion_written_out() -> None:
    values = sales(5, 30).tolist()
    made = exponential.smoothed(values, 1, 3)
    alpha, beta, phi = (made.parameters[name] for name in ("level", "trend", "damping"))
    level, trend, _figures = exponential.start(np.array(values), 1)
    for value in values:
        before = level + phi * trend
        level, trend = alpha * value + (1 - alpha) * before, phi * trend + beta * (alpha * (value - before))
    expected = [level + sum(phi**k for k in range(1, step + 1)) * trend if phi else level for step in (1, 2, 3)]
    assert made.mean == pytest.approx(expected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=60), st.sampled_from([1, 4, 12]), st.data())
def test_smoothing_answers_the_same_whatever_was_smoothed_before(values: Values, season: int, data: st.DataObject) -> None:
    asked = data.draw(st.lists(st.integers(2 * season + 2, len(values)), min_size=1, max_size=6))
    other = [*values[:-1], values[-1] + 1.0]
    together = [exponential.smoothed(history[:count], season, 3) for count in asked for history in (values, other)]

    def alone(history: Values) -> Forecast:
        with ThreadPoolExecutor(1) as anew:  # a thread that remembers nothing
            return anew.submit(exponential.smoothed, history, season, 3).result()

    assert together == [alone(history[:count]) for count in asked for history in (values, other)]


def test_the_regression_finds_what_a_regressor_adds() -> None:
    random = np.random.default_rng(3)
    outside = random.normal(0, 1, 72)
    values = 100 + np.arange(60) + 25 * outside[:60] + random.normal(0, 1, 60)
    made = linear.regression(values.tolist(), [Regressor("index", outside[:60].tolist(), outside[60:].tolist())], 12, 12)
    assert made.parameters["index"] == pytest.approx(25 * outside[:60].std(), rel=0.05)
    assert np.abs(np.array(made.mean) - (160 + np.arange(12) + 25 * outside[60:])).max() < 6


@pytest.mark.parametrize("past", [[0.1] * 24, [0.1 + 0.2, 0.3] * 12], ids=["the same", "the same but for rounding"])
def test_a_regressor_that_never_moved_has_taught_nothing_wherever_it_goes(past: Values) -> None:
    values = (100 + 20 * np.random.default_rng(3).normal(size=24)).tolist()
    made = linear.regression(values, [Regressor("rate", past, [0.9] * 3)], 12, 3)
    assert made.mean == pytest.approx(linear.regression(values, [], 12, 3).mean)


def test_the_naive_models_are_what_they_say() -> None:
    assert models.naive([1.0, 2.0], (), 1, 3).mean == [2.0, 2.0, 2.0]
    assert models.seasonal_naive([1.0, 2.0, 3.0, 4.0], (), 3, 5).mean == [2.0, 3.0, 4.0, 2.0, 3.0]
    assert models.drift([1.0, 2.0, 5.0], (), 1, 2).mean == [7.0, 9.0]
    assert models.moving_average([1.0, 2.0, 3.0, 4.0], (), 1, 2).mean == [3.0, 3.0]


# --- the back-test -------------------------------------------------------------------------------------------------


def test_the_errors_of_the_seasonal_naive_forecast_equal_a_computation_by_pandas() -> None:
    values = sales(11, 60)
    starts = origins(60, 12, 12)
    errors = errors_of(SEASONAL_NAIVE, values.tolist(), 12, 12, starts)
    assert errors is not None
    line, found = pd.Series(values), list[tuple[float, float]]()
    for start in starts:
        ahead = line[start : start + 12]
        found += [(actual, line[place - 12]) for place, actual in ahead.items()]
    frame = pd.DataFrame(found, columns=["actual", "made"])
    missed = (frame.actual - frame.made).abs()
    scale = line.diff(12).abs().mean()
    figures = errors.figures(scale_of(values.tolist(), 12))
    assert figures["mae"] == pytest.approx(missed.mean())
    assert figures["mase"] == pytest.approx(missed.mean() / scale)
    assert figures["mape"] == pytest.approx((missed / frame.actual).mean() * 100)
    assert figures["smape"] == pytest.approx((200 * missed / (frame.actual + frame.made)).mean())
    assert figures["rmse"] == pytest.approx((missed**2).mean() ** 0.5)
    first = pd.DataFrame([(line[start], line[start - 12]) for start in starts], columns=["actual", "made"])
    assert errors.by_step(scale)[0] == pytest.approx(
        {"mae": (first.actual - first.made).abs().mean(), "rmse": ((first.actual - first.made) ** 2).mean() ** 0.5,
         "mase": (first.actual - first.made).abs().mean() / scale, "mape": ((first.actual - first.made).abs() / first.actual).mean() * 100,
         "smape": (200 * (first.actual - first.made).abs() / (first.actual + first.made)).mean()}
    )  # fmt: skip


@given(st.integers(1, 200), st.sampled_from([1, 4, 12, 52]), st.integers(1, 60))
def test_every_origin_leaves_two_seasons_to_learn_from_and_a_period_to_test(periods: int, season: int, horizon: int) -> None:
    starts = origins(periods, season, horizon)
    assert all((2 * season if season > 1 else 8) <= start < periods for start in starts)
    assert len(set(starts)) == len(starts) <= 12


def test_a_model_sees_nothing_of_what_comes_after_its_origin() -> None:
    seen: list[Sequence[float]] = []

    def spy(history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int) -> Forecast:
        seen.append(tuple(history))
        return Forecast([history[-1]] * horizon)

    values = [float(number) for number in range(40)]
    choose(values, 12, 6, [ForecastModel("spy", _("Spy"), spy)])
    assert seen
    assert all(history == tuple(values[: len(history)]) for history in seen)


def _raises(history: Sequence[float], regressors: Sequence[Regressor], season: int, horizon: int) -> Forecast:
    raise ZeroDivisionError


def _answers(value: float, count: int | None = None) -> Callable[..., Forecast]:
    return lambda history, regressors, season, horizon: Forecast([value] * (horizon if count is None else count))


@pytest.mark.parametrize("fit", [_raises, _answers(float("nan")), _answers(float("inf")), _answers(1.0, 1)])
def test_a_model_that_fails_or_answers_nonsense_is_left_out(fit: Callable[..., Forecast]) -> None:
    made = choose(sales(1, 40).tolist(), 12, 6, [*MODELS, ForecastModel("bad", _("Bad"), fit)])
    assert "bad" not in {errors.model.key for errors in made.tried}
    assert np.isfinite(made.mean).all()


# --- any series ----------------------------------------------------------------------------------------------------


def checked(values: Values, season: int, horizon: int) -> Choice:
    made = choose(values, season, horizon, MODELS)
    assert len(made.mean) == horizon
    assert np.isfinite(made.mean).all()
    assert np.isfinite(list(made.parameters.values())).all() or not made.parameters
    for low, high in made.bands:
        assert np.isfinite(low).all()
        assert np.isfinite(high).all()
        assert (np.array(low) <= np.array(made.mean) + 1e-9).all()
        assert (np.array(made.mean) <= np.array(high) + 1e-9).all()
    if made.bands:
        (low80, high80), (low95, high95) = made.bands
        assert (np.array(low95) <= np.array(low80) + 1e-9).all()
        assert (np.array(high80) <= np.array(high95) + 1e-9).all()
    if min(values) >= 0:
        assert min(made.mean) >= 0
        assert all(min(low) >= 0 for low, _high in made.bands)
    return made


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=50), st.sampled_from([1, 4, 12]), st.integers(1, 18))
def test_any_series_has_a_finite_forecast_with_ordered_intervals_the_same_each_time(values: Values, season: int, horizon: int) -> None:
    one, other = checked(values, season, horizon), choose(values, season, horizon, MODELS)
    assert (one.model.key, one.mean, one.bands, one.parameters) == (other.model.key, other.mean, other.bands, other.parameters)


@pytest.mark.parametrize(
    "values",
    [[0.0] * 40, [7.5] * 40, [-3.0 - step for step in range(40)], [0.0] * 39 + [5.0], [0.0, 9.0] * 20, [1e12] * 40, [1e-9] * 40,
     [float(10**12 * (step % 2)) for step in range(40)]],
    ids=["zeros", "constant", "negative", "late", "gaps", "huge", "tiny", "huge gaps"],
)  # fmt: skip
def test_odd_series_are_forecast(values: Values) -> None:
    made = checked(values, 12, 12)
    if len(set(values)) == 1:
        assert made.mean == pytest.approx([values[0]] * 12)
        assert made.verdict == NAIVE_BEST


def test_too_little_history_is_called_so_and_claims_no_interval() -> None:
    for values in ([5.0], [1.0, 2.0, 3.0], [1.0] * 10):
        made = checked(values, 12, 4)
        assert (made.verdict, made.bands, made.tried, made.model.key) == (THIN_DATA, [], [], "naive")
    year = checked([float(month) for month in range(1, 13)], 12, 13)
    assert year.season == 1, "one year shows no season: what is left is tested without one"


def test_a_season_is_believed_after_two_of_them_and_three_to_test() -> None:
    assert checked(sales(2, 26).tolist(), 12, 6).season == 1
    assert checked(sales(2, 27).tolist(), 12, 6).season == 12


def test_a_clear_season_beats_the_naive_forecast() -> None:
    assert checked(sales(4, 60).tolist(), 12, 12).verdict == BEATS_NAIVE


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), min_size=3, max_size=12))
def test_the_scale_of_errors_never_shrinks_with_the_distance(rows: list[Values]) -> None:
    missed = np.array(rows)
    for row in range(1, len(rows)):
        missed[-row, max(1, row) :] = np.nan if row < 4 else missed[-row, max(1, row) :]
    spread = interval.scales(missed)
    assert (np.diff(spread) >= -1e-6 * np.abs(spread[1:])).all()


# --- G7 ------------------------------------------------------------------------------------------------------------


def _index(seed: int, months: int, **how: object) -> tuple[np.ndarray, Index]:
    random = np.random.default_rng(seed)
    line = np.zeros(months)
    for place in range(1, months):
        line[place] = 0.7 * line[place - 1] + random.normal(0, 1)
    return line, Index("index", {place: float(value) for place, value in enumerate(line)}, season=12, **how)  # type: ignore[arg-type]


@pytest.mark.feature("G7")
def test_a_random_series_is_no_help() -> None:
    """Of 90 factors without effect (noise, a wave of its own, a random walk) at most one in twenty is taken for a help."""
    wrong = 0
    for seed in range(90):
        random = np.random.default_rng(5000 + seed)
        line = random.normal(0, 1, 48) if seed % 3 == 0 else _index(seed, 48)[0] if seed % 3 == 1 else np.cumsum(random.normal(0, 1, 48))
        factor = Index("random", {place: float(value) for place, value in enumerate(line)}, 0, seed % 2 == 0, 12)
        wrong += judge(factor, sales(seed, 36).tolist(), 12, 12).verdict == HELPS
    assert wrong <= 4, wrong


@pytest.mark.feature("G7")
def test_an_index_that_moves_sales_helps_and_the_errors_say_by_how_much() -> None:
    helped = 0
    for seed in range(8):
        line, factor = _index(seed, 72, planned=True)
        values = 200 + 2 * np.arange(60) + 20 * line[:60] + np.random.default_rng(seed).normal(0, 10, 60)
        verdict = judge(factor, values.tolist(), 12, 12)
        if verdict.verdict == HELPS:
            helped += 1
            assert verdict.without is not None and verdict.with_it is not None
            assert verdict.with_it < 0.98 * verdict.without
            assert verdict.better >= 0.6 * verdict.folds
    assert helped >= 6


@pytest.mark.feature("G7")
def test_an_index_that_leads_by_a_year_helps_without_any_assumption() -> None:
    random = np.random.default_rng(8)
    line = random.normal(0, 1, 84)
    values = 300 + 25 * line[:72] + random.normal(0, 8, 72)
    factor = Index("early", {place - 12: float(value) for place, value in enumerate(line)}, lag=12, season=12)
    verdict = judge(factor, values.tolist(), 12, 12)
    assert (verdict.verdict, verdict.assumption) == (HELPS, KNOWN)


@pytest.mark.feature("G7")
def test_dated_promotions_help() -> None:
    random = np.random.default_rng(9)
    months = [3, 9, 14, 22, 27, 33, 38, 46, 51, 57, 63]
    values = 200 + random.normal(0, 8, 60)
    values[[month for month in months if month < 60]] += 80
    factor = Happenings("promotion", [(month, {month: 1.0}, True) for month in months])
    assert judge(factor, values.tolist(), 12, 6).verdict == HELPS


def test_what_nobody_planned_is_not_known_before_it_happens() -> None:
    surprise, planned = (Happenings("event", [(10, {10: 1.0}, known)]) for known in (False, True))
    assert list(surprise.seen(10, 2).ahead) == [0.0, 0.0]
    assert list(planned.seen(10, 2).ahead) == [1.0, 0.0]
    assert list(surprise.seen(11, 1).past)[-1] == 1.0
    assert list(surprise.final(10, 2).ahead) == [1.0, 0.0]


def test_an_index_is_assumed_where_it_is_not_known_yet() -> None:
    flat = Index("flat", {place: float(place) for place in range(30)}, season=12)
    assert list(flat.seen(20, 3).ahead) == [19.0] * 3, "the back-test must not see period 20"
    assert list(flat.final(20, 3).ahead) == [20.0, 21.0, 22.0]
    wave = Index("wave", {place: float(place % 12) for place in range(36)}, season=12)
    assert list(wave.seen(36, 3).ahead) == [0.0, 1.0, 2.0]
    assert wave.assumption(36, 3) == "seasonal"
    late = Index("late", {place: float(place) for place in range(36)}, lag=3, season=12)
    assert list(late.seen(36, 3).ahead) == [33.0, 34.0, 35.0]
    assert late.assumption(36, 3) == KNOWN


def test_a_factor_with_a_short_past_is_not_judged() -> None:
    factor = Index("young", dict.fromkeys(range(30, 36), 1.0), season=12)
    assert judge(factor, sales(1, 36).tolist(), 12, 12).verdict == TOO_SHORT
    constant = Index("constant", dict.fromkeys(range(36), 1.0), season=12)
    assert judge(constant, sales(1, 36).tolist(), 12, 12).verdict == NO_HELP
