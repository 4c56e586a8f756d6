"""How long something takes: whole minutes, written as 90, 1:30 or 1h 30m."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sdk import Mapped, Text, _
from sdk.fields import FlawError, IntegerField

LONGEST = 10_000_000
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d)\Z", re.ASCII)
_WORDS = re.compile(r"(?:(\d{1,6}) ?(?:h|小时|时))? ?(?:(\d{1,8}) ?(?:m|min|分钟|分))?\Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class DurationField(IntegerField):
    """Minutes: a whole number in JSON and in the database."""

    least: int = 0
    most: int = LONGEST

    kind: ClassVar[str] = "duration"
    widget: ClassVar[str] = "duration"

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        return self.check(minutes(cell)) if _parted(cell) else IntegerField.read_cell(self, cell, style)

    def sought(self, cell: str) -> object:
        return minutes(cell) if _parted(cell) else IntegerField.sought(self, cell)

    def format(self, value: object) -> str:
        if not isinstance(value, int):
            return ""
        hours, rest = divmod(value, 60)
        return f"{hours}h {rest}m" if hours and rest else f"{hours}h" if hours else f"{rest}m"


def _parted(cell: str) -> bool:
    return not cell.lstrip("+-").replace(",", "").replace(".", "").isdecimal()


def minutes(cell: str) -> int:
    """The minutes of a written duration; raises FlawError."""
    match = _CLOCK.match(cell) or _WORDS.match(cell.lower())
    if match is None or not any(match.groups()):
        raise FlawError("malformed", _("expected minutes, or a duration such as 1h 30m or 1:30"))
    hours, rest = (int(part or 0) for part in match.groups())
    return hours * 60 + rest


def duration(label: Text) -> Mapped[int | None]:
    """How long something takes."""
    return Mapped(DurationField(label=label, example="90"))
