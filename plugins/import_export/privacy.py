"""What imports know of a person: the rows that were not taken, as they stood in the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from sdk import Condition, Context, Person, Trace, _, where
from sdk.context import id_of

ROW, IMPORT, EXPORT = "import_export.row", "import_export.import", "import_export.export"
_MOST = 100_000


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`. Of a row that has the name alone nobody can tell whose it is: it goes, too, and can be imported again."""
    rows = set[UUID]()
    written = [*(json.dumps(word)[1:-1] for word in person.words), *(json.dumps(name) for name in person.names)]
    for form in written:  # a name has to be a cell by itself; the characters of both are written out
        rows |= {id_of(row) for row in ctx.records(ROW).find((Condition("cells", "contains", (form[:200],)),), _MOST)}
    under_way = [id_of(row) for state in ("waiting", "running") for row in ctx.records(IMPORT).find(where(state=state), _MOST)]
    reason = _("the import is running, and its file may name the person: erase again when it has ended")
    there = [id_of(row) for row in ctx.records(EXPORT).find((Condition("content", "empty", ("false",)),), _MOST)]
    files = _("an exported file may name the person until it is deleted after a few days: delete the export, or erase again later")
    return Trace(ROW, sorted(rows)), Trace(IMPORT, under_way, keep=reason), Trace(EXPORT, there, keep=files)
