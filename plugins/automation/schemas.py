"""How the parameters of triggers, conditions and actions are read."""

from __future__ import annotations

from marshmallow import Schema


class Nothing(Schema):
    """No parameters."""


def readable(text: str, most: int = 2_000) -> str:
    """What a system or an exception said, without control characters, cut to length."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)[:most].strip()
