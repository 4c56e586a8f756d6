"""The tenant's settings and its set-up over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields, validate

from core.audit.days import FOR_EVER
from core.identity.ranges import MOST
from core.tenancy import settings
from core.tenancy.duplicates import VERDICTS
from core.tenancy.setup import set_up
from sdk import SIGNED_IN, Context, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


_Verdicts = fields.Dict(keys=fields.String(), values=fields.String(validate=validate.OneOf(VERDICTS)))
"""What happens by field."""


class Settings(Schema):
    """What shall be other than it is."""

    locale = fields.String(load_default=None, allow_none=False)
    timezone = fields.String(load_default=None, allow_none=False)
    currency = fields.String(load_default=None, allow_none=False)
    fiscal_year_start = fields.Integer(load_default=None, allow_none=False, strict=True, validate=validate.Range(1, 12))
    week_start = fields.Integer(load_default=None, allow_none=False, strict=True, validate=validate.Range(1, 7))
    rate_limit = fields.Integer(load_default=None, allow_none=False, strict=True, validate=validate.Range(0, 1_000_000))
    audit_days = fields.Integer(load_default=None, allow_none=False, strict=True, validate=validate.Range(30, FOR_EVER))
    duplicates = fields.Dict(keys=fields.String(), values=_Verdicts, load_default=None, allow_none=False)
    allowed_addresses = fields.List(
        fields.String(validate=validate.Length(1, 50)), load_default=None, allow_none=False, validate=validate.Length(max=MOST)
    )


class TenantRow(Schema):
    """The tenant."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    locale = fields.String(required=True)
    timezone = fields.String(required=True)
    currency = fields.String(required=True)
    fiscal_year_start = fields.Integer(required=True)
    week_start = fields.Integer(required=True)
    rate_limit = fields.Integer(required=True)
    audit_days = fields.Integer(required=True)
    duplicates = fields.Dict(keys=fields.String(), values=_Verdicts, required=True)
    allowed_addresses = fields.List(fields.String(), required=True)


class SetUpRow(Schema):
    """What set-up did for one entity."""

    entity = fields.String(required=True)
    created = fields.Integer(required=True)
    skipped = fields.Integer(required=True)


class SetUp(Schema):
    """What set-up did."""

    data = fields.List(fields.Nested(SetUpRow), required=True)


def show(ctx: Context, _request: Request) -> object:
    """The tenant's settings."""
    return settings.shown(cast("Work", ctx))


def change(ctx: Context, request: Request) -> object:
    """Change the tenant's settings."""
    return settings.change(cast("Work", ctx), request.body)


def run_set_up(ctx: Context, _request: Request) -> object:
    """Make the master data that is missing."""
    return {"data": set_up(cast("Work", ctx))}


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/tenant", view=show, permission=SIGNED_IN, summary=_("Show company settings"), answer=TenantRow),
    Route(method="PATCH", path="/tenant", view=change, permission="core.tenant.update", summary=_("Change company settings"),
          body=Settings, answer=TenantRow),
    Route(method="POST", path="/setup", view=run_set_up, permission="core.tenant.update", summary=_("Create missing master data"),
          answer=SetUp),
)  # fmt: skip
