"""Fields that are formulas over other fields of the record, and over fields of the records that it links to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.custom.definition import Definition
from core.custom.kinds import told
from core.custom.roll_up import RollUp
from core.formulas.check import checked
from core.formulas.evaluate import LONGEST_TEXT
from core.formulas.grammar import FormulaError
from core.formulas.program import TODAY, ZONE, Kind, Program
from core.formulas.sql import TooLongError, columns_of, written
from core.policy.grants import including
from sdk import Verb, _
from sdk import fields as f
from sdk.fields import Field, LinkField

if TYPE_CHECKING:
    from core.entities.shape import Shape, Source
    from core.policy.scopes import Scopes

HEAVIEST = 60
"""How much a formula may look at: a field of the record counts 1, of a linked one 3, a roll-up 10, a formula what it looks at itself."""


@dataclass(frozen=True)
class Beyond:
    """A field of the record that a link points to."""

    link: str
    target: Shape
    name: str

    def columns(self, source: Source) -> list[sa.ColumnElement[Any]]:
        """The columns of it where the reader sees it, nothing where not."""
        from core.entities.shape import Source  # noqa: PLC0415 (shapes know this)

        link, entity = source.columns(self.link)[0], self.target.entity
        there = Source(self.target, source.scopes, self.target.table.alias())
        columns = there.columns(self.name)
        mine = [*there.live(), there.table.c.id == link]
        if (reach := source.scopes.clause(entity, there.table, self._grants(source.scopes), Verb.READ)) is not None:
            mine.append(f.sifted(reach))
        outside = [source.table, *(side for side, _on in source.joins())]  # the link may stand in a side table
        return [sa.select(one).select_from(there.joined()).where(*mine).correlate(*outside).scalar_subquery() for one in columns]

    def _grants(self, scopes: Scopes) -> tuple[Any, ...]:
        grants = scopes.grants_of(self.target.entity, Verb.READ)
        for name in self.target.needs(self.name):
            grants = including(grants, name)
        return grants

    def seen(self, scopes: Scopes) -> bool:
        """Whether the reader sees the field on any record."""
        one = self.target.formulas.get(self.name)
        return bool(self._grants(scopes)) and (one is None or one.seen(scopes))


@dataclass(frozen=True)
class Formula:
    """What a definition says, found in the shape of its entity."""

    field: Field
    program: Program
    own: tuple[str, ...]
    """The fields of the record itself that it reads, and the links that it follows."""
    beyond: Mapping[str, Beyond]
    """The fields of linked records by their names in the expression."""
    formulas: tuple[Formula, ...]
    """Those among its own fields that are formulas."""
    weight: int

    def columns(self, source: Source) -> list[sa.ColumnElement[Any]]:
        """The columns of the field over a source."""
        found: list[sa.ColumnElement[Any]] = []
        for one in self.program.inputs:
            if one.name in (TODAY, ZONE):
                found.append(source.scopes.today if one.name == TODAY else source.scopes.zone)
                continue
            columns = self.beyond[one.name].columns(source) if one.name in self.beyond else source.columns(one.name)
            found += columns[: 2 if one.kind is Kind.MONEY else 1]  # text may have its likeness beside it
        return columns_of(self.program, found, [self.field.column_type(), *self.field.siblings().values()])

    @cached_property
    def needs(self) -> frozenset[str]:
        """All fields of the record that are in its value, also in that of a formula which it reads: who does not see one does not see it."""
        return frozenset(self.own).union(*(one.needs for one in self.formulas))

    def seen(self, scopes: Scopes) -> bool:
        """Whether the reader sees, on some record, every field of linked records that is in its value."""
        return all(one.seen(scopes) for one in self.beyond.values()) and all(one.seen(scopes) for one in self.formulas)

    def reads(self, entity: str) -> Iterable[tuple[str, str]]:
        """The fields that stand in the expression, each with its entity."""
        yield from ((entity, name) for name in self.own)
        yield from ((one.target.entity.full_name, one.name) for one in self.beyond.values())


def formulas_of(shape: Shape) -> dict[str, Formula]:
    """The formulas of a tenant on an entity by name. One that does not fit what the tenant has now, or goes in a circle, is absent."""
    found, left = dict[str, Formula](), list(shape.overlay.formulas)
    while left:
        waiting = list[Definition]()
        for definition in left:
            try:
                found[definition.name] = formula(definition, shape, found)
            except FormulaError:
                waiting.append(definition)
        if len(waiting) == len(left):
            break
        left = waiting
    return found


def formula(definition: Definition, shape: Shape, formulas: Mapping[str, Formula]) -> Formula:
    """The formula on an entity beside those that it may read; raises FormulaError."""
    links, beyond, own = dict[str, None](), dict[str, Beyond](), dict[str, None]()
    known = {**shape.base, **{name: one.field for name, one in formulas.items()}}

    def resolve(path: tuple[str, ...]) -> tuple[str, Field, int] | None:
        first, used = _first(path, known)
        field = known.get(first)
        if not isinstance(field, LinkField) or len(path) == used:
            if field is not None:
                own[first] = None
            return None if field is None else (first, field, used)
        target = shape.target(field)
        if target is None or target.veil is not None:
            return None
        there = shape.beside(target)
        second, more = _first(path[used:], there.fields)
        if second not in there.fields:
            return None
        name = f"{first}.{second}"
        links[first], beyond[name] = None, Beyond(first, there, second)
        return name, there.fields[second], used + more

    try:
        program = checked(definition.expression, definition.result, resolve, shape.entity.full_name)
        written(program)
    except TooLongError as failure:
        raise _too_heavy() from failure
    read = tuple(formulas[name] for name in own if name in formulas)
    weight = len(links) + sum(formulas[name].weight if name in formulas else 10 if name in shape.rolled else 1 for name in own)
    weight += sum(2 + (one.target.formulas[one.name].weight if one.name in one.target.formulas else 1) for one in beyond.values())
    if weight > HEAVIEST:
        raise _too_heavy()
    sensitive = (
        definition.sensitive
        or any(known[name].sensitive for name in own)
        or any(one.target.fields[one.name].sensitive for one in beyond.values())
    )
    return Formula(_field(definition, sensitive=sensitive), program, tuple({**own, **links}), beyond, read, max(weight, 1))


def _too_heavy() -> FormulaError:
    return FormulaError(1, _("at character {at}: the formula is too complex together with the formulas it uses; simplify it"))


def _first(path: tuple[str, ...], known: Mapping[str, Field]) -> tuple[str, int]:
    """The field with which a path begins, and how many words it has: one that was added has two, `custom.tier`."""
    two = ".".join(path[:2])
    return (two, 2) if len(path) > 1 and two in known else (path[0], 1)


def _field(definition: Definition, *, sensitive: bool) -> Field:
    label = told(definition.label, definition.label_zh)
    made: dict[str, Any] = {
        "integer": f.integer, "decimal": f.decimal, "money": f.money, "date": f.on, "boolean": f.boolean,
    }  # fmt: skip
    mapped = f.text(label, length=LONGEST_TEXT) if definition.result == "text" else made[definition.result](label)
    bare: Field = mapped.field
    return replace(bare, default=None, readonly=True, search=False, sensitive=sensitive, owner="core").bound(
        definition.name, definition.slot
    )


def rolled_reads(one: RollUp) -> Iterable[tuple[str, str]]:
    """The fields that a roll-up looks at, each with its entity."""
    return ((one.source.entity.full_name, name) for name in one.names())
