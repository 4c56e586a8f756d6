"""The settings of plugins over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields

from core import settings
from sdk import Context, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


class SettingField(Schema):
    """One line of the form."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True)
    secret = fields.Boolean(required=True)
    set = fields.Boolean(required=True)
    options = fields.List(fields.String(), required=True)


class PluginSettings(Schema):
    """What is in force, without the secrets, and the form to change it."""

    plugin = fields.String(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    form = fields.List(fields.Nested(SettingField), required=True)


def show(ctx: Context, request: Request) -> object:
    """The settings of a plugin."""
    return settings.shown(cast("Work", ctx), request.path["plugin"])


def change(ctx: Context, request: Request) -> object:
    """Change settings of a plugin; null goes back to the default."""
    return settings.change(cast("Work", ctx), request.path["plugin"], request.body)


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/plugins/{plugin}/settings", view=show, permission="core.plugin.update",
          summary=_("Show the settings of a plugin"), answer=PluginSettings),
    Route(method="PATCH", path="/plugins/{plugin}/settings", view=change, permission="core.plugin.update",
          summary=_("Change the settings of a plugin"), any_object=True, answer=PluginSettings),
)  # fmt: skip
