"""Notices on pages: the bell at the top of each, the sheet behind it, and all of them on a page of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from plugins.teamwork.notices import NAME, mark_read, newest, unread
from sdk import SIGNED_IN, Context, NotFound, PageRequest, PageRoute, Redirect, Rendering, _
from sdk.context import Row

_FEW, _MANY = 12, 50
_HERE = "/teamwork/news"


def bell(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """How many notices are unread."""
    return None if ctx.actor.user_id is None else Rendering("teamwork/bell.html", {"unread": unread(ctx)})


def sheet(ctx: Context, request: PageRequest) -> Rendering:
    """The newest, for the sheet behind the bell; otherwise a page of them, part by part."""
    rows, following = newest(ctx, _FEW if request.part else _MANY, cursor=request.asked("cursor"))
    values = {"rows": [(row, _address(ctx, row)) for row in rows], "next": following, "unread": unread(ctx)}
    return Rendering("teamwork/news_sheet.html" if request.part else "teamwork/news.html", values)


def read(ctx: Context, request: PageRequest) -> Redirect:
    """One notice is read, and its reader goes to what it is about; or all are."""
    id = request.typed("id")
    if not id:
        mark_read(ctx, None)
        return Redirect(ctx.page(_HERE))
    row = ctx.records(NAME).get(_id(id))
    mark_read(ctx, [_id(id)])
    return Redirect(_address(ctx, row) or ctx.page(_HERE))


def _id(word: str) -> UUID:
    try:
        return UUID(word)
    except ValueError:
        raise NotFound(_("notification {id!r} does not exist"), id=word[:80]) from None


def _address(ctx: Context, row: Row) -> str:
    """The page of the record that it is about; "" where the tenant has it no longer."""
    about = row.get("about")
    if not isinstance(about, Mapping) or not ctx.offers(str(about["entity"])):
        return ""
    entity = ctx.entity(str(about["entity"]))
    return ctx.page(f"/{entity.plugin}/{entity.plural}/{about['id']}")


PAGES: Sequence[PageRoute] = (PageRoute("news", path="/news", title=_("Notifications"), permission=SIGNED_IN, view=sheet, submit=read),)
