"""What a tenant says of the bank's rates."""

from __future__ import annotations

from marshmallow import Schema, fields

from sdk import _


class EcbRates(Schema):
    """Whether they come by themselves: nobody is called outside unless an administrator says so."""

    automatic = fields.Boolean(load_default=False, truthy={True}, falsy={False}, metadata={"label": _("Fetch new rates automatically")})
