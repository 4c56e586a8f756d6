"""Exchange rates: who supplies them, and amounts in the tenant's own currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, TypeAlias

from sdk.fields.money import Money, minor_units
from sdk.filters import Condition
from sdk.text import _

if TYPE_CHECKING:
    from sdk.changes import Batch
    from sdk.context import Context

RATE_PLACES = 10
"""Digits of a rate behind the point: one Indonesian rupiah is 0.00045 yuan."""
Pair: TypeAlias = "tuple[str, date]"
"""A currency and the day on which its rate is asked for."""


@dataclass(frozen=True)
class RateSource:
    """Gives the rates in force on given days, as units of the tenant's currency for one unit; leaves out what it does not know.

    `rates` is asked once for a batch, never for the tenant's own currency. Sources are asked in order until all is known.
    """

    name: str
    rates: Callable[[Context, Sequence[Pair]], Mapping[Pair, Decimal]]
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount in the tenant's currency and the rate behind it; both None where there is no rate: counted, not priced."""

    amount: Money | None = None
    rate: Decimal | None = None


def priced(ctx: Context, wanted: Sequence[tuple[Money, date]]) -> list[Priced]:
    """Each amount at the rate of its day, rounded half to even to the currency's minor units; one question for all."""
    rates = ctx.rates([(money.currency, day) for money, day in wanted])
    found = [(money, rates[money.currency, day]) for money, day in wanted]
    return [Priced(None if rate is None else at_rate(ctx, money, rate), rate) for money, rate in found]


def at_rate(ctx: Context, money: Money, rate: Decimal) -> Money:
    """An amount in the tenant's currency at a rate that is known, rounded half to even to the currency's minor units."""
    base = ctx.tenant.currency
    return Money((money.amount * rate).quantize(Decimal(1).scaleb(-minor_units(base)), ROUND_HALF_EVEN), base)


def keep_base_currency(ctx: Context, batch: Batch, entity: str, field: str) -> None:
    """For `validate_changes`: the tenant's own currency stays once records of `entity` have their amount in it in `field`."""
    for change in batch.changes if batch.entity == "core.tenant" else ():
        if change.changes("currency") and ctx.as_system().records(entity).find((Condition(field, "empty", ("false",)),), 1):
            text = _("there are amounts in the company’s current currency ({entity}.{field}), so it can’t be changed any more")
            change.forbid("amounts_exist", text, entity=entity, field=field)
