"""What a refusal says at the fields of a form, and beside them."""

from __future__ import annotations

from collections.abc import Iterable

from sdk import Context, Refusal
from sdk.pages import worded


def by_field(ctx: Context, refusal: Refusal | None, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """What is wrong at each of these fields of the form, and what is said beside them."""
    at, others, known = dict[str, str](), list[str](), set(names)
    for one in refusal.problems if refusal is not None else ():
        name = one.field if one.field in known else one.field.partition(".")[0]
        text = ctx.say(one.message, worded(ctx, one.params))
        if name in known:
            at[name] = f"{at[name]}; {text}" if name in at else text
        else:
            others.append(text)
    if refusal is not None and not refusal.problems:
        others.append(ctx.say(refusal.message, worded(ctx, refusal.params)))
    return at, others
