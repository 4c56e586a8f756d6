"""What the sales process puts on the page of a deal: the steps of its pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from plugins.pipeline.process import Process, required_of
from sdk import Condition, Context, Query, Rendering
from sdk.context import Row

SOON = timedelta(days=14)
_FEW = 8


@dataclass(frozen=True)
class Step:
    """A stage on the way: "done", "here", "next" or "ahead", in its colour; `asks` are the labels of what it asks for and the deal does not have yet."""

    id: str
    name: str
    state: str
    asks: Sequence[str]
    colour: str = ""


def stages(ctx: Context, deal: Mapping[str, object]) -> Rendering | None:
    """The open stages of the deal's pipeline as steps, winning and losing, and what is to be done in the present one."""
    if deal.get("stage") is None or not ctx.can("pipeline.stage.read"):
        return None
    process = Process(ctx)
    here = process.stage(_id(deal["stage"]))
    if here is None:
        return None
    pipeline = here["pipeline"]
    assert isinstance(pipeline, UUID)
    way = process.stages_of(pipeline)
    steps = [row for row in way if row["type"] == "open"]
    at = steps.index(here) if here in steps else len(steps)
    values = {
        "deal": deal,
        "steps": [_step(ctx, deal, row, _state(n, at)) for n, row in enumerate(steps)],
        "won": next((str(row["id"]) for row in way if row["type"] == "won"), ""),
        "lost": next((str(row["id"]) for row in way if row["type"] == "lost"), ""),
        "stage": here,
        "days": _days(ctx, deal.get("stage_since")),
        "may_move": ctx.can("pipeline.deal.update"),
    }
    return Rendering("pipeline/stages.html", values)


def _state(number: int, here: int) -> str:
    return "done" if number < here else "here" if number == here else "next" if number == here + 1 else "ahead"


def _step(ctx: Context, deal: Mapping[str, object], stage: Row, state: str) -> Step:
    fields = ctx.records("pipeline.deal").fields() if state in ("next", "ahead") else {}
    missing = [name for name in required_of(stage) if name in fields and deal.get(name, name) in (None, "")]
    return Step(
        str(stage["id"]), str(stage["name"]), state, [ctx.say(fields[name].label) for name in missing], str(stage.get("colour") or "")
    )


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _days(ctx: Context, since: object) -> int | None:
    found = datetime.fromisoformat(since) if isinstance(since, str) else since
    return (ctx.now() - found).days if isinstance(found, datetime) else None


def closing(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """The actor's open deals that are to close in the next two weeks, or should have by now; nothing where there are none."""
    me, today = ctx.actor.user_id, Process(ctx).today
    known = ctx.records("pipeline.deal").fields()
    if me is None or not {"close_date", "owner"} <= known.keys():
        return None
    mine = (Condition("status", "eq", ("open",)), Condition("owner", "eq", (me,)), Condition("close_date", "lte", (today + SOON,)))
    names = tuple(name for name in ("id", "name", "amount", "close_date") if name == "id" or name in known)
    page = ctx.records("pipeline.deal").query(Query(mine, ("close_date",), names, limit=_FEW, count=True))
    if not page.data:
        return None
    rows = [{**row, "late": str(row["close_date"]) < today.isoformat()} for row in page.data]
    until = (today + SOON).isoformat()
    return Rendering("pipeline/closing.html", {"rows": rows, "total": page.total, "me": me, "until": until})
