"""Fields of the company’s own on the lines of a sheet: which of them have a cell, what it reads, and what was typed there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sdk import Context, _
from sdk.context import Row
from sdk.fields import BooleanField, ChoiceField, Field, LinkField, Money, MoneyField, exact_text

_OWN = "custom."
_KINDS = frozenset({"text", "email", "phone", "url", "integer", "decimal", "date", "choice", "boolean", "money", "link"})
"""Kinds whose value is a line of text; the others have a cell on the page of the line itself."""
_YES, _NO = _("Yes"), _("No")


def own_fields(ctx: Context, entity: str) -> dict[str, Field]:
    """The fields that have a cell, as far as the actor sees them."""
    seen = ctx.records(entity).fields()
    return {name: of for name, of in seen.items() if name.startswith(_OWN) and of.kind in _KINDS and not of.readonly and not of.secret}


def offered(ctx: Context, fields: Mapping[str, Field]) -> dict[str, list[str]]:
    """The options of those that have some, as people read them."""
    return {name: options for name, of in fields.items() if (options := _options(ctx, of))}


def _options(ctx: Context, of: Field) -> list[str]:
    if isinstance(of, BooleanField):
        return [ctx.say(_YES), ctx.say(_NO)]
    return [ctx.say(label) for label in of.options.values()] if isinstance(of, ChoiceField) else []


def picks(ctx: Context, entity: str, fields: Mapping[str, Field]) -> dict[str, str]:
    """Where one looks for the records that a cell may name."""
    found = {}
    for name, of in fields.items():
        if isinstance(of, LinkField) and ctx.offers(target := ctx.target(entity, name)):
            found[name] = ctx.page(f"/pick/{ctx.entity(target).plugin}/{ctx.entity(target).plural}")
    return found


class Titles:
    """What the records are called that lines name by fields of the company’s own."""

    def __init__(self, ctx: Context, entity: str, fields: Mapping[str, Field], rows: Iterable[Row]) -> None:
        self._found: dict[str, dict[UUID, str]] = {}
        links = [name for name, of in fields.items() if isinstance(of, LinkField)]
        kept = list(rows) if links else []
        for name in links:
            target = ctx.target(entity, name)
            ids = {id for row in kept if isinstance(id := row.get(name), UUID)}
            if ids and ctx.offers(target) and ctx.can(f"{target}.read"):
                self._found[name] = ctx.records(target).titles(ids)

    def of(self, name: str, value: object) -> str:
        """The title, or "" where it is hidden."""
        return self._found.get(name, {}).get(value, "") if isinstance(value, UUID) else ""


def text(ctx: Context, of: Field, value: object, currency: str = "", titles: Titles | None = None) -> str:
    """What the cell reads; an amount in the currency of the document is a number alone."""
    if isinstance(of, ChoiceField) and str(value) in of.options:
        return ctx.say(of.options[str(value)])
    if isinstance(of, BooleanField) and value is not None:
        return ctx.say(_YES if value else _NO)
    if isinstance(of, LinkField):
        return titles.of(of.name, value) if titles is not None else ""
    if isinstance(value, Money) and value.currency == currency:
        return exact_text(value.amount, 2)
    return "" if value is None else of.format(value)


def value(ctx: Context, of: Field, word: str, currency: str = "") -> object:
    """What was typed; raises FlawError where it cannot be a value. A record is named by what it is called."""
    if isinstance(of, ChoiceField):
        meant = next((key for key, label in of.options.items() if word.casefold() in (key.casefold(), ctx.say(label).casefold())), word)
        return of.check(meant)
    if isinstance(of, BooleanField) and word.casefold() in (ctx.say(_YES).casefold(), ctx.say(_NO).casefold()):
        return word.casefold() == ctx.say(_YES).casefold()
    found = of.read_cell(word, {})
    if isinstance(of, MoneyField) and isinstance(found, Money) and not found.currency:
        return of.check(Money(found.amount, currency))
    return found
