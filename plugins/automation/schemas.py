"""How the parameters of triggers, conditions and actions are read."""

from __future__ import annotations

from marshmallow import Schema

from sdk import Context, GiveUp, Refusal


class Nothing(Schema):
    """No parameters."""


def why(ctx: Context, failure: Exception) -> str:
    """What a failure says, in the language of whoever it happened to; what is no refusal has no other words than its own."""
    if isinstance(failure, GiveUp):
        return readable(ctx.say(failure.message, failure.params))
    if not isinstance(failure, Refusal):
        return readable(str(failure))
    said = [ctx.say(failure.message, failure.params)]
    for one in failure.problems:
        problem = ctx.say(one.message, one.params)
        said.append(f"{one.field}: {problem}" if one.field else problem)
    return readable("; ".join(said))


def readable(text: str, most: int = 2_000) -> str:
    """What a system or an exception said, without control characters, cut to length."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)[:most].strip()
