"""Starting, running and ending exports: what an export asks for stands in its record, which is also what the audit has of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, cast
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from plugins.import_export.columns import NAMES, ExportColumn, columns_of, settle
from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import names_of
from plugins.import_export.sinks import CSV, FORMATS, XLSX, open_sink
from plugins.import_export.tables import MOST_OF_FILTERS
from plugins.import_export.workbook import MOST_ROWS
from sdk import (
    BadRequest,
    Block,
    Condition,
    Conflict,
    Context,
    Draft,
    Forbidden,
    Invalid,
    NotFound,
    Notice,
    Problem,
    Query,
    Refusal,
    Unavailable,
    _,
    parse_filter,
)
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField, LinkField, Reference
from sdk.files import clean_name
from sdk.permissions import EXPORT as RIGHT
from sdk.routes import Download

EXPORT = "import_export.export"
PERMISSION = f"{EXPORT}.create"
JOB = "import_export.run_export"
KEPT = timedelta(days=7)
"""How long a file may be fetched."""
LOST = timedelta(days=1)
"""After so long without a step nobody comes back to an export: every attempt at it has failed."""
BLOCK, STEPS = 5_000, 20_000
"""Rows read at once; rows after which the record says how far it is."""
WAITING, RUNNING, SUCCEEDED, FAILED, CANCELLED = "waiting", "running", "succeeded", "failed", "cancelled"
OWN = "id"
UNDER_WAY = (WAITING, RUNNING)


@dataclass(frozen=True)
class Selection:
    """What is wanted: filters as name and value pairs of the list's language, words, a sort, fields (none: all that an import takes)."""

    entity: str
    format: str = CSV
    filters: tuple[tuple[str, str], ...] = ()
    words: str = ""
    sort: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    headings: str = NAMES
    file_name: str = ""

    def query(self, **more: object) -> Query:
        """The question of its rows."""
        return Query(filter=parse_filter(self.filters), sort=self.sort, q=self.words, **more)  # type: ignore[arg-type]


def permit(ctx: Context, entity: str) -> None:
    """Raise NotFound for an entity that is not here, Forbidden for one that the actor may not take away as a file."""
    ctx.records(entity)
    if not ctx.can(PERMISSION):
        raise Forbidden(_("you don’t have permission to export files"))
    if not ctx.can(f"{entity}.read"):
        raise Forbidden(_("you don’t have access to {entity}"), entity=entity)
    ctx.require(f"{entity}.{RIGHT}")


def total_of(ctx: Context, selection: Selection) -> int:
    """How many rows there are; raises BadRequest for a filter or a sort that does not fit."""
    return int(ctx.records(selection.entity).query(selection.query(fields=("id",), limit=1, count=True)).total or 0)


def begin(ctx: Context, selection: Selection) -> Row:
    """The record of a new export, which the actor owns. Raises BadRequest, Forbidden, Invalid for more rows than a sheet has."""
    permit(ctx, selection.entity)
    fields, total = settle(ctx, selection.entity, selection.fields), total_of(ctx, selection)
    if not fields:
        raise Invalid(_("{entity} has no exportable fields with these names; choose some"), entity=selection.entity)
    if selection.format == XLSX and total > MOST_ROWS:
        raise Invalid(_("a sheet can have at most {most} rows; export as CSV, or export less at a time"), most=MOST_ROWS)
    conditions = urlencode(selection.filters)
    if len(conditions) > MOST_OF_FILTERS:
        text = _("takes {got} characters in a URL, but at most {most} are allowed; ask for fewer values at a time")
        problem = Problem("filter", "too_long", text, {"got": len(conditions), "most": MOST_OF_FILTERS})
        raise Invalid(_("some values are invalid"), problems=[problem])
    name = clean_name(selection.file_name or f"{ctx.say(ctx.entity(selection.entity).plural_label)}.{selection.format}", "export")
    values = {
        "entity": selection.entity, "format": selection.format, "headings": selection.headings, "file_name": name,
        "conditions": conditions or None, "words": selection.words or None, "ordered_by": ",".join(selection.sort) or None,
        "columns": ",".join(fields), "total": total,
    }  # fmt: skip
    return ctx.as_system().records(EXPORT).create(values)


def selection_of(record: Row) -> Selection:
    """What an export's record asks for."""

    def word(name: str) -> str:
        return str(record[name] or "")

    def words(name: str) -> tuple[str, ...]:
        return tuple(filter(None, word(name).split(",")))

    filters = tuple(parse_qsl(word("conditions"), keep_blank_values=True))
    return Selection(
        word("entity"), word("format"), filters, word("words"), words("ordered_by"), words("columns"), word("headings"), word("file_name")
    )


def carry_out(ctx: Context, record: Row, stream: BinaryIO, step: Callable[[int], None] = lambda _count: None) -> Row | None:
    """Write the file; returns the record at its end, None where it was cancelled, deleted or begun anew meanwhile.

    Rights are asked again, as time may have passed. What fails ends the export with its reason, and is raised.
    """
    id, selection = id_of(record), selection_of(record)
    try:
        permit(ctx, selection.entity)
        if _save(ctx, id, {"state": RUNNING, "done": 0, "rights": ctx.reading_stamp()}, record) is None:
            return None
        columns = columns_of(ctx, selection.entity, settle(ctx, selection.entity, selection.fields), selection.headings)
        done = told = 0
        with closing(open_sink(ctx, stream, selection.format, columns, selection.headings)) as sink:
            names = tuple(OWN if one.names_record else one.field.name for one in columns)
            for block in ctx.records(selection.entity).blocks(selection.query(fields=tuple(dict.fromkeys(names))), BLOCK):
                sink.write(_as_they_came(ctx, selection.entity, block, columns))
                done += block.rows
                step(block.rows)
                if done - told >= STEPS:
                    told = done
                    if not _save(ctx, id, {"done": done}, record):
                        return None
    except Refusal as refusal:
        fail(ctx, id, refusal, record)
        raise
    return _save(ctx, id, {"done": done}, record)


def _as_they_came(ctx: Context, entity: str, block: Block, columns: Sequence[ExportColumn]) -> Block:
    """With the ids under which records came from another export in the place of ours, where these stand for a name."""
    links = (one.field.name for one in columns if type(one.field) is LinkField and not one.names_record)
    targets = {name: ctx.target(entity, name) for name in links}
    told = dict(block.columns)
    if any(one.names_record for one in columns):
        targets[EXTERNAL], told[EXTERNAL] = entity, told[OWN]

    def meant(name: str, cell: object) -> Reference | None:
        return (
            Reference(targets[name], cell) if name in targets and isinstance(cell, UUID) else cell if isinstance(cell, Reference) else None
        )

    pointed = {
        name: [meant(name, cell) for cell in cells]
        for name, cells in told.items()
        if name in targets or any(isinstance(one.field, AnyRecordField) and one.field.name == name for one in columns)
    }
    named = names_of(ctx, (one for cells in pointed.values() for one in cells if one is not None))
    for name, cells in pointed.items() if named else ():
        ours = zip(told[name], cells, strict=True)
        told[name] = [
            cell if one is None or (id := named.get(one)) is None else id if name in targets else Reference(one.entity, id)
            for cell, one in ours
        ]
    return Block(block.rows, told)


def finish(ctx: Context, record: Row, values: Mapping[str, object]) -> Row | None:
    """The file is there: say so to who asked for it; None where it was cancelled, deleted or begun anew meanwhile."""
    with ctx.transaction(write=True):
        ended = _save(ctx, id_of(record), {**values, "state": SUCCEEDED}, record)
        _tell(ctx, ended, _("Export ready: {file}"))
    return ended


def fail(ctx: Context, id: UUID, refusal: Refusal, of: Row | None = None) -> None:
    """Record why an export could not run, or an attempt `of` it."""
    reason = "; ".join([ctx.say(refusal.message, refusal.params), *(ctx.say(p.message, p.params) for p in refusal.problems)])
    with ctx.transaction(write=True):
        _tell(ctx, _save(ctx, id, {"state": FAILED, "reason": reason[:20_000]}, of), _("Export failed: {file}"))


def _tell(ctx: Context, record: Row | None, title: str) -> None:
    if record is not None and record["owner"] is not None and ctx.actor.user_id is not None:
        owner = cast("UUID", record["owner"])
        ctx.notify(
            [Notice(owner, "import_export.export", title, params={"file": record["file_name"]}, about=Reference(EXPORT, id_of(record)))]
        )


def _save(ctx: Context, id: UUID, values: Mapping[str, object], of: Row | None = None) -> Row | None:
    """How far it is; None, and nothing written, where somebody has cancelled or deleted it, or made another attempt than the one `of` this record."""
    exports = ctx.as_system().records(EXPORT)
    with ctx.transaction(write=True):
        there = exports.values([id], hold=True).get(id)
        if there is None or there["state"] not in UNDER_WAY or (of is not None and there["content"] != of["content"]):
            return None
        return exports.update(id, values, act="run")


def run_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """The background side of `POST /exports`: a run that was interrupted is begun anew, and leaves one file.

    Each attempt says which file it will write before it does: what a killed one has left is known, and taken away by the next.
    """
    id = UUID(str(arguments["export"]))
    before = ctx.as_system().records(EXPORT).values([id]).get(id)
    key = ctx.new_ids([0])[0].hex
    record = _save(ctx, id, {"content": key}) if before is not None else None
    if before is None or record is None:
        return
    if before["content"]:
        ctx.files.remove(str(before["content"]))
    with tempfile.TemporaryFile() as stream:
        try:
            if carry_out(ctx, record, stream) is None:
                return
        except Refusal:  # its record says why
            return
        size = stream.tell()
        stream.seek(0)
        ctx.files.save(stream, key)
    if finish(ctx, record, {"size": size, "ends_at": ctx.now() + KEPT}) is None:
        ctx.files.remove(key)


def cancel(ctx: Context, id: UUID) -> Row:
    """End an export that is under way; raises Conflict for one that has ended."""
    mine(ctx, id)
    with ctx.transaction(write=True):
        record = _save(ctx, id, {"state": CANCELLED})
        if record is None:
            raise Conflict(_("the export has already ended"))
        return record


def mine(ctx: Context, id: UUID) -> Row:
    """An export of the actor's own; raises NotFound for anybody else's, whatever rights the actor has (a file holds what its owner may see), and
    for who may not see whose it is, who would learn it by this."""
    seen = ctx.records(EXPORT).values([id]).get(id)
    record = ctx.as_system().records(EXPORT).values([id]).get(id)  # what is done with it needs fields that its owner may not be shown
    if seen is None or record is None or "owner" not in seen or seen["owner"] != ctx.actor.user_id:
        raise NotFound(_("{entity} {id} does not exist"), entity=EXPORT, id=str(id))
    return record


def download(ctx: Context, id: UUID, media: Mapping[str, str]) -> Download:
    """The file, for its owner while he may export such records, may read what he might when it was made, and sees all fields that are in it,
    also by the token with which he asks, until its time ends; raises NotFound, Forbidden, Conflict where there is none yet. Of what it is and
    how far it is tells any refusal."""
    record = mine(ctx, id)
    own = ctx.records(EXPORT).values([id])[id]
    entity, state = str(own["entity"]), str(own["state"])
    permit(ctx, entity)
    whole, seen = ctx.as_system().records(entity).fields(), ctx.records(entity).fields()
    if hidden := next((name for name in selection_of(record).fields if name in whole and name not in seen), ""):
        raise Forbidden(_("you don’t have access to the field {field!r} in the file; export again"), code="field_forbidden", field=hidden)
    if state != SUCCEEDED:
        raise Conflict(_("there is no file: the export is {state}"), state=state)
    if not record["content"] or cast("datetime", record["ends_at"]) <= ctx.now():
        raise NotFound(_("the file was kept for {days} days and has been deleted; export again"), days=KEPT.days)
    if record["rights"] != ctx.reading_stamp():
        raise Forbidden(_("what you can see has changed since this file was made; export again"), code="rights_changed")
    return Download(b"", media[str(record["format"])], str(record["file_name"]), ctx.files.open(str(record["content"])))


def remove_old(ctx: Context) -> None:
    """Take away files whose time has ended, and those of deleted exports and of broken ones; end what nobody comes back to. Runs by a schedule."""
    exports = ctx.as_system().records(EXPORT)
    lost = (Condition("state", "in", UNDER_WAY), Condition("updated_at", "lt", (ctx.now() - LOST,)))
    for row in exports.find(lost, 500):
        fail(ctx, id_of(row), Unavailable(_("the export was interrupted repeatedly; export again, or ask an administrator")))
    named = Condition("content", "empty", ("false",))
    for useless in (Condition("ends_at", "lte", (ctx.now(),)), Condition("state", "in", (FAILED, CANCELLED))):
        while old := exports.find((named, useless), 500):
            exports.write_all([Draft("update", {"content": None, "size": None}, id_of(row), act="run") for row in old])
            for row in old:
                ctx.files.remove(str(row["content"]))
    for row in exports.find((named, Condition("ends_at", "gt", (ctx.now() - KEPT,))), 10_000, deleted=True):
        ctx.files.remove(str(row["content"]))  # an unknown key is no error: deleted ones are looked at until their time has long ended


def give_up(ctx: Context) -> None:
    """The plugin is switched off: what is under way waits for nothing any more."""
    exports, reason = ctx.as_system().records(EXPORT), ctx.say(_("import and export was turned off before it finished"))
    while unfinished := exports.find((Condition("state", "in", UNDER_WAY),), 500):
        exports.write_all([Draft("update", {"state": FAILED, "reason": reason}, id_of(row), act="run") for row in unfinished])


def format_of(name: str) -> str:
    """The format by a file's ending; raises BadRequest."""
    ending = name.rpartition(".")[2].lower()
    if ending not in FORMATS:
        raise BadRequest(_("unknown format of {name!r}; use a name ending in .csv, .xlsx or .jsonl, or specify --format"), name=name[-80:])
    return ending
