"""What an administrator does about background work and the mail server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields

from core.events.states import DEAD, HELD, WAITING
from core.events.tables import outbox
from core.mail import smtp
from sdk import Conflict, Context, Permission, Request, Route, Unavailable, _

if TYPE_CHECKING:
    from core.context import Work

PERMISSIONS: Sequence[Permission] = (
    Permission("core.job.retry", _("Try failed background work again")),
    Permission("core.mail.check", _("Check the mail server")),
)


class Retried(Schema):
    """The job as it waits again."""

    id = fields.UUID(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)


class MailServer(Schema):
    """What the server said: state `ok`, or the name of what is wrong with its reason."""

    state = fields.String(required=True)
    error = fields.String(required=True, allow_none=True)
    server = fields.String(required=True)
    sender = fields.String(required=True)


def retry(ctx: Context, request: Request) -> object:
    """Let a job that failed or is held run again at once, with all its attempts before it."""
    work = cast("Work", ctx)
    job = work.records("core.job").get(request.id())
    again = (outbox.c.tenant_id == work.tenant.id, outbox.c.id == request.id(), outbox.c.state.in_((DEAD, HELD)))
    change = outbox.update().where(*again).values(state=WAITING, attempts=0, due_at=work.now())
    if not work.connection.execute(change).rowcount:
        raise Conflict(_("the job is {state!r}; only one that failed for good or is held can be tried again"),
                       code="job_not_failed", state=job["state"])  # fmt: skip
    work.awaken()
    return {"id": request.id(), "state": WAITING, "attempts": 0}


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
    Route(method="POST", path="/jobs/{id}/retry", view=retry, permission="core.job.retry", summary=_("Try a job again"), answer=Retried),
    # GET, as it changes nothing: a write transaction would be held open while the server thinks.
    Route(method="GET", path="/mail/check", view=check_mail, permission="core.mail.check", summary=_("Check the mail server"),
          answer=MailServer),
)  # fmt: skip
