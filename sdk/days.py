"""Days: when they begin where, and those of business: what a year before 1900 or after 2200 says of a document is a slip of the hand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sdk.text import _

if TYPE_CHECKING:
    from sdk.changes import Batch

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
FIRST, LAST = date(1900, 1, 1), date(2200, 12, 31)


def day_of(word: str) -> date | None:
    """The day that a word is as programs write it; None for any other."""
    try:
        return date.fromisoformat(word) if _WRITTEN.fullmatch(word) else None
    except ValueError:
        return None


def instant(day: date, zone: ZoneInfo | str, at: time = time()) -> datetime:
    """A local time of a day, its beginning unless said otherwise, as an instant in UTC: of a time that comes twice the first; one that the
    change to summer time leaves out lands after the gap."""
    return datetime.combine(day, at, ZoneInfo(zone) if isinstance(zone, str) else zone).astimezone(UTC)


def keep_days(batch: Batch, *names: str) -> None:
    """For `prepare_changes`: refuse what these fields are newly said to be outside of the days of business."""
    for change in batch.standing():
        for name in names:
            day = change.after(name)
            if isinstance(day, date) and not FIRST <= day <= LAST and change.changes(name):
                change.refuse(
                    name, "out_of_range", _("expected a date from {least} to {most}"), least=FIRST.isoformat(), most=LAST.isoformat()
                )
