"""The territories as a tree: who works each, and where it hangs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.console.registry import PREFIX
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row
from sdk.pages import told
from sdk.routes import record_id

NAME, MEMBER, HERE = "core.territory", "core.territory_member", f"{PREFIX}/admin/territories"
_MOST = 1000


@dataclass(frozen=True)
class Branch:
    """A territory with those who work it and the ones below it."""

    territory: Row
    members: Sequence[Row]
    below: Sequence[Branch]


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The tree."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A new territory, one that is called otherwise or hangs elsewhere, somebody who works one or no longer does."""
    values: dict[str, object] = {"name": request.typed("name").strip(), "parent": request.typed("parent") or None}
    territory, records = request.typed("territory"), ctx.records(NAME)
    try:
        if leaving := request.typed("leaves"):
            ctx.records(MEMBER).delete(record_id(leaving))
        elif person := request.typed("person"):
            ctx.records(MEMBER).create({"territory": territory, "user": person})
        elif request.typed("do") == "delete":
            records.delete(record_id(territory))
        elif territory:
            records.update(record_id(territory), values)
        else:
            records.create(values)
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(HERE)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    rows, members = ctx.records(NAME).find((), _MOST), ctx.records(MEMBER).find((), _MOST)
    people = ctx.records("core.user").find((), _MOST)
    there = {row["id"] for row in rows}
    values = {
        "tree": [_branch(row, rows, members) for row in _sorted(rows) if row["parent"] not in there], "rows": _sorted(rows),
        "people": [one for one in people if one["active"]], "names": {one["id"]: one["name"] for one in people}, "problems": told(ctx, refusal),
        "here": HERE, "may": ctx.can(f"{NAME}.update"), "may_add": ctx.can(f"{NAME}.create"), "may_delete": ctx.can(f"{NAME}.delete"),
        "may_join": ctx.can(f"{MEMBER}.create"), "may_leave": ctx.can(f"{MEMBER}.delete"),
        "typed": {name: request.typed(name) if not request.typed("territory") else "" for name in ("name", "parent")},
    }  # fmt: skip
    return Rendering("console/admin_territories.html", values, 200 if refusal is None else refusal.status)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(row["name"]))


def _branch(territory: Row, rows: Sequence[Row], members: Sequence[Row]) -> Branch:
    below = [_branch(row, rows, members) for row in _sorted(rows) if row["parent"] == territory["id"]]
    return Branch(territory, [one for one in members if one["territory"] == territory["id"]], below)


PAGES = (PageRoute("territories", path="/admin/territories", title=_("Territories"), permission=f"{NAME}.read", view=show, submit=submit),)
