"""A merge is undone: the others come back with what was theirs. What was changed since stays, and is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.entities import journal, turning
from core.entities.merge import lock, permit, seen_of
from core.entities.merged import merge_rows, merged, merges, opened
from core.entities.pointers import Pointer, Turn, place_of, pointers, records_of
from core.entities.rows import rows_of
from sdk import Conflict, Draft, Entity, NotFound, _
from sdk.changes import UNMERGE as ACT
from sdk.columns import among
from sdk.fields import AnyRecordField, LinkField

if TYPE_CHECKING:
    from core.context import Work


@dataclass
class Unmerged:
    """What came back; `conflicts` are the records, by entity and id, with the fields that were changed since and stay as they are."""

    id: UUID
    survivor: UUID
    restored: Sequence[UUID]
    conflicts: list[tuple[str, UUID, list[str]]] = field(default_factory=list)


def unmerge(work: Work, entity: Entity, survivor: UUID, merge_id: UUID) -> Unmerged:
    """Undo one merge, all of it or nothing. Raises NotFound where there is none, Forbidden for who may not merge these, Conflict where
    it was undone already, its survivor is gone, or what took the place of one of the others stands against it."""
    with work.transaction(write=True):
        mine = (merges.c.tenant_id == work.tenant.id, merges.c.id == merge_id)
        row = work.connection.execute(sa.select(merges).where(*mine).with_for_update()).one_or_none()
        if row is None or (row.entity, row.survivor_id) != (entity.full_name, survivor):
            raise NotFound(_("record {id!r} does not exist"), id=str(merge_id))
        losers = _losers(work, merge_id)
        lock(work, entity, [survivor, *losers], gone=True)
        permit(work, entity, survivor, losers, gone=True)
        if row.undone_at is not None:
            raise Conflict(_("this merge has already been undone"), code="undone")
        done = Unmerged(merge_id, survivor, losers)
        try:
            work.connection.execute(merged.delete().where(merged.c.tenant_id == work.tenant.id, merged.c.merge_id == merge_id))
            _Undoing(work, entity, done, row.changes).carry_out()
            work.connection.execute(merges.update().where(*mine).values(undone_at=work.now(), changes={}))
        except BaseException:
            work.doom()
            raise
        journal.tell(work, f"{entity.full_name}.unmerged", [(survivor, {"restored": [str(id) for id in losers]})])
        return done


def _losers(work: Work, merge_id: UUID) -> list[UUID]:
    query = sa.select(merged.c.record_id).where(merged.c.tenant_id == work.tenant.id, merged.c.merge_id == merge_id)
    return list(work.connection.execute(query.order_by(merged.c.record_id)).scalars())


class _Undoing:
    """The steps back, in the order in which nothing is in the way of the next."""

    def __init__(self, work: Work, entity: Entity, done: Unmerged, changes: Mapping[str, str | Sequence[Any]]) -> None:
        self.work, self.entity, self.done, self.changes = work, entity, done, changes
        self.doors = work.as_system().records(entity.full_name)
        self.rows = work.connection.execute(
            sa.select(merge_rows)
            .where(merge_rows.c.tenant_id == work.tenant.id, merge_rows.c.merge_id == done.id)
            .order_by(merge_rows.c.id)
        ).all()
        self.records = {place_of(record, owner): (record, owner) for record, owner in records_of(work).items()}

    def carry_out(self) -> None:
        """Values, so that unique ones are free again; the others; what gave way; what was turned; links of the survivor to them."""
        gave_way = {row.record_id for row in self.rows if row.column == ""}
        shape = self.work.shape(self.entity.full_name)
        links = {name: one for name, one in shape.fields.items() if isinstance(one, LinkField | AnyRecordField)}
        to_own = {name for name, one in links.items() if isinstance(one, AnyRecordField) or shape.target(one) == self.entity}
        self._give_back(self.changes.keys() - to_own)
        self.doors.write_all([Draft("restore", {}, id, act=ACT) for id in self.done.restored])
        self._turn_back([row for row in self.rows if row.column != "" and row.record_id in gave_way])
        self._bring_back()
        self._turn_back([row for row in self.rows if row.column != "" and row.record_id not in gave_way])
        self._give_back(self.changes.keys() & to_own)

    def _give_back(self, names: Iterable[str]) -> None:
        """The survivor's former values, where nobody has changed them since."""
        survivor, fields, values = self.done.survivor, self.doors.fields(), dict[str, Any]()
        now, changed = self.doors.values([survivor])[survivor], list[str]()
        for name in sorted(names):
            pair = opened(self.work, self.done.id, name, self.changes[name])
            if pair is None:
                changed.append(name)
                continue
            before, after = pair
            if name in fields and journal.plain(now.get(name)) == after:
                values[name] = before
            elif name in fields and journal.plain(now.get(name)) != before:
                changed.append(name)
        while values:
            (outcome,) = self.doors.write([Draft("update", values, survivor, act=ACT)])
            if outcome.refusal is None:
                break
            wrong = {problem.field for problem in outcome.refusal.problems} & values.keys() or set(values)
            changed += sorted(wrong)
            values = {name: value for name, value in values.items() if name not in wrong}
        visible = self.work.reader(self.entity).visible()
        if shown := [name for name in changed if name in visible]:
            self.done.conflicts.append((self.entity.full_name, survivor, shown))

    def _bring_back(self) -> None:
        by_table: dict[str, list[UUID]] = {}
        for row in self.rows:
            if row.column == "":
                by_table.setdefault(row.table, []).append(row.record_id)
        for name, ids in by_table.items():
            if name in self.records:
                record, owner = self.records[name]
                turning.admit(self.work, [owner])
                back = turning.bring_back(self.work, record, owner, ids, ACT)
                self._tell(owner, [id for id in ids if id not in back], "")

    def _turn_back(self, turned: Sequence[Any]) -> None:
        """Links that still point to where the merge has turned them."""
        aims = self._aims()
        asked: dict[tuple[str, str, str], list[Any]] = {}
        for row in turned:
            asked.setdefault((aims.get(row.to_id, self.entity).full_name, row.table, row.column), []).append(row)
        targets = {target.full_name: target for target in (self.entity, *aims.values())}
        known = {
            (name, pointer.place, pointer.slot): pointer for name, target in targets.items() for pointer in pointers(self.work, target)
        }
        turns = list[Turn]()
        for key, rows in asked.items():
            if key not in known:  # its plugin, or the field, is not here any more
                continue
            pointer, there = known[key], self._present(known[key], [row.record_id for row in rows])
            same = [row for row in rows if there.get(row.record_id, (None, False))[0] == row.to_id]
            turns += [Turn(pointer, targets[key[0]], row.record_id, row.to_id, row.from_id, there[row.record_id][1]) for row in same]
            kept = {row.record_id for row in same}
            self._tell(pointer.entity, [row.record_id for row in rows if row.record_id not in kept], pointer.field.name)
        turning.admit(self.work, (one.pointer.entity for one in turns if one.live))
        turning.turn(self.work, turns, ACT)

    def _aims(self) -> dict[UUID, Entity]:
        """The rows in whose favour others gave way, with their entities: they were pointed to instead of those."""
        gave_way = [row for row in self.rows if row.column == "" and row.table in self.records]
        return {row.to_id: owner for row in gave_way if (owner := self.records[row.table][1]) is not None}

    def _present(self, pointer: Pointer, ids: Sequence[UUID]) -> dict[UUID, tuple[UUID | None, bool]]:
        """By row where its pointer points now, and whether it lives."""
        table, found = pointer.record.table(), dict[UUID, tuple[UUID | None, bool]]()
        column = pointer.columns()[0]
        for start in range(0, len(ids), turning.CHUNK):
            part = among(table.c.id, list(ids[start : start + turning.CHUNK]))
            query = sa.select(table.c.id, column, table.c.deleted_at).where(*rows_of(pointer.entity, table, self.work.tenant.id), part)
            rows = self.work.connection.execute(query.order_by(table.c.id).with_for_update())
            found |= {id: (value, gone is None) for id, value, gone in rows}
        return found

    def _tell(self, owner: Entity | None, ids: Sequence[UUID], name: str) -> None:
        """Rows that stay as they are, as far as the actor sees them."""
        if owner is not None and ids:
            seen = seen_of(self.work, owner, ids, name)
            self.done.conflicts += [(owner.full_name, id, [name] if name else []) for id in ids if id in seen]
