"""Files that were sent, imports of them, what became of their rows, and what imports remember."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from plugins.import_export.columns import HEADINGS, NAMES
from plugins.import_export.sinks import FORMATS
from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

MODES = {"create": _("Create"), "update": _("Update"), "upsert": _("Create or update")}
STATES = {
    "waiting": _("Waiting"),
    "running": _("Running"),
    "succeeded": _("Succeeded"),
    "partial": _("Partial"),
    "empty": _("No rows"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "undoing": _("Undoing"),
    "undone": _("Undone"),
    "partly_undone": _("Partly undone"),
}
EXPORT_STATES = {
    "waiting": _("Waiting"),
    "running": _("Running"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
}
OUTCOMES = {
    "skipped": _("Skipped"),
    "failed": _("Failed"),
    "warned": _("Accepted with a warning"),
    "conflict": _("Not undone"),
}
MOST_OF_FILTERS = 200_000
"""As an address writes them: a Chinese sign is nine."""
LONGEST = 4_000_000
"""Characters of what is written down of a chunk of rows."""


class StagedFile(Record):
    """A file that was sent once, to be mapped, looked at, mended and imported as often as one likes, until it expires."""

    __tablename__ = "import_export_files"

    file_name: Mapped[str] = f.text(_("File"), required=True, search=True)
    content: Mapped[str | None] = f.text(_("Content"), length=100, readonly=True, sensitive=True, personal=True)
    size: Mapped[int] = f.integer(_("Size"), default=0, readonly=True)
    reading: Mapped[str | None] = f.long_text(_("File format"), readonly=True)
    book: Mapped[str | None] = f.long_text(_("Sheets"), length=LONGEST, readonly=True, sensitive=True, personal=True)
    expires_at: Mapped[datetime | None] = f.at(_("Kept until"), readonly=True, index=True)


class Correction(Record):
    """What was mended in a row of a staged file, or that the row is left out; the file itself stays as it came."""

    __tablename__ = "import_export_corrections"
    __table_args__ = (unique_together("import_export_corrections", "file_id", "sheet", "number"),)

    file_id: Mapped[UUID] = f.link(_("File"), StagedFile, required=True, parent=True)
    sheet: Mapped[int] = f.integer(_("Sheet"), default=0, least=0)
    number: Mapped[int] = f.integer(_("Row"), required=True, least=1)
    cells: Mapped[str | None] = f.long_text(_("Cells"), length=LONGEST, sensitive=True, personal=True)
    left_out: Mapped[bool] = f.boolean(_("Skipped"))


class Import(Record):
    """One run over one sheet. `position` is the last row whose fate is committed: a killed run goes on after it."""

    __tablename__ = "import_export_imports"

    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    file_name: Mapped[str] = f.text(_("File"), required=True, search=True)
    mode: Mapped[str] = f.choice(_("Mode"), MODES, default="create")
    dry_run: Mapped[bool] = f.boolean(_("Dry run"))
    state: Mapped[str] = f.choice(_("Status"), STATES, default="waiting", index=True)
    created: Mapped[int] = f.integer(_("Created"), default=0)
    updated: Mapped[int] = f.integer(_("Updated"), default=0)
    unchanged: Mapped[int] = f.integer(_("Unchanged"), default=0)
    skipped: Mapped[int] = f.integer(_("Skipped"), default=0)
    failed: Mapped[int] = f.integer(_("Failed"), default=0)
    warned: Mapped[int] = f.integer(_("Accepted with a warning"), default=0)
    position: Mapped[int] = f.integer(_("Last row done"), default=0)
    total: Mapped[int | None] = f.integer(_("Rows"))
    done: Mapped[int] = f.integer(_("Rows done"), default=0)
    rate: Mapped[int | None] = f.integer(_("Rows per second"))
    seconds_left: Mapped[int | None] = f.integer(_("Seconds left"))
    deferred: Mapped[str | None] = f.long_text(_("Rows put off"), length=2_000_000)
    headings: Mapped[str | None] = f.long_text(_("Headings"), length=200_000, readonly=True)
    ignored: Mapped[str | None] = f.long_text(_("Skipped columns"))
    emptied: Mapped[str | None] = f.long_text(_("Words that counted as empty"))
    notes: Mapped[str | None] = f.long_text(_("Notes on the file"))
    reason: Mapped[str | None] = f.long_text(_("Reason"))
    file_id: Mapped[UUID | None] = f.link(_("Uploaded file"), "import_export.file")
    sheet: Mapped[str | None] = f.text(_("Sheet"))
    part_of_id: Mapped[UUID | None] = f.link(_("Part of"), "import_export.import")
    silent: Mapped[bool] = f.boolean(_("Silent"))
    started_at: Mapped[datetime | None] = f.at(_("Started"))
    ended_at: Mapped[datetime | None] = f.at(_("Ended"))
    undone: Mapped[int] = f.integer(_("Undone"), default=0)
    conflicts: Mapped[int] = f.integer(_("Not undone"), default=0)
    wish: Mapped[str | None] = f.long_text(_("What was requested"), length=200_000, readonly=True)


class ImportRow(Record):
    """A row of the file that was not taken, was taken with a warning, or could not be undone, and why; visible as its import is."""

    __tablename__ = "import_export_rows"

    import_id: Mapped[UUID] = f.link(_("Import"), Import, required=True, parent=True)
    number: Mapped[int] = f.integer(_("Row"), required=True, index=True)
    outcome: Mapped[str] = f.choice(_("Outcome"), OUTCOMES, required=True, index=True)
    column: Mapped[str | None] = f.text(_("Column"), length=200)
    value: Mapped[str | None] = f.text(_("Value"), personal=True)
    code: Mapped[str | None] = f.text(_("Code"), length=60)
    reason: Mapped[str | None] = f.long_text(_("Reason"), personal=True)
    nearest: Mapped[str | None] = f.text(_("Nearest match"), personal=True)
    cells: Mapped[str | None] = f.long_text(_("Cells"), length=2_000_000, personal=True)


class Part(Record):
    """The journal of a part of an import: the fate of each of its rows, by which record, and what was there before.

    Written with the records, in their transaction. `rows` is a list of [number, letter, id of the record]; `before` holds, by the number
    of a row, the version that the changed record came to have and the former cells of its fields.
    """

    __tablename__ = "import_export_parts"

    import_id: Mapped[UUID] = f.link(_("Import"), Import, required=True)
    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    first: Mapped[int] = f.integer(_("First row"), required=True)
    last: Mapped[int] = f.integer(_("Last row"), required=True)
    letters: Mapped[str | None] = f.text(_("Outcome codes"), length=10)
    rows: Mapped[str | None] = f.long_text(_("Rows"), length=LONGEST, sensitive=True)
    before: Mapped[str | None] = f.long_text(_("Previous values"), length=LONGEST, sensitive=True)
    undone: Mapped[str | None] = f.long_text(_("Rows undone"), length=LONGEST)


class Origin(Record):
    """Some records, near to one another by their ids, that stand in a part of a journal: by it that part is found for each of them.

    See `origins`: `stem` is what their ids begin with, `records` their ids; where it is empty, the part made all that lies between.
    """

    __tablename__ = "import_export_origins"

    import_id: Mapped[UUID] = f.link(_("Import"), Import, required=True)
    part_id: Mapped[UUID] = f.link(_("Journal part"), Part, required=True)
    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    stem: Mapped[str] = f.text(_("Common prefix"), length=80, required=True, index=True)
    first: Mapped[str] = f.text(_("First record"), length=32, required=True)
    last: Mapped[str] = f.text(_("Last record"), length=32, required=True)
    records: Mapped[str | None] = f.long_text(_("Records"), sensitive=True)


class Mapping(Record):
    """How the columns of a file with certain headings became fields the last time."""

    __tablename__ = "import_export_mappings"
    __table_args__ = (unique_together("import_export_mappings", "entity", "digest"),)

    name: Mapped[str] = f.text(_("Name"), required=True)
    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    digest: Mapped[str] = f.text(_("Headings digest"), length=64, required=True)
    wish: Mapped[str | None] = f.long_text(_("What was requested"), length=200_000)


class ExternalId(Record):
    """What another system calls a record: by it later imports find the record again."""

    __tablename__ = "import_export_external_ids"
    __table_args__ = (unique_together("import_export_external_ids", "entity", "system", "external_id"),)

    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    system: Mapped[str] = f.text(_("System"), length=60, required=True)
    external_id: Mapped[str] = f.text(_("External ID"), required=True, search=True)
    record: Mapped[f.Reference | None] = f.any_record(_("Record"))
    import_id: Mapped[UUID | None] = f.link(_("Import"), "import_export.import")


class Export(Record):
    """What somebody took away as a file: of what, with which filter and columns, how many rows."""

    __tablename__ = "import_export_exports"

    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True, search=True, index=True)
    format: Mapped[str] = f.choice(_("Format"), FORMATS, required=True)
    headings: Mapped[str] = f.choice(_("Headings"), HEADINGS, default=NAMES)
    file_name: Mapped[str] = f.text(_("File"), required=True, search=True)
    conditions: Mapped[str | None] = f.long_text(_("Filters"), length=MOST_OF_FILTERS)
    words: Mapped[str | None] = f.text(_("Search words"), length=200)
    ordered_by: Mapped[str | None] = f.text(_("Sort"), length=500)
    columns: Mapped[str] = f.long_text(_("Columns"), required=True)
    state: Mapped[str] = f.choice(_("Status"), EXPORT_STATES, default="waiting", index=True)
    done: Mapped[int] = f.integer(_("Rows done"), default=0)
    total: Mapped[int] = f.integer(_("Total rows"), default=0)
    size: Mapped[int | None] = f.integer(_("Size (bytes)"), least=0)
    content: Mapped[str | None] = f.text(_("Content"), length=32)
    rights: Mapped[str | None] = f.text(_("Rights stamp"), length=64)
    ends_at: Mapped[datetime | None] = f.at(_("Available until"), index=True)
    reason: Mapped[str | None] = f.long_text(_("Reason"))
