"""The company's profile."""

from __future__ import annotations

from sdk import Batch, Context, _
from sdk.context import Row, id_of

NAME = "company.profile"


def profile(ctx: Context) -> Row | None:
    """The company as it stands on documents; None until somebody has written it."""
    found = ctx.as_system().records(NAME).find((), 1)
    return found[0] if found else None


def keep_single(ctx: Context, batch: Batch) -> None:
    """There is one profile, however many write it at the same moment."""
    ctx.lock(NAME)
    there = {id_of(row) for row in ctx.as_system().records(NAME).find((), 2)}
    for change in batch.changes:
        if change.verb in ("create", "restore") and change.stands:
            if there - {change.id}:
                change.forbid("second_profile", _("the company already has a profile; edit that one"))
            there.add(change.id)
