"""Values for the fields of made-up records: plausible, and no two alike where the field has room for that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import singledispatch

from sdk.fields import (
    BooleanField,
    ChoiceField,
    CurrencyField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    IntegerField,
    KeysField,
    Money,
    MoneyField,
    TextField,
)
from sdk.fields.base import NO_EXAMPLE, FlawError
from sdk.fields.money import CURRENCIES
from sdk.fields.text import EmailField, LongTextField, PhoneField, UrlField

_WORDS = ("amber", "basil", "cedar", "delta")
_FIRST_DAY = date(2026, 1, 1)
_FIRST_MOMENT = datetime(2026, 1, 1, 6, 30, tzinfo=UTC)
_CURRENCIES = tuple(sorted(CURRENCIES))


def value(field: Field, serial: int) -> object:
    """A checked value for the field, another for each `serial` where it has as many; None where none can be made up."""
    if field.example and field.example != NO_EXAMPLE:
        return field.read([field.example]).values[0]  # it means something to its plugin: not any value of the kind fits
    return _made(field, serial)


def another(field: Field, old: object, serial: int) -> object:
    """A value other than `old`, or `old` itself where there is no other."""
    for n in range(4):
        new = value(field, serial + n)
        if new is not None and new != old:
            return new
    return old


@singledispatch
def _made(field: Field, serial: int) -> object:
    """A kind of field that a plugin brings: whatever its check takes."""
    told = (
        ([f"word {serial}"], {"word": f"word {serial}"}, f"word {serial}", serial) if field.readonly else ()
    )  # nobody acts on what is told
    for cell in (*told, [], {}):
        try:
            return field.check(cell)
        except FlawError:
            continue
    return None


@_made.register
def _text(field: TextField, serial: int) -> object:
    word = _WORDS[serial % len(_WORDS)]
    return _fitting(field, f"{word} {serial}", f"{word}{serial}", f"{serial}", f"{serial % 24:02}:{serial % 60:02}")


@_made.register
def _long_text(field: LongTextField, serial: int) -> object:
    return _fitting(field, f"{_WORDS[serial % len(_WORDS)]} lines {serial}")


@_made.register
def _email(field: EmailField, serial: int) -> object:
    return f"{_WORDS[serial % len(_WORDS)]}{serial}@leaks.example"


@_made.register
def _phone(field: PhoneField, serial: int) -> object:
    return f"+86 10 {serial:08}"


@_made.register
def _url(field: UrlField, serial: int) -> object:
    return f"https://{_WORDS[serial % len(_WORDS)]}{serial}.example"


@_made.register
def _currency(_field: CurrencyField, serial: int) -> object:
    return _CURRENCIES[serial % len(_CURRENCIES)]


@_made.register
def _keys(field: KeysField, serial: int) -> object:
    if field.of:
        return None  # keys of records, which decide what these are good for
    return [field.options[serial % len(field.options)]] if field.options else [f"{_WORDS[serial % len(_WORDS)]}.{serial}"]


@_made.register
def _choice(field: ChoiceField, serial: int) -> object:
    return list(field.options)[serial % len(field.options)]


@_made.register
def _integer(field: IntegerField, serial: int) -> object:
    least = max(field.least, 1)
    return min(least + serial % 20_000, field.most) if field.most - least >= 20_000 else least + serial % (field.most - least + 1)


@_made.register
def _decimal(field: DecimalField, serial: int) -> object:
    least, most = field.least or Decimal(1), field.most if field.most is not None else Decimal(20_000)
    return max(least, Decimal(serial % int(most - least + 1)) + (Decimal("0.5") if field.places else 0)) if most > least + 1 else least


@_made.register
def _money(field: MoneyField, serial: int) -> object:
    return field.fitting(Money(Decimal(10 + serial % 20_000), ("USD", "EUR")[serial // 7 % 2]))


@_made.register
def _boolean(_field: BooleanField, serial: int) -> object:
    return bool(serial % 2)


@_made.register
def _date(_field: DateField, serial: int) -> object:
    return _FIRST_DAY + timedelta(days=serial % 300 + serial // 100_000 * 300)  # others than all that were there: one may be needed once


@_made.register
def _moment(_field: DateTimeField, serial: int) -> object:
    return _FIRST_MOMENT + timedelta(days=serial % 300, minutes=serial % 600)


def _fitting(field: TextField, *candidates: str) -> object:
    for text in candidates:
        if len(text) <= field.length and (field.pattern is None or field.pattern.match(text)):
            return text
    return None
