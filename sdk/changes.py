"""A batch of changes on its way through the write door, as hooks see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sdk.context import Draft
from sdk.errors import Problem
from sdk.text import Text

HAND_OVER: Final = "hand_over"
"""The act by which the work of somebody who leaves passes to a successor."""
MERGE: Final = "merge"
"""The act by which records become one: what pointed to the others points to the one that is left."""
UNMERGE: Final = "unmerge"
"""The act by which a merge is undone."""
MERGES: Final = frozenset({MERGE, UNMERGE})
"""For a plugin that locks what is settled: these say of whom a record is, and change nothing else."""

HISTORY: Final = "history"
"""The act by which what happened elsewhere is brought in as it stood then, and taken back: it makes and deletes, and changes nothing. Fields
that are `f.historic` come along though nobody writes them by hand, and a plugin that locks what is settled lets pass what came in so."""

UNDO: Final = "undo"
"""The act by which an import takes back a record that it made and nobody has worked on since: a plugin whose records are never deleted by
hand may let that pass."""

ERASE: Final = "erase"
"""The act by which what is personal in a record goes: audit and events tell that it happened, and no value."""
OF_THE_PLATFORM: Final = frozenset({HAND_OVER, MERGE, UNMERGE, ERASE})
"""Acts that locks let pass and the audit tells apart: no plugin names them for what it writes itself."""


@dataclass(slots=True)
class Change:
    """One record about to be written: its state before (None when created) and the values that are new."""

    id: UUID
    verb: str
    before: Mapping[str, object] | None
    values: dict[str, object]
    act: str = ""
    problems: list[Problem] = field(default_factory=list)
    conflict: tuple[str, Text, Mapping[str, object]] | None = None
    warnings: tuple[Problem, ...] = ()

    def after(self, name: str) -> object:
        """The value that the field will have."""
        if name in self.values:
            return self.values[name]
        return self.before.get(name) if self.before else None

    def changes(self, name: str) -> bool:
        """Whether the field gets another value."""
        return name in self.values and (self.before is None or self.before.get(name) != self.values[name])

    @property
    def changed(self) -> list[str]:
        """The fields that get another value, in the order of their names."""
        before = self.before or {}
        return sorted(name for name, value in self.values.items() if self.before is None or value != before.get(name))

    def refuse(self, field: str, code: str, message: Text, **params: object) -> None:
        """Refuse this change: a value is not valid (422)."""
        self.problems.append(Problem(field, code, message, params))

    def forbid(self, code: str, message: Text, **params: object) -> None:
        """Refuse this change: the present state does not allow it (409)."""
        self.conflict = self.conflict or (code, message, params)

    def warn(self, code: str, message: Text, **params: object) -> None:
        """Let it be written, and tell who writes it (`Entity.warns`)."""
        self.warnings = (*self.warnings, Problem("", code, message, params))

    @property
    def stands(self) -> bool:
        """Whether nobody has refused it."""
        return not self.problems and self.conflict is None


@dataclass(slots=True)
class Batch:
    """The changes of one write to one entity; refused ones are left out of what follows."""

    entity: str
    changes: Sequence[Change]
    events: list[tuple[str, UUID, Mapping[str, object]]] = field(default_factory=list)
    side_rows: list[tuple[str, UUID, Draft]] = field(default_factory=list)
    last: list[Callable[[Sequence[Change]], None]] = field(default_factory=list)
    prepared: bool = False
    completing: bool = False
    plugin: str = ""
    """Whose hook has the batch in hand; the platform's to say, as is `declared`: the events that there are, each with its owner."""
    declared: Mapping[str, tuple[str, Any]] | None = None

    def standing(self) -> list[Change]:
        """The changes that nobody has refused, deletions and restorations left out."""
        return [change for change in self.changes if change.verb in ("create", "update") and change.stands]

    def at_last(self, fill: Callable[[Sequence[Change]], None]) -> None:
        """In `prepare_changes`: what is to be done once every check has passed, with the changes that are sure to be written: fill in values of new
        records (numbers without gaps), or add side rows that rest on all of them.

        Raises RuntimeError elsewhere: who only checks a write does not write.
        """
        if self.prepared:
            raise RuntimeError("at_last belongs to prepare_changes: what is checked is no more filled in")
        self.last.append(fill)

    def complete(self, written: Set[UUID]) -> None:
        """Do what is to be done at last with the changes of these records; the platform's to call."""
        changes = [change for change in self.changes if change.id in written] if self.last else []
        self.completing, self.plugin = True, self.entity.partition(".")[0]  # only the owner fills in
        for fill in self.last if changes else ():
            fill(changes)

    def emit(self, event: str, change: Change, payload: Mapping[str, object]) -> None:
        """Say that something happened in the domain, by an event that the plugin itself declares; committed with the change, delivered after.

        Raises RuntimeError for another's: who hears it believes its owner.
        """
        if self.declared is not None and self.declared.get(event, ("", None))[0] != self.plugin:
            raise RuntimeError(f"plugin {self.plugin!r} does not declare the event {event!r}: only who declares one says that it happened")
        self.events.append((event, change.id, payload))

    def also_create(self, entity: str, change: Change, values: Mapping[str, object]) -> None:
        """Write a side row of the same plugin (a stage history) after the change, in the same transaction."""
        self._beside(entity, change, Draft("create", values))

    def also_update(self, entity: str, change: Change, id: UUID, values: Mapping[str, object], act: str) -> None:
        """Change another record of the same plugin (a document's total) after the change, in the same transaction."""
        self._beside(entity, change, Draft("update", values, id, act=act))

    def also_delete(self, entity: str, change: Change, id: UUID) -> None:
        """Take another record of the same plugin (a stage of the pipeline) along into the recycle bin, in the same transaction."""
        self._beside(entity, change, Draft("delete", id=id))

    def also_restore(self, entity: str, change: Change, id: UUID) -> None:
        """Take another record of the same plugin along out of the recycle bin, in the same transaction."""
        self._beside(entity, change, Draft("restore", id=id))

    def _beside(self, entity: str, change: Change, draft: Draft) -> None:
        if self.prepared and not self.completing:
            raise RuntimeError("side rows belong to prepare_changes: who only checks a write does not write")
        self.side_rows.append((entity, change.id, draft))
