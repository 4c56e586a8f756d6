"""What another system calls our records: written down after each import, looked up by the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from plugins.import_export.external import NAME as EXTERNAL_ID
from plugins.import_export.external import ExternalIds as Names
from plugins.import_export.external import fitting
from plugins.import_export.journal import page
from sdk import Condition, Context, where
from sdk.context import Row, id_of
from sdk.fields import Reference

PART = 500


class ExternalIds:
    """The ids of one system."""

    def __init__(self, ctx: Context, system: str) -> None:
        self.ctx, self.system = ctx.as_system(), system

    def known(self, entity: str, ids: Iterable[str]) -> dict[str, UUID]:
        """Our records by their ids there; what is not known is left out."""
        records, wanted, found = self.ctx.records(EXTERNAL_ID), fitting(self.ctx, ids), dict[str, UUID]()
        for start in range(0, len(wanted), PART):
            asked = (*where(entity=entity, system=self.system), Condition("external_id", "in", tuple(wanted[start : start + PART])))
            for row in records.find(asked, PART):
                if isinstance(row["record"], Reference):
                    found[str(row["external_id"])] = row["record"].id
        there = self.ctx.records(entity).values(set(found.values())) if found else {}
        return {word: id for word, id in found.items() if id in there}  # what was deleted since is known no more

    def remember(self, entity: str, record: Row, ids: Iterator[tuple[int, str]]) -> None:
        """Write down of each row that an import took what its record is called there; what names a record already goes on naming it."""
        fates = self._fates(record)
        part: dict[str, UUID] = {}
        made = dict[int, UUID]()
        for number, word in ids:
            while number not in made and (fate := next(fates, None)) is not None:
                made[fate[0]] = fate[1]
                if fate[0] > number:
                    break
            if word and (id := made.pop(number, None)) is not None:
                part[word] = id
            if len(part) == PART:
                self._write(entity, part, id_of(record))
                part = {}
        self._write(entity, part, id_of(record))

    def _fates(self, record: Row) -> Iterator[tuple[int, UUID]]:
        after: int | None = 0
        while after is not None:
            rows, after = page(self.ctx, record, None, PART, after)
            yield from ((int(str(row["number"])), UUID(str(row["record"]))) for row in rows if row["record"])

    def _write(self, entity: str, part: dict[str, UUID], by: UUID) -> None:
        part = {word: part[word] for word in fitting(self.ctx, part)}
        if not part:
            return
        names = Names(self.ctx, self.system)
        with self.ctx.transaction(write=True):
            there = names.taken(entity, part)
            names.keep(entity, {word: id for word, id in part.items() if word not in there}, by)
