"""What administrators do with a person: look at what that one may do, act as that one, invite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from plugins.console.admin.health import letters_wait
from plugins.console.registry import PREFIX
from sdk import Context, PageRequest, PageRoute, Panel, Redirect, Refusal, Rendering, Slot, _
from sdk.context import Row
from sdk.pages import told

ACT_AS = "core.user.impersonate"


def buttons(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """The ways from a person's record to the pages here."""
    mine = str(record["id"]) == str(ctx.actor.user_id)
    ways = [
        (f"{PREFIX}/admin/people/{record['id']}", "shield", ctx.say(_("What can they do?")), ctx.can("core.grant.read")),
        (
            f"{PREFIX}/admin/people/{record['id']}/invite",
            "mail",
            ctx.say(_("Invite")),
            bool(record.get("email")) and ctx.can("core.user.update"),
        ),
        (f"{PREFIX}/admin/people/{record['id']}/act", "eye", ctx.say(_("Impersonate")), not mine and ctx.can(ACT_AS)),
    ]
    return Rendering("console/admin_buttons.html", {"ways": [way[:3] for way in ways if way[3]]})


def ask_act(ctx: Context, request: PageRequest) -> Rendering:
    """What it means, before it is begun."""
    return Rendering("console/admin_act.html", {"person": ctx.records("core.user").get(request.id())})


def ask_invite(ctx: Context, request: PageRequest) -> Rendering:
    """To whom the letter goes."""
    return _invitation(ctx, ctx.records("core.user").get(request.id()))


def invite(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Send the letter."""
    person = ctx.records("core.user").get(request.id())
    try:
        sent = cast("Mapping[str, object]", ctx.api("POST", f"/api/v1/core/users/{request.id()}/invitations"))
    except Refusal as refusal:
        return _invitation(ctx, person, refusal=refusal)
    return _invitation(ctx, person, sent=sent)


def _invitation(ctx: Context, person: Row, *, sent: Mapping[str, object] | None = None, refusal: Refusal | None = None) -> Rendering:
    values = {"person": person, "sent": sent, "problems": told(ctx, refusal), "waits": sent is not None and letters_wait(ctx)}
    return Rendering("console/admin_invite.html", values, 200 if refusal is None else refusal.status)


PAGES = (
    PageRoute("act", path="/admin/people/{id}/act", title=_("Impersonate"), permission=ACT_AS, view=ask_act),
    PageRoute("invite", path="/admin/people/{id}/invite", title=_("Invite"), permission="core.user.update", view=ask_invite, submit=invite),
)
PANELS: Sequence[Panel] = (
    Panel("person", slot=Slot.BUTTON, label=_("A person’s permissions"), permission="core.user.read", entity="core.user", view=buttons),
)
