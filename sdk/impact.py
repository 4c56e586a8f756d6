"""What is said before a plugin leaves: who would miss it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """Records of one entity of the asked plugin that would no longer work as they do without another: their titles."""

    entity: str
    titles: Sequence[str]
