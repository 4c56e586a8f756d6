"""The menu of the teamwork plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from plugins.teamwork import activities, demo, files, routes
from plugins.teamwork.tables import Activity, Comment, File, Task
from sdk import Access, Batch, Context, Entity, Manifest, Route, Scope, TimelineSource, Verb, _, hookimpl

manifest = Manifest(
    name="teamwork",
    version="0.1",
    title=_("Teamwork"),
    summary=_("Tasks, activities, comments and files about any record."),
    after=("customers", "leads", "pipeline"),
)

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.TEAM, Verb.UPDATE: Scope.OWN, Verb.DELETE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.OWN, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN, Verb.DELETE: Scope.OWN},
    "read_only": {Verb.READ: Scope.ALL},
}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    "teamwork.task": activities.prepare_tasks,
    "teamwork.activity": activities.prepare_activities,
    "teamwork.comment": activities.prepare_comments,
    files.FILE: files.prepare_files,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Task, "task", "tasks", _("Task"), _("Tasks"), title="subject", access=ACCESS),
        Entity(Activity, "activity", "activities", _("Activity"), _("Activities"), title="subject", access=ACCESS),
        Entity(Comment, "comment", "comments", _("Comment"), _("Comments"), title="body"),
        Entity(File, "file", "files", _("File"), _("Files"), verbs=frozenset({Verb.READ, Verb.UPDATE, Verb.DELETE})),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (
        TimelineSource(entity="teamwork.activity", at="starts_at", title="subject", body="notes", kind="kind"),
        TimelineSource(entity="teamwork.task", at="done_at", title="subject", body="notes"),
        TimelineSource(entity="teamwork.comment", title="body"),
        TimelineSource(entity="teamwork.file", title="name"),
    )


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)
