"""Whether what stands in a column could be a field's values at all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from plugins.import_export.mapping.tags import names_for
from sdk import Context
from sdk.fields import BooleanField, ChoiceField, DateField, DateTimeField, DecimalField, Field, IntegerField, KeysField, MoneyField

_LOOKED_AT, _FEWEST, _FEWEST_OTHERS = 50, 10, 3
_AMBIGUOUS = "ambiguous"
_KINDS = (BooleanField, ChoiceField, DateField, DateTimeField, DecimalField, IntegerField, MoneyField)


def fits(ctx: Context, field: Field, cells: Iterable[str], *, sure: bool) -> bool:
    """Whether the field takes one of the cells, or somebody may say what they mean.

    `sure`: the heading says the field. Then what is wrong below it is to be told row by row, unless it is a choice and there are far more
    different words than it has: then another thing is called the same (the states of a country, and the state of an order).
    """
    if isinstance(field, KeysField) and not field.options and not sure:
        words = list(islice(dict.fromkeys(cell.strip() for cell in cells), _LOOKED_AT))
        named = names_for(ctx, field)
        return not words or (len(field.read(words).flaws) < len(words) if named is None else named.knows(words))
    if not isinstance(field, _KINDS) or isinstance(field, KeysField) or (sure and not isinstance(field, ChoiceField)):
        return True
    words = list(islice(dict.fromkeys(cell.strip() for cell in cells), _LOOKED_AT))
    if isinstance(field, ChoiceField):
        labels = {ctx.say(label) for label in field.options.values()}
        if len(words) <= max(_FEWEST, 2 * len(field.options)) or labels & {*words}:
            return True
    elif len(words) < _FEWEST_OTHERS:
        return True
    style = {"decimal": "?", "currency": ctx.tenant.currency, "zone": ctx.tenant.timezone}
    wrong = {flaw.row for flaw in field.read(words, style).flaws if not flaw.code.startswith(_AMBIGUOUS)}
    return len(wrong) < len(words)
