"""What was there before in a record goes from the journals when the record is erased."""

from __future__ import annotations

import json
from uuid import UUID

from plugins.import_export.journal import PART, read_former
from plugins.import_export.origins import parts_with
from sdk import Batch, Context
from sdk.changes import ERASE
from sdk.context import id_of


def forget(ctx: Context, batch: Batch) -> None:
    """In the transaction of an erasure: the former values of its records go, those of others in the same parts stay."""
    if not any(change.act == ERASE for change in batch.changes) or batch.entity.startswith("import_export."):
        return
    parts = ctx.as_system().records(PART)
    for change in batch.changes:
        for part, fate in parts_with(ctx, batch.entity, change.id) if change.act == ERASE else ():
            now = parts.values([UUID(str(part["id"]))], hold=True)[UUID(str(part["id"]))]  # two of one part may be erased together
            left = {number: former for number, former in read_former(now).items() if number != fate.number}
            parts.update(id_of(now), {"before": json.dumps(left) if left else None}, act="run")
