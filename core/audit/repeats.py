"""Attempts without a right that come again and again: a program that polls an address it may not read must not fill the chain.

See docs/decisions/0059-attempts-that-come-again.md.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

WINDOW = timedelta(hours=1)
"""So long an actor's attempts at one right are taken together, from the first of them."""
SINGLY = 20
"""On how many records they are told one by one; what comes again, or comes to more, is counted."""
STEP = 10
"""What is counted is told each time it is so many times more."""
TIMES = "times"
_MOST_KNOWN = 10_000
type_key = tuple[UUID, UUID | None, UUID | None, str, str]


@dataclass
class _Series:
    began: datetime
    records: set[UUID] = field(default_factory=set)
    counted: int = 0
    due: int = STEP
    told: int = 0
    owed: int = 0
    """For how many the next entry stands beside its own: what an hour before has left over, or what could not be written."""


class Repeats:
    """What this process has told of attempts, by actor and right."""

    def __init__(self) -> None:
        self._series: OrderedDict[type_key, _Series] = OrderedDict()
        self._lock = threading.Lock()

    def to_tell(self, attempts: Iterable[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
        """Of these entries those to be written; `times` says for how many attempts one stands that no other has told, itself among them."""
        with self._lock:
            return [told for one in attempts if (told := self._told(one, now)) is not None]

    def _told(self, entry: dict[str, Any], now: datetime) -> dict[str, Any] | None:
        key = _key(entry)
        series = self._series.get(key)
        if series is None or not timedelta() <= now - series.began < WINDOW:
            series = self._series[key] = _Series(now, owed=0 if series is None else series.owed + series.counted - series.told)
        self._series.move_to_end(key)
        while len(self._series) > _MOST_KNOWN:
            self._series.popitem(last=False)
        new = entry["record_id"] not in series.records and len(series.records) < SINGLY
        if new or series.owed:
            if new:
                series.records.add(entry["record_id"])
            owed, series.owed = series.owed, 0
            return _with(entry, owed + 1) if owed else entry
        series.counted += 1
        if series.counted < series.due:
            return None
        untold, series.told, series.due = series.counted - series.told, series.counted, series.due * STEP
        return _with(entry, untold)

    def take_back(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """These could not be written after all: the next attempt of each kind is told at once, with all that they stood for."""
        with self._lock:
            for entry in entries:
                if (series := self._series.get(_key(entry))) is not None:
                    series.owed += entry["changes"].get(TIMES, (None, 1))[1]


def _key(entry: Mapping[str, Any]) -> type_key:
    return (entry["tenant_id"], entry["actor_id"], entry["impersonator_id"], entry["channel"], entry["changes"]["permission"][1])


def _with(entry: Mapping[str, Any], times: int) -> dict[str, Any]:
    return {**entry, "changes": {**entry["changes"], TIMES: [None, times]}}
