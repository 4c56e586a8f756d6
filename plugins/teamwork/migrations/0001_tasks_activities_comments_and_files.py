"""Tasks, activities, comments and files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "teamwork_activities",
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("starts_at", columns.UtcDateTime(), nullable=False),
        sa.Column("ends_at", columns.UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
    )
    migrations.create_index(op, "teamwork_activities", "about")
    migrations.create_index(op, "teamwork_activities", "ends_at")
    migrations.create_index(op, "teamwork_activities", "kind")
    migrations.create_index(op, "teamwork_activities", "starts_at")
    migrations.create_index(op, "teamwork_activities", "subject")
    migrations.create_table(
        op,
        "teamwork_comments",
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("about_entity", sa.String(100), nullable=False),
    )
    migrations.create_index(op, "teamwork_comments", "about")
    migrations.create_table(
        op,
        "teamwork_files",
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("content", sa.String(32), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=False),
    )
    migrations.create_index(op, "teamwork_files", "about")
    migrations.create_index(op, "teamwork_files", "name")
    migrations.create_table(
        op,
        "teamwork_tasks",
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("done_at", columns.UtcDateTime(), nullable=True),
        sa.Column("parent_task_id", columns.key(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
        migrations.foreign_key("teamwork_tasks", "parent_task_id", "teamwork_tasks"),
    )
    migrations.create_index(op, "teamwork_tasks", "about")
    migrations.create_index(op, "teamwork_tasks", "due_on")
    migrations.create_index(op, "teamwork_tasks", "parent_task_id")
    migrations.create_index(op, "teamwork_tasks", "state")
    migrations.create_index(op, "teamwork_tasks", "subject")


def downgrade() -> None:
    migrations.drop_table(op, "teamwork_tasks")
    migrations.drop_table(op, "teamwork_files")
    migrations.drop_table(op, "teamwork_comments")
    migrations.drop_table(op, "teamwork_activities")
