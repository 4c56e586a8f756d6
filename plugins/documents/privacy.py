"""Issued copies name people, and stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from plugins.documents.copies import DOCUMENT
from sdk import Condition, Context, Person, Trace, _
from sdk.context import id_of
from sdk.fields import Reference

_PART = 200


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`."""
    reason = _("an issued copy can’t be changed or deleted; business documents must be kept as long as the law requires")
    return (Trace(DOCUMENT, sorted(_issued(ctx, person)), keep=reason),)


def _issued(ctx: Context, person: Person) -> Iterator[UUID]:
    about = [Reference(entity, id) for found in (person.records, person.linked) for entity, ids in found.items() for id in ids
             if ctx.offers(entity)]  # fmt: skip
    for start in range(0, len(about), _PART):
        named = (Condition("about", "in", tuple(about[start : start + _PART])),)
        yield from (id_of(row) for row in ctx.records(DOCUMENT).find(named, 100_000))
