"""`dealwright import-undo`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from plugins.import_export.journal import page
from plugins.import_export.undo.undoing import begin_undo, carry_out, permit_undo
from sdk import BadRequest, Command, Context, Parameter, Terminal, _
from sdk.routes import record_id

DONE, NOTHING, PARTIAL = 0, 1, 3
SHOWN = 20


def undo_import(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Undo an import in this process; 0: all rows, 3: some, 1: none."""
    rows = [_number(word) for word in cast("tuple[str, ...]", options["row"])]
    record = permit_undo(ctx, record_id(str(options["ID"])))
    done = carry_out(ctx, begin_undo(ctx, record), rows) if record["state"] != "undone" else record
    conflicts, _next = page(ctx, done, "conflict", 500, 0)
    if options["json"]:
        told = {"id": str(done["id"]), "state": done["state"], "undone": done["undone"], "conflicts": done["conflicts"], "rows": conflicts}
        terminal.print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for row in conflicts[:SHOWN]:
            terminal.note(f"row {row['number']}: {row['reason']}" + (f" ({row['column']})" if row["column"] else ""))
        terminal.print(f"{done['state']}: {done['undone']} undone, {done['conflicts']} in conflict")
    return PARTIAL if conflicts and done["undone"] else NOTHING if conflicts else DONE


def _number(word: str) -> int:
    if not word.isdecimal() or len(word) > 9:
        raise BadRequest(_("invalid row {word!r}; use its number"), word=word[:20])
    return int(word)


COMMANDS = (
    Command(
        "import-undo",
        _("Undo an import: 0 all of it, 3 some, 1 nothing; records edited since are kept."),
        undo_import,
        (
            Parameter("ID", _("Import ID")),
            Parameter("--row", _("A row number; can be repeated; all rows if omitted"), many=True, metavar="NUMBER"),
            Parameter("--json", _("One JSON document with every row that was not undone"), flag=True),
        ),
    ),
)
