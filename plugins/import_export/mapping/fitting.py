"""Whether what stands in a column could be a field's values at all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from plugins.import_export.files import Sheet
from plugins.import_export.mapping.tags import names_for
from plugins.import_export.mapping.words import plain, words_of
from sdk import Context
from sdk.fields import BooleanField, ChoiceField, DateField, DateTimeField, DecimalField, Field, IntegerField, KeysField, MoneyField

_LOOKED_AT, _FEWEST, _FEWEST_OTHERS, _TOGETHER = 50, 10, 3, 1_000
_AMBIGUOUS = "ambiguous"
_KINDS = (BooleanField, ChoiceField, DateField, DateTimeField, DecimalField, IntegerField, MoneyField)


def fits(ctx: Context, field: Field, cells: Iterable[str], *, sure: bool) -> bool:
    """Whether the field takes one of the cells, or somebody may say what they mean.

    `sure`: the heading says the field. Then what is wrong below it is to be told row by row, unless it is a choice and there are far more
    different words than it has: then another thing is called the same (the states of a country, and the state of an order).
    """
    if isinstance(field, KeysField) and not field.options and not sure:
        return _is_tags(ctx, field, cells)
    if not isinstance(field, _KINDS) or isinstance(field, KeysField) or (sure and not isinstance(field, ChoiceField)):
        return True
    words = list(islice(dict.fromkeys(cell.strip() for cell in cells), _LOOKED_AT))
    if isinstance(field, ChoiceField):
        labels = {ctx.say(label) for label in field.options.values()}
        if len(words) <= max(_FEWEST, 2 * len(field.options)) or labels & {*words}:
            return True
    elif len(words) < _FEWEST_OTHERS:
        return True
    style = {"decimal": "?", "currency": ctx.tenant.currency, "zone": ctx.zone}
    wrong = {flaw.row for flaw in field.read(words, style).flaws if not flaw.code.startswith(_AMBIGUOUS)}
    return len(wrong) < len(words)


def no_tags(ctx: Context, field: Field, heading: str, place: int, file: Sheet) -> bool:
    """Whether a column is only called like tags (an address book's `Labels`), and none of what stands there is one."""
    if not isinstance(field, KeysField) or field.options or words_of(ctx, {field.name: field}).get(plain(heading)):
        return False
    return not fits(ctx, field, (cells[place] for _number, cells in file.rows() if place < len(cells) and cells[place].strip()), sure=False)


def _is_tags(ctx: Context, field: KeysField, cells: Iterable[str]) -> bool:
    """Whether one of the cells, all of which are looked at, holds a tag; or there is none that says anything."""
    named, rest, empty = names_for(ctx, field), iter(cells), True
    while part := list(islice(rest, _TOGETHER)):
        words = list(dict.fromkeys(cell.strip() for cell in part))
        if named.knows(words) if named is not None else len(field.read(words).flaws) < len(words):
            return True
        empty = False
    return empty
