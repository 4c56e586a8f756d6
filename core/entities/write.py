"""The door in: every write to a record, one or a hundred thousand, passes here, in sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from core.custom import cells
from core.custom.keys import check_keys, keep_keys
from core.custom.numbers import give_numbers
from core.custom.own import hold
from core.custom.own_entity import OwnEntity
from core.data import bulk
from core.entities import journal, links, sides
from core.entities.alike import check_alike
from core.entities.checks import (
    check_active,
    check_conditional,
    check_derived,
    check_fields,
    check_owner,
    check_reassign,
    check_unique,
    check_values,
)
from core.entities.ids import new_ids
from core.entities.item import Item, standing
from core.entities.merged import follow
from core.entities.rows import borne_by, rows_of
from core.entities.shape import Shape
from core.entities.trees import check_trees
from core.identity.tables import Share
from core.policy.acting import OUTLASTS, check_acting
from core.policy.allowed import ACT_LATER, ACTS_LATER
from core.policy.bounds import seen_within
from core.search.index import keep as keep_words
from core.transaction import CONCURRENT
from sdk import BadRequest, Batch, Change, Conflict, Draft, Forbidden, NotFound, Outcome, Stale, Verb, _
from sdk.changes import ERASE, UNMERGE
from sdk.columns import among
from sdk.fields import Field, LinkField
from sdk.permissions import VERBS

if TYPE_CHECKING:
    from core.context import Work
    from core.policy.grants import Grant

_CHUNK = 500
_PART_OF_GONE = " part of what is in the recycle bin"
_VERBS = {"create": Verb.CREATE, "update": Verb.UPDATE, "delete": Verb.DELETE, "restore": Verb.DELETE}


class Writer:
    """Writes one entity for one actor, inside the actor's transaction."""

    def __init__(self, work: Work, shape: Shape) -> None:
        self.work, self.shape, self.entity = work, shape, shape.entity
        self._seen: dict[tuple[str, ...], bool] = {}

    def write(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """An outcome for each draft, in order; refused drafts change nothing, the others are written."""
        with self.work.transaction(write=True):
            if isinstance(self.entity, OwnEntity):
                hold(self.work, self.entity)
            items = self._items(drafts)
            grants = self._permit(items)
            self._load(items)
            asked = standing(items)
            check_values(self.work, self.shape, asked, grants)
            # With the rights of the actor alone: a plugin that writes a record need not have declared what that links to.
            links.resolve(self.work.freely(), self.shape, [item for item in asked if item.refusal is None])
            self.work.send_off()
            check_owner(self.work, self.shape, standing(asked), grants)
            check_reassign(self.work, self.shape, standing(asked), grants)
            if self.entity.owned:
                check_active(self.work, standing(asked))
            if self.entity.acts_later and self.entity.owned and self.entity.record is not Share:
                check_acting(self.work, self.entity, standing(asked))
            check_fields(self.work, self.shape, standing(asked), grants)
            check_trees(self.work, self.shape, standing(asked))
            check_unique(self.work, self.shape, standing(asked))
            if self.shape.overlay.keyed:
                check_keys(self.work, self.shape, standing(asked))
            given = [(item, item.after("owner")) for item in asked] if self.entity.owned else []
            batch = self._ask_hooks(standing(asked))
            check_conditional(self.work, self.shape, standing(asked))  # with what hooks have filled in
            handed = [item for item, owner in given if (new := item.after("owner")) is not owner and new != owner and item.stands]
            check_owner(self.work, self.shape, handed, grants)  # a hook gives nobody a record whom the actor could not give it to
            check_alike(self.work, self.shape, standing(asked))
            written = [item for item in standing(asked) if self._has_changes(item)]
            try:
                written = self._completed(batch, written)
                self._store(written)
                self._leave_traces(written, batch)
                outcomes = [self._outcome(item) for item in items]  # while the database is at work
                self.work.hand_on()
            except BaseException as failure:
                self.work.doom()
                if isinstance(failure, IntegrityError):
                    # Somebody wrote between our check and our write; the transaction is gone, nothing is half-written.
                    raise Conflict(CONCURRENT, code="concurrent") from failure
                raise
            return outcomes

    # --- who and what --------------------------------------------------------------------------------------------

    def _items(self, drafts: Sequence[Draft]) -> list[Item]:
        fresh = iter(new_ids(sum(draft.verb == "create" and draft.id is None for draft in drafts)))
        items, seen = [], set[UUID]()
        for draft in drafts:
            if draft.verb == "create":
                items.append(Item(draft, draft.id or next(fresh)))
                continue
            item = Item(draft, draft.id or UUID(int=0))
            if item.id in seen:
                item.refusal = BadRequest(_("record {id} appears twice in this batch; send one change for each"), id=str(item.id))
            seen.add(item.id)
            items.append(item)
        return items

    def _permit(self, items: Sequence[Item]) -> dict[str, tuple[Grant, ...]]:
        grants: dict[str, tuple[Grant, ...]] = {}
        for verb in dict.fromkeys(item.draft.verb for item in items):
            needed = _VERBS[verb]
            grants[verb] = self.work.scopes.grants_of(self.entity, needed)
            by_act = all(item.draft.act for item in items if item.draft.verb == verb)  # only a plugin's code can name an act
            refusal: Forbidden | None = None
            if not grants[verb] or not (needed in self.entity.verbs or self.work.grants.everything or by_act):
                refusal = Forbidden(_("you don’t have permission to {verb} {entity}"), verb=VERBS[needed], entity=self.entity.label)
            elif self.entity.acts_later and verb != "delete" and not self.work.grants.admits(ACT_LATER):
                refusal = Forbidden(ACTS_LATER, entity=self.entity.full_name, permission=ACT_LATER)
            elif self.entity.acts_later and verb != "delete" and self.work.impersonator is not None and not self.work.grants.everything:
                refusal = Forbidden(OUTLASTS, code="acting", entity=self.entity.full_name)
            for item in items if refusal is not None else ():
                if item.draft.verb == verb:
                    item.refusal = refusal
        return grants

    def _load(self, items: Sequence[Item]) -> None:
        """Before-images, in one query a chunk, locked on PostgreSQL in the order of their ids."""
        wanted = [item for item in items if item.stands and item.draft.verb != "create"]
        if not wanted:
            return
        going = any(item.draft.verb != "update" for item in wanted)
        rows = self.before({item.id for item in wanted}, going=going)
        seen = self._reached(Verb.READ, rows) if rows else set()
        parts = self._parts_of_others(wanted)
        reach = {verb: self._reached(_VERBS[verb], rows) for verb in {item.draft.verb for item in wanted}}
        for item in wanted:
            row = rows.get(item.id)
            item.stored = row.pop(cells.COLUMN, None) if row is not None else None
            gone, restoring = row is not None and row.pop("deleted_at", None) is not None, item.draft.verb == "restore"
            part_of_gone = row is not None and row.pop(_PART_OF_GONE) and item.draft.act != ERASE
            # What a plugin's own act takes away with what it is part of may be part of what is gone already.
            gone = gone or (part_of_gone and not restoring and not (item.draft.verb == "delete" and item.draft.act))
            if row is None or (gone and not restoring and item.draft.act != ERASE) or item.id not in seen:
                item.refusal = NotFound(_("{entity} {id} does not exist"), entity=self.entity.full_name, id=str(item.id))
            elif item.id not in reach[item.draft.verb]:
                item.refusal = Forbidden(
                    _("you don’t have permission to {verb} this {entity}"), verb=VERBS[item.draft.verb], entity=self.entity.label
                )
            elif restoring and not gone:
                item.refusal = Conflict(_("the record is not in the recycle bin"), code="not_deleted")
            elif part_of_gone and restoring:
                text = _("its parent record is in the recycle bin; restore that first")
                item.refusal = Conflict(text, code="parent_deleted")
            elif item.id in parts:
                text = _("the record has been merged into another: undo the merge to get it back")
                item.refusal = Conflict(text, code="merged")
            elif item.draft.expected_version not in (None, row["version"]):
                item.refusal = Stale(_("the record was changed since you read it; read it again"), version=row["version"])
            else:
                item.before = row

    def _parts_of_others(self, items: Sequence[Item]) -> set[UUID]:
        """Of the records that are to come back those that were merged into others."""
        back = [item.id for item in items if item.draft.verb == "restore" and item.draft.act != UNMERGE] if self.entity.mergeable else []
        return {*follow(self.work, self.entity.full_name, back)} if back else set()

    def _reached(self, verb: Verb, rows: Mapping[UUID, Any]) -> set[UUID]:
        return self.work.reader(self.entity).reached_by(verb, list(rows))

    def before(self, ids: set[UUID], *, going: bool = False) -> dict[UUID, dict[str, Any]]:
        """The values of records by id, held until the transaction ends; with `deleted_at`, and beside custom fields the column they stand in.

        To what changes others may begin to link meanwhile, else two that are to link to each other would wait for each other; not to what is `going`.
        """
        fields = [field for name, field in self.shape.fields.items() if "." not in name]
        table, found, wanted = self.shape.table, dict[UUID, dict[str, Any]](), sorted(ids)
        columns = [table.c[column] for field in fields for column in field.columns()]
        whole, has_cells = self.work.scopes.whole(self.entity, table), bool(self.shape.overlay.definitions)
        part_of_gone = sa.false() if whole is None else sa.not_(whole)
        more = [table.c.deleted_at, part_of_gone, *([table.c[cells.COLUMN]] if has_cells else [])]
        convert = self.shape.valuer([field.name for field in fields])
        for start in range(0, len(wanted), _CHUNK):
            query = (
                sa.select(*columns, *more)
                .where(*rows_of(self.entity, table, self.work.tenant.id), among(table.c.id, wanted[start : start + _CHUNK]))
                .order_by(table.c.id)
                .with_for_update(key_share=not going)
            )
            rows = self.work.connection.execute(query).all()
            for row, values in zip(rows, convert([row[: len(columns)] for row in rows]), strict=True):
                found[values["id"]] = {**values, "deleted_at": row[len(columns)], _PART_OF_GONE: bool(row[len(columns) + 1])}
                if has_cells:
                    found[values["id"]] |= {**cells.unpacked(row[-1], list(self.shape.custom.values())), cells.COLUMN: row[-1]}
        sides.load(self.work, self.shape, found)
        return found

    # --- hooks ---------------------------------------------------------------------------------------------------

    def _ask_hooks(self, items: Sequence[Item]) -> Batch:
        changes = [Change(item.id, item.draft.verb, item.before, item.values, item.draft.act, item.problems) for item in items]
        batch = Batch(self.entity.full_name, changes, declared=self.work.platform.catalog.events)
        calls, work = self.work.platform.calls, self.work
        if changes:
            calls.moment("prepare_changes", frozenset({self.entity.plugin}), ctx=work, batch=batch)
            batch.prepared = True
            check_derived(self.shape, changes)
            for change in changes:  # who checks does not write
                change.values = MappingProxyType(change.values)  # type: ignore[assignment]
            asked = work.platform.hearing(self.entity.full_name, work.enabled)
            calls.moment("validate_changes", asked.whole, ctx=work, batch=batch)
            for bounds in asked.partly:
                with seen_within(batch, bounds) as shown:
                    calls.moment("validate_changes", frozenset({bounds.plugin}), ctx=work, batch=shown)
        for item, change in zip(items, changes, strict=True):
            change.values, item.warnings = item.values, change.warnings
            if change.conflict is not None:
                code, message, params = change.conflict
                item.refusal = Conflict.of(code, message, params)
        return batch

    def _completed(self, batch: Batch, items: list[Item]) -> list[Item]:
        """What hooks do at last, and what is to be written then."""
        if not batch.last:
            return items
        batch.complete({item.id for item in items})
        return [item for item in items if self._has_changes(item)]

    def _has_changes(self, item: Item) -> bool:
        if item.draft.verb == "update":
            before = item.before or {}
            # In place: the dict is that of the change, too, into which hooks fill values at last.
            for name in [name for name, value in item.values.items() if value == before.get(name)]:
                del item.values[name]
            # Whoever does not see what was there must not learn by the version whether it was the same.
            item.changed = bool(item.values) or not self._sees_all(tuple(item.draft.values))
        return item.changed

    def _sees_all(self, names: tuple[str, ...]) -> bool:
        """Whether the actor sees these fields on every record: asked of each that stays as it was, and the same of all rows of an import."""
        if names not in self._seen:
            self._seen[names] = all(map(self.work.reader(self.entity).everywhere, names))
        return self._seen[names]

    # --- writing -------------------------------------------------------------------------------------------------

    def _store(self, items: Sequence[Item]) -> None:
        self._insert([item for item in items if item.draft.verb == "create"])
        self._update([item for item in items if item.draft.verb != "create"])
        sides.store(self.work, self.shape, items)
        if self.shape.overlay.keyed:
            keep_keys(self.work, self.shape, items)
        keep_words(self.work, self.shape, items)

    def _insert(self, items: Sequence[Item]) -> None:
        if not items:
            return
        now, count = self.work.now(), len(items)
        give_numbers(self.work, self.shape, items)
        single, attributes, several = self.shape.kept(("insert",), self._columns)
        stamps = {"version": 1, "created_at": now, "updated_at": now}
        for item in items:
            item.values |= stamps if (at := item.draft.at) is None else {**stamps, "created_at": at}
        same = {**borne_by(self.entity), "tenant_id": self.work.tenant.id, **stamps}
        columns: dict[str, Sequence[Any]] = {"id": [item.id for item in items], **{name: [value] * count for name, value in same.items()}}
        gets = [item.values.get for item in items]
        if any(item.draft.at is not None for item in items):
            columns["created_at"] = [get("created_at") for get in gets]
        for name, attribute in zip(single, attributes, strict=True):
            columns[attribute] = [get(name) for get in gets]
        for name, field, parts in several:
            columns.update(zip(parts, zip(*(field.split(get(name)) for get in gets), strict=True), strict=True))
        if custom := list(self.shape.custom.values()):
            columns[cells.COLUMN] = [cells.packed(None, custom, item.values) for item in items]
        bulk.insert_columns(self.work.connection, self.shape.table, columns, later=True)
        self.work.grown(self.shape.table.name, count)

    def _columns(self) -> tuple[list[str], list[str], list[tuple[str, Field, tuple[str, ...]]]]:
        """The fields of a new row: those of one column, the columns of these, and those of several with theirs."""
        fields = [(name, field) for name, field in self.entity.fields.items() if name not in ("id", "version", "created_at", "updated_at")]
        single = [(name, field.attribute) for name, field in fields if not field.siblings()]
        several = [(name, field, field.columns()) for name, field in fields if field.siblings()]
        return [name for name, _attribute in single], [attribute for _name, attribute in single], several

    def _update(self, items: Sequence[Item]) -> None:
        """Rows that set the same columns go together."""
        now, groups = self.work.now(), dict[tuple[str, ...], list[dict[str, Any]]]()
        custom = list(self.shape.custom.values())
        for item in items:
            assert item.before is not None
            item.values |= {"version": item.before["version"] + 1, "updated_at": now}
            row: dict[str, Any] = {"deleted_at": now if item.draft.verb == "delete" else None} if item.draft.verb != "update" else {}
            for name, value in item.values.items():
                if name in self.entity.fields:
                    field = self.entity.fields[name]
                    row.update(zip(field.columns(), field.split(value), strict=True))
            if custom and not item.values.keys().isdisjoint(self.shape.custom):
                row[cells.COLUMN] = cells.packed(item.stored, custom, item.values)
            keys = {"b_tenant": self.work.tenant.id, "b_id": item.id, "b_version": item.before["version"]}
            groups.setdefault(tuple(sorted(row)), []).append({**keys, **{f"v_{name}": cell for name, cell in row.items()}})
        for names, rows in groups.items():
            if bulk.update(self.work.connection, self.shape.table, names, rows) != len(rows):
                raise Conflict(_("the record was changed at the same moment; try again"), code="concurrent")

    # --- afterwards ----------------------------------------------------------------------------------------------

    def _leave_traces(self, items: Sequence[Item], batch: Batch) -> None:
        # Each version has its entry, also one that says of nothing that it changed (see `_has_changes`): by it an undoing finds its way back.
        if same := [item for item in items if _is_same(item)]:
            journal.keep_audit(self.work, self.shape, same)
            items = [item for item in items if not _is_same(item)]
        if not items:
            return
        by_verb: dict[str, list[tuple[UUID, Mapping[str, object]]]] = {}
        alike: dict[tuple[str, ...], Mapping[str, object]] = {}  # of an import all rows have the same fields
        for item in items:
            names = tuple(item.values)
            if names not in alike:
                alike[names] = {"fields": sorted({*names} - journal.STAMPS)}
            by_verb.setdefault(item.draft.verb, []).append((item.id, alike[names]))
        before = {item.id: item.before for item in items if item.before is not None and item.draft.act != ERASE}
        for verb, told in by_verb.items():
            journal.tell(self.work, f"{self.entity.full_name}.{journal.PAST[verb]}", told, self.shape, before)
        journal.keep_audit(self.work, self.shape, items)
        events: dict[str, list[tuple[UUID, Mapping[str, object]]]] = {}
        written = {item.id for item in items} if batch.events else set()
        for name, id, payload in batch.events:
            if id in written:
                events.setdefault(name, []).append((id, payload))
        for name, domain in events.items():
            journal.tell(self.work, name, domain)
        self._write_side_rows(batch, items)
        if self.entity.guards_access:
            self.work.access_changed()

    def _write_side_rows(self, batch: Batch, items: Sequence[Item]) -> None:
        if not batch.side_rows:
            return
        written, rows = {item.id for item in items}, dict[str, list[Draft]]()
        for entity, id, draft in batch.side_rows:
            if id in written:
                rows.setdefault(entity, []).append(draft)
        with self.work.knowing(self._linked(items) if rows else ()):
            for entity, drafts in rows.items():
                # The plugin's own rows must fit: better no write than half of one. Those of others are within what it has declared.
                own = entity.startswith(f"{self.entity.plugin}.")
                work = self.work.freely() if own else self.work.of_plugin(self.entity.plugin)
                work.as_system().records(entity).write_all(drafts)

    def _linked(self, items: Sequence[Item]) -> Iterator[tuple[str, UUID]]:
        """The records that were written and those that they link to: they are there."""
        yield from ((self.entity.full_name, item.id) for item in items if item.draft.verb != "delete")
        for field in self.shape.fields.values():
            target = self.shape.target(field) if isinstance(field, LinkField) else None
            if target is not None:
                yield from ((target.full_name, id) for item in items if (id := item.values.get(field.name)) is not None)

    def _outcome(self, item: Item) -> Outcome:
        refusal = item.verdict()
        if refusal is not None:
            return Outcome(None if item.draft.verb == "create" else item.id, None, refusal, False)
        before = item.before or {}
        row = {**self._blank, **before, **item.values, "id": item.id}
        if item.draft.verb != "update":
            return Outcome(item.id, row, None, item.changed, item.likely, warnings=item.warnings)
        was = {name: before.get(name) for name in item.values if name not in journal.STAMPS}
        return Outcome(item.id, row, None, item.changed, item.likely, was, item.warnings)

    @cached_property
    def _blank(self) -> Mapping[str, None]:
        return dict.fromkeys((*self.entity.fields, *self.shape.custom))


def _is_same(item: Item) -> bool:
    return item.draft.verb == "update" and not item.values.keys() - journal.STAMPS
