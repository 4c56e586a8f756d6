"""Intervals from the errors of the back-test, alike for every model: split conformal prediction with one scale for each step ahead.

Source: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman 2018; the level is corrected for the number of origins, since the
errors from one origin hang together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

type_array = NDArray[np.float64]
LEVELS = (0.80, 0.95)
STUDENT = (
    (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372, 1.363),
    (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201),
)
"""Two-sided quantiles of Student's t for each level, from one degree of freedom on."""


def scales(missed: type_array) -> type_array:
    """The spread of the errors for each step ahead; never smaller than a step before (pooled neighbours, weighted by their number)."""
    counts = (~np.isnan(missed)).sum(axis=0)
    squares = np.nansum(missed**2, axis=0)
    blocks: list[list[float]] = []
    for square, count in zip(squares, counts, strict=True):
        blocks.append([float(square), float(count), 1.0])
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    spread: type_array = np.sqrt(np.concatenate([np.full(int(width), square / max(count, 1.0)) for square, count, width in blocks]))
    return spread


def _mean(block: list[float]) -> float:
    square, count, _width = block
    return square / count if count else 0.0 if square else -1.0


def widths(missed: type_array) -> list[type_array]:
    """Half the width of the interval of each level, for each step ahead."""
    spread = scales(missed)
    known = ~np.isnan(missed)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(missed) / np.where(spread > 0, spread, np.inf)
    pool, groups = relative[known], int(known.any(axis=1).sum())
    spread = spread * _beyond(missed)
    return [
        spread * np.quantile(pool, min(1.0, level * (groups + 0.5) / groups)) * _few(groups, student)
        for level, student in zip(LEVELS, STUDENT, strict=True)
    ]


def _few(groups: int, student: tuple[float, ...]) -> float:
    """What few origins know less than many: three hold the greatest error of twenty seldom."""
    return student[min(max(groups - 1, 1), len(student)) - 1] / student[-1]


def _beyond(missed: type_array) -> type_array:
    """Steps that no origin was far enough from the end to test: errors are taken to grow there as those of a random walk do."""
    steps = np.arange(1, missed.shape[1] + 1)
    tested = int(steps[(~np.isnan(missed)).any(axis=0)].max())
    return np.sqrt(np.maximum(steps, tested) / tested)


def coverage(missed: type_array) -> float:
    """The share of actual values within the interval of 80 % that the other origins would have given."""
    inside, rows = [], range(len(missed))
    for row in rows:
        width = widths(np.delete(missed, row, axis=0))[0]
        there = ~np.isnan(missed[row])
        inside += (np.abs(missed[row][there]) <= width[there]).tolist()
    return float(np.mean(inside))
