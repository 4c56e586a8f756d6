"""The company's logo over HTTP; its records have the ordinary routes."""

from __future__ import annotations

from collections.abc import Sequence

from marshmallow import Schema, fields

from plugins.company import logo
from plugins.company.profile import NAME
from sdk import Context, Request, Response, Route, _


class LogoAnswer(Schema):
    """The profile with the version that it has now."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)


def take(ctx: Context, request: Request) -> object:
    """Take a picture as the logo."""
    row = logo.upload(ctx, request.id(), request.files["file"])
    return {"id": row["id"], "version": row["version"]}


def give(ctx: Context, request: Request) -> object:
    """The logo as a PNG."""
    return logo.download(ctx, request.id())


def drop(ctx: Context, request: Request) -> Response:
    """No logo from now on."""
    logo.remove(ctx, request.id())
    return Response(None, 204)


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/profiles/{id}/logo", view=take, permission=f"{NAME}.update", summary=_("Upload the company logo"),
          uploads=("file",), answer=LogoAnswer),
    Route(method="GET", path="/profiles/{id}/logo", view=give, permission=f"{NAME}.read", summary=_("Download the company logo"),
          media_type="image/png"),
    Route(method="DELETE", path="/profiles/{id}/logo", view=drop, permission=f"{NAME}.update", summary=_("Remove logo"), status=204),
)  # fmt: skip
