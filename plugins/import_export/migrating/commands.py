"""`dealwright migrate` and `dealwright migrate-undo`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from plugins.import_export.files import Reading
from plugins.import_export.imports import digest_of, fail, reopened, stopped
from plugins.import_export.migrating import running
from plugins.import_export.migrating.running import MIGRATION, Asked
from plugins.import_export.plan import EMPTIED, TOTALS
from plugins.import_export.styles import NUMBERS, ORDERS
from sdk import Command, Context, NotFound, Parameter, Refusal, Terminal, _
from sdk.context import id_of
from sdk.routes import record_id

TAKEN, NOTHING, PARTIAL = 0, 1, 3
COUNTS = ("created", "updated", "unchanged", "skipped", "failed", "warned")


def migrate(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Bring in what another system has exported, in this process; 0: all rows taken, 3: some, 1: none."""
    path = Path(str(options["FILE"]))
    asked = Asked(
        path.name, str(options["from"] or ""), cast("tuple[str, ...]", options["owner"]), cast("tuple[str, ...]", options["value"]),
        dry_run=bool(options["dry-run"]), silent=not options["loud"], dates=str(options["dates"] or ""), numbers=str(options["numbers"] or ""),
        totals=str(options["totals"]), nothing=str(options["nothing"]), reading=Reading(str(options["encoding"] or "")),
    )  # fmt: skip
    try:
        source = path.open("rb")
    except OSError as failure:
        raise NotFound(_("can’t read {path}: {reason}"), path=str(path), reason=failure.strerror or str(failure)) from failure
    with source:
        digest = digest_of(source)
        if options["resume"]:
            record = reopened(ctx, record_id(str(options["resume"])), MIGRATION, digest)
            asked = running.asked_of(record)
        else:
            record = running.begin(ctx, asked, digest)
        try:
            done = running.carry_out(ctx, record, asked, source, lambda rows: terminal.progress(path.name, rows))
        except Refusal:
            raise
        except BaseException:  # nobody comes back to it, unlike a job: it must not stay `running`
            fail(ctx, id_of(record), stopped(asked.dry_run))
            terminal.note(f"stopped; go on with --resume {id_of(record)}")
            raise
    told = running.told(ctx, id_of(done))
    if options["json"]:
        terminal.print(json.dumps(told, ensure_ascii=False, indent=2, default=str))
    else:
        _tell(terminal, told)
    taken = any(told[name] for name in COUNTS[:3]) or any(one["known"] for one in cast("list[dict[str, object]]", told["imports"]))
    return TAKEN if told["state"] == "succeeded" else PARTIAL if taken else NOTHING


def _tell(terminal: Terminal, told: Mapping[str, object]) -> None:
    for one in cast("list[dict[str, object]]", told["imports"]):
        more = [
            f"{one[name]} {word}"
            for name, word in (("known", "there already"), ("left_out", "left out"), ("loose", "links open"))
            if one[name]
        ]
        counts = [f"{one[name]} {name}" for name in COUNTS if one[name]]
        terminal.print(f"{one['sheet']}: {', '.join(counts + more) or 'nothing'}")
        for row in cast("list[dict[str, object]]", one["problems"]):
            terminal.note(f"  {row['outcome']}: row {row['row']}{', ' + str(row['column']) if row['column'] else ''}: {row['reason']}")
        if one["reason"]:
            terminal.note(f"  {one['reason']}")
    for name, rows in cast("dict[str, dict[str, int]]", told["owners"])["unknown"].items():
        terminal.note(f"owner {name!r} is nobody here ({rows} rows); give --owner '{name}=MAIL ADDRESS'")
    for name in cast("list[str]", told["unknown"]):
        terminal.note(f"not recognised: {name}")
    whole = ", ".join(f"{told[name]} {name}" for name in COUNTS)
    end = " (dry run: nothing was written)" if told["dry_run"] else f"; id {told['id']}"
    terminal.print(f"{told['state']}: {whole}{end}")


def migrate_undo(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Undo a migration in this process; 0: all of it, 3: some."""
    id = record_id(str(options["ID"]))
    running.begin_undo(ctx, id)
    done = running.undo(ctx, id)
    terminal.print(f"{done['state']}: {done['undone']} undone, {done['conflicts']} in conflict")
    return PARTIAL if done["conflicts"] else TAKEN


COMMANDS = (
    Command("migrate", _("Import another system’s export: 0 all rows accepted, 3 some, 1 none."), migrate, (
        Parameter("FILE", _("A zip of its files, or one of them")),
        Parameter("--from", _("The system, if the files don’t say it: hubspot, salesforce, odoo")),
        Parameter("--owner", _("Which of our people one of theirs is; can be repeated"), many=True, metavar="'Theirs=ours'"),
        Parameter("--value", _("Meaning of one of their values; can be repeated"), many=True, metavar="'plugin.entity.field:theirs=ours'"),
        Parameter("--dates", _("The order of day, month and year, if the file is ambiguous"), choices=ORDERS),
        Parameter("--numbers", _("The decimal separator, if the file is ambiguous"), choices=tuple(NUMBERS)),
        Parameter("--totals", _("How rows that look like totals or notes are handled"), choices=TOTALS, default="take"),
        Parameter(
            "--nothing", _("Where NULL or N/A is an empty cell: in values only, or also in text"), choices=EMPTIED, default="values",
        ),
        Parameter("--encoding", _("The file encoding, if it can’t be detected")),
        Parameter("--resume", _("Resume an interrupted migration with the same file"), metavar="ID"),
        Parameter("--loud", _("Run rules and send emails and notifications"), flag=True),
        Parameter("--dry-run", _("Check everything, write nothing"), flag=True),
        Parameter("--json", _("One JSON document"), flag=True),
    )),
    Command("migrate-undo", _("Undo a migration: 0 all of it, 3 some; records edited since are kept."), migrate_undo, (
        Parameter("ID", _("Migration ID")),
    )),
)  # fmt: skip
