"""Notices, plans, targets and evaluations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.create_table(
        op,
        "teamwork_notifications",
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("read_at", columns.UtcDateTime(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
    )
    migrations.create_index(op, "teamwork_notifications", "about")
    op.create_index("ix_teamwork_notifications_newest", "teamwork_notifications", ["tenant_id", "owner_id", "created_at"], unique=False)
    op.create_index(
        "ix_teamwork_notifications_unread",
        "teamwork_notifications",
        ["tenant_id", "owner_id", "id"],
        unique=False,
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )
    migrations.create_table(
        op,
        "teamwork_preferences",
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "teamwork_preferences", "owner_id", "kind", "channel")
    migrations.create_table(
        op,
        "teamwork_follows",
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("told_at", columns.UtcDateTime(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=False),
    )
    migrations.create_index(op, "teamwork_follows", "about")
    migrations.create_unique(op, "teamwork_follows", "owner_id", "about")
    _plans()
    _evaluations()
    _more_columns()


def _plans() -> None:
    migrations.create_table(
        op,
        "teamwork_schemes",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("team_id", columns.key(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "teamwork_schemes", "team_id")
    migrations.create_unique(op, "teamwork_schemes", "name")
    migrations.create_table(
        op,
        "teamwork_stage_plans",
        sa.Column("stage_id", columns.key(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("after_days", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
    )
    migrations.create_index(op, "teamwork_stage_plans", "stage_id")
    migrations.create_index(op, "teamwork_stage_plans", "subject")
    migrations.create_table(
        op,
        "teamwork_stale_rules",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("due_in_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "teamwork_stale_rules", "key")
    migrations.create_table(
        op,
        "teamwork_targets",
        sa.Column("measure", sa.String(40), nullable=False),
        sa.Column("period", sa.String(40), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("team_id", columns.key(), nullable=True),
        sa.Column("person_id", columns.key(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("channel", sa.String(100), nullable=True),
        sa.Column("activity_kind", sa.String(40), nullable=True),
        sa.Column("amount", columns.Exact(), nullable=True),
        sa.Column("number", columns.Exact(), nullable=True),
        sa.Column("told", sa.Integer(), nullable=True),
        sa.Column("amount_currency", sa.String(3), nullable=True),
    )
    migrations.create_index(op, "teamwork_targets", "measure")
    migrations.create_index(op, "teamwork_targets", "period_start")
    migrations.create_index(op, "teamwork_targets", "person_id")
    migrations.create_index(op, "teamwork_targets", "product_id")
    migrations.create_index(op, "teamwork_targets", "team_id")


def _evaluations() -> None:
    migrations.create_table(
        op,
        "teamwork_assignments",
        sa.Column("task_id", columns.key(), nullable=False),
        sa.Column("person_id", columns.key(), nullable=False),
        migrations.foreign_key("teamwork_assignments", "task_id", "teamwork_tasks"),
    )
    migrations.create_index(op, "teamwork_assignments", "person_id")
    migrations.create_index(op, "teamwork_assignments", "task_id")
    migrations.create_unique(op, "teamwork_assignments", "task_id", "person_id")
    migrations.create_table(
        op,
        "teamwork_evaluations",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scheme_id", columns.key(), nullable=False),
        sa.Column("period", sa.String(40), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("scored_at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("teamwork_evaluations", "scheme_id", "teamwork_schemes"),
    )
    migrations.create_index(op, "teamwork_evaluations", "name")
    migrations.create_index(op, "teamwork_evaluations", "period_start")
    migrations.create_index(op, "teamwork_evaluations", "scheme_id")
    migrations.create_index(op, "teamwork_evaluations", "state")
    migrations.create_unique(op, "teamwork_evaluations", "scheme_id", "period", "period_start")
    migrations.create_table(
        op,
        "teamwork_kpis",
        sa.Column("scheme_id", columns.key(), nullable=False),
        sa.Column("measure", sa.String(40), nullable=False),
        sa.Column("activity_kind", sa.String(40), nullable=True),
        sa.Column("weight", columns.Exact(), nullable=False),
        sa.Column("goal", columns.Exact(), nullable=True),
        sa.Column("cap", sa.Integer(), nullable=False),
        migrations.foreign_key("teamwork_kpis", "scheme_id", "teamwork_schemes"),
    )
    migrations.create_index(op, "teamwork_kpis", "scheme_id")
    migrations.create_table(
        op,
        "teamwork_evaluation_steps",
        sa.Column("evaluation_id", columns.key(), nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_id", columns.key(), nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        migrations.foreign_key("teamwork_evaluation_steps", "evaluation_id", "teamwork_evaluations"),
    )
    migrations.create_index(op, "teamwork_evaluation_steps", "by_id")
    migrations.create_index(op, "teamwork_evaluation_steps", "evaluation_id")
    migrations.create_table(
        op,
        "teamwork_scores",
        sa.Column("evaluation_id", columns.key(), nullable=False),
        sa.Column("person_id", columns.key(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        migrations.foreign_key("teamwork_scores", "evaluation_id", "teamwork_evaluations"),
    )
    migrations.create_index(op, "teamwork_scores", "evaluation_id")
    migrations.create_index(op, "teamwork_scores", "person_id")
    migrations.create_unique(op, "teamwork_scores", "evaluation_id", "round", "person_id")
    migrations.create_table(
        op,
        "teamwork_score_lines",
        sa.Column("score_id", columns.key(), nullable=False),
        sa.Column("kpi_id", columns.key(), nullable=False),
        sa.Column("measure", sa.String(40), nullable=False),
        sa.Column("weight", columns.Exact(), nullable=False),
        sa.Column("goal", columns.Exact(), nullable=True),
        sa.Column("actual", columns.Exact(), nullable=True),
        sa.Column("attainment", columns.Exact(), nullable=True),
        sa.Column("points", columns.Exact(), nullable=True),
        sa.Column("unpriced", sa.Integer(), nullable=True),
        migrations.foreign_key("teamwork_score_lines", "score_id", "teamwork_scores"),
    )
    migrations.create_index(op, "teamwork_score_lines", "score_id")
    migrations.create_index(op, "teamwork_score_lines", "kpi_id")
    migrations.create_unique(op, "teamwork_score_lines", "score_id", "kpi_id")


def _more_columns() -> None:
    op.add_column("teamwork_activities", sa.Column("plan_id", columns.key(), nullable=True))
    migrations.create_index(op, "teamwork_activities", "plan_id")
    op.add_column("teamwork_comments", sa.Column("mentions", columns.json_data(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("timeliness", sa.String(40), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("helpers", columns.json_data(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("remind_days", sa.Integer(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("remind_time", sa.String(5), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("remind_at", columns.UtcDateTime(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("repeats", sa.String(40), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("repeat_every", sa.Integer(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("repeat_day", sa.Integer(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("repeat_until", sa.Date(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("repeated", sa.String(40), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("plan_id", columns.key(), nullable=True))
    op.add_column("teamwork_tasks", sa.Column("stale_rule_id", columns.key(), nullable=True))
    migrations.create_index(op, "teamwork_tasks", "plan_id")
    migrations.create_index(op, "teamwork_tasks", "remind_at")
    migrations.create_index(op, "teamwork_tasks", "stale_rule_id")


def downgrade() -> None:
    op.drop_index("ix_teamwork_tasks_stale_rule_id", table_name="teamwork_tasks")
    op.drop_index("ix_teamwork_tasks_remind_at", table_name="teamwork_tasks")
    op.drop_index("ix_teamwork_tasks_plan_id", table_name="teamwork_tasks")
    op.drop_column("teamwork_tasks", "stale_rule_id")
    op.drop_column("teamwork_tasks", "plan_id")
    op.drop_column("teamwork_tasks", "repeated")
    op.drop_column("teamwork_tasks", "repeat_until")
    op.drop_column("teamwork_tasks", "repeat_day")
    op.drop_column("teamwork_tasks", "repeat_every")
    op.drop_column("teamwork_tasks", "repeats")
    op.drop_column("teamwork_tasks", "remind_at")
    op.drop_column("teamwork_tasks", "remind_time")
    op.drop_column("teamwork_tasks", "remind_days")
    op.drop_column("teamwork_tasks", "helpers")
    op.drop_column("teamwork_tasks", "timeliness")
    op.drop_column("teamwork_comments", "mentions")
    op.drop_index("ix_teamwork_activities_plan_id", table_name="teamwork_activities")
    op.drop_column("teamwork_activities", "plan_id")
    migrations.drop_table(op, "teamwork_score_lines")
    migrations.drop_table(op, "teamwork_scores")
    migrations.drop_table(op, "teamwork_evaluation_steps")
    migrations.drop_table(op, "teamwork_kpis")
    migrations.drop_table(op, "teamwork_evaluations")
    migrations.drop_table(op, "teamwork_assignments")
    migrations.drop_table(op, "teamwork_targets")
    migrations.drop_table(op, "teamwork_stale_rules")
    migrations.drop_table(op, "teamwork_stage_plans")
    migrations.drop_table(op, "teamwork_schemes")
    migrations.drop_table(op, "teamwork_preferences")
    migrations.drop_table(op, "teamwork_notifications")
    migrations.drop_table(op, "teamwork_follows")
