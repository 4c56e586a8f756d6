"""One draft on its way through the write door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sdk import Candidates, Conflict, Draft, Invalid, Problem, Refusal, _

_NOBODY = Candidates()


@dataclass(slots=True)
class Item:
    """A draft with what the door has found out about it; `refusal` or `problems` end its way."""

    draft: Draft
    id: UUID
    before: Mapping[str, Any] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refusal: Refusal | None = None
    changed: bool = True
    stored: Mapping[str, Any] | None = None
    """What stands in the column of custom fields, those of fields that are no more among it."""
    likely: Candidates = _NOBODY
    """What it is likely one of, where the tenant only wants to be told."""
    warnings: tuple[Problem, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether nothing is wrong with it so far."""
        return self.refusal is None and not self.problems

    def after(self, name: str) -> Any:
        """The value that the field will have."""
        if name in self.values:
            return self.values[name]
        return self.before.get(name) if self.before is not None else None

    def verdict(self) -> Refusal | None:
        """The refusal, if there is one: duplicates are a conflict, other problems make the draft invalid."""
        if self.refusal is not None or not self.problems:
            return self.refusal
        if all(problem.code == "duplicate" for problem in self.problems):
            return Conflict(_("this record already exists"), code="duplicate", problems=self.problems)
        return Invalid(_("some values are invalid"), problems=self.problems)


def standing(items: Sequence[Item]) -> list[Item]:
    """Those with which nothing is wrong so far; asked after each check, so it does not call for each of them."""
    return [item for item in items if item.refusal is None and not item.problems]
