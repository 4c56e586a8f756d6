"""Moving a record: to another column of a board, to another day of a calendar. What the door refuses comes back in its own words,
with a small form where it asks for fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from plugins.console.board import Board, board_at
from plugins.console.calendar import on_of
from plugins.console.cells import Cell, cell, titles_of
from plugins.console.dates import day_in, local, moved
from plugins.console.inputs import Option, inputs_in_a_row, typed, unclear
from plugins.console.lanes import by_of, lane_at
from plugins.console.refusals import by_field
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Condition, Context, Forbidden, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row

TO = "_to"
"""Where to: the key of a column, or a day."""


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """Where to, as a form: for who works without a script."""
    kind = _movable(ctx, request)
    return _form(kind, request, ctx.records(kind.name).get(request.id()), request.asked(TO))


def move(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Move the record by the same door as everything else; asked by a script, answer what has changed on the board."""
    kind = _movable(ctx, request)
    row, to = ctx.records(kind.name).get(request.id()), request.typed(TO)
    try:
        values = {**_asked_for(kind, request), **_target(kind, request, row, to)}
        ctx.records(kind.name).update(request.id(), values, expected_version=request.version())
    except Refusal as refusal:
        return _form(kind, request, row, to, refusal)
    if not request.part:
        return Redirect(_back(kind, request))
    if request.asked("_on") or request.part != "board":
        return Rendering("console/moved.html", {"heads": [], "card": None})
    return _shown(board_at(ctx, request), request)


def _movable(ctx: Context, request: PageRequest) -> Kind:
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if not kind.can("update"):
        raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb="update", entity=kind.name)
    return kind


def _moves(kind: Kind, request: PageRequest) -> str:
    """The field that a move changes."""
    return on_of(kind, request) if request.asked("_on") else by_of(kind, request)


def _target(kind: Kind, request: PageRequest, row: Row, to: str) -> Mapping[str, object]:
    name = _moves(kind, request)
    return moved(kind, name, row, to) if name in kind.dates else {name: to or None}


def _asked_for(kind: Kind, request: PageRequest) -> dict[str, object]:
    """What the small form has asked for, as far as it was filled in."""
    return {name: value for name, value in typed(kind, request).items() if value not in (None, "", [])}


def _shown(board: Board, request: PageRequest) -> Rendering:
    """The heads of the columns, and the card where it stands now; none where the board does not show it any more."""
    now = board.kind.ctx.records(board.kind.name).get(request.id(), fields=(board.by,)).get(board.by)
    lane = lane_at(board.lanes, "" if now is None else str(now))
    rows = board.page(lane, Condition("id", "eq", (str(request.id()),)), limit=1)[0] if lane is not None else ()
    titles = board.titles(rows)
    cards = board.cards(lane, rows, titles, board.moved_by_reader(rows)) if lane is not None else []
    return Rendering("console/moved.html", {"board": board, "heads": board.heads(), "card": next(iter(cards), None)})


def _day_of(ctx: Context, value: object) -> str:
    """The day of a date or an instant where the actor is, as it is typed."""
    there = local(ctx, value)
    return "" if there is None else day_in(there).isoformat()


def _form(kind: Kind, request: PageRequest, row: Row, to: str, refusal: Refusal | None = None) -> Rendering:
    """Where to, and the fields that were asked for. A refusal that no field can cure is told, and nothing more is asked."""
    ctx, name = kind.ctx, _moves(kind, request)
    typed_in = _asked_for(kind, request)
    at, others = by_field(ctx, refusal, [one for one in kind.written if one != name])
    at |= {one: text for one, text in unclear(kind, typed_in).items() if one in at}
    asked = [one for one in kind.written if one in typed_in or (one in at and not others)]
    values = {one: typed_in.get(one, row.get(one)) for one in asked}
    told = {one: text for one, text in at.items() if one not in _first_asked(kind, request, refusal)}
    fields = [replace(one, required=one.required or one.name in at) for one in inputs_in_a_row(kind, values, told) if one.name in asked]
    shown = _of_record(kind, row, name) if not request.part else []
    return Rendering(
        "console/move.html",
        {
            "kind": kind,
            "record": row,
            "title": str(row.get(kind.title) or "—"),
            "label": ctx.say(kind.fields[name].label),
            "to": to or ("" if row.get(name) is None else _day_of(ctx, row[name]) if name in kind.dates else str(row[name])),
            "now": shown[0].text if shown else "",
            "facts": [one for one in shown[1:] if not one.empty],
            "day": name in kind.dates,
            "options": [] if name in kind.dates else _options(ctx, request, to or str(row.get(name) or "")),
            "inputs": fields,
            "problems": others,
            "action": f"{kind.at(row['id'])}/move?{request.address.partition('?')[2]}",
            "back": _back(kind, request),
        },
        200 if refusal is None else refusal.status,
    )


def _of_record(kind: Kind, row: Row, moves: str) -> list[Cell]:
    """What a page of its own shows of the record: the field that a move changes, then those of its list."""
    names = [name for name in (moves, *kind.columns()) if name in row and name != kind.title]
    titles = titles_of(kind, [row], names)
    return [cell(kind, name, row, titles) for name in dict.fromkeys(names)] if moves in names else []


def _first_asked(kind: Kind, request: PageRequest, refusal: Refusal | None) -> set[str]:
    """What is missing and was not in the form that was sent: it is asked for, and nobody has done anything wrong."""
    missing = {one.field for one in refusal.problems if one.code.startswith("required")} if refusal is not None else set[str]()
    return missing - typed(kind, request).keys()


def _options(ctx: Context, request: PageRequest, to: str) -> list[Option]:
    return [Option(lane.key, lane.label, lane.key == to) for lane in board_at(ctx, request).lanes if lane.key]


def _back(kind: Kind, request: PageRequest) -> str:
    """The board or the calendar that one came from; the record where that is not said, or `_from=record` is."""
    query = request.address.partition("?")[2]
    if request.asked("_from") == "record":
        return kind.at(request.path["id"])
    place = "calendar" if request.asked("_on") else "board" if request.asked("_by") else ""
    return f"{kind.path}/{place}?{query}" if place else kind.at(request.path["id"])


PAGES = (PageRoute("move", path="/{plugin}/{plural}/{id}/move", title=_("Move"), permission=SIGNED_IN, view=ask, submit=move),)
