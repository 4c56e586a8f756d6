"""What is refused for what it is: a rule of validity may look at what its writer does not see, and its words may not quote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from core.testkit.leaks import cells
from core.testkit.leaks.questions import Question, undone
from core.testkit.leaks.world import World, place_of
from sdk import Draft, Refusal, Verb
from sdk.fields import AnyRecordField, Field, LinkField

if TYPE_CHECKING:
    from core.testkit.leaks.asker import Asker

_MOST = 3
_SERIAL = 200_003
"""Where the values begin that are written: no cell has them."""


def refused(asker: Asker) -> Iterator[Question]:
    """Changes and deletions of records that the user may change and delete: in one batch, or each by itself in a deep run."""
    drafts = [*_deletions(asker), *_changes(asker)]
    batches = [[draft] for draft in drafts] if asker.deep else [[*{draft.id: draft for draft in drafts}.values()]]  # a record once in each
    for batch in batches if drafts else ():
        words = "; ".join(f"{draft.verb} {draft.values} of {draft.id}" for draft in batch)
        yield Question("refusal", asker.name, f"{words}, should it be refused", partial(_told, asker.name, batch), _quotes)


def _deletions(asker: Asker) -> Iterator[Draft]:
    yield from (Draft("delete", {}, id) for id in asker.some(_reached(asker, Verb.DELETE), 1))


def _changes(asker: Asker) -> Iterator[Draft]:
    mine = [
        (id, field)
        for id in _reached(asker, Verb.UPDATE)
        for name, field in asker.entity.fields.items()
        if name in asker.shape.fields and not field.readonly and asker.oracle.may(asker.name, asker.rows[id], Verb.UPDATE, name)
    ]
    for id, field in asker.some(mine, _MOST):
        value = _another(asker, field, id)
        if value is not None:
            yield Draft("update", {field.name: value}, id)


def _reached(asker: Asker, verb: Verb) -> list[UUID]:
    made = asker.world.cast.ids.get(place_of(asker.entity), ()) if verb in asker.entity.verbs else ()
    return [id for id in made if asker.oracle.shown(asker.name, id) and asker.oracle.may(asker.name, asker.rows[id], verb)]


def _another(asker: Asker, field: Field, id: UUID) -> object:
    """Another value than the record has; of a link another record that the user sees."""
    if isinstance(field, AnyRecordField):
        return None
    old = asker.cell(field, asker.rows[id])
    if not isinstance(field, LinkField):
        return cells.another(field, old, _SERIAL)
    target = asker.shape.target(field)
    there = asker.world.cast.ids.get(place_of(target), ()) if target is not None else ()
    return next((other for other in there if target is not None and other != old and asker.oracle.shown(target.full_name, other)), None)


def _told(name: str, drafts: Sequence[Draft], world: World) -> bytes:
    """What each refusal is and says; nothing of what is taken."""
    told: list[object] = []
    try:
        with undone(world) as work:
            told = [_said(outcome.refusal) for outcome in work.records(name).write(drafts)]
    except Refusal as refusal:
        told = [_said(refusal)]
    return orjson.dumps(told)


def _said(refusal: Refusal | None) -> object:
    if refusal is None:
        return None
    wrong = [(problem.field, problem.code, str(problem.message)) for problem in refusal.problems]
    return [refusal.reason, str(refusal.message), wrong], str(refusal)


def _quotes(first: bytes, second: bytes) -> bool:
    """Whether the same refusal is told in other words: that it is another may be for what its writer does not see."""
    pairs = zip(orjson.loads(first), orjson.loads(second), strict=False)
    return any(one and other and one[0] == other[0] and one != other for one, other in pairs)
