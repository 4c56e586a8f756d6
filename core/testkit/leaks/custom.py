"""What the administrator of the made-up tenants has added: entities, and fields of every sort of place where one may look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.context import Work
from core.custom.cells import COLUMN
from sdk import Entity, Verb

CASE, STEP = "custom.leaks_case", "custom.leaks_step"
type_field = dict[str, object]


@dataclass(frozen=True)
class Made:
    """What a formula is made from, as the kit knows it without asking the house: fields of the record, and one of the record that a link names."""

    own: tuple[str, ...]
    beyond: tuple[str, str] | None = None

    @property
    def source(self) -> str:
        """The field whose value is the formula's."""
        return self.own[0] if self.beyond is None else self.beyond[1]


@dataclass(frozen=True)
class Rolled:
    """What a roll-up is the greatest of: a field of the records that point to the one that shows it, by a link."""

    source: str
    link: str
    field: str


ROLL_UPS: Mapping[str, Mapping[str, Rolled]] = {CASE: {"custom.leaks_last": Rolled(STEP, "parent", "custom.day")}}
"""The roll-ups by entity and name."""
FORMULAS: Mapping[str, Mapping[str, Made]] = {
    STEP: {
        "custom.leaks_on": Made(("custom.day",)),
        "custom.leaks_above": Made(("parent",), (CASE, "custom.leaks_mark")),
    }
}
"""The formulas by entity and name; each has the value of its source as it is."""


def define(work: Work) -> None:
    """Two entities, the second part of the first, with fields; fields on an entity of each plugin."""
    with work.transaction(write=True):
        entities, fields = work.records("core.custom_entity"), work.records("core.custom_field")
        entities.create({"key": CASE.partition(".")[2], "label": "Case"})
        entities.create({"key": STEP.partition(".")[2], "label": "Step", "parent": CASE})
        for name in (CASE, *_extended(work)):
            for field in _fields():
                fields.create({"entity": name, "label": field["key"], **field})
        needed = {"key": "leaks_due", "kind": "text", "required_if": "custom.leaks_mark != 'nowhere'"}
        fields.create({"entity": CASE, "label": "due", **needed})
        fields.create({"entity": STEP, "label": "day", "key": "day", "kind": "date"})
        for key, result, expression in (("leaks_on", "date", "custom.day"), ("leaks_above", "text", "parent.custom.leaks_mark")):
            fields.create({"entity": STEP, "label": key, "key": key, "kind": "formula", "expression": expression, "result": result})
        last = {"source": STEP, "link": "parent", "measure": "max:custom.day"}
        fields.create({"entity": CASE, "label": "last", "key": "leaks_last", "kind": "roll_up", **last})


def _extended(work: Work) -> Iterator[str]:
    """The first entity of each plugin that takes records and fields by hand."""
    seen = {"core", "custom"}
    for name, entity in sorted(work.catalog.entities.items()):
        if entity.plugin not in seen and work.offers(name) and _takes(entity):
            seen.add(entity.plugin)
            yield name


def _takes(entity: Entity) -> bool:
    return {Verb.CREATE, Verb.UPDATE} <= entity.verbs and not entity.private and COLUMN in entity.record.table().c


def _fields() -> Iterator[type_field]:
    yield {"key": "leaks_mark", "kind": "text", "search": True, "indexed": True}
    yield {"key": "leaks_worth", "kind": "money"}
    yield {"key": "leaks_case", "kind": "link", "target": CASE}
    yield {"key": "leaks_about", "kind": "any_record"}
