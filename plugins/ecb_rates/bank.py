"""What the European Central Bank publishes: how much of each currency one euro was worth on a day.

Source: its euro foreign exchange reference rates, an XML document of `Cube` elements. The day's appears at about 16:00 CET on working days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

HOST = "www.ecb.europa.eu"
RECENT = f"https://{HOST}/stats/eurofxref/eurofxref-hist-90d.xml"
"""The last 90 days, about 80 kB: whatever was missed meanwhile is in it."""
EURO = "EUR"


class UnreadableError(Exception):
    """The document is not what the bank publishes; its text says why."""


@dataclass(frozen=True, slots=True)
class Day:
    """The rates of a day: units of each currency for one euro, the euro's own among them."""

    on: date
    per_euro: dict[str, Decimal] = field(default_factory=lambda: {EURO: Decimal(1)})

    def worth(self, currency: str, own: str) -> Decimal | None:
        """Units of `own` for one of `currency`; None where the bank knows one of them not."""
        one, other = self.per_euro.get(currency), self.per_euro.get(own)
        return None if one is None or other is None else other / one


def read(document: str) -> list[Day]:
    """The days of a document, the latest first. Raises UnreadableError for what is none, and for one without a day."""
    days: list[Day] = []

    def opened(name: str, said: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in said:
            days.append(Day(date.fromisoformat(said["time"])))
        elif "currency" in said and days:
            days[-1].per_euro[said["currency"]] = _rate(said["rate"])

    def refuse(*_declared: object) -> None:  # an entity may be a billion of them
        raise UnreadableError("it declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EntityDeclHandler = opened, refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, KeyError) as failure:
        raise UnreadableError(str(failure)) from failure
    if not days:
        raise UnreadableError("it has no day")
    return sorted(days, key=lambda day: day.on, reverse=True)


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no rate") from None
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"{text!r} is no rate")
    return rate
