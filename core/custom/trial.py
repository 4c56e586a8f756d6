"""What would be said to a definition of a field, without making it: for who is typing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

from marshmallow import Schema, fields

from core.custom.checks import ENTITY
from sdk import Context, Problem, Refusal, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


class _Fits(Exception):
    """Raised once it was taken, so that it is undone."""


class Draft(Schema):
    """The values of a field that is to be made; with `id`, the changes of one that is there."""

    id = fields.UUID(load_default=None, allow_none=True)
    values = fields.Dict(keys=fields.String(), required=True)


class Flaw(Schema):
    """What does not fit; `field` is empty where it is about all of it."""

    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class Verdict(Schema):
    """Everything that does not fit; nothing: it would be taken."""

    problems = fields.List(fields.Nested(Flaw), required=True)


def check(ctx: Context, request: Request) -> object:
    """Look at a definition; writes nothing."""
    work, id = cast("Work", ctx), cast("UUID | None", request.body["id"])
    values = cast("Mapping[str, object]", request.body["values"])
    records = work.records(ENTITY)
    try:
        with work.tried():
            if id is None:
                records.create(values)
            else:
                records.update(id, values)
            raise _Fits
    except _Fits:
        return {"problems": []}
    except Refusal as refusal:
        told = refusal.problems or [Problem("", refusal.reason, refusal.message, refusal.params)]
    return {"problems": [{"field": one.field, "code": one.code, "message": work.say(one.message, one.params)} for one in told]}


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/custom_fields/checks", view=check, permission=f"{ENTITY}.create",
          summary=_("Check a field definition"), body=Draft, answer=Verdict),
)  # fmt: skip
