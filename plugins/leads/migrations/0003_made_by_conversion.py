"""What the conversion of a lead has made, so that it can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("leads_leads", sa.Column("made", sa.String(40), nullable=True))


def downgrade() -> None:
    op.drop_column("leads_leads", "made")
