"""Personal data over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields

from core.privacy.disclose import MOST, disclose
from core.privacy.erase import erase
from sdk import SIGNED_IN, Context, Request, Route, _
from sdk import fields as f
from sdk.fields import AnyRecordField, Reference

if TYPE_CHECKING:
    from core.context import Work

_PERSON = AnyRecordField(label=_("Person"), required=True)


class NewErasure(Schema):
    """Whose data, and why: the reason stays in the audit. With `dry_run` nothing is changed and everything is told."""

    record = _PERSON.input()
    reason = f.text(_("Reason"), length=500, required=True).field.input()
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class NewDisclosure(Schema):
    """Whose data. That they were gathered stands in the audit."""

    record = _PERSON.input()


class Concerned(Schema):
    """Records of one entity."""

    entity = fields.String(required=True)
    records = fields.Integer(required=True)


class KeptRow(Schema):
    """A record that stays as it is, and why; or one field of it."""

    entity = fields.String(required=True)
    id = fields.UUID(required=True)
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    reason = fields.String(required=True)


class PersonRow(Schema):
    """Who it is."""

    entity = fields.String(required=True)
    id = fields.UUID(required=True)


class ErasureRow(Schema):
    """What was erased (records, entries of the audit, rows of background work, files), what names the person and stands, and what stays and why."""

    record = fields.Nested(PersonRow, required=True)
    dry_run = fields.Boolean(required=True)
    erased = fields.List(fields.Nested(Concerned), required=True)
    linked = fields.List(fields.Nested(Concerned), required=True)
    off = fields.List(fields.Nested(Concerned), required=True)
    audit = fields.Integer(required=True)
    background = fields.Integer(required=True)
    files = fields.Integer(required=True)
    kept = fields.List(fields.Nested(KeptRow), required=True)
    kept_count = fields.Integer(required=True)


class DisclosureRow(Schema):
    """The data: records by entity as they are, what names the person, history, letters; `withheld` counts what the caller may not see."""

    format = fields.String(required=True)
    at = fields.DateTime(required=True)
    person = fields.Nested(PersonRow, required=True)
    records = fields.Dict(fields.String(), fields.List(fields.Dict()), required=True)
    named_in = fields.Dict(fields.String(), fields.List(fields.Dict()), required=True)
    history = fields.List(fields.Dict(), required=True)
    letters = fields.List(fields.Dict(), required=True)
    withheld = fields.List(fields.Nested(Concerned), required=True)
    off = fields.List(fields.Nested(Concerned), required=True)


def erase_person(ctx: Context, request: Request) -> object:
    """Erase, or say what would be; who may is asked there, as it depends on what kind of person it is."""
    work, body = cast("Work", ctx), request.body
    return erase(work, cast("Reference", body["record"]), str(body["reason"]), dry_run=bool(body["dry_run"])).shown(work)


def disclose_person(ctx: Context, request: Request) -> object:
    """Everything that is known of a person, as far as the caller sees it."""
    return disclose(cast("Work", ctx), cast("Reference", request.body["record"]), most=MOST)


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/erasures", view=erase_person, permission=SIGNED_IN, summary=_("Erase a person’s personal data"),
          body=NewErasure, answer=ErasureRow),
    Route(method="POST", path="/disclosures", view=disclose_person, permission=SIGNED_IN, summary=_("Collect a person’s data"),
          body=NewDisclosure, answer=DisclosureRow),
)  # fmt: skip
