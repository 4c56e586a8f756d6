"""Imports and what became of their rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from plugins.import_export.columns import HEADINGS, NAMES
from plugins.import_export.sinks import FORMATS
from sdk import Record, _
from sdk import fields as f

MODES = {"create": _("Create"), "update": _("Update"), "upsert": _("Create or update")}
STATES = {
    "waiting": _("Waiting"),
    "running": _("Running"),
    "succeeded": _("Succeeded"),
    "partial": _("Partial"),
    "failed": _("Failed"),
}
EXPORT_STATES = {
    "waiting": _("Waiting"),
    "running": _("Running"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
}
OUTCOMES = {"skipped": _("Skipped"), "failed": _("Failed"), "warned": _("Taken with a warning")}


class Import(Record):
    """One run over one file. `position` is the last row whose fate is committed: a killed run goes on after it."""

    __tablename__ = "import_export_imports"

    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True)
    file_name: Mapped[str] = f.text(_("File"), required=True, search=True)
    mode: Mapped[str] = f.choice(_("Mode"), MODES, default="create")
    dry_run: Mapped[bool] = f.boolean(_("Dry run"))
    state: Mapped[str] = f.choice(_("State"), STATES, default="waiting", index=True)
    created: Mapped[int] = f.integer(_("Created"), default=0)
    updated: Mapped[int] = f.integer(_("Updated"), default=0)
    unchanged: Mapped[int] = f.integer(_("Unchanged"), default=0)
    skipped: Mapped[int] = f.integer(_("Skipped"), default=0)
    failed: Mapped[int] = f.integer(_("Failed"), default=0)
    warned: Mapped[int] = f.integer(_("Taken with a warning"), default=0)
    position: Mapped[int] = f.integer(_("Rows done"), default=0)
    deferred: Mapped[str | None] = f.long_text(_("Rows put off"), length=2_000_000)
    headings: Mapped[str | None] = f.long_text(_("Headings"), length=200_000, readonly=True)
    ignored: Mapped[str | None] = f.long_text(_("Columns left out"))
    reason: Mapped[str | None] = f.long_text(_("Reason"))


class ImportRow(Record):
    """A row of the file that was not taken, or that was taken with a warning, and why; visible as its import is."""

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


class Export(Record):
    """What somebody took away as a file: of what, with which filter and columns, how many rows."""

    __tablename__ = "import_export_exports"

    entity: Mapped[str] = f.text(_("Entity"), length=80, required=True, search=True, index=True)
    format: Mapped[str] = f.choice(_("Format"), FORMATS, required=True)
    headings: Mapped[str] = f.choice(_("Headings"), HEADINGS, default=NAMES)
    file_name: Mapped[str] = f.text(_("File"), required=True, search=True)
    conditions: Mapped[str | None] = f.long_text(_("Filters"))
    words: Mapped[str | None] = f.text(_("Search words"), length=200)
    ordered_by: Mapped[str | None] = f.text(_("Sort"), length=500)
    columns: Mapped[str] = f.long_text(_("Columns"), required=True)
    state: Mapped[str] = f.choice(_("State"), EXPORT_STATES, default="waiting", index=True)
    done: Mapped[int] = f.integer(_("Rows done"), default=0)
    total: Mapped[int] = f.integer(_("Rows in all"), default=0)
    size: Mapped[int | None] = f.integer(_("Size in bytes"), least=0)
    content: Mapped[str | None] = f.text(_("Content"), length=32)
    ends_at: Mapped[datetime | None] = f.at(_("Can be fetched until"), index=True)
    reason: Mapped[str | None] = f.long_text(_("Reason"))
