"""Forms, their fields, submissions and consents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "web_forms_forms",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(40), nullable=False),
        sa.Column("heading", sa.String(200), nullable=True),
        sa.Column("heading_zh", sa.String(200), nullable=True),
        sa.Column("intro", sa.Text(), nullable=True),
        sa.Column("intro_zh", sa.Text(), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("consent_zh", sa.Text(), nullable=True),
        sa.Column("consent_required", sa.Boolean(), nullable=False),
        sa.Column("consent_version", sa.Integer(), nullable=False),
        sa.Column("thanks", sa.Text(), nullable=True),
        sa.Column("thanks_zh", sa.Text(), nullable=True),
        sa.Column("redirect", sa.String(500), nullable=True),
        sa.Column("assignee_id", columns.key(), nullable=True),
        sa.Column("told_id", columns.key(), nullable=True),
        sa.Column("origins", columns.json_data(), nullable=True),
        sa.Column("captcha", sa.Boolean(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=True),
    )
    migrations.create_unique(op, "web_forms_forms", "key")
    for column in ("assignee_id", "digest", "name", "told_id"):
        migrations.create_index(op, "web_forms_forms", column)
    migrations.create_table(
        op,
        "web_forms_form_fields",
        sa.Column("form_id", columns.key(), nullable=False),
        sa.Column("field", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(200), nullable=True),
        sa.Column("label_zh", sa.String(200), nullable=True),
        sa.Column("help", sa.String(500), nullable=True),
        sa.Column("help_zh", sa.String(500), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("value", sa.String(500), nullable=True),
        migrations.foreign_key("web_forms_form_fields", "form_id", "web_forms_forms"),
    )
    migrations.create_index(op, "web_forms_form_fields", "form_id")
    migrations.create_unique(op, "web_forms_form_fields", "form_id", "field")
    migrations.create_table(
        op,
        "web_forms_submissions",
        sa.Column("form_id", columns.key(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("lead_id", columns.key(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("code", sa.String(60), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", columns.UtcDateTime(), nullable=True),
        sa.Column("stamp", sa.String(64), nullable=True),
        migrations.foreign_key("web_forms_submissions", "form_id", "web_forms_forms"),
        migrations.foreign_key("web_forms_submissions", "lead_id", "leads_leads"),
    )
    for column in ("form_id", "lead_id", "state"):
        migrations.create_index(op, "web_forms_submissions", column)
    migrations.create_unique(op, "web_forms_submissions", "stamp")
    migrations.create_table(
        op,
        "web_forms_captures",
        sa.Column("lead_id", columns.key(), nullable=False),
        sa.Column("form_id", columns.key(), nullable=True),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("consent_version", sa.Integer(), nullable=True),
        sa.Column("consented_at", columns.UtcDateTime(), nullable=True),
        migrations.foreign_key("web_forms_captures", "form_id", "web_forms_forms"),
        migrations.foreign_key("web_forms_captures", "lead_id", "leads_leads"),
    )
    migrations.create_index(op, "web_forms_captures", "form_id")
    migrations.create_unique(op, "web_forms_captures", "lead_id")


def downgrade() -> None:
    migrations.drop_table(op, "web_forms_captures")
    migrations.drop_table(op, "web_forms_submissions")
    migrations.drop_table(op, "web_forms_form_fields")
    migrations.drop_table(op, "web_forms_forms")
