"""Letters that wait say of which record they tell, so that they can be erased with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("teamwork_held_letters", sa.Column("about", columns.key(), nullable=True))
    op.add_column("teamwork_held_letters", sa.Column("about_entity", sa.String(100), nullable=True))
    migrations.create_index(op, "teamwork_held_letters", "about")


def downgrade() -> None:
    op.drop_index("ix_teamwork_held_letters_about", "teamwork_held_letters")
    op.drop_column("teamwork_held_letters", "about_entity")
    op.drop_column("teamwork_held_letters", "about")
