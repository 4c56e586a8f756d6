"""The sessions in which one is signed in, and how to end them: `/api/v1/core/sessions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

import sqlalchemy as sa
from marshmallow import Schema, fields

from core.identity import impersonation, sessions
from core.identity.sessions import Visitor
from core.identity.tables import REVOKED
from core.identity.tables import sessions as session_table
from sdk import SIGNED_IN, Context, Forbidden, NotFound, Request, Response, Route, _

if TYPE_CHECKING:
    from core.context import Work


class Whose(Schema):
    """Oneself, or, for who may change people, somebody else of the tenant."""

    user = fields.UUID(load_default=None, allow_none=True)


class SessionRow(Schema):
    """A browser in which somebody is signed in; `current` is the one that asks."""

    id = fields.UUID(required=True)
    current = fields.Boolean(required=True)
    address = fields.String(required=True)
    agent = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class SessionList(Schema):
    """The sessions that have not ended, the newest first."""

    data = fields.List(fields.Nested(SessionRow), required=True)


def list_sessions(ctx: Context, request: Request) -> object:
    """The sessions of one person."""
    work = _trusted(ctx)
    rows = sessions.live(work.connection, _whose(work, request), work.now())
    names = ("id", "address", "agent", "created_at", "expires_at")
    return {"data": [{**{name: getattr(row, name) for name in names}, "current": row.id == work.session} for row in rows]}


def end_sessions(ctx: Context, request: Request) -> Response:
    """End all sessions of one person but the one that asks."""
    work = _trusted(ctx, "core.user.update")
    others = [] if work.session is None else [session_table.c.id != work.session]
    return _ended(work, _whose(work, request), *others)


def end_session(ctx: Context, request: Request) -> Response:
    """End one session: one's own, or, for who may do everything, of anybody who may enter the tenant."""
    work = _trusted(ctx, "core.user.update")
    reach = sessions.of_tenant(work.tenant.id) if work.grants.unlimited else _own(work)
    if not sessions.live(work.connection, sa.and_(reach, session_table.c.id == request.id()), work.now()):
        raise NotFound(_("record {id!r} does not exist"), id=str(request.id()))
    return _ended(work, session_table.c.id == request.id())


def _ended(work: Work, *which: sa.ColumnElement[bool]) -> Response:
    for person in sessions.end(work.connection, *which):
        sessions.note(work.connection, person, REVOKED, Visitor(), work.now())
    return Response(None, 204)


def _whose(work: Work, request: Request) -> sa.ColumnElement[bool]:
    user = cast("UUID | None", request.query.get("user"))
    if user is None or user == work.actor.user_id:
        return _own(work)
    if not work.grants.unlimited:
        raise Forbidden(_("you don’t have permission to see or end someone else’s sessions"))
    work.as_system().records("core.user").get(user)
    return sessions.of_user(work.tenant.id, user)


def _own(work: Work) -> sa.ColumnElement[bool]:
    assert work.actor.user_id is not None  # whoever is signed in is a user
    return sessions.of_user(work.tenant.id, work.actor.user_id)


def _trusted(ctx: Context, permission: str = "") -> Work:
    """A restricted token was given for something else."""
    work = cast("Work", ctx)
    if work.grants.allows is not None:
        raise Forbidden(_("a restricted token can’t see or end sessions"))
    impersonation.forbid(work, permission)
    return work


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/sessions", view=list_sessions, permission=SIGNED_IN, summary=_("List a person’s sessions"),
          query=Whose, answer=SessionList),
    Route(method="DELETE", path="/sessions", view=end_sessions, permission=SIGNED_IN, summary=_("End a person’s other sessions"),
          query=Whose, status=204),
    Route(method="DELETE", path="/sessions/{id}", view=end_session, permission=SIGNED_IN, summary=_("End a session"), status=204),
)  # fmt: skip
