"""Signing in and out, tokens, and the switches of plugins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from marshmallow import Schema, fields
from marshmallow.validate import Length

from core.extension import consent, vanished
from core.identity import impersonation, invitations, tokens
from core.identity.tables import Token
from core.policy.allowed import LONGEST
from core.tenancy import lifecycle
from sdk import SIGNED_IN, Context, Forbidden, Invalid, Problem, Request, Response, Route, _
from sdk.fields import Checked, Field

if TYPE_CHECKING:
    from core.context import Work


def _of(name: str) -> Checked:
    field: Field = Token.__fields__[name]
    return field.input()


class NewToken(Schema):
    """A token for oneself, or, for who may do everything, for another."""

    name = _of("name")
    user = fields.UUID(load_default=None, allow_none=True)
    allows = _of("allows")
    expires_at = _of("expires_at")


class IssuedToken(Schema):
    """The one time that the secret is shown."""

    id = fields.UUID(required=True)
    token = fields.String(required=True)


class Switch(Schema):
    """Whether the tenant has the plugin."""

    enabled = fields.Boolean(required=True, truthy={True}, falsy={False})
    approves = fields.List(fields.String(validate=Length(max=LONGEST)), load_default=None, allow_none=True, validate=Length(max=200))


class Approved(Schema):
    """What was approved, by whom and when."""

    capabilities = fields.List(fields.String(), required=True)
    by = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True, allow_none=True)


class PluginRow(Schema):
    """A plugin as the tenant sees it."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True)
    version = fields.String(required=True)
    state = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    requires = fields.List(fields.String(), required=True)
    bridge = fields.Boolean(required=True)
    capabilities = fields.List(fields.String(), required=True)
    approved = fields.Nested(Approved, required=True, allow_none=True)
    asks = fields.List(fields.String(), required=True)
    waits_for = fields.List(fields.String(), required=True)
    wanted = fields.Boolean(required=True)


class PluginList(Schema):
    """All plugins that are installed."""

    data = fields.List(fields.Nested(PluginRow), required=True)


def issue_token(ctx: Context, request: Request) -> Response:
    """Issue a token; one made with a token can do no more than that, nor for longer."""
    work = cast("Work", ctx)
    impersonation.forbid(work, "core.token.create")
    body = request.body
    user = cast("UUID | None", body["user"]) or work.actor.user_id
    if user is None or (user != work.actor.user_id and not work.can("core.user.update")):
        raise Forbidden(_("you don’t have permission to create a token for someone else"))
    if user != work.actor.user_id and not work.grants.unlimited:  # it would reach what is the other's own, too
        raise Forbidden(_("only someone who can do everything may create a token for someone else"))
    work.as_system().records("core.user").get(user)
    allows = cast("list[str] | None", body.get("allows"))
    if work.grants.allows is not None:
        allows = allows or sorted(work.grants.allows)
        if not allows:  # an empty list must never come to mean no limits
            raise Forbidden(_("a token created with a restricted token can’t allow more than that"))
    asked = cast("datetime | None", body.get("expires_at"))
    if asked is not None and asked <= work.now():
        text = _("must be in the future")
        raise Invalid(_("some values are invalid"), problems=[Problem("expires_at", "past", text)])
    until = [at for at in (asked, work.token_until) if at is not None]
    id, secret = tokens.issue(work, user, str(body["name"]), allows, min(until, default=None))
    return Response({"id": id, "token": secret}, 201, {"Location": f"/api/v1/core/tokens/{id}"})


class SentInvitation(Schema):
    """Where the letter went, and until when its link is good; the link itself is for the reader of the letter."""

    email = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


def invite(ctx: Context, request: Request) -> Response:
    """Send a person the link by which to choose a password."""
    work = cast("Work", ctx)
    impersonation.forbid(work, "core.user.update")
    if not work.grants.unlimited:  # else who may change an e-mail could have the invitation of an administrator sent to himself
        raise Forbidden(_("only someone who can do everything can send invitations"))
    sent = invitations.invite(work, request.id())
    return Response({"email": sent.email, "expires_at": sent.expires_at}, 201)


def list_plugins(ctx: Context, _request: Request) -> object:
    """All plugins with their state, whether the tenant has them, what they may touch beyond their own, and what of that is approved."""
    work = cast("Work", ctx)
    gate = work.platform.gate
    consents = gate.consents(work.connection, work.tenant.id)
    waiting = gate.waiting(consents)
    held = waiting.keys() | {name for name, one in consents.items() if one.held}
    return {
        "data": [
            {
                "name": plugin.name,
                "title": work.say(plugin.manifest.title) if plugin.manifest else plugin.name,
                "summary": work.say(plugin.manifest.summary) if plugin.manifest else "",
                "version": plugin.manifest.version if plugin.manifest else "",
                "state": "held" if plugin.serves and plugin.name in held else plugin.state.value,
                "enabled": plugin.name in work.enabled,
                "wanted": plugin.name in consents and consents[plugin.name].enabled,
                "requires": list(plugin.manifest.requires) if plugin.manifest else [],
                "bridge": plugin.manifest is not None and plugin.manifest.bridge,
                "capabilities": consent.asked(plugin.manifest),
                "approved": consent.shown(consents.get(plugin.name)),
                "asks": list(consents[plugin.name].lacks) if plugin.name in consents else consent.asked(plugin.manifest),
                "waits_for": sorted(waiting.get(plugin.name, frozenset()) - {plugin.name}),
            }
            for plugin in vanished.as_now(work.platform)
        ]
    }


def switch_plugin(ctx: Context, request: Request) -> object:
    """Switch a plugin on or off for the tenant."""
    lifecycle.switch(
        cast("Work", ctx), request.path["plugin"], bool(request.body["enabled"]), cast("list[str] | None", request.body["approves"])
    )
    return {"name": request.path["plugin"], "enabled": request.body["enabled"]}


class Switched(Schema):
    """What is in force now."""

    name = fields.String(required=True)
    enabled = fields.Boolean(required=True)


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/tokens", view=issue_token, permission=SIGNED_IN, summary=_("Create a token"),
          body=NewToken, answer=IssuedToken, status=201),
    Route(method="POST", path="/users/{id}/invitations", view=invite, permission="core.user.update", summary=_("Invite a person"),
          answer=SentInvitation, status=201),
    Route(method="GET", path="/plugins", view=list_plugins, permission=SIGNED_IN, summary=_("List plugins"), answer=PluginList),
    Route(method="PATCH", path="/plugins/{plugin}", view=switch_plugin, permission="core.plugin.update",
          summary=_("Turn a plugin on or off"), body=Switch, answer=Switched),
)  # fmt: skip
