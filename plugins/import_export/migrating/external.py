"""What another system calls our records: by it later files link to them, and later migrations know what they have brought."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from plugins.import_export.external import NAME as EXTERNAL_ID
from plugins.import_export.external import fitting
from sdk import Condition, Context, where
from sdk.fields import Reference

PART = 500


class ExternalIds:
    """The ids of one system."""

    def __init__(self, ctx: Context, system: str) -> None:
        self.ctx, self.system = ctx.as_system(), system

    def known(self, entity: str, ids: Iterable[str], *, but_by: UUID | None = None) -> dict[str, UUID]:
        """Our records by their ids there, but for those that one import has named so; what is not known is left out."""
        records, wanted, found = self.ctx.records(EXTERNAL_ID), fitting(self.ctx, ids), dict[str, UUID]()
        for start in range(0, len(wanted), PART):
            asked = (*where(entity=entity, system=self.system), Condition("external_id", "in", tuple(wanted[start : start + PART])))
            for row in records.find(asked, PART):
                if isinstance(row["record"], Reference) and (but_by is None or row["import"] != but_by):
                    found[str(row["external_id"])] = row["record"].id
        there = self.ctx.records(entity).values(set(found.values())) if found else {}
        return {word: id for word, id in found.items() if id in there}  # what was deleted since is known no more
