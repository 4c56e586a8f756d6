"""Entries of the audit beside those of records, and the digest that every entry bears."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from core.entities.ids import new_id
from core.events.tables import NO_RECORD, audit
from sdk import Verb
from sdk.columns import among

if TYPE_CHECKING:
    from core.context import Work

PURPOSE = "core.audit"
_signed = itemgetter("id", "at", "actor_id", "actor", "channel", "entity", "record_id", "action", "changes")
LENGTH = 16
"""Bytes of an entry's digest."""
REFUSED = "refused"
"""The action of an attempt without the right to it."""


def made(work: Work, entity: str, record: UUID, action: str, changes: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    """An entry as the context's actor causes it; `changes` has old and new value by name, as JSON takes them."""
    return {
        "tenant_id": work.tenant.id, "id": new_id(), "at": work.now(), "actor_id": work.actor.user_id, "actor": work.actor.name[:100],
        "impersonator_id": work.impersonator, "channel": work.channel.value, "entity": entity, "record_id": record, "action": action, "changes": dict(changes),
    }  # fmt: skip


def note(work: Work, entity: str, record: UUID, action: str, changes: Mapping[str, Sequence[object]]) -> None:
    """Put an entry into the audit with the context's transaction: for what is no record."""
    work.leave(audit, [made(work, entity, record, action, changes)])


def attempt(work: Work, permission: str, record: UUID | None) -> dict[str, Any]:
    """Who tried to use a right that he has not, on what."""
    return made(work, permission.rpartition(".")[0], record or NO_RECORD, REFUSED, {"permission": [None, permission]})


# --- digests ---------------------------------------------------------------------------------------------------------


def sign(work: Work, rows: Sequence[dict[str, Any]], after: Sequence[object] = ()) -> Callable[[], None] | None:
    """Give entries that are about to be written their digest, and what they follow; what is to be called once they are committed, if anything.
    `after` has what is to be called for the transaction already.

    Keyed by what is not in the database: who edits or invents a row there cannot make a digest for it.
    """
    return work.platform.tails.tie(work.tenant.id, rows, digester(work), after) if rows else None


def digester(work: Work) -> Callable[[Mapping[str, Any] | sa.RowMapping], str]:
    """Gives the digest that an entry of the tenant has to bear."""
    begun = hashlib.blake2b(key=work.key_for(PURPOSE), digest_size=LENGTH)

    def digest(row: Mapping[str, Any] | sa.RowMapping) -> str:
        made = begun.copy()
        # Sorted: PostgreSQL keeps the members of an object in an order of its own.
        made.update(orjson.dumps(_signed(row), default=str, option=orjson.OPT_SORT_KEYS))
        if row["impersonator_id"] is not None:  # entries from before there was such a thing keep the digest that they have
            made.update(row["impersonator_id"].bytes)
        if row["follows"] is not None:  # nor have they
            made.update(row["follows"].encode())
        return made.hexdigest()

    return digest


class Erasing:
    """Values are taken out of entries of the tenant by one erasure, so that the chain still holds and says so.

    The digest stays, which the seals hold. Beside it stands which erasure it was, with a proof over the digest and what is left: made
    with the same key, so that nobody else can take values out, and what is left cannot be edited either.
    """

    def __init__(self, work: Work, erasure: UUID) -> None:
        self._digest, self._secret, self.erasure = digester(work), work.key_for(PURPOSE), erasure

    def holds(self, row: Mapping[str, Any] | sa.RowMapping) -> bool:
        """Whether an entry is as it was written, or as an erasure has left it."""
        erased = row["erased"]
        return bool(erased == self._mark(row, erased[:32]) if erased else row["digest"] == self._digest(row))

    def mark(self, before: sa.RowMapping, after: Mapping[str, Any]) -> str | None:
        """What an entry bears once it is `after`; what did not hold before is given no proof, else an erasure would cover a forgery."""
        return (
            self._mark({**after, "digest": before["digest"]}, self.erasure.hex)
            if before["digest"] and self.holds(before)
            else before["erased"]
        )

    def _mark(self, row: Mapping[str, Any] | sa.RowMapping, erasure: str) -> str:
        said = f"{erasure}:{row['digest']}:{self._digest(row)}".encode()
        return erasure + hashlib.blake2b(said, key=self._secret, digest_size=LENGTH).hexdigest()


# --- for readers -----------------------------------------------------------------------------------------------------


def veil(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    """Leave of the changes what the reader may see: who may read the audit has not the right to every field for that.

    A field shows where the reader sees it on the record as it is now, or, of a record that is gone, on all records.
    """
    shown = [row for row in rows if row.get("changes")]
    if not shown or work.grants.unlimited:
        return
    query = sa.select(audit.c.id, audit.c.entity, audit.c.record_id).where(
        audit.c.tenant_id == work.tenant.id,
        audit.c.action != REFUSED,  # which names a right, and no value
        among(audit.c.id, [row["id"] for row in shown]),
    )
    about = {row.id: (row.entity, row.record_id) for row in work.connection.execute(query)}
    visible = {entity: _visible(work, entity, {id for name, id in about.values() if name == entity}) for entity, _id in set(about.values())}
    for row in shown:
        if row["id"] not in about:
            continue
        entity, record = about[row["id"]]
        everywhere, by_record = visible[entity]
        names = by_record.get(record, everywhere)
        row["changes"] = row["changes"] if names is None else {name: pair for name, pair in row["changes"].items() if name in names}


def narrows(work: Work) -> Collection[str]:
    """What is told in part to who has not every right."""
    return () if work.grants.unlimited else ("changes",)


def _visible(work: Work, entity: str, records: set[UUID]) -> tuple[frozenset[str] | None, Mapping[UUID, frozenset[str]]]:
    """The fields that the reader sees on all records of an entity (None: all, of what is no record), and on these records."""
    catalog = work.catalog
    if entity not in catalog.entities:
        return (None if entity.startswith("core.") else frozenset()), {}
    if not work.offers(entity):
        return frozenset(), {}
    reader = work.reader(catalog.entities[entity])
    if not work.scopes.grants_of(reader.entity, Verb.READ):
        return frozenset(), {}
    whole = frozenset(
        name
        for name in reader.asked()
        if reader.scopes.clause(reader.entity, reader.shape.table, reader.including(name), Verb.READ) is None
    )
    return whole, {row["id"]: frozenset(row) - reader.veiled() for row in reader.many(records)}
