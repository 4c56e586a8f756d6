"""The field types: `from sdk import fields as f`, then `f.text(...)`, `f.money(...)`, `f.link(...)`."""

from sdk.fields.any_record import AnyRecordField, Reference, any_record
from sdk.fields.base import (
    NO_EXAMPLE,
    Checked,
    Field,
    Flaw,
    FlawError,
    Parsed,
    ReportRole,
    beside,
    personal,
    secret,
    synonyms,
    with_example,
)
from sdk.fields.choice import ChoiceField, choice
from sdk.fields.computed import Computed, Reach, Source, computed, over
from sdk.fields.link import LinkField, NaturalKey, link
from sdk.fields.money import CurrencyField, Money, MoneyField, currency, money
from sdk.fields.number import BooleanField, DecimalField, IntegerField, boolean, decimal, exact_text, integer, percent
from sdk.fields.text import KeysField, TextField, email, key, keys, long_text, phone, text, url
from sdk.fields.time import DateField, DateTimeField, at, date_orders, on

__all__ = [
    "NO_EXAMPLE",
    "AnyRecordField",
    "BooleanField",
    "Checked",
    "ChoiceField",
    "Computed",
    "CurrencyField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "Field",
    "Flaw",
    "FlawError",
    "IntegerField",
    "KeysField",
    "LinkField",
    "Money",
    "MoneyField",
    "NaturalKey",
    "Parsed",
    "Reach",
    "Reference",
    "ReportRole",
    "Source",
    "TextField",
    "any_record",
    "at",
    "beside",
    "boolean",
    "choice",
    "computed",
    "currency",
    "date_orders",
    "decimal",
    "email",
    "exact_text",
    "integer",
    "key",
    "keys",
    "link",
    "long_text",
    "money",
    "on",
    "over",
    "percent",
    "personal",
    "phone",
    "secret",
    "synonyms",
    "text",
    "url",
    "with_example",
]
