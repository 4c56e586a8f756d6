"""One's own account: where one is signed in, the password, the second factor, and the tokens of one's programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from plugins.console.devices import device
from plugins.console.me import keep_own, own_form
from plugins.console.registry import PREFIX, Kind, called, kind_of
from sdk import SIGNED_IN, Condition, Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, Verb, _
from sdk.pages import told
from sdk.routes import record_id

HERE, TOKENS = f"{PREFIX}/me/account", f"{PREFIX}/me/tokens"
_SESSIONS = "/api/v1/core/sessions"
_KEYS = (
    (("Ctrl", "K"), _("Search or run a command")), (("/",), _("Search in the list")), (("N",), _("New record")), (("F",), _("Filter")),
    (("E",), _("Edit")), (("J", "K"), _("Next and previous row")), (("X",), _("Select the row")),
    (("F2",), _("Change a cell of the row; arrow keys go from cell to cell")),
    (("Space",), _("Pick up a card of a board, move it with the arrow keys, put it down")), (("Ctrl", "Enter"), _("Post a comment, save lines")),
    (("?",), _("Keyboard shortcuts")),
)  # fmt: skip
"""What the scripts of pages do at a key (10-base.js, 40-list.js, 40-board.js), as people are told."""
_LASTING = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The account."""
    return _account(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """End one session, or all but this one."""
    try:
        ctx.api("DELETE", f"{_SESSIONS}/{record_id(request.typed('session'))}" if request.typed("session") else _SESSIONS)
    except Refusal as refusal:
        return _account(ctx, request, refusal)
    return Redirect(HERE)


def keep_settings(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take the settings that were typed."""
    try:
        keep_own(ctx, request)
    except Refusal as refusal:
        return _account(ctx, request, refusal, typed=True)
    return Redirect(f"{HERE}?kept=1")


def _account(ctx: Context, request: PageRequest, refusal: Refusal | None = None, *, typed: bool = False) -> Rendering:
    form, others = own_form(ctx, request if typed else None, refusal if typed else None)
    problems, sessions = others if typed else told(ctx, refusal), list[Mapping[str, Any]]()
    try:
        sessions = cast("Mapping[str, list[Mapping[str, Any]]]", ctx.api("GET", _SESSIONS))["data"]
    except Refusal as hidden:  # who acts as somebody, or came with a narrow token, is told so
        problems = [*problems, *told(ctx, hidden)]
    sessions = [{**one, "device": device(str(one.get("agent") or ""))} for one in sessions]
    values = {
        "sessions": sessions,
        "problems": problems,
        "settings": form,
        "kept": bool(request.asked("kept")) and refusal is None,
        "here": HERE,
        "tokens": TOKENS,
        "shortcuts": [(keys, ctx.say(text)) for keys, text in _KEYS],
    }
    return Rendering("console/account.html", values,
                     200 if refusal is None else refusal.status)  # fmt: skip


@dataclass(frozen=True)
class Allowed:
    """An entity that a token may be allowed something of."""

    name: str
    label: str
    verbs: Mapping[str, bool]
    fields: Mapping[str, str]
    typed: str


def show_tokens(ctx: Context, request: PageRequest) -> Rendering:
    """One's tokens, and a new one."""
    return _tokens(ctx, request)


def submit_tokens(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Issue a token, whose secret is on this page and never again; or revoke one."""
    try:
        if revoked := request.typed("revoke"):
            ctx.records("core.token").delete(record_id(revoked))
            return Redirect(TOKENS)
        body: dict[str, object] = {"name": request.typed("name").strip()}
        if (lasts := _LASTING.get(request.typed("lasts"))) is not None:
            body["expires_at"] = (ctx.now() + lasts).astimezone(UTC).isoformat()
        if request.typed("may") != "everything":
            body["allows"] = list(_words(ctx, request))
        issued = cast("Mapping[str, str]", ctx.api("POST", "/api/v1/core/tokens", body))
    except Refusal as refusal:
        return _tokens(ctx, request, refusal)
    return _tokens(ctx, request, secret=issued["token"])


def _words(ctx: Context, request: PageRequest) -> Iterator[str]:
    """The ticked verbs as words of an allow-list; with fields where some were named."""
    for name in ctx.entities():
        fields = ",".join(request.typed(f"fields-{name}").replace(",", " ").split())
        for verb in request.chosen(f"allow-{name}"):
            yield f"{name}.{verb}:{fields}" if fields and verb != Verb.DELETE else f"{name}.{verb}"


def _tokens(ctx: Context, request: PageRequest, refusal: Refusal | None = None, *, secret: str = "") -> Rendering:
    mine = (Condition("user", "eq", (str(ctx.actor.user_id),)),)
    rows = ctx.records("core.token").query(Query(filter=mine, sort=("-created_at",), limit=100)).data if ctx.can("core.token.read") else []
    groups: dict[str, list[Allowed]] = {}
    for name in ctx.entities():
        kind = kind_of(ctx, name)
        if kind.entity.parent is None:
            groups.setdefault(called(ctx, kind.entity.plugin), []).append(_allowed(kind, request))
    values = {
        "rows": [{**row, "over": _over(row.get("expires_at"), ctx.now())} for row in rows], "groups": groups, "secret": secret,
        "problems": told(ctx, refusal), "here": TOKENS, "verbs": {Verb.READ.value: ctx.say(_("Read")), Verb.CREATE.value: ctx.say(_("Create")),
        Verb.UPDATE.value: ctx.say(_("Change")), Verb.DELETE.value: ctx.say(_("Delete"))},
        "typed": {name: request.typed(name) if not secret else "" for name in ("name", "lasts", "may")},
    }  # fmt: skip
    return Rendering("console/tokens.html", values, 200 if refusal is None else refusal.status)


def _allowed(kind: Kind, request: PageRequest) -> Allowed:
    ticked = request.chosen(f"allow-{kind.name}")
    verbs = {verb.value: verb.value in ticked for verb in Verb if kind.can(verb.value)}
    labels = {name: kind.ctx.say(field.label) for name, field in kind.fields.items()}
    return Allowed(kind.name, kind.plural_label, verbs, labels, request.typed(f"fields-{kind.name}"))


def _over(until: object, now: datetime) -> bool:
    return isinstance(until, str) and datetime.fromisoformat(until) <= now


PAGES = (
    PageRoute("account", path="/me/account", title=_("Your account"), permission=SIGNED_IN, view=show, submit=submit),
    PageRoute("settings", path="/me/settings", title=_("Your account"), permission=SIGNED_IN, view=show, submit=keep_settings),
    PageRoute("tokens", path="/me/tokens", title=_("Your tokens"), permission=SIGNED_IN, view=show_tokens, submit=submit_tokens),
)
