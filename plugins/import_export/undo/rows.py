"""By which rows of imports records were written: read from the journals once for many records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from plugins.import_export.journal import PART, Fate, Former, read_former, read_rows, read_undone
from plugins.import_export.origins import parts_of
from sdk import Context

_TOGETHER = 10
"""Parts of journals that are in memory at a time; of each only what is about the records is kept."""


class Written(NamedTuple):
    """A row of an import that made or changed a record, and the version since it was taken back: 0 where nothing had to be written for that."""

    import_id: UUID
    fate: Fate
    former: Former | None
    undone: int | None


def rows_by_record(ctx: Context, entity: str, ids: Iterable[UUID]) -> dict[UUID, list[Written]]:
    """The rows of all imports by which these records were written, the last first."""
    parts = parts_of(ctx, entity, ids)
    wanted: dict[UUID, set[UUID]] = {}
    for id, several in parts.items():
        for part in several:
            wanted.setdefault(part, set()).add(id)
    found, order = dict[tuple[UUID, UUID], list[Written]](), list(wanted)
    for start in range(0, len(order), _TOGETHER):
        for part, row in ctx.as_system().records(PART).values(order[start : start + _TOGETHER]).items():
            former, undone, import_id = read_former(row), read_undone(row), UUID(str(row["import"]))
            for fate in reversed(read_rows(row)):
                if fate.id in wanted[part] and fate.letter in "cu":
                    one = Written(import_id, fate, former.get(fate.number), undone.get(fate.number))
                    found.setdefault((fate.id, part), []).append(one)
    return {id: [one for part in several for one in found.get((id, part), ())] for id, several in parts.items()}
