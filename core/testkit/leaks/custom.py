"""What the administrator of the made-up tenants has added: entities, and fields of every sort of place where one may look."""

from __future__ import annotations

from collections.abc import Iterator

from core.context import Work
from core.custom.cells import COLUMN
from sdk import Entity, Verb

CASE, STEP = "custom.leaks_case", "custom.leaks_step"
type_field = dict[str, object]


def define(work: Work) -> None:
    """Two entities, the second part of the first, with fields; fields on an entity of each plugin."""
    with work.transaction(write=True):
        entities, fields = work.records("core.custom_entity"), work.records("core.custom_field")
        entities.create({"key": CASE.partition(".")[2], "label": "Case"})
        entities.create({"key": STEP.partition(".")[2], "label": "Step", "parent": CASE})
        for name in (CASE, *_extended(work)):
            for field in _fields():
                fields.create({"entity": name, "label": field["key"], **field})
        fields.create({"entity": STEP, "label": "day", "key": "day", "kind": "date"})


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
