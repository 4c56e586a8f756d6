"""The words by which records are found: a row for each token of each searched field of each live record."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import sqlalchemy as sa

from core.search.words import LONGEST
from sdk import Record
from sdk.columns import key

search_words = sa.Table(
    "core_search_words",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("place", sa.BigInteger(), primary_key=True, autoincrement=False),  # which field of which entity: see `place_of`
    # By bytes, as SQLite does: beginnings are a range of the index.
    sa.Column("word", sa.String(LONGEST).with_variant(sa.String(LONGEST, collation="C"), "postgresql"), primary_key=True),
    sa.Column("near", sa.SmallInteger(), primary_key=True, autoincrement=False),  # how near it is to the value: see `core.search.words`
    sa.Column("record_id", key(), primary_key=True),
    sa.Index("ix_core_search_words_record_id", "tenant_id", "record_id"),
    sqlite_with_rowid=False,
)


@lru_cache(maxsize=5_000)
def place_of(entity: str, field: str) -> int:
    """The number of a field: its words are a part of the index of their own, so that who does not see it does not ask there.

    Of a tenant's own field `field` is the id of its definition: another one that comes to have its name has other words.
    """
    return int.from_bytes(blake2b(f"{entity} {field}".encode(), digest_size=8).digest(), "big", signed=True)
