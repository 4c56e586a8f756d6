"""To what the address of a page narrows its numbers: a period, and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from plugins.reports.periods import PRESETS, span, today
from sdk import BadRequest, Context, PageRequest, _
from sdk.clauses import sentence
from sdk.pages import Pairs

PERIOD = ("range", "from", "to")


@dataclass(frozen=True)
class Chip:
    """A condition as people read it, and the address without it; "" for one that belongs to the report."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Narrowing:
    """The period as chosen (`preset`, or two days) and the conditions `where` that are added to those of the report."""

    preset: str
    start: date | None
    end: date | None
    where: tuple[str, ...]

    @property
    def api(self) -> list[tuple[str, str]]:
        """The same for the routes of the API."""
        days = [(name, day.isoformat()) for name, day in (("from", self.start), ("to", self.end)) if day is not None]
        return [*days, *(("where", one) for one in self.where)]


def of(ctx: Context, request: PageRequest, usual: str = "") -> Narrowing:
    """What the address says; without a word of a period the usual one. Raises BadRequest for what is no day and no period."""
    asked = [name for name, _value in request.query]
    preset = request.asked("range", "" if "from" in asked or "to" in asked else usual)
    if preset and preset not in PRESETS and preset != "all":
        raise BadRequest(_("period {name!r} does not exist; available: {names}"), name=preset[:40], names=", ".join([*PRESETS, "all"]))
    start, end = span(preset, today(ctx)) if preset in PRESETS else (_day(request.asked("from")), _day(request.asked("to")))
    return Narrowing(preset, start, end, tuple(value for name, value in request.query if name == "where" and value))


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError as failure:
        raise BadRequest(_("expected a date such as 2026-01-31, got {got!r}"), got=written[:40]) from failure


def query_of(pairs: Pairs) -> str:
    """Pairs as the query of an address, "?" included; "" for none."""
    return "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs) if pairs else ""


def without(request: PageRequest, *names: str) -> list[tuple[str, str]]:
    """The pairs of the address but those of these names."""
    return [pair for pair in request.query if pair[0] not in names]


def chips(ctx: Context, entity: str, own: Sequence[str], request: PageRequest, path: str) -> list[Chip]:
    """The conditions in force: those of the report, and those of the address, each with the address without it."""
    found = [Chip(word) for word in words(ctx, entity, own)]
    for pair in request.query:
        if pair[0] == "where" and pair[1]:
            found.append(Chip(sentence(ctx, entity, pair[1]), path + query_of([other for other in request.query if other != pair])))
    return found


def words(ctx: Context, entity: str, where: Sequence[str]) -> list[str]:
    """Conditions as people read them."""
    return [sentence(ctx, entity, one) for one in where]
