"""Fields of the company's own on the lines of a sheet: which of them have a cell, what it reads, and what was typed there."""

from __future__ import annotations

from collections.abc import Mapping

from sdk import Context
from sdk.fields import ChoiceField, Field

_OWN = "custom."
_KINDS = frozenset({"text", "email", "phone", "url", "integer", "decimal", "date", "choice"})
"""Kinds whose value is a line of text; the others have a cell on the page of the line itself."""


def own_fields(ctx: Context, entity: str) -> dict[str, Field]:
    """The fields that have a cell, as far as the actor sees them."""
    seen = ctx.records(entity).fields()
    return {name: of for name, of in seen.items() if name.startswith(_OWN) and of.kind in _KINDS and not of.readonly and not of.secret}


def offered(ctx: Context, fields: Mapping[str, Field]) -> dict[str, list[str]]:
    """The options of those that have some, as people read them."""
    return {name: [ctx.say(label) for label in of.options.values()] for name, of in fields.items() if isinstance(of, ChoiceField)}


def text(ctx: Context, of: Field, value: object) -> str:
    """What the cell reads."""
    if isinstance(of, ChoiceField) and str(value) in of.options:
        return ctx.say(of.options[str(value)])
    return "" if value is None else of.format(value)


def value(ctx: Context, of: Field, word: str) -> object:
    """What was typed; raises FlawError where it cannot be a value."""
    if isinstance(of, ChoiceField):
        meant = next((key for key, label in of.options.items() if word.casefold() in (key.casefold(), ctx.say(label).casefold())), word)
        return of.check(meant)
    return of.read_cell(word, {})
