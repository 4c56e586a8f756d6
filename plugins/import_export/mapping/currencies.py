"""Amounts whose currency stands in a column of its own, as in workbooks that were exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plugins.import_export.mapping.elsewhere import ELSEWHERE
from plugins.import_export.mapping.words import LOCALES, SYNONYMS, currency_of, plain
from sdk import Context
from sdk.fields import Field, MoneyField

_CURRENCIES = frozenset(map(plain, ("Currency", *SYNONYMS["currency"], *ELSEWHERE["currency"])))


def currencies(ctx: Context, headings: Sequence[str], fields: Mapping[str, Field], columns: Mapping[str, int]) -> dict[str, int]:
    """The columns of currencies by field of money; none where that column is another field's."""
    found: dict[str, int] = {}
    places = {plain(heading): place for place, heading in enumerate(headings) if place not in columns.values()}
    speaking = [ctx, *(ctx.speaking(locale) for locale in LOCALES)]
    for name in columns:
        field = fields[name]
        if isinstance(field, MoneyField):
            words = [currency_of(one, field, heading) for one in speaking for heading in (name, one.say(field.label))]
            place = next((places[word] for word in map(plain, words) if word in places), None)
            if place is not None:
                found[name] = place
    amounts = [name for name in columns if isinstance(fields[name], MoneyField)]
    plainly = [place for word, place in places.items() if word in _CURRENCIES]
    if not found and len(amounts) == len(plainly) == 1:  # an amount and a currency: what else could it be that of?
        found[amounts[0]] = plainly[0]
    return found


def joined(amounts: Sequence[str], codes: Sequence[str]) -> list[str]:
    """Amounts as the field reads them, each with its currency."""
    return [f"{amount} {code}" if amount.strip() and code.strip() else amount for amount, code in zip(amounts, codes, strict=True)]
