"""Series, runs and what came of them; market factors; what is known of the chances of deals."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

GRAINS = {"week": _("Week"), "month": _("Month"), "quarter": _("Quarter")}
STATES = {
    "waiting": _("Waiting"), "running": _("Running"), "succeeded": _("Succeeded"), "failed": _("Failed"), "cancelled": _("Cancelled"),
}  # fmt: skip
VERDICTS = {
    "beats_naive": _("Better than the naive forecast"), "naive_best": _("Nothing beat the naive forecast"),
    "thin_data": _("Too little history to test; no interval"), "out_of_range": _("Out of range"),
}  # fmt: skip
FACTOR_VERDICTS = {"helps": _("Helps"), "no_help": _("No help"), "too_short": _("Too short to test")}
ASSUMPTIONS = {"known": _("Known"), "last_value": _("Last value"), "seasonal": _("Same as last season")}
EVENT_KINDS = {
    "promotion": _("Promotion"), "holiday": _("Holiday"), "price": _("Price change"), "competitor": _("Competitor"), "other": _("Other"),
}  # fmt: skip
PLANNED = frozenset({"promotion", "holiday", "price"})
"""Kinds that are known before they happen."""
DIRECTIONS = {"up": _("Up"), "down": _("Down"), "unknown": _("Unknown")}
BASES = {"model": _("Trained on closed deals"), "stage": _("Probability of the stage")}
REASONS = {
    "better": _("The model beat the stage probability"),
    "too_few": _("Too few closed deals with a stage history"),
    "one_sided": _("Too few won or lost deals"),
    "no_better": _("The model did not beat the stage probability"),
}
ALGORITHMS = {"logistic_regression": _("Logistic regression"), "boosted_trees": _("Boosted trees"), "none": _("None")}
LONG = 2_000_000


class Series(Record):
    """What is to be forecast: a measure of an entity by period, as a whole or split by a dimension."""

    __tablename__ = "forecast_series"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True, track=True, example="pipeline.deal", names="entity")
    measure: Mapped[str] = f.text(_("Measure"), length=100, required=True, track=True, example="sum:base_amount", names="measure")
    date_field: Mapped[str] = f.text(_("Date field"), length=100, required=True, track=True, example="close_date", names="date")
    grain: Mapped[str] = f.choice(_("Period"), GRAINS, default="month", track=True)
    conditions: Mapped[str | None] = f.with_example(f.long_text(_("Conditions"), length=2000, track=True, names="conditions"), f.NO_EXAMPLE)
    split_by: Mapped[str | None] = f.with_example(f.text(_("Split by"), length=100, track=True, names="dimension"), f.NO_EXAMPLE)
    horizon: Mapped[int] = f.integer(_("Periods ahead"), least=1, most=60, default=12, track=True)


class MarketSeries(Record):
    """Figures from outside by date: an index, prices, advertising. `planned`: known before their time."""

    __tablename__ = "forecast_market_series"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    source: Mapped[str | None] = f.text(_("Source"), track=True)
    unit: Mapped[str | None] = f.text(_("Unit"), length=40)
    planned: Mapped[bool] = f.boolean(_("Known in advance"), track=True)


class MarketPoint(Record):
    """One figure of a market series."""

    __tablename__ = "forecast_market_points"
    __table_args__ = (unique_together("forecast_market_points", "market_series_id", "on"),)

    market_series_id: Mapped[UUID] = f.link(_("Market series"), MarketSeries, required=True)
    on: Mapped[date] = f.on(_("Date"), required=True, index=True, months=True)
    value: Mapped[Decimal] = f.decimal(_("Value"), required=True, places=6)


class MarketEvent(Record):
    """Something that happened, or will, from a day to a day."""

    __tablename__ = "forecast_market_events"

    name: Mapped[str] = f.text(_("Name"), required=True, match=True, search=True, track=True)
    kind: Mapped[str] = f.choice(_("Type"), EVENT_KINDS, default="other", track=True, index=True)
    starts_on: Mapped[date] = f.on(_("From"), required=True, track=True, index=True)
    ends_on: Mapped[date | None] = f.on(_("To"), track=True)
    direction: Mapped[str] = f.choice(_("Expected effect"), DIRECTIONS, default="unknown")
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Factor(Record):
    """What may move a series: a market series, some periods late, or the events of one kind."""

    __tablename__ = "forecast_factors"

    series_id: Mapped[UUID] = f.link(_("Series"), Series, required=True, parent=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True)
    market_series_id: Mapped[UUID | None] = f.link(_("Market series"), MarketSeries)
    event_kind: Mapped[str | None] = f.choice(_("Events"), EVENT_KINDS)
    lag: Mapped[int] = f.integer(_("Periods of delay"), least=0, most=60, default=0)


class Run(Record):
    """One forecast of a series, with what its owner could see, by the definition as it was then."""

    __tablename__ = "forecast_runs"

    series_id: Mapped[UUID] = f.link(_("Series"), Series, required=True)
    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True)
    entity: Mapped[str | None] = f.text(_("Entity"), length=80)
    measure: Mapped[str | None] = f.text(_("Measure"), length=100, names="measure")
    date_field: Mapped[str | None] = f.text(_("Date field"), length=100, names="date")
    grain: Mapped[str | None] = f.choice(_("Period"), GRAINS)
    conditions: Mapped[str | None] = f.long_text(_("Conditions"), length=2000, names="conditions")
    split_by: Mapped[str | None] = f.text(_("Split by"), length=100, names="dimension")
    state: Mapped[str] = f.choice(_("Status"), STATES, default="waiting", index=True)
    done: Mapped[int] = f.integer(_("Done"), default=0)
    total: Mapped[int] = f.integer(_("Total"), default=0)
    horizon: Mapped[int] = f.integer(_("Periods ahead"), default=12)
    through: Mapped[str | None] = f.text(_("Last full period"), length=10)
    left_out: Mapped[str | None] = f.text(_("Current period, excluded"), length=10)
    unpriced: Mapped[int] = f.integer(_("Records without a value"), default=0)
    error: Mapped[str | None] = f.long_text(_("Error"))
    finished_at: Mapped[datetime | None] = f.at(_("Finished at"))


class Result(Record):
    """The forecast of one series of a run: the model taken, and how good it was."""

    __tablename__ = "forecast_results"

    run_id: Mapped[UUID] = f.link(_("Run"), Run, required=True, parent=True)
    key: Mapped[str] = f.text(_("Series"), required=True, search=True)
    key_id: Mapped[str | None] = f.text(_("Series ID"), length=60, index=True)
    model: Mapped[str | None] = f.text(_("Model"), length=100)
    verdict: Mapped[str] = f.choice(_("Verdict"), VERDICTS, required=True, index=True)
    first_period: Mapped[str | None] = f.text(_("First period"), length=10)
    periods: Mapped[int | None] = f.integer(_("Periods of history"))
    season: Mapped[int | None] = f.integer(_("Periods per season"))
    mae: Mapped[Decimal | None] = f.decimal(_("MAE"))
    mase: Mapped[Decimal | None] = f.decimal(_("MASE"))
    mape: Mapped[Decimal | None] = f.decimal(_("MAPE"))
    smape: Mapped[Decimal | None] = f.decimal(_("sMAPE"))
    naive_mae: Mapped[Decimal | None] = f.decimal(_("MAE of the naive forecast"))
    naive_mase: Mapped[Decimal | None] = f.decimal(_("MASE of the naive forecast"))
    naive_mape: Mapped[Decimal | None] = f.decimal(_("MAPE of the naive forecast"))
    coverage_80: Mapped[Decimal | None] = f.percent(_("Actual values within the 80% interval"))
    factors: Mapped[str | None] = f.text(_("Factors used"))


class Backtest(Record):
    """History, learned numbers and errors of every model behind a result, as JSON."""

    __tablename__ = "forecast_backtests"

    result_id: Mapped[UUID] = f.link(_("Result"), Result, required=True, parent=True)
    name: Mapped[str] = f.text(_("Name"), required=True)
    history: Mapped[str] = f.long_text(_("History"), length=LONG, required=True)
    parameters: Mapped[str | None] = f.long_text(_("Trained parameters"), length=LONG)
    models: Mapped[str | None] = f.long_text(_("Model errors"), length=LONG)


class Point(Record):
    """What is expected of one period."""

    __tablename__ = "forecast_points"

    result_id: Mapped[UUID] = f.link(_("Result"), Result, required=True, parent=True)
    step: Mapped[int] = f.integer(_("Periods ahead"), required=True, least=1)
    period: Mapped[str] = f.text(_("Period"), length=10, required=True)
    starts_on: Mapped[date] = f.on(_("From"), required=True, index=True)
    mean: Mapped[Decimal] = f.decimal(_("Expected"), required=True)
    low_80: Mapped[Decimal | None] = f.decimal(_("80% from"))
    high_80: Mapped[Decimal | None] = f.decimal(_("80% to"))
    low_95: Mapped[Decimal | None] = f.decimal(_("95% from"))
    high_95: Mapped[Decimal | None] = f.decimal(_("95% to"))


class FactorVerdict(Record):
    """Whether a factor helped one series: the errors without and with it."""

    __tablename__ = "forecast_factor_verdicts"

    result_id: Mapped[UUID] = f.link(_("Result"), Result, required=True, parent=True)
    factor: Mapped[str] = f.text(_("Factor"), length=100, required=True)
    verdict: Mapped[str] = f.choice(_("Verdict"), FACTOR_VERDICTS, required=True, index=True)
    assumption: Mapped[str] = f.choice(_("Assumed future values"), ASSUMPTIONS, default="known")
    error_without: Mapped[Decimal | None] = f.decimal(_("MAE without it"))
    error_with: Mapped[Decimal | None] = f.decimal(_("MAE with it"))
    folds: Mapped[int] = f.integer(_("Forecast comparison"), default=0)
    folds_better: Mapped[int] = f.integer(_("Better with it"), default=0)
    chance: Mapped[Decimal | None] = f.decimal(_("Likelihood of this improvement by chance"))


class Win(Record):
    """The chance of a deal, beside it; what a person has written as its probability stays as it is."""

    __tablename__ = "forecast_wins"

    deal_id: Mapped[UUID] = f.link(_("Deal"), "pipeline.deal", required=True, unique=True, parent=True)
    win_probability: Mapped[Decimal | None] = f.percent(_("Win probability"), readonly=True)
    win_basis: Mapped[str | None] = f.choice(_("Win probability basis"), BASES, readonly=True)
    win_reasons: Mapped[str | None] = f.long_text(_("Win probability reasons"), readonly=True)
    win_scored_at: Mapped[datetime | None] = f.at(_("Win probability of"), readonly=True)


class ModelCard(Record):
    """What was learned from which deals when, how good it is, and whether it is used."""

    __tablename__ = "forecast_model_cards"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True)
    algorithm: Mapped[str] = f.choice(_("Algorithm"), ALGORITHMS, default="none")
    basis: Mapped[str] = f.choice(_("Current basis"), BASES, required=True)
    reason: Mapped[str] = f.choice(_("Why"), REASONS, required=True)
    trained_at: Mapped[datetime] = f.at(_("Trained at"), required=True, index=True)
    deals: Mapped[int] = f.integer(_("Closed deals"), default=0)
    won: Mapped[int] = f.integer(_("Won"), default=0)
    rows: Mapped[int] = f.integer(_("Rows"), default=0)
    needed: Mapped[int] = f.integer(_("Closed deals needed"), default=0)
    closed_from: Mapped[date | None] = f.on(_("Closed from"))
    closed_to: Mapped[date | None] = f.on(_("Closed to"))
    brier: Mapped[Decimal | None] = f.decimal(_("Brier score"))
    brier_stage: Mapped[Decimal | None] = f.decimal(_("Brier score of the stage probability"))
    log_loss: Mapped[Decimal | None] = f.decimal(_("Log loss"))
    log_loss_stage: Mapped[Decimal | None] = f.decimal(_("Log loss of the stage probability"))
    features: Mapped[str | None] = f.long_text(_("Features"), length=LONG)
    coefficients: Mapped[str | None] = f.long_text(_("Coefficients"), length=LONG)
    calibration: Mapped[str | None] = f.long_text(_("Calibration"), length=LONG)
    limits: Mapped[str | None] = f.long_text(_("Limits"))
