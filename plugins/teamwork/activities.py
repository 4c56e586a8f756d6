"""The rules of tasks, activities and comments."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugins.teamwork.tables import DONE
from sdk import Batch, Context, _

USUAL = timedelta(hours=1)
"""How long an activity takes of which nobody says so."""


def prepare_tasks(ctx: Context, batch: Batch) -> None:
    """When a task was done is known by the moment at which it became so."""
    for change in batch.standing():
        if change.changes("state"):
            change.values["done_at"] = ctx.now() if change.after("state") == DONE else None


def prepare_activities(_ctx: Context, batch: Batch) -> None:
    """An activity has an end, which is not before its start; one that is moved keeps its length."""
    for change in batch.standing():
        starts, ends = change.after("starts_at"), change.after("ends_at")
        if not isinstance(starts, datetime):
            continue
        before = change.before or {}
        was, until = before.get("starts_at"), before.get("ends_at")
        if change.changes("starts_at") and "ends_at" not in change.values and isinstance(was, datetime) and isinstance(until, datetime):
            ends = change.values["ends_at"] = starts + (until - was)
        if ends is None:
            change.values["ends_at"] = starts + USUAL
        elif isinstance(ends, datetime) and ends < starts:
            change.refuse("ends_at", "before_start", _("ends before it starts"))


def prepare_comments(ctx: Context, batch: Batch) -> None:
    """What somebody said is changed and taken back by that person alone, and stays where it was said."""
    for change in batch.changes:
        if change.verb == "create" or change.before is None or not change.stands or ctx.actor.user_id is None:
            continue
        if change.before["owner"] != ctx.actor.user_id:
            change.forbid("not_yours", _("somebody else wrote this comment; only its author changes it"))
        elif change.changes("about") or change.changes("owner"):
            change.forbid("comment_moved", _("a comment stays with its record and its author; write another one"))
