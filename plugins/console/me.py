"""What a person sets for oneself: the language."""

from __future__ import annotations

from plugins.console.back import then
from plugins.console.registry import PREFIX
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Redirect, _


def show(ctx: Context, request: PageRequest) -> Redirect:
    """There is no page of its own."""
    return Redirect(f"{PREFIX}/")


def set_locale(ctx: Context, request: PageRequest) -> Redirect:
    """The language from here on, everywhere."""
    ctx.api("PUT", "/api/v1/core/language", {"locale": request.typed("locale")})
    return Redirect(then(request) or f"{PREFIX}/")


PAGES = (PageRoute("locale", path="/me/locale", title=_("Language"), permission=SIGNED_IN, view=show, submit=set_locale),)
