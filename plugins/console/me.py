"""What a person sets for oneself: the language."""

from __future__ import annotations

from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Redirect, _

_LOCALES = ("en", "zh_CN")


def show(ctx: Context, request: PageRequest) -> Redirect:
    """There is no page of its own."""
    return Redirect("/console/")


def set_locale(ctx: Context, request: PageRequest) -> Redirect:
    """The language from here on, everywhere."""
    wanted, user = request.typed("locale"), ctx.actor.user_id
    if wanted in _LOCALES and user is not None:
        ctx.as_system().records("core.user").update(user, {"locale": wanted})
    back = request.typed("then")
    return Redirect(back if back.startswith("/console/") and "\\" not in back else "/console/")


PAGES = (PageRoute("locale", path="/me/locale", title=_("Language"), permission=SIGNED_IN, view=show, submit=set_locale),)
