"""The words of records made anew from what stands there: behind large sets, and where what is searched has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa

from core.data import bulk
from core.entities.rows import live_of, rows_of
from core.entities.shape import Shape
from core.entities.write import Writer
from core.search.index import ALL, PART, SOME, entities, forget, places, rebuild, words_of
from core.search.tables import search_words
from sdk import Context, Job, _

if TYPE_CHECKING:
    from core.context import Work

_STEP = 2_000


def renew(work: Work, shape: Shape, ids: Sequence[UUID]) -> None:
    """Make the words of these records anew from what stands there; whoever writes them at this moment comes before or after."""
    known, rows = list(places(shape).values()), list[dict[str, Any]]()
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        for id, values in Writer(work, shape).before({*part}).items():
            if values["deleted_at"] is None:
                rows += words_of(work, id, known, values.get)
        forget(work, part)
    bulk.insert(work.connection, search_words, rows)
    work.grown(search_words.name, len(rows))


def _having(ctx: Context, entity: str) -> Work | None:
    """The tenant as if its plugin were on; None where there is no such entity any more."""
    work = cast("Work", ctx)
    work = work.having(work.enabled | {entity.partition(".")[0]} & {*work.platform.calls.serving()})
    return work if work.offers(entity) else None


def make_some(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The words of records that were written in one large set."""
    ids = arguments["ids"]
    work = _having(ctx, str(arguments["entity"]))
    if work is not None and isinstance(ids, list):
        with work.transaction(write=True):
            renew(work, work.shape(str(arguments["entity"])), [UUID(str(id)) for id in ids])


def make_all(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The words of all records of an entity, or where none is named of each that has searched fields; part by part."""
    name = arguments.get("entity")
    if name is None:
        work = cast("Work", ctx)
        with work.transaction(write=True):
            rebuild(work, entities(work))
        return
    work_ = _having(ctx, str(name))
    if work_ is None:
        return
    after = UUID(int=0)
    while True:
        with work_.transaction(write=True):
            shape = work_.shape(str(name))
            table = shape.table
            mine = (*rows_of(shape.entity, table, work_.tenant.id), table.c.id > after)
            ids = list(work_.connection.execute(sa.select(table.c.id).where(*mine).order_by(table.c.id).limit(_STEP)).scalars())
            renew(work_, shape, ids)
            if len(ids) < _STEP:
                _forget_lost(work_, shape)
                return
            after = ids[-1]


def _forget_lost(work: Work, shape: Shape) -> None:
    """Words of records that are nowhere."""
    table, which = shape.table, [place.id for place in places(shape).values()]
    there = sa.select(table.c.id).where(*live_of(shape.entity, table, work.tenant.id))
    mine = (search_words.c.tenant_id == work.tenant.id, search_words.c.place.in_(which), search_words.c.record_id.not_in(there))
    work.connection.execute(search_words.delete().where(*mine))


JOBS: Sequence[Job] = (
    Job(SOME, make_some, label=_("Index some records for search")),
    Job(ALL, make_all, label=_("Index all records for search")),
)
