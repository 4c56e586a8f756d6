"""The market factors of a series, read and laid over its periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from plugins.forecast.factors import Factor, Happenings, Index
from plugins.forecast.history import MOST_PERIODS
from plugins.forecast.periods import SEASONS, number_of, start_of
from plugins.forecast.tables import PLANNED
from sdk import Context, where
from sdk.context import Row

MOST_POINTS, MOST_EVENTS, MOST_FACTORS = 20_000, 5_000, 20
MOST_AHEAD = MOST_PERIODS + 60


class Market:
    """What a run needs of the market: read once, laid over each history."""

    def __init__(self, ctx: Context, series: UUID, grain: str) -> None:
        self.grain = grain
        rows = ctx.records("forecast.factor").find(where(series=series), MOST_FACTORS)
        self._factors = [(str(row["name"]), row) for row in rows]
        self._points = {id: _points(ctx, id) for id in {row["market_series"] for row in rows} if isinstance(id, UUID)}
        planned = ctx.records("forecast.market_series").values(self._points) if self._points else {}
        self._planned = {id: bool(row["planned"]) for id, row in planned.items()}
        kinds = {str(row["event_kind"]) for row in rows if row["event_kind"] is not None}
        self._events = {kind: ctx.records("forecast.market_event").find(where(kind=kind), MOST_EVENTS) for kind in kinds}

    def over(self, first: int) -> list[Factor]:
        """The factors of a history that begins with period `first`; those without any value are among them, and are too short to test."""
        made: list[Factor] = []
        for name, row in self._factors:
            if row["event_kind"] is not None:
                kind = str(row["event_kind"])
                made.append(Happenings(name, [_covered(event, first, self.grain) for event in self._events[kind]]))
            elif (id := row["market_series"]) in self._points and isinstance(id, UUID):
                values, lag = _by_period(self._points[id], first, self.grain), int(str(row["lag"]))
                made.append(Index(name, values, lag, self._planned.get(id, False), SEASONS[self.grain]))
        return made


def _points(ctx: Context, series: UUID) -> Sequence[Row]:
    return ctx.records("forecast.market_point").find(where(market_series=series), MOST_POINTS)


def _by_period(points: Sequence[Row], first: int, grain: str) -> Mapping[int, float]:
    """The mean of the figures of each period."""
    found: dict[int, list[float]] = {}
    for row in points:
        on = row["on"]
        assert isinstance(on, date)
        found.setdefault(number_of(on, grain) - first, []).append(float(str(row["value"])))
    return {place: sum(figures) / len(figures) for place, figures in sorted(found.items())}


def _covered(event: Row, first: int, grain: str) -> tuple[int, Mapping[int, float], bool]:
    """The first period of an event, the share that it covers of each, and whether it was known ahead."""
    start, end = event["starts_on"], event["ends_on"] or event["starts_on"]
    assert isinstance(start, date) and isinstance(end, date)
    end = min(end, date.max - timedelta(days=1))
    shares = {}
    begin, last = max(number_of(start, grain), first), min(number_of(end, grain), first + MOST_AHEAD)
    for place in range(begin, last + 1):
        begins, over = start_of(place, grain), start_of(place + 1, grain)
        days = (min(end + timedelta(days=1), over) - max(start, begins)).days
        shares[place - first] = days / (over - begins).days
    return number_of(start, grain) - first, shares, event["kind"] in PLANNED
