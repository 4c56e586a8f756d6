"""Making two records one: which of them, and which value of each field in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.console.cells import Cell, cell, titles_of
from plugins.console.inputs import CHOOSE
from plugins.console.picking import named
from plugins.console.record import about
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Context, Forbidden, Invalid, NotFound, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row, id_of
from sdk.pages import told
from sdk.permissions import VERBS
from sdk.routes import record_id

_PLAIN = frozenset({"id", "version", "created_at", "updated_at"})


@dataclass(frozen=True)
class Difference:
    """A field in which the two differ: the value that stays unless somebody says otherwise, and the other."""

    name: str
    label: str
    mine: Cell
    other: Cell


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """Choose the other record; with `?with=<id>` compare the two."""
    kind, row = _mergeable(ctx, request)
    with_, words = request.asked("with").strip(), request.asked("with__typed").strip()
    with_ = with_ or (named(kind, words) if words else "")
    if not with_:
        unclear = [ctx.say(CHOOSE, {"words": words})] if words else []
        return _choose(kind, row, unclear, 422 if unclear else 200)
    if with_ == str(row["id"]):
        return _choose(kind, row, [ctx.say(_("This is the same record. Choose another one."))], 422)
    try:
        return _compare(kind, row, ctx.records(kind.name).get(record_id(with_)))
    except (NotFound, Invalid) as refusal:
        return _choose(kind, row, told(ctx, refusal), refusal.status)


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Merge: what was chosen of the other record is taken, the rest stays."""
    kind, row = _mergeable(ctx, request)
    other = ctx.records(kind.name).get(record_id(request.typed("with")))
    picks = {name.removeprefix("pick-"): str(other["id"]) for name, value in request.form if name.startswith("pick-") and value == "other"}
    try:
        ctx.api("POST", f"{kind.api}/{row['id']}/merges", {"losers": [str(other["id"])], "picks": picks})
    except Refusal as refusal:
        return _compare(kind, row, other, told(ctx, refusal), refusal.status)
    return Redirect(kind.at(row["id"]))


def _mergeable(ctx: Context, request: PageRequest) -> tuple[Kind, Row]:
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if not kind.entity.mergeable:
        raise NotFound(_("there is nothing at this address"))
    if not kind.can("merge"):
        raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb=VERBS["merge"], entity=kind.entity.label)
    return kind, ctx.records(kind.name).get(request.id())


def _choose(kind: Kind, row: Row, problems: Sequence[str] = (), status: int = 200) -> Rendering:
    like = {name: row[name] for name in kind.entity.alike if row.get(name)}
    seen = kind.ctx.records(kind.name).candidates(like, id_of(row)).seen if like else ()
    picker = {"name": "with", "label": kind.label, "value": "", "title": "", "pick": kind.pick,
              "new": "", "required": True, "problem": "", "widget": "link"}  # fmt: skip
    values = {**about(kind, row), "seen": seen, "picker_of": picker, "problems": list(problems), "other": None, "differences": []}
    return Rendering("console/merge.html", values, status)


def _compare(kind: Kind, row: Row, other: Row, problems: Sequence[str] = (), status: int = 200) -> Rendering:
    names = [
        name for name in kind.written if name not in _PLAIN and row.get(name) != other.get(name) and other.get(name) not in (None, "", [])
    ]
    titles = titles_of(kind, [row, other], names)
    found = [
        Difference(name, kind.ctx.say(kind.fields[name].label), cell(kind, name, row, titles), cell(kind, name, other, titles))
        for name in names
    ]
    values = {**about(kind, row), "other": other, "other_title": str(other.get(kind.title) or "—"), "differences": found, "problems": list(problems),
              "seen": (), "picker_of": None}  # fmt: skip
    return Rendering("console/merge.html", values, status)


PAGES = (PageRoute("merge", path="/{plugin}/{plural}/{id}/merge", title=_("Merge"), permission=SIGNED_IN, view=ask, submit=take),)
