"""Everything that there is of a person in one document, as far as who asks for it sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.entities.journal import plain
from core.events.tables import audit, outbox
from core.identity.tables import SignIn
from core.mail import letters
from core.privacy.background import needles
from core.privacy.traces import CHUNK, USER, Found, find, permitted
from sdk import Condition, Person, TooLarge, _
from sdk.columns import among
from sdk.context import id_of
from sdk.fields import Reference
from sdk.permissions import DISCLOSE

if TYPE_CHECKING:
    from core.context import Work

FORM = "dealwright.person/1"
ACTION = "disclose"
MOST = 20_000
"""Records of an answer over HTTP."""
JOBS_READ = "core.job.read"
SIGN_INS = "core.sign_in"


def disclose(work: Work, record: Reference, *, most: int | None = None) -> dict[str, object]:
    """What the platform holds about a person: the record, what is about it, its history, letters; and what else names the person.

    With the rights of who asks: what that one may not see is counted as `withheld`. That it was done is in the audit. Raises NotFound
    and Forbidden as `permitted`, TooLarge for more than `most` records.
    """
    with work.transaction(write=True):
        permitted(work, record, DISCLOSE)
        found = find(work, record)
        person = found.person
        kept = _kept(found)
        if users := person.ids(USER):
            kept.setdefault(SIGN_INS, []).extend(_sign_ins(work, users))
        everything = {name: [*person.ids(name), *kept.get(name, ())] for name in dict.fromkeys((*person.records, *kept))}
        if most is not None and (count := sum(map(len, everything.values()))) > most:
            raise TooLarge(_("there are {count} records about this person: run `dealwright person export`"), count=count)
        records = {name: _rows(work, name, ids, found) for name, ids in everything.items()}
        withheld = {name: lost for name, ids in everything.items() if (lost := len(set(ids)) - len(records[name]))}
        work.leave(audit, [entries.made(work, record.entity, record.id, ACTION, {})])
        return {
            "format": FORM, "at": work.now(), "person": {"entity": record.entity, "id": record.id},
            "records": {name: rows for name, rows in records.items() if rows},
            "named_in": {name: rows for name, ids in person.linked.items() if (rows := _titles(work, name, ids))},
            "history": list(_history(work, person)), "letters": list(_letters(work, person)),
            "withheld": _counted(withheld), "off": _counted(found.off),
        }  # fmt: skip


def _counted(counts: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"entity": name, "records": count} for name, count in counts.items()]


def _kept(found: Found) -> dict[str, list[UUID]]:
    """What an erasure would leave is known of the person all the same."""
    kept: dict[str, list[UUID]] = {}
    for one in found.kept:
        if one.id not in found.person.ids(one.entity):
            kept.setdefault(one.entity, []).append(one.id)
    return kept


def _sign_ins(work: Work, users: Sequence[UUID]) -> list[UUID]:
    """What is known of the coming and going of users: an erasure drops it, so that it is nobody's record."""
    table = SignIn.table()
    mine = (table.c.tenant_id == work.tenant.id, among(table.c.user_id, users))
    return list(work.connection.execute(sa.select(table.c.id).where(*mine).order_by(table.c.id)).scalars())


def _rows(work: Work, entity: str, ids: Sequence[UUID], found: Found) -> list[dict[str, object]]:
    """Those that the actor sees, also in the recycle bin, in JSON form."""
    if not work.reader(work.catalog.entities[entity]).grants:
        return []
    shown, secret = list[dict[str, object]](), {name for name, one in work.shape(entity).fields.items() if one.secret}
    for start in range(0, len(ids), CHUNK):
        part = (Condition("id", "in", tuple(ids[start : start + CHUNK])),)
        for gone in (False, True):
            for row in work.records(entity).find(part, CHUNK, deleted=gone):
                row = {**row, **{name: value for name, value in found.shown.get((entity, id_of(row)), {}).items() if name in row}}
                told = {name: plain(value) for name, value in row.items() if name not in secret}
                shown.append({**told, "in_recycle_bin": True} if gone else told)
    return shown


def _titles(work: Work, entity: str, ids: Sequence[UUID]) -> list[dict[str, object]]:
    if not work.offers(entity) or not work.reader(work.catalog.entities[entity]).grants:
        return []
    parts = (work.records(entity).titles(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK))
    return [{"id": id, "title": title} for part in parts for id, title in part.items()]


def _history(work: Work, person: Person) -> Iterator[dict[str, Any]]:
    for name, ids in person.records.items():
        for start in range(0, len(ids), CHUNK):
            mine = (audit.c.tenant_id == work.tenant.id, audit.c.entity == name, among(audit.c.record_id, ids[start : start + CHUNK]))
            columns = (
                audit.c.id,
                audit.c.at,
                audit.c.actor,
                audit.c.channel,
                audit.c.entity,
                audit.c.record_id,
                audit.c.action,
                audit.c.changes,
            )
            query = sa.select(*columns).where(*mine, audit.c.action != entries.REFUSED).order_by(audit.c.id)
            rows = [{str(key): value for key, value in row.items()} for row in work.connection.execute(query).mappings()]
            entries.veil(work, rows)
            yield from rows


def _letters(work: Work, person: Person) -> Iterator[dict[str, object]]:
    """Those to an address of the person, for who may see background work."""
    if not work.can(JOBS_READ) or not person.words:
        return
    text = sa.cast(outbox.c.payload, sa.Text)
    fits = sa.or_(*(text.contains(one, autoescape=True) for one in needles(person.words)))
    mine = (outbox.c.tenant_id == work.tenant.id, outbox.c.name == f"core.{letters.JOB}", fits)
    for row in work.connection.execute(sa.select(outbox).where(*mine).order_by(outbox.c.id)):
        if row.payload["recipient"] in person.words:
            yield {"at": row.created_at, "state": row.state, **{name: row.payload[name] for name in ("recipient", "subject", "text")}}
