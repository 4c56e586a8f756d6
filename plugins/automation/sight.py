"""Who sees what a rule or a webhook has seen: whom it acted for, and who may let rules act as anybody.

Its owner may see more than who may read its log, and a token less than who has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from plugins.automation.revisions import RULE
from plugins.automation.rule import Rule
from plugins.automation.rules import DELEGATE
from sdk import Context

RUN, STEP, DELIVERY = "automation.run", "automation.step", "automation.delivery"
SEEN = {RUN: ("moment", "error"), STEP: ("went_in", "came_out", "error"), DELIVERY: ("payload", "response")}
"""The fields of a log that hold values of records, or tell them: what went wrong quotes them, and so does who answers."""
WITH_ALL_RIGHTS = "core.owner.act_later"


def acts_for(ctx: Context, rule: Rule) -> bool:
    """Whether the rule sees no more than who asks."""
    return ctx.can(DELEGATE) or (_whole(ctx) and ctx.actor.user_id == (rule.runs_as or rule.owner))


def veil(entity: str) -> Any:
    """What leaves out of each row of a log what its reader may not see."""
    return partial(_veil, entity)


def _veil(entity: str, ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    shown = [row for row in rows if any(row.get(name) for name in SEEN[entity])]
    if not shown or ctx.can(DELEGATE):
        return
    mine = _mine(ctx, entity, [row["id"] for row in shown]) if _whole(ctx) and ctx.actor.user_id is not None else set()
    for row in shown:
        if row["id"] not in mine:
            row |= {name: None for name in SEEN[entity] if name in row}


def _whole(ctx: Context) -> bool:
    """Whether who asks comes with all rights, not by a token that has been given some of them."""
    return ctx.can(WITH_ALL_RIGHTS)


def _mine(ctx: Context, entity: str, ids: Sequence[UUID]) -> set[UUID]:
    system, me = ctx.as_system(), ctx.actor.user_id
    there = system.records(entity).values(ids)
    if entity == DELIVERY:
        return {id for id, row in there.items() if row["owner"] == me}
    runs = {id: row["run"] if entity == STEP else id for id, row in there.items()}
    kept = system.records(RUN).values({run for run in runs.values() if isinstance(run, UUID)})
    # With the eyes of who asks: for whom a rule acts that he does not see must not be told by what he sees of its runs.
    asked = {UUID(str(row["rule"])) for row in kept.values() if row["owner"] == me} if ctx.can(f"{RULE}.read") else set()
    rules = ctx.records(RULE).values(asked) if asked else {}
    acting = {id for id, rule in rules.items() if rule.get("runs_as", False) in (None, me)}
    as_owner = {id for id, row in kept.items() if row["owner"] == me and UUID(str(row["rule"])) in acting}
    return {id for id, run in runs.items() if run in as_owner}
