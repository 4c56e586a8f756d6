"""The conversion of leads over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from plugins.leads.conversion import LEAD, Wish, convert, undo
from plugins.pipeline.api import Deal
from sdk import Alike, Context, Request, Response, Route, _


class NewDeal(Schema):
    """What shall be said of the deal beyond what the lead knows."""

    name = Deal.__fields__["name"].input(required=False)
    amount = Deal.__fields__["amount"].input()
    close_date = Deal.__fields__["close_date"].input()
    pipeline = Deal.__fields__["pipeline"].input()
    stage = Deal.__fields__["stage"].input()


class Conversion(Schema):
    """An account to use in place of a new one; `deal` null for none; `force`: although account or contact is likely there already."""

    account = Deal.__fields__["account"].input()
    force = fields.Boolean(load_default=False)
    deal = fields.Nested(NewDeal, load_default=dict, allow_none=True)


class Converted(Schema):
    """What came of the lead."""

    lead = fields.UUID(required=True)
    account = fields.UUID(required=True, allow_none=True)
    contact = fields.UUID(required=True)
    deal = fields.UUID(required=True, allow_none=True)


def convert_lead(ctx: Context, request: Request) -> Response:
    """Convert a lead; asking again changes nothing and answers the same."""
    body, id = request.body, request.id()
    asked = body["deal"]
    deal = {name: value for name, value in asked.items() if value is not None} if isinstance(asked, dict) else None
    account = body["account"]
    lead = convert(ctx, id, Wish(getattr(account, "text", account), deal, Alike.FORCE if body["force"] else Alike.DEFAULT))
    return Response(
        {"lead": id, **{name: lead[name] for name in ("account", "contact", "deal")}}, 201, {"Location": f"/api/v1/leads/leads/{id}"}
    )


class Undone(Schema):
    """What went to the recycle bin: of `deal`, `contact` and `account` those that the conversion had made and nobody else needs."""

    lead = fields.UUID(required=True)
    removed = fields.List(fields.String(), required=True)


def undo_conversion(ctx: Context, request: Request) -> Response:
    """Take a conversion back."""
    return Response({"lead": request.id(), "removed": undo(ctx, request.id())})


ROUTES = (
    Route(method="POST", path="/leads/{id}/conversions", view=convert_lead, permission=f"{LEAD}.update", summary=_("Convert lead"),
          body=Conversion, answer=Converted, status=201),
    Route(method="POST", path="/leads/{id}/conversions/undo", view=undo_conversion, permission=f"{LEAD}.update",
          summary=_("Undo the conversion of a lead"), answer=Undone),
)  # fmt: skip
