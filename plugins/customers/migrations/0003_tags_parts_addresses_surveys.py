"""Tags, parts, addresses, surveys; accounts that were small are potential ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    migrations.rename_choice(op, "customers_accounts", "tier", "small", "potential")
    migrations.create_table(
        op,
        "customers_surveys",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("question", sa.String(500), nullable=False),
        sa.Column("question_zh", sa.String(500), nullable=True),
        sa.Column("after_won", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
    )
    migrations.create_unique(op, "customers_surveys", "name")
    migrations.create_table(
        op,
        "customers_tags",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("colour", sa.String(20), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    migrations.create_unique(op, "customers_tags", "key")
    migrations.create_table(
        op,
        "customers_addresses",
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("postal_code", sa.String(20), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("country", sa.String(100), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        migrations.foreign_key("customers_addresses", "account_id", "customers_accounts"),
    )
    migrations.create_index(op, "customers_addresses", "account_id")
    migrations.create_index(op, "customers_addresses", "kind")
    migrations.create_table(
        op,
        "customers_affiliations",
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("contact_id", columns.key(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("title", sa.String(100), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        migrations.foreign_key("customers_affiliations", "account_id", "customers_accounts"),
        migrations.foreign_key("customers_affiliations", "contact_id", "customers_contacts"),
    )
    migrations.create_index(op, "customers_affiliations", "account_id")
    migrations.create_index(op, "customers_affiliations", "contact_id")
    migrations.create_index(op, "customers_affiliations", "role")
    migrations.create_unique(op, "customers_affiliations", "account_id", "contact_id", "role")
    migrations.create_table(
        op,
        "customers_invitations",
        sa.Column("survey_id", columns.key(), nullable=False),
        sa.Column("account_id", columns.key(), nullable=True),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("sent_to", sa.String(255), nullable=True),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=True),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("answered_at", columns.UtcDateTime(), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
        migrations.foreign_key("customers_invitations", "account_id", "customers_accounts"),
        migrations.foreign_key("customers_invitations", "contact_id", "customers_contacts"),
        migrations.foreign_key("customers_invitations", "survey_id", "customers_surveys"),
    )
    migrations.create_index(op, "customers_invitations", "about")
    migrations.create_index(op, "customers_invitations", "account_id")
    migrations.create_index(op, "customers_invitations", "answered_at")
    migrations.create_index(op, "customers_invitations", "contact_id")
    migrations.create_index(op, "customers_invitations", "state")
    migrations.create_index(op, "customers_invitations", "survey_id")
    migrations.create_unique(op, "customers_invitations", "digest")
    op.add_column("customers_accounts", sa.Column("tags", columns.json_data(), nullable=True))
    op.add_column("customers_contacts", sa.Column("tags", columns.json_data(), nullable=True))


def downgrade() -> None:
    migrations.rename_choice(op, "customers_accounts", "tier", "potential", "small")
    op.drop_column("customers_contacts", "tags")
    op.drop_column("customers_accounts", "tags")
    migrations.drop_table(op, "customers_invitations")
    migrations.drop_table(op, "customers_affiliations")
    migrations.drop_table(op, "customers_addresses")
    migrations.drop_table(op, "customers_tags")
    migrations.drop_table(op, "customers_surveys")
