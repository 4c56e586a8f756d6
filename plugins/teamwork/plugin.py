"""The menu of the teamwork plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time, timedelta
from random import Random

from plugins.teamwork import (
    actions,
    activities,
    assignments,
    booking,
    demo,
    diary,
    evaluation,
    files,
    follows,
    letters,
    mailing,
    mentions,
    news,
    notices,
    pages,
    panels,
    performance,
    planning,
    privacy,
    ranking,
    reports,
    routes,
    staleness,
    tables,
    targets,
    task_templates,
    team,
)
from sdk import (
    EVERYBODY,
    Access,
    Action,
    Batch,
    Capabilities,
    Context,
    Entity,
    EventType,
    Extension,
    Job,
    Manifest,
    MasterData,
    MenuEntry,
    NoticeChannel,
    PageRoute,
    Panel,
    Person,
    Report,
    Route,
    Schedule,
    Scope,
    Sharing,
    Subscription,
    TimelineSource,
    Trace,
    Use,
    Verb,
    View,
    _,
    hookimpl,
    keep_base_currency,
)
from sdk import fields as f
from sdk.files import take_away
from sdk.impact import naming
from sdk.mail import MAIL_WRITTEN

manifest = Manifest(
    name="teamwork",
    version="0.2",
    title=_("Teamwork"),
    summary=_("Tasks, activities, comments, files, notifications, targets and evaluations."),
    after=("catalog", "company", "customers", "leads", "pipeline"),
    capabilities=Capabilities(
        data=("*.read:*",),  # comments, files, tasks and notices are about any record
        jobs=("post_letters", "remind", "watch_targets", "resume_letters", "find_stale"),
        mail=True,
        files=True,
    ),
)

NAMING: dict[str, Sequence[str]] = {"teamwork.task_template": ("entity",), "teamwork.stale_rule": ("entity",)}
"""Where names of other plugins may stand."""

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.TEAM, Verb.UPDATE: Scope.OWN, Verb.DELETE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.OWN, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN, Verb.DELETE: Scope.OWN},
    "read_only": {Verb.READ: Scope.ALL},
}
MINE: dict[str, Access] = {EVERYBODY: Scope.OWN}
APPLIED: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM},
    "sales_manager": {Verb.READ: Scope.TEAM},
    "read_only": {Verb.READ: Scope.ALL},
}
PLANS: dict[str, Access] = {EVERYBODY: {Verb.READ: Scope.ALL}, "sales_manager": Scope.ALL}
TARGETS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
SCORES: dict[str, Access] = {"sales_rep": {Verb.READ: Scope.OWN}, "sales_manager": {Verb.READ: Scope.TEAM, Verb.UPDATE: Scope.TEAM}}
READ_ONLY = frozenset({Verb.READ})
TASKS = (
    View("mine", _("My open tasks"), {"owner": "{me}", "state": tables.OPEN}, "due_on"),
    View("overdue", _("Overdue"), {"state": tables.OPEN, "due_on[lt]": "{today}"}, "due_on"),
)
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    "teamwork.task": activities.prepare_tasks,
    assignments.ASSIGNMENT: assignments.prepare_handed,
    "teamwork.activity": activities.prepare_activities,
    mentions.COMMENT: mentions.prepare_comments,
    files.FILE: files.prepare_files,
    notices.PREFERENCE: notices.prepare_preferences,
    mailing.TIMES: mailing.prepare_times,
    mailing.HELD: mailing.leave_out_erased,
    follows.NAME: follows.prepare_follows,
    targets.NAME: targets.prepare_targets,
    task_templates.NAME: task_templates.prepare_templates,
    task_templates.LINE: task_templates.prepare_lines,
    evaluation.SCHEME: evaluation.prepare_schemes,
    evaluation.KPI: evaluation.prepare_kpis,
    evaluation.NAME: evaluation.prepare_evaluations,
    evaluation.SCORE: evaluation.prepare_scores,
}
VALIDATE: dict[str, Callable[[Context, Batch], None]] = {
    planning.DEAL: planning.keep_in_stage,
    targets.NAME: evaluation.keep_targets,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(tables.Task, "task", "tasks", _("Task"), _("Tasks"), title="subject", access=ACCESS,
               sharing=Sharing(tables.Assignment, "task_id", "person_id", "helpers"), views=TASKS, tick=("state", tables.OPEN, tables.DONE)),
        Entity(tables.Assignment, "assignment", "assignments", _("Assignment"), _("Assignments"), title="person", owned=False, verbs=READ_ONLY),
        Entity(tables.TaskTemplate, "task_template", "task_templates", _("Task template"), _("Task templates"), owned=False, access=PLANS, merges=False),
        Entity(tables.TemplateTask, "template_task", "template_tasks", _("Template task"), _("Template tasks"), title="subject",
               owned=False),
        Entity(tables.Application, "application", "applications", _("Applied template"), _("Applied templates"), title="about",
               access=APPLIED, verbs=READ_ONLY, hands_over=False),
        Entity(tables.Activity, "activity", "activities", _("Activity"), _("Activities"), title="subject", access=ACCESS,
               warns=True),
        Entity(tables.Comment, "comment", "comments", _("Comment"), _("Comments"), title="body", hands_over=False),
        Entity(tables.File, "file", "files", _("File"), _("Files"), verbs=frozenset({Verb.READ, Verb.UPDATE, Verb.DELETE}), hands_over=False),
        Entity(tables.Notification, "notification", "notifications", _("Notification"), _(
        "Notifications"
    ), title="title", access=MINE, private=True,
               verbs=frozenset({Verb.READ, Verb.DELETE})),
        Entity(tables.Preference, "preference", "preferences", _("Preference"), _("Preferences"), title="kind", access=MINE, private=True),
        Entity(tables.LetterTimes, "letter_times", "letter_times", _(
        "Email schedules"
    ), _("Email schedules"), title="digest_at", access=MINE,
               private=True),
        Entity(tables.HeldLetter, "held_letter", "held_letters", _("Held email"), _(
        "Held emails"
    ), title="title", access=MINE, private=True,
               verbs=READ_ONLY),
        Entity(
            tables.Follow, "follow", "follows", _("Followed record"), _("Followed records"), title="about", access=MINE, private=True,
            verbs=frozenset({Verb.READ, Verb.CREATE, Verb.DELETE}),
        ),
        Entity(tables.StagePlan, "stage_plan", "stage_plans", _("Stage plan"), _("Stage plans"), title="subject", owned=False, access=PLANS, merges=False,
               acts_later=True),
        Entity(tables.StaleRule, "stale_rule", "stale_rules", _("Stale deal rule"), _(
        "Stale deal rules"
    ), title="subject", owned=False, access=PLANS, merges=False,
               acts_later=True),
        Entity(tables.Target, "target", "targets", _("Target"), _("Targets"), title="measure", access=TARGETS, merges=False),
        Entity(tables.Scheme, "scheme", "schemes", _("Evaluation scheme"), _("Evaluation schemes"), owned=False, access=PLANS, merges=False),
        Entity(tables.Kpi, "kpi", "kpis", _("Scheme measure"), _("Scheme measures"), title="measure", owned=False),
        Entity(tables.Evaluation, "evaluation", "evaluations", _("Evaluation"), _("Evaluations"), owned=False, access=PLANS, merges=False),
        Entity(tables.EvaluationStep, "evaluation_step", "evaluation_steps", _("Evaluation step"), _("Evaluation steps"),
               title="step", owned=False, verbs=READ_ONLY),
        Entity(tables.Score, "score", "scores", _("Score"), _("Scores"), title="total", access=SCORES, verbs=frozenset({Verb.READ, Verb.UPDATE}),
               hands_over=False),
        Entity(tables.ScoreLine, "score_line", "score_lines", _("Score line"), _("Score lines"), title="measure", owned=False,
               verbs=READ_ONLY),
    )  # fmt: skip


@hookimpl
def register_extensions() -> Sequence[Extension]:
    last = f.computed(f.at(_("Last activity")), tables.LAST_ACTIVITY)
    planned = f.computed(f.boolean(_("Next step planned")), tables.next_step)
    return tuple(
        Extension(name, {"last_activity_at": last} | ({"next_step": planned} if name == tables.DEALS else {})) for name in tables.WATCHED
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_events() -> Sequence[EventType]:
    return (
        EventType(assignments.ASSIGNED, _("Task assigned")),
        EventType(activities.REPEATED, _("Recurring task done")),
        EventType(mentions.MENTIONED, _("Person mentioned")),
        EventType(follows.STIRRED, _("Followed record changed")),
        EventType(follows.BEGAN, _("Following began")),
    )


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (
        Subscription(assignments.ASSIGNED, "tell_assignees", assignments.tell, label=_("Notify people of their tasks")),
        Subscription(activities.REPEATED, "repeat", activities.repeat, label=_("Create the next occurrence of recurring activities")),
        Subscription("core.user.updated", "follow_clocks", activities.follow_clocks, label=_("Move reminders to a person’s time zone")),
        Subscription(mentions.MENTIONED, "tell_mentioned", mentions.tell, label=_("Notify people of mentions")),
        Subscription(follows.BEGAN, "follow", follows.begin, label=_("Let people follow what they create or comment on")),
        Subscription(follows.STIRRED, "tell_followers", follows.tell, label=_("Notify followers of changes")),
        Subscription(MAIL_WRITTEN, "keep_letters", letters.keep, label=_("Show emails on timelines")),
        Subscription("pipeline.stage_change.created", "plan_stage", planning.plan, label=_("Plan a stage’s tasks")),
        Subscription("pipeline.deal.won", "tell_of_targets", targets.deals_won, label=_("Notify people when targets are reached")),
    )


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job("post_letters", mailing.post, label=_("Send a person’s notifications")),)


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (
        Schedule("remind", activities.remind, every=timedelta(minutes=5), label=_("Send reminders")),
        Schedule("watch_targets", targets.watch, every=timedelta(hours=1), label=_("Monitor targets")),
        Schedule("resume_letters", mailing.resume, every=timedelta(hours=1), label=_("Send held notifications")),
        Schedule("find_stale", staleness.look, at=time(6), label=_("Find stale deals")),
    )


@hookimpl
def register_channels() -> Sequence[NoticeChannel]:
    return (
        NoticeChannel(notices.IN_APP, _("In the app"), notices.in_app),
        NoticeChannel(notices.MAIL, _("Email"), mailing.by_mail),
    )


@hookimpl
def register_actions() -> Sequence[Action]:
    return actions.ACTIONS


@hookimpl
def register_reports() -> Sequence[Report]:
    return reports.REPORTS


@hookimpl
def register_master_data() -> Sequence[MasterData]:
    return (planning.DEFAULTS, staleness.DEFAULTS)


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
def validate_changes(ctx: Context, batch: Batch) -> None:
    keep_base_currency(ctx, batch, targets.NAME, "amount")
    follows.notice_changes(ctx, batch)
    if batch.entity in VALIDATE:
        VALIDATE[batch.entity](ctx, batch)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def tenant_purged(ctx: Context) -> None:
    take_away(ctx, "teamwork.file", "content")


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("tasks", label=_("Tasks"), section="top", entity="teamwork.task", icon="task", position=10, at_hand=True),
        MenuEntry("calendar", label=_("My calendar"), section="top", path="/teamwork/calendar", icon="calendar",
                  permission="teamwork.activity.read", position=15),
        MenuEntry("activities", label=_("Activities"), section="top", entity="teamwork.activity", icon="phone", position=20),
        MenuEntry("team", label=_("Team"), section="top", path=team.PLACE, icon="users", permission="teamwork.task.read", position=30),
        MenuEntry("performance", label=_("Performance"), section="know", path=performance.PLACE, icon="star",
                  permission="teamwork.target.read", position=40),
    )  # fmt: skip


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*panels.PANELS, *booking.PANELS, *ranking.PANELS)


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*news.PAGES, *diary.PAGES, *pages.PAGES, *team.PAGES, *performance.PAGES, *ranking.PAGES)


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)
