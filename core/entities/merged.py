"""Records that have become part of others: where each has gone, and what came with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import secrets
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
    # By field of the survivor the value before and the value after, of a sensitive one both as `sealed`; nothing once it is undone.
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


def joined(work: Work, entity: str, ids: Iterable[UUID]) -> set[UUID]:
    """What some records have become part of and what has become part of them, one merge away."""
    known = sorted(ids)
    query = sa.select(merged.c.record_id, merged.c.survivor_id).where(
        merged.c.tenant_id == work.tenant.id, merged.c.entity == entity,
        sa.or_(among(merged.c.record_id, known), among(merged.c.survivor_id, known)),
    )  # fmt: skip
    return {id for row in work.connection.execute(query) for id in row}


def sealed(work: Work, merge: UUID, name: str, pair: Sequence[object]) -> str:
    """The values of a sensitive field before and after a merge, as they are kept: the audit does not tell them either."""
    return secrets.seal(work.platform.config.key(), _purpose(work, merge, name), json.dumps(pair))


def opened(work: Work, merge: UUID, name: str, kept: str | Sequence[Any]) -> Sequence[Any] | None:
    """What is kept of one field, None where it was sealed under another key."""
    if not isinstance(kept, str):
        return kept
    try:
        found: list[Any] = json.loads(secrets.unseal(work.platform.config.key(), _purpose(work, merge, name), kept))
    except secrets.Unreadable:
        return None
    return found


def _purpose(work: Work, merge: UUID, name: str) -> str:
    return f"merge:{work.tenant.id}:{merge}:{name}"


def forget(connection: Connection, tenant: object, of: Callable[[sa.Column[Any]], sa.ColumnElement[bool]]) -> None:
    """All that is known of the merges of some entities of a tenant; `of` says by the column of their names which."""
    mine = (merges.c.tenant_id == tenant, of(merges.c.entity))
    of_merges = (merge_rows.c.tenant_id == tenant, merge_rows.c.merge_id.in_(sa.select(merges.c.id).where(*mine)))
    connection.execute(merge_rows.delete().where(*of_merges))
    connection.execute(merged.delete().where(merged.c.tenant_id == tenant, of(merged.c.entity)))
    connection.execute(merges.delete().where(*mine))
