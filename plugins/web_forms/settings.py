"""How long what was sent is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from marshmallow import Schema, fields, validate

from plugins.web_forms.capture import SUBMISSION
from plugins.web_forms.tables import SPAM
from sdk import Condition, Context, Draft, _
from sdk.context import id_of

PART, MOST = 500, 10_000
_DAYS = validate.Range(0, 3_650)


class Keeping(Schema):
    """Days; 0 is for ever."""

    keep_days = fields.Integer(load_default=180, strict=True, validate=_DAYS,
                               metadata={"label": _("Days to keep submissions alongside their lead (0: forever)")})  # fmt: skip
    keep_spam_days = fields.Integer(load_default=30, strict=True, validate=_DAYS, metadata={"label": _("Days to keep spam (0: forever)")})


def forget(ctx: Context) -> None:
    """Empty the submissions whose time is over; that they were, and what became of them, stays."""
    kept = ctx.settings(Keeping)
    for name, operator in (("keep_days", "ne"), ("keep_spam_days", "eq")):
        days = cast("int", kept[name])
        if days:
            old = (
                Condition("created_at", "lt", (ctx.now() - timedelta(days=days),)),
                Condition("state", operator, (SPAM,)),
                Condition("said", "empty", (False,)),
            )
            _empty(ctx, old)


def _empty(ctx: Context, old: tuple[Condition, ...]) -> None:
    records = ctx.records(SUBMISSION)
    for _part in range(MOST // PART):
        rows = records.find(old, PART)
        records.write_all([Draft("update", {"said": None, "reason": None}, id_of(row), act="forget") for row in rows])
        if len(rows) < PART:
            return
