"""What an administrator sees and sets of plugins over HTTP, and the health of the installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from marshmallow import Schema, fields, validate

from core import settings
from core.custom.leaning import WAYS
from core.extension import about
from sdk import Context, Request, Route, _

if TYPE_CHECKING:
    from core.context import Work


class SettingField(Schema):
    """One line of the form; `of` is the entity whose natural keys a list holds."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True)
    secret = fields.Boolean(required=True)
    set = fields.Boolean(required=True)
    of = fields.String(required=True, allow_none=True)
    options = fields.List(fields.String(), required=True)


class PluginSettings(Schema):
    """What is in force, without the secrets, and the form to change it."""

    plugin = fields.String(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    form = fields.List(fields.Nested(SettingField), required=True)


class AllSettings(Schema):
    """The settings of the tenant's plugins, by plugin."""

    data = fields.List(fields.Nested(PluginSettings), required=True)


class Failing(Schema):
    """A hook that has raised since yesterday; `error` is what kind and where, never a message."""

    plugin = fields.String(required=True)
    hook = fields.String(required=True)
    times = fields.Integer(required=True)
    last_at = fields.AwareDateTime(required=True)
    error = fields.String(required=True)


class Slow(Schema):
    """A hook that took longer than it may since yesterday, and how many `seconds` its slowest call took."""

    plugin = fields.String(required=True)
    hook = fields.String(required=True)
    times = fields.Integer(required=True)
    last_at = fields.AwareDateTime(required=True)
    seconds = fields.Float(required=True)


_Names = fields.List(fields.String())
_Counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class PluginAbout(Schema):
    """One plugin: `adds` is by kind what it put anywhere, `reason` why it does not serve."""

    name = fields.String(required=True)
    reason = fields.String(required=True)
    distribution = fields.String(required=True)
    adds = fields.Dict(keys=fields.String(), values=_Names, required=True)
    has_settings = fields.Boolean(required=True)
    required_by = fields.List(fields.String(), required=True)
    failing = fields.List(fields.Nested(Failing), required=True)
    slow = fields.List(fields.Nested(Slow), required=True)


class UseRow(Schema):
    """Records of another plugin that name something of this one."""

    entity = fields.String(required=True)
    titles = fields.List(fields.String(), required=True)


class OwnRow(Schema):
    """A field or an entity that the tenant has made, in what `way` it leans on the plugin, and how many records of others are concerned."""

    name = fields.String(required=True)
    way = fields.String(required=True, validate=validate.OneOf(WAYS))
    label = fields.String(required=True)
    records = fields.Integer(required=True)


class PluginImpact(Schema):
    """What the tenant would miss: rows by table, links of others by `entity.field`, what it has made itself, grants, tokens, what others
    say of their own records."""

    plugin = fields.String(required=True)
    rows = _Counts
    links = _Counts
    own = fields.List(fields.Nested(OwnRow), required=True)
    grants = fields.Integer(required=True)
    tokens = fields.List(fields.String(), required=True)
    uses = fields.List(fields.Nested(UseRow), required=True)
    unanswered = fields.List(fields.String(), required=True)
    required_by = fields.List(fields.String(), required=True)
    taken_along = fields.List(fields.String(), required=True)


class IllPlugin(Schema):
    """A plugin that does not serve."""

    name = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)


class Health(Schema):
    """`behind` names plugins whose schema is not that of their code; `background` is `ok`, or what is wrong."""

    behind = fields.List(fields.String(), required=True)
    background = fields.String(required=True)
    mail = fields.Boolean(required=True)
    plugins = fields.List(fields.Nested(IllPlugin), required=True)
    failing = fields.List(fields.Nested(Failing), required=True)
    slow = fields.List(fields.Nested(Slow), required=True)


def describe(ctx: Context, request: Request) -> object:
    """What a plugin adds, and whether it is well."""
    return about.described(cast("Work", ctx), request.path["plugin"])


def impact(ctx: Context, request: Request) -> object:
    """What the tenant would miss without a plugin."""
    return about.leaving(cast("Work", ctx), request.path["plugin"])


def health(ctx: Context, _request: Request) -> object:
    """Whether the parts of the installation are well."""
    return about.health(cast("Work", ctx))


def show_all(ctx: Context, _request: Request) -> object:
    """The settings of all plugins."""
    return {"data": settings.all_shown(cast("Work", ctx))}


def show(ctx: Context, request: Request) -> object:
    """The settings of a plugin."""
    return settings.shown(cast("Work", ctx), request.path["plugin"])


def change(ctx: Context, request: Request) -> object:
    """Change settings of a plugin; null goes back to the default."""
    return settings.change(cast("Work", ctx), request.path["plugin"], request.body)


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/plugins/{plugin}", view=describe, permission="core.plugin.update", summary=_("Show a plugin"),
          answer=PluginAbout),
    Route(method="GET", path="/plugins/{plugin}/impact", view=impact, permission="core.plugin.update",
          summary=_("Show what would be missing without a plugin"), answer=PluginImpact),
    Route(method="GET", path="/health", view=health, permission="core.plugin.update", summary=_("Show installation health"),
          answer=Health),
    Route(method="GET", path="/settings", view=show_all, permission="core.plugin.update", summary=_("List plugin settings"),
          answer=AllSettings),
    Route(method="GET", path="/plugins/{plugin}/settings", view=show, permission="core.plugin.update",
          summary=_("Show a plugin’s settings"), answer=PluginSettings),
    Route(method="PATCH", path="/plugins/{plugin}/settings", view=change, permission="core.plugin.update",
          summary=_("Change a plugin’s settings"), any_object=True, answer=PluginSettings),
)  # fmt: skip
