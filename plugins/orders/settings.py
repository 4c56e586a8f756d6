"""What a tenant sets for its orders."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from sdk import _


class Purchases(Schema):
    """How long an account counts as new after its first order, and as active after its last one (then it is lost); and up to which day
    the books are closed."""

    new_days = fields.Integer(
        strict=True,
        load_default=90,
        validate=validate.Range(1, 3660),
        metadata={"label": _("Days after its first order during which an account is new")},
    )
    active_days = fields.Integer(
        strict=True,
        load_default=365,
        validate=validate.Range(1, 3660),
        metadata={"label": _("Days after its last order during which an account is active")},
    )
    closed_until = fields.Date(
        load_default=None, allow_none=True, metadata={"label": _("Books are closed up to (empty: nothing is closed)")}
    )
