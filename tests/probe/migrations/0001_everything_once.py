"""Everything once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "probe_boards",
        sa.Column("name", sa.String(255), nullable=False),
    )
    migrations.create_unique(op, "probe_boards", "name")
    migrations.create_table(
        op,
        "probe_entries",
        sa.Column("text", sa.String(255), nullable=False),
    )
    migrations.create_table(
        op,
        "probe_remarks",
        sa.Column("about", columns.key(), nullable=False),
        sa.Column("text", sa.String(255), nullable=False),
        sa.Column("about_entity", sa.String(100), nullable=False),
    )
    migrations.create_index(op, "probe_remarks", "about")
    migrations.create_table(
        op,
        "probe_lanes",
        sa.Column("board_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        migrations.foreign_key("probe_lanes", "board_id", "probe_boards"),
    )
    migrations.create_index(op, "probe_lanes", "board_id")
    migrations.create_index(op, "probe_lanes", "name")
    migrations.create_unique(op, "probe_lanes", "board_id", "name")
    migrations.create_table(
        op,
        "probe_things",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("code", sa.String(60), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("phone", sa.String(40), nullable=True),
        sa.Column("website", sa.String(500), nullable=True),
        sa.Column("tags", columns.json_data(), nullable=True),
        sa.Column("tier", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("weight", columns.Exact(), nullable=True),
        sa.Column("share", columns.Exact(), nullable=True),
        sa.Column("price", columns.Exact(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("moment", columns.UtcDateTime(), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=True),
        sa.Column("whole_id", columns.key(), nullable=True),
        sa.Column("friend_id", columns.key(), nullable=True),
        sa.Column("board_id", columns.key(), nullable=True),
        sa.Column("lane_id", columns.key(), nullable=True),
        sa.Column("partner_id", columns.key(), nullable=True),
        sa.Column("about", columns.key(), nullable=True),
        sa.Column("price_currency", sa.String(3), nullable=True),
        sa.Column("about_entity", sa.String(100), nullable=True),
        migrations.foreign_key("probe_things", "board_id", "probe_boards"),
        migrations.foreign_key("probe_things", "lane_id", "probe_lanes"),
        migrations.foreign_key("probe_things", "whole_id", "probe_things"),
    )
    migrations.create_index(op, "probe_things", "about")
    migrations.create_index(op, "probe_things", "board_id")
    migrations.create_index(op, "probe_things", "day")
    migrations.create_index(op, "probe_things", "friend_id")
    migrations.create_index(op, "probe_things", "lane_id")
    migrations.create_index(op, "probe_things", "name")
    migrations.create_index(op, "probe_things", "partner_id")
    migrations.create_index(op, "probe_things", "whole_id")
    migrations.create_unique(op, "probe_things", "code")
    migrations.create_table(
        op,
        "probe_parts",
        sa.Column("thing_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=True),
        migrations.foreign_key("probe_parts", "thing_id", "probe_things"),
    )
    migrations.create_index(op, "probe_parts", "thing_id")


def downgrade() -> None:
    migrations.drop_table(op, "probe_parts")
    migrations.drop_table(op, "probe_things")
    migrations.drop_table(op, "probe_lanes")
    migrations.drop_table(op, "probe_remarks")
    migrations.drop_table(op, "probe_entries")
    migrations.drop_table(op, "probe_boards")
