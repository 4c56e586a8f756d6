"""What teamwork puts into pages of others: one's tasks, and on every record what one can say of it, follow it, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from plugins.teamwork import files, follows, news, performance, staleness
from plugins.teamwork.mentions import COMMENT
from plugins.teamwork.periods import MONTHS, starting
from plugins.teamwork.planning import PLAN
from plugins.teamwork.tables import DEALS, KINDS, OPEN, PLANNED, PLANNED_KINDS
from plugins.teamwork.targets import NAME, period_of
from plugins.teamwork.workdays import today
from sdk import SIGNED_IN, Condition, Context, Filter, Panel, Query, Rendering, Slot, Verb, _
from sdk.context import id_of
from sdk.days import instant
from sdk.pages import ABOUT, ANY_ENTITY

_FEW, _MOST_FILES = 8, 100


def my_tasks(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """The actor's open tasks, what is due first on top."""
    me, now = ctx.actor.user_id, ctx.today()
    if me is None:
        return None
    mine = (Condition("state", "eq", (OPEN,)), Condition("owner", "eq", (str(me),)))
    tasks = ctx.records("teamwork.task")
    page = tasks.query(Query(filter=mine, sort=("due_on",), fields=("id", "subject", "due_on", "priority"), limit=_FEW, count=True))
    may = tasks.reached(map(id_of, page.data), Verb.UPDATE, "state") if ctx.can("teamwork.task.update") else set[UUID]()
    rows = [{**row, "late": _late(row.get("due_on"), now), "mine": id_of(row) in may} for row in page.data]
    return Rendering("teamwork/my_tasks.html", {"rows": rows, "total": page.total, "today": now, "me": me})


def _late(due: object, now: date) -> bool:
    return due is not None and date.fromisoformat(str(due)) < now


def my_meetings(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """What is in the actor's calendar from now until the end of tomorrow, in the actor's zone."""
    me = ctx.actor.user_id
    if me is None:
        return None
    end = instant(ctx.today() + timedelta(days=2), ctx.zone)
    mine = (
        Condition("owner", "eq", (str(me),)),
        Condition("state", "eq", (PLANNED,)),
        Condition("starts_at", "gte", (ctx.now() - timedelta(hours=1),)),
        Condition("starts_at", "lt", (end.astimezone(UTC),)),
    )
    asked = Query(filter=mine, sort=("starts_at",), fields=("id", "subject", "starts_at", "kind"), limit=_FEW)
    rows = ctx.records("teamwork.activity").query(asked).data
    return Rendering("teamwork/my_meetings.html", {"rows": [{**row, "word": ctx.say(KINDS[str(row["kind"])])} for row in rows]})


def my_targets(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """How far the actor's own targets of this month, quarter and year are reached, and those of the teams that the actor manages."""
    me, day, begins = ctx.actor.user_id, today(ctx), ctx.tenant.fiscal_year_start
    if me is None:
        return None
    periods = {period.span: period for kind in reversed(MONTHS) for period in [starting(kind, day, begins)]}
    managed = tuple(row["id"] for row in ctx.as_system().records("core.team").find((Condition("manager", "eq", (me,)),), _MOST_FILES))
    starts = Condition("period_start", "in", tuple(sorted({period.start for period in periods.values()})))
    shown = []
    for only in (Condition("person", "eq", (me,)), Condition("team", "in", managed)):
        rows = ctx.records(NAME).find((starts, only), _MOST_FILES) if only.values else []
        for span in dict.fromkeys(period_of(row).span for row in rows):
            if (period := periods.get(span)) is not None:  # a month begins with its quarter, and the year with both
                pace = performance.pace(ctx, period)
                shown += [
                    {"line": line, "period": ctx.period(period.name), "pace": pace}
                    for _row, line in performance.lines(ctx, period, (only,))
                ]
    return Rendering("teamwork/my_targets.html", {"rows": shown[:_FEW]}) if shown else None


def silent_deals(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """The actor's open deals about which nothing has happened for as long as the rule for that says, or two weeks; nothing where there are none."""
    me = ctx.actor.user_id
    if me is None or not ctx.offers(DEALS) or not ctx.can(f"{DEALS}.read"):
        return None
    days = staleness.days_of(ctx, DEALS)
    rows, counted = staleness.silent(ctx, DEALS, me, days, _FEW)
    said = (_("{count} without any activity"), _("{count} with the last activity longer ago"))
    lists = [
        (ctx.say(word, {"count": count}), _list(ctx, DEALS, filter)) for word, (count, filter) in zip(said, counted, strict=False) if count
    ]
    return Rendering("teamwork/silent_deals.html", {"rows": rows, "lists": lists, "days": days, "now": ctx.now()}) if rows else None


def _list(ctx: Context, name: str, filter: Filter) -> str:
    """The list of what these conditions find."""
    entity = ctx.entity(name)
    words = [(one.field if one.operator == "eq" else f"{one.field}[{one.operator}]", ",".join(map(_word, one.values))) for one in filter]
    return ctx.page(f"/{entity.plugin}/{entity.plural}?{urlencode(words)}")


def _word(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def about(record: Mapping[str, object]) -> str:
    """A record as `plugin.entity:id`; "" for one that nobody talks about: what teamwork itself keeps, and what the platform does."""
    entity = str(record[ABOUT])
    return "" if follows.is_apart(entity) else f"{entity}:{record['id']}"


def composer(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """What one can add to the record: a comment, an activity that was, a task to do; each to who may."""
    subject = about(record)
    may = {
        name: ctx.can(f"{entity}.create")
        for name, entity in (("comment", COMMENT), ("activity", "teamwork.activity"), ("task", "teamwork.task"))
    }
    if not subject or not any(may.values()):
        return None
    kinds = [(key, ctx.say(label)) for key, label in KINDS.items()]
    return Rendering("teamwork/composer.html", {"about": subject, "may": may, "kinds": kinds, "today": ctx.today().isoformat()})


def kept_files(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """The files of a record, the newest first."""
    subject = about(record)
    if not subject:
        return None
    asked = Query(filter=(Condition("about", "eq", (subject,)),), sort=("-created_at",), limit=_MOST_FILES,
                  fields=("id", "name", "size", "media_type", "owner", "created_at"))  # fmt: skip
    rows = ctx.records(files.FILE).query(asked).data
    owners = ctx.records("core.user").titles({_owner(row) for row in rows if row.get("owner")}) if ctx.can("core.user.read") else {}
    me = ctx.actor.user_id
    shown = [{**row, "by": owners.get(_owner(row), "") if row.get("owner") else "", "mine": row.get("owner") == me} for row in rows]
    values = {"about": subject, "rows": shown, "may_add": ctx.can(f"{record[ABOUT]}.update"), "may_delete": ctx.can(f"{files.FILE}.delete"),
              "most": files.MOST_BYTES >> 20}  # fmt: skip
    return Rendering("teamwork/files.html", values)


def _owner(row: Mapping[str, object]) -> UUID:
    return cast("UUID", row["owner"])


def follow(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """Follow the record, or stop: what others do to it is told to those who follow."""
    me, subject = ctx.actor.user_id, about(record)
    if me is None or not follows.is_followed(ctx, str(record[ABOUT])) or not ctx.can(f"{follows.NAME}.create"):
        return None
    return Rendering("teamwork/follow.html", {"about": subject, "following": follows.follows_now(ctx, record)})


def planned(ctx: Context, stage: Mapping[str, object]) -> Rendering:
    """What is to be done when a deal comes into a stage."""
    names = ("id", "kind", "subject", "after_days", "mandatory", "active")
    asked = Query((Condition("stage", "eq", (str(stage["id"]),)),), ("after_days",), names, limit=_MOST_FILES)
    rows = ctx.records(PLAN).query(asked).data
    words = {key: ctx.say(label) for key, label in PLANNED_KINDS.items()}
    return Rendering("teamwork/planned.html", {"rows": rows, "words": words, "may_add": ctx.can(f"{PLAN}.create")})


PANELS = (
    Panel("planned", slot=Slot.PANEL, label=_("On entry"), permission=f"{PLAN}.read", view=planned, entity="pipeline.stage"),
    Panel("my_tasks", slot=Slot.HOME, label=_("My tasks"), permission="teamwork.task.read", view=my_tasks, position=10),
    Panel("my_meetings", slot=Slot.HOME, label=_("Today and tomorrow"), permission="teamwork.activity.read", view=my_meetings, position=20),
    Panel("my_targets", slot=Slot.HOME, label=_("My targets"), permission="teamwork.target.read", view=my_targets, position=30),
    Panel("silent_deals", slot=Slot.HOME, label=_("Stale deals"), permission="teamwork.activity.read", view=silent_deals, position=40),
    Panel("bell", slot=Slot.TOP, label=_("Notifications"), permission=SIGNED_IN, view=news.bell, position=10),
    Panel("composer", slot=Slot.TIMELINE, label=_("Write a comment"), permission=SIGNED_IN, view=composer, entity=ANY_ENTITY, position=10),
    Panel("files", slot=Slot.TAB, label=_("Files"), permission=f"{files.FILE}.read", view=kept_files, entity=ANY_ENTITY, position=10),
    Panel("follow", slot=Slot.BUTTON, label=_("Follow"), permission=f"{follows.NAME}.create", view=follow, entity=ANY_ENTITY, position=50),
)
