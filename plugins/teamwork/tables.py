"""Tasks, activities, comments and files about any record; notices, and plans for stages."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from plugins.teamwork.people import people
from sdk import Mapped, Record, Text, _
from sdk import fields as f
from sdk.entities import unique_together

OPEN, DONE, CANCELLED, PLANNED = "open", "done", "cancelled", "planned"
STATES = {OPEN: _("Open"), DONE: _("Done"), CANCELLED: _("Cancelled")}
COURSE = {PLANNED: _("Planned"), DONE: _("Done"), CANCELLED: _("Cancelled")}
PRIORITIES = {"high": _("High"), "normal": _("Normal"), "low": _("Low")}
RHYTHMS = {"daily": _("Daily"), "weekly": _("Weekly"), "monthly": _("Monthly"), "yearly": _("Yearly")}
ON_TIME, LATE = "on_time", "late"
TIMELINESS = {ON_TIME: _("On time"), LATE: _("Overdue")}
OWNER, MANAGER, APPLIER, PERSON = "owner", "manager", "applier", "person"
ASSIGNEES = {
    OWNER: _("Owner of the record"), MANAGER: _("Owner’s manager"), APPLIER: _("Whoever applies the template"), PERSON: _("A person"),
}  # fmt: skip
KINDS = {"call": _("Call"), "visit": _("Visit"), "meeting": _("Meeting"), "mail": _("Email"), "note": _("Note")}
PLANNED_KINDS = {"task": _("Task"), **{kind: label for kind, label in KINDS.items() if kind != "note"}}
"""What a stage can ask for."""
DEALS = "pipeline.deal"
WATCHED = {DEALS: _("Deals"), "leads.lead": _("Leads")}
"""What can grow stale."""
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z")
DEFAULT_DIGEST = "08:00"
WAITING, SENT, LEFT_OUT = "waiting", "sent", "left_out"
POSTED = {WAITING: _("Waiting"), SENT: _("Sent"), LEFT_OUT: _("Skipped")}


def _clock(label: Text, example: str, default: str | None = None) -> Mapped[Any]:
    expected = _("a time of day such as 09:00")
    return Mapped(f.TextField(label=label, length=5, pattern=CLOCK, example=example, default=default, expected=expected))


class Task(Record):
    """Something that its owner is to do."""

    __tablename__ = "teamwork_tasks"

    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True, personal=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), track=True)
    due_on: Mapped[date | None] = f.synonyms(
        f.on(_("Due on"), track=True, index=True),
        "Due", "Due date", "Deadline", "截止时间", "到期日", "到期日期", "到期时间", "完成期限", "Fällig am", "Fälligkeitsdatum", "Échéance", "Date d’échéance",
    )  # fmt: skip
    priority: Mapped[str] = f.choice(_("Priority"), PRIORITIES, default="normal", track=True)
    state: Mapped[str] = f.choice(_("Status"), STATES, default=OPEN, track=True, index=True)
    done_at: Mapped[datetime | None] = f.at(_("Done at"), readonly=True)
    timeliness: Mapped[str | None] = f.choice(_("Timeliness"), TIMELINESS, readonly=True)
    parent_task_id: Mapped[UUID | None] = f.link(_("Part of"), "self", tree=True)
    helpers: Mapped[list[str] | None] = people(_("Participants"), track=True)
    remind_days: Mapped[int | None] = f.integer(_("Remind before (days)"), least=0, most=365)
    remind_time: Mapped[str | None] = _clock(_("Remind at"), "09:00")
    remind_at: Mapped[datetime | None] = f.at(_("Next reminder"), readonly=True, index=True)
    repeats: Mapped[str | None] = f.choice(_("Repeats"), RHYTHMS)
    repeat_every: Mapped[int | None] = f.integer(_("Every"), least=1, most=99)
    repeat_day: Mapped[int | None] = f.integer(_("Day of the month"), least=1, most=31)
    repeat_until: Mapped[date | None] = f.on(_("Repeats until"))
    repeated: Mapped[str | None] = f.choice(_("Repeated"), {"yes": _("Yes")}, readonly=True)
    plan_id: Mapped[UUID | None] = f.link(_("Stage plan"), "teamwork.stage_plan", readonly=True)
    stale_rule_id: Mapped[UUID | None] = f.link(_("Stale deal rule"), "teamwork.stale_rule", readonly=True)
    application_id: Mapped[UUID | None] = f.link(_("Applied template"), "teamwork.application", readonly=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"), personal=True)


class Assignment(Record):
    """Somebody helps with a task, sees it and may change it."""

    __tablename__ = "teamwork_assignments"
    __table_args__ = (unique_together("teamwork_assignments", "task_id", "person_id"),)

    task_id: Mapped[UUID] = f.link(_("Task"), Task, required=True, parent=True)
    person_id: Mapped[UUID] = f.link(_("Person"), "core.user", required=True, hands_over=True)


class TaskTemplate(Record):
    """A named list of tasks, to be put on a record; of one entity, if it says so."""

    __tablename__ = "teamwork_task_templates"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    entity: Mapped[str | None] = f.with_example(f.key(_("For records of type"), length=100, match=False), f.NO_EXAMPLE)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class TemplateTask(Record):
    """A task of a template: what is to be done, when, by whom."""

    __tablename__ = "teamwork_template_tasks"

    template_id: Mapped[UUID] = f.link(_("Task template"), TaskTemplate, required=True, parent=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True)
    after_days: Mapped[int | None] = f.integer(_("Working days after start"), least=0, most=365, default=1, track=True)
    assignee: Mapped[str] = f.choice(_("Assignee type"), ASSIGNEES, default=OWNER, track=True)
    person_id: Mapped[UUID | None] = f.with_example(f.link(_("Person"), "core.user", track=True, hands_over=True), f.NO_EXAMPLE)
    helpers: Mapped[list[str] | None] = people(_("Participants"), track=True)
    priority: Mapped[str] = f.choice(_("Priority"), PRIORITIES, default="normal")
    remind_days: Mapped[int | None] = f.integer(_("Remind before (days)"), least=0, most=365)
    remind_time: Mapped[str | None] = _clock(_("Remind at"), "09:00")
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Application(Record):
    """A template was put on a record, by its owner."""

    __tablename__ = "teamwork_applications"
    __table_args__ = (unique_together("teamwork_applications", "owner_id", "request"),)

    template_id: Mapped[UUID] = f.link(_("Task template"), TaskTemplate, required=True, readonly=True)
    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, readonly=True)
    starts_on: Mapped[date | None] = f.on(_("Starts on"), readonly=True)
    request: Mapped[str | None] = f.text(_("Request"), length=100, readonly=True)


class Activity(Record):
    """A call, a visit, a meeting: planned, or what became of it."""

    __tablename__ = "teamwork_activities"

    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True, personal=True)
    kind: Mapped[str] = f.synonyms(
        f.choice(_("Type"), KINDS, default="call", track=True, index=True),
        "Activity type", "Interaction type", "活动类型", "跟进方式", "跟进类型", "拜访方式", "Aktivitätstyp", "Type d’activité",
    )  # fmt: skip
    about: Mapped[f.Reference | None] = f.any_record(_("About"), track=True)
    starts_at: Mapped[datetime] = f.synonyms(
        f.at(_("Starts at"), required=True, track=True, index=True),
        "Start", "Start time", "Start date", "Date", "Time", "Activity date", "时间", "日期", "活动时间", "跟进时间", "拜访时间", "联系时间", "开始日期",
        "Beginn", "Datum", "Début", "Date de début",
    )  # fmt: skip
    ends_at: Mapped[datetime | None] = f.synonyms(
        f.at(_("Ends at"), track=True, index=True), "End", "End time", "End date", "结束日期", "Ende", "Fin", "Date de fin"
    )
    state: Mapped[str] = f.choice(_("Status"), COURSE, default=PLANNED, track=True)
    plan_id: Mapped[UUID | None] = f.link(_("Stage plan"), "teamwork.stage_plan", readonly=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"), personal=True)


class Comment(Record):
    """What somebody said about a record; seen by those who see the record."""

    __tablename__ = "teamwork_comments"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True, remark=True)
    body: Mapped[str] = f.long_text(_("Text"), length=5000, required=True, personal=True)
    mentions: Mapped[list[str] | None] = people(_("Mentions"))


class File(Record):
    """A file that belongs to a record; seen by those who see the record."""

    __tablename__ = "teamwork_files"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True)
    name: Mapped[str] = f.text(_("Name"), length=200, required=True, search=True, match=True, personal=True)
    media_type: Mapped[str | None] = f.text(_("Media type"), length=100, readonly=True)
    size: Mapped[int | None] = f.integer(_("Size (bytes)"), readonly=True, least=0)
    sha256: Mapped[str | None] = f.text(_("SHA-256"), length=64, readonly=True, personal=True)
    content: Mapped[str | None] = f.text(_("Content"), length=32, readonly=True, personal=True)


class Notification(Record):
    """Something that its owner was told; private to that person."""

    __tablename__ = "teamwork_notifications"
    __table_args__ = (
        sa.Index("ix_teamwork_notifications_newest", "tenant_id", "owner_id", "created_at"),
        sa.Index(
            "ix_teamwork_notifications_unread", "tenant_id", "owner_id", "id",
            sqlite_where=sa.column("read_at").is_(None), postgresql_where=sa.column("read_at").is_(None),
        ),
    )  # fmt: skip

    kind: Mapped[str] = f.key(_("Type"), length=100, required=True, match=False, readonly=True)
    title: Mapped[str] = Mapped(f.TextField(label=_("Title"), required=True, readonly=True, search=True, personal=True))
    body: Mapped[str | None] = f.long_text(_("Text"), readonly=True, personal=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), readonly=True)
    times: Mapped[int | None] = f.integer(_("Frequency"), least=1, readonly=True)
    read_at: Mapped[datetime | None] = f.at(_("Read at"), readonly=True)


class Preference(Record):
    """Whether its owner hears of a kind of notice by a channel; private to that person."""

    __tablename__ = "teamwork_preferences"
    __table_args__ = (unique_together("teamwork_preferences", "owner_id", "kind", "channel"),)

    kind: Mapped[str] = f.key(_("Type"), length=100, required=True, match=False)
    channel: Mapped[str] = f.with_example(f.key(_("Channel"), length=100, required=True, match=False), "teamwork.in_app")
    muted: Mapped[bool] = f.boolean(_("Muted"), default=True)
    digest: Mapped[bool] = f.boolean(_("Combined into one daily email"))


class LetterTimes(Record):
    """When its owner wants letters of notices, by the clock of the owner's or else the tenant's time zone; private to that person."""

    __tablename__ = "teamwork_letter_times"
    __table_args__ = (unique_together("teamwork_letter_times", "owner_id"),)

    quiet_from: Mapped[str | None] = _clock(_("Quiet hours start"), "22:00")
    quiet_until: Mapped[str | None] = _clock(_("Quiet hours end"), "07:00")
    digest_at: Mapped[str] = _clock(_("Daily email at"), DEFAULT_DIGEST, default=DEFAULT_DIGEST)
    timezone: Mapped[str | None] = f.timezone(_("Time zone"))


class HeldLetter(Record):
    """A notice that waits to go to its owner by mail, or has gone; private to that person."""

    __tablename__ = "teamwork_held_letters"

    kind: Mapped[str] = f.key(_("Type"), length=100, required=True, match=False, readonly=True)
    title: Mapped[str] = Mapped(f.TextField(label=_("Title"), required=True, readonly=True, personal=True))
    body: Mapped[str | None] = f.long_text(_("Text"), readonly=True, personal=True)
    about: Mapped[f.Reference | None] = f.any_record(_("About"), readonly=True)
    gathered: Mapped[bool] = f.boolean(_("Combined into one daily email"))
    state: Mapped[str] = f.choice(_("Status"), POSTED, default=WAITING, readonly=True)
    due_at: Mapped[datetime | None] = f.at(_("Sends at"), readonly=True, index=True)
    sent_at: Mapped[datetime | None] = f.at(_("Sent at"), readonly=True)


class Follow(Record):
    """Its owner wants to hear what happens to a record; private to that person."""

    __tablename__ = "teamwork_follows"
    __table_args__ = (unique_together("teamwork_follows", "owner_id", "about"),)

    about: Mapped[f.Reference] = f.any_record(_("Record"), required=True)
    automatic: Mapped[bool] = f.boolean(_("Automatic"), readonly=True)
    told_at: Mapped[datetime | None] = f.at(_("Last notified at"), readonly=True)


class StagePlan(Record):
    """What is to be done when a deal enters a stage, and whether the deal may leave before it is."""

    __tablename__ = "teamwork_stage_plans"

    stage_id: Mapped[UUID] = f.link(_("Stage"), "pipeline.stage", required=True, track=True)
    kind: Mapped[str] = f.choice(_("Type"), PLANNED_KINDS, default="task", track=True)
    subject: Mapped[str] = f.text(_("Subject"), required=True, search=True, match=True, track=True)
    after_days: Mapped[int | None] = f.integer(_("Working days after entry"), least=0, most=365, default=1, track=True)
    priority: Mapped[str] = f.choice(_("Priority"), PRIORITIES, default="normal")
    mandatory: Mapped[bool] = f.boolean(_("Required to leave the stage"), track=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class StaleRule(Record):
    """After how many days of silence an open record gets a task."""

    __tablename__ = "teamwork_stale_rules"

    key: Mapped[str] = f.key(_("Key"), required=True, unique=True)
    entity: Mapped[str] = f.choice(_("Records"), WATCHED, default="pipeline.deal", track=True)
    days: Mapped[int | None] = f.integer(_("Days without activity"), least=1, most=730, default=14, track=True)
    subject: Mapped[str] = f.text(_("Task subject"), required=True, track=True)
    due_in_days: Mapped[int | None] = f.integer(_("Due in (working days)"), least=0, most=365, default=1)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)


LAST_ACTIVITY = f.over(Activity.about, sa.func.max(Activity.starts_at).filter(Activity.state != CANCELLED))
"""When the latest activity about a record was, or will be."""


def next_step(extended: sa.FromClause, reach: f.Reach) -> sa.ColumnElement[Any]:
    """Whether a task about a record is open or an activity is planned, of those that its reader sees."""

    def there(record: type[Task] | type[Activity], state: str) -> sa.ColumnElement[bool]:
        mine = (record.about == extended.c.id, *reach(record, {"about", "state"}), f.sifted(record.state == state))
        return sa.select(sa.literal(1)).select_from(record).where(*mine).correlate(extended).exists()

    return sa.or_(there(Task, OPEN), there(Activity, PLANNED))


WON_AMOUNT, WON_COUNT, NEW_CUSTOMERS, ACTIVITIES, ON_TIME_TASKS = "won_amount", "won_count", "new_customers", "activities", "on_time_tasks"
MEASURES = {
    WON_AMOUNT: _("Won amount"), WON_COUNT: _("Won deals"), NEW_CUSTOMERS: _("New customers"), ACTIVITIES: _("Activities done"),
    ON_TIME_TASKS: _("Tasks done on time (%)"),
}  # fmt: skip
OF_DEALS = (WON_AMOUNT, WON_COUNT, NEW_CUSTOMERS)
"""Measures that are counted from deals."""
PERIODS = {
    "month": _("Month"), "quarter": _("Quarter"), "year": _("Year"), "fiscal_quarter": _("Fiscal quarter"), "fiscal_year": _("Fiscal year"),
}  # fmt: skip
RUNNING, CLOSED = "open", "closed"
COURSES = {RUNNING: _("In progress"), CLOSED: _("Closed")}
STEPS = {"closed": _("Closed"), "reopened": _("Reopened")}


class Target(Record):
    """What the company, a team or a person is to reach in a period: with everything, or with a part of the deals."""

    __tablename__ = "teamwork_targets"

    measure: Mapped[str] = f.choice(_("Measure"), MEASURES, default=WON_AMOUNT, track=True, index=True)
    period: Mapped[str] = f.choice(_("Period"), PERIODS, default="month", track=True)
    period_start: Mapped[date] = f.with_example(f.on(_("Period starts on"), required=True, track=True, index=True), "2026-01-01")
    team_id: Mapped[UUID | None] = f.link(_("Team"), "core.team", track=True)
    person_id: Mapped[UUID | None] = f.link(_("Person"), "core.user", track=True)
    product_id: Mapped[UUID | None] = f.beside(f.link(_("Product"), "catalog.product", track=True), DEALS)
    product_line: Mapped[str | None] = f.beside(f.text(_("Product line"), length=100, track=True), DEALS, "catalog.product")
    channel: Mapped[str | None] = f.beside(f.text(_("Channel (deal source)"), length=100, track=True), DEALS)
    campaign_id: Mapped[UUID | None] = f.beside(f.link(_("Campaign (first)"), "leads.campaign", track=True), DEALS)
    region_id: Mapped[UUID | None] = f.beside(f.link(_("Region of the account"), "company.region", track=True), DEALS)
    account_id: Mapped[UUID | None] = f.beside(f.link(_("Account"), "customers.account", track=True), DEALS)
    parts: Mapped[str | None] = f.text(_("Limited to"), length=100, readonly=True)
    activity_kind: Mapped[str | None] = f.with_example(f.choice(_("Activity type"), KINDS, track=True), f.NO_EXAMPLE)
    amount: Mapped[f.Money | None] = f.money(_("Amount"), least=Decimal(0), track=True)
    number: Mapped[Decimal | None] = f.with_example(f.decimal(_("Number"), least=Decimal(0), track=True), f.NO_EXAMPLE)
    told: Mapped[int | None] = f.integer(_("Notify at (%)"), least=0, most=100, readonly=True)


class Scheme(Record):
    """By what people are evaluated: measures whose weights add up to 100."""

    __tablename__ = "teamwork_schemes"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, unique=True, match=True, search=True, track=True)
    team_id: Mapped[UUID | None] = f.link(_("Team"), "core.team", track=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Kpi(Record):
    """One measure of a scheme with its weight."""

    __tablename__ = "teamwork_kpis"

    scheme_id: Mapped[UUID] = f.link(_("Scheme"), Scheme, required=True, parent=True)
    measure: Mapped[str] = f.choice(_("Measure"), MEASURES, required=True, track=True)
    activity_kind: Mapped[str | None] = f.with_example(f.choice(_("Activity type"), KINDS, track=True), f.NO_EXAMPLE)
    weight: Mapped[Decimal] = f.percent(_("Weight"), required=True, track=True)
    goal: Mapped[Decimal | None] = f.decimal(_("Goal without a target"), least=Decimal(0), track=True)
    cap: Mapped[int | None] = f.integer(_("Capped at (%)"), least=1, most=1000, default=120, track=True)


class Evaluation(Record):
    """A period in which people are evaluated by a scheme; closed, it stays as it was."""

    __tablename__ = "teamwork_evaluations"
    __table_args__ = (unique_together("teamwork_evaluations", "scheme_id", "period", "period_start"),)

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, search=True, match=True, track=True)
    scheme_id: Mapped[UUID] = f.link(_("Scheme"), Scheme, required=True, track=True)
    period: Mapped[str] = f.choice(_("Period"), PERIODS, default="quarter", track=True)
    period_start: Mapped[date] = f.with_example(f.on(_("Period starts on"), required=True, track=True, index=True), "2026-01-01")
    state: Mapped[str] = f.choice(_("Status"), COURSES, default=RUNNING, readonly=True, track=True, index=True)
    round: Mapped[int | None] = f.integer(_("Round"), least=1, default=1, readonly=True)
    scored_at: Mapped[datetime | None] = f.at(_("Calculated at"), readonly=True)


class EvaluationStep(Record):
    """An evaluation was closed, or opened again and why."""

    __tablename__ = "teamwork_evaluation_steps"

    evaluation_id: Mapped[UUID] = f.link(_("Evaluation"), Evaluation, required=True, parent=True)
    step: Mapped[str] = f.choice(_("Step"), STEPS, required=True, readonly=True)
    round: Mapped[int] = f.integer(_("Round"), least=1, required=True, readonly=True)
    reason: Mapped[str | None] = f.long_text(_("Reason"), length=2000, readonly=True)
    by_id: Mapped[UUID | None] = f.link(_("By"), "core.user", readonly=True)
    at: Mapped[datetime] = f.at(_("At"), required=True, readonly=True)


class Score(Record):
    """What a person reached in a round of an evaluation; its owner is that person."""

    __tablename__ = "teamwork_scores"
    __table_args__ = (unique_together("teamwork_scores", "evaluation_id", "round", "person_id"),)

    evaluation_id: Mapped[UUID] = f.link(_("Evaluation"), Evaluation, required=True, readonly=True)
    person_id: Mapped[UUID] = f.link(_("Person"), "core.user", required=True, readonly=True, subject=True)
    round: Mapped[int] = f.integer(_("Round"), least=1, required=True, readonly=True)
    total: Mapped[Decimal | None] = f.decimal(_("Score"), readonly=True)
    place: Mapped[int | None] = f.integer(_("Rank"), least=1, readonly=True)
    note: Mapped[str | None] = f.long_text(_("Review note"), length=5000, track=True, personal=True)


class ScoreLine(Record):
    """One measure of a score, as it was computed."""

    __tablename__ = "teamwork_score_lines"
    __table_args__ = (unique_together("teamwork_score_lines", "score_id", "kpi_id"),)

    score_id: Mapped[UUID] = f.link(_("Score"), Score, required=True, parent=True, readonly=True)
    kpi_id: Mapped[UUID] = f.link(_("Scheme measure"), "teamwork.kpi", required=True, readonly=True)
    measure: Mapped[str] = f.choice(_("Measure"), MEASURES, required=True, readonly=True)
    weight: Mapped[Decimal] = f.percent(_("Weight"), required=True, readonly=True)
    goal: Mapped[Decimal | None] = f.decimal(_("Target value"), readonly=True)
    actual: Mapped[Decimal | None] = f.decimal(_("Reached"), readonly=True)
    attainment: Mapped[Decimal | None] = f.decimal(_("Attainment (%)"), readonly=True)
    points: Mapped[Decimal | None] = f.decimal(_("Points"), readonly=True)
    unpriced: Mapped[int | None] = f.integer(_("Not converted"), least=0, readonly=True)
