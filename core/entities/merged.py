"""Records that have become part of others: where each has gone, and what came with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from sdk import Record
from sdk.columns import UtcDateTime, among, json_data, key

if TYPE_CHECKING:
    from core.context import Work

LONGEST = 32
"""Merges of merges that are followed; each takes a survivor away, so that there is no circle."""

merges = sa.Table(
    "core_merges",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("id", key(), primary_key=True),
    sa.Column("entity", sa.String(100), nullable=False),
    sa.Column("survivor_id", key(), nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("by_id", key(), nullable=True),
    # By field of the survivor the value before and the value after.
    sa.Column("changes", json_data(), nullable=False),
    sa.Column("undone_at", UtcDateTime(), nullable=True),
    sa.Index("ix_core_merges_survivor_id", "tenant_id", "survivor_id", "id"),
)

# Each link that was turned round, and each row that went because the survivor has one like it.
merge_rows = sa.Table(
    "core_merge_rows",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("merge_id", key(), primary_key=True),
    sa.Column("id", key(), primary_key=True),
    sa.Column("table", sa.String(63), nullable=False),
    sa.Column("record_id", key(), nullable=False),
    # The slot or column of the link; "" for a row that went.
    sa.Column("column", sa.String(80), nullable=False),
    sa.Column("from_id", key(), nullable=False),
    sa.Column("to_id", key(), nullable=False),
)

# Where a record has gone, while the merge is not undone.
merged = sa.Table(
    "core_merged",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("record_id", key(), primary_key=True),
    sa.Column("entity", sa.String(100), nullable=False),
    sa.Column("survivor_id", key(), nullable=False),
    sa.Column("merge_id", key(), nullable=False),
    sa.Index("ix_core_merged_survivor_id", "tenant_id", "survivor_id"),
)


def follow(work: Work, entity: str, ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """For those of some records that were merged into others the record that is left, whether or not it is still there."""
    found: dict[UUID, UUID] = {}
    ahead = {id: id for id in ids}
    for _step in range(LONGEST):
        steps = _steps(work, entity, sorted(set(ahead.values()))) if ahead else {}
        ahead = {id: steps[at] for id, at in ahead.items() if at in steps}
        if not ahead:
            break
        found |= ahead
    return found


def _steps(work: Work, entity: str, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    query = sa.select(merged.c.record_id, merged.c.survivor_id).where(
        merged.c.tenant_id == work.tenant.id, merged.c.entity == entity, among(merged.c.record_id, ids)
    )
    return {row.record_id: row.survivor_id for row in work.connection.execute(query)}


def absorbed(work: Work, id: UUID) -> list[UUID]:
    """The records that have become part of this one, those that had become part of them among them."""
    found = list[UUID]()
    level = [id]
    while level:
        query = sa.select(merged.c.record_id).where(merged.c.tenant_id == work.tenant.id, among(merged.c.survivor_id, level))
        level = [one for one in work.connection.execute(query).scalars() if one not in found]
        found += level
    return found
