"""What the outbox says of a person: letters, events, arguments of jobs; and what was answered to requests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.entities.journal import MASK
from core.events.payload import ALIKE, IDS, ITEMS, items_of
from core.events.states import DEAD, DONE, HELD, SKIPPED, WAITING
from core.events.tables import outbox
from core.http import idempotency
from core.mail import letters
from sdk import Person
from sdk.mail import MAIL_WRITTEN

if TYPE_CHECKING:
    from core.context import Work

_PART = 500
_NEEDLES = 100
_LETTER = f"core.{letters.JOB}"
_SAID = ("recipient", "to", "subject", "text", "html", "reply_to", "attachments")
"""The members of a letter, and of the event of one."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def clean(system: Work, person: Person) -> int:
    """Mask what concerns the person; a letter that has not gone yet goes nowhere. Returns how many rows that are.

    There is no index by what is in a payload: the tenant's outbox is read as a whole.
    """
    count = 0
    for row in _rows(system, person):
        after = {"payload": _cleaned(row, person), "error": row["error"] and person.masked(row["error"], MASK), "state": row["state"]}
        after["reason"] = row["reason"] if after["error"] == row["error"] and masked(row["reason"], person) == row["reason"] else None
        if row["name"] == _LETTER and row["state"] in (WAITING, HELD, DEAD):
            after["state"] = SKIPPED
        if all(after[name] == row[name] for name in after):
            continue
        count += 1
        mine = (outbox.c.tenant_id == system.tenant.id, outbox.c.id == row["id"])
        system.connection.execute(outbox.update().where(*mine).values(**after))
    return count


def clean_answers(system: Work, person: Person) -> int:
    """Take away what is kept of answers that name the person or a record of that person, to be given again; returns how many. All are unsealed for it."""
    ids = {str(id) for many in person.records.values() for id in many}
    sought = replace(person, words=tuple(needles(person.words)), names=tuple(needles(person.names)))
    named = [name for name, said in idempotency.kept(system) if not ids.isdisjoint(_ID.findall(said)) or sought.occurs(unescape(said))]
    for start in range(0, len(named), _PART):
        idempotency.erase(system, named[start : start + _PART])
    return len(named)


def masked(value: Any, person: Person) -> Any:
    """A JSON value without the words that stand for the person."""
    if isinstance(value, str):
        return person.masked(value, MASK)
    if isinstance(value, Mapping):
        return {name: masked(one, person) for name, one in value.items()}
    return [masked(one, person) for one in value] if isinstance(value, list) else value


def needles(words: Iterable[str]) -> list[str]:
    """How words stand in JSON: as they are, or with their characters written out."""
    return list(dict.fromkeys(json.dumps(word, ensure_ascii=escaped)[1:-1] for word in words for escaped in (False, True)))


def _rows(system: Work, person: Person) -> Iterator[sa.RowMapping]:
    """By ids and words; by names, which others may have, too, only what is over."""
    ids = [str(id) for many in person.records.values() for id in many]
    said = (sa.cast(outbox.c.payload, sa.Text), outbox.c.error, sa.cast(outbox.c.reason, sa.Text))
    sure, seen = [*ids, *needles(person.words)], set[Any]()
    over = outbox.c.state.in_((DONE, SKIPPED))
    for known, more in ((sure, sa.true()), (needles(person.names), over)):
        for start in range(0, len(known), _NEEDLES):
            part = known[start : start + _NEEDLES]
            fits = sa.or_(*(column.contains(one, autoescape=True) for one in part for column in said))
            query = sa.select(outbox).where(outbox.c.tenant_id == system.tenant.id, more, fits).order_by(outbox.c.id)
            last = None
            while True:
                below = sa.true() if last is None else outbox.c.id > last
                rows = system.connection.execute(query.where(below).limit(_PART)).mappings().all()
                yield from (row for row in rows if row["id"] not in seen)
                seen |= {row["id"] for row in rows}
                if len(rows) < _PART:
                    break
                last = rows[-1]["id"]


def _cleaned(row: sa.RowMapping, person: Person) -> dict[str, Any]:
    payload = row["payload"]
    if row["name"] == _LETTER:
        return _letter(payload, person)
    items = list(items_of(payload))
    if not items:
        return dict(masked(payload, person))
    ids = {str(id) for many in person.records.values() for id in many}
    others = {name: value for name, value in payload.items() if name not in (IDS, ALIKE, ITEMS)}
    return {**masked(others, person), ITEMS: [_item(row["name"], item, ids, person) for item in items]}


def _item(event: str, item: Mapping[str, Any], ids: set[str], person: Person) -> dict[str, Any]:
    """What happened to one record: that it did stays, the values that it had do not."""
    if item.get("id") not in ids:
        written = event == MAIL_WRITTEN and any(person.occurs(str(one)) for one in item.get("to", ()))
        return _letter(item, person) if written else dict(masked(item, person))
    if event == MAIL_WRITTEN:
        return _letter(item, person)
    before = item.get("before")
    kept = dict(masked(item, person))
    return (
        {**kept, "before": {name: None if old is None else MASK for name, old in before.items()}} if isinstance(before, Mapping) else kept
    )


def _letter(letter: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """To whom else it went stays; what it said, and under which name something hung on it, does not."""
    made = dict(letter)
    for name in _SAID:
        value = made.get(name)
        if name in ("recipient", "to", "reply_to"):
            made[name] = masked(value, person) if name in made else None
        elif name == "attachments" and isinstance(value, list):
            made[name] = [{**one, "filename": MASK} for one in value]
        elif isinstance(value, str) and value:
            made[name] = MASK
    return {name: value for name, value in made.items() if name in letter}
