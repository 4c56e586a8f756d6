"""The jobs: a view of the outbox without its events."""

from __future__ import annotations

from datetime import datetime

from core.events.states import DEAD, DONE, HELD, SKIPPED, WAITING
from sdk import Mapped, Record, Text, _
from sdk import fields as f

KINDS: dict[str, Text] = {"delivery": _("Delivery of an event"), "job": _("Job"), "schedule": _("Scheduled run")}
STATES: dict[str, Text] = {
    WAITING: _("Waiting"), DONE: _("Done"), SKIPPED: _("Skipped"), DEAD: _("Failed permanently"), HELD: _("On hold: needs configuration"),
}  # fmt: skip


class BackgroundJob(Record):
    """A delivery, a job or a run of a schedule, with what became of it. Made by a view; nothing writes it but the worker."""

    __tablename__ = "core_jobs"

    kind: Mapped[str] = f.choice(_("Type"), KINDS, readonly=True)
    name: Mapped[str] = f.text(_("Name"), length=100, readonly=True)
    handler: Mapped[str | None] = f.text(_("Handler"), length=100, readonly=True)
    state: Mapped[str] = f.choice(_("Status"), STATES, readonly=True)
    attempts: Mapped[int] = f.integer(_("Attempts"), readonly=True)
    due_at: Mapped[datetime | None] = f.at(_("Due"), readonly=True)
    error: Mapped[str | None] = f.long_text(_("Error"), readonly=True)


BackgroundJob.table().info["view"] = True  # no migration makes a table of it
