"""Questions whose answers the oracle judges in one world alone: what they are about may rightly differ in the other, or be the same although it is
told to who may not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from core.entities.history import history
from core.entities.ids import new_id
from core.entities.merged import merged
from core.testkit.leaks.questions import WRONG, Question, over_http, undone
from core.testkit.leaks.world import World
from sdk import Draft, Forbidden, NotFound, Refusal, Verb
from sdk.context import id_of

if TYPE_CHECKING:
    from core.testkit.leaks.asker import Asker

type_told = Mapping[UUID, set[str]]
_MOST = 500


def judged(asker: Asker) -> Iterator[Question]:
    """What is in the recycle bin, what became part of a record, what is required under a condition that is not seen, what is around a record that
    is not, and writes that nobody may, or this user."""
    unseen = [id for id in asker.chosen() if id in asker.unseen]
    yield from (_around(asker, id) for id in (unseen if asker.deep else unseen[:1]))
    if drafts := {draft.id: draft for draft in _unlawful(asker)}:  # a record once in each batch
        yield _barred(asker, [*drafts.values()])
    yield _told(asker, "bin", f"what is in the recycle bin of {asker.name}", lambda world: _bin(asker, world))
    if asker.entity.mergeable and asker.seen:
        fullest = max(asker.seen, key=lambda one: len(asker.oracle.shown(asker.name, one)))
        yield _told(
            asker, "absorbed", f"the history of {fullest}, were all others part of it", lambda world: _absorbed(asker, world, fullest)
        )
    for name, conditional in asker.shape.conditional.items():
        for id in asker.seen:
            blind = not conditional.reads <= asker.oracle.shown(asker.name, id)
            if blind and asker.oracle.may(asker.name, asker.rows[id], Verb.UPDATE, name):
                yield _emptied(asker, name, id)
                break


def _around(asker: Asker, id: UUID) -> Question:
    """Records around it may be such as the user sees: to be told of them there he has to see the one."""
    path = f"{asker.path}/{id}/timeline"

    def ask(world: World) -> bytes:
        if world is not asker.world:
            return b""
        status, _headers, body = over_http(world, "GET", path)
        return b"" if status in (403, 404) else WRONG + b"%d " % status + body

    return Question("timeline", asker.name, f"GET {path}, of a record that is not seen", ask)


def _unlawful(asker: Asker) -> Iterator[Draft]:
    """A new record without the right to make any, what may be read alone, what is in the recycle bin, and verbs that are not done by hand."""
    entity, oracle, name = asker.entity, asker.oracle, asker.name
    if Verb.CREATE not in entity.verbs or not oracle.rights(entity, Verb.CREATE):
        yield Draft("create", {})
    for verb in (Verb.UPDATE, Verb.DELETE):
        may = {id: oracle.may(name, asker.rows[id], verb) for id in asker.seen}
        yield from (Draft(verb.value, {}, id) for id in asker.some([id for id in asker.seen if may[id] is not (verb in entity.verbs)], 1))
    reached = oracle.reached(name)
    for id, row in asker.rows.items():
        if reached[id] and not oracle.lives(entity, row):
            yield Draft("update" if row["deleted_at"] is None or oracle.may(name, row, Verb.DELETE) else "restore", {}, id)


def _barred(asker: Asker, drafts: Sequence[Draft]) -> Question:
    """Each must be refused for want of a right, or as what is not there."""

    def ask(world: World) -> bytes:
        wrong = list[str]()
        if world is asker.world:
            with undone(world) as work:
                for draft, outcome in zip(drafts, work.records(asker.name).write(drafts), strict=True):
                    if not isinstance(outcome.refusal, Forbidden | NotFound):
                        wrong.append(f"{draft.verb} of {draft.id}: {outcome.refusal and outcome.refusal.code}")
        return WRONG + orjson.dumps(wrong) if wrong else b""

    return Question("trespass", asker.name, f"{len(drafts)} writes to what may not be written", ask)


def _told(asker: Asker, kind: str, words: str, tell: Callable[[World], type_told]) -> Question:
    """Of each record no more than what is seen of it, be it in the recycle bin or not."""

    def ask(world: World) -> bytes:
        if world is not asker.world:
            return b""
        try:
            told = tell(world)
        except Refusal as refusal:
            return b"" if refusal.status < 500 else WRONG + str(refusal).encode()
        due = asker.oracle.reached(asker.name)
        wrong = {str(id): sorted(names) for id, names in told.items() if not due.get(id) or names - due[id]}
        return WRONG + orjson.dumps(wrong) if wrong else b""

    return Question(kind, asker.name, words, ask)


def _bin(asker: Asker, world: World) -> type_told:
    with (work := world.user()).transaction():
        return {id_of(row): {*row} for row in work.records(asker.name).find((), _MOST, deleted=True)}


def _absorbed(asker: Asker, world: World, survivor: UUID) -> type_told:
    told = dict[UUID, set[str]]()
    parts = [id for id in asker.rows if id != survivor]
    with undone(world) as work:
        row = {"tenant_id": world.tenant, "entity": asker.name, "survivor_id": survivor, "merge_id": new_id()}
        work.connection.execute(merged.insert(), [{**row, "record_id": part} for part in parts])
        for entry in history(work, asker.entity, survivor, _MOST)[0]:
            told.setdefault(entry["record_id"], set()).update(entry["changes"])
    return told


def _emptied(asker: Asker, name: str, id: UUID) -> Question:
    """A refusal would tell that the condition holds, which the user does not see."""

    def ask(world: World) -> bytes:
        answer = b""
        with undone(world) as work:
            (outcome,) = work.records(asker.name).write([Draft("update", {name: None}, id)])
            if outcome.refusal is not None:
                answer = WRONG + str((outcome.refusal.code, outcome.refusal.problems)).encode()
        return answer

    return Question("lacking", asker.name, f"write nothing into {name} of {id}", ask)
