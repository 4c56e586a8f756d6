"""Whose work somebody looks after: a manager the own people, anybody else oneself."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from plugins.teamwork.attainment import MOST_PEOPLE, Staff
from sdk import Condition, Context
from sdk.context import Row, id_of

_EVALUATES = "teamwork.evaluation.update"


def crew(ctx: Context) -> Mapping[UUID, Row]:
    """The active people whom the actor looks after, by name, oneself first: those of the teams that the actor manages and of the teams below,
    those whose manager the actor is. Who manages nobody and may evaluate (an administrator) looks after everybody who is in a team."""
    me, system = ctx.actor.user_id, ctx.as_system()
    teams = [id_of(row) for row in system.records("core.team").find((), MOST_PEOPLE) if me is not None and row["manager"] == me]
    users = system.records("core.user")
    direct = users.find((Condition("manager", "eq", (me,)),), MOST_PEOPLE) if me is not None else []
    found = {**Staff(ctx, [me], teams).people, **{id_of(row): row for row in direct}}
    if found.keys() <= {me} and ctx.can(_EVALUATES):
        found = {id_of(row): row for row in users.find((Condition("team", "empty", ("false",)),), MOST_PEOPLE)} or found
    active = [(id, row) for id, row in found.items() if row["active"]]
    return dict(sorted(active, key=lambda pair: (pair[0] != me, str(pair[1]["name"]))))
