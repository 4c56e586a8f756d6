"""Series, runs, market factors, chances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "forecast_market_events",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("direction", sa.String(40), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "forecast_market_events", "kind")
    migrations.create_index(op, "forecast_market_events", "name")
    migrations.create_index(op, "forecast_market_events", "starts_on")
    migrations.create_table(
        op,
        "forecast_market_series",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("source", sa.String(255), nullable=True),
        sa.Column("unit", sa.String(40), nullable=True),
        sa.Column("planned", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "forecast_market_series", "name")
    migrations.create_table(
        op,
        "forecast_model_cards",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("algorithm", sa.String(40), nullable=False),
        sa.Column("basis", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("trained_at", columns.UtcDateTime(), nullable=False),
        sa.Column("deals", sa.Integer(), nullable=False),
        sa.Column("won", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("closed_from", sa.Date(), nullable=True),
        sa.Column("closed_to", sa.Date(), nullable=True),
        sa.Column("brier", columns.Exact(), nullable=True),
        sa.Column("brier_stage", columns.Exact(), nullable=True),
        sa.Column("log_loss", columns.Exact(), nullable=True),
        sa.Column("log_loss_stage", columns.Exact(), nullable=True),
        sa.Column("features", sa.Text(), nullable=True),
        sa.Column("coefficients", sa.Text(), nullable=True),
        sa.Column("calibration", sa.Text(), nullable=True),
        sa.Column("limits", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "forecast_model_cards", "trained_at")
    migrations.create_table(
        op,
        "forecast_series",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("measure", sa.String(100), nullable=False),
        sa.Column("date_field", sa.String(100), nullable=False),
        sa.Column("grain", sa.String(40), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=True),
        sa.Column("split_by", sa.String(100), nullable=True),
        sa.Column("horizon", sa.Integer(), nullable=False),
    )
    migrations.create_unique(op, "forecast_series", "name")
    migrations.create_table(
        op,
        "forecast_wins",
        sa.Column("deal_id", columns.key(), nullable=False),
        sa.Column("win_probability", columns.Exact(), nullable=True),
        sa.Column("win_basis", sa.String(40), nullable=True),
        sa.Column("win_reasons", sa.Text(), nullable=True),
        sa.Column("win_scored_at", columns.UtcDateTime(), nullable=True),
    )
    migrations.create_unique(op, "forecast_wins", "deal_id")
    migrations.create_table(
        op,
        "forecast_factors",
        sa.Column("series_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("market_series_id", columns.key(), nullable=True),
        sa.Column("event_kind", sa.String(40), nullable=True),
        sa.Column("lag", sa.Integer(), nullable=False),
        migrations.foreign_key("forecast_factors", "market_series_id", "forecast_market_series"),
        migrations.foreign_key("forecast_factors", "series_id", "forecast_series"),
    )
    migrations.create_index(op, "forecast_factors", "market_series_id")
    migrations.create_index(op, "forecast_factors", "name")
    migrations.create_index(op, "forecast_factors", "series_id")
    migrations.create_table(
        op,
        "forecast_market_points",
        sa.Column("market_series_id", columns.key(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("value", columns.Exact(6), nullable=False),
        migrations.foreign_key("forecast_market_points", "market_series_id", "forecast_market_series"),
    )
    migrations.create_index(op, "forecast_market_points", "market_series_id")
    migrations.create_index(op, "forecast_market_points", "on")
    migrations.create_unique(op, "forecast_market_points", "market_series_id", "on")
    migrations.create_table(
        op,
        "forecast_runs",
        sa.Column("series_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("through", sa.String(10), nullable=True),
        sa.Column("left_out", sa.String(10), nullable=True),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("forecast_runs", "series_id", "forecast_series"),
    )
    migrations.create_index(op, "forecast_runs", "series_id")
    migrations.create_index(op, "forecast_runs", "state")
    migrations.create_table(
        op,
        "forecast_results",
        sa.Column("run_id", columns.key(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("key_id", sa.String(60), nullable=True),
        sa.Column("model", sa.String(100), nullable=True),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("first_period", sa.String(10), nullable=True),
        sa.Column("periods", sa.Integer(), nullable=True),
        sa.Column("season", sa.Integer(), nullable=True),
        sa.Column("mae", columns.Exact(), nullable=True),
        sa.Column("mase", columns.Exact(), nullable=True),
        sa.Column("mape", columns.Exact(), nullable=True),
        sa.Column("smape", columns.Exact(), nullable=True),
        sa.Column("naive_mae", columns.Exact(), nullable=True),
        sa.Column("naive_mase", columns.Exact(), nullable=True),
        sa.Column("naive_mape", columns.Exact(), nullable=True),
        sa.Column("coverage_80", columns.Exact(), nullable=True),
        sa.Column("factors", sa.String(255), nullable=True),
        migrations.foreign_key("forecast_results", "run_id", "forecast_runs"),
    )
    migrations.create_index(op, "forecast_results", "key_id")
    migrations.create_index(op, "forecast_results", "run_id")
    migrations.create_index(op, "forecast_results", "verdict")
    migrations.create_table(
        op,
        "forecast_backtests",
        sa.Column("result_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("models", sa.Text(), nullable=True),
        migrations.foreign_key("forecast_backtests", "result_id", "forecast_results"),
    )
    migrations.create_index(op, "forecast_backtests", "result_id")
    migrations.create_table(
        op,
        "forecast_factor_verdicts",
        sa.Column("result_id", columns.key(), nullable=False),
        sa.Column("factor", sa.String(100), nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("assumption", sa.String(40), nullable=False),
        sa.Column("error_without", columns.Exact(), nullable=True),
        sa.Column("error_with", columns.Exact(), nullable=True),
        sa.Column("folds", sa.Integer(), nullable=False),
        sa.Column("folds_better", sa.Integer(), nullable=False),
        sa.Column("chance", columns.Exact(), nullable=True),
        migrations.foreign_key("forecast_factor_verdicts", "result_id", "forecast_results"),
    )
    migrations.create_index(op, "forecast_factor_verdicts", "result_id")
    migrations.create_index(op, "forecast_factor_verdicts", "verdict")
    migrations.create_table(
        op,
        "forecast_points",
        sa.Column("result_id", columns.key(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("mean", columns.Exact(), nullable=False),
        sa.Column("low_80", columns.Exact(), nullable=True),
        sa.Column("high_80", columns.Exact(), nullable=True),
        sa.Column("low_95", columns.Exact(), nullable=True),
        sa.Column("high_95", columns.Exact(), nullable=True),
        migrations.foreign_key("forecast_points", "result_id", "forecast_results"),
    )
    migrations.create_index(op, "forecast_points", "result_id")
    migrations.create_index(op, "forecast_points", "starts_on")


def downgrade() -> None:
    migrations.drop_table(op, "forecast_points")
    migrations.drop_table(op, "forecast_factor_verdicts")
    migrations.drop_table(op, "forecast_backtests")
    migrations.drop_table(op, "forecast_results")
    migrations.drop_table(op, "forecast_runs")
    migrations.drop_table(op, "forecast_market_points")
    migrations.drop_table(op, "forecast_factors")
    migrations.drop_table(op, "forecast_wins")
    migrations.drop_table(op, "forecast_series")
    migrations.drop_table(op, "forecast_model_cards")
    migrations.drop_table(op, "forecast_market_series")
    migrations.drop_table(op, "forecast_market_events")
