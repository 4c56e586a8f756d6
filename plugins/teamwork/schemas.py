"""What the routes of teamwork take and answer."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from plugins.teamwork.periods import PATTERN
from plugins.teamwork.tables import Application, EvaluationStep
from sdk.fields import Checked, Field

MOST_READ = 500
MOST_ROUNDS = 10_000


class Span(Schema):
    """Days, both of them shown, and whose."""

    first = fields.Date(required=True, data_key="from")
    last = fields.Date(required=True, data_key="to")
    owner = fields.UUID(load_default=None)


class NewFile(Schema):
    """What the file is about: `plugin.entity:id`."""

    about = fields.String(required=True, validate=validate.Length(1, 140))


class Since(Schema):
    """From when on; left out, the newest."""

    since = fields.AwareDateTime(load_default=None, format="iso")


class Notices(Schema):
    """The newest notices, how many are unread in all, and the instant to ask from next: a notice may come twice, known by its id."""

    data = fields.List(fields.Dict(), required=True)
    unread = fields.Integer(required=True)
    since = fields.String(required=True)


class SomeNotices(Schema):
    """Which notices were read; left out, all."""

    ids = fields.List(fields.UUID(), load_default=None, allow_none=True, validate=validate.Length(1, MOST_READ))


class Marked(Schema):
    """How many notices were unread until now."""

    read = fields.Integer(required=True)


class InPeriod(Schema):
    """A month (2026-03), a quarter (2026-Q1) or a year (2026), also of the fiscal year (FY2026-Q1, FY2026); of one person or one team, if named."""

    period = fields.String(required=True, validate=validate.Regexp(PATTERN))
    person = fields.UUID(load_default=None)
    team = fields.UUID(load_default=None)


class Applied(Schema):
    """On which record (`plugin.entity:id`), from which day on (today), and a word by which the request is done once."""

    about = Application.__fields__["about"].input(required=True)
    starts_on = Application.__fields__["starts_on"].input()
    request = Application.__fields__["request"].input()


class OfRound(Schema):
    """Which round of the evaluation; left out, the present one."""

    round = fields.Integer(load_default=None, validate=validate.Range(1, MOST_ROUNDS))


def _reason() -> Checked:
    field: Field = EvaluationStep.__fields__["reason"]
    return field.input(required=True)


class Reopening(Schema):
    """Why an evaluation is opened again."""

    reason = _reason()


ROWS = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": {"type": "object"}}},
    "required": ["data"],
}
RECORD = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"]}
