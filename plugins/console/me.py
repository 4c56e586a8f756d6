"""What a person sets for oneself: language, time zone, how numbers and days are written, in which currency forms begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from plugins.console.back import then
from plugins.console.beginning import OWN_CURRENCY
from plugins.console.frame import FORMATS
from plugins.console.inputs import Input, inputs_of, typed
from plugins.console.refusals import by_field
from plugins.console.registry import PREFIX, Kind, kind_of
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Redirect, Refusal, _

_OWN = "/api/v1/core/me"


def show(ctx: Context, request: PageRequest) -> Redirect:
    """There is no page of its own."""
    return Redirect(f"{PREFIX}/")


def set_locale(ctx: Context, request: PageRequest) -> Redirect:
    """The language from here on, everywhere."""
    ctx.api("PUT", "/api/v1/core/language", {"locale": request.typed("locale")})
    return Redirect(then(request) or f"{PREFIX}/")


def own_form(ctx: Context, request: PageRequest | None, refusal: Refusal | None) -> tuple[list[Input], list[str]]:
    """The settings as they are, or as they were typed; and what a refusal says beside the fields."""
    kind, names = _people(ctx)
    values = typed(kind, request) if request is not None else cast("Mapping[str, object]", ctx.api("GET", _OWN))
    at, others = by_field(ctx, refusal, names)
    return [replace(one, unset=_unset(ctx, one), hint="") for one in inputs_of(kind, names, values, at)], others


def _unset(ctx: Context, one: Input) -> str:
    """What holds where the person says nothing, in words."""
    if one.name == FORMATS:
        return ctx.say(_("As the language"))
    held = {"locale": ctx.tenant.locale, "timezone": ctx.tenant.timezone, OWN_CURRENCY: ctx.tenant.currency}.get(one.name, "")
    said = next((option.label for option in one.options if option.value == held), held)
    return ctx.say(_("As the company: {value}"), {"value": said}) if said else ""


def keep_own(ctx: Context, request: PageRequest) -> None:
    """Take what was typed; raises Refusal."""
    kind, names = _people(ctx)
    ctx.api("PATCH", _OWN, {name: value for name, value in typed(kind, request).items() if name in names})


def _people(ctx: Context) -> tuple[Kind, list[str]]:
    """What the platform knows of people, and what each sets for himself; whoever may read people at all."""
    kind = kind_of(ctx.as_system(), "core.user")
    return kind, [name for name, field in kind.fields.items() if field.by_oneself]


PAGES = (PageRoute("locale", path="/me/locale", title=_("Language"), permission=SIGNED_IN, view=show, submit=set_locale),)
