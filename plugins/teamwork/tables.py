"""Tasks, activities, comments and files about any record."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from sdk import Record, _
from sdk import fields as f

OPEN, DONE, CANCELLED, PLANNED = "open", "done", "cancelled", "planned"
STATES = {OPEN: _("Open"), DONE: _("Done"), CANCELLED: _("Cancelled")}
COURSE = {PLANNED: _("Planned"), DONE: _("Done"), CANCELLED: _("Cancelled")}
PRIORITIES = {"high": _("High"), "normal": _("Normal"), "low": _("Low")}
KINDS = {"call": _("Call"), "visit": _("Visit"), "meeting": _("Meeting"), "mail": _("E-mail"), "note": _("Note")}


class Task(Record):
    """Something that its owner is to do."""

    __tablename__ = "teamwork_tasks"

    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), track=True)
    due_on: Mapped[date | None] = f.on(_("Due on"), track=True, index=True)
    priority: Mapped[str] = f.choice(_("Priority"), PRIORITIES, default="normal", track=True)
    state: Mapped[str] = f.choice(_("State"), STATES, default=OPEN, track=True, index=True)
    done_at: Mapped[datetime | None] = f.at(_("Done at"), readonly=True)
    parent_task_id: Mapped[UUID | None] = f.link(_("Part of"), "self", tree=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Activity(Record):
    """A call, a visit, a meeting: planned, or what became of it."""

    __tablename__ = "teamwork_activities"

    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True)
    kind: Mapped[str] = f.choice(_("Kind"), KINDS, default="call", track=True, index=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), track=True)
    starts_at: Mapped[datetime] = f.at(_("Starts at"), required=True, track=True, index=True)
    ends_at: Mapped[datetime | None] = f.at(_("Ends at"), track=True, index=True)
    state: Mapped[str] = f.choice(_("State"), COURSE, default=PLANNED, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Comment(Record):
    """What somebody said about a record; seen by those who see the record."""

    __tablename__ = "teamwork_comments"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True)
    body: Mapped[str] = f.long_text(_("Text"), length=5000, required=True)


class File(Record):
    """A file that belongs to a record; seen by those who see the record."""

    __tablename__ = "teamwork_files"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True)
    name: Mapped[str] = f.text(_("Name"), length=200, required=True, search=True, match=True)
    media_type: Mapped[str | None] = f.text(_("Media type"), length=100, readonly=True)
    size: Mapped[int | None] = f.integer(_("Size in bytes"), readonly=True, least=0)
    sha256: Mapped[str | None] = f.text(_("SHA-256"), length=64, readonly=True)
    content: Mapped[str | None] = f.text(_("Content"), length=32, readonly=True)
