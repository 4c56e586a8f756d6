"""What was given to single people and programs: shares of records, and tokens; each is ended where it is listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from plugins.console.cells import Titles, titles_of
from plugins.console.registry import PREFIX, kind_of
from sdk import Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, _
from sdk.context import Row, with_more
from sdk.pages import told
from sdk.routes import record_id

SHARES, TOKENS = f"{PREFIX}/admin/shares", f"{PREFIX}/admin/tokens"
_FEW = 100


def shares(ctx: Context, request: PageRequest) -> Rendering:
    """Who may see, or change, which record beyond the own roles, by whom and for how long."""
    return _shares(ctx, request)


def end_share(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take one back."""
    try:
        ctx.records("core.share").delete(record_id(request.typed("end")))
    except Refusal as refusal:
        return _shares(ctx, request, refusal)
    return Redirect(SHARES)


def _shares(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    kind = kind_of(ctx, "core.share")
    page = ctx.records(kind.name).query(Query(sort=("-created_at",), limit=_FEW, cursor=request.asked("cursor")))
    titles = titles_of(kind, page.data, [name for name in ("record", "user", "owner") if name in kind.fields])
    rows = [_share(ctx, row, titles) for row in page.data if ctx.offers(cast("Mapping[str, str]", row["record"])["entity"])]
    values = {
        "rows": rows,
        "here": SHARES,
        "problems": told(ctx, refusal),
        "may": ctx.can("core.share.delete"),
        "more": _more(SHARES, page.next),
    }
    return Rendering("console/admin_shares.html", values, 200 if refusal is None else refusal.status)


def _share(ctx: Context, row: Row, titles: Titles) -> Row:
    about = cast("Mapping[str, str]", row["record"])
    name, id = about["entity"], about["id"]
    title = titles.of(name, id)
    return with_more(
        row, what=title, href=titles.at(name, id) if title else "", kind=ctx.say(ctx.entity(name).label),
        who=titles.of("core.user", row.get("user")), by=titles.of("core.user", row.get("owner")), over=_over(ctx, row),
    )  # fmt: skip


def tokens(ctx: Context, request: PageRequest) -> Rendering:
    """Keys of programs, of everybody whose tokens the actor may see; what was not used for longest first asks whether it is still needed."""
    return _tokens(ctx, request)


def revoke(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take one back: what uses it is refused from its next request on."""
    try:
        ctx.records("core.token").delete(record_id(request.typed("revoke")))
    except Refusal as refusal:
        return _tokens(ctx, request, refusal)
    return Redirect(TOKENS)


def _tokens(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    kind = kind_of(ctx, "core.token")
    page = ctx.records(kind.name).query(Query(sort=("-created_at",), limit=_FEW, cursor=request.asked("cursor")))
    titles = titles_of(kind, page.data, [name for name in ("user",) if name in kind.fields])
    rows = [with_more(row, who=titles.of("core.user", row.get("user")), over=_over(ctx, row)) for row in page.data]
    values = {
        "rows": rows,
        "here": TOKENS,
        "problems": told(ctx, refusal),
        "may": ctx.can("core.token.delete"),
        "more": _more(TOKENS, page.next),
    }
    return Rendering("console/admin_tokens.html", values, 200 if refusal is None else refusal.status)


def _over(ctx: Context, row: Row) -> bool:
    ends = row.get("expires_at")
    return isinstance(ends, str) and datetime.fromisoformat(ends) <= ctx.now()


def _more(here: str, following: str | None) -> str:
    return f"{here}?cursor={following}" if following else ""


PAGES: Sequence[PageRoute] = (
    PageRoute("admin_shares", path="/admin/shares", title=_("Shares"), permission="core.share.read", view=shares, submit=end_share),
    PageRoute("admin_tokens", path="/admin/tokens", title=_("Tokens"), permission="core.token.read", view=tokens, submit=revoke),
)
