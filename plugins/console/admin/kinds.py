"""Kinds of records of the company’s own: made, changed, taken out of sight, and deleted after it was said what goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.console.beginning import key_of
from plugins.console.refusals import by_field
from plugins.console.registry import PREFIX, kind_of, labels_of
from sdk import Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, _
from sdk.context import Row, with_more
from sdk.pages import told
from sdk.text import in_order

NAME, HERE, ROOT = "core.custom_entity", f"{PREFIX}/admin/entities", "/api/v1/core/custom_entities"
_TEXTS = ("label", "label_zh", "plural_label", "plural_label_zh", "title_label", "title_label_zh")
_LASTING = ("key", "plural", "parent")
_FLAGS = ("owned", "active")


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """All of them, and a new one."""
    return _all(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Make one; then it wants fields."""
    wish = {**_typed(request), "active": True}
    wish["key"] = wish["key"] or key_of(ctx, str(wish["label"] or "")) or None
    try:
        made = ctx.records(NAME).create({name: value for name, value in wish.items() if value is not None})
    except Refusal as refusal:
        return _all(ctx, request, refusal)
    return Redirect(f"{HERE}/{made['id']}?made=1")


def show(ctx: Context, request: PageRequest) -> Rendering:
    """One to be changed."""
    return _one(ctx, request)


def submit_one(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Change it, or delete it with all of its records, whose number was said, by its key."""
    try:
        if request.typed("do") == "delete":
            ctx.api("POST", f"{ROOT}/{request.id()}/purges", {"key": request.typed("key").strip()})
            return Redirect(HERE)
        values = {name: value for name, value in _typed(request).items() if name not in (*_LASTING, "owned")}
        ctx.records(NAME).update(request.id(), values, expected_version=request.version())
    except Refusal as refusal:
        return _one(ctx, request, refusal)
    return Redirect(HERE)


def _typed(request: PageRequest) -> dict[str, object]:
    values: dict[str, object] = {name: request.typed(name).strip() or None for name in (*_LASTING, *_TEXTS)}
    return values | {name: request.typed(name) == "true" for name in _FLAGS}


def _all(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    rows = [with_more(row, records=_count(ctx, row), href=_list_of(ctx, row)) for row in ctx.records(NAME).find((), 200)]
    may_add = ctx.can(f"{NAME}.create")
    form = _form(ctx, _typed(request) if refusal is not None else {"owned": True}, refusal) if may_add else {"problems": told(ctx, refusal)}
    values = {"rows": sorted(rows, key=lambda row: in_order(str(row["label"]))), "here": HERE, "may_add": may_add, **form}
    return Rendering("console/admin_entities.html", values, 200 if refusal is None else refusal.status)


def _one(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    row = ctx.records(NAME).get(request.id())
    deleting = request.typed("do") == "delete"
    there: Mapping[str, object] = (
        {**row, **{k: v for k, v in _typed(request).items() if k not in _LASTING}} if refusal is not None and not deleting else row
    )
    name = f"custom.{row['key']}"
    values = {
        "row": row, "records": _count(ctx, row), "made": bool(request.asked("made")), "here": f"{HERE}/{row['id']}", "back": HERE, "entity": name,
        "fields": sum(one["entity"] == name for one in ctx.records("core.custom_field").find((), 2000)), "below": _parts(ctx, name),
        "list": _list_of(ctx, row), **_form(ctx, there, refusal),
    }  # fmt: skip
    return Rendering("console/admin_entity.html", values, 200 if refusal is None else refusal.status)


def _count(ctx: Context, row: Row) -> int | None:
    """How many records it has; None where it is out of sight."""
    name = f"custom.{row['key']}"
    if not (ctx.offers(name) and ctx.can(f"{name}.read")):
        return None
    return ctx.records(name).query(Query(fields=("id",), limit=1, count=True)).total


def _list_of(ctx: Context, row: Row) -> str:
    name = f"custom.{row['key']}"
    return kind_of(ctx, name).path if ctx.offers(name) and ctx.can(f"{name}.read") else ""


def _parts(ctx: Context, name: str) -> list[str]:
    """Kinds that are part of it, which keep it from being deleted."""
    return [str(row["label"]) for row in ctx.records(NAME).find((), 200) if row["parent"] == name]


def _form(ctx: Context, values: Mapping[str, object], refusal: Refusal | None) -> dict[str, Any]:
    names = (*_LASTING, *_TEXTS, *_FLAGS)
    at, others = by_field(ctx, refusal, names)
    return {
        "typed": {**dict.fromkeys(names, ""), **{name: value for name, value in values.items() if value is not None}},
        "labels": labels_of(ctx, NAME, names),
        "parents": sorted(((name, ctx.say(ctx.entity(name).label)) for name in ctx.entities()), key=lambda pair: in_order(pair[1])),
        "wrong": at, "problems": others,
    }  # fmt: skip


PAGES = (
    PageRoute("entities", path="/admin/entities", title=_("Custom entities"), permission=f"{NAME}.update", view=show_all, submit=submit),
    PageRoute("entity", path="/admin/entities/{id}", title=_("Custom entity"), permission=f"{NAME}.update", view=show, submit=submit_one),
)
