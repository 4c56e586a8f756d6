"""`dealwright import`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, cast

from plugins.import_export import imports
from plugins.import_export.files import Reading, open_book
from plugins.import_export.plan import DUPLICATES, EMPTIED, LISTS, MODES, TOTALS, WORDS, Wish
from plugins.import_export.styles import NUMBERS, ORDERS
from plugins.import_export.tally import COUNTS, WARNED
from plugins.import_export.template import FORMATS, template
from sdk import BadRequest, Command, Context, NotFound, Parameter, Refusal, Terminal, _
from sdk.context import Row, id_of
from sdk.routes import record_id

TAKEN, NOTHING, PARTIAL = 0, 1, 3
SHOWN = 20


def run_import(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Import a file in this process; 0: all rows taken, 3: some, 1: none."""
    path = Path(str(options["FILE"]))
    lists = {name: tuple(cast("tuple[str, ...]", options[name])) for name in LISTS}
    reading = Reading(str(options["encoding"] or ""), str(options["delimiter"] or ""), headings=_row(str(options["heading-row"])))
    words = {name: str(options[name] or "") for name in WORDS}
    switches = {"dry_run": bool(options["dry-run"]), "silent": bool(options["silent"]), "history": bool(options["history"])}
    wish = Wish(str(options["ENTITY"]), path.name, reading=reading, **cast("dict[str, Any]", {**lists, **words, **switches}))
    try:
        source = path.open("rb")
    except OSError as failure:
        raise NotFound(_("can’t read {path}: {reason}"), path=str(path), reason=failure.strerror or str(failure)) from failure
    with source:
        digest = imports.digest_of(source)
        if options["resume"]:
            record, wish = imports.to_resume(ctx, record_id(str(options["resume"])), wish.entity, digest)
        else:
            record = imports.begin(ctx, wish, digest)
        try:
            done = imports.carry_out(ctx, record, wish, source, lambda rows: terminal.progress(path.name, rows))
        except Refusal:
            raise
        except BaseException:  # nobody comes back to it, unlike a job: it must not stay `running`
            imports.fail(ctx, id_of(record), imports.stopped(wish.dry_run))
            terminal.note(f"stopped; go on with --resume {id_of(record)}")
            raise
        for note in open_book(source, path.name, wish.reading).notes:
            terminal.note(f"{path.name}: {ctx.say(note.message, note.params)}")
    (_print if options["json"] else _tell)(terminal, done, _rows(ctx, done))
    return _exit_code(done)


def _row(word: str) -> int:
    if not word.isdecimal() or int(word) > 50:
        raise BadRequest(_("the row of the headings must be a number up to 50, not {word!r}"), word=word[:40])
    return int(word)


def write_template(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Print a file to fill in."""
    terminal.bytes(template(ctx, str(options["ENTITY"]), str(options["format"]), history=bool(options["history"])).content)
    return TAKEN


def _exit_code(done: Row) -> int:
    if done["state"] in ("succeeded", "empty"):
        return TAKEN
    return PARTIAL if any(int(str(done[name])) for name in ("created", "updated", "unchanged")) else NOTHING


def _rows(ctx: Context, done: Row) -> Iterator[Row]:
    """The rows that were not taken or that one is warned of, page by page: of a bad file it is all of them."""
    cursor: str | None = ""
    while cursor is not None:
        page = imports.rows(ctx, id_of(done), None, 500, cursor)
        yield from page.data
        cursor = page.next


def _print(terminal: Terminal, done: Row, left: Iterator[Row]) -> None:
    """One JSON document, a line for each row."""
    ignored = str(done["ignored"]).split(", ") if done["ignored"] else []
    counted = {name: done[name] for name in ("entity", "mode", "dry_run", "state", *COUNTS)}
    named = {"id": str(done["id"]), "file": done["file_name"], "file_name": done["file_name"]}  # as in the API, too
    head = {**named, **counted, "ignored": ignored, "emptied": done["emptied"], "notes": done["notes"]}
    terminal.print(json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "rows": [')
    line = ""
    for row in left:
        if line:
            terminal.print(f"    {line},")
        told = {name: row[name] for name in ("outcome", "column", "value", "code", "reason", "nearest")}
        line = json.dumps({"row": row["number"], "number": row["number"], **told}, ensure_ascii=False)
    if line:
        terminal.print(f"    {line}")
    terminal.print("  ]\n}")


def _tell(terminal: Terminal, done: Row, left: Iterator[Row]) -> None:
    for row in islice(left, SHOWN):
        place = f"row {row['number']}" + (f", column {row['column']}" if row["column"] else "")
        value = f" {row['value']!r}" if row["value"] is not None else ""
        terminal.note(f"{row['outcome']}: {place}{value}: {row['reason']}")
    more = sum(int(str(done[name])) for name in ("skipped", "failed", WARNED)) - SHOWN
    if more > 0:
        terminal.note(f"… and {more} more; --json lists them all")
    if done["state"] == "empty":
        terminal.note("the file has headings but no rows")
    if done["ignored"]:
        terminal.note(f"columns left out: {done['ignored']}")
    if done["emptied"]:
        terminal.note(f"counted as empty cells: {done['emptied']}")
    counts = ", ".join(f"{done[name]} {name}" for name in COUNTS if name != WARNED or done[name])
    terminal.print(f"{done['state']}: {counts}{' (dry run: nothing was written)' if done['dry_run'] else ''}")


COMMANDS = (
    Command(
        "import",
        _("Import a CSV file into an entity: 0 all rows accepted, 3 some, 1 none."),
        run_import,
        (
            Parameter("ENTITY", _("For example customers.account")),
            Parameter("FILE", _("A CSV file with headings")),
            Parameter("--mode", _("What to do with rows"), choices=MODES, default="create"),
            Parameter("--match", _("A field that names a record; can be repeated"), many=True, metavar="FIELD"),
            Parameter("--map", _("Which field a column maps to, none to skip it; can be repeated"), many=True, metavar="'Heading=field'"),
            Parameter("--value", _("Meaning of a column’s value; can be repeated"), many=True, metavar="'field:from=to'"),
            Parameter(
                "--collision",
                _("What happens if a field already has a value: overwrite, only_if_empty, never; can be repeated"),
                many=True,
                metavar="FIELD=RULE",
            ),
            Parameter("--join", _("A cell that holds several values; can be repeated"), many=True, metavar="'field=Heading+Heading'"),
            Parameter("--split", _("The two parts of a name; can be repeated"), many=True, metavar="'Heading=given+family'"),
            Parameter(
                "--transform", _("trim, lower, upper, title, first, percent or e164=86; can be repeated"), many=True, metavar="field:KIND"
            ),
            Parameter("--system", _("Where the IDs in a column mapped to external_id come from"), default="import"),
            Parameter("--set", _("A fixed value for every row; can be repeated"), many=True, metavar="FIELD=VALUE"),
            Parameter("--dates", _("The order of day, month and year, if the file is ambiguous"), choices=ORDERS),
            Parameter("--numbers", _("The decimal separator, if the file is ambiguous"), choices=tuple(NUMBERS)),
            Parameter("--years", _("The earliest year a two-digit year can mean, for example 1950")),
            Parameter("--encoding", _("The file encoding, if it can’t be detected")),
            Parameter("--delimiter", _("The delimiter, if it can’t be detected; tab for a tab")),
            Parameter("--heading-row", _("The row of the headings, if lines above them aren’t detected"), default="0"),
            Parameter("--duplicates", _("How likely duplicates are handled"), choices=DUPLICATES, default="skip"),
            Parameter(
                "--nothing",
                _("Where NULL or N/A is an empty cell: in values only, or also in text"),
                choices=EMPTIED,
                default="values",
            ),
            Parameter("--totals", _("How rows that look like totals or notes are handled"), choices=TOTALS),
            Parameter("--sheet", _("The sheet of a workbook; the first if omitted")),
            Parameter("--resume", _("Resume an interrupted import with the same file"), metavar="ID"),
            Parameter("--silent", _("No emails, notifications or rules"), flag=True),
            Parameter("--history", _("Closed documents with their lines, numbers and states; no one is notified"), flag=True),
            Parameter("--dry-run", _("Check everything, write nothing"), flag=True),
            Parameter("--json", _("One JSON document with every row that was rejected or has a warning"), flag=True),
        ),
    ),
    Command(
        "import-template",
        _("Print a template with an example row for an entity."),
        write_template,
        (
            Parameter("ENTITY", _("For example customers.account")),
            Parameter("--format", _("The file format; xlsx has drop-downs and is written to a file"), choices=FORMATS, default="csv"),
            Parameter("--history", _("With the columns that only an import of history may fill"), flag=True),
        ),
    ),
)
