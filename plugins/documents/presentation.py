"""Values as a template sees them: dates, numbers and amounts written in the document's language."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from plugins.documents.values import PICTURE
from plugins.documents.words import in_words
from sdk import Context, DeclarationError, DocumentTemplate, Picture, Variable, _
from sdk.fields import Money
from sdk.fields.money import minor_units

NUMBER = "#,##0.######"
MADE_ON = Variable("made_on", _("Date the document is created"), date(2026, 1, 15))
"""The one variable that every template has."""


def variables_of(template: DocumentTemplate) -> tuple[Variable, ...]:
    """All that a template may name."""
    return (*template.variables, MADE_ON)


@cache
def _locale(word: str) -> Locale:
    """Known once: to find it by its name takes longer than to write a number."""
    return Locale.parse(word)


def presented(template: DocumentTemplate, values: Mapping[str, object], made_on: date, locale: str) -> dict[str, object]:
    """What the variables name, as JSON. Raises DeclarationError where the plugin's values lack a variable that it declares."""
    given = {**values, MADE_ON.name: made_on}
    return _group(template, _tree(variables_of(template)), given, locale, "")


def sample(template: DocumentTemplate, made_on: date, locale: str) -> dict[str, object]:
    """The variables' examples, as JSON: what a trial rendering gets. Of each list there are two."""
    given = _example(_tree(variables_of(template)))
    assert isinstance(given, Mapping)
    return presented(template, given, made_on, locale)


def day_of(ctx: Context, at: datetime) -> date:
    """The day in the tenant's zone."""
    return at.astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def _tree(variables: Iterable[Variable]) -> dict[str, object]:
    """Variables by the parts of their names; a part that ends in [] is a list."""
    tree: dict[str, object] = {}
    for variable in variables:
        *above, last = variable.name.split(".")
        place = tree
        for part in above:
            below = place.setdefault(part, {})
            assert isinstance(below, dict), f"{variable.name}: {part} is a value and a group"
            place = below
        place[last] = variable
    return tree


def _example(part: object) -> object:
    if isinstance(part, Variable):
        return part.example
    assert isinstance(part, Mapping)
    return {name.removesuffix("[]"): [_example(below)] * 2 if name.endswith("[]") else _example(below) for name, below in part.items()}


def _group(
    template: DocumentTemplate, tree: Mapping[str, object], given: Mapping[str, object], locale: str, path: str
) -> dict[str, object]:
    shown: dict[str, object] = {}
    for part, below in tree.items():
        name = part.removesuffix("[]")
        if name not in given:
            raise DeclarationError(f"document template {template.full_key!r}: its values lack {path + name!r}, which it declares")
        value = given[name]
        if isinstance(below, Variable):
            shown[name] = _written(below.example, value, locale)
        elif part.endswith("[]"):
            assert isinstance(below, Mapping) and isinstance(value, Iterable)
            shown[name] = [_group(template, below, one, locale, f"{path}{part}.") for one in value]
        else:
            assert isinstance(below, Mapping) and isinstance(value, Mapping)
            shown[name] = _group(template, below, value, locale, f"{path}{part}.")
    return shown


def _written(example: object, value: object, locale: str) -> object:
    """A value in words; the example says of what kind it is where there is none."""
    if isinstance(example, bool):
        return bool(value)
    if isinstance(example, Money):
        return _money(value, locale)
    if isinstance(example, Picture):
        return {PICTURE: b64encode(value.content).decode()} if isinstance(value, Picture) else None
    if isinstance(example, date):
        return _date(value, locale)
    if value is None:
        return ""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format_decimal(value, NUMBER, locale=_locale(locale))
    return str(value)


def _date(value: object, locale: str) -> dict[str, str]:
    if not isinstance(value, date):
        return {"text": "", "short": "", "iso": ""}
    return {
        "text": format_date(value, "long", locale=locale),
        "short": format_date(value, "medium", locale=locale),
        "iso": value.isoformat(),
    }


def _money(value: object, locale: str) -> dict[str, str]:
    """`text` with the currency's sign, `amount` without; unit prices keep the digits that they have."""
    if not isinstance(value, Money):
        return {"text": "", "amount": "", "currency": "", "words": ""}
    exponent = value.amount.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    places = max(minor_units(value.currency), -exponent)
    pattern = f"#,##0.{'0' * places}" if places else "#,##0"
    return {
        "text": format_currency(value.amount, value.currency, locale=_locale(locale), decimal_quantization=False),
        "amount": format_decimal(value.amount, pattern, locale=_locale(locale)), "currency": value.currency, "words": in_words(value, locale),
    }  # fmt: skip
