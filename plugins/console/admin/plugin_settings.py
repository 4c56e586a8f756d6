"""The form of a plugin's settings, made from its schema; secrets are typed and never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from plugins.console.inputs import Input, Option
from plugins.console.refusals import by_field
from sdk import Context, PageRequest, Refusal, _

_MARK = "s-"
"""Before the names of settings, which are the plugin's own, in the form."""
_NUMBERS = frozenset({"integer", "float", "decimal"})


def _read(ctx: Context, plugin: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", ctx.api("GET", f"/api/v1/core/plugins/{plugin}/settings"))


def inputs(ctx: Context, plugin: str, typed: PageRequest | None, refusal: Refusal | None) -> list[Input]:
    """What is in force, or what was typed and refused."""
    there = _read(ctx, plugin)
    wrong, _others = by_field(ctx, refusal, [one["name"] for one in there["form"]])
    return [
        _input(ctx, one, there["settings"].get(one["name"]) if typed is None else _typed(one, typed), wrong.get(one["name"], ""))
        for one in there["form"]
    ]


def change(ctx: Context, plugin: str, request: PageRequest) -> None:
    """Set what was typed and differs from what is in force; raises Refusal."""
    there = _read(ctx, plugin)
    wish: dict[str, object] = {}
    for one in there["form"]:
        name, value = str(one["name"]), _typed(one, request)
        if one["secret"]:
            if request.typed(f"{_MARK}{name}__clear"):
                wish[name] = None
            elif value:
                wish[name] = value
        elif value != there["settings"].get(name):
            wish[name] = value
    if wish:
        ctx.api("PATCH", f"/api/v1/core/plugins/{plugin}/settings", wish)


def _typed(one: Mapping[str, Any], request: PageRequest) -> object:
    name = f"{_MARK}{one['name']}"
    if one["type"] == "boolean":
        return request.typed(name) == "true"
    if one["type"] == "list":
        return request.chosen(name) if one["of"] or one["options"] else request.typed(name).split()
    text = request.typed(name).strip()
    if one["type"] in _NUMBERS:
        try:
            return int(text) if one["type"] == "integer" else float(text)
        except ValueError:
            return text  # the schema says what it expects
    return text or None if one["type"] == "date" else text


def _input(ctx: Context, one: Mapping[str, Any], value: object, problem: str) -> Input:
    name, label = f"{_MARK}{one['name']}", str(one["label"])
    chosen = {str(each) for each in value} if isinstance(value, list) else {str(value)}
    if one["secret"]:
        hint = ctx.say(_("A value is set and hidden. Leave empty to keep it.")) if one["set"] else ctx.say(_("Not set."))
        return Input(name, label, "text", "", False, type="password", title="set" if one["set"] else "", problem=problem, hint=hint)
    if one["type"] == "boolean":
        return Input(name, label, "check", "true" if value else "", False, problem=problem)
    if one["of"] or one["options"]:
        keys = _keys(ctx, str(one["of"])) if one["of"] else {key: key for key in one["options"]}
        options = tuple(Option(key, said, key in chosen) for key, said in keys.items())
        return Input(name, label, "checks" if one["type"] == "list" else "select", "", False, options=options, problem=problem)
    if one["type"] == "list":
        lines = "\n".join(str(each) for each in value) if isinstance(value, list) else ""
        return Input(name, label, "area", lines, False, problem=problem, hint=ctx.say(_("One per line.")))
    return Input(name, label, "text", "" if value is None else str(value), False, problem=problem,
                 type="number" if one["type"] in _NUMBERS else "date" if one["type"] == "date" else "text")  # fmt: skip


def _keys(ctx: Context, entity: str) -> dict[str, str]:
    title = ctx.entity(entity).title
    return {str(row["key"]): str(row.get(title) or row["key"]) for row in ctx.records(entity).find((), 200)}
