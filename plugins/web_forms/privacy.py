"""Where something of a person stands that no lead leads to: in what could not be taken."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.web_forms.capture import SUBMISSION
from sdk import Condition, Context, Person, Trace
from sdk.context import id_of

MOST = 100_000


def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    """See `sdk.hooks`. What has its lead is found by the link."""
    alone = (Condition("lead", "empty", (True,)), Condition("said", "empty", (False,)))
    rows = ctx.records(SUBMISSION).find(alone, MOST)
    return (Trace(SUBMISSION, [id_of(row) for row in rows if person.occurs(str(row["said"]))]),)
