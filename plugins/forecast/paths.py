"""The way of a deal through its stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Step:
    """When a deal came from which stage into which, and how many seconds it had been there."""

    at: datetime
    stage: object
    came_from: object
    seconds: int | None


def way(steps: Iterable[Step], stands_in: object, since: datetime | None) -> Sequence[Step]:
    """The steps that led a deal to where it stands since a moment, oldest first.

    A deal of which others have become part has their steps as well: what they did at the same time is not where it was. So its way is followed
    backwards, each time to the step into the stage that it came from, at the moment at which it came there.
    """
    left = sorted(steps, key=lambda step: step.at)
    if [step.came_from for step in left[1:]] == [step.stage for step in left[:-1]]:
        return left
    found = list[Step]()
    there = [step for step in left if step.stage == stands_in] or left
    ends = [step for step in there if step.at == since] or there
    while ends:
        step = ends[-1]
        found.insert(0, step)
        left = [one for one in left if one.at <= step.at and one is not step]
        ends = [one for one in left if one.stage == step.came_from]
        if step.seconds is not None and ends:
            entered = step.at - timedelta(seconds=step.seconds)
            ends.sort(key=lambda one: abs(one.at - entered), reverse=True)
    return found
