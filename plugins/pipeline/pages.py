"""Pages of the sales process: to open a closed deal again."""

from __future__ import annotations

from plugins.pipeline.process import REOPEN
from sdk import Condition, Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, _
from sdk.context import Row
from sdk.pages import told

_DEAL, _MOVE, _STAGE = "pipeline.deal", "pipeline.stage_change", "pipeline.stage"
_MOST = 1000


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """Where the deal is to stand then."""
    return _form(ctx, request, ctx.records(_DEAL).get(request.id()))


def reopen(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a closed deal back into a stage, by the act that alone may do so."""
    deals = ctx.records(_DEAL)
    deal = deals.get(request.id())
    try:
        deals.update(request.id(), {"stage": request.typed("stage") or None}, expected_version=request.version(), act=REOPEN)
    except Refusal as refusal:
        return _form(ctx, request, deal, refusal)
    return Redirect(ctx.page(f"/pipeline/deals/{deal['id']}"))


def _form(ctx: Context, request: PageRequest, deal: Row, refusal: Refusal | None = None) -> Rendering:
    stages = ctx.records(_STAGE).find((), _MOST) if ctx.can(f"{_STAGE}.read") else []  # as the reader sees them
    here = next((row for row in stages if str(row["id"]) == str(deal.get("stage"))), None)
    way = [row for row in stages if here is not None and row.get("pipeline") == here.get("pipeline") and row.get("type") == "open"]
    values = {
        "deal": deal,
        "stages": [(str(row["id"]), str(row.get("name") or "—")) for row in sorted(way, key=lambda row: str(row.get("position")).zfill(6))],
        "chosen": request.typed("stage") or _before(ctx, deal),
        "problems": told(ctx, refusal),
    }
    return Rendering("pipeline/reopen.html", values, 200 if refusal is None else refusal.status)


def _before(ctx: Context, deal: Row) -> str:
    """The stage from which it was closed, as far as the actor sees its moves."""
    if not ctx.can(f"{_MOVE}.read"):
        return ""
    here = (Condition("deal", "eq", (str(deal["id"]),)), Condition("to_stage", "eq", (str(deal.get("stage")),)))
    asked = Query(filter=here, fields=("id", "from_stage"), sort=("-moved_at",), limit=1)
    return next((str(row.get("from_stage") or "") for row in ctx.records(_MOVE).query(asked).data), "")


PAGES = (PageRoute("reopen", path="/deals/{id}/reopen", title=_("Reopen"), permission="pipeline.deal.update", view=ask, submit=reopen),)
