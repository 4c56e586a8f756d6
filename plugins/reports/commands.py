"""`dealwright report`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from plugins.reports import ready, table
from plugins.reports.formats import of_reader
from plugins.reports.query import run, unpriced
from sdk import Command, Context, Parameter, Terminal, _
from sdk.permissions import EXPORT

FORMATS = ("table", "json", "csv", "xlsx")


def run_report(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Print a report."""
    entity = str(options["ENTITY"])
    words = {name: cast("tuple[str, ...]", options[name]) for name in ("measure", "by", "where")}
    shape = "json" if options["json"] else str(options["format"])
    if shape in ("csv", "xlsx"):
        ctx.require(f"{entity}.{EXPORT}")
    rows = run(ctx, entity, words["measure"], words["by"], words["where"])
    if shape == "json":
        found = {"data": rows, "unpriced": unpriced(ctx, entity, words["measure"], words["where"])}
        terminal.print(json.dumps(found, ensure_ascii=False, indent=2, default=str))
    elif shape in ready.TABLES:
        asked = ready.of_query(ctx, entity, words["measure"], words["by"], words["where"])
        labels = ready.labels(ctx, asked) if options["headings"] == ready.LABELS else table.NAMES
        made = table.as_csv(rows, of_reader(ctx), labels) if shape == "csv" else table.as_xlsx(rows, entity, of_reader(ctx), labels)
        terminal.bytes(made)
    else:
        terminal.print(table.as_table(rows, ctx.say(_("no records")), of_reader(ctx)))
    return 0


COMMANDS = (
    Command(
        "report",
        _("Count, sum and average the records of an entity by any dimension."),
        run_report,
        (
            Parameter("ENTITY", _("For example pipeline.deal")),
            Parameter("--measure", _("count, distinct:FIELD, sum:FIELD, avg:FIELD, min:FIELD or max:FIELD; can be repeated"), many=True),
            Parameter(
                "--by",
                _("A field, a date with its interval (close_date:month), or a field of a linked record (owner.team); can be repeated"),
                many=True,
            ),
            Parameter("--where", _("A condition, for example stage=won; can be repeated"), many=True),
            Parameter("--format", _("Output format; xlsx must be redirected to a file"), choices=FORMATS, default="table"),
            Parameter(
                "--headings",
                _("Column headings of csv and xlsx: labels (in the company’s language) or names (as in the API)"),
                choices=ready.HEADINGS,
                default=ready.NAMES,
            ),
            Parameter("--json", _("Same as --format json"), flag=True),
        ),
    ),
)
