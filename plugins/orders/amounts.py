"""What lines add up to: each line is rounded, and a document is the sum of its lines to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sdk.fields import Money
from sdk.fields.money import minor_units

HUNDRED = Decimal(100)
PARTS = ("net", "tax", "total")


@dataclass(frozen=True)
class Amounts:
    """Net, tax and total in one currency."""

    net: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.net + self.tax

    def values(self, currency: str) -> dict[str, object]:
        """As the values of a record."""
        return {name: Money(getattr(self, name), currency) for name in PARTS}


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor units, half up as invoices are."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def line_amounts(quantity: Decimal, price: Money, discount: object, tax_rate: object) -> Amounts:
    """A line: quantity times price, less the discount, plus the tax; discount and rate in per cent."""
    less = (HUNDRED - discount) / HUNDRED if isinstance(discount, Decimal) else Decimal(1)
    net = rounded(quantity * price.amount * less, price.currency)
    tax = rounded(net * tax_rate / HUNDRED, price.currency) if isinstance(tax_rate, Decimal) else Decimal(0)
    return Amounts(net, tax)


def summed(lines: Iterable[Mapping[str, object]]) -> Amounts:
    """The sum of lines that have their own amounts."""
    net = tax = Decimal(0)
    for line in lines:
        if isinstance(line["net"], Money) and isinstance(line["tax"], Money):
            net, tax = net + line["net"].amount, tax + line["tax"].amount
    return Amounts(net, tax)


def part_amounts(before: Decimal, sofar: Amounts, quantity: Decimal, price: Money, discount: object, tax_rate: object) -> Amounts:
    """A part of a line after `before` of it that came to `sofar`: what both cost in all less what there is, so that no cent is lost in parts."""
    upto = line_amounts(before + quantity, price, discount, tax_rate)
    return Amounts(upto.net - sofar.net, upto.tax - sofar.tax)
