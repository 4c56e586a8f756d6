"""Several records become one: the survivor gets what the others have and it has not, and all that pointed to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from core.audit import entries
from core.data import bulk
from core.entities import journal, turning
from core.entities.ids import new_id, new_ids
from core.entities.merged import merge_rows, merged, merges, sealed
from core.entities.pointers import Pointer, Turn, place_of, pointers, pointing, twice
from core.entities.read import Reader
from core.entities.rows import rows_of
from core.entities.shape import Shape
from sdk import Draft, Entity, Forbidden, Invalid, NotFound, Problem, Record, Stale, Verb, _
from sdk.changes import MERGE as ACT
from sdk.columns import among
from sdk.fields import AnyRecordField, LinkField, Reference
from sdk.permissions import MERGE, REASSIGN, VERBS

if TYPE_CHECKING:
    from core.context import Work
    from core.policy.grants import Grant

MOST_LOSERS = 50
_KEPT = frozenset({"id", "version", "created_at", "updated_at"})


@dataclass
class Plan:
    """What a merge will turn round, and which rows give way to their like."""

    turns: list[Turn] = field(default_factory=list)
    away: list[tuple[type[Record], Entity | None, Mapping[UUID, UUID]]] = field(default_factory=list)


@dataclass
class Merged:
    """What became of a merge, as far as the actor may see it. `id` is None while it is only tried."""

    id: UUID | None
    survivor: UUID
    losers: Sequence[UUID]
    values: Mapping[str, object]
    moved: Mapping[str, int]
    settled: Mapping[str, int]


def merge(work: Work, entity: Entity, survivor: UUID, losers: Sequence[UUID], picks: Mapping[str, UUID], *,
          dry_run: bool = False, expected_version: int | None = None) -> Merged:  # fmt: skip
    """Make `losers` part of `survivor`, all of it or nothing; `picks` says of whom to take the value of a field.

    Raises NotFound for records that are not there or not seen, Forbidden for who may not, Invalid for losers and picks that do not fit,
    Stale, Conflict where a plugin or a unique value stands against it.
    """
    with work.transaction(write=True):
        _check_losers(survivor, losers)
        everyone = [survivor, *losers]
        lock(work, entity, everyone)
        permit(work, entity, survivor, losers)
        plan = gather(work, entity, dict.fromkeys(losers, survivor))
        choice = _Choice(work, entity, survivor, losers, plan)
        choice.leave_unseen_rows()
        turning.admit(work, [entity, *(turn.pointer.entity for turn in plan.turns if turn.live)])
        choice.pick(picks)
        choice.fill()
        choice.keep_out_of_itself()
        before = choice.rows[survivor]
        if expected_version not in (None, before["version"]):
            raise Stale(_("the record was changed since you read it; read it again"), version=before["version"])
        seen = work.reader(entity).visible()
        shown = {name: journal.plain(value) for name, value in choice.values.items() if name in seen and choice.shows(name)}
        told = Merged(None, survivor, losers, shown, *_counts(work, entity, plan))
        if dry_run:
            return told
        told.id = _carry_out(work, entity, survivor, losers, plan, choice)
        return told


def _check_losers(survivor: UUID, losers: Sequence[UUID]) -> None:
    problem = None
    if not 1 <= len(losers) <= MOST_LOSERS:
        problem = Problem("losers", "bad_number", _("name 1 to {most} records"), {"most": MOST_LOSERS})
    elif survivor in losers or len(set(losers)) != len(losers):
        problem = Problem("losers", "same_record", _("each record can be listed once, and the one that is kept can’t be among them"))
    if problem is not None:
        raise Invalid(_("some values are invalid"), problems=[problem])


def lock(work: Work, entity: Entity, ids: Iterable[UUID], *, gone: bool = False) -> None:
    """In one order for everybody, and so strongly that nobody begins to point to one of them meanwhile.

    One merge of an entity at a time, and of live records alone: who was about to point to one that has just become part of another holds that one
    and asks for the other. `gone`: those in the recycle bin as well.
    """
    work.lock(f"core.merge:{entity.full_name}")
    table = entity.record.table()
    there = sa.true() if gone else table.c.deleted_at.is_(None)
    query = sa.select(table.c.id).where(*rows_of(entity, table, work.tenant.id), there, among(table.c.id, sorted(ids)))
    work.connection.execute(query.order_by(table.c.id).with_for_update()).all()


def permit(work: Work, entity: Entity, survivor: UUID, losers: Sequence[UUID], *, gone: bool = False) -> None:
    """The right to merge these, to change the one that is left and to delete the others; `gone`: those are in the recycle bin."""
    name, reader = entity.full_name, work.reader(entity)
    reader.require()
    held = work.scopes.special(entity, MERGE)
    if not held:
        raise work.refused(f"{name}.{MERGE}", survivor)
    there = reader.seen([survivor]) if gone else reader.seen([survivor, *losers])
    hidden = [id for id in losers if id not in reader.reached_by(Verb.READ, losers)] if gone else [id for id in losers if id not in there]
    for id in [*([] if survivor in there else [survivor]), *hidden]:
        raise NotFound(_("{entity} {id} does not exist"), entity=name, id=str(id))
    own = work.unshared().reader(entity)  # what was shared with one is not shared further by what moves to it
    for verb, ids in ((Verb.UPDATE, [survivor]), (Verb.DELETE, losers)):
        if set(ids) - own.reached_by(verb, list(ids)):
            raise Forbidden(_("you don’t have permission to {verb} this {entity}"), verb=VERBS[verb], entity=entity.label)
    everyone = [survivor, *losers]
    if set(everyone) - reader.reached_by(Verb.DELETE, everyone, held):
        raise work.refused(f"{name}.{MERGE}", survivor)


def gather(work: Work, entity: Entity, into: Mapping[UUID, UUID]) -> Plan:
    """All rows that point to records which go, and what points to those that give way because of it."""
    plan, queue = Plan(), [(entity, dict(into))]
    while queue:
        target, mapping = queue.pop()
        by_record: dict[type[Record], list[Turn]] = {}
        owners: dict[type[Record], Entity | None] = {}
        for pointer in pointers(work, target):
            for turn in pointing(work, pointer, target, mapping):
                by_record.setdefault(pointer.record, []).append(turn)
                owners[pointer.record] = pointer.entity
        for record, turns in by_record.items():
            away = twice(work, record, owners[record], turns)
            plan.turns += [replace(turn, live=turn.live and turn.id not in away) for turn in turns]
            if away:
                plan.away.append((record, owners[record], away))
                if (owner := owners[record]) is not None:
                    queue.append((owner, away))
    return plan


class _Choice:
    """The values of the survivor that change."""

    def __init__(self, work: Work, entity: Entity, survivor: UUID, losers: Sequence[UUID], plan: Plan) -> None:
        self.work, self.entity, self.survivor, self.losers = work, entity, survivor, losers
        self.shape: Shape = work.shape(entity.full_name)
        self.reader: Reader = work.reader(entity)
        self.rows: dict[UUID, Any] = work.as_system().records(entity.full_name).values([survivor, *losers])
        if missing := {survivor, *losers} - self.rows.keys():  # it was deleted while we waited for it
            raise NotFound(_("{entity} {id} does not exist"), entity=entity.full_name, id=str(min(missing)))
        self.values: dict[str, Any] = {}
        self.filled: set[str] = set()
        self.plan = plan
        self.comes_along = set[str]()
        self._reached: dict[tuple[Verb, tuple[Grant, ...]], set[UUID]] = {}

    def leave_unseen_rows(self) -> None:
        """A side row moves as a whole where the actor may see and write all of it; else it stays with its record, and is filled from as that is."""
        for plugin, side in self.shape.sides.items():
            rows = [turn for turn in self.plan.turns if turn.pointer.record is side.record and turn.pointer.field.attribute == side.link]
            names = [one.name for one in self.shape.side_fields(plugin)]
            left = {turn.id for turn in rows if not all(self._writes(name) and self._reads(name, turn.was) for name in names)}
            if any(turn.live and turn.id not in left for turn in rows):
                self.comes_along.add(plugin)
            self.plan.turns = [turn for turn in self.plan.turns if turn.pointer.record is not side.record or turn.id not in left]

    def pick(self, picks: Mapping[str, UUID]) -> None:
        """What is asked for; raises Invalid for what cannot be chosen, Forbidden for what the actor may not read there or write here."""
        problems = []
        for name, id in picks.items():
            if name not in self.reader.visible():
                problems.append(Problem(name[:80], "unknown_field", _("{entity} has no field {field!r}"),
                                        {"entity": self.entity.full_name, "field": name[:80]}))  # fmt: skip
            elif name in _KEPT or self.shape.fields[name].readonly or self.reader.computed(name):
                problems.append(Problem(name, "read_only", _("is set by the system; leave it out")))
            elif id not in self.rows:
                problems.append(Problem(name, "not_merged", _("choose the value of one of the merged records")))
        if problems:
            raise Invalid(_("some values are invalid"), problems=problems)
        for name, id in picks.items():
            self._permit(name, id)
            if self.rows[id].get(name) != self.rows[self.survivor].get(name):
                self.values[name] = self.rows[id].get(name)

    def _permit(self, name: str, id: UUID) -> None:
        if not self._writes(name) or not self._reads(name, id):
            raise Forbidden(_("you don’t have permission to edit the field {field!r}"), code="field_forbidden", field=name)
        if id != self.survivor and self.rows[id].get(name) != self.rows[self.survivor].get(name):
            if not self._within(name, id):
                raise Forbidden(
                    _("you don’t have permission to {verb} this {entity} for that owner or parent"),
                    verb=VERBS["update"],
                    entity=self.entity.label,
                )
            if not self._reassigns(name):
                raise self.work.refused(f"{self.entity.full_name}.{REASSIGN}", self.survivor)

    def _writes(self, name: str) -> bool:
        return self.survivor in self._those(Verb.UPDATE, self._writing(name))

    def _writing(self, name: str) -> tuple[Grant, ...]:
        return tuple(one for one in self.work.scopes.grants_of(self.entity, Verb.UPDATE) if _includes(one.fields, name))

    def _reads(self, name: str, id: UUID) -> bool:
        return id in self._those(Verb.READ, self.reader.including(name))

    def _within(self, name: str, id: UUID) -> bool:
        """Nobody hands a record to where he may not change it himself."""
        if name not in ("owner", self.entity.territory):
            return True
        return bool(self.work.unshared().reader(self.entity).reached_by(Verb.UPDATE, [id], self._writing(name)))

    def _reassigns(self, name: str) -> bool:
        held = self.work.scopes.special(self.entity, REASSIGN)
        return name != "owner" or bool(self.work.unshared().reader(self.entity).reached_by(Verb.UPDATE, [self.survivor], held))

    def _those(self, verb: Verb, grants: tuple[Grant, ...]) -> set[UUID]:
        """Of the records those that some grants reach; asked once, as many fields have the same."""
        if (verb, grants) not in self._reached:
            self._reached[verb, grants] = self.reader.reached_by(verb, [self.survivor, *self.losers], grants)
        return self._reached[verb, grants]

    def fill(self) -> None:
        """What the survivor has not, from the others in order, as far as the actor might pick it: all else stays where it is."""
        for name, one in self.shape.fields.items():
            if (
                name in _KEPT
                or name in self.values
                or one.readonly
                or self.reader.computed(name)
                or name.partition(".")[0] in self.comes_along
            ):
                continue
            if _empty(self.rows[self.survivor].get(name)):
                others = (id for id in self.losers if not _empty(self.rows[id].get(name)))
                found = next((id for id in others if self._fills(name, id)), None)
                if found is not None:
                    self.values[name] = self.rows[found].get(name)
                    self.filled.add(name)

    def _fills(self, name: str, id: UUID) -> bool:
        return self._writes(name) and self._reads(name, id) and self._within(name, id) and self._reassigns(name)

    def keep_out_of_itself(self) -> None:
        """No link of the survivor to what becomes part of it: it takes the place of the one that stands furthest above."""
        everyone = {self.survivor, *self.losers}
        for name, one in self.shape.fields.items():
            now = self.values.get(name, self.rows[self.survivor].get(name))
            if isinstance(one, AnyRecordField):
                if isinstance(now, Reference) and now.entity == self.entity.full_name and now.id in everyone:
                    self.values[name] = None
            elif isinstance(one, LinkField) and self.shape.target(one) == self.entity:
                above = self._above(one, now)
                places = [place for place, id in enumerate(above) if id in everyone]
                if places:
                    self.values[name] = above[places[-1] + 1] if len(above) > places[-1] + 1 else None

    def _above(self, link: LinkField, first: UUID | None) -> list[UUID]:
        """A chain of links, as far as it leads: of a tree to its top, else past the records that are merged."""
        found = list[UUID]()
        while first is not None and first not in found:
            found.append(first)
            if first in self.rows:
                first = self.rows[first].get(link.name)
            elif link.tree and "." not in link.name:
                table = self.shape.table
                query = sa.select(table.c[link.attribute]).where(*rows_of(self.entity, table, self.work.tenant.id), table.c.id == first)
                first = self.work.connection.execute(query).scalar()
            else:
                break
        return found

    def shows(self, name: str) -> bool:
        """Whether the actor sees this field on all of the records."""
        everyone = [self.survivor, *self.losers]
        return self.reader.reached_by(Verb.READ, everyone, self.reader.including(name)) >= set(everyone)


def _includes(fields: frozenset[str] | None, name: str) -> bool:
    return fields is None or name in fields


def _empty(value: object) -> bool:
    return value is None or value in ("", [], {})


def _counts(work: Work, entity: Entity, plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """How many rows of each entity the actor sees that move, and that give way; of the others not a word."""
    moved: dict[str, set[UUID]] = {}
    by_pointer: dict[int, tuple[Pointer, list[UUID]]] = {}
    for turn in plan.turns:
        if turn.live and turn.pointer.entity is not None:
            by_pointer.setdefault(id(turn.pointer), (turn.pointer, []))[1].append(turn.id)
    for pointer, ids in by_pointer.values():
        assert pointer.entity is not None
        moved.setdefault(pointer.entity.full_name, set()).update(seen_of(work, pointer.entity, ids, pointer.field.name))
    settled: dict[str, int] = {}
    for _record, owner, away in plan.away:
        if owner is not None and (seen := seen_of(work, owner, list(away))):
            settled[owner.full_name] = settled.get(owner.full_name, 0) + len(seen)
    return {name: len(ids) for name, ids in sorted(moved.items()) if ids}, settled


def seen_of(work: Work, entity: Entity, ids: Sequence[UUID], name: str = "") -> set[UUID]:
    """Of some records those that the actor sees, and with a field's name those on which that one shows."""
    if not work.offers(entity.full_name):
        return set()
    reader, found = work.reader(entity), set[UUID]()
    if not reader.grants or (name and name not in reader.visible()):
        return found
    for start in range(0, len(ids), turning.CHUNK):
        part = list(ids[start : start + turning.CHUNK])
        seen = reader.seen(part)
        found |= seen & reader.reached_by(Verb.READ, part, reader.including(name)) if name else seen
    return found


# --- carrying it out -------------------------------------------------------------------------------------------------


def _carry_out(work: Work, entity: Entity, survivor: UUID, losers: Sequence[UUID], plan: Plan, choice: _Choice) -> UUID:
    merge_id, before = new_id(), choice.rows[survivor]
    try:
        for record, owner, away in reversed(plan.away):
            turning.put_away(work, record, owner, list(away), ACT)
        turning.turn(work, [turn for turn in plan.turns if turn.id not in losers], ACT)
        work.records(entity.full_name).write_all([Draft("delete", {}, id, act=ACT) for id in losers])
        turning.turn(work, [turn for turn in plan.turns if turn.id in losers], ACT)
        _write(work, entity, survivor, choice)
        after = work.as_system().records(entity.full_name).values([survivor])[survivor]
        changes: dict[str, Sequence[object]] = {
            name: [journal.plain(before.get(name)), journal.plain(value)]
            for name, value in after.items()
            if name not in journal.STAMPS and value != before.get(name) and name.partition(".")[0] not in choice.comes_along
        }
        fields = choice.shape.fields
        kept = {name: sealed(work, merge_id, name, pair) if fields[name].sensitive else pair for name, pair in changes.items()}
        _keep(work, entity, merge_id, survivor, losers, plan, kept)
    except BaseException:
        work.doom()  # whoever catches this cannot keep the half of it
        raise
    return merge_id


def _write(work: Work, entity: Entity, survivor: UUID, choice: _Choice) -> None:
    """Fields that a plugin does not let be filled stay empty; what was picked is written or refuses all. The version always grows."""
    doors, values = work.as_system().records(entity.full_name), dict(choice.values)
    while values:
        (outcome,) = doors.write([Draft("update", values, survivor, act=ACT)])
        if outcome.refusal is None:
            break
        wrong = {problem.field for problem in outcome.refusal.problems} & choice.filled & values.keys()
        if not wrong:
            raise outcome.refusal
        values = {name: value for name, value in values.items() if name not in wrong}
    else:  # who sees less than all must not learn by the version that nothing was empty
        table = entity.record.table()
        mine = (*rows_of(entity, table, work.tenant.id), table.c.id == survivor)
        work.connection.execute(table.update().where(*mine).values(version=table.c.version + 1, updated_at=work.now()))
        entries.note(work, entity.full_name, survivor, ACT, {})


def _keep(work: Work, entity: Entity, merge_id: UUID, survivor: UUID, losers: Sequence[UUID], plan: Plan,
          changes: Mapping[str, Sequence[object]]) -> None:  # fmt: skip
    """What is needed to find the way from the old ids, and to undo it."""
    name, mine = entity.full_name, {"tenant_id": work.tenant.id, "merge_id": merge_id}
    row = {"tenant_id": work.tenant.id, "id": merge_id, "entity": name, "survivor_id": survivor, "at": work.now(),
           "by_id": work.actor.user_id, "changes": dict(changes), "undone_at": None}  # fmt: skip
    work.connection.execute(merges.insert().values(**row))
    bulk.insert(work.connection, merged, [{**mine, "record_id": id, "entity": name, "survivor_id": survivor} for id in losers])
    rows = [
        {
            "table": turn.pointer.place,
            "record_id": turn.id,
            "column": turn.pointer.slot,
            "from_id": turn.was,
            "to_id": turn.to,
        }
        for turn in plan.turns
    ] + [
        {"table": place_of(record, owner), "record_id": id, "column": "", "from_id": id, "to_id": kept}
        for record, owner, away in plan.away
        for id, kept in away.items()
    ]
    bulk.insert(work.connection, merge_rows, [{**mine, "id": id, **row} for id, row in zip(new_ids(len(rows)), rows, strict=True)])
    journal.tell(work, f"{name}.merged", [(survivor, {"losers": [str(id) for id in losers]})])
