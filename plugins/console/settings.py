"""What the administrator sets for the pages of the company."""

from __future__ import annotations

from marshmallow import Schema, fields

from sdk import _


class PagesOfCompany(Schema):
    """Whether the first steps, which a new company needs, are still shown where the work begins."""

    first_steps = fields.Boolean(load_default=True, metadata={"label": _("Show the getting-started checklist until it is complete")})
