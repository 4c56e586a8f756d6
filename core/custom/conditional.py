"""Conditions under which a field of a tenant's own is shown in forms, and under which it is required."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from core.custom.definition import Definition
from core.formulas.check import checked
from core.formulas.evaluate import value_of
from core.formulas.grammar import FormulaError
from core.formulas.program import TODAY, ZONE, Kind, Program
from sdk import Side
from sdk.fields import Field, Money

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.shape import Shape

PARTS = ("shown_if", "required_if")


@dataclass(frozen=True)
class Conditional:
    """What a definition says of one field, by the part that says it."""

    written: Mapping[str, str]
    programs: Mapping[str, Program]

    @property
    def reads(self) -> frozenset[str]:
        """The fields that its conditions look at."""
        return frozenset(one.name for program in self.programs.values() for one in program.inputs) - {TODAY, ZONE}

    def asks(self, work: Work, after: Callable[[str], object]) -> bool:
        """Whether the field is required in a record with these values."""
        return self._holds("required_if", work, after, otherwise=False)

    def shows(self, work: Work, after: Callable[[str], object]) -> bool:
        """Whether a form with these values shows the field."""
        return self._holds("shown_if", work, after, otherwise=True)

    def _holds(self, part: str, work: Work, after: Callable[[str], object], *, otherwise: bool) -> bool:
        program = self.programs.get(part)
        if program is None:
            return otherwise
        given = {TODAY: work.now().astimezone(ZoneInfo(work.tenant.timezone)).date(), ZONE: work.tenant.timezone}
        cells = [_cell(one.kind, given[one.name] if one.name in given else after(one.name)) for one in program.inputs]
        return value_of(program, cells) is True


def _cell(kind: Kind, value: Any) -> Any:
    """A Python value as formulas take it."""
    if value is None or kind in (Kind.TEXT, Kind.BOOLEAN, Kind.RECORD):
        return value
    if isinstance(value, Money):
        return tuple(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return Decimal(value.toordinal()) if isinstance(value, date) else Decimal(value)


def conditionals_of(shape: Shape) -> dict[str, Conditional]:
    """The conditions of a tenant's fields by name; of one that does not fit what the tenant has now, none holds."""
    found: dict[str, Conditional] = {}
    for definition in shape.overlay.definitions:
        if not definition.gone and (definition.shown_if or definition.required_if):
            try:
                found[definition.name] = conditional(definition, shape)
            except FormulaError:
                continue
    return found


def conditional(definition: Definition, shape: Shape, parts: tuple[str, ...] = PARTS) -> Conditional:
    """The conditions of a field; raises FormulaError. They look at what stands in the record itself: forms and imports have no more."""
    known = {name: field for name, field in shape.base.items() if _stands(shape, name)}

    def resolve(path: tuple[str, ...]) -> tuple[str, Field, int] | None:
        two = ".".join(path[:2])
        name, used = (two, 2) if two in known else (path[0], 1)
        return (name, known[name], used) if name in known else None

    written = {part: text for part in parts if (text := getattr(definition, part))}
    return Conditional(written, {part: checked(text, "boolean", resolve, shape.entity.full_name) for part, text in written.items()})


def _stands(shape: Shape, name: str) -> bool:
    extension = shape.extension_of(name)
    return name not in shape.rolled and (extension is None or isinstance(extension.source, Side))
