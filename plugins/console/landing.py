"""Where a card could be put down now: each column is tried by the same door as a move, and undone again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from plugins.console.board import Board, board_at
from plugins.console.lanes import Lane
from plugins.console.refusals import by_field
from sdk import SIGNED_IN, Context, Forbidden, NotFound, PageRequest, PageRoute, Redirect, Refusal, _

_MOST = 24
"""Columns that are tried: of more a card learns where it is dropped."""


class _Undone(Exception):
    """A column has been tried; nothing of it is to stay."""


def elsewhere(ctx: Context, request: PageRequest) -> Redirect:
    """There is nothing to look at here: the board it is."""
    board = board_at(ctx, request)
    return Redirect(f"{board.path}{board.query}")


def landing(ctx: Context, request: PageRequest) -> Mapping[str, object]:
    """By the key of each column that would refuse the card as it is: `needs`, whether a form can cure that, and `text`, what it says."""
    board, id = board_at(ctx, request), request.id()
    now = ctx.records(board.kind.name).get(id, fields=(board.by,)).get(board.by)
    here = "" if now is None else str(now)
    lanes = [lane for lane in board.lanes if lane.key not in ("", here)]
    if not board.movable or len(lanes) > _MOST:
        return {"lanes": {}}
    return {"lanes": _refused(board, id, lanes)}


def _refused(board: Board, id: UUID, lanes: Sequence[Lane]) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    for lane in lanes:
        refusal = _tried(board, id, lane)
        if refusal is None:
            continue
        found[lane.key] = said(board, refusal)
        if isinstance(refusal, Forbidden | NotFound):  # of the record, whatever the column
            return {one.key: found[lane.key] for one in lanes}
    return found


def _tried(board: Board, id: UUID, lane: Lane) -> Refusal | None:
    ctx = board.kind.ctx
    try:
        with ctx.tried():
            ctx.records(board.kind.name).update(id, {board.by: lane.key})
            raise _Undone
    except _Undone:
        return None
    except Refusal as refusal:
        return refusal


def said(board: Board, refusal: Refusal) -> Mapping[str, object]:
    """A refusal in few words: which fields it asks for, or else its own."""
    kind, ctx = board.kind, board.kind.ctx
    at, others = by_field(ctx, refusal, [name for name in kind.written if name != board.by])
    if others:
        return {"needs": False, "text": " ".join(others)}
    labels = ctx.say(_(", ")).join(ctx.say(kind.fields[name].label) for name in at)
    return {"needs": True, "text": ctx.say(_("Needs: {fields}"), {"fields": labels})}


PAGES = (
    PageRoute("landing", path="/{plugin}/{plural}/{id}/landing", title=_("Move"), permission=SIGNED_IN, view=elsewhere, submit=landing),
)
