"""What the company says of itself: language, zone, currency, its year, how long its audit is kept, from where its people come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from babel.dates import get_day_names, get_month_names

from plugins.console.inputs import Input, Option
from plugins.console.refusals import by_field
from plugins.console.registry import PREFIX
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, Text, _
from sdk.fields.time import timezones

ROOT = "/api/v1/core/tenant"
RIGHT = "core.tenant.update"
LANGUAGES = {"en": "English", "zh_CN": "中文"}
_LABELS: dict[str, tuple[Text, Text | None]] = {
    "locale": (_("Language"), _("For people who haven’t chosen a language, and for emails.")),
    "timezone": (_("Time zone"), _("Used for day boundaries and schedules.")),
    "currency": (_("Currency"), _("Used for totals. Can’t be changed once there are amounts.")),
    "fiscal_year_start": (_("The fiscal year starts in"), None),
    "week_start": (_("The week starts on"), None),
    "audit_days": (_("Days to keep the audit log"), _("At least 30.")),
    "rate_limit": (_("Requests per token per minute"), _("0 uses the server default.")),
    "allowed_addresses": (_("Allowed network addresses"), _(
        "One per line, for example 192.0.2.0/24. Leave empty to allow all networks."
    )),
}  # fmt: skip
_NUMBERS = ("fiscal_year_start", "week_start", "audit_days", "rate_limit")


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The settings of the company."""
    return _page(ctx, request)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take what differs."""
    try:
        keep(ctx, request)
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(f"{PREFIX}/admin/company?kept=1")


def keep(ctx: Context, request: PageRequest) -> None:
    """Change those settings that are in the form and differ; raises Refusal.

    For how long the audit is kept is sent as it is: where somebody has set that in the database, it is set again by being saved.
    """
    there = _read(ctx)
    sent = {name for name, _value in request.form}
    wish = {name: value for name in _LABELS if name in sent and ((value := _typed(name, request)) != there[name] or name == "audit_days")}
    if wish:
        ctx.api("PATCH", ROOT, wish)


def inputs(ctx: Context, names: tuple[str, ...], request: PageRequest | None, wrong: Mapping[str, str]) -> list[Input]:
    """Some of the settings as a form: as they are, or as they were typed."""
    there = _read(ctx)
    return [_input(ctx, name, there[name] if request is None else _typed(name, request), wrong.get(name, "")) for name in names]


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    at, others = by_field(ctx, refusal, _LABELS)
    form = inputs(ctx, tuple(_LABELS), request if refusal is not None else None, at)
    values = {"form": form, "problems": others, "kept": bool(request.asked("kept")) and refusal is None, "name": _read(ctx)["name"]}
    return Rendering("console/admin_company.html", values, 200 if refusal is None else refusal.status)


def _read(ctx: Context) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", ctx.api("GET", ROOT))


def _typed(name: str, request: PageRequest) -> object:
    text = request.typed(name).strip()
    if name == "allowed_addresses":
        return text.split()
    return int(text) if name in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10 else text


def _input(ctx: Context, name: str, value: object, problem: str) -> Input:
    label, hint = (ctx.say(text) if text else "" for text in _LABELS[name])
    options = _options(ctx, name)
    if options:
        chosen = tuple(Option(key, said, key == str(value)) for key, said in options.items())
        return Input(name, label, "select", str(value), True, options=chosen, problem=problem, hint=hint)
    if name == "allowed_addresses":
        lines = "\n".join(map(str, value)) if isinstance(value, list) else ""
        return Input(name, label, "area", lines, False, problem=problem, hint=hint)
    return Input(
        name, label, "text", str(value), True, type="number" if name in _NUMBERS else "text", longest=60, problem=problem, hint=hint
    )


def _options(ctx: Context, name: str) -> Mapping[str, str]:
    locale = ctx.locale
    if name == "locale":
        return LANGUAGES
    if name == "timezone":
        return {zone: zone for zone in sorted(timezones())}
    if name == "fiscal_year_start":
        return {str(number): str(said) for number, said in get_month_names(locale=locale, context="stand-alone").items()}
    if name == "week_start":
        return {str(number + 1): str(said) for number, said in get_day_names(locale=locale, context="stand-alone").items()}
    return {}


PAGES = (PageRoute("company", path="/admin/company", title=_("Company"), permission=RIGHT, view=show, submit=change),)
