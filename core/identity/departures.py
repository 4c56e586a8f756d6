"""Departures over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

from marshmallow import Schema, fields

from core.identity.leaving import RIGHT, leave
from sdk import Context, Permission, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work

PERMISSIONS: Sequence[Permission] = (Permission(RIGHT, _("Offboard people and hand over their work")),)


class NewDeparture(Schema):
    """Who takes over; with `dry_run` nothing is changed and everything is counted."""

    successor = fields.UUID(required=True)
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class Counted(Schema):
    """Records of one entity."""

    entity = fields.String(required=True)
    records = fields.Integer(required=True)


class Kept(Schema):
    """A record that a plugin does not let pass on, and why."""

    entity = fields.String(required=True)
    id = fields.UUID(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    code = fields.String(required=True)
    reason = fields.String(required=True)


class DepartureRow(Schema):
    """What became of the work: `moved` passed on, `kept` stays by the word of a plugin, `off` belongs to plugins that are off."""

    person = fields.UUID(required=True)
    successor = fields.UUID(required=True)
    dry_run = fields.Boolean(required=True)
    tokens = fields.Integer(required=True)
    moved = fields.List(fields.Nested(Counted), required=True)
    off = fields.List(fields.Nested(Counted), required=True)
    kept = fields.List(fields.Nested(Kept), required=True)
    kept_count = fields.Integer(required=True)


def depart(ctx: Context, request: Request) -> object:
    """Let a person leave; nothing is half-done, since all of it is one transaction."""
    body = request.body
    return leave(cast("Work", ctx), request.id(), cast("UUID", body["successor"]), dry_run=bool(body["dry_run"])).shown()


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/users/{id}/departures", view=depart, permission=RIGHT, summary=_(
        "Offboard a person and hand over their work"
    ),
          body=NewDeparture, answer=DepartureRow),
)  # fmt: skip
