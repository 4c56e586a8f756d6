"""What a run computes for one series: factors judged, a model chosen, all of it in values of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from plugins.forecast.choice import Choice, choose, season_in
from plugins.forecast.factors import HELPS, Factor, Verdict, judge
from plugins.forecast.history import History
from plugins.forecast.keeping import Outcome, document, exact
from plugins.forecast.market import Market
from plugins.forecast.periods import SEASONS, label_of
from sdk import Context, ForecastModel, Regressor
from sdk.columns import LIMIT


@dataclass(frozen=True)
class Work:
    """What is the same for all series of a run."""

    grain: str
    horizon: int
    models: Sequence[ForecastModel]
    market: Market

    @classmethod
    def of(cls, ctx: Context, series: UUID, grain: str, horizon: int) -> Work:
        """Read it once."""
        with ctx.transaction():
            return cls(grain, horizon, ctx.declared(ForecastModel), Market(ctx, series, grain))


def outcome_of(work: Work, history: History) -> Outcome:
    """Judge, choose, forecast. Where figures are too great to be kept, it says so and forecasts nothing."""
    season, factors = SEASONS[work.grain], work.market.over(history.first)
    values = history.values
    if not values:
        return _nothing(work, history, "thin_data")
    seen = season_in(len(values), season, work.horizon)
    judged = [(factor, judge(factor, values, seen, work.horizon)) for factor in factors]
    helping = [factor for factor, verdict in judged if verdict.verdict == HELPS]
    begins = max((factor.begins for factor in helping), default=0)
    # Where a factor that helps came later than the series did, all models compete on the part that both have.
    made = choose(values[begins:], season, work.horizon, work.models, _Known([f.moved(begins) for f in helping], len(values) - begins))
    figures = [*made.mean, *(number for band in made.bands for side in band for number in side), made.scale]
    if any(abs(number) >= float(LIMIT) - 1 for number in figures):
        return _nothing(work, history, "out_of_range")
    result = _result(work, history, made, begins, [factor.name for factor in helping])
    return Outcome(result, _backtest(work, history, made), made.mean, made.bands, [_verdict(f.name, verdict) for f, verdict in judged])


@dataclass(frozen=True)
class _Known:
    """Regressors as they were known at each origin; at the end of the history, all that is on record."""

    factors: Sequence[Factor]
    whole: int

    def __call__(self, count: int, horizon: int) -> Sequence[Regressor]:
        return [factor.final(count, horizon) if count == self.whole else factor.seen(count, horizon) for factor in self.factors]


def _nothing(work: Work, history: History, verdict: str) -> Outcome:
    result: dict[str, object] = {"key": history.key[:255], "key_id": history.key_id or None, "verdict": verdict, "periods": len(history.values),
              "first_period": label_of(history.first, work.grain)}  # fmt: skip
    return Outcome(result, {"history": document(history.values)}, (), (), ())


def _result(work: Work, history: History, made: Choice, begins: int, used: Sequence[str]) -> dict[str, object]:
    own = made.errors.figures(made.scale) if made.errors is not None else {}
    naive = made.benchmark.figures(made.scale) if made.benchmark is not None else {}
    return {
        "key": history.key[:255], "key_id": history.key_id or None, "model": made.model.full_key, "verdict": made.verdict,
        "first_period": label_of(history.first + begins, work.grain), "periods": len(history.values) - begins, "season": made.season,
        **{name: exact(own.get(name)) for name in ("mae", "mase", "mape", "smape")},
        **{f"naive_{name}": exact(naive.get(name)) for name in ("mae", "mase", "mape")},
        "coverage_80": exact(None if made.coverage is None else made.coverage * 100),
        "factors": ", ".join(used)[:255] or None,
    }  # fmt: skip


def _backtest(work: Work, history: History, made: Choice) -> dict[str, object]:
    tried = [
        {"model": errors.model.full_key, **_rounded(errors.figures(made.scale)), "by_step": [_rounded(step) for step in errors.by_step(made.scale)]}
        for errors in sorted(made.tried, key=lambda errors: errors.mae)
    ]  # fmt: skip
    return {
        "history": document(history.values), "parameters": document(_rounded(made.parameters)),
        "models": document({"origins": made.starts, "season": made.season, "tried": tried}),
    }  # fmt: skip


def _rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Twelve digits: more are noise, and the last ones differ between machines."""
    return {name: None if figure is None else float(f"{figure:.12g}") for name, figure in figures.items()}


def _verdict(name: str, verdict: Verdict) -> dict[str, object]:
    return {
        "factor": name, "verdict": verdict.verdict, "assumption": verdict.assumption, "error_without": exact(verdict.without),
        "error_with": exact(verdict.with_it), "folds": verdict.folds, "folds_better": verdict.better, "chance": exact(verdict.chance),
    }  # fmt: skip
