"""What a tenant's own fields will be once a batch of changes of them is written: those that are made from others stay able to be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from core.custom.conditional import PARTS, conditional
from core.custom.definition import Definition
from core.custom.formula import formula, rolled_reads
from core.custom.kinds import CALCULATED, KINDS
from core.custom.overlay import overlaid, overlays_of
from core.custom.roll_up import roll_up
from core.custom.tables import CustomField
from core.formulas.grammar import FormulaError, names_in, parsed
from sdk import BadRequest, Batch, Change, Problem, _

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.shape import Shape


def definition_of(change: Change) -> Definition:
    """What a change leaves behind."""
    return Definition.of(change.id, {name: change.after(name) for name in CustomField.__fields__})


class Coming:
    """The definitions of a tenant as a batch leaves them."""

    def __init__(self, work: Work, batch: Batch) -> None:
        self.work, self.batch = work, batch

    @cached_property
    def definitions(self) -> dict[str, list[Definition]]:
        """By entity."""
        touched = {change.id for change in self.batch.changes}
        found = {
            entity: [one for one in overlay.definitions if one.id not in touched] for entity, overlay in overlays_of(self.work).items()
        }
        for change in self.batch.changes:
            if change.verb != "delete" and change.stands and str(change.after("kind")) in KINDS:
                one = definition_of(change)
                found.setdefault(one.entity, []).append(one)
        return found

    def shape(self, entity: str, *, without: Definition | None = None) -> Shape:
        """An entity as it will be, without one of its fields."""
        found = {**self.definitions, entity: [one for one in self.definitions.get(entity, ()) if one != without]}
        return replace(self.work.shape(entity), overlay=overlaid(entity, found))

    @cached_property
    def readers(self) -> list[tuple[str, frozenset[tuple[str, str]]]]:
        """The fields that are made from others now and stay, each with what it reads; both with their entities."""
        gone = {(str(change.after("entity")), str(change.after("key"))) for change in self.batch.changes if change.verb == "delete"}
        return [(f"{entity} {name}", reads) for entity, name, reads in self._made() if (entity, name.partition(".")[2]) not in gone]

    def _made(self) -> Iterator[tuple[str, str, frozenset[tuple[str, str]]]]:
        for entity in overlays_of(self.work):
            if self.work.offers(entity):
                shape = self.work.shape(entity)
                yield from ((entity, name, frozenset(one.reads(entity))) for name, one in shape.formulas.items())
                yield from ((entity, name, frozenset(rolled_reads(one))) for name, one in shape.rolled.items())
                yield from (
                    (entity, name, frozenset((entity, read) for read in one.reads - {name})) for name, one in shape.conditional.items()
                )


def check_unread(coming: Coming, change: Change) -> None:
    """A field that another is made from cannot go."""
    mine = (str(change.after("entity")), f"custom.{change.after('key')}")
    if reader := next((name for name, reads in coming.readers if mine in reads), None):
        change.forbid("in_use", _("the field {reader} is calculated from it; change or delete that one first"), reader=reader)


def check_made(coming: Coming, change: Change) -> None:
    """A formula or a roll-up fits what the tenant has, and those that read it still do."""
    definition = definition_of(change)
    rest = coming.shape(definition.entity, without=definition)
    try:
        if KINDS[definition.kind].made is CALCULATED:
            _no_circle(coming.work.shape(definition.entity), definition)
            formula(definition, rest, rest.formulas)
        else:
            roll_up(definition, rest)
    except FormulaError as failure:
        change.problems.append(Problem("expression", "bad_expression", failure.message, failure.params))
    except BadRequest as refusal:
        change.problems.append(Problem(refusal.reason, "does_not_fit", refusal.message, refusal.params))
    else:
        _check_readers(coming, change, definition)


def check_conditions(coming: Coming, change: Change) -> None:
    """The conditions under which a field is shown or required look at what stands in the record."""
    definition = definition_of(change)
    for part in PARTS:
        try:
            conditional(definition, coming.shape(definition.entity), (part,))
        except FormulaError as failure:
            change.problems.append(Problem(part, "bad_expression", failure.message, failure.params))


def _no_circle(now: Shape, definition: Definition) -> None:
    for at, path in names_in(parsed(definition.expression)):
        name = ".".join(path[:2])
        if name == definition.name or (name in now.formulas and definition.name in now.formulas[name].needs):
            text = _("at character {at}: {name!r} is itself calculated from {own!r}: formulas can’t refer to themselves")
            raise FormulaError(at, text, name=name, own=definition.name)


def _check_readers(coming: Coming, change: Change, definition: Definition) -> None:
    if change.verb != "update":
        return
    for entity in overlays_of(coming.work):
        if coming.work.offers(entity):
            now, then = coming.work.shape(entity), coming.shape(entity)
            changed = {one.name for one in coming.definitions.get(entity, ()) if one.id == definition.id}
            lost = sorted(({*now.formulas, *now.rolled} - {*then.formulas, *then.rolled}) - changed)
            if lost:
                change.forbid(
                    "in_use", _("the field {reader} is calculated from it; change or delete that one first"), reader=f"{entity} {lost[0]}"
                )
                return
