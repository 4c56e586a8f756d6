"""Targets of product lines, campaigns, regions and accounts; task templates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"

TARGETS = "teamwork_targets"
LINKS = ("campaign_id", "region_id", "account_id")


def upgrade() -> None:
    _targets()
    _templates()


def _targets() -> None:
    op.add_column(TARGETS, sa.Column("product_line", sa.String(100), nullable=True))
    op.add_column(TARGETS, sa.Column("parts", sa.String(100), nullable=True))
    for name in LINKS:
        op.add_column(TARGETS, sa.Column(name, columns.key(), nullable=True))
        migrations.create_index(op, TARGETS, name)
    rows = sa.table(TARGETS, sa.column("product_id"), sa.column("channel"), sa.column("parts"))
    product, channel = rows.c.product_id.is_not(None), rows.c.channel.is_not(None) & (rows.c.channel != "")
    named = sa.case((product & channel, "product,channel"), (product, "product"), (channel, "channel"))
    with migrations.all_rows(op, TARGETS):
        op.execute(rows.update().values(parts=named))


def _templates() -> None:
    migrations.create_table(
        op,
        "teamwork_task_templates",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("entity", sa.String(100), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
    )
    migrations.create_unique(op, "teamwork_task_templates", "name")
    migrations.create_table(
        op,
        "teamwork_template_tasks",
        sa.Column("template_id", columns.key(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("after_days", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(40), nullable=False),
        sa.Column("person_id", columns.key(), nullable=True),
        sa.Column("helpers", columns.json_data(), nullable=True),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("remind_days", sa.Integer(), nullable=True),
        sa.Column("remind_time", sa.String(5), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        migrations.foreign_key("teamwork_template_tasks", "template_id", "teamwork_task_templates"),
    )
    migrations.create_index(op, "teamwork_template_tasks", "template_id")
    migrations.create_index(op, "teamwork_template_tasks", "person_id")
    migrations.create_index(op, "teamwork_template_tasks", "subject")
    migrations.create_table(
        op,
        "teamwork_applications",
        sa.Column("template_id", columns.key(), nullable=False),
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("about_entity", sa.String(100), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("request", sa.String(100), nullable=True),
        migrations.foreign_key("teamwork_applications", "template_id", "teamwork_task_templates"),
    )
    migrations.create_index(op, "teamwork_applications", "template_id")
    migrations.create_index(op, "teamwork_applications", "about")
    migrations.create_unique(op, "teamwork_applications", "owner_id", "request")
    op.add_column("teamwork_tasks", sa.Column("application_id", columns.key(), nullable=True))
    migrations.create_index(op, "teamwork_tasks", "application_id")


def downgrade() -> None:
    op.drop_index("ix_teamwork_tasks_application_id", table_name="teamwork_tasks")
    op.drop_column("teamwork_tasks", "application_id")
    for name in ("applications", "template_tasks", "task_templates"):
        migrations.drop_table(op, f"teamwork_{name}")
    for name in LINKS:
        op.drop_index(f"ix_{TARGETS}_{name}", table_name=TARGETS)
        op.drop_column(TARGETS, name)
    op.drop_column(TARGETS, "parts")
    op.drop_column(TARGETS, "product_line")
