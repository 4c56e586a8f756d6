"""A token says by which token it was made; those from before were made by nobody that is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("core_token_secrets", sa.Column("made_with", columns.key(), nullable=True))


def downgrade() -> None:
    op.drop_column("core_token_secrets", "made_with")
