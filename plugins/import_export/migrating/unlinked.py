"""What is told of rows whose links lead to ids that nobody knows."""

from __future__ import annotations

from itertools import islice

from plugins.import_export.journal import IMPORT, ROW, problems_of
from plugins.import_export.migrating.translation import CHUNK, OPEN_LINK, Translation
from plugins.import_export.plan import Plan
from plugins.import_export.tally import WARNED, Tally, Teller
from sdk import Condition, Context, Draft, where
from sdk.context import Row, id_of


def warn(ctx: Context, child: Row, translation: Translation) -> Row:
    """Tell of each row that the import of a file took without a link, beside what is told of it already; returns the record of the import.

    The file is read between the transactions that write: each is over soon, and a run that was killed tells the rest.
    """
    system, unlinked = ctx.as_system(), translation.unlinked()
    rows, teller = system.records(ROW), Teller(ctx, Plan({}, {}, {}, {}, {}, (), ()))
    while part := list(islice(unlinked, CHUNK)):
        numbers = Condition("number", "in", tuple(number for (number, _cells), _problems in part))
        with ctx.transaction(write=True):
            told = {row["number"]: row for row in rows.find((*where(**{"import": id_of(child)}), numbers), len(part))}
            tally, more = Tally(), list[Draft]()
            for row, problems in part:
                known = told.get(row[0])
                if known is None:
                    teller.leave(tally, row, WARNED, problems[0], problems[1:])
                elif known["outcome"] == WARNED and all(one["code"] != OPEN_LINK for one in problems_of(known)):
                    more.append(Draft("update", teller.beside(known, problems), id_of(known), act="run"))
            rows.write_all([*(Draft("create", {"import": id_of(child), **row}) for row in tally.rows), *more])
            warned = int(str(child[WARNED])) + tally.counts[WARNED]
            child = system.records(IMPORT).update(id_of(child), {WARNED: warned}, act="run")
    return child
