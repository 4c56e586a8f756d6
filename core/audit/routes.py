"""The proof of the audit over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields, validate

from core.audit import chain, proof
from sdk import Context, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


class Head(Schema):
    """The head that an earlier proof told: the chain must have it."""

    head = fields.String(load_default="", validate=validate.Length(max=64))


class Proof(Schema):
    """What holds, and the first link that does not (null: all of it holds)."""

    entries = fields.Integer(required=True)
    seals = fields.Integer(required=True)
    dropped = fields.Integer(required=True)
    late = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    head = fields.String(required=True)
    erased = fields.Dict(required=True)
    broken = fields.Dict(required=True, allow_none=True)


def verify(ctx: Context, request: Request) -> object:
    """Follow the chain. It is read whole, so it takes its time: some 20 us for each entry."""
    found = chain.told(proof.prove(cast("Work", ctx).as_system(), head=str(request.body["head"])))
    return {name: found[name] for name in Proof().fields}


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/audit/proofs", view=verify, permission="core.audit.read", summary=_("Verify the audit log"),
          body=Head, answer=Proof),
)  # fmt: skip
