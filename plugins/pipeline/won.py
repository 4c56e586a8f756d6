"""What was won: last month and this month, as two figures that nobody has to look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from plugins.pipeline.process import Process
from sdk import Condition, Context, Panel, Rendering, Slot, _
from sdk.context import Row

DEAL, VALUE = "pipeline.deal", "sum:base_amount"
_MONTHS_SHOWN = 2


@dataclass(frozen=True)
class Figure:
    """A month: its first day, what its won deals come to, how many they are and how many of them have no amount in the company's currency for want of
    a rate, by how many per cent it is more than the month before; a month that is not over is compared with as many days of the one before, to `day`."""

    label: str
    month: date
    amount: object
    count: int
    change: Decimal | None
    before: date
    href: str
    day: int | None = None
    unpriced: int = 0


def won(ctx: Context, narrow: Mapping[str, object]) -> Rendering | None:
    """The last month and the present one of the won deals that the actor sees; of a dashboard's person and pipeline, where it has one."""
    known = ctx.records(DEAL).fields()
    if not {"status", "close_date", "base_amount"} <= known.keys():
        return None
    today = Process(ctx).today
    first = today.replace(day=1)
    months = [_months_from(first, number) for number in range(-_MONTHS_SHOWN, _MONTHS_SHOWN)]
    only = [Condition(name, "eq", (str(narrow[name]),)) for name in ("owner", "pipeline") if narrow.get(name) and name in known]
    span = (Condition("close_date", "gte", (months[0],)), Condition("close_date", "lt", (months[-1],)))
    rows = ctx.records(DEAL).aggregate((VALUE, "count"), ("close_date:month",), (Condition("status", "eq", ("won",)), *span, *only))
    by_month = {str(row["close_date:month"]): row for row in rows}
    bare = _unpriced(ctx, (*span, *only)) if "amount" in known else {}
    day = _so_far(today)
    last = _figure(ctx, ctx.say(_("Won last month")), months[:3], by_month, only)
    if day is not None:
        days = (Condition("close_date", "gte", (months[1],)), Condition("close_date", "lte", (months[1].replace(day=day),)))
        (then,) = ctx.records(DEAL).aggregate((VALUE,), (), (Condition("status", "eq", ("won",)), *days, *only))
        by_month[f"{months[1]:%Y-%m}"] = then
    now = _figure(ctx, ctx.say(_("Won this month")), months[1:], by_month, only)
    figures = [replace(one, unpriced=bare.get(f"{one.month:%Y-%m}", 0)) for one in (last, replace(now, day=day))]
    return Rendering("pipeline/won.html", {"figures": figures})


def _unpriced(ctx: Context, filter: tuple[Condition, ...]) -> dict[str, int]:
    """By month how many won deals have an amount that no rate has converted: they are counted, and in no sum."""
    bare = (
        Condition("status", "eq", ("won",)),
        Condition("base_amount", "empty", ("true",)),
        Condition("amount", "empty", ("false",)),
        *filter,
    )
    return {
        str(row["close_date:month"]): int(str(row["count"])) for row in ctx.records(DEAL).aggregate(("count",), ("close_date:month",), bare)
    }


def _so_far(today: date) -> int | None:
    """To which day of the last month the present one is compared, as long as both are not over by then."""
    ends = today.replace(day=1) - timedelta(days=1)
    return today.day if today.day < ends.day and (today + timedelta(days=1)).day != 1 else None


def _months_from(first: date, number: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
    return date(year, month + 1, 1)


def _figure(ctx: Context, label: str, span: list[date], by_month: Mapping[str, Row], only: list[Condition]) -> Figure:
    before, month, after = span
    there, then = by_month.get(f"{month:%Y-%m}", {}), by_month.get(f"{before:%Y-%m}", {})
    asked = [("status", "won"), ("close_date[gte]", f"{month}"), ("close_date[lt]", f"{after}")]
    asked += [(one.field, str(one.values[0])) for one in only]
    amount = there.get(VALUE) or {"amount": "0", "currency": ctx.tenant.currency}
    href = ctx.page("/pipeline/deals") + "?" + urlencode([*asked, ("sort", "-amount")])
    return Figure(label, month, amount, int(str(there.get("count", 0))), _change(there.get(VALUE), then.get(VALUE)), before, href)


def _change(there: object, then: object) -> Decimal | None:
    """By how many per cent it is more than before; None where that cannot be said."""
    now, past = _plain(there), _plain(then)
    return ((now - past) / past * 100).quantize(Decimal(1)) if past else None


def _plain(value: object) -> Decimal:
    return Decimal(str(value["amount"])) if isinstance(value, Mapping) else Decimal(0)


PANELS = (
    Panel("won", slot=Slot.HOME, label=_("Won deals"), permission=f"{DEAL}.read", view=won, position=5),
    Panel("won_months", slot=Slot.TILE, label=_("Won last month and this month"), permission=f"{DEAL}.read", view=won),
)
