"""Ticking a record off with one touch, in lists and wherever else it stands, and taking that back with another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugins.console.back import then
from plugins.console.cells import cell, titles_of
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Context, NotFound, PageRequest, PageRoute, Redirect, Rendering, Verb, _
from sdk.context import Row, id_of


def field_of(kind: Kind) -> str:
    """The choice that is ticked, where the actor has the right to change it of some record; "" otherwise."""
    name = kind.entity.tick[0] if kind.entity.tick is not None else ""
    return name if name in kind.written and kind.can("update") else ""


def ticks(kind: Kind, rows: Sequence[Row]) -> Mapping[str, bool]:
    """By id of those rows that the actor may tick, whether they are done."""
    name = field_of(kind)
    if not name or kind.entity.tick is None:
        return {}
    _field, begun, done = kind.entity.tick
    fit = {id_of(row): row[name] == done for row in rows if row.get(name) in (begun, done)}
    mine = kind.ctx.records(kind.name).reached(fit, Verb.UPDATE, name) if fit else set()
    return {str(id): ticked for id, ticked in fit.items() if id in mine}


def elsewhere(ctx: Context, request: PageRequest) -> Redirect:
    """There is nothing to look at here: the record it is."""
    return Redirect(kind_at(ctx, request.path["plugin"], request.path["plural"]).at(request.id()))


def tick(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Set the record done, or not done any more, by the same door as everything else; asked by a script, answer the tick as it is now."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if kind.entity.tick is None:
        raise NotFound(_("there is nothing at this address"))
    name, begun, done = kind.entity.tick
    ticked = request.typed("done") == "true"
    row = ctx.records(kind.name).update(request.id(), {name: done if ticked else begun})
    if not request.part:
        return Redirect(then(request) or kind.at(request.id()))
    return Rendering(
        "console/tick.html",
        {
            "kind": kind,
            "record": row,
            "title": str(row.get(kind.title) or "—"),
            "ticked": ticked,
            "cell": cell(kind, name, row, titles_of(kind, [row], [])),
            "back": then(request),
        },
    )


PAGES = (PageRoute("tick", path="/{plugin}/{plural}/{id}/tick", title=_("Done"), permission=SIGNED_IN, view=elsewhere, submit=tick),)
