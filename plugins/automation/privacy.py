"""What automation knows of a person beside links: messages and runs about records that are no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from plugins.automation.tables import FAILED, WAITING
from plugins.automation.webhooks import DELIVERY
from sdk import Batch, Condition, Context, Person, Trace
from sdk.changes import ERASE
from sdk.context import id_of

RUN = "automation.run"
_PART = 200


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`. They name the record by its id, whether it is there or not."""
    return tuple(Trace(entity, sorted(_naming(ctx, entity, person))) for entity in (DELIVERY, RUN))


def _naming(ctx: Context, entity: str, person: Person) -> Iterator[UUID]:
    subjects = [str(id) for many in person.records.values() for id in many]
    for start in range(0, len(subjects), _PART):
        named = (Condition("subject", "in", tuple(subjects[start : start + _PART])),)
        yield from (id_of(row) for row in ctx.records(entity).find(named, 100_000))


def stop_messages(_ctx: Context, batch: Batch) -> None:
    """A message that is emptied before it went goes nowhere: there is nothing left to say."""
    for change in batch.standing():
        if change.act == ERASE and change.before is not None and change.before["state"] == WAITING:
            change.values |= {"state": FAILED, "next_at": None}
