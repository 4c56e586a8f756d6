"""How the parameters of triggers, conditions and actions are read."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from sdk import Problem, Text


class Nothing(Schema):
    """No parameters."""


def readable(text: str, most: int = 2_000) -> str:
    """What a system or an exception said, without control characters, cut to length."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)[:most].strip()


def flattened(where: str, messages: Any) -> list[Problem]:
    """What marshmallow says of parameters, a problem for each value, named by its place."""
    if isinstance(messages, dict):
        return [one for name, inner in messages.items() for one in flattened(where if name == "_schema" else f"{where}.{name}", inner)]
    said = messages if isinstance(messages, list) else [messages]
    return [Problem(where[:200], "invalid", Text(str(one).replace("{", "{{").replace("}", "}}"))) for one in said]
