"""Amounts with a currency: exact, and never added across currencies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa

from sdk.columns import Exact
from sdk.fields.base import Field, FlawError, Mapped, ReportRole, wrong_type
from sdk.fields.number import exact, exact_schema, exact_text, is_plain, number_text, parts_of
from sdk.fields.text import TextField
from sdk.text import Text, _

_MALFORMED = _("expected an amount such as 1,234.50 or 1234.50 CNY")
_EACH = re.compile(
    r" ?[/／] ?(?:件|个|個|台|只|套|箱|盒|包|瓶|袋|支|条|张|把|块|本|份|人|米|吨|公斤|千克|each|ea|unit|units|pcs?|piece|pièce|unité|stk|stück|st|kg)\.?\Z",
    re.IGNORECASE,
)
"""What a price is for, behind it: one thing, or one measure of it; no time, as 100 a month are more than 100."""
_WRITTEN = re.compile(r"(?:(?P<before>[A-Z]{3}) ?)?(?P<amount>-?[\d,]+(?:\.\d+)?)(?: ?(?P<after>[A-Z]{3}))?\Z", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?\Z", re.ASCII)
CURRENCIES = frozenset(
    (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
        "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL "
        "HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD "
        "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG "
        "QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD "
        "TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG "
    ).split()
)
"""The ISO 4217 codes that are legal tender somewhere."""
_MINOR = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0) | dict.fromkeys(
    "BHD IQD JOD KWD LYD OMR TND".split(), 3
)


_SIGNS: Mapping[str, tuple[str, ...]] = {
    "€": ("EUR",), "£": ("GBP",), "₩": ("KRW",), "₹": ("INR",), "₽": ("RUB",), "₺": ("TRY",), "₫": ("VND",), "₪": ("ILS",), "฿": ("THB",),
    "₴": ("UAH",), "₱": ("PHP",), "₸": ("KZT",), "₦": ("NGN",), "RMB": ("CNY",), "US$": ("USD",), "HK$": ("HKD",), "NT$": ("TWD",),
    "A$": ("AUD",), "C$": ("CAD",), "CA$": ("CAD",), "AU$": ("AUD",), "S$": ("SGD",), "R$": ("BRL",), "CN¥": ("CNY",), "JP¥": ("JPY",),
    "zł": ("PLN",), "Kč": ("CZK",), "Fr.": ("CHF",), "SFr.": ("CHF",), **dict.fromkeys(("kr", "kr.", "Kr", "Kr."), ("SEK", "NOK", "DKK", "ISK")),
    "¥": ("CNY", "JPY"), "元": ("CNY", "TWD", "HKD"), "圆": ("CNY",), "円": ("JPY",),
    "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP"),
}  # fmt: skip
"""The currencies that a sign may mean."""


def currency_of(word: str, own: str = "") -> str:
    """The code that is written beside an amount as code or sign, "" for none; a sign of several means `own` where that is one of them.

    Raises FlawError for a sign that leaves it open, or that is none.
    """
    if not word or word in CURRENCIES:
        return word
    meant = _SIGNS.get(word, ())
    if len(meant) == 1 or own in meant:
        return own if own in meant else meant[0]
    if not meant:
        raise FlawError("unknown_currency", _("expected an ISO 4217 currency such as CNY"))
    raise FlawError("ambiguous_currency", _("ambiguous currency {sign}; write {codes}"), sign=word, codes=", ".join(meant))


def without_each(cell: str) -> str:
    """A price without the one thing that it is for: ¥9.9/件."""
    return _EACH.sub("", cell.rstrip()) if "/" in cell or "／" in cell else cell


def minor_units(currency: str) -> int:
    """How many digits an amount in this currency has behind the point (ISO 4217)."""
    return _MINOR.get(currency, 2)


class Money(NamedTuple):
    """An exact amount in a currency; `currency` "" means the tenant's own, filled in by the write door."""

    amount: Decimal
    currency: str


def money_wire(amount: Decimal | None, currency: str | None) -> dict[str, str | None] | None:
    """The form on the wire: `{"amount": "10.00", "currency": "CNY"}`."""
    return None if amount is None else {"amount": exact_text(amount, 2), "currency": currency}


@dataclass(frozen=True, kw_only=True)
class MoneyField(Field):
    """An amount in two columns, the value and its ISO 4217 code; both or neither."""

    least: Decimal | None = None
    places: int | None = None
    """Digits behind the point; None: those of the currency."""

    kind: ClassVar[str] = "money"
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "gt", "gte", "lt", "lte", "empty")
    role: ClassVar[ReportRole] = ReportRole.MEASURE
    widget: ClassVar[str] = "money"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return Exact()

    def siblings(self) -> Mapping[str, sa.types.TypeEngine[Any]]:
        return {"currency": sa.String(3)}

    def split(self, value: object) -> tuple[object, ...]:
        return (value.amount, value.currency) if isinstance(value, Money) else (None, None)

    def join(self, cells: Sequence[object]) -> object:
        amount, currency = cells
        return Money(amount, str(currency)) if isinstance(amount, Decimal) else None

    def check(self, cell: object) -> object:
        if isinstance(cell, Money):
            return self._money(exact(cell.amount), cell.currency)
        if not isinstance(cell, dict):
            raise wrong_type(_('an object such as {"amount": "10.00", "currency": "CNY"}'), cell)
        if unknown := sorted(set(cell) - {"amount", "currency"}):
            raise FlawError("unknown_key", _("unknown key {got}"), got=str(unknown[0])[:40])
        if cell.get("amount") is None:
            raise FlawError("required", _("an amount is needed"))
        return self._money(exact(cell["amount"]), _currency(cell["currency"]) if "currency" in cell else "")

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        if is_plain(cell, style):
            return self._money(exact(cell), "")
        try:
            negative, digits, around, zeros = parts_of(without_each(cell))
        except FlawError as flaw:
            if flaw.code != "malformed":
                raise
            raise FlawError("malformed", _MALFORMED) from flaw
        if around == "%":
            raise FlawError("malformed", _MALFORMED)
        return self._money(exact(number_text(digits, negative, style, zeros)), currency_of(around, style.get("currency", "")))

    def sought(self, cell: str) -> Money:
        written = _WRITTEN.match(cell)
        if written is None or ("," in written["amount"] and not _GROUPED.match(written["amount"])):
            raise FlawError("malformed", _MALFORMED)
        currency = written["before"] or written["after"]
        return Money(exact(written["amount"].replace(",", "")), _currency(currency) if currency else "")

    def _money(self, amount: Decimal, currency: str) -> Money:
        if self.least is not None and amount < self.least:
            raise FlawError("out_of_range", _("expected at least {least}"), least=self.least)
        return self.fitting(Money(amount, currency)) if currency else Money(amount, currency)

    def fitting(self, money: Money) -> Money:
        """The amount itself; raises FlawError where it has more digits than its currency."""
        places = minor_units(money.currency) if self.places is None else self.places
        if money.amount != round(money.amount, places):
            raise FlawError(
                "too_precise", _("{currency} has {digits} digits after the decimal point"), currency=money.currency, digits=places
            )
        return money

    def wire(self, *cells: str) -> str:
        return f"money_wire({cells[0]}, {cells[1]})"

    def format(self, value: object) -> str:
        return f"{exact_text(value.amount, 2)} {value.currency}" if isinstance(value, Money) else ""

    def json_schema(self) -> dict[str, object]:
        return _schema({"type": "string", "pattern": r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$"}, ["amount", "currency"])

    def input_schema(self) -> dict[str, object]:
        return _schema(exact_schema(self.least), ["amount"])

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": rf"^-?[0-9]{{1,13}}(\.[0-9]{{1,4}})?( ({'|'.join(sorted(CURRENCIES))}))?$"}


def _currency(code: object) -> str:
    if not isinstance(code, str) or code not in CURRENCIES:
        raise FlawError("unknown_currency", _("expected an ISO 4217 currency such as CNY"))
    return code


def _schema(amount: dict[str, object], required: list[str]) -> dict[str, object]:
    currency = {"type": "string", "enum": sorted(CURRENCIES)}
    properties = {"amount": amount, "currency": currency}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@dataclass(frozen=True, kw_only=True)
class CurrencyField(TextField):
    """The ISO 4217 code of a currency that is legal tender somewhere, kept in capitals."""

    length: int = 3
    foreign: bool = False
    """Whether it is always another one than the tenant's own."""

    kind: ClassVar[str] = "currency"
    widget: ClassVar[str] = "currency"

    def check(self, cell: object) -> object:
        checked = TextField.check(self, cell)
        return None if checked is None else _currency(str(checked).upper())

    def sought(self, cell: str) -> object:
        return str(TextField.sought(self, cell)).upper()

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "enum": sorted(CURRENCIES)}

    def input_schema(self) -> dict[str, object]:
        return {"type": "string", "enum": sorted(CURRENCIES)}


def currency(label: Text, *, required: bool = False, unique: bool = False, match: bool = False, search: bool = False,
             track: bool = False, foreign: bool = False) -> Mapped[Any]:  # fmt: skip
    """The code of a currency."""
    return Mapped(CurrencyField(label=label, required=required, unique=unique, match=match, search=search, track=track, foreign=foreign))


def money(label: Text, *, required: bool = False, track: bool = False, readonly: bool = False,
          least: Decimal | None = None, index: bool = False, places: int | None = None) -> Mapped[Any]:  # fmt: skip
    """An amount with its currency; left out, the currency is the tenant's own. `places`: for unit prices, up to 4 digits."""
    return Mapped(MoneyField(label=label, required=required, track=track, readonly=readonly, least=least, index=index, places=places))
