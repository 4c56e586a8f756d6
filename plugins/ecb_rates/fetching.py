"""From the bank to the company's exchange rates: what it published since the last rate of each currency that is in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from plugins.ecb_rates.bank import RECENT, Day, UnreadableError, read
from plugins.ecb_rates.settings import EcbRates
from sdk import Condition, Conflict, Context, Draft, Query, _
from sdk.calls import Call
from sdk.rates import RATE_PLACES

RATE, CURRENCY = "company.rate", "company.currency"
SOURCE = "ECB"
MOST_BYTES, MOST_CURRENCIES = 1_000_000, 200
LEAST = Decimal(1).scaleb(-RATE_PLACES)


@dataclass(frozen=True, slots=True)
class Known:
    """The currencies in use beside the company’s own, and from which day on their latest rate is, however it came."""

    since: Mapping[str, date | None]

    def __bool__(self) -> bool:
        return bool(self.since)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rates were new, the latest day that the bank has published, and the currencies for which it has no rates."""

    written: int
    latest: date | None
    unlisted: Sequence[str]


def known(ctx: Context) -> Known:
    """What there is before anybody asks the bank."""
    with ctx.transaction():
        used = ctx.records(CURRENCY).find((Condition("active", "eq", (True,)),), MOST_CURRENCIES)
        codes = sorted(str(row["code"]) for row in used if row["code"] != ctx.tenant.currency)
        return Known({code: _latest(ctx, code) for code in codes})


def _latest(ctx: Context, code: str) -> date | None:
    asked = Query((Condition("currency", "eq", (code,)),), sort=("-on",), fields=("on",), limit=1)
    return next((date.fromisoformat(str(row["on"])) for row in ctx.records(RATE).query(asked).data), None)


def ask(ctx: Context, there: Known) -> list[Day]:
    """What the bank has published; outside of any transaction. Raises Conflict where it cannot be reached, or not be understood."""
    if not there:
        return []
    reply = ctx.call(Call(RECENT, method="GET", most=MOST_BYTES))
    if reply.status != 200:
        text = _("the European Central Bank can’t be reached ({why}); the rates entered so far stay in force")
        raise Conflict(text, code="bank_away", why=str(reply.status or reply.text)[:200])
    try:
        return read(reply.text)
    except UnreadableError as failure:
        text = _("the European Central Bank’s answer can’t be read ({why}); the rates entered so far stay in force")
        raise Conflict(text, code="bank_unreadable", why=str(failure)[:200]) from failure


def keep(ctx: Context, days: Sequence[Day]) -> Outcome:
    """Write down the rates of days after the latest that each currency has: nobody's own rate is overwritten, and no day before it priced anew.

    Within a write transaction. Raises Conflict where the bank has no rate of the company’s own currency.
    """
    there, own = known(ctx), ctx.tenant.currency
    if not there or not days:
        return Outcome(0, None, ())
    if own not in days[0].per_euro:
        text = _("the European Central Bank publishes no rate for {own}, the company’s own currency: enter the exchange rates yourself")
        raise Conflict(text, code="currency_unlisted", own=own)
    drafts = [Draft("create", values) for day in sorted(days, key=lambda day: day.on) for values in _of_day(day, there, own)]
    ctx.records(RATE).write_all(drafts)
    return Outcome(len(drafts), days[0].on, [code for code in there.since if code not in days[0].per_euro])


def _of_day(day: Day, there: Known, own: str) -> Iterable[dict[str, object]]:
    for code, since in there.since.items():
        worth = day.worth(code, own)
        if worth is None or (since is not None and day.on <= since):
            continue
        rate = worth.quantize(LEAST, ROUND_HALF_EVEN)
        if rate >= LEAST:
            yield {"currency": code, "on": day.on.isoformat(), "rate": str(rate), "source": SOURCE}


def each_day(ctx: Context) -> None:
    """Fetch what is new, where the administrator wants that; a failure stands among the failed jobs, and is tried again."""
    if not ctx.settings(EcbRates)["automatic"]:
        return
    days = ask(ctx, known(ctx))
    with ctx.transaction(write=True):
        keep(ctx, days)
