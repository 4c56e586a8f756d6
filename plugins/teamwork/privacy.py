"""What teamwork knows of a person beside links: the contents of files, and letters that wait or have gone."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from plugins.teamwork.files import FILE
from sdk import Condition, Context, Person, Trace
from sdk.context import id_of

LETTER = "teamwork.held_letter"
_PART = 500


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`. A letter about a record does not say which; it is found by its words."""
    files, letters, records = person.ids(FILE), set[UUID](), ctx.records(LETTER)
    for word in {*person.words, *person.names}:
        for field in ("title", "body"):
            found = records.find((Condition(field, "contains", (word[:200],)),), 100_000)
            letters |= {id_of(row) for row in found if person.occurs(str(row[field]))}
    return Trace(FILE, files, files=_contents(ctx, files)), Trace(LETTER, sorted(letters))


def _contents(ctx: Context, ids: Sequence[UUID]) -> dict[UUID, str]:
    keys: dict[UUID, str] = {}
    for start in range(0, len(ids), _PART):
        part = (Condition("id", "in", tuple(ids[start : start + _PART])),)
        for gone in (False, True):
            rows = ctx.records(FILE).find(part, _PART, deleted=gone)
            keys |= {id_of(row): str(row["content"]) for row in rows if row["content"] is not None}
    return keys
