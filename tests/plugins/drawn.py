"""Any values that fields take, drawn by Hypothesis: odd ones more often than chance would have it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch

from hypothesis import strategies as st

from sdk.columns import LIMIT
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
from sdk.fields.money import CURRENCIES, minor_units
from sdk.fields.text import EmailField, LongTextField, PhoneField, UrlField

_ODD = (
    "=1+1", "'", "''=x", "-1", "+86", "@x", "NULL", "'NULL", "N/A", "\u65e0", "-", "\\N", "Total", "\u5408\u8ba1", "3 rows", "\u5236\u5355\u4eba\uff1a\u5f20\u4e09", "#N/A", "'#REF!", "1.38E+10",
    "1,5", "1.234", "00123", '="001"', "TRUE", "\u662f", "2026-01-02", "1/2/2026", "a;b", 'a"b', "a,b", "\u5f20 \u4e09", "\u00e9", "e\u0301", "\U0001f600", "\u200b", "a\u00a0b", "\u2028",
    "customers.account:x", "01890a5d-ac96-774b-bcce-b302099a8057", "e+0", "\uff1dA1", "\ufeffx", "\u202ea", "sep=;",
)  # fmt: skip
_WORDS = st.sampled_from(_ODD) | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
_LINES = _WORDS | st.lists(_WORDS, min_size=2, max_size=3).flatmap(
    lambda parts: st.sampled_from(["\n", "\r\n", "\t", "\r"]).map(lambda mark: mark.join(parts))
)


def drawn(field: Field) -> st.SearchStrategy[object]:
    """What such a field takes, or None."""
    if field.example and field.example != NO_EXAMPLE and not isinstance(field, PhoneField | EmailField | UrlField | IntegerField):
        return st.just(field.read([field.example]).values[0])  # it means something to its plugin: not any value of the kind fits

    def taken(value: object) -> object:
        try:
            return field.check(value)
        except FlawError:
            return None

    return _any(field).map(taken)


@singledispatch
def _any(_field: Field) -> st.SearchStrategy[object]:
    return st.none()


@_any.register
def _text(_field: TextField) -> st.SearchStrategy[object]:
    return _WORDS


@_any.register
def _long_text(_field: LongTextField) -> st.SearchStrategy[object]:
    return _LINES


@_any.register
def _email(_field: EmailField) -> st.SearchStrategy[object]:
    return st.from_regex(r"[a-z0-9+=-]{1,20}@[a-z0-9]{1,20}\.example", fullmatch=True)


@_any.register
def _phone(_field: PhoneField) -> st.SearchStrategy[object]:
    return st.from_regex(r"\+?\(?[0-9][0-9 ()./-]{2,20}[0-9]", fullmatch=True)


@_any.register
def _url(_field: UrlField) -> st.SearchStrategy[object]:
    return st.from_regex(r"https?://[a-z0-9.-]{1,20}(/[a-z0-9_%-]{0,20})?", fullmatch=True)


@_any.register
def _currency(_field: CurrencyField) -> st.SearchStrategy[object]:
    return st.sampled_from(sorted(CURRENCIES))


@_any.register
def _keys(field: KeysField) -> st.SearchStrategy[object]:
    if field.of:
        return st.none()  # keys of records, which decide what these are good for
    one = st.sampled_from(list(field.options)) if field.options else st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)
    return st.lists(one, max_size=3, unique=True)


@_any.register
def _choice(field: ChoiceField) -> st.SearchStrategy[object]:
    return st.sampled_from(list(field.options))


@_any.register
def _integer(field: IntegerField) -> st.SearchStrategy[object]:
    return st.integers(field.least, field.most)


@_any.register
def _decimal(field: DecimalField) -> st.SearchStrategy[object]:
    least, most = (bound if bound is not None else Decimal(sign * (LIMIT - 1)) for bound, sign in ((field.least, -1), (field.most, 1)))
    return st.decimals(least, most, places=min(field.places, 4)).map(str)


@_any.register
def _money(field: MoneyField) -> st.SearchStrategy[object]:
    least = field.least if field.least is not None else -(LIMIT - 1)
    return st.sampled_from(sorted(CURRENCIES)).flatmap(
        lambda code: st.builds(Money, st.decimals(least, LIMIT - 1, places=minor_units(code)), st.just(code))
    )


@_any.register
def _boolean(_field: BooleanField) -> st.SearchStrategy[object]:
    return st.booleans()


@_any.register
def _date(_field: DateField) -> st.SearchStrategy[object]:
    return st.dates(date(1000, 1, 1), date(9999, 12, 31))


@_any.register
def _moment(_field: DateTimeField) -> st.SearchStrategy[object]:
    return st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
