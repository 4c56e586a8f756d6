"""What an administrator does about background work and the mail server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from marshmallow import Schema, fields

from core.entities.ids import new_id
from core.events.schedules import schedules
from core.events.states import DEAD, HELD, SKIPPED, WAITING
from core.events.tables import outbox
from core.jobs import sight
from core.mail import letters, smtp
from sdk import Conflict, Context, GiveUp, Mail, Permission, Request, Response, Route, Unavailable, _

if TYPE_CHECKING:
    from core.context import Work

PERMISSIONS: Sequence[Permission] = (
    Permission("core.job.retry", _("Retry or discard failed background jobs")),
    Permission(sight.INSPECT, _("View why other people’s background jobs failed")),
    Permission("core.mail.check", _("Test the mail server")),
)


class Retried(Schema):
    """The job as it is now."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)


class Planned(Schema):
    """A schedule of a plugin: `every` so many seconds or daily `at` a local time, on `weekdays` or on all; `last_state` and `last_error`
    are those of the last run, null once it is too old to be kept; the error is told to who has `core.job.inspect`."""

    name = fields.String(required=True)
    plugin = fields.String(required=True)
    every = fields.Integer(required=True, allow_none=True)
    at = fields.String(required=True, allow_none=True)
    weekdays = fields.List(fields.Integer(), required=True)
    next_at = fields.AwareDateTime(required=True, allow_none=True)
    last_at = fields.AwareDateTime(required=True, allow_none=True)
    last_run = fields.UUID(required=True, allow_none=True)
    last_state = fields.String(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)


class Schedules(Schema):
    """All schedules of the tenant that are planned."""

    data = fields.List(fields.Nested(Planned), required=True)


class MailServer(Schema):
    """What the server said: state `ok`, or the name of what is wrong with its reason."""

    state = fields.String(required=True)
    error = fields.String(required=True, allow_none=True)
    server = fields.String(required=True)
    sender = fields.String(required=True)


class TestLetter(MailServer):
    """The same of a letter that was to be sent, and to whom."""

    to = fields.String(required=True)


def retry(ctx: Context, request: Request) -> object:
    """Let a job that failed or is held run again at once, with all its attempts before it."""
    work = cast("Work", ctx)
    job = work.records("core.job").get(request.id())
    again = (outbox.c.tenant_id == work.tenant.id, outbox.c.id == request.id(), outbox.c.state.in_((DEAD, HELD)))
    change = outbox.update().where(*again).values(state=WAITING, attempts=0, deaths=0, due_at=work.now())
    if not work.connection.execute(change).rowcount:
        raise Conflict(_("the job is {state!r}; only a permanently failed or on-hold job can be retried"),
                       code="job_not_failed", state=job["state"])  # fmt: skip
    work.awaken()
    return {"id": request.id(), "state": WAITING, "attempts": 0}


def give_up(ctx: Context, request: Request) -> object:
    """Leave a job that failed or is held undone: it counts as skipped from now on, and keeps its error."""
    work = cast("Work", ctx)
    job = work.records("core.job").get(request.id())
    ended = (outbox.c.tenant_id == work.tenant.id, outbox.c.id == request.id(), outbox.c.state.in_((DEAD, HELD)))
    if not work.connection.execute(outbox.update().where(*ended).values(state=SKIPPED)).rowcount:
        raise Conflict(_("the job is {state!r}; only a permanently failed or on-hold job can be discarded"),
                       code="job_not_failed", state=job["state"])  # fmt: skip
    return {"id": request.id(), "state": SKIPPED, "attempts": job["attempts"]}


def planned(ctx: Context, _request: Request) -> object:
    """What runs by the clock: when it ran last, what became of it, and when it runs next."""
    work = cast("Work", ctx)
    run = sa.and_(outbox.c.tenant_id == schedules.c.tenant_id, outbox.c.id == schedules.c.last_run)
    query = (
        sa.select(schedules, outbox.c.state, outbox.c.error, outbox.c.reason)
        .outerjoin(outbox, run)
        .where(schedules.c.tenant_id == work.tenant.id, schedules.c.due_at.is_not(None))
        .order_by(schedules.c.name)
    )
    found, sees_all = [], sight.sees_all(work)
    for row in work.connection.execute(query):
        of = work.platform.catalog.schedules.get(row.name)
        if of is not None and of.plugin in work.enabled:
            found.append({
                "name": row.name, "plugin": of.plugin, "every": int(of.every.total_seconds()) if of.every is not None else None,
                "at": of.at.isoformat("minutes") if of.at is not None else None, "weekdays": sorted(set(of.weekdays)),
                "next_at": row.due_at, "last_at": row.last_due_at, "last_run": row.last_run,
                "last_state": row.state, "last_error": sight.told(work, row.error, row.reason) if sees_all else None,
            })  # fmt: skip
    return {"data": found}


@contextmanager
def letter_sent(ctx: Context, _request: Request) -> Iterator[Response]:
    """Send a letter to the actor's own address at once, past the outbox: only so it is told here what the server says of it. A server
    may think for long, and nothing is written: so it is asked, and answered, before there is a transaction."""
    yield Response(_sent(cast("Work", ctx)))


def _sent(work: Work) -> dict[str, object]:
    server, error, state = work.platform.config.mail, None, "ok"
    with work.transaction():
        me = work.actor.user_id
        row = work.records("core.user").get(me) if me is not None else {}
    to = str(row.get("email") or "")
    try:
        if not to:
            raise Unavailable(_("you have no email address to send to"), code="mail_no_recipient")
        if server is None:
            raise Unavailable(_("no mail server is configured; set MAIL_URL and restart"), code="mail_not_configured")
        text = work.say(_("This email shows that {server} accepts mail from {sender}. You don’t need to do anything."),
                        {"server": server, "sender": server.sender})  # fmt: skip
        (letter,) = letters.waiting(Mail(to, work.say(_("Test email from {tenant}"), {"tenant": work.tenant.name}), text))
        smtp.send(server, letters.message(work, server, letter, str(new_id())), to)
    except Unavailable as wrong:
        state, error = wrong.reason, work.say(wrong.message, wrong.params)
    except GiveUp as refused:
        state, error = "mail_refused", work.say(refused.message, refused.params)
    return {"state": state, "error": error, "server": str(server or ""), "sender": server.sender if server else "", "to": to}


def told_letter(_ctx: Context, request: Request) -> object:
    """What came of it: `letter_sent` has answered."""
    return request.prepared


def check_mail(ctx: Context, _request: Request) -> object:
    """Connect to the mail server and sign in, without sending; a check that finds something wrong is a good check, so 200."""
    work = cast("Work", ctx)
    server = work.platform.config.mail
    error: str | None = None
    try:
        if server is None:
            raise Unavailable(_("no mail server is configured; set MAIL_URL and restart"), code="mail_not_configured")
        smtp.check(server)
    except Unavailable as wrong:
        state, error = wrong.reason, work.say(wrong.message, wrong.params)
    else:
        state = "ok"
    return {"state": state, "error": error, "server": str(server or ""), "sender": server.sender if server else ""}


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/schedules", view=planned, permission="core.job.read", summary=_("Schedules"), answer=Schedules),
    Route(method="POST", path="/jobs/{id}/give_up", view=give_up, permission="core.job.retry", summary=_("Discard a job"), answer=Retried),
    Route(method="POST", path="/mail/test_letters", view=told_letter, permission="core.mail.check",
          summary=_("Send yourself a test email"), answer=TestLetter, prepare=letter_sent),
    Route(method="POST", path="/jobs/{id}/retry", view=retry, permission="core.job.retry", summary=_("Retry a job"), answer=Retried),
    # GET, as it changes nothing: a write transaction would be held open while the server thinks.
    Route(method="GET", path="/mail/check", view=check_mail, permission="core.mail.check", summary=_("Test the mail server"),
          answer=MailServer),
)  # fmt: skip
