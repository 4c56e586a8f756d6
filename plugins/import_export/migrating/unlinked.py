"""What is told of rows whose links lead to ids that nobody knows."""

from __future__ import annotations

from itertools import islice

from plugins.import_export.journal import ROW
from plugins.import_export.migrating.translation import CHUNK, Translation
from plugins.import_export.plan import Plan
from plugins.import_export.tally import WARNED, Tally, Teller
from sdk import Condition, Context, Draft, where
from sdk.context import Row, id_of


def warn(ctx: Context, child: Row, translation: Translation) -> int:
    """Tell of each row that the import of a file took without a link; returns of how many. Others have their reasons already."""
    rows, count, unlinked = ctx.as_system().records(ROW), 0, translation.unlinked()
    teller = Teller(ctx, Plan({}, {}, {}, {}, {}, (), ()))
    while part := list(islice(unlinked, CHUNK)):
        numbers = Condition("number", "in", tuple(number for (number, _cells), _problems in part))
        mine = (*where(**{"import": id_of(child)}), Condition("outcome", "in", ("failed", "skipped")), numbers)
        left, tally = {row["number"] for row in rows.find(mine, CHUNK)}, Tally()
        for row, (problem, *more) in part:
            if row[0] not in left:
                teller.leave(tally, row, WARNED, problem, more)
        rows.write_all([Draft("create", {"import": id_of(child), **row}) for row in tally.rows])
        count += tally.counts[WARNED]
    return count
