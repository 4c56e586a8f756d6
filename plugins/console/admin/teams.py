"""The teams as a tree: who is in each, who manages it, and where it hangs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.console.registry import PREFIX
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row
from sdk.pages import told
from sdk.routes import record_id

NAME, HERE = "core.team", f"{PREFIX}/admin/teams"
_MOST = 1000


@dataclass(frozen=True)
class Branch:
    """A team with its people and the teams below it."""

    team: Row
    people: Sequence[Row]
    below: Sequence[Branch]


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The tree."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A new team, a team hung elsewhere or managed by somebody else, or a person in another team."""
    values: dict[str, object] = {
        "name": request.typed("name").strip(),
        "parent": request.typed("parent") or None,
        "manager": request.typed("manager") or None,
    }
    try:
        if person := request.typed("person"):
            ctx.records("core.user").update(record_id(person), {"team": request.typed("team") or None})
        elif team := request.typed("team"):
            ctx.records(NAME).update(record_id(team), values)
        else:
            ctx.records(NAME).create(values)
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(HERE)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    teams = ctx.records(NAME).find((), _MOST)
    everyone = ctx.records("core.user").find((), _MOST)  # a manager who has left stands until somebody chooses another
    people = [one for one in everyone if one["active"]]
    there = {row["id"] for row in teams}
    roots = [row for row in teams if row["parent"] not in there]
    values = {
        "tree": [_branch(row, teams, people) for row in roots], "alone": [one for one in people if one["team"] not in there],
        "teams": teams, "people": everyone, "names": {one["id"]: one["name"] for one in everyone}, "problems": told(ctx, refusal), "here": HERE,
        "may": ctx.can(f"{NAME}.update"), "may_add": ctx.can(f"{NAME}.create"), "may_move": ctx.can("core.user.update"), "typed": _words(request),
    }  # fmt: skip
    return Rendering("console/admin_teams.html", values, 200 if refusal is None else refusal.status)


def _branch(team: Row, teams: Sequence[Row], people: Sequence[Row]) -> Branch:
    below = [_branch(row, teams, people) for row in teams if row["parent"] == team["id"]]
    return Branch(team, [one for one in people if one["team"] == team["id"]], below)


def _words(request: PageRequest) -> Mapping[str, str]:
    return {name: request.typed(name) if not request.typed("team") else "" for name in ("name", "parent", "manager")}


PAGES = (PageRoute("teams", path="/admin/teams", title=_("Teams"), permission=f"{NAME}.read", view=show, submit=submit),)
