"""Calendar, overdue tasks, files, notices, targets and evaluations over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID

from plugins.teamwork import calendar, evaluation, feed, files, notices, targets, task_templates
from plugins.teamwork.calendar import entries
from plugins.teamwork.periods import read
from plugins.teamwork.schemas import (
    RECORD,
    ROWS,
    Applied,
    InPeriod,
    Marked,
    NewFile,
    Notices,
    OfRound,
    Reopening,
    Since,
    SomeNotices,
    Span,
)
from plugins.teamwork.task_templates import Wish
from sdk import SIGNED_IN, Condition, Context, Download, Invalid, NoticeChannel, Request, Response, Route, _
from sdk.fields import Reference

FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def show_calendar(ctx: Context, request: Request) -> object:
    """Activities and dated tasks of a span of days."""
    first, last, owner = (request.query[name] for name in ("first", "last", "owner"))
    assert isinstance(first, date) and isinstance(last, date)
    return {"data": entries(ctx, first, last, owner if isinstance(owner, UUID) else None)}


def give_feed(ctx: Context, _request: Request) -> object:
    """The caller's calendar as an iCalendar file."""
    return Download(feed.calendar(ctx), "text/calendar", "calendar.ics")


def show_overdue(ctx: Context, _request: Request) -> object:
    """Open tasks that were due before today."""
    names = ("id", "subject", "due_on", "priority", "owner")
    return {"data": [{name: row.get(name) for name in names} for row in calendar.overdue(ctx)]}


def take_file(ctx: Context, request: Request) -> Response:
    """Keep a file with a record."""
    row = files.upload(ctx, str(request.body["about"]), request.files["file"])
    shown = {name: row[name] for name in ("id", "name", "media_type", "size", "sha256")}
    return Response(shown, 201, {"Location": f"/api/v1/teamwork/files/{row['id']}"})


def give_file(ctx: Context, request: Request) -> object:
    """The content of a file."""
    return files.download(ctx, request.id())


def show_news(ctx: Context, request: Request) -> object:
    """The caller's notices since an instant, cheap to ask for again and again: 304 while nothing is new."""
    after = request.query["since"]
    if isinstance(after, datetime):
        if not FIRST <= after <= LAST:
            raise Invalid(_("expected a time between the years 1900 and 9000"))
        after = after.astimezone(UTC)
    found, tag = notices.since(ctx, cast("datetime | None", after))
    return Response(found, 200, {"ETag": tag})


def mark_one(ctx: Context, request: Request) -> object:
    """The caller has read a notice."""
    id = request.id()
    ctx.records(notices.NAME).get(id)
    return {"read": notices.mark_read(ctx, [id])}


def mark_all(ctx: Context, request: Request) -> object:
    """The caller has read these notices, or all."""
    return {"read": notices.mark_read(ctx, cast("list[UUID] | None", request.body["ids"]))}


def list_channels(ctx: Context, _request: Request) -> object:
    """The ways by which people are told, for preferences."""
    return {"data": [{"channel": one.full_key, "label": ctx.say(one.label)} for one in ctx.declared(NoticeChannel)]}


def show_attainment(ctx: Context, request: Request) -> object:
    """The targets of a period and how far they are reached."""
    only = [Condition(name, "eq", (request.query[name],)) for name in ("person", "team") if request.query[name] is not None]
    return {"data": targets.shown(ctx, read(str(request.query["period"]), ctx.tenant.fiscal_year_start), only)}


def apply_template(ctx: Context, request: Request) -> Response:
    """Put the tasks of a template on a record."""
    about, day, word = (request.body[name] for name in ("about", "starts_on", "request"))
    assert isinstance(about, Reference)
    wish = Wish(request.id(), about, day if isinstance(day, date) else None, None if word is None else str(word))
    application = task_templates.apply(ctx, wish)
    names = ("id", "subject", "due_on", "owner")
    tasks = [{name: row[name] for name in names} for row in task_templates.tasks_of(ctx, application)]
    return Response({"id": application["id"], "tasks": tasks}, 201, {"Location": f"/api/v1/teamwork/applications/{application['id']}"})


def compute_scores(ctx: Context, request: Request) -> Response:
    """Compute the scores of an open evaluation anew."""
    evaluation.compute(ctx, request.id())
    return _evaluation(ctx, request.id())


def close_evaluation(ctx: Context, request: Request) -> Response:
    """Compute for the last time and close; people are told."""
    evaluation.close(ctx, request.id())
    return _evaluation(ctx, request.id())


def reopen_evaluation(ctx: Context, request: Request) -> Response:
    """Open a closed evaluation again; the reason is kept."""
    evaluation.reopen(ctx, request.id(), str(request.body["reason"]))
    return _evaluation(ctx, request.id())


def show_ranking(ctx: Context, request: Request) -> object:
    """The scores of a round that the caller may see, the best first, each with its measures."""
    round = request.query["round"]
    return {"data": evaluation.ranking(ctx, request.id(), round if isinstance(round, int) else None)}


def _evaluation(ctx: Context, id: UUID) -> Response:
    row: Mapping[str, object] = ctx.records(evaluation.NAME).get(id)
    return Response(row, 201)


_MAY_EVALUATE = f"{evaluation.NAME}.update"
ROUTES = (
    Route(method="GET", path="/calendar", view=show_calendar, permission="teamwork.activity.read", summary=_("Calendar"),
          query=Span, answer=ROWS),
    Route(method="GET", path="/calendar.ics", view=give_feed, permission="teamwork.activity.read", summary=_("Your calendar as iCalendar"),
          media_type="text/calendar"),
    Route(method="GET", path="/overdue", view=show_overdue, permission="teamwork.task.read", summary=_("Overdue tasks"), answer=ROWS),
    Route(method="POST", path="/uploads", view=take_file, permission=SIGNED_IN, summary=_("Upload a file"), body=NewFile,
          uploads=("file",), answer=RECORD, status=201),
    Route(method="GET", path="/files/{id}/content", view=give_file, permission=SIGNED_IN, summary=_("Download a file"),
          media_type="application/octet-stream"),
    Route(method="GET", path="/notifications_since", view=show_news, permission=SIGNED_IN, summary=_(
        "What’s new"
    ), query=Since, answer=Notices),
    Route(method="POST", path="/notifications/{id}/reads", view=mark_one, permission=SIGNED_IN, summary=_(
        "Mark a notification as read"
    ), answer=Marked),
    Route(method="POST", path="/notifications/reads", view=mark_all, permission=SIGNED_IN, summary=_("Mark notifications as read"),
          body=SomeNotices, answer=Marked),
    Route(method="GET", path="/channels", view=list_channels, permission=SIGNED_IN, summary=_("Notification channels"), answer=ROWS),
    Route(method="GET", path="/attainment", view=show_attainment, permission="teamwork.target.read", summary=_("Targets vs. actuals"),
          query=InPeriod, answer=ROWS),
    Route(method="POST", path="/task_templates/{id}/applications", view=apply_template, permission="teamwork.task.create",
          summary=_("Apply a task template"), body=Applied, answer=RECORD, status=201),
    Route(method="POST", path="/evaluations/{id}/scores", view=compute_scores, permission=_MAY_EVALUATE, summary=_("Calculate scores"),
          answer=RECORD, status=201),
    Route(method="POST", path="/evaluations/{id}/closings", view=close_evaluation, permission=_MAY_EVALUATE, summary=_("Close an evaluation"),
          answer=RECORD, status=201),
    Route(method="POST", path="/evaluations/{id}/reopenings", view=reopen_evaluation, permission=_MAY_EVALUATE,
          summary=_("Reopen an evaluation"), body=Reopening, answer=RECORD, status=201),
    Route(method="GET", path="/evaluations/{id}/ranking", view=show_ranking, permission=f"{evaluation.SCORE}.read", summary=_("Ranking"),
          query=OfRound, answer=ROWS),
)  # fmt: skip
