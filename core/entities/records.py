"""The two doors of one entity, as plugins hold them (`ctx.records`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from uuid import UUID

from core.entities.aggregate import aggregate
from core.entities.alike import candidates
from core.entities.blocks import Blocks
from core.entities.breadth import covers
from core.entities.history import history, versions
from core.entities.merged import follow
from core.entities.read import MOST_ROWS, Reader
from core.entities.shape import Shape
from core.entities.timeline import timeline
from core.entities.write import Writer
from core.policy.bounds import Shown
from core.policy.grants import including
from core.policy.seen import Seen
from sdk import Alike, Block, Candidates, Draft, Filter, Outcome, Page, Query, Verb
from sdk.changes import OF_THE_PLATFORM
from sdk.context import Row, Values
from sdk.fields import Field, FlawError, NaturalKey

if TYPE_CHECKING:
    from core.context import Work


class EntityRecords:
    """See `sdk.Records`."""

    def __init__(self, work: Work, shape: Shape) -> None:
        self._work, self._entity = work, shape.entity

    @property
    def _shape(self) -> Shape:
        """The entity as the tenant has it in this transaction: work may be long, and fields are added meanwhile."""
        return self._work.reader(self._entity).shape

    def _reader(self, *asked: str) -> Reader:
        """The door out; raises Forbidden where the plugin whose code runs has not declared the entity, or a field that it asks for."""
        reader = self._work.reader(self._entity)
        if self._work.bounds is not None:
            names = (word if word in reader.shape.fields else word.partition(".")[0] for word in asked)
            self._work.bounds.require(f"{self._entity.full_name}.{Verb.READ}", (name for name in names if name in reader.shape.fields))
        return reader

    def _sight(self, *asked: str, computed: bool = True) -> Callable[[Row], Row]:
        """How rows of these fields (none: of all) are shown: they refuse what the actor does not see of them, and what the plugin whose
        code runs has not declared."""
        bounds, name = self._work.bounds, self._entity.full_name
        declared = None if bounds is None else bounds.fields(f"{name}.{Verb.READ}")
        if bounds is not None and declared is not None:
            shape, within = self._shape, bounds
            outside = shape.kept((within, "outside"), lambda: frozenset(shape.fields) - declared)
            if outside:
                hidden = self._hidden(asked, computed=computed)
                return lambda row: Shown(row, within, name, outside, hidden)
        return self._seen(*asked, computed=computed)

    def _seen(self, *asked: str, computed: bool = True) -> Callable[[Row], Row]:
        """The same, whatever a plugin has declared."""
        if self._work.reader(self._entity).whole():
            return lambda row: row
        hidden = self._hidden(asked, computed=computed)
        return lambda row: Seen(row, hidden)

    def _hidden(self, asked: Sequence[str], *, computed: bool) -> Callable[[str], bool]:
        """Whether a field that a row has not would be there if the actor saw it."""
        reader = self._work.reader(self._entity)
        return lambda field: field in reader.shape.fields and (not asked or field in asked) and (computed or not reader.computed(field))

    def _retell(self, rows: Iterable[Row], include: Sequence[str] = ()) -> None:
        """On pages, master data that nobody has renamed is told in the reader's language."""
        if self._work.retells:
            self._work.platform.seeded.retell(self._work, self._shape, cast("Iterable[dict[str, object]]", rows), include)

    def query(self, query: Query = Query()) -> Page:  # noqa: B008 (frozen)
        with self._work.transaction():
            asked = [*query.fields, *(word.lstrip("-") for word in query.sort), *query.include, *(one.field for one in query.filter)]
            page = self._reader(*asked).page(query)
            self._retell(page.data, query.include)
            return replace(page, data=list(map(self._seen(*query.fields), page.data)))

    def blocks(self, query: Query, size: int = 5_000) -> Iterator[Block]:
        asked = [*query.fields, *(word.lstrip("-") for word in query.sort), *(one.field for one in query.filter)]
        found, cursor = Blocks(query), ""
        while True:
            with self._work.transaction():
                block, following = found.block(self._reader(*asked), cursor, size)
            yield block
            if following is None:
                return
            cursor = following

    def get(self, id: UUID, *, fields: Sequence[str] = (), include: Sequence[str] = ()) -> Row:
        with self._work.transaction():
            row = self._reader(*fields, *include).one(id, fields, include)
            self._retell((row,), include)
            return self._sight(*fields)(row)

    def values(self, ids: Iterable[UUID], *, hold: bool = False) -> dict[UUID, Row]:
        with self._work.transaction(write=hold):
            found, shown = self._reader().values(ids, hold=hold), self._sight(computed=False)
            self._retell(found.values())
            return {id: shown(row) for id, row in found.items()}

    def find(self, filter: Filter, limit: int = MOST_ROWS, *, deleted: bool = False) -> list[Row]:
        with self._work.transaction():
            reader = self._reader(*(condition.field for condition in filter))
            found = reader.find(filter, limit, deleted=deleted)
            self._retell(found)
            return list(map(self._sight(computed=False), found))

    def aggregate(
        self, measures: Sequence[str], by: Sequence[str] = (), filter: Filter = (), limit: int = 10_000, *, q: str = ""
    ) -> list[Row]:
        with self._work.transaction():
            asked = [word.partition(":")[2] for word in measures] + [word.partition(":")[0] for word in by]
            rows = aggregate(self._reader(*asked, *(condition.field for condition in filter)), measures, by, filter, limit, q)
            if self._work.retells:
                self._work.platform.seeded.retell_groups(self._work, self._shape, by, rows)
            return list(rows)

    def create(self, values: Values, *, act: str = "", alike: Alike = Alike.DEFAULT) -> Row:
        return self._one(Draft("create", values, act=act, alike=alike))

    def update(self, id: UUID, values: Values, *, expected_version: int | None = None, act: str = "", alike: Alike = Alike.DEFAULT) -> Row:
        return self._one(Draft("update", values, id, expected_version, act, alike))

    def delete(self, id: UUID, *, expected_version: int | None = None) -> None:
        self._one(Draft("delete", {}, id, expected_version))

    def restore(self, id: UUID, *, alike: Alike = Alike.DEFAULT) -> Row:
        return self._one(Draft("restore", {}, id, alike=alike))

    def candidates(self, values: Values, but: UUID | None = None) -> Candidates:
        with self._work.transaction():
            self._reader(*values)
            return candidates(self._work, self._shape, values, but)

    def asks(self, values: Values) -> Mapping[str, tuple[bool, bool]]:
        with self._work.transaction():
            reader = self._reader(*values)
            fields, visible = reader.shape.fields, reader.visible().keys()
            typed = {name: _typed(fields[name], value) for name, value in values.items() if name in visible}
            told = {name: one for name, one in reader.shape.conditional.items() if name in visible and one.reads <= visible}
            return {name: (one.shows(self._work, typed.get), one.asks(self._work, typed.get)) for name, one in told.items()}

    def write(self, drafts: Sequence[Draft]) -> list[Outcome]:
        self._declared(drafts)
        with self._work.transaction(write=True):
            outcomes = Writer(self._work, self._shape).write(drafts)
            self._work.keep_warnings(outcomes)
        bounds = self._work.bounds
        if bounds is None or bounds.fields(f"{self._entity.full_name}.{Verb.READ}") is None:
            return outcomes
        shown = self._sight()
        return [one if one.row is None else replace(one, row=shown(one.row), before=shown(one.before)) for one in outcomes]

    def _declared(self, drafts: Sequence[Draft]) -> None:
        """Raise Forbidden for a verb, or a field, that the plugin whose code runs has not declared."""
        bounds = self._work.bounds
        if bounds is None:
            return
        for act in {draft.act for draft in drafts} & OF_THE_PLATFORM:
            raise bounds.refusal(f"act {act}")
        for name in {draft.verb for draft in drafts}:  # an import has thousands of drafts of one verb
            permission = f"{self._entity.full_name}.{Verb.DELETE if name == 'restore' else Verb(name)}"
            bounds.require(permission)
            if bounds.fields(permission) is not None:
                given = {field for draft in drafts if draft.verb == name for field in draft.values}
                bounds.require(permission, [field for field in self._shape.fields if field in given])

    def write_all(self, drafts: Sequence[Draft]) -> list[Outcome]:
        if not drafts:
            return []
        with self._work.transaction(write=True):
            outcomes = self.write(drafts)
            refused = next((outcome.refusal for outcome in outcomes if outcome.refusal is not None), None)
            if refused is not None:
                if any(outcome.changed for outcome in outcomes):
                    self._work.doom()  # whoever began the transaction may catch this, but cannot keep the half of it
                raise refused
            return outcomes

    def reached(self, ids: Iterable[UUID], verb: Verb = Verb.READ, field: str = "") -> set[UUID]:
        with self._work.transaction():
            reader = self._reader()
            grants = reader.scopes.grants_of(self._entity, verb)
            return reader.reached_by(verb, list(ids), including(grants, field) if field else grants)

    def covers(self, user: UUID | None, names: Sequence[str], filter: Filter = ()) -> bool:
        with self._work.transaction():
            self._reader(*names, *(condition.field for condition in filter))
            return covers(self._work, user, self._entity, names, filter)

    def titles(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        return {id: str(row[title]) for id, row in self.values(ids).items() if row.get(title := self._entity.title) is not None}

    def merged_into(self, ids: Iterable[UUID]) -> dict[UUID, UUID]:
        with self._work.transaction():
            left = follow(self._work, self._entity.full_name, list(ids))
            seen = self._reader().reached_by(Verb.READ, list({*left.values()})) if left else set()
        return {id: survivor for id, survivor in left.items() if survivor in seen}

    def timeline(self, id: UUID, *, limit: int = 50, cursor: str = "") -> Page:
        with self._work.transaction():
            self._reader()
            data, following = timeline(self._work, self._entity, id, limit, cursor)
        return Page(data, following)

    def history(self, id: UUID, *, limit: int = 50) -> list[Row]:
        with self._work.transaction():
            self._reader()
            return list(history(self._work, self._entity, id, limit)[0])

    def versions(self, most: Mapping[UUID, int]) -> dict[UUID, list[Row]]:
        with self._work.transaction():
            self._reader()
            return {id: list(entries) for id, entries in versions(self._work, self._entity, most).items()}

    def fields(self) -> Mapping[str, Field]:
        return self._reader().visible()

    def _one(self, draft: Draft) -> Row:
        (outcome,) = self.write_all([draft])
        assert outcome.row is not None
        return outcome.row


def _typed(field: Field, value: object) -> object:
    """A value of a form as conditions take it: what does not fit, and what people call a record, counts as empty."""
    try:
        checked = None if value in (None, "") else field.check(value)
    except FlawError:
        return None
    return None if isinstance(checked, NaturalKey) else checked
