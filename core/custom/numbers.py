"""Numbers that the platform gives to records as they are made, one after the other: `T-00001`, `T-00002`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.custom.definition import Definition
from core.custom.tables import CustomField

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.item import Item
    from core.entities.shape import Shape

FIRST = re.compile(r"(?P<before>[^\x00-\x1f\x7f]{0,40}?)(?P<number>\d{1,12})\Z", re.ASCII)
"""What the first record gets says how all are written: what stands before the number, and how many digits it has at least."""


def give_numbers(work: Work, shape: Shape, items: Sequence[Item]) -> None:
    """To records that are sure to be written: who makes others of the entity meanwhile waits, so that no number is left out or given twice."""
    for name, definition in shape.overlay.numbered.items() if items else ():
        if name in shape.custom:
            count = _reserve(work, definition, len(items))
            for place, item in enumerate(items):
                item.values[name] = written(definition.default or "1", count + place)


def written(first: str, count: int) -> str:
    """The number after so many others."""
    match = FIRST.match(first)
    assert match is not None, "checked when the field was made"
    return f"{match['before']}{int(match['number']) + count:0{len(match['number'])}d}"


def _reserve(work: Work, definition: Definition, many: int) -> int:
    table = CustomField.table()
    mine = (table.c.tenant_id == work.tenant.id, table.c.id == definition.id)
    given = table.update().where(*mine).values(given=table.c.given + many).returning(table.c.given)
    return int(work.connection.execute(given).scalar_one()) - many
